import type { ImageId, Row, TagId } from "../base/ids.ts";
import { SIMILAR_MAX } from "../base/limits.ts";
import { firstNotBelow } from "../base/int32_set.ts";
import { findSorted } from "../cache/columns_builder.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { Pool } from "../cache/pool_table.ts";
import type { ImageState } from "../cache/ports.ts";
import type { QueryLeaf, QueryNode } from "./ast.ts";
import type { ColumnIndex } from "./column_index.ts";
import { codeLeaf, hasSourceLeaf, numberLeaf, pathLeaf, sourceLeaf } from "./column_leaves.ts";
import { type Leaf, rowsLeaf, tagLeaf, tagsLeaf } from "./leaf.ts";
import { imageNumber } from "./numbers.ts";
import { parentPairsSteps } from "./parents.ts";
import { BytePattern } from "./pattern.ts";
import { postLeaf } from "./post_leaf.ts";
import { toLeafText } from "./query_text.ts";
import { similarSteps } from "./similar.ts";
import type { Steps } from "./steps.ts";
import { expandWildcard } from "./wildcard.ts";

/** A query condition with everything looked up that one snapshot says of it. */
export type PlanNode =
  | Leaf
  | { kind: "all" }
  | { kind: "none" }
  | { kind: "not"; node: PlanNode }
  | { kind: "and"; nodes: PlanNode[] }
  | { kind: "or"; nodes: PlanNode[] };

/** What resolving needs and finds out. */
export type PlanContext = {
  snapshot: ImageSnapshot;
  index: ColumnIndex;
  /** Tags of the query that do not exist; filled. */
  unknownTags: string[];
  /** Rows of `similar:` conditions, the most alike first; filled. */
  similar: Map<ImageId, Int32Array>;
};

const NONE: PlanNode = { kind: "none" };

/** Looks up tags, wildcards, pools and numbers of a condition. */
export function* buildPlan(context: PlanContext, node: QueryNode): Steps<PlanNode> {
  switch (node.kind) {
    case "all":
    case "none":
      return node;
    case "not":
      return { kind: "not", node: yield* buildPlan(context, node.node) };
    case "and":
    case "or": {
      const nodes: PlanNode[] = [];
      for (const inner of node.nodes) {
        nodes.push(
          inner.kind === "tag" ? resolveTag(context, inner) : yield* buildPlan(context, inner),
        );
      }
      return { kind: node.kind, nodes };
    }
    default:
      return yield* resolve(context, node);
  }
}

function* resolve(context: PlanContext, leaf: QueryLeaf): Steps<PlanNode> {
  const { snapshot, index } = context;
  switch (leaf.kind) {
    case "tag":
      return resolveTag(context, leaf);
    case "wildcard": {
      const { places, ids } = yield* expandWildcard(snapshot, leaf.pattern, leaf.category);
      if (ids.length === 0) return NONE;
      if (ids.length === 1) return tagLeaf(index, { id: ids[0], place: places[0] ?? -1 });
      return tagsLeaf(index, { places, ids });
    }
    case "number": {
      const number = yield* imageNumber(snapshot, index, leaf.name);
      const key = `${number.key}:${leaf.intervals.map((i) => `${i.low}..${i.high}`).join()}`;
      return numberLeaf(index, { number, intervals: leaf.intervals, key });
    }
    case "rating": {
      const { rating } = index.columns;
      const ofState = (state: ImageState) => state.rating;
      return codeLeaf(index, { ...leaf, key: toLeafText(leaf), column: rating, ofState });
    }
    case "fileType": {
      const { fileType } = index.columns;
      const ofState = (state: ImageState) => state.fileType;
      return codeLeaf(index, { ...leaf, key: toLeafText(leaf), column: fileType, ofState });
    }
    case "source":
      return yield* resolveSource(context, leaf);
    case "hasSource":
      return hasSourceLeaf(index);
    case "path": {
      const isWhole = leaf.pattern.includes("*");
      const pattern = new BytePattern(isWhole ? leaf.pattern : `*${leaf.pattern}*`);
      return pathLeaf(index, { pattern, isName: leaf.part === "filename", key: toLeafText(leaf) });
    }
    case "post":
      return yield* resolvePost(context, leaf.site, leaf);
    default:
      return rowsLeaf(index, yield* findRows(context, leaf));
  }
}

function resolveTag(
  { snapshot, index, unknownTags }: PlanContext,
  leaf: Extract<QueryLeaf, { kind: "tag" }>,
): PlanNode {
  const name = leaf.isLiteral ? leaf.name : snapshot.aliases.resolve(leaf.name);
  const id: TagId | undefined = snapshot.tags.idOf(name);
  const isOther = id !== undefined && leaf.category !== null &&
    (snapshot.tags.categoryOf(id) ?? "general") !== leaf.category;
  if (id === undefined || isOther) {
    unknownTags.push(leaf.name);
    return NONE;
  }
  return tagLeaf(index, { id, place: findSorted(index.columns.tagId, id) });
}

/** A source begins as written; the name of a site also means what has a post number there. */
function* resolveSource(
  context: PlanContext,
  leaf: Extract<QueryLeaf, { kind: "source" }>,
): Steps<PlanNode> {
  const { index } = context;
  const text = sourceLeaf(index, new BytePattern(`${leaf.pattern}*`), toLeafText(leaf));
  if (!/^[a-z0-9_.-]+$/.test(leaf.pattern)) return text;
  const everything = { intervals: [{ low: -Infinity, high: Infinity }] };
  return { kind: "or", nodes: [text, yield* resolvePost(context, leaf.pattern, everything)] };
}

