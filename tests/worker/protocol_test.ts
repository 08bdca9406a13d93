import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";
import { encodeError, move, Moved, reviveError } from "../../src/worker/protocol.ts";

/** An error as it is after its way through a worker's border. */
function travel(error: unknown): Error {
  return reviveError(structuredClone(encodeError(error)));
}

Deno.test("reviveError() gives back class, name, message and stack", () => {
  const table: [Error, abstract new (...args: never[]) => Error][] = [
    [new Error("a"), Error],
    [new TypeError("b"), TypeError],
    [new RangeError("c"), RangeError],
    [new SyntaxError("d"), SyntaxError],
    [new AppError("corrupt", "e"), AppError],
    [new QuerySyntaxError("f", { offset: 0 }), QuerySyntaxError],
  ];
  for (const [error, constructor] of table) {
    const revived = travel(error);
    assertStrictEquals(Object.getPrototypeOf(revived).constructor, constructor);
    assertEquals(revived.name, error.name);
    assertEquals(revived.message, error.message);
    assertEquals(revived.stack, error.stack);
  }
});

Deno.test("reviveError() keeps the name of a class that it does not know", () => {
  assertEquals(travel(new Deno.errors.NotFound("gone")).name, "NotFound");
  assertEquals(travel(new URIError("odd")).name, "URIError");
  assertEquals(travel(new DOMException("late", "AbortError")).name, "AbortError");
});

Deno.test("reviveError() gives back all of an AppError", () => {
  const details = { id: 7, list: [1, null, "x"], bytes: Uint8Array.of(1, 2) };
  const revived = travel(new AppError("conflict", "m", { remedy: "do this", details }));
  assertInstanceOf(revived, AppError);
  assertEquals(revived.code, "conflict");
  assertEquals(revived.remedy, "do this");
  assertEquals(revived.details, details);
  const plain = travel(new AppError("locked", "m"));
  assertInstanceOf(plain, AppError);
  assertEquals([plain.remedy, plain.details], [undefined, undefined]);
});

Deno.test("reviveError() gives back offset and suggestion of a QuerySyntaxError", () => {
  const revived = travel(new QuerySyntaxError("m", { offset: 4, suggestion: "solo" }));
  assertInstanceOf(revived, QuerySyntaxError);
  assertEquals([revived.offset, revived.suggestion], [4, "solo"]);
  const plain = travel(new QuerySyntaxError("m", { offset: 0 }));
  assertInstanceOf(plain, QuerySyntaxError);
  assertEquals([plain.offset, plain.suggestion], [0, undefined]);
});

Deno.test("encodeError() takes whatever is thrown", () => {
  for (const thrown of ["text", 7, null, undefined, { a: 1 }]) {
    const revived = travel(thrown);
    assertEquals(revived.name, "Error");
    assertEquals(revived.message, String(thrown));
  }
});

Deno.test("move() names each buffer once and leaves shared memory alone", () => {
  const values = new Int32Array(4);
  const shared = new SharedArrayBuffer(8);
  const moved = move({ values }, [values.buffer, values.subarray(1).buffer, shared]);
  assert(moved instanceof Moved);
  assertStrictEquals(moved.value.values, values);
  assertEquals(moved.buffers, [values.buffer]);
});
