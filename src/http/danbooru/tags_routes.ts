import type { Hono } from "hono";
import { ID_MAX, type TagId } from "../../base/ids.ts";
import { RELATED_SAMPLE_MAX } from "../../base/limits.ts";
import type { AliasTable } from "../../cache/alias_table.ts";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import { findRelatedTags, RELATIONS } from "../../query/related_tags.ts";
import type { CountedTag } from "../../query/tag_list.ts";
import { findTagIds, tagOfId, type TagOrder } from "../../query/tag_search.ts";
import {
  categoryOfDanbooruNumber,
  categoryOfSiteWord,
  DANBOORU_CATEGORY_NUMBERS,
} from "../../tags/category.ts";
import { normalizeTagName } from "../../tags/tag_name.ts";
import {
  answer,
  answerList,
  answerOne,
  type DanbooruContext,
  type DanbooruEnv,
  findPosts,
  pathId,
  snapshotOf,
} from "./context.ts";
import { notFound } from "./errors.ts";
import { isInRange, nameMatcher, pageOf, type Params, readLimit } from "./params.ts";
import { Decimal, type Fields } from "./render.ts";
import { toCategoryNumber, toTag, UNKNOWN_TIME } from "./tag_view.ts";

/** Related tags of an answer, and most of them. */
const RELATED_DEFAULT = 25;
const RELATED_MAX = 200;

/** Tags, what is related to them, artists and aliases. */
export function addTagRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/tags", (context) => {
    const tags = listTags(context, readFilter(context.var.params));
    return answerList(context, tags, { root: "tags", view: toTag });
  });
  app.get("/tags/:id", (context) => {
    const tag = tagOfId(snapshotOf(context), pathId(context));
    if (tag === undefined) throw notFound();
    return answerOne(context, toTag(tag), { root: "tag" });
  });
  app.get("/related_tag", showRelated);
  app.get("/artists", listArtists);
  app.get("/artists/:id", (context) => {
    const tag = tagOfId(snapshotOf(context), pathId(context));
    if (tag === undefined || tag.category !== "artist") throw notFound();
    return answerOne(context, toArtist(tag), artistShape(tag));
  });
  app.get("/tag_aliases", listAliases);
  // There are no texts about tags here.
  app.get("/wiki_pages", (context) => answer(context, [], { root: "wiki_pages" }));
  app.get("/wiki_pages/:id", () => {
    throw notFound();
  });
}

/** What a list of tags is searched for; undefined asks nothing. */
export type TagQuery = {
  /** One exact name. */
  name?: string;
  names?: readonly string[];
  pattern?: string;
  /** Numbers or words of categories. */
  categories?: readonly string[];
  isHidingEmpty?: boolean;
  ids?: string;
  counts?: string;
  order?: string;
};

const ORDERS: Record<string, TagOrder> = { name: "name", count: "count", date: "date" };

function readFilter(params: Params): TagQuery {
  const text = (name: string) => params.text("search", name) || undefined;
  return {
    name: text("name") ?? text("name_normalize"),
    names: text("name_comma")?.split(",") ?? params.list("search", "name_array") ??
      params.list("search", "name_space"),
    pattern: text("name_matches") ?? text("name_or_alias_matches") ?? text("fuzzy_name_matches"),
    categories: params.list("search", "category"),
    isHidingEmpty: params.flag("search", "hide_empty"),
    ids: text("id"),
    counts: text("post_count"),
    order: text("order"),
  };
}

/** Tags that are asked for, each with its id alone until a page of them is taken. */
function findIds(snapshot: ImageSnapshot, query: TagQuery): { id: TagId }[] {
  const { categories, ids, counts, isHidingEmpty } = query;
  const wanted = categories === undefined || categories.length === 0
    ? null
    : new Set(categories.map(toCategory));
  const isFiltered = wanted !== null || ids !== undefined || counts !== undefined ||
    isHidingEmpty === true;
  const found = findTagIds(snapshot, {
    order: ORDERS[query.order ?? ""] ?? "date",
    names: toNames(query, snapshot.aliases),
    matchesName: query.pattern === undefined ? undefined : nameMatcher(query.pattern),
    matches: isFiltered
      ? (tag) =>
        (wanted === null || wanted.has(toCategoryNumber(tag.category))) &&
        (ids === undefined || isInRange(tag.id, ids)) &&
        (counts === undefined || isInRange(tag.count, counts)) &&
        (isHidingEmpty !== true || tag.count > 0)
      : undefined,
  });
  return Array.from(found, (id) => ({ id }));
}

/** Exact names as they are stored; undefined when none are asked for. */
function toNames({ name, names, pattern }: TagQuery, aliases: AliasTable): string[] | undefined {
  const exact = name === undefined ? names : [name];
  if (exact === undefined && (pattern === undefined || pattern.includes("*"))) return undefined;
  const stored = (exact ?? [pattern!]).map((one) => normalizeTagName(one) ?? "");
  return exact === undefined ? [...stored, ...stored.map((one) => aliases.resolve(one))] : stored;
}

