import { AppError } from "../base/errors.ts";
import { grabFrame } from "./ffmpeg.ts";
import type { MediaFacts, MediaRequest, ThumbnailOutcome } from "./media_facts.ts";
import { mediaTypeOfExt } from "./sniff.ts";
import { openPicture, type PictureFacts, readPictureFacts, writeThumbnail } from "./thumbnail.ts";
import { readVideoFacts, sniffFilm } from "./video.ts";
import type { VideoFacts } from "./video_facts.ts";

/**
 * Reads a file's size, length and frames and makes its thumbnail: the media worker's first method.
 *
 * A file that cannot be decoded is an answer (`thumbnail: "failed"`, with what could be read of it), not
 * an error; so is a picture over IMAGE_PIXELS_MAX. A film's thumbnail is one of its frames.
 *
 * @throws {AppError} `not_found`, `forbidden`, `disk_full` … if a file cannot be read or written;
 *   `unsupported_media` for an ending that the library does not store.
 */
export async function inspectMedia(request: MediaRequest): Promise<MediaFacts> {
  if (kindOf(request) === "video") {
    const facts = await readVideoFacts(request.path);
    return { ...toMediaFacts(facts), ...toFilmFacts(facts), ...await makePoster(request, facts) };
  }
  const input = await openPicture(request.path);
  let facts: PictureFacts | undefined;
  const outcome = await orFailed(async () => {
    facts = await readPictureFacts(input);
    await writeThumbnail(input, request.thumbnailPath);
  });
  return { ...toMediaFacts(facts), frames: facts?.pages ?? null, ...outcome };
}

/**
 * Makes the thumbnail of a file again: the media worker's second method.
 *
 * @throws {AppError} As {@link inspectMedia} does.
 */
export async function renewThumbnail(request: MediaRequest): Promise<ThumbnailOutcome> {
  if (kindOf(request) === "video") {
    return await makePoster(request, await readVideoFacts(request.path));
  }
  const input = await openPicture(request.path);
  return await orFailed(async () => {
    await writeThumbnail(input, request.thumbnailPath);
  });
}

function kindOf(request: MediaRequest): "image" | "video" {
  const type = mediaTypeOfExt(request.ext);
  if (type !== undefined) return type.kind;
  throw new AppError("unsupported_media", `Cannot inspect "${request.path}": unknown type`, {
    details: { path: request.path, ext: request.ext },
  });
}

/** Without a frame there is no thumbnail: what is missing today is made when ffmpeg is there. */
async function makePoster(
  { path, thumbnailPath }: MediaRequest,
  facts: VideoFacts | undefined,
): Promise<ThumbnailOutcome> {
  const film = facts === undefined ? undefined : await sniffFilm(path);
  const source = film && await grabFrame(film, facts?.durationMs ?? null);
  if (!source) return { thumbnail: "none", thumbnailError: null };
  return await orFailed(async () => {
    await writeThumbnail({ path, source }, thumbnailPath);
  });
}

/** Turns what is the content's fault into an answer; all else stays an error. */
async function orFailed(make: () => Promise<void>): Promise<ThumbnailOutcome> {
  try {
    await make();
    return { thumbnail: "made", thumbnailError: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code !== "undecodable_media" && error.code !== "timeout") throw error;
    return { thumbnail: "failed", thumbnailError: error.message };
  }
}

function toMediaFacts(
  facts: { width: number; height: number; durationMs: number | null } | undefined,
): Omit<MediaFacts, keyof ThumbnailOutcome> {
  return {
    width: facts?.width ?? null,
    height: facts?.height ?? null,
    durationMs: facts?.durationMs ?? null,
    frameRate: null,
    videoCodec: null,
    hasAudio: null,
    frames: null,
  };
}

function toFilmFacts(
  facts: VideoFacts | undefined,
): Pick<MediaFacts, "frameRate" | "videoCodec" | "hasAudio"> {
  return {
    frameRate: facts?.frameRate ?? null,
    videoCodec: facts?.codec ?? null,
    hasAudio: facts?.hasAudio ?? null,
  };
}
