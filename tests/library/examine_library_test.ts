import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { type DiskFacts, examineDisks, judgeDisk } from "../../src/library/examine_disks.ts";
import { examineFiles, examineFolders, examineOwner } from "../../src/library/examine_folders.ts";
import { examineLibrary, isMuch } from "../../src/library/examine_library.ts";
import { examineRoots, examineWatching } from "../../src/library/examine_watching.ts";
import type { Finding } from "../../src/library/findings.ts";
import { openLibrary } from "../../src/library/library.ts";
import { findLibraryPaths, type LibraryPaths } from "../../src/library/library_paths.ts";
import type { DatabaseHealth } from "../../src/store/database_health.ts";
import { openDatabase } from "../support/library_builder.ts";
import { readFolder, withTempDir } from "../support/temp.ts";

async function look(folder: string): Promise<Record<string, Finding>> {
  const found = await examineLibrary(folder);
  for (const { name, verdict, remedy } of found) {
    assertEquals(remedy === null, verdict === "ok", `${name} has a remedy unless it is well`);
  }
  return Object.fromEntries(found.map((finding) => [finding.name, finding]));
}

/** A library of its own that nobody uses. */
async function withLibrary(test: (paths: LibraryPaths) => Promise<void>): Promise<void> {
  await withTempDir(async (dir) => {
    const folder = join(dir, "library");
    await (await openLibrary({ folder, workers: 1, print: () => {} })).close();
    await test(await findLibraryPaths(folder));
  });
}

async function put(path: string, content = "x"): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, content);
}

function healthWith(roots: Record<string, string>): DatabaseHealth {
  return {
    version: 3,
    wantedVersion: 3,
    images: 0,
    trashEntries: 0,
    roots: Object.entries(roots).map(([name, path], id) => ({ id, name, path, mode: "in_place" })),
  } as DatabaseHealth;
}

Deno.test("examineLibrary() has a line for each thing, all well for a new library", () =>
  withLibrary(async (paths) => {
    await put(join(paths.images, "ab", "cd", "a.png"));
    const before = await readFolder(paths.folder);
    const found = await look(paths.folder);
    assertEquals(await readFolder(paths.folder), before);
    assertEquals(Object.keys(found), [
      "folder",
      "database",
      "owner",
      "in use",
      "disk",
      "permissions",
      "files",
      "watching",
      "thumbnails",
      "trash",
      "backups",
    ]);
    const bad = Object.values(found).filter(({ verdict, name }) =>
      // What the disk and the user of this machine are is not for this test to say.
      verdict !== "ok" && name !== "disk"
    );
    assertEquals(bad, []);
  }));

Deno.test("examineLibrary() says of a folder that is not there what may be the reason", () =>
  withTempDir(async (dir) => {
    await put(join(dir, "file"));
    await Deno.symlink(join(dir, "nothing"), join(dir, "link"));
    const table: [folder: string, verdict: string, text: string, remedy: string][] = [
      ["new", "warning", "there is no", "serve"],
      ["no/such/disk", "problem", "either", "disk connected"],
      ["file", "problem", "is no folder", "--library"],
      ["file/library", "problem", "is no folder", "--library"],
      ["link", "problem", "link to nothing", "disk"],
    ];
    for (const [name, verdict, text, remedy] of table) {
      const found = await look(join(dir, name));
      assertEquals(Object.keys(found), ["folder"], name);
      assertEquals(found.folder.verdict, verdict, name);
      assertStringIncludes(found.folder.text, text);
      assertStringIncludes(found.folder.remedy!, remedy);
    }
  }));

Deno.test("examineLibrary() tells old, newer and future databases", () =>
  withLibrary(async ({ folder, database }) => {
    const change = (sql: string) => {
      const db = openDatabase(database);
      try {
        db.exec(sql);
      } finally {
        db.close();
      }
    };
    const day = 86_400;
    await Deno.utime(database, Date.now() / 1_000 + 3 * day, Date.now() / 1_000 + 3 * day);
    const future = await look(folder);
    assertEquals([future.time.verdict, future.database.verdict], ["warning", "ok"]);
    assertStringIncludes(future.time.remedy!, "clock");
    change("UPDATE library_state SET value = '2' WHERE key = 'schema_version'");
    const old = await look(folder);
    assertEquals([old.database.verdict, old.time], ["warning", undefined]);
    assertStringIncludes(old.database.remedy!, "after a copy was made");
    change("UPDATE library_state SET value = '999' WHERE key = 'schema_version'");
    const newer = await look(folder);
    assertEquals(newer.database.verdict, "problem");
    assertStringIncludes(newer.database.text, "999");
  }));

