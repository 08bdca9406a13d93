import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import type { ImageId } from "../../src/base/ids.ts";
import { unreadable } from "../../src/library/check_kinds.ts";
import { checkLibrary } from "../../src/library/check_library.ts";
import { editImageTags } from "../../src/library/edit_tags.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { exists, makeLibraryFolder } from "../../src/library/library_paths.ts";
import { isLockHeld, lockLibrary } from "../../src/library/lock.ts";
import { rebuildLibrary } from "../../src/library/rebuild.ts";
import { holdServerLock } from "../../src/library/server_lock.ts";
import { copyCutDatabase } from "../../src/store/cut_database.ts";
import { checkReady } from "../../src/store/migrate.ts";
import { explain } from "../../src/store/database.ts";
import { openDatabase } from "../support/library_builder.ts";
import {
  importSource,
  pictureBytes,
  rowsOf,
  type SampleLibrary,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";

/*
 * Files in the place of folders, folders in the place of files, links in circles, damaged ends: each is
 * named, and nothing else comes to harm.
 */

async function fill(sample: SampleLibrary): Promise<void> {
  await writePicture(join(sample.source, "a $(touch x)\n.png"), 1, { ".txt": "solo" });
  await writePicture(join(sample.source, "b.png"), 2, { ".txt": "hat\nsolo" });
  await importSource(sample);
}

/** Kinds, paths below the library's folder, and messages of what a check finds. */
async function findIn(library: Library): Promise<[string, string][]> {
  const { findings } = await checkLibrary(library);
  return findings.map(({ kind, path }) => [
    kind,
    path?.replace(`${library.paths.folder}/`, "") ?? "",
  ]);
}

Deno.test("checkLibrary() names files that are in the place of folders", () =>
  withLibrary(async (sample) => {
    await fill(sample);
    const { library } = sample;
    for (const folder of [library.paths.trash, join(library.paths.images, ".incoming")]) {
      if (await exists(folder)) await Deno.remove(folder, { recursive: true });
      await Deno.writeTextFile(folder, "no folder");
    }
    assertEquals(await findIn(library), [
      ["unreadable_file", "images/.incoming"],
      ["unreadable_file", "trash"],
    ]);
  }));

Deno.test("checkLibrary() says of a folder that is a file why nothing can be seen in it", () =>
  withLibrary(async (sample) => {
    await fill(sample);
    const { images } = sample.library.paths;
    await Deno.rename(images, `${images}.away`);
    const look = async () => (await checkLibrary(sample.library)).findings;
    const [gone, ...others] = await look();
    assertEquals([gone.kind, others], ["root_unavailable", []]);
    assertEquals(gone.message, `${images} is not there or has no files; 2 files should be in it`);
    await Deno.writeTextFile(images, "no folder");
    const [found] = await look();
    assertEquals(found.kind, "root_unavailable");
    assertMatch(
      found.message,
      /^Cannot read the folder: Not a directory .*; 2 files should be in it$/,
    );
  }));

Deno.test("unreadable() is for failures of the file system alone", async () => {
  const missing = await assertRejects(() => Deno.readTextFile("/no/such/file"));
  assertEquals(unreadable("x", missing).message, 'Cannot read "x": there is no such file');
  const bug = new TypeError("a bug");
  const aborted = new AppError("cancelled", "enough");
  for (const error of [bug, aborted]) {
    const thrown = await assertRejects(() => Promise.resolve().then(() => unreadable("x", error)));
    assert(thrown === error);
  }
});

Deno.test("folders and locks that cannot be made or opened are named with what is in the way", () =>
  withTempDir(async (dir) => {
    const file = join(dir, "file");
    await Deno.writeTextFile(file, "");
    const inTheWay = await assertRejects(() => makeLibraryFolder(file), AppError);
    assertEquals([inTheWay.code, inTheWay.remedy], ["conflict", "Move that file away"]);
    assertMatch(inTheWay.message, /file: a file has its name$/);
    const locked = await assertRejects(() => lockLibrary(dir, "try"), AppError, "it is a folder");
    assertEquals(locked.code, "bad_request");
    const loop = join(dir, "loop");
    await Deno.symlink(loop, loop);
    await assertRejects(() => isLockHeld(loop), AppError, "links form a loop");
    assertEquals(await exists(loop), true, "the link itself is there");
    await assertRejects(() => exists(join(dir, "x".repeat(300))), AppError, "name is too long");
  }));

Deno.test("a lock holds on a full disk, where nobody can be named", {
  // Only there is a file that takes no byte and says that the disk is full.
  ignore: Deno.build.os !== "linux",
}, () =>
  withTempDir(async (dir) => {
    await Deno.symlink("/dev/full", join(dir, "library.lock"));
    await Deno.symlink("/dev/full", join(dir, "server.lock"));
    (await lockLibrary(join(dir, "library.lock"), "first")).release();
    (await holdServerLock({ data: dir }, "first")).release();
  }));

Deno.test("explain() says what stands in the place of a database", () =>
  withTempDir(async (dir) => {
    const link = join(dir, "link.db");
    await Deno.symlink(join(dir, "nowhere.db"), link);
    const messageFor = (path: string, message: string) => explain(new Error(message), path).message;
    assertMatch(messageFor(dir, "disk I/O error"), /: it is a folder$/);
    assertMatch(messageFor(link, "unable to open database file"), /leads nowhere$/);
    assertMatch(messageFor(join(dir, "x.db"), "unable to open database file"), /unable to open/);
    assertMatch(messageFor(dir, "database is locked"), /locked$/);
  }));

Deno.test("checkReady() sends an empty database to its backups, and makes no tables in it", () =>
  withTempDir(async (dir) => {
    const path = join(dir, "booru.db");
    await Deno.writeTextFile(path, "");
    const error = await assertRejects(
      () => Promise.resolve().then(() => checkReady(path)),
      AppError,
    );
    assertEquals(error.code, "corrupt");
    assertMatch(error.message, /it is empty$/);
    assertMatch(error.remedy!, /restore.*rebuild/);
    assertEquals((await Deno.stat(path)).size, 0);
  }));

/** A closed library with a person's edit, whose log is folded into its database. */
async function makeClosed(dir: string): Promise<{ folder: string; database: string }> {
  const source = join(dir, "source");
  const folder = join(dir, "library");
  await writePicture(join(source, "a.png"), 1, { ".txt": "solo" });
  const library = await openLibrary({ folder, workers: 1, print: () => {} });
  try {
    await importSource({ library, source });
    await library.core.cache.loadDataFromDb({ verbose: false });
    const edit = { add: ["mine"], remove: ["solo"], expectedTags: null };
    await editImageTags(library, { imageId: 1 as ImageId, ...edit });
  } finally {
    await library.close();
  }
  const database = join(folder, "data/booru.db");
  const db = openDatabase(database);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  return { folder, database };
}

async function readTags(folder: string): Promise<unknown[]> {
  const library = await openLibrary({ folder, workers: 1, print: () => {} });
  try {
    return rowsOf(
      library.core.reader,
      `SELECT images.id, name FROM images LEFT JOIN image_tags ON image_id = images.id
       LEFT JOIN tags ON tags.id = tag_id ORDER BY 1, 2`,
    );
  } finally {
    await library.close();
  }
}

Deno.test("rebuildLibrary() reads what is there of a database whose end is missing", () =>
  withTempDir(async (made) => {
    const { folder, database } = await makeClosed(await Deno.realPath(made));
    const db = openDatabase(database);
    // Nobody gives such ids, and nobody forbids them.
    db.exec("INSERT INTO images (id, filepath, md5) VALUES (-5, 'x.png', 'ab')");
    db.exec("INSERT INTO tags (id, name, category) VALUES (-7, 'odd', 'general')");
    db.exec("INSERT INTO image_tags (image_id, tag_id) VALUES (-5, -7), (1, -7)");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    await Deno.truncate(database, (await Deno.stat(database)).size - 50_000);
    const cut = await Deno.readFile(database);
    const report = await rebuildLibrary({ folder, workers: 1 });
    assertEquals([report.old, report.images, report.added], ["readable", 2, []]);
    assertEquals(report.faults.map(({ kind, path }) => [kind, path]), [["missing_file", "x.png"]]);
    assert(report.salvage!.damage.length > 0, "what is missing is told");
    assertEquals(await Deno.readFile(report.kept!), cut, "the old one is kept as it was");
    assertEquals(await readTags(folder), [[-5, "odd"], [1, "mine"], [1, "odd"]]);
    assertEquals(await exists(join(folder, "data/rebuild")), false);
  }));

Deno.test("copyCutDatabase() copies nothing but databases that are too short", () =>
  withTempDir(async (made) => {
    const { database } = await makeClosed(await Deno.realPath(made));
    const copy = join(dirname(database), "copy.db");
    assertEquals(await copyCutDatabase(database, copy), false);
    const { size } = await Deno.stat(database);
    for (const length of [0, 50]) {
      await Deno.truncate(database, length);
      assertEquals(await copyCutDatabase(database, copy), false);
    }
    await Deno.writeFile(database, await pictureBytes(1));
    assertEquals([await copyCutDatabase(database, copy), await exists(copy)], [false, false]);
    assert(size > 0);
  }));
