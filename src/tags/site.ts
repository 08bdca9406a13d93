import { fieldOf, isJsonObject, type JsonObject, objectFieldOf, stringFieldOf } from "./json.ts";
import { TAGGER_SOURCES } from "./sources.ts";

/** Families of sites whose posts have the same fields. */
export type SiteKind =
  | "danbooru"
  | "e621"
  | "gelbooru"
  | "moebooru"
  | "pixiv"
  | "hydrus"
  | "unknown";

/** Which fields a post has (`kind`) and whose post ids it counts (`source`). */
export type Site = { kind: SiteKind; source: string };

/*
 * The kind comes from the shape of the fields, because gallery-dl's `category` is whatever the person
 * called the site: a copy of this server writes its host or a name of the person's choice there. The
 * source comes from `category`, then from the host of the file, then from the kind. A source that
 * belongs to a real site is given only to posts of that site's kind, so a copy can call itself "e621"
 * and its ids are still not taken for e621's.
 */

/** Names under which gallery-dl (or a person) writes a site that shares its ids with another name. */
const SAME_IDS: Readonly<Partial<Record<SiteKind, ReadonlyMap<string, string>>>> = {
  danbooru: new Map([["safebooru", "danbooru"]]), // safebooru.donmai.us
  e621: new Map([["e926", "e621"]]),
};

const SOURCE_OF_HOST: readonly (readonly [string, string])[] = [
  ["donmai.us", "danbooru"],
  ["donmai.moe", "danbooru"],
  ["aibooru.online", "aibooru"],
  ["aibooru.download", "aibooru"],
  ["e621.net", "e621"],
  ["e926.net", "e621"],
  ["e6ai.net", "e6ai"],
  ["gelbooru.com", "gelbooru"],
  ["safebooru.org", "safebooru"],
  ["rule34.xxx", "rule34"],
  ["yande.re", "yandere"],
  ["konachan.com", "konachan"],
  ["konachan.net", "konachan"],
  ["pixiv.net", "pixiv"],
  ["pximg.net", "pixiv"],
];

/** Sources that other kinds of posts cannot claim. Before 2020 e621 answered like a Moebooru. */
const KINDS_OF_SOURCE: ReadonlyMap<string, readonly SiteKind[]> = new Map([
  ["danbooru", ["danbooru"]],
  ["e621", ["e621", "moebooru"]],
  ["gelbooru", ["gelbooru"]],
  ["yandere", ["moebooru"]],
  ["konachan", ["moebooru"]],
  ["pixiv", ["pixiv"]],
  ["hydrus", ["hydrus"]],
]);

/** What gallery-dl calls these sites, for posts that were cut down to a few fields. */
const KIND_OF_CATEGORY: ReadonlyMap<string, SiteKind> = new Map([
  ["danbooru", "danbooru"],
  ["aibooru", "danbooru"],
  ["atfbooru", "danbooru"],
  ["booruvar", "danbooru"],
  ["e621", "e621"],
  ["e926", "e621"],
  ["e6ai", "e621"],
  ["gelbooru", "gelbooru"],
  ["safebooru", "gelbooru"],
  ["rule34", "gelbooru"],
  ["yandere", "moebooru"],
  ["konachan", "moebooru"],
  ["pixiv", "pixiv"],
]);

const SOURCE_LENGTH_MAX = 64;

/**
 * Tells which site a post object comes from.
 *
 * Source: gallery-dl:extractor/{danbooru,e621,gelbooru,gelbooru_v02,moebooru,pixiv}.py
 */
export function recogniseSite(post: JsonObject): Site {
  if (hasTaggerShape(post)) return { kind: "danbooru", source: TAGGER_SOURCES[0] };
  const kind = kindByShape(post) ?? kindByCategory(post);
  return { kind, source: sourceOf(kind, post) };
}

/** What the original's taggers write; they speak Danbooru's language. */
function hasTaggerShape(post: JsonObject): boolean {
  return stringFieldOf(post, "tagger_name") !== undefined && isJsonObject(fieldOf(post, "tags")) &&
    !Object.hasOwn(post, "id");
}

/**
 * Kind of a post that is stored under a source's name: by its shape, else by the name.
 *
 * For documents in `raw_metadata`, where the name is known and the fields may have been rewritten.
 */
export function recogniseKind(post: JsonObject, source: string): SiteKind {
  if (TAGGER_SOURCES.includes(source)) return "danbooru";
  return kindByShape(post) ?? KIND_OF_CATEGORY.get(source) ?? "unknown";
}

function kindByShape(post: JsonObject): SiteKind | undefined {
  if (hasDanbooruShape(post)) return "danbooru";
  if (hasE621Shape(post)) return "e621";
  if (hasPixivShape(post)) return "pixiv";
  if (hasMoebooruShape(post)) return "moebooru";
  if (hasGelbooruShape(post)) return "gelbooru";
  return hasHydrusShape(post) ? "hydrus" : undefined;
}

