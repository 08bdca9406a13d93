import { assert, assertEquals, assertRejects } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { type Core, openCore } from "../../src/library/core.ts";
import { buildLibrary, documentOf, openDatabase } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { withTempDir } from "../support/temp.ts";

async function withCore(
  path: string,
  test: (core: Core, lines: string[]) => Promise<void>,
): Promise<void> {
  const lines: string[] = [];
  const core = await openCore({ database: path, print: (line) => lines.push(line) });
  try {
    await test(core, lines);
  } finally {
    await core.close();
  }
}

Deno.test("a verbose load prints the seed's lines, in batches of 1000 documents", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    const images = Array.from({ length: 2_500 }, (_, i) => ({
      tags: ["solo"],
      metadata: documentOf({ danbooru: i + 1, e621: 7 }),
    }));
    buildLibrary(path, { images }, "bare");
    await withCore(path, async (core, lines) => {
      const progress: string[] = [];
      core.events.on("loadProgressed", ({ stage, done, total }) => {
        assert(done <= total, `${stage} ${done}/${total}`);
        progress.push(stage);
      });
      assertEquals(await core.cache.loadDataFromDb(), true);
      const processed = lines.slice(2, -1);
      assertEquals(lines.slice(0, 2), [
        "Loading data from database...",
        "Building cross-source post_id index...",
      ]);
      assertEquals(lines.at(-1), "Loaded 2500 images, 1 unique tags, 2501 cross-source post_ids.");
      assertEquals(processed.length, 3);
      for (const line of processed) {
        assert(/^ {2}Processed \d+\/2500 metadata entries\.\.\.$/.test(line), line);
      }
      assertEquals(processed.at(-1), "  Processed 2500/2500 metadata entries...");
      assert(progress.includes("metadata") && progress.includes("index"));
      assertEquals(core.cache.getMd5ByPostId(7, "e621"), core.cache.getImageData().at(0)?.md5);
    });
  });
});

Deno.test("loadDataFromDb() is false while tables are missing, and true once they are there", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    const db = openDatabase(path);
    db.exec("CREATE TABLE other (x)");
    db.close();
    await withCore(path, async (core, lines) => {
      assertEquals(await core.cache.loadDataFromDb(), false);
      assertEquals(core.cache.getImageData().length, 0);
      assertEquals(lines, ["Loading data from database..."]);
      buildLibrary(path, { images: [{}] }, "bare");
      assertEquals(await core.cache.loadDataFromDb({ verbose: false }), true);
      assertEquals(core.cache.getImageData().length, 1);
    });
  });
});

Deno.test("openCore() refuses what is not there, and creates nothing", async () => {
  await withTempDir(async (dir) => {
    const error = await assertRejects(() => openCore({ database: `${dir}/none.db` }), AppError);
    assertEquals(error.code, "not_found");
    assertEquals([...Deno.readDirSync(dir)], []);
  });
});

Deno.test("openCore() writes nothing to the database that it reads", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, { images: [{ tags: ["a"], metadata: "{}" }] }, "bare");
    const before = await Deno.readFile(path);
    await withCore(path, async (core) => {
      await core.cache.loadDataFromDb({ verbose: false });
      await core.cache.reloadSingleImage("1.jpg");
      await core.tagIds.reload();
      await core.poll();
    });
    assertEquals(await Deno.readFile(path), before);
  });
});

Deno.test("a load that fails halfway keeps what is served, and the next one works", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, { images: [{ tags: ["a"] }] }, "bare");
    await withCore(path, async (core) => {
      await core.cache.loadDataFromDb({ verbose: false });
      const db = openDatabase(path, { foreignKeys: false });
      db.exec("INSERT INTO images (id, filepath, md5) VALUES (?, 'far', 'm')", 2 ** 40);
      const error = await assertRejects(
        () => core.cache.loadDataFromDb({ verbose: false }),
        AppError,
        String(2 ** 40),
      );
      assertEquals(error.code, "corrupt");
      assertEquals(core.cache.getImageData().length, 1);
      db.exec("DELETE FROM images WHERE filepath = 'far'");
      db.close();
      assertEquals(await core.cache.loadDataFromDb({ verbose: false }), true);
    });
  });
});

Deno.test("poll() brings what another connection committed, and nothing when none did", async () => {
  await withMigrated({ images: [{ tags: ["a"] }] }, async (db, path) => {
    await withCore(path, async (core) => {
      await core.cache.loadDataFromDb({ verbose: false });
      const { generation } = core.cache.current;
      await core.poll();
      assertEquals(core.cache.current.generation, generation);
      db.exec("INSERT INTO images (id, filepath, md5) VALUES (8, 'late.jpg', 'm')");
      await Promise.all([core.poll(), core.poll()]);
      assertEquals(core.cache.getImageData().at(-1)?.filepath, "late.jpg");
    });
  });
});

Deno.test("close() waits for the load that runs", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, { images: [{}] }, "bare");
    const core = await openCore({ database: path, print: () => {} });
    const load = core.cache.loadDataFromDbAsync();
    core.cache.triggerCacheReloadAsync();
    await core.close();
    assertEquals(await load, true);
    assertEquals(core.cache.getImageData().length, 1);
  });
});
