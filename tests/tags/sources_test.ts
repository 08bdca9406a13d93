import { assertEquals } from "@std/assert";
import { compareMergedSources, compareSources } from "../../src/tags/sources.ts";

const SHUFFLED = [
  "pixiv",
  "zerochan",
  "yandere",
  "konachan",
  "danbooru",
  "aibooru",
  "gelbooru",
  "Aibooru",
  "e621",
];

Deno.test("compareSources() puts the four indexed sites first, then goes by name", () => {
  assertEquals(SHUFFLED.toSorted(compareSources), [
    "danbooru",
    "e621",
    "gelbooru",
    "yandere",
    "Aibooru",
    "aibooru",
    "konachan",
    "pixiv",
    "zerochan",
  ]);
});

Deno.test("compareMergedSources() puts konachan and pixiv before the others", () => {
  assertEquals(SHUFFLED.toSorted(compareMergedSources), [
    "danbooru",
    "e621",
    "gelbooru",
    "yandere",
    "konachan",
    "pixiv",
    "Aibooru",
    "aibooru",
    "zerochan",
  ]);
});

Deno.test("compareSources() answers 0 for the same name only", () => {
  assertEquals(compareSources("x", "x"), 0);
  assertEquals(compareSources("danbooru", "danbooru"), 0);
  assertEquals(Math.sign(compareSources("x", "y")), -Math.sign(compareSources("y", "x")));
});
