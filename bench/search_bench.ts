/**
 * Searches over generated libraries, in process: a mixed log of 10,000 queries, the tags drawn by Zipf as
 * the library's own are. Every answer is compared with a naive evaluator before anything is timed. Then
 * the same queries side by side with SQLite, PostgreSQL and npm roaring-wasm. Each size runs in a process
 * of its own.
 *
 *     deno task bench search                    # 10k, 100k and 1M images
 *     deno task bench search 100000             # one size
 *     deno task bench search 100000 --no-peers  # only our own times
 *     deno task bench search --no-record        # prints the figures and keeps none
 */
import { type Core, openCore } from "../src/library/core.ts";
import { comparePeers, type PeerFigures } from "./support/compare_peers.ts";
import { provideLibrary, warm } from "./support/libraries.ts";
import { readLogSource } from "./support/own_search.ts";
import type { Absence, Peer } from "./support/peer.ts";
import { openPostgresPeer } from "./support/postgres_peer.ts";
import { findPostgresAbsence } from "./support/postgres_server.ts";
import {
  buildQueryLog,
  type LoggedQuery,
  type LogNode,
  type QueryKind,
} from "./support/query_log.ts";
import { recordResult } from "./support/results.ts";
import { openRoaringPeer } from "./support/roaring_peer.ts";
import { openSqlitePeer } from "./support/sqlite_peer.ts";
import { type Distribution, round, toMarkdownTable } from "./support/statistics.ts";
import {
  checkAnswers,
  type LogTimes,
  type PageTimes,
  timeLog,
  timePages,
} from "./support/time_search.ts";

const SIZES = [10_000, 100_000, 1_000_000];
const SEED = 3;
const QUERIES = 10_000;
/** The steady figures are those of so many times as many other queries. */
const STEADY_LOGS = 3;
/** The naive evaluator visits so many images in all: every query of a small library, 300 at 1M. */
const CHECKED_IMAGES = 300_000_000;
const CHECKED_MIN = 300;
/** The slow sides answer so many queries of the log. */
const PEER_QUERIES = 200;
const DEEP_PAGE = 10_000;

/** What one run is to do. */
export type SearchBenchOptions = {
  /** Path of the library's database. */
  library: string;
  queries: number;
  checked: number;
  peerQueries: number;
  /** Which peers to compare with. */
  peers: readonly PeerName[];
  /** Where lines about the progress go. */
  print: (line: string) => void;
};

/** Peers by name. */
export type PeerName = "sqlite" | "postgres" | "roaring";

/** Everything that a run found. */
export type SearchFigures = {
  images: number;
  tagLinks: number;
  queries: number;
  booleanQueries: number;
  specialQueries: number;
  checkedQueries: number;
  first: LogTimes;
  /** Of another log: no query was asked before, but what searches derive from the columns is there. */
  steady: LogTimes;
  pages: PageTimes[];
  peers: PeerFigures[];
  absent: Absence[];
};

/**
 * Checks and measures the search over one library.
 *
 * @throws {AssertionError} If any answer differs from the naive evaluator's or from a peer's.
 */
export async function runSearchBench(options: SearchBenchOptions): Promise<SearchFigures> {
  const { library, print } = options;
  const core = await openCore({ database: library });
  try {
    await core.cache.loadDataFromDb({ verbose: false });
    const source = readLogSource(core.cache.current);
    const log = buildQueryLog(source, { queries: options.queries, seed: SEED });
    const checked = sample(log, options.checked);
    print(`Comparing ${checked.length} answers with the naive evaluator…`);
    await checkAnswers(core.cache.current, checked);
    const first = await timeFirstPass(core, log);
    const snapshot = core.cache.current;
    const steady = await timeLog(
      snapshot,
      buildQueryLog(source, { queries: STEADY_LOGS * options.queries, seed: SEED + 1 }),
    );
    const [one, two] = source.tags.map(({ id, name }): LogNode => ({
      kind: "tag",
      name,
      tagId: id,
    }));
    const pages = await timePages(snapshot, [
      { text: "", node: { kind: "and", nodes: [] } },
      { text: source.tags[0].name, node: one },
      {
        text: `(-${source.tags[1].name} or ${source.tags[0].name})`,
        node: { kind: "or", nodes: [{ kind: "not", node: two }, one], isTilde: false },
      },
    ], DEEP_PAGE);
    return {
      images: snapshot.length,
      tagLinks: snapshot.tagLinkCount,
      queries: log.length,
      booleanQueries: log.filter(({ isBoolean }) => isBoolean).length,
      specialQueries: log.filter(({ kind }) => kind === "wildcard" || kind === "range").length,
      checkedQueries: checked.length,
      first,
      steady,
      pages,
      ...await compare(core, sample(log, options.peerQueries), options),
    };
  } finally {
    await core.close();
  }
}

/** A new snapshot has derived nothing yet; the code is compiled already. */
async function timeFirstPass(core: Core, log: readonly LoggedQuery[]): Promise<LogTimes> {
  await core.cache.loadDataFromDb({ verbose: false });
  return await timeLog(core.cache.current, log);
}

