import type { Database } from "@db/sqlite";
import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { CATEGORY_CHANGE_IMAGES_MAX } from "../../src/base/limits.ts";
import { mergeFullText, withPutOffMerges } from "../../src/store/full_text_batches.ts";
import { isEditUndone } from "../../src/store/read_history.ts";
import { writeTagColumns } from "../../src/store/tag_columns.ts";
import { changeImageTags, editTags, readTagDeltas } from "../../src/store/tags.ts";
import type { TagEdit, WantedTag } from "../../src/store/tags.ts";
import { undoEdit, type UndoOutcome } from "../../src/store/undo.ts";
import { md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { fullTierTest } from "../support/tier.ts";

function edit(db: Database, change: Partial<TagEdit>): number {
  editTags(db, { imageId: 1, add: [], remove: [], editor: "o", expectedTags: null, ...change });
  return db.prepare("SELECT max(id) FROM tag_edits").value<[number]>()![0];
}

function add(...names: string[]): WantedTag[] {
  return names.map((name) => ({ name, category: null }));
}

function undo(db: Database, editId: number): UndoOutcome {
  return undoEdit(db, { editId, editor: "o" });
}

function tagsOf(db: Database, imageId = 1): [string, string][] {
  return db.prepare(
    `SELECT name, source FROM image_tags JOIN tags ON tags.id = tag_id
     WHERE image_id = ? ORDER BY name`,
  ).values<[string, string]>(imageId);
}

Deno.test("undoEdit() gives tags back with the origin that they had", async () => {
  await withMigrated({ images: [{}] }, (db) => {
    for (const origin of ["original", "ai_inference", "user"] as const) {
      changeImageTags(db, 1, { add: add(`by_${origin}`), remove: [], origin });
    }
    const start = tagsOf(db);
    const id = edit(db, { remove: start.map(([name]) => name) });
    assertEquals(tagsOf(db), []);
    assertEquals(undo(db, id).added, start.map(([name]) => name));
    assertEquals(tagsOf(db), start);
    assertEquals(readTagDeltas(db, md5Of(1)), { add: [], remove: [] });
  });
});

Deno.test("undoEdit() makes a tag anew that nobody has any more, in its category", async () => {
  const tags = [{ name: "miku", category: "character" }];
  await withMigrated({ tags, images: [{ tags: ["miku"] }] }, (db) => {
    const id = edit(db, { remove: ["miku"] });
    db.exec("DELETE FROM tags WHERE name = 'miku'");
    undo(db, id);
    assertEquals(db.prepare("SELECT tags_character FROM images").value(), ["miku"]);
  });
});

Deno.test("undoEdit() leaves the rating that somebody gave since", async () => {
  await withMigrated({ images: [{ tags: ["rating:general"] }] }, (db) => {
    const id = edit(db, { add: add("rating:explicit") });
    edit(db, { add: add("rating:sensitive") });
    assertEquals(undo(db, id).kept, ["the tag rating:explicit", "the tag rating:general"]);
    assertEquals(tagsOf(db).map(([name]) => name), ["rating:sensitive"]);
  });
});

Deno.test("undoEdit() takes the category back that a tag got by being named with it", async () => {
  const tags = [{ name: "somebody", category: null }];
  await withMigrated({ tags, images: [{}, { tags: ["somebody"] }] }, (db) => {
    writeTagColumns(db, [2]);
    const categoryOf = (name: string) =>
      db.prepare("SELECT category FROM tags WHERE name = ?").value(name);
    const id = edit(db, { add: [{ name: "somebody", category: "artist" }] });
    assertEquals(categoryOf("somebody"), ["artist"]);
    const again = undo(db, id);
    assertEquals([categoryOf("somebody"), again.kept], [[null], []]);
    const columns = db.prepare("SELECT tags_artist, tags_general FROM images WHERE id = 2");
    assertEquals(columns.value(), ["", "somebody"]);
    undo(db, again.editId);
    assertEquals([categoryOf("somebody"), columns.value()], [["artist"], ["somebody", ""]]);
  });
});

fullTierTest(
  "undoEdit() tells a category that too many images have to be changed back",
  async () => {
    const tags = [{ name: "other", category: null }];
    const images = Array.from({ length: CATEGORY_CHANGE_IMAGES_MAX }, () => ({ tags: ["other"] }));
    await withMigrated({ tags, images: [{}, {}, ...images] }, (db) => {
      const many = edit(db, { add: [{ name: "other", category: "artist" }] });
      edit(db, { imageId: 2, add: add("other") });
      assertEquals(undo(db, many).kept, ["the category of other"]);
      const category = db.prepare("SELECT category FROM tags WHERE name = 'other'").value();
      assertEquals(category, ["artist"]);
    });
  },
);

Deno.test("undoEdit() understands edits of a time when less was written down", async () => {
  await withMigrated({ images: [{ tags: ["a"] }] }, (db) => {
    const id = edit(db, { add: add("b"), remove: ["a"] });
    db.exec("UPDATE tag_edits SET detail = NULL, tags_before = NULL");
    undo(db, id);
    assertEquals(tagsOf(db), [["a", "user"]]);
    assertEquals(readTagDeltas(db, md5Of(1)), { add: add("a"), remove: ["b"] });
  });
});

Deno.test("undoEdit() finds a content that came back under another number, and says what is gone", async () => {
  await withMigrated({ images: [{ tags: ["a"] }, {}] }, (db) => {
    const id = edit(db, { add: add("b") });
    const other = edit(db, { imageId: 2, add: add("b") });
    db.exec("DELETE FROM images WHERE id = 2");
    db.exec("INSERT INTO images (id, filepath, md5) VALUES (50, 'back.jpg', ?)", md5Of(2));
    db.exec("INSERT INTO image_tags SELECT 50, id, 'user' FROM tags WHERE name = 'b'");
    assertEquals([undo(db, other).imageId, tagsOf(db, 50)], [50, []]);
    db.exec("DELETE FROM images WHERE id = 1");
    const error = assertThrows(() => undo(db, id), AppError, "no image 1 any more");
    assertEquals(error.code, "conflict");
    assertEquals(assertThrows(() => undo(db, 99), AppError).code, "not_found");
  });
});

Deno.test("isEditUndone() follows undos of undos however long they go on", async () => {
  await withMigrated({ images: [{}] }, (db) => {
    const id = edit(db, { add: add("a") });
    let last = id;
    for (let i = 1; i <= 9; i++) {
      last = undo(db, last).editId;
      assertEquals(isEditUndone(db, id), i % 2 === 1);
      assertEquals(tagsOf(db).length, i % 2 === 1 ? 0 : 1);
      assertThrows(() => undo(db, last - 1), AppError, "undone already");
    }
  });
});

Deno.test("withPutOffMerges() leaves the settings as they were, and nothing is lost", async () => {
  const images = Array.from({ length: 300 }, () => ({}));
  await withMigrated({ images }, (db) => {
    const settings = () =>
      db.prepare("SELECT k, v FROM images_fts_config WHERE k LIKE '%merge' ORDER BY k").values();
    db.exec("INSERT INTO images_fts (images_fts, rank) VALUES ('crisismerge', 12)");
    for (let i = 0; i < 20; i++) {
      db.transaction(() =>
        withPutOffMerges(db, () => {
          for (let id = 1; id <= 300; id += 7) edit(db, { imageId: id, add: add(`tag_${i}`) });
        })
      ).immediate();
    }
    assertEquals(settings(), [["automerge", 4], ["crisismerge", 12]]);
    const segments = () =>
      db.prepare("SELECT count(DISTINCT segid) FROM images_fts_idx").value<[number]>()![0];
    const before = segments();
    for (let i = 0; mergeFullText(db); i++) if (i > 1_000) throw new Error("it never ends");
    assertEquals([before > 16, segments() < before], [true, true]);
    const found = db.prepare("SELECT count(*) FROM images_fts WHERE images_fts MATCH 'tag_7'");
    assertEquals(found.value(), [43]);
    db.exec("INSERT INTO images_fts (images_fts) VALUES ('integrity-check')");
    const failing = () =>
      db.transaction(() =>
        withPutOffMerges(db, () => {
          throw new Error("no");
        })
      ).immediate();
    assertThrows(failing, Error, "no");
    assertEquals(settings(), [["automerge", 4], ["crisismerge", 12]]);
  });
});
