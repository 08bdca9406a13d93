import { AppError } from "../base/errors.ts";
import {
  categoryOfDanbooruNumber,
  categoryOfSiteWord,
  SITE_CATEGORY_WORDS,
  splitNamespace,
  type TagCategory,
} from "./category.ts";
import {
  fieldOf,
  isJsonObject,
  type JsonObject,
  numberOf,
  objectFieldOf,
  stringFieldOf,
} from "./json.ts";
import {
  firstFieldOf,
  readBoolean,
  readCount,
  readDuration,
  readMd5,
  readPostId,
  readSide,
  readSize,
  readSourceText,
  readTime,
  readUrls,
} from "./post_fields.ts";
import { hasOldDanbooruFields, parseRating, type Rating } from "./ratings.ts";
import { recogniseKind, recogniseSite, type Site, type SiteKind } from "./site.ts";
import { type ExtractedTag, TagList } from "./tag_list.ts";

export type { ExtractedTag };

/** What this program understands of a site's post; `null` = the site did not say. */
export type ExtractedPost = {
  /** Whose post ids these are ("danbooru", "e621", "127.0.0.1:8000"): the key in raw_metadata. */
  source: string;
  kind: SiteKind;
  postId: number | null;
  /** Post id of the parent at the same source. */
  parentId: number | null;
  hasChildren: boolean | null;
  md5: string | null;
  rating: Rating | null;
  score: number | null;
  favCount: number | null;
  /** Of the file as the site has it; Pixiv says only how large the first page is. */
  width: number | null;
  height: number | null;
  fileSize: number | null;
  /** In seconds. */
  duration: number | null;
  /** When the site got the post, ISO 8601 in UTC. */
  createdAt: string | null;
  /** Web addresses of the original, best first. */
  sourceUrls: string[];
  /** What the site calls the source where that is no web address ("Own scan"). */
  sourceText: string | null;
  /** Each name once, no ratings among them. */
  tags: ExtractedTag[];
  /** Names in the post that cannot be stored. */
  rejectedTagsCount: number;
};

/** Options of {@link extractPost}. */
export type ExtractPostOptions = {
  /** Category that a name is known with; asked for tags that the site lists without a category. */
  categoryOf?: (name: string) => TagCategory | undefined;
  /** Name of the source, for a post that is already stored under one. */
  source?: string;
};

/**
 * Reads the post of any supported site: what the API answers and what gallery-dl writes.
 *
 * Never throws for the content of an object: each field that has the wrong type is left out by itself.
 * Tags without a category (Gelbooru, Moebooru, Pixiv, a bare `tag_string`) get one from `categoryOf`,
 * else general; without `categoryOf` they stay `null`. Pixiv has no artist tags: its user's account
 * name becomes one. Of a tag in two languages the original is taken, as gallery-dl does by default.
 *
 * Source: chibi:utils/tag_extraction.py
 *
 * @throws {AppError} `bad_request` if `post` is no object.
 */
export function extractPost(post: unknown, options: ExtractPostOptions = {}): ExtractedPost {
  if (!isJsonObject(post)) {
    throw new AppError("bad_request", "Cannot read a post that is not an object");
  }
  const site: Site = options.source === undefined
    ? recogniseSite(post)
    : { kind: recogniseKind(post, options.source), source: options.source };
  const list = new TagList();
  addTags(list, post, site.kind);
  return {
    ...site,
    ...readIdentity(post, site.kind),
    rating: readRating(post, site.kind) ?? list.rating,
    ...readFile(post),
    createdAt: readTime(firstFieldOf(post, ["created_at", "create_date"])) ??
      readTime(fieldOf(post, "date")),
    sourceUrls: readSources(post, site.kind),
    sourceText: readSourceText(readSourceFields(post, site.kind)),
    tags: list.toTags(options.categoryOf),
    rejectedTagsCount: list.rejectedCount,
  };
}

function readIdentity(post: JsonObject, kind: SiteKind) {
  const relationships = objectFieldOf(post, "relationships");
  const score = fieldOf(post, "score");
  return {
    postId: readPostId(fieldOf(post, "id")),
    parentId: readPostId(fieldOf(post, "parent_id")) ??
      readPostId(fieldOf(relationships, "parent_id")),
    hasChildren: readBoolean(fieldOf(post, "has_children")) ??
      readBoolean(fieldOf(relationships, "has_children")),
    md5: readMd5(fieldOf(post, "md5")) ?? readMd5(fieldOf(objectFieldOf(post, "file"), "md5")) ??
      (kind === "gelbooru" ? readMd5(fieldOf(post, "hash")) : null),
    score: readCount(isJsonObject(score) ? fieldOf(score, "total") : score),
    favCount: readCount(firstFieldOf(post, ["fav_count", "total_bookmarks"])),
  };
}

function readRating(post: JsonObject, kind: SiteKind): Rating | null {
  const rating = parseRating(fieldOf(post, "rating"), kind, hasOldDanbooruFields(post));
  if (rating !== null || kind !== "pixiv") return rating;
  return parseRating(fieldOf(post, "x_restrict"), kind);
}

