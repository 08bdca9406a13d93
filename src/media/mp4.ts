import type { ByteSource } from "./container.ts";
import type { VideoFacts } from "./video_facts.ts";

const BOXES_READ_MAX = 4_096;
const BOX_HEAD_BYTES = 16;
const MOVIE_HEADER_BYTES = 32;
const TRACK_HEADER_BYTES = 96;
/** Bytes by which version 1 of a header is longer before its matrix. */
const LONG_TIMES_BYTES = 12;

type Box = { type: string; start: number; end: number };
type Budget = { boxes: number };
/** A track; `frames` and `ticks` are how many it has, in units of its own `timescale`; 0 = not told. */
type Track = {
  id: number;
  width: number;
  height: number;
  handler: string;
  codec: string | null;
  frames: number;
  ticks: number;
  timescale: number;
};

/** Names of sample entries → codecs as ffmpeg names them. */
const CODECS: Record<string, string> = {
  avc1: "h264",
  avc3: "h264",
  hvc1: "hevc",
  hev1: "hevc",
  vp08: "vp8",
  vp09: "vp9",
  av01: "av1",
  mp4v: "mpeg4",
};

/**
 * Reads what the `moov` box of an mp4 film says, wherever that stands: size, length, frame rate, codec and
 * whether there is sound. No table of its samples is read.
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
  let hasAudio = false;
  const frameTicks = new Map<number, number>();
  for await (const box of children(source, movie, budget)) {
    if (box.type === "mvhd") {
      const header = viewOf(await source.read(box.start, MOVIE_HEADER_BYTES));
      if (header.byteLength < MOVIE_HEADER_BYTES) return undefined;
      const isLong = header.getUint8(0) === 1;
      timescale = header.getUint32(isLong ? 20 : 12);
      ticks = readTicks(header, isLong ? 24 : 16, isLong);
    } else if (box.type === "trak") {
      const track = await readTrack(source, box, budget);
      hasAudio ||= track.handler === "soun";
      const isShown = track.handler === "vide" && track.width > 0 && track.height > 0;
      if (isShown) video ??= track;
    } else if (box.type === "mvex") {
      const fragments = await readFragments(source, box, { budget, frameTicks });
      if (ticks === 0) ticks = fragments;
    }
  }
  if (video === undefined) return undefined;
  const durationMs = ticks > 0 && timescale > 0 ? Math.round(ticks / timescale * 1000) : null;
  const { width, height, codec } = video;
  const frameRate = toFrameRate(video, frameTicks.get(video.id) ?? 0);
  return { width, height, durationMs, frameRate, codec, hasAudio };
}

/** Frames a second: how many there are in how much time, else the length of each frame of a fragment. */
function toFrameRate(track: Track, frameTicks: number): number | null {
  const { frames, ticks, timescale } = track;
  if (timescale === 0) return null;
  if (frames > 0 && ticks > 0) return frames * timescale / ticks;
  return frameTicks > 0 ? timescale / frameTicks : null;
}

async function readTrack(source: ByteSource, trak: Box, budget: Budget): Promise<Track> {
  const track: Track = {
    id: 0,
    width: 0,
    height: 0,
    handler: "",
    codec: null,
    frames: 0,
    ticks: 0,
    timescale: 0,
  };
  for await (const box of children(source, trak, budget)) {
    if (box.type === "tkhd") {
      const header = viewOf(await source.read(box.start, TRACK_HEADER_BYTES));
      Object.assign(track, readTrackSize(header));
      const idAt = header.byteLength > 0 && header.getUint8(0) === 1 ? 20 : 12;
      if (header.byteLength >= idAt + 4) track.id = header.getUint32(idAt);
    } else if (box.type === "mdia") await readMedia(source, box, { budget, track });
  }
  return track;
}

/** Reads handler, time and sample description of a track. */
async function readMedia(
  source: ByteSource,
  mdia: Box,
  into: { budget: Budget; track: Track },
): Promise<void> {
  const { budget, track } = into;
  for await (const part of children(source, mdia, budget)) {
    if (part.type === "hdlr") track.handler = latin1(await source.read(part.start + 8, 4));
    else if (part.type === "mdhd") {
      const header = viewOf(await source.read(part.start, MOVIE_HEADER_BYTES));
      const isLong = header.byteLength > 0 && header.getUint8(0) === 1;
      if (header.byteLength < (isLong ? 32 : 20)) continue;
      track.timescale = header.getUint32(isLong ? 20 : 12);
      track.ticks = readTicks(header, isLong ? 24 : 16, isLong);
    } else if (part.type === "minf") {
      for await (const table of children(source, part, budget)) {
        if (table.type === "stbl") await readSampleTable(source, table, into);
      }
    }
  }
}

/** The name of the first sample entry, and how many samples there are. */
async function readSampleTable(
  source: ByteSource,
  stbl: Box,
  into: { budget: Budget; track: Track },
): Promise<void> {
  for await (const table of children(source, stbl, into.budget)) {
    if (table.type === "stsd") {
      const entry = await source.read(table.start + 8, 8);
      if (entry.length < 8) continue;
      const name = latin1(entry.subarray(4, 8));
      into.track.codec = Object.hasOwn(CODECS, name) ? CODECS[name] : name.trim().toLowerCase();
    } else if (table.type === "stsz") {
      const header = viewOf(await source.read(table.start, 12));
      if (header.byteLength === 12) into.track.frames = header.getUint32(8);
    }
  }
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

/** A film in fragments says its length in `mehd`, if at all, and the length of frames in `trex`. */
async function readFragments(
  source: ByteSource,
  mvex: Box,
  into: { budget: Budget; frameTicks: Map<number, number> },
): Promise<number> {
  let ticks = 0;
  for await (const box of children(source, mvex, into.budget)) {
    const header = viewOf(await source.read(box.start, 24));
    const isLong = header.byteLength > 0 && header.getUint8(0) === 1;
    if (box.type === "mehd" && header.byteLength >= (isLong ? 12 : 8)) {
      ticks = readTicks(header, 4, isLong);
    } else if (box.type === "trex" && header.byteLength === 24) {
      into.frameTicks.set(header.getUint32(4), header.getUint32(12));
    }
  }
  return ticks;
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
