import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { findPage, type FoundPage } from "../../library/browse.ts";
import type { Row } from "../../base/ids.ts";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import type { PageRequest } from "../../query/page.ts";
import { parentPairsSteps } from "../../query/parents.ts";
import { parseQuery } from "../../query/parser.ts";
import { runSteps } from "../../query/steps.ts";
import { readLastEdits } from "../../store/post_edits.ts";
import type { ServerState } from "../server_state.ts";
import { checkMayWrite, type Visitor } from "./auth.ts";
import { notFound } from "./errors.ts";
import { type Params, readLimit, readPage, toId } from "./params.ts";
import type { PostSurroundings } from "./post_view.ts";
import {
  type Associations,
  type Fields,
  parseOnly,
  selectFields,
  toXml,
  type Value,
} from "./render.ts";

/** How an answer is written, by the ending of the path. */
export type Format = "json" | "xml";

/** What every route of this API finds in its context. */
export type DanbooruEnv = {
  Variables: { state: ServerState; params: Params; visitor: Visitor; format: Format };
};

/** The context of a route. */
export type DanbooruContext = Context<DanbooruEnv>;

/** Answers with a value; `root` names it where it is written as XML. */
export function answer(
  context: DanbooruContext,
  value: Value,
  options: { root: string; status?: ContentfulStatusCode },
): Response {
  const status = options.status ?? 200;
  if (context.var.format === "xml") {
    const body = toXml(value, options.root);
    return context.body(body, status, { "content-type": "application/xml; charset=utf-8" });
  }
  const body = JSON.stringify(value);
  return context.body(body, status, { "content-type": "application/json; charset=utf-8" });
}

/** Answers with objects, each cut down to the fields that `only` names. */
export function answerList<T>(
  context: DanbooruContext,
  items: readonly T[],
  options: { root: string; view: (item: T) => Fields; associations?: (item: T) => Associations },
): Response {
  const { root, view, associations } = options;
  const only = parseOnly(context.var.params.text("only"));
  const list = items.map((item) => selectFields(view(item), only, associations?.(item)));
  return answer(context, list, { root });
}

/** Answers with one object, cut down to the fields that `only` names. */
export function answerOne(
  context: DanbooruContext,
  fields: Fields,
  options: { root: string; associations?: Associations; status?: ContentfulStatusCode },
): Response {
  const only = parseOnly(context.var.params.text("only"));
  return answer(context, selectFields(fields, only, options.associations), options);
}

/** The answer of a write that has nothing to show. */
export function answerNothing(context: DanbooruContext): Response {
  return context.body(null, 204);
}

/**
 * Refuses a write of somebody who is not signed in.
 *
 * @throws {DanbooruError} 403.
 */
export function requireOwner(context: DanbooruContext): void {
  checkMayWrite(context.var.visitor);
}

/** The snapshot that is current now: a route reads it once. */
export function snapshotOf(context: DanbooruContext): ImageSnapshot {
  return context.var.state.library.core.cache.current;
}

/**
 * The number in the path.
 *
 * @throws {DanbooruError} 404 if it is none.
 */
export function pathId(context: DanbooruContext): number {
  const id = toId(context.req.param("id"));
  if (id === undefined) throw notFound();
  return id;
}

/**
 * The row of a post.
 *
 * @throws {DanbooruError} 404 without such a post.
 */
export function requirePost(snapshot: ImageSnapshot, id: number | undefined): Row {
  const row = id === undefined ? undefined : snapshot.rowOfId(id);
  if (row === undefined) throw notFound();
  return row;
}

/**
 * What the view of some posts needs beside the snapshot. Cost: one statement, and the first time after a
 * load or an edit all parents, in slices.
 */
export async function surroundingsOf(
  context: DanbooruContext,
  snapshot: ImageSnapshot,
  rows: readonly Row[],
): Promise<PostSurroundings> {
  // Every post names its parent and says whether it has children: looked up at once in what is kept now.
  await runSteps(parentPairsSteps(snapshot));
  return { origin: originOf(context), lastEdits: lastEditsOf(context, snapshot, rows) };
}

/** When some posts were edited last, by image id. Cost: one statement. */
export function lastEditsOf(
  context: DanbooruContext,
  snapshot: ImageSnapshot,
  rows: readonly Row[],
): ReadonlyMap<number, number> {
  const { reader } = context.var.state.library.core;
  return readLastEdits(reader, rows.map((row) => snapshot.idAt(row)));
}

/** The address that a client called: absolute links of its answer begin with it. */
function originOf(context: DanbooruContext): string {
  const origin = context.var.state.addresses.originOf(context.req);
  // Another Host was refused before.
  return origin ?? new URL(context.req.url).origin;
}

/** Posts on a page, unless a parameter or the search itself says otherwise. */
const POSTS_LIMIT_DEFAULT = 20;
const POSTS_LIMIT_MAX = 200;

/**
 * Finds the page of posts that a request asks for.
 *
 * @throws {QuerySyntaxError} If the search does not parse.
 */
export async function findPosts(
  context: DanbooruContext,
  query: string,
  options: { page?: PageRequest; limit?: number } = {},
): Promise<FoundPage> {
  const { params, state } = context.var;
  const limit = options.limit ?? readLimit(params, { max: POSTS_LIMIT_MAX });
  // A search may choose its page size.
  const own = limit === undefined ? parseQuery(query).limit : null;
  return await findPage(state.library, {
    query,
    page: options.page ?? readPage(params),
    limit: limit ?? own ?? POSTS_LIMIT_DEFAULT,
  });
}

/**
 * The search that a request asks for; with safe_mode only for what is rated general.
 *
 * @throws {QuerySyntaxError} With safe_mode, if the search does not parse by itself: its parentheses must
 *   not reach into what is added.
 */
export function readTags(params: Params): string {
  const tags = params.text("tags") ?? params.text("post", "tags") ?? "";
  if (params.flag("safe_mode") !== true) return tags;
  parseQuery(tags);
  return tags.trim() === "" ? "rating:g" : `(${tags}) rating:g`;
}