function readFile(post: JsonObject) {
  const file = objectFieldOf(post, "file");
  const asset = objectFieldOf(post, "media_asset");
  return {
    width: readSide(firstFieldOf(post, ["image_width", "width"])) ??
      readSide(fieldOf(file, "width")),
    height: readSide(firstFieldOf(post, ["image_height", "height"])) ??
      readSide(fieldOf(file, "height")),
    fileSize: readSize(fieldOf(post, "file_size")) ?? readSize(fieldOf(file, "size")),
    duration: readDuration(fieldOf(post, "duration")) ?? readDuration(fieldOf(asset, "duration")),
  };
}

function readSourceFields(post: JsonObject, kind: SiteKind): unknown[] {
  const fields = [fieldOf(post, "source"), fieldOf(post, "sources")];
  return kind === "gelbooru" ? fields.map(decodeIfText) : fields;
}

function readSources(post: JsonObject, kind: SiteKind): string[] {
  const urls = readSourceFields(post, kind);
  if (kind === "hydrus") {
    urls.push(fieldOf(objectFieldOf(post, "metadata"), "urls"), fieldOf(post, "urls"));
  }
  const id = readPostId(fieldOf(post, "id"));
  // The files of Pixiv answer nobody who does not come from its pages, so the page is the source.
  if (kind === "pixiv" && id !== null) urls.unshift(`https://www.pixiv.net/artworks/${id}`);
  return readUrls(urls);
}

/*
 * All sites list tags in one of these fields, in one of these forms, and newer versions of gallery-dl
 * add the second form to the first, so every field is read for every kind:
 *
 *   tag_string, tag_string_<category>   text, names between white space (Danbooru)
 *   tags_<category>                     list (gallery-dl 1.32) or text (gallery-dl, tags: true)
 *   tags                                text | list of names | list of { name, category? } |
 *                                       object of lists by category (e621)
 *   metadata.tags                       list with namespaces (Hydrus)
 */
function addTags(list: TagList, post: JsonObject, kind: SiteKind): void {
  for (const word of SITE_CATEGORY_WORDS) {
    const category = categoryOfSiteWord(word) ?? null;
    addNames(list, fieldOf(post, `tag_string_${word}`), category, kind);
    addNames(list, fieldOf(post, `tags_${word}`), category, kind);
  }
  addNames(list, fieldOf(post, "tag_string"), null, kind);
  const tags = fieldOf(post, "tags");
  if (isJsonObject(tags)) {
    for (const [word, names] of Object.entries(tags)) {
      addNames(list, names, categoryOfSiteWord(word) ?? null, kind);
    }
  } else {
    addNames(list, tags, null, kind);
  }
  if (kind === "hydrus") {
    addNames(list, fieldOf(objectFieldOf(post, "metadata"), "tags"), null, kind);
  }
  if (kind === "pixiv") addPixivArtist(list, post);
}

function addNames(
  list: TagList,
  value: unknown,
  category: TagCategory | null,
  kind: SiteKind,
): void {
  if (typeof value === "string") {
    for (const name of splitTagText(value, kind)) addName(list, name, category, kind);
  } else if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === "string") addName(list, item, category, kind);
      else if (isJsonObject(item)) addTagObject(list, item, category, kind);
    }
  }
}

/** Boorus have no spaces in names; of other sites a text with commas is separated by those. */
function splitTagText(text: string, kind: SiteKind): string[] {
  const isFree = kind === "unknown" || kind === "hydrus";
  const parts = text.split(isFree && text.includes(",") ? "," : /\s+/);
  return parts.filter((part) => part.trim() !== "");
}

function addName(
  list: TagList,
  text: string,
  category: TagCategory | null,
  kind: SiteKind,
): void {
  const hasNamespaces = kind === "hydrus" || kind === "unknown";
  if (hasNamespaces && category === null) {
    const split = splitNamespace(text);
    list.add(split.name, split.category);
  } else {
    list.add(kind === "gelbooru" ? decodeEntities(text) : text, category);
  }
}

/** `{ name, translated_name }` of Pixiv's API, `{ name, category: "0" }` of Danbooru's dumps. */
function addTagObject(
  list: TagList,
  tag: JsonObject,
  category: TagCategory | null,
  kind: SiteKind,
): void {
  const name = stringFieldOf(tag, "name");
  if (name === undefined) return;
  const number = kind === "danbooru" ? numberOf(fieldOf(tag, "category")) : undefined;
  const own = number === undefined ? undefined : categoryOfDanbooruNumber(number);
  addName(list, name, own ?? category, kind);
}

/** The account name, not the display name, which its owner changes at every event. */
function addPixivArtist(list: TagList, post: JsonObject): void {
  const user = objectFieldOf(post, "user");
  const account = stringFieldOf(user, "account") ?? stringFieldOf(user, "name");
  if (account !== undefined && account.trim() !== "") list.add(account, "artist");
}

const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

function decodeIfText(value: unknown): unknown {
  return typeof value === "string" ? decodeEntities(value) : value;
}

/** Gelbooru escapes its JSON for HTML: `don&#039;t` is `don't`. Decoded once, never twice. */
function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    ENTITY,
    (all: string, decimal?: string, hexadecimal?: string, name?: string) => {
      if (name !== undefined) return ENTITIES.get(name.toLowerCase()) ?? all;
      const code = decimal === undefined ? parseInt(hexadecimal ?? "", 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}
