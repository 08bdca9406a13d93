import {
  andInto,
  andNotInto,
  clearRows,
  countBlocks,
  extractRows,
  filterByBits,
  intersectBits,
  orInto,
  setRange,
  setRows,
} from "../base/bitmap.ts";
import type { Row } from "../base/ids.ts";
import type { ImageState } from "../cache/ports.ts";
import type { ColumnIndex } from "./column_index.ts";
import type { Leaf } from "./leaf.ts";
import type { PlanNode } from "./plan.ts";
import type { Steps } from "./steps.ts";

/*
 * Rows of a plan.
 *
 * Algorithm. Where something that must match stands as a short list (at most a 64th of the images), that list
 * drives: what else must or must not match is asked about its rows only, by bits, by a merge, or by a look
 * at the row. Otherwise everything is done with bits, 32 images at a time. So the cost is that of the
 * smallest operand, or of some passes over n / 32 words: 8 µs each at a million images.
 */

/**
 * Rows that match: as a list, or as bits; `isShared`: not to be written to, nor to be given back. Of a list there may
 * be shared bits as well.
 */
export type RowSet =
  | { kind: "rows"; rows: Int32Array; count: number; isShared: boolean; bits?: Int32Array }
  | { kind: "bits"; words: Int32Array; isShared: boolean };

/** Finds the rows of the columns that match, as if nothing had been edited since the load. */
export function* evaluate(index: ColumnIndex, node: PlanNode): Steps<RowSet> {
  switch (node.kind) {
    case "none":
      return { kind: "rows", rows: NO_ROWS, count: 0, isShared: true };
    case "all":
      return { kind: "rows", rows: index.rows(), count: index.rowCount, isShared: true };
    case "leaf":
      if (node.rows !== undefined) {
        const { rows, bits } = node;
        return { kind: "rows", rows, count: rows.length, isShared: true, bits };
      }
      return yield* evaluateBits(index, node);
    case "not":
      return yield* evaluateAnd(index, { required: [], excluded: [node.node] });
    case "and":
      return yield* evaluateAnd(index, split(node.nodes));
    case "or":
      return yield* evaluateBits(index, node);
  }
}

const NO_ROWS = new Int32Array();

/** Members of an AND: what must match, and what must not. */
type Conjunction = { required: PlanNode[]; excluded: PlanNode[] };

function split(nodes: readonly PlanNode[]): Conjunction {
  const required: PlanNode[] = [];
  const excluded: PlanNode[] = [];
  for (const node of nodes) {
    if (node.kind === "not") excluded.push(node.node);
    else required.push(node);
  }
  return { required, excluded };
}

/** Rows that match a node, at most. */
function estimate(index: ColumnIndex, node: PlanNode): number {
  switch (node.kind) {
    case "leaf":
      return node.estimate;
    case "none":
      return 0;
    case "or":
      return Math.min(
        index.rowCount,
        node.nodes.reduce((sum, inner) => sum + estimate(index, inner), 0),
      );
    case "and":
      return node.nodes.reduce(
        (least, inner) => Math.min(least, estimate(index, inner)),
        index.rowCount,
      );
    default:
      return index.rowCount;
  }
}

function* evaluateAnd(index: ColumnIndex, conjunction: Conjunction): Steps<RowSet> {
  const required = conjunction.required
    .map((node) => ({ node, size: estimate(index, node) }))
    .sort((left, right) => left.size - right.size);
  const driver = required[0];
  if (driver !== undefined && driver.size <= index.denseFrom) {
    const others = [
      ...required.slice(1).map(({ node }) => ({ node, wanted: 1 as const })),
      ...conjunction.excluded.map((node) => ({ node, wanted: 0 as const })),
    ];
    return yield* filterList(index, driver.node, others);
  }
  return yield* combineBits(index, {
    required: required.map(({ node }) => node),
    excluded: conjunction.excluded,
  });
}

/** A member of an AND that rows are asked about. */
type Filter = { node: PlanNode; wanted: 0 | 1 };

/** Passes over a short list between two pauses: below a millisecond. */
const FILTERS_PER_SLICE = 32;

