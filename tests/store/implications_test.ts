import { assert, assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { addAlias } from "../../src/store/aliases.ts";
import type { Database } from "../../src/store/database.ts";
import {
  addImplication,
  approveImplication,
  findImplication,
  findImplicationConflicts,
  findImplicationPath,
  readImagesWithout,
  readImplicationChain,
  readImplications,
  readTagId,
  removeImplication,
} from "../../src/store/implications.ts";
import { continueTagRuleJob, readTagRuleJobs } from "../../src/store/tag_rule_jobs.ts";
import { tagRulesOf } from "../../src/store/tag_rules.ts";
import { changeImageTags, editTags } from "../../src/store/tags.ts";
import { openDatabase } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";

function imply(db: Database, ...names: string[]): void {
  for (let i = 1; i < names.length; i++) {
    addImplication(db, { source: names[i - 1], implied: names[i], status: "active" });
  }
}

function work(db: Database): void {
  for (let [job] = readTagRuleJobs(db); job !== undefined; [job] = readTagRuleJobs(db)) {
    let cursor: Parameters<typeof continueTagRuleJob>[1]["cursor"] = null;
    do cursor = continueTagRuleJob(db, { id: job.id, cursor }).next; while (cursor !== null);
  }
}

function linksOf(db: Database, imageId = 1): string[] {
  return db.prepare(
    `SELECT name || ' ' || source FROM image_tags JOIN tags ON tags.id = tag_id
     WHERE image_id = ? ORDER BY name`,
  ).values<[string]>(imageId).flat();
}

function refusalOf(act: () => unknown): string {
  const error = assertThrows(act, AppError);
  assertEquals(error.code, "conflict");
  return error.message;
}

Deno.test("addImplication() refuses what stands against it, by name", async () => {
  await withMigrated({}, (db) => {
    imply(db, "cat", "animal", "being");
    addAlias(db, { antecedent: "kitty", consequent: "cat", status: "active", movesImages: true });
    const table: [source: string, implied: string, reason: RegExp][] = [
      ["cat", "cat", /"cat" cannot imply itself/],
      ["cat", "animal", /cat → animal is active already/],
      ["being", "cat", /"cat" → "animal" → "being"\): it would be a circle/],
      ["being", "kitty", /"kitty" is an alias of "cat": use "cat"/],
      ["kitty", "cat", /"kitty" is an alias of "cat"/],
      ["cat", "rating:general", /"rating:general" is a rating/],
    ];
    for (const [source, implied, reason] of table) {
      const message = refusalOf(() => addImplication(db, { source, implied, status: "active" }));
      assert(reason.test(message), message);
    }
    assertEquals(
      findImplicationConflicts(db, { source: "being", implied: "kitty" }).length,
      2,
      "an alias, and a circle through it",
    );
    assertEquals(readImplications(db, { limit: 9, offset: 0 }).total, 2);
  });
});

Deno.test("a pending implication does nothing until it is approved, or is rejected", async () => {
  await withMigrated({ images: [{ tags: ["a"], columns: { tags_general: "a" } }] }, (db) => {
    const names = { source: "a", implied: "b" };
    const { implication, jobId } = addImplication(db, { ...names, status: "pending" });
    assertEquals([implication.status, jobId, readTagRuleJobs(db)], ["pending", null, []]);
    changeImageTags(db, 1, { add: [], remove: [], origin: "user" });
    assertEquals(linksOf(db), ["a original"]);
    refusalOf(() => addImplication(db, { ...names, status: "pending" }));
    assertEquals(approveImplication(db, implication).implication.status, "active");
    work(db);
    assertEquals(linksOf(db), ["a original", "b implication"]);
    refusalOf(() => approveImplication(db, implication));
    const other = addImplication(db, { source: "b", implied: "c", status: "pending" });
    assertEquals(removeImplication(db, other.implication).jobId, null);
    assertEquals(findImplication(db, { source: "b", implied: "c" }), undefined);
    assertEquals(
      assertThrows(() => approveImplication(db, other.implication), AppError).code,
      "not_found",
    );
    assertEquals(
      assertThrows(() => removeImplication(db, other.implication), AppError).code,
      "not_found",
    );
  });
});

