import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { orderByBytes } from "../../src/cache/byte_order.ts";
import { runs } from "../support/tier.ts";

function pack(texts: readonly Uint8Array[]): { offset: Int32Array; bytes: Uint8Array } {
  const offset = new Int32Array(texts.length + 1);
  texts.forEach((text, i) => offset[i + 1] = offset[i] + text.length);
  const bytes = new Uint8Array(offset[texts.length]);
  texts.forEach((text, i) => bytes.set(text, offset[i]));
  return { offset, bytes };
}

function compare(left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i] - right[i];
  }
  return left.length - right.length;
}

Deno.test("orderByBytes() equals a stable sort by comparison", () => {
  // Few values, so that beginnings are shared, zero bytes among them; some texts are repeated.
  const byte = fc.constantFrom(0, 0, 0x61, 0x62, 0xff);
  const text = fc.uint8Array({ maxLength: 14 }).chain((random) =>
    fc.oneof(
      fc.constant(random),
      fc.array(byte, { maxLength: 14 }).map((bytes) => Uint8Array.from(bytes)),
    )
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 300 }), (texts) => {
      const { offset, bytes } = pack(texts);
      const expected = texts.map((_, i) => i).sort((a, b) => compare(texts[a], texts[b]) || a - b);
      assertEquals([...orderByBytes(offset, bytes)], expected);
    }),
    { numRuns: runs(60) },
  );
});

Deno.test("orderByBytes() sorts names that share long beginnings", () => {
  const encoder = new TextEncoder();
  const names = Array.from(
    { length: 3_000 },
    (_, i) => `${"long_".repeat(i % 7)}${i * 7_919 % 3_001}`,
  );
  const { offset, bytes } = pack(names.map((name) => encoder.encode(name)));
  assertEquals(Array.from(orderByBytes(offset, bytes), (i) => names[i]), [...names].sort());
  assertEquals([...orderByBytes(new Int32Array(1), new Uint8Array())], []);
});
