import type { Database } from "@db/sqlite";
import type { Core } from "../../src/core.ts";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { type PageRequest, parsePage, takePage } from "../../src/query/page.ts";
import { toCanonicalText } from "../../src/query/canonical.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { search, type SearchResult } from "../../src/query/search.ts";
import { LIBRARY_NOW } from "./naive_library_arbitrary.ts";
import { type NaiveLibrary, type NaiveQuery, naiveSearch } from "./naive_search.ts";
import type { QueryTree } from "./query_arbitrary.ts";
import type { Random } from "./random.ts";

/** The moment of all searches, in milliseconds. */
export const SEARCH_NOW = 1000 * LIBRARY_NOW;

/** A search that is to be compared: its text and what it means. */
export type OracleCase = { text: string; query: NaiveQuery };

/** Searches, and compares with the naive search: ids in order, total, pages. Throws what differs. */
export async function compareSearch(
  snapshot: ImageSnapshot,
  library: NaiveLibrary,
  { text, query }: OracleCase,
  random: Random,
): Promise<void> {
  let expected = naiveSearch(query, { library, now: SEARCH_NOW });
  const usesMemo = random.int(2) === 0;
  const parsed = parseQuery(text, { now: SEARCH_NOW });
  const result = await search(snapshot, parsed, { usesMemo });
  const ids = idsBetween(snapshot, result, 0, result.total);
  if (/^random/.test(query.order ?? "")) expected = sameInAnyOrder(ids, expected);
  if (ids.join() !== expected.join()) throw new Error(describeDifference(ids, expected, library));
  if (result.total !== expected.length) {
    throw new Error(`The total is ${result.total} and should be ${expected.length}`);
  }
  if (random.int(3) === 0) {
    const canonical = toCanonicalText(parsed);
    const same = await search(snapshot, parseQuery(canonical, { now: SEARCH_NOW }));
    if (idsBetween(snapshot, same, 0, same.total).join() !== expected.join()) {
      throw new Error(`The canonical text ${JSON.stringify(canonical)} means something else`);
    }
  }
  comparePart(snapshot, result, expected, random);
  comparePages(snapshot, result, expected, random);
  compareTagCount(snapshot, result, { library, expected, random });
}

/** By chance: any order is right, but all parts must agree on it. */
function sameInAnyOrder(ids: number[], expected: number[]): number[] {
  return ids.toSorted((a, b) => b - a).join() === expected.join() ? ids : expected;
}

function idsBetween(
  snapshot: ImageSnapshot,
  result: SearchResult,
  start: number,
  end: number,
): number[] {
  return [...result.rowsBetween(start, end)].map((row) => snapshot.idAt(row));
}

function comparePart(
  snapshot: ImageSnapshot,
  result: SearchResult,
  expected: readonly number[],
  random: Random,
): void {
  const start = random.int(expected.length + 2);
  const end = start + random.int(50);
  const part = idsBetween(snapshot, result, start, end);
  if (part.join() !== expected.slice(start, end).join()) {
    throw new Error(`Places ${start} to ${end} are ${part}, not ${expected.slice(start, end)}`);
  }
}

/** Follows the pages of one kind, from the first to the last. */
function comparePages(
  snapshot: ImageSnapshot,
  result: SearchResult,
  expected: readonly number[],
  random: Random,
): void {
  const kind = random.pick(["1", "a", "b"]);
  const limit = Math.max(1 + random.int(40), Math.ceil(expected.length / 30));
  const first = { "1": "1", a: "a0", b: "b2147483647" }[kind]!;
  const pages: number[][] = [];
  for (let page: string | null = first; page !== null;) {
    const request: PageRequest = parsePage(page);
    const taken = takePage(snapshot, result, { ...request, limit });
    pages.push([...taken.rows].map((row) => snapshot.idAt(row)));
    if (pages.at(-1)!.length > limit || pages.length > expected.length + 1) {
      throw new Error(`Page ${page} by ${limit} is too long, or there are too many pages`);
    }
    page = taken.next;
  }
  const newest = expected.toSorted((a, b) => b - a);
  const wanted = kind === "1" ? expected : newest;
  const whole = (kind === "a" ? pages.reverse() : pages).flat();
  if (whole.join() !== wanted.join()) {
    throw new Error(`Pages from ${first} by ${limit} give ${whole}, not ${wanted}`);
  }
  const jump = 1 + random.int(Math.ceil(expected.length / limit) + 1);
  const { rows } = takePage(snapshot, result, { kind: "number", number: jump, limit });
  const jumped = [...rows].map((row) => snapshot.idAt(row));
  if (jumped.join() !== expected.slice((jump - 1) * limit, jump * limit).join()) {
    throw new Error(`Page ${jump} by ${limit} is ${jumped}`);
  }
}

