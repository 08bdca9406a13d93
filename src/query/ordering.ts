import type { ImageId, Row } from "../base/ids.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { QueryOrder } from "./ast.ts";
import { hasRow } from "../base/bitmap.ts";
import type { ColumnIndex } from "./column_index.ts";
import { type ImageNumber, imageNumber, numberOf } from "./numbers.ts";
import { type PlanContext, rowsOfPools } from "./plan.ts";
import type { ResultSet } from "./result_set.ts";
import type { Steps } from "./steps.ts";

/** Members of a result in the order asked for. */
export type Ordering = {
  /** Members from place `start` to before `end`, the first shown at place 0. */
  slice: (start: number, end: number) => Row[];
  /** Place of a member; undefined when the row is none. */
  placeOf: (row: Row) => number | undefined;
  /** Bytes that it holds besides what is kept with the columns. */
  byteLength: number;
};

/** Prepares an order, so that its pages can be taken without waiting. */
export function* prepareOrdering(
  context: PlanContext,
  result: ResultSet,
  order: QueryOrder | null,
): Steps<Ordering> {
  const { snapshot, index } = context;
  if (order === null || (order.by === "number" && order.name === "id")) {
    return byId(snapshot, result, order !== null);
  }
  switch (order.by) {
    case "number": {
      const number = yield* imageNumber(snapshot, index, order.name);
      const sorted = yield* index.sorted(number.key, number.values);
      return yield* byNumber({ snapshot, result, sorted, number }, order.isAscending);
    }
    case "random": {
      const hash = (id: number) => hashId(id, order.seed);
      const values = () => hashIds(index.columns.imageId, hash);
      const number: ImageNumber = {
        key: "random",
        least: -Infinity,
        values: index.columns.imageId,
        ofState: ({ id }) => hash(id),
      };
      const sorted = yield* index.shuffled(order.seed, values);
      const rowValue = (row: Row) => hash(snapshot.idAt(row));
      const columnValue = (row: Row) => hash(index.columns.imageId[row]);
      return yield* byNumber({ snapshot, result, sorted, number, rowValue, columnValue }, true);
    }
    case "rank": {
      const number = yield* rankNumber(index);
      const sorted = yield* index.sorted(number.key, number.values);
      return yield* byNumber({ snapshot, result, sorted, number }, false);
    }
    case "similar":
      return listed(keep(result, context.similar.get(order.id) ?? []));
    case "custom": {
      const rows = order.ids.map((id) => snapshot.rowOfId(id));
      return listed(keep(result, rows.filter((row) => row !== undefined)));
    }
    case "pool":
      return listed(keep(result, yield* rowsOfPools(snapshot, order.pool)));
  }
}

function byId(snapshot: ImageSnapshot, result: ResultSet, isAscending: boolean): Ordering {
  const { total } = result;
  return {
    slice: (start, end) =>
      isAscending
        ? result.slice(start, end)
        : result.slice(total - end, total - Math.max(0, start)).reverse(),
    placeOf: (row) => {
      if (!result.has(row)) return undefined;
      const below = result.countBelow(snapshot.idAt(row));
      return isAscending ? below : total - 1 - below;
    },
    byteLength: 0,
  };
}

/** Members as they stand in a list, each once. */
function keep(result: ResultSet, rows: Iterable<Row>): Int32Array {
  return Int32Array.from(new Set(rows)).filter((row) => result.has(row));
}

function listed(rows: Int32Array): Ordering {
  return {
    slice: (start, end) => [...rows.subarray(Math.max(0, start), Math.max(0, end))],
    placeOf: (row) => {
      const place = rows.indexOf(row);
      return place < 0 ? undefined : place;
    },
    byteLength: rows.byteLength,
  };
}

/** Seconds that count as much as three times the score. */
const RANK_PERIOD_S = 35_000;
/** Ranks are kept as whole numbers of so small parts. */
const RANK_PARTS = 1e8;
/** Rows ranked between two pauses. */
const CHUNK_RANKS = 1 << 15;

/** Danbooru's rank: the logarithm of the score to base 3, plus the time it was added. */
function* rankNumber(index: ColumnIndex): Steps<ImageNumber> {
  const { score, ingestedAt } = index.columns;
  const values = yield* index.numbers("rank", function* () {
    const ranks = new Float64Array(score.length);
    for (let row = 0; row < ranks.length; row++) {
      ranks[row] = toRank(score[row], ingestedAt[row]);
      if (row % CHUNK_RANKS === 0) yield;
    }
    return ranks;
  });
  return {
    key: "rank",
    least: -Infinity,
    values,
    ofState: (state) => toRank(state.score, state.ingestedAt),
  };
}

function toRank(score: number, addedAt: number): number {
  const liked = score > 0 ? Math.log(score) / Math.log(3) : 0;
  return Math.round((liked + addedAt / RANK_PERIOD_S) * RANK_PARTS);
}

function* hashIds(ids: Int32Array, hash: (id: number) => number): Steps<Int32Array> {
  const values = new Int32Array(ids.length);
  for (let row = 0; row < values.length; row++) {
    values[row] = hash(ids[row]);
    if (row % CHUNK_RANKS === 0) yield;
  }
  return values;
}

