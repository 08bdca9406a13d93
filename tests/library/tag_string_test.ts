import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { TAG_STRING_WORDS_MAX } from "../../src/base/limits.ts";
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

Deno.test("splitTagString() takes a run that is a tag for that tag, and has an end", () => {
  const own = new Set(["-_-", 'x:"a']);
  const words = splitTagString('-_- x:"a b" --_-', (run) => own.has(run) ? run : null);
  assertEquals(words.map(({ text, isRemoved, ownName }) => [text, isRemoved, ownName]), [
    ["-_-", false, "-_-"],
    ['x:"a', false, 'x:"a'],
    ['b"', false, null],
    ["-_-", true, null],
  ]);
  assertEquals(splitTagString("a ".repeat(TAG_STRING_WORDS_MAX)).length, TAG_STRING_WORDS_MAX);
  assertThrows(() => splitTagString("a ".repeat(TAG_STRING_WORDS_MAX + 1)), AppError);
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
