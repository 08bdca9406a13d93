import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import {
  findSimilar,
  findSimilarAsync,
  type SimilarImage,
  similarityOf,
  similarSteps,
} from "../../src/query/similar.ts";
import { weighTag, weightsOf } from "../../src/query/similarity_weights.ts";
import { naiveSimilar, naiveWeights } from "../support/naive_similarity.ts";
import {
  buildSnapshot,
  type PlainImage,
  type PlainTag,
  toState,
} from "../support/plain_library.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { fullTierTest, runs } from "../support/tier.ts";
import { runSteps } from "../../src/query/steps.ts";

const CATEGORIES = ["general", "character", "copyright", "artist", "species", "meta", null];

/** Tags with gaps between their ids, of every category; two are ratings, one in name alone. */
function makeTags(count: number): PlainTag[] {
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return { id: 1, name: "rating:general", category: "rating" };
    if (i === 1) return { id: 3, name: "rating:explicit", category: "general" };
    return { id: 7 * i + 2 ** (i % 20), name: `tag_${i}`, category: CATEGORIES[i % 7] };
  });
}

/** An image whose tags are the rarer the higher their place. */
function makeImage(random: Random, tags: readonly PlainTag[], id: number): PlainImage {
  const reach = 2 ** random.int(9) / 256;
  const tagIds = tags.filter((_, i) => random.int(1_000) < 900 * reach / (1 + i / 4)).map((tag) =>
    tag.id
  );
  return { id, tagIds };
}

function toPlain(similar: readonly SimilarImage[]) {
  return similar.map(({ id }) => id);
}

/** Compares with the oracle: ids and order exactly, similarities but for rounding. */
function checkImage(
  snapshot: ImageSnapshot,
  library: { tags: readonly PlainTag[]; images: readonly PlainImage[] },
  { id, limits, what }: { id: number; limits: readonly number[]; what: string },
): void {
  const expected = naiveSimilar(library.tags, library.images, id);
  const row = snapshot.rowOfId(id)!;
  for (const limit of limits) {
    const found = findSimilar(snapshot, row, { limit });
    const wanted = expected.slice(0, limit);
    assertEquals(toPlain(found), wanted.map((image) => image.id), `${what}, image ${id}, ${limit}`);
    for (const [i, { row, id, similarity }] of found.entries()) {
      assertAlmostEquals(similarity, wanted[i].similarity, 1e-12);
      assertEquals(snapshot.idAt(row), id);
    }
  }
  const rows = Int32Array.from(library.images, (image) => snapshot.rowOfId(image.id)!);
  const similarities = similarityOf(snapshot, row, rows);
  const byId = new Map(expected.map((image) => [image.id, image.similarity]));
  for (const [i, image] of library.images.entries()) {
    if (image.id === id) continue;
    assertAlmostEquals(similarities[i], byId.get(image.id) ?? 0, 1e-12);
  }
}

Deno.test("findSimilar() gives what docs/similar_images.md works out by hand", async () => {
  const tags = [
    { id: 1, name: "miku", category: "character" },
    { id: 2, name: "hat" },
    { id: 3, name: "sky" },
    { id: 4, name: "rating:general", category: "rating" },
  ];
  const snapshot = await buildSnapshot({
    tags,
    images: [[1, 2, 4], [1, 3], [2], [3]].map((tagIds, i) => ({ id: i + 1, tagIds })),
  });
  const weights = weightsOf(snapshot);
  assertEquals(tags.map(({ id }) => weights.weightAt(weights.slotOf(id))), [494, 247, 247, 0]);
  const of = (id: number) =>
    findSimilar(snapshot, snapshot.rowOfId(id)!).map((image) => [
      image.id,
      Number(image.similarity.toFixed(4)),
    ]);
  assertEquals(of(1), [[2, 0.6], [3, 0.3333]]);
  assertEquals(of(3), [[1, 0.7333]]);
  const text = await Deno.readTextFile(new URL("../../docs/similar_images.md", import.meta.url));
  for (
    const sum of [
      "= 494,",
      "= 247,",
      "weight of 741",
      "494 / 741 + 0.4 · 494 / 988 = 0.6.",
      "247 / 741 + 0.4 · 247 / 741 = 0.3333.",
      "247 / 247 + 0.4 · 247 / 741 = 0.7333.",
    ]
  ) assertStringIncludes(text, sum);
});

