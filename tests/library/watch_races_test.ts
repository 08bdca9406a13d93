import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { SIDECAR_TAGS_MAX } from "../../src/base/limits.ts";
import { importFiles } from "../../src/library/import_folder.ts";
import { makeFolderNames, readSidecars } from "../../src/library/import_sidecars.ts";
import { toFoundFile } from "../../src/library/import_walk.ts";
import { WatchService } from "../../src/library/watch.ts";
import { importReady } from "../../src/library/watch_import.ts";
import { WatchedRoot } from "../../src/library/watched_root.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import {
  checkWhole,
  imageOf,
  importSource,
  pictureBytes,
  rowsOf,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";
import { withWatch } from "../support/watching.ts";

async function findFile(path: string) {
  return toFoundFile(path, path.split("/").at(-1)!, await Deno.lstat(path));
}

fullTierTest("takeLateSidecar() leaves a sidecar of other bytes to its own file", async () => {
  await withWatch(async ({ library, status, until, watch }) => {
    const { ingest } = library.paths;
    const first = await getFileMd5(await writePicture(join(ingest, "001.png"), 1));
    await until("it is taken", () => status("ingest").added === 1);
    const path = await writePicture(join(ingest, "x"), 2);
    const second = await getFileMd5(path);
    await Deno.remove(path);
    await Deno.writeTextFile(
      join(ingest, "001.json"),
      JSON.stringify({ md5: second, tags: "of_second", category: "danbooru", id: 5 }),
    );
    await watch.scan();
    await watch.scan();
    assertEquals(tagsOf(library, first), []);
    await writePicture(join(ingest, "001.png"), 2);
    await until("it is taken", () => status("ingest").added === 2);
    assertEquals(tagsOf(library, second).filter((t) => t.includes("of_second")), [
      "general:of_second",
    ]);
  });
});

Deno.test("importFiles() refuses a file whose name became a link, and stores no link", async () => {
  await withLibrary(async ({ library, folder }) => {
    const secret = await writePicture(join(folder, "secret.png"), 5);
    const { ingest } = library.paths;
    for (const mode of ["move", "copy"] as const) {
      const path = await writePicture(join(ingest, `a${mode}.png`), mode === "move" ? 6 : 7);
      const file = await findFile(path);
      await Deno.remove(path);
      await Deno.symlink(secret, path);
      const report = await importFiles(library, {
        files: [file],
        mode: mode as "move",
        command: "watch",
      });
      assertEquals([report.added, report.skipped.map(({ code }) => code)], [0, ["conflict"]]);
    }
    assertEquals(rowsOf(library.core.reader, "SELECT count(*) FROM images"), [[0]]);
    await checkWhole(library);
  });
});

fullTierTest("importFiles() records no file of a root whose name became a link", async () => {
  await withLibrary(async ({ library, folder, source }) => {
    const secret = await writePicture(join(folder, "secret.png"), 5);
    await importSource({ library, source }, { mode: "in-place" });
    const path = await writePicture(join(source, `a.png`), 6);
    const file = await findFile(path);
    await Deno.remove(path);
    await Deno.symlink(secret, path);
    const report = await importFiles(library, {
      files: [file],
      mode: "in-place",
      command: "watch",
    });
    assertEquals([report.added, report.skipped.map(({ code }) => code)], [0, ["conflict"]]);
  });
});

fullTierTest("tidyIngest() goes on after a sidecar that cannot be moved away", async () => {
  await withLibrary(async ({ library }) => {
    const { ingest } = library.paths;
    await writePicture(join(ingest, "a.png"), 1, { ".txt": "x" });
    await writePicture(join(ingest, "b.png"), 2, { ".txt": "y" });
    const rename = Deno.rename;
    Deno.rename = (from, to) =>
      String(to).endsWith("a.png.txt") ? Promise.reject(new Error("no")) : rename(from, to);
    try {
      const watch = new WatchService(library, { stillMs: 20 });
      const results = await watch.scan();
      assertEquals([results[0].message, results[0].added], [null, 2]);
      assertEquals(results[0].problems.map(({ path }) => path), [join(ingest, "a.png.txt")]);
    } finally {
      Deno.rename = rename;
    }
    const names = (await Array.fromAsync(Deno.readDir(ingest))).map(({ name }) => name).sort();
    assertEquals(names, [".done", "a.png.txt"]);
  });
});

Deno.test("tidyIngest() leaves a sidecar that was written while its picture was imported, whatever the clock", async () => {
  await withLibrary(async ({ library }) => {
    const { ingest } = library.paths;
    const path = await writePicture(join(ingest, "a.png"), 1, { ".txt": "x" });
    const md5 = await getFileMd5(path);
    const call = library.writer.call.bind(library.writer);
    let done = false;
    library.writer.call = (async (method: "importImages", request: never) => {
      const answer = await call(method, request);
      if (method === "importImages" && !done) {
        done = true;
        await Deno.writeTextFile(`${path}.txt`, "x\ny");
      }
      return answer;
    }) as typeof library.writer.call;
    const { now } = Date;
    Date.now = () => now() + 3_600_000;
    try {
      await new WatchService(library, { stillMs: 20 }).scan();
      await new WatchService(library, { stillMs: 20 }).scan();
    } finally {
      Date.now = now;
      library.writer.call = call;
    }
    assertEquals(tagsOf(library, md5), ["general:x", "general:y"]);
  });
});

