import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import type { Query, QueryNode, QueryOrder } from "./ast.ts";

/** An option of the whole search as it stands in the text; `order` undefined: it says nothing of orders. */
export type QueryOption = {
  offset: number;
  order?: QueryOrder | null;
  limit?: number;
  /** Where it ends in the text, if its order has a seed that the text does not name. */
  unseededEnd?: number;
};

/** The options of a search: order and page size, which belong to the whole and not to a condition. */
export class QueryOptions {
  readonly #options: QueryOption[] = [];

  /** Remembers an option. */
  add(option: QueryOption): void {
    this.#options.push(option);
  }

  /**
   * Checks that nothing from `offset` on is an option: for what is excluded or one of several choices.
   *
   * @throws {QuerySyntaxError} At the first option there.
   */
  checkNoneFrom(offset: number): void {
    const option = this.#options.find((candidate) => candidate.offset >= offset);
    if (option === undefined) return;
    throw new QuerySyntaxError(
      "order: and limit: belong to the whole search: they cannot be excluded or be one of several choices",
      { offset: option.offset },
    );
  }

  /**
   * The query of a condition with these options.
   *
   * @throws {QuerySyntaxError} If two contradict each other, or an order lacks what it needs.
   */
  apply(root: QueryNode): Query {
    let order: QueryOption | undefined;
    let limit: QueryOption | undefined;
    for (const option of this.#options) {
      if (option.order !== undefined) {
        checkSame(order?.order, option.order, option);
        order = option;
      }
      if (option.limit !== undefined) {
        checkSame(limit?.limit, option.limit, option);
        limit = option;
      }
    }
    const unseededEnd = order?.unseededEnd;
    return {
      root,
      ...(order && unseededEnd && { unseeded: { start: order.offset, end: unseededEnd } }),
      order: order?.order ? complete(order.order, root, order.offset) : null,
      limit: limit?.limit ?? null,
    };
  }
}

function checkSame(first: unknown, second: unknown, at: QueryOption): void {
  if (first === undefined || JSON.stringify(first) === JSON.stringify(second)) return;
  throw new QuerySyntaxError("There are two orders or page sizes that contradict each other", {
    offset: at.offset,
  });
}

/** Gives the orders that refer to a condition what they refer to. */
function complete(order: QueryOrder, root: QueryNode, offset: number): QueryOrder {
  if (order.by !== "similar" && order.by !== "custom") return order;
  const members = root.kind === "and" ? root.nodes : [root];
  if (order.by === "similar") {
    const found = members.filter((node) => node.kind === "similar");
    if (found.length === 1) return { by: "similar", id: found[0].id };
    throw new QuerySyntaxError("order:similar needs one similar:ID", {
      offset: offset + "order:".length,
    });
  }
  const found = members.filter((node) => node.kind === "number" && node.name === "id");
  const [ids] = found;
  const isList = found.length === 1 && ids.kind === "number" &&
    ids.intervals.every(({ low, high }) => low === high);
  if (isList) return { by: "custom", ids: ids.intervals.map(({ low }) => low) };
  throw new QuerySyntaxError("order:custom needs one list of numbers such as id:3,1,2", {
    offset: offset + "order:".length,
  });
}
