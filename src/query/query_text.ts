import { FILE_TYPES } from "../tags/file_types.ts";
import { RATINGS } from "../tags/ratings.ts";
import type { Interval, NumberName, Query, QueryLeaf, QueryNode, QueryOrder } from "./ast.ts";
import { findMetatag } from "./metatags.ts";

/*
 * Queries as text, the reverse of the parser: what is written here parses to the same query.
 */

/** The node as an S-expression, for tests: `(and solo (not hat) score:5..)`. */
export function toSExpression(node: QueryNode): string {
  if (node.kind === "not") return `(not ${toSExpression(node.node)})`;
  if (node.kind === "and" || node.kind === "or") {
    return `(${node.kind} ${node.nodes.map(toSExpression).join(" ")})`;
  }
  return node.kind === "all" || node.kind === "none" ? node.kind : toLeafText(node);
}

/** A whole query as text. */
export function toQueryText({ root, order, limit }: Query): string {
  const words: string[] = [];
  if (root.kind === "and") words.push(...root.nodes.map(toNodeText));
  else if (root.kind !== "all") words.push(toNodeText(root));
  if (order !== null) words.push(toOrderText(order));
  if (limit !== null) words.push(`limit:${limit}`);
  return words.join(" ");
}

/** A node as text that can stand among other words. */
function toNodeText(node: QueryNode): string {
  switch (node.kind) {
    case "all":
      return "id:any";
    case "none":
      return "id:none";
    case "not":
      return `-${toNodeText(node.node)}`;
    case "and":
      return `(${node.nodes.map(toNodeText).join(" ")})`;
    case "or":
      return `(${node.nodes.map(toNodeText).join(" or ")})`;
    default:
      return toLeafText(node);
  }
}

/** Name of each number's metatag and how its values are written. */
const NUMBERS: Partial<Record<NumberName, [name: string, write: (value: number) => string]>> = {
  pixels: ["mpixels", (value) => (value / 1e6).toFixed(6)],
  ratio: ["ratio", (value) => (value / 100).toFixed(2)],
  duration: ["duration", (value) => (value / 1_000).toFixed(3)],
  date: ["date", (value) => new Date(value * 1_000).toISOString().slice(0, 19)],
};

const RATING_WORDS = ["none", ...RATINGS];

/** A leaf as a word of the language. */
export function toLeafText(node: QueryLeaf): string {
  switch (node.kind) {
    case "tag":
      return toTagText(node);
    case "wildcard":
      return node.category === null && isPlain(node.pattern)
        ? node.pattern
        : `${node.category ?? "tag"}:${quoted(node.pattern)}`;
    case "number": {
      if (node.name === "favouritedAt") return "fav:any";
      const [name, write] = NUMBERS[node.name] ?? [node.name, String];
      return `${name}:${toIntervalsText(node.intervals, write)}`;
    }
    case "post":
      return `${node.site ?? "post_id"}:${toIntervalsText(node.intervals, String)}`;
    case "rating":
      return `rating:${node.codes.map((code) => RATING_WORDS[code]).join(",")}`;
    case "fileType":
      return `filetype:${node.codes.map((code) => FILE_TYPES[code - 1]).join(",")}`;
    case "md5":
      return `md5:${node.digests.join(",")}`;
    case "source":
      return `source:${quoted(node.pattern)}`;
    case "hasSource":
      return "has:source";
    case "path":
      return `${node.part}:${quoted(node.pattern)}`;
    case "family":
      return `parent:${node.id}`;
    case "hasParent":
      return "has:parent";
    case "hasChildren":
      return "has:children";
    case "pool":
      if (node.pool === null) return "pool:any";
      return `pool:${toPoolText(node.pool)}`;
    case "similar":
      return `similar:${node.id}`;
  }
}

function toTagText(node: Extract<QueryLeaf, { kind: "tag" }>): string {
  const { name, category, isLiteral } = node;
  if (category === null && !isLiteral && !name.includes("*") && isPlain(name)) return name;
  const prefix = isLiteral ? "unaliased" : category ?? "tag";
  return `${prefix}:${quoted(name.replaceAll("*", "\\*"))}`;
}

/** Whether a name means itself wherever it stands. */
function isPlain(name: string): boolean {
  if (!/^[^\s\u0085()"'~.-][^\s\u0085]*$/u.test(name) || /^(and|or)$/i.test(name)) return false;
  if (/[()]/.test(name) && !/^[^()]*(\([^()]*\)[^()]*)*$/.test(name)) return false;
  const colon = name.indexOf(":");
  return colon < 0 || findMetatag(name.slice(0, colon)) === undefined;
}

/** A value in quotes. */
export function quoted(value: string): string {
  return `"${value.replaceAll(/[\\"]/g, "\\$&")}"`;
}

function toPoolText(pool: number | string): string {
  return typeof pool === "number" ? String(pool) : quoted(pool);
}

function toIntervalsText(
  intervals: readonly Interval[],
  write: (value: number) => string,
): string {
  return intervals.map(({ low, high }) => {
    if (low === -Infinity) return high === Infinity ? "any" : `..${write(high)}`;
    if (high === Infinity) return `${write(low)}..`;
    // Written as a range: a bare value can mean within five percent.
    return low === high && write === String ? write(low) : `${write(low)}..${write(high)}`;
  }).join(",");
}

const ORDER_WORDS: ReadonlyMap<string, string> = new Map([
  ["pixels", "mpixels"],
  ["favouritedAt", "fav"],
]);

function toOrderText(order: QueryOrder): string {
  switch (order.by) {
    case "number":
      if (order.name === "id") return "order:id";
      if (order.name === "aspect") return order.isAscending ? "order:portrait" : "order:landscape";
      return `order:${ORDER_WORDS.get(order.name) ?? order.name}${order.isAscending ? "_asc" : ""}`;
    case "random":
      return `order:random:${order.seed}`;
    case "pool":
      return `ordpool:${toPoolText(order.pool)}`;
    default:
      return `order:${order.by}`;
  }
}