Deno.test("readSidecars() follows no link", async () => {
  await withLibrary(async ({ folder, source }) => {
    await Deno.writeTextFile(join(folder, "secret"), "secret_word");
    await Deno.symlink(join(folder, "secret"), join(source, "a.png.txt"));
    const file = await findFile(await writePicture(join(source, "a.png"), 1));
    const names = () => Promise.resolve(new Set(["a.png", "a.png.txt"]));
    const found = await readSidecars(file, "0".repeat(32), names);
    assertEquals([found.tags, found.warnings.length], [[], 1]);
  });
});

Deno.test("importReady() takes no file that changed since it was still", async () => {
  await withLibrary(async ({ library }) => {
    const { ingest } = library.paths;
    const root = new WatchedRoot({ name: "ingest", path: ingest, mode: "ingest" }, 20);
    const path = await writePicture(join(ingest, "a.png"), 1);
    root.ready.set(path, await findFile(path));
    await Deno.writeTextFile(path, "half of it", { append: true });
    const gone = await writePicture(join(ingest, "b.png"), 2);
    root.ready.set(gone, await findFile(gone));
    await Deno.remove(gone);
    await importReady(library, root, { signal: new AbortController().signal, now: () => 0 });
    assertEquals([root.ready.size, root.still.has(path), root.counts.failed], [0, true, 0]);
    assertEquals(rowsOf(library.core.reader, "SELECT md5 FROM images"), []);
  });
});

fullTierTest(
  "removeSource() removes nothing that took the name of the file that was read",
  async () => {
    await withLibrary(async ({ library, source }) => {
      const path = await writePicture(join(source, "a.png"), 1);
      const swap = async (from: string | URL) => {
        if (String(from) !== path) return;
        await Deno.writeFile(`${path}.new`, await pictureBytes(2));
        await Deno.rename(`${path}.new`, path);
      };
      const { copyFile, link, mkdir, open } = Deno;
      const report = await importSource({ library, source }, {
        mode: "move",
        calls: {
          copyFile,
          link,
          mkdir,
          open,
          remove: async (from) => {
            await swap(from);
            await Deno.remove(from);
          },
          rename: async (from, to) => {
            await swap(from);
            await Deno.rename(from, to);
          },
        },
      });
      assertEquals(await Deno.readFile(path), await pictureBytes(2));
      assertEquals(report.warnings.length, 1);
      assertEquals((await Array.fromAsync(Deno.readDir(source))).length, 1);
      await checkWhole(library);
    });
  },
);

Deno.test("removeSource() gives the stored file back that it was led to by another path", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    const md5 = await getFileMd5(path);
    await importSource({ library, source }, { mode: "move" });
    const stored = join(library.paths.images, imageOf(library, md5)!.filepath);
    await Deno.link(stored, join(folder, "friend.png"));
    // As a mount shows it: another path of the same folder.
    await Deno.symlink(join(stored, ".."), join(folder, "alias"));
    const file = { ...await findFile(join(folder, "alias", stored.split("/").at(-1)!)) };
    await importFiles(library, { files: [file], mode: "move", command: "import" });
    await checkWhole(library);
  });
});

Deno.test("importFolders() takes what an interrupted move left, and opens no database", async () => {
  await withLibrary(async ({ library, source }) => {
    const aside = `.imported-${crypto.randomUUID()}`;
    const md5 = await getFileMd5(await writePicture(join(source, aside), 1));
    for (const name of ["booru.db", "booru.db-wal"]) await writePicture(join(source, name), 2);
    const report = await importSource({ library, source }, { mode: "move" });
    assertEquals([report.added, report.skipped.map(({ reason }) => reason)], [
      1,
      ["It is a database", "It is a database"],
    ]);
    assertEquals(imageOf(library, md5) === undefined, false);
    await checkWhole(library);
  });
});

Deno.test("readSidecars() takes no more tags than can be written in one go", async () => {
  await withLibrary(async ({ source }) => {
    const path = await writePicture(join(source, "a.png"), 1, {
      ".txt": Array.from({ length: SIDECAR_TAGS_MAX + 1 }, (_, i) => `tag_${i}`).join("\n"),
    });
    const found = await readSidecars(await findFile(path), "0".repeat(32), makeFolderNames());
    assertEquals([found.tags.length, found.warnings.length], [SIDECAR_TAGS_MAX, 1]);
  });
});
