import type { Database } from "@db/sqlite";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Core, openCore } from "../../src/library/core.ts";
import { prepareDatabase } from "../../src/store/migrate.ts";
import { applyEdits, editsArbitrary } from "../support/edit_arbitrary.ts";
import { assertSameAsSql } from "../support/sql_oracle.ts";
import { libraryArbitrary } from "../support/library_arbitrary.ts";
import {
  buildLibrary,
  fillLibrary,
  type LibrarySpec,
  openDatabase,
} from "../support/library_builder.ts";
import { withTempDir } from "../support/temp.ts";
import { runs } from "../support/tier.ts";

/** One core and one writing connection over one database, whose rows each random case replaces. */
type Bench = { core: Core; db: Database };

async function withBareCore(test: (bench: Bench) => Promise<void>): Promise<void> {
  await withTempDir(async (dir) => {
    buildLibrary(`${dir}/booru.db`, {}, "bare");
    await withCore(`${dir}/booru.db`, test);
  });
}

async function withCore(path: string, test: (bench: Bench) => Promise<void>): Promise<void> {
  const core = await openCore({ database: path });
  const db = openDatabase(path);
  try {
    await test({ core, db });
  } finally {
    db.close();
    await core.close();
  }
}

function replaceLibrary(db: Database, library: LibrarySpec): void {
  db.transaction(() => {
    db.exec("DELETE FROM image_tags; DELETE FROM raw_metadata");
    db.exec("DELETE FROM images; DELETE FROM tags");
    fillLibrary(db, library);
  }).immediate();
}

Deno.test("openCore() over bare tables answers what SQL answers", async () => {
  await withBareCore(async ({ core, db }) => {
    const property = fc.asyncProperty(libraryArbitrary, async (library) => {
      replaceLibrary(db, library);
      await core.cache.loadDataFromDb({ verbose: false });
      assertSameAsSql(core, db);
    });
    await fc.assert(property, { numRuns: runs(12) });
  });
});

/** Path → all that is known of its image, and the tag table, to see what edits touched. */
function readTouchable(db: Database) {
  const rows = db.prepare(
    `SELECT filepath, json_array(id, md5, image_width, image_height, score, fav_count, parent_id,
       ingested_at, (SELECT json_group_array(tags.id) FROM image_tags JOIN tags ON tags.id = tag_id
         WHERE image_id = images.id),
       (SELECT hex(data) FROM raw_metadata WHERE image_id = id)) FROM images`,
  ).values<[string, string]>();
  const read = (sql: string) => JSON.stringify(db.prepare(sql).values());
  return {
    images: new Map(rows),
    tags: read("SELECT id, name, category FROM tags"),
    ratings: read("SELECT id, name FROM tags WHERE name LIKE 'rating:%'"),
  };
}

/** Tells a core without a change log what was edited, as a program that edits does. */
async function tellEdits({ core, db }: Bench, before: ReturnType<typeof readTouchable>) {
  const after = readTouchable(db);
  const paths = new Set([...before.images.keys(), ...after.images.keys()]);
  const told = [...paths].filter((path) => before.images.get(path) !== after.images.get(path))
    .map((path, i) =>
      after.images.has(path) || i % 2 === 0
        ? core.cache.reloadSingleImage(path)
        : core.cache.removeImageFromCache(path)
    );
  // A name that becomes a rating, or was one, changes images that nobody edited.
  if (before.ratings !== after.ratings) told.push(core.cache.invalidateTagCache());
  else if (before.tags !== after.tags) told.push(core.tagIds.reload());
  await Promise.all(told);
}

Deno.test("single edits over bare tables answer what SQL answers, also during a load", async () => {
  await withBareCore(async ({ core, db }) => {
    const edits = editsArbitrary({ hasRatings: false });
    const rounds = fc.array(fc.tuple(edits, fc.boolean(), fc.boolean()), {
      minLength: 1,
      maxLength: 4,
    });
    const property = fc.asyncProperty(libraryArbitrary, rounds, async (library, rounds) => {
      replaceLibrary(db, library);
      await core.cache.loadDataFromDb({ verbose: false });
      for (const [edits, isDuringLoad, foreignKeys] of rounds) {
        const view = core.cache.getImageData();
        const earlier = JSON.stringify([...view]);
        const before = readTouchable(db);
        if (isDuringLoad) core.cache.triggerCacheReloadAsync();
        applyEdits(db, edits, { foreignKeys });
        await tellEdits({ core, db }, before);
        assertSameAsSql(core, db);
        await core.cache.settled();
        assertSameAsSql(core, db);
        assertEquals(JSON.stringify([...view]), earlier, "a view changed");
      }
    });
    await fc.assert(property, { numRuns: runs(12) });
  });
});

/** Ways to bring a core with a change log up to date. */
const WAYS: Record<string, (core: Core) => Promise<unknown> | null> = {
  catchUp: ({ cache }) => cache.catchUp(),
  poll: (core) => core.poll(),
  reloadTagCounts: ({ cache }) => cache.reloadTagCounts(),
  invalidateTagCache: ({ cache }) => cache.invalidateTagCache(),
  loadDataFromDb: ({ cache }) => cache.loadDataFromDb({ verbose: false }),
  pollDuringLoad: async (core) => {
    core.cache.triggerCacheReloadAsync();
    await core.poll();
    await core.cache.settled();
  },
};

Deno.test("the change log brings every edit by SQL into the cache", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    await prepareDatabase(path, `${dir}/backup.db`);
    await withCore(path, async ({ core, db }) => {
      const rounds = fc.array(
        fc.tuple(
          editsArbitrary({ hasRatings: true }),
          fc.constantFrom(...Object.keys(WAYS)),
          fc.boolean(),
          fc.boolean(),
        ),
        { minLength: 1, maxLength: 4 },
      );
      const property = fc.asyncProperty(libraryArbitrary, rounds, async (library, rounds) => {
        replaceLibrary(db, library);
        await core.cache.loadDataFromDb({ verbose: false });
        for (const [edits, way, isDuringLoad, foreignKeys] of rounds) {
          const view = core.cache.getImageData();
          const earlier = JSON.stringify([...view]);
          if (isDuringLoad) core.cache.triggerCacheReloadAsync();
          applyEdits(db, edits, { foreignKeys });
          await WAYS[way](core);
          assertSameAsSql(core, db);
          await core.cache.settled();
          assertSameAsSql(core, db);
          assertEquals(JSON.stringify([...view]), earlier, "a view changed");
        }
      });
      await fc.assert(property, { numRuns: runs(12) });
    });
  });
});
