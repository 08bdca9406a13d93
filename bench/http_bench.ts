/**
 * The search over HTTP: `GET /api/images?q=…&limit=40` on 1,000 distinct queries, drawn by Zipf, over 32
 * kept connections from a second process; the same client against a bare handler that returns as many
 * bytes for each of them. Every answer is compared with a naive evaluator first.
 *
 *     deno task bench http            # 100k images
 *     deno task bench http 10000      # another size
 *     deno task bench http --no-record
 *
 * The client is wrk where it is installed (`apt-get install wrk`), else one of raw sockets, which takes
 * more of the machine than the server does and flatters the ratio.
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { openCore } from "../src/library/core.ts";
import { type ChildServer, startChildServer, waitUntilReady } from "./support/child_server.ts";
import {
  chooseClient,
  type ClientName,
  type LoadFigures,
  measureHttp,
} from "./support/http_load.ts";
import { provideLibrary } from "./support/libraries.ts";
import { PAGE_IMAGES, searchNaively } from "./support/naive_search.ts";
import { readLogSource } from "./support/own_search.ts";
import { buildQueryLog, type LoggedQuery } from "./support/query_log.ts";
import { seededRandom, zipf } from "./support/random.ts";
import { recordResult } from "./support/results.ts";
import { median, round, toMarkdownTable } from "./support/statistics.ts";

const IMAGES = 100_000;
const SEED = 5;
const QUERIES = 1_000;
const EXPONENT = 0.9;
/** Requests that are drawn; they are repeated when they run out. */
const REQUESTS = 100_000;
const CONNECTIONS = 32;
const SECONDS = 5;
const ROUNDS = 5;

/** What one run is to do. */
export type HttpBenchOptions = {
  /** Path of a generated database; a copy is served, since serving adds tables. */
  library: string;
  queries: number;
  requests: number;
  seconds: number;
  rounds: number;
  client: ClientName;
  print: (line: string) => void;
};

/** Everything that a run found. */
export type HttpFigures = {
  images: number;
  client: ClientName;
  connections: number;
  queries: number;
  meanBytes: number;
  ours: LoadFigures;
  bare: LoadFigures;
  /** Median over the rounds of our requests per second by the bare handler's. */
  ratio: number;
  /** The caches of `/api/status` after the run. */
  caches: unknown;
};

/**
 * Checks and measures the search over HTTP.
 *
 * @throws {AssertionError} If an answer differs from the naive evaluator's, or any request failed.
 */
