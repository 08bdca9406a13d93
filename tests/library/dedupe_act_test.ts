import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import type { DedupeReport } from "../../src/library/dedupe_report.ts";
import type { Library } from "../../src/library/library.ts";
import { restoreFromTrash, resumeTrash } from "../../src/library/trash.ts";
import { readTrash, readTrashEntry } from "../../src/store/trash.ts";
import {
  addImage,
  bytesOf,
  clear,
  failing,
  imagesOf,
  md5Of,
  put,
  treeOf,
  write,
} from "../support/copies.ts";
import { checkDatabase, rowsOf, tagsOf, withLibrary } from "../support/sample_library.ts";
import { fullTierTest, isFullTier } from "../support/tier.ts";

type Change = (path: string) => unknown;

/** Does something when one of the library's workers is called for the first time. */
async function whenCalled<T>(
  target: { call: Library["hasher"]["call"] } | { call: Library["writer"]["call"] },
  wanted: { method: string; isAfter?: boolean; change: () => unknown },
  run: () => Promise<T>,
): Promise<T> {
  const real = target.call;
  let isDone = false;
  const replace = async (method: string, request: unknown) => {
    const isNow = method === wanted.method && !isDone;
    isDone ||= isNow;
    if (isNow && !wanted.isAfter) await wanted.change();
    const answer = await (real as (...args: unknown[]) => Promise<unknown>)
      .call(target, method, request);
    if (isNow && wanted.isAfter) await wanted.change();
    return answer;
  };
  Object.assign(target, { call: replace });
  try {
    return await run();
  } finally {
    Object.assign(target, { call: real });
    assert(isDone, `${wanted.method} was called`);
  }
}

function skippedOf({ skipped }: DedupeReport): string[][] {
  return skipped.map(({ filepath, code }) => [filepath, code]);
}

/** Two copies of one image and a pair of another, with a sidecar that only one has. */
async function fill(library: Library): Promise<Record<string, string>> {
  const { images } = library.paths;
  await addImage(library, "a.png", bytesOf(1), { tags: ["x"] });
  await addImage(library, "b.png", bytesOf(1));
  await put(images, "b.png.txt", "only_here");
  await put(images, "c.png", bytesOf(2));
  await put(images, "d.png", bytesOf(2));
  return await treeOf(images);
}

const KEPT = ["a.png", "c.png"];

/** Nothing is lost: every content is in the library's folder, and rows are right. */
async function checkLeft(library: Library, tree: Record<string, string>, label: string) {
  assertEquals(await treeOf(library.paths.images), tree, label);
  assertEquals(imagesOf(library), { "a.png": ["a.png", "b.png"] }, label);
  assertEquals(readTrash(library.core.reader, { limit: 9, offset: 0 }), [], label);
  assertEquals(await treeOf(library.paths.trash), {}, label);
  checkDatabase(library.paths.database);
}

/** Sets a file's time back to what it was, so that only its bytes tell that it changed. */
async function alter(path: string, content: Uint8Array): Promise<void> {
  const { atime, mtime } = await Deno.stat(path);
  await Deno.writeFile(path, content);
  await Deno.utime(path, atime!, mtime!);
}

