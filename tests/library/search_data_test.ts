import { assertEquals } from "@std/assert";
import { type Core, openCore } from "../../src/library/core.ts";
import { FILE_TYPES } from "../../src/tags/file_types.ts";
import { buildLibrary, type LibrarySpec, openDatabase } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { withTempDir } from "../support/temp.ts";

const LIBRARY: LibrarySpec = {
  images: [{ filepath: "a.png" }, {}, {}],
  pools: [{ name: "First Pool", description: "one", images: [[3, 0], [1, 1]] }],
  favourites: [[2, "2024-01-02 03:04:05"]],
  relations: [[1, 3, "parent_child"]],
};

/** As many images as make a snapshot file worth its while. */
const MANY = `WITH RECURSIVE n(i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
  INSERT INTO images (id, filepath, md5) SELECT i, i || '.jpg', printf('%032x', i) FROM n`;

async function withCore(
  database: string,
  test: (core: Core, loadedFrom: string[]) => void | Promise<void>,
): Promise<void> {
  const core = await openCore({ database, snapshot: `${database}.snapshot` });
  const loadedFrom: string[] = [];
  core.events.on("swapped", (event) => void loadedFrom.push(event.loadedFrom));
  try {
    await core.cache.loadDataFromDb({ verbose: false, isWarm: true });
    await test(core, loadedFrom);
  } finally {
    await core.close();
  }
}

/** What the snapshot knows of the first three images, by their columns or their edits. */
function factsOf({ cache: { current } }: Core): unknown[] {
  return [1, 2, 3].map((id) => {
    const row = current.rowOfId(id)!;
    const state = current.stateOf(row);
    const { fileSizeBytes, durationMs, parentImageId } = current.columns;
    return [
      current.fileTypeAt(row),
      state?.fileSizeBytes ?? fileSizeBytes[row],
      state?.durationMs ?? durationMs[row],
      current.favouritedAt(row),
      state?.parentImageId ?? parentImageId[row],
      current.sourceAt(row),
    ];
  });
}

function tablesOf({ cache: { current } }: Core): unknown[] {
  return [
    ...[...current.pools.all()].map(({ id, name, imageIds }) => `${id} ${name}: ${[...imageIds]}`),
    ...[...current.aliases.entries()].map(([antecedent, name]) => `${antecedent} > ${name}`),
  ];
}

const EDITS = `
  INSERT INTO image_media (image_id, file_ext, size_bytes, duration_ms, source_url)
    VALUES (1, 'webm', 5000000000, 1500, 'https://example/');
  DELETE FROM favourites;
  INSERT INTO favourites VALUES (1, 'some day');
  UPDATE image_relations SET image_id_a = 2;
  INSERT INTO pools (id, name) VALUES (7, 'second');
  UPDATE pool_images SET sort_order = 5 WHERE image_id = 3;
  INSERT INTO tag_aliases VALUES ('kitty', 'cat', 'active', 0), ('no', 'yes', 'deleted', 0);`;
const FACTS = [
  ["png", 0, 0, 0, 0, ""],
  ["jpg", 0, 0, 1_704_164_645, 0, ""],
  ["jpg", 0, 0, 0, 1, ""],
];
const FACTS_EDITED = [
  ["webm", 5_000_000_000, 1_500, 1, 0, "https://example/"],
  ["jpg", 0, 0, 0, 0, ""],
  ["jpg", 0, 0, 0, 2, ""],
];
const TABLES_EDITED = ["1 First Pool: 1,3", "7 second: ", "kitty > cat"];

Deno.test("catchUp() sees what another connection writes beside images and tags", () =>
  withMigrated(LIBRARY, async (db, path) => {
    await withCore(path, async (core) => {
      assertEquals(factsOf(core), FACTS);
      assertEquals(tablesOf(core), ["1 First Pool: 3,1"]);
      const told: unknown[] = [];
      core.events.on("poolsChanged", ({ ids }) => told.push(["pools", ...ids.toSorted()]));
      core.events.on("aliasesChanged", () => told.push("aliases"));
      core.events.on("imagesChanged", ({ ids }) => told.push(["images", ...ids.toSorted()]));
      db.exec(EDITS);
      assertEquals(await core.cache.catchUp(), true);
      assertEquals(factsOf(core), FACTS_EDITED);
      assertEquals(tablesOf(core), TABLES_EDITED);
      assertEquals(told, [["images", 1, 2, 3], ["pools", 1, 7], "aliases"]);
      await core.cache.loadDataFromDb({ verbose: false });
      assertEquals([factsOf(core), tablesOf(core)], [FACTS_EDITED, TABLES_EDITED]);
      assertEquals(core.cache.current.editedRowCount, 0);
    });
  }));

Deno.test("a removed image leaves its pools, its children and its favourite behind", () =>
  withMigrated(LIBRARY, async (db, path) => {
    await withCore(path, async (core) => {
      db.exec("DELETE FROM images WHERE id = 1");
      await core.cache.catchUp();
      assertEquals(tablesOf(core), ["1 First Pool: 3"]);
      const { current } = core.cache;
      assertEquals(current.stateOf(current.rowOfId(3)!)?.parentImageId, 0);
    });
  }));

Deno.test("a start from the snapshot file has the pools and aliases of now", () =>
  withMigrated(LIBRARY, async (db, path) => {
    db.exec(MANY);
    db.exec("DELETE FROM change_log");
    await withCore(path, (core, loadedFrom) => {
      assertEquals(loadedFrom, ["database"]);
      assertEquals([factsOf(core), tablesOf(core)], [FACTS, ["1 First Pool: 3,1"]]);
    });
    await withCore(path, (core, loadedFrom) => {
      assertEquals(loadedFrom, ["snapshot"]);
      assertEquals(core.cache.current.editedRowCount, 0);
      assertEquals([factsOf(core), tablesOf(core)], [FACTS, ["1 First Pool: 3,1"]]);
    });
    db.exec(EDITS);
    await withCore(path, (core, loadedFrom) => {
      assertEquals(loadedFrom, ["snapshot"]);
      assertEquals([factsOf(core), tablesOf(core)], [FACTS_EDITED, TABLES_EDITED]);
    });
  }));

Deno.test("the original's tables, and fewer, load without this program's", async () => {
  await withTempDir(async (dir) => {
    for (const tables of ["full", "bare"] as const) {
      const path = `${dir}/${tables}.db`;
      buildLibrary(path, tables === "full" ? LIBRARY : { images: LIBRARY.images }, tables);
      await withCore(path, async (core) => {
        const isFull = tables === "full";
        assertEquals(tablesOf(core), isFull ? ["1 First Pool: 3,1"] : []);
        const bare = FACTS.map(([type]) => [type, 0, 0, 0, 0, ""]);
        assertEquals(factsOf(core), isFull ? FACTS : bare);
        const db = openDatabase(path);
        db.exec("UPDATE images SET filepath = 'b.GIF' WHERE id = 1");
        db.close();
        await core.cache.reloadSingleImage("b.GIF");
        assertEquals(core.cache.current.fileTypeAt(0), FILE_TYPES[2]);
      });
    }
  });
});
