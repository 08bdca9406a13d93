import { assertEquals } from "@std/assert";
import {
  firstFieldOf,
  readBoolean,
  readCount,
  readDuration,
  readMd5,
  readPostId,
  readSide,
  readSize,
  readSourceText,
  readTime,
  readUrls,
} from "../../src/tags/post_fields.ts";

Deno.test("readTime() reads the formats of every site as UTC", () => {
  const cases: [unknown, string | null][] = [
    ["2023-03-17T03:50:45.513-04:00", "2023-03-17T07:50:45.513Z"],
    ["2019-03-03T23:33:14+09:00", "2019-03-03T14:33:14.000Z"],
    ["2025-09-15 23:27:31", "2025-09-15T23:27:31.000Z"],
    ["2008-07-13 09:17:31.92 UTC", "2008-07-13T09:17:31.920Z"],
    ["2008-07-13 09:17:31.923456 UTC", "2008-07-13T09:17:31.923Z"],
    ["2008-07-13", "2008-07-13T00:00:00.000Z"],
    ["2008-07-13T09:17Z", "2008-07-13T09:17:00.000Z"],
    ["2008-07-13T09:17:00+0200", "2008-07-13T07:17:00.000Z"],
    ["Mon Mar 13 19:00:33 -0500 2023", "2023-03-14T00:00:33.000Z"],
    ["Sun Jan  1 00:00:00 +0000 2012", "2012-01-01T00:00:00.000Z"],
    [1679026546, "2023-03-17T04:15:46.000Z"],
    ["1679026546", "2023-03-17T04:15:46.000Z"],
    [{ json_class: "Time", s: 1679026546, n: 1 }, "2023-03-17T04:15:46.000Z"],
    [0, null],
    [-5, null],
    [1e15, null],
    ["2023-13-45T99:00:00Z", null],
    ["Mon Foo 13 19:00:33 -0500 2023", null],
    ["yesterday", null],
    ["", null],
    [null, null],
    [[], null],
    [{}, null],
  ];
  for (const [value, expected] of cases) {
    assertEquals(readTime(value), expected, JSON.stringify(value));
  }
});

Deno.test("readPostId() takes what fits int32", () => {
  const cases: [unknown, number | null][] = [
    [1, 1],
    ["42", 42],
    [2147483647, 2147483647],
    [2147483648, null],
    [0, null],
    ["0", null],
    [-1, null],
    [1.5, null],
    ["x", null],
    [null, null],
    [true, null],
  ];
  for (const [value, expected] of cases) assertEquals(readPostId(value), expected, `${value}`);
});

Deno.test("readCount(), readSide(), readSize() and readDuration() keep to their ranges", () => {
  assertEquals([-3, "7", 1.5, 3e9, null].map(readCount), [-3, 7, null, null, null]);
  assertEquals([0, 800, "800", -1].map(readSide), [null, 800, 800, null]);
  assertEquals([0, 5_000_000_000, 2 ** 53].map(readSize), [null, 5_000_000_000, null]);
  assertEquals([0, 4.16, "4.16", -1, "x"].map(readDuration), [null, 4.16, 4.16, null, null]);
});

Deno.test("readBoolean() reads words and digits", () => {
  assertEquals([true, "true", 1, "1", "True"].map(readBoolean), [true, true, true, true, true]);
  assertEquals([false, "false", 0, "0"].map(readBoolean), [false, false, false, false]);
  assertEquals(["yes", null, {}, 2, ""].map(readBoolean), [null, null, null, null, null]);
});

Deno.test("readMd5() reads 32 hexadecimal digits", () => {
  const md5 = "d810723f3be3efe825ece478592deb07";
  assertEquals([md5, md5.toUpperCase(), ` ${md5} `].map(readMd5), [md5, md5, md5]);
  assertEquals(["", md5 + "0", "x", 5, null].map(readMd5), [null, null, null, null, null]);
});

Deno.test("readUrls() keeps web addresses, each once", () => {
  assertEquals(
    readUrls([
      "https://a.example/1 https://b.example/2",
      ["-https://dead.example/", "https://a.example/1", 5, null, ["https://deep.example/"]],
      "Comic Market 84",
      "javascript:alert(1)",
      "ftp://x.example/",
      "https://",
      `https://long.example/${"x".repeat(3_000)}`,
      undefined,
    ]),
    ["https://a.example/1", "https://b.example/2", "https://dead.example/"],
  );
});

Deno.test("readSourceText() keeps words that are no address, in one line", () => {
  assertEquals(readSourceText(["Own <i>scan</i>"]), "Own <i>scan</i>");
  assertEquals(readSourceText([" Comic\n Market\u0000 84 "]), "Comic Market 84");
  assertEquals(
    readSourceText(["https://a.example/1", null, 5, "", ["javascript:x"]]),
    "javascript:x",
  );
  assertEquals(readSourceText(["scan https://a.example/1", undefined, " "]), null);
  assertEquals(readSourceText(["x".repeat(9_000)])?.length, 500);
});

Deno.test("firstFieldOf() passes over fields that are missing or null", () => {
  assertEquals(firstFieldOf({ a: null, b: 0, c: 1 }, ["x", "a", "b", "c"]), 0);
  assertEquals(firstFieldOf({}, ["toString"]), null);
});