function* filterList(
  index: ColumnIndex,
  driver: PlanNode,
  filters: readonly Filter[],
): Steps<RowSet> {
  const out = index.acquireRows();
  const first = yield* evaluate(index, driver);
  let { rows, count } = toList(index, first, out);
  if (filters.length === 0) {
    out.set(rows.subarray(0, count));
    rows = out;
  }
  let filtered = 0;
  // Leaves first: what is left for groups, which take several passes, is less.
  for (const isLeafTurn of [true, false]) {
    for (const { node, wanted } of filters) {
      if ((node.kind === "leaf") !== isLeafTurn) continue;
      const options = { rows, count, wanted, out };
      if (++filtered % FILTERS_PER_SLICE === 0) yield;
      if (node.kind === "leaf" && node.lookCost === 0) count = node.filter(rows, options);
      else if (count > 0) count = yield* filterRows(index, node, options);
      rows = out;
    }
  }
  if (first.kind === "rows") release(index, first);
  return { kind: "rows", rows: out, count, isShared: false };
}

/** The rows of a set as a list; those of bits are written to `out`. */
function toList(
  index: ColumnIndex,
  set: RowSet,
  out: Int32Array,
): { rows: Int32Array; count: number } {
  if (set.kind === "rows") return set;
  const count = extractRows(set.words, out);
  release(index, set);
  return { rows: out, count };
}

/** What rows are filtered from and to; `out` may be `rows`. */
type FilterOptions = { rows: Int32Array; count: number; wanted: 0 | 1; out: Int32Array };

/** Whether a leaf is best asked about each row, and not put into bits before. */
function isFilteredAtOnce(index: ColumnIndex, node: PlanNode, count: number): node is Leaf {
  return node.kind === "leaf" && count * node.lookCost <= node.fillCost + index.wordCount;
}

/**
 * Keeps the rows of a list that match a node (1) or do not (0).
 *
 * A group is taken apart into passes of its leaves over the list: an AND narrows it, an OR marks what each
 * member keeps.
 */
function* filterRows(index: ColumnIndex, node: PlanNode, options: FilterOptions): Steps<number> {
  const { rows, count, wanted, out } = options;
  switch (node.kind) {
    case "leaf": {
      yield;
      if (isFilteredAtOnce(index, node, count)) return node.filter(rows, options);
      const set = yield* evaluateBits(index, node);
      const kept = filterByBits(set.words, rows, options);
      release(index, set);
      return kept;
    }
    case "not":
      return yield* filterRows(index, node.node, { ...options, wanted: wanted === 1 ? 0 : 1 });
    case "and":
    case "or":
      return (node.kind === "and") === (wanted === 1)
        ? yield* narrowRows(index, node.nodes, options)
        : yield* markRows(index, node.nodes, options);
    default:
      if ((node.kind === "all") !== (wanted === 1)) return 0;
      out.set(rows.subarray(0, count));
      return count;
  }
}

/** Keeps the rows that match all nodes, or with `wanted` 0 none of them. */
function* narrowRows(
  index: ColumnIndex,
  nodes: readonly PlanNode[],
  options: FilterOptions,
): Steps<number> {
  const { wanted, out } = options;
  let { rows, count } = options;
  for (const node of nodes) {
    if (count > 0) count = yield* filterRows(index, node, { rows, count, wanted, out });
    rows = out;
  }
  return count;
}

/** Keeps the rows that match any node, or with `wanted` 0 that miss any. */
function* markRows(
  index: ColumnIndex,
  nodes: readonly PlanNode[],
  options: FilterOptions,
): Steps<number> {
  const { rows, count, wanted, out } = options;
  const kept = index.acquireRows();
  // Kept by this search alone while it pauses, and given back as clean as it came.
  const marks = index.acquireClean();
  for (const node of nodes) {
    const end = yield* filterRows(index, node, { rows, count, wanted, out: kept });
    setRows(marks, kept, 0, end);
  }
  const end = filterByBits(marks, rows, { count, wanted: 1, out });
  clearRows(marks, out, 0, end);
  index.releaseClean(marks);
  index.releaseRows(kept);
  return end;
}

/** Leaves of a plan. */
export function countLeaves(node: PlanNode): number {
  if (node.kind === "and" || node.kind === "or") {
    return node.nodes.reduce((sum, inner) => sum + countLeaves(inner), 0);
  }
  return node.kind === "not" ? countLeaves(node.node) : 1;
}

/** Whether an edited image matches. */
export function matchesState(node: PlanNode, row: Row, state: ImageState): boolean {
  switch (node.kind) {
    case "leaf":
      return node.hasState(row, state);
    case "not":
      return !matchesState(node.node, row, state);
    case "and":
      return node.nodes.every((inner) => matchesState(inner, row, state));
    case "or":
      return node.nodes.some((inner) => matchesState(inner, row, state));
    default:
      return node.kind === "all";
  }
}

type BitSet = Extract<RowSet, { kind: "bits" }>;