function hasDanbooruShape(post: JsonObject): boolean {
  for (const name of Object.keys(post)) {
    if (name.startsWith("tag_string") && typeof post[name] === "string") return true;
  }
  // The yearly dumps (2017 to 2021) had a list of tag objects instead of the strings.
  return Object.hasOwn(post, "image_width") && Object.hasOwn(post, "image_height") &&
    countPresent(post, ["uploader_id", "up_score", "down_score", "is_banned", "is_deleted"]) >= 2;
}

function hasE621Shape(post: JsonObject): boolean {
  const parts = ["preview", "sample", "score", "flags", "relationships"];
  return isJsonObject(fieldOf(post, "file")) &&
    parts.filter((name) => isJsonObject(fieldOf(post, name))).length >= 2;
}

function hasPixivShape(post: JsonObject): boolean {
  return isJsonObject(fieldOf(post, "user")) &&
    countPresent(post, ["page_count", "x_restrict", "create_date", "total_bookmarks"]) >= 2;
}

function hasMoebooruShape(post: JsonObject): boolean {
  const own = countPresent(post, ["author", "is_shown_in_index", "jpeg_url", "frames_string"]);
  return own >= 1 && own + countPresent(post, ["creator_id", "change", "is_held"]) >= 2 &&
    Object.hasOwn(post, "tags");
}

function hasGelbooruShape(post: JsonObject): boolean {
  const names = ["image", "directory", "change", "owner", "hash", "creator_id", "has_notes"];
  return countPresent(post, [...names, "has_comments", "preview_url", "sample_url"]) >= 4 &&
    Object.hasOwn(post, "tags");
}

/** The person chooses the keys of a Hydrus sidecar, so only the form of its manual is known. */
function hasHydrusShape(post: JsonObject): boolean {
  if (hasHydrusLists(objectFieldOf(post, "metadata"))) return true;
  return !Object.hasOwn(post, "category") && !Object.hasOwn(post, "id") && hasHydrusLists(post);
}

/** Whether an object holds the lists of a Hydrus sidecar, `tags` or `urls`, with texts in them. */
export function hasHydrusLists(object: JsonObject): boolean {
  return ["tags", "urls"].some((name) => {
    const list = fieldOf(object, name);
    return Array.isArray(list) && list.every((item) => typeof item === "string");
  });
}

function countPresent(post: JsonObject, names: readonly string[]): number {
  return names.filter((name) => Object.hasOwn(post, name)).length;
}

/** A person can let gallery-dl write a few fields only; then `category` is all that is left to go by. */
function kindByCategory(post: JsonObject): SiteKind {
  const category = stringFieldOf(post, "category");
  const hasPostFields = countPresent(post, ["tags", "rating"]) >= 1;
  return hasPostFields && category !== undefined
    ? KIND_OF_CATEGORY.get(category) ?? "unknown"
    : "unknown";
}

function sourceOf(kind: SiteKind, post: JsonObject): string {
  if (kind === "hydrus") return "hydrus";
  const category = stringFieldOf(post, "category");
  const name = toSourceName(category) ?? toSourceName(fileHostOf(post)) ??
    defaultSource(kind, post);
  const source = SAME_IDS[kind]?.get(name) ?? name;
  const kinds = TAGGER_SOURCES.includes(source) ? [] : KINDS_OF_SOURCE.get(source);
  return kinds === undefined || kinds.includes(kind) ? source : `${kind}_${source}`;
}

function defaultSource(kind: SiteKind, post: JsonObject): string {
  // Without an address the posts of safebooru.org, tbib and others look the same, and differ from
  // gelbooru.com by `hash`. Their ids must not become Gelbooru's.
  if (kind === "gelbooru" && Object.hasOwn(post, "hash")) return "gelbooru_v02";
  return kind;
}

/**
 * Gives a name that can be stored as a source: a known site's for its hosts, else the text itself in
 * lower case with `a-z 0-9 . _ : [ ] -`, others replaced by `_` or dropped at the ends; `undefined`
 * when no letter or digit is left.
 */
export function toSourceName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const name = text.trim().toLowerCase().slice(0, SOURCE_LENGTH_MAX);
  const known = SOURCE_OF_HOST.find(([host]) => name === host || name.endsWith(`.${host}`));
  if (known !== undefined) return known[1];
  const safe = name.replace(/[^a-z0-9._:[\]-]/g, "_").replace(/^_+|_+$/g, "");
  return /[a-z0-9]/.test(safe) ? safe : undefined;
}

/** Host, with its port, of the first address that leads to the file or a smaller copy of it. */
function fileHostOf(post: JsonObject): string | undefined {
  const names = ["file_url", "large_file_url", "jpeg_url", "sample_url", "preview_file_url"];
  const addresses = [
    ...names.map((name) => fieldOf(post, name)),
    fieldOf(objectFieldOf(post, "file"), "url"),
    fieldOf(objectFieldOf(post, "preview"), "url"),
    fieldOf(post, "preview_url"),
    fieldOf(post, "url"),
  ];
  for (const address of addresses) {
    if (typeof address !== "string") continue;
    const url = URL.parse(address.startsWith("//") ? `https:${address}` : address);
    if (url !== null && /^https?:$/.test(url.protocol) && url.host !== "") return url.host;
  }
  return undefined;
}
