import type { Database } from "@db/sqlite";
import { type Core, openCore } from "../../src/core.ts";
import { withMigrated } from "../support/migrated.ts";
import { NaiveWriter, replaceByNaive } from "../support/naive_database.ts";
import { applyRandomEdit } from "../support/naive_edits.ts";
import { type LibraryShape, makeNaiveLibrary } from "../support/naive_library_arbitrary.ts";
import { drawQuery } from "../support/order_arbitrary.ts";
import { drawPlainTag, drawTree, type QueryScope, writeTree } from "../support/query_arbitrary.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { compareSearch, compareWithSql } from "../support/search_oracle.ts";
import { runs } from "../support/tier.ts";

/*
 * Random libraries in a real database, random searches, random edits: what the search answers is what
 * the naive search answers. A failure names a seed; CHIBIBOORU_SEED=<seed> runs that library alone.
 */

/** 100,000 searches in the full tier. What a seed means must not depend on the tier. */
const LIBRARIES = runs(14, 760);
const QUERIES_PER_LIBRARY = 140;
/** The naive search reads every image, so large libraries get fewer searches. */
const IMAGES_SEARCHED_PER_LIBRARY = 60_000;
/** One library in so many is large. */
const LARGE_EVERY = 14;
const ROUNDS_OF_EDITS = 4;

/** Sizes at which bitmaps, words of bits and blocks of rows begin or end. */
const SMALL = [0, 1, 3, 31, 32, 33, 63, 64, 65, 70, 100, 127, 129, 200, 300];
const LARGE = [700, 1_500, 2_048, 4_095, 4_096, 4_097, 5_000];

type Bench = { core: Core; db: Database };

async function withBench(test: (bench: Bench) => Promise<void>): Promise<void> {
  await withMigrated({}, async (db, database) => {
    db.exec("PRAGMA synchronous = OFF");
    const core = await openCore({ database });
    try {
      await test({ core, db });
    } finally {
      await core.close();
    }
  });
}

function drawShape(random: Random, seed: number): LibraryShape {
  const isLarge = seed % LARGE_EVERY === 0;
  const images = random.pick(isLarge ? LARGE : SMALL);
  const tags = random.pick(isLarge ? [40, 300] : [0, 2, 12, 40, 80]);
  return { images, tags, tagsPerImage: random.pick([2, 5, 8]) };
}

/** Runs a test for each seed, and names the seed of one that fails. */
async function forSeeds(count: number, test: (seed: number) => Promise<void>): Promise<void> {
  const given = Deno.env.get("CHIBIBOORU_SEED");
  const first = given === undefined ? Math.floor(Math.random() * 1e9) : Number(given);
  for (let seed = first; seed < first + (given === undefined ? count : 1); seed++) {
    try {
      await test(seed);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`CHIBIBOORU_SEED=${seed}: ${message}`, { cause: error });
    }
  }
}

async function named(recipe: string, text: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${recipe}\nsearch ${JSON.stringify(text)}\n${message}`, { cause: error });
  }
}

async function compareLibrary({ core, db }: Bench, seed: number): Promise<number> {
  const random = makeRandom(seed);
  const shape = drawShape(random, seed);
  const { library, tags } = makeNaiveLibrary(random, shape);
  replaceByNaive(db, library);
  await core.cache.loadDataFromDb({ verbose: false });
  const scope: QueryScope = { random, library, tags };
  const writer = new NaiveWriter(db);
  const most = Math.ceil(IMAGES_SEARCHED_PER_LIBRARY / (shape.images + 1));
  const queries = Math.min(QUERIES_PER_LIBRARY, most);
  const edits: string[] = [];
  let compared = 0;
  for (let round = 0; round <= ROUNDS_OF_EDITS; round++) {
    if (round > 0) {
      for (let i = random.int(6); i >= 0; i--) {
        edits.push(applyRandomEdit({ random, library, tags, writer }));
      }
      await core.cache.catchUp();
    }
    const share = round === 0 ? queries / 2 : queries / 2 / ROUNDS_OF_EDITS;
    const recipe = `${JSON.stringify(shape)}, edits: ${edits.join("; ") || "none"}`;
    for (let i = 0; i < share; i++) {
      const drawn = drawQuery(scope);
      await named(recipe, drawn.text, () => {
        return compareSearch(core.cache.current, library, drawn, random);
      });
      compared++;
    }
    const tree = drawTree(scope, 1 + random.int(6), drawPlainTag);
    const text = writeTree(random, tree);
    await named(recipe, text, () => compareWithSql({ core, db }, { tree, text, library }));
  }
  return compared;
}

Deno.test("search() finds what the naive search finds, also after edits", async () => {
  await withBench(async (bench) => {
    let compared = 0;
    await forSeeds(LIBRARIES, async (seed) => {
      compared += await compareLibrary(bench, seed);
    });
    if (Deno.env.get("CHIBIBOORU_SEED") === undefined && compared < LIBRARIES * 100) {
      throw new Error(`Only ${compared} searches were compared`);
    }
  });
});
