import type { Database } from "@db/sqlite";
import { assert, assertEquals } from "@std/assert";
import { runOperationBatch, startBulkEdit, startUndo } from "../../src/store/bulk_edit.ts";
import { setFavourite } from "../../src/store/favourites.ts";
import { editPost, type PostEdit } from "../../src/store/post_edits.ts";
import { isEditUndone, readEdit } from "../../src/store/read_history.ts";
import { TAG_COLUMN_NAMES, writeTagColumns } from "../../src/store/tag_columns.ts";
import { editTags } from "../../src/store/tags.ts";
import { undoEdit } from "../../src/store/undo.ts";
import { md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { NaiveHistory } from "../support/naive_history.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { runs } from "../support/tier.ts";

const NAMES = ["a", "b", "c", "d", "new_1", "new_2", "rating:general", "rating:explicit"];
const LIBRARY = {
  tags: [
    { name: "a" },
    { name: "b", category: "artist" },
    { name: "c", category: null },
    { name: "d" },
    { name: "rating:general", category: "rating" },
    { name: "rating:explicit", category: "rating" },
  ],
  images: [
    { tags: ["a", "b", "rating:general"], columns: { parent_id: 77 } },
    { tags: ["a", "c"] },
    { tags: ["rating:explicit", "d"] },
    { tags: [] },
  ],
  pools: [{ name: "one", images: [1, 2, 3] }, { name: "two", images: [3] }],
  favourites: [[2, "2020-01-02 03:04:05"]] as [number, string][],
  relations: [[3, 2, "parent_child"]] as [number, number, string][],
};
const IMAGES = [1, 2, 3, 4];

/** Everything that edits change, as text; of tags that edits made only whether anybody has them. */
function dump(db: Database): string[] {
  const queries = [
    `SELECT 'tag', image_id, name, coalesce(source, '') FROM image_tags
     JOIN tags ON tags.id = tag_id`,
    "SELECT 'word', id, image_md5, tag_name, tag_category, operation, timestamp FROM tag_deltas",
    "SELECT 'category', name, category FROM tags WHERE name NOT LIKE 'new%'",
    `SELECT 'image', id, parent_id, ${TAG_COLUMN_NAMES.join(", ")} FROM images`,
    `SELECT 'text', filepath, tags_all, ${TAG_COLUMN_NAMES.join(", ")} FROM images_fts`,
    "SELECT 'pool', pool_id, image_id, sort_order FROM pool_images",
    "SELECT 'favourite', image_id, created_at FROM favourites",
    "SELECT 'source', image_id, source_url FROM image_media WHERE source_url NOT NULL",
    `SELECT 'relation', image_id_a, image_id_b, relation_type, source, created_at
     FROM image_relations`,
  ];
  return queries.flatMap((sql) =>
    db.prepare(sql).values().map((row) => JSON.stringify(row)).sort()
  );
}

/** The same tags, origins and lasting words, and columns that agree with them. */
function assertSame(db: Database, naive: NaiveHistory, label: string): void {
  for (const [id, image] of naive.images) {
    const tags = db.prepare(
      "SELECT name, source FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ?",
    ).values<[string, string]>(id);
    assertEquals(new Map(tags.sort()), new Map([...image.tags].sort()), `${label}: tags of ${id}`);
    const words = db.prepare("SELECT tag_name, operation FROM tag_deltas WHERE image_md5 = ?")
      .values<[string, string]>(md5Of(id));
    const expected = [...image.words].map(([name, { operation }]) => [name, operation]);
    assertEquals(words.sort(), expected.sort(), `${label}: lasting words on ${id}`);
  }
  const columns = TAG_COLUMN_NAMES.map((name) => `images.${name}`).join(" || ' ' || ");
  for (const [id, own, full] of readTexts(db, columns)) {
    const names = [...naive.images.get(id)!.tags.keys()].filter((name) => !/^rating:/.test(name));
    const sorted = (text: string) => text.split(" ").filter((name) => name !== "").sort();
    assertEquals([sorted(own), sorted(full)], [names.sort(), names.sort()], `${label}: texts`);
  }
}

function readTexts(db: Database, columns: string): [number, string, string][] {
  return db.prepare(
    `SELECT images.id, ${columns}, tags_all FROM images JOIN images_fts USING (filepath)`,
  ).values<[number, string, string]>();
}

function pick(random: Random, names: readonly string[], max: number): string[] {
  return Array.from({ length: random.int(max + 1) }, () => names[random.int(names.length)]);
}

/** Does the same to both. */
function step(db: Database, naive: NaiveHistory, random: Random): void {
  const change = { add: pick(random, NAMES, 2), remove: pick(random, NAMES, 2) };
  const add = change.add.map((name) => ({ name, category: null }));
  const edits = [...naive.edits.keys()];
  const kind = edits.length === 0 ? random.int(2) : random.int(4);
  if (kind === 0) {
    const image = IMAGES[random.int(IMAGES.length)];
    const edit = { imageId: image, add, remove: change.remove, editor: "o", expectedTags: null };
    editTags(db, edit);
    naive.edit(image, change);
  } else if (kind === 1) {
    const imageIds = Int32Array.from(IMAGES.filter(() => random.int(2) === 0));
    const { remove } = change;
    const id = startBulkEdit(db, { editor: "o", query: "q", add, remove, imageIds });
    runOperationBatch(db, id);
    for (const image of imageIds) naive.edit(image, change, id);
  } else if (kind === 2) {
    const editId = edits[random.int(edits.length)];
    if (naive.isUndone(editId)) {
      assert(isEditUndone(db, editId));
      return;
    }
    undoEdit(db, { editId, editor: "o" });
    naive.undo(editId);
  } else {
    const operations = [...naive.edits.values()].map((edit) => edit.operation)
      .filter((id) => id !== null);
    const operationId = operations[random.int(operations.length)];
    if (operationId === undefined || naive.inForce(operationId).length === 0) return;
    const id = startUndo(db, { operationId, editor: "o" });
    const edits = naive.inForce(operationId);
    runOperationBatch(db, id);
    for (const editId of edits) naive.undo(editId, id);
  }
}

function startNaive(db: Database): NaiveHistory {
  const naive = new NaiveHistory();
  for (const [i, image] of LIBRARY.images.entries()) {
    const tags = new Map(image.tags.map((name) => [name, "original"]));
    naive.images.set(i + 1, { tags, words: new Map() });
    writeTagColumns(db, [i + 1]);
  }
  return naive;
}

Deno.test("edits, edits of many and undos do what a naive model does", async () => {
  await withMigrated(LIBRARY, (db) => {
    for (let seed = 1; seed <= runs(20, 400); seed++) {
      const random = makeRandom(seed);
      db.exec("SAVEPOINT run");
      const naive = startNaive(db);
      db.exec("DELETE FROM sqlite_sequence WHERE name = 'tag_edits'");
      for (let i = 0; i < 12; i++) {
        step(db, naive, random);
        assertSame(db, naive, `seed ${seed}, step ${i}`);
        const [count] = db.prepare("SELECT count(*) FROM tag_edits").value<[number]>()!;
        assertEquals(count, naive.edits.size, `seed ${seed}, step ${i}: edits`);
      }
      db.exec("ROLLBACK TO run; RELEASE run");
    }
  });
});

const NO_EDIT: Omit<PostEdit, "imageId"> = {
  add: [],
  remove: [],
  categories: [],
  source: null,
  fileSizeBytes: null,
  parent: null,
  pools: { join: [], leave: [], make: [] },
  isFavourite: null,
  editor: "o",
};

/** A random edit of anything that a post has. */
function editAnything(db: Database, random: Random): void {
  const imageId = IMAGES[random.int(IMAGES.length)];
  const maybe = <T>(value: T) => random.int(3) === 0 ? value : null;
  const category = (["artist", "character", "general"] as const)[random.int(3)];
  if (random.int(8) === 0) {
    setFavourite(db, { imageId, isFavourite: random.int(2) === 0 });
    return;
  }
  const edit: PostEdit = {
    ...NO_EDIT,
    imageId,
    add: pick(random, NAMES, 2).map((name) => ({ name, category: null })),
    remove: pick(random, NAMES, 1),
    categories: maybe([{ name: ["a", "c", "d"][random.int(3)], category }]) ?? [],
    source: maybe(["", "x", "https://example.com/1"][random.int(3)]),
    parent: maybe({ imageId: [null, ...IMAGES.filter((id) => id !== imageId)][random.int(4)] }),
    pools: {
      join: maybe([1 + random.int(2)]) ?? [],
      leave: maybe([1 + random.int(2)]) ?? [],
      make: [],
    },
    isFavourite: maybe(random.int(2) === 0),
  };
  db.exec("SAVEPOINT edit");
  try {
    editPost(db, edit);
  } catch (error) {
    // A tag that has another category.
    if (!/ tag and /.test(String(error))) throw error;
    db.exec("ROLLBACK TO edit");
  }
  db.exec("RELEASE edit");
}

Deno.test("undoing every edit, the last one first, leaves the database as it was", async () => {
  await withMigrated(LIBRARY, (db) => {
    writeTagColumns(db, IMAGES);
    for (let seed = 1; seed <= runs(20, 400); seed++) {
      const random = makeRandom(seed);
      db.exec("SAVEPOINT run");
      const start = dump(db);
      for (let i = 0; i < 10; i++) {
        const before = lastEdit(db);
        if (random.int(2) === 0) editAnything(db, random);
        else if (before > 0 && !isEditUndone(db, before)) {
          undoEdit(db, { editId: before, editor: "o" });
        } else step(db, startNaive(db), random);
      }
      for (let id = lastEdit(db); id > 0; id--) {
        if (readEdit(db, id) === undefined || isEditUndone(db, id)) continue;
        undoEdit(db, { editId: id, editor: "o" });
      }
      assertEquals(dump(db), start, `seed ${seed}`);
      db.exec("ROLLBACK TO run; RELEASE run");
    }
  });
});

function lastEdit(db: Database): number {
  return db.prepare("SELECT coalesce(max(id), 0) FROM tag_edits").value<[number]>()![0];
}
