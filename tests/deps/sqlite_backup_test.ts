import { Database } from "@db/sqlite";
import { assertEquals, assertRejects } from "@std/assert";
import { backupTo } from "#sqlite-backup";

const OPTIONS = { int64: true, parseJson: false };

function readItems(path: string): unknown[] {
  const copy = new Database(path, { ...OPTIONS, readonly: true });
  try {
    return copy.prepare("SELECT a FROM items ORDER BY a").values().flat();
  } finally {
    copy.close();
  }
}

Deno.test("backupTo() copies a database and overwrites an older copy", async () => {
  const dir = await Deno.makeTempDir();
  const db = new Database(`${dir}/source.db`, OPTIONS);
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE items (a); INSERT INTO items VALUES (1), (2)");
  await backupTo(db, `${dir}/copy.db`);
  assertEquals(readItems(`${dir}/copy.db`), [1, 2]);
  db.exec("INSERT INTO items VALUES (3); DELETE FROM items WHERE a = 1");
  assertEquals(readItems(`${dir}/copy.db`), [1, 2]);
  await backupTo(db, `${dir}/copy.db`);
  assertEquals(readItems(`${dir}/copy.db`), [2, 3]);
  assertEquals(db.open, true);
  db.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("backupTo() rejects when the file cannot be written", async () => {
  const dir = await Deno.makeTempDir();
  const db = new Database(":memory:", OPTIONS);
  const path = `${dir}/none/copy.db`;
  await assertRejects(() => backupTo(db, path), Error, "unable to open database file");
  db.close();
  await Deno.remove(dir, { recursive: true });
});
