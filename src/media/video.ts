import { THUMBNAIL_SIDE_PX } from "../base/limits.ts";
import { fileByteSource, type VideoFacts } from "./container.ts";
import { toFileError } from "./file_error.ts";
import { readMp4Facts } from "./mp4.ts";
import { SNIFF_BYTES, sniffMediaType } from "./sniff.ts";
import { writePixels } from "./thumbnail.ts";
import { readWebmFacts } from "./webm.ts";

/** Widest side of a film that is believed. */
const SIDE_MAX_PX = 32_768;
/** Longest film that is believed: a year. */
const DURATION_MAX_MS = 366 * 24 * 3_600_000;

const TILE_RATIO_DEFAULT = 16 / 9;
const TILE_RATIO_MAX = 3;
/** Tile, disc and triangle of the placeholder, as grey levels. */
const TILE_GREY = 38;
const DISC_GREY = 66;
const TRIANGLE_GREY = 205;
/** Points sampled along each side of a pixel, for smooth edges. */
const SAMPLES = 3;

/**
 * Reads size and length of an mp4 or WebM film from its container, without decoding.
 *
 * `undefined` if the file is neither, or describes no video track with a sensible size. What the
 * container claims is not checked against the pictures in it.
 *
 * Cost: a few reads of 4 KiB; at most 4,096 for a hostile file.
 *
 * @throws {AppError} `not_found`, `forbidden` … if the file cannot be read.
 */
export async function readVideoFacts(path: string): Promise<VideoFacts | undefined> {
  try {
    using file = await Deno.open(path);
    const source = await fileByteSource(file);
    const type = sniffMediaType(await source.read(0, SNIFF_BYTES));
    if (type?.ext === "mp4") return checkFacts(await readMp4Facts(source));
    if (type?.ext === "webm") return checkFacts(await readWebmFacts(source));
    return undefined;
  } catch (error) {
    throw toFileError("read", path, error);
  }
}

/**
 * Writes the thumbnail that stands for a film until a frame of it can be shown: a dark tile with a
 * play sign, in the film's own proportions where they are known (at most 3 to 1).
 *
 * @throws {AppError} `disk_full`, `forbidden` … naming the file.
 */
export async function makeVideoPlaceholder(
  outPath: string,
  film: { width: number; height: number } | undefined = undefined,
): Promise<void> {
  const ratio = film === undefined ? TILE_RATIO_DEFAULT : film.width / film.height;
  const bounded = Math.min(TILE_RATIO_MAX, Math.max(1 / TILE_RATIO_MAX, ratio));
  const width = Math.round(THUMBNAIL_SIDE_PX * Math.min(1, bounded));
  const height = Math.round(THUMBNAIL_SIDE_PX / Math.max(1, bounded));
  await writePixels(outPath, { width, height, pixels: drawPlayTile(width, height) });
}

function checkFacts(facts: VideoFacts | undefined): VideoFacts | undefined {
  if (facts === undefined || !isSide(facts.width) || !isSide(facts.height)) return undefined;
  const { durationMs } = facts;
  const isBelieved = durationMs !== null && durationMs > 0 && durationMs <= DURATION_MAX_MS;
  return { ...facts, durationMs: isBelieved ? durationMs : null };
}

function isSide(px: number): boolean {
  return Number.isInteger(px) && px >= 1 && px <= SIDE_MAX_PX;
}

/** RGB pixels of a tile with a disc in the middle and a triangle, pointing right, in the disc. */
function drawPlayTile(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  const radius = Math.min(width, height) / 4;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
        const dx = x + (sample % SAMPLES + 0.5) / SAMPLES - width / 2;
        const dy = y + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES - height / 2;
        sum += greyAt(dx / radius, dy / radius);
      }
      pixels.fill(sum / (SAMPLES * SAMPLES), (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  }
  return pixels;
}

/** Grey level at a place measured in radii of the disc from its middle. */
function greyAt(x: number, y: number): number {
  const isTriangle = x >= -0.28 && x <= 0.56 && Math.abs(y) <= (0.56 - x) * (0.5 / 0.84);
  if (isTriangle) return TRIANGLE_GREY;
  return x * x + y * y <= 1 ? DISC_GREY : TILE_GREY;
}
