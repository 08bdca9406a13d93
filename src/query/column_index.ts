import { blockCountFor, countBlocks, setRows, wordCountFor } from "../base/bitmap.ts";
import type { Row } from "../base/ids.ts";
import { DERIVED_BITMAPS_MAX, DERIVED_COLUMNS_MAX, RANDOM_ORDERS_MAX } from "../base/limits.ts";
import type { ImageColumns } from "../cache/image_columns.ts";
import { LRUCache } from "lru-cache";
import { sortRowsByValue } from "./radix_sort.ts";
import type { Steps } from "./steps.ts";

/** Rows of the columns as bits, with their number. */
export type Bitmap = { readonly words: Int32Array; readonly count: number };

/** A number for each row of the columns. */
export type NumberColumn = Int32Array | Float64Array;

/**
 * What searches derive from the columns of one full load and keep with them: edits do not change it.
 * Everything is made when it is first asked for.
 */
export class ColumnIndex {
  /** The columns. */
  readonly columns: ImageColumns;
  /** Images of the columns. */
  readonly rowCount: number;
  /** Words of a set of their rows. */
  readonly wordCount: number;
  /** Blocks of a set of their rows. */
  readonly blockCount: number;
  /** Tags with more images than this have a bitmap, at most twice as large as their list. */
  readonly denseFrom: number;
  readonly #tagBits = new Map<number, Int32Array>();
  readonly #numbers = new LRUCache<string, NumberColumn>({ max: DERIVED_COLUMNS_MAX });
  readonly #sorted = new LRUCache<string, Int32Array>({ max: DERIVED_COLUMNS_MAX });
  readonly #random = new LRUCache<string, Int32Array>({ max: RANDOM_ORDERS_MAX });
  readonly #bitmaps = new LRUCache<string, Bitmap>({ max: DERIVED_BITMAPS_MAX });
  readonly #searched = new Set<string>();
  readonly #free: Int32Array[] = [];
  readonly #freeRows: Int32Array[] = [];
  readonly #clean: Int32Array[] = [];
  #rows: Int32Array | undefined;

  private constructor(columns: ImageColumns) {
    this.columns = columns;
    this.rowCount = columns.imageId.length;
    this.wordCount = wordCountFor(this.rowCount);
    this.blockCount = blockCountFor(this.rowCount);
    this.denseFrom = Math.max(64, this.rowCount >>> 6);
  }

  /** The index of some columns. */
  static of(columns: ImageColumns): ColumnIndex {
    let index = INDEXES.get(columns);
    if (index === undefined) INDEXES.set(columns, index = new ColumnIndex(columns));
    return index;
  }

  /** All rows, ascending. */
  rows(): Int32Array {
    if (this.#rows === undefined) {
      this.#rows = new Int32Array(this.rowCount);
      for (let row = 0; row < this.rowCount; row++) this.#rows[row] = row;
    }
    return this.#rows;
  }

  /** Bits of a tag by its place in tagId; undefined where the list is smaller. */
  tagBits(place: number): Int32Array | undefined {
    const { listOffset, listRow } = this.columns;
    const start = listOffset[place];
    const end = listOffset[place + 1];
    if (end - start <= this.denseFrom) return undefined;
    let bits = this.#tagBits.get(place);
    if (bits === undefined) {
      bits = new Int32Array(this.wordCount);
      setRows(bits, listRow, start, end);
      this.#tagBits.set(place, bits);
    }
    return bits;
  }

  /** A number column that is derived from others, kept by name. */
  *numbers(name: string, derive: () => Steps<NumberColumn>): Steps<NumberColumn> {
    let values = this.#numbers.get(name);
    if (values === undefined) this.#numbers.set(name, values = yield* derive());
    return values;
  }

  /** Rows ascending by a number, those with equal numbers by row; undefined if nobody asked before. */
  knownSorted(name: string): Int32Array | undefined {
    return this.#sorted.get(name);
  }

  /** Whether a number was searched for before: only then the order by it is made for a search. */
  isSortWorthIt(name: string): boolean {
    if (this.#sorted.has(name) || this.#searched.has(name)) return true;
    this.#searched.add(name);
    return false;
  }

  /** Rows ascending by a number. Cost: 20 to 40 ms for a million the first time. */
  *sorted(name: string, values: NumberColumn): Steps<Int32Array> {
    let rows = this.#sorted.get(name);
    if (rows === undefined) this.#sorted.set(name, rows = yield* sortRowsByValue(values));
    return rows;
  }

  /** Rows in an order by chance, kept for the newest seeds. */
  *shuffled(seed: number, hash: () => Steps<Int32Array>): Steps<Int32Array> {
    const key = String(seed);
    let rows = this.#random.get(key);
    if (rows === undefined) this.#random.set(key, rows = yield* sortRowsByValue(yield* hash()));
    return rows;
  }

  /** Bits of a condition on the columns, kept by its text while there is room. */
  *bitmap(key: string, fill: (words: Int32Array) => Steps<void>): Steps<Bitmap> {
    const kept = this.#bitmaps.get(key);
    if (kept !== undefined) return kept;
    const words = new Int32Array(this.wordCount);
    yield* fill(words);
    const bitmap = { words, count: countBlocks(words, new Int32Array(this.blockCount)) };
    this.#bitmaps.set(key, bitmap);
    return bitmap;
  }

  /** Bits of a condition if they are known. */
  knownBitmap(key: string): Bitmap | undefined {
    return this.#bitmaps.get(key);
  }

  /** An array of words to work in, of any content; to be given back. */
  acquire(): Int32Array {
    return this.#free.pop() ?? new Int32Array(this.wordCount);
  }

  /** An array for the rows of a list that is not dense; to be given back. */
  acquireRows(): Int32Array {
    return this.#freeRows.pop() ?? new Int32Array(this.denseFrom);
  }

  /** Takes an array of rows back. */
  releaseRows(rows: Int32Array): void {
    if (this.#freeRows.length < FREE_MAX) this.#freeRows.push(rows);
  }

  /** An array of zeroed words to work in; to be given back. */
  acquireZeroed(): Int32Array {
    const words = this.#free.pop();
    if (words === undefined) return new Int32Array(this.wordCount);
    return words.fill(0);
  }

  /** An array of zeroed words that whoever takes it zeroes again. */
  acquireClean(): Int32Array {
    return this.#clean.pop() ?? new Int32Array(this.wordCount);
  }

  /** Takes an array of zeroed words back. */
  releaseClean(words: Int32Array): void {
    this.#clean.push(words);
  }

  /** Takes an array of words back. */
  release(words: Int32Array): void {
    if (this.#free.length < FREE_MAX) this.#free.push(words);
  }
}

/** Word arrays that are kept for the next search. */
const FREE_MAX = 16;

const INDEXES = new WeakMap<ImageColumns, ColumnIndex>();

/** Place of a row whose number is at least `value` in rows that ascend by it. Cost: O(log n). */
export function firstRowFrom(sorted: Int32Array, values: NumberColumn, value: number): Row {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[sorted[middle]] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
