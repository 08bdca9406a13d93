import { assertEquals, assertMatch } from "@std/assert";
import type { TagCategory } from "../../src/tags/category.ts";
import {
  categoryOfListNumber,
  NumberingEvidence,
  type TagNumbering,
} from "../../src/tags/tag_numbering.ts";

const DANBOORU = "highres|5 solo|0 somebody|1 animated|5";
const E621 = "mammal|5 hi_res|7 anthro|0 solo|0 somebody|1";
const MERGED = "highres|5 mammal|12 hi_res|14 anthro|7 animated|5";

/** What `name|number` pairs are found to be. */
function decide(rows: string, fileName = "list.csv") {
  const evidence = new NumberingEvidence();
  for (const row of rows.split(" ")) {
    const [name, number] = row.split("|");
    evidence.add(name, Number(number));
  }
  return evidence.decide(fileName);
}

Deno.test("categoryOfListNumber() knows each site's numbers, and adds 7 to e621's in merged lists", () => {
  const expected: Record<TagNumbering, (TagCategory | undefined)[]> = {
    danbooru: ["general", "artist", undefined, "copyright", "character", "meta", undefined],
    e621: [
      ...["general", "artist", "artist", "copyright", "character", "species"] as const,
      ...["general", "meta", "meta", undefined] as const,
    ],
    merged: [
      ...["general", "artist", undefined, "copyright", "character", "meta", undefined] as const,
      ...["general", "artist", "artist", "copyright", "character", "species"] as const,
      ...["general", "meta", "meta", undefined] as const,
    ],
  };
  for (const [numbering, categories] of Object.entries(expected)) {
    const found = categories.map((_, i) => categoryOfListNumber(numbering as TagNumbering, i));
    assertEquals(found, categories, numbering);
  }
});

Deno.test("NumberingEvidence recognises lists by names that every one of them has", () => {
  assertEquals(decide(DANBOORU), { numbering: "danbooru", isGuess: false });
  assertEquals(decide(E621), { numbering: "e621", isGuess: false });
  assertEquals(decide(MERGED), { numbering: "merged", isGuess: false });
  // Neither a stray number nor the name of the file is stronger than these.
  assertEquals(decide(`${DANBOORU} odd|2`, "e621.csv"), { numbering: "danbooru", isGuess: false });
});

Deno.test("NumberingEvidence goes by the numbers where no name is known", () => {
  const cases: [rows: string, fileName: string, numbering: string, isGuess: boolean][] = [
    ["a|0 b|1 c|3 d|4", "x.csv", "danbooru", false],
    ["a|2", "x.csv", "e621", false],
    ["a|6 b|8", "x.csv", "e621", false],
    ["a|9", "x.csv", "merged", false],
    ["a|5", "x.csv", "danbooru", true],
    ["a|5", "e621_2024.csv", "e621", false],
    ["a|5", "my danbooru.csv", "danbooru", false],
    ["a|5 b|7", "x.csv", "e621", true],
    ["a|5 b|7", "danbooru_e621.csv", "merged", false],
    ["a|99 b|0", "x.csv", "danbooru", false],
  ];
  for (const [rows, fileName, numbering, isGuess] of cases) {
    assertEquals<unknown>(decide(rows, fileName), { numbering, isGuess }, `${rows} in ${fileName}`);
  }
});

Deno.test("NumberingEvidence gives no answer where lists contradict themselves", () => {
  const mixed = decide("highres|5 mammal|5 absurdres|5 canid|5");
  assertMatch(mixed.numbering === null ? mixed.reason : "", /different sites/);
  const foreign = decide("a|0 b|6 c|9 d|11");
  assertMatch(foreign.numbering === null ? foreign.reason : "", /0, 6, 9, 11/);
});
