import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { TagRecord } from "../../src/cache/ports.ts";
import { ReadOnlyMap } from "../../src/cache/read_only_map.ts";
import { TagIdCache } from "../../src/cache/tag_id_cache.ts";
import { TagTable } from "../../src/cache/tag_table.ts";
import { type PlainTag, toTagColumns } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

const TAGS: PlainTag[] = [
  { id: 2, name: "solo", category: "general" },
  { id: 5, name: "\ufeff日本🎨", category: "artist" },
  { id: 9, name: "rating:general", category: "rating" },
  { id: 11, name: "none", category: null },
];

Deno.test("TagTable answers names, ids and categories", async () => {
  const table = await TagTable.build(toTagColumns(TAGS));
  assertEquals(table.size, 4);
  for (const { id, name, category } of TAGS) {
    assertEquals(
      [table.idOf(name), table.nameOf(id), table.categoryOf(id), table.has(id)],
      [id, name, category ?? undefined, true],
    );
  }
  for (const id of [0, 1, 3, 12, -1]) {
    assertEquals([table.nameOf(id), table.categoryOf(id), table.has(id)], [
      undefined,
      undefined,
      false,
    ]);
  }
  for (const name of ["", "SOLO", "constructor", "__proto__", "日本🎨"]) {
    assertEquals(table.idOf(name), undefined, name);
  }
  assertEquals([...table.entries()], TAGS.map(({ id, name }) => [id, name]));
});

Deno.test("TagTable.build() of many tags lets others run, and is whole", async () => {
  const tags = Array.from({ length: 60_000 }, (_, i) => ({ id: 2 * i + 1, name: `tag ${i}` }));
  const table = await TagTable.build(toTagColumns(tags));
  assertEquals(table.size, 60_000);
  assertEquals([table.idOf("tag 59999"), table.nameOf(119_999)], [119_999, "tag 59999"]);
});

Deno.test("with() gives tables that equal one built anew, and changes no older one", async () => {
  const record = (id: number) =>
    fc.option(
      fc.record({
        id: fc.constant(id),
        name: fc.constantFrom("a", "b", "c", "d", "e").map((letter) => `${letter}${id}`),
        category: fc.constantFrom("artist", "meta", null),
      }),
    ).map((tag): [number, TagRecord | null] => [id, tag]);
  const change = fc.integer({ min: 1, max: 6 }).chain(record);
  const base = [1, 3, 5].map((id) => ({ id, name: `a${id}`, category: "general" }));
  const first = await TagTable.build(toTagColumns(base));
  const steps = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const model = new Map<number, PlainTag>(base.map((tag) => [tag.id, tag]));
      const seen: [TagTable, PlainTag[]][] = [[first, [...model.values()]]];
      let table = first;
      for (const changes of steps) {
        table = table.with(changes);
        for (const [id, tag] of changes) {
          if (tag === null) model.delete(id);
          else model.set(id, tag);
        }
        seen.push([table, [...model.values()]]);
      }
      for (const [table, tags] of seen) await assertSameTable(table, tags);
    }),
    { numRuns: runs(60) },
  );
});

async function assertSameTable(table: TagTable, tags: readonly PlainTag[]): Promise<void> {
  const expected = await TagTable.build(toTagColumns(tags));
  const entriesOf = (table: TagTable) => [...table.entries()].sort(([a], [b]) => a - b);
  assertEquals(entriesOf(table), entriesOf(expected));
  assertEquals(table.size, expected.size);
  for (let id = 0; id < 8; id++) {
    assertEquals(
      [table.nameOf(id), table.categoryOf(id), table.has(id)],
      [expected.nameOf(id), expected.categoryOf(id), expected.has(id)],
    );
    for (const letter of "abcde") {
      assertEquals(table.idOf(`${letter}${id}`), expected.idOf(`${letter}${id}`));
    }
  }
}

