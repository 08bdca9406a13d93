import { filterByBits, hasRow, orInto, setRange } from "../base/bitmap.ts";
import type { Row } from "../base/ids.ts";
import type { ImageState } from "../cache/ports.ts";
import type { Interval } from "./ast.ts";
import { type Bitmap, type ColumnIndex, firstRowFrom, type NumberColumn } from "./column_index.ts";
import { Leaf, setSlices } from "./leaf.ts";
import type { ImageNumber } from "./numbers.ts";
import type { BytePattern } from "./pattern.ts";
import { mergeIntervals } from "./ranges.ts";
import type { Steps } from "./steps.ts";

/** Rows looked at between two pauses. */
const CHUNK_ROWS = 1 << 15;
/** A look at a number of a row out of turn, in nanoseconds. */
const CODE_LOOK_COST = 20;
/** Rows whose texts are looked at between two pauses: about a millisecond. */
const CHUNK_TEXTS = 1 << 12;

/**
 * A condition on the columns whose bits, once made, are kept with them by a text that says all about it.
 */
abstract class ColumnLeaf extends Leaf {
  protected readonly index: ColumnIndex;
  readonly #key: string;

  constructor(index: ColumnIndex, key: string) {
    super();
    this.index = index;
    this.#key = key;
  }

  protected get known(): Bitmap | undefined {
    return this.index.knownBitmap(this.#key);
  }

  override get estimate(): number {
    return this.known?.count ?? this.index.rowCount;
  }

  override get bits(): Int32Array | undefined {
    return this.known?.words;
  }

  override *prepare(): Steps<Bitmap> {
    return yield* this.index.bitmap(this.#key, (empty) => this.make(empty));
  }

  override *fill(words: Int32Array): Steps<void> {
    const { words: own } = yield* this.prepare();
    orInto(words, own);
  }

  /** Sets the bits of the rows that match. */
  protected abstract make(words: Int32Array): Steps<void>;
}

/** More intervals than this are not worth a pass each. */
const FEW_INTERVALS = 8;
/** A row out of turn costs about as much as so many in their turn. */
const SCATTER_COST = 4;

/** Images with a number in one of some intervals. */
class NumberLeaf extends ColumnLeaf {
  readonly #number: ImageNumber;
  readonly #intervals: readonly Interval[];

  constructor(
    index: ColumnIndex,
    parts: { number: ImageNumber; intervals: readonly Interval[]; key: string },
  ) {
    super(index, parts.key);
    this.#number = parts.number;
    this.#intervals = mergeIntervals(parts.intervals);
  }

  override readonly lookCost: number = CODE_LOOK_COST;

  override get fillCost(): number {
    return this.known === undefined
      ? Math.min(this.index.rowCount, this.estimate * SCATTER_COST)
      : 0;
  }

  override get estimate(): number {
    if (this.known !== undefined) return this.known.count;
    const { key } = this.#number;
    const sorted = key === "id" ? this.index.rows() : this.index.knownSorted(key);
    if (sorted === undefined) return this.index.rowCount;
    let sum = 0;
    for (const interval of this.#intervals) {
      const { start, end } = this.#rangeOf(sorted, interval);
      sum += Math.max(0, end - start);
    }
    return Math.min(sum, this.index.rowCount);
  }

  override hasRow(row: Row): boolean {
    return this.#includes(this.#number.values[row]);
  }

  override hasState(_row: Row, state: ImageState): boolean {
    return this.#includes(this.#number.ofState(state));
  }

  override filter(
    rows: Int32Array,
    options: { count: number; wanted: 0 | 1; out: Int32Array },
  ): number {
    if (this.bits !== undefined) return filterByBits(this.bits, rows, options);
    const { values, least } = this.#number;
    if (this.#intervals.length !== 1) return super.filter(rows, options);
    const [{ low, high }] = this.#intervals;
    return filterBetween(values, rows, { ...options, low: Math.max(low, least), high });
  }

  /**
   * Few rows are taken from the order by number, where they stand side by side; many are met faster by a pass
   * over the numbers themselves.
   */
  protected override *make(words: Int32Array): Steps<void> {
    const { key, values, least } = this.#number;
    const isByRow = key === "id";
    const sorted = isByRow
      ? this.index.rows()
      : this.#intervals.length > FEW_INTERVALS || this.index.isSortWorthIt(key)
      ? yield* this.index.sorted(key, values)
      : undefined;
    for (const interval of this.#intervals) {
      const range = sorted && this.#rangeOf(sorted, interval);
      yield;
      if (range && isByRow) setRange(words, range.start, range.end);
      else if (range && (range.end - range.start) * SCATTER_COST < values.length) {
        yield* setSlices(words, sorted!, range);
      } else if (
        range && (values.length - range.end + range.start) * SCATTER_COST < values.length
      ) {
        yield* setAllBut(words, sorted!, range);
      } else yield* this.#setByPass(words, Math.max(interval.low, least), interval.high);
    }
  }

  *#setByPass(words: Int32Array, low: number, high: number): Steps<void> {
    const { values } = this.#number;
    const bounds = values instanceof Int32Array
      ? { low: toInt32(low), high: toInt32(high) }
      : { low, high };
    for (let start = 0; start < values.length; start += CHUNK_ROWS) {
      const end = Math.min(values.length, start + CHUNK_ROWS);
      setBetween(words, values, { start, end, low: bounds.low, high: bounds.high });
      yield;
    }
  }

  #rangeOf(sorted: Int32Array, { low, high }: Interval): { start: number; end: number } {
    const { values, least } = this.#number;
    return {
      start: firstRowFrom(sorted, values, Math.max(least, low)),
      end: firstRowFrom(sorted, values, high + 1),
    };
  }

  /** Intervals ascend and do not touch: the last that begins at or below the number may hold it. */
  #includes(value: number): boolean {
    if (value < this.#number.least) return false;
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#intervals[middle].low <= value) low = middle + 1;
      else high = middle;
    }
    return low > 0 && value <= this.#intervals[low - 1].high;
  }
}

