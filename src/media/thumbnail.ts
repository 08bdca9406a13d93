import { dirname, join } from "node:path";
import sharp from "sharp";
import { AppError, toMessage } from "../base/errors.ts";
import { DECODE_TIMEOUT_S, IMAGE_PIXELS_MAX, THUMBNAIL_SIDE_PX } from "../base/limits.ts";
import { countApngFrames } from "./apng.ts";
import { toFileError } from "./file_error.ts";

/** What a picture's own header says. */
export type PictureFacts = {
  /** As it is shown: with the EXIF orientation applied. */
  width: number;
  height: number;
  /** Frames of an animation, 1 for a still picture. */
  pages: number;
  /** Length of one round of an animation, `null` if the header does not say. */
  durationMs: number | null;
  hasAlpha: boolean;
  /** The decoder's name: png, jpeg, gif, webp, heif (which is AVIF here). */
  format: string;
};

/** What was written as a thumbnail. */
export type ThumbnailFacts = { width: number; height: number; sizeBytes: number };

/** A picture on its way to the decoder: its bytes, or its path when it is too large to hold. */
export type PictureInput = { readonly path: string; readonly source: Uint8Array | string };

/** Pictures up to this size are read into memory once and decoded from there, at three times its cost. */
const HELD_BYTES_MAX = 16 * 1_048_576;
/** The decoder reads a path ending in `]` as a name with options: such a file is held up to this size. */
const ODD_NAME_BYTES_MAX = 256 * 1_048_576;
/** The part of a picture that lies before its pixels, where an APNG declares its frames. */
const PNG_HEAD_BYTES = 65_536;
const WEBP_QUALITY = 80;
/** Measured: 40% less time than the default (4) for 4% more bytes. */
const WEBP_EFFORT = 2;
const ERROR_LENGTH_MAX = 300;

/*
 * Every loader of libvips but those of JPEG, PNG, WebP, GIF and AVIF: SVG (scripts, entities, files of
 * others) and the rest never see a byte. The block holds for the whole process, and every media worker
 * sets it when it starts: so it only ever forbids. Forbidding all and allowing five again would make the
 * other workers' jobs of that moment fail.
 */
const LOADERS_BLOCKED = [
  "Analyze",
  "Csv",
  "DcRaw",
  "Fits",
  "Jp2k",
  "Jxl",
  "Magick",
  "Magick7",
  "Mat",
  "Matrix",
  "Nifti",
  "OpenExr",
  "Openslide",
  "Pdf",
  "Ppm",
  "Rad",
  "Raw",
  "Svg",
  "Tiff",
  "Uhdr",
  "Vips",
].map((name) => `VipsForeignLoad${name}`);

let isConfigured = false;
/** The last job of this isolate; each one waits for it, so that one isolate decodes one picture. */
let lastJob: Promise<void> = Promise.resolve();

/**
 * Reads a picture's size, frames and transparency from its header; no pixel is decoded.
 *
 * The limit on pixels does not apply here: a picture too large for a thumbnail still has a size.
 *
 * @throws {AppError} `undecodable_media` if no decoder of the library's types recognises the file;
 *   `not_found`, `forbidden` … if it cannot be read.
 */
export async function readPicture(path: string): Promise<PictureFacts> {
  return await readPictureFacts(await openPicture(path));
}

/**
 * Writes the thumbnail of a picture as WebP, in one step, and makes missing folders.
 *
 * The longer side has THUMBNAIL_SIDE_PX at most and nothing is enlarged. EXIF orientation is applied,
 * animations give their first frame, transparency stays, metadata goes, colours become sRGB. A
 * truncated picture gives what can be decoded of it.
 *
 * Cost: 10 to 80 ms for a picture of a megapixel, on a thread of the decoder; one picture at a time in
 * an isolate. The thumbnail is not forced to the disk: it can be made again.
 *
 * @throws {AppError} `undecodable_media` if it is no picture or has over IMAGE_PIXELS_MAX pixels,
 *   `timeout` after DECODE_TIMEOUT_S; `not_found`, `disk_full` … if a file cannot be read or written.
 */
export async function makeThumbnail(path: string, outPath: string): Promise<ThumbnailFacts> {
  return await writeThumbnail(await openPicture(path), outPath);
}

/**
 * Takes a picture's bytes for {@link readPictureFacts} and {@link writeThumbnail} together.
 *
 * Bytes rather than a path, so that both see the same content; pictures above 16 MiB stay on the disk,
 * where decoding them costs a third of the memory.
 *
 * @throws {AppError} `not_found`, `forbidden` … naming the file; `undecodable_media` for one above
 *   256 MiB whose name ends in `]`.
 */
export async function openPicture(path: string): Promise<PictureInput> {
  try {
    const entry = await Deno.stat(path);
    if (!entry.isFile) throw new AppError("bad_request", `Cannot read "${path}": it is not a file`);
    const isOdd = path.endsWith("]");
    if (isOdd && entry.size > ODD_NAME_BYTES_MAX) {
      throw undecodable(path, `it is over 256 MiB and its name ends in "]"`);
    }
    const isHeld = isOdd || entry.size <= HELD_BYTES_MAX;
    return { path, source: isHeld ? await Deno.readFile(path) : path };
  } catch (error) {
    throw toFileError("read", path, error);
  }
}

