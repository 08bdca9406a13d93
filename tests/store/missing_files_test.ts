import { assertEquals } from "@std/assert";
import type { ImportItem } from "../../src/store/import_images.ts";
import { importImages } from "../../src/store/import_images.ts";
import type { Database } from "../../src/store/database.ts";
import { forgetIngested, readIngested, recordIngested } from "../../src/store/ingested_files.ts";
import {
  countPlacesBelow,
  finishScan,
  markPlaces,
  readPlacesBelow,
  readRecordedPlace,
  readSameFilePlaces,
  readScannedAt,
} from "../../src/store/missing_files.ts";
import { withMigrated } from "../support/migrated.ts";

function item(md5: string, filepath: string, inode: number): ImportItem {
  return {
    md5: md5.repeat(32),
    place: { filepath, sizeBytes: 10, mtimeMs: 1, inode },
    isServed: false,
    media: {
      ext: "png",
      sizeBytes: 10,
      width: 1,
      height: 1,
      durationMs: null,
      originalName: "a.png",
    },
    tags: [],
    rating: null,
    sites: [],
  };
}

function served(db: Database): string[] {
  return db.prepare("SELECT filepath FROM images ORDER BY id").values<[string]>().flat();
}

function missing(db: Database): string[] {
  return db.prepare(
    "SELECT filepath FROM image_files WHERE missing_since_ms IS NOT NULL ORDER BY 1",
  ).values<[string]>().flat();
}

Deno.test("markPlaces() marks, forgets what was renamed, and serves from what is there", async () => {
  await withMigrated({}, (db) => {
    importImages(db, [
      item("a", "@r/a1", 1),
      item("a", "@r/a2", 2),
      item("b", "@r/b1", 3),
      item("b", "@r/b2", 3),
      item("c", "@r/c1", 4),
    ]);
    assertEquals([readSameFilePlaces(db, "@r/b1").length, readSameFilePlaces(db, "@r/a1")], [
      1,
      [],
    ]);
    const lost = ["@r/a1", "@r/b1", "@r/c1", "@r/none"];
    assertEquals(markPlaces(db, { lost, returned: [] }), { missing: 2, moved: 1, returned: 0 });
    assertEquals(served(db), ["@r/a2", "@r/b2", "@r/c1"]);
    assertEquals(missing(db), ["@r/a1", "@r/c1"]);
    // Again: nothing new. The mark keeps its time.
    db.exec("UPDATE image_files SET missing_since_ms = 5 WHERE filepath = '@r/c1'");
    assertEquals(markPlaces(db, { lost, returned: [] }), { missing: 0, moved: 0, returned: 0 });
    assertEquals(missing(db).length, 2);
    // The last copy is lost too: the image stays where it is known, and is served from what comes back.
    markPlaces(db, { lost: ["@r/a2"], returned: [] });
    assertEquals(served(db)[0], "@r/a2");
    const returned = ["@r/a1", "@r/c1", "@r/b2"];
    assertEquals(markPlaces(db, { lost: [], returned }), { missing: 0, moved: 0, returned: 2 });
    assertEquals([served(db)[0], missing(db)], ["@r/a1", ["@r/a2"]]);
    // An import that meets the file takes the mark away as well.
    importImages(db, [item("a", "@r/a2", 2)]);
    assertEquals(missing(db), []);
  });
});

Deno.test("markPlaces() takes no lost place for another lost one's new name", async () => {
  await withMigrated({}, (db) => {
    importImages(db, [item("a", "@r/a1", 1), item("a", "@r/a2", 1)]);
    const lost = ["@r/a1", "@r/a2"];
    assertEquals(markPlaces(db, { lost, returned: [] }), { missing: 2, moved: 0, returned: 0 });
    assertEquals(missing(db), lost);
  });
});

Deno.test("readPlacesBelow() pages through one folder only", async () => {
  await withMigrated({}, (db) => {
    const paths = ["@r/x/1", "@r/x/2/3", "@r/x-y/1", "@r/x.png", "@r2/x/1", "@r/x/9"];
    importImages(db, paths.map((path, i) => item(String.fromCharCode(97 + i), path, i + 1)));
    const read = (after: string, limit = 9) =>
      readPlacesBelow(db, "@r/x", { after, limit }).map(({ filepath }) => filepath);
    assertEquals(read(""), ["@r/x/1", "@r/x/2/3", "@r/x/9"]);
    assertEquals(read("@r/x/1", 1), ["@r/x/2/3"]);
    markPlaces(db, { lost: ["@r/x/9"], returned: [] });
    assertEquals([countPlacesBelow(db, "@r"), countPlacesBelow(db, "@r/x")], [4, 2]);
    assertEquals(readRecordedPlace(db, "@r/x/9")?.isMissing, true);
    assertEquals(readRecordedPlace(db, "@r/x"), undefined);
  });
});

Deno.test("readIngested() finds files by their path, with and without an ending", async () => {
  await withMigrated({}, (db) => {
    importImages(db, [
      { ...item("a", "1.png", 1), ingestedAs: "s/a.png" },
      { ...item("b", "2.png", 2), ingestedAs: "s/a.b.png" },
      { ...item("c", "3.png", 3), ingestedAs: "s/ab.png" },
    ]);
    const find = (path: string) => readIngested(db, path).map((file) => file.path).sort();
    assertEquals(find("s/a"), ["s/a.b.png", "s/a.png"]);
    assertEquals(find("s/a.png"), ["s/a.png"]);
    assertEquals(find("a"), []);
    recordIngested(db, "s/a.png", 3);
    assertEquals(readIngested(db, "s/a.png")[0].md5, "c".repeat(32));
    db.exec("DELETE FROM images WHERE id = 3");
    assertEquals(find("s/a"), ["s/a.b.png"]);
    forgetIngested(db, Date.now() + 1);
    assertEquals(find("s/a"), []);
  });
});

Deno.test("finishScan() remembers when the last scan of a folder began", async () => {
  await withMigrated({}, (db) => {
    assertEquals(readScannedAt(db, "@r"), null);
    finishScan(db, { folder: "@r", startedAtMs: 5 });
    finishScan(db, { folder: "@r", startedAtMs: 6 });
    assertEquals([readScannedAt(db, "@r"), readScannedAt(db, "ingest")], [6, null]);
  });
});
