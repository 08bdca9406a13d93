import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { listTags } from "../../src/query/tag_list.ts";
import { buildSnapshot, toState } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

Deno.test("listTags() gives the most used tags of a prefix that any image has", async () => {
  const tags = [
    { id: 1, name: "hat", category: "general" },
    { id: 2, name: "hatsune_miku", category: "character" },
    { id: 3, name: "hair", category: null },
    { id: 4, name: "hats_unused", category: "general" },
    { id: 5, name: "solo", category: "general" },
  ];
  const images = [[1, 2, 5], [2, 5], [3]].map((tagIds, i) => ({ id: i + 1, tagIds }));
  const snapshot = await buildSnapshot({ tags, images });
  const list = (prefix: string, limit = 10) =>
    listTags(snapshot, { prefix, limit }).map((tag) => `${tag.name} ${tag.category} ${tag.count}`);
  assertEquals(list("ha"), ["hatsune_miku character 2", "hair null 1", "hat general 1"]);
  assertEquals(list("hat", 1), ["hatsune_miku character 2"]);
  assertEquals(list("", 2), ["hatsune_miku character 2", "solo general 2"]);
  assertEquals(list("nothing"), []);
  const edited = snapshot.withImage(9, toState({ id: 9, tagIds: [4] }, tags));
  assertEquals(listTags(edited, { prefix: "hats_", limit: 5 }).map((tag) => tag.id), [4]);
});

Deno.test("listTags() equals sorting everything", async () => {
  const counts = fc.array(fc.nat(6), { maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(counts, fc.integer({ min: 1, max: 8 }), async (counts, limit) => {
      const tags = counts.map((_, i) => ({ id: i + 1, name: `t${(i * 7919) % 1000}_${i}` }));
      const images = [1, 2, 3, 4, 5, 6].map((id) => ({
        id,
        tagIds: tags.filter((_, i) => counts[i] >= id).map((tag) => tag.id),
      }));
      const snapshot = await buildSnapshot({ tags, images });
      const expected = tags.map((tag, i) => ({ name: tag.name, count: counts[i] }))
        .filter((tag) => tag.count > 0)
        .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)).slice(0, limit);
      const listed = listTags(snapshot, { prefix: "t", limit });
      assertEquals(listed.map(({ name, count }) => ({ name, count })), expected);
    }),
    { numRuns: runs(40) },
  );
});
