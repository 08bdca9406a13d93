import { assert, assertEquals, assertRejects } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { TagTable } from "../../src/cache/tag_table.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { search } from "../../src/query/search.ts";
import { buildSnapshot, type PlainTag, toState } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

// That results are right is for tests/property/search_oracle_test.ts; this is about everything around them.

const NAMES = ["a", "b", "c", "d", "rare", "unused"];
const TAGS: PlainTag[] = NAMES.map((name, i) => ({ id: 3 * i + 2, name }));
const IDS = TAGS.map((tag) => tag.id);

async function idsOf(snapshot: ImageSnapshot, text: string): Promise<number[]> {
  const result = await search(snapshot, parseQuery(text));
  return result.rowsBetween(0, result.total).map((row) => snapshot.idAt(row)).reverse();
}

/** Images 1 to n; tag i is on those whose number has bit i. */
function countedImages(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    tagIds: IDS.slice(0, 5).filter((_, bit) => (i >> bit) % 2 === 1),
  }));
}

Deno.test("search() tells which tags it does not know", async () => {
  const images = [{ id: 1, tagIds: [2] }, { id: 2, tagIds: [] }];
  const snapshot = await buildSnapshot({ tags: TAGS, images });
  const table: [string, number[], string[]][] = [
    ["nobody", [], ["nobody"]],
    ["a nobody -nothing", [], ["nothing", "nobody"]],
    ["-nobody", [1, 2], ["nobody"]],
    ["a", [1], []],
    ["a -a", [], []],
    ["unused", [], []],
    ["-unused", [1, 2], []],
    ["", [1, 2], []],
  ];
  for (const [text, ids, unknown] of table) {
    assertEquals(await idsOf(snapshot, text), ids, text);
    const result = await search(snapshot, parseQuery(text));
    assertEquals(result.unknownTags, unknown, text);
  }
});

Deno.test("search() does not mix up the results of queries that it keeps", async () => {
  const images = countedImages(32);
  const snapshot = await buildSnapshot({ tags: TAGS, images });
  const has = (tagIds: readonly number[], name: string) =>
    tagIds.includes(IDS[NAMES.indexOf(name)]);
  for (const round of [1, 2]) {
    for (const a of NAMES.slice(0, 5)) {
      for (const b of NAMES.slice(0, 5)) {
        const table: [string, (tagIds: readonly number[]) => boolean][] = [
          [`${a} ${b}`, (tagIds) => has(tagIds, a) && has(tagIds, b)],
          [`${a} -${b}`, (tagIds) => has(tagIds, a) && !has(tagIds, b)],
          [`-${a} -${b}`, (tagIds) => !has(tagIds, a) && !has(tagIds, b)],
          [`${a} or ${b}`, (tagIds) => has(tagIds, a) || has(tagIds, b)],
          [`${b} nobody`, () => false],
        ];
        for (const [text, isMatch] of table) {
          const expected = images.filter(({ tagIds }) => isMatch(tagIds)).map(({ id }) => id);
          assertEquals(await idsOf(snapshot, text), expected, `${text}, ${round}`);
        }
      }
    }
  }
});

Deno.test("search() keeps one result for all spellings of a query, and none for another snapshot", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: countedImages(32) });
  const result = await search(snapshot, parseQuery("a b -c"));
  assert(result === await search(snapshot, parseQuery("-c (b A) b limit:3")));
  assert(result !== await search(snapshot, parseQuery("a b -c order:id")));
  assert(result !== await search(snapshot, parseQuery("a b -c"), { usesMemo: false }));
  const edited = snapshot.withImage(9, toState({ id: 9, tagIds: [] }, TAGS));
  assert(result !== await search(edited, parseQuery("a b -c")));
});