function compareTagCount(
  snapshot: ImageSnapshot,
  result: SearchResult,
  { library, expected, random }: {
    library: NaiveLibrary;
    expected: readonly number[];
    random: Random;
  },
): void {
  if (library.images.length === 0 || random.int(4) > 0) return;
  const { tags } = random.pick(library.images);
  if (tags.length === 0) return;
  const { name } = random.pick(tags);
  const found = new Set(expected);
  const wanted =
    library.images.filter((image) =>
      found.has(image.id) && image.tags.some((tag) => tag.name === name)
    ).length;
  const count = result.countWithTag(snapshot.tags.idOf(name)!);
  if (count !== wanted) throw new Error(`${count} results have ${name}, not ${wanted}`);
}

function describeDifference(
  ids: readonly number[],
  expected: readonly number[],
  library: NaiveLibrary,
): string {
  const missing = expected.find((id) => !ids.includes(id));
  const surplus = ids.find((id) => !expected.includes(id));
  const show = (id: number) => JSON.stringify(library.images.find((image) => image.id === id));
  const cut = (list: readonly number[]) => `${list.length}: ${list.slice(0, 30).join(" ")}`;
  return [
    `expected ${cut(expected)}`,
    `got ${cut(ids)}`,
    ...(missing === undefined ? [] : [`missing ${show(missing)}`]),
    ...(surplus === undefined ? [] : [`surplus ${show(surplus)}`]),
    ...(missing === undefined && surplus === undefined ? ["only the order differs"] : []),
  ].join("\n");
}

/** Condition of SQL for a tree of plain tags. */
export function toCondition(tree: QueryTree, library: NaiveLibrary): string {
  if (tree.kind === "not") return `NOT (${toCondition(tree.node, library)})`;
  if (tree.kind !== "term") {
    const inner = tree.nodes.map((node) => `(${toCondition(node, library)})`);
    return inner.join(tree.kind === "and" ? " AND " : " OR ");
  }
  if (tree.term.kind !== "tag") throw new Error(`${tree.text} is no plain tag`);
  const target = resolveAlias(tree.term.name, library);
  return `id IN (SELECT image_id FROM image_tags JOIN tags ON tags.id = tag_id
    WHERE tags.name = '${target.replaceAll("'", "''")}')`;
}

/** Compares a search for plain tags with what SQL finds. Throws what differs. */
export async function compareWithSql(
  { core, db }: { core: Core; db: Database },
  { tree, text, library }: { tree: QueryTree; text: string; library: NaiveLibrary },
): Promise<void> {
  const sql = `SELECT id FROM images WHERE ${toCondition(tree, library)} ORDER BY id DESC`;
  const expected = db.prepare(sql).values<[number]>().map(([id]) => id);
  const snapshot = core.cache.current;
  const result = await search(snapshot, parseQuery(text));
  const ids = idsBetween(snapshot, result, 0, result.total);
  if (ids.join() !== expected.join()) {
    throw new Error(`SQL: ${describeDifference(ids, expected, library)}`);
  }
  const isThere = (name: string, table: string) =>
    db.prepare(`SELECT 1 FROM ${table} WHERE name = ?`).value(name) !== undefined;
  const used = "image_tags JOIN tags ON tags.id = tag_id";
  const wrong = result.unknownTags.find((name) => isThere(resolveAlias(name, library), used));
  if (wrong !== undefined) throw new Error(`The tag ${wrong} is told to be unknown`);
  if (tree.kind === "term" && tree.term.kind === "tag" && result.unknownTags.length === 0) {
    const name = resolveAlias(tree.term.name, library);
    if (!isThere(name, "tags")) throw new Error(`The tag ${name} is not told to be unknown`);
  }
}

function resolveAlias(name: string, library: NaiveLibrary): string {
  return library.aliases.find(({ from }) => from === name)?.to ?? name;
}
