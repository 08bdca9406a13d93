import { assertEquals } from "@std/assert";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { PAGE_IMAGES, searchNaively, sortNaivelyByScore } from "./naive_search.ts";
import { answerOurselves } from "./own_search.ts";
import { type LoggedQuery, type LogNode, QUERY_KINDS, type QueryKind } from "./query_log.ts";
import { type Distribution, median, round, toDistribution } from "./statistics.ts";

/** Times over a whole log. */
export type LogTimes = {
  distribution: Distribution;
  /** The same for each kind of query. */
  byKind: Record<QueryKind, Distribution & { queries: number }>;
  queriesPerSecond: number;
  /** The queries that took longest, with the median of some more runs of each. */
  slowest: { text: string; ms: number; againMs: number; total: number }[];
};

const SLOWEST_LISTED = 10;

/**
 * Demands that our answers equal those of the naive evaluator.
 *
 * @throws {AssertionError} At the first query where they do not.
 */
export async function checkAnswers(
  snapshot: ImageSnapshot,
  queries: readonly LoggedQuery[],
): Promise<void> {
  for (const { text, node } of queries) {
    const expected = searchNaively(snapshot.columns, node);
    assertEquals(await answerOurselves(snapshot, text), expected, `the answer to ${text}`);
  }
}

/** Runs a log once, every query timed by itself. */
export async function timeLog(
  snapshot: ImageSnapshot,
  queries: readonly LoggedQuery[],
): Promise<LogTimes> {
  const times = new Float64Array(queries.length);
  const totals = new Float64Array(queries.length);
  const startedAt = performance.now();
  for (let i = 0; i < queries.length; i++) {
    const before = performance.now();
    const { total } = await answerOurselves(snapshot, queries[i].text);
    times[i] = performance.now() - before;
    totals[i] = total;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const places = Array.from(times.keys()).sort((a, b) => times[b] - times[a]);
  const slowest: LogTimes["slowest"] = [];
  for (const place of places.slice(0, SLOWEST_LISTED)) {
    const { text } = queries[place];
    const again = await timeAgain(snapshot, text);
    slowest.push({ text, ms: round(times[place]), againMs: again, total: totals[place] });
  }
  const byKind = QUERY_KINDS.map((kind) => {
    const own = times.filter((_, i) => queries[i].kind === kind);
    return [kind, { queries: own.length, ...toDistribution(own) }];
  });
  return {
    distribution: toDistribution(times),
    byKind: Object.fromEntries(byKind),
    queriesPerSecond: Math.round(queries.length / seconds),
    slowest,
  };
}

const AGAIN_RUNS = 5;

async function timeAgain(snapshot: ImageSnapshot, text: string): Promise<number> {
  const runs: number[] = [];
  for (let i = 0; i < AGAIN_RUNS; i++) {
    const startedAt = performance.now();
    await answerOurselves(snapshot, text);
    runs.push(performance.now() - startedAt);
  }
  return round(median(runs));
}

/** What a page far back costs beside the first one. */
export type PageTimes = {
  query: string;
  total: number;
  page: number;
  firstMs: number;
  deepMs: number;
  ratio: number;
};

const PAGE_RUNS = 200;

/**
 * Times page 1 against a page far back, taking turns, for the newest-first order and for order:score; the
 * ids of both must be those of the naive evaluator.
 */
export async function timePages(
  snapshot: ImageSnapshot,
  queries: readonly { text: string; node: LogNode }[],
  deepPage: number,
): Promise<PageTimes[]> {
  const figures: PageTimes[] = [];
  for (const { text, node } of queries) {
    const byScore = sortNaivelyByScore(snapshot.columns, node);
    const newest = byScore.toSorted((a, b) => b - a);
    for (const [query, ids] of [[text, newest], [`${text} order:score`.trim(), byScore]] as const) {
      const page = Math.max(1, Math.min(deepPage, Math.ceil(ids.length / PAGE_IMAGES)));
      for (const number of [1, page]) {
        const { total, ids: found } = await answerOurselves(snapshot, query, number);
        const start = (number - 1) * PAGE_IMAGES;
        assertEquals(total, ids.length, `the total of ${query}`);
        assertEquals(found, ids.slice(start, start + PAGE_IMAGES), `page ${number} of ${query}`);
      }
      figures.push({ query, total: ids.length, ...await timePage(snapshot, query, page) });
    }
  }
  return figures;
}

async function timePage(snapshot: ImageSnapshot, query: string, page: number) {
  const first: number[] = [];
  const deep: number[] = [];
  for (let i = 0; i < PAGE_RUNS; i++) {
    for (const [number, times] of [[1, first], [page, deep]] as const) {
      const startedAt = performance.now();
      await answerOurselves(snapshot, query, number);
      times.push(performance.now() - startedAt);
    }
  }
  const [firstMs, deepMs] = [median(first), median(deep)];
  return {
    page,
    firstMs: round(firstMs),
    deepMs: round(deepMs),
    ratio: round(deepMs / firstMs),
  };
}
