import type { Database } from "@db/sqlite";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import {
  isTrashed,
  putBack,
  readManifest,
  readTrash,
  readTrashEntry,
  readUnfinishedTrash,
  setTrashState,
  takeOut,
} from "../../src/store/trash.ts";
import { libraryArbitrary } from "../support/library_arbitrary.ts";
import { dumpDatabase, fillLibrary, md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { runs } from "../support/tier.ts";

/** Rows of the tables that may refer to images, one or two of each. */
function addRelatives(db: Database): void {
  const ids = db.prepare("SELECT id FROM images ORDER BY id").values<[number]>().flat();
  db.exec("INSERT INTO sources (name) VALUES ('danbooru'), ('e621')");
  db.exec("INSERT INTO pools (name) VALUES ('pool')");
  ids.forEach((id, i) => {
    const next = ids[(i + 1) % ids.length];
    db.exec("INSERT INTO image_sources VALUES (?, ?)", id, 1 + i % 2);
    db.exec("INSERT INTO pool_images VALUES (1, ?, ?)", id, i);
    if (i % 2 === 0) db.exec("INSERT INTO favourites VALUES (?, '2024-01-01 00:00:00')", id);
    db.exec(
      `INSERT INTO local_tagger_predictions (image_id, tag_name, confidence) VALUES (?, 'x', 0.1)`,
      id,
    );
    db.exec(
      `INSERT INTO image_files (filepath, image_id, size_bytes, mtime_ms, inode, added_at_ms)
       VALUES (?, ?, 10, 20, 30, 40)`,
      `@root/${id}.jpg`,
      id,
    );
    db.exec("INSERT INTO image_media (image_id, file_ext, size_bytes) VALUES (?, 'jpg', 10)", id);
    if (next === id) return;
    db.exec(
      "INSERT INTO image_relations (image_id_a, image_id_b, relation_type) VALUES (?, ?, 'sibling')",
      id,
      next,
    );
    db.exec(
      `INSERT INTO duplicate_pairs (image_id_a, image_id_b, distance, threshold)
       VALUES (?, ?, 3, 8)`,
      id,
      next,
    );
  });
}

/** All rows but those that count or log what happened. */
function dumpRows(db: Database): string[] {
  return dumpDatabase(db).filter((row) => !/^(change_log|sqlite_sequence) /.test(row));
}

function keep(db: Database, imageId: number) {
  const places = db.prepare(
    `SELECT filepath FROM images WHERE id = ?1
     UNION SELECT filepath FROM image_files WHERE image_id = ?1`,
  ).values<[string]>(imageId);
  const files = places.map(([filepath], i) => ({ filepath, trashed: i === 0 ? "0.jpg" : null }));
  return readManifest(db, imageId, { folder: "folder", files });
}

Deno.test("takeOut() and putBack() leave every row as it was", async () => {
  await withMigrated({}, (db) => {
    const property = fc.property(
      libraryArbitrary,
      fc.nat(),
      fc.boolean(),
      (library, at, isWire) => {
        fc.pre(library.images.length > 0);
        db.exec("SAVEPOINT run");
        try {
          fillLibrary(db, library);
          addRelatives(db);
          const imageId = library.images[at % library.images.length].id!;
          const before = dumpRows(db);
          const manifest = keep(db, imageId);
          const entryId = takeOut(db, isWire ? structuredClone(manifest) : manifest);
          assertEquals(db.prepare("SELECT 1 FROM images WHERE id = ?").value(imageId), undefined);
          assert(isTrashed(db, manifest.md5));
          putBack(db, readTrashEntry(db, entryId)!);
          assertEquals(dumpRows(db), before);
        } finally {
          db.exec("ROLLBACK TO run; RELEASE run");
        }
      },
    );
    fc.assert(property, { numRuns: runs(40) });
  });
});

Deno.test("putBack() of several images in any order brings their relations back", async () => {
  for (const order of [[1, 2, 3], [3, 2, 1], [2, 3, 1]]) {
    await withMigrated({ images: [{}, {}, {}] }, (db) => {
      addRelatives(db);
      const before = dumpRows(db);
      const entries = [1, 2, 3].map((id) => takeOut(db, keep(db, id)));
      for (const id of order) putBack(db, readTrashEntry(db, entries[id - 1])!);
      assertEquals(dumpRows(db), before);
    });
  }
});

Deno.test("putBack() makes a tag again that is gone, and leaves out a pool that is gone", async () => {
  const tags = [{ name: "miku", category: "character" }];
  await withMigrated({ tags, images: [{ tags: ["miku"] }] }, (db) => {
    addRelatives(db);
    const entryId = takeOut(db, keep(db, 1));
    db.exec("DELETE FROM tags; DELETE FROM pools");
    assertEquals(putBack(db, readTrashEntry(db, entryId)!), 1);
    const found = db.prepare(
      "SELECT name, category FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = 1",
    );
    assertEquals(found.values(), [["miku", "character"]]);
    assertEquals(db.prepare("SELECT count(*) FROM pool_images").value(), [0]);
    assertEquals(readTrashEntry(db, entryId), undefined);
  });
});

Deno.test("putBack() refuses when content or path are taken", async () => {
  await withMigrated({ images: [{}, {}] }, (db) => {
    const entryId = takeOut(db, keep(db, 1));
    const entry = readTrashEntry(db, entryId)!;
    for (const [filepath, md5] of [["1.jpg", "other"], ["other.jpg", md5Of(1)]]) {
      db.exec("INSERT INTO images (id, filepath, md5) VALUES (50, ?, ?)", filepath, md5);
      assertEquals(assertThrows(() => putBack(db, entry), AppError, "50").code, "conflict");
      db.exec("DELETE FROM images WHERE id = 50");
    }
    assert(readTrashEntry(db, entryId) !== undefined);
  });
});

Deno.test("takeOut() keeps what was edited after the plan was made", async () => {
  await withMigrated({ images: [{ tags: ["a"] }] }, (db) => {
    const planned = keep(db, 1);
    db.exec("INSERT INTO tags (id, name) VALUES (90, 'late')");
    db.exec("INSERT INTO image_tags (image_id, tag_id) VALUES (1, 90)");
    const entryId = takeOut(db, planned);
    putBack(db, readTrashEntry(db, entryId)!);
    assertEquals(db.prepare("SELECT count(*) FROM image_tags").value(), [2]);
  });
});

Deno.test("takeOut() refuses an image that is gone or lies elsewhere now", async () => {
  await withMigrated({ images: [{}, {}] }, (db) => {
    const [first, second] = [keep(db, 1), keep(db, 2)];
    db.exec("DELETE FROM images WHERE id = 1");
    assertEquals(assertThrows(() => takeOut(db, first), AppError).code, "not_found");
    db.exec("UPDATE images SET filepath = 'moved.jpg' WHERE id = 2");
    assertEquals(assertThrows(() => takeOut(db, second), AppError, "moved").code, "conflict");
    assertThrows(() => readManifest(db, 9, { folder: "", files: [] }), AppError);
    assertEquals(readTrash(db, { limit: 9, offset: 0 }), []);
  });
});

Deno.test("the trash is listed newest first, and unfinished entries by themselves", async () => {
  await withMigrated({ images: [{}, {}, {}] }, (db) => {
    const ids = [1, 2, 3].map((id) => takeOut(db, keep(db, id)));
    setTrashState(db, { id: ids[0], state: "trashed" });
    const manifest = { ...readTrashEntry(db, ids[2])!.manifest, folder: "elsewhere" };
    setTrashState(db, { id: ids[2], state: "restoring", manifest });
    const read = readTrash(db, { limit: 2, offset: 0 });
    assertEquals(read.map((entry) => [entry.id, entry.state]), [
      [ids[2], "restoring"],
      [ids[1], "moving"],
    ]);
    assertEquals(read[0].manifest.folder, "elsewhere");
    assertEquals(readTrash(db, { limit: 2, offset: 2 }).map((entry) => entry.id), [ids[0]]);
    assertEquals(readUnfinishedTrash(db).map((entry) => entry.id), [ids[1], ids[2]]);
    assert(isTrashed(db, md5Of(2)) && !isTrashed(db, md5Of(9)));
  });
});
