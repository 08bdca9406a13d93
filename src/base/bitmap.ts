/**
 * Sets of rows as bits, 32 to a word: row r is bit r & 31 of word r >>> 5. Bits behind the last row are
 * zero. Hot loops: no closures, no allocation.
 */

/** Rows that are counted together, so that the k-th of a set is found without a look at all words. */
export const BLOCK_ROWS = 4_096;
const BLOCK_WORDS = BLOCK_ROWS / 32;

/** Words that hold the bits of so many rows. */
export function wordCountFor(rows: number): number {
  return (rows + 31) >>> 5;
}

/** Blocks that hold the words of so many rows. */
export function blockCountFor(rows: number): number {
  return Math.ceil(rows / BLOCK_ROWS);
}

/** Sets the bits of the rows from place `start` to before `end` of a list. Cost: about 1 ns a row. */
export function setRows(words: Int32Array, rows: Int32Array, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    const row = rows[i];
    words[row >>> 5] |= 1 << (row & 31);
  }
}

/** Clears the bits of rows. Cost: about 1 ns a row. */
export function clearRows(words: Int32Array, rows: Int32Array, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    const row = rows[i];
    words[row >>> 5] &= ~(1 << (row & 31));
  }
}

/** Whether the bit of a row is set. */
export function hasRow(words: Int32Array, row: number): boolean {
  return ((words[row >>> 5] >>> (row & 31)) & 1) === 1;
}

/** Sets the bits of all rows from `start` to before `end`. */
export function setRange(words: Int32Array, start: number, end: number): void {
  if (start >= end) return;
  const first = start >>> 5;
  const last = (end - 1) >>> 5;
  const head = -1 << (start & 31);
  const tail = -1 >>> (31 - ((end - 1) & 31));
  if (first === last) {
    words[first] |= head & tail;
    return;
  }
  words[first] |= head;
  words.fill(-1, first + 1, last);
  words[last] |= tail;
}

/** Keeps of `out` what is in `other` too. */
export function andInto(out: Int32Array, other: Int32Array): void {
  for (let i = 0; i < out.length; i++) out[i] &= other[i];
}

/** Takes out of `out` what is in `other`. */
export function andNotInto(out: Int32Array, other: Int32Array): void {
  for (let i = 0; i < out.length; i++) out[i] &= ~other[i];
}

/** Adds to `out` what is in `other`. */
export function orInto(out: Int32Array, other: Int32Array): void {
  for (let i = 0; i < out.length; i++) out[i] |= other[i];
}

/** Writes what is in both to `out`. */
export function intersectBits(left: Int32Array, right: Int32Array, out: Int32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = left[i] & right[i];
}

/** Bits that are set in a word. */
export function countBits(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Counts the rows of each block into `counts` and gives their sum. Cost: about 1.2 ns a word. */
export function countBlocks(words: Int32Array, counts: Int32Array): number {
  let total = 0;
  for (let block = 0; block < counts.length; block++) {
    const end = Math.min(words.length, (block + 1) * BLOCK_WORDS);
    const count = countWords(words, block * BLOCK_WORDS, end);
    counts[block] = count;
    total += count;
  }
  return total;
}

/** Rows in the words from `start` to before `end`. */
function countWords(words: Int32Array, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i++) count += countBits(words[i]);
  return count;
}

/** Writes the rows of a list whose bit is `wanted` (1 or 0) to `out`; gives how many. `out` may be it. */
export function filterByBits(
  words: Int32Array,
  rows: Int32Array,
  options: { count: number; wanted: 0 | 1; out: Int32Array },
): number {
  const { count, wanted, out } = options;
  let end = 0;
  if (wanted === 1) {
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      out[end] = row;
      end += (words[row >>> 5] >>> (row & 31)) & 1;
    }
  } else {
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      out[end] = row;
      end += ((words[row >>> 5] >>> (row & 31)) & 1) ^ 1;
    }
  }
  return end;
}

/** Counts the rows of a list whose bit is set. */
export function countInBits(words: Int32Array, rows: Int32Array): number {
  let count = 0;
  for (let i = 0; i < rows.length; i++) count += (words[rows[i] >>> 5] >>> (rows[i] & 31)) & 1;
  return count;
}

/** Counts the rows that are in both sets. */
export function countCommon(left: Int32Array, right: Int32Array): number {
  let count = 0;
  for (let i = 0; i < left.length; i++) count += countBits(left[i] & right[i]);
  return count;
}

/** Writes the rows of a set to `out`, ascending; gives how many. */
export function extractRows(words: Int32Array, out: Int32Array): number {
  let end = 0;
  for (let i = 0; i < words.length; i++) {
    let word = words[i];
    while (word !== 0) {
      out[end++] = (i << 5) + 31 - Math.clz32(word & -word);
      word &= word - 1;
    }
  }
  return end;
}

/** Rows of a set that are below `row`. Cost: O(blocks), nothing is allocated. */
export function countBelow(words: Int32Array, counts: Int32Array, row: number): number {
  const block = Math.min(counts.length, Math.floor(row / BLOCK_ROWS));
  let count = 0;
  for (let i = 0; i < block; i++) count += counts[i];
  const word = Math.min(words.length, row >>> 5);
  count += countWords(words, block * BLOCK_WORDS, word);
  if (word < words.length && (row & 31) !== 0) {
    count += countBits(words[word] & (-1 >>> (32 - (row & 31))));
  }
  return count;
}

/**
 * The members from place `start` to before `end` of a set in ascending order. Cost: O(blocks + end - start).
 */
export function selectRows(
  words: Int32Array,
  counts: Int32Array,
  range: { start: number; end: number },
): number[] {
  const rows: number[] = [];
  let block = 0;
  let skipped = 0;
  while (block < counts.length && skipped + counts[block] <= range.start) {
    skipped += counts[block++];
  }
  for (let i = block * BLOCK_WORDS; i < words.length && skipped < range.end; i++) {
    let word = words[i];
    const inWord = countBits(word);
    if (skipped + inWord <= range.start) {
      skipped += inWord;
      continue;
    }
    for (; word !== 0 && skipped < range.end; word &= word - 1, skipped++) {
      if (skipped >= range.start) rows.push((i << 5) + 31 - Math.clz32(word & -word));
    }
  }
  return rows;
}
