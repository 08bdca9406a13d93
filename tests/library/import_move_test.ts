import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import type { FileCalls } from "../../src/library/stored_file.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import {
  checkWhole,
  digest,
  hashTree,
  imageOf,
  importSource,
  pictureBytes,
  rowsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest, runs } from "../support/tier.ts";

/** A folder on another device than the one of temporary files, if this machine has one. */
async function makeFolderElsewhere(): Promise<{ path: string; isElsewhere: boolean }> {
  const here = await Deno.makeTempDir({ prefix: "chibibooru_test_" });
  try {
    const path = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "chibibooru_test_" });
    const isElsewhere = (await Deno.stat(path)).dev !== (await Deno.stat(here)).dev;
    await Deno.remove(here);
    return { path, isElsewhere };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { path: here, isElsewhere: false };
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("importFolders() moves by linking on one device and by a proven copy to another", async () => {
  const other = await makeFolderElsewhere();
  try {
    await withLibrary(async ({ library, source }) => {
      for (
        const [folder, isLinked] of [[source, true], [other.path, !other.isElsewhere]] as const
      ) {
        const number = isLinked ? 1 : 2;
        const path = await writePicture(join(folder, "a.png"), number);
        const { ino } = await Deno.stat(path);
        const md5 = await getFileMd5(path);
        await Deno.chmod(path, 0o400);
        const report = await importSource({ library, source }, { folders: [folder], mode: "move" });
        assertEquals([digest(report), report.warnings], [{ added: 1 }, []]);
        assertEquals(await namesIn(folder), []);
        const stored = join(library.paths.images, imageOf(library, md5)!.filepath);
        assertEquals((await Deno.stat(stored)).ino === ino, isLinked);
      }
      await checkWhole(library);
    });
  } finally {
    await Deno.remove(other.path, { recursive: true });
  }
});

Deno.test("importFolders() leaves the source of a content that is stored already, and sidecars", async () => {
  await withLibrary(async ({ library, source }) => {
    await writePicture(join(source, "a.png"), 1, { ".txt": "x" });
    await importSource({ library, source });
    await writePicture(join(source, "b.png"), 2, { ".json": { tags: ["y"] } });
    await writePicture(join(source, "c.png"), 2);
    const report = await importSource({ library, source }, { mode: "move" });
    assertEquals(digest(report), { added: 1, alreadyThere: 1, furtherCopies: 1 });
    assertEquals(await namesIn(source), ["a.png", "a.png.txt", "b.png.json", "c.png"]);
    await checkWhole(library);
  });
});

Deno.test("importFolders() finishes a move that was interrupted after its commit", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    const md5 = await getFileMd5(path);
    // As a kill at that moment leaves it: the source and the stored file are one inode.
    const calls: FileCalls = {
      ...callsOfDeno(),
      remove: (path) =>
        String(path).startsWith(source) ? Promise.reject(new Error("killed")) : Deno.remove(path),
    };
    const killed = await importSource({ library, source }, { mode: "move", calls });
    assertEquals(killed.warnings.length, 1);
    const stored = join(library.paths.images, imageOf(library, md5)!.filepath);
    assertEquals((await Deno.stat(stored)).ino, (await Deno.stat(path)).ino);
    assertEquals(digest(await importSource({ library, source }, { mode: "copy" })), {
      alreadyThere: 1,
    });
    assertEquals(await namesIn(source), ["a.png"]);
    await importSource({ library, source }, { mode: "move" });
    assertEquals(await namesIn(source), []);
    await checkWhole(library);
  });
});

Deno.test("importFolders() finds what an interrupted run stored, under whatever name it comes", async () => {
  for (const mode of ["copy", "move"] as const) {
    await withLibrary(async ({ library, source }) => {
      const first = await writePicture(join(source, "a.png"), 1);
      const call = library.writer.call.bind(library.writer);
      library.writer.call = () => Promise.reject(new AppError("disk_full", "As if killed here"));
      await assertRejects(() => importSource({ library, source }, { mode }), AppError, "killed");
      library.writer.call = call;
      assertEquals((await hashTree(library.paths.images)).get(await getFileMd5(first))?.length, 1);
      await Deno.rename(first, join(source, "b.png"));
      await writePicture(join(source, "c.png"), 2);
      assertEquals(digest(await importSource({ library, source }, { mode })), { added: 2 });
      await checkWhole(library);
      const stored = await hashTree(library.paths.images);
      assertEquals([...stored.values()].flat().length, 2);
      assertEquals((await namesIn(library.paths.images)).includes(".incoming"), false);
    });
  }
});

