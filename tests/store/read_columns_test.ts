import type { Database } from "@db/sqlite";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { METADATA_BATCH_DOCUMENTS } from "../../src/base/limits.ts";
import {
  hasRequiredTables,
  type MetadataBatch,
  readMetadataBatch,
  readPackedImages,
  readPackedLinks,
  readPackedTags,
  readSizes,
} from "../../src/store/read_columns.ts";
import { readImageRows } from "../../src/store/images.ts";
import { TAG_CATEGORIES } from "../../src/tags/category.ts";
import { buildLibrary, type LibrarySpec, md5Of, openDatabase } from "../support/library_builder.ts";
import { withTempDir } from "../support/temp.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

async function withLibrary(
  spec: LibrarySpec,
  test: (db: Database) => void,
  options: { foreignKeys?: boolean } = {},
): Promise<void> {
  await withTempDir((dir) => {
    buildLibrary(`${dir}/a.db`, spec, "bare");
    const db = openDatabase(`${dir}/a.db`, options);
    try {
      test(db);
    } finally {
      db.close();
    }
  });
}

function unpack(bytes: Uint8Array, lengths: Int32Array): Uint8Array[] {
  let end = 0;
  return [...lengths].map((length) => bytes.slice(end, end += length));
}

function readAllLinks(db: Database): [image: number, tags: number[]][] {
  return [...readPackedLinks(db, readSizes(db).imageIdMax)].flatMap(({ imageId, count, tagId }) => {
    let end = 0;
    return [...imageId].map((id, i): [number, number[]] => [
      id,
      [...tagId.subarray(end, end += count[i])].sort((a, b) => a - b),
    ]);
  });
}

function readAllMetadata(db: Database): Map<number, Uint8Array> {
  const all = new Map<number, Uint8Array>();
  let after = -1;
  for (let calls = 0; calls < 1_000; calls++) {
    const batch: MetadataBatch | null = readMetadataBatch(db, after);
    if (batch === null) return all;
    unpack(batch.bytes, batch.length).forEach((bytes, i) => all.set(batch.imageId[i], bytes));
    after = batch.imageId[batch.imageId.length - 1];
  }
  throw new Error("The documents have no end");
}

Deno.test("hasRequiredTables() wants images, tags and image_tags", async () => {
  await withLibrary({}, (db) => {
    assert(hasRequiredTables(db));
    db.exec("DROP TABLE raw_metadata");
    assert(hasRequiredTables(db));
    assertEquals(readSizes(db).metadata, 0);
    db.exec("DROP TABLE image_tags");
    assert(!hasRequiredTables(db));
  });
});

Deno.test("readPackedImages() keeps every byte of a path and an md5", async () => {
  const paths = [
    "plain.jpg",
    "",
    "\u0001\u001f,\n\t.jpg",
    "\ufeffbom.jpg",
    "日本/🎨.png",
    "a,b;c 1,2",
    "x".repeat(5_000),
  ];
  const images = paths.map((filepath, i) => ({ filepath, md5: i % 2 ? md5Of(i) : `odd,${i} ﬀ` }));
  await withLibrary({ images }, (db) => {
    const [batch, ...rest] = readPackedImages(db);
    assertEquals(rest.length, 0);
    assertEquals([...batch.imageId], paths.map((_, i) => i + 1));
    const read = (bytes: Uint8Array, lengths: Int32Array) =>
      unpack(bytes, lengths).map((bytes) => decoder.decode(bytes));
    assertEquals(read(batch.pathBytes, batch.pathLength), paths);
    assertEquals(read(batch.md5Bytes, batch.md5Length), images.map((image) => image.md5));
    assertEquals(readSizes(db).pathBytes, batch.pathBytes.length);
  });
});

Deno.test("readPackedImages() keeps U+0000 and bytes that are no UTF-8", async () => {
  await withLibrary({ images: [{}, {}] }, (db) => {
    const paths = [Uint8Array.of(0x61, 0, 0x62), Uint8Array.of(0xff, 0xfe, 0x61)];
    paths.forEach((path, i) =>
      db.exec("UPDATE images SET filepath = CAST(? AS TEXT) WHERE id = ?", path, i + 1)
    );
    const [batch] = readPackedImages(db);
    assertEquals(unpack(batch.pathBytes, batch.pathLength), paths);
  });
});

