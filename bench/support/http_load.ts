import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a client is to do. */
export type LoadRequest = {
  port: number;
  /** Paths in the order in which they are asked for, over and over. */
  paths: readonly string[];
  seconds: number;
  connections: number;
};

/** What a client counted. */
export type LoadFigures = {
  requests: number;
  requestsPerSecond: number;
  megabytesPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Answers other than 200, and broken connections. */
  errors: number;
};

/** Which program asks. */
export type ClientName = "wrk" | "deno";

const CLIENT = fileURLToPath(new URL("./http_client.ts", import.meta.url));

/** The fastest client of this machine: wrk, which costs less than the server, else our own. */
export async function chooseClient(): Promise<ClientName> {
  try {
    await new Deno.Command("wrk", { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return "wrk";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "deno";
    throw error;
  }
}

/** Loads a server from a second process and gives what the client counted. */
export async function measureHttp(client: ClientName, request: LoadRequest): Promise<LoadFigures> {
  const folder = await Deno.makeTempDir({ prefix: "chibibooru_http_" });
  try {
    return client === "wrk" ? await runWrk(folder, request) : await runDeno(folder, request);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runDeno(folder: string, request: LoadRequest): Promise<LoadFigures> {
  const path = join(folder, "request.json");
  await Deno.writeTextFile(path, JSON.stringify(request));
  return JSON.parse(await runCommand(Deno.execPath(), ["run", "-A", "--quiet", CLIENT, path]));
}

/** Requests are made once; times are in microseconds. */
const WRK_SCRIPT = `
local requests = {}
local next = 0
for path in io.lines(os.getenv("BENCH_PATHS")) do
  requests[#requests + 1] = path
end
init = function()
  for i, path in ipairs(requests) do requests[i] = wrk.format("GET", path) end
end
request = function()
  next = next % #requests + 1
  return requests[next]
end
done = function(summary, latency)
  local failed = summary.errors
  print(string.format('{"requests":%d,"us":%d,"bytes":%d,"p50":%f,"p99":%f,"max":%f,"errors":%d}',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(99), latency.max,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
`;

async function runWrk(folder: string, request: LoadRequest): Promise<LoadFigures> {
  const { port, paths, seconds, connections } = request;
  const script = join(folder, "log.lua");
  const list = join(folder, "paths.txt");
  await Deno.writeTextFile(script, WRK_SCRIPT);
  await Deno.writeTextFile(list, paths.join("\n") + "\n");
  const duration = `${Math.max(1, Math.round(seconds))}s`;
  const output = await runCommand("wrk", [
    ...["-t1", `-c${connections}`, `-d${duration}`, "-s", script],
    `http://127.0.0.1:${port}/`,
  ], { BENCH_PATHS: list });
  const counted = JSON.parse(output.split("\n").find((line) => line.startsWith("{"))!);
  return {
    requests: counted.requests,
    requestsPerSecond: counted.requests / (counted.us / 1e6),
    megabytesPerSecond: counted.bytes / counted.us,
    p50Ms: counted.p50 / 1_000,
    p99Ms: counted.p99 / 1_000,
    maxMs: counted.max / 1_000,
    errors: counted.errors,
  };
}

async function runCommand(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], env })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
