import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError, type ErrorCode } from "../../src/base/errors.ts";
import { backupLibrary } from "../../src/library/backup.ts";
import { listBackups } from "../../src/library/backup_files.ts";
import { exists, type LibraryPaths } from "../../src/library/library_paths.ts";
import { restoreBackup, type RestoreOptions } from "../../src/library/restore.ts";
import { holdServerLock } from "../../src/library/server_lock.ts";
import { SCHEMA_VERSION } from "../../src/store/migrate.ts";
import { dumpFile, withDatabase } from "../support/closed_library.ts";
import { buildLibrary, openDatabase } from "../support/library_builder.ts";
import { makeRandom } from "../support/random.ts";
import { fullTierTest, isFullTier } from "../support/tier.ts";

const SMALL = { freeDiskFloorBytes: 0 };

function write(path: string, sql: string): void {
  const db = openDatabase(path);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

/** The rows of a database without what a restore notes in it. */
function rowsOf(path: string): string[] {
  return dumpFile(path).filter((row) => !/^(journal|sqlite_sequence) /.test(row));
}

const DIFFERENCE = "DELETE FROM images WHERE id = 2; INSERT INTO tags (name) VALUES ('new')";

/** Leaves the log of a process that was killed beside a database. */
async function leaveLog(paths: LibraryPaths, sql: string): Promise<void> {
  const db = openDatabase(paths.database);
  db.exec("PRAGMA wal_autocheckpoint = 0");
  db.exec(sql);
  for (const ending of ["", "-wal"]) {
    await Deno.copyFile(paths.database + ending, `${paths.data}/killed${ending}`);
  }
  db.close();
  for (const ending of ["", "-wal"]) {
    await Deno.rename(`${paths.data}/killed${ending}`, paths.database + ending);
  }
}

Deno.test("restoreBackup() puts the backup in place, whatever log the old database had", () =>
  withDatabase(async (paths) => {
    const { path } = await backupLibrary(paths, SMALL);
    const wanted = rowsOf(path);
    await leaveLog(paths, DIFFERENCE);
    await Deno.writeTextFile(paths.snapshot, "of a later time");
    const stages: string[] = [];
    const report = await restoreBackup(paths, path, {
      ...SMALL,
      onStage: (stage) => stages.push(stage),
      confirm: ({ images, hasChecksum, current, to }) => {
        assertEquals([images, hasChecksum, to], [3, true, paths.folder]);
        return typeof current === "object" && current?.images === 2;
      },
    });
    assertEquals(rowsOf(paths.database), wanted);
    assertEquals(stages, ["copying", "checking", "keeping", "replacing", "files"]);
    const { images, hasChecksum, danglingRows, files } = report;
    assertEquals([images, hasChecksum, danglingRows, files.missing.count], [3, true, 0, 3]);
    assertEquals(await exists(paths.snapshot), false);
    const kept = rowsOf(report.kept!);
    assert(kept.some((row) => row.includes('"new"')), "the old one, with its log, is a backup");
    assertEquals((await listBackups(paths.backups)).map(({ kind }) => kind), [
      "before-restore",
      "backup",
    ]);
    const left = await Array.fromAsync(Deno.readDir(paths.data), ({ name }) => name);
    assertEquals(left.filter((name) => name.startsWith(".")), []);
    // The one that was kept is a backup as any other.
    await restoreBackup(paths, report.kept!, SMALL);
    assertEquals(rowsOf(paths.database), kept);
  }));

/** Checks that a restore is refused and that the library is as it was. */
async function assertRefused(
  paths: LibraryPaths,
  file: string,
  expected: { code: ErrorCode; named?: string; options?: RestoreOptions },
): Promise<void> {
  const before = dumpFile(paths.database);
  const error = await assertRejects(
    () => restoreBackup(paths, file, { ...SMALL, ...expected.options }),
    AppError,
    expected.named ?? file,
  );
  assertEquals(error.code, expected.code, error.message);
  assert(!error.message.includes(".restore-"), error.message);
  assertEquals(dumpFile(paths.database), before, error.message);
  const left = await Array.fromAsync(Deno.readDir(paths.data), ({ name }) => name);
  assertEquals(left.filter((name) => name.startsWith(".")), [], error.message);
}

fullTierTest(
  "restoreBackup() refuses what is no backup of this library, and changes nothing",
  () =>
    withDatabase(async (paths, dir) => {
      const { path } = await backupLibrary(paths, SMALL);
      const inDir = (name: string) => join(dir, name);
      await Deno.writeTextFile(inDir("text.db"), "no database");
      await Deno.writeTextFile(inDir("empty.db"), "");
      write(inDir("other.db"), "CREATE TABLE songs (id INTEGER)");
      for (const name of ["newer", "foreign", "cut", "wrong", "odd"]) {
        await Deno.copyFile(path, inDir(`${name}.db`));
      }
      const state = "UPDATE library_state SET value =";
      write(inDir("newer.db"), `${state} ${SCHEMA_VERSION + 1} WHERE key = 'schema_version'`);
      write(inDir("foreign.db"), `${state} 'another' WHERE key = 'library_id'`);
      await Deno.truncate(inDir("cut.db"), 90_000);
      await Deno.writeTextFile(inDir("wrong.db.sha256"), `${"0".repeat(64)}  wrong.db\n`);
      await Deno.writeTextFile(inDir("odd.db.sha256"), "x");
      buildLibrary(inDir("original.db"), {});
      const cases: [file: string, code: ErrorCode][] = [
        ["nowhere.db", "not_found"],
        [".", "bad_request"],
        ["text.db", "corrupt"],
        ["empty.db", "conflict"],
        ["other.db", "conflict"],
        ["newer.db", "newer_version"],
        ["foreign.db", "conflict"],
        ["cut.db", "corrupt"],
        ["wrong.db", "corrupt"],
        ["odd.db", "corrupt"],
        ["original.db", "conflict"],
      ];
      const tried = isFullTier
        ? cases
        : cases.filter(([file]) => /^(nowhere|newer|wrong)/.test(file));
      for (const [file, code] of tried) {
        await assertRefused(paths, inDir(file), { code, named: file === "." ? dir : inDir(file) });
      }
      const lock = await holdServerLock(paths, "serve");
      await assertRefused(paths, path, { code: "locked", named: "in use by serve" });
      lock.release();
      const no = () => false;
      await assertRefused(paths, path, { code: "cancelled", named: "", options: { confirm: no } });
      const small = { freeDiskFloorBytes: 2 ** 60 };
      await assertRefused(paths, path, { code: "disk_full", named: "", options: small });
      const full = () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }));
      for (
        const name of isFullTier ? ["copyFile", "rename", "open"] as const : ["rename"] as const
      ) {
        const options = { calls: { ...Deno, [name]: full } };
        await assertRefused(paths, path, { code: "disk_full", named: "", options });
      }
      await restoreBackup(paths, inDir("foreign.db"), { ...SMALL, force: true });
      assert(dumpFile(paths.database).some((row) => row.includes('"another"')));
    }),
);