Deno.test("readPackedImages() takes whatever the number columns hold", async () => {
  const table: [string | number | null, number][] = [
    [null, 0],
    ["abc", 0],
    ["12px", 12],
    [3.9, 3],
    [-7, -7],
    [2 ** 40, 2 ** 31 - 1],
    [-(2 ** 40), -(2 ** 31 - 1)],
    ["", 0],
  ];
  const images = table.map(([score]) => ({ columns: { score, ingested_at: score } }));
  images[0].columns.ingested_at = "2024-02-03 04:05:06";
  await withLibrary({ images }, (db) => {
    const [batch] = readPackedImages(db);
    assertEquals([...batch.score], table.map(([, expected]) => expected));
    assertEquals(batch.ingestedAt[0], Date.UTC(2024, 1, 3, 4, 5, 6) / 1000);
    const rows = readImageRows(db, table.map((_, i) => i + 1)).images;
    assertEquals(rows.map((row) => row.score), [...batch.score]);
    assertEquals(rows.map((row) => row.ingestedAt), [...batch.ingestedAt]);
  });
});

Deno.test("images read one by one and packed do without columns that early versions lack", async () => {
  await withLibrary({ images: [{ columns: { image_width: 640 } }] }, (db) => {
    for (const name of ["score", "fav_count", "ingested_at", "parent_id", "image_height"]) {
      db.exec(`ALTER TABLE images DROP COLUMN ${name}`);
    }
    const [batch] = readPackedImages(db);
    const [row] = readImageRows(db, [1]).images;
    for (const read of [batch.width[0], row.width]) assertEquals(read, 640);
    for (const name of ["score", "favCount", "ingestedAt", "parentId", "height"] as const) {
      assertEquals([batch[name][0], row[name]], [0, 0], name);
    }
  });
});

