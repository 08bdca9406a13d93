import type { TagCategory } from "../tags/category.ts";

/** Whole numbers from `low` to `high`, both included; the ends may be infinite. */
export type Interval = { low: number; high: number };

/** Numbers that a search can ask for; units as the names say, dates in Unix seconds. */
export const NUMBER_NAMES = [
  "id",
  "score",
  "favcount",
  "width",
  "height",
  "pixels",
  "ratio",
  "filesize",
  "duration",
  "tagcount",
  "gentags",
  "arttags",
  "chartags",
  "copytags",
  "metatags",
  "spectags",
  "date",
  "favouritedAt",
] as const;

/** Name of a number; `ratio` is in hundredths, `duration` in milliseconds. */
export type NumberName = typeof NUMBER_NAMES[number];

/** What a search asks of one image, without connectives. */
export type QueryLeaf =
  /** `category` null: of any. An alias is followed unless `isLiteral`. */
  | { kind: "tag"; name: string; category: TagCategory | null; isLiteral: boolean }
  | { kind: "wildcard"; pattern: string; category: TagCategory | null }
  /** Known, and in one of the intervals. */
  | { kind: "number"; name: NumberName; intervals: Interval[] }
  /** A post number at a site, or at any (null). */
  | { kind: "post"; site: string | null; intervals: Interval[] }
  /** Places in RATINGS + 1; 0 = no rating. */
  | { kind: "rating"; codes: number[] }
  /** Places in FILE_TYPES + 1. */
  | { kind: "fileType"; codes: number[] }
  | { kind: "md5"; digests: string[] }
  /** Begins with the pattern (`*` = anything), or has a post number at the site of that name. */
  | { kind: "source"; pattern: string }
  | { kind: "hasSource" }
  /** Without `*`: contains the text; with: is it as a whole. */
  | { kind: "path"; part: "filename" | "path"; pattern: string }
  /** The image and its children. */
  | { kind: "family"; id: number }
  | { kind: "hasParent" }
  | { kind: "hasChildren" }
  /** By number, or by a name with `*`; null = in any pool. */
  | { kind: "pool"; pool: number | string | null }
  | { kind: "similar"; id: number };

/** A parsed search condition. `and` and `or` have two members or more. */
export type QueryNode =
  | { kind: "all" }
  | { kind: "none" }
  | QueryLeaf
  | { kind: "not"; node: QueryNode }
  | { kind: "and"; nodes: QueryNode[] }
  | { kind: "or"; nodes: QueryNode[] };

/** In which order results are shown. */
export type QueryOrder =
  | { by: "number"; name: NumberName | "aspect"; isAscending: boolean }
  | { by: "random"; seed: number }
  | { by: "rank" }
  | { by: "similar"; id: number }
  | { by: "custom"; ids: number[] }
  | { by: "pool"; pool: number | string };

/** A parsed search. */
export type Query = {
  root: QueryNode;
  /** Null: highest id first. */
  order: QueryOrder | null;
  /** `limit:` of the text. */
  limit: number | null;
  /** Where the text asks for an order by chance without naming its seed. */
  unseeded?: { start: number; end: number };
};

/** Exclusion of a node; excluding twice is nothing. */
export function negate(node: QueryNode): QueryNode {
  if (node.kind === "not") return node.node;
  if (node.kind === "all") return { kind: "none" };
  if (node.kind === "none") return { kind: "all" };
  return { kind: "not", node };
}

/** All of some nodes; members that are `and` themselves are taken apart. */
export function allOf(nodes: readonly QueryNode[]): QueryNode {
  const members: QueryNode[] = [];
  for (const node of nodes) {
    if (node.kind === "none") return node;
    if (node.kind === "and") { for (const inner of node.nodes) members.push(inner); }
    else if (node.kind !== "all") members.push(node);
  }
  if (members.length === 0) return { kind: "all" };
  return members.length === 1 ? members[0] : { kind: "and", nodes: members };
}

/** Any of some nodes; members that are `or` themselves are taken apart. */
export function anyOf(nodes: readonly QueryNode[]): QueryNode {
  const members: QueryNode[] = [];
  for (const node of nodes) {
    if (node.kind === "all") return node;
    if (node.kind === "or") { for (const inner of node.nodes) members.push(inner); }
    else if (node.kind !== "none") members.push(node);
  }
  if (members.length === 0) return { kind: "none" };
  return members.length === 1 ? members[0] : { kind: "or", nodes: members };
}
