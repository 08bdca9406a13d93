import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { isWithinDistance } from "../../src/query/edit_distance.ts";
import { naiveDistance } from "../support/naive_autocomplete.ts";
import { runs } from "../support/tier.ts";

function isNear(left: string, right: string, distance: number): boolean {
  const signs = (text: string) => {
    const points = Int32Array.from(text, (sign) => sign.codePointAt(0)!);
    return { signs: points, length: points.length };
  };
  return isWithinDistance(signs(left), signs(right), distance);
}

Deno.test("isWithinDistance() counts signs added, left out, replaced and swapped", () => {
  const table: [string, string, number][] = [
    ["solo", "solo", 0],
    ["solo", "sollo", 1],
    ["solo", "slo", 1],
    ["solo", "sole", 1],
    ["solo", "oslo", 1],
    ["solo", "soul", 2],
    ["ca", "abc", 3],
    ["日本", "本日", 1],
    ["🎨a", "a🎨", 1],
    ["", "ab", 2],
  ];
  for (const [left, right, distance] of table) {
    assertEquals(naiveDistance(left, right), distance, `${left} ${right}`);
    for (const max of [0, 1, 2]) {
      assertEquals(isNear(left, right, max), distance <= max, `${left} ${right} ${max}`);
    }
  }
});

Deno.test("isWithinDistance() equals the whole table", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "é"), maxLength: 12 });
  fc.assert(
    fc.property(text, text, fc.nat(2), (left, right, max) => {
      assertEquals(isNear(left, right, max), naiveDistance(left, right) <= max);
    }),
    { numRuns: runs(2_000, 50_000) },
  );
});
