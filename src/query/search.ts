import { LRUCache } from "lru-cache";
import type { ImageId, Row, TagId } from "../base/ids.ts";
import { QUERY_DEADLINE_MS, QUERY_MEMO_BYTES_MAX, QUERY_MEMO_ENTRIES_MAX } from "../base/limits.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { Query } from "./ast.ts";
import { toCanonical } from "./canonical.ts";
import { ColumnIndex } from "./column_index.ts";
import { countLeaves, evaluate, matchesState } from "./evaluate.ts";
import { type Ordering, prepareOrdering } from "./ordering.ts";
import { buildPlan, type PlanContext, type PlanNode } from "./plan.ts";
import { toQueryText } from "./query_text.ts";
import { ResultSet } from "./result_set.ts";
import { runSteps, type Steps } from "./steps.ts";

/** All images that match a search, in its order; nothing about it changes any more. */
export class SearchResult {
  /** Tags of the search that do not exist. */
  readonly unknownTags: readonly string[];
  readonly #set: ResultSet;
  readonly #ordering: Ordering;

  /** Joins what a search found. */
  constructor(set: ResultSet, ordering: Ordering, unknownTags: readonly string[]) {
    this.#set = set;
    this.#ordering = ordering;
    this.unknownTags = unknownTags;
  }

  /** Images that match, exactly. */
  get total(): number {
    return this.#set.total;
  }

  /** Bytes that keeping it holds, about. */
  get byteLength(): number {
    return this.#set.byteLength + this.#ordering.byteLength + 1_000;
  }

  /** Rows from place `start` to before `end` in the order asked for, the first shown at place 0. */
  rowsBetween(start: number, end: number): Row[] {
    return this.#ordering.slice(start, Math.min(end, this.total));
  }

  /** Rows from place `start` to before `end` in ascending order of ids, whatever order was asked for. */
  rowsById(start: number, end: number): Row[] {
    return this.#set.slice(start, end);
  }

  /** Images that match and have a lower id. */
  countBelow(id: ImageId): number {
    return this.#set.countBelow(id);
  }

  /** Place of an image in the order asked for; undefined when it does not match. */
  placeOf(row: Row): number | undefined {
    return this.#ordering.placeOf(row);
  }

  /** Images that match and have a tag, exactly. */
  countWithTag(tagId: TagId): number {
    return this.#set.countWithTag(tagId);
  }
}

/** Options of {@link search}. */
export type SearchOptions = {
  /** After so long the search is given up. */
  deadlineMs?: number;
  /** Ends it early. */
  signal?: AbortSignal;
  /** Whether results are looked up and kept with the snapshot. */
  usesMemo?: boolean;
};

/**
 * Finds every image that matches, exactly.
 *
 * It works in slices, so that no search stalls the isolate: a usual one is done in tens of microseconds and never
 * waits. Results are kept with the snapshot by the text of the canonical query.
 *
 * @throws {AppError} `timeout` behind the deadline, `cancelled` when the signal says so.
 */
export async function search(
  snapshot: ImageSnapshot,
  query: Query,
  options: SearchOptions = {},
): Promise<SearchResult> {
  const { deadlineMs = QUERY_DEADLINE_MS, signal, usesMemo = true } = options;
  const running = { deadlineMs, signal, what: "The search" };
  if (!usesMemo) return await runSteps(searchSteps(snapshot, query), running);
  const memo = snapshot.memo(
    "searchResults",
    () =>
      new LRUCache<string, SearchResult>({
        max: QUERY_MEMO_ENTRIES_MAX,
        maxSize: QUERY_MEMO_BYTES_MAX,
        sizeCalculation: (result, text) => result.byteLength + 2 * text.length,
      }),
  );
  const canonical = toCanonical(query);
  const key = toQueryText({ ...canonical, limit: null });
  let result = memo.get(key);
  if (result === undefined) {
    result = await runSteps(searchSteps(snapshot, canonical), running);
    memo.set(key, result);
  }
  return result;
}

function* searchSteps(snapshot: ImageSnapshot, query: Query): Steps<SearchResult> {
  const index = ColumnIndex.of(snapshot.columns);
  const context: PlanContext = { snapshot, index, unknownTags: [], similar: new Map() };
  const plan = yield* buildPlan(context, query.root);
  const set = yield* evaluate(index, plan);
  const extra = yield* findEdited(snapshot, plan);
  const result = new ResultSet(snapshot, index, { set, extra });
  const ordering = yield* prepareOrdering(context, result, query.order);
  return new SearchResult(result, ordering, context.unknownTags);
}

/** Conditions that edited images are asked between two pauses. */
const CHUNK_ASKED = 10_000;

/** Edited images that match: the columns know nothing of them. */
function* findEdited(snapshot: ImageSnapshot, plan: PlanNode): Steps<Row[]> {
  if (snapshot.editedRowCount === 0) return [];
  const found: Row[] = [];
  const leaves = countLeaves(plan);
  let asked = 0;
  for (const row of snapshot.touchedRows()) {
    const state = snapshot.stateOf(row);
    if (state && matchesState(plan, row, state)) found.push(row);
    asked += leaves;
    if (asked < CHUNK_ASKED) continue;
    asked = 0;
    yield;
  }
  return found;
}