/** A number by chance for an id and a seed (the finalizer of MurmurHash3). */
function hashId(id: number, seed: number): number {
  let hash = Math.imul(id, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}

type NumberOrder = {
  snapshot: ImageSnapshot;
  result: ResultSet;
  /** Rows of the columns, ascending by the number. */
  sorted: Int32Array;
  number: ImageNumber;
  /** Number of any row, if it is none of the image. */
  rowValue?: (row: Row) => number;
  /** The same of a row as the columns have it. */
  columnValue?: (row: Row) => number;
};

/** So few members are sorted themselves; more are picked out of all rows in their order. */
const SORTED_MAX = 3_000;

/** Members whose numbers are looked up between two pauses. */
const CHUNK_SORTED = 1_000;

/**
 * Order by a number.
 *
 * A small result is sorted. Of a large one the rows are met soon when all rows are walked in the order of the
 * number: a page costs as many looks as there are rows before its end, at most n / 2, a nanosecond each.
 */
function* byNumber(order: NumberOrder, isAscending: boolean): Steps<Ordering> {
  const { result, sorted } = order;
  const { total } = result;
  if (total <= SORTED_MAX) {
    const rows = yield* sortMembers(order, result.slice(0, total));
    return listed(Int32Array.from(isAscending ? rows : rows.reverse()));
  }
  const isWhole = result.baseCount === sorted.length;
  const bits = isWhole ? null : result.baseBits();
  const extra = yield* sortMembers(order, [...result.extra]);
  const walk = { ...order, bits, extra, isAscending };
  return {
    slice: (start, end) => walkBetween(walk, Math.max(0, start), Math.min(total, end)),
    placeOf: (row) => {
      if (!result.has(row)) return undefined;
      const below = countBefore(walk, row);
      return isAscending ? below : total - 1 - below;
    },
    byteLength: (bits?.byteLength ?? 0) + 8 * extra.length,
  };
}

/** Members in ascending order; each number is looked up once. */
function* sortMembers(order: NumberOrder, rows: readonly Row[]): Steps<Row[]> {
  const members: { row: Row; value: number; id: ImageId }[] = [];
  for (const row of rows) {
    members.push({ row, value: valueOfRow(order, row), id: order.snapshot.idAt(row) });
    if (members.length % CHUNK_SORTED === 0) yield;
  }
  members.sort((left, right) => left.value - right.value || left.id - right.id);
  return members.map(({ row }) => row);
}

function valueOfRow({ snapshot, number, rowValue }: NumberOrder, row: Row): number {
  return rowValue === undefined ? numberOf(snapshot, number, row) : rowValue(row);
}

function compareRows(order: NumberOrder, left: Row, right: Row): number {
  const { snapshot } = order;
  return valueOfRow(order, left) - valueOfRow(order, right) ||
    snapshot.idAt(left) - snapshot.idAt(right);
}

/** Members that stand before a row in ascending order. Cost: O(n), a nanosecond each. */
function countBefore(walk: Walk, row: Row): number {
  const { sorted, bits, extra } = walk;
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareColumns(walk, sorted[middle], row) < 0) low = middle + 1;
    else high = middle;
  }
  let count = bits === null ? low : 0;
  if (bits !== null) { for (let i = 0; i < low; i++) count += Number(hasRow(bits, sorted[i])); }
  return count + extra.filter((other) => compareRows(walk, other, row) < 0).length;
}

/** Compares a row of the columns as it stands in their order, edited since or not, with any row. */
function compareColumns(order: NumberOrder, column: Row, row: Row): number {
  const { snapshot, number, columnValue } = order;
  const value = columnValue === undefined ? number.values[column] : columnValue(column);
  return value - valueOfRow(order, row) ||
    snapshot.columns.imageId[column] - snapshot.idAt(row);
}

type Walk = NumberOrder & { bits: Int32Array | null; extra: readonly Row[]; isAscending: boolean };

/** Members at some places, met by walking all rows and the edited ones in step, from the nearer end. */
function walkBetween(walk: Walk, start: number, end: number): Row[] {
  const { total } = walk.result;
  if (start <= total - end) return walkFrom(walk, start, end);
  const other = { ...walk, isAscending: !walk.isAscending };
  return walkFrom(other, total - end, total - start).reverse();
}

function walkFrom(walk: Walk, start: number, end: number): Row[] {
  const { sorted, bits, extra, isAscending } = walk;
  const step = isAscending ? 1 : -1;
  const first = isAscending ? 0 : sorted.length - 1;
  let at = first;
  let place = 0;
  if (extra.length === 0) {
    // Everything matches, or the first places are only counted.
    at = bits === null
      ? first + start * step
      : skipMembers(sorted, bits, { at, step, count: start });
    place = start;
  }
  let extraAt = isAscending ? 0 : extra.length - 1;
  const rows: Row[] = [];
  for (; place < end; place++) {
    while (bits !== null && at >= 0 && at < sorted.length && !hasRow(bits, sorted[at])) at += step;
    const isBaseLeft = at >= 0 && at < sorted.length;
    const isExtraLeft = extraAt >= 0 && extraAt < extra.length;
    if (!isBaseLeft && !isExtraLeft) break;
    const takesExtra = isExtraLeft &&
      (!isBaseLeft || compareRows(walk, extra[extraAt], sorted[at]) * step < 0);
    const row = takesExtra ? extra[extraAt] : sorted[at];
    if (takesExtra) extraAt += step;
    else at += step;
    if (place >= start) rows.push(row);
  }
  return rows;
}

/** The place behind the first `count` members of a walk. Cost: about a nanosecond a row. */
function skipMembers(
  sorted: Int32Array,
  bits: Int32Array,
  walk: { at: number; step: number; count: number },
): number {
  const { step, count } = walk;
  let { at } = walk;
  let met = 0;
  for (; met < count && at >= 0 && at < sorted.length; at += step) {
    const row = sorted[at];
    met += (bits[row >>> 5] >>> (row & 31)) & 1;
  }
  return at;
}
