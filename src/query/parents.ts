import type { Row } from "../base/ids.ts";
import { firstNotBelow } from "../base/int32_set.ts";
import { findSorted } from "../cache/columns_builder.ts";
import type { ImageColumns } from "../cache/image_columns.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { compareSources } from "../tags/sources.ts";
import { sortRowsByValue } from "./radix_sort.ts";
import { runAtOnce, type Steps } from "./steps.ts";

/*
 * Who is whose parent. A person's own word (a relation between two images) comes first. Else a site
 * said it: `images.parent_id` is the post id of the parent at a site, and as the table does not say at
 * which, it counts at those sites where the child itself has a post, in their usual order. Of several
 * images with that post id the parent is the one with the lowest image id.
 *
 * The columns are resolved once for a load and that answer is corrected for the images that edits
 * touched: a child that changed, one whose parent changed, and one whose parent came.
 */

/** Every parent and child of a snapshot, ascending by the parent's row, then by the child's. */
export type ParentPairs = {
  readonly parentRow: Int32Array;
  readonly childRow: Int32Array;
};

/** Rows of the columns that name a parent, ascending, with it; -1 when it is not in the library. */
type ColumnFamilies = {
  childRow: Int32Array;
  parentRow: Int32Array;
  /** Sites where the i-th child has a post: sourceOffset [c+1] into source. */
  sourceOffset: Int32Array;
  source: Int32Array;
};

/** Row of the parent of an image; undefined when it has none in the library. Cost: O(log n). */
export function parentRowOf(snapshot: ImageSnapshot, row: Row): Row | undefined {
  const state = snapshot.stateOf(row);
  if (state === null) return undefined;
  const { columns } = snapshot;
  const explicit = snapshot.rowOfId(state?.parentImageId ?? columns.parentImageId[row]);
  if (explicit !== undefined && explicit !== row) return explicit;
  const postId = state?.parentId ?? columns.parentId[row];
  if (postId <= 0) return undefined;
  const sources = state
    ? [...new Set(state.postIds.map(({ source }) => source))].sort(compareSources)
    : columnSourcesOf(snapshot, row);
  for (const source of sources) {
    const parent = snapshot.rowsOfPostId(postId, source).find((other) => other !== row);
    if (parent !== undefined) return parent;
  }
  return undefined;
}

/** Rows of the children of an image, ascending by image id. Cost: O(log pairs) after the first time. */
export function childRowsOf(snapshot: ImageSnapshot, row: Row): Row[] {
  const { parentRow, childRow } = parentPairsOf(snapshot);
  const start = firstNotBelow(parentRow, row, 0);
  return [...childRow.subarray(start, firstNotBelow(parentRow, row + 1, start))]
    .sort((a, b) => snapshot.idAt(a) - snapshot.idAt(b));
}

/** Every parent and child at once; see {@link parentPairsSteps}. */
export function parentPairsOf(snapshot: ImageSnapshot): ParentPairs {
  return runAtOnce(parentPairsSteps(snapshot));
}

/**
 * Every parent and child. Cost: the first time after a load O(n + children × log post ids), after an edit
 * O(pairs + edits since the load); kept with the snapshot.
 */
export function* parentPairsSteps(snapshot: ImageSnapshot): Steps<ParentPairs> {
  const kept = snapshot.memo("parentPairs", (): { pairs?: ParentPairs } => ({}));
  if (kept.pairs === undefined) {
    const { parentRow, childRow } = yield* correctedPairs(snapshot);
    // Children ascend already, and equal parents keep their order.
    const order = yield* sortRowsByValue(parentRow);
    kept.pairs = {
      parentRow: order.map((place) => parentRow[place]),
      childRow: order.map((place) => childRow[place]),
    };
  }
  return kept.pairs;
}

/** Children looked at between two pauses. */
const CHUNK_CHILDREN = 1 << 13;

/** All pairs, ascending by the child's row. */
function* correctedPairs(snapshot: ImageSnapshot): Steps<ParentPairs> {
  const { columns } = snapshot;
  const { childRow, parentRow } = yield* columnFamilies(snapshot);
  const touched = touchedOf(snapshot);
  if (touched.rows.size === 0) return onlyFound(childRow, parentRow);
  const pairs: { child: Row; parent: Row }[] = [];
  for (const child of touched.rows) {
    const parent = parentRowOf(snapshot, child);
    if (parent !== undefined) pairs.push({ child, parent });
  }
  const parents = parentRow.slice();
  for (let i = 0; i < childRow.length; i++) {
    const isDoubtful = touched.rows.has(parents[i]) ||
      touched.postIds.has(columns.parentId[childRow[i]]) ||
      touched.ids.has(columns.parentImageId[childRow[i]]);
    if (touched.rows.has(childRow[i])) parents[i] = -1;
    else if (isDoubtful) parents[i] = parentRowOf(snapshot, childRow[i]) ?? -1;
    if (i % CHUNK_CHILDREN === CHUNK_CHILDREN - 1) yield;
  }
  return mergePairs(onlyFound(childRow, parents), pairs.sort((a, b) => a.child - b.child));
}

