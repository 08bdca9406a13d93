import { clearRows, filterByBits, hasRow, orInto, setRows } from "../base/bitmap.ts";
import type { Row, TagId } from "../base/ids.ts";
import { includesSorted, intersectInto, subtractInto } from "../base/int32_set.ts";
import type { ImageState } from "../cache/ports.ts";
import type { Bitmap, ColumnIndex } from "./column_index.ts";
import type { Steps } from "./steps.ts";

/**
 * A condition without connectives, resolved against one snapshot.
 *
 * Two questions, one condition: about rows of the columns (lists, bits, a look at one row), and about an
 * edited image, whose truth is its state.
 */
export abstract class Leaf {
  /** Tells it from the other nodes of a plan. */
  readonly kind = "leaf";

  /** Rows of the columns that match, at most. */
  abstract readonly estimate: number;

  /** About what it costs to put its rows into bits, in nanoseconds. */
  get fillCost(): number {
    return this.bits === undefined ? this.estimate : 0;
  }

  /** About what a look at one row of a list costs, in nanoseconds. */
  readonly lookCost: number = 0;

  /** Rows of the columns, ascending, where they stand as a list; never to be written to. */
  get rows(): Int32Array | undefined {
    return undefined;
  }

  /** Rows of the columns as bits where those are ready; never to be written to. */
  get bits(): Int32Array | undefined {
    return undefined;
  }

  /** Makes the bits that are kept, where the condition has such. */
  *prepare(): Steps<Bitmap | undefined> {
    yield;
    return undefined;
  }

  /** Adds the rows of the columns to bits. */
  abstract fill(words: Int32Array): Steps<void>;

  /** Whether a row of the columns matches. */
  abstract hasRow(row: Row): boolean;

  /** Whether an edited image matches. */
  abstract hasState(row: Row, state: ImageState): boolean;

  /**
   * Keeps the rows of a list that match, or with `wanted` 0 those that do not; gives how many. `out` may be
   * the list.
   */
  filter(rows: Int32Array, options: { count: number; wanted: 0 | 1; out: Int32Array }): number {
    const { count, wanted, out } = options;
    if (this.bits !== undefined) return filterByBits(this.bits, rows, options);
    let end = 0;
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      if (this.hasRow(row) === (wanted === 1)) out[end++] = row;
    }
    return end;
  }
}

/** Lists of such lengths are better marked as bits than merged: branches of a merge are guesses. */
const MARKED_FROM = 256;
/** From this ratio of lengths on, looking up is cheaper than marking. */
const MARKED_RATIO = 16;

/** Images of a list. */
class RowsLeaf extends Leaf {
  override readonly estimate: number;
  readonly #index: ColumnIndex;
  readonly #all: Int32Array;
  readonly #rows: Int32Array;

  constructor(index: ColumnIndex, rows: Int32Array) {
    super();
    this.#index = index;
    this.#all = rows;
    let end = rows.length;
    while (end > 0 && rows[end - 1] >= index.rowCount) end--;
    this.#rows = rows.subarray(0, end);
    this.estimate = end;
  }

  override get rows(): Int32Array {
    return this.#rows;
  }

