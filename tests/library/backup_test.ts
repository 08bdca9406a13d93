import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { backupLibrary } from "../../src/library/backup.ts";
import { listBackups } from "../../src/library/backup_files.ts";
import { sha256OfFile } from "../../src/media/sha256.ts";
import { openReader } from "../../src/store/database.ts";
import { dumpFile, withDatabase } from "../support/closed_library.ts";
import { dumpDatabase, openDatabase } from "../support/library_builder.ts";
import { fullTierTest } from "../support/tier.ts";

const SMALL = { freeDiskFloorBytes: 0 };

Deno.test("backupLibrary() copies what is committed, and nothing is beside the copy but its checksum", () =>
  withDatabase(async (paths) => {
    // Not folded into the database yet, and not committed at all.
    const db = openDatabase(paths.database);
    db.exec("INSERT INTO tags (name) VALUES ('late')");
    const before = dumpDatabase(db);
    db.exec("BEGIN IMMEDIATE; INSERT INTO tags (name) VALUES ('open')");
    const report = await backupLibrary(paths, SMALL);
    db.exec("COMMIT");
    db.close();
    assertEquals(dumpFile(report.path), before);
    const { images, tags, danglingRows, removed, sizeBytes } = report;
    assertEquals([images, tags, danglingRows, removed], [3, 5, 0, []]);
    assertEquals(sizeBytes, (await Deno.stat(report.path)).size);
    assertEquals(await sha256OfFile(report.path), report.sha256);
    const names = await Array.fromAsync(Deno.readDir(paths.backups), ({ name }) => name);
    const name = report.path.slice(paths.backups.length + 1);
    assertEquals(names.sort(), [name, `${name}.sha256`]);
    assertEquals(await Deno.readTextFile(`${report.path}.sha256`), `${report.sha256}  ${name}\n`);
  }));

fullTierTest(
  "backupLibrary() is one moment of a library that is written all the time",
  () =>
    withDatabase(async (paths) => {
      // Every commit adds an image and its tag: a copy of no single moment has one without the other.
      const db = openDatabase(paths.database);
      db.exec("PRAGMA synchronous = OFF");
      let commits = 0;
      const timer = setInterval(() => {
        db.transaction(() => {
          const id = 1_000 + commits++;
          db.exec("INSERT INTO images (id, filepath, md5) VALUES (?, ?, ?)", id, `${id}`, `${id}`);
          db.exec("INSERT INTO image_tags (image_id, tag_id) VALUES (?, 1)", id);
        }).immediate();
      }, 0);
      try {
        for (let i = 0; i < 3; i++) {
          const { path } = await backupLibrary(paths, SMALL);
          const copy = openReader(path);
          const [images, links] = copy.prepare(
            `SELECT (SELECT count(*) FROM images WHERE id >= 1000),
             (SELECT count(*) FROM image_tags WHERE image_id >= 1000)`,
          ).value<[number, number]>()!;
          copy.close();
          assertEquals(images, links);
          assert(images < commits, "writers went on meanwhile");
        }
      } finally {
        clearInterval(timer);
        db.close();
      }
    }),
);

Deno.test("backupLibrary() keeps the newest of its own backups of this library and touches nothing else", () =>
  withDatabase(async (paths) => {
    await Deno.mkdir(paths.backups);
    const others = [
      "booru-before-restore-2020-01-01T00-00-00-000Z.db",
      "booru-before-migration-2020-01-01T00-00-00-000Z.db",
      "booru-backup-mine.db",
      "booru-backup-2020-01-01T00-00-00-000Z.db.old",
      "notes.txt",
    ];
    for (const name of others) await Deno.writeTextFile(join(paths.backups, name), "kept");
    // One that cannot be read is not counted, one of another library is not ours.
    const damaged = "booru-backup-2019-01-01T00-00-00-000Z.db";
    await Deno.writeTextFile(join(paths.backups, damaged), "not a database");
    const foreign = "booru-backup-2018-01-01T00-00-00-000Z.db";
    await Deno.copyFile(paths.database, join(paths.backups, foreign));
    const db = openDatabase(join(paths.backups, foreign));
    db.exec("PRAGMA journal_mode = DELETE");
    db.exec("UPDATE library_state SET value = 'other' WHERE key = 'library_id'");
    db.close();
    const made: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { path, removed } = await backupLibrary(paths, { ...SMALL, keep: 2 });
      assertEquals(removed, i < 2 ? [] : [made[i - 2]]);
      made.push(path);
    }
    const left = await Array.fromAsync(Deno.readDir(paths.backups), ({ name }) => name);
    const kept = made.slice(1).flatMap((path) => [path, `${path}.sha256`])
      .map((path) => path.slice(paths.backups.length + 1));
    assertEquals(left.sort(), [...kept, ...others, damaged, foreign].sort());
    const listed = await listBackups(paths.backups);
    assertEquals(listed.map(({ path }) => path).slice(0, 2), made.slice(1).reverse());
    assertEquals(listed.map(({ kind }) => kind), [
      ...["backup", "backup", "before-restore", "before-migration", "backup", "backup"],
    ]);
  }));

