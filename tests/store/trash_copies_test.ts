import type { Database } from "@db/sqlite";
import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import {
  hasKnownHashes,
  hasPlacesIn,
  readHiddenPlaces,
  readKnownHashes,
  readOwners,
  rememberHashes,
} from "../../src/store/file_hashes.ts";
import { readTrash, readTrashIdsBefore, setTrashStates } from "../../src/store/trash.ts";
import {
  type CopyPlan,
  leaveCopy,
  putCopyBack,
  readTrashKeepDays,
  takeCopies,
  writeTrashKeepDays,
} from "../../src/store/trash_copies.ts";
import { withMigrated } from "../support/migrated.ts";

const MD5 = "0123456789abcdef0123456789abcdef";
const OTHER = "f".repeat(32);

function place(filepath: string) {
  return { filepath, sizeBytes: 10, mtimeMs: 20, inode: 30 };
}

/** One image at a.png and b.png, and another at c.png. */
function fill(db: Database): void {
  db.exec(
    "INSERT INTO images (id, filepath, md5) VALUES (1, 'b.png', ?), (2, 'c.png', ?)",
    MD5,
    OTHER,
  );
  for (const [filepath, id] of [["a.png", 1], ["b.png", 1], ["c.png", 2]] as const) {
    db.exec(
      `INSERT INTO image_files (filepath, image_id, size_bytes, mtime_ms, inode, added_at_ms)
       VALUES (?, ?, 10, 20, 30, 40)`,
      filepath,
      id,
    );
  }
}

function plan(change: Partial<CopyPlan> = {}): CopyPlan {
  return {
    md5: MD5,
    kept: place("a.png"),
    filepaths: ["b.png"],
    folder: "folder",
    files: [{ filepath: "b.png", trashed: "folder/0-b.png", sizeBytes: 10 }],
    item: null,
    ...change,
  };
}

function places(db: Database): unknown[] {
  return db.prepare(
    `SELECT files.filepath, images.filepath, missing_since_ms IS NULL FROM image_files AS files
     JOIN images ON images.id = image_id ORDER BY files.filepath`,
  ).values();
}

Deno.test("takeCopies() takes a place away, and its image is served from the kept file", async () => {
  await withMigrated({}, (db) => {
    fill(db);
    db.exec("UPDATE image_files SET missing_since_ms = 5 WHERE filepath = 'a.png'");
    rememberHashes(db, [{ ...place("b.png"), head: MD5, md5: MD5 }]);
    const [{ entryId }] = takeCopies(db, [plan()]);
    assertEquals(places(db), [["a.png", "a.png", 1], ["c.png", "c.png", 1]]);
    const [entry] = readTrash(db, { limit: 9, offset: 0 });
    const { imageId, filepath, kept, rows } = entry.manifest;
    assertEquals([entry.id, entry.kind, entry.state], [entryId, "duplicate", "moving"]);
    assertEquals([imageId, filepath, kept, rows.image_files.length], [1, "b.png", "a.png", 1]);
    assertEquals(readKnownHashes(db, [place("b.png")]), new Map());
    leaveCopy(db, { entryId: entryId!, manifest: entry.manifest });
    assertEquals(places(db), [["a.png", "a.png", 1], ["b.png", "a.png", 1], ["c.png", "c.png", 1]]);
    assertEquals(readTrash(db, { limit: 9, offset: 0 }), []);
  });
});

Deno.test("takeCopies() leaves what belongs to another image by now, and goes on", async () => {
  await withMigrated({}, (db) => {
    fill(db);
    const outcomes = takeCopies(db, [
      plan({ filepaths: ["c.png"] }),
      plan({ kept: place("c.png") }),
      plan({ md5: "e".repeat(32), filepaths: ["new.png"], kept: place("k.png") }),
      plan({ filepaths: ["b.png", "@inner/b.png"] }),
    ]);
    assertEquals(outcomes.map(({ entryId }) => entryId), [null, null, 1, 2]);
    assertEquals(outcomes[0].reason, "c.png belongs to image 2 by now");
    assertEquals(places(db), [["a.png", "a.png", 1], ["c.png", "c.png", 1]]);
    assertEquals(readTrash(db, { limit: 9, offset: 0 }).map(({ manifest }) => manifest.imageId), [
      1,
      0,
    ]);
  });
});

