import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { OVERLAY_ROWS_MAX } from "../../src/base/limits.ts";
import type { CacheManager } from "../../src/cache/cache_manager.ts";
import { manageStore } from "../support/fake_store.ts";

const TAGS = [{ id: 1, name: "solo" }, { id: 2, name: "hat", category: "general" }];

function pathsOf(manager: CacheManager): string[] {
  return [...manager.getImageData()].map((entry) => entry.filepath);
}

Deno.test("callbacks of invalidation see the new data", async () => {
  const { manager, store, events } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1] }] });
  const seen: string[] = [];
  events.registerCacheInvalidationCallback(() => {
    const names = pathsOf(manager).map((path) => `${path}=${manager.getImageTagsAsString(path)}`);
    seen.push(names.join(","));
  });
  await manager.loadDataFromDb({ verbose: false });
  store.putImage({ id: 1, tagIds: [2] });
  await manager.reloadSingleImage("1.jpg");
  store.putImage({ id: 2 });
  await manager.catchUp();
  store.dropImage(1);
  await manager.removeImageFromCache("1.jpg");
  store.putTag(2, { id: 2, name: "cap" });
  store.putImage({ id: 2, tagIds: [2] });
  await manager.reloadTagCounts();
  assertEquals(seen, ["1.jpg=solo", "1.jpg=hat", "1.jpg=hat,2.jpg=", "2.jpg=", "2.jpg=cap"]);
});

Deno.test("a failing callback stops nobody, and an abort signal unsubscribes", async () => {
  const { manager, events, listenerErrors } = manageStore();
  const calls: string[] = [];
  const controller = new AbortController();
  events.registerCacheInvalidationCallback(() => {
    throw new Error("first");
  });
  events.registerCacheInvalidationCallback(() => calls.push("second"));
  events.registerCacheInvalidationCallback(() => calls.push("third"), {
    signal: controller.signal,
  });
  assertEquals(await manager.loadDataFromDb({ verbose: false }), true);
  assertEquals(calls, ["second", "third"]);
  assertEquals(listenerErrors.map(String), ["Error: first"]);
  controller.abort();
  events.triggerCacheInvalidation();
  assertEquals(calls, ["second", "third", "second"]);
});

Deno.test("reloadSingleImage() tells imagesChanged, imagesRemoved and tagsChanged", async () => {
  const { manager, store, events, told } = manageStore({
    tags: TAGS,
    images: [{ id: 1, tagIds: [1] }],
  });
  await manager.loadDataFromDb({ verbose: false });
  const facts: unknown[] = [];
  events.on("imagesChanged", ({ ids }) => facts.push(["changed", ...ids]));
  events.on("imagesRemoved", ({ ids }) => facts.push(["removed", ...ids]));
  events.on("tagsChanged", ({ ids }) => facts.push(["tags", ...ids.toSorted()]));
  store.putImage({ id: 1, tagIds: [2] });
  await manager.reloadSingleImage("1.jpg");
  store.dropImage(1);
  await manager.reloadSingleImage("1.jpg");
  assertEquals(facts, [["changed", 1], ["tags", 1, 2], ["removed", 1], ["tags", 2]]);
  told.length = 0;
  await manager.reloadSingleImage("never.jpg");
  await manager.removeImageFromCache("never.jpg");
  assertEquals(told, []);
});

Deno.test("catchUp() applies entries of the log to images and tags", async () => {
  const { manager, store } = manageStore({
    tags: TAGS,
    images: [{ id: 1, tagIds: [1, 2] }, { id: 2, tagIds: [2] }],
  });
  assertEquals(await manager.catchUp(), false, "nothing was loaded yet");
  await manager.loadDataFromDb({ verbose: false });
  store.putTag(1, { id: 1, name: "alone", category: "meta" });
  store.putTag(2, null);
  store.putImage({ id: 1, tagIds: [1] });
  store.dropImage(2);
  store.putTag(7, { id: 7, name: "new" });
  store.putImage({ id: 5, tagIds: [7], postIds: [{ source: "danbooru", id: 77 }] });
  assertEquals(await manager.catchUp(), true);
  assertEquals(pathsOf(manager), ["1.jpg", "5.jpg"]);
  assertEquals(manager.getImageTagsAsString("1.jpg"), "alone");
  assertEquals(manager.tagIds.getId("hat"), undefined);
  assertEquals(manager.tagIds.getName(2), undefined);
  assertEquals(manager.current.tags.categoryOf(1), "meta");
  assertEquals([...manager.getTagCounts()].toSorted(), [[1, 1], [7, 1]]);
  assertEquals(manager.getMd5ByPostId(77), manager.getImageData().at(1)?.md5);
  assertEquals(store.loadCount, 1);
});

