import type { ByteSource } from "./container.ts";
import { readElementId, readVint } from "./ebml.ts";
import type { VideoFacts } from "./video_facts.ts";

/** Names of the elements that are read. Source: https://www.rfc-editor.org/rfc/rfc9559 */
const ID = {
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackType: 0x83,
  defaultDuration: 0x23e383,
  codecId: 0x86,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  cluster: 0x1f43b675,
} as const;

const ELEMENTS_READ_MAX = 4_096;
const ELEMENT_HEAD_BYTES = 12;
const NUMBER_BYTES_MAX = 8;
const CODEC_ID_BYTES_MAX = 32;
const TRACK_TYPE_VIDEO = 1;
const TRACK_TYPE_AUDIO = 2;
const TIMESTAMP_SCALE_DEFAULT = 1_000_000;

type Element = { id: number; start: number; end: number };
type Budget = { elements: number };
/** What the tracks say; `frameNs` is the length of a frame, 0 = not told. */
type Tracks = {
  hasAudio: boolean;
  video: { width: number; height: number; frameNs: number; codec: string | null } | undefined;
};

/**
 * Reads what stands before the first cluster of a WebM film: size, length, frame rate, codec and whether
 * there is sound.
 *
 * `undefined` if no video track is described there. Hostile sizes end the walk: it reads 4,096 heads of
 * elements at most, and never what lies inside a cluster.
 */
export async function readWebmFacts(source: ByteSource): Promise<VideoFacts | undefined> {
  const budget = { elements: ELEMENTS_READ_MAX };
  let tracks: Tracks = { hasAudio: false, video: undefined };
  let durationMs: number | null = null;
  for await (const segment of children(source, { start: 0, end: source.sizeBytes }, budget)) {
    if (segment.id !== ID.segment) continue;
    for await (const element of children(source, segment, budget)) {
      if (element.id === ID.cluster) break;
      if (element.id === ID.info) durationMs = await readDurationMs(source, element, budget);
      if (element.id === ID.tracks) tracks = await readTracks(source, element, budget);
    }
    break;
  }
  const { video, hasAudio } = tracks;
  if (video === undefined) return undefined;
  const { width, height, frameNs, codec } = video;
  return {
    width,
    height,
    durationMs,
    frameRate: frameNs > 0 ? 1e9 / frameNs : null,
    codec,
    hasAudio,
  };
}

async function readDurationMs(
  source: ByteSource,
  info: Element,
  budget: Budget,
): Promise<number | null> {
  let scaleNs = TIMESTAMP_SCALE_DEFAULT;
  let ticks: number | undefined;
  for await (const element of children(source, info, budget)) {
    if (element.id === ID.timestampScale) scaleNs = await readUint(source, element);
    if (element.id === ID.duration) ticks = await readFloat(source, element);
  }
  return ticks === undefined ? null : Math.round(ticks * scaleNs / 1e6);
}

/** The first track with pictures, and whether there is one with sound. */
async function readTracks(source: ByteSource, tracks: Element, budget: Budget): Promise<Tracks> {
  const found: Tracks = { hasAudio: false, video: undefined };
  for await (const track of children(source, tracks, budget)) {
    if (track.id !== ID.trackEntry) continue;
    let type = 0;
    const video: NonNullable<Tracks["video"]> = { width: 0, height: 0, frameNs: 0, codec: null };
    for await (const element of children(source, track, budget)) {
      if (element.id === ID.trackType) type = await readUint(source, element);
      if (element.id === ID.defaultDuration) video.frameNs = await readUint(source, element);
      if (element.id === ID.codecId) video.codec = await readCodec(source, element);
      if (element.id !== ID.video) continue;
      for await (const field of children(source, element, budget)) {
        if (field.id === ID.pixelWidth) video.width = await readUint(source, field);
        if (field.id === ID.pixelHeight) video.height = await readUint(source, field);
      }
    }
    if (type === TRACK_TYPE_VIDEO) found.video ??= video;
    if (type === TRACK_TYPE_AUDIO) found.hasAudio = true;
  }
  return found;
}

/** `V_VP9` is vp9. */
async function readCodec(source: ByteSource, element: Element): Promise<string> {
  const length = Math.min(element.end - element.start, CODEC_ID_BYTES_MAX);
  const text = String.fromCharCode(...await source.read(element.start, length));
  return text.replace(/^V_/, "").replace(/\0.*$/s, "").toLowerCase();
}

/** The elements between two offsets, in order, until one is malformed or the budget is used up. */
async function* children(
  source: ByteSource,
  parent: { start: number; end: number },
  budget: Budget,
): AsyncGenerator<Element> {
  let at = parent.start;
  while (at < parent.end && budget.elements-- > 0) {
    const head = await source.read(at, ELEMENT_HEAD_BYTES);
    const id = readElementId(head, 0);
    const size = id === undefined ? undefined : readVint(head, id.next);
    if (id === undefined || size === undefined) return;
    const start = at + size.next;
    if (start > parent.end) return;
    yield { id: id.value, start, end: Math.min(start + size.value, parent.end) };
    at = start + size.value;
  }
}

async function readUint(source: ByteSource, element: Element): Promise<number> {
  const bytes = await readNumber(source, element);
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

async function readFloat(source: ByteSource, element: Element): Promise<number | undefined> {
  const bytes = await readNumber(source, element);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 4) return view.getFloat32(0);
  return bytes.length === 8 ? view.getFloat64(0) : undefined;
}

function readNumber(source: ByteSource, element: Element): Promise<Uint8Array> {
  return source.read(element.start, Math.min(element.end - element.start, NUMBER_BYTES_MAX));
}
