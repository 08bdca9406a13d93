import { assert, assertEquals } from "@std/assert";
import { TAG_RULE_BATCH_IMAGES } from "../../src/base/limits.ts";
import { addAlias, listAliases, previewAlias } from "../../src/library/aliases.ts";
import { editImageTags } from "../../src/library/edit_tags.ts";
import { addImplication, previewImplication } from "../../src/library/implications.ts";
import type { Library } from "../../src/library/library.ts";
import { resumeTagRules, startTagRules, TAG_RULES_TASK } from "../../src/library/tag_rules.ts";
import { isActive } from "../../src/library/tasks.ts";
import { readTagRuleJobs } from "../../src/store/tag_rule_jobs.ts";
import { fillLibrary, type LibrarySpec, openDatabase } from "../support/library_builder.ts";
import { makeRandom } from "../support/random.ts";
import { withLibrary } from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";

/** Runs a test with a library of these rows, loaded. */
function withRows(spec: LibrarySpec, test: (library: Library) => Promise<void>): Promise<void> {
  return withLibrary(async ({ library }) => {
    const db = openDatabase(library.paths.database);
    try {
      db.transaction(() => fillLibrary(db, spec)).immediate();
    } finally {
      db.close();
    }
    await library.core.cache.loadDataFromDb({ verbose: false });
    await test(library);
  });
}

