import type { Hono } from "hono";
import { listHistory, toTagsAfter } from "../../library/history.ts";
import type { HistoryEntry } from "../../library/history.ts";
import type { PageRequest } from "../../query/page.ts";
import { countEditsUpTo } from "../../store/read_history.ts";
import { isRatingTagName, ratingOfTagName } from "../../tags/ratings.ts";
import { answerList, type DanbooruContext, type DanbooruEnv, requireOwner } from "./context.ts";
import { invalid, notFound } from "./errors.ts";
import { readLimit, readPage, toId } from "./params.ts";
import { OWNER_ID, toTime } from "./post_view.ts";
import type { Fields } from "./render.ts";

/** Versions on a page. */
const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 200;

/** The history of tags: each edit is the version of the post that it made. */
export function addPostVersionRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/post_versions", (context) => {
    const versions = findVersions(context);
    const { reader } = context.var.state.library.core;
    return answerList(context, versions, {
      root: "post_versions",
      view: (entry) => toVersion(entry, countEditsUpTo(reader, entry)),
    });
  });
  app.get("/post_versions/:id", () => {
    throw notFound();
  });
  for (const path of ["/post_versions", "/post_versions/:id"]) {
    app.on(["POST", "PUT", "PATCH", "DELETE"], path, (context) => {
      requireOwner(context);
      throw invalid("Versions are made by edits of their posts");
    });
  }
}

function findVersions(context: DanbooruContext): HistoryEntry[] {
  const { params, state } = context.var;
  const users = params.list("search", "updater_id");
  if (users !== undefined && !users.includes(String(OWNER_ID))) return [];
  const post = params.text("search", "post_id");
  const imageId = toId(post);
  if (post !== undefined && post.trim() !== "" && imageId === undefined) return [];
  const page: PageRequest = readPage(params);
  const limit = readLimit(params, { max: LIMIT_MAX }) ?? LIMIT_DEFAULT;
  const of = imageId === undefined ? "all" as const : { imageId };
  return listHistory(state.library, { of, page, limit }).entries;
}

/** What an edit made of a post. Of edits of a time when nobody wrote the tags down they are not told. */
function toVersion(entry: HistoryEntry, version: number): Fields {
  const { id, imageId, added, removed, before, editedAt, other } = entry;
  const after = before === null ? [] : toTagsAfter(entry, before);
  const rating = after.map((name) => ratingOfTagName(name)).find((found) => found !== undefined);
  const names = (list: readonly string[]) => list.filter((name) => !isRatingTagName(name));
  return {
    id,
    post_id: imageId,
    tags: names(after).join(" "),
    added_tags: names(added),
    removed_tags: names(removed),
    updater_id: OWNER_ID,
    updated_at: toTime(Date.parse(editedAt)),
    rating: rating?.[0] ?? null,
    rating_changed: [...added, ...removed].some(isRatingTagName),
    parent_id: other?.parent?.after ?? null,
    parent_changed: other?.parent !== undefined,
    source: other?.source?.after ?? null,
    source_changed: other?.source !== undefined,
    version,
  };
}
