import { join } from "node:path";
import { until } from "../http/support.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** A server in a process of its own. */
export type RunningServer = AsyncDisposable & {
  /** Address without the last slash, as the server printed it. */
  origin: string;
  /** What the server wrote so far. */
  output: () => string;
  /** From the start of the process to the printed address. */
  startMs: number;
  /** Sends a signal and waits for the end. */
  stop: (signal: Deno.Signal) => Promise<{ code: number; stopMs: number }>;
  /** JSON of the server. */
  // deno-lint-ignore no-explicit-any -- what a test reads of it is what it asserts
  json: (path: string, init?: RequestInit) => Promise<any>;
};

/** A command that does not end by itself is killed after this time. */
const END_TIMEOUT_MS = 25_000;

/** What a command ended with. */
export type Ended = { code: number; stdout: string; stderr: string; ms: number };

function command(
  set: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", `-P=${set}`, "main.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs `import` or `serve` until it ends by itself. */
export async function runToEnd(
  name: "serve" | "import",
  args: readonly string[],
): Promise<Ended> {
  const startedAt = performance.now();
  const child = command(name === "serve" ? "serve" : "manage", [name, ...args]).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  const ms = performance.now() - startedAt;
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), ms };
}

/** Starts `serve` on a free port and waits for its address; `await using` ends it. */
export function startProcess(
  library: string,
  args: readonly string[] = ["--port", "0"],
  env: Record<string, string> = {},
): Promise<RunningServer> {
  return followServer(command("serve", ["serve", "--library", library, ...args], env));
}

/** Starts a command that serves, with its output piped, and waits for its address. */
export async function followServer(command: Deno.Command): Promise<RunningServer> {
  const startedAt = performance.now();
  const child = command.spawn();
  let text = "";
  const follow = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) text += part;
  };
  const followed = Promise.all([follow(child.stdout), follow(child.stderr)]);
  let isRunning = true;
  const ended = child.status.then((status) => {
    isRunning = false;
    return status;
  });
  const end = async (signal: Deno.Signal) => {
    const sentAt = performance.now();
    if (isRunning) child.kill(signal);
    const { code } = await ended;
    const stopMs = performance.now() - sentAt;
    await followed;
    return { code, stopMs };
  };
  try {
    const origin = await until(`the address in ${JSON.stringify(text)}`, () => {
      if (!isRunning) throw new Error(`The server ended: ${text}`);
      return / is at (http:\/\/\S+)\/\n/.exec(text)?.[1];
    }, 20_000);
    return {
      origin,
      output: () => text,
      startMs: performance.now() - startedAt,
      stop: end,
      json: async (path, init) => await (await fetch(origin + path, init)).json(),
      [Symbol.asyncDispose]: async () => void await end("SIGKILL"),
    };
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }
}

/** A folder of its own, removed afterwards. */
export async function makeTempFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "chibibooru-e2e-" }));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Every file below a folder with its bytes as hex; folders end in a slash. */
export async function readTree(folder: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      tree[`${path}/`] = "";
      Object.assign(tree, await readTree(path));
    } else if (entry.isFile) tree[path] = (await Deno.readFile(path)).toHex();
  }
  return tree;
}