Deno.test("with() follows names that tags exchange", async () => {
  const table = (await TagTable.build(toTagColumns(TAGS))).with([
    [2, { id: 2, name: "none", category: null }],
    [11, { id: 11, name: "solo", category: null }],
  ]);
  assertEquals([table.idOf("none"), table.idOf("solo")], [2, 11]);
  assertEquals([table.nameOf(2), table.nameOf(11)], ["none", "solo"]);
});

Deno.test("withKnown() is the same table when nothing is new", async () => {
  const table = await TagTable.build(toTagColumns(TAGS));
  const record = (id: number, name: string, category: string | null) => ({ id, name, category });
  assertStrictEquals(table.withKnown([]), table);
  assertStrictEquals(
    table.withKnown([record(2, "solo", "general"), record(11, "none", null)]),
    table,
  );
  assertStrictEquals(table.withKnown([record(11, "none", "no such category")]), table);
  const changed = table.withKnown([record(2, "alone", "meta"), record(40, "new", null)]);
  assertEquals([changed.nameOf(2), changed.categoryOf(2)], ["alone", "meta"]);
  assertEquals([changed.idOf("new"), changed.size], [40, 5]);
  assertEquals(table.nameOf(2), "solo");
});

Deno.test("TagIdCache converts lists and texts, leaving out what is unknown", async () => {
  let table = await TagTable.build(toTagColumns(TAGS));
  let reloads = 0;
  const cache = new TagIdCache({
    table: () => table,
    reload: () => {
      reloads++;
      return Promise.resolve();
    },
  });
  assertEquals([cache.getId("solo"), cache.getId("nobody")], [2, undefined]);
  assertEquals([cache.getName(9), cache.getName(1)], ["rating:general", undefined]);
  assertEquals(cache.getIds(["none", "nobody", "solo", "solo"]), Int32Array.of(11, 2, 2));
  assertEquals(cache.getIds(new Set<string>()), new Int32Array());
  assertEquals(cache.getNames(Int32Array.of(9, 1, 2)), ["rating:general", "solo"]);
  assertEquals(cache.getIdsFromString("  solo \t nobody\nnone "), Int32Array.of(2, 11));
  assertEquals(cache.getIdsFromString(""), new Int32Array());
  assertEquals(cache.getStringFromIds([11, 7, 2]), "none solo");
  assertEquals(cache.getStringFromIds([]), "");
  table = table.with([[2, null]]);
  assertEquals(cache.getId("solo"), undefined, "it reads the table that is current");
  await cache.reload();
  assertEquals(reloads, 1);
});

Deno.test("ReadOnlyMap refuses every change", () => {
  const map = new ReadOnlyMap([[1, "a"], [2, "b"]]);
  for (const harm of [() => map.set(1, "x"), () => map.delete(1), () => map.clear()]) {
    assertThrows(harm, TypeError, "read-only");
  }
  assertEquals([...map], [[1, "a"], [2, "b"]]);
  assert(map instanceof Map);
});

Deno.test("changesSince() tells what columns do not have, of their own table and of another one", async () => {
  const columns = toTagColumns(TAGS);
  const table = await TagTable.build(columns);
  assertEquals(table.changesSince(columns).size, 0);
  const changes: [number, TagRecord | null][] = [
    [2, { id: 2, name: "alone", category: "general" }],
    [9, null],
    [40, { id: 40, name: "é", category: "meta" }],
  ];
  assertEquals([...table.with(changes).changesSince(columns)], changes);
  const read = [
    { id: 1, name: "first", category: null },
    { id: 2, name: "solo", category: "meta" },
    { id: 5, name: "\ufeff日本🎨", category: "artist" },
    { id: 11, name: "nöne", category: null },
  ];
  const other = await TagTable.build(toTagColumns(read));
  const expected = new Map<number, TagRecord | null>([
    [1, read[0]],
    [2, read[1]],
    [9, null],
    [11, read[3]],
  ]);
  assertEquals(new Map(other.changesSince(columns)), expected);
  assertStrictEquals(other.changesSince(columns), other.changesSince(columns));
  expected.set(1, null);
  assertEquals(new Map(other.with([[1, null]]).changesSince(columns)), expected);
});
