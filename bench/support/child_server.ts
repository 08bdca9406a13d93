import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const START_TIMEOUT_MS = 60_000;

/** A server in a process of its own; disposing of it ends it. */
export type ChildServer = AsyncDisposable & {
  /** Address without the last slash. */
  origin: string;
  port: number;
};

/** Starts `deno run` with these arguments and waits for the address that it prints. */
export async function startChildServer(args: readonly string[]): Promise<ChildServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  const address = Promise.withResolvers<string>();
  const followed = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      const [, origin] = / is at (http:\/\/\S+?)\/?\n/.exec(text) ?? [];
      if (origin !== undefined) address.resolve(origin);
    }
    address.reject(new Error(`The server ended: ${text}`));
  })();
  const timer = setTimeout(
    () => address.reject(new Error(`The server printed no address: ${text}`)),
    START_TIMEOUT_MS,
  );
  const stop = async () => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await child.status;
    await followed;
  };
  try {
    const origin = await address.promise;
    return { origin, port: Number(new URL(origin).port), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until a path of the server answers 200. */
export async function waitUntilReady(server: ChildServer, path: string): Promise<void> {
  const latest = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(server.origin + path);
    await response.body?.cancel();
    if (response.ok) return;
    if (performance.now() > latest) throw new Error(`${path} answers ${response.status}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
