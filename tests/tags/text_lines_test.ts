import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { readTextLines, type TextLine } from "../../src/tags/text_lines.ts";
import { runs } from "../support/tier.ts";

async function linesOf(pieces: Uint8Array[], lineBytesMax = 1_000): Promise<TextLine[]> {
  async function* give() {
    for (const piece of pieces) yield await Promise.resolve(piece);
  }
  return (await Array.fromAsync(readTextLines(give(), lineBytesMax))).flat();
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += size) pieces.push(bytes.subarray(i, i + size));
  return pieces;
}

const encoder = new TextEncoder();

Deno.test("readTextLines() gives every line, however the bytes are cut", async () => {
  const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n\ufeff]/.test(text));
  const property = fc.asyncProperty(
    fc.array(line, { minLength: 1 }),
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom("\n", "\r\n"),
    async (texts, size, end) => {
      const bytes = encoder.encode(texts.map((text) => text + end).join(""));
      const expected = texts.map((text, i) => ({ number: i + 1, text }));
      assertEquals(await linesOf(cut(bytes, size)), expected);
    },
  );
  await fc.assert(property, { numRuns: runs(100) });
});

Deno.test("readTextLines() drops a byte order mark and needs no line break at the end", async () => {
  assertEquals(await linesOf([encoder.encode("\ufeffa\n\ufeffb")]), [
    { number: 1, text: "a" },
    { number: 2, text: "\ufeffb" },
  ]);
  assertEquals(await linesOf([]), []);
});

Deno.test("readTextLines() finds bad lines among good ones", async () => {
  const bytes = Uint8Array.of(...encoder.encode("a\n"), 0xff, 0xfe, 10, ...encoder.encode("ü\n"));
  for (const size of [1, 3, 100]) {
    assertEquals(await linesOf(cut(bytes, size)), [
      { number: 1, text: "a" },
      { number: 2, fault: "it is not UTF-8" },
      { number: 3, text: "ü" },
    ]);
  }
});

Deno.test("readTextLines() passes over lines that are too long", async () => {
  const long = "x".repeat(50);
  const fault = "it is longer than 20 bytes";
  for (const text of [`a\n${long}\nb\n`, `a\n${long}\nb`]) {
    for (const size of [7, 30, 100]) {
      const lines = await linesOf(cut(encoder.encode(text), size), 20);
      assertEquals(lines, [
        { number: 1, text: "a" },
        { number: 2, fault },
        { number: 3, text: "b" },
      ], `${JSON.stringify(text)} by ${size}`);
    }
  }
  for (const size of [7, 100]) {
    const lines = await linesOf(cut(encoder.encode(`a\n${long}`), size), 20);
    assertEquals(lines, [{ number: 1, text: "a" }, { number: 2, fault }]);
  }
});
