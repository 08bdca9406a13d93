import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import { addAlias, removeAlias } from "../../src/store/aliases.ts";
import type { Database } from "../../src/store/database.ts";
import {
  addImplication,
  findImplication,
  removeImplication,
} from "../../src/store/implications.ts";
import { importImages } from "../../src/store/import_images.ts";
import { continueTagRuleJob, readTagRuleJobs } from "../../src/store/tag_rule_jobs.ts";
import { changeImageTags, editTags } from "../../src/store/tags.ts";
import { md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";
import { NaiveTagRules } from "../support/naive_tag_rules.ts";
import { runs } from "../support/tier.ts";

const NAMES = ["a", "b", "c", "d", "e", "f"];
const IMAGES = [1, 2, 3];

type Step =
  | { kind: "edit"; image: number; add: string[]; remove: string[] }
  | { kind: "import"; image: number; names: string[] }
  | { kind: "unsay"; image: number; names: string[] }
  | { kind: "imply"; from: string; to: string }
  | { kind: "release"; from: string; to: string }
  | { kind: "alias"; from: string; to: string }
  | { kind: "forget"; from: string };

const name = fc.constantFrom(...NAMES);
const names = fc.array(name, { maxLength: 3 });
const image = fc.constantFrom(...IMAGES);
const tagStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("edit" as const), image, add: names, remove: names }),
  fc.record({ kind: fc.constant("import" as const), image, names }),
  fc.record({ kind: fc.constant("unsay" as const), image, names }),
);
const implicationStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("imply" as const), from: name, to: name }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("release" as const), from: name, to: name }),
  },
);
const aliasStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("alias" as const), from: name, to: name }),
  fc.record({ kind: fc.constant("forget" as const), from: name }),
);

/** All links as image, name and origin. */
function readLinks(db: Database): [number, string, string][] {
  return db.prepare(
    `SELECT image_id, name, source FROM image_tags JOIN tags ON tags.id = tag_id
     ORDER BY image_id, name`,
  ).values<[number, string, string]>();
}

function linksOf(model: NaiveTagRules): [number, string, string][] {
  return [...model.images.keys()].sort().flatMap((id) =>
    [...model.tagsOf(id)].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([tag, origin]): [number, string, string] => [id, tag, origin])
  );
}

/** The columns say what the links say. */
function assertColumns(db: Database): void {
  const different = db.prepare(
    `SELECT id, coalesce(tags_general, ''), coalesce(linked, '') FROM images LEFT JOIN (
       SELECT image_id, group_concat(name, ' ' ORDER BY name) AS linked
       FROM image_tags JOIN tags ON tags.id = tag_id GROUP BY image_id
     ) ON image_id = images.id WHERE coalesce(tags_general, '') <> coalesce(linked, '')`,
  ).values();
  assertEquals(different, []);
}

/** Does the batches of all jobs, or only so many. */
function work(db: Database, batchesMax = Infinity): void {
  let left = batchesMax;
  for (const { id } of readTagRuleJobs(db)) {
    let cursor: Parameters<typeof continueTagRuleJob>[1]["cursor"] = null;
    do {
      if (left-- <= 0) return;
      cursor = continueTagRuleJob(db, { id, cursor }).next;
    } while (cursor !== null);
  }
}

function importOne(db: Database, id: number, tags: readonly string[]): void {
  importImages(db, [{
    md5: md5Of(id),
    place: { filepath: `${id}.jpg`, sizeBytes: 1, mtimeMs: 1, inode: id },
    isServed: true,
    media: {
      ext: "jpg",
      sizeBytes: 1,
      width: null,
      height: null,
      durationMs: null,
      originalName: "x",
    },
    tags: tags.map((tag) => ({ name: tag, category: null })),
    rating: null,
    sites: [],
  }]);
}

/** Whether something was refused as a conflict. */
function isRefused(act: () => void): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (error instanceof AppError && error.code === "conflict") return true;
    throw error;
  }
}

