import { assert, assertEquals, assertRejects } from "@std/assert";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";
import { CacheEvents } from "../../src/cache/cache_events.ts";
import type { PageOfSearch, SearchPage } from "../../src/library/browse.ts";
import { SearchPages } from "../../src/library/search_pages.ts";
import { parseQuery } from "../../src/query/parser.ts";

function make() {
  const events = new CacheEvents((error) => {
    throw error;
  });
  const asked: PageOfSearch[] = [];
  const at = { generation: 1 };
  let pause = Promise.resolve();
  const pages = new SearchPages({
    events,
    generation: () => at.generation,
    search: async (request) => {
      asked.push(request);
      parseQuery(request.query);
      const { query } = request;
      const page = { query, total: asked.length, images: [], limit: 40, next: null, unknown: [] };
      await pause;
      return { ...page, tookMs: 0 } satisfies SearchPage;
    },
  });
  const get = async (query: string, number = 1, limit: number | null = null) =>
    JSON.parse(
      new TextDecoder().decode(await pages.get({ query, page: { kind: "number", number }, limit })),
    ).total as number;
  return { events, asked, at, pages, get, setPause: (next: Promise<void>) => pause = next };
}

Deno.test("SearchPages keeps a page for its query, page and limit", async () => {
  const { pages, get, asked } = make();
  assertEquals([await get("a"), await get("a"), await get("a", 2), await get("a", 1, 7)], [
    1,
    1,
    2,
    3,
  ]);
  assertEquals([await get("a b"), await get("a"), await get("a", 2)], [4, 1, 2]);
  assertEquals(asked.length, 4);
  assertEquals(pages.stats, { hits: 3, misses: 4, hitRate: 3 / 7, size: 4 });
  const before = await pages.get({ query: "a", page: { kind: "before", id: 2 }, limit: null });
  const after = await pages.get({ query: "a", page: { kind: "after", id: 2 }, limit: null });
  assert(before !== after && asked.length === 6);
});

Deno.test("SearchPages drops everything when anything changed", async () => {
  const { events, at, get, pages } = make();
  assertEquals([await get("a"), await get("a")], [1, 1]);
  events.triggerCacheInvalidation();
  assertEquals([await get("a"), pages.stats.size], [2, 1]);
  at.generation++;
  assertEquals(await get("a"), 3, "a page of an older generation is never given");
});

Deno.test("SearchPages keeps nothing that was found in an older generation", async () => {
  const { at, get, setPause, events } = make();
  const { promise, resolve } = Promise.withResolvers<void>();
  setPause(promise);
  const late = get("a");
  at.generation = 2;
  events.triggerCacheInvalidation();
  at.generation = 1;
  at.generation = 2;
  resolve();
  assertEquals(await late, 1);
  assertEquals(await get("a"), 2);
});

Deno.test("SearchPages keeps no search that depends on the time or on chance", async () => {
  const { get } = make();
  const passing = [
    "age:<1d",
    "date:today",
    "order:random",
    "random:5",
    "-(age:2d or a)",
    "order:rank",
  ];
  for (const query of passing) assert(await get(query) !== await get(query), query);
  for (const query of ["date:2024", "order:random:7", "order:score", "a:b"]) {
    assertEquals(await get(query), await get(query), query);
  }
});

Deno.test("SearchPages passes on that a query does not parse", async () => {
  const { get, pages } = make();
  await assertRejects(() => get("(a"), QuerySyntaxError);
  assertEquals(pages.stats.size, 0);
});