fullTierTest(
  "backupLibrary() removes what a run that was killed left, in its folder alone",
  () =>
    withDatabase(async (paths, dir) => {
      const to = join(dir, "disk");
      await Deno.mkdir(to);
      const controller = new AbortController();
      let leftover = "";
      const error = await assertRejects(
        () =>
          backupLibrary(paths, {
            ...SMALL,
            to,
            signal: controller.signal,
            calls: {
              ...Deno,
              // As if the process had ended here: nothing is renamed, nothing is removed.
              rename: (from) => {
                leftover = String(from);
                return Promise.reject(Object.assign(new Error("no"), { code: "EACCES" }));
              },
              remove: (path) => String(path) === leftover ? Promise.resolve() : Deno.remove(path),
            },
          }),
        AppError,
      );
      assert(error.message.includes(to), error.message);
      const names = () => Array.fromAsync(Deno.readDir(to), ({ name }) => name);
      assertEquals((await names()).length, 1, "what the killed run left");
      const { path } = await backupLibrary(paths, { ...SMALL, to });
      assertEquals((await names()).map((name) => join(to, name)).sort(), [path, `${path}.sha256`]);
      controller.abort();
      const cancelled = { ...SMALL, to, signal: controller.signal };
      const aborted = await assertRejects(() => backupLibrary(paths, cancelled), AppError);
      assertEquals([aborted.code, (await names()).length], ["cancelled", 2]);
    }),
);

Deno.test("backupLibrary() leaves older backups alone when it cannot make one", () =>
  withDatabase(async (paths, dir) => {
    const { path } = await backupLibrary(paths, { ...SMALL, keep: 1 });
    const full = () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }));
    const file = join(dir, "file");
    await Deno.writeTextFile(file, "");
    const cases: [options: Parameters<typeof backupLibrary>[1], code: string, named: string][] = [
      [{ freeDiskFloorBytes: 2 ** 60 }, "disk_full", paths.backups],
      [
        { ...SMALL, calls: { ...Deno, open: full as typeof Deno.open } },
        "disk_full",
        paths.backups,
      ],
      [{ ...SMALL, calls: { ...Deno, rename: full } }, "disk_full", paths.backups],
      [{ ...SMALL, to: join(dir, "nowhere") }, "not_found", "nowhere"],
      [{ ...SMALL, to: file }, "bad_request", file],
      [{ ...SMALL, keep: 0 }, "bad_request", "0"],
    ];
    for (const [options, code, named] of cases) {
      const error = await assertRejects(
        () => backupLibrary(paths, { keep: 1, ...options }),
        AppError,
        named,
      );
      assertEquals(error.code, code, error.message);
    }
    assertEquals((await listBackups(paths.backups)).map((backup) => backup.path), [path]);
    const left = await Array.fromAsync(Deno.readDir(paths.backups), ({ name }) => name);
    assertEquals(left.length, 2, "and no half of one");

    await Deno.writeTextFile(paths.database, "not a database");
    const error = await assertRejects(() => backupLibrary(paths, { ...SMALL, keep: 1 }), AppError);
    assertEquals([error.code, error.message.includes(paths.database)], ["corrupt", true]);
    assertEquals((await listBackups(paths.backups)).map((backup) => backup.path), [path]);
    await Deno.remove(paths.database);
    const missing = await assertRejects(() => backupLibrary(paths, SMALL), AppError);
    assertEquals([missing.code, missing.message.includes(paths.folder)], ["not_found", true]);
  }));
