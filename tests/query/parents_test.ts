import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { childRowsOf, parentPairsOf, parentRowOf } from "../../src/query/parents.ts";
import { compareSources } from "../../src/tags/sources.ts";
import { buildSnapshot, type PlainImage, toState } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

/** Image id → id of its parent, from what is said of the images alone. */
function expectParents(images: readonly PlainImage[]): [number, number][] {
  const sorted = [...images].sort((a, b) => a.id - b.id);
  return sorted.flatMap((child): [number, number][] => {
    const others = sorted.filter((image) => image.id !== child.id);
    const explicit = others.find((image) => image.id === child.parentImageId);
    if (explicit !== undefined) return [[child.id, explicit.id]];
    const sources = (child.postIds ?? []).map(({ source }) => source).sort(compareSources);
    for (const source of sources) {
      const parent = others.find((image) =>
        image.postIds?.some((post) => post.source === source && post.id === child.parentId)
      );
      if (parent !== undefined) return [[child.id, parent.id]];
    }
    return [];
  });
}

/** The same three answers of a snapshot: each by itself, all pairs, and the other way round. */
function describe(snapshot: ImageSnapshot): [number, number][][] {
  const rows = [...snapshot.rows()];
  const one = rows.flatMap((row): [number, number][] => {
    const parent = parentRowOf(snapshot, row);
    return parent === undefined ? [] : [[snapshot.idAt(row), snapshot.idAt(parent)]];
  });
  const { parentRow, childRow } = parentPairsOf(snapshot);
  const pairs = [...childRow].map((child, i): [number, number] => [
    snapshot.idAt(child),
    snapshot.idAt(parentRow[i]),
  ]);
  const children = rows.flatMap((row) =>
    childRowsOf(snapshot, row).map((child): [number, number] => [
      snapshot.idAt(child),
      snapshot.idAt(row),
    ])
  );
  const byChild = (list: [number, number][]) => list.sort(([a], [b]) => a - b);
  return [one, byChild(pairs), byChild(children)];
}

function same(parents: [number, number][]): [number, number][][] {
  return [parents, parents, parents];
}

Deno.test("parentRowOf() prefers a relation, then the child's own sites in their order", async () => {
  const images: PlainImage[] = [
    { id: 1, postIds: [{ source: "danbooru", id: 7 }] },
    { id: 2, postIds: [{ source: "e621", id: 7 }] },
    { id: 3, postIds: [{ source: "danbooru", id: 7 }] },
    // At danbooru and not e621, whose 7 is another post; the lowest image of several.
    { id: 4, parentId: 7, postIds: [{ source: "danbooru", id: 70 }] },
    { id: 5, parentId: 7, postIds: [{ source: "e621", id: 70 }] },
    { id: 6, parentId: 7, postIds: [{ source: "e621", id: 71 }, { source: "danbooru", id: 71 }] },
    // At no site where it has a post.
    { id: 7, parentId: 7, postIds: [{ source: "yandere", id: 72 }] },
    { id: 8, parentId: 7 },
    { id: 9, parentId: 7, parentImageId: 8, postIds: [{ source: "danbooru", id: 73 }] },
    // Neither itself nor what is gone.
    { id: 10, parentImageId: 10, parentId: 74, postIds: [{ source: "danbooru", id: 74 }] },
    { id: 11, parentImageId: 99, parentId: 7, postIds: [{ source: "e621", id: 75 }] },
  ];
  const snapshot = await buildSnapshot({ tags: [], images });
  const parents: [number, number][] = [[4, 1], [5, 2], [6, 1], [9, 8], [11, 2]];
  assertEquals(describe(snapshot), same(parents));
  assertEquals(expectParents(images), parents);
});

Deno.test("childRowsOf() lists children by image id, also those that came late", async () => {
  const images = [{ id: 1 }, { id: 5, parentImageId: 1 }, { id: 9, parentImageId: 1 }];
  const loaded = await buildSnapshot({ tags: [], images });
  const edited = loaded.withImage(7, toState({ id: 7, parentImageId: 1 }, []))
    .withImage(3, toState({ id: 3, parentImageId: 1 }, []));
  const ids = childRowsOf(edited, edited.rowOfId(1)!).map((row) => edited.idAt(row));
  assertEquals(ids, [3, 5, 7, 9]);
});

const POSTS = fc.array(
  fc.record({
    source: fc.constantFrom("danbooru", "e621", "aaa"),
    id: fc.integer({ min: 1, max: 4 }),
  }),
  { maxLength: 2 },
);
const IMAGE = fc.record({
  id: fc.integer({ min: 1, max: 8 }),
  parentId: fc.integer({ min: 0, max: 4 }),
  parentImageId: fc.constantFrom(0, 0, 0, 1, 2, 3, 8),
  postIds: POSTS,
});

Deno.test("parents of an edited snapshot are those of the same library loaded anew", async () => {
  const edits = fc.array(fc.tuple(IMAGE, fc.boolean()), { maxLength: 6 });
  const library = fc.uniqueArray(IMAGE, { selector: ({ id }) => id, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(library, edits, async (images, changes) => {
      const model = new Map<number, PlainImage>(images.map((image) => [image.id, image]));
      let snapshot = await buildSnapshot({ tags: [], images });
      assertEquals(describe(snapshot), same(expectParents([...model.values()])));
      for (const [image, isRemoval] of changes) {
        if (isRemoval) model.delete(image.id);
        else model.set(image.id, image);
        const isThere = snapshot.rowOfId(image.id) !== undefined;
        if (isRemoval && !isThere) continue;
        snapshot = snapshot.withImage(image.id, isRemoval ? null : toState(image, []));
        assertEquals(describe(snapshot), same(expectParents([...model.values()])));
      }
    }),
    { numRuns: runs(150) },
  );
});
