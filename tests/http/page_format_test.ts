import { assert, assertEquals, assertFalse } from "@std/assert";
import * as format from "../../src/http/pages/format.ts";
import { HOSTILE, ODD_TAGS, queryOf } from "./page_fixtures.tsx";

Deno.test("numbers, sizes, durations and times have one form", () => {
  assertEquals([0, 999, 1000, 1_234_567].map(format.formatCount), [
    "0",
    "999",
    "1,000",
    "1,234,567",
  ]);
  assertEquals(format.formatCounted(1, "post"), "1 post");
  assertEquals([1, 1023, 1024, 1_500_000, 1_048_575, 5e9].map(format.formatBytes), [
    "1 byte",
    "1,023 bytes",
    "1.0 KB",
    "1.4 MB",
    "1.0 MB",
    "4.7 GB",
  ]);
  assertEquals([400, 7_000, 65_000, 3_723_000].map(format.formatDuration), [
    "0:00",
    "0:07",
    "1:05",
    "1:02:03",
  ]);
  assertEquals(format.formatTime("2024-05-01 12:34:56"), "2024-05-01 12:34");
  assertEquals(format.formatTime("2023-04-05T06:07:08.000-05:00"), "2023-04-05 11:07");
  assertEquals(format.formatTime("long ago"), "long ago");
});

Deno.test("postsUrl carries every tag through an address", () => {
  for (const tag of [...ODD_TAGS, ...HOSTILE]) {
    assertEquals(queryOf(format.postsUrl({ q: tag })), tag.toWellFormed());
  }
  assertEquals(format.postsUrl({ q: "", page: 1, limit: 40 }), "/posts");
  assertEquals(
    format.postsUrl({ q: "a b", page: "b12", limit: 100 }),
    "/posts?q=a%20b&page=b12&limit=100",
  );
  // Without it the search's own limit would hold.
  assertEquals(format.postsUrl({ q: "a limit:5", limit: 40 }), "/posts?q=a%20limit%3A5&limit=40");
  assertEquals(format.postsUrl({ q: "a limit:5", limit: null }), "/posts?q=a%20limit%3A5");
  assertEquals(format.postUrl({ id: 3, q: "+_+" }), "/posts/3?q=%2B_%2B");
});

Deno.test("addTerm, excludeTerm and removeTerm change conditions and leave the rest", () => {
  const cases: [string, string, string, string][] = [
    // query, tag, added, excluded
    ["", "hat", "hat", "-hat"],
    ["solo", "hat", "solo hat", "solo -hat"],
    ["solo hat", "hat", "solo hat", "solo -hat"],
    ["-hat solo", "hat", "solo hat", "-hat solo"],
    ["a or b", "hat", "(a or b) hat", "(a or b) -hat"],
    ["(a or b) c", "hat", "(a or b) c hat", "(a or b) c -hat"],
    ["(hat or b) c", "hat", "(hat or b) c hat", "(hat or b) c -hat"],
    ["foo_(bar) or b", "x", "(foo_(bar) or b) x", "(foo_(bar) or b) -x"],
    [`source:"a or b"`, "x", `source:"a or b" x`, `source:"a or b" -x`],
    ["HAT", "hat", "HAT", "-hat"],
    ["a", "-_-", 'a tag:"-_-"', 'a -tag:"-_-"'],
    ['a tag:"-_-"', "-_-", 'a tag:"-_-"', 'a -tag:"-_-"'],
    ["a", "(^o^)", 'a tag:"(^o^)"', 'a -tag:"(^o^)"'],
    ["a", "or", 'a tag:"or"', 'a -tag:"or"'],
  ];
  for (const [query, tag, added, excluded] of cases) {
    assertEquals(format.addTerm(query, tag), added);
    assertEquals(format.excludeTerm(query, tag), excluded);
  }
  assert(format.hasTerm("solo hat", "hat"));
  assertFalse(format.hasTerm("solo or hat", "hat"));
  assertFalse(format.hasTerm("(solo hat)", "hat"));
  assertFalse(format.hasTerm("-hat", "hat"));
  assertEquals(format.removeTerm("a  hat b hat", "hat"), "a b");
});

Deno.test("toWebUrl and parseSources let only web addresses become links", () => {
  for (
    const bad of [
      "javascript:alert(1)",
      " javascript:alert(1)",
      "data:text/html,x",
      "file:///etc",
      "x",
    ]
  ) {
    assertEquals(format.toWebUrl(bad), null);
  }
  assertEquals(format.parseSources("https://a.example/1\njavascript:alert(1)").map((s) => s.href), [
    "https://a.example/1",
    null,
  ]);
  assertEquals(format.toLocalPath("//evil.example/x"), null);
  assertEquals(format.toLocalPath("/\\evil.example"), null);
  assertEquals(format.toLocalPath("/thumbnails/1/x.webp"), "/thumbnails/1/x.webp");
});

Deno.test("parseSources() keeps words together", () => {
  assertEquals(format.parseSources("Own  scan"), [{ text: "Own scan", href: null }]);
  assertEquals(format.parseSources("Own scan https://a.example/1 two words").map((s) => s.text), [
    "Own scan",
    "https://a.example/1",
    "two words",
  ]);
});

Deno.test("replaceTag() replaces the words that ask for a tag, and nothing else", () => {
  const cases: [query: string, from: string, to: string, expected: string][] = [
    ["a slo b", "slo", "solo", "a solo b"],
    ["a -(slo or b)", "slo", "solo", "a -(solo or b)"],
    ["(a (b or SLO))", "slo", "solo", "(a (b or solo))"],
    ["artist:slo slope", "slo", "solo", "solo slope"],
    ['-tag:"s l" x', "s_l", "solo", "-solo x"],
    ['-Tag:"(x" y', "(x", "solo", "-solo y"],
    ["(hat_(cloth))", "hat_(cloth)", "hat_(clothing)", "(hat_(clothing))"],
    ['source:"a slo" slo', "slo", "solo", 'source:"a slo" solo'],
    ["scor:>5 slo", "scor:>5", "score:>5", "score:>5 slo"],
    ["nothing of it", "slo", "solo", "solo"],
  ];
  for (const [query, from, to, expected] of cases) {
    assertEquals(format.replaceTag(query, { from, to }), expected, query);
  }
  assertEquals(format.replaceWord("a -_- -_-b", { from: "-_-", to: "x" }), "a x -_-b");
});

Deno.test("withoutSeed() draws an order by chance anew", () => {
  assertEquals(format.withoutSeed("a order:random:12 b"), "a order:random b");
  assertEquals(format.withoutSeed("(ORDER:random:12)"), "(ORDER:random)");
  for (const query of ["", "order:random", "order:score", "random:5"]) {
    assertEquals(format.withoutSeed(query), null, query);
  }
});
