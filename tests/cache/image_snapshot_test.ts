import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ImageDataView } from "../../src/cache/image_data_view.ts";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { RATINGS } from "../../src/tags/ratings.ts";
import { md5Of } from "../support/library_builder.ts";
import {
  buildSnapshot,
  type PlainImage,
  type PlainTag,
  toState,
} from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

const TAGS: PlainTag[] = [
  { id: 1, name: "rating:general" },
  { id: 2, name: "rating:explicit" },
  { id: 3, name: "solo" },
  { id: 4, name: "hat" },
  { id: 5, name: "unused" },
];
const SOURCES = ["aardvark", "yandere", "gelbooru", "e621", "danbooru"];

type Model = ReadonlyMap<number, PlainImage>;

/** Everything that a snapshot answers, in plain values. */
function describe(snapshot: ImageSnapshot): unknown {
  const images = [...snapshot.rows()].map((row) => ({
    id: snapshot.idAt(row),
    filepath: snapshot.filepathAt(row),
    md5: snapshot.md5At(row),
    tagIds: [...snapshot.tagIdsAt(row)],
    tagCount: snapshot.tagCountAt(row),
    rating: snapshot.ratingAt(row),
    isThere: snapshot.isThere(row),
  }));
  return {
    length: snapshot.length,
    images,
    counts: [...snapshot.tagCounts()].sort(([a], [b]) => a - b),
    countOf: TAGS.map(({ id }) => snapshot.countOfTag(id)),
    used: snapshot.usedTagCount,
    links: snapshot.tagLinkCount,
    byId: [0, 1, 2, 3, 4, 5, 6, 7, 8].map((id) => {
      const row = snapshot.rowOfId(id);
      return row === undefined ? null : snapshot.idAt(row);
    }),
    byPath: ["a", "b", "c", "d", "1.jpg", "2.jpg", "8.jpg", "never"].map((path) => {
      const row = snapshot.rowOfPath(path);
      return row === undefined ? null : snapshot.idAt(row);
    }),
    byPost: [1, 2, 3].flatMap((id) =>
      [undefined, ...SOURCES].map((source) =>
        snapshot.rowsOfPostId(id, source).map((row) => snapshot.idAt(row))
      )
    ),
  };
}

/** The same, worked out from the model alone. */
function expect(model: Model): unknown {
  const images = [...model.values()].sort((a, b) => a.id - b.id);
  const pathOf = (image: PlainImage) => image.filepath ?? `${image.id}.jpg`;
  const countOf = (tagId: number) => images.filter((image) => image.tagIds?.includes(tagId)).length;
  const countOfAll = TAGS.map(({ id }): [number, number] => [id, countOf(id)]);
  return {
    length: images.length,
    images: images.map((image) => {
      const tagIds = (image.tagIds ?? []).toSorted((a, b) => a - b);
      const rating = tagIds.includes(2) ? RATINGS[3] : tagIds.includes(1) ? RATINGS[0] : null;
      return {
        id: image.id,
        filepath: pathOf(image),
        md5: md5Of(image.id),
        tagIds,
        tagCount: tagIds.length,
        rating,
        isThere: true,
      };
    }),
    counts: countOfAll.filter(([, count]) => count > 0),
    countOf: countOfAll.map(([, count]) => count),
    used: countOfAll.filter(([, count]) => count > 0).length,
    links: countOfAll.reduce((sum, [, count]) => sum + count, 0),
    byId: [0, 1, 2, 3, 4, 5, 6, 7, 8].map((id) => model.has(id) ? id : null),
    byPath: ["a", "b", "c", "d", "1.jpg", "2.jpg", "8.jpg", "never"].map((path) =>
      images.find((image) => pathOf(image) === path)?.id ?? null
    ),
    byPost: [1, 2, 3].flatMap((id) => {
      const idsAt = (source: string) =>
        images.filter((image) =>
          image.postIds?.some((post) => post.source === source && post.id === id)
        ).map((image) => image.id);
      const order = ["danbooru", "e621", "gelbooru", "yandere", "aardvark"];
      const first = order.map(idsAt).find((ids) => ids.length > 0) ?? [];
      return [first, ...SOURCES.map(idsAt)];
    }),
  };
}

