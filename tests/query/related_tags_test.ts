import { assertAlmostEquals, assertEquals } from "@std/assert";
import { runAtOnce } from "../../src/query/steps.ts";
import { findRelatedTags, RELATIONS } from "../../src/query/related_tags.ts";
import { buildSnapshot } from "../support/plain_library.ts";

const TAGS = [
  { id: 1, name: "solo" },
  { id: 2, name: "hat" },
  { id: 3, name: "wlop", category: "artist" },
  { id: 4, name: "rating:general", category: "rating" },
];
// hat: images 3 to 12; solo: 1 to 4; wlop: 3.
const IMAGES = Array.from({ length: 12 }, (_, i) => ({
  id: i + 1,
  tagIds: [4, ...i < 4 ? [1] : [], ...i >= 2 ? [2] : [], ...i === 2 ? [3] : []],
}));

const ALL = { relation: "cosine", category: null, limit: 10 } as const;

Deno.test("findRelatedTags() measures exactly when it sees every image", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: IMAGES });
  const found = { rows: [0, 1, 2, 3], total: 4 };
  const related = runAtOnce(findRelatedTags(snapshot, found, ALL));
  assertEquals(related.map(({ tag }) => tag.name), ["solo", "wlop", "hat"]);
  const hat = related[2];
  assertAlmostEquals(hat.cosine, 2 / Math.sqrt(4 * 10));
  assertAlmostEquals(hat.jaccard, 2 / 12);
  assertAlmostEquals(hat.overlap, 2 / 4);
  assertAlmostEquals(hat.frequency, 2 / 4);
  assertEquals(RELATIONS.map((relation) => related[0][relation]), [1, 1, 1, 1]);
});

Deno.test("findRelatedTags() scales a sample up, and no value above 1", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: IMAGES });
  // Half of the images that are solo; the artist is on one of them, and on no other.
  const related = runAtOnce(findRelatedTags(snapshot, { rows: [2, 3], total: 4 }, ALL));
  const by = new Map(related.map((one) => [one.tag.name, one]));
  assertEquals(by.get("wlop")!.overlap, 1);
  assertAlmostEquals(by.get("hat")!.cosine, 4 / Math.sqrt(40));
  for (const one of related) {
    for (const relation of RELATIONS) assertEquals(one[relation] <= 1, true, relation);
  }
});

Deno.test("findRelatedTags() keeps to a category, an order and a limit", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: IMAGES });
  const found = { rows: [0, 1, 2, 3], total: 4 };
  const names = (options: Partial<Parameters<typeof findRelatedTags>[2]>) =>
    runAtOnce(findRelatedTags(snapshot, found, { ...ALL, ...options })).map(({ tag }) => tag.name);
  assertEquals(names({ category: "artist" }), ["wlop"]);
  assertEquals(names({ category: "general" }), ["solo", "hat"]);
  assertEquals(names({ relation: "frequency" }), ["solo", "hat", "wlop"]);
  assertEquals(names({ limit: 1 }), ["solo"]);
  assertEquals(runAtOnce(findRelatedTags(snapshot, { rows: [], total: 0 }, ALL)), []);
});
