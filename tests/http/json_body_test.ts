import { assert, assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { findJsonFault, parseJsonText } from "../../src/http/json_body.ts";
import { makeRandom } from "../support/random.ts";

Deno.test("findJsonFault() names the place where text stops being JSON", () => {
  const table: [text: string, offset: number][] = [
    ['{"a":1,}', 7],
    ["[1,2", 4],
    ['{"a" 1}', 5],
    ["{a:1}", 1],
    ["[1 2]", 3],
    ["[1,]", 3],
    ["[,1]", 1],
    ["[01]", 1],
    ["[1.]", 1],
    ["[truely]", 1],
    ['{"a":"\\x"}', 5],
    ['["a\nb"]', 1],
    ['{"a":1}}', 7],
    ["[}", 1],
    ["]", 0],
    ["", 0],
    ["  ", 2],
    ['[{"a":[1,{"b":"c"}', 18],
    ["\ufeff1", 0],
    ["1 2", 2],
  ];
  for (const [text, offset] of table) {
    assertThrows(() => JSON.parse(text), SyntaxError, undefined, text);
    assertEquals(findJsonFault(text), offset, JSON.stringify(text));
  }
});

Deno.test("parseJsonText() says line and column, and is not deceived by texts in texts", () => {
  const refusal = (text: string, depth = 4) => {
    const error = assertThrows(() => parseJsonText(text, depth), AppError);
    assertEquals(error.code, "bad_request");
    return [error.message, error.details?.offset];
  };
  assertEquals(refusal('{\n  "a": tru\n}'), ["The body is not JSON: see line 2, column 8", 9]);
  assertEquals(refusal("[1"), ["The body is not JSON: it ends too early", 2]);
  const deep = "The body has more than 4 lists and objects within each other: see line 1, column";
  assertEquals(refusal('[[[[["x"]]]]]'), [`${deep} 5`, 4]);
  assertEquals(refusal('{"a":["\\\\",[[["x"]]]]}'), [`${deep} 14`, 13]);
  const allowed = ['[[[["[[[["]]]]', '{"\\"[[[[[[":["{{{{{{"]}', "[[],[],[],[],[],[[[]]]]", "3"];
  for (const text of allowed) assertEquals(parseJsonText(text, 4), JSON.parse(text));
});

Deno.test("findJsonFault() finds a fault in every damaged text, no later than its end", () => {
  const random = makeRandom(7);
  const whole = JSON.stringify({
    a: [1, -2.5e3, 'x\\"é', { b: null, c: [true, false, {}] }],
    d: [],
  });
  for (let i = 0; i < 500; i++) {
    const at = random.int(whole.length);
    const letter = random.pick([...'{}[]:,"x1 \\']);
    const damaged = whole.slice(0, at) + letter + whole.slice(at + 1);
    if (parses(damaged)) continue;
    const offset = findJsonFault(damaged);
    assert(offset <= damaged.length, damaged);
    // All that stands before the fault can begin a text that is JSON.
    assertEquals(findJsonFault(damaged.slice(0, offset)), offset, damaged);
  }
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
