import { fileByteSource } from "./container.ts";
import { type Film, probeVideoFacts } from "./ffmpeg.ts";
import { toFileError } from "./file_error.ts";
import { readMp4Facts } from "./mp4.ts";
import { SNIFF_BYTES, sniffMediaType } from "./sniff.ts";
import { checkVideoFacts, type VideoFacts } from "./video_facts.ts";
import { readWebmFacts } from "./webm.ts";

/**
 * Reads size, length, frame rate, codec and whether there is sound of an mp4 or WebM film: by ffprobe where
 * it is installed, else by what the container says. Nothing is decoded.
 *
 * `undefined` if the file is neither, or holds no picture of a sensible size.
 *
 * Cost: a process of 50 ms with ffprobe; else a few reads of 4 KiB, at most 4,096 for a hostile file.
 * Source: chibi:utils/video_utils.py
 *
 * @throws {AppError} `not_found`, `forbidden` … if the file cannot be read, `timeout`.
 */
export async function readVideoFacts(path: string): Promise<VideoFacts | undefined> {
  try {
    const film = await sniffFilm(path);
    if (film === undefined) return undefined;
    const probed = await probeVideoFacts(film);
    return probed === null ? await readContainerFacts(film) : probed;
  } catch (error) {
    throw toFileError("read", path, error);
  }
}

/** Reads what the container of a film says, as {@link readVideoFacts} does without ffprobe. */
export async function readContainerFacts(film: Film): Promise<VideoFacts | undefined> {
  using file = await Deno.open(film.path);
  const source = await fileByteSource(file);
  const facts = film.ext === "mp4" ? await readMp4Facts(source) : await readWebmFacts(source);
  return facts && checkVideoFacts(facts);
}

/** A file as a film of the type that its bytes have; `undefined` if it is none. */
export async function sniffFilm(path: string): Promise<Film | undefined> {
  const head = new Uint8Array(SNIFF_BYTES);
  using file = await Deno.open(path);
  const count = await file.read(head) ?? 0;
  const ext = sniffMediaType(head.subarray(0, count))?.ext;
  return ext === "mp4" || ext === "webm" ? { path, ext } : undefined;
}
