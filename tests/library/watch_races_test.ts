import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { importFiles } from "../../src/library/import_folder.ts";
import { makeFolderNames, readSidecars } from "../../src/library/import_sidecars.ts";
import { toFoundFile } from "../../src/library/import_walk.ts";
import { WatchService } from "../../src/library/watch.ts";
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
import { toWaits, withWatch } from "../support/watching.ts";
import { runMain } from "../support/run_main.ts";
import { openReader } from "../../src/store/database.ts";

async function findFile(path: string) {
  return toFoundFile(path, path.split("/").at(-1)!, await Deno.lstat(path));
}

Deno.test("A a late sidecar that speaks of other bytes waits for its own file", async () => {
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

Deno.test("B a swapped link is not imported", async () => {
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

Deno.test("B2 a swapped link in a root is not imported", async () => {
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

Deno.test("C ingest that is a root is not emptied", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    await importSource({ library, source }, { mode: "in-place" });
    await Deno.remove(library.paths.ingest, { recursive: true });
    await Deno.symlink(source, library.paths.ingest);
    await writePicture(join(source, "b.png"), 2);
    await Deno.link(path, join(source, "../hard.png"));
    const watch = new WatchService(library, { stillMs: 20 });
    const results = await watch.scan();
    const names = (await Array.fromAsync(Deno.readDir(source))).map(({ name }) => name).sort();
    assertEquals(names, ["a.png", "b.png"], JSON.stringify(results));
  });
});

Deno.test("D a sidecar that cannot be moved away does not keep the others", async () => {
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

Deno.test("E a sidecar that is written while its picture is imported is read, whatever the clock", async () => {
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

Deno.test("F a sidecar that is a link or a pipe by now is not read", async () => {
  await withLibrary(async ({ folder, source }) => {
    await Deno.writeTextFile(join(folder, "secret"), "secret_word");
    await Deno.symlink(join(folder, "secret"), join(source, "a.png.txt"));
    const file = await findFile(await writePicture(join(source, "a.png"), 1));
    const names = () => Promise.resolve(new Set(["a.png", "a.png.txt"]));
    const found = await readSidecars(file, "0".repeat(32), names);
    assertEquals([found.tags, found.warnings.length], [[], 1]);
    void makeFolderNames;
  });
});

Deno.test("G a clock that was ahead does not hide sidecars", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    const md5 = await getFileMd5(path);
    await importSource({ library, source }, { mode: "in-place" });
    const { now } = Date;
    Date.now = () => now() + 365 * 86_400_000;
    try {
      await new WatchService(library, { stillMs: 20 }).scan();
    } finally {
      Date.now = now;
    }
    await Deno.writeTextFile(`${path}.txt`, "later");
    await new WatchService(library, { stillMs: 20 }).scan();
    assertEquals(tagsOf(library, md5), ["general:later"]);
  });
});

Deno.test("H another disk with the same names does not take over the images", async () => {
  await withLibrary(async ({ library, source }) => {
    for (let i = 0; i < 30; i++) {
      await writePicture(join(source, `IMG_${i}.png`), i, { ".txt": `tag_${i}` });
    }
    await importSource({ library, source }, { mode: "in-place" });
    const md5s = rowsOf(library.core.reader, "SELECT md5 FROM images ORDER BY 1");
    await Deno.rename(source, `${source}_away`);
    for (let i = 0; i < 30; i++) await writePicture(join(source, `IMG_${i}.png`), 100 + i);
    const [, result] = await new WatchService(library, { stillMs: 20 }).scan();
    assertEquals(rowsOf(library.core.reader, "SELECT md5 FROM images ORDER BY 1"), md5s);
    assertEquals([result.state, result.replaced], ["asks", 0]);
    assert(result.message!.includes("30"), result.message!);
  });
});

Deno.test("I a file moved to another root keeps its tags though another one has its name", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    const [a, b] = [join(source, "a"), join(folder, "b")];
    const path = await writePicture(join(a, "x.png"), 1);
    const md5 = await getFileMd5(path);
    await Deno.writeTextFile(join(a, "x.txt"), "one");
    await writePicture(join(b, "z.png"), 9);
    await importSource({ library, source }, { mode: "in-place", folders: [a, b] });
    const { id } = imageOf(library, md5)!;
    await Deno.remove(join(a, "x.txt"));
    await Deno.rename(path, join(b, "x.png"));
    const other = await getFileMd5(await writePicture(path, 2));
    await new WatchService(library, { stillMs: 20 }).scan();
    assertEquals([imageOf(library, md5)?.id, tagsOf(library, md5)], [id, ["general:one"]]);
    assertEquals(tagsOf(library, other), []);
    await checkWhole(library);
  });
});

Deno.test("J a file that changed since it was still is looked at again", async () => {
  await withWatch(async ({ library, status, until }) => {
    const { ingest } = library.paths;
    const path = await writePicture(join(ingest, "a.png"), 1);
    const half = (await pictureBytes(3)).slice(0, 60);
    const call = library.hasher.call.bind(library.hasher);
    const hashed: number[] = [];
    library.hasher.call = (async (method: "hashFiles", request: { paths: string[] }) => {
      if (method === "hashFiles") {
        for (const p of request.paths) hashed.push((await Deno.stat(p)).size);
      }
      return await call(method, request);
    }) as typeof library.hasher.call;
    const { lockLibrary } = await import("../../src/library/lock.ts");
    const lock = await lockLibrary(library.paths.lock, "block");
    await until("it waits", () => status("ingest").message !== null);
    // Overwritten while it waits, and slowly.
    await Deno.writeFile(path, half);
    lock.release();
    const t = setInterval(() => Deno.writeFileSync(path, new Uint8Array([0]), { append: true }), 5);
    await new Promise((r) => setTimeout(r, 250));
    clearInterval(t);
    assertEquals(hashed, []);
  }, { stillMs: 100 });
});

Deno.test("K a message stays while the cause stays", async () => {
  await withWatch(async ({ library, source, status, until, watch }) => {
    const { lockLibrary } = await import("../../src/library/lock.ts");
    const lock = await lockLibrary(library.paths.lock, "block");
    const messages: (string | null)[] = [];
    watch.events.on("changed", (root) => {
      if (root.name === "ingest") messages.push(root.message);
    });
    await writePicture(join(library.paths.ingest, "a.png"), 1);
    await until("it waits", () => status("ingest").message !== null);
    messages.length = 0;
    for (let i = 0; i < 20; i++) {
      await Deno.writeTextFile(join(source, `n${i}.txt`), "x");
      await new Promise((r) => setTimeout(r, 20));
    }
    assertEquals(new Set(messages.map((m) => m === null)), new Set(messages.length ? [false] : []));
    lock.release();
  }, { retryMs: 150 });
});

Deno.test("L accepted is what was asked, not what vanished later", async () => {
  await withWatch(async ({ library, source, watch, status, until }) => {
    for (let i = 0; i < 15; i++) await Deno.remove(join(source, `${i}.png`));
    await until("it asks", () => status().state === "asks");
    // The disk goes while the person answers.
    for (let i = 15; i < 59; i++) await Deno.remove(join(source, `${i}.png`));
    await watch.accept("source");
    await watch.scan();
    assertEquals(
      rowsOf(
        library.core.reader,
        "SELECT count(*) FROM image_files WHERE missing_since_ms IS NOT NULL",
      ),
      [[0]],
    );
    assert(status().state !== "watching");
  }, {
    prepare: async ({ source }) => {
      for (let i = 0; i < 60; i++) await writePicture(join(source, `${i}.png`), i);
    },
  });
});
Deno.test("M a file is not taken while it grows because its sidecar was first", async () => {
  await withWatch(async ({ library, status, until }) => {
    const { ingest } = library.paths;
    const call = library.hasher.call.bind(library.hasher);
    const sizes: number[] = [];
    library.hasher.call = (async (method: "hashFiles", request: { paths: string[] }) => {
      if (method === "hashFiles") {
        for (const p of request.paths) sizes.push((await Deno.stat(p)).size);
      }
      return await call(method, request);
    }) as typeof library.hasher.call;
    const path = join(ingest, "a.png");
    // As the system tells it a moment too late: a picture that begins when its sidecar is read.
    const read = Deno.readDir;
    Deno.readDir = (folder) => {
      if (String(folder) === ingest && sizes.length === 0) {
        Deno.writeFileSync(path, new Uint8Array(60), { append: true });
      }
      return read(folder);
    };
    try {
      await Deno.writeTextFile(`${path}.txt`, "x");
      await new Promise((r) => setTimeout(r, 400));
    } finally {
      Deno.readDir = read;
    }
    await Deno.writeFile(path, await pictureBytes(1));
    await until("it is taken", () => status("ingest").added === 1);
    assertEquals(sizes, [(await pictureBytes(1)).length]);
  }, { stillMs: 60 });
});
Deno.test("N importFolders() never removes what took the name of a file that it read", async () => {
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
});
Deno.test("O the stored file by another way is not removed, though it has other names", async () => {
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

fullTierTest("Q another program that closes the database does not take its log away", async () => {
  await withLibrary(async (sample) => {
    const { library, folder, source } = sample;
    await importSource(sample, { mode: "in-place", folders: [folder] });
    const watch = new WatchService(library, { stillMs: 20 });
    await watch.start();
    const { until, status } = toWaits(watch);
    const name = watch.roots[1].name;
    await until("it is scanned", () => status(name).state === "watching");
    assertEquals([status(name).isLive, status(name).problems.map(({ code }) => code)], [false, ["not_live"]]);
    for (let i = 0; i < 2; i++) await runMain(["trash", "list", "--library", library.paths.folder]);
    const md5 = await getFileMd5(await writePicture(join(source, "late.png"), 5));
    await watch.scan();
    const reader = openReader(library.paths.database);
    assertEquals(rowsOf(reader, "SELECT md5 FROM images"), [[md5]]);
    reader.close();
    await watch.stop();
  });
});

fullTierTest("R stop() ends though a pipe lies in a watched folder", async () => {
  await withWatch(async ({ library, source, watch }) => {
    for (const folder of [source, library.paths.ingest]) {
      await new Deno.Command("mkfifo", { args: [join(folder, "pipe.png")] }).output();
    }
    await watch.scan();
    await watch.stop();
    assertEquals(watch.isWatching, false);
  });
});
