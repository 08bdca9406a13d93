import { AppError } from "../base/errors.ts";
import { isId, type Row } from "../base/ids.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";

/** Which part of a result: the n-th page from 1, or the images after or before an image id. */
export type PageRequest =
  | { kind: "number"; number: number }
  /** Images with higher ids than this one: towards the newest. */
  | { kind: "after"; id: number }
  /** Images with lower ids than this one: towards the oldest. */
  | { kind: "before"; id: number };

/** One page of a result, highest image id first. */
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

/** Takes a page from rows that ascend by image id. Cost: O(limit), or O(log n) more for keysets. */
export function takePage(
  snapshot: ImageSnapshot,
  rows: Int32Array,
  request: PageRequest & { limit: number },
): ResultPage {
  const { limit } = request;
  let end = rows.length;
  if (request.kind === "number") end = rows.length - (request.number - 1) * limit;
  else if (request.kind === "before") end = firstWithId(snapshot, rows, request.id);
  else end = Math.min(rows.length, firstWithId(snapshot, rows, request.id + 1) + limit);
  const start = request.kind === "after"
    ? firstWithId(snapshot, rows, request.id + 1)
    : Math.max(0, end - limit);
  if (end <= 0) return { rows: [], next: null };
  const page = [...rows.subarray(start, end)].reverse();
  return { rows: page, next: nextOf(snapshot, rows, { request, start, end, page }) };
}

function nextOf(
  snapshot: ImageSnapshot,
  rows: Int32Array,
  at: { request: PageRequest; start: number; end: number; page: Row[] },
): string | null {
  const { request, start, end, page } = at;
  if (request.kind === "after") {
    return end < rows.length ? `a${snapshot.idAt(page[0])}` : null;
  }
  if (start === 0) return null;
  return request.kind === "number"
    ? String(request.number + 1)
    : `b${snapshot.idAt(page[page.length - 1])}`;
}

/** First place among rows that ascend by image id whose id is at least `id`. Cost: O(log n). */
export function firstWithId(snapshot: ImageSnapshot, rows: Int32Array, id: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (snapshot.idAt(rows[middle]) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
