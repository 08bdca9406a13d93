import { allOf, anyOf, negate, type Query, type QueryNode } from "./ast.ts";
import { toLeafText, toQueryText } from "./query_text.ts";
import { mergeIntervals } from "./ranges.ts";

/**
 * Gives the one form of all queries that mean the same by order and repetition: members sorted by their
 * text, each once, intervals merged; a member beside its own exclusion makes an `and` empty.
 * Cost: O(n log n) in the terms.
 */
export function toCanonical(query: Query): Query {
  const { node } = normalise(query.root, query.order?.by === "custom");
  return { ...query, root: node };
}

/** The text of the canonical form: the key of everything that is remembered for a query. */
export function toCanonicalText(query: Query): string {
  return toQueryText(toCanonical(query));
}

/** A canonical node with its text, so that sorting does not write it again and again. */
type Written = { node: QueryNode; text: string };

function normalise(node: QueryNode, keepsIds: boolean): Written {
  switch (node.kind) {
    case "and":
    case "or":
      return combine(node.kind, node.nodes.map((inner) => normalise(inner, keepsIds)));
    case "not": {
      const inner = normalise(node.node, keepsIds);
      const excluded = negate(inner.node);
      return {
        node: excluded,
        text: excluded.kind === "not" ? `-${inner.text}` : textOf(excluded),
      };
    }
    case "number":
      if (keepsIds && node.name === "id") return { node, text: toLeafText(node) };
      return leaf({ ...node, intervals: mergeIntervals(node.intervals) });
    case "post":
      return leaf({ ...node, intervals: mergeIntervals(node.intervals) });
    case "md5":
      return leaf({ ...node, digests: [...new Set(node.digests)].sort() });
    case "all":
    case "none":
      return { node, text: node.kind };
    default:
      return leaf(node);
  }
}

function leaf(node: Exclude<QueryNode, { kind: "all" | "none" | "not" | "and" | "or" }>): Written {
  return { node, text: toLeafText(node) };
}

function written(node: QueryNode, text: string): Written {
  return { node, text: node.kind === "all" || node.kind === "none" ? node.kind : text };
}

function combine(kind: "and" | "or", members: readonly Written[]): Written {
  const byText = new Map<string, QueryNode>();
  for (const { node, text } of members) {
    if (node.kind !== kind) byText.set(text, node);
    else for (const inner of node.nodes) byText.set(textOf(inner), inner);
  }
  const isContradiction = [...byText.keys()].some((text) => byText.has(`-${text}`));
  if (isContradiction) {
    const node: QueryNode = { kind: kind === "and" ? "none" : "all" };
    return { node, text: node.kind };
  }
  const sorted = [...byText].sort(([left], [right]) => (left < right ? -1 : 1));
  const nodes = sorted.map(([, node]) => node);
  const node = kind === "and" ? allOf(nodes) : anyOf(nodes);
  return written(
    node,
    node.kind === kind
      ? `(${sorted.map(([text]) => text).join(kind === "and" ? " " : " or ")})`
      : textOf(node),
  );
}

function textOf(node: QueryNode): string {
  switch (node.kind) {
    case "not":
      return `-${textOf(node.node)}`;
    case "and":
      return `(${node.nodes.map(textOf).join(" ")})`;
    case "or":
      return `(${node.nodes.map(textOf).join(" or ")})`;
    case "all":
    case "none":
      return node.kind;
    default:
      return toLeafText(node);
  }
}