Deno.test("search() finds by the names that tags have now", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: [{ id: 1, tagIds: [2] }] });
  const renamed = snapshot.withTags(
    snapshot.tags.with([[2, { id: 2, name: "new", category: "artist" }], [5, null]]),
  );
  assertEquals([await idsOf(renamed, "new"), await idsOf(renamed, "a")], [[1], []]);
  assertEquals([await idsOf(renamed, "*ew"), await idsOf(renamed, "a*")], [[1], []]);
  assertEquals([await idsOf(renamed, "artist:n*"), await idsOf(renamed, "arttags:1")], [[1], [1]]);
  assertEquals((await search(renamed, parseQuery("b"))).unknownTags, ["b"]);
  assertEquals(await idsOf(snapshot, "a"), [1], "the older snapshot has the old name");
});

Deno.test("search() of an empty library", async () => {
  const snapshot = await buildSnapshot({ tags: [], images: [] });
  const texts = ["", "-a", "a or b", "score:>3", "order:score", "*", "-*", "source:x", "pool:any"];
  for (const text of texts) assertEquals(await idsOf(snapshot, text), [], text);
  assert(snapshot.tags !== TagTable.EMPTY);
});

Deno.test("searches that run at the same time do not disturb each other", async () => {
  const images = countedImages(5_000);
  const snapshot = await buildSnapshot({ tags: TAGS, images });
  const texts = [
    "a -b (c or d)",
    "-(a b c)",
    "rare -a",
    "score:0 -a order:random:7 b",
    "a or b",
    "*a*",
  ];
  const alone: number[][] = [];
  for (const text of texts) {
    const result = await search(snapshot, parseQuery(text), { usesMemo: false });
    alone.push(result.rowsBetween(0, result.total));
  }
  const rounds = Array.from({ length: runs(5, 50) }, () => texts).flat();
  const together = await Promise.all(
    rounds.map((text) =>
      search(snapshot, parseQuery(text), { usesMemo: false, deadlineMs: 60_000 })
    ),
  );
  together.forEach((result, i) => {
    assertEquals(result.rowsBetween(0, result.total), alone[i % texts.length], rounds[i]);
  });
});

Deno.test("search() ends at its deadline and when it is cancelled, with an error that says so", async () => {
  const tags = Array.from({ length: 400 }, (_, i) => ({ id: i + 1, name: `tag_${i}` }));
  const all = tags.map((tag) => tag.id);
  const images = Array.from({ length: 20_000 }, (_, i) => ({ id: i + 1, tagIds: all }));
  const snapshot = await buildSnapshot({ tags, images });
  const steps = Array.from({ length: 400 }, (_, i) => `(*_${i}* -tag_${i} or tagcount:${i})`);
  const query = parseQuery(steps.join(" or "));
  const late = await assertRejects(() => search(snapshot, query, { deadlineMs: 0 }), AppError);
  assertEquals(late.code, "timeout");
  assert(late.remedy !== undefined);
  const controller = new AbortController();
  controller.abort();
  const { signal } = controller;
  const ended = await assertRejects(() => search(snapshot, query, { signal }), AppError);
  assertEquals(ended.code, "cancelled");
});

Deno.test("SearchResult.countWithTag() and placeOf() agree with the rows", async () => {
  const images = countedImages(3_000);
  let snapshot = await buildSnapshot({ tags: TAGS, images });
  snapshot = snapshot.withImage(7, toState({ id: 7, tagIds: [2, 14] }, TAGS));
  snapshot = snapshot.withImage(9_000, toState({ id: 9_000, tagIds: [2, 5] }, TAGS));
  for (const text of ["a", "a -b", "-c", "a b c d", "id:5..9", "a order:id", "b order:random:3"]) {
    const result = await search(snapshot, parseQuery(text));
    const rows = result.rowsBetween(0, result.total);
    assertEquals(rows.length, result.total);
    for (const { id } of TAGS) {
      const expected = rows.filter((row) => snapshot.tagIdsAt(row).includes(id)).length;
      assertEquals(result.countWithTag(id), expected, `${text}, tag ${id}`);
    }
    for (const [place, row] of rows.entries()) {
      if (place % 97 < 3) assertEquals(result.placeOf(row), place, text);
    }
    const missing = images.find(({ id }) => !rows.includes(snapshot.rowOfId(id)!));
    if (missing) assertEquals(result.placeOf(snapshot.rowOfId(missing.id)!), undefined, text);
  }
});