Deno.test("examineLibrary() tells a lost database, and goes on with the rest", () =>
  withLibrary(async ({ folder, database, images }) => {
    await put(join(images, "ab", "a.png"));
    for (const suffix of ["", "-wal", "-shm"]) {
      await Deno.remove(`${database}${suffix}`).catch(() => {});
    }
    const found = await look(folder);
    assertEquals([found.database.verdict, found.files.verdict], ["problem", "ok"]);
    assertStringIncludes(found.database.remedy!, "rebuild");
  }));

Deno.test("examineLibrary() warns of old backups and of those of tomorrow", () =>
  withLibrary(async ({ folder, backups, database }) => {
    const db = openDatabase(database);
    db.exec("INSERT INTO images (id, filepath, md5) VALUES (1, 'a.png', 'ff')");
    db.close();
    const none = await look(folder);
    assertEquals(none.backups.verdict, "warning");
    assertStringIncludes(none.backups.remedy!, "backup");
    const nameOf = (ms: number) =>
      `booru-backup-${new Date(ms).toISOString().replace(/[:.]/g, "-")}.db`;
    const day = 86_400_000;
    const table: [ageDays: number, verdict: string, text: string][] = [
      [40, "warning", "40 days old"],
      [1.5, "ok", "one day old"],
      [0.1, "ok", "of today"],
      [-5, "warning", "to come"],
    ];
    for (const [age, verdict, text] of table) {
      await put(join(backups, nameOf(Date.now() - age * day)));
      const found = (await look(folder)).backups;
      assertEquals(found.verdict, verdict, text);
      assertStringIncludes(found.text, text);
    }
    for await (const { name } of Deno.readDir(backups)) await Deno.remove(join(backups, name));
    const elsewhere = join(dirname(folder), "elsewhere");
    await put(join(elsewhere, nameOf(Date.now())));
    const both = (await examineLibrary(folder, { backups: elsewhere })).find(({ name }) =>
      name === "backups"
    )!;
    assertEquals(both.verdict, "ok");
    assertStringIncludes(both.text, `1 in ${backups} and ${elsewhere}`);
  }));

Deno.test("isMuch() is a trash of gigabytes that is a large part of the library", () => {
  const gb = 1_000_000_000;
  const table: [trash: number, images: number, much: boolean][] = [
    [0, 0, false],
    [gb - 1, 0, false],
    [gb, 0, true],
    [2 * gb, 100 * gb, false],
    [40 * gb, 100 * gb, true],
  ];
  for (const [trash, images, much] of table) assertEquals(isMuch(trash, images), much);
});

Deno.test("judgeDisk() knows a disk without room, one that is nearly full, and one without names", () => {
  const disk: DiskFacts = { bsize: 4096, blocks: 1e8, bavail: 5e7, files: 1e7, ffree: 9e6 };
  const table: [changed: Partial<DiskFacts>, verdict: string, text: string][] = [
    [{}, "ok", "205 GB of 410 GB free"],
    [{ bavail: 3e6 }, "warning", "soon it is full"],
    [{ bavail: 1e4 }, "problem", "41.0 MB of"],
    [{ bavail: 0 }, "problem", "0 bytes of"],
    [{ ffree: 12 }, "warning", "only 12 more files fit"],
    // Some file systems have no such limit.
    [{ files: 0, ffree: 0 }, "ok", "free"],
  ];
  for (const [changed, verdict, text] of table) {
    const found = judgeDisk("disk", { ...disk, ...changed });
    assertEquals([found.verdict, found.remedy === null], [verdict, verdict === "ok"], text);
    assertStringIncludes(found.text, text);
  }
});

Deno.test("examineDisks() asks each disk once", () =>
  withLibrary(async (paths) => {
    const asked: string[] = [];
    const found = await examineDisks(paths, (folder) => {
      asked.push(folder);
      return Promise.resolve({ bsize: 1, blocks: 1, bavail: 0, files: 0, ffree: 0 });
    });
    assertEquals(asked, [paths.folder]);
    assertEquals(found.map(({ name, verdict }) => [name, verdict]), [["disk", "problem"]]);
  }));

Deno.test("examineOwner() warns of a library of somebody else", () =>
  withLibrary(async (paths) => {
    const { uid } = await Deno.stat(paths.folder);
    const own = await examineOwner(paths, { uid: uid!, name: "me" });
    assertEquals([own.verdict, own.text], ["ok", `me (${uid})`]);
    const foreign = await examineOwner(paths, { uid: uid! + 1, name: null });
    assertEquals(foreign.verdict, "warning");
    assertStringIncludes(foreign.text, `number ${uid}; this program runs as number ${uid! + 1}`);
    assertStringIncludes(foreign.remedy!, "chown");
    assertEquals((await examineOwner(paths, null)).verdict, "ok");
  }));