Deno.test("catchUp() tells nothing when nothing was committed", async () => {
  const { manager, store, told } = manageStore({ images: [{ id: 1 }] });
  await manager.loadDataFromDb({ verbose: false });
  for (const hasChanged of [false, true]) {
    if (hasChanged) store.putImage({ id: 2 });
    await manager.catchUp();
    const before = manager.current;
    told.length = 0;
    assertEquals(await manager.catchUp(), true);
    assertStrictEquals(manager.current, before);
    assertEquals(told, []);
  }
});

Deno.test("catchUp() loads in full when the log does not reach back", async () => {
  const { manager, store } = manageStore({ images: [{ id: 1 }] });
  await manager.loadDataFromDb({ verbose: false });
  store.putImage({ id: 2 });
  store.trimLog();
  assertEquals(await manager.catchUp(), true);
  assertEquals(store.loadCount, 2);
  assertEquals(pathsOf(manager), ["1.jpg", "2.jpg"]);
});

Deno.test("catchUp() does nothing without a log, reloadTagCounts() loads in full", async () => {
  const { manager, store } = manageStore({
    hasLog: false,
    tags: TAGS,
    images: [{ id: 1, tagIds: [1] }],
  });
  await manager.loadDataFromDb({ verbose: false });
  store.putImage({ id: 1, tagIds: [2] });
  assertEquals(await manager.catchUp(), false);
  assertEquals(manager.getTagCounts().get(1), 1);
  await manager.reloadTagCounts();
  assertEquals([...manager.getTagCounts()], [[2, 1]]);
  assertEquals(store.loadCount, 2);
});

Deno.test("catchUp() that fails is repeated in full by the next one", async () => {
  const { manager, store } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1] }] });
  await manager.loadDataFromDb({ verbose: false });
  for (const port of ["readChanges", "readTagsByIds", "readImages"] as const) {
    store.putTag(1, { id: 1, name: `solo_${port}` });
    store.putImage({ id: 1, tagIds: [1], filepath: `${port}.jpg` });
    store.faults.set(port, new AppError("locked", `${port} failed`));
    await assertRejects(() => manager.catchUp(), AppError, `${port} failed`);
    assertEquals(await manager.catchUp(), true);
    assertEquals(manager.getImageTagsAsString(`${port}.jpg`), `solo_${port}`);
  }
});

Deno.test("a failed edit leaves the queue and the snapshot in order", async () => {
  const { manager, store } = manageStore({ images: [{ id: 1 }] });
  await manager.loadDataFromDb({ verbose: false });
  store.putImage({ id: 2 });
  store.faults.set("readImages", new AppError("locked", "no"));
  await assertRejects(() => manager.reloadSingleImage("2.jpg"), AppError, "no");
  await manager.reloadSingleImage("2.jpg");
  await manager.removeImageFromCache("1.jpg");
  assertEquals(pathsOf(manager), ["2.jpg"]);
});

Deno.test("edits and loads that overlap end with what the store holds", async () => {
  const { manager, store } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1] }] });
  const work: Promise<unknown>[] = [];
  for (let round = 0; round < 30; round++) {
    store.putImage({ id: 1 + round % 5, tagIds: round % 2 === 0 ? [1] : [1, 2] });
    if (round % 3 === 0) work.push(manager.loadDataFromDb({ verbose: false }));
    if (round % 4 === 1) work.push(manager.catchUp());
    work.push(manager.reloadSingleImage(`${1 + round % 5}.jpg`));
    if (round % 7 === 0) await Promise.resolve();
  }
  await Promise.all(work);
  await manager.settled();
  for (const image of store.images.values()) {
    const ids = [...manager.getImageTagsAsIds(`${image.id}.jpg`)];
    assertEquals(ids, [...image.tagIds ?? []]);
  }
  assertEquals(manager.getTagCounts().get(1), store.images.size);
});

Deno.test("a large overlay is folded in by a full load", async () => {
  const { manager, store } = manageStore();
  await manager.loadDataFromDb({ verbose: false });
  for (let id = 1; id <= OVERLAY_ROWS_MAX + 1; id++) store.putImage({ id });
  assertEquals(await manager.catchUp(), true);
  assertEquals(manager.getImageData().length, OVERLAY_ROWS_MAX + 1);
  await manager.settled();
  assertEquals(store.loadCount, 2);
  assertEquals(manager.current.editedRowCount, 0);
});

