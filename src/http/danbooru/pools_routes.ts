import type { Hono } from "hono";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import type { Pool } from "../../cache/pool_table.ts";
import { editPost } from "../../library/edit_post.ts";
import { deletePool, savePool } from "../../library/pools.ts";
import { sortSteps } from "../../query/sort_steps.ts";
import { runSteps, type Steps } from "../../query/steps.ts";
import type { PoolChange } from "../../store/pools.ts";
import {
  answerList,
  answerNothing,
  answerOne,
  type DanbooruContext,
  type DanbooruEnv,
  pathId,
  requireOwner,
  requirePost,
  snapshotOf,
} from "./context.ts";
import { invalid, notFound } from "./errors.ts";
import { nameMatcher, rangeTest } from "./matchers.ts";
import { pageOf, type Params, toId } from "./params.ts";
import { toTime } from "./post_view.ts";
import type { Fields } from "./render.ts";

/** Pools: images in an order to read them in. */
export function addPoolRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/pools", async (context) => {
    const snapshot = snapshotOf(context);
    const found = await runSteps(searchPools(snapshot, context.var.params));
    const pools = pageOf(found, context.var.params);
    return answerList(context, pools, { root: "pools", view: (pool) => toPool(snapshot, pool) });
  });
  app.get("/pools/:id", (context) => answerPool(context, pathId(context)));
  app.post("/pools", async (context) => {
    requireOwner(context);
    const change = readChange(context.var.params, null);
    const id = await savePool(context.var.state.library, { ...change, id: null });
    return answerPool(context, id, 201);
  });
  app.on(["PUT", "PATCH"], "/pools/:id", async (context) => {
    requireOwner(context);
    const id = requirePool(context, pathId(context)).id;
    const change = readChange(context.var.params, id);
    await savePool(context.var.state.library, change);
    return answerNothing(context);
  });
  app.delete("/pools/:id", async (context) => {
    requireOwner(context);
    await deletePool(context.var.state.library, pathId(context));
    return answerNothing(context);
  });
  app.post("/pool_element", addElement);
}

/** Images of pools looked at between two pauses. */
const CHUNK_IMAGES = 1 << 12;

/** Every pool without the images that are gone, ascending by id; kept with the snapshot. */
function* findPools(snapshot: ImageSnapshot): Steps<readonly Pool[]> {
  const kept = snapshot.memo("pools", (): { pools?: readonly Pool[] } => ({}));
  if (kept.pools !== undefined) return kept.pools;
  const pools: Pool[] = [];
  let looked = 0;
  for (const pool of snapshot.pools.all()) {
    pools.push(withoutGone(snapshot, pool));
    looked += 1 + pool.imageIds.length;
    if (looked < CHUNK_IMAGES) continue;
    looked = 0;
    yield;
  }
  return kept.pools = pools;
}

function withoutGone(snapshot: ImageSnapshot, pool: Pool): Pool {
  const imageIds = pool.imageIds.filter((id) => snapshot.rowOfId(id) !== undefined);
  return { ...pool, imageIds };
}

