import type { Database } from "@db/sqlite";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import { importImages, type ImportItem } from "../../src/store/import_images.ts";
import { followSourcePriority } from "../../src/store/follow_priority.ts";
import { readSourcePriority, saveSourcePriority } from "../../src/store/source_priority.ts";
import { readImageSources, switchSource } from "../../src/store/switch_source.ts";
import { editTags } from "../../src/store/tags.ts";
import { extractPost } from "../../src/tags/tag_extraction.ts";
import { md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { runs } from "../support/tier.ts";

const DANBOORU = {
  id: 11,
  tag_string_general: "solo dog",
  tag_string_character: "miku",
  rating: "s",
  score: 3,
  fav_count: 2,
  parent_id: 10,
  has_children: false,
};
const E621 = {
  id: 9,
  tags: { general: ["solo", "tail"], species: ["dog"], artist: ["somebody"] },
  rating: "q",
  score: { total: -4 },
  relationships: { parent_id: 8, has_children: true },
};
const GELBOORU = { id: 7, tags: "solo only_here", rating: "explicit" };

type Sources = Record<string, Record<string, unknown>>;

/** Imports an image as it comes with sidecars of these sources, and a list of tags beside them. */
function importWith(db: Database, sources: Sources, id = 1): void {
  const sites: ImportItem["sites"] = [];
  const tags: ImportItem["tags"] = [{ name: "from_list", category: null }];
  for (const [source, object] of Object.entries(sources)) {
    const post = extractPost(object, { source });
    tags.push(...post.tags);
    sites.push({
      source,
      object: JSON.stringify(object),
      postId: post.postId,
      parentId: post.parentId,
      hasChildren: post.hasChildren,
      score: post.score,
      favCount: post.favCount,
      sourceUrl: null,
      postedAt: null,
    });
  }
  const item: ImportItem = {
    md5: md5Of(id),
    place: { filepath: `${id}.jpg`, sizeBytes: 1, mtimeMs: 1, inode: id },
    isServed: true,
    media: {
      ext: "jpg",
      sizeBytes: 1,
      width: 1,
      height: 1,
      durationMs: null,
      originalName: "a.jpg",
    },
    tags,
    rating: "general",
    sites,
  };
  db.transaction(() => importImages(db, [item])).immediate();
}

function change(db: Database, source: string | null, imageId = 1) {
  return db.transaction(() => switchSource(db, { imageId, source, editor: "owner" })).immediate();
}

function edit(db: Database, add: string[], remove: string[] = []): void {
  const wanted = add.map((name) => ({ name, category: null }));
  db.transaction(() =>
    editTags(db, { imageId: 1, add: wanted, remove, editor: "owner", expectedTags: null })
  ).immediate();
}

function tagsOf(db: Database, imageId = 1): string[] {
  return db.prepare(
    "SELECT name FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ? ORDER BY name",
  ).values<[string]>(imageId).flat();
}

function numbersOf(db: Database, imageId = 1): unknown[] {
  return db.prepare(
    `SELECT active_source, post_id, parent_id, has_children, score, fav_count FROM images
     WHERE id = ?`,
  ).value(imageId)!;
}

const ALL = ["dog", "from_list", "miku", "rating:sensitive", "solo", "somebody", "tail"];

Deno.test("importImages() lets all sites of an image speak, the first of the order for numbers", () =>
  withMigrated({}, (db) => {
    importWith(db, { danbooru: DANBOORU, e621: E621 });
    assertEquals(tagsOf(db), ALL);
    assertEquals(numbersOf(db), ["merged", 11, 10, 0, 3, 2]);
    assertEquals(readImageSources(db, 1), {
      active: "merged",
      choice: null,
      names: ["danbooru", "e621"],
    });
    assertEquals(readImageSources(db, 2), undefined);
  }));

Deno.test("switchSource() gives an image the tags and numbers of one source, and back", () =>
  withMigrated({}, (db) => {
    importWith(db, { danbooru: DANBOORU, e621: E621 });
    assertEquals(change(db, "e621"), {
      source: "e621",
      before: "merged",
      added: ["rating:questionable"],
      removed: ["miku", "rating:sensitive"],
    });
    const e621 = ["dog", "from_list", "rating:questionable", "solo", "somebody", "tail"];
    assertEquals(tagsOf(db), e621);
    assertEquals(numbersOf(db), ["e621", 9, 8, 1, -4, null]);
    change(db, "danbooru");
    assertEquals(tagsOf(db), ["dog", "from_list", "miku", "rating:sensitive", "solo"]);
    assertEquals(numbersOf(db), ["danbooru", 11, 10, 0, 3, 2]);
    change(db, "merged");
    assertEquals(tagsOf(db), ALL);
    assertEquals(numbersOf(db), ["merged", 11, 10, 0, 3, 2]);
  }));

Deno.test("switchSource() ends with the same tags, whatever was chosen before", async () => {
  const sources: Sources = { danbooru: DANBOORU, e621: E621, gelbooru: GELBOORU };
  await withMigrated({}, (db) => {
    importWith(db, sources);
    const name = fc.constantFrom("danbooru", "e621", "gelbooru", "merged", null);
    const stateOf = (source: string | null) => {
      change(db, source);
      return [tagsOf(db), numbersOf(db)];
    };
    const expected = new Map(
      [null, "merged", "gelbooru", "e621", "danbooru"].map((source) => [source, stateOf(source)]),
    );
    const property = fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), (path) => {
      for (const source of path) change(db, source);
      assertEquals([tagsOf(db), numbersOf(db)], expected.get(path.at(-1)!));
    });
    fc.assert(property, { numRuns: runs(20, 200) });
  });
});

