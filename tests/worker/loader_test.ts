import { assert, assertEquals, assertRejects } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import type { PostBatch } from "../../src/cache/columns_builder.ts";
import { checkColumns } from "../../src/cache/image_columns.ts";
import { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { TagTable } from "../../src/cache/tag_table.ts";
import { readPosition } from "../../src/store/change_log.ts";
import type { LoaderContract } from "../../src/worker/contracts.ts";
import { spawnLoader } from "../../src/worker/spawn.ts";
import { WorkerClient } from "../../src/worker/worker_client.ts";
import { buildLibrary, openDatabase, schemaOf } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { withTempDir } from "../support/temp.ts";

type Loader = WorkerClient<LoaderContract>;

async function withLoader(test: (loader: Loader, dir: string) => Promise<void>): Promise<void> {
  await withTempDir(async (dir) => {
    const loader = new WorkerClient<LoaderContract>(spawnLoader, { name: "loader" });
    try {
      await test(loader, dir);
    } finally {
      await loader.close();
    }
  });
}

async function readAll(loader: Loader): Promise<void> {
  while (await loader.call("readMetadata", null) !== null);
  while (!(await loader.call("readSome", null)).isDone);
}

function finish(loader: Loader, posts: PostBatch[] = []) {
  return loader.call("readColumns", { posts, snapshotPath: null });
}

Deno.test("the loader reads a library into columns", async () => {
  await withLoader(async (loader, dir) => {
    const path = `${dir}/a.db`;
    const images = [
      { tags: ["a", "b"], metadata: "{}" },
      { id: 9, filepath: "日本.png", tags: ["b"], metadata: "[]" },
    ];
    buildLibrary(path, { images }, "bare");
    const opened = await loader.call("open", { path });
    assertEquals([opened?.sizes.images, opened?.sizes.metadata], [2, 2]);
    assertEquals(opened?.position, null, "there is no change log");
    const batch = await loader.call("readMetadata", null);
    assertEquals([...batch!.imageId], [1, 9]);
    assertEquals(new TextDecoder().decode(batch!.bytes), "{}[]");
    assertEquals(await loader.call("readMetadata", null), null);
    await readAll(loader);
    const triples = Int32Array.of(0, 77, 9);
    const posts = [{ sources: ["e621"], triples }];
    const { columns, sources } = await finish(loader, posts);
    checkColumns(columns);
    const tags = await TagTable.build(columns);
    const snapshot = ImageSnapshot.of(columns, { sources, tags, generation: 1 });
    assertEquals(snapshot.rowOfPath("日本.png"), 1);
    assertEquals(snapshot.rowsOfPostId(77, "e621"), [1]);
    assertEquals([...snapshot.tagCounts()], [[1, 1], [2, 2]]);
  });
});

Deno.test("the loader reads one state of the database, whatever is committed meanwhile", async () => {
  await withMigrated({ images: [{ tags: ["a"] }, { tags: ["a"] }] }, async (db, path) => {
    const loader = new WorkerClient<LoaderContract>(spawnLoader, { name: "loader" });
    try {
      const opened = await loader.call("open", { path });
      assertEquals(opened?.position, readPosition(db));
      db.exec("DELETE FROM images WHERE id = 1");
      db.exec("UPDATE images SET filepath = 'late.jpg'");
      await readAll(loader);
      const { columns } = await finish(loader);
      assertEquals([...columns.imageId], [1, 2]);
      assertEquals(new TextDecoder().decode(columns.pathBytes), "1.jpg2.jpg");
      assertEquals(columns.imageTagId.length, 2);
      assert(readPosition(db) > opened!.position!);
    } finally {
      await loader.close();
    }
  });
});

Deno.test("the loader answers null when tables are missing", async () => {
  await withLoader(async (loader, dir) => {
    const path = `${dir}/a.db`;
    const db = openDatabase(path);
    db.exec("CREATE TABLE other (x)");
    assertEquals(await loader.call("open", { path }), null);
    assertEquals(await loader.call("readTags", { path }), null);
    db.exec(schemaOf("bare"));
    db.close();
    assertEquals((await loader.call("open", { path }))?.sizes.images, 0);
    await readAll(loader);
    const { columns } = await finish(loader);
    assertEquals(columns.imageId.length, 0);
  });
});

Deno.test("the loader begins anew when a load is opened during a load", async () => {
  await withLoader(async (loader, dir) => {
    buildLibrary(`${dir}/a.db`, { images: [{}] }, "bare");
    buildLibrary(`${dir}/b.db`, { images: [{}, {}] }, "bare");
    await loader.call("open", { path: `${dir}/a.db` });
    await loader.call("readSome", null);
    await loader.call("open", { path: `${dir}/b.db` });
    await readAll(loader);
    const { columns } = await finish(loader);
    assertEquals(columns.imageId.length, 2);
  });
});

Deno.test("the loader refuses to read when no load is open, and after one ended", async () => {
  await withLoader(async (loader, dir) => {
    const refused = async () => {
      await assertRejects(() => loader.call("readMetadata", null), TypeError, "no load is open");
      await assertRejects(() => loader.call("readSome", null), TypeError, "no load is open");
      await assertRejects(() => finish(loader), TypeError);
    };
    await refused();
    const path = `${dir}/a.db`;
    buildLibrary(path, {}, "bare");
    await loader.call("open", { path });
    await readAll(loader);
    await finish(loader);
    await refused();
  });
});

Deno.test("the loader names what is wrong with a file", async () => {
  await withLoader(async (loader, dir) => {
    await Deno.writeTextFile(`${dir}/text.db`, "text ".repeat(5_000));
    const cases: [string, string][] = [["none.db", "not_found"], ["text.db", "corrupt"]];
    for (const [name, code] of cases) {
      const path = `${dir}/${name}`;
      for (
        const call of [() => loader.call("open", { path }), () => loader.call("readTags", { path })]
      ) {
        const error = await assertRejects(call, AppError, path);
        assertEquals(error.code, code);
        assert(error.remedy !== undefined);
      }
    }
    assertEquals([...Deno.readDirSync(dir)].length, 1, "nothing is created");
  });
});

Deno.test("the loader reads the tag table alone, also during a load", async () => {
  await withLoader(async (loader, dir) => {
    const path = `${dir}/a.db`;
    buildLibrary(path, { tags: [{ id: 4, name: "hat" }] }, "bare");
    await loader.call("open", { path });
    const table = await TagTable.build((await loader.call("readTags", { path }))!);
    assertEquals([...table.entries()], [[4, "hat"]]);
    await readAll(loader);
    await finish(loader);
  });
});
