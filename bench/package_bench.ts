/**
 * The packaged file: how large it is, how long its first start takes, and from a start to the first line and
 * to the address of the server once it is unpacked; beside the same from the sources, and beside Deno printing
 * a line, which is the least that it can take. The starts of one round follow each other; ratios are medians
 * over the rounds.
 *
 *     deno task bench package              # makes the package first
 *     deno task bench package FILE.run     # measures one that is there
 *     deno task bench package --no-record
 */
import { assert } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageProgram } from "../tools/package/package_program.ts";
import { findOwnTarget } from "../tools/package/targets.ts";
import { recordResult } from "./support/results.ts";
import { median, round, toMarkdownTable } from "./support/statistics.ts";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));
const ROUNDS = 15;

type Start = {
  program: string;
  args: string[];
  env?: Record<string, string>;
  /** Whether it goes on after its first line until it is ended. */
  isServer?: boolean;
};

/** Milliseconds from a start to its first line, and to the address that a server prints. */
async function timeStart(
  { program, args, env, isServer }: Start,
  cwd: string,
): Promise<{ firstMs: number; readyMs: number }> {
  const startedAt = performance.now();
  const child = new Deno.Command(program, { args, env, cwd, stdout: "piped", stderr: "null" })
    .spawn();
  let firstMs = 0;
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (text === "") firstMs = performance.now() - startedAt;
    text += part;
    if (!isServer || text.includes(" is at http")) break;
  }
  const readyMs = performance.now() - startedAt;
  assert(text.includes("\n"), `${args.join(" ")} printed nothing`);
  if (isServer) child.kill("SIGTERM");
  await child.status;
  return { firstMs, readyMs };
}

async function measure(file: string): Promise<Record<string, number>> {
  const folder = await Deno.makeTempDir({ prefix: "chibibooru_bench_" });
  try {
    const env = { CHIBIBOORU_CACHE: join(folder, "cache"), PATH: "/usr/bin:/bin" };
    const unpacking = await timeStart({ program: file, args: ["--version"], env }, folder);
    const library = ["--library", join(folder, "library"), "--port", "0"];
    const sources = ["run", "--quiet", "--no-prompt", "-P=serve"];
    const config = ["--config", join(PROJECT, "deno.json"), join(PROJECT, "main.ts")];
    const hello = join(folder, "hello.js");
    await Deno.writeTextFile(hello, 'console.log("hello")');
    const starts: Record<string, Start> = {
      bare: { program: Deno.execPath(), args: ["run", "--quiet", "--no-config", hello] },
      version: { program: file, args: ["--version"], env },
      serve: { program: file, args: ["serve", ...library], env, isServer: true },
      sources: {
        program: Deno.execPath(),
        args: [...sources, ...config, "serve", ...library],
        isServer: true,
      },
    };
    const first: Record<string, number[]> = {};
    const ready: Record<string, number[]> = {};
    // One round more: the first fills caches.
    for (let i = 0; i <= ROUNDS; i++) {
      for (const [name, start] of Object.entries(starts)) {
        const { firstMs, readyMs } = await timeStart(start, name === "sources" ? PROJECT : folder);
        if (i === 0) continue;
        (first[name] ??= []).push(firstMs);
        (ready[name] ??= []).push(readyMs);
      }
    }
    const ratio = (times: Record<string, number[]>, name: string) =>
      round(median(times.serve.map((ms, i) => ms / times[name][i])), 3);
    return {
      bytes: (await Deno.stat(file)).size,
      unpackingMs: round(unpacking.firstMs),
      versionMs: round(median(first.version)),
      serveFirstLineMs: round(median(first.serve)),
      serveAddressMs: round(median(ready.serve)),
      sourcesAddressMs: round(median(ready.sources)),
      bareMs: round(median(first.bare)),
      addressBySources: ratio(ready, "sources"),
      firstLineByBare: ratio(first, "bare"),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function describeFigures(figures: Record<string, number>): string {
  const rows = Object.entries(figures).map(([name, value]) => [name, value]);
  return toMarkdownTable([["figure", "value"], ...rows]);
}

if (import.meta.main) {
  const [named] = Deno.args.filter((argument) => !argument.startsWith("--"));
  const out = await Deno.makeTempDir({ prefix: "chibibooru_bench_" });
  try {
    const file = named ?? (await packageProgram(PROJECT, { target: findOwnTarget()!, out })).path;
    const figures = await measure(file);
    console.log(describeFigures(figures));
    if (!Deno.args.includes("--no-record")) await recordResult("package", figures);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}
