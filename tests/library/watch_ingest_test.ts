import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { getFileMd5 } from "../../src/media/md5.ts";
import {
  checkWhole,
  imageOf,
  importSource,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";
import { toWaits, withWatch } from "../support/watching.ts";
import { WatchService } from "../../src/library/watch.ts";

/** Paths of the files below a folder, relative and sorted. */
async function listFiles(folder: string, prefix = ""): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(folder, prefix))) {
    const path = join(prefix, name);
    if (isDirectory) paths.push(...await listFiles(folder, path));
    else paths.push(path);
  }
  return paths.sort();
}

Deno.test("WatchService moves what appears in ingest/, and puts sidecars and copies aside", async () => {
  await withWatch(async ({ library, status, until, watch }) => {
    const { ingest } = library.paths;
    const path = await writePicture(join(ingest, "new/a.png"), 1, {
      ".json": { tags: ["x"] },
      ".txt": "y",
    });
    const md5 = await getFileMd5(path);
    // The library has this content; one sidecar speaks of two files; one waits for its file.
    await writePicture(join(ingest, "copy.png"), 9, { ".txt": "of_copy" });
    await Deno.writeTextFile(join(ingest, "waits.png.txt"), "z");
    await Deno.writeTextFile(join(ingest, "bad.png"), "text");
    await Deno.writeTextFile(join(ingest, "bad.txt"), "of_bad");
    await until("all is done", () => {
      const { added, known, problems } = status("ingest");
      return added === 1 && known === 1 && problems.length === 1;
    });
    await watch.scan();
    assertEquals(await listFiles(ingest), [
      ".done/copy.png",
      ".done/copy.png.txt",
      ".done/new/a.png.json",
      ".done/new/a.png.txt",
      "bad.png",
      "bad.txt",
      "waits.png.txt",
    ]);
    assertEquals(tagsOf(library, md5), ["general:x", "general:y"]);
    const copyMd5 = await getFileMd5(join(ingest, ".done/copy.png"));
    assertEquals(tagsOf(library, copyMd5), ["general:of_copy"]);
    assertEquals([status("ingest").added, status("ingest").known], [1, 1]);
    await checkWhole(library);
  }, { prepare: async ({ source }) => void await writePicture(join(source, "9.png"), 9) });
});

fullTierTest("WatchService gives a sidecar that comes late to what its file became", async () => {
  await withWatch(async ({ library, status, until }) => {
    const { ingest } = library.paths;
    const path = await writePicture(join(ingest, "s/a.png"), 1);
    const md5 = await getFileMd5(path);
    await until("it is taken", () => status("ingest").added === 1);
    await Deno.writeTextFile(join(ingest, "s/a.json"), JSON.stringify({ tags: ["late"] }));
    await until("the sidecar is taken", () => status("ingest").sidecars === 1);
    assertEquals(tagsOf(library, md5), ["general:late"]);
    assertEquals(await listFiles(ingest), [".done/s/a.json"]);
    // Once more under the same name, and one that cannot be read.
    await Deno.writeTextFile(join(ingest, "s/a.json"), JSON.stringify({ tags: ["later"] }));
    await until("it is taken too", () => status("ingest").sidecars === 2);
    await Deno.writeTextFile(join(ingest, "s/a.png.json"), "{");
    await until("it is told", () => status("ingest").problems.length === 1);
    assertEquals(tagsOf(library, md5), ["general:late", "general:later"]);
    assertEquals(await listFiles(ingest), [".done/s/a.json", ".done/s/a~2.json", "s/a.png.json"]);
    await checkWhole(library);
  });
});

fullTierTest("WatchService leaves a sidecar to the file that still needs it", async () => {
  await withLibrary(async ({ library }) => {
    const { ingest } = library.paths;
    await writePicture(join(ingest, "a.png"), 1);
    await Deno.writeTextFile(join(ingest, "a.webp"), "no picture yet");
    await Deno.writeTextFile(join(ingest, "a.txt"), "shared");
    const watch = new WatchService(library, { stillMs: 20 });
    await watch.scan();
    assertEquals(await listFiles(ingest), ["a.txt", "a.webp"]);
    await Deno.remove(join(ingest, "a.webp"));
    await writePicture(join(ingest, "a.webp"), 2);
    const md5 = await getFileMd5(join(ingest, "a.webp"));
    await watch.scan();
    assertEquals(tagsOf(library, md5), ["general:shared"]);
    assertEquals(await listFiles(ingest), [".done/a.txt"]);
    await checkWhole(library);
  });
});

fullTierTest(
  "WatchService finishes what was killed between the stored file and its sidecars",
  async () => {
    await withLibrary(async ({ library }) => {
      const { ingest } = library.paths;
      const path = await writePicture(join(ingest, "a.png"), 1, { ".txt": "x" });
      const md5 = await getFileMd5(path);
      const watch = new WatchService(library, { stillMs: 20 });
      const rename = Deno.rename;
      Deno.rename = (from, to) =>
        String(to).includes(".done") ? Promise.reject(new Error("as if killed")) : rename(from, to);
      try {
        await watch.scan();
      } finally {
        Deno.rename = rename;
      }
      assertEquals(await listFiles(ingest), ["a.png.txt"]);
      await new WatchService(library, { stillMs: 20 }).scan();
      assertEquals(await listFiles(ingest), [".done/a.png.txt"]);
      assertEquals(tagsOf(library, md5), ["general:x"]);
      await checkWhole(library);
    });
  },
);

fullTierTest("WatchService takes ingest/ for no part of a root that it lies in", async () => {
  await withLibrary(async ({ library, folder }) => {
    await writePicture(join(folder, "mine.png"), 1);
    await writePicture(join(library.paths.ingest, "new.png"), 2);
    await importSource({ library, source: folder }, { mode: "in-place" });
    const md5 = await getFileMd5(join(library.paths.ingest, "new.png"));
    assertEquals(imageOf(library, md5), undefined);
    const watch = new WatchService(library, { stillMs: 20, retryMs: 20 });
    await watch.start();
    const { until, status } = toWaits(watch);
    await until("it is moved", () => status("ingest").added === 1);
    await watch.stop();
    const image = imageOf(library, md5);
    assert(image !== undefined && !image.filepath.startsWith("@"), image?.filepath);
    await checkWhole(library);
  });
});