Deno.test("a copy that changes at any moment of its removal stays, and so does one whose kept file does", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    const [a, b] = ["a.png", "b.png"].map((name) => join(images, name));
    const changes: [what: string, change: Change][] = [
      ["grows", (path) => Deno.writeFile(path, bytesOf(1, 5_001))],
      ["other bytes, later time", (path) => Deno.writeFile(path, bytesOf(8))],
      ["other file", async (path) => {
        await Deno.writeFile(`${path}.new`, bytesOf(1));
        await Deno.rename(`${path}.new`, path);
      }],
      ["a folder", async (path) => {
        await Deno.remove(path);
        await Deno.mkdir(path);
      }],
      ["a link", async (path) => {
        await Deno.rename(path, join(images, "../target.png"));
        await Deno.symlink(join(images, "../target.png"), path);
      }],
      ["vanishes", (path) => Deno.remove(path)],
    ];
    const moments: [worker: "hasher" | "writer", method: string, isAfter: boolean][] = [
      ["hasher", "compareFiles", false],
      ["hasher", "compareFiles", true],
      ["writer", "takeCopies", true],
    ];
    let changeCount = 0;
    for (const [worker, method, isAfter] of moments) {
      for (const [what, change] of changes) {
        for (const path of [a, b]) {
          // What comes after the commit is found out by a look at the copy; of the kept file one counts.
          if (method === "takeCopies" && path === a && what.startsWith("other")) continue;
          // Each change once, and each moment: all of them together in the full tier.
          if (!isFullTier && (changeCount++ % 4 !== 1)) continue;
          const label = `${what} at ${method} ${isAfter}, ${path}`;
          await clear(library);
          await addImage(library, "a.png", bytesOf(1));
          await addImage(library, "b.png", bytesOf(1));
          const report = await whenCalled(
            library[worker],
            { method, isAfter, change: () => change(path) },
            () => scanAndRemoveDuplicates(library, { dryRun: false }),
          );
          assertEquals(report.duplicatesRemoved, 0, label);
          assertEquals(report.skipped.map(({ filepath }) => filepath), ["b.png"], label);
          const other = path === a ? b : a;
          assertEquals(md5Of(await Deno.readFile(other)), md5Of(bytesOf(1)), label);
          assertEquals(imagesOf(library), { "a.png": ["a.png", "b.png"] }, label);
          assertEquals(await treeOf(library.paths.trash), {}, label);
        }
      }
    }
  });
});

Deno.test("a copy goes only if its bytes are those of the kept file, whatever time and size say", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    for (const name of KEPT) await addImage(library, name, bytesOf(1));
    await scanAndRemoveDuplicates(library, { remember: true });
    await alter(join(images, "c.png"), bytesOf(2));
    // What is known says that they are equal; that is for a dry run to believe.
    assertEquals((await scanAndRemoveDuplicates(library)).duplicatesFound, 1);
    const report = await scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals([report.duplicatesRemoved, skippedOf(report)], [0, [["c.png", "changed"]]]);
    assertEquals(imagesOf(library), { "a.png": ["a.png", "c.png"] });
    // A new copy is compared with both, and then it is known which of them is not what it was.
    await put(images, "b.png", bytesOf(1));
    await put(images, "d.png", bytesOf(2));
    const more = await scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals([more.duplicatesRemoved, skippedOf(more)], [1, [["c.png", "altered"]]]);
    assertEquals(Object.keys(await treeOf(images)).sort(), ["a.png", "c.png", "d.png"]);
  });
});

Deno.test("a copy that cannot be moved stays, with its rows, whatever call fails", async () => {
  await withLibrary(async ({ library }) => {
    const { images, trash } = library.paths;
    const cases: Parameters<typeof failing>[] = [
      [["link", "rename"]],
      [["link", "rename"], { code: "EACCES", isFailing: (path) => !path.includes(".manifest-") }],
      [["link", "copyFile"], { code: "EXDEV", isFailing: (path) => path.startsWith(images) }],
      [["mkdir"], { code: "ENOSPC" }],
      [["open"], { isFailing: (path) => path.startsWith(trash) }],
      [["remove"], { code: "EPERM", isFailing: (path) => path.startsWith(images) }],
    ];
    for (const args of cases) {
      await clear(library);
      const tree = await fill(library);
      const label = JSON.stringify(args);
      const report = await scanAndRemoveDuplicates(library, {
        dryRun: false,
        calls: failing(...args),
      });
      assertEquals(report.duplicatesRemoved, 0, label);
      assertEquals(skippedOf(report), [["b.png", "not_moved"], ["d.png", "not_moved"]], label);
      await checkLeft(library, tree, label);
    }
  });
});

