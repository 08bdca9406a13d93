import { inPoolOfName, toPattern, toWordTest } from "./naive_words.ts";
import { matchesNumber, type NumberKind } from "./naive_numbers.ts";

/*
 * The search as docs/query_language.md describes it, once more and as plainly as can be: for each image
 * a yes or no, then a sort. It shares no code with src/query, so that it does not share its mistakes.
 */

/** A tag; null is no category. Ratings are not among them. */
export type NaiveTag = { name: string; category: string | null };

/** An image with all that a search can ask for; null is not known or none. */
export type NaiveImage = {
  id: number;
  filepath: string;
  md5: string;
  tags: NaiveTag[];
  /** Words of ratings; of several the least safe counts. */
  ratings: string[];
  width: number | null;
  height: number | null;
  score: number;
  favCount: number;
  bytes: number | null;
  durationMs: number | null;
  /** Unix seconds. */
  addedAt: number | null;
  /** Unix seconds. */
  favouritedAt: number | null;
  /** Images that a person named as its parent; the lowest counts. */
  parents: number[];
  /** Post number of the parent at a site. */
  parentPostId: number | null;
  posts: { site: string; id: number }[];
  source: string | null;
  fileType: string | null;
};

/** A pool with its images in reading order. */
export type NaivePool = { id: number; name: string; imageIds: number[] };

/** A library in plain objects. */
export type NaiveLibrary = {
  images: NaiveImage[];
  pools: NaivePool[];
  aliases: { from: string; to: string }[];
};

/**
 * One word of a search: a tag (with or without `*`, which is a letter where the name is literal), or a
 * metatag with its value as it was written.
 */
export type NaiveTerm =
  | {
    kind: "tag";
    name: string;
    category: string | null;
    isAliased: boolean;
    isLiteral: boolean;
  }
  | { kind: "metatag"; name: string; value: string };

/** A search as a tree. An `and` of nothing is every image. */
export type NaiveNode =
  | { kind: "term"; term: NaiveTerm }
  | { kind: "not"; node: NaiveNode }
  | { kind: "and" | "or"; nodes: NaiveNode[] };

/** A whole search; the order is the value of `order:`, or the pool of `ordpool:`. */
export type NaiveQuery = {
  root: NaiveNode;
  order: string | null;
  ordpool: string | null;
  limit: number | null;
};

/** Where a search runs, and when (milliseconds since 1970). */
export type NaiveContext = { library: NaiveLibrary; now: number };

type Test = (image: NaiveImage) => boolean;

/** Ids of the images that a search finds, in its order. Cost: images × terms. */
export function naiveSearch(query: NaiveQuery, context: NaiveContext): number[] {
  const test = toTest(query.root, context);
  const found = context.library.images.filter((image) => test(image));
  return sortImages(found, query, context).map((image) => image.id);
}

function toTest(node: NaiveNode, context: NaiveContext): Test {
  if (node.kind === "term") return toTermTest(node.term, context);
  if (node.kind === "not") {
    const inner = toTest(node.node, context);
    return (image) => !inner(image);
  }
  const tests = node.nodes.map((inner) => toTest(inner, context));
  return node.kind === "and"
    ? (image) => tests.every((test) => test(image))
    : (image) => tests.some((test) => test(image));
}

function toTermTest(term: NaiveTerm, context: NaiveContext): Test {
  if (term.kind === "metatag") return toMetatagTest(term.name, term.value, context);
  const written = term.name.toLowerCase();
  const alias = context.library.aliases.find(({ from }) => term.isAliased && from === written);
  const name = alias?.to ?? written;
  const isCategory = (tag: NaiveTag) =>
    term.category === null || (tag.category ?? "general") === term.category;
  if (term.isLiteral || !name.includes("*")) {
    return (image) => image.tags.some((tag) => tag.name === name && isCategory(tag));
  }
  const pattern = toPattern(name);
  return (image) => image.tags.some((tag) => pattern.test(tag.name) && isCategory(tag));
}

function toMetatagTest(name: string, value: string, context: NaiveContext): Test {
  const { library } = context;
  const field = NUMBERS[name];
  if (field !== undefined) {
    return (image) => matchesNumber(field.kind, value, { actual: field.read(image), ...context });
  }
  if (name === "post_id") return (image) => matchesPosts(image.posts, value, context);
  if (SITES[name] !== undefined) {
    return (image) =>
      matchesPosts(image.posts.filter(({ site }) => site === SITES[name]), value, context);
  }
  return toWordTest(name, value, library);
}

function matchesPosts(
  posts: readonly { id: number }[],
  value: string,
  context: NaiveContext,
): boolean {
  if (value.toLowerCase() === "any") return posts.length > 0;
  if (value.toLowerCase() === "none") return posts.length === 0;
  return posts.some(({ id }) => matchesNumber("integer", value, { actual: id, ...context }));
}

