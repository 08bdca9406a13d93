import { FILE_TYPE_CODES, FILE_TYPES, type FileType } from "../tags/file_types.ts";
import { isRating, parseRatingName, RATINGS } from "../tags/ratings.ts";
import { anyOf, negate, type QueryNode } from "./ast.ts";
import {
  anyOrNone,
  describeValues,
  type Metatag,
  metatag,
  type MetatagMeaning,
  type MetatagValue,
  oneOf,
  parseId,
  shorten,
  type ValueFault,
} from "./metatag.ts";
import { SITES } from "./number_metatags.ts";
import { EVERYTHING } from "./ranges.ts";

/** Parses a list of words, each by `read`; the fault of the first that is none. */
function parseList(
  value: string,
  read: (word: string) => QueryNode | undefined,
  fault: (word: string) => ValueFault,
): MetatagMeaning | ValueFault {
  const nodes: QueryNode[] = [];
  let offset = 0;
  for (const item of value.split(",")) {
    const node = read(item.trim().toLowerCase());
    if (node === undefined) return { offset, ...fault(shorten(item.trim())) };
    nodes.push(node);
    offset += item.length + 1;
  }
  return { node: nodes.length === 1 ? nodes[0] : mergeCodes(nodes) };
}

/** Ratings or file types of a list as one condition, where that is possible. */
function mergeCodes(nodes: readonly QueryNode[]): QueryNode {
  const [first] = nodes;
  if (first.kind !== "rating" && first.kind !== "fileType") return anyOf(nodes);
  const codes = new Set<number>();
  for (const node of nodes) {
    if (node.kind !== first.kind) return anyOf(nodes);
    for (const code of node.codes) codes.add(code);
  }
  return { kind: first.kind, codes: [...codes].sort((a, b) => a - b) };
}

const ALL_RATINGS = RATINGS.map((_, i) => i + 1);

function ratingNode(word: string): QueryNode | undefined {
  if (word === "any") return { kind: "rating", codes: ALL_RATINGS };
  if (word === "none") return { kind: "rating", codes: [0] };
  const rating = parseRatingName(word);
  return rating && { kind: "rating", codes: [RATINGS.indexOf(rating) + 1] };
}

function fileTypeNode(word: string): QueryNode | undefined {
  const code = FILE_TYPE_CODES.get(word);
  return code === undefined ? undefined : { kind: "fileType", codes: [code] };
}

function fileTypes(...types: FileType[]): QueryNode {
  return { kind: "fileType", codes: types.map((type) => FILE_TYPES.indexOf(type) + 1) };
}

/** Danbooru's states that no post of a personal library can have. */
const FOREIGN_STATES = [
  "pending",
  "flagged",
  "appealed",
  "modqueue",
  "deleted",
  "banned",
  "unmoderated",
];
const OWN_STATES = ["active", "any", "all"];

const FAVOURITE: QueryNode = { kind: "number", name: "favouritedAt", intervals: [EVERYTHING] };

/** Word → condition of `is:`; ratings and file types apart. */
const IS: ReadonlyMap<string, QueryNode> = new Map<string, QueryNode>([
  ["sfw", { kind: "rating", codes: [1, 2] }],
  ["nsfw", { kind: "rating", codes: [3, 4] }],
  ["parent", { kind: "hasChildren" }],
  ["child", { kind: "hasParent" }],
  ["favourite", FAVOURITE],
  ["favorite", FAVOURITE],
  ["image", fileTypes("jpg", "png", "gif", "webp", "avif")],
  ["video", fileTypes("mp4", "webm")],
  ["active", { kind: "all" }],
  ...FOREIGN_STATES.map((word): [string, QueryNode] => [word, { kind: "none" }]),
]);

/** Word → condition of `has:`. */
const HAS: ReadonlyMap<string, QueryNode> = new Map<string, QueryNode>([
  ["parent", { kind: "hasParent" }],
  ["children", { kind: "hasChildren" }],
  ["child", { kind: "hasChildren" }],
  ["source", { kind: "hasSource" }],
  ["pools", { kind: "pool", pool: null }],
  ["pool", { kind: "pool", pool: null }],
  ["tags", { kind: "number", name: "tagcount", intervals: [{ low: 1, high: Infinity }] }],
  ["rating", { kind: "rating", codes: ALL_RATINGS }],
  ...["comments", "notes", "commentary", "appeals", "flags", "replacements"].map(
    (word): [string, QueryNode] => [word, { kind: "none" }],
  ),
]);

