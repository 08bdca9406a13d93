import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import type { CacheEventMap } from "../../src/cache/cache_events.ts";
import type { CacheManager } from "../../src/cache/cache_manager.ts";
import { manageStore } from "../support/fake_store.ts";

const TAGS = [{ id: 1, name: "solo" }, { id: 2, name: "hat", category: "general" }];

function pathsOf(manager: CacheManager): string[] {
  return [...manager.getImageData()].map((entry) => entry.filepath);
}

Deno.test("loadDataFromDb() prints the seed's lines when verbose", async () => {
  const { manager, store, lines } = manageStore({
    tags: TAGS,
    images: [
      { id: 1, tagIds: [1], postIds: [{ source: "danbooru", id: 7 }] },
      { id: 2, tagIds: [1], postIds: [{ source: "danbooru", id: 7 }, { source: "e621", id: 7 }] },
    ],
  });
  const total = 5000;
  store.progress = [
    { stage: "metadata", done: 0, total },
    ...[1000, 2000, 3000, 4000, 5000].map((done) => ({ stage: "metadata" as const, done, total })),
    { stage: "images", done: 0, total: 2 },
    { stage: "index", done: 2, total: 2 },
  ];
  assertEquals(await manager.loadDataFromDb({ verbose: true }), true);
  assertEquals(lines, [
    "Loading data from database...",
    "Building cross-source post_id index...",
    "  Processed 1000/5000 metadata entries...",
    "  Processed 2000/5000 metadata entries...",
    "  Processed 3000/5000 metadata entries...",
    "  Processed 4000/5000 metadata entries...",
    "  Processed 5000/5000 metadata entries...",
    "Loaded 2 images, 1 unique tags, 2 cross-source post_ids.",
  ]);
  lines.length = 0;
  await manager.loadDataFromDb({ verbose: false });
  assertEquals(lines, []);
  await manager.loadDataFromDb();
  assertEquals(lines[0], "Loading data from database...");
});

Deno.test("loadDataFromDb() prints when the request that was queued is verbose", async () => {
  const { manager, store, lines } = manageStore();
  const held = store.holdLoad();
  const loads = [
    manager.loadDataFromDb({ verbose: false }),
    manager.loadDataFromDb({ verbose: false }),
    manager.loadDataFromDb({ verbose: true }),
  ];
  held.release();
  await Promise.all(loads);
  assertEquals(lines.at(-1), "Loaded 0 images, 0 unique tags, 0 cross-source post_ids.");
});

Deno.test("loadDataFromDb() answers false and empties the cache when the tables are missing", async () => {
  const { manager, store, told } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1] }] });
  await manager.loadDataFromDb({ verbose: false });
  assertEquals(manager.getImageData().length, 1);
  store.hasTables = false;
  told.length = 0;
  assertEquals(await manager.loadDataFromDb({ verbose: false }), false);
  assertEquals(manager.getImageData().length, 0);
  assertEquals(manager.getTagCounts().size, 0);
  assertEquals(manager.tagIds.getId("solo"), undefined);
  assertEquals(await manager.catchUp(), false);
  assert(told.includes("invalidated"));
  store.hasTables = true;
  assertEquals(await manager.loadDataFromDb({ verbose: false }), true);
  assertEquals(pathsOf(manager), ["1.jpg"]);
});

Deno.test("loadDataFromDb() that fails keeps the old snapshot and tells loadFailed", async () => {
  const { manager, store, told, events } = manageStore({ images: [{ id: 1 }] });
  await manager.loadDataFromDb({ verbose: false });
  const before = manager.current;
  const failures: CacheEventMap["loadFailed"][] = [];
  events.on("loadFailed", (failure) => failures.push(failure));
  for (const port of ["loadColumns", "readChanges"] as const) {
    const fault = new AppError("locked", `${port} failed`);
    store.faults.set(port, fault);
    told.length = 0;
    assertStrictEquals(
      await assertRejects(() => manager.loadDataFromDb({ verbose: false })),
      fault,
    );
    assertEquals(told, ["loadStarted", "loadFailed"]);
    assertStrictEquals(failures.at(-1)?.error, fault);
    assertStrictEquals(manager.current, before);
    assertEquals(manager.isLoading(), false);
  }
  store.putImage({ id: 2 });
  assertEquals(await manager.loadDataFromDb({ verbose: false }), true);
  assertEquals(pathsOf(manager), ["1.jpg", "2.jpg"]);
});

