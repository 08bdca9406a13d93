import type { MediaFacts, ThumbnailOutcome } from "./media_facts.ts";
import { mediaTypeOfExt } from "./sniff.ts";
import { readPicture } from "./thumbnail.ts";
import { readVideoFacts } from "./video.ts";

/** What a file's own header says of it. */
export type HeaderFacts = Omit<MediaFacts, keyof ThumbnailOutcome>;

/**
 * Reads what a stored file says of itself, and makes no thumbnail: the media worker's third method.
 *
 * @throws {AppError} `undecodable_media` if no decoder knows the picture; `not_found`, `forbidden` … if
 *   the file cannot be read.
 */
export async function readMediaFacts(file: { path: string; ext: string }): Promise<HeaderFacts> {
  if (mediaTypeOfExt(file.ext)?.kind === "video") {
    const film = await readVideoFacts(file.path);
    return {
      width: film?.width ?? null,
      height: film?.height ?? null,
      durationMs: film?.durationMs ?? null,
      frameRate: film?.frameRate ?? null,
      videoCodec: film?.codec ?? null,
      hasAudio: film?.hasAudio ?? null,
      frames: null,
    };
  }
  const { width, height, durationMs, pages } = await readPicture(file.path);
  return {
    width,
    height,
    durationMs,
    frameRate: null,
    videoCodec: null,
    hasAudio: null,
    frames: pages,
  };
}
