/**
 * Similar images at a million images: time of the exact twenty most similar over random images, checked
 * against brute force first; and the hit rate of the cache of results.
 *
 *     deno task bench similar           # 1M images
 *     deno task bench similar 100000    # another size
 */
import { assertEquals } from "@std/assert";
import { SIMILAR_DEFAULT, SIMILAR_MAX } from "../src/base/limits.ts";
import type { ImageSnapshot } from "../src/cache/image_snapshot.ts";
import { type Core, openCore } from "../src/library/core.ts";
import { SimilarImages } from "../src/library/similar_images.ts";
import { findSimilar, similarSteps } from "../src/query/similar.ts";
import { weighTag } from "../src/query/similarity_weights.ts";
import { toState } from "../tests/support/plain_library.ts";
import { provideLibrary } from "./support/libraries.ts";
import { seededRandom, zipf } from "./support/random.ts";
import { readPeakMb, recordResult } from "./support/results.ts";
import { round, toDistribution } from "./support/statistics.ts";

const IMAGES = 1_000_000;
const MEASURED = 200;
const CHECKED = 3;
const REQUESTS = 100_000;
/** Tags of an image that somebody made to be slow. */
const HOSTILE_TAGS = 500;

/** The formula for every image, row by row, with tables of its own. */
function findByBruteForce(snapshot: ImageSnapshot, row: number, limit: number) {
  const weights = new Map<number, number>();
  for (const [id, count] of snapshot.tagCounts()) {
    weights.set(id, weighTag(snapshot.tags.categoryOf(id), { images: snapshot.length, count }));
  }
  const own = new Set(snapshot.tagIdsAt(row));
  let total = 0;
  for (const id of own) total += weights.get(id)!;
  const found: { id: number; similarity: number }[] = [];
  for (const other of snapshot.rows()) {
    let overlap = 0;
    let all = 0;
    for (const id of snapshot.tagIdsAt(other)) {
      const weight = weights.get(id)!;
      all += weight;
      if (own.has(id)) overlap += weight;
    }
    if (overlap === 0 || other === row) continue;
    const similarity = 0.6 * overlap / total + 0.4 * overlap / (total + all - overlap);
    found.push({ id: snapshot.idAt(other), similarity });
  }
  // Rounded, since two ways to the same similarity may differ in the last digit.
  const toKey = (similarity: number) => Math.round(similarity * 1e12);
  found.sort((a, b) => toKey(b.similarity) - toKey(a.similarity) || b.id - a.id);
  return found.slice(0, limit).map(({ id, similarity }) => [id, toKey(similarity)]);
}

/** Speed means nothing before the answers are right. */
function checkAnswers(snapshot: ImageSnapshot, rows: readonly number[]): void {
  for (const row of rows) {
    const found = findSimilar(snapshot, row)
      .map(({ id, similarity }) => [id, Math.round(similarity * 1e12)]);
    assertEquals(found, findByBruteForce(snapshot, row, SIMILAR_DEFAULT), `row ${row}`);
  }
}

function measure(snapshot: ImageSnapshot, rows: readonly number[], limit: number) {
  return toDistribution(rows.map((row) => {
    const startedAt = performance.now();
    findSimilar(snapshot, row, { limit });
    return performance.now() - startedAt;
  }));
}

/** An image with the densest tags: the whole time, and the longest time between two pauses. */
function measureHostile(snapshot: ImageSnapshot) {
  const dense = [...snapshot.tagCounts()].sort(([, a], [, b]) => b - a).slice(0, HOSTILE_TAGS);
  const row = snapshot.rows()[0];
  const id = snapshot.idAt(row);
  const tags = dense.map(([id]) => ({ id, name: snapshot.tags.nameOf(id)! }));
  const tagIds = tags.map((tag) => tag.id);
  const edited = snapshot.withImage(id, toState({ id, tagIds }, tags));
  const startedAt = performance.now();
  const steps = similarSteps(edited, row);
  let longest = 0;
  for (let isDone = false, last = startedAt; !isDone;) {
    isDone = steps.next().done === true;
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return { tookMs: round(performance.now() - startedAt), longestStepMs: round(longest) };
}

/** 100,000 requests, Zipf 0.9 over images, a reload in the middle. */
async function measureHitRates(core: Core, images: number) {
  const similar = new SimilarImages({ events: core.events });
  const draw = zipf(images, 0.9, seededRandom(7));
  const startedAt = performance.now();
  for (let i = 0; i < REQUESTS; i++) {
    if (i === REQUESTS / 2) await core.cache.loadDataFromDb({ verbose: false });
    await similar.find(core.cache.current, draw() + 1);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const weights = similar.weightStats(core.cache.current);
  return {
    requests: REQUESTS,
    requestsSeconds: round(seconds),
    similarImagesHitRate: round(similar.stats.hitRate),
    similarityWeightsHitRate: round(weights.hitRate, 9),
    similarityWeightsMisses: weights.misses,
  };
}

async function run(images: number): Promise<void> {
  const core = await openCore({ database: await provideLibrary(images) });
  await core.cache.loadDataFromDb({ verbose: false });
  const snapshot = core.cache.current;
  const random = seededRandom(5);
  const rows = Array.from({ length: MEASURED }, () => Math.floor(random() * images));
  checkAnswers(snapshot, rows.slice(0, CHECKED));
  const firstMs = measure(snapshot, rows, SIMILAR_DEFAULT);
  const figures = {
    images,
    tagLinks: snapshot.tagLinkCount,
    limit: SIMILAR_DEFAULT,
    firstRoundMs: firstMs,
    similarMs: measure(snapshot, rows, SIMILAR_DEFAULT),
    [`similar${SIMILAR_MAX}Ms`]: measure(snapshot, rows, SIMILAR_MAX),
    [`tags${HOSTILE_TAGS}`]: measureHostile(snapshot),
    ...await measureHitRates(core, images),
    peakRssMb: await readPeakMb(),
  };
  await core.close();
  console.log(JSON.stringify(figures));
  await recordResult("similar", figures);
}

if (import.meta.main) await run(Number(Deno.args[0] ?? IMAGES));
