/** A number read from a buffer, and the offset behind it. */
export type Vint = { value: number; next: number };

/**
 * Reads a variable-length integer of EBML at `at`; `undefined` if it is malformed or cut off.
 *
 * A value of all ones (an unknown size) is Infinity. Values beyond 2^53 lose their last bits.
 *
 * Source: {@link https://www.rfc-editor.org/rfc/rfc8794#section-4 | RFC 8794, section 4}
 */
export function readVint(bytes: Uint8Array, at: number): Vint | undefined {
  if (at >= bytes.length || bytes[at] === 0) return undefined;
  const length = Math.clz32(bytes[at]) - 23;
  if (at + length > bytes.length) return undefined;
  let value = bytes[at] & ((1 << (8 - length)) - 1);
  let isUnknown = value === (1 << (8 - length)) - 1;
  for (let i = 1; i < length; i++) {
    value = value * 256 + bytes[at + i];
    isUnknown &&= bytes[at + i] === 0xff;
  }
  return { value: isUnknown ? Infinity : value, next: at + length };
}

/** Reads an element's id at `at`, with its marker bits as the specification writes it (`0x1a45dfa3`). */
export function readElementId(bytes: Uint8Array, at: number): Vint | undefined {
  if (at >= bytes.length || bytes[at] < 0x10) return undefined;
  const length = Math.clz32(bytes[at]) - 23;
  if (at + length > bytes.length) return undefined;
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + bytes[at + i];
  return { value, next: at + length };
}
