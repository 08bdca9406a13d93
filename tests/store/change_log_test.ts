import type { Database } from "@db/sqlite";
import { assert, assertEquals } from "@std/assert";
import { CHANGE_LOG_ENTRIES_KEPT, CHANGES_APPLIED_MAX } from "../../src/base/limits.ts";
import {
  hasChangeLog,
  readChangesSince,
  readDataVersion,
  readPosition,
  trimChangeLog,
} from "../../src/store/change_log.ts";
import { buildLibrary, openDatabase } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { withTempDir } from "../support/temp.ts";

const LIBRARY = {
  tags: [{ id: 10, name: "a" }, { id: 20, name: "b" }, { id: 30, name: "unused" }],
  images: [
    { id: 1, tags: ["a"], metadata: "{}" },
    { id: 2, tags: ["a", "b"] },
    { id: 3 },
  ],
};

/** What an edit logs: ids of images, ids of tags, both ascending. */
function logOf(db: Database, edit: () => void): [images: number[], tags: number[]] {
  const before = readPosition(db);
  edit();
  const changes = readChangesSince(db, before);
  assert(changes.kind === "entries");
  assertEquals(changes.position, readPosition(db));
  const ascending = (ids: number[]) => ids.toSorted((a, b) => a - b);
  return [ascending(changes.imageIds), ascending(changes.tagIds)];
}

/** SQL, images that it must log, tags that it must log. */
const EDITS: [sql: string, images: number[], tags: number[]][] = [
  ["INSERT INTO images (id, filepath, md5) VALUES (9, 'p', 'm')", [9], []],
  ["UPDATE images SET score = 4 WHERE id < 3", [1, 2], []],
  ["UPDATE images SET id = 8 WHERE id = 3", [3, 8], []],
  ["DELETE FROM images WHERE id = 3", [3], []],
  ["DELETE FROM images WHERE id = 1", [1], []],
  ["INSERT OR IGNORE INTO images (id, filepath, md5) VALUES (9, 'p', 'm')", [9], []],
  ["INSERT OR REPLACE INTO images (id, filepath, md5) VALUES (9, '3.jpg', 'm')", [3, 9], []],
  ["REPLACE INTO images (filepath, md5) SELECT 'q', md5 FROM images WHERE id = 3", [3, 4], []],
  ["UPDATE OR REPLACE images SET filepath = '3.jpg' WHERE id = 1", [1, 3], []],
  [
    `INSERT INTO images (filepath, md5) VALUES ('3.jpg', 'm')
     ON CONFLICT (filepath) DO UPDATE SET score = 1`,
    [3],
    [],
  ],
  ["INSERT INTO image_tags (image_id, tag_id) VALUES (3, 10)", [3], []],
  ["INSERT OR IGNORE INTO image_tags (image_id, tag_id) VALUES (3, 10), (1, 10)", [3], []],
  ["INSERT OR REPLACE INTO image_tags VALUES (1, 10, 'user')", [1], []],
  ["UPDATE image_tags SET source = 'user' WHERE image_id = 2", [2], []],
  ["UPDATE image_tags SET image_id = 3 WHERE image_id = 1", [1, 3], []],
  ["DELETE FROM image_tags WHERE tag_id = 10", [1, 2], []],
  ["INSERT INTO raw_metadata VALUES (3, '{}')", [3], []],
  ["INSERT OR REPLACE INTO raw_metadata VALUES (1, '[]')", [1], []],
  ["INSERT INTO raw_metadata VALUES (1, '') ON CONFLICT DO UPDATE SET data = ''", [1], []],
  ["UPDATE raw_metadata SET data = ''", [1], []],
  ["DELETE FROM raw_metadata", [1], []],
  ["INSERT INTO tags (id, name) VALUES (40, 'c')", [], [40]],
  ["INSERT OR IGNORE INTO tags (id, name) VALUES (40, 'c')", [], [40]],
  ["UPDATE tags SET name = 'z' WHERE id = 20", [], [20]],
  ["UPDATE tags SET category = 'meta' WHERE id = 20", [], [20]],
  ["UPDATE tags SET id = 31 WHERE id = 30", [], [30, 31]],
  ["DELETE FROM tags WHERE id = 30", [], [30]],
  ["DELETE FROM tags WHERE id = 10", [1, 2], [10]],
  ["REPLACE INTO tags (id, name) VALUES (50, 'unused')", [], [30, 50]],
  ["REPLACE INTO tags (id, name) VALUES (50, 'b')", [2], [20, 50]],
  ["UPDATE OR REPLACE tags SET name = 'unused' WHERE id = 20", [], [20, 30]],
];

