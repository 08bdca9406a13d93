import type { Database } from "@db/sqlite";
import { assert, assertEquals } from "@std/assert";
import {
  importImages,
  type ImportItem,
  isPathTaken,
  readContent,
  readPlace,
  type SiteRecord,
} from "../../src/store/import_images.ts";
import { changeImageTags, writeTagDelta } from "../../src/store/tags.ts";
import { dumpDatabase, md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";

function siteOf(source: string, fields: Partial<SiteRecord> = {}): SiteRecord {
  return {
    source,
    object: JSON.stringify({ id: fields.postId ?? 1, from: source }),
    postId: 1,
    parentId: null,
    hasChildren: null,
    score: null,
    favCount: null,
    sourceUrl: null,
    postedAt: null,
    ...fields,
  };
}

function itemOf(id: number, fields: Partial<ImportItem> = {}): ImportItem {
  return {
    md5: md5Of(id),
    place: { filepath: `ab/${id}.jpg`, sizeBytes: 100 + id, mtimeMs: 5, inode: id },
    isServed: true,
    media: {
      ext: "jpg",
      sizeBytes: 100 + id,
      width: 640,
      height: 480,
      durationMs: null,
      originalName: `${id}.jpg`,
    },
    tags: [{ name: "solo", category: "general" }, { name: "miku", category: "character" }],
    rating: "general",
    sites: [],
    ...fields,
  };
}

function importOne(db: Database, item: ImportItem) {
  return db.transaction(() => importImages(db, [item])).immediate()[0];
}

function tagsOf(db: Database, imageId: number): string[] {
  return db.prepare(
    "SELECT name FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ? ORDER BY name",
  ).values<[string]>(imageId).flat();
}

function imageOf(db: Database, imageId: number): Record<string, unknown> {
  return db.prepare("SELECT * FROM images WHERE id = ?").get(imageId)!;
}

/** All rows but the change log, whose positions move on. */
function dumpRows(db: Database): string[] {
  return dumpDatabase(db).filter((row) => !/^(change_log|sqlite_sequence|images_fts) /.test(row));
}

Deno.test("importImages() writes a new image with everything about it", async () => {
  await withMigrated({}, (db) => {
    const site = siteOf("danbooru", { postId: 77, score: 12, favCount: 3, sourceUrl: "https://a" });
    const outcome = importOne(db, itemOf(1, { sites: [site] }));
    assertEquals(outcome, { imageId: 1, kind: "added", tagsAdded: 3 });
    assertEquals(tagsOf(db, 1), ["miku", "rating:general", "solo"]);
    const image = imageOf(db, 1);
    assertEquals(
      ["filepath", "md5", "image_width", "image_height", "active_source", "post_id", "score"]
        .map((name) => image[name]),
      ["ab/1.jpg", md5Of(1), 640, 480, "danbooru", 77, 12],
    );
    assertEquals([image.tags_general, image.tags_character], ["solo", "miku"]);
    const found = db.prepare("SELECT filepath FROM images_fts WHERE images_fts MATCH 'miku'");
    assertEquals(found.values(), [["ab/1.jpg"]]);
    assertEquals(readContent(db, md5Of(1)), {
      imageId: 1,
      filepath: "ab/1.jpg",
      sizeBytes: 101,
    });
    assertEquals(readPlace(db, "ab/1.jpg"), { ...itemOf(1).place!, md5: md5Of(1), ext: "jpg" });
    const [data] = db.prepare("SELECT data FROM raw_metadata").value<[string]>()!;
    assertEquals(JSON.parse(data), {
      md5: md5Of(1),
      relative_path: "ab/1.jpg",
      saucenao_lookup: false,
      sources: { danbooru: { id: 77, from: "danbooru" } },
    });
  });
});

Deno.test("importImages() of the same items again adds nothing", async () => {
  await withMigrated({}, (db) => {
    const items = [
      itemOf(1, { sites: [siteOf("danbooru"), siteOf("e621", { postId: 9, sourceUrl: "u" })] }),
      itemOf(2, { rating: null, tags: [] }),
      itemOf(3, { rating: "explicit" }),
    ];
    const write = () => db.transaction(() => importImages(db, items)).immediate();
    assertEquals(write().map((outcome) => outcome.kind), ["added", "added", "added"]);
    const before = dumpRows(db);
    for (let i = 0; i < 2; i++) {
      assertEquals(write().map(({ kind, tagsAdded }) => [kind, tagsAdded]), [
        ["known", 0],
        ["known", 0],
        ["known", 0],
      ]);
      assertEquals(dumpRows(db), before);
    }
  });
});

Deno.test("importImages() counts a tag that comes twice once", async () => {
  await withMigrated({}, (db) => {
    const tag = { name: "solo", category: "general" as const };
    assertEquals(importOne(db, itemOf(1, { tags: [tag, tag], rating: null })).tagsAdded, 1);
    const rated = itemOf(2, {
      tags: [{ name: "rating:general", category: "rating" }],
      rating: "explicit",
    });
    assertEquals(importOne(db, rated).tagsAdded, 1);
    assertEquals(tagsOf(db, 2), ["rating:explicit"]);
  });
});

Deno.test("importImages() of a known content adds tags, a place and what sites say", async () => {
  await withMigrated({}, (db) => {
    importOne(db, itemOf(1, { rating: null }));
    const again = itemOf(1, {
      place: { filepath: "@photos/x.jpg", sizeBytes: 101, mtimeMs: 6, inode: 60 },
      isServed: false,
      tags: [{ name: "hat", category: null }, { name: "solo", category: "general" }],
      rating: "questionable",
      sites: [siteOf("e621", { postId: 4, score: 5 })],
    });
    assertEquals(importOne(db, again), { imageId: 1, kind: "place", tagsAdded: 2 });
    assertEquals(tagsOf(db, 1), ["hat", "miku", "rating:questionable", "solo"]);
    assertEquals(imageOf(db, 1).filepath, "ab/1.jpg");
    assertEquals([imageOf(db, 1).active_source, imageOf(db, 1).post_id], ["e621", 4]);
    const places = db.prepare("SELECT filepath FROM image_files ORDER BY filepath").values();
    assertEquals(places, [["@photos/x.jpg"], ["ab/1.jpg"]]);
    assert(isPathTaken(db, "@photos/x.jpg") && isPathTaken(db, "ab/1.jpg"));
    assert(!isPathTaken(db, "ab/2.jpg"));
    const [count] = db.prepare("SELECT count(*) FROM images").value<[number]>()!;
    assertEquals(count, 1);
  });
});

Deno.test("importImages() keeps a rating that is there", async () => {
  await withMigrated({}, (db) => {
    importOne(db, itemOf(1, { rating: "explicit" }));
    importOne(db, itemOf(1, { rating: "general" }));
    assertEquals(tagsOf(db, 1).filter((name) => name.startsWith("rating:")), ["rating:explicit"]);
  });
});

Deno.test("importImages() lets the person's own edits win, for new and known contents", async () => {
  await withMigrated({}, (db) => {
    const delta = (name: string, operation: "add" | "remove") =>
      writeTagDelta(db, { md5: md5Of(1), tag: { name, category: null }, operation });
    delta("solo", "remove");
    delta("mine", "add");
    delta("rating:sensitive", "add");
    importOne(db, itemOf(1));
    assertEquals(tagsOf(db, 1), ["miku", "mine", "rating:sensitive"]);
    delta("miku", "remove");
    changeImageTags(db, 1, { add: [], remove: ["miku"], origin: "user" });
    const again = importOne(
      db,
      itemOf(1, { tags: [...itemOf(1).tags, { name: "x", category: null }] }),
    );
    assertEquals(again.tagsAdded, 1);
    assertEquals(tagsOf(db, 1), ["mine", "rating:sensitive", "x"]);
    importOne(db, itemOf(2));
    assertEquals(tagsOf(db, 2), ["miku", "rating:general", "solo"], "edits belong to one content");
  });
});

Deno.test("importImages() merges what sites say into the document, keys that it does not know too", async () => {
  const metadata = '{"custom": 12345678901234567890, "sources": {"pixiv": {"id": 5}, "old": null}}';
  const image = { md5: md5Of(1), filepath: "ab/1.jpg", metadata };
  await withMigrated({ images: [image] }, (db) => {
    importOne(db, itemOf(1, { sites: [siteOf("danbooru", { postId: 8 })] }));
    const read = () => db.prepare("SELECT data FROM raw_metadata").value<[string]>()![0];
    assert(read().includes("12345678901234567890"), "a number that no double holds stays");
    assertEquals(JSON.parse(read()).sources, {
      pixiv: { id: 5 },
      old: null,
      danbooru: { id: 8, from: "danbooru" },
    });
    importOne(db, itemOf(1, { sites: [siteOf("danbooru", { postId: 9 })] }));
    assertEquals(JSON.parse(read()).sources.danbooru.id, 9, "the newest post replaces the older");
    const sources = db.prepare(
      "SELECT name FROM image_sources JOIN sources ON sources.id = source_id ORDER BY name",
    ).values();
    assertEquals(sources, [["danbooru"]]);
  });
});

Deno.test("importImages() lets all sites of an image speak, with the numbers of the first", async () => {
  await withMigrated({}, (db) => {
    const sites = (names: string[]) => names.map((name, i) => siteOf(name, { postId: 10 + i }));
    importOne(db, itemOf(1, { sites: sites(["pixiv", "gelbooru"]) }));
    const speaker = () => [imageOf(db, 1).active_source, imageOf(db, 1).post_id];
    assertEquals(speaker(), ["merged", 11]);
    importOne(db, itemOf(1, { sites: sites(["konachan"]) }));
    assertEquals(speaker(), ["merged", 11]);
    importOne(db, itemOf(1, { sites: sites(["danbooru"]) }));
    assertEquals(speaker(), ["merged", 10]);
  });
});
