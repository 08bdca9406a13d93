import type { Row } from "../base/ids.ts";
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
      return byNumber({ snapshot, result, sorted, number }, order.isAscending);
    }
    case "random": {
      const hash = (id: number) => hashId(id, order.seed);
      const values = () => index.columns.imageId.map(hash);
      const number: ImageNumber = {
        key: "random",
        least: -Infinity,
        values: index.columns.imageId,
        ofState: ({ id }) => hash(id),
      };
      const sorted = yield* index.shuffled(order.seed, values);
      const rowValue = (row: Row) => hash(snapshot.idAt(row));
      return byNumber({ snapshot, result, sorted, number, rowValue }, true);
    }
    case "rank":
      return listed(byRank(snapshot, index, result));
    case "similar":
      return listed(keep(result, context.similar.get(order.id) ?? []));
    case "custom": {
      const rows = order.ids.map((id) => snapshot.rowOfId(id));
      return listed(keep(result, rows.filter((row) => row !== undefined)));
    }
    case "pool":
      return listed(keep(result, rowsOfPools(snapshot, order.pool)));
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
  };
}

/** Members as they stand in a list, each once. */
function keep(result: ResultSet, rows: Iterable<Row>): Row[] {
  return [...new Set(rows)].filter((row) => result.has(row));
}

function listed(rows: readonly Row[]): Ordering {
  return {
    slice: (start, end) => rows.slice(Math.max(0, start), end),
    placeOf: (row) => {
      const place = rows.indexOf(row);
      return place < 0 ? undefined : place;
    },
  };
}

/** Unix second from which Danbooru counts; any would give the same order. */
const RANK_PERIOD_S = 35_000;

function byRank(snapshot: ImageSnapshot, index: ColumnIndex, result: ResultSet): Row[] {
  const { score, ingestedAt } = index.columns;
  return result.slice(0, result.total).map((row) => {
    const state = snapshot.stateOf(row);
    const liked = Math.log(state?.score ?? score[row]) / Math.log(3);
    return { row, rank: liked + (state?.ingestedAt ?? ingestedAt[row]) / RANK_PERIOD_S };
  }).sort((left, right) =>
    right.rank - left.rank || snapshot.idAt(right.row) - snapshot.idAt(left.row)
  )
    .map(({ row }) => row);
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
  /** Number of any row, if not that of the columns. */
  rowValue?: (row: Row) => number;
};

/** So few members are sorted themselves; more are picked out of all rows in their order. */
const SORTED_MAX = 3_000;

/**
 * Order by a number.
 *
 * A small result is sorted. Of a large one the rows are met soon when all rows are walked in the order of the
 * number: a page costs as many looks as there are rows before its end, at most n, a nanosecond each.
 */
function byNumber(order: NumberOrder, isAscending: boolean): Ordering {
  const { result, sorted } = order;
  const { total } = result;
  if (total <= SORTED_MAX) {
    const rows = sortMembers(order, result.slice(0, total));
    return listed(isAscending ? rows : rows.reverse());
  }
  const isWhole = result.baseCount === sorted.length;
  const bits = isWhole ? null : result.baseBits();
  const extra = sortMembers(order, [...result.extra]);
  const walk = { ...order, bits, extra, isAscending };
  return {
    slice: (start, end) => walkBetween(walk, Math.max(0, start), Math.min(total, end)),
    placeOf: (row) => {
      const place = result.has(row) ? walkBetween(walk, 0, total).indexOf(row) : -1;
      return place < 0 ? undefined : place;
    },
  };
}

function sortMembers(order: NumberOrder, rows: Row[]): Row[] {
  return rows.sort((left, right) => compareRows(order, left, right));
}

function compareRows(order: NumberOrder, left: Row, right: Row): number {
  const { snapshot, number } = order;
  const rowValue = order.rowValue ?? ((row: Row) => numberOf(snapshot, number, row));
  return rowValue(left) - rowValue(right) || snapshot.idAt(left) - snapshot.idAt(right);
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
