import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";

class Point {
  constructor(public x: number, public y: number) {}
}

class Hidden {
  #size: number;
  constructor(size: number) {
    this.#size = size;
  }
  get size(): number {
    return this.#size;
  }
}

const key = Symbol("key");

/** Runs `check` and returns the message of its failure, without trust in the functions under test. */
function messageOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error("The assertion passed");
}

function throwError(error: unknown): never {
  throw error;
}

function cyclic(value: unknown): unknown {
  const object: Record<string, unknown> = { value };
  object.self = object;
  return object;
}

const EQUAL: [unknown, unknown][] = [
  [1, 1],
  [0, -0],
  [NaN, NaN],
  ["a", "a"],
  [undefined, undefined],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }],
  [{ a: 1 }, Object.assign(Object.create(null), { a: 1 })],
  [{ [key]: 1 }, { [key]: 1 }],
  [[1, [2, { a: 3 }]], [1, [2, { a: 3 }]]],
  [new Date(5), new Date(5)],
  [new Date(NaN), new Date(NaN)],
  [/a/g, Object.assign(/a/g, { lastIndex: 1 })],
  [new URL("https://a.example/"), new URL("https://a.example")],
  [new Set([1, 2]), new Set([2, 1])],
  [new Set([{ a: 1 }, [2]]), new Set([[2], { a: 1 }])],
  [new Map([["a", [1]], ["b", [2]]]), new Map([["b", [2]], ["a", [1]]])],
  [new Map([[{ a: 1 }, 1]]), new Map([[{ a: 1 }, 1]])],
  [new Uint8Array([1, 2]), new Uint8Array([0, 1, 2]).subarray(1)],
  [new Float64Array([NaN, 0]), new Float64Array([NaN, -0])],
  [new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
  [new Point(1, 2), new Point(1, 2)],
  [new Hidden(1), new Hidden(1)],
  [cyclic(1), cyclic(1)],
];

