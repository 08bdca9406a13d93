/** A stored file of a known type, and where its thumbnail goes. Both paths are already checked. */
export type MediaRequest = { path: string; ext: string; thumbnailPath: string };

/** What became of a thumbnail; `thumbnailError` is set exactly when it failed. */
export type ThumbnailOutcome = {
  thumbnail: "made" | "placeholder" | "failed";
  thumbnailError: string | null;
};

/** What is known of a file after it was looked into; `null` where its content does not say. */
export type MediaFacts = ThumbnailOutcome & {
  width: number | null;
  height: number | null;
  durationMs: number | null;
  /** Frames of a picture, 1 for a still one; `null` for a film. */
  frames: number | null;
};
