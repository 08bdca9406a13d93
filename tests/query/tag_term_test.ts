import { assertEquals } from "@std/assert";
import { parseQuery } from "../../src/query/parser.ts";
import { tagNameOf, toTagTerm } from "../../src/query/tag_term.ts";

Deno.test("toTagTerm() gives text that a search reads as exactly the tag", () => {
  const table: [string, string][] = [
    ["hat", "hat"],
    ["hat_(clothing)", "hat_(clothing)"],
    ["re:zero", "re:zero"],
    ["日本", "日本"],
    [":)", ":)"],
    ['"quoted"', '"quoted"'],
    ["-_-", 'tag:"-_-"'],
    ["~x", 'tag:"~x"'],
    ["(^o^)", 'tag:"(^o^)"'],
    ["or", 'tag:"or"'],
    ["score:5", 'tag:"score:5"'],
    ["foo)", 'tag:"foo)"'],
    [".png", 'tag:".png"'],
    ["a*b", 'tag:"a\\\\*b"'],
  ];
  for (const [name, term] of table) {
    assertEquals(toTagTerm(name), term);
    for (const text of [term, `-${term}`, `(${term} or x)`]) {
      const { root } = parseQuery(text);
      const node = root.kind === "not" ? root.node : root.kind === "or" ? root.nodes[0] : root;
      assertEquals(node.kind === "tag" && node.name, name, text);
    }
  }
  assertEquals(toTagTerm("-_-", "artist:"), "artist:-_-");
  assertEquals(toTagTerm("a b", "artist:"), 'artist:"a b"');
});

Deno.test("tagNameOf() gives the tag of a word, of nothing else", () => {
  assertEquals(["hat", "artist:hat", 'tag:"-x"', "hat cap"].map(tagNameOf), [
    "hat",
    "hat",
    "-x",
    "hat",
  ]);
  assertEquals(["-hat", "score:5", "a*", "(", ""].map(tagNameOf), Array(5).fill(undefined));
});