const DIFFERENT: [unknown, unknown][] = [
  [1, 2],
  [1, "1"],
  [1, 1n],
  [null, undefined],
  [null, {}],
  [{}, []],
  [{ a: 1 }, { a: 2 }],
  [{ a: 1 }, { a: 1, b: undefined }],
  [{ a: undefined }, { b: undefined }],
  [{ [key]: 1 }, { [key]: 2 }],
  [{ toString: Object.prototype.toString }, {}],
  [[1, 2], [2, 1]],
  [[1, 2], [1, 2, 3]],
  [new Array(1), [undefined]],
  [new Date(5), new Date(6)],
  [new Date(5), new Date(NaN)],
  [new Date(5), 5],
  [/a/g, /a/i],
  [new URL("https://a.example/"), new URL("https://b.example/")],
  [new Set([1, 2]), new Set([1, 3])],
  [new Set([1]), new Set([1, 2])],
  [new Set([{ a: 1 }]), new Set([{ a: 2 }])],
  [new Map([["a", 1]]), new Map([["a", 2]])],
  [new Map([["a", 1]]), new Map([["b", 1]])],
  [new Map([["a", undefined]]), new Map([["b", undefined]])],
  [new Map([[{ a: 1 }, 1]]), new Map([[{ a: 1 }, 2]])],
  [new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  [new Uint8Array([1]), new Uint8Array([1, 2])],
  [new Uint8Array([1]), new Int8Array([1])],
  [new Uint8Array([1]), [1]],
  [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
  [new Point(1, 2), { x: 1, y: 2 }],
  [new Point(1, 2), new Point(1, 3)],
  [new Hidden(1), new Hidden(2)],
  [new Error("a"), new Error("b")],
  [new Error("a"), new TypeError("a")],
  [cyclic(1), cyclic(2)],
  [() => 1, () => 1],
];

Deno.test("equal() compares values, however deep", () => {
  for (const [a, b] of EQUAL) {
    assert(equal(a, b), Deno.inspect([a, b]));
    assert(equal(b, a), Deno.inspect([b, a]));
  }
});

Deno.test("equal() tells values apart", () => {
  for (const [a, b] of DIFFERENT) {
    assert(!equal(a, b), Deno.inspect([a, b]));
    assert(!equal(b, a), Deno.inspect([b, a]));
  }
});

Deno.test("equal() compares what weak references point to", () => {
  const targets = [[1], [1], [2]];
  const [first, same, other] = targets.map((target) => new WeakRef(target));
  assert(equal(first, same));
  assert(!equal(first, other));
  assert(targets.every(Array.isArray));
});

Deno.test("equal() refuses what cannot be compared", () => {
  assertThrows(() => equal(new WeakMap(), new WeakMap()), TypeError, "WeakMap");
  assertThrows(() => equal(new WeakSet(), new WeakSet()), TypeError, "WeakSet");
});

Deno.test("assertEquals() and assertNotEquals() agree with equal()", () => {
  for (const [a, b] of EQUAL) {
    assertEquals(a, b);
    messageOf(() => assertNotEquals(a, b));
  }
  for (const [a, b] of DIFFERENT) {
    assertNotEquals(a, b);
    messageOf(() => assertEquals(a, b));
  }
});

/** Returns the lines of a message without colors and without the white space around them. */
function linesOf(message: string): string[] {
  // deno-lint-ignore no-control-regex
  return message.replace(/\x1b\[\d+m/g, "").split("\n").map((line) => line.trim());
}

Deno.test("assertEquals() shows the lines that differ, and the message", () => {
  const message = messageOf(() => assertEquals({ a: 1, b: 2, c: 3 }, { a: 1, b: 9, c: 3 }, "why"));
  assertStringIncludes(message, "Values are not equal: why");
  const lines = linesOf(message);
  assert(lines.some((line) => /^- +b: 2,$/.test(line)), message);
  assert(lines.some((line) => /^\+ +b: 9,$/.test(line)), message);
  assert(lines.includes("a: 1,"), message);
  assert(lines.includes("c: 3,"), message);
});

Deno.test("assertEquals() lines up what both values have", () => {
  const message = messageOf(() => assertEquals([2, 3, 4, 9], [1, 2, 4, 5, 9]));
  const lines = linesOf(message).filter((line) => /\d,$/.test(line)).map((line) =>
    line.replaceAll(" ", "")
  );
  assertEquals(lines, ["+1,", "2,", "-3,", "4,", "+5,", "9,"]);
});

Deno.test("assertEquals() shows what differs in long values", () => {
  const left = Array.from({ length: 3000 }, (_, i) => i);
  const right = Array.from({ length: 3000 }, (_, i) => i + 0.5);
  assertStringIncludes(messageOf(() => assertEquals(left, right)), "2999.5");
});

Deno.test("assert() and assertFalse() look at truth", () => {
  for (const value of [1, "a", {}, [], true]) {
    assert(value);
    messageOf(() => assertFalse(value));
  }
  for (const value of [0, "", null, undefined, false, 0n, NaN]) {
    assertFalse(value);
    messageOf(() => assert(value));
  }
  assertStrictEquals(messageOf(() => assert(false, "why")), "why");
});

Deno.test("assertStrictEquals() wants the same value", () => {
  const value = { a: 1 };
  assertStrictEquals(value, value);
  assertStrictEquals(NaN, NaN);
  assertStringIncludes(
    messageOf(() => assertStrictEquals(value, { a: 1 })),
    "not reference-equal",
  );
  assertStringIncludes(messageOf(() => assertStrictEquals(0, -0)), "not strictly equal");
  assertStringIncludes(messageOf(() => assertStrictEquals("a", "b", "why")), "why");
});

Deno.test("assertExists() lets all pass but null and undefined", () => {
  for (const value of [0, "", false, NaN]) assertExists(value);
  messageOf(() => assertExists(null));
  assertStringIncludes(messageOf(() => assertExists(undefined, "why")), "why");
});

Deno.test("assertMatch() and assertStringIncludes() look into text", () => {
  assertMatch("abc", /b/);
  assertStringIncludes("abc", "bc");
  messageOf(() => assertMatch("abc", /d/));
  messageOf(() => assertStringIncludes("abc", "cb"));
});

Deno.test("assertGreater() and its kin compare", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess("a", "b");
  assertLessOrEqual(new Date(1), new Date(1));
  messageOf(() => assertGreater(1, 1));
  messageOf(() => assertGreaterOrEqual(1, 2));
  messageOf(() => assertLess(1, 1));
  messageOf(() => assertLessOrEqual(2, 1));
  assertStrictEquals(messageOf(() => assertLess(NaN, 1)), "Expect NaN < 1");
});

Deno.test("assertAlmostEquals() has a tolerance", () => {
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(Infinity, Infinity);
  assertAlmostEquals(1.4, 1, 0.5);
  messageOf(() => assertAlmostEquals(1, 1.001));
  messageOf(() => assertAlmostEquals(1, Infinity));
  messageOf(() => assertAlmostEquals(NaN, 1));
  assertStringIncludes(messageOf(() => assertAlmostEquals(1, 2, 0.5, "why")), "why");
});

Deno.test("assertArrayIncludes() compares items however deep", () => {
  assertArrayIncludes([1, { a: 2 }, [3]], [[3], { a: 2 }]);
  assertArrayIncludes(new Uint8Array([1, 2]), [2]);
  assertArrayIncludes([NaN], [NaN]);
  assertArrayIncludes([1], []);
  const message = messageOf(() => assertArrayIncludes([1, 2], [2, 77]));
  assertMatch(message, /missing: \[\s*77,?\s*\]/);
});

Deno.test("assertObjectMatch() compares only what is expected", () => {
  assertObjectMatch({ a: 1, b: { c: 2, d: 3 }, e: 4 }, { b: { c: 2 } });
  assertObjectMatch({ a: [1, { b: 2, c: 3 }, 4] }, { a: [1, { b: 2 }] });
  assertObjectMatch({ a: new Set([1, 2]), [key]: 3 }, { a: new Set([1]), [key]: 3 });
  assertObjectMatch({ a: new Map([["b", 1], ["c", 2]]) }, { a: new Map([["b", 1]]) });
  assertObjectMatch({ a: /b/, c: new Date(1) }, { a: /b/, c: new Date(1) });
  assertObjectMatch(new Point(1, 2), { x: 1 });
  messageOf(() => assertObjectMatch({ a: 1 }, { a: 2 }));
  assertStringIncludes(messageOf(() => assertObjectMatch({ a: 1 }, { b: 1 })), "a: 1");
  messageOf(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 1, c: 2 } }));
  messageOf(() => assertObjectMatch({ a: [1] }, { a: [1, 2] }));
  messageOf(() => assertObjectMatch({ a: /b/ }, { a: /c/ }));
  messageOf(() => assertObjectMatch({ a: new Date(1) }, { a: new Date(2) }));
});