Deno.test("importFolders() never removes a source that changed, or one that is the stored file", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    const md5 = await getFileMd5(path);
    const writer = library.writer.call.bind(library.writer);
    library.writer.call = (async (method: "importImages", request: never) => {
      const answer = await writer(method, request);
      // Somebody saves another picture under the name while the first one is committed.
      if (method === "importImages") {
        await Deno.remove(path);
        await writePicture(path, 2);
      }
      return answer;
    }) as typeof library.writer.call;
    const report = await importSource({ library, source }, { mode: "move" });
    library.writer.call = writer;
    assertEquals(report.warnings.map(({ message }) => message), [
      "It is in the library and was left there: it changed meanwhile",
    ]);
    assertEquals(await Deno.readFile(path), await pictureBytes(2));
    assert(imageOf(library, md5) !== undefined);
    await checkWhole(library);
  });
});

Deno.test("importFolders() stores a vanished content by moving its source", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    const md5 = await getFileMd5(path);
    await importSource({ library, source });
    await Deno.remove(join(library.paths.images, imageOf(library, md5)!.filepath));
    await importSource({ library, source }, { mode: "move" });
    assertEquals(await namesIn(source), []);
    await checkWhole(library);
  });
});

Deno.test("importFolders() does not move files out of folders that are indexed in place", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    await writePicture(join(source, "a/1.png"), 1);
    await importSource({ library, source }, { folders: [join(source, "a")], mode: "in-place" });
    for (const path of [join(source, "a"), source, folder]) {
      const error = await assertRejects(
        () => importSource({ library, source }, { folders: [path], mode: "move" }),
        AppError,
        "indexed in place",
      );
      assertEquals(error.code, "bad_request");
    }
    assertEquals(await namesIn(join(source, "a")), ["1.png"]);
  });
});

function callsOfDeno(): FileCalls {
  const { copyFile, link, mkdir, open, remove, rename } = Deno;
  return { copyFile, link, mkdir, open, remove, rename };
}

fullTierTest(
  "importFolders() keeps files of one name apart where the file system has no links",
  async () => {
    for (const mode of ["copy", "move"] as const) {
      await withLibrary(async ({ library, source }) => {
        const wanted = new Set<string>();
        for (let i = 0; i < 40; i++) {
          wanted.add(await getFileMd5(await writePicture(join(source, `f${i}/same.png`), i)));
        }
        const link = () => Promise.reject(new Error("Operation not permitted (os error 1): link"));
        const report = await importSource({ library, source }, {
          mode,
          calls: { ...callsOfDeno(), link },
        });
        assertEquals([digest(report), report.warnings], [{ added: 40 }, []]);
        assertEquals(new Set((await hashTree(library.paths.images)).keys()), wanted);
        await checkWhole(library);
      });
    }
  },
);

/** Calls of which the k-th fails, once or from then on, as a disk does. */
function failingCalls(k: number, fault: "ENOSPC" | "EIO", isLasting: boolean) {
  let count = 0;
  const failing = <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> => {
      count++;
      if (count !== k && !(isLasting && count > k)) return call(...args);
      return Promise.reject(Object.assign(new Error(`${fault}: ${name}`), { code: fault }));
    };
  };
  const calls = Object.fromEntries(
    Object.entries(callsOfDeno()).map(([name, call]) => [
      name,
      failing(name, call as (...args: unknown[]) => Promise<unknown>),
    ]),
  ) as FileCalls;
  return { calls, count: () => count };
}

fullTierTest("importFolders() loses nothing when the k-th call to the disk fails", async () => {
  for (const mode of ["copy", "move"] as const) {
    let k = 1;
    let hasFailed = true;
    const step = runs(41, 1);
    while (hasFailed) {
      await withLibrary(async ({ library, source }) => {
        const wanted = new Set<string>();
        for (let i = 0; i < 4; i++) {
          wanted.add(await getFileMd5(await writePicture(join(source, `f${i}/same.png`), i)));
        }
        const fault = k % 2 === 0 ? "ENOSPC" : "EIO";
        const { calls, count } = failingCalls(k, fault, k % 3 === 0);
        const run = importSource({ library, source }, { mode, calls });
        const outcome = await run.then(digest, (error) => {
          assert(error instanceof AppError && error.code === "disk_full", String(error));
        });
        hasFailed = count() >= k;
        const label = `call ${k} of ${mode} (${fault}): ${JSON.stringify(outcome)}`;
        await checkNothingLost(library.paths.images, { source, wanted, label });
        // With a good disk the next run completes it.
        await importSource({ library, source }, { mode });
        await checkWhole(library);
        const images = rowsOf<[string]>(library.core.reader, "SELECT md5 FROM images");
        assertEquals(new Set(images.map(([md5]) => md5)), wanted, label);
        assertEquals((await hashTree(library.paths.images)).size, 4, label);
      });
      k += step;
    }
    assert(k > 20, `only ${k} calls were seen`);
  }
});

async function checkNothingLost(
  images: string,
  expected: { source: string; wanted: Set<string>; label: string },
): Promise<void> {
  const there = new Set(
    [...await hashTree(images), ...await hashTree(expected.source)].map(([md5]) => md5),
  );
  assertEquals([...expected.wanted].filter((md5) => !there.has(md5)), [], expected.label);
}
