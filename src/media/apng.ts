const CHUNKS_READ_MAX = 256;
const SIGNATURE_BYTES = 8;
const CHUNK_OVERHEAD_BYTES = 12;

/**
 * Counts the frames that an animated PNG declares; `undefined` for a still one.
 *
 * The decoder shows the first frame and knows nothing of the others, so the chunk `acTL` is read here.
 *
 * Units: `head` is the beginning of the file, as far as its first pixels.
 * Source: {@link https://www.w3.org/TR/png-3/#acTL-chunk | PNG, third edition}
 */
export function countApngFrames(head: Uint8Array): number | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let at = SIGNATURE_BYTES;
  for (let read = 0; read < CHUNKS_READ_MAX && at + CHUNK_OVERHEAD_BYTES <= head.length; read++) {
    const type = String.fromCharCode(...head.subarray(at + 4, at + 8));
    if (type === "IDAT" || type === "IEND") return undefined;
    if (type === "acTL") return Math.max(1, view.getUint32(at + 8));
    at += CHUNK_OVERHEAD_BYTES + view.getUint32(at);
  }
  return undefined;
}
