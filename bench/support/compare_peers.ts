import { assertEquals } from "@std/assert";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { answerOurselves } from "./own_search.ts";
import type { Peer } from "./peer.ts";
import type { LoggedQuery } from "./query_log.ts";
import { median, percentile, round } from "./statistics.ts";

/** How a peer did, over the queries that it can answer. */
export type PeerFigures = {
  name: string;
  description: string;
  queries: number;
  /** Median times of a query, in milliseconds, over the same queries. */
  peerMs: number;
  oursMs: number;
  /** Peer's time by ours, for each query: how many times faster we are. */
  ratio: { p10: number; median: number; p90: number };
};

const ROUNDS = 5;
/**
 * Ours runs so often in a round, the first time only to warm: the others' milliseconds warm themselves,
 * and leave nothing of ours in the processor's caches.
 */
const OWN_RUNS = 6;
/** What takes longer is not repeated. */
const REPEATED_BELOW_MS = 300;

type Side = { peer: Peer; times: number[]; ratios: number[]; ours: number[] };

/**
 * Times the same queries on every side, interleaved: each side is warmed by an answer that must equal
 * ours, then all take turns.
 */
export async function comparePeers(
  snapshot: ImageSnapshot,
  queries: readonly LoggedQuery[],
  peers: readonly Peer[],
): Promise<PeerFigures[]> {
  const sides: Side[] = peers.map((peer) => ({ peer, times: [], ratios: [], ours: [] }));
  for (const query of queries) await compareOne(snapshot, query, sides);
  return sides.map(({ peer, times, ratios, ours }) => ({
    name: peer.name,
    description: peer.description,
    queries: ratios.length,
    peerMs: round(median(times)),
    oursMs: round(median(ours)),
    ratio: {
      p10: round(percentile(ratios, 0.1)),
      median: round(median(ratios)),
      p90: round(percentile(ratios, 0.9)),
    },
  }));
}

async function compareOne(
  snapshot: ImageSnapshot,
  query: LoggedQuery,
  sides: readonly Side[],
): Promise<void> {
  const expected = await answerOurselves(snapshot, query.text);
  const runners: { side: Side; run: () => unknown; times: number[] }[] = [];
  for (const side of sides) {
    const run = await side.peer.prepare(query);
    if (run === null) continue;
    assertEquals(await run(), expected, `${side.peer.name} finds the same for ${query.text}`);
    runners.push({ side, run, times: [] });
  }
  const ownTimes: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < OWN_RUNS; i++) {
      const startedAt = performance.now();
      await answerOurselves(snapshot, query.text);
      if (i > 0) ownTimes.push(performance.now() - startedAt);
    }
    for (const { run, times } of runners) {
      if (round > 0 && times[0] > REPEATED_BELOW_MS) continue;
      const startedAt = performance.now();
      await run();
      times.push(performance.now() - startedAt);
    }
  }
  const own = median(ownTimes);
  for (const { side, times } of runners) {
    side.times.push(median(times));
    side.ours.push(own);
    side.ratios.push(median(times) / own);
  }
}
