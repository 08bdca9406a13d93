import type { NaiveImage, NaiveLibrary, NaivePool } from "./naive_search.ts";

/* Metatags that take words, as docs/query_language.md has them. */

const RATING_WORDS = ["general", "sensitive", "questionable", "explicit"];

/** Sites that answer for a post number without a site's name, in the order in which they do. */
const SITE_ORDER = ["danbooru", "e621", "gelbooru", "yandere"];

/** The whole text against a pattern in which `*` is any letters; both in lower case. */
export function toPattern(text: string): RegExp {
  const parts = text.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}/-]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}$`);
}

/** The rating of an image: the least safe of its ratings. */
function ratingOf(image: NaiveImage): string | null {
  return RATING_WORDS.findLast((word) => image.ratings.includes(word)) ?? null;
}

/** Ratings that a word stands for: itself, any beginning; `safe` is sensitive. */
function ratingsOfWord(word: string): string[] {
  const text = word.toLowerCase();
  if (text === "") return [];
  const found = RATING_WORDS.filter((rating) => rating.startsWith(text));
  return "safe".startsWith(text) ? ["sensitive"] : found;
}

/** Letters anywhere in the text; with a `*`, the whole text. */
function matchesText(text: string, value: string): boolean {
  const lower = text.toLowerCase();
  const wanted = value.toLowerCase();
  return wanted.includes("*") ? toPattern(wanted).test(lower) : lower.includes(wanted);
}

/** The beginning of the source, or the name of a site where the image has a post number. */
function matchesSource(image: NaiveImage, value: string): boolean {
  const word = value.toLowerCase();
  if (word === "none" || word === "") return image.source === null;
  if (word === "any") return image.source !== null;
  if (image.posts.some(({ site }) => site === word)) return true;
  return image.source !== null && toPattern(`${word}*`).test(image.source.toLowerCase());
}

/**
 * Id of the parent of an image: what a person named, the lowest of several; else the image whose post
 * number a site named, at the first site where the image itself has a post too.
 */
export function parentOf(image: NaiveImage, library: NaiveLibrary): number | null {
  const named = image.parents.toSorted((a, b) => a - b)[0];
  if (named !== undefined) return named;
  if (image.parentPostId === null) return null;
  const rankOf = (site: string) => SITE_ORDER.includes(site) ? SITE_ORDER.indexOf(site) : 99;
  const sites = image.posts.map(({ site }) => site)
    .sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1));
  for (const site of sites) {
    const ids = library.images.filter((other) =>
      other !== image &&
      other.posts.some((post) => post.site === site && post.id === image.parentPostId)
    ).map(({ id }) => id);
    if (ids.length > 0) return Math.min(...ids);
  }
  return null;
}

/** A pool by its number, or by its name in any case with `_` for spaces and `*`. */
export function inPoolOfName(pool: NaivePool, value: string): boolean {
  const word = value.toLowerCase().replaceAll(" ", "_");
  if (/^\d+$/.test(word)) return pool.id === Number(word);
  return toPattern(word).test(pool.name.toLowerCase().replaceAll(" ", "_"));
}

type Test = (image: NaiveImage) => boolean;

/** The test of a metatag that takes words. */
export function toWordTest(name: string, value: string, library: NaiveLibrary): Test {
  const word = value.toLowerCase();
  switch (name) {
    case "rating":
      if (word === "any") return (image) => ratingOf(image) !== null;
      if (word === "none") return (image) => ratingOf(image) === null;
      return (image) => hasRating(image, word.split(",").flatMap(ratingsOfWord));
    case "filetype":
    case "ext":
    case "type":
      return (image) => word.split(",").some((type) => type === image.fileType);
    case "md5":
      return (image) => word.split(",").includes(image.md5);
    case "source":
      return (image) => matchesSource(image, value);
    case "filename":
      return ({ filepath }) => matchesText(filepath.slice(filepath.lastIndexOf("/") + 1), value);
    case "path":
      return (image) => matchesText(image.filepath, value);
    case "parent":
      return toParentTest(word, library);
    case "child":
      if (word === "any") return toHasTest("children", library);
      if (word === "none") return not(toHasTest("children", library));
      break;
    case "pool":
      return toPoolTest(value, library);
    case "fav":
      return (image) => (image.favouritedAt !== null) === (word !== "none");
    case "is":
      return toIsTest(word, library);
    case "has":
      return toHasTest(word, library);
    case "similar":
      return toSimilarTest(Number(word), library);
    case "status":
      return () => ["active", "any", "all"].includes(word);
  }
  throw new Error(`The naive search does not know ${name}:${value}`);
}

function not(test: Test): Test {
  return (image) => !test(image);
}

function hasRating(image: NaiveImage, ratings: readonly string[]): boolean {
  return ratings.includes(ratingOf(image) ?? "no rating");
}

function toParentTest(word: string, library: NaiveLibrary): Test {
  if (word === "any") return (image) => parentOf(image, library) !== null;
  if (word === "none") return (image) => parentOf(image, library) === null;
  const number = Number(word);
  return (image) => image.id === number || parentOf(image, library) === number;
}

function toSimilarTest(id: number, library: NaiveLibrary): Test {
  const own = library.images.find((image) => image.id === id)?.tags ?? [];
  return (image) => image.id !== id && image.tags.some((tag) => own.includes(tag));
}

function toPoolTest(value: string, library: NaiveLibrary): Test {
  const isAny = /^(any|none)$/i.test(value);
  const pools = isAny ? library.pools : library.pools.filter((pool) => inPoolOfName(pool, value));
  const ids = new Set(pools.flatMap(({ imageIds }) => imageIds));
  return value.toLowerCase() === "none" ? ({ id }) => !ids.has(id) : ({ id }) => ids.has(id);
}

const FILE_WORDS = ["jpg", "png", "gif", "webp", "avif", "mp4", "webm", "swf", "zip"];
const PICTURES = ["jpg", "png", "gif", "webp", "avif"];
const VIDEOS = ["mp4", "webm"];

/** States of Danbooru that no post has here. */
const STATES = ["pending", "flagged", "appealed", "modqueue", "deleted", "banned", "unmoderated"];

function toIsTest(word: string, library: NaiveLibrary): Test {
  if (word === "active") return () => true;
  if (STATES.includes(word)) return () => false;
  if (FILE_WORDS.includes(word)) return ({ fileType }) => fileType === word;
  switch (word) {
    case "sfw":
      return (image) => hasRating(image, ["general", "sensitive"]);
    case "nsfw":
      return (image) => hasRating(image, ["questionable", "explicit"]);
    case "parent":
      return toHasTest("children", library);
    case "child":
      return toHasTest("parent", library);
    case "favourite":
      return ({ favouritedAt }) => favouritedAt !== null;
    case "image":
      return ({ fileType }) => PICTURES.includes(fileType ?? "");
    case "video":
      return ({ fileType }) => VIDEOS.includes(fileType ?? "");
  }
  const ratings = ratingsOfWord(word);
  if (ratings.length === 0) throw new Error(`The naive search does not know is:${word}`);
  return (image) => hasRating(image, ratings);
}

const NOTHING_HAS = [
  "comments",
  "notes",
  "commentary",
  "appeals",
  "flags",
  "replacements",
];

function toHasTest(word: string, library: NaiveLibrary): Test {
  if (NOTHING_HAS.includes(word)) return () => false;
  switch (word) {
    case "parent":
      return (image) => parentOf(image, library) !== null;
    case "children": {
      const parents = new Set(library.images.map((image) => parentOf(image, library)));
      return ({ id }) => parents.has(id);
    }
    case "source":
      return ({ source }) => source !== null;
    case "pools":
      return toPoolTest("any", library);
    case "tags":
      return ({ tags }) => tags.length > 0;
    case "rating":
      return (image) => ratingOf(image) !== null;
  }
  throw new Error(`The naive search does not know has:${word}`);
}
