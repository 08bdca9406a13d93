import type { NumberName, QueryNode, QueryOrder } from "./ast.ts";
import { allOf } from "./ast.ts";
import { DAY_S } from "./ranges.ts";

/** What `order:` contributes; an order may also narrow the search. */
export type OrderMeaning = { order?: QueryOrder; node?: QueryNode; hasDrawnSeed?: boolean };

/** Orders by a number, the largest first; `_asc` and `_desc` can be added to each name. */
const BY_NUMBER: ReadonlyMap<string, NumberName> = new Map<string, NumberName>([
  ["score", "score"],
  ["favcount", "favcount"],
  ["mpixels", "pixels"],
  ["width", "width"],
  ["height", "height"],
  ["filesize", "filesize"],
  ["duration", "duration"],
  ["tagcount", "tagcount"],
  ["gentags", "gentags"],
  ["arttags", "arttags"],
  ["chartags", "chartags"],
  ["copytags", "copytags"],
  ["metatags", "metatags"],
  ["spectags", "spectags"],
  ["date", "date"],
  ["created_at", "date"],
  ["fav", "favouritedAt"],
]);

/** Orders with one direction. */
const FIXED: ReadonlyMap<string, QueryOrder | null> = new Map<string, QueryOrder | null>([
  ["id", { by: "number", name: "id", isAscending: true }],
  ["id_asc", { by: "number", name: "id", isAscending: true }],
  ["id_desc", null],
  ["new", { by: "number", name: "date", isAscending: false }],
  ["old", { by: "number", name: "date", isAscending: true }],
  ["landscape", { by: "number", name: "aspect", isAscending: false }],
  ["portrait", { by: "number", name: "aspect", isAscending: true }],
  ["none", null],
  // Danbooru's orders by what posts here do not have: all are equal.
  ...["change", "comment", "comment_bumped", "note", "artcomm", "upvotes", "downvotes"].map((
    name,
  ): [string, null] => [name, null]),
]);

/** What each order shows first, the most useful orders first. */
const SUMMARIES: readonly (readonly [name: string, summary: string])[] = [
  ["score", "the highest score first"],
  ["random", "by chance; order:random:7 is the same every time"],
  ["date", "the newest first"],
  ["date_asc", "the oldest first"],
  ["landscape", "the widest shape first"],
  ["portrait", "the tallest shape first"],
  ["favcount", "the most favourites at its site first"],
  ["fav", "your newest favourite first"],
  ["filesize", "the largest file first"],
  ["mpixels", "the most pixels first"],
  ["duration", "the longest video first"],
  ["tagcount", "the most tags first"],
  ["rank", "what is new and liked first"],
  ["similar", "the most alike first; with similar:ID"],
  ["custom", "as listed; with id:3,1,2"],
  ["id", "the lowest number first"],
  ["id_desc", "the highest number first, as without an order"],
  ["width", "the widest first"],
  ["height", "the highest first"],
  ["gentags", "the most general tags first"],
  ["arttags", "the most artists first"],
  ["chartags", "the most characters first"],
  ["copytags", "the most copyrights first"],
  ["metatags", "the most meta tags first"],
  ["spectags", "the most species first"],
  ["new", "the same as date"],
  ["old", "the same as date_asc"],
  ["created_at", "the same as date"],
  ["none", "as without an order"],
];

/** Every order with what it shows first, the most useful first, for completion, help and errors. */
export const ORDERS: readonly { name: string; summary: string }[] = [
  ...SUMMARIES.map(([name, summary]) => ({ name, summary })),
  ...[...BY_NUMBER.keys()].map((name) => `${name}_asc`)
    .filter((name) => !SUMMARIES.some(([known]) => known === name))
    .map((name) => ({ name, summary: `the reverse of ${name.slice(0, -"_asc".length)}` })),
];

/** How far back `order:rank` looks. */
const RANK_AGE_S = 2 * DAY_S;

/** Parses the value of `order:`; undefined when there is no such order. */
export function parseOrder(
  value: string,
  around: { now: number; drawSeed: () => number },
): OrderMeaning | undefined {
  const name = value.trim().toLowerCase();
  const fixed = FIXED.get(name);
  if (fixed !== undefined) return fixed === null ? {} : { order: fixed };
  const [, base, direction] = /^(.+?)(_asc|_desc)?$/.exec(name) ?? [];
  const number = BY_NUMBER.get(base);
  if (number !== undefined) {
    return { order: { by: "number", name: number, isAscending: direction === "_asc" } };
  }
  const seed = /^random(?::(\d{1,9}))?$/.exec(name);
  if (seed !== null) {
    const isDrawn = seed[1] === undefined;
    return {
      order: { by: "random", seed: isDrawn ? around.drawSeed() : Number(seed[1]) },
      hasDrawnSeed: isDrawn,
    };
  }
  // Which post and which ids these two need, the whole search says: the parser fills it in.
  if (name === "similar") return { order: { by: "similar", id: 0 } };
  if (name === "custom") return { order: { by: "custom", ids: [] } };
  if (name === "rank") return { order: { by: "rank" }, node: recentAndLiked(around.now) };
  return undefined;
}

function recentAndLiked(now: number): QueryNode {
  const low = Math.floor(now / 1_000) - RANK_AGE_S;
  return allOf([
    { kind: "number", name: "score", intervals: [{ low: 1, high: Infinity }] },
    { kind: "number", name: "date", intervals: [{ low, high: Infinity }] },
  ]);
}