/** A pool's name as Danbooru writes it, with underscores. */
export function toPoolName({ name }: Pool): string {
  return name.replaceAll(/\s/gu, "_");
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

const ORDERS: ReadonlyMap<string, (a: Pool, b: Pool) => number> = new Map([
  ["name", (a: Pool, b: Pool) => COLLATOR.compare(a.name, b.name) || a.id - b.id],
  ["post_count", (a: Pool, b: Pool) => b.imageIds.length - a.imageIds.length || b.id - a.id],
]);

/** Every pool in an order, the newest first without one; kept with the snapshot. */
export function* orderedPools(snapshot: ImageSnapshot, order: string): Steps<readonly Pool[]> {
  const compare = ORDERS.get(order);
  const kept = snapshot.memo(
    `poolsBy:${compare === undefined ? "" : order}`,
    (): { pools?: readonly Pool[] } => ({}),
  );
  if (kept.pools !== undefined) return kept.pools;
  const pools = yield* findPools(snapshot);
  kept.pools = compare === undefined ? pools.toReversed() : yield* sortSteps(pools, compare);
  return kept.pools;
}

/** Pools, or images of pools, that are looked at between two pauses. */
const CHUNK_POOLS = 1 << 8;

function* searchPools(snapshot: ImageSnapshot, params: Params): Steps<Pool[]> {
  const tests = toPoolTests(params);
  const found: Pool[] = [];
  let looked = 0;
  for (const pool of yield* orderedPools(snapshot, params.text("search", "order") ?? "")) {
    if (tests.every((test) => test(pool))) found.push(pool);
    looked += 1 + (pool.imageIds.length + pool.description.length >>> 4);
    if (looked < CHUNK_POOLS) continue;
    looked = 0;
    yield;
  }
  return found;
}

/** What a pool must be; everything that a request says is read once, however many pools there are. */
function toPoolTests(params: Params): ((pool: Pool) => boolean)[] {
  const text = (name: string) => params.text("search", name) || undefined;
  const tests: ((pool: Pool) => boolean)[] = [];
  const contained = (pattern: string) =>
    nameMatcher(pattern.includes("*") ? pattern : `*${pattern}*`);
  const name = text("name_contains") ?? text("name_matches");
  if (name !== undefined) {
    const matches = contained(name);
    tests.push((pool) => matches(toPoolName(pool)));
  }
  const exact = text("name");
  if (exact !== undefined) {
    const matches = nameMatcher(exact);
    tests.push((pool) => matches(toPoolName(pool)));
  }
  const description = text("description_matches");
  if (description !== undefined) {
    const matches = contained(description);
    tests.push((pool) => matches(pool.description.replaceAll(/\s+/gu, "_")));
  }
  const ids = text("id");
  if (ids !== undefined) {
    const isWanted = rangeTest(ids);
    tests.push((pool) => isWanted(pool.id));
  }
  const idsOf = (field: string) => {
    const list = params.list("search", field);
    return list === undefined ? undefined : new Set(list.map(Number));
  };
  const all = idsOf("post_ids_include_all");
  // The images of a pool are distinct.
  if (all !== undefined) tests.push((pool) => countIn(pool, all) === all.size);
  const any = idsOf("post_ids_include_any");
  if (any !== undefined) tests.push(({ imageIds }) => imageIds.some((id) => any.has(id)));
  const category = text("category");
  const isSeries = category === undefined || category === "series";
  if (!isSeries || params.flag("search", "is_deleted") === true) tests.push(() => false);
  return tests;
}

function countIn({ imageIds }: Pool, wanted: ReadonlySet<number>): number {
  let count = 0;
  for (const id of imageIds) if (wanted.has(id)) count++;
  return count;
}

/**
 * A pool as Danbooru lists it. Nobody wrote down when it was made: the times are those of its first and
 * last image.
 */
function toPool(snapshot: ImageSnapshot, pool: Pool): Fields {
  const times = [...pool.imageIds].map((id) => addedAt(snapshot, id));
  return {
    id: pool.id,
    name: toPoolName(pool),
    created_at: toTime(times.reduce((least, time) => Math.min(least, time), times[0] ?? 0)),
    updated_at: toTime(times.reduce((most, time) => Math.max(most, time), 0)),
    description: pool.description,
    is_active: true,
    is_deleted: false,
    post_ids: [...pool.imageIds],
    category: "series",
    post_count: pool.imageIds.length,
  };
}

function addedAt(snapshot: ImageSnapshot, id: number): number {
  const row = snapshot.rowOfId(id);
  if (row === undefined) return 0;
  const seconds = snapshot.stateOf(row)?.ingestedAt ?? snapshot.columns.ingestedAt[row];
  return Math.max(0, seconds) * 1_000;
}

function requirePool(context: DanbooruContext, id: number): Pool {
  const snapshot = snapshotOf(context);
  const pool = snapshot.pools.get(id);
  if (pool === undefined) throw notFound();
  return withoutGone(snapshot, pool);
}

function answerPool(context: DanbooruContext, id: number, status: 200 | 201 = 200): Response {
  const fields = toPool(snapshotOf(context), requirePool(context, id));
  return answerOne(context, fields, { root: "pool", status });
}

/** What a request wants of a pool; a field that is not there leaves that part as it is. */
function readChange(params: Params, id: number | null): PoolChange {
  const texts = params.writtenList("pool", "post_ids") ??
    params.writtenList("pool", "post_ids_string");
  const imageIds = texts?.map((text) => {
    const imageId = toId(text);
    if (imageId === undefined) throw invalid(`${JSON.stringify(text.slice(0, 40))} is no post id`);
    return imageId;
  });
  return {
    id,
    name: params.written("pool", "name") ?? null,
    description: params.written("pool", "description") ?? null,
    imageIds: imageIds ?? null,
  };
}

/** Danbooru's one request that puts a post behind the last one of a pool. */
async function addElement(context: DanbooruContext): Promise<Response> {
  requireOwner(context);
  const { params, state } = context.var;
  const snapshot = snapshotOf(context);
  const postId = toId(params.text("post_id"));
  const imageId = snapshot.idAt(requirePost(snapshot, postId));
  const name = params.text("pool_name");
  const id = toId(params.text("pool_id")) ??
    (name === undefined ? undefined : snapshot.pools.idOf(name));
  const pool = requirePool(context, id ?? 0);
  // An edit of the post and not of the pool, whose other posts may change meanwhile.
  await editPost(state.library, { imageId, tagString: `pool:${pool.id}`, oldTagString: "" });
  return answerPool(context, pool.id, 201);
}