/** The pairs whose parent is there. */
function onlyFound(childRow: Int32Array, parentRow: Int32Array): ParentPairs {
  const isThere = (_: number, i: number) => parentRow[i] >= 0;
  return { childRow: childRow.filter(isThere), parentRow: parentRow.filter(isThere) };
}

/** Puts a few pairs among many, both ascending by the child. */
function mergePairs(
  many: ParentPairs,
  few: readonly { child: Row; parent: Row }[],
): ParentPairs {
  const count = many.childRow.length + few.length;
  const childRow = new Int32Array(count);
  const parentRow = new Int32Array(count);
  let next = 0;
  let at = 0;
  for (let end = 0; end < count; end++) {
    const takesFew = next < few.length &&
      (at >= many.childRow.length || few[next].child < many.childRow[at]);
    childRow[end] = takesFew ? few[next].child : many.childRow[at];
    parentRow[end] = takesFew ? few[next++].parent : many.parentRow[at++];
  }
  return { parentRow, childRow };
}

function touchedOf(snapshot: ImageSnapshot) {
  const rows = new Set<Row>(snapshot.touchedRows());
  const ids = new Set<number>();
  const postIds = new Set<number>();
  for (const row of rows) {
    const state = snapshot.stateOf(row);
    if (state === undefined || state === null) continue;
    ids.add(state.id);
    for (const { id } of state.postIds) postIds.add(id);
  }
  return { rows, ids, postIds };
}

/** What the columns say, kept as long as they are: edits do not change them. */
const FAMILIES = new WeakMap<ImageColumns, ColumnFamilies>();

function* columnFamilies({ columns, postSources }: ImageSnapshot): Steps<ColumnFamilies> {
  let families = FAMILIES.get(columns);
  if (families === undefined) {
    FAMILIES.set(columns, families = yield* resolveColumns(columns, postSources.length));
  }
  return families;
}

function* resolveColumns(columns: ImageColumns, sourceCount: number): Steps<ColumnFamilies> {
  const { parentId, parentImageId, imageId } = columns;
  let count = 0;
  const all = new Int32Array(imageId.length);
  for (let row = 0; row < all.length; row++) {
    if (parentId[row] > 0 || parentImageId[row] > 0) all[count++] = row;
  }
  const childRow = all.slice(0, count);
  yield;
  const sourcesOf = readSources(columns, childRow);
  const starts = new Int32Array(sourceCount + 1);
  for (let source = 0; source <= sourceCount; source++) {
    starts[source] = firstNotBelow(columns.postSource, source, 0);
  }
  const parentRow = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    parentRow[i] = resolveRow(columns, { row: childRow[i], place: i, starts, ...sourcesOf });
    if (i % CHUNK_CHILDREN === 0) yield;
  }
  return { childRow, parentRow, ...sourcesOf };
}

function resolveRow(
  columns: ImageColumns,
  child: {
    row: Row;
    place: number;
    starts: Int32Array;
    sourceOffset: Int32Array;
    source: Int32Array;
  },
): Row {
  const { row, place, starts, sourceOffset, source } = child;
  const { postId, postRow, parentId, parentImageId, imageId } = columns;
  const explicit = parentImageId[row] > 0 ? findSorted(imageId, parentImageId[row]) : -1;
  if (explicit >= 0 && explicit !== row) return explicit;
  const wanted = parentId[row];
  if (wanted <= 0) return -1;
  for (let i = sourceOffset[place]; i < sourceOffset[place + 1]; i++) {
    const start = starts[source[i]];
    const end = starts[source[i] + 1];
    let at = start + firstNotBelow(postId.subarray(start, end), wanted, 0);
    for (; at < end && postId[at] === wanted; at++) {
      if (postRow[at] !== row) return postRow[at];
    }
  }
  return -1;
}

/** Sites where each of some rows has posts, ascending. Cost: O(n + p). */
function readSources(
  { postRow, postSource, imageId }: ImageColumns,
  childRow: Int32Array,
): Pick<ColumnFamilies, "sourceOffset" | "source"> {
  const place = new Int32Array(imageId.length).fill(-1);
  for (let i = 0; i < childRow.length; i++) place[childRow[i]] = i;
  const sourceOffset = new Int32Array(childRow.length + 1);
  for (let i = 0; i < postRow.length; i++) {
    const child = place[postRow[i]];
    if (child >= 0) sourceOffset[child + 1]++;
  }
  for (let i = 0; i < childRow.length; i++) sourceOffset[i + 1] += sourceOffset[i];
  const source = new Int32Array(sourceOffset[childRow.length]);
  const next = sourceOffset.slice();
  for (let i = 0; i < postRow.length; i++) {
    const child = place[postRow[i]];
    if (child >= 0) source[next[child]++] = postSource[i];
  }
  return { sourceOffset, source };
}

function columnSourcesOf(snapshot: ImageSnapshot, row: Row): string[] {
  const { childRow, sourceOffset, source } = runAtOnce(columnFamilies(snapshot));
  const place = findSorted(childRow, row);
  if (place < 0) return [];
  const own = source.subarray(sourceOffset[place], sourceOffset[place + 1]);
  return [...new Set(own)].map((number) => snapshot.postSources[number]);
}
