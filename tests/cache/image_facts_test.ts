import { assertEquals, assertThrows } from "@std/assert";
import { ColumnsBuilder } from "../../src/cache/columns_builder.ts";
import { checkColumns, type ImageColumns } from "../../src/cache/image_columns.ts";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import {
  buildColumns,
  buildSnapshot,
  type PlainImage,
  toImageBatch,
  toState,
  toTagColumns,
} from "../support/plain_library.ts";

const IMAGES: PlainImage[] = [
  { id: 1, filepath: "a.JPEG", source: "https://日本.example/1", fileSizeBytes: 5_000_000_000 },
  { id: 2, filepath: "b.png", fileType: "webm", durationMs: 1_500, favouritedAt: 1_700_000_000 },
  { id: 5, filepath: "c", parentImageId: 1, source: "\ufeffx", fileSizeBytes: 1 },
];

function factsOf(snapshot: ImageSnapshot) {
  return [...snapshot.rows()].map((row) => [
    snapshot.fileTypeAt(row),
    snapshot.sourceAt(row),
    snapshot.favouritedAt(row),
  ]);
}

Deno.test("ColumnsBuilder keeps sizes, durations, favourites, parents, types and sources", async () => {
  const snapshot = await buildSnapshot({ tags: [], images: IMAGES });
  const { columns } = snapshot;
  assertEquals([...columns.fileSizeBytes], [5_000_000_000, 0, 1]);
  assertEquals([...columns.durationMs], [0, 1_500, 0]);
  assertEquals([...columns.parentImageId], [0, 0, 1]);
  assertEquals(factsOf(snapshot), [
    ["jpg", "https://日本.example/1", 0],
    ["webm", "", 1_700_000_000],
    [undefined, "\ufeffx", 0],
  ]);
});

Deno.test("ColumnsBuilder takes images in several batches, and numbers of images it does not have", () => {
  const whole = buildColumns({ tags: [], images: IMAGES }).columns;
  const builder = new ColumnsBuilder({
    images: 3,
    links: 0,
    pathBytes: whole.pathBytes.length,
    tags: toTagColumns([]),
  });
  for (const image of IMAGES) builder.addImages(toImageBatch([image]));
  const imageId = Int32Array.of(9, 5, 2, 0);
  builder.addNumbers({ name: "durationMs", imageId, value: Int32Array.of(7, 0, 1_500, 7) });
  builder.addNumbers({
    name: "favouritedAt",
    imageId,
    value: Int32Array.of(7, 0, 1_700_000_000, 7),
  });
  builder.addNumbers({ name: "parentImageId", imageId, value: Int32Array.of(7, 1, 0, 7) });
  assertEquals(builder.finish([]).columns, whole);
});

Deno.test("an edited image has its own facts, and the snapshot before it the old ones", async () => {
  const snapshot = await buildSnapshot({ tags: [], images: IMAGES });
  const before = factsOf(snapshot);
  const edited = snapshot
    .withImage(1, toState({ ...IMAGES[0], source: "", favouritedAt: 1 }, []))
    .withImage(2, null)
    .withImage(7, toState({ id: 7, fileType: "swf", source: "new" }, []));
  assertEquals(factsOf(edited), [["jpg", "", 1], [undefined, "\ufeffx", 0], ["swf", "new", 0]]);
  assertEquals(factsOf(snapshot), before);
  const state = edited.stateOf(edited.rowOfId(1)!);
  assertEquals([state?.fileSizeBytes, state?.durationMs], [5_000_000_000, 0]);
});

Deno.test("the tag columns have the names in the order of their bytes, and their words", () => {
  const names = ["b_a", "Z", "日本", "a", "(a)", "a_b"];
  const tags = names.map((name, i) => ({ id: 10 * i, name }));
  const { columns } = buildColumns({ tags, images: [] });
  assertEquals([...columns.tagNameOrder].map((place) => names[place]), [
    "(a)",
    "Z",
    "a",
    "a_b",
    "b_a",
    "日本",
  ]);
  const decoder = new TextDecoder();
  const words = [...columns.wordOffset.subarray(1)].map((end, i) => [
    decoder.decode(columns.wordBytes.subarray(columns.wordOffset[i], end)),
    [...columns.wordTag.subarray(columns.wordListOffset[i], columns.wordListOffset[i + 1])],
  ]);
  assertEquals(words, [["Z", [1]], ["a", [0, 3, 4, 5]], ["b", [0, 5]], ["日本", [2]]]);
});

Deno.test("checkColumns() refuses facts and names that do not fit", () => {
  const tags = [{ id: 1, name: "a" }, { id: 2, name: "b" }];
  const damages: ((columns: ImageColumns) => Partial<ImageColumns>)[] = [
    ({ fileSizeBytes }) => ({ fileSizeBytes: fileSizeBytes.subarray(1) }),
    ({ sourceOffset }) => ({ sourceOffset: sourceOffset.subarray(1) }),
    ({ sourceBytes }) => ({ sourceBytes: sourceBytes.subarray(1) }),
    () => ({ tagNameOrder: Int32Array.of(1, 0) }),
    () => ({ tagNameOrder: Int32Array.of(0, 2) }),
    () => ({ tagNameOrder: Int32Array.of(0) }),
    () => ({ wordTag: Int32Array.of(0, 2) }),
    ({ wordOffset }) => ({ wordOffset: wordOffset.subarray(0, 2) }),
    ({ wordListOffset }) => ({ wordListOffset: wordListOffset.subarray(0, 2) }),
  ];
  checkColumns(buildColumns({ tags, images: IMAGES }).columns);
  for (const damage of damages) {
    const { columns } = buildColumns({ tags, images: IMAGES });
    assertThrows(() => checkColumns({ ...columns, ...damage(columns) }), Error, "", `${damage}`);
  }
});
