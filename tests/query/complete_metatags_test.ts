import { assert, assertEquals } from "@std/assert";
import {
  completeMetatags,
  correctMetatag,
  nameOptionsOf,
} from "../../src/query/complete_metatags.ts";
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
    ["ord", ["order:", "ordpool:", "ordfav:"]],
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
  assertEquals(values("order:"), [
    "order:score",
    "order:random",
    "order:date",
    "order:date_asc",
    "order:landscape",
    "order:portrait",
  ]);
  // The search box asks for so many behind a colon.
  const all = values("order:", 50);
  for (const order of ["similar", "custom", "id", "tagcount_asc"]) {
    assert(all.includes(`order:${order}`), order);
  }
});

Deno.test("completeMetatags() offers only what a search understands", () => {
  for (const { name, values: words } of METATAGS) {
    assert(values(name, 100).includes(`${name}:`), name);
    if (words.length === 0) continue;
    const completions = completeMetatags(`${name}:`, 1_000);
    assert(completions.length > 0, name);
    for (const { value, summary, example } of completions) {
      assert(summary !== "" && example === value);
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

Deno.test("completeMetatags() says what each value finds", () => {
  const about = (text: string) => completeMetatags(text, 1)[0].summary;
  assertEquals(
    ["order:favc", "rating:e", "is:sf", "pool:n", "has:chil", "filetype:p", "danbooru:n"].map(
      about,
    ),
    [
      "the most favourites at its site first",
      "rated explicit",
      "rated general or sensitive",
      "in no pool",
      "has children",
      "PNG files",
      "has none",
    ],
  );
});

Deno.test("correctMetatag() gives the metatag that was nearly typed", () => {
  const table: [string, string[]][] = [
    ["scor:>5", ["score:>5"]],
    ["score>5", ["score:>5"]],
    ["Score=5", ["score:5"]],
    ["width>=5", ["width:>=5"]],
    ["widht:>", ["width:>"]],
    ["ratting:e", ["rating:e"]],
    ["ordr:score", ["order:score"]],
    ["favcnt:1", ["favcount:1"]],
    // Metatags, tags and what is neither.
    ["score:5", []],
    ["re:zero", []],
    ["artis:x", []],
    ["^_^", []],
    [":)", []],
    ["", []],
  ];
  for (const [text, expected] of table) {
    assertEquals(correctMetatag(text).map(({ value }) => value).slice(0, 1), expected, text);
  }
});