Deno.test("loadDataFromDbAsync() resolves with false when the load fails", async () => {
  const { manager, store } = manageStore();
  store.faults.set("loadColumns", new Error("disk on fire"));
  assertEquals(await manager.loadDataFromDbAsync(), false);
  store.faults.set("loadColumns", new Error("disk on fire"));
  assertEquals(await manager.triggerCacheReloadAsync(), false);
});

Deno.test("a load that follows a failed one still runs", async () => {
  const { manager, store } = manageStore({ images: [{ id: 1 }] });
  const held = store.holdLoad();
  const first = manager.loadDataFromDb({ verbose: false });
  const second = manager.loadDataFromDb({ verbose: false });
  held.release(new Error("disk on fire"));
  await assertRejects(() => first, Error, "disk on fire");
  assertEquals(await second, true);
  assertEquals(pathsOf(manager), ["1.jpg"]);
});

Deno.test("a reload asked for during a load sees what was committed before the request", async () => {
  // Without a change log only the load that follows can bring the commit.
  const { manager, store } = manageStore({ hasLog: false, images: [{ id: 1 }] });
  const held = store.holdLoad();
  const first = manager.loadDataFromDb({ verbose: false });
  await held.hasRead;
  store.putImage({ id: 2 });
  const second = manager.loadDataFromDb({ verbose: false });
  held.release();
  assertEquals(await first, true);
  assertEquals(pathsOf(manager), ["1.jpg"]);
  assertEquals(await second, true);
  assertEquals(pathsOf(manager), ["1.jpg", "2.jpg"]);
});

Deno.test("any number of requests during a load share exactly one following load", async () => {
  const { manager, store } = manageStore({ hasLog: false });
  const held = store.holdLoad();
  const first = manager.loadDataFromDb({ verbose: false });
  await held.hasRead;
  const answers = [
    manager.loadDataFromDb({ verbose: false }),
    manager.loadDataFromDb({ verbose: false }),
    manager.invalidateAllCaches(),
    manager.invalidateImageCache(),
    manager.reloadTagCounts(),
  ];
  assertEquals(manager.loadDataFromDbAsync(), null);
  assertEquals(manager.triggerCacheReloadAsync(), null);
  held.release();
  await Promise.all([first, ...answers]);
  await manager.settled();
  assertEquals(store.loadCount, 2);
});

Deno.test("loadDataFromDbAsync() is null while a load runs, and the load that follows happens", async () => {
  const { manager, store } = manageStore({ hasLog: false });
  const held = store.holdLoad();
  const first = manager.loadDataFromDbAsync();
  assert(first !== null);
  assertEquals(manager.isLoading(), true);
  await held.hasRead;
  store.putImage({ id: 9 });
  assertEquals(manager.loadDataFromDbAsync(), null);
  held.release();
  assertEquals(await first, true);
  await manager.settled();
  assertEquals(manager.isLoading(), false);
  assertEquals(pathsOf(manager), ["9.jpg"]);
  assert(manager.loadDataFromDbAsync() !== null);
  await manager.settled();
});

Deno.test("a request in the moment between two loads never runs beside the queued one", async () => {
  const { manager, store } = manageStore({ hasLog: false });
  let running = 0;
  let runningMax = 0;
  const load = store.loadColumns.bind(store);
  store.loadColumns = async (report) => {
    runningMax = Math.max(runningMax, ++running);
    const loaded = await load(report);
    running--;
    return loaded;
  };
  const held = store.holdLoad();
  const first = manager.loadDataFromDb({ verbose: false });
  // This continuation stands before the queued load in the line of those who wait for the first.
  const third = first.then(() => manager.loadDataFromDb({ verbose: false }));
  const second = manager.loadDataFromDb({ verbose: false });
  await held.hasRead;
  held.release();
  await Promise.all([first, second, third]);
  await manager.settled();
  assertEquals(runningMax, 1);
});

Deno.test("a load asked for by a listener of swapped follows", async () => {
  const { manager, store, events } = manageStore();
  events.on("swapped", () => void manager.triggerCacheReloadAsync(), { once: true });
  await manager.loadDataFromDb({ verbose: false });
  await manager.settled();
  assertEquals(store.loadCount, 2);
});

