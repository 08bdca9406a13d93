import { assertEquals } from "@std/assert";
import { completePools } from "../../src/query/complete_pools.ts";
import { completeWord } from "../../src/query/complete_word.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { search } from "../../src/query/search.ts";
import { buildSnapshot } from "../support/plain_library.ts";

const NAMES = [
  "My_<b>Pool</b>",
  "Blue hair, first",
  "My own",
  "any",
  "12",
  "a*b",
  'x "y" z)',
  "夏",
];

function build() {
  return buildSnapshot({
    tags: [],
    images: NAMES.map((_, i) => ({ id: i + 1 })),
    // The i-th pool has the first i images.
    pools: NAMES.map((name, i) => ({
      id: 101 + i,
      name,
      imageIds: Array.from({ length: i + 1 }, (_, at) => at + 1),
    })),
  });
}

Deno.test("completePools() completes names, beginnings first and then the largest", async () => {
  const snapshot = await build();
  const list = (text: string) =>
    completePools(snapshot, { text, limit: 3 }).map(({ value, summary }) => `${value} ${summary}`);
  assertEquals(list("pool:my"), ["pool:My_own 3 posts", "pool:My_<b>Pool</b> 1 post"]);
  assertEquals(list("ordpool:HAIR"), ["ordpool:Blue_hair,_first 2 posts"]);
  assertEquals(list("pool:no_such"), []);
  assertEquals(list("pool:").length, 3);
});

Deno.test("completePools() gives text that finds the pool, alone and in a group", async () => {
  const snapshot = await build();
  for (const [i, name] of NAMES.entries()) {
    const [found] = completePools(snapshot, {
      text: `pool:${name.replaceAll(" ", "_")}`,
      limit: 1,
    });
    for (const text of [found.value, `(${found.value})`]) {
      const result = await search(snapshot, parseQuery(text));
      assertEquals(result.total, i + 1, `${name}: ${text}`);
    }
  }
});

Deno.test("completeWord() offers pools behind pool: and ordpool:", async () => {
  const snapshot = await build();
  const list = (word: string) =>
    completeWord(snapshot, { word, limit: 20, countWithTag: null }).map(({ value }) => value);
  assertEquals(list("-pool:my_o"), ["pool:My_own"]);
  assertEquals(list("pool:an").slice(0, 2), ["pool:any", "pool:104"]);
  assertEquals(list("ordpool:").length, NAMES.length);
  assertEquals(list("parent:my"), []);
});
