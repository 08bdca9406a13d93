import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import { fieldOf, isJsonObject, numberOf, objectFieldOf, parseJson } from "../../src/tags/json.ts";

Deno.test("parseJson() keeps every number as it is written", () => {
  const texts = [
    "12345678901234567890",
    "4.0",
    "-0",
    "1e400",
    "0.1000",
    '{"id":9007199254740993,"duration":4.0,"list":[1,2.50]}',
    '{"a":{"rawJSON":"1"}}',
  ];
  for (const text of texts) assertEquals(JSON.stringify(parseJson(text)), text);
});

Deno.test("parseJson() reads what JSON.parse() reads", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    assertEquals(JSON.parse(JSON.stringify(parseJson(text))), JSON.parse(text));
  }));
});

Deno.test("parseJson() skips a byte order mark", () => {
  assertEquals(parseJson('\ufeff{"a":1}'), { a: 1 });
});

Deno.test("parseJson() says where the text stops to be JSON", () => {
  for (const text of ["", "{", '{"a":1,}', "nul", "[1}", '{"a":NaN}', "1 2"]) {
    const error = assertThrows(() => parseJson(text), AppError, "Cannot read the JSON");
    assertEquals((error as AppError).code, "bad_request", text);
  }
});

Deno.test("parseJson() refuses what is nested too deep, but no brackets in strings", () => {
  assertThrows(() => parseJson("[".repeat(1_000_000)), AppError, "nested too deep");
  assertThrows(() => parseJson('{"a":'.repeat(201)), AppError, "nested too deep");
  const flat = `["${"[".repeat(1_000)}\\"${"{".repeat(1_000)}",${"[],".repeat(1_000)}1]`;
  assertEquals((parseJson(flat) as unknown[]).length, 1_002);
  assertEquals(JSON.stringify(parseJson("[".repeat(200) + "]".repeat(200))).length, 400);
});

Deno.test("isJsonObject() takes neither lists nor raw numbers for objects", () => {
  assertEquals(isJsonObject({}), true);
  for (const value of [[], null, "x", 1, undefined, parseJson("4.0")]) {
    assertEquals(isJsonObject(value), false);
  }
});

Deno.test("fieldOf() and objectFieldOf() see own fields only", () => {
  const object = parseJson('{"__proto__":{"inherited":1},"a":{"b":2},"c":[1]}');
  if (!isJsonObject(object)) throw new Error("no object");
  assertEquals(fieldOf(object, "inherited"), undefined);
  assertEquals(fieldOf(object, "toString"), undefined);
  assertEquals(objectFieldOf(object, "a"), { b: 2 });
  assertEquals(objectFieldOf(object, "c"), {});
  assertEquals(objectFieldOf(object, "d"), {});
  assertEquals(({} as Record<string, unknown>).inherited, undefined);
});

Deno.test("numberOf() reads numbers, raw numbers and numbers as text", () => {
  const cases: [unknown, number | undefined][] = [
    [1.5, 1.5],
    [parseJson("4.0"), 4],
    ["12", 12],
    [" -3.5 ", -3.5],
    ["1e3", 1000],
    ["", undefined],
    ["0x10", undefined],
    ["12abc", undefined],
    [parseJson("1e400"), undefined],
    [NaN, undefined],
    [true, undefined],
    [[1], undefined],
    [null, undefined],
  ];
  for (const [value, expected] of cases) assertEquals(numberOf(value), expected);
});