function imageArbitrary(id: number): fc.Arbitrary<PlainImage> {
  return fc.record({
    id: fc.constant(id),
    filepath: fc.constantFrom(undefined, "a", "b", "c", "d"),
    tagIds: fc.subarray([1, 2, 3, 4]),
    postIds: fc.uniqueArray(
      fc.record({ source: fc.constantFrom(...SOURCES), id: fc.integer({ min: 1, max: 3 }) }),
      { selector: (post) => post.source, maxLength: 3 },
    ),
  });
}

const stepArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 8 }).chain(imageArbitrary) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 8 }).map((id) => ({ id, isGone: true as const })),
  },
);

/** A path belongs to one image: an image that wants one that is taken keeps its own. */
function withOwnPath(model: Model, image: PlainImage): PlainImage {
  const isTaken = [...model.values()].some((other) =>
    other.id !== image.id && other.filepath !== undefined && other.filepath === image.filepath
  );
  return isTaken ? { ...image, filepath: undefined } : image;
}

Deno.test("withImage() gives snapshots that equal the library, and changes no older one", async () => {
  const library = fc.uniqueArray(fc.integer({ min: 1, max: 8 }).chain(imageArbitrary), {
    selector: (image) => image.id,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(library, fc.array(stepArbitrary, { maxLength: 14 }), async (images, steps) => {
      const model = new Map<number, PlainImage>();
      for (const image of images) model.set(image.id, withOwnPath(model, image));
      let snapshot = await buildSnapshot({ tags: TAGS, images: [...model.values()] });
      const seen: [ImageSnapshot, unknown][] = [[snapshot, expect(model)]];
      for (const step of steps) {
        if ("isGone" in step) {
          model.delete(step.id);
          snapshot = snapshot.withImage(step.id, null);
        } else {
          const image = withOwnPath(model, step);
          model.set(image.id, image);
          snapshot = snapshot.withImage(image.id, toState(image, TAGS));
        }
        // Asked now, so that what a snapshot remembers of itself is tested against later edits too.
        if (steps.indexOf(step) % 2 === 0) assertEquals(describe(snapshot), expect(model));
        seen.push([snapshot, expect(model)]);
      }
      for (const [snapshot, expected] of seen) assertEquals(describe(snapshot), expected);
    }),
    { numRuns: runs(60) },
  );
});

Deno.test("withImage() removes, adds and adds again", async () => {
  const image = { id: 5, tagIds: [3], filepath: "x", postIds: [{ source: "e621", id: 9 }] };
  let snapshot = await buildSnapshot({ tags: TAGS, images: [{ id: 2 }, image, { id: 7 }] });
  const first = snapshot;
  for (let round = 0; round < 3; round++) {
    snapshot = snapshot.withImage(5, null);
    assertEquals([snapshot.length, snapshot.countOfTag(3)], [2, 0]);
    assertEquals([snapshot.rowOfPath("x"), snapshot.rowOfId(5)], [undefined, undefined]);
    assertEquals(snapshot.rowsOfPostId(9), []);
    snapshot = snapshot.withImage(5, toState({ ...image, filepath: "y" }, TAGS));
    assertEquals([snapshot.length, snapshot.countOfTag(3)], [3, 1]);
    assertEquals([...snapshot.rows()].map((row) => snapshot.idAt(row)), [2, 5, 7]);
    assertEquals([snapshot.rowOfPath("x"), snapshot.rowOfPath("y")], [undefined, 1]);
    assertEquals(snapshot.rowsOfPostId(9), [1]);
  }
  assertEquals([first.rowOfPath("x"), first.rowOfPath("y")], [1, undefined]);
  assertEquals(snapshot.withImage(99, null).length, 3, "removing what is not there");
});

Deno.test("withImage() of an older snapshot is refused", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: [{ id: 1 }] });
  snapshot.withImage(1, null);
  assertThrows(() => snapshot.withImage(1, null), Error, "newest");
});

Deno.test("every change has a higher generation", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: [{ id: 1 }] }, 40);
  assertEquals(snapshot.generation, 40);
  const edited = snapshot.withImage(1, null);
  assertEquals([edited.generation, edited.withTags(edited.tags).generation], [41, 42]);
});

