import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { backupLibrary } from "../../src/library/backup.ts";
import { exists, findLibraryPaths, makeLibraryFolders } from "../../src/library/library_paths.ts";
import { rebuildLibrary } from "../../src/library/rebuild.ts";
import { restoreBackup } from "../../src/library/restore.ts";
import { holdServerLock } from "../../src/library/server_lock.ts";
import { withoutTraces } from "../../src/library/without_traces.ts";
import { buildLibrary } from "../support/library_builder.ts";
import { readFolder, withTempDir } from "../support/temp.ts";
import { isFullTier } from "../support/tier.ts";

/** Every file and folder below a folder. */
async function listAll(folder: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  if (!(await exists(folder))) return found;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    found.push(prefix + name);
    if (isDirectory) found.push(...await listAll(join(folder, name), `${prefix}${name}/`));
  }
  return found.sort();
}

Deno.test("withoutTraces() removes locks and empty folders that were made in vain", () =>
  withTempDir(async (dir) => {
    const paths = await findLibraryPaths(join(dir, "library"));
    const fail = async () => {
      await makeLibraryFolders(paths);
      await Deno.mkdir(paths.backups, { recursive: true });
      (await holdServerLock(paths, "try")).release();
      await Deno.writeTextFile(paths.lock, "try");
      throw new RangeError("refused");
    };
    await assertRejects(() => withoutTraces(paths, fail), RangeError, "refused");
    assertEquals(await listAll(dir), []);
    // What was there, and what has something in it, stays.
    await Deno.mkdir(paths.trash, { recursive: true });
    await Deno.mkdir(join(paths.images, "ab"), { recursive: true });
    await Deno.mkdir(paths.data);
    await Deno.writeTextFile(paths.lock, "");
    const failWithFile = async () => {
      await Deno.mkdir(paths.ingest);
      await Deno.writeTextFile(join(paths.ingest, "mine.png"), "picture");
      await fail();
    };
    await assertRejects(() => withoutTraces(paths, failWithFile), RangeError, "refused");
    assertEquals(await listAll(paths.folder), [
      ...["data", "data/library.lock", "images", "images/ab", "ingest", "ingest/mine.png", "trash"],
    ]);
  }));

Deno.test("withoutTraces() keeps what work did, unless it was a trial or failed while others work", () =>
  withTempDir(async (dir) => {
    const paths = await findLibraryPaths(join(dir, "library"));
    const make = async () => {
      await makeLibraryFolders(paths);
      await Deno.mkdir(paths.data, { recursive: true });
      (await holdServerLock(paths, "try")).release();
      return 7;
    };
    assertEquals(await withoutTraces(paths, make, { isTrial: true }), 7);
    assertEquals(await listAll(dir), []);
    assertEquals(await withoutTraces(paths, make), 7);
    const made = await listAll(dir);
    assertEquals(made.includes("library/data/server.lock"), true);
    await Deno.remove(paths.folder, { recursive: true });
    let other: { release(): void } | undefined;
    const failBeside = async () => {
      await make();
      other = await holdServerLock(paths, "serve");
      throw new RangeError("refused");
    };
    await assertRejects(() => withoutTraces(paths, failBeside), RangeError, "refused");
    assertEquals(await listAll(dir), made, "all of it is the other's now");
    other?.release();
  }));

Deno.test("backup, rebuild and restore leave a folder as it was that they refuse", () =>
  withTempDir(async (temp) => {
    const dir = await Deno.realPath(temp);
    const pictures = join(dir, "pictures");
    await Deno.mkdir(join(pictures, "images"), { recursive: true });
    const foreign = join(dir, "foreign");
    await Deno.mkdir(join(foreign, "data"), { recursive: true });
    await Deno.writeTextFile(join(foreign, "data", "booru.db"), "no database of anybody");
    const backup = join(dir, "backup.db");
    await Deno.writeTextFile(backup, "no database either");
    const before = { all: await listAll(dir), files: await readFolder(dir) };
    const foreignPaths = await findLibraryPaths(foreign);
    const nowhere = await findLibraryPaths(join(dir, "nowhere"));
    const rebuild = (folder: string, dryRun: boolean) =>
      rebuildLibrary({ folder, dryRun, workers: 1 });
    const slow = [
      () => rebuild(pictures, false),
      () => rebuild(foreign, true),
      () => restoreBackup(foreignPaths, backup, { freeDiskFloorBytes: 0 }),
    ];
    for (
      const refused of [
        () => backupLibrary(foreignPaths, { freeDiskFloorBytes: 0 }),
        () => rebuild(pictures, true),
        () => restoreBackup(nowhere, backup, { freeDiskFloorBytes: 0 }),
        ...(isFullTier ? slow : []),
      ]
    ) {
      await assertRejects(refused, AppError);
      assertEquals(await listAll(dir), before.all, String(refused));
    }
    assertEquals(await readFolder(dir), before.files);
    if (!isFullTier) return;
    // A trial that is not refused leaves nothing either.
    buildLibrary(join(foreign, "data", "new.db"), { images: [] });
    await Deno.rename(join(foreign, "data", "new.db"), join(foreign, "data", "booru.db"));
    await rebuild(foreign, true);
    const left = (await listAll(dir)).filter((path) => !/-(wal|shm)$/.test(path));
    assertEquals(left, before.all);
  }));