Deno.test("the change log has every image and tag that SQL of any form changes", async () => {
  await withMigrated(LIBRARY, (db) => {
    for (const [sql, images, tags] of EDITS) {
      db.exec("SAVEPOINT edit");
      assertEquals(logOf(db, () => db.exec(sql)), [images, tags], sql);
      db.exec("ROLLBACK TO edit; RELEASE edit");
    }
  });
});

/** SQL, images and pools that it must log, whether it changes aliases. */
const EDITS_BESIDE: [sql: string, images: number[], pools: number[], hasAliases: boolean][] = [
  ["INSERT INTO pools (id, name) VALUES (9, 'new')", [], [9], false],
  ["UPDATE pools SET description = 'x' WHERE id = 5", [], [5], false],
  ["UPDATE pools SET id = 8 WHERE id = 6", [], [6, 8], false],
  ["DELETE FROM pools WHERE id = 5", [], [5], false],
  ["REPLACE INTO pools (id, name) VALUES (9, 'first')", [], [5, 9], false],
  ["UPDATE OR REPLACE pools SET name = 'first' WHERE id = 6", [], [5, 6], false],
  ["INSERT INTO pool_images VALUES (6, 1, 0)", [], [6], false],
  ["INSERT OR IGNORE INTO pool_images VALUES (6, 1, 0), (5, 1, 0)", [], [6], false],
  ["REPLACE INTO pool_images VALUES (5, 1, 7)", [], [5], false],
  ["UPDATE pool_images SET pool_id = 6 WHERE image_id = 1", [], [5, 6], false],
  ["DELETE FROM pool_images WHERE image_id = 2", [], [5], false],
  ["DELETE FROM images WHERE id = 2", [2, 3], [5], false],
  ["INSERT INTO favourites (image_id) VALUES (2)", [2], [], false],
  ["REPLACE INTO favourites (image_id) VALUES (1)", [1], [], false],
  ["UPDATE favourites SET image_id = 3", [1, 3], [], false],
  ["DELETE FROM favourites", [1], [], false],
  [
    "INSERT INTO image_relations (image_id_a, image_id_b, relation_type) VALUES (1, 3, 'x')",
    [1, 3],
    [],
    false,
  ],
  ["UPDATE image_relations SET relation_type = 'sibling'", [2, 3], [], false],
  ["UPDATE image_relations SET image_id_a = 1", [1, 2, 3], [], false],
  ["UPDATE image_relations SET image_id_b = 1", [1, 2, 3], [], false],
  ["DELETE FROM image_relations", [2, 3], [], false],
  ["REPLACE INTO image_relations VALUES (1, 1, 2, 'x', 'manual', NULL)", [1, 2, 3], [], false],
  ["INSERT INTO tag_aliases VALUES ('k', 'a', 'active', 0)", [], [], true],
  ["REPLACE INTO tag_aliases VALUES ('old', 'b', 'active', 0)", [], [], true],
  ["UPDATE tag_aliases SET status = 'deleted'", [], [], true],
  ["DELETE FROM tag_aliases", [], [], true],
];

Deno.test("the change log has every pool, favourite, relation and alias that SQL changes", async () => {
  const spec = {
    ...LIBRARY,
    pools: [{ id: 5, name: "first", images: [1, 2] }, { id: 6, name: "second" }],
    favourites: [[1, null]] satisfies [number, null][],
    relations: [[2, 3, "parent_child"]] satisfies [number, number, string][],
  };
  await withMigrated(spec, (db) => {
    db.exec("INSERT INTO tag_aliases VALUES ('old', 'a', 'active', 0)");
    for (const [sql, images, pools, hasAliases] of EDITS_BESIDE) {
      db.exec("SAVEPOINT edit");
      const before = readPosition(db);
      db.exec(sql);
      const changes = readChangesSince(db, before);
      assert(changes.kind === "entries");
      const ascending = (ids: number[]) => ids.toSorted((a, b) => a - b);
      const found = [ascending(changes.imageIds), ascending(changes.poolIds)];
      assertEquals([...found, changes.hasAliasChanges], [images, pools, hasAliases], sql);
      db.exec("ROLLBACK TO edit; RELEASE edit");
    }
  });
});

Deno.test("the change log has what a shell without foreign keys takes from images", async () => {
  await withMigrated(LIBRARY, (db) => {
    db.exec("PRAGMA foreign_keys = OFF");
    assertEquals(logOf(db, () => db.exec("DELETE FROM tags WHERE id = 10")), [[1, 2], [10]]);
    const again = "INSERT INTO tags (id, name) VALUES (10, 'back')";
    assertEquals(logOf(db, () => db.exec(again)), [[1, 2], [10]]);
    db.exec("INSERT INTO image_tags (image_id, tag_id) VALUES (NULL, 30)");
    assertEquals(logOf(db, () => db.exec("DELETE FROM tags WHERE id = 30")), [[], [30]]);
  });
});

