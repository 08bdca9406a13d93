import type { Hono } from "hono";
import type { Row } from "../../base/ids.ts";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import { countImages } from "../../library/browse.ts";
import { childRowsOf, parentRowOf } from "../../query/parents.ts";
import {
  answer,
  answerList,
  answerOne,
  type DanbooruContext,
  type DanbooruEnv,
  findPosts,
  lastEditsOf,
  pathId,
  readTags,
  requirePost,
  snapshotOf,
  surroundingsOf,
} from "./context.ts";
import { DanbooruError, notFound } from "./errors.ts";
import { type Params, readLimit } from "./params.ts";
import { type PostSurroundings, toMediaAsset, toPost, toPostFacts } from "./post_view.ts";
import type { Associations, Value } from "./render.ts";
import { toUser } from "./user_view.ts";

/** Posts of one random search, unless it says otherwise. */
const RANDOM_LIMIT_DEFAULT = 20;
const POSTS_LIMIT_MAX = 200;

/** Posts and what is counted and listed of them. */
export function addPostRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/posts", listPosts);
  app.get("/posts/random", showRandom);
  app.get("/posts/:id", showPost);
  app.get("/counts/posts", async (context) => {
    const { state, params } = context.var;
    const posts = await countImages(state.library, readTags(params));
    return answer(context, { counts: { posts } }, { root: "hash" });
  });
  app.get("/explore/posts/popular", async (context) => {
    return await answerPosts(context, popularQuery(context.var.params));
  });
  // Nobody counts here what is viewed and searched for.
  app.get("/explore/posts/viewed", (context) => answer(context, [], { root: "posts" }));
  app.get("/explore/posts/searches", (context) => answer(context, [], { root: "searches" }));
  app.get(
    "/explore/posts/missed_searches",
    (context) => answer(context, [], { root: "searches" }),
  );
  app.get("/media_assets", (context) => answer(context, [], { root: "media-assets" }));
  app.get("/media_assets/:id", async (context) => {
    const snapshot = snapshotOf(context);
    const row = requirePost(snapshot, pathId(context));
    const around = await surroundingsOf(context, snapshot, [row]);
    const asset = toMediaAsset(toPostFacts(snapshot, row, around));
    const associations = { post: () => toPost(snapshot, row, around) };
    return answerOne(context, asset, { root: "media-asset", associations });
  });
}

async function listPosts(context: DanbooruContext): Promise<Response> {
  const { params } = context.var;
  const md5 = params.text("md5");
  if (md5 !== undefined && md5 !== "") return await showMd5(context, md5);
  if (params.flag("random") === true) return redirectToRandom(context);
  return await answerPosts(context, readTags(params));
}

async function answerPosts(context: DanbooruContext, query: string): Promise<Response> {
  const { snapshot, rows } = await findPosts(context, query);
  const around = await surroundingsOf(context, snapshot, rows);
  return answerList(context, rows, {
    root: "posts",
    view: (row) => toPost(snapshot, row, around),
    associations: (row) => associationsOf({ context, snapshot, row, around }),
  });
}

/** One object and not a list: clients look a single file up so. */
async function showMd5(context: DanbooruContext, md5: string): Promise<Response> {
  if (!/^[0-9a-f]{32}$/i.test(md5)) throw notFound();
  const page = { kind: "number", number: 1 } as const;
  const { snapshot, rows } = await findPosts(context, `md5:${md5}`, { page, limit: 1 });
  if (rows.length === 0) throw notFound();
  return await answerPost(context, snapshot, rows[0]);
}