Deno.test("a copy is moved where files cannot be linked, and to another device", async () => {
  await withLibrary(async ({ library }) => {
    const ways: Parameters<typeof failing>[] = [
      [["link"], { code: "EPERM" }],
      [["link", "rename"], { code: "EXDEV", isFailing: (path) => !/\/\.[^/]*$/.test(path) }],
    ];
    for (const args of ways) {
      await clear(library);
      const tree = await fill(library);
      const times = (await Deno.stat(join(library.paths.images, "b.png"))).mtime;
      const calls = failing(...args);
      const report = await scanAndRemoveDuplicates(library, { dryRun: false, calls });
      assertEquals([report.duplicatesRemoved, report.skipped], [2, []]);
      assertEquals(Object.keys(await treeOf(library.paths.images)).sort(), KEPT);
      assertEquals(tagsOf(library, md5Of(bytesOf(1))), ["general:only_here", "general:x"]);
      for (const { copies: [copy] } of report.groups) {
        await restoreFromTrash(library, copy.trashId!, { calls });
      }
      await checkLeft(library, tree, JSON.stringify(args));
      assertEquals((await Deno.stat(join(library.paths.images, "b.png"))).mtime, times);
    }
  });
});

fullTierTest("a copy that arrives broken on another device stays where it was", async () => {
  await withLibrary(async ({ library }) => {
    const tree = await fill(library);
    const calls = {
      ...failing(["link", "rename"], {
        code: "EXDEV",
        isFailing: (path) => !/\/\.[^/]*$/.test(path),
      }),
      copyFile: async (_from: string | URL, to: string | URL) => {
        await Deno.writeFile(to, bytesOf(77));
      },
    };
    const report = await scanAndRemoveDuplicates(library, { dryRun: false, calls });
    assertEquals(skippedOf(report).map(([, code]) => code), ["not_moved", "not_moved"]);
    await checkLeft(library, tree, "broken");
  });
});

Deno.test("a writer that fails leaves every file where it is, or an entry that the next start finishes", async () => {
  await withLibrary(async ({ library }) => {
    for (const method of ["takeCopies", "finishCopies"]) {
      await clear(library);
      const tree = await fill(library);
      const fail = () => Promise.reject(new Error("no more"));
      await assertRejects(
        () =>
          whenCalled(
            library.writer,
            { method, change: fail },
            () => scanAndRemoveDuplicates(library, { dryRun: false }),
          ),
        Error,
        "no more",
      );
      if (method === "takeCopies") await checkLeft(library, tree, method);
      const { reader } = library.core;
      const states = readTrash(reader, { limit: 9, offset: 0 }).map(({ state }) => state);
      assertEquals(states, method === "takeCopies" ? [] : ["moving", "moving"]);
      await resumeTrash(library);
      const after = await scanAndRemoveDuplicates(library, { dryRun: false });
      assertEquals(after.duplicatesRemoved, method === "takeCopies" ? 2 : 0);
      assertEquals(Object.keys(await treeOf(library.paths.images)).sort(), KEPT);
      assertEquals(imagesOf(library), { "a.png": ["a.png"] });
      for (const { id, state } of readTrash(reader, { limit: 9, offset: 0 })) {
        assertEquals(state, "trashed");
        await restoreFromTrash(library, id);
      }
      await checkLeft(library, tree, method);
    }
  });
});