Deno.test("assertInstanceOf() names both classes", () => {
  assertInstanceOf(new TypeError(), Error);
  const message = messageOf(() => assertInstanceOf(new Error(), TypeError, "why"));
  assertStringIncludes(message, '"TypeError" but was "Error": why');
  assertStringIncludes(messageOf(() => assertInstanceOf(null, Point)), 'was "null"');
});

Deno.test("assertThrows() returns what was thrown", () => {
  const error = new TypeError("bad thing");
  const throwing = () => throwError(error);
  assertStrictEquals(assertThrows(throwing), error);
  assertStrictEquals(assertThrows(throwing, TypeError), error);
  assertStrictEquals(assertThrows(throwing, Error, "bad"), error);
  assertStrictEquals(assertThrows(() => throwError("text")), "text");
});

Deno.test("assertThrows() fails on no error, another class or another message", () => {
  const throwing = () => throwError(new TypeError("bad thing"));
  assertStringIncludes(messageOf(() => assertThrows(() => 1, "why")), "to throw: why");
  assertStringIncludes(messageOf(() => assertThrows(() => 1, Error)), "to throw.");
  const otherClass = messageOf(() => assertThrows(throwing, RangeError, "bad", "why"));
  assertStringIncludes(otherClass, 'instance of "RangeError", but was "TypeError": why');
  const otherMessage = messageOf(() => assertThrows(throwing, TypeError, "good"));
  assertStringIncludes(otherMessage, 'include "good", but got "bad thing"');
  const notError = messageOf(() => assertThrows(() => throwError("text"), Error));
  assertStringIncludes(notError, "non-Error");
});

Deno.test("assertRejects() returns the reason", async () => {
  const error = new TypeError("bad thing");
  const rejecting = () => Promise.reject(error);
  assertStrictEquals(await assertRejects(rejecting), error);
  assertStrictEquals(await assertRejects(rejecting, TypeError), error);
  assertStrictEquals(await assertRejects(rejecting, Error, "bad"), error);
  assertStrictEquals(await assertRejects(() => Promise.reject("text")), "text");
});

Deno.test("assertRejects() fails on no rejection, another class, another message or a throw", async () => {
  const rejecting = () => Promise.reject(new TypeError("bad thing"));
  const cases: [() => Promise<unknown>, string][] = [
    [() => assertRejects(() => Promise.resolve(1), "why"), "to reject: why"],
    [() => assertRejects(rejecting, RangeError), 'but was "TypeError"'],
    [() => assertRejects(rejecting, TypeError, "good"), 'include "good"'],
    [() => assertRejects(() => throwError(new Error("at once"))), "throws when expected to reject"],
    [() => assertRejects(() => 1 as never), "throws when expected to reject"],
    [() => assertRejects(() => Promise.reject("text"), Error), "non-Error"],
  ];
  for (const [check, expected] of cases) {
    const error = await check().catch((error) => error);
    assertInstanceOf(error, AssertionError, expected);
    assertStringIncludes(error.message, expected);
  }
});

Deno.test("fail() and unreachable() always fail", () => {
  assertStrictEquals(messageOf(() => fail("why")), "Failed assertion: why");
  assertStringIncludes(messageOf(() => unreachable()), "Unreachable");
});

Deno.test("AssertionError is an Error with its name", () => {
  const error = new AssertionError("why", { cause: 1 });
  assertInstanceOf(error, Error);
  assertStrictEquals(`${error}`, "AssertionError: why");
  assertStrictEquals(error.cause, 1);
});
