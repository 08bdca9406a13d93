import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { TagTable } from "../../src/cache/tag_table.ts";
import type { QueryNode } from "../../src/query/ast.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { search } from "../../src/query/search.ts";
import { makeRandom } from "../support/random.ts";
import {
  buildSnapshot,
  type PlainImage,
  type PlainTag,
  toState,
} from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

const NAMES = ["a", "b", "c", "d", "rare", "unused"];
const TAGS: PlainTag[] = NAMES.map((name, i) => ({ id: 3 * i + 2, name }));
const IDS = TAGS.map((tag) => tag.id);

function idsOf(snapshot: ImageSnapshot, text: string): number[] {
  return [...search(snapshot, parseQuery(text)).rows].map((row) => snapshot.idAt(row));
}

/** What the query means, image by image. */
function isMatch(image: PlainImage, query: QueryNode): boolean {
  switch (query.kind) {
    case "all":
      return true;
    case "and":
      return query.nodes.every((node) => isMatch(image, node));
    case "not":
      return !isMatch(image, query.node);
    case "tag":
      return image.tagIds!.includes(TAGS.find((tag) => tag.name === query.name)?.id ?? -1);
  }
}

const imageArbitrary = fc.record({
  id: fc.integer({ min: 1, max: 60 }),
  tagIds: fc.subarray(IDS.slice(0, 5)),
});
const termArbitrary = fc.tuple(fc.constantFrom("", "", "-"), fc.constantFrom(...NAMES, "unknown"))
  .map((parts) => parts.join(""));
const queryArbitrary = fc.array(termArbitrary, { maxLength: 4 }).map((terms) => terms.join(" "));

Deno.test("search() equals a naive filter, whatever was edited since the load", async () => {
  const edits = fc.array(
    fc.oneof(imageArbitrary, imageArbitrary.map(({ id }) => ({ id, tagIds: null }))),
    { maxLength: 12 },
  );
  const queries = fc.array(queryArbitrary, { minLength: 1, maxLength: 6 });
  const library = fc.uniqueArray(imageArbitrary, { selector: (image) => image.id, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(library, edits, queries, async (images, edits, queries) => {
      const model = new Map<number, PlainImage>(images.map((image) => [image.id, image]));
      let snapshot = await buildSnapshot({ tags: TAGS, images });
      const check = () => {
        for (const text of queries) {
          const query = parseQuery(text);
          const expected = [...model.values()].filter((image) => isMatch(image, query))
            .map((image) => image.id).sort((a, b) => a - b);
          assertEquals(idsOf(snapshot, text), expected, text);
          assertEquals(idsOf(snapshot, text), expected, `${text} again`);
        }
      };
      check();
      for (const { id, tagIds } of edits) {
        if (tagIds === null) model.delete(id);
        else model.set(id, { id, tagIds });
        snapshot = snapshot.withImage(id, tagIds && toState({ id, tagIds }, TAGS));
        check();
      }
    }),
    { numRuns: runs(50) },
  );
});

Deno.test("search() equals a naive filter where lists differ much in length", async () => {
  const random = makeRandom(11);
  const images = Array.from({ length: 3_000 }, (_, i) => ({
    id: 2 * i + 1,
    tagIds: IDS.filter((_, tag) => random.int([1, 2, 9, 90, 700, 1e9][tag] + 1) === 0),
  }));
  let snapshot = await buildSnapshot({ tags: TAGS, images });
  for (let i = 0; i < 40; i++) {
    const image = { id: random.int(6_100), tagIds: random.some(IDS.slice(0, 5), 0.4) };
    const at = images.findIndex((other) => other.id === image.id);
    if (at >= 0) images[at] = image;
    else images.push(image);
    snapshot = snapshot.withImage(image.id, toState(image, TAGS));
  }
  for (const text of ["a b", "a rare", "rare b a", "a -b", "-a", "-rare", "d -a -b", "c d rare"]) {
    const expected = images.filter((image) => isMatch(image, parseQuery(text)))
      .map((image) => image.id).sort((a, b) => a - b);
    assertEquals(idsOf(snapshot, text), expected, text);
  }
});

Deno.test("search() tells which tags it does not know", async () => {
  const images = [{ id: 1, tagIds: [2] }, { id: 2, tagIds: [] }];
  const snapshot = await buildSnapshot({ tags: TAGS, images });
  const table: [string, number[], string[]][] = [
    ["nobody", [], ["nobody"]],
    ["a nobody -nothing", [], ["nobody", "nothing"]],
    ["-nobody", [1, 2], ["nobody"]],
    ["a", [1], []],
    ["a -a", [], []],
    ["unused", [], []],
    ["-unused", [1, 2], []],
    ["", [1, 2], []],
  ];
  for (const [text, ids, unknown] of table) {
    const result = search(snapshot, parseQuery(text));
    assertEquals([...result.rows].map((row) => snapshot.idAt(row)), ids, text);
    assertEquals(result.unknownTags, unknown, text);
  }
});

Deno.test("search() does not mix up the results of queries that it keeps", async () => {
  const images = Array.from({ length: 32 }, (_, i) => ({
    id: i + 1,
    tagIds: IDS.slice(0, 5).filter((_, bit) => (i >> bit) % 2 === 1),
  }));
  const snapshot = await buildSnapshot({ tags: TAGS, images });
  const queries = NAMES.slice(0, 5).flatMap((a) =>
    NAMES.slice(0, 5).flatMap((b) => [`${a} ${b}`, `${a} -${b}`, `-${a} -${b}`, `${b} nobody`])
  );
  for (const round of [1, 2]) {
    for (const text of queries) {
      const expected = images.filter((image) => isMatch(image, parseQuery(text)));
      assertEquals(idsOf(snapshot, text), expected.map((image) => image.id), `${text}, ${round}`);
    }
  }
});

Deno.test("search() finds by the names that tags have now", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: [{ id: 1, tagIds: [2] }] });
  const renamed = snapshot.withTags(
    snapshot.tags.with([[2, { id: 2, name: "new", category: null }], [5, null]]),
  );
  assertEquals([idsOf(renamed, "new"), idsOf(renamed, "a")], [[1], []]);
  assertEquals(search(renamed, parseQuery("b")).unknownTags, ["b"]);
  assertEquals(idsOf(snapshot, "a"), [1], "the older snapshot has the old name");
});

Deno.test("search() of an empty library", async () => {
  const snapshot = await buildSnapshot({ tags: [], images: [] });
  assertEquals(idsOf(snapshot, ""), []);
  assertEquals(idsOf(snapshot, "-a"), []);
  assert(snapshot.tags !== TagTable.EMPTY);
});

Deno.test("search() refuses nodes that it has no plan for", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: [] });
  const query: QueryNode = { kind: "not", node: { kind: "all" } };
  assertThrows(() => search(snapshot, query), TypeError);
});
