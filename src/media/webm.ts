import type { ByteSource, VideoFacts } from "./container.ts";
import { readElementId, readVint } from "./ebml.ts";

/** Names of the elements that are read. Source: https://www.rfc-editor.org/rfc/rfc9559 */
const ID = {
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackType: 0x83,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  cluster: 0x1f43b675,
} as const;

const ELEMENTS_READ_MAX = 4_096;
const ELEMENT_HEAD_BYTES = 12;
const NUMBER_BYTES_MAX = 8;
const TRACK_TYPE_VIDEO = 1;
const TIMESTAMP_SCALE_DEFAULT = 1_000_000;

type Element = { id: number; start: number; end: number };
type Budget = { elements: number };

/**
 * Reads size and length of a WebM film from what stands before its first cluster.
 *
 * `undefined` if no video track is described there. Hostile sizes end the walk: it reads 4,096 heads of
 * elements at most, and never what lies inside a cluster.
 */
export async function readWebmFacts(source: ByteSource): Promise<VideoFacts | undefined> {
  const budget = { elements: ELEMENTS_READ_MAX };
  let size: { width: number; height: number } | undefined;
  let durationMs: number | null = null;
  for await (const segment of children(source, { start: 0, end: source.sizeBytes }, budget)) {
    if (segment.id !== ID.segment) continue;
    for await (const element of children(source, segment, budget)) {
      if (element.id === ID.cluster) break;
      if (element.id === ID.info) durationMs = await readDurationMs(source, element, budget);
      if (element.id === ID.tracks) size = await readSize(source, element, budget);
    }
    break;
  }
  return size === undefined ? undefined : { ...size, durationMs };
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

async function readSize(
  source: ByteSource,
  tracks: Element,
  budget: Budget,
): Promise<{ width: number; height: number } | undefined> {
  for await (const track of children(source, tracks, budget)) {
    if (track.id !== ID.trackEntry) continue;
    let type = 0;
    let width = 0;
    let height = 0;
    for await (const element of children(source, track, budget)) {
      if (element.id === ID.trackType) type = await readUint(source, element);
      if (element.id !== ID.video) continue;
      for await (const field of children(source, element, budget)) {
        if (field.id === ID.pixelWidth) width = await readUint(source, field);
        if (field.id === ID.pixelHeight) height = await readUint(source, field);
      }
    }
    if (type === TRACK_TYPE_VIDEO) return { width, height };
  }
  return undefined;
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
