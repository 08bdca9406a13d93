import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseIntegerColumn, parseIntegers } from "../../src/store/packed.ts";

const encoder = new TextEncoder();
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

Deno.test("parseIntegers() reads what was joined by any separator", () => {
  fc.assert(
    fc.property(
      fc.array(int32, { minLength: 1 }),
      fc.constantFrom(",", " ", ";", "\u001f"),
      (values, separator) => {
        const out = new Int32Array(values.length + 2);
        assertEquals(parseIntegers(encoder.encode(values.join(separator)), out), values.length);
        assertEquals([...out], [...values, 0, 0]);
      },
    ),
  );
});

Deno.test("parseIntegers() of nothing is nothing", () => {
  assertEquals(parseIntegers(new Uint8Array(), new Int32Array(1)), 0);
});

Deno.test("parseIntegers() refuses an array that is too short", () => {
  assertThrows(() => parseIntegers(encoder.encode("1,2,3"), new Int32Array(2)), RangeError);
});

Deno.test("parseIntegerColumn() wants exactly as many as there are rows", () => {
  assertEquals(parseIntegerColumn(encoder.encode("-1,0,7"), 3), Int32Array.of(-1, 0, 7));
  assertEquals(parseIntegerColumn(new Uint8Array(), 0), new Int32Array());
  for (const count of [0, 2, 4]) {
    assertThrows(() => parseIntegerColumn(encoder.encode("-1,0,7"), count), RangeError);
  }
});