fullTierTest(
  "restoreBackup() refuses while any program has the database open",
  () =>
    withDatabase(async (paths) => {
      const { path } = await backupLibrary(paths, SMALL);
      const other = openDatabase(paths.database);
      other.prepare("SELECT count(*) FROM images").value();
      await assertRefused(paths, path, { code: "locked", named: paths.database });
      other.close();
      await restoreBackup(paths, path, SMALL);
    }),
);

fullTierTest(
  "restoreBackup() keeps what is left of a damaged database, and of one that is gone",
  () =>
    withDatabase(async (paths) => {
      const { path } = await backupLibrary(paths, SMALL);
      const wanted = rowsOf(path);
      await Deno.writeTextFile(paths.database, "what is left");
      await Deno.writeTextFile(`${paths.database}-wal`, "its log");
      const damaged = await restoreBackup(paths, path, {
        ...SMALL,
        confirm: ({ current }) => current === "damaged",
      });
      assertEquals(rowsOf(paths.database), wanted);
      assertEquals(await Deno.readTextFile(damaged.kept!), "what is left");
      assertEquals(await Deno.readTextFile(`${damaged.kept}-wal`), "its log");

      await leaveLog(paths, DIFFERENCE);
      const log = await Deno.readFile(`${paths.database}-wal`);
      await Deno.remove(paths.database);
      const gone = await restoreBackup(paths, path, {
        ...SMALL,
        confirm: ({ current }) => current === null,
      });
      assertEquals(rowsOf(paths.database), wanted, "no log of another database was applied");
      assertEquals(await Deno.readFile(`${gone.kept}-wal`), log);
      for (const name of ["", "-wal", "-shm"]) {
        await Deno.remove(paths.database + name).catch(() => {});
      }
      assertEquals((await restoreBackup(paths, path, SMALL)).kept, null);
    }),
);

fullTierTest(
  "restoreBackup() brings an original database, and one with a log beside it, up to date",
  () =>
    withDatabase(async (paths, dir) => {
      const original = join(dir, "original.db");
      buildLibrary(original, { images: [{ tags: ["a"] }] });
      const db = openDatabase(original);
      db.exec("INSERT INTO tags (name) VALUES ('in_the_log')");
      assert((await Deno.stat(`${original}-wal`)).size > 0);
      await restoreBackup(paths, original, { ...SMALL, force: true });
      db.close();
      const rows = dumpFile(paths.database);
      assert(rows.some((row) => row.includes('"in_the_log"')));
      assert(rows.some((row) => row.includes(`"schema_version","value":"${SCHEMA_VERSION}"`)));
      await backupLibrary(paths, SMALL);
    }),
);

fullTierTest(
  "restoreBackup() finds every bit that flipped in a backup",
  () =>
    withDatabase(async (paths, dir) => {
      const { path } = await backupLibrary(paths, SMALL);
      const random = makeRandom(7);
      const bytes = await Deno.readFile(path);
      const copy = join(dir, "flipped.db");
      await Deno.copyFile(`${path}.sha256`, `${copy}.sha256`);
      for (let i = 0; i < 300; i++) {
        const bit = random.int(8 * bytes.length);
        bytes[bit >> 3] ^= 1 << (bit & 7);
        await Deno.writeFile(copy, bytes);
        const error = await assertRejects(() => restoreBackup(paths, copy, SMALL), AppError, copy);
        assertEquals(error.code, "corrupt", `bit ${bit}`);
        bytes[bit >> 3] ^= 1 << (bit & 7);
      }
      await Deno.writeFile(copy, bytes);
      await restoreBackup(paths, copy, SMALL);
    }),
);
