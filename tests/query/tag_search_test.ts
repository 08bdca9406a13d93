import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { runAtOnce } from "../../src/query/steps.ts";
import { findTagIds, tagOfId, type TagOrder } from "../../src/query/tag_search.ts";
import { buildSnapshot, type PlainTag, toState } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

const NAME = fc.constantFrom("a", "ab", "b", "Ω", "zz", "a_b", "rating:general", "ä", "b(c)", "aa");
const CATEGORY = fc.constantFrom("general", "artist", null);
const TAGS = fc.uniqueArray(fc.record({ name: NAME, category: CATEGORY }), {
  selector: ({ name }) => name,
  maxLength: 8,
});

/** The same, worked out from the tags alone. */
function expectIds(
  tags: readonly PlainTag[],
  counts: ReadonlyMap<number, number>,
  order: TagOrder,
): number[] {
  const bytesOf = (name: string) => new TextEncoder().encode(name).toHex();
  const compare: Record<TagOrder, (a: PlainTag, b: PlainTag) => number> = {
    date: (a, b) => b.id - a.id,
    name: (a, b) => bytesOf(a.name) < bytesOf(b.name) ? -1 : 1,
    count: (a, b) => (counts.get(b.id) ?? 0) - (counts.get(a.id) ?? 0) || a.id - b.id,
  };
  return tags.filter(({ category }) => category !== "rating").toSorted(compare[order])
    .map(({ id }) => id);
}

Deno.test("findTagIds() lists every tag in every order, also after edits", async () => {
  const images = fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }), {
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(TAGS, images, images, async (specs, loaded, edits) => {
      const tags = specs.map(({ name, category }, i): PlainTag => ({
        id: i + 1,
        name,
        category: name.startsWith("rating:") ? "rating" : category,
      }));
      const toImages = (lists: number[][]) =>
        lists.map((ids, i) => ({
          id: i + 1,
          tagIds: [...new Set(ids.filter((id) => id <= tags.length))],
        }));
      let snapshot = await buildSnapshot({ tags, images: toImages(loaded) });
      const model = new Map(toImages(loaded).map((image) => [image.id, image]));
      for (const image of toImages(edits)) {
        snapshot = snapshot.withImage(image.id, toState(image, tags));
        model.set(image.id, image);
      }
      const added: PlainTag = { id: 20, name: "az", category: "artist" };
      const renamed: PlainTag = { id: 1, name: "new", category: "general" };
      const gone = tags.length > 2 ? [2] : [];
      const table = snapshot.tags.with([
        [20, { ...added, category: "artist" }],
        [1, { ...renamed, category: "general" }],
        ...gone.map((id): [number, null] => [id, null]),
      ]);
      const known = [renamed, ...tags.slice(1), added].filter(({ id }) => !gone.includes(id));
      const counts = new Map<number, number>();
      for (const { tagIds } of model.values()) {
        for (const id of tagIds) counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      const edited = snapshot.withTags(table);
      for (const order of ["date", "name", "count"] as const) {
        const found = runAtOnce(findTagIds(edited, { order }));
        assertEquals([...found], expectIds(known, counts, order), order);
      }
      const named = runAtOnce(
        findTagIds(edited, { order: "date", matchesName: (name) => name < "b" }),
      );
      const expected = expectIds(known.filter(({ name }) => name < "b"), counts, "date");
      assertEquals([...named], expected);
      const used = runAtOnce(
        findTagIds(edited, { order: "date", matches: ({ count }) => count > 0 }),
      );
      const all = expectIds(known, counts, "date").filter((id) => (counts.get(id) ?? 0) > 0);
      assertEquals([...used], all);
      const some = [...known.filter((_, i) => i % 2 === 0), { id: 99, name: "nothing" }];
      for (const order of ["date", "name", "count"] as const) {
        const names = some.map(({ name }) => name);
        const exact = runAtOnce(findTagIds(edited, { order, names }));
        assertEquals([...exact], expectIds(some.slice(0, -1), counts, order));
      }
      for (const { id, name } of known) assertEquals(tagOfId(edited, id)?.name, name);
    }),
    { numRuns: runs(100) },
  );
});