Deno.test("touchedRows() and editedRowCount tell what the columns do not know", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: [{ id: 1 }, { id: 2 }] });
  const first = snapshot.withImage(2, toState({ id: 2, tagIds: [3] }, TAGS));
  const second = first.withImage(9, toState({ id: 9 }, TAGS)).withImage(2, null);
  assertEquals([snapshot, first, second].map((s) => s.touchedRows()), [[], [1], [1, 2]]);
  assertEquals([snapshot, first, second].map((s) => s.editedRowCount), [0, 1, 2]);
  assertEquals([snapshot.stateOf(1), second.stateOf(1)], [undefined, null]);
  assertEquals(first.stateOf(1)?.tagIds, Int32Array.of(3));
});

Deno.test("rowsOfPostId() prefers danbooru, e621, gelbooru, yandere, then by name", async () => {
  const order = ["danbooru", "e621", "gelbooru", "yandere", "aaa", "pixiv", "zzz"];
  const images = order.toReversed().map((source, i) => ({
    id: i + 1,
    postIds: [{ source, id: 7 }],
  }));
  let snapshot = await buildSnapshot({ tags: TAGS, images });
  const answered: string[] = [];
  for (
    let row = snapshot.rowsOfPostId(7)[0];
    row !== undefined;
    row = snapshot.rowsOfPostId(7)[0]
  ) {
    const id = snapshot.idAt(row);
    answered.push(images[id - 1].postIds[0].source);
    snapshot = snapshot.withImage(id, null);
  }
  assertEquals(answered, order);
});

Deno.test("rowsOfPostId() lists all images of a shared post, the lowest id first", async () => {
  const postIds = [{ source: "pixiv", id: 7 }];
  const images = [3, 5, 9].map((id) => ({ id, postIds }));
  const snapshot = await buildSnapshot({ tags: TAGS, images });
  const added = snapshot.withImage(4, toState({ id: 4, postIds }, TAGS));
  const idsOf = (snapshot: ImageSnapshot, source?: string) =>
    snapshot.rowsOfPostId(7, source).map((row) => snapshot.idAt(row));
  assertEquals(idsOf(added), [3, 4, 5, 9]);
  assertEquals(idsOf(added, "pixiv"), [3, 4, 5, 9]);
  assertEquals(idsOf(added, "danbooru"), []);
  assertEquals(idsOf(snapshot), [3, 5, 9]);
  assertEquals(snapshot.postIdCount, 1);
});

Deno.test("paths of any characters are found again", async () => {
  const paths = ["\ufeffa.jpg", "日本/🎨.png", "a\u001fb", "", " ", "x".repeat(9_000)];
  const images = paths.map((filepath, i) => ({ id: i + 1, filepath }));
  const snapshot = await buildSnapshot({ tags: TAGS, images });
  paths.forEach((path, row) => {
    assertEquals(snapshot.rowOfPath(path), row);
    assertEquals(snapshot.filepathAt(row), path);
  });
  for (const path of ["a.jpg", "a", "x".repeat(8_999)]) {
    assertEquals(snapshot.rowOfPath(path), undefined);
  }
});

Deno.test("memo() keeps what is derived, also nothing, and no snapshot sees another's", async () => {
  const snapshot = await buildSnapshot({ tags: TAGS, images: [{ id: 1 }] });
  let computed = 0;
  for (let i = 0; i < 3; i++) snapshot.memo("key", () => void computed++);
  assertEquals(computed, 1);
  snapshot.withTags(snapshot.tags).memo("key", () => void computed++);
  assertEquals(computed, 2);
});

Deno.test("ImageDataView answers like an array", async () => {
  const images = [5, 2, 9].map((id) => ({ id, tagIds: [3] }));
  const view = new ImageDataView(await buildSnapshot({ tags: TAGS, images }));
  const ids = [2, 5, 9];
  assertEquals(view.length, 3);
  assertEquals([...view].map((entry) => entry.id), ids);
  for (const at of [0, 1, 2, 3, -1, -3, -4, 1.9, -0.5, Infinity, -Infinity]) {
    assertEquals(view.at(at)?.id, ids.at(at), `${at}`);
  }
  assertEquals(view.at(NaN), undefined);
  const entry = view.at(0)!;
  entry.tagIds[0] = 77;
  assertEquals(view.at(0)!.tagIds, Int32Array.of(3));
  assert(view[Symbol.iterator]() !== view[Symbol.iterator](), "it can be walked twice");
});