Deno.test("the change log has one entry a subject, and nothing that was rolled back", async () => {
  await withMigrated(LIBRARY, (db) => {
    const start = readPosition(db);
    for (let score = 0; score < 50; score++) {
      db.exec("UPDATE images SET score = ? WHERE id = 1", score);
    }
    assertEquals(readChangesSince(db, start), {
      kind: "entries",
      position: readPosition(db),
      imageIds: [1],
      tagIds: [],
      poolIds: [],
      hasAliasChanges: false,
    });
    const position = readPosition(db);
    db.exec("BEGIN; UPDATE images SET score = 1 WHERE id = 2; ROLLBACK");
    assertEquals(readPosition(db), position);
  });
});

Deno.test("readChangesSince() is empty at the newest position, for every reader of its own", async () => {
  await withMigrated(LIBRARY, (db) => {
    const first = readPosition(db);
    db.exec("UPDATE images SET score = 1 WHERE id = 1");
    const second = readPosition(db);
    db.exec("UPDATE images SET score = 1 WHERE id = 2");
    const newest = readPosition(db);
    const idsSince = (position: number) => {
      const changes = readChangesSince(db, position);
      return changes.kind === "entries" ? changes.imageIds : null;
    };
    assertEquals([idsSince(first), idsSince(second), idsSince(newest)], [[1, 2], [2], []]);
    assertEquals(readChangesSince(db, newest + 1), { kind: "overflow" }, "a backup was put back");
  });
});

Deno.test("readChangesSince() overflows when there is more than is worth applying", async () => {
  await withMigrated({}, (db) => {
    const start = readPosition(db);
    const add = db.prepare("INSERT INTO images (filepath, md5) VALUES (?1, ?1)");
    db.transaction(() => {
      for (let i = 0; i < CHANGES_APPLIED_MAX; i++) add.run(`p${i}`);
    }).immediate();
    const changes = readChangesSince(db, start);
    assert(changes.kind === "entries");
    assertEquals(changes.imageIds.length, CHANGES_APPLIED_MAX);
    add.run("one more");
    assertEquals(readChangesSince(db, start), { kind: "overflow" });
  });
});

Deno.test("trimChangeLog() drops old entries, and readers behind them overflow", async () => {
  await withMigrated(LIBRARY, (db) => {
    db.exec("UPDATE images SET score = 1 WHERE id = 1");
    const old = readPosition(db);
    trimChangeLog(db);
    assertEquals(readChangesSince(db, old).kind, "entries", "a short log is kept whole");
    // As after a long life: positions grow for ever, entries do not.
    db.exec(
      "UPDATE sqlite_sequence SET seq = ? WHERE name = 'change_log'",
      CHANGE_LOG_ENTRIES_KEPT + old,
    );
    db.exec("UPDATE images SET score = 1 WHERE id = 3");
    trimChangeLog(db);
    const [count] = db.prepare("SELECT count(*) FROM change_log").value<[number]>()!;
    assertEquals(count, 1);
    assertEquals(readChangesSince(db, old), { kind: "overflow" });
    const trimmedTo = readPosition(db) - CHANGE_LOG_ENTRIES_KEPT;
    assertEquals(readChangesSince(db, trimmedTo), {
      kind: "entries",
      position: readPosition(db),
      imageIds: [3],
      tagIds: [],
      poolIds: [],
      hasAliasChanges: false,
    });
    trimChangeLog(db);
    assertEquals(readChangesSince(db, readPosition(db)).kind, "entries");
  });
});

Deno.test("hasChangeLog() is false on the original's tables", async () => {
  await withTempDir((dir) => {
    buildLibrary(`${dir}/a.db`, {});
    const db = openDatabase(`${dir}/a.db`);
    assertEquals(hasChangeLog(db), false);
    db.close();
  });
  await withMigrated({}, (db) => assertEquals(hasChangeLog(db), true));
});

Deno.test("readDataVersion() changes when another connection commits", async () => {
  await withMigrated(LIBRARY, (db, path) => {
    const other = openDatabase(path);
    const before = readDataVersion(db);
    db.exec("UPDATE images SET score = 1");
    assertEquals(readDataVersion(db), before, "own commits are known");
    other.exec("UPDATE images SET score = 2");
    assert(readDataVersion(db) !== before);
    other.close();
  });
});