/** Does a step here and in the model; what is refused must be refused by both. */
function apply(db: Database, model: NaiveTagRules, step: Step): void {
  if (step.kind === "edit") {
    const { image: imageId, add, remove } = step;
    const wanted = add.map((tag) => ({ name: tag, category: null }));
    editTags(db, { imageId, add: wanted, remove, editor: "owner", expectedTags: null });
    model.edit(imageId, add, remove);
  } else if (step.kind === "import") {
    importOne(db, step.image, step.names);
    model.import(step.image, step.names);
  } else if (step.kind === "unsay") {
    changeImageTags(db, step.image, { add: [], remove: step.names, origin: "original" });
    model.unsay(step.image, step.names);
  } else if (step.kind === "imply") {
    const { from, to } = step;
    const refused = isRefused(() =>
      addImplication(db, { source: from, implied: to, status: "active" })
    );
    assertEquals(refused, !model.canImply(from, to), `${from} → ${to}`);
    if (!refused) model.edges.push([from, to]);
  } else if (step.kind === "release") {
    const known = findImplication(db, { source: step.from, implied: step.to });
    if (known !== undefined) removeImplication(db, known);
    model.edges = model.edges.filter(([a, b]) => a !== step.from || b !== step.to);
  } else if (step.kind === "alias") {
    const { from, to } = step;
    const refused = isRefused(() =>
      addAlias(db, { antecedent: from, consequent: to, status: "active", movesImages: true })
    );
    assertEquals(refused, !model.canAlias(from, to), `${from} is ${to}`);
    if (!refused) model.alias(from, to);
  } else if (model.aliases.delete(step.from)) removeAlias(db, step.from);
}

/** Runs lists of steps, each on a library of its own: three images without tags. */
async function checkSteps(
  steps: fc.Arbitrary<Step[]>,
  run: (db: Database, model: NaiveTagRules, steps: Step[]) => void,
  options: { numRuns: number },
): Promise<void> {
  await withMigrated({ images: IMAGES.map(() => ({})) }, (db) => {
    fc.assert(
      fc.property(steps, (list) => {
        db.exec("SAVEPOINT run");
        try {
          const model = new NaiveTagRules();
          for (const id of IMAGES) model.import(id, []);
          run(db, model, list);
        } finally {
          db.exec("ROLLBACK TO run; RELEASE run");
        }
      }),
      options,
    );
  });
}

Deno.test("tags follow implications as a naive model has them, after every step", async () => {
  const steps = fc.array(fc.oneof({ weight: 2, arbitrary: tagStep }, implicationStep), {
    minLength: 2,
    maxLength: 14,
  });
  await checkSteps(steps, (db, model, list) => {
    for (const step of list) {
      apply(db, model, step);
      work(db);
      assertEquals(readLinks(db), linksOf(model), JSON.stringify(step));
      assertColumns(db);
    }
  }, { numRuns: runs(30, 1_000) });
});

Deno.test("what is done while implications are being applied ends at the same tags", async () => {
  const steps = fc.array(
    fc.tuple(fc.oneof({ weight: 2, arbitrary: tagStep }, implicationStep), fc.nat(3)),
    { minLength: 2, maxLength: 14 },
  );
  await withMigrated({ images: IMAGES.map(() => ({})) }, (db) => {
    fc.assert(
      fc.property(steps, (list) => {
        db.exec("SAVEPOINT run");
        try {
          const model = new NaiveTagRules();
          for (const id of IMAGES) model.import(id, []);
          for (const [step, batches] of list) {
            // Which tags an edit takes away depends on what is applied already.
            if (step.kind === "edit") work(db);
            apply(db, model, step);
            work(db, batches);
          }
          work(db);
          assertEquals(readLinks(db), linksOf(model));
          assertEquals(
            db.prepare("SELECT count(*) FROM tag_implications WHERE status <> 'active'").value(),
            [0],
          );
        } finally {
          db.exec("ROLLBACK TO run; RELEASE run");
        }
      }),
      { numRuns: runs(20, 700) },
    );
  });
});

Deno.test("aliases move tags and implications as a naive model does", async () => {
  const any = fc.oneof({ weight: 3, arbitrary: tagStep }, implicationStep, aliasStep);
  const steps = fc.array(any, { minLength: 2, maxLength: 14 });
  await checkSteps(steps, (db, model, list) => {
    for (const step of list) {
      apply(db, model, step);
      work(db);
      if (step.kind === "alias" || step.kind === "forget") {
        // A person's word on the one name is one on the other by now.
        for (const id of IMAGES) {
          changeImageTags(db, id, { add: [], remove: [], origin: "implication" });
        }
      }
      assertEquals(readLinks(db), linksOf(model), JSON.stringify(step));
      assertColumns(db);
    }
  }, { numRuns: runs(30, 1_000) });
});
