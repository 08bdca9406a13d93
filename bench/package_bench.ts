/**
 * The packaged file: how large it is, how long its first start takes, and from a start to the first line
 * once it is unpacked; beside the same from the sources, and beside Deno printing a line, which is the
 * least that it can take. The starts of one round follow each other; ratios are medians over the rounds.
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

/** Milliseconds from a start to its first line. */
async function timeFirstLine(
  { program, args, env, isServer }: Start,
  cwd: string,
): Promise<number> {
  const startedAt = performance.now();
  const child = new Deno.Command(program, { args, env, cwd, stdout: "piped", stderr: "null" })
    .spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const ms = performance.now() - startedAt;
  assert(value !== undefined && value.includes(10), `${args.join(" ")} printed nothing`);
  if (isServer) child.kill("SIGTERM");
  await reader.cancel();
  await child.status;
  return ms;
}

async function measure(file: string): Promise<Record<string, number>> {
  const folder = await Deno.makeTempDir({ prefix: "chibibooru_bench_" });
  try {
    const env = { CHIBIBOORU_CACHE: join(folder, "cache"), PATH: "/usr/bin:/bin" };
    const firstStartMs = await timeFirstLine({ program: file, args: ["--version"], env }, folder);
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
    const times = Object.fromEntries(Object.keys(starts).map((name) => [name, [] as number[]]));
    // One round more: the first fills caches.
    for (let i = 0; i <= ROUNDS; i++) {
      for (const [name, start] of Object.entries(starts)) {
        const ms = await timeFirstLine(start, name === "sources" ? PROJECT : folder);
        if (i > 0) times[name].push(ms);
      }
    }
    const ratioTo = (name: string) =>
      round(median(times.serve.map((ms, i) => ms / times[name][i])), 3);
    return {
      bytes: (await Deno.stat(file)).size,
      firstStartMs: round(firstStartMs),
      versionMs: round(median(times.version)),
      serveMs: round(median(times.serve)),
      sourcesMs: round(median(times.sources)),
      bareMs: round(median(times.bare)),
      serveBySources: ratioTo("sources"),
      serveByBare: ratioTo("bare"),
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
