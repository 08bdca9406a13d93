import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import { parseJson } from "../../src/tags/json.ts";
import { mergeRawMetadata } from "../../src/tags/raw_metadata.ts";

const IMAGE = { md5: "4af1376b7ee92f22649d40114f5d9a70", relativePath: "a3f/x.jpg" };
const HEAD = `"md5":"${IMAGE.md5}","relative_path":"a3f/x.jpg","saucenao_lookup":false`;

Deno.test("mergeRawMetadata() begins a document", () => {
  for (const existing of [null, "", "  ", "null"]) {
    assertEquals(
      mergeRawMetadata(existing, IMAGE, "danbooru", { id: 5 }),
      `{${HEAD},"sources":{"danbooru":{"id":5}}}`,
    );
  }
});

Deno.test("mergeRawMetadata() keeps what it does not know, in its order", () => {
  const existing = '{"md5":"x","saucenao_lookup":true,"note":[1,{"a":null}],' +
    '"relative_path":"old.jpg","sources":{"e621":{"id":1},"local_tagger":null,"odd":"text"},"z":0}';
  assertEquals(
    mergeRawMetadata(existing, IMAGE, "danbooru", { id: 5 }),
    `{"md5":"${IMAGE.md5}","saucenao_lookup":true,"note":[1,{"a":null}],` +
      '"relative_path":"a3f/x.jpg","sources":{"e621":{"id":1},"local_tagger":null,"odd":"text",' +
      '"danbooru":{"id":5}},"z":0}',
  );
});

Deno.test("mergeRawMetadata() replaces the older post of the same source", () => {
  const first = mergeRawMetadata(null, IMAGE, "danbooru", { id: 5, score: 1 });
  const second = mergeRawMetadata(first, IMAGE, "danbooru", { id: 5 });
  assertEquals(second, `{${HEAD},"sources":{"danbooru":{"id":5}}}`);
});

Deno.test("mergeRawMetadata() changes no number, in the document or in the post", () => {
  const post = '{"id":12345678901234567890,"duration":4.0}';
  const existing = '{"sources":{"e621":{"hash":98765432109876543210,"ratio":1.50}}}';
  for (const given of [post, parseJson(post) as Record<string, unknown>]) {
    assertEquals(
      mergeRawMetadata(existing, IMAGE, "danbooru", given),
      '{"sources":{"e621":{"hash":98765432109876543210,"ratio":1.50},"danbooru":' +
        `${post}},${HEAD}}`,
    );
  }
});

Deno.test("mergeRawMetadata() loses nothing of a malformed document", () => {
  const cases: [string, string[]][] = [
    ['{"md5":"x","sources":{', ['{"md5":"x","sources":{']],
    ["[1,2]", ["[1,2]"]],
    ['"text"', ['"text"']],
    ["[".repeat(1_000), ["[".repeat(1_000)]],
    ['{"sources":[{"id":1}]}', ['[{"id":1}]']],
    ['{"sources":"none"}', ['"none"']],
    ['{"sources":{"danbooru":[4.0]}}', ["[4.0]"]],
  ];
  for (const [existing, unparsed] of cases) {
    const merged = JSON.parse(mergeRawMetadata(existing, IMAGE, "danbooru", { id: 5 }));
    assertEquals(merged.unparsed, unparsed, existing);
    assertEquals(merged.sources, { danbooru: { id: 5 } });
  }
});

Deno.test("mergeRawMetadata() passes over null where an object belongs", () => {
  for (const existing of ['{"sources":null}', '{"sources":{"danbooru":null}}', "{}"]) {
    const merged = JSON.parse(mergeRawMetadata(existing, IMAGE, "danbooru", { id: 5 }));
    assertEquals(merged.unparsed, undefined, existing);
    assertEquals(merged.sources, { danbooru: { id: 5 } });
  }
});

Deno.test("mergeRawMetadata() appends to what is already under unparsed", () => {
  const cases: [string, unknown][] = [
    ['{"unparsed":["old"],"sources":5}', ["old", "5"]],
    ['{"unparsed":{"a":1},"sources":5}', [{ a: 1 }, "5"]],
    ['{"unparsed":{"a":1}}', { a: 1 }],
  ];
  for (const [existing, expected] of cases) {
    const merged = JSON.parse(mergeRawMetadata(existing, IMAGE, "danbooru", { id: 5 }));
    assertEquals(merged.unparsed, expected, existing);
  }
});

Deno.test("mergeRawMetadata() stores a source or key called __proto__ and pollutes nothing", () => {
  const text = mergeRawMetadata(
    '{"__proto__":{"polluted":1},"sources":{"__proto__":{"polluted":2}}}',
    IMAGE,
    "constructor",
    '{"__proto__":{"polluted":3}}',
  );
  assertEquals(
    text,
    '{"__proto__":{"polluted":1},"sources":{"__proto__":{"polluted":2},' +
      `"constructor":{"__proto__":{"polluted":3}}},${HEAD}}`,
  );
  const replaced = mergeRawMetadata(text, IMAGE, "__proto__", { id: 1 });
  assertEquals(replaced.includes('"sources":{"__proto__":{"id":1},'), true);
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});

Deno.test("mergeRawMetadata() refuses a post that is no object", () => {
  for (const post of ["[]", "5", "null", "{", ""]) {
    assertThrows(() => mergeRawMetadata(null, IMAGE, "danbooru", post), AppError);
  }
});

Deno.test("mergeRawMetadata() done twice is the same as once, whatever was there", () => {
  const existing = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.string({ maxLength: 50 }),
    fc.record({
      md5: fc.jsonValue(),
      sources: fc.dictionary(fc.constantFrom("danbooru", "e621", "__proto__"), fc.jsonValue()),
      unparsed: fc.jsonValue(),
    }, { requiredKeys: [] }).map((document) => JSON.stringify(document)),
  );
  const post = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(fc.property(existing, post, (document, site) => {
    const once = mergeRawMetadata(document, IMAGE, "danbooru", site);
    assertEquals(mergeRawMetadata(once, IMAGE, "danbooru", site), once);
  }));
});