/** Keeps the rows whose number lies (1) or does not lie (0) between two others. */
function filterBetween(
  values: NumberColumn,
  rows: Int32Array,
  options: { count: number; wanted: 0 | 1; out: Int32Array; low: number; high: number },
): number {
  const { count, wanted, out, low, high } = options;
  let end = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i];
    const value = values[row];
    out[end] = row;
    end += (Number(value >= low) & Number(value <= high)) ^ wanted ^ 1;
  }
  return end;
}

/** Sets the bits of the rows whose number lies between two others; `start` and `end` are multiples of 32. */
function setBetween(
  words: Int32Array,
  values: NumberColumn,
  range: { start: number; end: number; low: number; high: number },
): void {
  const { start, end, low, high } = range;
  for (let row = start; row < end;) {
    const last = Math.min(end, row + 32);
    let word = 0;
    for (let bit = 0; row < last; row++, bit++) {
      const value = values[row];
      // Without a branch: whether a number lies between two others is a coin flip for most searches.
      word |= (Number(value >= low) & Number(value <= high)) << bit;
    }
    words[(last - 1) >>> 5] |= word;
  }
}

/** Sets the bits of all rows but those before and behind a part of a list of all. */
function* setAllBut(
  words: Int32Array,
  rows: Int32Array,
  { start, end }: { start: number; end: number },
): Steps<void> {
  const others = new Int32Array(words.length);
  yield* setSlices(others, rows, { start: 0, end: start });
  yield* setSlices(others, rows, { start: end, end: rows.length });
  const all = new Int32Array(words.length);
  setRange(all, 0, rows.length);
  for (let i = 0; i < words.length; i++) words[i] |= all[i] & ~others[i];
}

/** An end of an interval as a small integer, which engines compare fastest. */
function toInt32(bound: number): number {
  return Math.max(-0x80000000, Math.min(0x7fffffff, bound));
}

/** Images with one of some codes in a column of bytes: rating, file type. */
class CodeLeaf extends ColumnLeaf {
  readonly #codes: Uint8Array;
  readonly #column: Uint8Array;
  readonly #ofState: (state: ImageState) => number;

  constructor(
    index: ColumnIndex,
    parts: {
      key: string;
      codes: readonly number[];
      column: Uint8Array;
      ofState: (state: ImageState) => number;
    },
  ) {
    super(index, parts.key);
    this.#codes = new Uint8Array(256);
    for (const code of parts.codes) this.#codes[code] = 1;
    this.#column = parts.column;
    this.#ofState = parts.ofState;
  }

  override readonly lookCost: number = CODE_LOOK_COST;

  override hasRow(row: Row): boolean {
    return this.#codes[this.#column[row]] === 1;
  }