Deno.test("readPackedImages() gives several batches in the order of ids", async () => {
  await withLibrary({}, (db) => {
    db.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20001)
       INSERT INTO images (id, filepath, md5) SELECT 3 * i, 'p' || i, printf('%032x', i) FROM n`,
    );
    const batches = [...readPackedImages(db)];
    assert(batches.length > 1);
    const ids = batches.flatMap((batch) => [...batch.imageId]);
    assertEquals(ids.length, 20_001);
    assert(ids.every((id, i) => id === 3 * (i + 1)));
    const paths = batches.flatMap((batch) => unpack(batch.pathBytes, batch.pathLength));
    assertEquals(decoder.decode(paths[15_000]), "p15001");
  });
});

Deno.test("readPackedTags() gives ids, names and categories in the order of ids", async () => {
  const names = ["solo", "\ufeffx", "a,b", "日本", "rating:general", "none", "odd"];
  const categories = ["general", "meta", "artist", "character", "rating", null, "no such"];
  const tags = names.map((name, i) => ({ id: 70 - 10 * i, name, category: categories[i] }));
  await withLibrary({ tags }, (db) => {
    const packed = readPackedTags(db);
    assertEquals([...packed.tagId], [10, 20, 30, 40, 50, 60, 70]);
    const lengths = packed.tagNameOffset.slice(1).map((end, i) => end - packed.tagNameOffset[i]);
    const read = unpack(packed.tagNameBytes, lengths).map((bytes) => decoder.decode(bytes));
    assertEquals(read, names.toReversed());
    assertEquals(
      [...packed.tagCategory].map((code) => TAG_CATEGORIES[code - 1] ?? null),
      [null, null, "rating", "character", "artist", "meta", "general"],
    );
  });
  await withLibrary({}, (db) => assertEquals([...readPackedTags(db).tagNameOffset], [0]));
});

Deno.test("readPackedLinks() gives every image with tags, over many batches", async () => {
  const ids = [1, 3_999, 4_000, 4_001, 7_999, 8_000, 123_456];
  const images = ids.map((id, i) => ({ id, tags: ["a", "b", "c"].slice(0, i % 4) }));
  await withLibrary({ images }, (db) => {
    const expected = ids.map((id, i): [number, number[]] => [id, [1, 2, 3].slice(0, i % 4)]);
    assertEquals(readAllLinks(db), expected.filter(([, tags]) => tags.length > 0));
    assert(readSizes(db).links >= 9);
  });
});

Deno.test("readPackedLinks() crosses the largest gap between ids at once", async () => {
  const idMax = 2 ** 31 - 1;
  await withLibrary({ images: [{ id: 1, tags: ["a"] }, { id: idMax, tags: ["a"] }] }, (db) => {
    const startedAt = performance.now();
    assertEquals(readAllLinks(db), [[1, [1]], [idMax, [1]]]);
    const ms = performance.now() - startedAt;
    assert(ms < 500, `it took ${ms} ms: every batch of the gap was asked for`);
  });
});

Deno.test("readPackedLinks() leaves out what is no id", async () => {
  await withLibrary({ images: [{ tags: ["a", "b"] }, { tags: ["a"] }] }, (db) => {
    for (const tagId of [null, "abc", 1.5, 2 ** 32 + 1, -5]) {
      db.exec("INSERT INTO image_tags (image_id, tag_id) VALUES (2, ?)", tagId);
    }
    db.exec("INSERT INTO image_tags (image_id, tag_id) VALUES (NULL, 1)");
    assertEquals(readAllLinks(db), [[1, [1, 2]], [2, [1]]]);
  }, { foreignKeys: false });
});

Deno.test("readSizes() refuses ids that do not fit 31 bits", async () => {
  for (const table of ["images", "tags"]) {
    for (const id of [2 ** 31, -1]) {
      await withLibrary({}, (db) => {
        const values = table === "images" ? "(id, filepath, md5) VALUES (?, 'p', 'm')" : "";
        db.exec(`INSERT INTO ${table} ${values || "(id, name) VALUES (?, 'n')"}`, id);
        const error = assertThrows(() => readSizes(db), AppError, `${id}`);
        assertEquals(error.code, "corrupt");
        assert(error.remedy !== undefined);
      });
    }
  }
});

Deno.test("readMetadataBatch() gives every document byte by byte", async () => {
  const documents: (string | Uint8Array)[] = [
    "{}",
    "",
    '{"a": "\ufeff日本🎨,1"}',
    "\ufeff{}",
    Uint8Array.of(0x7b, 0xff, 0, 0x7d),
    new TextEncoder().encode("[1,2]"),
    "x".repeat(300_000),
  ];
  await withLibrary({ images: documents.map((metadata) => ({ metadata })) }, (db) => {
    const read = readAllMetadata(db);
    assertEquals(read.size, documents.length);
    documents.forEach((document, i) => {
      const bytes = typeof document === "string" ? new TextEncoder().encode(document) : document;
      assertEquals(read.get(i + 1), bytes, `document ${i}`);
    });
    assertEquals(readSizes(db).metadata, documents.length);
  });
});

Deno.test("readMetadataBatch() gives batches of the seed's size", async () => {
  await withLibrary({}, (db) => {
    db.exec(
      `PRAGMA foreign_keys = OFF;
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
       INSERT INTO raw_metadata (image_id, data) SELECT 2 * i, '{"n":' || i || '}' FROM n`,
    );
    const first = readMetadataBatch(db, -1)!;
    assertEquals(first.imageId.length, METADATA_BATCH_DOCUMENTS);
    const read = readAllMetadata(db);
    assertEquals(read.size, 2500);
    assertEquals(decoder.decode(read.get(4_998)), '{"n":2499}');
  });
});

Deno.test("readMetadataBatch() comes to an end when documents of no image have ids beyond int32", async () => {
  await withLibrary({ images: [{ metadata: "{}" }] }, (db) => {
    for (const id of [2 ** 32 + 1, 2 ** 31, -3]) {
      db.exec("INSERT INTO raw_metadata (image_id, data) VALUES (?, 'x')", id);
    }
    assertEquals([...readAllMetadata(db).keys()], [1]);
  }, { foreignKeys: false });
});

Deno.test("readMetadataBatch() takes smaller batches where SQLite's longest text is exceeded", async () => {
  const images = Array.from({ length: 5 }, (_, i) => ({ metadata: `document ${i}` }));
  await withLibrary({ images }, (db) => {
    // Stands for documents so large that three of them cannot be joined into one text.
    let joined = 0;
    db.function("length", (bytes: Uint8Array) => {
      if (++joined <= 2) return bytes.length;
      joined = 0;
      throw new Error("string or blob too big");
    });
    const sizes: number[] = [];
    let after = -1;
    for (;;) {
      joined = 0;
      const batch: MetadataBatch | null = readMetadataBatch(db, after);
      if (batch === null) break;
      sizes.push(...batch.length);
      after = batch.imageId[batch.imageId.length - 1];
    }
    assertEquals(sizes, [10, 10, 10, 10, 10]);
  });
});

Deno.test("readImageRows() reads one state of the database while another program commits", async () => {
  await withTempDir((dir) => {
    const path = `${dir}/a.db`;
    buildLibrary(path, { images: [{ tags: ["a"] }] }, "bare");
    const writer = openDatabase(path);
    const reader = openDatabase(path);
    // The first statement reads the time of an import: at that moment the other program commits.
    reader.function("unixepoch", (_: unknown) => {
      writer.exec("DELETE FROM image_tags");
      return 0;
    });
    assertEquals(readImageRows(reader, [1]).images[0].tagIds, Int32Array.of(1));
    assertEquals(readImageRows(reader, [1]).images[0].tagIds, new Int32Array());
    reader.close();
    writer.close();
  });
});
