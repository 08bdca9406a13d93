import type { Database } from "@db/sqlite";
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { addImplication } from "../../src/store/implications.ts";
import { compareInBytes, KnownTags } from "../../src/store/known_tags.ts";
import {
  changeImageTags,
  changeTagsOfImages,
  type ImageTagChange,
  type TagOrigin,
  type WantedTag,
  writeTagDeltas,
} from "../../src/store/tags.ts";
import { type LibrarySpec, md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { rowsOf } from "../support/sample_library.ts";
import { runs } from "../support/tier.ts";

const NAMES = [
  "a",
  "b",
  "c",
  "implied",
  "other_name",
  "unsorted",
  "rating:general",
  "rating:explicit",
];
const IMAGES = [1, 2, 3, 4, 5];
const LIBRARY: LibrarySpec = {
  tags: [
    ...["a", "b", "c", "implied"].map((name) => ({ name, category: "general" })),
    { name: "unsorted", category: null },
  ],
  images: [["a"], ["b", "unsorted"], ["a", "b"], [], ["rating:general"]].map((tags) => ({ tags })),
};

/** Rules, and a person who took an implied tag away for good. */
function prepare(db: Database): void {
  addImplication(db, { source: "a", implied: "implied", status: "active" });
  db.exec(
    `INSERT INTO tag_aliases (antecedent, consequent, status, created_at_ms)
     VALUES ('other_name', 'b', 'active', 1)`,
  );
  writeTagDeltas(db, [{
    md5: md5Of(3),
    tag: { name: "implied", category: null },
    operation: "remove",
  }]);
}

function dump(db: Database): unknown[] {
  return [
    ...rowsOf(db, "SELECT name, category FROM tags ORDER BY name"),
    ...rowsOf(
      db,
      `SELECT image_id, name, source FROM image_tags JOIN tags ON tags.id = tag_id
       ORDER BY image_id, name`,
    ),
    ...rowsOf(db, "SELECT id, tags_artist, tags_general FROM images ORDER BY id"),
    ...rowsOf(db, "SELECT filepath, tags_all FROM images_fts ORDER BY filepath"),
    ...rowsOf(db, "SELECT subject, subject_id FROM change_log ORDER BY subject, subject_id"),
  ];
}

/** What `work` leaves and gives; the database is as before then. */
function tryOut<T>(db: Database, work: () => T): { result: T; rows: unknown[] } {
  db.exec("SAVEPOINT run; DELETE FROM change_log");
  try {
    return { result: work(), rows: dump(db) };
  } finally {
    db.exec("ROLLBACK TO run; RELEASE run");
  }
}

const wanted: fc.Arbitrary<WantedTag> = fc.record({
  name: fc.constantFrom(...NAMES),
  category: fc.constantFrom<WantedTag["category"]>(null, "general", "artist"),
}).map((tag) => tag.name.startsWith("rating:") ? { ...tag, category: "rating" } : tag);
const change = fc.record({
  add: fc.array(wanted, { maxLength: 3 }),
  remove: fc.array(fc.constantFrom(...NAMES), { maxLength: 2 }),
  origin: fc.constantFrom<TagOrigin>("original", "user", "ai_inference", "implication"),
});

Deno.test("changeTagsOfImages() does for several images what it does for each alone", async () => {
  await withMigrated(LIBRARY, (db) => {
    prepare(db);
    const changes = fc.shuffledSubarray(IMAGES, { minLength: 1 }).chain((imageIds) =>
      fc.tuple(
        ...imageIds.map((imageId): fc.Arbitrary<ImageTagChange> =>
          change.map((one) => ({ ...one, imageId }))
        ),
      )
    );
    const property = fc.property(changes, (several) => {
      const together = tryOut(db, () => changeTagsOfImages(db, several));
      const alone = tryOut(db, () => several.map((one) => changeImageTags(db, one.imageId, one)));
      assertEquals(together, alone);
    });
    fc.assert(property, { numRuns: runs(60, 2_000) });
  });
});

Deno.test("changeTagsOfImages() refuses an image that is given twice", async () => {
  await withMigrated(LIBRARY, (db) => {
    const one: ImageTagChange = { imageId: 1, add: [], remove: ["a"], origin: "user" };
    assertThrows(() => changeTagsOfImages(db, [one, one]), TypeError, "twice");
  });
});

Deno.test("changeImageTags() takes names of any text as they are", async () => {
  await withMigrated({ images: [{}] }, (db) => {
    const names = [
      '"quoted"',
      "back\\slash",
      "[1]",
      "\ufffd",
      "\u{1f600}",
      "tab\tname",
      "null",
      "7",
    ];
    const add = names.map((name) => ({ name, category: null }));
    assertEquals(changeImageTags(db, 1, { add, remove: [], origin: "user" }).added, names);
    const sorted = rowsOf<[string]>(db, "SELECT name FROM tags ORDER BY name").flat();
    assertEquals(sorted.toSorted(), names.toSorted());
    assertEquals(rowsOf(db, "SELECT tags_general FROM images"), [[sorted.join(" ")]]);
    assertEquals(changeImageTags(db, 1, { add: [], remove: names, origin: "user" }).removed, names);
    assertEquals(rowsOf(db, "SELECT tags_general FROM images"), [[""]]);
  });
});

Deno.test("an edit of an image without an entry for full text, or with several, leaves one", async () => {
  await withMigrated({ images: [{ tags: ["a"] }, { tags: ["a"] }, { tags: ["a"] }] }, (db) => {
    db.exec(
      "DELETE FROM images_fts WHERE rowid IN (SELECT id FROM images_fts_content WHERE c0 = ?)",
      [
        rowsOf<[string]>(db, "SELECT filepath FROM images WHERE id = 1")[0][0],
      ],
    );
    db.exec("INSERT INTO images_fts (filepath) SELECT filepath FROM images WHERE id = 2");
    const add = [{ name: "b", category: null }];
    changeTagsOfImages(
      db,
      [1, 2, 3].map((imageId) => ({ imageId, add, remove: [], origin: "user" })),
    );
    assertEquals(
      rowsOf(db, "SELECT filepath, tags_general FROM images_fts ORDER BY 1"),
      rowsOf(db, "SELECT filepath, tags_general FROM images ORDER BY 1"),
    );
    db.exec("INSERT INTO images_fts (images_fts) VALUES ('integrity-check')");
  });
});

Deno.test("compareInBytes() sorts as SQLite does", async () => {
  await withMigrated({}, (db) => {
    const units = [
      "a",
      "b",
      "\x7f",
      "\u0080",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "\u{1f600}",
    ];
    const text = fc.array(fc.constantFrom(...units), { maxLength: 4 }).map((list) => list.join(""));
    const sorted = db.prepare("SELECT value FROM json_each(?) ORDER BY value");
    const property = fc.property(fc.array(text), (texts) => {
      assertEquals(
        texts.toSorted(compareInBytes),
        sorted.values<[string]>(JSON.stringify(texts)).flat(),
      );
    });
    fc.assert(property, { numRuns: runs(100) });
  });
});

Deno.test("KnownTags reads a tag once, and again when it was changed", async () => {
  await withMigrated({ tags: [{ name: "b" }, { name: "a" }] }, (db) => {
    const tags = new KnownTags(db);
    const idOf = (name: string) =>
      rowsOf<[number]>(db, `SELECT id FROM tags WHERE name = '${name}'`)[0][0];
    const [a, b] = ["a", "b"].map(idOf);
    assertEquals(tags.sorted([b, a, 99]).map(({ name }) => name), ["a", "b"]);
    assertEquals([tags.idOf("c"), tags.get(99)], [undefined, undefined]);
    db.exec("INSERT INTO tags (name, category) VALUES ('c', 'artist')");
    assertEquals(tags.idOf("c"), undefined);
    const c = idOf("c");
    tags.forget(c, "c");
    assertEquals(tags.idsOf(["c", "nothing", "a"]), new Set([c, a]));
    assertEquals(tags.namesOf([c, 99, a]), ["c", "a"]);
    assertEquals(tags.sorted([c, b, a]).map(({ name }) => name), ["a", "b", "c"]);
  });
});
