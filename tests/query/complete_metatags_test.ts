import { assert, assertEquals } from "@std/assert";
import { completeMetatags, nameOptionsOf } from "../../src/query/complete_metatags.ts";
import { METATAGS } from "../../src/query/metatags.ts";
import { parseQuery } from "../../src/query/parser.ts";

function values(text: string, limit = 6): string[] {
  return completeMetatags(text, limit).map((completion) => completion.value);
}

Deno.test("completeMetatags() completes names, other names and values", () => {
  const table: [string, string[]][] = [
    ["rati", ["ratio:", "rating:"]],
    ["RATIN", ["rating:"]],
    ["ext", ["ext:"]],
    ["order:sc", ["order:score", "order:score_asc"]],
    ["Rating:E", ["rating:explicit"]],
    ["rating:general,q", ["rating:general,questionable"]],
    ["filetype:png,w", ["filetype:png,webp", "filetype:png,webm"]],
    ["order:score,wid", []],
    ["is:favou", ["is:favourite"]],
    ["has:chi", ["has:children", "has:child"]],
    // The example tells what can follow.
    ["score:", ["score:"]],
    ["score:5", []],
    ["re:zero", []],
    ["artist:", []],
    ["unaliased:x", []],
    [":", []],
    ["", []],
    ["no_such", []],
  ];
  for (const [text, expected] of table) assertEquals(values(text), expected, text);
  assertEquals(values("order:", 2).length, 2);
});

Deno.test("completeMetatags() offers only what a search understands", () => {
  for (const { name, values: words } of METATAGS) {
    assert(values(name, 100).includes(`${name}:`), name);
    if (words.length === 0) continue;
    const completions = completeMetatags(`${name}:`, 1_000);
    assert(completions.length > 0, name);
    for (const { value, summary } of completions) {
      assert(summary !== "");
      // These two refer to another term.
      if (!["order:similar", "order:custom"].includes(value)) parseQuery(value);
    }
  }
});

Deno.test("nameOptionsOf() knows the prefixes of tag names", () => {
  assertEquals(nameOptionsOf("artist")?.category, "artist");
  assertEquals(nameOptionsOf("CHAR")?.category, "character");
  assertEquals(nameOptionsOf("unaliased")?.isLiteral, true);
  assertEquals([nameOptionsOf("rating"), nameOptionsOf("re"), nameOptionsOf("")], [
    undefined,
    undefined,
    undefined,
  ]);
});
