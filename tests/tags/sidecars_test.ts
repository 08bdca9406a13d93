import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import { SIDECAR_BYTES_MAX } from "../../src/base/limits.ts";
import { parseJsonSidecar, parseTxtSidecar, sidecarNamesOf } from "../../src/tags/sidecars.ts";

const encoder = new TextEncoder();

function checkRefused(run: () => unknown, part: string): void {
  const error = assertThrows(run, AppError, part);
  assertEquals((error as AppError).code, "bad_request");
}

Deno.test("sidecarNamesOf() lists the names, the likeliest first", () => {
  assertEquals(sidecarNamesOf("danbooru_1_ab.jpg"), {
    json: ["danbooru_1_ab.jpg.json", "danbooru_1_ab.json"],
    txt: [
      "danbooru_1_ab.jpg.txt",
      "danbooru_1_ab.jpg.tags.txt",
      "danbooru_1_ab.txt",
      "danbooru_1_ab.tags.txt",
    ],
  });
  assertEquals(sidecarNamesOf("a.b.png").json, ["a.b.png.json", "a.b.json"]);
  assertEquals(sidecarNamesOf("noextension").json, ["noextension.json"]);
  assertEquals(sidecarNamesOf(".hidden").json, [".hidden.json"]);
});

Deno.test("parseJsonSidecar() reads a post, as bytes or text, alone or in a list", () => {
  const text = '{"id":5,"tag_string":"a","category":"mybooru","pixel_hash":12345678901234567890}';
  const inputs = [text, `[${text}]`, `\ufeff${text}`, encoder.encode(`\ufeff ${text}`)];
  for (const input of inputs) {
    const { posts } = parseJsonSidecar(input);
    assertEquals(posts.length, 1);
    assertEquals(posts[0].json, text);
    assertEquals(posts[0].post.source, "mybooru");
    assertEquals(posts[0].post.postId, 5);
  }
});

Deno.test("parseJsonSidecar() resolves categories", () => {
  const { posts } = parseJsonSidecar('{"tags":["a"]}', { categoryOf: () => "artist" });
  assertEquals(posts[0].post.tags, [{ name: "a", category: "artist" }]);
});

Deno.test("parseJsonSidecar() reads the lists that Hydrus added to a post of gallery-dl", () => {
  const { posts } = parseJsonSidecar(
    '{"id":5,"tag_string":"a","metadata":{"tags":["creator:b"],"urls":["https://x.example/"]}}',
  );
  assertEquals(posts.map(({ post }) => post.source), ["danbooru", "hydrus"]);
  assertEquals(posts[1].post.tags, [{ name: "b", category: "artist" }]);
  assertEquals(posts[1].json, '{"metadata":{"tags":["creator:b"],"urls":["https://x.example/"]}}');
});

Deno.test("parseJsonSidecar() reads the lists of Hydrus once", () => {
  const { posts } = parseJsonSidecar('{"metadata":{"tags":["a"]},"notes":{"x":4.0}}');
  assertEquals(posts.map(({ post }) => post.source), ["hydrus"]);
  assertEquals(posts[0].json, '{"metadata":{"tags":["a"]},"notes":{"x":4.0}}');
});

Deno.test("parseJsonSidecar() takes a post of an unknown site of gallery-dl, even without tags", () => {
  const { posts } = parseJsonSidecar('{"category":"twitter","tweet_id":1,"content":"x"}');
  assertEquals([posts[0].post.source, posts[0].post.tags.length], ["twitter", 0]);
});

Deno.test("parseJsonSidecar() says why it cannot use a file", () => {
  const cases: [string, string][] = [
    ["", "Cannot read the JSON"],
    ['{"id":1,', "Cannot read the JSON"],
    ["[]", "list of 0 items"],
    ['[{"tag_string":"a"},{"tag_string":"b"}]', "list of 2 items"],
    ["[[]]", "no JSON object"],
    ['"text"', "no JSON object"],
    ["null", "no JSON object"],
    ['{"frames":[],"zip_urls":{}}', '["frames","zip_urls"]'],
    ['{"success":false,"error":"x"}', "without tags"],
    ["[".repeat(100_000), "nested too deep"],
  ];
  for (const [text, part] of cases) checkRefused(() => parseJsonSidecar(text), part);
});