Deno.test("putCopyBack() records a place, or nothing when no image has its content", async () => {
  await withMigrated({}, (db) => {
    fill(db);
    const [{ entryId }] = takeCopies(db, [plan()]);
    const taken = { entryId: entryId!, md5: MD5, place: place("c.png") };
    const error = assertThrows(() => putCopyBack(db, taken), AppError, "another image");
    assertEquals(error.code, "conflict");
    assertEquals(putCopyBack(db, { ...taken, place: place("d.png") }), 1);
    assertEquals(places(db), [["a.png", "a.png", 1], ["c.png", "c.png", 1], ["d.png", "a.png", 1]]);
    const [again] = takeCopies(db, [plan({ filepaths: ["d.png"] })]);
    db.exec("DELETE FROM images WHERE id = 1");
    assertEquals(
      putCopyBack(db, { entryId: again.entryId!, md5: MD5, place: place("d.png") }),
      null,
    );
    assertEquals(places(db), [["c.png", "c.png", 1]]);
    assertEquals(readTrash(db, { limit: 9, offset: 0 }), []);
  });
});

Deno.test("readKnownHashes() believes what was hashed of the same size, time and inode", async () => {
  await withMigrated({}, (db) => {
    assertEquals(hasKnownHashes(db), false);
    fill(db);
    rememberHashes(db, [
      { ...place("x.png"), head: MD5, md5: null },
      { ...place("c.png"), head: MD5, md5: null },
    ]);
    assertEquals(hasKnownHashes(db), true);
    const wanted = ["a.png", "c.png", "x.png", "none.png"].map(place);
    assertEquals(Object.fromEntries(readKnownHashes(db, wanted)), {
      "a.png": { head: null, md5: MD5 },
      "c.png": { head: MD5, md5: OTHER },
      "x.png": { head: MD5, md5: null },
    });
    for (const change of [{ sizeBytes: 11 }, { mtimeMs: 21 }, { inode: 31 }]) {
      const changed = wanted.map((one) => ({ ...one, ...change }));
      assertEquals(readKnownHashes(db, changed), new Map());
    }
    const many = Array.from({ length: 2_500 }, (_, i) => place(i === 2_400 ? "x.png" : `${i}`));
    assertEquals([...readKnownHashes(db, many).keys()], ["x.png"]);
    assertEquals(readOwners(db, ["b.png", "none.png"]).get("b.png"), { imageId: 1, md5: MD5 });
    assertEquals(readOwners(db, ["none.png"]).size, 0);
  });
});

Deno.test("hasPlacesIn() and readHiddenPlaces() tell which places lie where", async () => {
  await withMigrated({}, (db) => {
    const has = (root: string | null) => hasPlacesIn(db, ["disk", "other"], root);
    db.exec("INSERT INTO images (filepath, md5) VALUES ('missing/x.png', 'm')");
    assertEquals([has(null), has("disk"), has("other")], [false, false, false]);
    db.exec("INSERT INTO images (filepath, md5) VALUES ('@disk/.a/x.png', 'd')");
    assertEquals([has(null), has("disk"), has("other")], [false, true, false]);
    db.exec("INSERT INTO images (filepath, md5) VALUES ('@diskette/x.png', 'e')");
    assertEquals([has(null), has("disk")], [true, true]);
    db.exec("INSERT INTO images (filepath, md5) VALUES ('.hidden.png', 'h'), ('a.b/c.png', 'c')");
    assertEquals(readHiddenPlaces(db), [".hidden.png", "@disk/.a/x.png"]);
  });
});

Deno.test("the trash's states, ages and days to keep are what was written", async () => {
  await withMigrated({}, (db) => {
    fill(db);
    takeCopies(db, [plan(), plan({ filepaths: ["a2.png"] })]);
    db.exec("UPDATE trash SET trashed_at_ms = id * 1000");
    assertEquals(readTrashIdsBefore(db, 1_000), [1]);
    assertEquals(readTrashIdsBefore(db, 5_000), [1, 2]);
    setTrashStates(db, [2], "emptying");
    assertEquals(readTrash(db, { limit: 1, offset: 0 }).map(({ state }) => state), ["emptying"]);
    assertEquals(readTrashKeepDays(db), null);
    for (const days of [30, 7, null]) {
      writeTrashKeepDays(db, days);
      assertEquals(readTrashKeepDays(db), days);
    }
    db.exec("INSERT INTO library_state (key, value) VALUES ('trash_keep_days', '0x10')");
    assertEquals(readTrashKeepDays(db), null);
  });
});
