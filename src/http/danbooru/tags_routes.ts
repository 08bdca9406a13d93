import type { Hono } from "hono";
import { RELATED_SAMPLE_MAX } from "../../base/limits.ts";
import type { AliasTable } from "../../cache/alias_table.ts";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import { findAliases, type ListedAlias } from "../../query/alias_list.ts";
import { findRelatedTags, RELATIONS } from "../../query/related_tags.ts";
import type { CountedTag } from "../../query/tag_list.ts";
import { runSteps } from "../../query/steps.ts";
import { findTagIds, type TagFilter, tagOfId, type TagOrder } from "../../query/tag_search.ts";
import {
  categoryOfDanbooruNumber,
  categoryOfSiteWord,
  DANBOORU_CATEGORY_NUMBERS,
} from "../../tags/category.ts";
import {
  type Implication,
  type ImplicationFilter,
  readImplications,
} from "../../store/implications.ts";
import { normalizeTagName } from "../../tags/tag_name.ts";
import { toNamePattern } from "../api/implications_routes.ts";
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
import { nameMatcher, rangeTest } from "./matchers.ts";
import {
  isPageById,
  pageOf,
  pageOfIds,
  type Params,
  readLimit,
  readListLimit,
  readPage,
} from "./params.ts";
import { toTime } from "./post_view.ts";
import { Decimal, type Fields } from "./render.ts";
import { toCategoryNumber, toTag, UNKNOWN_TIME } from "./tag_view.ts";

/** Related tags of an answer, and most of them. */
const RELATED_DEFAULT = 25;
const RELATED_MAX = 200;
/** Implications that a list is taken from; Danbooru itself has some forty thousand. */
const IMPLICATIONS_READ_MAX = 100_000;

/** Tags, what is related to them, artists, aliases and implications. */
export function addTagRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/tags", async (context) => {
    const tags = await listTags(context, readFilter(context.var.params));
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
  app.get("/tag_aliases/:id", async (context) => {
    const id = pathId(context);
    const isIt = (alias: ListedAlias) => alias.id === id;
    const [alias] = await runSteps(findAliases(snapshotOf(context).aliases, isIt));
    if (alias === undefined) throw notFound();
    return answerOne(context, toAlias(alias), { root: "tag_alias" });
  });
  app.get("/tag_implications", listImplications);
  app.get("/tag_implications/:id", (context) => {
    const { reader } = context.var.state.library.core;
    const wanted = { id: pathId(context), status: "active", limit: 1, offset: 0 };
    const [implication] = readImplications(reader, wanted).implications;
    if (implication === undefined) throw notFound();
    return answerOne(context, toImplication(implication), { root: "tag_implication" });
  });
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

const ORDERS: ReadonlyMap<string, TagOrder> = new Map([
  ["name", "name"],
  ["count", "count"],
  ["date", "date"],
]);

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