function isNode(word: string): QueryNode | undefined {
  if (isRating(word) || word === "safe") return ratingNode(word);
  return IS.get(word) ?? fileTypeNode(word);
}

/** A word of the beginning `anyone`: a post number, or the words `any` and `none`. */
function numbered(
  value: string,
  any: QueryNode,
  node: (id: number) => QueryNode,
): MetatagMeaning | ValueFault {
  const word = value.trim().toLowerCase();
  if (word === "any") return { node: any };
  if (word === "none") return { node: negate(any) };
  const id = parseId(word);
  if (id !== undefined) return { node: node(id) };
  return { fault: `${JSON.stringify(shorten(value))} is no post number, "any" or "none"` };
}

function poolMeaning(value: string): QueryNode | undefined {
  const word = value.trim();
  if (word === "") return undefined;
  if (/^any$/i.test(word)) return { kind: "pool", pool: null };
  if (/^none$/i.test(word)) return negate({ kind: "pool", pool: null });
  const name = word.toLowerCase().replaceAll(/\s/gu, "_");
  return { kind: "pool", pool: parseId(word) ?? name };
}

function favouriteMeaning(value: string): QueryNode {
  return value.trim().toLowerCase() === "none" ? negate(FAVOURITE) : FAVOURITE;
}

function pathMetatag(part: "filename" | "path", what: string): Metatag {
  return metatag(part, {
    summary: `letters of ${what}, or all of it with *`,
    example: `${part}:*.jpg`,
    parse: (value) => {
      if (value === "") return { fault: `${part}: needs some letters` };
      return { node: { kind: "path", part, pattern: value.toLowerCase() } };
    },
  });
}

const NO_POST_HERE = "no post here";

function toRatingSummary(rating: string): string {
  return `rated ${rating}`;
}

function toTypeSummary(type: string): string {
  return `${type.toUpperCase()} files`;
}

const IS_VALUES: readonly MetatagValue[] = [
  { name: "favourite", summary: "one of your favourites" },
  { name: "sfw", summary: "rated general or sensitive" },
  { name: "nsfw", summary: "rated questionable or explicit" },
  { name: "parent", summary: "has children" },
  { name: "child", summary: "has a parent" },
  { name: "image", summary: "a picture" },
  { name: "video", summary: "a video" },
  ...describeValues(RATINGS, toRatingSummary),
  ...describeValues(FILE_TYPES, toTypeSummary),
  { name: "favorite", summary: "one of your favourites" },
  { name: "active", summary: "every post" },
  ...describeValues(FOREIGN_STATES, () => NO_POST_HERE),
];

const HAS_SUMMARIES: Readonly<Record<string, string>> = {
  parent: "has a parent",
  children: "has children",
  child: "has children",
  source: "has a source",
  pools: "is in a pool",
  pool: "is in a pool",
  tags: "has a tag",
  rating: "is rated",
};

const HAS_VALUES: readonly MetatagValue[] = describeValues(
  [...HAS.keys()],
  (word) => HAS_SUMMARIES[word] ?? NO_POST_HERE,
);

