/**
 * Full load of generated libraries: time, peak memory, the main isolate's longest stall; and the hit rate
 * of the image details cache. Each size runs in a process of its own, so that peaks do not add up.
 *
 *     deno task bench load            # 10k, 100k and 1M images
 *     deno task bench load 10000      # one size
 *
 * Libraries are generated once into .bench/ (1M images: two minutes, 4 GB).
 */
import { assertEquals } from "@std/assert";
import { openCore } from "../src/library/core.ts";
import { ImageDetails } from "../src/library/image_details.ts";
import { openReader } from "../src/store/database.ts";
import type { ImageFacts } from "../src/store/images.ts";
import { provideLibrary, warm } from "./support/libraries.ts";
import { seededRandom, zipf } from "./support/random.ts";
import { readPeakMb, recordResult } from "./support/results.ts";

const SIZES = [10_000, 100_000, 1_000_000];
const LOADS = 3;
const REQUESTS = 100_000;

/** What one load took. */
type LoadFigures = { seconds: number; longestStallMs: number };

async function measureLoad(load: () => Promise<unknown>): Promise<LoadFigures> {
  let longestStallMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longestStallMs = Math.max(longestStallMs, now - last - 1);
    last = now;
  }, 1);
  const startedAt = performance.now();
  await load();
  const seconds = (performance.now() - startedAt) / 1_000;
  clearInterval(timer);
  return { seconds, longestStallMs };
}

/** The cache must answer what the database says before its speed means anything. */
function checkAgainstSql(path: string, core: Awaited<ReturnType<typeof openCore>>): void {
  const db = openReader(path);
  const [images] = db.prepare("SELECT count(*) FROM images").value<[number]>()!;
  const [links] = db.prepare("SELECT count(*) FROM image_tags").value<[number]>()!;
  assertEquals(core.cache.current.length, images);
  assertEquals(core.cache.current.tagLinkCount, links);
  const sample = core.cache.getImageData().at(Math.floor(images / 2))!;
  const tags = db.prepare("SELECT tag_id FROM image_tags WHERE image_id = ? ORDER BY tag_id")
    .values<[number]>(sample.id).map(([tagId]) => tagId);
  assertEquals([...sample.tagIds], tags);
  db.close();
}

/** 100,000 requests for details, Zipf 0.9 over images, a reload in the middle. */
async function measureHitRate(
  core: Awaited<ReturnType<typeof openCore>>,
  images: number,
): Promise<number> {
  const facts = {} as ImageFacts;
  const details = new ImageDetails({ events: core.events, read: () => facts });
  const draw = zipf(images, 0.9, seededRandom(7));
  for (let i = 0; i < REQUESTS; i++) {
    if (i === REQUESTS / 2) await core.cache.loadDataFromDb({ verbose: false });
    details.get(draw() + 1);
  }
  return details.stats.hitRate;
}

async function run(images: number): Promise<void> {
  const path = await provideLibrary(images);
  await warm(path);
  const core = await openCore({ database: path });
  const loads: LoadFigures[] = [];
  let peakRssMb = 0;
  for (let i = 0; i < LOADS; i++) {
    loads.push(await measureLoad(() => core.cache.loadDataFromDb({ verbose: false })));
    if (i > 0) continue;
    peakRssMb = await readPeakMb();
    checkAgainstSql(path, core);
  }
  // A reload holds the snapshot that is served and the one that is built.
  const peakRssReloadsMb = await readPeakMb();
  const seconds = loads.map((load) => load.seconds).sort((a, b) => a - b);
  const figures = {
    images,
    tagLinks: core.cache.current.tagLinkCount,
    postIds: core.cache.current.postIdCount,
    loadSecondsFirst: round(loads[0].seconds),
    loadSecondsMedian: round(seconds[Math.floor(LOADS / 2)]),
    longestStallMs: round(Math.max(...loads.map((load) => load.longestStallMs))),
    peakRssMb,
    peakRssReloadsMb,
    detailsHitRate: round(await measureHitRate(core, images)),
  };
  await core.close();
  console.log(JSON.stringify(figures));
  await recordResult("load", figures);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

if (import.meta.main) {
  const [size] = Deno.args;
  if (size !== undefined) await run(Number(size));
  else {
    for (const images of SIZES) {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", import.meta.filename!, String(images)],
      }).spawn();
      const { code } = await child.status;
      if (code !== 0) Deno.exit(code);
    }
  }
}