Deno.test("weighTag() is at least 1 where a category counts, and never less for being everywhere", () => {
  assertEquals(weighTag("general", { images: 1_000, count: 1_000 }), 192);
  assertEquals(weighTag("general", { images: 1, count: 1 }), 192);
  assertEquals(
    weighTag(undefined, { images: 1_000, count: 9 }),
    weighTag("general", { images: 1_000, count: 9 }),
  );
  assertEquals(weighTag("meta", { images: 10, count: 10 }), 32);
  assertEquals(weighTag("rating", { images: 1_000, count: 1 }), 0);
});

Deno.test("findSimilar() and similarityOf() equal the formula, whatever was edited since", async () => {
  for (let seed = 1; seed <= runs(30, 500); seed++) {
    const random = makeRandom(seed);
    const tags = makeTags(2 + random.int(40));
    const model = new Map<number, PlainImage>();
    for (let i = random.int(60); i >= 0; i--) {
      const id = 1 + random.int(200);
      model.set(id, makeImage(random, tags, id));
    }
    let snapshot = await buildSnapshot({ tags, images: [...model.values()] });
    const check = () => {
      const library = { tags, images: [...model.values()] };
      for (const id of random.some([...model.keys()], 0.2)) {
        checkImage(snapshot, library, { id, limits: [1, 5, 20, 1_000], what: `seed ${seed}` });
      }
      const weights = weightsOf(snapshot);
      for (const [id, weight] of naiveWeights(tags, library.images)) {
        assertEquals(weights.weightAt(weights.slotOf(id)), weight, `seed ${seed}, tag ${id}`);
      }
    };
    check();
    for (let edit = 0; edit < 12; edit++) {
      const id = 1 + random.int(220);
      const image = random.int(4) === 0 ? null : makeImage(random, tags, id);
      if (image === null) model.delete(id);
      else model.set(id, image);
      snapshot = snapshot.withImage(id, image && toState(image, tags));
      if (edit % 4 === 3) check();
    }
  }
});

fullTierTest("findSimilar() is exact where most rows are never looked at", async () => {
  const random = makeRandom(11);
  const tags = makeTags(300);
  const images = Array.from({ length: 20_000 }, (_, i) => makeImage(random, tags, i + 1));
  const [first, second] = [tags[5].id, tags[6].id];
  // Nothing but dense tags; one dense tag; so many tags that 16 bits do not hold their weights.
  images[70].tagIds = tags.slice(2, 12).map((tag) => tag.id);
  images[71].tagIds = [first];
  images[72].tagIds = [first, second];
  images[73].tagIds = tags.map((tag) => tag.id);
  for (let i = 74; i < 100; i++) images[i].tagIds = tags.slice(8 * (i - 73)).map((tag) => tag.id);
  let snapshot = await buildSnapshot({ tags, images });
  const ids = [71, 72, 73, 74, 75, 76, 20_000];
  const check = (what: string) => {
    for (const id of ids) checkImage(snapshot, { tags, images }, { id, limits: [1, 20], what });
  };
  check("as loaded");
  for (const id of [3, 71, 74, 500, 20_000]) {
    images[id - 1] = { id, tagIds: [...images[id - 1].tagIds!, first, tags[200].id] };
    snapshot = snapshot.withImage(id, toState(images[id - 1], tags));
  }
  check("edited");
});

Deno.test("findSimilar() finds what shares less but has nothing else", async () => {
  const tags = Array.from({ length: 29 }, (_, i) => ({
    id: i + 1,
    name: `tag_${i}`,
    category: i === 3 ? "meta" : "character",
  }));
  const all = tags.map((tag) => tag.id);
  // The most share all tags and have others besides; the best share two of three and have no other.
  const images = Array.from({ length: 10_000 }, (_, i) => ({
    id: i + 1,
    tagIds: i % 400 === 7 ? [[1, 2, 4], [1, 3, 4], [2, 3, 4]][i % 3] : all,
  }));
  images[0].tagIds = [1, 2, 3];
  images[1].tagIds = [1, 2, 3, 4];
  const snapshot = await buildSnapshot({ tags, images });
  for (const id of [1, 2]) {
    const found = findSimilar(snapshot, snapshot.rowOfId(id)!, { limit: 10 });
    assertEquals(found.slice(1).every((image) => (image.id - 1) % 400 === 7), true, "the few");
    checkImage(snapshot, { tags, images }, { id, limits: [1, 10, 40], what: "dense" });
  }
});

