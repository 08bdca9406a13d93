import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  firstNotBelow,
  includesSorted,
  intersectInto,
  subtractInto,
} from "../../src/base/int32_set.ts";
import { runs } from "../support/tier.ts";

/** Ascending without repeats, some short and some long, so that both ways of intersection are taken. */
const setArbitrary = fc.oneof(
  fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 12 }),
  fc.uniqueArray(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 12 }),
  fc.record({ start: fc.nat(60), step: fc.integer({ min: 1, max: 3 }), length: fc.nat(900) })
    .map(({ start, step, length }) => Array.from({ length }, (_, i) => start + i * step)),
).map((values) => Int32Array.from(values).sort());

const pairs = fc.tuple(setArbitrary, setArbitrary);

Deno.test("intersectInto() equals the intersection of sets, in place too", () => {
  fc.assert(
    fc.property(pairs, ([left, right]) => {
      const expected = [...new Set(left).intersection(new Set(right))].sort((a, b) => a - b);
      const out = new Int32Array(Math.min(left.length, right.length));
      assertEquals([...out.subarray(0, intersectInto(left, right, out))], expected);
      const own = left.slice();
      assertEquals([...own.subarray(0, intersectInto(own, right, own))], expected);
    }),
    { numRuns: runs(300, 20_000) },
  );
});

Deno.test("subtractInto() equals the difference of sets, in place too", () => {
  fc.assert(
    fc.property(pairs, ([left, right]) => {
      const expected = [...new Set(left).difference(new Set(right))].sort((a, b) => a - b);
      const out = new Int32Array(left.length);
      assertEquals([...out.subarray(0, subtractInto(left, right, out))], expected);
      const own = left.slice();
      assertEquals([...own.subarray(0, subtractInto(own, right, own))], expected);
    }),
    { numRuns: runs(300, 20_000) },
  );
});

Deno.test("intersectInto() and subtractInto() leave what they read alone", () => {
  const left = Int32Array.of(1, 3, 5);
  const right = Int32Array.from({ length: 100 }, (_, i) => i);
  intersectInto(left, right, new Int32Array(3));
  subtractInto(left, right, new Int32Array(3));
  subtractInto(right, left, new Int32Array(100));
  assertEquals(left, Int32Array.of(1, 3, 5));
  assertEquals(right, Int32Array.from({ length: 100 }, (_, i) => i));
});

Deno.test("intersectInto() at every ratio of lengths around the change of algorithm", () => {
  for (let length = 0; length <= 100; length++) {
    const large = Int32Array.from({ length }, (_, i) => 2 * i);
    for (const small of [[], [0], [1], [2 * length], [0, 2, 4], [-1, 50, 99, 198, 200]]) {
      const left = Int32Array.from(small);
      const expected = small.filter((value) => large.includes(value));
      for (const [a, b] of [[left, large], [large, left]]) {
        const out = new Int32Array(left.length);
        assertEquals([...out.subarray(0, intersectInto(a, b, out))], expected);
      }
    }
  }
});

Deno.test("firstNotBelow() and includesSorted() equal a search from the start", () => {
  fc.assert(
    fc.property(
      setArbitrary,
      fc.integer({ min: -3, max: 1000 }),
      fc.nat(50),
      (values, value, at) => {
        const start = Math.min(at, values.length);
        const place = values.findIndex((other, i) => i >= start && other >= value);
        assertEquals(firstNotBelow(values, value, start), place < 0 ? values.length : place);
        assertEquals(includesSorted(values, value), values.includes(value));
      },
    ),
    { numRuns: runs(300, 20_000) },
  );
});
