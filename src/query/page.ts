import { AppError } from "../base/errors.ts";
import { isId, type Row } from "../base/ids.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { SearchResult } from "./search.ts";

/** Which part of a result: the n-th page from 1, or the images after or before an image id. */
export type PageRequest =
  | { kind: "number"; number: number }
  /** Images with higher ids than this one: towards the newest. */
  | { kind: "after"; id: number }
  /** Images with lower ids than this one: towards the oldest. */
  | { kind: "before"; id: number };

/** One page of a result. */
export type ResultPage = {
  rows: Row[];
  /** The `page` text of the next page; null on the last one. */
  next: string | null;
};

/**
 * Parses `page`: a number from 1, `a<id>` or `b<id>`; nothing is page 1.
 *
 * @throws {AppError} `bad_request` if it is anything else.
 */
export function parsePage(text: string | undefined): PageRequest {
  if (text === undefined || text === "") return { kind: "number", number: 1 };
  const [, prefix, digits] = /^([ab]?)(\d{1,10})$/.exec(text) ?? [];
  const value = Number(digits);
  if (prefix === "" && value >= 1) return { kind: "number", number: value };
  if (prefix !== undefined && prefix !== "" && (value === 0 || isId(value))) {
    return prefix === "a" ? { kind: "after", id: value } : { kind: "before", id: value };
  }
  throw new AppError("bad_request", `Cannot show page ${JSON.stringify(text.slice(0, 40))}`, {
    remedy: "A page is a number from 1, a<image id> or b<image id>",
  });
}

/**
 * Takes a page: by number in the order asked for, by id always the highest id first. Any page of the usual
 * order costs the same.
 */
export function takePage(
  snapshot: ImageSnapshot,
  result: SearchResult,
  request: PageRequest & { limit: number },
): ResultPage {
  const { limit } = request;
  if (request.kind === "number") {
    const start = (request.number - 1) * limit;
    const rows = result.rowsBetween(start, start + limit);
    return { rows, next: start + limit < result.total ? String(request.number + 1) : null };
  }
  if (request.kind === "before") {
    const end = result.countBelow(request.id);
    const rows = result.rowsById(end - limit, end).reverse();
    return { rows, next: end > limit ? `b${snapshot.idAt(rows[rows.length - 1])}` : null };
  }
  const start = result.countBelow(request.id + 1);
  const rows = result.rowsById(start, start + limit).reverse();
  return { rows, next: start + limit < result.total ? `a${snapshot.idAt(rows[0])}` : null };
}