/** Rows of a node as bits. */
function* evaluateBits(index: ColumnIndex, node: PlanNode): Steps<BitSet> {
  if (node.kind === "leaf") {
    const kept = node.bits ?? (yield* node.prepare())?.words;
    if (kept !== undefined) return { kind: "bits", words: kept, isShared: true };
    const words = index.acquireZeroed();
    yield* node.fill(words);
    return { kind: "bits", words, isShared: false };
  }
  if (node.kind === "or") return yield* uniteBits(index, node.nodes);
  const set = yield* evaluate(index, node);
  if (set.kind === "bits") return set;
  const words = index.acquireZeroed();
  setRows(words, set.rows, 0, set.count);
  release(index, set);
  return { kind: "bits", words, isShared: false };
}

function* uniteBits(index: ColumnIndex, nodes: readonly PlanNode[]): Steps<BitSet> {
  const words = index.acquireZeroed();
  for (const node of nodes) {
    yield;
    if (node.kind === "leaf") yield* node.fill(words);
    else {
      const set = yield* evaluate(index, node);
      if (set.kind === "bits") orInto(words, set.words);
      else setRows(words, set.rows, 0, set.count);
      release(index, set);
    }
  }
  return { kind: "bits", words, isShared: false };
}

function* combineBits(
  index: ColumnIndex,
  { required, excluded }: Conjunction,
): Steps<BitSet> {
  // Decided once: what is dear can become cheap while others are evaluated.
  const dear = new Set([...required, ...excluded].filter((node) => isDear(index, node)));
  const words = yield* intersectAll(index, required.filter((node) => !dear.has(node)));
  for (const node of excluded) {
    if (dear.has(node)) continue;
    yield;
    if (node.kind === "leaf" && node.bits === undefined && node.rows !== undefined) {
      clearRows(words, node.rows, 0, node.rows.length);
    } else {
      const set = yield* evaluateBits(index, node);
      andNotInto(words, set.words);
      release(index, set);
    }
  }
  for (const node of required) if (dear.has(node)) yield* narrow(index, words, { node, wanted: 1 });
  for (const node of excluded) if (dear.has(node)) yield* narrow(index, words, { node, wanted: 0 });
  return { kind: "bits", words, isShared: false };
}

/** Whether a leaf is worth narrowing the rows down for, before it is asked. */
function isDear(index: ColumnIndex, node: PlanNode): boolean {
  return node.kind === "leaf" && node.fillCost > index.rowCount / 2;
}

/** Rows looked at between two pauses. */
const CHUNK_LOOKS = 1 << 13;

/** Keeps of some bits what a dear leaf says: by its own bits, or by a look at each row if those are few. */
function* narrow(index: ColumnIndex, words: Int32Array, { node, wanted }: Filter): Steps<void> {
  const count = countBlocks(words, new Int32Array(index.blockCount));
  if (node.kind !== "leaf" || !isFilteredAtOnce(index, node, count)) {
    const set = yield* evaluateBits(index, node);
    if (wanted === 1) andInto(words, set.words);
    else andNotInto(words, set.words);
    release(index, set);
    return;
  }
  let looks = 0;
  for (let i = 0; i < words.length; i++) {
    for (let word = words[i]; word !== 0; word &= word - 1, looks++) {
      const bit = word & -word;
      const row = (i << 5) + 31 - Math.clz32(bit);
      if (node.hasRow(row) !== (wanted === 1)) words[i] &= ~bit;
    }
    if (looks < CHUNK_LOOKS) continue;
    looks = 0;
    yield;
  }
}

/** Rows that match all of some nodes, in words that may be written to. */
function* intersectAll(index: ColumnIndex, nodes: readonly PlanNode[]): Steps<Int32Array> {
  const words = index.acquire();
  if (nodes.length === 0) {
    words.fill(0);
    setRange(words, 0, index.rowCount);
    return words;
  }
  const first = yield* evaluateBits(index, nodes[0]);
  if (nodes.length === 1) words.set(first.words);
  else {
    const second = yield* evaluateBits(index, nodes[1]);
    intersectBits(first.words, second.words, words);
    release(index, second);
  }
  release(index, first);
  for (const node of nodes.slice(2)) {
    yield;
    const set = yield* evaluateBits(index, node);
    andInto(words, set.words);
    release(index, set);
  }
  return words;
}

/** Gives back what a set was made in, if it was made for this search. */
export function release(index: ColumnIndex, set: RowSet): void {
  if (set.isShared) return;
  if (set.kind === "bits") index.release(set.words);
  else index.releaseRows(set.rows);
}