/** Waits until no rule is on its way to images. */
async function settle(library: Library): Promise<void> {
  while (library.tasks.active(TAG_RULES_TASK) !== undefined) {
    await new Promise<void>((resolve) => {
      const ended = new AbortController();
      library.tasks.events.on("changed", (task) => {
        if (isActive(task)) return;
        ended.abort();
        resolve();
      }, { signal: ended.signal });
    });
    // Whoever asked at the very end gets a task of its own.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function tagsOf({ core }: Library, imageId: number): string[] {
  const snapshot = core.cache.current;
  const ids = snapshot.tagIdsAt(snapshot.rowOfId(imageId)!);
  return [...ids].map((id) => snapshot.tags.nameOf(id)!).sort();
}

const WANTED = { add: [] as string[], remove: [] as string[], expectedTags: null };

Deno.test("an implication is counted in the cache, and edits and searches see it", async () => {
  const images = Array.from({ length: 450 }, (_, i) => ({ tags: i % 2 === 0 ? ["cat"] : ["dog"] }));
  await withRows({ images }, async (library) => {
    const { task } = await addImplication(library, {
      source: "cat",
      implied: "animal",
      status: "active",
    });
    assertEquals(task?.kind, TAG_RULES_TASK);
    // Two more while the first is on its way: one task does them all.
    await Promise.all(
      ["being", "thing"].map((implied, i) =>
        addImplication(library, { source: ["animal", "dog"][i], implied, status: "active" })
      ),
    );
    await settle(library);
    const { cache } = library.core;
    const countOf = (name: string) => cache.current.countOfTag(cache.current.tags.idOf(name)!);
    assertEquals(["cat", "animal", "being", "thing"].map(countOf), [225, 225, 225, 225]);
    assertEquals(tagsOf(library, 2), ["dog", "thing"]);
    const change = await editImageTags(library, { ...WANTED, imageId: 2, add: ["cat"] });
    assertEquals(change.implied?.added.sort(), ["animal", "being"]);
    assertEquals(tagsOf(library, 2), ["animal", "being", "cat", "dog", "thing"]);
    assertEquals(countOf("being"), 226);
    assertEquals(readTagRuleJobs(library.core.reader), []);
    assertEquals(resumeTagRules(library), null);
  });
});

Deno.test("what a program that ended left is finished by the next start", async () => {
  const count = TAG_RULE_BATCH_IMAGES + 50;
  const images = Array.from({ length: count }, () => ({ tags: ["cat"] }));
  await withRows({ images }, async (library) => {
    // As after a kill: the rule and the job are committed, a batch is done.
    const wanted = { source: "cat", implied: "animal", status: "active" } as const;
    const { jobId } = await library.writer.call("addImplication", wanted);
    await library.writer.call("continueTagRuleJob", { id: jobId!, cursor: null, forMs: 0 });
    assertEquals(readTagRuleJobs(library.core.reader).length, 1);
    assert(resumeTagRules(library) !== null);
    await settle(library);
    const { cache } = library.core;
    assertEquals(cache.current.countOfTag(cache.current.tags.idOf("animal")!), count);
    assertEquals(startTagRules(library).kind, TAG_RULES_TASK, "nothing left is no fault");
    await settle(library);
  });
});

fullTierTest("previewImplication() counts what really would come, and writes nothing", async () => {
  const names = ["a", "b", "c", "d", "e"];
  for (let seed = 1; seed <= 5; seed++) {
    const random = makeRandom(seed);
    const images = Array.from({ length: 40 }, () => ({ tags: random.some(names, 0.3) }));
    await withRows({ tags: names.map((name) => ({ name })), images }, async (library) => {
      const { cache } = library.core;
      for (const [source, implied] of [["b", "c"], ["c", "d"], ["b", "e"]]) {
        await library.writer.call("addImplication", { source, implied, status: "active" });
      }
      startTagRules(library);
      await settle(library);
      // Tags that a person took away, and edits that are not in the columns.
      for (let i = 0; i < 12; i++) {
        const edit = { ...WANTED, imageId: 1 + random.int(40) };
        if (random.int(2) === 0) {
          await editImageTags(library, { ...edit, add: [random.pick(names)] });
        } else await editImageTags(library, { ...edit, remove: [random.pick(names)] });
      }
      const preview = await previewImplication(library, { source: "a", implied: "b" });
      const before = new Map(names.map((name) => [name, countOf(library, name)]));
      assertEquals(preview.conflicts, []);
      assertEquals(preview.sourceImages, before.get("a"));
      assertEquals(preview.chain.map(({ path }) => path.join()), [
        "a,b",
        "a,b,c",
        "a,b,e",
        "a,b,c,d",
      ]);
      await addImplication(library, { source: "a", implied: "b", status: "active" });
      await settle(library);
      await cache.loadDataFromDb({ verbose: false });
      for (const { name, images: gained } of preview.chain) {
        const really = countOf(library, name) - before.get(name)!;
        assertEquals(gained, really, `${name} of seed ${seed}`);
      }
    });
  }
});

function countOf({ core: { cache } }: Library, name: string): number {
  return cache.current.countOfTag(cache.current.tags.idOf(name)!);
}

Deno.test("previewImplication() names what stands against it and what else is to be known", async () => {
  await withRows({ images: [{ tags: ["a"] }] }, async (library) => {
    for (const [source, implied] of [["a", "b"], ["b", "c"]]) {
      await addImplication(library, { source, implied, status: "active" });
    }
    await settle(library);
    const look = (source: string, implied: string) =>
      previewImplication(library, { source, implied });
    assert((await look("c", "a")).conflicts[0].includes("circle"));
    assertEquals((await look("a", "b")).known?.status, "active");
    assertEquals((await look("a", "c")).notes, ["It follows already: a → b → c"]);
    const { notes, chain, sourceImages } = await look("a", "new");
    assertEquals(notes, ['The library has no tag "new" yet']);
    assertEquals([chain.length, chain[0].images, sourceImages], [1, 1, 1]);
    assertEquals((await look("never", "a")).sourceImages, 0);
  });
});

Deno.test("an alias moves images in the cache, and is listed and looked at", async () => {
  const images = [{ tags: ["old"] }, { tags: ["old", "x"] }, {}];
  await withRows({ images }, async (library) => {
    const names = { antecedent: "Old", consequent: "NEW" };
    const preview = previewAlias(library, { ...names, movesImages: true });
    assertEquals([preview.antecedent, preview.end, preview.images], ["old", "new", 2]);
    assertEquals(preview.notes, ['The library has no tag "new" yet']);
    assertEquals(previewAlias(library, { ...names, movesImages: false }).notes.length, 2);
    await addAlias(library, { ...names, status: "active", movesImages: true });
    await settle(library);
    assertEquals([tagsOf(library, 1), tagsOf(library, 2)], [["new"], ["new", "x"]]);
    assertEquals(library.core.cache.current.aliases.resolve("old"), "new");
    const listed = await listAliases(library, {
      status: "active",
      matches: (name) => name.startsWith("o"),
      limit: 10,
      offset: 0,
    });
    assertEquals([listed.total, listed.aliases[0].consequent], [1, "new"]);
    const change = await editImageTags(library, { ...WANTED, imageId: 3, add: ["old"] });
    assertEquals([change.added, change.aliases], [["new"], { old: "new" }]);
  });
});