Deno.test("the seed's getters answer for an image and are empty for an unknown path", async () => {
  const { manager } = manageStore({
    tags: TAGS,
    images: [{ id: 3, filepath: "a/b.jpg", md5: "ab".repeat(16), tagIds: [2, 1] }],
  });
  await manager.loadDataFromDb({ verbose: false });
  assertEquals(manager.getImageTagsAsString("a/b.jpg"), "solo hat");
  assertEquals(manager.getImageTagsAsSet("a/b.jpg"), new Set(["solo", "hat"]));
  assertEquals(manager.getImageTagsAsIds("a/b.jpg"), Int32Array.of(1, 2));
  assertEquals(manager.getImageTagCount("a/b.jpg"), 2);
  assertEquals([...manager.getImageData()], [
    { id: 3, filepath: "a/b.jpg", md5: "ab".repeat(16), tagIds: Int32Array.of(1, 2) },
  ]);
  assertEquals(manager.getImageTagsAsString("none"), "");
  assertEquals(manager.getImageTagsAsSet("none"), new Set<string>());
  assertEquals(manager.getImageTagsAsIds("none"), new Int32Array());
  assertEquals(manager.getImageTagCount("none"), 0);
  assertEquals(manager.getMd5ByPostId(1), undefined);
});

Deno.test("getImageData() and getTagCounts() hand out nothing that a caller can damage", async () => {
  const { manager } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1, 2] }] });
  await manager.loadDataFromDb({ verbose: false });
  manager.getImageData().at(0)!.tagIds.fill(0);
  manager.getImageTagsAsIds("1.jpg").fill(0);
  assertEquals(manager.getImageTagsAsIds("1.jpg"), Int32Array.of(1, 2));
  const counts = manager.getTagCounts() as Map<number, number>;
  for (const harm of [() => counts.set(1, 9), () => counts.delete(1), () => counts.clear()]) {
    let error: unknown;
    try {
      harm();
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof TypeError);
  }
  assertEquals([...manager.getTagCounts()], [[1, 1], [2, 1]]);
});

Deno.test("views and counts taken earlier never change", async () => {
  const { manager, store } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1] }] });
  await manager.loadDataFromDb({ verbose: false });
  const view = manager.getImageData();
  const counts = manager.getTagCounts();
  const before = JSON.stringify([[...view], [...counts]]);
  store.putImage({ id: 1, tagIds: [2], filepath: "moved.jpg" });
  store.putImage({ id: 2, tagIds: [1] });
  await manager.catchUp();
  await manager.removeImageFromCache("moved.jpg");
  await manager.loadDataFromDb({ verbose: false });
  assertEquals(JSON.stringify([[...view], [...counts]]), before);
});

Deno.test("the invalidate functions make the cache equal the store", async () => {
  for (const hasLog of [true, false]) {
    const { manager, store } = manageStore({
      hasLog,
      tags: TAGS,
      images: [{ id: 1, tagIds: [1] }],
    });
    await manager.loadDataFromDb({ verbose: false });
    store.putImage({ id: 1, tagIds: [2] });
    await manager.invalidateImageCache("1.jpg");
    assertEquals(manager.getImageTagsAsString("1.jpg"), "hat");
    store.putTag(2, { id: 2, name: "cap" });
    store.putImage({ id: 4, tagIds: [2] });
    await manager.invalidateTagCache();
    assertEquals(manager.getImageTagsAsString("1.jpg"), "cap");
    assertEquals(manager.getTagCounts().get(2), 2);
    store.dropImage(1);
    await manager.invalidateAllCaches();
    assertEquals(pathsOf(manager), ["4.jpg"]);
    store.dropImage(4);
    await manager.invalidateImageCache();
    assertEquals(pathsOf(manager), []);
  }
});

Deno.test("catchUp() loads in full when a used tag becomes a rating or stops to be one", async () => {
  const { manager, store } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1] }] });
  await manager.loadDataFromDb({ verbose: false });
  const rating = () => manager.current.ratingAt(manager.current.rowOfId(1)!);
  store.putTag(9, { id: 9, name: "rating:general" });
  await manager.catchUp();
  assertEquals([rating(), store.loadCount], [null, 1], "a new tag that nobody has costs no load");
  store.putTag(1, { id: 1, name: "rating:explicit" });
  await manager.catchUp();
  assertEquals([rating(), store.loadCount], ["explicit", 2]);
  store.putTag(1, { id: 1, name: "solo" });
  await manager.catchUp();
  assertEquals([rating(), store.loadCount], [null, 3]);
});

Deno.test("a tag that becomes a rating during a load changes its images", async () => {
  const { manager, store } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1] }] });
  const held = store.holdLoad();
  const load = manager.loadDataFromDb({ verbose: false });
  await held.hasRead;
  store.putTag(1, { id: 1, name: "rating:explicit" });
  held.release();
  await load;
  await manager.settled();
  assertEquals(manager.current.ratingAt(0), "explicit");
});
