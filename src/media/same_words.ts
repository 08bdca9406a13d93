/**
 * Whether two views have the same bytes, compared four at a time.
 *
 * Shape: both views begin at a multiple of four bytes of their buffers.
 */
export function sameWords(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  const count = left.length >> 2;
  const leftWords = new Int32Array(left.buffer, left.byteOffset, count);
  const rightWords = new Int32Array(right.buffer, right.byteOffset, count);
  for (let i = 0; i < count; i++) if (leftWords[i] !== rightWords[i]) return false;
  for (let i = count << 2; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}