/** Metatags of words, names and single posts. */
export const WORD_METATAGS: Metatag[] = [
  metatag("rating", {
    summary: "g, s, q, e or their words",
    example: "rating:g,s",
    values: [
      ...describeValues(RATINGS, toRatingSummary),
      ...anyOrNone("rated", "not rated"),
    ],
    parse: (value) => parseList(value, ratingNode, oneOf("rating", [...RATINGS, "any", "none"])),
  }),
  metatag("filetype ext type", {
    summary: "kind of file",
    example: "filetype:png",
    values: describeValues(FILE_TYPES, toTypeSummary),
    parse: (value) => parseList(value, fileTypeNode, oneOf("file type", FILE_TYPES)),
  }),
  metatag("md5", {
    summary: "MD5 of the file",
    example: "md5:d41d8cd98f00b204e9800998ecf8427e",
    parse: (value) => {
      const digests = value.split(",").map((item) => item.trim().toLowerCase());
      const isDigest = digests.every((digest) => /^[0-9a-f]{32}$/.test(digest));
      if (!isDigest) return { fault: "An MD5 has 32 hexadecimal digits" };
      return { node: { kind: "md5", digests } };
    },
  }),
  metatag("source", {
    summary: "beginning of the source, with *; or a site",
    example: "source:*twitter.com*",
    values: [
      ...anyOrNone("has a source", "has no source"),
      ...describeValues(SITES, (site) => `has a post number at ${site}`),
    ],
    parse: (value, { isQuoted }) => {
      const pattern = value.toLowerCase();
      if (pattern === "" || (pattern === "none" && !isQuoted)) {
        return { node: negate({ kind: "hasSource" }) };
      }
      if (pattern === "any" && !isQuoted) return { node: { kind: "hasSource" } };
      return { node: { kind: "source", pattern } };
    },
  }),
  pathMetatag("filename", "the file's name"),
  pathMetatag("path", "the path"),
  metatag("parent", {
    summary: "a post with its children",
    example: "parent:123",
    values: anyOrNone("has a parent", "has no parent"),
    parse: (value) => numbered(value, { kind: "hasParent" }, (id) => ({ kind: "family", id })),
  }),
  metatag("child", {
    summary: "whether it has children",
    example: "child:any",
    values: anyOrNone("has children", "has no children"),
    parse: (value) => {
      const word = value.trim().toLowerCase();
      const node: QueryNode = { kind: "hasChildren" };
      if (word === "any") return { node };
      if (word === "none") return { node: negate(node) };
      return { fault: `child: takes "any" or "none"`, instead: "any" };
    },
  }),
  metatag("pool", {
    summary: "number or name of a pool",
    example: "pool:1",
    values: anyOrNone("in a pool", "in no pool"),
    parse: (value) => {
      const node = poolMeaning(value);
      return node === undefined ? { fault: "pool: needs a number or a name" } : { node };
    },
  }),
  metatag("ordpool", {
    summary: "a pool in its reading order",
    example: "ordpool:1",
    parse: (value) => {
      const node = poolMeaning(value);
      if (node?.kind !== "pool" || node.pool === null) {
        return { fault: "ordpool: needs the number or the name of a pool" };
      }
      return { node, order: { by: "pool", pool: node.pool } };
    },
  }),
  metatag("fav", {
    summary: "your favourites",
    example: "fav:me",
    values: anyOrNone("your favourites", "all others"),
    parse: (value) => ({ node: favouriteMeaning(value) }),
  }),
  metatag("ordfav", {
    summary: "your favourites, the newest first",
    example: "ordfav:me",
    parse: () => ({
      node: FAVOURITE,
      order: { by: "number", name: "favouritedAt", isAscending: false },
    }),
  }),
  metatag("is", {
    summary: "a rating, a file type, parent, child, favourite …",
    example: "is:favourite",
    values: IS_VALUES,
    parse: (value) => {
      const known = ["sfw", "nsfw", "parent", "child", "favourite", "image", "video", ...RATINGS];
      return parseList(value, isNode, oneOf("is:", [...known, ...FILE_TYPES]));
    },
  }),
  metatag("has", {
    summary: "parent, children, source, pools, tags, rating",
    example: "has:children",
    values: HAS_VALUES,
    parse: (value) => parseList(value, (word) => HAS.get(word), oneOf("has:", HAS.keys())),
  }),
  metatag("status", {
    summary: "Danbooru's states; every post here is active",
    example: "status:active",
    values: [
      ...describeValues(OWN_STATES, () => "every post"),
      ...describeValues(FOREIGN_STATES, () => NO_POST_HERE),
    ],
    parse: (value) =>
      parseList(
        value,
        (word) =>
          OWN_STATES.includes(word)
            ? { kind: "all" }
            : FOREIGN_STATES.includes(word)
            ? { kind: "none" }
            : undefined,
        oneOf("state", [...OWN_STATES, ...FOREIGN_STATES]),
      ),
  }),
  metatag("similar", {
    summary: "the posts most like this one",
    example: "similar:123 order:similar",
    parse: (value) => {
      const id = parseId(value.trim());
      if (id === undefined) return { fault: "similar: needs the number of a post" };
      return { node: { kind: "similar", id } };
    },
  }),
];