  override *fill(words: Int32Array): Steps<void> {
    setRows(words, this.#rows, 0, this.#rows.length);
    yield;
  }

  override hasRow(row: Row): boolean {
    return includesSorted(this.#rows, row);
  }

  override hasState(row: Row): boolean {
    return includesSorted(this.#all, row);
  }

  override filter(
    rows: Int32Array,
    options: { count: number; wanted: 0 | 1; out: Int32Array },
  ): number {
    return filterByList(this.#index, this.#rows, rows, options);
  }
}

/** Images with a tag: a list, and bits where that is long. */
class TagLeaf extends Leaf {
  override readonly estimate: number;
  readonly #index: ColumnIndex;
  readonly #place: number;
  readonly #tagId: TagId;
  #rows: Int32Array | undefined;

  constructor(index: ColumnIndex, tag: { id: TagId; place: number }) {
    super();
    const { listOffset } = index.columns;
    this.#index = index;
    this.#place = tag.place;
    this.#tagId = tag.id;
    this.estimate = tag.place < 0 ? 0 : listOffset[tag.place + 1] - listOffset[tag.place];
  }

  // A view costs as much as a hundred rows, and what has bits seldom needs its list.
  override get rows(): Int32Array {
    if (this.#rows === undefined) {
      const { listOffset, listRow } = this.#index.columns;
      this.#rows = this.#place < 0
        ? NO_ROWS
        : listRow.subarray(listOffset[this.#place], listOffset[this.#place + 1]);
    }
    return this.#rows;
  }

  override get bits(): Int32Array | undefined {
    return this.#place < 0 ? undefined : this.#index.tagBits(this.#place);
  }

  override *fill(words: Int32Array): Steps<void> {
    const { bits } = this;
    if (bits !== undefined) orInto(words, bits);
    else setRows(words, this.rows, 0, this.estimate);
    yield;
  }

  override hasRow(row: Row): boolean {
    const { bits } = this;
    if (bits !== undefined) return hasRow(bits, row);
    return hasTag(this.#index, row, this.#tagId);
  }

  override hasState(_row: Row, state: ImageState): boolean {
    return includesSorted(state.tagIds, this.#tagId);
  }

  override filter(
    rows: Int32Array,
    options: { count: number; wanted: 0 | 1; out: Int32Array },
  ): number {
    const { bits } = this;
    if (bits !== undefined) return filterByBits(bits, rows, options);
    return filterByList(this.#index, this.rows, rows, options);
  }
}

const NO_ROWS = new Int32Array();

/** Whether a row of the columns has a tag: a look at its own tags. Cost: about 20 ns. */
function hasTag(index: ColumnIndex, row: Row, tagId: TagId): boolean {
  const { tagOffset, imageTagId } = index.columns;
  let low = tagOffset[row];
  let high = tagOffset[row + 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (imageTagId[middle] < tagId) low = middle + 1;
    else high = middle;
  }
  return low < tagOffset[row + 1] && imageTagId[low] === tagId;
}

/** Keeps the rows that are (1) or are not (0) in a list. */
export function filterByList(
  index: ColumnIndex,
  list: Int32Array,
  rows: Int32Array,
  options: { count: number; wanted: 0 | 1; out: Int32Array },
): number {
  const { count, wanted, out } = options;
  const isMarkedBetter = count >= MARKED_FROM && list.length >= MARKED_FROM &&
    list.length < count * MARKED_RATIO && list.length <= index.denseFrom;
  if (!isMarkedBetter) {
    const own = rows.subarray(0, count);
    return wanted === 1 ? intersectInto(own, list, out) : subtractInto(own, list, out);
  }
  const marks = index.acquireClean();
  setRows(marks, list, 0, list.length);
  const kept = filterByBits(marks, rows, options);
  clearRows(marks, list, 0, list.length);
  index.releaseClean(marks);
  return kept;
}

/** Images with any of some tags: what a wildcard stands for. */
class TagsLeaf extends Leaf {
  override readonly estimate: number;
  /** The tags of a row lie anywhere in memory. */
  override readonly lookCost: number = 400;
  readonly #links: number;
  readonly #index: ColumnIndex;
  readonly #places: readonly number[];
  /** Whether a tag is one of them, by its id; a set where ids are huge. */
  readonly #isMember: Uint8Array | ReadonlySet<TagId>;

  constructor(index: ColumnIndex, tags: { places: readonly number[]; ids: readonly TagId[] }) {
    super();
    this.#index = index;
    this.#places = tags.places;
    this.#isMember = toMembers(tags.ids);
    const { listOffset } = index.columns;
    let sum = 0;
    for (const place of tags.places) sum += listOffset[place + 1] - listOffset[place];
    this.estimate = Math.min(index.rowCount, sum);
    this.#links = sum;
  }

  override get fillCost(): number {
    return this.#links;
  }

  override *fill(words: Int32Array): Steps<void> {
    const { listOffset, listRow } = this.#index.columns;
    let links = 0;
    for (const place of this.#places) {
      const bits = this.#index.tagBits(place);
      if (bits !== undefined) orInto(words, bits);
      else setRows(words, listRow, listOffset[place], listOffset[place + 1]);
      links += bits?.length ?? listOffset[place + 1] - listOffset[place];
      if (links < FILL_LINKS) continue;
      links = 0;
      yield;
    }
  }

  override hasRow(row: Row): boolean {
    const { tagOffset, imageTagId } = this.#index.columns;
    return this.#hasAny(imageTagId, tagOffset[row], tagOffset[row + 1]);
  }

  override hasState(_row: Row, state: ImageState): boolean {
    return this.#hasAny(state.tagIds, 0, state.tagIds.length);
  }

  #hasAny(tagIds: Int32Array, start: number, end: number): boolean {
    const members = this.#isMember;
    if (members instanceof Uint8Array) {
      for (let i = start; i < end; i++) if (members[tagIds[i]] === 1) return true;
    } else {
      for (let i = start; i < end; i++) if (members.has(tagIds[i])) return true;
    }
    return false;
  }
}

/** Ids up to this are looked up in an array. */
const MEMBER_ID_MAX = 1 << 22;

function toMembers(ids: readonly TagId[]): Uint8Array | ReadonlySet<TagId> {
  const last = ids[ids.length - 1];
  if (last > MEMBER_ID_MAX) return new Set(ids);
  const members = new Uint8Array(last + 1);
  for (const id of ids) members[id] = 1;
  return members;
}

/** Links put into bits between two pauses. */
const FILL_LINKS = 1 << 18;

/** The condition of a list of rows, ascending; rows behind those of the columns are edited images. */
export function rowsLeaf(index: ColumnIndex, rows: Int32Array): Leaf {
  return new RowsLeaf(index, rows);
}

/** The condition of a tag; `place` is its place in tagId, -1 when no image of the columns has it. */
export function tagLeaf(index: ColumnIndex, tag: { id: TagId; place: number }): Leaf {
  return new TagLeaf(index, tag);
}

/** The condition of any of some tags: places of those that the columns have, ids of all, ascending. */
export function tagsLeaf(
  index: ColumnIndex,
  tags: { places: readonly number[]; ids: readonly TagId[] },
): Leaf {
  return new TagsLeaf(index, tags);
}

/** Rows put into bits between two pauses. */
const CHUNK_ROWS = 1 << 15;

/** Sets the bits of a part of a list, in slices. */
export function* setSlices(
  words: Int32Array,
  rows: Int32Array,
  { start, end }: { start: number; end: number },
): Steps<void> {
  for (let at = start; at < end; at += CHUNK_ROWS) {
    const stop = Math.min(end, at + CHUNK_ROWS);
    for (let i = at; i < stop; i++) {
      const row = rows[i];
      words[row >>> 5] |= 1 << (row & 31);
    }
    yield;
  }
}
