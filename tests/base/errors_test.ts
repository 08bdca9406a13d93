import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { AppError, invariant, toMessage } from "../../src/base/errors.ts";
import { ID_MAX, isId } from "../../src/base/ids.ts";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";

Deno.test("AppError carries code, remedy, details and cause", () => {
  const cause = new TypeError("deep");
  const error = new AppError("locked", "in use", { remedy: "wait", details: { pid: 4 }, cause });
  assertInstanceOf(error, Error);
  assertEquals(
    [error.name, error.code, error.message, error.remedy, error.details, error.cause],
    ["AppError", "locked", "in use", "wait", { pid: 4 }, cause],
  );
  assertEquals(String(error), "AppError: in use");
});

Deno.test("QuerySyntaxError is a SyntaxError with a place", () => {
  const error = new QuerySyntaxError("bad", { offset: 5 });
  assertInstanceOf(error, SyntaxError);
  assertEquals([error.name, error.offset, error.suggestion], ["QuerySyntaxError", 5, undefined]);
});

Deno.test("invariant() throws a programmer's error when the condition is false", () => {
  invariant(true, "never");
  const error = assertThrows(() => invariant(0, "counts agree"), Error, "counts agree");
  assert(!(error instanceof AppError));
});

Deno.test("toMessage() takes anything thrown", () => {
  const table: [unknown, string][] = [
    [new RangeError("far"), "far"],
    ["text", "text"],
    [null, "null"],
    [undefined, "undefined"],
    [{}, "[object Object]"],
  ];
  for (const [thrown, expected] of table) assertEquals(toMessage(thrown), expected);
});

Deno.test("isId() takes whole numbers from 1 that fit int32", () => {
  for (const id of [1, 2, ID_MAX]) assert(isId(id), `${id}`);
  for (const no of [0, -1, 1.5, ID_MAX + 1, NaN, Infinity, "1", 1n, null, undefined]) {
    assert(!isId(no), `${no}`);
  }
  assertEquals(ID_MAX, Int32Array.of(ID_MAX)[0]);
});
