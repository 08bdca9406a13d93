import type { Hono } from "hono";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import type { Pool } from "../../cache/pool_table.ts";
import { editPost } from "../../library/edit_post.ts";
import { deletePool, savePool } from "../../library/pools.ts";
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
import { isInRange, nameMatcher, pageOf, type Params, toId } from "./params.ts";
import { toTime } from "./post_view.ts";
import type { Fields } from "./render.ts";

/** Pools: images in an order to read them in. */
export function addPoolRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/pools", (context) => {
    const snapshot = snapshotOf(context);
    const pools = pageOf(searchPools(snapshot, context.var.params), context.var.params);
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

/** Every pool without the images that are gone; kept with the snapshot. */
export function findPools(snapshot: ImageSnapshot): Pool[] {
  return snapshot.memo("pools", () =>
    [...snapshot.pools.all()].map((pool) => ({
      ...pool,
      imageIds: pool.imageIds.filter((id) => snapshot.rowOfId(id) !== undefined),
    }))).slice();
}

/** A pool's name as Danbooru writes it, with underscores. */
export function toPoolName({ name }: Pool): string {
  return name.replaceAll(/\s/gu, "_");
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

const ORDERS: Record<string, (a: Pool, b: Pool) => number> = {
  name: (a, b) => COLLATOR.compare(a.name, b.name) || a.id - b.id,
  post_count: (a, b) => b.imageIds.length - a.imageIds.length || b.id - a.id,
  created_at: (a, b) => b.id - a.id,
};

function searchPools(snapshot: ImageSnapshot, params: Params): Pool[] {
  const text = (name: string) => params.text("search", name) || undefined;
  const ids = text("id");
  const tests: ((pool: Pool) => boolean)[] = [];
  const name = text("name_contains") ?? text("name_matches");
  if (name !== undefined) {
    const matches = nameMatcher(name.includes("*") ? name : `*${name}*`);
    tests.push((pool) => matches(toPoolName(pool)));
  }
  const exact = text("name");
  if (exact !== undefined) tests.push((pool) => nameMatcher(exact)(toPoolName(pool)));
  const description = text("description_matches")?.toLowerCase();
  if (description !== undefined) {
    const matches = nameMatcher(description.includes("*") ? description : `*${description}*`);
    tests.push((pool) => matches(pool.description.replaceAll(/\s+/gu, "_")));
  }
  if (ids !== undefined) tests.push((pool) => isInRange(pool.id, ids));
  const all = params.list("search", "post_ids_include_all")?.map(Number);
  if (all !== undefined) tests.push(({ imageIds }) => all.every((id) => imageIds.includes(id)));
  const any = params.list("search", "post_ids_include_any")?.map(Number);
  if (any !== undefined) tests.push(({ imageIds }) => any.some((id) => imageIds.includes(id)));
  const category = text("category");
  if (category !== undefined && category !== "series") tests.push(() => false);
  if (params.flag("search", "is_deleted") === true) tests.push(() => false);
  const order = ORDERS[text("order") ?? ""] ?? ORDERS.created_at;
  return findPools(snapshot).filter((pool) => tests.every((test) => test(pool))).sort(order);
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
  const pool = findPools(snapshotOf(context)).find((one) => one.id === id);
  if (pool === undefined) throw notFound();
  return pool;
}

function answerPool(context: DanbooruContext, id: number, status: 200 | 201 = 200): Response {
  const fields = toPool(snapshotOf(context), requirePool(context, id));
  return answerOne(context, fields, { root: "pool", status });
}

/** What a request wants of a pool; a field that is not there leaves that part as it is. */
function readChange(params: Params, id: number | null): PoolChange {
  const texts = params.list("pool", "post_ids") ?? params.list("pool", "post_ids_string");
  const imageIds = texts?.map((text) => {
    const imageId = toId(text);
    if (imageId === undefined) throw invalid(`${JSON.stringify(text.slice(0, 40))} is no post id`);
    return imageId;
  });
  return {
    id,
    name: params.text("pool", "name") ?? null,
    description: params.text("pool", "description") ?? null,
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
