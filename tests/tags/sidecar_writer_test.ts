import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import {
  isLibraryFile,
  readLibraryFile,
  readLibraryHeader,
  writeLibraryHeader,
} from "../../src/tags/library_file.ts";
import {
  SAVED_COLUMNS,
  type SavedColumns,
  type SavedImage,
  type SavedTag,
  toPlacedDocument,
} from "../../src/tags/saved_image.ts";
import { writeJsonSidecar, writeTxtSidecar } from "../../src/tags/sidecar_writer.ts";
import { parseJsonSidecar, parseTxtSidecar } from "../../src/tags/sidecars.ts";

const MD5 = "0123456789abcdef".repeat(2);
const COLUMNS = Object.fromEntries(SAVED_COLUMNS.map((name) => [name, null])) as SavedColumns;

function makeImage(parts: Partial<SavedImage> = {}): SavedImage {
  return {
    md5: MD5,
    originalName: "a.b.png",
    sourceUrl: "https://example.org/",
    postedAt: null,
    columns: { ...COLUMNS, active_source: "e621", score: -3, ingested_at: "2020-01-02 03:04:05" },
    tags: [
      { name: "1girl", category: "general", origin: "original" },
      { name: "someone", category: "artist", origin: "user" },
      { name: "rating:explicit", category: "rating", origin: "ai_inference" },
    ],
    deltas: [{ operation: "remove", name: "x", category: null, timestamp: "2021-01-01" }],
    favouritedAt: 12,
    sources: ["e621"],
    sourceChoice: "e621",
    document: null,
    ...parts,
  };
}

const DOCUMENTS: (string | null)[] = [
  null,
  "no JSON",
  "[1]",
  "{}",
  '{"sources":null,"x":1}',
  '{"x":[1.0],"sources":{}}',
  '{"sources":{"danbooru":{"id":1,"odd":12345678901234567890},"e621":{"id":4.0,"tags":{}}}}',
  '{"sources":{"e621":"not an object","danbooru":{"chibibooru":{"version":1}}}}',
  '{"sources":{"__proto__":{"id":1}},"__proto__":2}',
];

Deno.test("writeJsonSidecar() is read back as it was, whatever the metadata is", () => {
  for (const document of DOCUMENTS) {
    const image = makeImage({ document });
    const text = writeJsonSidecar(image);
    const { saved, posts } = parseJsonSidecar(text);
    const parse = (json: string | null | undefined) =>
      json?.startsWith("{") ? JSON.parse(json) : json;
    assertEquals(parse(saved?.document), parse(document), text);
    assertEquals({ ...saved, document: null }, { ...image, document: null }, text);
    const sources = document === null || !document.startsWith("{")
      ? {}
      : JSON.parse(document).sources;
    const names = Object.entries(sources ?? {}).filter(([, post]) => typeof post === "object");
    assertEquals(posts.map(({ post }) => post.source).sort(), names.map(([name]) => name).sort());
    assertEquals(text.endsWith("}\n") && !text.includes("\t"), true);
  }
  // Numbers that no double holds are as they were written.
  const text = writeJsonSidecar(makeImage({ document: DOCUMENTS[6] }));
  assertEquals(/12345678901234567890/.test(text) && /"id": 4\.0/.test(text), true);
  const { posts } = parseJsonSidecar(text);
  assertEquals(
    posts.find(({ post }) => post.source === "danbooru")?.json,
    '{"id":1,"odd":12345678901234567890}',
  );
});

Deno.test("writeJsonSidecar() gives other programs the post, or fields that they know", () => {
  const post = JSON.parse(writeJsonSidecar(makeImage({ document: DOCUMENTS[6] })));
  assertEquals([post.id, post.tags], [4, {}], "the site that speaks for it");
  const own = JSON.parse(writeJsonSidecar(makeImage()));
  delete own.chibibooru;
  assertEquals(own, {
    category: "chibibooru",
    md5: MD5,
    filename: "a.b",
    extension: "png",
    rating: "explicit",
    source: "https://example.org/",
    tags: ["1girl", "someone"],
    tags_general: ["1girl"],
    tags_artist: ["someone"],
  });
  const foreign = parseJsonSidecar(JSON.stringify(own));
  assertEquals([foreign.saved, foreign.posts[0].post.rating], [null, "explicit"]);
});

