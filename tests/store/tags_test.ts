import type { Database } from "@db/sqlite";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import {
  changeImageTags,
  editTags,
  ensureTag,
  readTagDeltas,
  type TagEdit,
  type TagOrigin,
  type WantedTag,
} from "../../src/store/tags.ts";
import type { TagCategory } from "../../src/tags/category.ts";
import { md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { runs } from "../support/tier.ts";

const COLUMNS = ["character", "copyright", "artist", "species", "meta", "general"];

function readTags(db: Database, imageId: number): string[] {
  return db.prepare(
    "SELECT name FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ? ORDER BY name",
  ).values<[string]>(imageId).flat();
}

/** Checks that `image_tags`, the `tags_*` columns and the full-text table say the same. */
function assertAgreement(db: Database): void {
  const images = db.prepare("SELECT * FROM images").all<Record<string, string | number | null>>();
  for (const image of images) {
    const links = db.prepare(
      `SELECT name, category FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ?`,
    ).values<[string, string | null]>(image.id);
    const expected = COLUMNS.map((column) => {
      const own = links.filter(([name, category]) =>
        category === column ||
        (category === null && column === "general" && !name.startsWith("rating:"))
      );
      return own.map(([name]) => name).sort();
    });
    const textOf = (name: string) => image[`tags_${name}`] as string | null;
    const stored = COLUMNS.map((name) =>
      (textOf(name) ?? "").split(" ").filter((tag) => tag !== "")
    );
    assertEquals(stored.map((names) => names.toSorted()), expected, `columns of ${image.id}`);
    const entry = db.prepare(
      `SELECT ${
        COLUMNS.map((name) => `tags_${name}`)
      }, tags_all FROM images_fts WHERE filepath = ?`,
    ).values<string[]>(image.filepath);
    assertEquals(entry.length, 1, `one full-text entry of ${image.id}`);
    const texts = COLUMNS.map((name) => textOf(name) ?? "");
    assertEquals(entry[0], [...texts, texts.join(" ")]);
    const ratings = links.filter(([name]) => name.startsWith("rating:"));
    assert(ratings.length <= 1, `one rating of ${image.id}`);
  }
}

const names = fc.constantFrom("a", "b", "c", "d", "old_null", "rating:general", "rating:explicit");
const categories = fc.constantFrom<TagCategory | null>(null, "general", "artist", "character");
const wanted: fc.Arbitrary<WantedTag> = fc.record({ name: names, category: categories })
  .map((tag) => tag.name.startsWith("rating:") ? { ...tag, category: "rating" } : tag);
const change = fc.record({
  image: fc.constantFrom(1, 2, 3),
  add: fc.array(wanted, { maxLength: 4 }),
  remove: fc.array(names, { maxLength: 3 }),
  origin: fc.constantFrom<TagOrigin>("original", "user", "ai_inference", "implication"),
});

Deno.test("changeImageTags() keeps links, columns and full text in agreement", async () => {
  const library = {
    tags: [{ name: "old_null", category: null }, { name: "unused", category: null }],
    images: [{ tags: ["old_null"], columns: { tags_general: "old_null" } }, {}, {}],
  };
  await withMigrated(library, (db) => {
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      db.exec("SAVEPOINT run");
      try {
        for (const { image, ...rest } of changes) {
          const before = readTags(db, image);
          const { added, removed } = changeImageTags(db, image, rest);
          const after = readTags(db, image);
          const really = new Set([...before.filter((name) => !removed.includes(name)), ...added]);
          assertEquals(new Set(after), really, "it tells what it changed");
          assertAgreement(db);
        }
      } finally {
        db.exec("ROLLBACK TO run; RELEASE run");
      }
    });
    fc.assert(property, { numRuns: runs(60, 2_000) });
  });
});

Deno.test("changeImageTags() lets a rating replace the others, the last of several", async () => {
  await withMigrated({ images: [{ tags: ["x"] }] }, (db) => {
    const rate = (...ratings: string[]) =>
      changeImageTags(db, 1, {
        add: ratings.map((rating) => ({ name: `rating:${rating}`, category: "rating" as const })),
        remove: [],
        origin: "user",
      });
    assertEquals(rate("general").added, ["rating:general"]);
    assertEquals(rate("explicit"), { added: ["rating:explicit"], removed: ["rating:general"] });
    assertEquals(rate("general", "sensitive").added, ["rating:sensitive"]);
    assertEquals(readTags(db, 1), ["rating:sensitive", "x"]);
    assertEquals(rate("sensitive"), { added: [], removed: [] });
  });
});

Deno.test("changeImageTags() records who says so", async () => {
  await withMigrated({ images: [{ tags: ["old"] }] }, (db) => {
    changeImageTags(db, 1, {
      add: [{ name: "old", category: null }, { name: "new", category: "artist" }],
      remove: [],
      origin: "ai_inference",
    });
    const sources = db.prepare(
      "SELECT name, source FROM image_tags JOIN tags ON tags.id = tag_id ORDER BY name",
    ).values();
    assertEquals(sources, [["new", "ai_inference"], ["old", "original"]]);
  });
});