Deno.test("an approval is refused when a circle came meanwhile", async () => {
  await withMigrated({}, (db) => {
    const { implication } = addImplication(db, { source: "a", implied: "b", status: "pending" });
    imply(db, "b", "a");
    assert(/circle/.test(refusalOf(() => approveImplication(db, implication))));
  });
});

Deno.test("an implication that is taken back and added again meanwhile holds", async () => {
  await withMigrated({ images: [{ tags: ["a"], columns: { tags_general: "a" } }] }, (db) => {
    imply(db, "a", "b");
    work(db);
    const known = findImplication(db, { source: "a", implied: "b" })!;
    assertEquals(removeImplication(db, known).implication.status, "removing");
    assertEquals(removeImplication(db, known).jobId, null, "twice is once");
    imply(db, "a", "b");
    work(db);
    assertEquals(linksOf(db), ["a original", "b implication"]);
    assertEquals(findImplication(db, { source: "a", implied: "b" })?.status, "active");
  });
});

Deno.test("two implications are taken back one after the other", async () => {
  const images = [{ tags: ["a"] }, { tags: ["b"] }];
  await withMigrated({ images }, (db) => {
    imply(db, "a", "x");
    imply(db, "b", "y");
    work(db);
    for (const [source, implied] of [["a", "x"], ["b", "y"]]) {
      removeImplication(db, findImplication(db, { source, implied })!);
    }
    work(db);
    assertEquals([linksOf(db, 1), linksOf(db, 2)], [["a original"], ["b original"]]);
    assertEquals(readImplications(db, { limit: 1, offset: 0 }).total, 0);
  });
});

Deno.test("a tag that a person took away stays away, and nothing follows from it", async () => {
  await withMigrated({ images: [{ tags: ["a"], columns: { tags_general: "a" } }] }, (db) => {
    imply(db, "a", "b", "c");
    work(db);
    const edit = (add: string[], remove: string[]) =>
      editTags(db, {
        imageId: 1,
        add: add.map((name) => ({ name, category: null })),
        remove,
        editor: "owner",
        expectedTags: null,
      });
    assertEquals(edit([], ["b"]), {
      added: [],
      removed: ["b"],
      implied: { added: [], removed: ["c"] },
    });
    changeImageTags(db, 1, {
      add: [{ name: "x", category: null }],
      remove: [],
      origin: "original",
    });
    assertEquals(linksOf(db), ["a original", "x original"]);
    assertEquals(readImagesWithout(db, "b"), [1]);
    // Stated, it holds again whatever becomes of the other.
    assertEquals(edit(["b"], []), {
      added: ["b"],
      removed: [],
      implied: { added: ["c"], removed: [] },
    });
    assertEquals(edit([], ["a"]), { added: [], removed: ["a"] });
    assertEquals(linksOf(db), ["b user", "c implication", "x original"]);
    assertEquals(readImagesWithout(db, "b"), []);
  });
});

Deno.test("a person who adds an implied tag states it, and a tag refused in the same edit stays away", async () => {
  await withMigrated({ images: [{ tags: ["a"], columns: { tags_general: "a" } }, {}] }, (db) => {
    imply(db, "a", "b");
    work(db);
    const common = { editor: "owner", expectedTags: null };
    const b = { name: "b", category: null };
    assertEquals(editTags(db, { imageId: 1, add: [b], remove: [], ...common }), {
      added: [],
      removed: [],
      confirmed: ["b"],
    });
    assertEquals(linksOf(db), ["a original", "b user"]);
    const a = { name: "a", category: null };
    assertEquals(editTags(db, { imageId: 2, add: [a], remove: ["b"], ...common }), {
      added: ["a"],
      removed: [],
      keptAway: ["b"],
    });
    changeImageTags(db, 2, { add: [], remove: [], origin: "original" });
    assertEquals(linksOf(db, 2), ["a user"]);
  });
});

