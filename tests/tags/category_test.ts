import { assertEquals } from "@std/assert";
import {
  CATEGORY_PRECEDENCE,
  categoryOfDanbooruNumber,
  categoryOfSiteWord,
  DANBOORU_CATEGORY_NUMBERS,
  isTagCategory,
  splitNamespace,
  strongerCategory,
  TAG_CATEGORIES,
  type TagCategory,
} from "../../src/tags/category.ts";

Deno.test("CATEGORY_PRECEDENCE names every category once", () => {
  assertEquals([...CATEGORY_PRECEDENCE].sort(), [...TAG_CATEGORIES].sort());
});

Deno.test("isTagCategory() knows the categories of the database and nothing else", () => {
  for (const category of TAG_CATEGORIES) assertEquals(isTagCategory(category), true);
  for (const value of ["", "General", "circle", "toString", 0, null, undefined]) {
    assertEquals(isTagCategory(value), false, String(value));
  }
});

Deno.test("strongerCategory() prefers the specific, and anything to the unknown", () => {
  const cases: [TagCategory | null, TagCategory | null, TagCategory | null][] = [
    ["general", "artist", "artist"],
    ["artist", "general", "artist"],
    ["character", "copyright", "character"],
    ["meta", "species", "species"],
    [null, "general", "general"],
    ["meta", null, "meta"],
    [null, null, null],
  ];
  for (const [left, right, expected] of cases) {
    assertEquals(strongerCategory(left, right), expected, `${left} ${right}`);
  }
});

Deno.test("categoryOfDanbooruNumber() reads the numbers that Danbooru uses", () => {
  const expected = ["general", "artist", undefined, "copyright", "character", "meta", undefined];
  assertEquals([0, 1, 2, 3, 4, 5, 6].map(categoryOfDanbooruNumber), expected);
  assertEquals(categoryOfDanbooruNumber(NaN), undefined);
});

Deno.test("DANBOORU_CATEGORY_NUMBERS has no number for species but general's", () => {
  assertEquals(DANBOORU_CATEGORY_NUMBERS.species, DANBOORU_CATEGORY_NUMBERS.general);
});

Deno.test("categoryOfSiteWord() maps what only some sites know", () => {
  const cases: [string, TagCategory | undefined][] = [
    ["species", "species"],
    ["contributor", "artist"],
    ["lore", "meta"],
    ["invalid", "general"],
    ["circle", "artist"],
    ["faults", "meta"],
    ["style", "general"],
    ["metadata", "meta"],
    ["Artist", "artist"],
    ["rating", undefined],
    ["__proto__", undefined],
    ["", undefined],
  ];
  for (const [word, expected] of cases) assertEquals(categoryOfSiteWord(word), expected, word);
});

Deno.test("splitNamespace() splits known namespaces only, at the first colon", () => {
  const cases: [string, TagCategory | null, string][] = [
    ["creator:foo", "artist", "foo"],
    ["Series:re:zero", "copyright", "re:zero"],
    ["character: miku", "character", " miku"],
    ["rating:safe", "rating", "safe"],
    ["re:zero", null, "re:zero"],
    ["title:foo", null, "title:foo"],
    [":artist", null, ":artist"],
    ["artist", null, "artist"],
    ["constructor:x", null, "constructor:x"],
    ["", null, ""],
  ];
  for (const [text, category, name] of cases) {
    assertEquals(splitNamespace(text), { category, name }, text);
  }
});
