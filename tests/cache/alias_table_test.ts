import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { AliasTable } from "../../src/cache/alias_table.ts";
import { packTexts } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

const CHAIN: [string, string][] = [["kitty", "cat"], ["cat", "feline"], ["neko", "cat"]];

Deno.test("AliasTable.resolve() follows aliases to their end", () => {
  const table = AliasTable.of(CHAIN);
  assertEquals(["kitty", "cat", "neko"].map((name) => table.resolve(name)), [
    "feline",
    "feline",
    "feline",
  ]);
  assertEquals(table.resolve("feline"), "feline");
  assertEquals(table.resolve("dog"), "dog");
  assertEquals(AliasTable.EMPTY.resolve("dog"), "dog");
  assertEquals([table.size, AliasTable.EMPTY.size], [3, 0]);
});

Deno.test("AliasTable.resolve() gives the name itself where aliases lead in a circle", () => {
  const table = AliasTable.of([["a", "b"], ["b", "c"], ["c", "b"], ["self", "self"]]);
  for (const name of ["a", "b", "c", "self"]) assertEquals(table.resolve(name), name);
  for (const name of ["a", "b", "c", "self"]) assertEquals(table.aliasesOf(name), []);
});

Deno.test("AliasTable.resolve() of a long chain is quick", () => {
  const length = 20_000;
  const chain = Array.from({ length }, (_, i): [string, string] => [`n${i}`, `n${i + 1}`]);
  const table = AliasTable.of(chain);
  assertEquals(table.resolve("n0"), `n${length}`);
  assertEquals(table.aliasesOf(`n${length}`).length, length);
});

Deno.test("AliasTable.aliasesOf() is resolve() the other way round, in any tangle", () => {
  const name = fc.constantFrom(..."abcdefgh");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, name)), (entries) => {
      const table = AliasTable.of(entries);
      for (const wanted of "abcdefgh") {
        const expected = [..."abcdefgh"].filter((name) =>
          name !== wanted && table.resolve(name) === wanted
        );
        assertEquals(table.aliasesOf(wanted).toSorted(), expected);
        assertEquals(table.resolve(table.resolve(wanted)), table.resolve(wanted));
      }
    }),
    { numRuns: runs(200, 5_000) },
  );
});

Deno.test("AliasTable.aliasesOf() gives every name that means this one", () => {
  const table = AliasTable.of(CHAIN);
  assertEquals(table.aliasesOf("feline"), ["kitty", "cat", "neko"]);
  assertEquals(table.aliasesOf("cat"), [], "who asks for it means another");
  assertEquals([...table.entries()], CHAIN, "chains are not followed");
});

Deno.test("AliasTable.build() decodes packed aliases", async () => {
  const entries: [string, string][] = [["日本", "japan"], ["\ufeffbom", ""], ["a,b", "c\u0000d"]];
  const table = await AliasTable.build(packTexts(entries.flat()));
  assertEquals([...table.entries()], entries);
});
