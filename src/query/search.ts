import { includesSorted, intersectInto, subtractInto } from "../base/int32_set.ts";
import type { Row, TagId } from "../base/ids.ts";
import type { ImageColumns } from "../cache/image_columns.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { QueryNode } from "./ast.ts";

/** Results kept with a snapshot, so that the pages of one search are found once. */
const RESULTS_KEPT_MAX = 16;

/** All images that match, ascending by image id. */
export type SearchResult = {
  rows: Int32Array;
  /** Tags of the search that no image and no table knows. */
  unknownTags: string[];
};

/** A search reduced to what the lists are asked for. */
type Plan = { required: TagId[]; excluded: TagId[]; isImpossible: boolean; unknownTags: string[] };

/**
 * Finds every image that matches, exactly.
 *
 * Algorithm. The shortest list drives; the others are intersected into one scratch array, shortest
 * first, then the excluded lists are subtracted. That answers for the columns; edited rows are taken out
 * and judged by their own tags. Cost: O(sum of the lists), less where lengths differ much.
 */
export function search(snapshot: ImageSnapshot, query: QueryNode): SearchResult {
  const plan = buildPlan(snapshot, query);
  const key = `${plan.required.join(" ")}|${plan.excluded.join(" ")}|${plan.isImpossible}`;
  const kept = snapshot.memo("searchResults", () => new Map<string, Int32Array>());
  let rows = kept.get(key);
  if (rows === undefined) {
    rows = plan.isImpossible ? new Int32Array() : findRows(snapshot, plan);
    kept.set(key, rows);
    if (kept.size > RESULTS_KEPT_MAX) kept.delete(kept.keys().next().value!);
  }
  return { rows, unknownTags: plan.unknownTags };
}

function buildPlan(snapshot: ImageSnapshot, query: QueryNode): Plan {
  const plan: Plan = { required: [], excluded: [], isImpossible: false, unknownTags: [] };
  const nodes = query.kind === "and" ? query.nodes : [query];
  for (const node of nodes) addToPlan(snapshot, node, plan);
  plan.required = [...new Set(plan.required)];
  plan.excluded = [...new Set(plan.excluded)];
  const excluded = new Set(plan.excluded);
  if (plan.required.some((tag) => excluded.has(tag))) plan.isImpossible = true;
  plan.required.sort((a, b) => snapshot.countOfTag(a) - snapshot.countOfTag(b) || a - b);
  return plan;
}

function addToPlan(snapshot: ImageSnapshot, node: QueryNode, plan: Plan): void {
  if (node.kind === "all") return;
  if (node.kind === "and") {
    for (const inner of node.nodes) addToPlan(snapshot, inner, plan);
    return;
  }
  const tag = node.kind === "not" ? node.node : node;
  if (tag.kind !== "tag") throw new TypeError(`Cannot search for "not" of ${tag.kind}`);
  const id = snapshot.tags.idOf(tag.name);
  if (id === undefined) plan.unknownTags.push(tag.name);
  if (node.kind === "not") {
    if (id !== undefined) plan.excluded.push(id);
  } else if (id === undefined) plan.isImpossible = true;
  else plan.required.push(id);
}

function findRows(snapshot: ImageSnapshot, plan: Plan): Int32Array {
  if (plan.required.length + plan.excluded.length === 0) return snapshot.rows();
  const found = findColumnRows(snapshot, plan);
  const touched = Int32Array.from(snapshot.touchedRows()).sort();
  if (touched.length === 0) return found;
  const untouched = found.slice();
  const count = subtractInto(found, touched, untouched);
  const matching = touched.filter((row) => isMatch(snapshot, row, plan));
  return mergeById(snapshot, untouched.subarray(0, count), matching);
}

function findColumnRows(snapshot: ImageSnapshot, plan: Plan): Int32Array {
  const lists = plan.required.map((tag) => snapshot.columnRowsOfTag(tag))
    .sort((a, b) => a.length - b.length);
  const first = lists[0] ?? allColumnRows(snapshot);
  if (lists.length <= 1 && plan.excluded.length === 0) return first;
  const out = new Int32Array(first.length);
  let rows: Int32Array = first;
  for (const list of lists.slice(1)) rows = out.subarray(0, intersectInto(rows, list, out));
  const excluded = plan.excluded.map((tag) => snapshot.columnRowsOfTag(tag));
  if (rows.length < FEW_ROWS || excluded.length === 1) {
    for (const list of excluded) rows = out.subarray(0, subtractInto(rows, list, out));
    return rows;
  }
  return excluded.length === 0
    ? rows
    : out.subarray(0, subtractAll(snapshot, rows, { excluded, out }));
}

/** So few rows are looked up in each excluded list; more are looked up once in a bitmap of all lists. */
const FEW_ROWS = 1_000;

/** Writes the rows that are in none of the lists to `out`: one pass over all lists, one over the rows. */
function subtractAll(
  snapshot: ImageSnapshot,
  rows: Int32Array,
  from: { excluded: readonly Int32Array[]; out: Int32Array },
): number {
  const { excluded, out } = from;
  const bits = new Uint32Array((snapshot.columns.imageId.length >>> 5) + 1);
  for (const list of excluded) setBits(bits, list);
  return keepUnset(bits, rows, out);
}

function setBits(bits: Uint32Array, rows: Int32Array): void {
  for (let i = 0; i < rows.length; i++) bits[rows[i] >>> 5] |= 1 << (rows[i] & 31);
}

function keepUnset(bits: Uint32Array, rows: Int32Array, out: Int32Array): number {
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    out[count] = row;
    count += ((bits[row >>> 5] >>> (row & 31)) & 1) ^ 1;
  }
  return count;
}

/** The rows of all images of some columns; kept as long as the columns, since edits do not change them. */
const COLUMN_ROWS = new WeakMap<ImageColumns, Int32Array>();

function allColumnRows({ columns }: ImageSnapshot): Int32Array {
  let rows = COLUMN_ROWS.get(columns);
  if (rows === undefined) {
    rows = new Int32Array(columns.imageId.length);
    for (let i = 0; i < rows.length; i++) rows[i] = i;
    COLUMN_ROWS.set(columns, rows);
  }
  return rows;
}

function isMatch(snapshot: ImageSnapshot, row: Row, plan: Plan): boolean {
  const tagIds = snapshot.stateOf(row)?.tagIds;
  return tagIds !== undefined &&
    plan.required.every((tag) => includesSorted(tagIds, tag)) &&
    !plan.excluded.some((tag) => includesSorted(tagIds, tag));
}

/** Merges edited rows into rows of the columns; both end up ascending by image id. */
function mergeById(snapshot: ImageSnapshot, rows: Int32Array, edited: Int32Array): Int32Array {
  if (edited.length === 0) return rows;
  const { imageId } = snapshot.columns;
  const added = [...edited].map((row) => ({ row, id: snapshot.idAt(row) }))
    .sort((a, b) => a.id - b.id);
  const merged = new Int32Array(rows.length + added.length);
  let end = 0;
  let next = 0;
  for (let i = 0; i < rows.length; i++) {
    while (next < added.length && added[next].id < imageId[rows[i]]) {
      merged[end++] = added[next++].row;
    }
    merged[end++] = rows[i];
  }
  while (next < added.length) merged[end++] = added[next++].row;
  return merged;
}
