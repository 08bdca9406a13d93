import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import { extractPost } from "../../src/tags/tag_extraction.ts";

/** Just enough of each site's post to be taken for one. */
const SHAPES: readonly Record<string, unknown>[] = [
  {},
  { tag_string: "a", tag_string_artist: "b" },
  { file: {}, score: { total: 1 }, flags: {}, relationships: {}, tags: { general: ["a"] } },
  { tags: "a &amp;", image: "x", directory: "y", change: 1, owner: "z", source: "x" },
  { tags: "a", author: "x", creator_id: 4, tags_circle: "b" },
  { user: { account: "x" }, page_count: 1, x_restrict: 0, tags: [{ name: "a" }] },
  { metadata: { tags: ["creator:a"], urls: [] } },
];

/** Every field that is read somewhere, and two that must not matter. */
const FIELDS = [
  ...["id", "category", "tags", "tag_string", "tag_string_general", "tags_artist", "tags_meta"],
  ...["md5", "hash", "rating", "score", "fav_count", "total_bookmarks", "parent_id"],
  ...["has_children", "relationships", "file", "file_url", "preview", "media_asset", "duration"],
  ...["image_width", "image_height", "width", "height", "file_size", "created_at", "create_date"],
  ...["date", "source", "sources", "urls", "metadata", "user", "x_restrict", "page_count"],
  ...["image", "author", "is_rating_locked", "__proto__", "constructor"],
];

Deno.test("extractPost() leaves out each field of the wrong type by itself", () => {
  const post = extractPost({
    id: 2147483648,
    tag_string: 7,
    tag_string_general: "kept",
    tag_string_artist: { x: 1 },
    tags: [["deep"], null, 5, { name: 5 }, "listed"],
    tags_meta: 7,
    md5: 5,
    rating: ["g"],
    score: {},
    fav_count: "many",
    image_width: -5,
    image_height: "12",
    file_size: 1e300,
    created_at: [],
    source: { x: "https://example.org" },
    sources: "https://example.org",
    parent_id: "none",
    has_children: null,
    file: [],
    relationships: "x",
    media_asset: null,
    category: null,
  });
  assertEquals(post, {
    kind: "danbooru",
    source: "danbooru",
    postId: null,
    parentId: null,
    hasChildren: null,
    md5: null,
    rating: null,
    score: null,
    favCount: null,
    width: null,
    height: 12,
    fileSize: null,
    duration: null,
    createdAt: null,
    sourceUrls: ["https://example.org"],
    sourceText: null,
    tags: [{ name: "kept", category: "general" }, { name: "listed", category: null }],
    rejectedTagsCount: 0,
  });
});

Deno.test("extractPost() refuses what is no object", () => {
  for (const value of [null, undefined, [], "text", 5, true]) {
    assertThrows(() => extractPost(value), AppError, "not an object");
  }
});

Deno.test("extractPost() never throws for a hostile object and pollutes no prototype", () => {
  const hostile = fc.array(fc.tuple(fc.constantFrom(...FIELDS), fc.jsonValue({ maxDepth: 4 })), {
    maxLength: 30,
  }).map((entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries))));
  fc.assert(
    fc.property(
      fc.constantFrom(...SHAPES),
      hostile,
      (base, o) => {
        const post = extractPost({ ...base, ...o });
        assert(post.tags.every((tag) => !tag.name.startsWith("rating:")));
        assertEquals(new Set(post.tags.map((tag) => tag.name)).size, post.tags.length);
        assertEquals(Object.keys(Object.prototype), []);
      },
    ),
    { numRuns: 1_000 },
  );
});

Deno.test("extractPost() keeps a tag that is called __proto__", () => {
  const post = extractPost(
    JSON.parse('{"tags":{"__proto__":["x"],"general":["__proto__"]},"id":1}'),
  );
  assertEquals(post.tags, [
    { name: "x", category: null },
    { name: "__proto__", category: "general" },
  ]);
});

Deno.test("extractPost() reads a list of 200,000 tags", () => {
  const tag_string = Array.from({ length: 200_000 }, (_, index) => `tag_${index}`).join(" ");
  assertEquals(extractPost({ tag_string }).tags.length, 200_000);
});
