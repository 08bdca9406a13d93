import type { Database } from "@db/sqlite";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ColumnsBuilder, indexTagNames } from "../../src/cache/columns_builder.ts";
import { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { TagTable } from "../../src/cache/tag_table.ts";
import { readImageRows } from "../../src/store/images.ts";
import {
  readPackedImages,
  readPackedNumbers,
  readPackedTags,
  readSizes,
} from "../../src/store/read_columns.ts";
import { fileTypeCodeOfPath, toFileTypeCode } from "../../src/tags/file_types.ts";
import { type Cell, openDatabase, schemaOf } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { runs } from "../support/tier.ts";

type Facts = [
  size: number,
  durationMs: number,
  favouritedAt: number,
  parentImageId: number,
  fileType: number,
  source: string,
];

/** What a full load makes of every image. */
async function loadFacts(db: Database): Promise<Map<number, Facts>> {
  const builder = new ColumnsBuilder({ ...readSizes(db), tags: indexTagNames(readPackedTags(db)) });
  for (const batch of readPackedImages(db)) builder.addImages(batch);
  for (const batch of readPackedNumbers(db)) builder.addNumbers(batch);
  const { columns, sources } = builder.finish([]);
  const tags = await TagTable.build(columns);
  const snapshot = ImageSnapshot.of(columns, { sources, tags, generation: 1 });
  return new Map([...columns.imageId].map((id, row): [number, Facts] => [id, [
    columns.fileSizeBytes[row],
    columns.durationMs[row],
    columns.favouritedAt[row],
    columns.parentImageId[row],
    columns.fileType[row],
    snapshot.sourceAt(row),
  ]]));
}

/** What a single reading makes of some images, as the cache takes it. */
function readFacts(db: Database, ids: number[]): Map<number, Facts> {
  return new Map(
    readImageRows(db, ids).images.map((image): [number, Facts] => [image.id, [
      image.fileSizeBytes,
      image.durationMs,
      image.favouritedAt,
      image.parentImageId,
      image.fileType || fileTypeCodeOfPath(image.filepath),
      image.source,
    ]]),
  );
}

async function assertFacts(db: Database, expected: [id: number, facts: Facts][]): Promise<void> {
  assertEquals([...await loadFacts(db)], expected);
  assertEquals([...readFacts(db, expected.map(([id]) => id))], expected);
}

const IMAGES = [
  { filepath: "1.jpg" },
  { filepath: "2.PNG" },
  { filepath: "3" },
  { filepath: "4.jpg" },
];
const [JPG, PNG, WEBM] = ["jpg", "png", "webm"].map(toFileTypeCode);

Deno.test("sizes, types, durations and sources are the media's, else the files' and the path's", () =>
  withMigrated({ images: IMAGES }, async (db) => {
    db.exec(
      `INSERT INTO image_media (image_id, file_ext, size_bytes, duration_ms, source_url) VALUES
         (1, 'webm', 5000000000, 1500, 'https://日本.example/'), (3, 'odd', -5, NULL, NULL);
       INSERT INTO image_files (filepath, image_id, size_bytes, mtime_ms, inode, added_at_ms)
         VALUES ('1.jpg', 1, 7, 0, 0, 0), ('2.PNG', 2, 8000000000, 0, 0, 0),
         ('2b.PNG', 2, 8000000000, 0, 0, 0)`,
    );
    await assertFacts(db, [
      [1, [5_000_000_000, 1_500, 0, 0, WEBM, "https://日本.example/"]],
      [2, [8_000_000_000, 0, 0, 0, PNG, ""]],
      [3, [0, 0, 0, 0, 0, ""]],
      [4, [0, 0, 0, 0, JPG, ""]],
    ]);
  }));

Deno.test("a favourite whose time nobody can read is one all the same", () =>
  withMigrated({
    images: IMAGES,
    favourites: [[1, "2024-01-02 03:04:05"], [2, null], [3, "yesterday"], [4, "1960-01-01"]],
  }, async (db) => {
    await assertFacts(db, [
      [1, [0, 0, 1_704_164_645, 0, JPG, ""]],
      [2, [0, 0, 1, 0, PNG, ""]],
      [3, [0, 0, 1, 0, 0, ""]],
      [4, [0, 0, 1, 0, JPG, ""]],
    ]);
  }));

Deno.test("the parent is the lowest that a relation of parent and child names", () =>
  withMigrated({
    images: IMAGES,
    relations: [
      [4, 3, "parent_child"],
      [2, 3, "parent_child"],
      [1, 3, "sibling"],
      [3, 1, "parent_child"],
    ],
  }, async (db) => {
    const found = [...await loadFacts(db)].map(([id, facts]) => [id, facts[3]]);
    assertEquals(found, [[1, 3], [2, 0], [3, 2], [4, 0]]);
    assertEquals([...readFacts(db, [1, 2, 3, 4])].map(([id, facts]) => [id, facts[3]]), found);
  }));

Deno.test("a bare database has none of these facts but the type", async () => {
  const db = openDatabase(":memory:");
  db.exec(schemaOf("bare"));
  db.exec("INSERT INTO images (filepath, md5) VALUES ('a.jpg', 'm')");
  await assertFacts(db, [[1, [0, 0, 0, 0, JPG, ""]]]);
  db.close();
});

Deno.test("a full load and a single reading agree, whatever the columns hold", () => {
  const number = fc.constantFrom<Cell>(0, 1, -1, 2 ** 30, 2 ** 31, 2 ** 40, 1.5, "12", "x", "");
  const text = fc.constantFrom<Cell>("", "http://a", "日本", "\ufeff", "a,b", 7);
  const ext = fc.constantFrom<Cell>("jpg", "JPG", "webm", "", "mkv", 3);
  const time = fc.constantFrom<Cell>(null, "", "2024-01-01", "2999-01-01 00:00:00", 5, 1e12);
  const id = fc.integer({ min: 1, max: 4 });
  const library = fc.record({
    media: fc.uniqueArray(fc.tuple(id, ext, number, fc.option(number), fc.option(text)), {
      selector: ([id]) => id,
    }),
    files: fc.array(fc.tuple(id, number), { maxLength: 3 }),
    favourites: fc.uniqueArray(fc.tuple(id, time), { selector: ([id]) => id }),
    relations: fc.uniqueArray(
      fc.tuple(fc.constantFrom<Cell>(1, 2, "x", 2 ** 40), id, fc.constantFrom("parent_child", "y")),
      { selector: String },
    ),
  });
  return withMigrated({ images: IMAGES }, async (db) => {
    db.exec("PRAGMA foreign_keys = OFF");
    await fc.assert(
      fc.asyncProperty(library, async ({ media, files, favourites, relations }) => {
        db.exec("SAVEPOINT sample");
        for (const row of media) {
          db.exec(
            `INSERT INTO image_media (image_id, file_ext, size_bytes, duration_ms, source_url)
             VALUES (?, ?, ?, ?, ?)`,
            ...row,
          );
        }
        files.forEach(([id, size], i) =>
          db.exec(
            `INSERT INTO image_files (filepath, image_id, size_bytes, mtime_ms, inode, added_at_ms)
             VALUES (?, ?, ?, 0, 0, 0)`,
            `f${i}`,
            id,
            size,
          )
        );
        for (const row of favourites) db.exec("INSERT INTO favourites VALUES (?, ?)", ...row);
        for (const row of relations) {
          db.exec(
            `INSERT INTO image_relations (image_id_a, image_id_b, relation_type)
             VALUES (?, ?, ?)`,
            ...row,
          );
        }
        // Where several files disagree, which none of ours do, either may be right.
        const isPlain = new Set(files.map(([id]) => id)).size === files.length;
        const loaded = await loadFacts(db);
        if (isPlain) assertEquals([...readFacts(db, [1, 2, 3, 4])], [...loaded]);
        db.exec("ROLLBACK TO sample; RELEASE sample");
      }),
      { numRuns: runs(150, 3_000) },
    );
  });
});
