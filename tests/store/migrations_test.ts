import type { Database } from "@db/sqlite";
import { assert, assertEquals } from "@std/assert";
import { prepareDatabase, SCHEMA_VERSION } from "../../src/store/migrate.ts";
import { readChangesSince, readPosition } from "../../src/store/change_log.ts";
import { isContinuation, readGuard } from "../../src/store/snapshot_guard.ts";
import { MIGRATION_0001 } from "../../src/store/migrations/0001_own_tables.ts";
import {
  buildLibrary,
  dumpDatabase,
  type LibrarySpec,
  openDatabase,
} from "../support/library_builder.ts";
import { withTempDir } from "../support/temp.ts";

/** Of the text of migration 1 as it was released. */
const MIGRATION_0001_SHA256 = "e5bac4554a0d660383c1e6e087cb73ed73431f27c3dd5d762afdbb38a6c63e7e";

const LIBRARY: LibrarySpec = {
  tags: [{ name: "solo" }],
  images: [{ tags: ["solo"] }, {}, {}],
  pools: [{ name: "p", images: [1, 2] }],
  favourites: [[2, "2024-01-02 03:04:05"]],
  relations: [[1, 2, "parent_child"]],
};

/** Makes a database as version 1 of the tables left it, and changes it with `sql`. */
function buildVersion1(path: string, sql: string): void {
  buildLibrary(path, LIBRARY);
  const db = openDatabase(path);
  try {
    db.exec(MIGRATION_0001);
    db.exec("INSERT INTO library_state (key, value) VALUES ('schema_version', '1')");
    db.exec(sql);
  } finally {
    db.close();
  }
}

/** All rows but those of the bookkeeping that a migration is to change. */
function rowsOf(db: Database): string[] {
  return dumpDatabase(db).filter((row) => !row.includes("schema_version"));
}

async function withUpgraded(
  sql: string,
  test: (db: Database, before: string[], dir: string) => void | Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildVersion1(path, sql);
    const old = openDatabase(path);
    const before = rowsOf(old);
    old.close();
    const { kind, backupPath } = await prepareDatabase(path, `${dir}/backup.db`);
    assertEquals([kind, backupPath], ["migrated", `${dir}/backup.db`]);
    const db = openDatabase(path);
    try {
      await test(db, before, dir);
    } finally {
      db.close();
    }
  });
}

Deno.test("migration 1 is as it was released", async () => {
  const text = new TextEncoder().encode(MIGRATION_0001);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  assertEquals(digest.toHex(), MIGRATION_0001_SHA256);
});

Deno.test("migration 2 keeps every row, the positions of the log and its counter", () =>
  withUpgraded(
    `UPDATE images SET score = 1 WHERE id = 3; UPDATE images SET score = 1 WHERE id = 1;
     UPDATE tags SET category = 'meta'; DELETE FROM images WHERE id = 3;
     DELETE FROM change_log WHERE position = (SELECT max(position) FROM change_log);
     INSERT INTO library_state VALUES ('change_log_trimmed_to', '1')`,
    (db, before) => {
      assert(before.filter((row) => row.startsWith("change_log ")).length >= 2);
      assertEquals(rowsOf(db), before);
      const version = db.prepare("SELECT value FROM library_state WHERE key = 'schema_version'");
      assertEquals(version.value(), [`${SCHEMA_VERSION}`]);
      assertEquals(db.prepare("PRAGMA integrity_check").value(), ["ok"]);
      assertEquals(db.prepare("PRAGMA foreign_key_check").values(), []);
      const newest = readPosition(db);
      assertEquals(readChangesSince(db, 0), { kind: "overflow" }, "the log was trimmed before");
      db.exec("UPDATE images SET score = 5 WHERE id = 2; DELETE FROM pools");
      const changes = readChangesSince(db, newest);
      assert(changes.kind === "entries");
      assertEquals([changes.imageIds, changes.poolIds], [[2], [1]]);
      assert(changes.position > newest, "no position is given twice");
    },
  ));

Deno.test("migration 2 of a log in which nothing was ever written", () =>
  withUpgraded("", (db, before) => {
    assertEquals(rowsOf(db), before);
    assertEquals(readPosition(db), 0);
    db.exec("INSERT INTO tag_aliases VALUES ('a', 'b', 'active', 0)");
    const changes = readChangesSince(db, 0);
    assert(changes.kind === "entries");
    assertEquals([changes.position, changes.hasAliasChanges], [1, true]);
  }));

Deno.test("a database goes on through migration 2 for the guard of a snapshot file", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildVersion1(path, "UPDATE images SET score = 1");
    const old = openDatabase(path);
    const guard = readGuard(old);
    old.close();
    await prepareDatabase(path, `${dir}/backup.db`);
    const db = openDatabase(path);
    assert(isContinuation(db, guard));
    db.close();
  });
});

Deno.test("an upgraded database has the tables, indexes and triggers of a new one", () =>
  withUpgraded("", async (upgraded, _, dir) => {
    const statements = (db: Database) =>
      db.prepare("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").values();
    await prepareDatabase(`${dir}/new.db`, `${dir}/none.db`);
    const fresh = openDatabase(`${dir}/new.db`);
    try {
      assertEquals(statements(upgraded), statements(fresh));
    } finally {
      fresh.close();
    }
  }));
