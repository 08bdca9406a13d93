import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { lockLibrary } from "../../src/library/lock.ts";
import { WatchService } from "../../src/library/watch.ts";
import {
  checkWhole,
  rowsOf,
  type SampleLibrary,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";
import { toWaits, withWatch } from "../support/watching.ts";

async function writeMany({ source }: Pick<SampleLibrary, "source">, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await writePicture(join(source, `f${i % 3}/${i}.png`), i);
}

/** Images, and places that are marked as missing. */
function countRows({ library }: Pick<SampleLibrary, "library">): [images: number, missing: number] {
  const count = (sql: string) => rowsOf<[number]>(library.core.reader, sql)[0][0];
  return [
    count("SELECT count(*) FROM images"),
    count("SELECT count(*) FROM image_files WHERE missing_since_ms IS NOT NULL"),
  ];
}

Deno.test("WatchService concludes nothing from a folder that is gone, empty or another one", async () => {
  await withWatch(async (watching) => {
    const { source, folder, status, until } = watching;
    const away = join(folder, "away");
    await Deno.rename(source, away);
    await until("it is gone", () => status().state === "unavailable");
    assert(status().message!.includes(source), status().message!);
    await Deno.mkdir(source);
    await until("it is empty", () => status().message!.includes("12 are recorded"));
    // Another disk, with a file of its own that has a known name.
    await writePicture(join(source, "f0/0.png"), 900);
    await until("it is another one", () => status().message!.includes("another folder"));
    assertEquals([status().state, ...countRows(watching)], ["unavailable", 12, 0]);
    await Deno.remove(source, { recursive: true });
    await Deno.rename(away, source);
    await until("it is watched again", () => status().state === "watching");
    assertEquals([status().message, ...countRows(watching)], [null, 12, 0]);
    await writePicture(join(source, "f9/new.png"), 77);
    await until("what is new is taken", () => status().added === 1);
    await checkWhole(watching.library);
  }, { prepare: (sample) => writeMany(sample, 12) });
});

Deno.test("WatchService asks when more than 5% are missing, and marks them when told to", async () => {
  await withWatch(async (watching) => {
    const { source, status, until, watch } = watching;
    await Deno.remove(join(source, "f1"), { recursive: true });
    await until("it asks", () => status().state === "asks");
    assertEquals([status().missingAsked, ...countRows(watching)], [20, 60, 0]);
    // Nothing is taken meanwhile either: the folder may be another one.
    await writePicture(join(source, "new.png"), 501);
    await watch.scan();
    assertEquals([status().state, status().added, ...countRows(watching)], ["asks", 0, 60, 0]);
    await assertRejects(() => watch.accept("nothing"), AppError, "nothing");
    await assertRejects(() => watch.accept("ingest"), AppError, "indexed in place");
    await watch.accept("source");
    await until("they are marked", () => status().state === "watching");
    assertEquals([status().missing, status().added, ...countRows(watching)], [20, 1, 61, 20]);
    await assertRejects(() => watch.accept("@source"), AppError, "asks nothing");
  }, { prepare: (sample) => writeMany(sample, 60) });
});

fullTierTest("WatchService takes a folder that cannot be read for no loss", async () => {
  await withWatch(async (watching) => {
    const { library, source, watch, status } = watching;
    const read = Deno.readDir;
    Deno.readDir = (path) => {
      if (String(path).endsWith("/f1")) throw new Error("Input/output error (os error 5)");
      return read(path);
    };
    try {
      await watch.scan();
    } finally {
      Deno.readDir = read;
    }
    assertEquals([status().state, ...countRows(watching)], ["watching", 9, 0]);
    assertEquals(status().problems.map(({ path }) => path), [join(source, "f1")]);
    await checkWhole(library);
  }, { prepare: (sample) => writeMany(sample, 9) });
});

fullTierTest("WatchService waits while another command has the library, and says so", async () => {
  await withWatch(async ({ library, source, status, until }) => {
    const lock = await lockLibrary(library.paths.lock, "restore a backup");
    await writePicture(join(source, "a.png"), 1);
    await until("it waits", () => status().message !== null);
    assert(status().message!.includes("restore a backup"), status().message!);
    assertEquals([status().added, status().queued], [0, 1]);
    lock.release();
    await until("it goes on", () => status().added === 1 && status().message === null);
  });
});

fullTierTest("WatchService.start() refuses a second watcher; stop() frees everything", async () => {
  await withLibrary(async ({ library, source }) => {
    await writePicture(join(library.paths.ingest, "a.png"), 1);
    const first = new WatchService(library, { stillMs: 20 });
    const second = new WatchService(library, { stillMs: 20 });
    await first.start();
    await assertRejects(() => second.start(), AppError, "in use by watch");
    await assertRejects(() => second.scan(), AppError, "in use by watch");
    await first.stop();
    await first.stop();
    assertEquals([first.isWatching, first.roots[0].state], [false, "stopped"]);
    await second.start();
    const { until, status } = toWaits(second);
    await until("it is taken", () => status("ingest").added === 1);
    await second.stop();
    assert(source !== "");
  });
});

Deno.test("WatchService.scan() works without start(), finds what was renamed meanwhile, can be cancelled", async () => {
  await withWatch(async (watching) => {
    const { library, source, watch } = watching;
    const ids = rowsOf(library.core.reader, "SELECT md5, id FROM images ORDER BY md5");
    await Deno.rename(join(source, "f1"), join(source, "g1"));
    await Deno.remove(join(source, "f0/0.png"));
    await writePicture(join(source, "new.png"), 100);
    const results = await watch.scan();
    assertEquals(
      results.map(({ name, added, moved, missing, filesSeen }) => {
        return { name, added, moved, missing, filesSeen };
      }),
      [
        { name: "ingest", added: 0, moved: 0, missing: 0, filesSeen: 0 },
        { name: "@source", added: 1, moved: 20, missing: 1, filesSeen: 60 },
      ],
    );
    assertEquals(
      rowsOf(library.core.reader, "SELECT md5, id FROM images WHERE id <= 60 ORDER BY md5"),
      ids,
    );
    const again = (await watch.scan())[1];
    assertEquals([again.added, again.moved, again.missing], [0, 0, 0]);
    const cancelled = AbortSignal.abort(new AppError("cancelled", "Enough"));
    await assertRejects(() => watch.scan({ signal: cancelled }), AppError, "Enough");
    const stopper = new AbortController();
    const scan = watch.scan({ signal: stopper.signal });
    stopper.abort(new AppError("cancelled", "Enough"));
    await assertRejects(() => scan, AppError, "Enough");
  }, { prepare: (sample) => writeMany(sample, 60), isLive: false });
});