Deno.test("parseJsonSidecar() and parseTxtSidecar() say where a file is not UTF-8", () => {
  const latin1 = new Uint8Array([...encoder.encode("あ{"), 0xe9, 0x22, 0x7d]);
  const cut = encoder.encode("aあ").subarray(0, 3);
  const utf16 = new Uint8Array([0xff, 0xfe, 0x61, 0x00]);
  for (const parse of [parseJsonSidecar, parseTxtSidecar]) {
    checkRefused(() => parse(latin1), "not UTF-8 from byte 5 on");
    checkRefused(() => parse(cut), "not UTF-8 from byte 3 on");
    checkRefused(() => parse(utf16), "UTF-16");
  }
});

Deno.test("parseJsonSidecar() and parseTxtSidecar() refuse files above the limit", () => {
  for (const parse of [parseJsonSidecar, parseTxtSidecar]) {
    checkRefused(() => parse(new Uint8Array(SIDECAR_BYTES_MAX + 1)), "the limit is");
    checkRefused(() => parse("あ".repeat(SIDECAR_BYTES_MAX / 3 + 1)), "the limit is");
  }
});

Deno.test("parseTxtSidecar() reads one tag a line", () => {
  const cases: [string, string[]][] = [
    ["1girl\nblue hair\n", ["1girl|-", "blue_hair|-"]],
    ["\ufeff1girl\r\n\r\n  solo  \r\n", ["1girl|-", "solo|-"]],
    ["\ufeffartist:foo", ["foo|artist"]],
    ["a\rb\u2028c", ["a|-", "b|-", "c|-"]],
    ["re:zero\ncreator:foo bar\nseries:x\nspecies:cat", [
      "re:zero|-",
      "foo_bar|artist",
      "x|copyright",
      "cat|species",
    ]],
    ["#compass\n# not a comment", ["#compass|-", "#_not_a_comment|-"]],
    ["a, b\nc", ["a,_b|-", "c|-"]],
    ["1girl, blue hair,, artist:foo ,", ["1girl|-", "blue_hair|-", "foo|artist"]],
    ["\n\n1girl,solo\n\n", ["1girl|-", "solo|-"]],
    ["blue hair", ["blue_hair|-"]],
    ["a\nA\nartist:a", ["a|artist"]],
    ["", []],
    [" \n,\n", []],
  ];
  for (const [text, expected] of cases) {
    const { tags } = parseTxtSidecar(text);
    assertEquals(tags.map((tag) => `${tag.name}|${tag.category ?? "-"}`), expected, text);
  }
});

Deno.test("parseTxtSidecar() takes ratings out and counts what cannot be stored", () => {
  const sidecar = parseTxtSidecar(`rating:safe\na\n${"x".repeat(600)}\nartist:\n`);
  assertEquals(sidecar, {
    tags: [{ name: "a", category: null }],
    rating: "general",
    rejectedTagsCount: 2,
  });
});

Deno.test("parseTxtSidecar() resolves categories", () => {
  assertEquals(parseTxtSidecar("a\nartist:b", { categoryOf: () => "meta" }).tags, [
    { name: "a", category: "meta" },
    { name: "b", category: "artist" },
  ]);
});

Deno.test("parseJsonSidecar() and parseTxtSidecar() throw nothing but AppError", () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json({ maxDepth: 5 }),
    fc.string({ unit: "binary", maxLength: 200 }),
  );
  fc.assert(fc.property(hostile, (input) => {
    for (const parse of [parseJsonSidecar, parseTxtSidecar]) {
      try {
        parse(input);
      } catch (error) {
        assert(error instanceof AppError, String(error));
      }
    }
  }));
});
