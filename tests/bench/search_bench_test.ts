import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { describeFigures, runSearchBench } from "../../bench/search_bench.ts";
import { generateLibrary } from "../../bench/support/library_generator.ts";
import { readLogSource } from "../../bench/support/own_search.ts";
import {
  buildQueryLog,
  type LoggedQuery,
  type LogNode,
  toText,
} from "../../bench/support/query_log.ts";
import { checkAnswers } from "../../bench/support/time_search.ts";
import { openCore } from "../../src/library/core.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

/** Small, and yet with enough tags for wildcards that match ten of them. */
const SHAPE = { images: 700, tags: 400, tagsPerImage: 12 };

fullTierTest("runSearchBench() compares, measures and describes a small library", async () => {
  await withTempDir(async (dir) => {
    const library = join(dir, "library.db");
    generateLibrary(library, SHAPE);
    const figures = await runSearchBench({
      library,
      queries: 300,
      checked: 300,
      peerQueries: 60,
      peers: ["sqlite", "postgres", "roaring"],
      print: () => {},
    });
    assertEquals(figures.images, SHAPE.images);
    assertEquals(figures.checkedQueries, 300);
    assert(figures.booleanQueries > 60 && figures.specialQueries > 10);
    // A peer that cannot be had says so; the others answered every query, or those without ranges.
    for (const { name, reason } of figures.absent) console.log(`${name} was left out: ${reason}`);
    assertEquals(figures.peers.length + figures.absent.length, 3);
    const counts = Object.fromEntries(figures.peers.map(({ name, queries }) => [name, queries]));
    assertEquals(counts.SQLite, 60);
    assert(counts["roaring-wasm"] > 40);
    assertEquals(figures.pages.length, 6);
    const text = describeFigures(figures);
    assert(text.includes("| steady |") && !text.includes("NaN"), text);
  });
});

Deno.test("checkAnswers() stops at an answer that differs", async () => {
  await withTempDir(async (dir) => {
    const library = join(dir, "library.db");
    generateLibrary(library, SHAPE);
    const core = await openCore({ database: library });
    try {
      await core.cache.loadDataFromDb({ verbose: false });
      const snapshot = core.cache.current;
      const [query] = buildQueryLog(readLogSource(snapshot), { queries: 1, seed: 1 });
      await checkAnswers(snapshot, [query]);
      const other: LogNode = { kind: "not", node: query.node };
      await assertRejects(() => checkAnswers(snapshot, [{ ...query, node: other }]), Error);
    } finally {
      await core.close();
    }
  });
});

Deno.test("buildQueryLog() gives the same log for the same seed, in the wanted shares", () => {
  const tags = Array.from({ length: 500 }, (_, i) => ({ id: i + 1, name: `tag_${i}` }));
  const bounds = [1, 1_000] as const;
  const source = {
    tags,
    bounds: {
      id: bounds,
      score: bounds,
      favCount: bounds,
      width: bounds,
      height: bounds,
      pixels: [1, 9_000_000] as const,
      ingestedAt: [1_500_000_000, 1_600_000_000] as const,
    },
  };
  const log = buildQueryLog(source, { queries: 3_000, seed: 9 });
  assertEquals(log, buildQueryLog(source, { queries: 3_000, seed: 9 }));
  const share = (test: (query: LoggedQuery) => boolean) => log.filter(test).length / log.length;
  const booleans = share(({ isBoolean }) => isBoolean);
  const specials = share(({ kind }) => kind === "wildcard" || kind === "range");
  assert(Math.abs(booleans - 1 / 3) < 0.03, `${booleans} with OR or NOT`);
  assert(Math.abs(specials - 0.1) < 0.02, `${specials} with more than tags`);
});

Deno.test("toText() writes a search so that groups stay together", () => {
  const tag = (name: string): LogNode => ({ kind: "tag", name, tagId: 1 });
  const or = (isTilde: boolean, ...nodes: LogNode[]): LogNode => ({ kind: "or", nodes, isTilde });
  const and = (...nodes: LogNode[]): LogNode => ({ kind: "and", nodes });
  const not = (node: LogNode): LogNode => ({ kind: "not", node });
  const cases: [LogNode, string][] = [
    [or(false, and(tag("a"), tag("b")), tag("c")), "a b or c"],
    [and(tag("a"), or(false, tag("b"), not(tag("c")))), "a (b or -c)"],
    [and(or(true, tag("a"), tag("b")), tag("c")), "~a ~b c"],
    [and(tag("a"), not(or(true, tag("b"), tag("c")))), "a -(b or c)"],
    [and(tag("a"), not(and(tag("b"), tag("c")))), "a -(b c)"],
    [and(), ""],
  ];
  for (const [node, text] of cases) assertEquals(toText(node), text);
});
