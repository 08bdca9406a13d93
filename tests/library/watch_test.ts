import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { getFileMd5 } from "../../src/media/md5.ts";
import {
  checkWhole,
  imageOf,
  pictureBytes,
  rowsOf,
  tagsOf,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";
import { withWatch } from "../support/watching.ts";

Deno.test("WatchService indexes what appears in a root, in new folders too", async () => {
  await withWatch(async ({ library, source, status, until }) => {
    assertEquals([status().state, status().isLive, status().filesSeen], ["watching", true, 1]);
    const paths = ["b.png", "new/c.png", "new/deep/er/d.png", "new/odd\n$(touch x);'.png"];
    for (const [i, path] of paths.entries()) {
      await writePicture(join(source, path), i + 10, { ".txt": `tag_${i}` });
    }
    await until("four files are indexed", () => status().added === 4);
    for (const [i, path] of paths.entries()) {
      const md5 = await getFileMd5(join(source, path));
      assertEquals(imageOf(library, md5)?.places, [`@source/${path}`]);
      assertEquals(tagsOf(library, md5), [`general:tag_${i}`]);
    }
    await checkWhole(library);
  }, { prepare: async ({ source }) => void await writePicture(join(source, "a.png"), 1) });
});

Deno.test("WatchService follows renamed files and folders with id and tags", async () => {
  await withWatch(async ({ library, source, status, until }) => {
    const md5s = await Promise.all([1, 2, 3].map((i) => getFileMd5(join(source, `x/${i}.png`))));
    const before = md5s.map((md5) => imageOf(library, md5)!.id);
    await Deno.rename(join(source, "x"), join(source, "y"));
    await Deno.rename(join(source, "one.png"), join(source, "y/two.png"));
    await until("all four are moved", () => status().moved === 4);
    assertEquals(md5s.map((md5) => imageOf(library, md5)!.id), before);
    assertEquals(imageOf(library, md5s[0])!.places, ["@source/y/1.png"]);
    assertEquals(tagsOf(library, md5s[2]), ["general:tag_3"]);
    assertEquals(rowsOf(library.core.reader, "SELECT count(*) FROM images"), [[4]]);
    assertEquals([status().missing, status().added], [0, 0]);
    await checkWhole(library);
  }, {
    prepare: async ({ source }) => {
      await writePicture(join(source, "one.png"), 9);
      for (const i of [1, 2, 3]) {
        await writePicture(join(source, `x/${i}.png`), i, { ".txt": `tag_${i}` });
      }
    },
  });
});

Deno.test("WatchService marks a vanished file, and takes the mark away when it is back", async () => {
  await withWatch(async ({ library, folder, source, status, until }) => {
    const path = join(source, "a.png");
    const md5 = await getFileMd5(path);
    const since = () => {
      return rowsOf<[number | null]>(
        library.core.reader,
        "SELECT missing_since_ms FROM image_files WHERE filepath = '@source/a.png'",
      )[0][0];
    };
    await Deno.rename(path, join(folder, "away.png"));
    await until("it is missing", () => status().missing === 1);
    assert(since()! > Date.now() - 60_000);
    assertEquals(imageOf(library, md5)?.filepath, "@source/a.png");
    assertEquals(tagsOf(library, md5), ["general:x"]);
    await Deno.rename(join(folder, "away.png"), path);
    await until("it is back", () => status().returned === 1);
    assertEquals(since(), null);
    await checkWhole(library);
  }, {
    prepare: async ({ source }) => {
      await writePicture(join(source, "a.png"), 1, { ".txt": "x" });
      await writePicture(join(source, "b.png"), 2);
    },
  });
});

fullTierTest("WatchService reads changed files and late sidecars again", async () => {
  await withWatch(async ({ library, source, status, until }) => {
    const path = join(source, "a.png");
    const id = imageOf(library, await getFileMd5(path))!.id;
    await Deno.writeTextFile(`${path}.json`, JSON.stringify({ tags: ["late", "x"] }));
    await until("the sidecar is read", () => status().sidecars === 1);
    assertEquals(tagsOf(library, await getFileMd5(path)), ["general:late", "general:x"]);
    // Edited where it lies, and another one replaced by a rename: both keep their ids.
    await writePicture(path, 50);
    await writePicture(join(source, ".new"), 51);
    const otherId = imageOf(library, await getFileMd5(join(source, "b.png")))!.id;
    await Deno.rename(join(source, ".new"), join(source, "b.png"));
    await until("both are read", () => status().replaced === 2);
    assertEquals(imageOf(library, await getFileMd5(path))!.id, id);
    assertEquals(imageOf(library, await getFileMd5(join(source, "b.png")))!.id, otherId);
    assertEquals([status().missing, status().problems], [0, []]);
    await checkWhole(library);
  }, {
    prepare: async ({ source }) => {
      await writePicture(join(source, "a.png"), 1, { ".txt": "x" });
      await writePicture(join(source, "b.png"), 2);
    },
  });
});

fullTierTest(
  "WatchService serves a copy when the served file vanishes, and follows renamed copies",
  async () => {
    await withWatch(async ({ library, folder, source, status, until }) => {
      const md5 = await getFileMd5(join(source, "a.png"));
      await Deno.rename(join(source, "a.png"), join(folder, "away.png"));
      await until("it is missing", () => status().missing === 1);
      assertEquals(imageOf(library, md5)?.filepath, "@source/b.png");
      await Deno.rename(join(source, "b.png"), join(source, "c.png"));
      await until("the copy is moved", () => status().moved === 1);
      assertEquals(imageOf(library, md5)?.filepath, "@source/c.png");
      assertEquals(imageOf(library, md5)?.places, ["@source/a.png", "@source/c.png"]);
      await Deno.rename(join(folder, "away.png"), join(source, "a.png"));
      await until("it is back", () => status().returned === 1);
      await checkWhole(library);
    }, {
      prepare: async ({ source }) => {
        await writePicture(join(source, "a.png"), 1);
        await writePicture(join(source, "b.png"), 1);
      },
    });
  },
);

fullTierTest("WatchService refuses a bad file once, and takes it when it is whole", async () => {
  await withWatch(async ({ library, source, status, until, settled }) => {
    const path = join(source, "broken.png");
    const whole = await pictureBytes(7);
    await Deno.writeFile(path, whole.subarray(0, 60));
    await Deno.writeTextFile(join(source, "notes.md"), "text");
    await Deno.writeFile(join(source, "b.png.part"), whole.subarray(0, 60));
    await until("both are refused", () => status().problems.length === 2);
    assertEquals(status().problems.map(({ code }) => code).sort(), [
      "undecodable_media",
      "unsupported",
    ]);
    assertEquals(status().failed, 1);
    // A scan that nobody asked for tries nothing again.
    const before = status().lastScanAt;
    const call = library.hasher.call;
    library.hasher.call = () => Promise.reject(new Error("read once more"));
    await Deno.utime(source, 1, 1);
    await until("all is scanned", () => status().lastScanAt !== before);
    await settled();
    library.hasher.call = call;
    await Deno.writeFile(path, whole);
    await until("it is taken", () => status().added === 1);
    assertEquals(status().problems.length, 2);
  });
});
