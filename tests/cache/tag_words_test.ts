import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { buildTagWords, isWordByte, type TagWords } from "../../src/cache/tag_words.ts";
import { packTexts } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

const decoder = new TextDecoder();

function build(names: readonly string[]): TagWords {
  const { bytes, length } = packTexts(names);
  const tagNameOffset = new Int32Array(names.length + 1);
  length.forEach((size, i) => tagNameOffset[i + 1] = tagNameOffset[i] + size);
  return buildTagWords({ tagNameOffset, tagNameBytes: bytes });
}

/** Each word with the places of its tags, in the order of the columns. */
function toEntries(words: TagWords): [string, number[]][] {
  const { wordOffset, wordBytes, wordListOffset, wordTag } = words;
  return Array.from({ length: wordOffset.length - 1 }, (_, i) => [
    decoder.decode(wordBytes.subarray(wordOffset[i], wordOffset[i + 1])),
    [...wordTag.subarray(wordListOffset[i], wordListOffset[i + 1])],
  ]);
}

Deno.test("buildTagWords() splits names at the signs of ASCII only", () => {
  const names = [
    "hair_ornament",
    "long_hair",
    "fate/stay_night",
    "re:zero",
    "hat_(clothing)",
    "jeanne_d'arc",
    "ano_hi_mita_hana.!?",
    "日本_の_絵",
    "^_^",
    "_hair__hair_",
    "",
    "k-on!2",
  ];
  const words = new Map(toEntries(build(names)));
  assertEquals(words.get("hair"), [0, 1, 9]);
  assertEquals([words.get("fate"), words.get("stay"), words.get("night")], [[2], [2], [2]]);
  assertEquals([words.get("zero"), words.get("clothing"), words.get("arc")], [[3], [4], [5]]);
  assertEquals([words.get("d"), words.get("hana"), words.get("on"), words.get("2")], [
    [5],
    [6],
    [11],
    [11],
  ]);
  assertEquals([words.get("日本"), words.get("の")], [[7], [7]]);
  assertEquals(words.has(""), false);
  assertEquals([..."azAZ09"].every((sign) => isWordByte(sign.charCodeAt(0))), true);
  assertEquals([..."_-:()/.!?'^*~ \n\0"].some((sign) => isWordByte(sign.charCodeAt(0))), false);
});

Deno.test("buildTagWords() equals splitting and sorting texts", () => {
  const name = fc.array(fc.constantFrom("ab", "b", "long", "é", "日", "_", "-", "(", ")", "2"), {
    maxLength: 8,
  }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 80 }), (names) => {
      const uses = new Map<string, Set<number>>();
      names.forEach((text, place) => {
        for (const word of text.split(/[_\-()]+/)) {
          if (word === "") continue;
          uses.set(word, (uses.get(word) ?? new Set()).add(place));
        }
      });
      // No word is outside the basic plane, so the order of texts is that of their bytes.
      const expected = [...uses].sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([word, places]) => [word, [...places]]);
      assertEquals(toEntries(build(names)), expected as [string, number[]][]);
    }),
    { numRuns: runs(60) },
  );
});

Deno.test("buildTagWords() of no tags has no words", () => {
  const { wordOffset, wordListOffset, wordTag, wordBytes } = build([]);
  assertEquals([[...wordOffset], [...wordListOffset]], [[0], [0]]);
  assertEquals([wordTag.length, wordBytes.length], [0, 0]);
});
