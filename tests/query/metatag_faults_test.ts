import { assert, assertEquals, assertThrows } from "@std/assert";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";
import { parseQuery } from "../../src/query/parser.ts";

function faultOf(text: string) {
  const { message, offset, suggestion } = assertThrows(() => parseQuery(text), QuerySyntaxError);
  return { message, offset, suggestion };
}

Deno.test("faults of values say what was expected, with an example", () => {
  const table: [string, string][] = [
    ["id:", "A whole number is missing, as in id:100..200"],
    [
      "id:99999999999999999999",
      "99999999999999999999 is too large: numbers have 15 digits at most",
    ],
    [
      "id:>99999999999999999999",
      ">99999999999999999999 is too large: numbers have 15 digits at most",
    ],
    ["width:wide", '"wide" is no whole number, as in width:>=1920'],
    ["danbooru:x", '"x" is no whole number, as in danbooru:12345'],
    ["order:random:", "The seed of order:random is missing: a whole number, as in order:random:7"],
    [
      "order:random:abc",
      'The seed of order:random is a whole number of up to 9 digits, not "abc"',
    ],
  ];
  for (const [text, message] of table) assertEquals(faultOf(text).message, message, text);
  assertEquals(faultOf("a order:random:abc b"), {
    message: 'The seed of order:random is a whole number of up to 9 digits, not "abc"',
    offset: 15,
    suggestion: "a order:random b",
  });
});

Deno.test("faults of words name the near ones, or the first ten", () => {
  assertEquals(faultOf("order:sorce"), {
    message: 'There is no order "sorce"; near it: score',
    offset: 6,
    suggestion: "order:score",
  });
  const unknown = faultOf("order:qqqqqqqq");
  assertEquals(unknown.suggestion, undefined);
  assertEquals(unknown.message.split(", ").length, 11);
  assert(unknown.message.endsWith(", …"));
  assertEquals(
    faultOf("rating:x").message,
    'There is no rating "x"; there are general, sensitive, questionable, explicit, any, none',
  );
  assertEquals(faultOf("rating:").message.startsWith("The rating is missing; there are"), true);
});