Deno.test("switchSource() keeps what a person, a guess and nobody's metadata gave", () =>
  withMigrated({}, (db) => {
    importWith(db, { danbooru: DANBOORU, e621: E621 });
    edit(db, ["mine", "rating:explicit"], ["solo"]);
    db.exec("INSERT INTO tags (name) VALUES ('guessed')");
    db.exec(
      `INSERT INTO image_tags (image_id, tag_id, source)
       SELECT 1, id, 'ai_inference' FROM tags WHERE name = 'guessed'`,
    );
    const kept = ["from_list", "guessed", "mine", "rating:explicit"];
    for (
      const [source, own] of [["e621", ["dog", "somebody", "tail"]], ["danbooru", [
        "dog",
        "miku",
      ]]] as const
    ) {
      change(db, source);
      assertEquals(tagsOf(db), [...kept, ...own].sort(), source);
    }
    edit(db, ["tail"]);
    change(db, "e621");
    change(db, "danbooru");
    assertEquals(tagsOf(db), [...kept, "dog", "miku", "tail"].sort());
    const columns = db.prepare("SELECT tags_species, tags_character FROM images").value();
    assertEquals(columns, ["dog", "miku"]);
  }));

Deno.test("switchSource() keeps a parent away that a person took away", () =>
  withMigrated({}, (db) => {
    importWith(db, { danbooru: DANBOORU, e621: E621 });
    db.exec("UPDATE images SET parent_id = NULL WHERE id = 1");
    change(db, "e621");
    change(db, "danbooru");
    assertEquals(numbersOf(db), ["danbooru", 11, null, 0, 3, 2]);
  }));

Deno.test("switchSource() keeps implications true", () =>
  withMigrated({}, (db) => {
    importWith(db, { danbooru: DANBOORU, e621: E621 });
    db.exec("INSERT INTO tags (name) VALUES ('vocaloid')");
    db.exec(
      `INSERT INTO tag_implications (source_tag_id, implied_tag_id)
       SELECT a.id, b.id FROM tags AS a, tags AS b WHERE a.name = 'miku' AND b.name = 'vocaloid'`,
    );
    change(db, "danbooru");
    assert(tagsOf(db).includes("vocaloid"));
    const { removed } = change(db, "e621");
    assertEquals(removed.includes("vocaloid"), true);
    assert(!tagsOf(db).includes("vocaloid"));
  }));

Deno.test("switchSource() writes what was before and after into the journal", () =>
  withMigrated({}, (db) => {
    importWith(db, { danbooru: DANBOORU, e621: E621 });
    change(db, "e621");
    const entries = () =>
      db.prepare("SELECT kind, steps FROM journal").values<[string, string]>()
        .map(([kind, steps]) => [kind, JSON.parse(steps)]);
    const [[kind, steps]] = entries();
    assertEquals(kind, "source_switch");
    assertEquals([steps.imageId, steps.md5, steps.editor], [1, md5Of(1), "owner"]);
    assertEquals([steps.before.choice, steps.after.choice], [null, "e621"]);
    assertEquals([steps.before.post_id, steps.after.post_id], [11, 9]);
    assertEquals(steps.before.tags.map((tag: { name: string }) => tag.name), ALL);
    assertEquals(steps.after.tags[0], { name: "dog", category: "species", origin: "original" });
    change(db, "e621");
    assertEquals(entries().length, 1, "nothing changed");
    change(db, steps.before.choice);
    assertEquals(tagsOf(db), ALL);
  }));

