import { assertEquals } from "@std/assert";
import { splitCategory, splitTagString, splitWord } from "../../src/library/tag_string.ts";

Deno.test("splitTagString() divides at white space, and keeps quoted values whole", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["  a\tb\n c\u3000d\u0085e ", ["a", "b", "c", "d", "e"]],
    ["a -b", ["a", "-b"]],
    ["-", ["-"]],
    ["--a", ["--a"]],
    ['source:"a b" c', ["source:a b", "c"]],
    ['-pool:"a b"', ["-pool:a b"]],
    ['source:"say \\"hi\\" \\\\"', ['source:say "hi" \\']],
    ['source:"open', ['source:"open']],
    ['source:"a"b', ['source:"a"b']],
    ['don\'t_say_"lazy"', ['don\'t_say_"lazy"']],
    [":) >:( re:zero", [":)", ">:(", "re:zero"]],
  ];
  for (const [text, expected] of cases) {
    const words = splitTagString(text).map((word) => `${word.isRemoved ? "-" : ""}${word.text}`);
    assertEquals(words, expected, text);
  }
  assertEquals(splitTagString('source:""')[0].value, "");
  assertEquals(splitTagString("source:x")[0].value, null);
});

Deno.test("splitWord() and splitCategory() look at the first colon", () => {
  assertEquals(splitWord("Source:http://x"), { name: "source", value: "http://x" });
  assertEquals([splitWord("plain"), splitWord(":)")], [undefined, undefined]);
  const cases: [string, string | null, string][] = [
    ["artist:x", "artist", "x"],
    ["art:x", "artist", "x"],
    ["char:re:x", "character", "re:x"],
    ["co:x", "copyright", "x"],
    ["gen:x", "general", "x"],
    ["rating:e", null, "rating:e"],
    ["re:zero", null, "re:zero"],
    ["plain", null, "plain"],
  ];
  for (const [text, category, name] of cases) {
    assertEquals(splitCategory(text), { category, name }, text);
  }
});