async function compare(
  core: Core,
  queries: readonly LoggedQuery[],
  { library, peers: wanted, print }: SearchBenchOptions,
): Promise<{ peers: PeerFigures[]; absent: Absence[] }> {
  const snapshot = core.cache.current;
  const absent: Absence[] = [];
  await using stack = new AsyncDisposableStack();
  const peers: Peer[] = [];
  if (wanted.includes("sqlite")) {
    print("Preparing SQLite…");
    peers.push(stack.use(await openSqlitePeer({ library, snapshot })));
  }
  if (wanted.includes("postgres")) {
    const reason = findPostgresAbsence();
    if (reason !== null) absent.push({ name: "PostgreSQL", reason });
    else {
      print("Preparing PostgreSQL…");
      peers.push(stack.use(await openPostgresPeer(snapshot.columns)));
    }
  }
  if (wanted.includes("roaring")) peers.push(stack.use(openRoaringPeer(snapshot)));
  if (peers.length === 0) return { peers: [], absent };
  print(`Comparing ${queries.length} queries with ${peers.map(({ name }) => name).join(", ")}…`);
  return { peers: await comparePeers(snapshot, queries, peers), absent };
}

/** Queries at equal distances in the log. */
function sample(log: readonly LoggedQuery[], count: number): LoggedQuery[] {
  if (count >= log.length) return [...log];
  return Array.from({ length: count }, (_, i) => log[Math.floor(i * log.length / count)]);
}

const KIND_NAMES: Record<QueryKind, string> = {
  tags: "tags side by side",
  orNot: "with OR or NOT",
  wildcard: "with a wildcard",
  range: "with a range",
};

/** The figures as tables for the README. */
export function describeFigures(figures: SearchFigures): string {
  const images = figures.images.toLocaleString("en");
  const times = ({ p50, p95, p99, max }: Distribution) =>
    [p50, p95, p99, max].map((ms) => `${round(ms, 3)} ms`);
  const rate = ({ queriesPerSecond }: LogTimes) => queriesPerSecond.toLocaleString("en");
  return [
    toMarkdownTable([
      [`${images} images`, "p50", "p95", "p99", "max", "queries/s"],
      ["first pass", ...times(figures.first.distribution), rate(figures.first)],
      ["steady", ...times(figures.steady.distribution), rate(figures.steady)],
      ...Object.entries(figures.steady.byKind).map(([kind, own]) => [
        `${KIND_NAMES[kind as QueryKind]} (${own.queries})`,
        ...times(own),
        "",
      ]),
    ]),
    toMarkdownTable([
      ["search", "total", "page 1", "page", "time", "ratio"],
      ...figures.pages.map(({ query, total, page, firstMs, deepMs, ratio }) => [
        `\`${query}\``,
        total.toLocaleString("en"),
        `${firstMs} ms`,
        page.toLocaleString("en"),
        `${deepMs} ms`,
        ratio,
      ]),
    ]),
    figures.peers.length === 0 ? "" : toMarkdownTable([
      ["peer", "queries", "its median", "our median", "ratio p10", "ratio median", "ratio p90"],
      ...figures.peers.map(({ name, queries, peerMs, oursMs, ratio }) => [
        name,
        queries,
        `${peerMs} ms`,
        `${oursMs} ms`,
        ratio.p10,
        ratio.median,
        ratio.p90,
      ]),
    ]),
    ...figures.peers.map(({ name, description }) => `- ${name}: ${description}`),
    ...figures.absent.map(({ name, reason }) => `- ${name} was left out: ${reason}`),
    "Slowest queries:",
    ...figures.steady.slowest.map(({ text, ms, againMs, total }) =>
      `- ${ms} ms (again ${againMs} ms), ${total} images: ${text}`
    ),
  ].filter((part) => part !== "").join("\n\n").replace(/\n\n(?=- )/g, "\n");
}

async function run(
  images: number,
  { peers, isRecorded }: { peers: readonly PeerName[]; isRecorded: boolean },
): Promise<void> {
  const library = await provideLibrary(images);
  await warm(library);
  const figures = await runSearchBench({
    library,
    queries: QUERIES,
    checked: Math.max(CHECKED_MIN, Math.floor(CHECKED_IMAGES / images)),
    peerQueries: PEER_QUERIES,
    peers,
    print: console.error,
  });
  console.log(describeFigures(figures));
  if (!isRecorded) return;
  const { first, steady, ...rest } = figures;
  await recordResult("search", {
    ...rest,
    first: { ...first.distribution, queriesPerSecond: first.queriesPerSecond },
    steady: {
      ...steady.distribution,
      queriesPerSecond: steady.queriesPerSecond,
      byKind: steady.byKind,
    },
  });
}

if (import.meta.main) {
  const [size] = Deno.args.filter((argument) => !argument.startsWith("--"));
  const flags = Deno.args.filter((argument) => argument.startsWith("--"));
  const peers: PeerName[] = flags.includes("--no-peers") ? [] : ["sqlite", "postgres", "roaring"];
  const isRecorded = !flags.includes("--no-record");
  if (size !== undefined) await run(Number(size), { peers, isRecorded });
  else {
    for (const images of SIZES) {
      const { code } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", import.meta.filename!, String(images), ...flags],
      }).spawn().status;
      if (code !== 0) Deno.exit(code);
    }
  }
}
