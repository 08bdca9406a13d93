import type { Database } from "@db/sqlite";
import { assertEquals } from "@std/assert";
import { writeStaleTagColumns } from "../../src/store/stale_tag_columns.ts";
import {
  type CatalogueRow,
  readCatalogueCategory,
  writeCatalogueRows,
} from "../../src/store/tag_catalogue.ts";
import { changeImageTags, ensureTag } from "../../src/store/tags.ts";
import type { TagCategory } from "../../src/tags/category.ts";
import type { TagNumbering } from "../../src/tags/tag_numbering.ts";
import type { LibrarySpec } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";

type Row = [name: string, category: TagCategory, aliases?: string[]];

/** Writes a list as one import does. */
function importList(
  db: Database,
  rows: Row[],
  options: { numbering?: TagNumbering; isDryRun?: boolean } = {},
) {
  const { numbering = "danbooru", isDryRun = false } = options;
  const found: CatalogueRow[] = rows.map(([name, category, aliases = []], i) => ({
    line: i + 1,
    name,
    category,
    count: 100 - i,
    aliases,
  }));
  const names = new Map(found.map(({ name, line }) => [name, line]));
  const run = { numbering, names, stored: new Map<string, string>(), isDryRun };
  const { changes, warnings } = db.transaction(() => writeCatalogueRows(db, found, run))
    .immediate();
  const counts = Object.entries(changes).filter(([, count]) => count > 0);
  return { counts: Object.fromEntries(counts), warnings };
}

function aliasesOf(db: Database): string[] {
  return db.prepare(
    "SELECT antecedent || ' → ' || consequent FROM tag_aliases WHERE status = 'active' ORDER BY 1",
  ).values<[string]>().flat();
}

function categoryOf(db: Database, name: string): unknown {
  return db.prepare("SELECT category FROM tags WHERE name = ?").value(name)?.[0];
}

const LIBRARY: LibrarySpec = {
  tags: [
    { name: "miku" },
    { name: "nobody", category: null },
    { name: "known", category: "artist" },
    { name: "unused" },
  ],
  images: [
    { tags: ["miku", "known"], columns: { tags_general: "miku", tags_artist: "known" } },
    { tags: ["miku", "nobody"], columns: { tags_general: "miku nobody" } },
  ],
};

const LIST: Row[] = [
  ["miku", "character", ["mikku"]],
  ["nobody", "meta"],
  ["known", "copyright"],
  ["elsewhere", "artist"],
  ["plain", "general"],
];

Deno.test("writeCatalogueRows() gives unsorted tags their categories, and a second time nothing", () =>
  withMigrated(LIBRARY, (db) => {
    const dry = importList(db, LIST, { isDryRun: true });
    assertEquals(dry.counts, { added: 5, categoriesChanged: 2, aliasesAdded: 1 });
    assertEquals([categoryOf(db, "miku"), aliasesOf(db)], ["general", []]);
    assertEquals(importList(db, LIST), dry);
    assertEquals(
      ["miku", "nobody", "known", "elsewhere"].map((name) => categoryOf(db, name)),
      ["character", "meta", "artist", undefined],
    );
    assertEquals(importList(db, LIST).counts, { unchanged: 5, aliasesUnchanged: 1 });
  }));

Deno.test("writeStaleTagColumns() lets the columns of images follow new categories", () =>
  withMigrated(LIBRARY, (db) => {
    importList(db, LIST);
    const columns = () =>
      db.prepare("SELECT tags_character, tags_meta, tags_general FROM images ORDER BY id").values();
    assertEquals(columns(), [[null, null, "miku"], [null, null, "miku nobody"]]);
    assertEquals(writeStaleTagColumns(db), 2);
    assertEquals(columns(), [["miku", "", ""], ["miku", "nobody", ""]]);
    assertEquals(writeStaleTagColumns(db), 0);
  }));

Deno.test("ensureTag() asks the lists for the category of a new tag that nobody sorted", () =>
  withMigrated(LIBRARY, (db) => {
    importList(db, LIST);
    const make = (name: string, category: TagCategory | null) => {
      ensureTag(db, { name, category });
      return categoryOf(db, name);
    };
    assertEquals(make("elsewhere", null), "artist");
    assertEquals(make("plain", "meta"), "meta");
    assertEquals(make("unlisted", null), "general");
    assertEquals(make("unused", null), "general");
  }));

Deno.test("readCatalogueCategory() prefers a list that says more than general", () =>
  withMigrated({}, (db) => {
    importList(db, [["dog", "general"], ["both", "artist"]]);
    importList(db, [["dog", "species"], ["both", "character"]], { numbering: "e621" });
    assertEquals(
      ["dog", "both", "none"].map((name) => readCatalogueCategory(db, name)),
      ["species", "artist", null],
    );
  }));

Deno.test("ListAliases leaves out what would hide images or tags, and says on which line", () =>
  withMigrated(LIBRARY, (db) => {
    const { counts, warnings } = importList(db, [
      ["female", "general", ["1girl", "miku", "girl"]],
      ["other", "general", ["girl", "female"]],
      ["1girl", "general", ["unused"]],
    ]);
    assertEquals(counts, { added: 3, aliasesAdded: 2, aliasesLeftOut: 4 });
    assertEquals(aliasesOf(db), ["girl → female", "unused → 1girl"]);
    assertEquals(warnings, [
      {
        line: 1,
        message: "the alias 1girl of female is left out: 1girl is a tag of its own on line 3",
      },
      {
        line: 1,
        message: "the alias miku of female is left out: images of the library have the tag miku",
      },
      {
        line: 2,
        message:
          "the alias girl of other is left out: an earlier line has it as an alias of female",
      },
      {
        line: 2,
        message: "the alias female of other is left out: female is a tag of its own on line 1",
      },
    ]);
  }));