Deno.test("findSimilar() puts the highest id first among equals, edited or not", async () => {
  const tags = [{ id: 1, name: "a" }, { id: 2, name: "b" }];
  const images = Array.from({ length: 30 }, (_, i) => ({ id: i + 1, tagIds: [1 + i % 2] }));
  let snapshot = await buildSnapshot({ tags, images });
  const of = (id: number, limit: number) =>
    toPlain(findSimilar(snapshot, snapshot.rowOfId(id)!, { limit }));
  assertEquals(of(3, 4), [29, 27, 25, 23]);
  snapshot = snapshot.withImage(40, toState({ id: 40, tagIds: [1] }, tags));
  snapshot = snapshot.withImage(28, toState({ id: 28, tagIds: [1] }, tags));
  snapshot = snapshot.withImage(29, null);
  assertEquals(of(3, 4), [40, 28, 27, 25]);
  assertEquals(of(40, 3), [28, 27, 25]);
});

Deno.test("findSimilar() finds nothing for images without tags that count", async () => {
  const tags = makeTags(4);
  const snapshot = await buildSnapshot({
    tags,
    images: [{ id: 1 }, { id: 2, tagIds: [1, 3] }, { id: 3, tagIds: [1, 3] }, {
      id: 4,
      tagIds: [tags[2].id],
    }],
  });
  for (const row of snapshot.rows()) {
    assertEquals(findSimilar(snapshot, row), []);
    const own = snapshot.idAt(row) === 4 ? 1 : 0;
    const all = [...similarityOf(snapshot, row, snapshot.rows())];
    assertEquals(all, [0, 0, 0, own]);
  }
});

Deno.test("similarSteps() may be interleaved with others, and given up", async () => {
  const random = makeRandom(5);
  const tags = makeTags(60);
  const images = Array.from({ length: 500 }, (_, i) => makeImage(random, tags, i + 1));
  const before = await buildSnapshot({ tags, images });
  // So many edits and new tags that the two differ in all that is used again.
  const more = Array.from({ length: 100 }, (_, i) => ({ id: 1_000_000 + i, name: `new_${i}` }));
  let after = before.withTags(
    before.tags.with(more.map((tag) => [tag.id, { ...tag, category: null }])),
  );
  for (let id = 1; id <= 300; id++) {
    const tagIds = [tags[2].id, tags[3].id, more[id % 100].id];
    after = after.withImage(id, toState({ id, tagIds }, [...tags, ...more]));
  }
  const subjects = [before, after, before, after].flatMap((snapshot) =>
    Array.from({ length: 5 }, () => ({ snapshot, row: random.int(500) }))
  );
  const alone = subjects.map(({ snapshot, row }) => findSimilar(snapshot, row));
  const steps = subjects.map(({ snapshot, row }) => similarSteps(snapshot, row));
  const results = new Map<number, SimilarImage[]>();
  const running = new Set(steps.keys());
  while (running.size > 0) {
    const place = random.pick([...running]);
    const { done, value } = steps[place].next();
    if (!done) continue;
    running.delete(place);
    results.set(place, value);
    const givenUp = similarSteps(before, random.int(500));
    givenUp.next();
    if (random.int(2) === 0) givenUp.return([]);
  }
  assertEquals(steps.map((_, i) => results.get(i)), alone);
  const together = await Promise.all(
    subjects.map(({ snapshot, row }) => findSimilarAsync(snapshot, row)),
  );
  assertEquals(together, alone);
});

Deno.test("runSteps() lets others run between its slices", async () => {
  let isTold = false;
  function* work(): Generator<void, string, void> {
    while (!isTold) yield;
    return "done";
  }
  const result = runSteps(work());
  setTimeout(() => isTold = true, 0);
  assertEquals(await result, "done");
});

Deno.test("weightsOf() works each weight out once", async () => {
  const tags = makeTags(30);
  const images = Array.from({ length: 20 }, (_, i) => makeImage(makeRandom(i), tags, i + 1));
  const snapshot = await buildSnapshot({ tags, images });
  const weights = weightsOf(snapshot);
  assert(weightsOf(snapshot) === weights);
  similarityOf(snapshot, 0, snapshot.rows());
  const first = weights.takeCounts();
  assertEquals(first.misses, weights.size);
  similarityOf(snapshot, 0, snapshot.rows());
  const again = weights.takeCounts();
  assertEquals([again.misses, again.hits], [0, first.hits + first.misses]);
  assertEquals(weights.takeCounts(), { hits: 0, misses: 0 });
});