Deno.test("resumeTrash() finishes the removal of a copy that was interrupted, or takes it back", async () => {
  await withLibrary(async ({ library }) => {
    const { images, trash } = library.paths;
    const { reader } = library.core;
    const moved = ["a.png", "c.png"];
    const cases: [
      what: string,
      change: (entry: { from: string; to: string }) => unknown,
      boolean,
    ][] = [
      ["nothing moved", () => {}, true],
      ["both names", async ({ from, to }) => {
        await Deno.mkdir(join(to, ".."), { recursive: true });
        await Deno.link(from, to);
      }, true],
      ["copied and not removed", async ({ from, to }) => {
        await Deno.mkdir(join(to, ".."), { recursive: true });
        await Deno.copyFile(from, to);
        const { atime, mtime } = await Deno.stat(from);
        await Deno.utime(to, atime!, mtime!);
      }, true],
      ["moved", async ({ from, to }) => {
        await Deno.mkdir(join(to, ".."), { recursive: true });
        await Deno.rename(from, to);
      }, true],
      ["changed", ({ from }) => Deno.writeFile(from, bytesOf(6)), false],
      ["gone", ({ from }) => Deno.remove(from), false],
      ["kept one gone", () => Deno.remove(join(images, "a.png")), false],
    ];
    for (const [what, change, isFinished] of cases) {
      await clear(library);
      await fill(library);
      for (const name of ["c.png", "d.png"]) await Deno.remove(join(images, name));
      const stop = () => {
        throw new Error("stopped");
      };
      await whenCalled(
        library.writer,
        { method: "takeCopies", isAfter: true, change: stop },
        () => scanAndRemoveDuplicates(library, { dryRun: false }),
      ).catch(() => {});
      const [entry] = readTrash(reader, { limit: 9, offset: 0 });
      assertEquals([entry.kind, entry.state], ["duplicate", "moving"], what);
      const [copy] = entry.manifest.files;
      await change({ from: join(images, copy.filepath), to: join(trash, copy.trashed!) });
      await resumeTrash(library);
      const now = readTrashEntry(reader, entry.id);
      assertEquals(now?.state, isFinished ? "trashed" : undefined, what);
      const places = isFinished ? ["a.png"] : ["a.png", "b.png"];
      assertEquals(imagesOf(library), { "a.png": places }, what);
      if (!isFinished) assertEquals(await treeOf(trash), {}, what);
      else {
        assertEquals(Object.keys(await treeOf(images)), moved.slice(0, 1), what);
        await restoreFromTrash(library, entry.id);
        assertEquals(
          Object.keys(await treeOf(images)).sort(),
          ["a.png", "b.png", "b.png.txt"],
          what,
        );
      }
      checkDatabase(library.paths.database);
    }
  });
});

Deno.test("a copy behind a link that was put there meanwhile stays", async () => {
  await withLibrary(async ({ library, folder }) => {
    const { images } = library.paths;
    for (const name of ["a/1.png", "b/2.png"]) await put(images, name, bytesOf(1));
    for (const name of ["a", "b"]) {
      const replace = async () => {
        await Deno.rename(join(images, name), join(folder, name));
        await Deno.symlink(join(folder, name), join(images, name));
      };
      const report = await whenCalled(
        library.writer,
        { method: "keepHashes", change: replace },
        () => scanAndRemoveDuplicates(library, { dryRun: false }),
      );
      assertEquals(skippedOf(report), [["b/2.png", "link"]]);
      assertEquals((await treeOf(folder))[name === "a" ? "a/1.png" : "b/2.png"], md5Of(bytesOf(1)));
      await Deno.remove(join(images, name));
      await Deno.rename(join(folder, name), join(images, name));
      write(library, "DELETE FROM file_hashes");
    }
  });
});

Deno.test("a file that gets a copy's name while it is moved is nobody's to remove", async () => {
  await withLibrary(async ({ library }) => {
    const { images, trash } = library.paths;
    const { reader } = library.core;
    const path = join(images, "b.png");
    for (const isBefore of [true, false]) {
      await clear(library);
      for (const name of ["a.png", "b.png"]) await addImage(library, name, bytesOf(1));
      const replace = async () => {
        await Deno.writeFile(`${path}.new`, bytesOf(7));
        await Deno.rename(`${path}.new`, path);
      };
      const calls = {
        ...failing([]),
        link: async (from: string, to: string) => {
          if (isBefore && from === path) await replace();
          await Deno.link(from, to);
          if (!isBefore && from === path) await replace();
        },
      };
      const report = await scanAndRemoveDuplicates(library, { dryRun: false, calls });
      assertEquals(skippedOf(report), [["b.png", "not_moved"]]);
      await resumeTrash(library);
      assertEquals(md5Of(await Deno.readFile(path)), md5Of(bytesOf(7)));
      assertEquals(md5Of(await Deno.readFile(join(images, "a.png"))), md5Of(bytesOf(1)));
      const states = readTrash(reader, { limit: 9, offset: 0 }).map(({ state }) => state);
      // What was linked before it was replaced is the copy: it is in the trash.
      assertEquals(states, isBefore ? [] : ["trashed"]);
      assertEquals(Object.keys(await treeOf(trash)).length, isBefore ? 0 : 2);
    }
  });
});