Deno.test("ensureTag() finds, makes and categorises", async () => {
  const tags = [{ name: "known", category: "artist" }, { name: "bare", category: null }];
  await withMigrated({ tags, images: [{ tags: ["bare"] }] }, (db) => {
    const categoryOf = (id: number) =>
      db.prepare("SELECT category FROM tags WHERE id = ?").value<[string]>(id)?.[0];
    const table: [WantedTag, string][] = [
      [{ name: "known", category: "general" }, "artist"],
      [{ name: "known", category: null }, "artist"],
      [{ name: "fresh", category: null }, "general"],
      [{ name: "miku", category: "character" }, "character"],
      [{ name: "rating:general", category: null }, "rating"],
      [{ name: "rating:explicit", category: "meta" }, "rating"],
      [{ name: "bare", category: "meta" }, "meta"],
    ];
    for (const [tag, category] of table) {
      assertEquals(categoryOf(ensureTag(db, tag)), category, tag.name);
    }
    assertAgreement(db);
  });
});

function editOf(edit: Partial<TagEdit>): TagEdit {
  return { imageId: 1, add: [], remove: [], editor: "owner", expectedTags: null, ...edit };
}

Deno.test("editTags() writes tags, the lasting edit and the history", async () => {
  await withMigrated({ images: [{ tags: ["a", "b"] }] }, (db) => {
    const edit = editOf({
      add: [{ name: "c", category: "artist" }, { name: "a", category: null }],
      remove: ["b", "never there"],
    });
    assertEquals(editTags(db, edit), { added: ["c"], removed: ["b"] });
    assertEquals(readTags(db, 1), ["a", "c"]);
    assertEquals(readTagDeltas(db, md5Of(1)), {
      add: [{ name: "c", category: "artist" }],
      remove: ["b"],
    });
    const history = db.prepare("SELECT image_id, image_md5, editor, added, removed FROM tag_edits");
    assertEquals(history.values(), [[1, md5Of(1), "owner", '["c"]', '["b"]']]);
    editTags(db, edit);
    assertEquals(history.values().length, 1, "an edit that changes nothing is none");
    editTags(db, editOf({ add: [{ name: "b", category: null }], remove: ["c"] }));
    assertEquals(readTagDeltas(db, md5Of(1)), {
      add: [{ name: "b", category: null }],
      remove: ["c"],
    });
    assertAgreement(db);
  });
});

Deno.test("editTags() refuses an image that is gone or was changed meanwhile", async () => {
  await withMigrated({ images: [{ tags: ["a", "b"] }] }, (db) => {
    const codeOf = (edit: Partial<TagEdit>) =>
      assertThrows(() => editTags(db, editOf({ remove: ["a"], ...edit })), AppError).code;
    assertEquals(codeOf({ imageId: 9 }), "not_found");
    for (const expectedTags of [[], ["a"], ["a", "c"], ["a", "b", "c"]]) {
      assertEquals(codeOf({ expectedTags }), "precondition_failed");
    }
    assertEquals(readTags(db, 1), ["a", "b"]);
    assertEquals(editTags(db, editOf({ remove: ["a"], expectedTags: ["b", "a"] })).removed, ["a"]);
  });
});

Deno.test("editTags() refuses a known tag in another category", async () => {
  const tags = [{ name: "miku", category: "character" }];
  await withMigrated({ tags, images: [{}] }, (db) => {
    const add: WantedTag[] = [{ name: "fine", category: null }, {
      name: "miku",
      category: "artist",
    }];
    const error = assertThrows(() => editTags(db, editOf({ add })), AppError, "miku");
    assertEquals(error.code, "conflict");
    assertEquals(readTags(db, 1), []);
    assertEquals(editTags(db, editOf({ add: [{ name: "miku", category: null }] })).added, ["miku"]);
  });
});

Deno.test("readTagDeltas() lets the newest of an addition and a removal win", async () => {
  await withMigrated({}, (db) => {
    const insert = db.prepare(
      `INSERT INTO tag_deltas (image_md5, tag_name, tag_category, operation, timestamp)
       VALUES ('m', ?, ?, ?, ?)`,
    );
    insert.run("one", "artist", "add", "2024-01-02 00:00:00");
    insert.run("one", null, "remove", "2024-01-01 00:00:00");
    insert.run("two", null, "add", "2024-01-01 00:00:00");
    insert.run("two", null, "remove", "2024-01-01 00:00:00");
    insert.run("three", "no such category", "add", "2024-01-01 00:00:00");
    const { add, remove } = readTagDeltas(db, "m");
    assertEquals(add.toSorted((a, b) => a.name < b.name ? -1 : 1), [
      { name: "one", category: "artist" },
      { name: "three", category: null },
    ]);
    assertEquals(remove, ["two"]);
    assertEquals(readTagDeltas(db, "other"), { add: [], remove: [] });
  });
});
