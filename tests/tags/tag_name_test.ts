import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import { TAG_NAME_BYTES_MAX } from "../../src/base/limits.ts";
import { checkTagName, normalizeTagName } from "../../src/tags/tag_name.ts";

Deno.test("normalizeTagName() gives the stored form", () => {
  const cases: [string, string | undefined][] = [
    ["1girl", "1girl"],
    ["Hatsune Miku", "hatsune_miku"],
    ["  a \t b\u3000\u00a0\u0085c\r\n", "a_b_c"],
    [">__<", ">__<"],
    ["_leading and trailing_", "_leading_and_trailing_"],
    ["pixivファンタジアLS", "pixivファンタジアls"],
    ["poke\u0301mon", "pok\u00e9mon"],
    ["POKE\u0301MON", "pok\u00e9mon"],
    ["ﾊｲﾗｲﾄ", "ﾊｲﾗｲﾄ"],
    ["a\u200bb\ufeff", "ab"],
    ["👩‍🎨", "👩‍🎨"],
    ["-_-", "-_-"],
    ["~_~", "~_~"],
    ["a,b*c", "a,b*c"],
    ["re:zero", "re:zero"],
    ["and", "and"],
    ["", undefined],
    [" \u200b\n", undefined],
    ["a\u0000b", undefined],
    ["a\u001bb", undefined],
    ["a\u202eb", undefined],
    ["a\ud800b", undefined],
    ["a".repeat(TAG_NAME_BYTES_MAX), "a".repeat(TAG_NAME_BYTES_MAX)],
    ["a".repeat(TAG_NAME_BYTES_MAX + 1), undefined],
    ["あ".repeat(170), "あ".repeat(170)],
    ["あ".repeat(171), undefined],
  ];
  for (const [text, expected] of cases) {
    assertEquals(normalizeTagName(text), expected, JSON.stringify(text));
  }
});

Deno.test("normalizeTagName() changes nothing when it is applied twice", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
      const name = normalizeTagName(text);
      if (name !== undefined) assertEquals(normalizeTagName(name), name);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("normalizeTagName() never gives white space, controls or too many bytes", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
      .map((units) => String.fromCharCode(...units)),
  );
  fc.assert(fc.property(anyText, (text) => {
    const name = normalizeTagName(text);
    if (name === undefined) return;
    assert(name !== "" && !/[\s\p{Cc}\p{Cs}]/u.test(name));
    assert(new TextEncoder().encode(name).length <= TAG_NAME_BYTES_MAX);
  }));
});

Deno.test("checkTagName() gives the stored form of a good name", () => {
  const cases: [string, string][] = [
    ["Blue Hair", "blue_hair"],
    ["初音ミク", "初音ミク"],
    ["crane_(machine)", "crane_(machine)"],
    ["re:zero", "re:zero"],
    [":)", ":)"],
    [">:(", ">:("],
    ["#compass", "#compass"],
    ["_name_", "_name_"],
    ["not", "not"],
    ["rating:general", "rating:general"],
    ["Rating:E", "rating:explicit"],
    ["rating:safe", "rating:sensitive"],
  ];
  for (const [text, expected] of cases) assertEquals(checkTagName(text), expected, text);
});

Deno.test("checkTagName() says what is wrong", () => {
  const cases: [string, string][] = [
    ["", "empty"],
    [" ", "empty"],
    ["a\u0007", "control character"],
    ["x".repeat(TAG_NAME_BYTES_MAX + 1), "longer than 512 bytes"],
    ["-foo", 'leading "-"'],
    ["~foo", 'leading "~"'],
    ["(foo)", 'leading "("'],
    [")foo", 'leading ")"'],
    ["fo*", "wildcard"],
    ["a,b", "separates tags"],
    ["AND", "keyword"],
    ["or", "keyword"],
    ["foo_(bar", "not balanced"],
    ["foo)", "not balanced"],
    ["foo)(", "not balanced"],
    ["artist:foo", 'category "artist"'],
    ["series:foo", 'category "copyright"'],
    ["rating:foo", "no such rating"],
    ["score:5", "search term"],
  ];
  const options = { isMetatag: (prefix: string) => prefix === "score" };
  for (const [text, part] of cases) {
    const error = assertThrows(() => checkTagName(text, options), AppError, part);
    assertEquals((error as AppError).code, "bad_request", text);
  }
});

Deno.test("checkTagName() cuts and escapes the name in its message", () => {
  const error = assertThrows(() => checkTagName("\u001b[2J" + "x".repeat(1_000_000)), AppError);
  const { message } = error as AppError;
  assert(message.length < 200 && !message.includes("\u001b"), message.slice(0, 300));
});

Deno.test("checkTagName() accepts no name that normalizeTagName() refuses", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (text) => {
    let name: string;
    try {
      name = checkTagName(text);
    } catch (error) {
      assert(error instanceof AppError);
      return;
    }
    assertEquals(normalizeTagName(name), name);
    assertEquals(checkTagName(name), name);
  }));
});
