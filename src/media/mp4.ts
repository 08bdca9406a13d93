import type { ByteSource, VideoFacts } from "./container.ts";

const BOXES_READ_MAX = 4_096;
const BOX_HEAD_BYTES = 16;
const MOVIE_HEADER_BYTES = 32;
const TRACK_HEADER_BYTES = 96;
/** Bytes by which version 1 of a header is longer before its matrix. */
const LONG_TIMES_BYTES = 12;

type Box = { type: string; start: number; end: number };
type Budget = { boxes: number };
type Track = { width: number; height: number; handler: string };

/**
 * Reads size and length of an mp4 film from its `moov` box, wherever that stands.
 *
 * The size is the one that is shown: with the rotation of the track's matrix applied. `undefined` if no
 * video track is described. Hostile sizes end the walk: it reads 4,096 heads of boxes at most.
 *
 * Source: {@link https://www.iso.org/standard/83102.html | ISO/IEC 14496-12}
 */
export async function readMp4Facts(source: ByteSource): Promise<VideoFacts | undefined> {
  const budget = { boxes: BOXES_READ_MAX };
  for await (const box of children(source, { start: 0, end: source.sizeBytes }, budget)) {
    if (box.type === "moov") return await readMovie(source, box, budget);
  }
  return undefined;
}

async function readMovie(
  source: ByteSource,
  movie: Box,
  budget: Budget,
): Promise<VideoFacts | undefined> {
  let video: Track | undefined;
  let timescale = 0;
  let ticks = 0;
  for await (const box of children(source, movie, budget)) {
    if (box.type === "mvhd") {
      const header = viewOf(await source.read(box.start, MOVIE_HEADER_BYTES));
      if (header.byteLength < MOVIE_HEADER_BYTES) return undefined;
      const isLong = header.getUint8(0) === 1;
      timescale = header.getUint32(isLong ? 20 : 12);
      ticks = readTicks(header, isLong ? 24 : 16, isLong);
    } else if (box.type === "trak" && video === undefined) {
      const track = await readTrack(source, box, budget);
      if (track.handler === "vide" && track.width > 0 && track.height > 0) video = track;
    } else if (box.type === "mvex" && ticks === 0) {
      ticks = await readFragmentTicks(source, box, budget);
    }
  }
  if (video === undefined) return undefined;
  const durationMs = ticks > 0 && timescale > 0 ? Math.round(ticks / timescale * 1000) : null;
  return { width: video.width, height: video.height, durationMs };
}

async function readTrack(source: ByteSource, trak: Box, budget: Budget): Promise<Track> {
  const track: Track = { width: 0, height: 0, handler: "" };
  for await (const box of children(source, trak, budget)) {
    if (box.type === "tkhd") {
      const header = viewOf(await source.read(box.start, TRACK_HEADER_BYTES));
      Object.assign(track, readTrackSize(header));
    } else if (box.type === "mdia") {
      for await (const part of children(source, box, budget)) {
        if (part.type === "hdlr") track.handler = latin1(await source.read(part.start + 8, 4));
      }
    }
  }
  return track;
}

/** Width and height in pixels from fixed point 16.16; exchanged when the matrix turns by a quarter. */
function readTrackSize(header: DataView): { width: number; height: number } {
  const longer = header.byteLength > 0 && header.getUint8(0) === 1 ? LONG_TIMES_BYTES : 0;
  if (header.byteLength < 84 + longer) return { width: 0, height: 0 };
  const isTurned = header.getInt32(40 + longer) === 0 && header.getInt32(44 + longer) !== 0;
  const width = Math.round(header.getUint32(76 + longer) / 65_536);
  const height = Math.round(header.getUint32(80 + longer) / 65_536);
  return isTurned ? { width: height, height: width } : { width, height };
}

/** A film in fragments says its length in `mehd`, if at all. */
async function readFragmentTicks(source: ByteSource, mvex: Box, budget: Budget): Promise<number> {
  for await (const box of children(source, mvex, budget)) {
    if (box.type !== "mehd") continue;
    const header = viewOf(await source.read(box.start, 12));
    const isLong = header.byteLength > 0 && header.getUint8(0) === 1;
    return header.byteLength < (isLong ? 12 : 8) ? 0 : readTicks(header, 4, isLong);
  }
  return 0;
}

/** All ones means unknown. */
function readTicks(header: DataView, at: number, isLong: boolean): number {
  const ticks = isLong ? Number(header.getBigUint64(at)) : header.getUint32(at);
  return ticks >= (isLong ? 2 ** 64 : 2 ** 32 - 1) ? 0 : ticks;
}

/** The boxes between two offsets, in order, until one is malformed or the budget is used up. */
async function* children(
  source: ByteSource,
  parent: { start: number; end: number },
  budget: Budget,
): AsyncGenerator<Box> {
  let at = parent.start;
  while (at + 8 <= parent.end && budget.boxes-- > 0) {
    const head = viewOf(await source.read(at, BOX_HEAD_BYTES));
    if (head.byteLength < 8) return;
    const type = latin1(new Uint8Array(head.buffer, head.byteOffset + 4, 4));
    let size = head.getUint32(0);
    const isLarge = size === 1 && head.byteLength === BOX_HEAD_BYTES;
    if (isLarge) size = Number(head.getBigUint64(8));
    // A size of zero means "to the end of the file".
    if (size === 0) size = parent.end - at;
    const headBytes = isLarge ? BOX_HEAD_BYTES : 8;
    if (size < headBytes) return;
    yield { type, start: at + headBytes, end: Math.min(at + size, parent.end) };
    at += size;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