/** Does the work of {@link readPicture} on a picture that was taken by {@link openPicture}. */
export async function readPictureFacts(input: PictureInput): Promise<PictureFacts> {
  const metadata = await decode(input, (source) => {
    return sharp(source, { failOn: "none", limitInputPixels: false }).metadata();
  });
  const apngFrames = metadata.format === "png" ? countApngFrames(await readHead(input)) : undefined;
  const pages = apngFrames ?? metadata.pages ?? 1;
  const delays = metadata.delay ?? [];
  return {
    width: metadata.autoOrient.width,
    height: metadata.autoOrient.height,
    pages,
    durationMs: pages > 1 && delays.length > 0 ? delays.reduce((sum, ms) => sum + ms, 0) : null,
    hasAlpha: metadata.hasAlpha,
    format: metadata.format,
  };
}

/** Does the work of {@link makeThumbnail} on a picture that was taken by {@link openPicture}. */
export async function writeThumbnail(
  input: PictureInput,
  outPath: string,
): Promise<ThumbnailFacts> {
  const { data, info } = await decode(input, (source) => {
    return sharp(source, { failOn: "none", limitInputPixels: IMAGE_PIXELS_MAX })
      .timeout({ seconds: DECODE_TIMEOUT_S })
      .autoOrient()
      .resize({
        width: THUMBNAIL_SIDE_PX,
        height: THUMBNAIL_SIDE_PX,
        fit: "inside",
        withoutEnlargement: true,
      })
      .toColourspace("srgb")
      .webp({ quality: WEBP_QUALITY, effort: WEBP_EFFORT })
      .toBuffer({ resolveWithObject: true });
  });
  await writeAside(outPath, data);
  return { width: info.width, height: info.height, sizeBytes: data.length };
}

/**
 * Resolves when no job of this isolate is in the decoder.
 *
 * A worker that is ended while a job runs takes the process with it: wait for this before.
 */
export async function settlePictures(): Promise<void> {
  while (true) {
    const job = lastJob;
    await job;
    if (job === lastJob) return;
  }
}

/** Runs one decoder job in turn and turns its failure into an error that names the picture. */
async function decode<T>(
  input: PictureInput,
  job: (source: Uint8Array | string) => Promise<T>,
): Promise<T> {
  if (input.source.length === 0) throw undecodable(input.path, "the file is empty");
  try {
    return await inTurn(() => job(input.source));
  } catch (error) {
    // The decoder writes other complaints before and after this line.
    if (!/^timeout: /m.test(toMessage(error))) throw undecodable(input.path, toReason(error));
    const message = `Cannot decode "${input.path}" within ${DECODE_TIMEOUT_S} s`;
    throw new AppError("timeout", message, { details: { path: input.path }, cause: error });
  }
}

function undecodable(path: string, reason: string): AppError {
  return new AppError("undecodable_media", `Cannot decode "${path}": ${reason}`, {
    details: { path, reason },
  });
}

/** One job at a time: the decoder would start a thread for each call. */
function inTurn<T>(job: () => Promise<T>): Promise<T> {
  configure();
  const result = lastJob.then(job);
  lastJob = result.then(() => {}, () => {});
  return result;
}

function configure(): void {
  if (isConfigured) return;
  isConfigured = true;
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: LOADERS_BLOCKED });
}

/** The decoder's complaint in one short line: where it repeats itself, its last line says most. */
function toReason(error: unknown): string {
  const lines = toMessage(error).split("\n").map((line) => line.trim()).filter((line) =>
    line !== ""
  );
  const line = lines[0]?.startsWith("Input")
    ? lines[0]
    : lines.findLast((text) => text.length > 12);
  return (line ?? "the decoder gave no reason").slice(0, ERROR_LENGTH_MAX);
}

async function readHead(input: PictureInput): Promise<Uint8Array> {
  if (typeof input.source !== "string") return input.source.subarray(0, PNG_HEAD_BYTES);
  using file = await Deno.open(input.source);
  const head = new Uint8Array(PNG_HEAD_BYTES);
  return head.subarray(0, await file.read(head) ?? 0);
}

/** Writes beside the target and renames, so that nobody ever sees half a file. */
async function writeAside(outPath: string, data: Uint8Array): Promise<void> {
  const folder = dirname(outPath);
  const temporary = join(folder, `.${crypto.randomUUID()}.tmp`);
  try {
    await writeIntoFolder(temporary, folder, data);
    await Deno.rename(temporary, outPath);
  } catch (error) {
    // What went wrong first is what the caller must hear, whether or not this works.
    await Deno.remove(temporary).catch(() => {});
    throw toFileError("write", outPath, error);
  }
}

async function writeIntoFolder(path: string, folder: string, data: Uint8Array): Promise<void> {
  try {
    await Deno.writeFile(path, data, { createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeFile(path, data, { createNew: true });
  }
}
