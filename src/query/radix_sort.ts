import type { NumberColumn } from "./column_index.ts";
import type { Steps } from "./steps.ts";

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
/** Rows handled between two pauses: below a millisecond. */
const CHUNK_ROWS = 1 << 16;

/**
 * Gives all rows ascending by their whole numbers, equal ones by row.
 *
 * Least-significant-digit radix sort with 11 bits a pass; digits that all rows share cost nothing.
 * Shape: values [n] → rows [n]. Cost: about 5 ns a row and pass; pauses every 65,536 rows.
 */
export function* sortRowsByValue(values: NumberColumn): Steps<Int32Array> {
  const count = values.length;
  let rows = new Int32Array(count);
  let min = Infinity;
  let max = -Infinity;
  for (let start = 0; start < count; start += CHUNK_ROWS) {
    const end = Math.min(count, start + CHUNK_ROWS);
    for (let row = start; row < end; row++) {
      const value = values[row];
      if (value < min) min = value;
      if (value > max) max = value;
      rows[row] = row;
    }
    yield;
  }
  if (count === 0 || max === min) return rows;
  let other = new Int32Array(count);
  for (let divisor = 1; divisor <= max - min; divisor *= DIGITS) {
    yield* scatter(values, { from: rows, to: other, min, divisor });
    [rows, other] = [other, rows];
  }
  return rows;
}

/** One pass: from rows sorted by the lower digits to rows sorted by this one too. */
function* scatter(
  values: NumberColumn,
  pass: { from: Int32Array; to: Int32Array; min: number; divisor: number },
): Steps<void> {
  const { from, to, min, divisor } = pass;
  const next = new Int32Array(DIGITS + 1);
  for (let start = 0; start < from.length; start += CHUNK_ROWS) {
    countDigits(values, {
      start,
      end: Math.min(from.length, start + CHUNK_ROWS),
      min,
      divisor,
      next,
    });
    yield;
  }
  for (let digit = 0; digit < DIGITS; digit++) next[digit + 1] += next[digit];
  for (let start = 0; start < from.length; start += CHUNK_ROWS) {
    place(values, {
      start,
      end: Math.min(from.length, start + CHUNK_ROWS),
      min,
      divisor,
      next,
      from,
      to,
    });
    yield;
  }
}

function countDigits(
  values: NumberColumn,
  pass: { start: number; end: number; min: number; divisor: number; next: Int32Array },
): void {
  const { start, end, min, divisor, next } = pass;
  for (let row = start; row < end; row++) {
    next[(Math.floor((values[row] - min) / divisor) % DIGITS) + 1]++;
  }
}

function place(
  values: NumberColumn,
  pass: {
    start: number;
    end: number;
    min: number;
    divisor: number;
    next: Int32Array;
    from: Int32Array;
    to: Int32Array;
  },
): void {
  const { start, end, min, divisor, next, from, to } = pass;
  for (let i = start; i < end; i++) {
    const row = from[i];
    const digit = Math.floor((values[row] - min) / divisor) % DIGITS;
    to[next[digit]++] = row;
  }
}
