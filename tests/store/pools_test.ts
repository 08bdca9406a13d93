import type { Database } from "@db/sqlite";
import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { deletePool, findPoolByName, savePool, setInPool } from "../../src/store/pools.ts";
import { withMigrated } from "../support/migrated.ts";

const IMAGES = { images: [{}, {}, {}] };
const NOTHING = { id: null, name: null, description: null, imageIds: null };

/** Name, description and images in reading order of every pool. */
function poolsOf(db: Database): [string, string, number[]][] {
  return db.prepare("SELECT id, name, description FROM pools ORDER BY id")
    .values<[number, string, string]>().map(([id, name, description]) => [
      name,
      description,
      db.prepare("SELECT image_id FROM pool_images WHERE pool_id = ? ORDER BY sort_order")
        .values<[number]>(id).flat(),
    ]);
}

function codeOf(run: () => unknown): string {
  return assertThrows(run, AppError).code;
}

Deno.test("savePool() makes a pool, and changes only what is named", async () => {
  await withMigrated(IMAGES, (db) => {
    const id = savePool(db, { ...NOTHING, name: "My pool", imageIds: [3, 1, 3, 2] });
    assertEquals(poolsOf(db), [["My pool", "", [3, 1, 2]]]);
    savePool(db, { ...NOTHING, id, description: "about it" });
    assertEquals(poolsOf(db), [["My pool", "about it", [3, 1, 2]]]);
    savePool(db, { ...NOTHING, id, name: "my POOL", imageIds: [2] });
    assertEquals(poolsOf(db), [["my POOL", "about it", [2]]]);
    savePool(db, { ...NOTHING, id, imageIds: [] });
    assertEquals(poolsOf(db), [["my POOL", "about it", []]]);
  });
});

Deno.test("savePool() refuses names that a search takes for another pool, and images that are not there", async () => {
  await withMigrated(IMAGES, (db) => {
    savePool(db, { ...NOTHING, name: "Blue hair" });
    assertEquals(codeOf(() => savePool(db, { ...NOTHING, name: "blue_HAIR" })), "conflict");
    assertEquals(codeOf(() => savePool(db, NOTHING)), "bad_request");
    assertEquals(codeOf(() => savePool(db, { ...NOTHING, id: 7, name: "x" })), "not_found");
    const missing = () => savePool(db, { ...NOTHING, id: 1, imageIds: [1, 99] });
    assertEquals(codeOf(missing), "bad_request");
    assertEquals(findPoolByName(db, "BLUE hair"), 1);
    assertEquals(findPoolByName(db, "blue"), undefined);
  });
});

Deno.test("setInPool() puts an image behind the last one, once, and takes it out", async () => {
  await withMigrated(IMAGES, (db) => {
    const poolId = savePool(db, { ...NOTHING, name: "p", imageIds: [2] });
    for (const imageId of [3, 1, 3]) setInPool(db, { poolId, imageId, isIn: true });
    assertEquals(poolsOf(db)[0][2], [2, 3, 1]);
    for (let i = 0; i < 2; i++) setInPool(db, { poolId, imageId: 3, isIn: false });
    assertEquals(poolsOf(db)[0][2], [2, 1]);
    assertEquals(codeOf(() => setInPool(db, { poolId: 9, imageId: 1, isIn: true })), "not_found");
  });
});

Deno.test("deletePool() removes a pool and leaves its images", async () => {
  await withMigrated(IMAGES, (db) => {
    const id = savePool(db, { ...NOTHING, name: "p", imageIds: [1, 2] });
    deletePool(db, id);
    assertEquals(poolsOf(db), []);
    assertEquals(db.prepare("SELECT count(*) FROM pool_images").value(), [0]);
    assertEquals(db.prepare("SELECT count(*) FROM images").value(), [3]);
    assertEquals(codeOf(() => deletePool(db, id)), "not_found");
  });
});
