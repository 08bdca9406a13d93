import type { Hono } from "hono";
import type { Row } from "../../base/ids.ts";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import { setFavourite } from "../../library/favourites.ts";
import { sortRowsByValue } from "../../query/radix_sort.ts";
import { runSteps, type Steps } from "../../query/steps.ts";
import { readBlacklist } from "../../store/owner_settings.ts";
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
import { isPageById, pageOf, pageOfIds, toId } from "./params.ts";
import { OWNER_ID, toTime } from "./post_view.ts";
import { answerPost } from "./posts_routes.ts";
import type { Fields } from "./render.ts";
import { toUser } from "./user_view.ts";

/** Length of the list of hidden tags. */
const BLACKLIST_LENGTH_MAX = 100_000;

/** The one account, and its favourites. */
export function addUserRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/profile", async (context) => {
    const { login } = context.var.visitor;
    const fields = login === null ? toAnonymous() : await toOwnRecord(context, login);
    return answerOne(context, fields, { root: "user" });
  });
  app.get("/users", listUsers);
  app.get("/users/:id", (context) => {
    if (pathId(context) !== OWNER_ID) throw notFound();
    return answerOne(context, toUser(nameOf(context)), { root: "user" });
  });
  app.on(["PUT", "PATCH"], "/users/:id", saveUser);
  app.get("/favorites", listFavourites);
  app.get("/posts/:id/favorites", (context) => {
    const row = requirePost(snapshotOf(context), pathId(context));
    const snapshot = snapshotOf(context);
    const ids = snapshot.favouritedAt(row) === 0 ? [] : [snapshot.idAt(row)];
    return answerList(context, ids, { root: "favorites", view: toFavourite });
  });
  app.post("/favorites", async (context) => {
    return await favour(context, toId(context.var.params.text("post_id")), true);
  });
  app.post("/posts/:id/favorites", (context) => favour(context, pathId(context), true));
  app.delete("/favorites/:id", (context) => favour(context, pathId(context), false));
  app.on(["POST", "DELETE"], "/posts/:id/votes", (context) => {
    requireOwner(context);
    requirePost(snapshotOf(context), pathId(context));
    throw invalid("This library keeps no votes: make the post a favourite instead");
  });
}

function nameOf(context: DanbooruContext): string {
  return context.var.visitor.login ?? "owner";
}

function toAnonymous(): Fields {
  return { ...toUser("Anonymous"), id: null, level: 0, level_string: "Anonymous", ...PREFERENCES };
}

/** Settings that clients read; a library has none of them but the hidden tags. */
const PREFERENCES = {
  blacklisted_tags: "",
  favorite_tags: "",
  per_page: 20,
  time_zone: "UTC",
  comment_threshold: -8,
  default_image_size: "large",
  theme: "auto",
  favorite_count: 0,
  // Nothing is limited; these are what an unlimited account has there.
  tag_query_limit: null,
  favorite_group_limit: null,
  is_verified: true,
  enable_safe_mode: false,
  disable_tagged_filenames: false,
  unread_dmail_count: 0,
};

async function toOwnRecord(context: DanbooruContext, login: string): Promise<Fields> {
  const snapshot = snapshotOf(context);
  const favourites = await runSteps(findFavourites(snapshot));
  return {
    ...toUser(login),
    updated_at: toTime(0),
    last_logged_in_at: toTime(0),
    ...PREFERENCES,
    post_upload_count: snapshot.length,
    blacklisted_tags: readBlacklist(context.var.state.library.core.reader),
    favorite_count: favourites.byId.length,
  };
}

function listUsers(context: DanbooruContext): Response {
  const { params } = context.var;
  const ids = params.list("search", "id");
  const name = params.text("search", "name") ?? params.text("search", "name_matches") ?? "";
  const isThere = (ids === undefined || ids.includes(String(OWNER_ID))) &&
    (name === "" || name === "*" || name.toLowerCase() === nameOf(context).toLowerCase());
  const users = pageOf(isThere ? [{ id: OWNER_ID }] : [], params);
  return answerList(context, users, { root: "users", view: () => toUser(nameOf(context)) });
}

