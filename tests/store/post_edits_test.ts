import type { Database } from "@db/sqlite";
import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { setFavourite } from "../../src/store/favourites.ts";
import { readBlacklist, writeBlacklist } from "../../src/store/owner_settings.ts";
import { editPost, type PostEdit, readLastEdits } from "../../src/store/post_edits.ts";
import { withMigrated } from "../support/migrated.ts";

const NOTHING: PostEdit = {
  imageId: 1,
  add: [],
  remove: [],
  categories: [],
  source: null,
  fileSizeBytes: null,
  parent: null,
  pools: { join: [], leave: [], make: [] },
  isFavourite: null,
  editor: "owner",
};

const LIBRARY = {
  tags: [{ name: "solo" }, { name: "somebody" }, { name: "miku", category: "character" }],
  images: [
    { tags: ["solo", "somebody"], columns: { parent_id: 77 }, filepath: "a/1.PNG" },
    { tags: ["somebody"] },
    {},
  ],
};

function rows(db: Database, sql: string): unknown[] {
  return db.prepare(sql).values();
}

Deno.test("editPost() changes nothing that it is not told to change", async () => {
  await withMigrated(LIBRARY, (db) => {
    assertEquals(editPost(db, NOTHING), { added: [], removed: [] });
    assertEquals(rows(db, "SELECT count(*) FROM image_media"), [[0]]);
    assertEquals(rows(db, "SELECT count(*) FROM tag_edits"), [[0]]);
    assertEquals(rows(db, "SELECT parent_id FROM images WHERE id = 1"), [[77]]);
  });
});

Deno.test("editPost() writes every part, or nothing at all", async () => {
  await withMigrated(LIBRARY, (db) => {
    const change = editPost(db, {
      ...NOTHING,
      add: [{ name: "hat", category: null }],
      remove: ["solo"],
      source: "https://example.org/1",
      parent: { imageId: 2 },
      pools: { join: [], leave: [], make: ["New pool"] },
      isFavourite: true,
    });
    assertEquals(change, { added: ["hat"], removed: ["solo"] });
    assertEquals(rows(db, "SELECT file_ext, size_bytes, source_url FROM image_media"), [
      ["png", 0, "https://example.org/1"],
    ]);
    assertEquals(
      rows(db, "SELECT image_id_a, image_id_b, relation_type, source FROM image_relations"),
      [[2, 1, "parent_child", "manual"]],
    );
    assertEquals(rows(db, "SELECT name, image_id FROM pools JOIN pool_images ON id = pool_id"), [
      ["New pool", 1],
    ]);
    assertEquals(rows(db, "SELECT image_id FROM favourites"), [[1]]);
    assertEquals([...readLastEdits(db, [1, 2, 3]).keys()], [1]);
    const broken = () =>
      db.transaction(() =>
        editPost(db, {
          ...NOTHING,
          remove: ["hat"],
          pools: { join: [99], leave: [], make: [] },
        })
      ).immediate();
    assertEquals(assertThrows(broken, AppError).code, "not_found");
    assertEquals(rows(db, "SELECT count(*) FROM image_tags WHERE image_id = 1"), [[2]]);
  });
});

Deno.test("editPost() replaces a parent, and forgets the site's one when there is to be none", async () => {
  await withMigrated(LIBRARY, (db) => {
    editPost(db, { ...NOTHING, parent: { imageId: 2 } });
    editPost(db, { ...NOTHING, parent: { imageId: 3 } });
    assertEquals(rows(db, "SELECT image_id_a FROM image_relations"), [[3]]);
    assertEquals(rows(db, "SELECT parent_id FROM images WHERE id = 1"), [[77]]);
    editPost(db, { ...NOTHING, parent: { imageId: null } });
    assertEquals(rows(db, "SELECT image_id_a FROM image_relations"), []);
    assertEquals(rows(db, "SELECT parent_id FROM images WHERE id = 1"), [[null]]);
    const missing = () => editPost(db, { ...NOTHING, parent: { imageId: 99 } });
    assertEquals(assertThrows(missing, AppError).code, "bad_request");
  });
});

Deno.test("editPost() gives a general tag a category for all its images, and takes none away", async () => {
  await withMigrated(LIBRARY, (db) => {
    editPost(db, { ...NOTHING, categories: [{ name: "somebody", category: "artist" }] });
    assertEquals(rows(db, "SELECT tags_artist FROM images ORDER BY id"), [
      ["somebody"],
      ["somebody"],
      [null],
    ]);
    const other = () =>
      editPost(db, { ...NOTHING, categories: [{ name: "miku", category: "artist" }] });
    assertEquals(assertThrows(other, AppError).code, "conflict");
  });
});

Deno.test("editPost() clears a source, and keeps what is known of the file", async () => {
  await withMigrated(LIBRARY, (db) => {
    db.exec(
      `INSERT INTO image_media (image_id, file_ext, size_bytes, source_url) VALUES (1, 'gif', 5, 'x')`,
    );
    editPost(db, { ...NOTHING, source: "" });
    assertEquals(rows(db, "SELECT file_ext, size_bytes, source_url FROM image_media"), [
      ["gif", 5, null],
    ]);
  });
});

Deno.test("setFavourite() is the same done twice, and refuses an image that is not there", async () => {
  await withMigrated(LIBRARY, (db) => {
    for (let i = 0; i < 2; i++) setFavourite(db, { imageId: 2, isFavourite: true });
    assertEquals(rows(db, "SELECT image_id FROM favourites"), [[2]]);
    for (let i = 0; i < 2; i++) setFavourite(db, { imageId: 2, isFavourite: false });
    assertEquals(rows(db, "SELECT image_id FROM favourites"), []);
    const missing = () => setFavourite(db, { imageId: 9, isFavourite: true });
    assertEquals(assertThrows(missing, AppError).code, "not_found");
  });
});

Deno.test("readBlacklist() gives what writeBlacklist() wrote last", async () => {
  await withMigrated(LIBRARY, (db) => {
    assertEquals(readBlacklist(db), "");
    writeBlacklist(db, "guro\nspoilers");
    writeBlacklist(db, "guro");
    assertEquals(readBlacklist(db), "guro");
  });
});