Deno.test("switchSource() refuses what is not there and changes nothing", () =>
  withMigrated({ images: [{ id: 5 }] }, (db) => {
    importWith(db, { danbooru: DANBOORU, e621: E621 });
    const id = db.prepare("SELECT id FROM images WHERE md5 = ?").value<[number]>(md5Of(1))![0];
    const cases: [imageId: number, source: string | null, code: string, named: string][] = [
      [99, "danbooru", "not_found", "99"],
      [5, "danbooru", "bad_request", "no metadata"],
      [5, null, "bad_request", "no metadata"],
      [id, "pixiv", "bad_request", '"pixiv"'],
      [id, "__proto__", "bad_request", "__proto__"],
    ];
    for (const [imageId, source, code, named] of cases) {
      try {
        change(db, source, imageId);
        assert(false, `${source} of ${imageId} was accepted`);
      } catch (error) {
        assert(error instanceof AppError, `${error}`);
        assertEquals([error.code, error.message.includes(named)], [code, true], error.message);
      }
    }
    assertEquals(db.prepare("SELECT count(*) FROM source_choices").value(), [0]);
    assertEquals(tagsOf(db, id), ALL);
  }));

Deno.test("importImages() keeps to a person's choice of source", () =>
  withMigrated({}, (db) => {
    importWith(db, { danbooru: DANBOORU, e621: E621 });
    change(db, "e621");
    const before = [tagsOf(db), numbersOf(db)];
    importWith(db, { danbooru: DANBOORU, gelbooru: GELBOORU });
    assertEquals([tagsOf(db), numbersOf(db)], before);
    change(db, null);
    assertEquals(tagsOf(db), [...ALL, "only_here"].sort());
  }));

Deno.test("followSourcePriority() lets an order hold for images of several sources, in pieces", () =>
  withMigrated({}, (db) => {
    for (let id = 1; id <= 3; id++) importWith(db, { danbooru: DANBOORU, e621: E621 }, id);
    importWith(db, { danbooru: DANBOORU }, 4);
    change(db, "danbooru", 2);
    const before = [1, 2, 3, 4].map((id) => [tagsOf(db, id), numbersOf(db, id)]);
    const follow = (names: string[]) => {
      db.transaction(() => saveSourcePriority(db, { names, editor: "owner" })).immediate();
      const step = db.transaction(() => followSourcePriority(db)).immediate();
      return [step.looked, step.shared, step.changed, step.isDone];
    };
    assertEquals(follow(["e621", "danbooru"]), [4, 3, 2, true]);
    assertEquals([1, 2, 3, 4].map((id) => numbersOf(db, id)[0]), [
      ...["e621", "danbooru", "e621", "danbooru"],
    ]);
    assertEquals(tagsOf(db, 3).includes("miku"), false);
    assertEquals(follow(["merged", "e621"]), [4, 3, 2, true]);
    assertEquals(numbersOf(db, 1), ["merged", 9, 8, 1, -4, 2]);
    assertEquals(tagsOf(db, 1).includes("rating:questionable"), true);
    assertEquals(follow([]), [4, 3, 2, true]);
    assertEquals([1, 2, 3, 4].map((id) => [tagsOf(db, id), numbersOf(db, id)]), before);
    assertEquals(follow([]), [4, 3, 0, true]);
    assertEquals(readSourcePriority(db)[0], "merged");
  }));

Deno.test("followSourcePriority() passes over documents that are damaged", () =>
  withMigrated({
    images: [{ metadata: "{" }, { metadata: "[1,2]" }, { metadata: { sources: [1, 2] } }, {
      metadata: { sources: { danbooru: null, e621: 5 } },
    }, { metadata: { sources: { danbooru: { id: 3 }, e621: { id: 4 } } } }],
  }, (db) => {
    db.transaction(() => saveSourcePriority(db, { names: ["e621"], editor: "owner" })).immediate();
    const step = db.transaction(() => followSourcePriority(db)).immediate();
    assertEquals(step, { looked: 5, shared: 2, changed: 1, isDone: true });
    assertEquals(numbersOf(db, 5), ["e621", 4, null, null, null, null]);
    assertEquals(numbersOf(db, 4), [null, null, null, null, null, null]);
  }));