function* resolvePost(
  { snapshot, index }: PlanContext,
  site: string | null,
  { intervals }: { intervals: { low: number; high: number }[] },
): Steps<PlanNode> {
  const sites = new Map<string, number>();
  snapshot.postSources.forEach((name, i) => {
    if (site === null || name === site) sites.set(name, i);
  });
  // Edited images may be the first ones of a site.
  const touchedSites = snapshot.touchedRows().flatMap((row) =>
    snapshot.stateOf(row)?.postIds ?? []
  );
  for (const { source } of touchedSites) {
    if (!sites.has(source) && (site === null || source === site)) sites.set(source, -1);
  }
  const key = toLeafText({ kind: "post", site, intervals });
  return yield* postLeaf(index, { key, sites, intervals });
}

/** Conditions that name few images: their rows, ascending. */
function* findRows(
  context: PlanContext,
  leaf: Exclude<
    QueryLeaf,
    {
      kind:
        | "tag"
        | "wildcard"
        | "number"
        | "rating"
        | "fileType"
        | "source"
        | "hasSource"
        | "path"
        | "post";
    }
  >,
): Steps<Int32Array> {
  const { snapshot } = context;
  switch (leaf.kind) {
    case "md5":
      return toSorted(yield* rowsOfMd5s(snapshot, leaf.digests));
    case "family":
      return toSorted(yield* familyOf(snapshot, leaf.id));
    case "hasParent":
      return toSorted((yield* parentPairsSteps(snapshot)).childRow);
    case "hasChildren":
      return toSorted((yield* parentPairsSteps(snapshot)).parentRow);
    case "pool":
      return toSorted(yield* rowsOfPools(snapshot, leaf.pool));
    case "similar": {
      const rows = yield* rowsLike(snapshot, leaf.id);
      context.similar.set(leaf.id, rows);
      return toSorted(rows);
    }
  }
}

function toSorted(rows: Iterable<Row>): Int32Array {
  return Int32Array.from(new Set(rows)).sort();
}

/** Rows of digests looked at between two pauses. */
const CHUNK_DIGESTS = 1 << 16;

/** Rows with one of some MD5s: one pass over all, whose first words tell almost every other row apart. */
function* rowsOfMd5s(snapshot: ImageSnapshot, digests: readonly string[]): Steps<Row[]> {
  const { md5 } = snapshot.columns;
  const wanted = new Set(digests);
  const firstWords = new Set(digests.map((digest) => parseInt(digest.slice(0, 8), 16) | 0));
  const rows: Row[] = [];
  const count = md5.length / 4;
  for (let start = 0; start < count; start += CHUNK_DIGESTS) {
    const end = Math.min(count, start + CHUNK_DIGESTS);
    for (let row = start; row < end; row++) {
      if (!firstWords.has(md5[4 * row])) continue;
      if (snapshot.isThere(row) && wanted.has(snapshot.md5At(row))) rows.push(row);
    }
    yield;
  }
  // What another program stored in capitals stands apart, as it was written.
  for (const row of [...snapshot.columns.oddMd5Row, ...snapshot.touchedRows()]) {
    if (snapshot.isThere(row) && wanted.has(snapshot.md5At(row).toLowerCase())) rows.push(row);
  }
  return rows;
}

function* familyOf(snapshot: ImageSnapshot, id: ImageId): Steps<Row[]> {
  const row = snapshot.rowOfId(id);
  if (row === undefined) return [];
  const { parentRow, childRow } = yield* parentPairsSteps(snapshot);
  const rows = [row];
  for (let i = firstNotBelow(parentRow, row, 0); parentRow[i] === row; i++) rows.push(childRow[i]);
  return rows;
}

/** Members and names of pools looked at between two pauses. */
const CHUNK_MEMBERS = 1 << 13;

/** Rows of all pools that a number or a name with `*` means (null: of any), in their reading order. */
export function* rowsOfPools(
  snapshot: ImageSnapshot,
  pool: number | string | null,
): Steps<Row[]> {
  const rows: Row[] = [];
  const pattern = typeof pool === "string" ? new BytePattern(pool) : undefined;
  let looked = 0;
  yield;
  for (const { name, imageIds } of poolsOf(snapshot, pool)) {
    if (pattern?.testText(name.replaceAll(/\s/gu, "_")) === false) looked += 10;
    else {
      for (const id of imageIds) {
        const row = snapshot.rowOfId(id);
        if (row !== undefined) rows.push(row);
      }
      looked += imageIds.length;
    }
    if (looked < CHUNK_MEMBERS) continue;
    looked = 0;
    yield;
  }
  return rows;
}

function poolsOf(snapshot: ImageSnapshot, pool: number | string | null): Iterable<Pool> {
  if (typeof pool !== "number") return snapshot.pools.all();
  const found = snapshot.pools.get(pool);
  return found === undefined ? [] : [found];
}

function* rowsLike(snapshot: ImageSnapshot, id: ImageId): Steps<Int32Array> {
  const row = snapshot.rowOfId(id);
  if (row === undefined) return new Int32Array();
  const images = yield* similarSteps(snapshot, row, { limit: SIMILAR_MAX });
  return Int32Array.from(images, (image) => image.row);
}
