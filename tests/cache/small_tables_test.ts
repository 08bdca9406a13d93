import { assertEquals, assertStrictEquals } from "@std/assert";
import type { CacheManager } from "../../src/cache/cache_manager.ts";
import { manageStore } from "../support/fake_store.ts";
import { buildSnapshot, toState } from "../support/plain_library.ts";

/** Names of the pools with their images, and the aliases. */
function tablesOf({ current }: CacheManager): [pools: string[], aliases: string[]] {
  return [
    [...current.pools.all()].map((pool) => `${pool.name}:${[...pool.imageIds]}`),
    [...current.aliases.entries()].map((entry) => entry.join(">")),
  ];
}

Deno.test("a load brings pools and aliases", async () => {
  const { manager, store } = manageStore({ images: [{ id: 1 }] });
  store.putPool(5, { id: 5, name: "five", description: "it", imageIds: [1, 9] });
  store.putPool(2, { id: 2, name: "two" });
  store.putAlias("kitty", "cat");
  await manager.loadDataFromDb({ verbose: false });
  assertEquals(tablesOf(manager), [["two:", "five:1,9"], ["kitty>cat"]]);
  assertEquals(manager.current.pools.get(5)?.description, "it");
});

Deno.test("catchUp() applies pools and aliases, and tells so before the invalidation", async () => {
  const { manager, store, events, told } = manageStore({ images: [{ id: 1 }] });
  store.putPool(1, { id: 1, name: "one" });
  await manager.loadDataFromDb({ verbose: false });
  const facts: unknown[] = [];
  events.on("poolsChanged", (fact) => facts.push(fact));
  events.on("aliasesChanged", (fact) => facts.push(fact));
  told.length = 0;
  const before = manager.current;
  store.putPool(1, { id: 1, name: "one", imageIds: [1] });
  store.putPool(3, { id: 3, name: "three" });
  store.putAlias("a", "b");
  assertEquals(await manager.catchUp(), true);
  assertEquals(tablesOf(manager), [["one:1", "three:"], ["a>b"]]);
  assertEquals(told, ["poolsChanged", "aliasesChanged", "invalidated"]);
  const { generation } = manager.current;
  assertEquals(facts, [{ generation, ids: [1, 3] }, { generation }]);
  assertEquals([before.pools.size, before.aliases.size], [1, 0], "views taken earlier stay");
  store.putPool(1, null);
  store.putAlias("a", null);
  await manager.catchUp();
  assertEquals(tablesOf(manager), [["three:"], []]);
  told.length = 0;
  await manager.catchUp();
  assertEquals(told, [], "nothing changed");
});

for (const table of ["readPools", "readAliases"] as const) {
  Deno.test(`catchUp() that fails in ${table}() changes nothing and is done again`, async () => {
    const { manager, store } = manageStore({ images: [{ id: 1 }] });
    await manager.loadDataFromDb({ verbose: false });
    store.putPool(1, { id: 1, name: "one" });
    store.putAlias("a", "b");
    store.putImage({ id: 2 });
    store.faults.set(table, new Error("broken"));
    const failure = await manager.catchUp().catch((error: Error) => error.message);
    assertEquals(failure, "broken");
    assertEquals([tablesOf(manager), manager.current.length], [[[], []], 1]);
    await manager.catchUp();
    assertEquals([tablesOf(manager), manager.current.length], [[["one:"], ["a>b"]], 2]);
  });
}

Deno.test("pools and aliases that change during a load are in its snapshot", async () => {
  const { manager, store } = manageStore({ images: [{ id: 1 }] });
  await manager.loadDataFromDb({ verbose: false });
  const held = store.holdLoad();
  const load = manager.loadDataFromDb({ verbose: false });
  await held.hasRead;
  store.putPool(1, { id: 1, name: "applied" });
  await manager.catchUp();
  store.putPool(2, { id: 2, name: "committed" });
  store.putAlias("a", "b");
  held.release();
  await load;
  assertEquals(tablesOf(manager), [["applied:", "committed:"], ["a>b"]]);
});

Deno.test("pools and aliases applied during a load survive it though the log was trimmed", async () => {
  const { manager, store } = manageStore({ images: [{ id: 1 }] });
  await manager.loadDataFromDb({ verbose: false });
  const held = store.holdLoad();
  const load = manager.loadDataFromDb({ verbose: false });
  await held.hasRead;
  store.putPool(1, { id: 1, name: "applied" });
  store.putAlias("a", "b");
  await manager.catchUp();
  store.trimLog();
  held.release();
  await load;
  assertEquals(tablesOf(manager), [["applied:"], ["a>b"]]);
  await manager.settled();
  assertEquals(tablesOf(manager), [["applied:"], ["a>b"]]);
});

Deno.test("a missing table empties the pools too", async () => {
  const { manager, store } = manageStore({ images: [{ id: 1 }] });
  store.putPool(1, { id: 1, name: "one" });
  store.putAlias("a", "b");
  await manager.loadDataFromDb({ verbose: false });
  store.hasTables = false;
  await manager.loadDataFromDb({ verbose: false });
  assertEquals(tablesOf(manager), [[], []]);
});

Deno.test("edits of images keep pools and aliases, and the other way round", async () => {
  const library = {
    tags: [],
    images: [{ id: 1 }],
    pools: [{ id: 1, name: "one" }],
    aliases: [["a", "b"] as const],
  };
  const snapshot = await buildSnapshot(library);
  const edited = snapshot.withImage(2, toState({ id: 2 }, [])).withTags(snapshot.tags);
  assertStrictEquals(edited.pools, snapshot.pools);
  assertStrictEquals(edited.aliases, snapshot.aliases);
  const other = (await buildSnapshot({ tags: [], images: [] })).pools;
  const replaced = edited.withPools(other).withAliases(edited.aliases);
  assertEquals([replaced.pools.size, replaced.aliases.size, replaced.length], [0, 1, 2]);
  assertEquals(replaced.generation, edited.generation + 2);
});
