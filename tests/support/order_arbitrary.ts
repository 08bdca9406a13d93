import type { NaiveQuery } from "./naive_search.ts";
import {
  drawPlainTag,
  drawTerm,
  drawTree,
  type QueryScope,
  type QueryTree,
  toNaiveNode,
  writeTree,
} from "./query_arbitrary.ts";

const NUMBERS = [
  ...["score", "favcount", "mpixels", "width", "height", "filesize", "duration", "tagcount"],
  ...["gentags", "arttags", "chartags", "copytags", "metatags", "spectags", "date"],
];
const OTHERS = [
  ...["id", "id_asc", "id_desc", "created_at", "new", "old", "landscape", "portrait", "fav"],
  ...["fav_asc", "rank", "none", "change", "note", "upvotes", "random:7", "random"],
];

/** A search with its text. */
export type DrawnQuery = { text: string; query: NaiveQuery };

/** Draws a whole search: a tree, and mostly an order. */
export function drawQuery(scope: QueryScope): DrawnQuery {
  const { random, library } = scope;
  const size = random.pick([1, 1, 2, 2, 3, 4, 6, 9]);
  const tree = drawTree(scope, size, drawTerm);
  const query: NaiveQuery = { root: toNaiveNode(tree), order: null, ordpool: null, limit: null };
  const kind = random.int(12);
  if (kind < 5) return { text: writeTree(random, tree), query };
  if (kind === 5 && library.images.length > 0) return drawCustom(scope);
  if (kind === 6 && library.pools.length > 0) return drawInPool(scope, tree, query);
  if (kind === 7) {
    const all = { kind: "and" as const, nodes: [query.root, metatagNode("fav", "me")] };
    return { text: beside(scope, tree, "ordfav:me"), query: { ...query, root: all, order: "fav" } };
  }
  const order = random.int(2) === 0
    ? random.pick(NUMBERS) + random.pick(["", "_asc", "_desc"])
    : random.pick(OTHERS);
  return { text: beside(scope, tree, `order:${order}`), query: { ...query, order } };
}

function metatagNode(name: string, value: string) {
  return { kind: "term" as const, term: { kind: "metatag" as const, name, value } };
}

/** The tree's text and a word that belongs to the whole search. */
function beside({ random }: QueryScope, tree: QueryTree, word: string): string {
  const text = writeTree(random, tree);
  const group = tree.kind === "or" ? `(${text} )` : text;
  return random.int(2) === 0 ? `${group} ${word}` : `${word} ${group}`;
}

function drawCustom(scope: QueryScope): DrawnQuery {
  const { random, library } = scope;
  const drawn = Array.from({ length: 1 + random.int(9) }, () => random.pick(library.images).id);
  const value = [...new Set([...drawn, 999_999])].join(",");
  const tree = drawPlainTag(scope);
  const isAll = random.int(2) === 0;
  const nodes = isAll ? [] : [toNaiveNode(tree)];
  return {
    text: `order:custom id:${value}${isAll ? "" : ` ${writeTree(random, tree)}`}`,
    query: {
      root: { kind: "and", nodes: [metatagNode("id", value), ...nodes] },
      order: "custom",
      ordpool: null,
      limit: null,
    },
  };
}

function drawInPool(scope: QueryScope, tree: QueryTree, query: NaiveQuery): DrawnQuery {
  const { random, library } = scope;
  const pool = random.pick(library.pools);
  const value = random.pick([String(pool.id), pool.name]);
  const root = { kind: "and" as const, nodes: [query.root, metatagNode("pool", value)] };
  const word = `ordpool:${value === pool.name ? `"${value}"` : value}`;
  return { text: beside(scope, tree, word), query: { ...query, root, ordpool: value } };
}