function redirectToRandom(context: DanbooruContext): Response {
  const { params } = context.var;
  const url = new URL(context.req.url);
  const limit = readLimit(params, { max: POSTS_LIMIT_MAX }) ?? RANDOM_LIMIT_DEFAULT;
  const tags = params.text("tags") ?? params.text("post", "tags") ?? "";
  // Else the address would lead to itself: `random[]=true` asks for the same.
  for (const key of new Set(url.searchParams.keys())) {
    if (/^random(?:\[|$)/.test(key)) url.searchParams.delete(key);
  }
  url.searchParams.set("tags", `${tags} random:${limit}`.trim());
  return context.redirect(`/posts.${context.var.format}${url.search}`, 302);
}

async function showRandom(context: DanbooruContext): Promise<Response> {
  const { state, params } = context.var;
  const query = readTags(params);
  const total = await countImages(state.library, query);
  const number = 1 + Math.floor(Math.random() * total);
  const found = await findPosts(context, query, { page: { kind: "number", number }, limit: 1 });
  // An image may have gone meanwhile: then the first one is as random as any.
  const row = found.rows[0];
  if (row === undefined) throw notFound();
  return await answerPost(context, found.snapshot, row);
}

async function showPost(context: DanbooruContext): Promise<Response> {
  const snapshot = snapshotOf(context);
  return await answerPost(context, snapshot, requirePost(snapshot, pathId(context)));
}

/** Answers with one post. */
export async function answerPost(
  context: DanbooruContext,
  snapshot: ImageSnapshot,
  row: Row,
  status: 200 | 201 = 200,
): Promise<Response> {
  const around = await surroundingsOf(context, snapshot, [row]);
  const associations = associationsOf({ context, snapshot, row, around });
  return answerOne(context, toPost(snapshot, row, around), { root: "post", associations, status });
}

/** Objects about a post that a request can ask for by `only`. */
function associationsOf(
  post: {
    context: DanbooruContext;
    snapshot: ImageSnapshot;
    row: Row;
    around: PostSurroundings;
  },
): Associations {
  const { context, snapshot, row, around } = post;
  const none: Value = [];
  const toRelatives = (rows: readonly Row[]) => {
    const lastEdits = lastEditsOf(context, snapshot, rows);
    return rows.map((other) => toPost(snapshot, other, { ...around, lastEdits }));
  };
  const lists = [
    ...["notes", "comments", "flags", "appeals", "approvals", "disapprovals", "replacements"],
    ...["votes", "favorites", "versions", "events", "ai_tags", "vote_by_current_user"],
  ];
  return {
    ...Object.fromEntries(lists.map((name) => [name, () => none])),
    uploader: () => toUser(context.var.visitor.login ?? "owner"),
    approver: () => null,
    artist_commentary: () => null,
    parent: () => {
      const parent = parentRowOf(snapshot, row);
      return parent === undefined ? null : toRelatives([parent])[0];
    },
    children: () => toRelatives(childRowsOf(snapshot, row)),
    media_metadata: () => ({
      id: snapshot.idAt(row),
      media_asset_id: snapshot.idAt(row),
      metadata: {},
    }),
  };
}

/** The search for what was added in a day, a week or a month, the best score first. */
function popularQuery(params: Params): string {
  const text = params.text("date") ?? "";
  const date = text.trim() === "" ? new Date() : parseDate(text);
  const day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const scale = params.text("scale") ?? "day";
  let [from, to] = [day, day];
  if (scale === "week") {
    // A week begins on Sunday there.
    from = day - date.getUTCDay() * DAY_MS;
    to = from + 6 * DAY_MS;
  } else if (scale === "month") {
    [from, to] = [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 0)];
  }
  return `date:${toDay(Math.max(from, DAY_FIRST))}..${toDay(Math.min(to, DAY_LAST))} order:score`;
}

/** First and last day of a calendar that has four digits for a year, from the first that is a time. */
const DAY_FIRST = Date.UTC(1970, 0, 1);
const DAY_LAST = Date.UTC(9999, 11, 31);

const DAY_MS = 86_400_000;

function toDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** A day as clients write it: `2024-01-05`, `2024-1-5`, or with a time behind. */
function parseDate(text: string): Date {
  const [, year, month, day] = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)/.exec(text) ?? [];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const isDay = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  // Date.UTC takes the years of two digits for those of a century later.
  if (isDay && Number(year) >= 1970) return date;
  throw new DanbooruError(
    400,
    "ActionController::BadRequest",
    `There is no date ${JSON.stringify(text.slice(0, 40))}`,
  );
}