  override hasState(_row: Row, state: ImageState): boolean {
    return this.#codes[this.#ofState(state)] === 1;
  }

  protected override *make(words: Int32Array): Steps<void> {
    const codes = this.#codes;
    const column = this.#column;
    for (let start = 0; start < column.length; start += CHUNK_ROWS) {
      const end = Math.min(column.length, start + CHUNK_ROWS);
      for (let row = start; row < end; row++) words[row >>> 5] |= codes[column[row]] << (row & 31);
      yield;
    }
  }
}

/** What a look at a text costs in its turn, and out of turn, in nanoseconds. */
const TEXT_COST = 60;
const TEXT_LOOK_COST = 400;

/** Images of which a text in the columns is as wanted: source, path, file name. */
class TextLeaf extends ColumnLeaf {
  readonly #test: (row: Row) => boolean;
  readonly #ofState: (state: ImageState) => boolean;

  constructor(
    index: ColumnIndex,
    parts: {
      key: string;
      test: (row: Row) => boolean;
      ofState: (state: ImageState) => boolean;
    },
  ) {
    super(index, parts.key);
    this.#test = parts.test;
    this.#ofState = parts.ofState;
  }

  override readonly lookCost: number = TEXT_LOOK_COST;

  override get fillCost(): number {
    return this.known === undefined ? this.index.rowCount * TEXT_COST : 0;
  }

  override hasRow(row: Row): boolean {
    return this.bits === undefined ? this.#test(row) : hasRow(this.bits, row);
  }

  override hasState(_row: Row, state: ImageState): boolean {
    return this.#ofState(state);
  }

  protected override *make(words: Int32Array): Steps<void> {
    const test = this.#test;
    const { rowCount } = this.index;
    for (let start = 0; start < rowCount; start += CHUNK_TEXTS) {
      const end = Math.min(rowCount, start + CHUNK_TEXTS);
      for (let row = start; row < end; row++) {
        if (test(row)) words[row >>> 5] |= 1 << (row & 31);
      }
      yield;
    }
  }
}

/** The condition that a number lies in one of some intervals; `key` says number and intervals. */
export function numberLeaf(
  index: ColumnIndex,
  parts: { number: ImageNumber; intervals: readonly Interval[]; key: string },
): Leaf {
  return new NumberLeaf(index, parts);
}

/** The condition that a column of bytes has one of some codes; `key` says column and codes. */
export function codeLeaf(
  index: ColumnIndex,
  parts: {
    key: string;
    codes: readonly number[];
    column: Uint8Array;
    ofState: (state: ImageState) => number;
  },
): Leaf {
  return new CodeLeaf(index, parts);
}

/** The condition that the source begins as a pattern says. */
export function sourceLeaf(index: ColumnIndex, pattern: BytePattern, key: string): Leaf {
  const { sourceBytes, sourceOffset } = index.columns;
  return new TextLeaf(index, {
    key,
    test: (row) =>
      sourceOffset[row + 1] > sourceOffset[row] &&
      pattern.test(sourceBytes, sourceOffset[row], sourceOffset[row + 1]),
    ofState: ({ source }) => source !== "" && pattern.testText(source),
  });
}

/** The condition that a source is known. */
export function hasSourceLeaf(index: ColumnIndex): Leaf {
  const { sourceOffset } = index.columns;
  return new TextLeaf(index, {
    key: "has:source",
    test: (row) => sourceOffset[row + 1] > sourceOffset[row],
    ofState: ({ source }) => source !== "",
  });
}

const SLASH = 0x2f;

/** The condition that the path, or the name behind its last slash, is as a pattern says. */
export function pathLeaf(
  index: ColumnIndex,
  parts: { pattern: BytePattern; isName: boolean; key: string },
): Leaf {
  const { pathBytes, pathOffset } = index.columns;
  const { pattern, isName, key } = parts;
  return new TextLeaf(index, {
    key,
    test: (row) => {
      const end = pathOffset[row + 1];
      let start = pathOffset[row];
      if (isName) {
        let slash = end - 1;
        while (slash >= start && pathBytes[slash] !== SLASH) slash--;
        start = slash + 1;
      }
      return pattern.test(pathBytes, start, end);
    },
    ofState: ({ filepath }) =>
      pattern.testText(isName ? filepath.slice(filepath.lastIndexOf("/") + 1) : filepath),
  });
}