/** Metatag → site. */
export const SITES: Readonly<Record<string, string>> = {
  danbooru: "danbooru",
  e621: "e621",
  gelbooru: "gelbooru",
  yandere: "yandere",
  konachan: "konachan",
  safebooru: "safebooru",
  rule34: "rule34",
  pixiv: "pixiv",
  pixiv_id: "pixiv",
};

/** How a metatag reads an image, and how its values are written. */
export type NumberField = { kind: NumberKind; read: (image: NaiveImage) => number | null };

function countTags(category: string): NumberField {
  return {
    kind: "integer",
    read: ({ tags }) => tags.filter((tag) => (tag.category ?? "general") === category).length,
  };
}

/** Metatags that take numbers. Ratios are hundredths, as they are compared at two decimals. */
export const NUMBERS: Readonly<Record<string, NumberField>> = {
  id: { kind: "integer", read: ({ id }) => id },
  score: { kind: "integer", read: ({ score }) => score },
  favcount: { kind: "integer", read: ({ favCount }) => favCount },
  width: { kind: "integer", read: ({ width }) => width },
  height: { kind: "integer", read: ({ height }) => height },
  mpixels: {
    kind: "mpixels",
    read: ({ width, height }) => width === null || height === null ? null : width * height,
  },
  ratio: {
    kind: "ratio",
    read: ({ width, height }) =>
      width === null || height === null ? null : Math.floor((200 * width + height) / (2 * height)),
  },
  filesize: { kind: "filesize", read: ({ bytes }) => bytes },
  duration: { kind: "duration", read: ({ durationMs }) => durationMs },
  tagcount: { kind: "integer", read: ({ tags }) => tags.length },
  gentags: countTags("general"),
  arttags: countTags("artist"),
  chartags: countTags("character"),
  copytags: countTags("copyright"),
  metatags: countTags("meta"),
  spectags: countTags("species"),
  date: { kind: "date", read: ({ addedAt }) => addedAt },
  age: { kind: "age", read: ({ addedAt }) => addedAt },
};

/** What an order sorts by, the largest first. */
function keyOf(name: string): ((image: NaiveImage) => number) | null {
  switch (name) {
    case "id":
    case "ratio":
    case "age":
      return null;
    case "created_at":
    case "new":
      return (image) => image.addedAt ?? 0;
    case "landscape":
      return ({ width, height }) => width === null || height === null ? 0 : width / height;
    case "fav":
      return (image) => image.favouritedAt ?? 0;
    default: {
      const field = NUMBERS[name];
      return field === undefined ? null : (image) => field.read(image) ?? 0;
    }
  }
}

/** Orders that are another one backwards. */
const BACKWARDS: Readonly<Record<string, string>> = {
  portrait: "landscape",
  old: "created_at",
};

const WITHOUT =
  /^(none|id_desc|(change|comment|comment_bumped|note|artcomm|upvotes|downvotes)(_asc|_desc)?)$/;

function sortImages(
  images: readonly NaiveImage[],
  query: NaiveQuery,
  { library, now }: NaiveContext,
): NaiveImage[] {
  const newest = images.toSorted((a, b) => b.id - a.id);
  if (query.ordpool !== null) {
    const pool = library.pools.find((pool) => inPoolOfName(pool, query.ordpool!));
    const placeOf = (image: NaiveImage) => pool!.imageIds.indexOf(image.id);
    return pool === undefined ? [] : newest.sort((a, b) => placeOf(a) - placeOf(b));
  }
  const order = query.order?.toLowerCase() ?? "none";
  if (WITHOUT.test(order) || order.startsWith("random")) return newest;
  if (order === "id" || order === "id_asc") return newest.reverse();
  if (order === "rank") return rank(newest, now);
  if (order === "custom") return inCustomOrder(newest, query.root);
  const [, name, suffix] = /^(.*?)(_asc|_desc)?$/.exec(order)!;
  const isAscending = suffix === "_asc" || BACKWARDS[name] !== undefined;
  const key = keyOf(BACKWARDS[name] ?? name);
  if (key === null) throw new Error(`The naive search does not know the order ${order}`);
  return isAscending
    ? newest.sort((a, b) => key(a) - key(b) || a.id - b.id)
    : newest.sort((a, b) => key(b) - key(a) || b.id - a.id);
}

function rank(newest: NaiveImage[], now: number): NaiveImage[] {
  const key = ({ score, addedAt }: NaiveImage) => Math.log(score) / Math.log(3) + addedAt! / 35_000;
  return newest.filter(({ score, addedAt }) =>
    score > 0 && addedAt !== null && addedAt >= now / 1000 - 2 * 86_400
  ).sort((a, b) => key(b) - key(a) || b.id - a.id);
}

function inCustomOrder(newest: NaiveImage[], root: NaiveNode): NaiveImage[] {
  const terms = root.kind === "and" ? root.nodes : [root];
  for (const node of terms) {
    if (node.kind !== "term" || node.term.kind !== "metatag" || node.term.name !== "id") continue;
    const ids = node.term.value.split(",").map(Number);
    return newest.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
  }
  throw new Error("order:custom needs an id:");
}
