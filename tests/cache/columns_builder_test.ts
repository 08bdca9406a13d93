import { assert, assertEquals, assertThrows } from "@std/assert";
import { ColumnsBuilder, findSorted, toRatingCode } from "../../src/cache/columns_builder.ts";
import {
  checkColumns,
  checkShapes,
  columnBuffers,
  columnsByteLength,
  emptyColumns,
  hashBytes,
  type ImageColumns,
  slotCountFor,
} from "../../src/cache/image_columns.ts";
import {
  buildColumns,
  buildSnapshot,
  type PlainImage,
  toImageBatch,
  toLinkBatch,
  toPostBatch,
  toTagColumns,
} from "../support/plain_library.ts";

const ID_MAX = 2 ** 31 - 1;

function listsOf(columns: ImageColumns): Record<number, number[]> {
  return Object.fromEntries(
    [...columns.tagId].map((id, i) => [
      id,
      [...columns.listRow.subarray(columns.listOffset[i], columns.listOffset[i + 1])],
    ]),
  );
}

function tagsOf(columns: ImageColumns): number[][] {
  return [...columns.imageId].map((_, row) => [
    ...columns.imageTagId.subarray(columns.tagOffset[row], columns.tagOffset[row + 1]),
  ]);
}

Deno.test("ColumnsBuilder of an empty library gives what emptyColumns() gives", () => {
  const { columns, sources } = buildColumns({ tags: [], images: [] });
  assertEquals(columns, emptyColumns());
  assertEquals(sources, []);
  checkColumns(emptyColumns());
});

Deno.test("ColumnsBuilder of one image without tags", async () => {
  const snapshot = await buildSnapshot({ tags: [], images: [{ id: 5, width: 3, score: -2 }] });
  assertEquals(snapshot.length, 1);
  assertEquals([snapshot.columns.width[0], snapshot.columns.score[0]], [3, -2]);
  assertEquals(snapshot.rowOfPath("5.jpg"), 0);
  assertEquals(snapshot.tagIdsAt(0), new Int32Array());
});

Deno.test("ColumnsBuilder sorts tags, drops repeats and links to unknown tags", () => {
  const tags = [{ id: 7, name: "b" }, { id: 3, name: "a" }, { id: 9, name: "c" }];
  const images = [{ id: 1, tagIds: [9, 3, 9, 8, 7] }, { id: 2, tagIds: [8] }, {
    id: 4,
    tagIds: [3],
  }];
  const { columns } = buildColumns({ tags, images });
  assertEquals(tagsOf(columns), [[3, 7, 9], [], [3]]);
  assertEquals(listsOf(columns), { 3: [0, 2], 7: [0], 9: [0] });
});

Deno.test("ColumnsBuilder leaves out links of images that do not exist", () => {
  const images = [{ id: 2, tagIds: [1] }, { id: 5 }, { id: 7, tagIds: [1, 2] }];
  const links: PlainImage[] = [
    { id: 1, tagIds: [1, 2] },
    { id: 2, tagIds: [1] },
    { id: 3, tagIds: [2] },
    { id: 7, tagIds: [1, 2] },
    { id: 8, tagIds: [1] },
  ];
  const imageBatch = toImageBatch(images);
  const tags = toTagColumns([{ id: 1, name: "a" }, { id: 2, name: "b" }]);
  const builder = new ColumnsBuilder({
    images: 3,
    links: 50,
    pathBytes: imageBatch.pathBytes.length + 10,
    tags,
  });
  builder.addImages(toImageBatch(images.slice(0, 1)));
  builder.addImages(toImageBatch(images.slice(1)));
  for (const link of links) builder.addLinks(toLinkBatch([link]));
  const { columns } = builder.finish([toPostBatch([
    { id: 3, postIds: [{ source: "e621", id: 1 }] },
    { id: 7, postIds: [{ source: "e621", id: 2 }] },
  ])]);
  assertEquals(tagsOf(columns), [[1], [], [1, 2]]);
  assertEquals(listsOf(columns), { 1: [0, 2], 2: [2] });
  assertEquals([...columns.postRow], [2]);
  assertEquals(columns.pathBytes.length, imageBatch.pathBytes.length);
});

Deno.test("ColumnsBuilder keeps md5 texts that are no lower-case md5", async () => {
  const md5s = ["ffffffffffffffffffffffffffffffff", "", "ABCD".repeat(8), "z".repeat(32), "日本"];
  md5s.push("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdeg");
  const images = md5s.map((md5, i) => ({ id: i + 1, md5 }));
  const snapshot = await buildSnapshot({ tags: [], images });
  assertEquals(md5s.map((_, row) => snapshot.md5At(row)), md5s);
  assertEquals([...snapshot.columns.oddMd5Row], [1, 2, 3, 4, 6]);
});

Deno.test("ColumnsBuilder takes ids up to 2^31-1, of images, tags and posts", async () => {
  const tags = [{ id: 1, name: "a" }, { id: ID_MAX, name: "last" }];
  const post = { source: "danbooru", id: ID_MAX };
  const images = [
    { id: 1, tagIds: [ID_MAX] },
    { id: ID_MAX - 1, tagIds: [1, ID_MAX], postIds: [post] },
    { id: ID_MAX, postIds: [post] },
  ];
  const snapshot = await buildSnapshot({ tags, images });
  assertEquals(snapshot.rowOfId(ID_MAX), 2);
  assertEquals(snapshot.countOfTag(ID_MAX), 2);
  assertEquals(snapshot.tags.nameOf(ID_MAX), "last");
  assertEquals(snapshot.rowsOfPostId(ID_MAX), [1, 2]);
});

