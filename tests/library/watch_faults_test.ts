import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { configureLogging } from "../../src/base/log.ts";
import { WatchService } from "../../src/library/watch.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import { openReader } from "../../src/store/database.ts";
import { runMain } from "../support/run_main.ts";
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

Deno.test("WatchService takes nothing out of an ingest/ that leads into a folder indexed in place", async () => {
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

fullTierTest("WatchService reads sidecars again although its clock was ahead once", async () => {
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

Deno.test("WatchService asks before another disk with the same names takes over the images", async () => {
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

fullTierTest(
  "WatchService keeps the tags of a file that moved to another root and left its name",
  async () => {
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
  },
);

fullTierTest(
  "WatchService says what a folder waits for as long as it waits, and logs it once",
  async () => {
    const lines: string[] = [];
    await withWatch(async ({ library, source, status, until }) => {
      const call = library.hasher.call.bind(library.hasher);
      let tries = 0;
      library.hasher.call = ((method: "hashFiles", request: { paths: string[] }) => {
        if (method !== "hashFiles" || ++tries > 4) return call(method, request);
        return Promise.reject(new AppError("disk_full", `No room for ${tries}`));
      }) as typeof library.hasher.call;
      const messages: (string | null)[] = [];
      await writePicture(join(library.paths.ingest, "a.png"), 77);
      await until("it waits", () => status("ingest").message !== null);
      await Deno.remove(join(source, "1.png"));
      await until("the other folder goes on", () => {
        messages.push(status("ingest").message);
        return status().missing === 1;
      });
      await until("it is taken", () => status("ingest").added === 1);
      assertEquals(messages.filter((message) => message === null), []);
      assertEquals(tries > 4, true);
    }, {
      retryMs: 300,
      prepare: async ({ source }) => {
        for (let i = 0; i < 2; i++) await writePicture(join(source, `${i}.png`), i);
        configureLogging({ level: "warning", isTerminal: false, file: (line) => lines.push(line) });
      },
    });
    assertEquals(lines.filter((line) => line.includes("ingest waits")).length, 1);
  },
);

fullTierTest("WatchService.accept() accepts what was asked, and asks again for more", async () => {
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

fullTierTest(
  "WatchService waits for a picture to be still that begins when its sidecar is read",
  async () => {
    await withLibrary(async ({ library }) => {
      const { ingest } = library.paths;
      const path = join(ingest, "a.png");
      const bytes = await pictureBytes(1);
      await Deno.writeTextFile(`${path}.txt`, "x");
      const sizes: number[] = [];
      const call = library.hasher.call.bind(library.hasher);
      library.hasher.call = (async (method: "hashFiles", request: { paths: string[] }) => {
        for (const one of request.paths ?? []) sizes.push((await Deno.stat(one)).size);
        return await call(method, request);
      }) as typeof library.hasher.call;
      const { readDir } = Deno;
      let readings = 0;
      // After the walk, and whole a moment later.
      Deno.readDir = (folder) => {
        if (folder === ingest && ++readings === 3) Deno.writeFileSync(path, bytes.slice(0, 60));
        if (folder === ingest && readings === 4) Deno.writeFileSync(path, bytes);
        return readDir(folder);
      };
      try {
        await new WatchService(library, { stillMs: 20 }).scan();
      } finally {
        Deno.readDir = readDir;
      }
      assertEquals(sizes, [bytes.length]);
    });
  },
);

fullTierTest("WatchService watches no folder from which the database can be reached", async () => {
  await withLibrary(async (sample) => {
    const { library, folder, source } = sample;
    await importSource(sample, { mode: "in-place", folders: [folder] });
    const watch = new WatchService(library, { stillMs: 20 });
    await watch.start();
    const { until, status } = toWaits(watch);
    const name = watch.roots[1].name;
    await until("it is scanned", () => status(name).state === "watching");
    assertEquals([status(name).isLive, status(name).problems.map(({ code }) => code)], [false, [
      "not_live",
    ]]);
    for (let i = 0; i < 2; i++) await runMain(["trash", "list", "--library", library.paths.folder]);
    const md5 = await getFileMd5(await writePicture(join(source, "late.png"), 5));
    await watch.scan();
    const reader = openReader(library.paths.database);
    assertEquals(rowsOf(reader, "SELECT md5 FROM images"), [[md5]]);
    reader.close();
    await watch.stop();
  });
});

fullTierTest("WatchService.stop() ends though a pipe lies in a watched folder", async () => {
  await withWatch(async ({ library, source, watch }) => {
    for (const folder of [source, library.paths.ingest]) {
      await new Deno.Command("mkfifo", { args: [join(folder, "pipe.png")] }).output();
    }
    await watch.scan();
    await watch.stop();
    assertEquals(watch.isWatching, false);
  });
});

Deno.test("WatchService does not ask about files whose new names it knows, though it was stopped between", async () => {
  await withLibrary(async (sample) => {
    const { library, source } = sample;
    // Copies: an image keeps the places that it is not served from.
    for (let i = 0; i < 60; i++) await writePicture(join(source, `a/${i}.png`), i % 15);
    await importSource(sample, { mode: "in-place" });
    await Deno.rename(join(source, "a"), join(source, "b"));
    // As far as a watch came that ended then: the new names are recorded, the old ones too.
    await importSource(sample, { mode: "in-place" });
    const [, result] = await new WatchService(library, { stillMs: 20 }).scan();
    assertEquals([result.message, result.moved, result.missing], [null, 45, 0]);
    await checkWhole(library);
  });
});

Deno.test("WatchService asks about missing files although each had a second name that is gone too", async () => {
  await withLibrary(async (sample) => {
    const { source } = sample;
    for (let i = 0; i < 15; i++) {
      const path = await writePicture(join(source, `a/${i}.png`), i);
      await Deno.link(path, join(source, `a/${i}_again.png`));
    }
    await writePicture(join(source, "b.png"), 99);
    await importSource(sample, { mode: "in-place" });
    await Deno.remove(join(source, "a"), { recursive: true });
    const [, result] = await new WatchService(sample.library, { stillMs: 20 }).scan();
    assertEquals([result.state, result.missingAsked, result.missing], ["asks", 30, 0]);
  });
});
