/** A stored file of a known type, and where its thumbnail goes. Both paths are already checked. */
export type MediaRequest = { path: string; ext: string; thumbnailPath: string };

/**
 * What became of a thumbnail; `thumbnailError` is set exactly when it failed. `none`: no frame of a film
 * could be had, for want of ffmpeg or because it decodes none; nothing was written.
 */
export type ThumbnailOutcome = {
  thumbnail: "made" | "none" | "failed";
  thumbnailError: string | null;
};

/** What is known of a file after it was looked into; `null` where its content does not say. */
export type MediaFacts = ThumbnailOutcome & {
  width: number | null;
  height: number | null;
  durationMs: number | null;
  /** Of a film: frames a second, codec, sound. */
  frameRate: number | null;
  videoCodec: string | null;
  hasAudio: boolean | null;
  /** Frames of a picture, 1 for a still one; `null` for a film. */
  frames: number | null;
};