Deno.test("ListAliases keeps every tag of every site, whichever list comes first", () => {
  const danbooru: Row[] = [["1girl", "general", ["1girls"]], ["solo", "general", ["alone"]]];
  const e621: Row[] = [["female", "general", ["1girl", "girl"]], ["lone", "general", ["alone"]]];
  return withMigrated({}, async (first) => {
    importList(first, danbooru);
    importList(first, e621, { numbering: "e621" });
    assertEquals(aliasesOf(first), ["1girls → 1girl", "alone → solo", "girl → female"]);
    await withMigrated({}, (second) => {
      importList(second, e621, { numbering: "e621" });
      assertEquals(aliasesOf(second), ["1girl → female", "alone → lone", "girl → female"]);
      const { counts } = importList(second, danbooru);
      assertEquals(counts, { added: 2, aliasesAdded: 1, aliasesRemoved: 1, aliasesLeftOut: 1 });
      assertEquals(aliasesOf(second), ["1girls → 1girl", "alone → lone", "girl → female"]);
      for (const [rows, numbering] of [[e621, "e621"], [danbooru, "danbooru"]] as const) {
        const again = importList(second, rows, { numbering });
        assertEquals(again.counts.aliasesAdded ?? again.counts.aliasesRemoved ?? 0, 0);
      }
      assertEquals(aliasesOf(second), ["1girls → 1girl", "alone → lone", "girl → female"]);
    });
  });
});

Deno.test("ListAliases follows a newer list of the same site", () =>
  withMigrated({}, (db) => {
    importList(db, [["old", "general", ["a"]], ["b", "general"]]);
    const { counts } = importList(db, [["b", "general", ["a"]], ["new", "general", ["old"]]]);
    assertEquals(counts, { added: 1, updated: 1, aliasesAdded: 1, aliasesUpdated: 1 });
    assertEquals(aliasesOf(db), ["a → b", "old → new"]);
  }));

Deno.test("ListAliases never overrides what a person made, changed or removed", () =>
  withMigrated({}, (db) => {
    db.exec("INSERT INTO tag_aliases VALUES ('own', 'mine', 'active', 0)");
    const list: Row[] = [["theirs", "general", ["own", "changed", "removed", "kept"]]];
    importList(db, list);
    db.exec("UPDATE tag_aliases SET consequent = 'mine' WHERE antecedent = 'changed'");
    db.exec("DELETE FROM tag_aliases WHERE antecedent = 'removed'");
    const expected = ["changed → mine", "kept → theirs", "own → mine"];
    assertEquals(aliasesOf(db), expected);
    assertEquals(importList(db, list).counts, {
      unchanged: 1,
      aliasesUnchanged: 1,
      aliasesLeftOut: 3,
    });
    importList(db, [["changed", "general"], ["other", "general", ["own"]]], { numbering: "e621" });
    assertEquals(aliasesOf(db), expected);
  }));

Deno.test("ListAliases stores chains as their end, and circles not at all", () =>
  withMigrated({}, (db) => {
    db.exec("INSERT INTO tag_aliases VALUES ('b', 'c', 'active', 0), ('c', 'd', 'active', 0)");
    const { counts, warnings } = importList(db, [["b", "general", ["a", "d", "c"]]]);
    assertEquals(counts, { added: 1, aliasesAdded: 1, aliasesLeftOut: 2 });
    assertEquals(aliasesOf(db), ["a → d", "b → c", "c → d"]);
    assertEquals(warnings, [
      { line: 1, message: "b is itself an alias: a is stored as one of d" },
      {
        line: 1,
        message: "the alias d of b is left out: they would lead in a circle",
      },
    ]);
  }));

Deno.test("ListAliases lets an alias go when images came to have its name", () =>
  withMigrated({ images: [{}] }, (db) => {
    const list: Row[] = [["female", "general", ["girl"]]];
    importList(db, list);
    // As another program writes it: this one would have given the image the tag that is meant.
    db.exec("INSERT INTO tags (name) VALUES ('girl')");
    db.exec("INSERT INTO image_tags (image_id, tag_id) SELECT 1, id FROM tags WHERE name = 'girl'");
    const { counts } = importList(db, list);
    assertEquals(counts, { unchanged: 1, aliasesRemoved: 1, aliasesLeftOut: 1 });
    assertEquals(aliasesOf(db), []);
    assertEquals(importList(db, list).counts, { unchanged: 1, aliasesLeftOut: 1 });
  }));

Deno.test("changeImageTags() stores what lists call an alias as the tag that is meant", () =>
  withMigrated({ images: [{}] }, (db) => {
    importList(db, [["female", "general", ["girl"]]]);
    changeImageTags(db, 1, {
      add: [{ name: "girl", category: null }],
      remove: [],
      origin: "original",
    });
    const names = db.prepare("SELECT name FROM image_tags JOIN tags ON tags.id = tag_id").values();
    assertEquals(names, [["female"]]);
  }));