for (const hasLog of [true, false]) {
  const where = hasLog ? "with a change log" : "without a change log";

  Deno.test(`edits during a load survive the swap ${where}`, async () => {
    const { manager, store } = manageStore({
      hasLog,
      tags: TAGS,
      images: [{ id: 1, tagIds: [1] }, { id: 2, tagIds: [1] }, { id: 3, filepath: "old.jpg" }],
    });
    await manager.loadDataFromDb({ verbose: false });
    const held = store.holdLoad();
    const load = manager.loadDataFromDb({ verbose: false });
    await held.hasRead;
    store.putImage({ id: 1, tagIds: [2] });
    await manager.reloadSingleImage("1.jpg");
    store.dropImage(2);
    await manager.removeImageFromCache("2.jpg");
    store.putImage({ id: 3, filepath: "new.jpg" });
    await manager.reloadSingleImage("old.jpg");
    store.putImage({ id: 4, tagIds: [2] });
    await manager.reloadSingleImage("4.jpg");
    held.release();
    await load;
    assertEquals(pathsOf(manager), ["1.jpg", "new.jpg", "4.jpg"]);
    assertEquals(manager.getImageTagsAsString("1.jpg"), "hat");
    assertEquals([...manager.getTagCounts()], [[2, 2]]);
  });

  Deno.test(`edits during the first load survive the swap ${where}`, async () => {
    const { manager, store } = manageStore({
      hasLog,
      images: [{ id: 1 }, { id: 2 }, { id: 3, filepath: "old.jpg" }],
    });
    const held = store.holdLoad();
    const load = manager.loadDataFromDb({ verbose: false });
    await held.hasRead;
    store.dropImage(1);
    await manager.removeImageFromCache("1.jpg");
    store.dropImage(2);
    await manager.reloadSingleImage("2.jpg");
    store.putImage({ id: 3, filepath: "new.jpg" });
    await manager.reloadSingleImage("old.jpg");
    held.release();
    await load;
    assertEquals(pathsOf(manager), ["new.jpg"]);
  });

  Deno.test(`tags reloaded during a load survive the swap ${where}`, async () => {
    const { manager, store } = manageStore({ hasLog, tags: TAGS });
    const held = store.holdLoad();
    const load = manager.loadDataFromDb({ verbose: false });
    await held.hasRead;
    store.putTag(2, { id: 2, name: "cap" });
    store.putTag(3, { id: 3, name: "new" });
    await manager.tagIds.reload();
    assertEquals(manager.tagIds.getName(2), "cap");
    held.release();
    await load;
    assertEquals(manager.tagIds.getNames([1, 2, 3]), ["solo", "cap", "new"]);
    assertEquals(manager.tagIds.getId("hat"), undefined);
  });
}

Deno.test("what is committed during a load is in its snapshot when there is a change log", async () => {
  const { manager, store } = manageStore({ tags: TAGS, images: [{ id: 1, tagIds: [1] }] });
  const held = store.holdLoad();
  const load = manager.loadDataFromDb({ verbose: false });
  await held.hasRead;
  store.putTag(1, { id: 1, name: "alone" });
  store.putImage({ id: 2, tagIds: [1, 2] });
  held.release();
  await load;
  assertEquals(manager.getImageTagsAsString("2.jpg"), "alone hat");
  assertEquals(await manager.catchUp(), true);
  assertEquals(store.loadCount, 1);
});

Deno.test("swapped tells what replaced what, before invalidated", async () => {
  const { manager, events, told } = manageStore({
    tags: TAGS,
    images: [{ id: 1, tagIds: [1], postIds: [{ source: "e621", id: 5 }] }],
  });
  const facts: CacheEventMap["swapped"][] = [];
  events.on("swapped", (fact) => facts.push(fact));
  await manager.loadDataFromDb({ verbose: false });
  await manager.loadDataFromDb({ verbose: false });
  const { generation: first } = facts[0];
  assertEquals(facts.map(({ generation: _, previous: __, ...rest }) => rest), [
    { images: 1, tags: 1, postIds: 1, loadMs: 10, loadedFrom: "database" },
    { images: 1, tags: 1, postIds: 1, loadMs: 10, loadedFrom: "database" },
  ]);
  assertEquals(facts[1].previous, first);
  assert(facts[1].generation > first);
  assertEquals(manager.current.generation, facts[1].generation);
  assertEquals(told.slice(-3), ["loadStarted", "swapped", "invalidated"]);
});

Deno.test("reloadSingleImage() follows a path to another image", async () => {
  const { manager, store } = manageStore({
    images: [{ id: 1, filepath: "a" }, { id: 2, filepath: "b" }],
  });
  await manager.loadDataFromDb({ verbose: false });
  store.putImage({ id: 1, filepath: "b" });
  store.putImage({ id: 2, filepath: "a" });
  await manager.reloadSingleImage("b");
  const idOf = (path: string) =>
    [...manager.getImageData()].find((entry) => entry.filepath === path)?.id;
  assertEquals([idOf("a"), idOf("b")], [2, 1]);
  assertEquals(manager.getImageData().length, 2);
});
