import {
  andNotInto,
  countBelow,
  countBlocks,
  countCommon,
  countInBits,
  filterByBits,
  hasRow,
  selectRows,
  setRange,
  setRows,
} from "../base/bitmap.ts";
import type { ImageId, Row, TagId } from "../base/ids.ts";
import { firstNotBelow, includesSorted } from "../base/int32_set.ts";
import { findSorted } from "../cache/columns_builder.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { ColumnIndex } from "./column_index.ts";
import type { RowSet } from "./evaluate.ts";
import { type Leaf, tagLeaf } from "./leaf.ts";

/** Rows of the columns that matched: a list, or bits with the number of rows in each block. */
type Base =
  | { kind: "rows"; rows: Int32Array; isView: boolean; bits?: Int32Array }
  | { kind: "bits"; words: Int32Array; counts: Int32Array };

/**
 * Everything that matches a search, in the order of image ids.
 *
 * The rows of the columns are a list or bits; edited images, whose rows need not ascend with their ids, stand
 * beside them with their place among all. Any part of the whole is found without a look at the rest.
 */
export class ResultSet {
  /** Members. */
  readonly total: number;
  readonly #snapshot: ImageSnapshot;
  readonly #index: ColumnIndex;
  readonly #base: Base;
  readonly #baseCount: number;
  /** Edited images that match, ascending by id. */
  readonly #extra: Int32Array;
  /** The same, ascending by row. */
  readonly #extraRows: Int32Array;
  /** Place of each of them among all members. */
  readonly #extraPlace: Int32Array;