Deno.test("tags that the original left behind as implied are kept", async () => {
  await withMigrated({ images: [{ tags: ["a"], columns: { tags_general: "a" } }] }, (db) => {
    db.exec("INSERT INTO tags (name, category) VALUES ('old', 'general')");
    db.exec(
      "INSERT INTO image_tags (image_id, tag_id, source) SELECT 1, id, 'implication' FROM tags WHERE name = 'old'",
    );
    imply(db, "a", "b");
    work(db);
    changeImageTags(db, 1, { add: [], remove: ["a"], origin: "user" });
    assertEquals(linksOf(db), ["old implication"]);
  });
});

Deno.test("implications that another program writes hold from its commit on", async () => {
  await withMigrated({ tags: [{ name: "a" }, { name: "b" }], images: [{}] }, (db, path) => {
    const wanted = { add: [{ name: "a", category: null }], remove: [], origin: "user" } as const;
    changeImageTags(db, 1, wanted);
    const other = openDatabase(path);
    try {
      other.exec("INSERT INTO tag_implications (source_tag_id, implied_tag_id) VALUES (1, 2)");
      changeImageTags(db, 1, { ...wanted, add: [] });
      assertEquals(linksOf(db), ["a user", "b implication"]);
      // A circle, which this program would refuse, does no harm.
      other.exec("INSERT INTO tag_implications (source_tag_id, implied_tag_id) VALUES (2, 1)");
      changeImageTags(db, 1, { add: [], remove: ["a"], origin: "original" });
      assertEquals(linksOf(db), []);
      other.exec("DELETE FROM tag_implications");
    } finally {
      other.close();
    }
    assert(!tagRulesOf(db).hasImplications);
  });
});

Deno.test("a change that is rolled back is forgotten with its rules", async () => {
  await withMigrated({ images: [{ tags: ["a"], columns: { tags_general: "a" } }] }, (db) => {
    db.exec("SAVEPOINT one");
    imply(db, "a", "b");
    assert(tagRulesOf(db).hasImplications);
    db.exec("ROLLBACK TO one; RELEASE one");
    assert(!tagRulesOf(db).hasImplications);
    db.exec("SAVEPOINT one");
    imply(db, "a", "c");
    changeImageTags(db, 1, { add: [], remove: [], origin: "original" });
    assertEquals(linksOf(db), ["a original", "c implication"]);
    db.exec("RELEASE one");
  });
});

Deno.test("readImplications() finds by name, pattern and status, the newest first", async () => {
  await withMigrated({}, (db) => {
    imply(db, "cat_ears", "animal_ears", "ears");
    addImplication(db, { source: "100%_cat", implied: "cat", status: "pending" });
    const find = (filter: Partial<Parameters<typeof readImplications>[1]>) =>
      readImplications(db, { limit: 10, offset: 0, ...filter }).implications
        .map(({ source, implied }) => `${source} ${implied}`);
    assertEquals(find({}), ["100%_cat cat", "animal_ears ears", "cat_ears animal_ears"]);
    assertEquals(find({ status: "active", limit: 1, offset: 1 }), ["cat_ears animal_ears"]);
    assertEquals(find({ source: "animal_ears" }), ["animal_ears ears"]);
    assertEquals(find({ implied: "*EARS" }), ["animal_ears ears", "cat_ears animal_ears"]);
    assertEquals(find({ either: "*cat*" }), ["100%_cat cat", "cat_ears animal_ears"]);
    assertEquals(find({ source: "100%*" }), ["100%_cat cat"], "% and _ are signs like others");
    assertEquals(find({ source: "___ears" }), []);
    assertEquals(readImplications(db, { limit: 1, offset: 0, either: "*ears" }).total, 2);
  });
});

Deno.test("readImplicationChain() and findImplicationPath() follow the shortest way", async () => {
  await withMigrated({}, (db) => {
    imply(db, "a", "b", "c", "d");
    imply(db, "a", "c");
    const id = (name: string) => readTagId(db, name)!;
    assertEquals(
      readImplicationChain(db, { id: id("a"), name: "a" }).map(({ path }) => path.join()),
      ["a", "a,b", "a,c", "a,c,d"],
    );
    const path = { from: id("a"), to: id("c") };
    assertEquals(findImplicationPath(db, path), ["a", "c"]);
    assertEquals(findImplicationPath(db, path, { exceptDirect: true }), ["a", "b", "c"]);
    assertEquals(findImplicationPath(db, { from: id("d"), to: id("a") }), undefined);
  });
});
