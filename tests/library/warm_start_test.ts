import { assertEquals } from "@std/assert";
import { type Core, openCore } from "../../src/library/core.ts";
import { openDatabase } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { fullTierTest } from "../support/tier.ts";

/** As many images as make a snapshot file worth its while. */
const IMAGES = 10_000;

const FILL = `
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${IMAGES})
  INSERT INTO images (id, filepath, md5) SELECT i, i || '.png', printf('%032x', i) FROM n;
  INSERT INTO tags (id, name) VALUES (1, 'all'), (2, 'even'), (3, 'rating:explicit');
  INSERT INTO image_tags (image_id, tag_id) SELECT id, 1 FROM images;
  INSERT INTO image_tags (image_id, tag_id) SELECT id, 2 FROM images WHERE id % 2 = 0;
  INSERT INTO raw_metadata (image_id, data)
    SELECT id, json_object('sources', json_object('danbooru', json_object('id', id + 7)))
    FROM images WHERE id % 100 = 0;
  DELETE FROM change_log;`;

/** Loads as a server does at its start, and says what it read. */
async function withCore<T>(
  database: string,
  test: (core: Core, loadedFrom: string[]) => T | Promise<T>,
): Promise<T> {
  const core = await openCore({ database, snapshot: `${database}.snapshot` });
  const loadedFrom: string[] = [];
  core.events.on("swapped", (event) => void loadedFrom.push(event.loadedFrom));
  try {
    await core.cache.loadDataFromDb({ verbose: false, isWarm: true });
    return await test(core, loadedFrom);
  } finally {
    await core.close();
  }
}

function edit(path: string, sql: string): void {
  const db = openDatabase(path);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

Deno.test("a start goes on from the snapshot file, with what was committed since", () =>
  withMigrated({}, async (db, path) => {
    db.exec(FILL);
    await withCore(path, (_, loadedFrom) => assertEquals(loadedFrom, ["database"]));
    edit(
      path,
      `DELETE FROM images WHERE id = 10;
       INSERT INTO images (filepath, md5) VALUES ('new.png', 'ffffffffffffffffffffffffffffffff');
       INSERT INTO tags (name, category) VALUES ('fresh', 'meta');
       INSERT INTO image_tags (image_id, tag_id) SELECT ${IMAGES} + 1, id FROM tags WHERE name = 'fresh';
       UPDATE tags SET name = 'pair' WHERE name = 'even';`,
    );
    await withCore(path, ({ cache, tagIds }, loadedFrom) => {
      assertEquals(loadedFrom, ["snapshot"]);
      assertEquals(cache.getImageData().length, IMAGES);
      assertEquals(cache.getImageTagsAsString("new.png"), "fresh");
      assertEquals(cache.getImageTagsAsString("12.png"), "all pair");
      assertEquals(cache.getImageTagCount("10.png"), 0);
      assertEquals(cache.getTagCounts().get(tagIds.getId("pair")!), IMAGES / 2 - 1);
      assertEquals(cache.getMd5ByPostId(207), (200).toString(16).padStart(32, "0"));
    });
  }));

Deno.test("a reload reads the database, not the snapshot file", () =>
  withMigrated({}, async (db, path) => {
    db.exec(FILL);
    await withCore(path, () => {});
    await withCore(path, async ({ cache }, loadedFrom) => {
      await cache.loadDataFromDb({ verbose: false });
      assertEquals(loadedFrom, ["snapshot", "database"]);
    });
  }));

Deno.test("a tag that became a rating since the snapshot changes the ratings of its images", () =>
  withMigrated({}, async (db, path) => {
    db.exec(FILL);
    await withCore(path, () => {});
    edit(path, "UPDATE tags SET name = 'rating:questionable' WHERE name = 'even'");
    await withCore(path, async ({ cache }, loadedFrom) => {
      await cache.settled();
      assertEquals(loadedFrom, ["snapshot", "database"]);
      assertEquals(cache.current.ratingAt(cache.current.rowOfId(2)!), "questionable");
    });
  }));

fullTierTest(
  "a damaged snapshot file, or another library's, costs a full load and nothing else",
  () =>
    withMigrated({}, async (db, path) => {
      db.exec(FILL);
      await withCore(path, () => {});
      const whole = await Deno.readFile(`${path}.snapshot`);
      const damages: ((bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>)[] = [
        (bytes) => bytes.slice(0, bytes.length / 2),
        (bytes) => {
          bytes[bytes.length - 100_000] ^= 1;
          return bytes;
        },
        () => new TextEncoder().encode("not a snapshot at all"),
        () => new Uint8Array(),
      ];
      for (const damage of damages) {
        await Deno.writeFile(`${path}.snapshot`, damage(whole.slice()));
        await withCore(path, ({ cache }, loadedFrom) => {
          assertEquals(loadedFrom, ["database"]);
          assertEquals(cache.current.length, IMAGES);
        });
      }
      edit(path, "UPDATE library_state SET value = 'another' WHERE key = 'library_id'");
      await withCore(path, (_, loadedFrom) => assertEquals(loadedFrom, ["database"]));
    }),
);

Deno.test("a snapshot file that cannot be written costs the next start its speed and nothing else", () =>
  withMigrated({}, async (db, path) => {
    db.exec(FILL);
    await Deno.mkdir(`${path}.snapshot.new`);
    for (let start = 0; start < 2; start++) {
      await withCore(path, ({ cache }, loadedFrom) => {
        assertEquals(loadedFrom, ["database"]);
        assertEquals(cache.current.length, IMAGES);
      });
    }
  }));