Deno.test("parseJsonSidecar() refuses a damaged or newer field, and takes what is merely called so", () => {
  const field = (value: unknown) =>
    JSON.stringify({ category: "danbooru", id: 1, chibibooru: value });
  const whole = JSON.parse(writeJsonSidecar(makeImage())).chibibooru;
  for (
    const [part, value] of [["version", 2], ["tags", { who: {} }], ["md5", 5], ["deltas", [[
      "add",
    ]]]]
  ) {
    assertThrows(
      () => parseJsonSidecar(field({ ...whole, [part as string]: value })),
      AppError,
      `chibibooru.${part}`,
    );
  }
  for (const value of ["text", 5, null, {}, []]) {
    assertEquals(parseJsonSidecar(field(value)).saved, null);
  }
  const odd = {
    ...whole,
    tags: { original: { general: ["ok", "a\u0007", "  "], odd_category: ["b"] } },
  };
  assertEquals(parseJsonSidecar(field(odd)).saved?.tags, [
    { name: "ok", category: "general", origin: "original" },
    { name: "b", category: null, origin: "original" },
  ]);
});

Deno.test("writeTxtSidecar() is read back as the same tags", () => {
  const lists: [SavedTag["name"], SavedTag["category"]][][] = [
    [],
    [["a,b", "general"]],
    [["re:zero", "general"], ["artist:odd", "general"], ["creator:x", "artist"]],
    [["rating:explicit", "rating"], ["#x", "meta"], ["日本", "copyright"], ["n", null]],
  ];
  for (const list of lists) {
    const tags = list.map(([name, category]): SavedTag => ({ name, category, origin: "user" }));
    const read = parseTxtSidecar(writeTxtSidecar(tags));
    const expected = list.filter(([name]) => !name.startsWith("rating:"));
    assertEquals(
      read.tags.map(({ name, category }) => [name, category ?? "general"]),
      expected.map(([name, category]) => [name, category ?? "general"]),
    );
    assertEquals([read.rating, read.rejectedTagsCount], [list.length === 4 ? "explicit" : null, 0]);
  }
});

Deno.test("toPlacedDocument() says where a file lies now, and leaves what is no document alone", () => {
  const place = { md5: MD5, relativePath: "new.png" };
  assertEquals(
    toPlacedDocument('{"relative_path":"old","x":1.0}', place),
    `{"md5":"${MD5}","relative_path":"new.png","x":1.0}`,
  );
  for (const text of ["[]", "x", ""]) assertEquals(toPlacedDocument(text, place), text);
});

const HEADER = {
  format: "chibibooru-library" as const,
  version: 1,
  library_id: "x",
  exported_at_ms: 5,
  kept: ["a"],
};

Deno.test("readLibraryFile() gives entries in parts, and names what is damaged", () => {
  const start = writeLibraryHeader(HEADER);
  assertEquals(readLibraryHeader(start), HEADER);
  for (const line of ["", "{}", '{"format":"other",', "[1,"]) {
    assertEquals(readLibraryHeader(line), null);
  }
  const file = (rest: string) => `${start}${rest}}`;
  const tags = [["a", null, null], ["b", "meta", "x"], ["c", null, null]];
  const parts = [...readLibraryFile(file(`"tags":${JSON.stringify(tags)},"unknown":1`), 2)];
  assertEquals(
    parts,
    [{ section: "tags", entries: tags.slice(0, 2) }, {
      section: "tags",
      entries: tags.slice(2),
    }] as typeof parts,
  );
  const cases: [rest: string, named: string][] = [
    ['"tags":5', '"tags" is no list'],
    ['"tags":[["a",null,null],["a"]]', "tags.1"],
    ['"pools":[{"name":"x","description":null,"images":[["no md5",1]]}]', "pools.0.images.0.0"],
    ['"settings":[["library_id","stolen"]]', "settings.0.0"],
    ['"tags":[', "JSON"],
  ];
  for (const [rest, named] of cases) {
    assertThrows(() => [...readLibraryFile(file(rest), 1)], AppError, named);
  }
  assertThrows(
    () => [
      ...readLibraryFile(file("").replace('"version":1', '"version":2').replace(",\n}", "}"), 1),
    ],
    AppError,
    "version is 2",
  );
  assertEquals([...readLibraryFile('{"a":1}', 1)], []);
  assertEquals([isLibraryFile(null), isLibraryFile([]), isLibraryFile(HEADER)], [
    false,
    false,
    true,
  ]);
});