  /** Takes over what an evaluation found; `extra` are edited images that match. */
  constructor(
    snapshot: ImageSnapshot,
    index: ColumnIndex,
    found: { set: RowSet; extra: readonly Row[] },
  ) {
    this.#snapshot = snapshot;
    this.#index = index;
    this.#base = toBase(snapshot, index, found.set);
    this.#baseCount = this.#base.kind === "rows"
      ? this.#base.rows.length
      : countBlocks(this.#base.words, this.#base.counts);
    this.#extra = Int32Array.from(found.extra)
      .sort((left, right) => snapshot.idAt(left) - snapshot.idAt(right));
    this.#extraRows = this.#extra.toSorted();
    this.total = this.#baseCount + this.#extra.length;
    this.#extraPlace = this.#extra.map((row, i) => this.#baseBelow(snapshot.idAt(row)) + i);
  }

  /** Bytes that it holds; views of the columns cost nothing. */
  get byteLength(): number {
    const base = this.#base;
    if (base.kind === "bits") return base.words.byteLength + base.counts.byteLength;
    return base.isView ? 0 : base.rows.byteLength;
  }

  /** Edited images among the members, ascending by id. */
  get extra(): Int32Array {
    return this.#extra;
  }

  /** Members of the columns. */
  get baseCount(): number {
    return this.#baseCount;
  }

  /** Whether a row is a member. */
  has(row: Row): boolean {
    return this.hasBase(row) || includesSorted(this.#extraRows, row);
  }

  /** Whether a row of the columns that was not edited is a member. */
  hasBase(row: Row): boolean {
    if (row >= this.#index.rowCount) return false;
    return this.#base.kind === "rows"
      ? includesSorted(this.#base.rows, row)
      : hasRow(this.#base.words, row);
  }

  /** Members with lower ids. Cost: O(blocks), or O(log n). */
  countBelow(id: ImageId): number {
    let low = 0;
    let high = this.#extra.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#snapshot.idAt(this.#extra[middle]) < id) low = middle + 1;
      else high = middle;
    }
    return this.#baseBelow(id) + low;
  }

  /** Members from place `start` to before `end`, ascending by id. Cost: O(blocks + end - start). */
  slice(start: number, end: number): Row[] {
    const from = Math.max(0, start);
    const to = Math.min(this.total, end);
    if (from >= to) return [];
    let next = firstNotBelow(this.#extraPlace, from, 0);
    const inside = firstNotBelow(this.#extraPlace, to, 0) - next;
    const base = this.#sliceBase(from - next, to - next - inside);
    if (inside === 0) return base;
    const rows: Row[] = [];
    let i = 0;
    for (let place = from; place < to; place++) {
      rows.push(this.#extraPlace[next] === place ? this.#extra[next++] : base[i++]);
    }
    return rows;
  }

  /** Members of the columns as bits that must not be written to. Cost: O(members) for most lists. */
  baseBits(): Int32Array {
    if (this.#base.kind === "bits") return this.#base.words;
    if (this.#base.bits !== undefined) return this.#base.bits;
    const words = new Int32Array(this.#index.wordCount);
    setRows(words, this.#base.rows, 0, this.#base.rows.length);
    return words;
  }

  /** Members that have a tag. Cost: O(n / 32), or O(the shorter list). */
  countWithTag(tagId: TagId): number {
    const place = findSorted(this.#index.columns.tagId, tagId);
    let count = this.#countBaseWith(tagLeaf(this.#index, { id: tagId, place }));
    for (const row of this.#extra) {
      if (includesSorted(this.#snapshot.stateOf(row)!.tagIds, tagId)) count++;
    }
    return count;
  }

  #countBaseWith(leaf: Leaf): number {
    if (this.#baseCount === this.#index.rowCount) return leaf.estimate;
    const base = this.#base;
    const words = base.kind === "bits" ? base.words : base.bits;
    if (words !== undefined) {
      return leaf.bits === undefined
        ? countInBits(words, leaf.rows ?? NO_ROWS)
        : countCommon(words, leaf.bits);
    }
    const { rows } = base as Extract<Base, { kind: "rows" }>;
    return leaf.filter(rows, { count: rows.length, wanted: 1, out: new Int32Array(rows.length) });
  }

  #baseBelow(id: ImageId): number {
    const row = firstNotBelow(this.#index.columns.imageId, id, 0);
    return this.#base.kind === "rows"
      ? firstNotBelow(this.#base.rows, row, 0)
      : countBelow(this.#base.words, this.#base.counts, row);
  }

  #sliceBase(start: number, end: number): Row[] {
    if (this.#base.kind === "rows") return [...this.#base.rows.subarray(start, end)];
    return selectRows(this.#base.words, this.#base.counts, { start, end });
  }
}

const NO_ROWS = new Int32Array();

/** Takes edited rows out of what an evaluation of the columns found, and makes it last. */
function toBase(snapshot: ImageSnapshot, index: ColumnIndex, set: RowSet): Base {
  const touched = touchedBits(snapshot, index);
  if (set.kind === "rows") {
    return touched === null ? keepRows(index, set) : keepUntouched(index, set, touched);
  }
  const words = set.isShared && touched !== null ? set.words.slice() : set.words;
  if (touched !== null) andNotInto(words, touched);
  return { kind: "bits", words, counts: new Int32Array(index.blockCount) };
}

type RowList = Extract<RowSet, { kind: "rows" }>;

function keepRows(index: ColumnIndex, { rows, count, isShared, bits }: RowList): Base {
  if (isShared) return { kind: "rows", rows: rows.subarray(0, count), isView: true, bits };
  const kept = rows.slice(0, count);
  index.releaseRows(rows);
  return { kind: "rows", rows: kept, isView: false };
}

/** A long list is taken as bits: clearing some is cheaper than writing all the others. */
function keepUntouched(index: ColumnIndex, set: RowList, touched: Int32Array): Base {
  const { rows, count, isShared, bits } = set;
  if (bits !== undefined || count === index.rowCount) {
    const words = bits?.slice() ?? new Int32Array(index.wordCount);
    if (bits === undefined) setRange(words, 0, index.rowCount);
    andNotInto(words, touched);
    return { kind: "bits", words, counts: new Int32Array(index.blockCount) };
  }
  const kept = new Int32Array(count);
  const end = filterByBits(touched, rows, { count, wanted: 0, out: kept });
  if (!isShared) index.releaseRows(rows);
  return { kind: "rows", rows: kept.slice(0, end), isView: false };
}

/** Rows of the columns that were edited; null when none was. */
function touchedBits(snapshot: ImageSnapshot, index: ColumnIndex): Int32Array | null {
  if (snapshot.editedRowCount === 0) return null;
  return snapshot.memo("touchedBits", () => {
    const words = new Int32Array(index.wordCount);
    for (const row of snapshot.touchedRows()) {
      if (row < index.rowCount) words[row >>> 5] |= 1 << (row & 31);
    }
    return words;
  });
}