/** Danbooru's number for the number or word of a category; what is none matches nothing. */
function toCategory(text: string): number {
  if (/^\d+$/.test(text)) {
    return categoryOfDanbooruNumber(Number(text)) === undefined ? -1 : Number(text);
  }
  const category = categoryOfSiteWord(text);
  return category === undefined ? -1 : DANBOORU_CATEGORY_NUMBERS[category];
}

/** A page of the tags that a request asks for. */
export function listTags(context: DanbooruContext, query: TagQuery): CountedTag[] {
  const snapshot = snapshotOf(context);
  return pageOf(findIds(snapshot, query), context.var.params)
    .map(({ id }) => tagOfId(snapshot, id))
    .filter((tag) => tag !== undefined);
}

async function showRelated(context: DanbooruContext): Promise<Response> {
  const { params } = context.var;
  const text = (name: string) => params.text("search", name) ?? params.text(name) ?? "";
  const query = text("query").trim();
  const category = text("category").trim();
  const page = { kind: "number", number: 1 } as const;
  const found = await findPosts(context, query, { page, limit: RELATED_SAMPLE_MAX });
  const { snapshot, total } = found;
  const wanted = /^\d+$/.test(category)
    ? categoryOfDanbooruNumber(Number(category))
    : categoryOfSiteWord(category);
  const order = text("order").toLowerCase();
  const related = findRelatedTags(snapshot, found, {
    relation: RELATIONS.find((relation) => relation === order) ?? "cosine",
    category: wanted ?? null,
    limit: readLimit(params, { max: RELATED_MAX }) ?? RELATED_DEFAULT,
  });
  const name = snapshot.aliases.resolve(normalizeTagName(query) ?? "");
  const id = snapshot.tags.idOf(name);
  const tag = id === undefined ? undefined : tagOfId(snapshot, id);
  return answerOne(context, {
    query,
    post_count: total,
    tag: tag === undefined ? null : toTag(tag),
    related_tags: related.map((one) => ({
      tag: toTag(one.tag),
      cosine_similarity: new Decimal(one.cosine),
      jaccard_similarity: new Decimal(one.jaccard),
      overlap_coefficient: new Decimal(one.overlap),
      frequency: new Decimal(one.frequency),
    })),
    wiki_page_tags: [],
  }, { root: "related-tag" });
}

/** An artist is a tag of that category; more is not known of anybody. */
function toArtist(tag: CountedTag): Fields {
  return {
    id: tag.id,
    created_at: UNKNOWN_TIME,
    name: tag.name,
    updated_at: UNKNOWN_TIME,
    is_deleted: false,
    group_name: "",
    is_banned: false,
    other_names: [],
  };
}

function artistShape(tag: CountedTag) {
  return {
    root: "artist",
    associations: { urls: () => [], tag: () => toTag(tag), wiki_page: () => null },
  };
}

function listArtists(context: DanbooruContext): Response {
  const { params } = context.var;
  const text = (name: string) => params.text("search", name) || undefined;
  const order = text("order");
  const isImpossible = text("url_matches") !== undefined ||
    params.flag("search", "is_deleted") === true || params.flag("search", "is_banned") === true;
  const artists = isImpossible ? [] : listTags(context, {
    name: text("name"),
    pattern: text("any_name_matches") ?? text("name_matches") ?? text("any_name_or_url_matches"),
    categories: ["1"],
    ids: text("id"),
    order: order === "post_count" ? "count" : order,
  });
  return answerList(context, artists, {
    root: "artists",
    view: toArtist,
    associations: (tag) => artistShape(tag).associations,
  });
}

function listAliases(context: DanbooruContext): Response {
  const { params } = context.var;
  const isWanted = (field: string, name: string) => {
    const pattern = params.text("search", field);
    return pattern === undefined || pattern === "" || nameMatcher(pattern)(name);
  };
  const aliases = [...snapshotOf(context).aliases.entries()].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([antecedent, consequent], i) => ({ id: Math.min(ID_MAX, i + 1), antecedent, consequent }))
    .filter(({ antecedent, consequent }) =>
      isWanted("antecedent_name", antecedent) && isWanted("consequent_name", consequent) &&
      (isWanted("name_matches", antecedent) || isWanted("name_matches", consequent))
    );
  return answerList(context, pageOf(aliases, params), {
    root: "tag_aliases",
    view: ({ id, antecedent, consequent }) => ({
      id,
      antecedent_name: antecedent,
      consequent_name: consequent,
      status: "active",
      created_at: UNKNOWN_TIME,
      updated_at: UNKNOWN_TIME,
      creator_id: 1,
      forum_topic_id: null,
      approver_id: null,
      forum_post_id: null,
      reason: "",
    }),
  });
}