export async function runHttpBench(options: HttpBenchOptions): Promise<HttpFigures> {
  const { client, seconds, rounds, print } = options;
  const folder = await Deno.makeTempDir({ prefix: "chibibooru_bench_" });
  try {
    await Deno.mkdir(join(folder, "data"));
    await Deno.copyFile(options.library, join(folder, "data", "booru.db"));
    print("Starting the server…");
    await using ours = await startChildServer([
      ...["-P=serve", "main.ts", "serve", "--library", folder, "--port", "0"],
    ]);
    await using bare = await startChildServer(["-A", "bench/support/bare_server.ts"]);
    await waitUntilReady(ours, "/readyz");
    const { log, images, sizes } = await checkAnswers(ours, options);
    const draw = zipf(log.length, EXPONENT, seededRandom(SEED));
    const drawn = Array.from({ length: options.requests }, draw);
    const load = { seconds, connections: CONNECTIONS };
    const sides = [
      { port: ours.port, paths: drawn.map((place) => toPath(log[place])) },
      { port: bare.port, paths: drawn.map((place) => `/${sizes[place]}`) },
    ].map((side) => ({ ...side, runs: [] as LoadFigures[] }));
    // The first round only warms.
    for (let i = 0; i <= rounds; i++) {
      print(i === 0 ? "Warming…" : `Round ${i} of ${rounds}…`);
      for (const { port, paths, runs } of sides) {
        const run = await measureHttp(client, { ...load, port, paths });
        assertEquals(run.errors, 0, "every request is answered");
        if (i > 0) runs.push(run);
      }
    }
    const [ourRuns, bareRuns] = sides.map(({ runs }) => runs);
    const status = await (await fetch(`${ours.origin}/api/status`)).json();
    return {
      images,
      client,
      connections: CONNECTIONS,
      queries: log.length,
      meanBytes: Math.round(drawn.reduce((sum, place) => sum + sizes[place], 0) / drawn.length),
      ours: toMedians(ourRuns),
      bare: toMedians(bareRuns),
      ratio: round(
        median(ourRuns.map((run, i) => run.requestsPerSecond / bareRuns[i].requestsPerSecond)),
      ),
      caches: status.caches,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Draws the queries and asks each once: total and ids must be right. Gives the sizes of the answers. */
async function checkAnswers(
  server: ChildServer,
  { library, queries, print }: HttpBenchOptions,
): Promise<{ log: LoggedQuery[]; images: number; sizes: number[] }> {
  const core = await openCore({ database: library });
  try {
    await core.cache.loadDataFromDb({ verbose: false });
    const snapshot = core.cache.current;
    const log = drawDistinct(readLogSource(snapshot), queries);
    print(`Comparing ${log.length} answers with the naive evaluator…`);
    const sizes: number[] = [];
    for (const query of log) {
      const response = await fetch(server.origin + toPath(query));
      const body = new Uint8Array(await response.arrayBuffer());
      const { total, images } = JSON.parse(new TextDecoder().decode(body));
      const ids = (images as { id: number }[]).map(({ id }) => id);
      assertEquals({ total, ids }, searchNaively(snapshot.columns, query.node), query.text);
      sizes.push(body.length);
    }
    return { log, images: snapshot.length, sizes };
  } finally {
    await core.close();
  }
}

function drawDistinct(source: ReturnType<typeof readLogSource>, count: number): LoggedQuery[] {
  const byText = new Map<string, LoggedQuery>();
  for (const query of buildQueryLog(source, { queries: 3 * count, seed: SEED })) {
    if (byText.size < count) byText.set(query.text, query);
  }
  return [...byText.values()];
}

function toPath({ text }: LoggedQuery): string {
  return `/api/images?q=${encodeURIComponent(text)}&limit=${PAGE_IMAGES}`;
}

function toMedians(runs: readonly LoadFigures[]): LoadFigures {
  const names = Object.keys(runs[0]) as (keyof LoadFigures)[];
  const medians = names.map((name) => [name, round(median(runs.map((run) => run[name])))]);
  return Object.fromEntries(medians);
}

/** The figures as a table for the README. */
export function describeFigures(figures: HttpFigures): string {
  const { images, client, connections, ours, bare, ratio, meanBytes } = figures;
  const row = (name: string, run: LoadFigures) => [
    name,
    Math.round(run.requestsPerSecond).toLocaleString("en"),
    `${round(run.megabytesPerSecond, 3)} MB/s`,
    `${round(run.p50Ms, 3)} ms`,
    `${round(run.p99Ms, 3)} ms`,
  ];
  return [
    toMarkdownTable([
      [`${images.toLocaleString("en")} images`, "requests/s", "bytes", "p50", "p99"],
      row("`GET /api/images`", ours),
      row("bare handler", bare),
    ]),
    `${Math.round(100 * ratio)}% of the bare handler; ${connections} connections, ${client}, ` +
    `${meanBytes} bytes on average.`,
  ].join("\n\n");
}

if (import.meta.main) {
  const [size] = Deno.args.filter((argument) => !argument.startsWith("--"));
  const library = await provideLibrary(Number(size ?? IMAGES));
  const figures = await runHttpBench({
    library,
    queries: QUERIES,
    requests: REQUESTS,
    seconds: SECONDS,
    rounds: ROUNDS,
    client: await chooseClient(),
    print: console.error,
  });
  console.log(describeFigures(figures));
  if (!Deno.args.includes("--no-record")) await recordResult("http", figures);
}