function toFilter(snapshot: ImageSnapshot, query: TagQuery): TagFilter {
  const { categories, ids, counts, isHidingEmpty } = query;
  const tests: NonNullable<TagFilter["matches"]>[] = [];
  if (categories !== undefined && categories.length > 0) {
    const wanted = new Set(categories.map(toCategory));
    tests.push((tag) => wanted.has(toCategoryNumber(tag.category)));
  }
  if (ids !== undefined) {
    const isWanted = rangeTest(ids);
    tests.push((tag) => isWanted(tag.id));
  }
  if (counts !== undefined) {
    const isWanted = rangeTest(counts);
    tests.push((tag) => isWanted(tag.count));
  }
  if (isHidingEmpty === true) tests.push((tag) => tag.count > 0);
  return {
    order: ORDERS.get(query.order ?? "") ?? "date",
    names: toNames(query, snapshot.aliases),
    matchesName: query.pattern === undefined ? undefined : nameMatcher(query.pattern),
    matches: tests.length === 0 ? undefined : (tag) => tests.every((test) => test(tag)),
  };
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
export async function listTags(context: DanbooruContext, query: TagQuery): Promise<CountedTag[]> {
  const { params } = context.var;
  const snapshot = snapshotOf(context);
  const filter = toFilter(snapshot, query);
  if (isPageById(params)) filter.order = "date";
  return pageOfIds(await runSteps(findTagIds(snapshot, filter)), params)
    .map((id) => tagOfId(snapshot, id))
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
  const steps = findRelatedTags(snapshot, found, {
    relation: RELATIONS.find((relation) => relation === order) ?? "cosine",
    category: wanted ?? null,
    limit: readLimit(params, { max: RELATED_MAX }) ?? RELATED_DEFAULT,
  });
  const related = await runSteps(steps);
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

async function listArtists(context: DanbooruContext): Promise<Response> {
  const { params } = context.var;
  const text = (name: string) => params.text("search", name) || undefined;
  const order = text("order");
  const isImpossible = text("url_matches") !== undefined ||
    params.flag("search", "is_deleted") === true || params.flag("search", "is_banned") === true;
  const artists = isImpossible ? [] : await listTags(context, {
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

async function listAliases(context: DanbooruContext): Promise<Response> {
  const { params } = context.var;
  const test = (field: string) => {
    const pattern = params.text("search", field) ?? "";
    return pattern === "" ? () => true : nameMatcher(pattern);
  };
  const [isAntecedent, isConsequent] = [test("antecedent_name"), test("consequent_name")];
  const [isEither, isId] = [test("name_matches"), idTest(params)];
  const isWanted = isActiveWanted(params)
    ? ({ id, antecedent, consequent }: ListedAlias) =>
      isAntecedent(antecedent) && isConsequent(consequent) && isId(id) &&
      (isEither(antecedent) || isEither(consequent))
    : () => false;
  const aliases = await runSteps(findAliases(snapshotOf(context).aliases, isWanted));
  return answerList(context, pageOf(aliases, params), {
    root: "tag_aliases",
    view: toAlias,
  });
}

function idTest(params: Params): (id: number) => boolean {
  const text = params.text("search", "id") ?? "";
  return text === "" ? () => true : rangeTest(text);
}

/** Danbooru's states of a relationship: active, deleted, retired. Here it is active or not there. */
function isActiveWanted(params: Params): boolean {
  const status = params.text("search", "status")?.toLowerCase() ?? "";
  return status === "" || status === "active";
}

/** Implications that hold, the newest first. */
function listImplications(context: DanbooruContext): Response {
  const { params } = context.var;
  const text = (name: string) => {
    const written = params.text("search", name)?.trim() ?? "";
    return written === "" ? undefined : toNamePattern(written);
  };
  const wanted = {
    status: "active",
    source: text("antecedent_name"),
    implied: text("consequent_name"),
    either: text("name_matches"),
  };
  return answerList(context, isActiveWanted(params) ? readPageOf(context, wanted) : [], {
    root: "tag_implications",
    view: toImplication,
  });
}

/** The page of implications that is asked for: read as such, unless it is one by their numbers. */
function readPageOf(
  context: DanbooruContext,
  wanted: Omit<ImplicationFilter, "limit" | "offset">,
): Implication[] {
  const { params, state } = context.var;
  const { reader } = state.library.core;
  const page = readPage(params);
  if (page.kind === "number" && params.text("search", "id") === undefined) {
    const limit = readListLimit(params);
    const offset = (page.number - 1) * limit;
    return readImplications(reader, { ...wanted, limit, offset }).implications;
  }
  const all = { ...wanted, limit: IMPLICATIONS_READ_MAX, offset: 0 };
  const isId = idTest(params);
  const found = readImplications(reader, all).implications.filter(({ id }) => isId(id));
  return pageOf(found, params);
}

function toAlias({ id, antecedent, consequent }: ListedAlias): Fields {
  return toRelationship({ id, antecedent, consequent, time: UNKNOWN_TIME });
}

function toImplication({ id, source, implied, createdAt }: Implication): Fields {
  const ms = createdAt === null ? NaN : Date.parse(`${createdAt.replace(" ", "T")}Z`);
  const time = Number.isNaN(ms) ? UNKNOWN_TIME : toTime(ms);
  return toRelationship({ id, antecedent: source, consequent: implied, time });
}

/** What aliases and implications have in common on Danbooru. */
function toRelationship(
  { id, antecedent, consequent, time }: {
    id: number;
    antecedent: string;
    consequent: string;
    time: string;
  },
): Fields {
  return {
    id,
    antecedent_name: antecedent,
    consequent_name: consequent,
    status: "active",
    created_at: time,
    updated_at: time,
    creator_id: 1,
    forum_topic_id: null,
    approver_id: null,
    forum_post_id: null,
    reason: "",
  };
}