Deno.test("examineFolders() names each folder that cannot be written", () =>
  withLibrary(async (paths) => {
    await Deno.remove(paths.ingest);
    await put(paths.ingest, "a file");
    const found = await examineFolders(paths);
    assertEquals(found.verdict, "problem");
    assertStringIncludes(found.text, `Cannot write to "${paths.ingest}"`);
    assert(!found.text.includes(paths.trash), found.text);
  }));

Deno.test("examineFiles() tries the database, and some folders and files", () =>
  withLibrary(async (paths) => {
    const path = join(paths.images, "ab", "cd", "a.png");
    await put(path);
    await put(join(paths.images, ".incoming", "half"));
    const tried: string[] = [];
    const closed = new Set<string>();
    const trial = (what: string, path: string) => {
      tried.push(`${what} ${path.slice(paths.folder.length + 1)}`);
      if (!closed.has(path)) return Promise.resolve();
      return Promise.reject(new Deno.errors.PermissionDenied("closed (os error 13)"));
    };
    const trials = {
      write: (folder: string) => trial("write to", folder),
      open: (file: string, { write }: { write: boolean }) => trial(write ? "write" : "read", file),
    };
    assertEquals((await examineFiles(paths, trials)).verdict, "ok");
    assertEquals(tried.filter((line) => !/lock|-wal|-shm/.test(line)), [
      "write data/booru.db",
      "write to images/ab",
      "write to images/ab/cd",
      "read images/ab/cd/a.png",
    ]);
    for (const one of [paths.database, dirname(path), path]) {
      closed.clear();
      closed.add(one);
      const found = await examineFiles(paths, trials);
      assertEquals(found.verdict, "problem");
      assertStringIncludes(found.text, one);
      assertStringIncludes(found.text, "1 of ");
    }
    for (let i = 0; i < 9; i++) {
      const more = join(paths.images, `${i}.png`);
      await put(more);
      closed.add(more);
    }
    assertStringIncludes((await examineFiles(paths, trials)).text, "; and 7 more");
  }));

Deno.test("examineRoots() tells folders that are gone, empty or no folders any more", () =>
  withTempDir(async (dir) => {
    await put(join(dir, "good", "a.png"));
    await put(join(dir, "file"));
    await Deno.mkdir(join(dir, "empty"));
    const roots = { good: "good", file: "file", empty: "empty", gone: "gone" };
    const found = await examineRoots(healthWith(
      Object.fromEntries(Object.entries(roots).map(([name, path]) => [name, join(dir, path)])),
    ));
    assertEquals(found.map(({ name, verdict }) => [name, verdict]), [
      ["in place: good", "ok"],
      ["in place: file", "problem"],
      ["in place: empty", "warning"],
      ["in place: gone", "warning"],
    ]);
    assertEquals(await examineRoots(null), []);
  }));

Deno.test("examineWatching() compares folders with the limit, or tries", () =>
  withLibrary(async (paths) => {
    const root = join(dirname(paths.folder), "root");
    for (let i = 0; i < 5; i++) await Deno.mkdir(join(root, `${i}`), { recursive: true });
    const health = healthWith({ root, gone: join(root, "gone") });
    let watched: string[] = [];
    const tryToWatch = (folders: string[]) => void (watched = folders);
    const examine = (limit: number | null, watch = tryToWatch) =>
      examineWatching(paths, health, { readLimit: () => limit, tryToWatch: watch });
    const fits = await examine(8_192);
    assertEquals([fits.verdict, fits.text.startsWith("7 folders")], ["ok", true], fits.text);
    const small = await examine(7);
    assertEquals(small.verdict, "warning");
    assertStringIncludes(small.remedy!, "sysctl fs.inotify.max_user_watches=");
    assertEquals(watched, []);
    assertEquals((await examine(null)).text, "7 folders can be watched");
    assertEquals(watched, [paths.ingest, root]);
    const refused = await examine(null, () => {
      throw new Error('No space left on device (os error 28) about ["/x"]');
    });
    assertEquals(refused.verdict, "warning");
    assertStringIncludes(refused.remedy!, "sysctl");
    const other = await examine(null, () => {
      throw new Error("Function not implemented");
    });
    assert(!other.remedy!.includes("sysctl"), other.remedy!);
    // And with what the system really has to say.
    const real = await examineWatching(paths, health);
    assertEquals(real.verdict, "ok", real.text);
  }));
