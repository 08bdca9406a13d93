import type { ImageColumns } from "../../src/cache/image_columns.ts";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { takePage } from "../../src/query/page.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { search } from "../../src/query/search.ts";
import { type Answer, PAGE_IMAGES, readField } from "./naive_search.ts";
import type { LogSource, RangeField } from "./query_log.ts";

/**
 * Answers a query with the program's own search: text, plan, exact total and one page of ids. Results
 * kept from earlier queries are not used.
 */
export async function answerOurselves(
  snapshot: ImageSnapshot,
  text: string,
  page = 1,
): Promise<Answer> {
  const result = await search(snapshot, parseQuery(text), { usesMemo: false });
  const { rows } = takePage(snapshot, result, { kind: "number", number: page, limit: PAGE_IMAGES });
  const ids: number[] = [];
  for (let i = 0; i < rows.length; i++) ids.push(snapshot.idAt(rows[i]));
  return { total: result.total, ids };
}

const FIELDS: readonly RangeField[] = [
  "id",
  "score",
  "favCount",
  "width",
  "height",
  "pixels",
  "ingestedAt",
];

/** What a log over a snapshot's library is drawn from. */
export function readLogSource(snapshot: ImageSnapshot): LogSource {
  const tags = [...snapshot.tags.entries()].map(([id, name]) => ({ id, name }))
    .filter(({ id, name }) => !name.startsWith("rating:") && snapshot.countOfTag(id) > 0)
    .sort((a, b) => snapshot.countOfTag(b.id) - snapshot.countOfTag(a.id) || a.id - b.id);
  const bounds = FIELDS.map((field) => [field, boundsOf(snapshot.columns, field)]);
  return { tags, bounds: Object.fromEntries(bounds) };
}

function boundsOf(columns: ImageColumns, field: RangeField): [low: number, high: number] {
  let low = Infinity;
  let high = -Infinity;
  for (let row = 0; row < columns.imageId.length; row++) {
    const value = readField(columns, field, row);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