Deno.test("a copy is not moved over another file in the trash", async () => {
  await withLibrary(async ({ library }) => {
    const { images, trash } = library.paths;
    for (const name of ["a.png", "b.png"]) await addImage(library, name, bytesOf(1));
    const occupy = async () => {
      const [{ manifest }] = readTrash(library.core.reader, { limit: 9, offset: 0 });
      await put(trash, manifest.files[0].trashed!, bytesOf(2));
    };
    const report = await whenCalled(
      library.writer,
      { method: "takeCopies", isAfter: true, change: occupy },
      () => scanAndRemoveDuplicates(library, { dryRun: false }),
    );
    assertEquals(skippedOf(report), [["b.png", "not_moved"]]);
    for (const name of ["a.png", "b.png"]) {
      assertEquals(md5Of(await Deno.readFile(join(images, name))), md5Of(bytesOf(1)));
    }
    assert(Object.values(await treeOf(trash)).includes(md5Of(bytesOf(2))));
  });
});

Deno.test("a copy whose tags nobody could take over stays, and so does a sidecar that nobody understands", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    for (const name of ["a.png", "b.png", "c.png"]) await put(images, name, bytesOf(1));
    await put(images, "b.png.txt", "only_here");
    await put(images, "c.json", "no JSON");
    const report = await scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals(skippedOf(report), [["b.png", "has_sidecars"]]);
    assertEquals(report.warnings.map(({ filepath }) => filepath), ["c.png"]);
    assertEquals(Object.keys(await treeOf(images)).sort(), [
      "a.png",
      "b.png",
      "b.png.txt",
      "c.json",
    ]);
    const [entry] = readTrash(library.core.reader, { limit: 9, offset: 0 });
    assertEquals(entry.manifest.imageId, 0);
    const restored = await restoreFromTrash(library, entry.id);
    assertEquals(restored, { kind: "duplicate", imageId: null, filepath: "c.png" });
    assertEquals(await Deno.readTextFile(join(images, "c.json")), "no JSON");
  });
});

Deno.test("restoreFromTrash() never takes the place of another file for a copy", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    await fill(library);
    const report = await scanAndRemoveDuplicates(library, { dryRun: false });
    const ids = report.groups.map(({ copies: [copy] }) => copy.trashId!);
    await put(images, "b.png", bytesOf(40));
    await put(images, "b.png.txt", "somebody else's");
    await put(images, "d.png", bytesOf(2));
    const first = await restoreFromTrash(library, ids[0]);
    const md5 = md5Of(bytesOf(1));
    assertEquals(first.filepath, `b-${md5}.png`);
    assertEquals(await Deno.readTextFile(join(images, `b-${md5}.png.txt`)), "only_here");
    assertEquals(md5Of(await Deno.readFile(join(images, "b.png"))), md5Of(bytesOf(40)));
    // The same bytes are at its path by other ways: there it is.
    assertEquals((await restoreFromTrash(library, ids[1])).filepath, "d.png");
    assertEquals(imagesOf(library), { "a.png": ["a.png", `b-${md5}.png`] });
    assertEquals(rowsOf(library.core.reader, "SELECT * FROM trash"), []);
    assertEquals(await treeOf(library.paths.trash), {});
    // A place that another image has, without a file.
    const again = await scanAndRemoveDuplicates(library, { dryRun: false });
    const id = again.groups.find(({ kept }) => kept === "a.png")!.copies[0].trashId!;
    write(library, `INSERT INTO images (filepath, md5) VALUES ('b-${md5}.png', 'other')`);
    assertEquals((await restoreFromTrash(library, id)).filepath, `b-${md5}-${md5}.png`);
  });
});
