import { assert, assertEquals } from "@std/assert";
import { CacheEvents } from "../../src/cache/cache_events.ts";
import { SimilarImages } from "../../src/library/similar_images.ts";
import { weightsOf } from "../../src/query/similarity_weights.ts";
import { manageStore } from "../support/fake_store.ts";
import { naiveSimilar } from "../support/naive_similarity.ts";
import { buildSnapshot, toState } from "../support/plain_library.ts";

const TAGS = [1, 2, 3, 4].map((id) => ({ id, name: `tag_${id}` }));
const IMAGES = Array.from({ length: 60 }, (_, i) => ({
  id: i + 1,
  tagIds: TAGS.map((tag) => tag.id).filter((id) => i % (id + 1) !== 0),
}));

async function makeCache(entriesMax?: number) {
  const events = new CacheEvents((error) => {
    throw error;
  });
  const snapshot = await buildSnapshot({ tags: TAGS, images: IMAGES });
  return { events, snapshot, similar: new SimilarImages({ events, entriesMax }) };
}

function idsOf(views: readonly { id: number }[] | undefined): number[] | undefined {
  return views?.map((view) => view.id);
}

Deno.test("SimilarImages.find() gives views with similarities, kept for the next time", async () => {
  const { snapshot, similar } = await makeCache();
  const expected = naiveSimilar(TAGS, IMAGES, 8);
  for (const limit of [20, 20, 5]) {
    const found = await similar.find(snapshot, 8, limit);
    assertEquals(idsOf(found), expected.slice(0, limit).map((image) => image.id));
    assertEquals(found![0].filepath, `${found![0].id}.jpg`);
    assert(Math.abs(found![0].similarity - expected[0].similarity) < 1e-12);
  }
  assertEquals(similar.stats, { hits: 2, misses: 1, hitRate: 2 / 3, size: 1 });
  assertEquals(await similar.find(snapshot, 61), undefined);
  assertEquals(similar.stats.misses, 1, "nothing is looked for");
});

Deno.test("SimilarImages.find() finds more when more is asked for, and knows when there is no more", async () => {
  const { snapshot, similar } = await makeCache();
  const all = naiveSimilar(TAGS, IMAGES, 8).map((image) => image.id);
  assertEquals(idsOf(await similar.find(snapshot, 8, 3)), all.slice(0, 3));
  assertEquals(idsOf(await similar.find(snapshot, 8, 30)), all.slice(0, 30));
  assertEquals(idsOf(await similar.find(snapshot, 8, 200)), all);
  assertEquals(similar.stats.misses, 3);
  const larger = await similar.find(snapshot, 8, 10_000);
  assertEquals([idsOf(larger), similar.stats.misses], [all, 3]);
});

Deno.test("SimilarImages keeps the images that were asked for last", async () => {
  const { snapshot, similar } = await makeCache(2);
  for (const id of [1, 2, 3, 1, 3]) await similar.find(snapshot, id);
  assertEquals(similar.stats, { hits: 1, misses: 4, hitRate: 0.2, size: 2 });
});

Deno.test("SimilarImages registers its callback: an invalidation drops all", async () => {
  const { events, snapshot, similar } = await makeCache();
  await similar.find(snapshot, 1);
  await similar.find(snapshot, 2);
  events.triggerCacheInvalidation();
  assertEquals(similar.stats.size, 0);
  await similar.find(snapshot, 1);
  similar.invalidateSimilarityCache();
  assertEquals(similar.stats, { hits: 0, misses: 3, hitRate: 0, size: 0 });
});

Deno.test("SimilarImages does not keep what was begun before an invalidation", async () => {
  const { events, snapshot, similar } = await makeCache();
  const under = similar.find(snapshot, 1);
  events.triggerCacheInvalidation();
  const expected = naiveSimilar(TAGS, IMAGES, 1).slice(0, 20).map((image) => image.id);
  assertEquals(idsOf(await under), expected);
  assertEquals(similar.stats.size, 0);
  await similar.find(snapshot, 1);
  assertEquals(similar.stats.size, 1);
});

