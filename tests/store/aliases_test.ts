import { assert, assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import {
  addAlias,
  approveAlias,
  findAliasConflicts,
  readAlias,
  readProposedAliases,
  removeAlias,
} from "../../src/store/aliases.ts";
import type { Database } from "../../src/store/database.ts";
import { addImplication, readImplications } from "../../src/store/implications.ts";
import { importImages } from "../../src/store/import_images.ts";
import {
  continueTagRuleJob,
  followTagRules,
  readTagRuleJobs,
} from "../../src/store/tag_rule_jobs.ts";
import { changeImageTags, editTags, readTagDeltas } from "../../src/store/tags.ts";
import { md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";

function alias(db: Database, antecedent: string, consequent: string, movesImages = true) {
  return addAlias(db, { antecedent, consequent, status: "active", movesImages });
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

function edit(db: Database, add: string[], remove: string[] = []) {
  return editTags(db, {
    imageId: 1,
    add: add.map((name) => ({ name, category: null })),
    remove,
    editor: "owner",
    expectedTags: null,
  });
}

Deno.test("addAlias() refuses what stands against it, by name", async () => {
  await withMigrated({}, (db) => {
    alias(db, "kitty", "kitten");
    alias(db, "kitten", "cat");
    addImplication(db, { source: "fox", implied: "canine", status: "active" });
    addImplication(db, { source: "canine", implied: "animal", status: "active" });
    const table: [antecedent: string, consequent: string, reason: RegExp][] = [
      ["cat", "cat", /an alias of itself/],
      ["kitty", "dog", /"kitty" is an alias of "kitten" already/],
      ["cat", "kitty", /\("kitty" → "kitten" → "cat"\): it would be a circle/],
      ["rating:general", "safe", /is a rating/],
      ["safe", "rating:general", /is a rating/],
      ["fox", "animal", /"fox" → "canine" → "animal" would become a circle/],
      ["animal", "fox", /would become a circle/],
    ];
    for (const [antecedent, consequent, reason] of table) {
      const error = assertThrows(() => alias(db, antecedent, consequent), AppError);
      assertEquals(error.code, "conflict");
      assert(reason.test(error.message), error.message);
    }
    const still = { antecedent: "fox", consequent: "vulpes" };
    assertEquals(findAliasConflicts(db, { ...still, movesImages: true }), []);
    assertEquals(findAliasConflicts(db, { ...still, movesImages: false }).length, 1);
  });
});

Deno.test("edits, imports and removals of an alias mean its tag, through chains", async () => {
  await withMigrated({ images: [{}] }, (db) => {
    alias(db, "kitty", "kitten");
    alias(db, "kitten", "cat");
    assertEquals(edit(db, ["kitty", "dog"]), {
      added: ["cat", "dog"],
      removed: [],
      aliases: { kitty: "cat" },
    });
    assertEquals(readTagDeltas(db, md5Of(1)).add.map(({ name }) => name), ["cat", "dog"]);
    assertEquals(edit(db, ["cat"]), { added: [], removed: [] });
    assertEquals(edit(db, [], ["kitten"]).removed, ["cat"]);
    assertEquals(linksOf(db), ["dog user"]);
    // The person's removal holds for what a site calls it.
    const item = {
      place: { filepath: "2.jpg", sizeBytes: 1, mtimeMs: 1, inode: 2 },
      isServed: true,
      media: {
        ext: "jpg",
        sizeBytes: 1,
        width: null,
        height: null,
        durationMs: null,
        originalName: "x",
      },
      tags: [{ name: "kitty", category: null }, { name: "cat", category: null }],
      rating: null,
      sites: [],
    };
    const known = { ...item, md5: md5Of(1), place: null };
    const outcomes = importImages(db, [known, { ...item, md5: md5Of(2) }]);
    assertEquals(outcomes.map(({ kind, tagsAdded }) => [kind, tagsAdded]), [
      ["known", 0],
      ["added", 1],
    ]);
    assertEquals([linksOf(db, 1), linksOf(db, 2)], [["dog user"], ["cat original"]]);
  });
});

Deno.test("an alias moves images, and the stronger word of two stays", async () => {
  const images = [{ tags: ["old"] }, { tags: ["old", "new"] }, { tags: ["new"] }];
  const tags = [{ name: "old", category: "character" }];
  await withMigrated({ tags, images }, (db) => {
    db.exec("UPDATE image_tags SET source = 'user' WHERE image_id = 1");
    assert(alias(db, "old", "new").jobId !== null);
    assertEquals(linksOf(db, 1), ["old user"], "in a moment");
    work(db);
    assertEquals([1, 2, 3].map((id) => linksOf(db, id)), [
      ["new user"],
      ["new original"],
      ["new original"],
    ]);
    assertEquals(alias(db, "none", "new").jobId, null, "nothing to move");
    alias(db, "new", "newest");
    assertEquals(
      db.prepare("SELECT category FROM tags WHERE name = 'newest'").value(),
      ["general"],
      "a tag that is made goes on as what it was",
    );
  });
});

Deno.test("an alias takes its implications along", async () => {
  const images = [{ tags: ["old"] }, { tags: ["kid"] }, { tags: ["new"] }];
  await withMigrated({ images }, (db) => {
    addImplication(db, { source: "old", implied: "above", status: "active" });
    addImplication(db, { source: "kid", implied: "old", status: "active" });
    addImplication(db, { source: "old", implied: "new", status: "pending" });
    work(db);
    alias(db, "old", "new");
    const rules = readImplications(db, { limit: 9, offset: 0 }).implications
      .map(({ source, implied, status }) => `${source} ${implied} ${status}`).sort();
    assertEquals(rules, ["kid new active", "new above active"]);
    // Before the images are moved: what the one name gave goes with it.
    assertEquals(changeImageTags(db, 1, { add: [], remove: ["old"], origin: "user" }), {
      added: [],
      removed: ["old"],
      implied: { added: [], removed: ["above"] },
    });
    work(db);
    assertEquals([1, 2, 3].map((id) => linksOf(db, id)), [
      [],
      ["above implication", "kid original", "new implication"],
      ["above implication", "new original"],
    ]);
  });
});

Deno.test("a proposed alias holds when it is approved", async () => {
  await withMigrated({ images: [{ tags: ["old"] }] }, (db) => {
    const names = { antecedent: "old", consequent: "new", movesImages: true };
    addAlias(db, { ...names, status: "pending" });
    assertThrows(() => addAlias(db, { ...names, status: "pending" }), AppError, "proposed");
    assertEquals(edit(db, ["old"]).added, []);
    assertEquals(readProposedAliases(db, { limit: 5, offset: 0 }).total, 1);
    approveAlias(db, names);
    work(db);
    assertEquals(linksOf(db), ["new original"]);
    assertEquals(readProposedAliases(db, { limit: 5, offset: 0 }).aliases, []);
    assertEquals(removeAlias(db, "old").consequent, "new");
    assertEquals(readAlias(db, "old"), undefined);
    assertEquals(assertThrows(() => removeAlias(db, "old"), AppError).code, "not_found");
    assertEquals(edit(db, ["old"]).added, ["old"], "a name of its own again");
  });
});

Deno.test("removeAlias() ends a move under way and leaves the rest where it is", async () => {
  await withMigrated({ images: [{ tags: ["old"] }] }, (db) => {
    alias(db, "old", "new");
    removeAlias(db, "old");
    work(db);
    assertEquals(linksOf(db), ["old original"]);
    assertEquals(readTagRuleJobs(db), []);
  });
});

Deno.test("followTagRules() brings an image from elsewhere in line", async () => {
  await withMigrated({ images: [{ tags: ["old"] }] }, (db) => {
    alias(db, "old", "new", false);
    addImplication(db, { source: "new", implied: "above", status: "active" });
    assertEquals(linksOf(db), ["old original"]);
    followTagRules(db, 1);
    assertEquals(linksOf(db), ["above implication", "new original"]);
  });
});

Deno.test("an implication of another program that names an alias implies its tag", async () => {
  await withMigrated({ images: [{ tags: ["old", "kid"] }] }, (db) => {
    alias(db, "old", "new", false);
    db.exec(
      `INSERT INTO tag_implications (source_tag_id, implied_tag_id)
       SELECT kid.id, old.id FROM tags AS kid, tags AS old WHERE kid.name = 'kid' AND old.name = 'old'`,
    );
    edit(db, ["x"]);
    assertEquals(linksOf(db), ["kid original", "new implication", "old original", "x user"]);
    assertEquals(readImplications(db, { limit: 2, offset: 0 }).implications[0].implied, "new");
  });
});

Deno.test("what a person said of the one name is said of the other once it is an alias", async () => {
  await withMigrated({ images: [{ tags: ["old"] }] }, (db) => {
    edit(db, [], ["old"]);
    alias(db, "old", "new");
    assertEquals(readTagDeltas(db, md5Of(1)), { add: [], remove: ["new"] });
    addImplication(db, { source: "x", implied: "new", status: "active" });
    assertEquals(edit(db, ["x"]).implied, undefined);
    edit(db, ["new"]);
    assertEquals(readTagDeltas(db, md5Of(1)).remove, []);
  });
});
