import { assertEquals } from "@std/assert";
import type { FoundFile } from "../../src/library/import_walk.ts";
import {
  isToBeAsked,
  toFilePath,
  toPlacePath,
  withoutRenamed,
} from "../../src/library/watch_scan.ts";
import { probeFolder, type RootPlan, WatchedRoot } from "../../src/library/watched_root.ts";
import type { RecordedPlace } from "../../src/store/missing_files.ts";
import { withTempDir } from "../support/temp.ts";

const PLAN: RootPlan = { name: "@pics", path: "/mnt/pics", mode: "in-place" };

Deno.test("isToBeAsked() asks from more than 5% on, and never for ten files or fewer", () => {
  const cases: [missing: number, recorded: number, isAsked: boolean][] = [
    [0, 0, false],
    [10, 10, false],
    [11, 11, true],
    [11, 220, false],
    [12, 220, true],
    [5_000, 100_000, false],
    [5_001, 100_000, true],
  ];
  for (const [missing, recorded, isAsked] of cases) {
    assertEquals(isToBeAsked(missing, recorded), isAsked, `${missing} of ${recorded}`);
  }
});

Deno.test("withoutRenamed() leaves out what has inode and size of a new file", async () => {
  const place = (inode: number, sizeBytes: number): RecordedPlace => {
    return { filepath: "@p/x", sizeBytes, mtimeMs: 1, inode, addedAtMs: 1, isMissing: false };
  };
  const fresh = [{ inode: 1, sizeBytes: 9 }, { inode: 0, sizeBytes: 9 }] as FoundFile[];
  const places = [place(1, 9), place(1, 8), place(2, 9), place(0, 9)];
  assertEquals(await withoutRenamed(places, fresh), places.slice(1));
});

Deno.test("toPlacePath() and toFilePath() name one file", () => {
  for (const file of ["a.png", "x/y\n.png", "..a/b.png", "a\\b.png"]) {
    const filepath = toPlacePath(PLAN, `/mnt/pics/${file}`);
    assertEquals(filepath, `@pics/${file}`);
    assertEquals(toFilePath(PLAN, filepath), `/mnt/pics/${file}`);
  }
});

Deno.test("WatchedRoot.isWatched() passes over what is hidden, outside or unfinished", () => {
  const root = new WatchedRoot(PLAN, 1);
  const watched = ["/mnt/pics/a.png", "/mnt/pics/x/a.png.json", "/mnt/pics/x"];
  const others = [
    "/mnt/pics",
    "/mnt/pics2/a.png",
    "/mnt/pics/.a.png",
    "/mnt/pics/.done/a.png",
    "/mnt/pics/a.png.part",
    "/mnt/pics/x/a.png.crdownload",
    "/mnt/pics/library/data/booru.db-wal",
  ];
  assertEquals(watched.filter((path) => !root.isWatched(path)), []);
  assertEquals(others.filter((path) => root.isWatched(path)), []);
});

Deno.test("WatchedRoot.refuse() tells one version of a file once", () => {
  const root = new WatchedRoot(PLAN, 1);
  const file: FoundFile = {
    path: "/mnt/pics/a.png",
    name: "a.png",
    sizeBytes: 1,
    mtimeMs: 1,
    changedMs: 1,
    inode: 1,
  };
  const problem = { code: "unsupported", reason: "It is a text file" };
  assertEquals([root.refuse(file, problem), root.refuse(file, problem)], [true, false]);
  assertEquals([root.isRefused(file), root.isRefused({ ...file, changedMs: 2 })], [true, false]);
  root.forgetRefused();
  assertEquals(root.isRefused(file), false);
  root.refuse({ ...file, changedMs: 3 }, problem);
  assertEquals(root.status.problems.length, 1);
  for (let i = 0; i < 150; i++) root.warn(`/mnt/pics/${i}`, "odd");
  root.warn("/mnt/pics/149", "odd");
  assertEquals([root.status.problems.length, root.status.problems.at(-1)!.path], [
    100,
    "/mnt/pics/149",
  ]);
});

Deno.test("probeFolder() tells a folder, an empty one, a file and nothing apart", async () => {
  await withTempDir(async (folder) => {
    const empty = await probeFolder(folder);
    assertEquals([empty.isEmpty, empty.fault], [true, null]);
    await Deno.writeTextFile(`${folder}/a`, "x");
    const full = await probeFolder(folder);
    assertEquals([full.isEmpty, full.identity], [false, empty.identity]);
    for (const path of [`${folder}/a`, `${folder}/none`, `${folder}/a/b`]) {
      const { identity, fault } = await probeFolder(path);
      assertEquals([identity, fault?.includes(path)], [null, true]);
    }
  });
});