Deno.test("ColumnsBuilder counts the strictest of several ratings", () => {
  const names = ["rating:explicit", "rating:general", "rating:odd", "ratings", "rating:sensitive"];
  const tags = names.map((name, i) => ({ id: i + 1, name }));
  const images = [[2], [2, 1], [3], [4], [5, 2], []].map((tagIds, i) => ({ id: i + 1, tagIds }));
  const { columns } = buildColumns({ tags, images });
  assertEquals([...columns.rating], [1, 4, 0, 0, 2, 0]);
});

Deno.test("toRatingCode() numbers the ratings from the mildest, 0 for what is none", () => {
  const table: [string, number][] = [
    ["rating:general", 1],
    ["rating:sensitive", 2],
    ["rating:questionable", 3],
    ["rating:explicit", 4],
    ["rating:nothing", 0],
    ["general", 0],
    ["", 0],
  ];
  for (const [name, code] of table) assertEquals(toRatingCode(name), code, name);
});

Deno.test("ColumnsBuilder sorts post ids of several batches by source, id and row", () => {
  const images = Array.from({ length: 4 }, (_, i) => ({ id: i + 1 }));
  const batches = [
    { sources: ["pixiv", "e621"], triples: Int32Array.of(0, 9, 1, 1, 5, 4, 1, 5, 2) },
    { sources: ["danbooru", "pixiv", "aaa"], triples: Int32Array.of(1, 3, 3, 0, 7, 1, 1, 9, 2) },
  ];
  const imageBatch = toImageBatch(images);
  const builder = new ColumnsBuilder({
    images: 4,
    links: 0,
    pathBytes: imageBatch.pathBytes.length,
    tags: toTagColumns([]),
  });
  builder.addImages(imageBatch);
  const { columns, sources } = builder.finish(batches);
  assertEquals(sources, ["danbooru", "e621", "aaa", "pixiv"]);
  const triples = [...columns.postSource].map((source, i) => [
    sources[source],
    columns.postId[i],
    columns.postRow[i],
  ]);
  assertEquals(triples, [
    ["danbooru", 7, 0],
    ["e621", 5, 1],
    ["e621", 5, 3],
    ["pixiv", 3, 2],
    ["pixiv", 9, 0],
    ["pixiv", 9, 1],
  ]);
});

Deno.test("columns travel between isolates whole", () => {
  const { columns } = buildColumns({
    tags: [{ id: 1, name: "a" }],
    images: [{ id: 1, tagIds: [1] }, { id: 2 }],
  });
  const expected = structuredClone(columns);
  assert(columnsByteLength(columns) > 0);
  const received = structuredClone(columns, { transfer: [...new Set(columnBuffers(columns))] });
  assertEquals(columns.imageId.length, 0, "the sender's columns are gone");
  assertEquals(received, expected);
  checkColumns(received);
});

Deno.test("checkShapes() and checkColumns() refuse columns that do not fit each other", () => {
  const build = () =>
    buildColumns({
      tags: [{ id: 1, name: "a" }, { id: 2, name: "b" }],
      images: [{ id: 1, tagIds: [1, 2] }, { id: 2, tagIds: [1] }],
    }).columns;
  const short: Partial<ImageColumns>[] = [
    { width: new Int32Array(1) },
    { rating: new Uint8Array(3) },
    { md5: new Int32Array(4) },
    { pathOffset: new Int32Array(2) },
    { tagCategory: new Uint8Array(1) },
    { postId: new Int32Array(1) },
    { pathSlots: new Int32Array(3) },
    { pathSlots: new Int32Array(2) },
    { listRow: new Int32Array(2) },
  ];
  for (const harm of short) {
    assertThrows(
      () => checkShapes({ ...build(), ...harm }),
      Error,
      "Invariant",
      Object.keys(harm)[0],
    );
  }
  const wrong: Partial<ImageColumns>[] = [
    { imageId: Int32Array.of(2, 1) },
    { imageId: Int32Array.of(1, 1) },
    { tagId: Int32Array.of(2, 2) },
    { imageTagId: Int32Array.of(2, 1, 1) },
    { listRow: Int32Array.of(1, 0, 0) },
    { tagOffset: Int32Array.of(0, 4, 3) },
  ];
  for (const harm of wrong) {
    assertThrows(
      () => checkColumns({ ...build(), ...harm }),
      Error,
      "Invariant",
      Object.keys(harm)[0],
    );
  }
  checkColumns(build());
});

Deno.test("findSorted() finds places and -1", () => {
  const values = Int32Array.of(-5, 0, 3, 9);
  for (let value = -7; value < 12; value++) {
    assertEquals(findSorted(values, value), values.indexOf(value));
  }
  assertEquals(findSorted(new Int32Array(), 1), -1);
});

Deno.test("slotCountFor() is a power of two that leaves half of the slots free", () => {
  for (let count = 0; count < 5_000; count++) {
    const slots = slotCountFor(count);
    assert(Number.isInteger(Math.log2(slots)) && slots >= 2 * count && slots >= 2);
    assert(slots === 2 || slots < 4 * count);
  }
});

Deno.test("hashBytes() is FNV-1a", () => {
  const hash = (text: string) => {
    const bytes = new TextEncoder().encode(`xx${text}yy`);
    return hashBytes(bytes, 2, bytes.length - 2);
  };
  assertEquals([hash(""), hash("a"), hash("foobar")], [0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});
