import { assert, assertEquals, assertFalse } from "@std/assert";
import { CHANGES_APPLIED_MAX } from "../../src/base/limits.ts";
import { isContinuation, readGuard } from "../../src/store/snapshot_guard.ts";
import { withMigrated } from "../support/migrated.ts";

const ADD_TAG = "INSERT INTO tags (name) VALUES (?)";

Deno.test("isContinuation() is true at the same moment and some changes later", () =>
  withMigrated({}, (db) => {
    db.exec(ADD_TAG, "one");
    const guard = JSON.parse(JSON.stringify(readGuard(db)));
    assert(isContinuation(db, guard));
    db.exec(ADD_TAG, "two");
    db.exec("UPDATE tags SET category = 'meta' WHERE name = 'one'");
    db.exec("DELETE FROM tags WHERE name = 'one'");
    assert(isContinuation(db, guard));
  }));

Deno.test("isContinuation() is false for another library", () =>
  withMigrated({}, (db) => {
    const guard = readGuard(db)!;
    assertFalse(isContinuation(db, { ...guard, libraryId: "another" }));
  }));

Deno.test("isContinuation() is false when the database is older than the snapshot", () =>
  withMigrated({}, (db) => {
    const guard = readGuard(db)!;
    assertFalse(isContinuation(db, { ...guard, position: guard.position + 1 }));
  }));

Deno.test("isContinuation() is false for a restored copy that went another way", () =>
  withMigrated({}, (db) => {
    db.exec(ADD_TAG, "common");
    db.exec("SAVEPOINT backup");
    db.exec(ADD_TAG, "lost");
    db.exec("UPDATE tags SET category = 'meta' WHERE name = 'common'");
    const guard = readGuard(db)!;
    db.exec("ROLLBACK TO backup");
    // As many changes and more, but to other subjects.
    for (let i = 0; i < 5; i++) {
      db.exec("INSERT INTO images (filepath, md5) VALUES (?, ?)", `${i}`, `${i}`);
    }
    assert(readGuard(db)!.position > guard.position);
    assertFalse(isContinuation(db, guard));
  }));

Deno.test("isContinuation() is false behind too many changes or a trimmed log", () =>
  withMigrated({}, (db) => {
    const guard = readGuard(db)!;
    db.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ${CHANGES_APPLIED_MAX})
       INSERT INTO tags (name) SELECT 'tag_' || i FROM n`,
    );
    assertFalse(isContinuation(db, guard));
    const late = readGuard(db)!;
    assert(isContinuation(db, late));
    db.exec(
      "INSERT INTO library_state (key, value) VALUES ('change_log_trimmed_to', ?)",
      String(late.position + 1),
    );
    assertFalse(isContinuation(db, late));
  }));

Deno.test("isContinuation() is false for whatever is no guard", () =>
  withMigrated({}, (db) => {
    for (const value of [null, 1, "x", [], {}, { libraryId: 1 }]) {
      assertFalse(isContinuation(db, value));
    }
  }));

Deno.test("readGuard() is null where there is no change log", () =>
  withMigrated({}, (db) => {
    db.exec("DROP TABLE change_log");
    assertEquals(readGuard(db), null);
  }));