async function saveUser(context: DanbooruContext): Promise<Response> {
  requireOwner(context);
  const { params, state } = context.var;
  if (pathId(context) !== OWNER_ID) throw notFound();
  const lines = params.written("user", "blacklisted_tags");
  if (lines !== undefined) {
    if (lines.length > BLACKLIST_LENGTH_MAX) throw invalid("The list of hidden tags is too long");
    await state.library.writer.call("writeBlacklist", { lines });
  }
  return answerNothing(context);
}

/** Ids of the favourites in both orders in which they are listed. */
type FavouriteIds = {
  /** The newest favourite first, of those of one second the higher id. */
  byTime: Int32Array;
  /** Descending. */
  byId: Int32Array;
};

/** Rows looked at between two pauses. */
const CHUNK_ROWS = 1 << 15;

/** Ids of the favourites. Cost: O(n) in slices, once a snapshot. */
function* findFavourites(snapshot: ImageSnapshot): Steps<FavouriteIds> {
  const kept = snapshot.memo("favouriteIds", (): { ids?: FavouriteIds } => ({}));
  if (kept.ids !== undefined) return kept.ids;
  const { favouritedAt } = snapshot.columns;
  const touched = snapshot.touchedRows();
  const changed = new Set(touched);
  const rows = touched.filter((row) => snapshot.isThere(row) && snapshot.favouritedAt(row) > 0);
  for (let row = 0; row < favouritedAt.length; row++) {
    if (row % CHUNK_ROWS === CHUNK_ROWS - 1) yield;
    if (favouritedAt[row] > 0 && !changed.has(row)) rows.push(row);
  }
  const ids = Int32Array.from(rows, (row) => snapshot.idAt(row));
  yield;
  const ascending = yield* sortRowsByValue(ids);
  const times = ascending.map((place) => snapshot.favouritedAt(rows[place]));
  const oldestFirst = yield* sortRowsByValue(times);
  return kept.ids = {
    byTime: oldestFirst.map((place) => ids[ascending[place]]).reverse(),
    byId: ascending.map((place) => ids[place]).reverse(),
  };
}

/** A favourite has the number of its post: a post is one or it is none. */
function toFavourite(id: number): Fields {
  return { id, user_id: OWNER_ID, post_id: id };
}

async function listFavourites(context: DanbooruContext): Promise<Response> {
  const { params } = context.var;
  const users = params.list("search", "user_id") ?? params.list("user_id");
  const posts = params.list("search", "post_id");
  const isOwners = users === undefined || users.includes(String(OWNER_ID));
  const ids = !isOwners ? new Int32Array() : await listFavouriteIds(context, posts);
  return answerList(context, pageOfIds(ids, params), { root: "favorites", view: toFavourite });
}

/** Ids of the favourites, or of those among some posts, in the order that the page needs. */
async function listFavouriteIds(
  context: DanbooruContext,
  posts: readonly string[] | undefined,
): Promise<Int32Array> {
  const snapshot = snapshotOf(context);
  const isById = isPageById(context.var.params);
  if (posts === undefined) {
    const { byId, byTime } = await runSteps(findFavourites(snapshot));
    return isById ? byId : byTime;
  }
  const rows = [...new Set(posts.map((text) => snapshot.rowOfId(toId(text) ?? 0)))]
    .filter((row) => row !== undefined && snapshot.favouritedAt(row) > 0) as Row[];
  const found = rows.map((row) => ({ id: snapshot.idAt(row), time: snapshot.favouritedAt(row) }));
  found.sort((a, b) => (isById ? 0 : b.time - a.time) || b.id - a.id);
  return Int32Array.from(found, ({ id }) => id);
}

/** A new favourite is answered by its post. */
async function favour(
  context: DanbooruContext,
  id: number | undefined,
  isFavourite: boolean,
): Promise<Response> {
  requireOwner(context);
  requirePost(snapshotOf(context), id);
  await setFavourite(context.var.state.library, { imageId: id!, isFavourite });
  if (!isFavourite) return answerNothing(context);
  const snapshot = snapshotOf(context);
  return await answerPost(context, snapshot, requirePost(snapshot, id), 201);
}