Deno.test("SimilarImages answers from the snapshot it is given, told or not that there is a newer one", async () => {
  const { snapshot: before, similar } = await makeCache();
  const edited = { id: 2, tagIds: [3] };
  const after = before.withImage(2, toState(edited, TAGS));
  const now = IMAGES.map((image) => image.id === 2 ? edited : image);
  const of = (images: typeof IMAGES) =>
    naiveSimilar(TAGS, images, 2).slice(0, 20).map((image) => image.id);
  assert(JSON.stringify(of(IMAGES)) !== JSON.stringify(of(now)));
  assertEquals(idsOf(await similar.find(before, 2)), of(IMAGES));
  const late = similar.find(before, 3);
  assertEquals(idsOf(await similar.find(after, 2)), of(now), "not what is kept of the older one");
  await late;
  assertEquals(similar.stats.size, 1, "what the older one gave is not kept");
  assertEquals(idsOf(await similar.find(before, 2)), of(IMAGES));
  const { hits } = similar.stats;
  assertEquals(idsOf(await similar.find(after, 2)), of(now));
  assertEquals(similar.stats.hits, hits + 1);
});

Deno.test("SimilarImages works once for those who ask at the same time", async () => {
  const { snapshot, similar } = await makeCache();
  const found = await Promise.all([1, 1, 2, 1, 2].map((id) => similar.find(snapshot, id)));
  assertEquals(found[1], found[0]);
  assertEquals(found[4], found[2]);
  assertEquals(similar.stats, { hits: 3, misses: 2, hitRate: 0.6, size: 2 });
});

Deno.test("SimilarImages goes on after a search that failed", async () => {
  const { snapshot, similar } = await makeCache();
  // A snapshot that breaks when its tags are read.
  const broken = Object.create(snapshot, {
    rowOfId: { value: () => 0 },
    idAt: { value: () => 1 },
    generation: { value: snapshot.generation },
  });
  const results = await Promise.allSettled([
    similar.find(broken, 1),
    similar.find(snapshot, 2),
    similar.find(broken, 3),
  ]);
  assertEquals(results.map((result) => result.status), ["rejected", "fulfilled", "rejected"]);
  assertEquals(similar.stats.size, 1);
});

Deno.test("SimilarImages counts the lookups of weights over all snapshots", async () => {
  const { snapshot, similar } = await makeCache();
  assertEquals(similar.weightStats(snapshot), { hits: 0, misses: 0, hitRate: 0, size: 0 });
  await similar.find(snapshot, 8);
  const first = similar.weightStats(snapshot);
  assertEquals([first.misses, first.size], [4, 4]);
  assert(first.hits > 40 && first.hitRate === first.hits / (first.hits + 4));
  const next = snapshot.withImage(61, toState({ id: 61, tagIds: [1] }, TAGS));
  assertEquals(similar.weightStats(next), { ...first, size: 0 });
  await similar.find(next, 61);
  const second = similar.weightStats(next);
  assert(second.misses > first.misses && second.hits > first.hits);
  assertEquals(weightsOf(next).size, second.size);
});

Deno.test("SimilarImages follows the cache manager through edits and reloads", async () => {
  const { manager, events, store } = manageStore({ tags: TAGS, images: IMAGES });
  const similar = new SimilarImages({ events });
  await manager.loadDataFromDb({ verbose: false });
  const check = async () => {
    const images = [...store.images.values()].map((image) => ({ ...image }));
    const expected = naiveSimilar(TAGS, images, 7).slice(0, 20).map((image) => image.id);
    assertEquals(idsOf(await similar.find(manager.current, 7)), expected);
    assertEquals(idsOf(await similar.find(manager.current, 7)), expected);
  };
  await check();
  store.putImage({ id: 7, tagIds: [2] });
  await manager.reloadSingleImage("7.jpg");
  assertEquals(similar.stats.size, 0, "the edit dropped it");
  await check();
  store.dropImage(59);
  await manager.loadDataFromDb({ verbose: false });
  assertEquals(similar.stats.size, 0, "the reload dropped it");
  await check();
  assertEquals([similar.stats.hits, similar.stats.misses], [3, 3]);
});
