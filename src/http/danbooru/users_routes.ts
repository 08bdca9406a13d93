import type { Hono } from "hono";
import { setFavourite } from "../../library/favourites.ts";
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
import { pageOf, toId } from "./params.ts";
import { OWNER_ID, toTime } from "./post_view.ts";
import { answerPost } from "./posts_routes.ts";
import type { Fields } from "./render.ts";
import { toUser } from "./user_view.ts";

/** Length of the list of hidden tags. */
const BLACKLIST_LENGTH_MAX = 100_000;

/** The one account, and its favourites. */
export function addUserRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/profile", (context) => {
    const { login } = context.var.visitor;
    const fields = login === null ? toAnonymous() : toOwnRecord(context, login);
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

function toOwnRecord(context: DanbooruContext, login: string): Fields {
  const snapshot = snapshotOf(context);
  return {
    ...toUser(login),
    updated_at: toTime(0),
    last_logged_in_at: toTime(0),
    ...PREFERENCES,
    post_upload_count: snapshot.length,
    blacklisted_tags: readBlacklist(context.var.state.library.core.reader),
    favorite_count: favouriteIds(context).length,
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
  const lines = params.text("user", "blacklisted_tags");
  if (lines !== undefined) {
    if (lines.length > BLACKLIST_LENGTH_MAX) throw invalid("The list of hidden tags is too long");
    await state.library.writer.call("writeBlacklist", { lines });
  }
  return answerNothing(context);
}

/** Ids of the favourites, the newest favourite first. Cost: O(n) once a snapshot. */
function favouriteIds(context: DanbooruContext): number[] {
  const snapshot = snapshotOf(context);
  return snapshot.memo("favouriteIds", () => {
    const { favouritedAt } = snapshot.columns;
    const touched = snapshot.touchedRows();
    const changed = new Set(touched);
    const found = touched.filter((row) => snapshot.isThere(row) && snapshot.favouritedAt(row) > 0);
    for (let row = 0; row < favouritedAt.length; row++) {
      if (favouritedAt[row] > 0 && !changed.has(row)) found.push(row);
    }
    return found.sort((a, b) =>
      snapshot.favouritedAt(b) - snapshot.favouritedAt(a) || snapshot.idAt(b) - snapshot.idAt(a)
    ).map((row) => snapshot.idAt(row));
  });
}

/** A favourite has the number of its post: a post is one or it is none. */
function toFavourite(id: number): Fields {
  return { id, user_id: OWNER_ID, post_id: id };
}

function listFavourites(context: DanbooruContext): Response {
  const { params } = context.var;
  const users = params.list("search", "user_id") ?? params.list("user_id");
  const posts = params.list("search", "post_id");
  const isOwners = users === undefined || users.includes(String(OWNER_ID));
  const wanted = posts === undefined ? null : new Set(posts.map(Number));
  const ids = isOwners ? favouriteIds(context) : [];
  const found = ids.filter((id) => wanted === null || wanted.has(id)).map((id) => ({ id }));
  return answerList(context, pageOf(found, params), {
    root: "favorites",
    view: ({ id }) => toFavourite(id),
  });
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
  return answerPost(context, snapshot, requirePost(snapshot, id), 201);
}
