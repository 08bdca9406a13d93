/**
 * A parsed search. Node kinds: `all` (every image), `tag`, `not` of a node, `and` of nodes (two or more).
 */
export type QueryNode =
  | { kind: "all" }
  | { kind: "tag"; name: string }
  | { kind: "not"; node: QueryNode }
  | { kind: "and"; nodes: QueryNode[] };

/** The node as an S-expression, for tests: `(and solo (not hat))`. */
export function toSExpression(node: QueryNode): string {
  switch (node.kind) {
    case "all":
      return "all";
    case "tag":
      return node.name;
    case "not":
      return `(not ${toSExpression(node.node)})`;
    case "and":
      return `(and ${node.nodes.map(toSExpression).join(" ")})`;
  }
}
