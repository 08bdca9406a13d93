/**
 * `deno task compile`: the program as one binary, made by `deno compile`.
 *
 * Exit codes: 0 done, 1 it failed, 2 it was asked for wrongly, 3 there is no denort to be had.
 */
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import config from "../deno.json" with { type: "json" };
import { checkBaseRuntime, NoRuntimeError } from "./compile/base_runtime.ts";
import { buildCompileArguments } from "./compile/compile_arguments.ts";
import { runDeno } from "./compile/run_deno.ts";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));

const HELP = `deno task compile [--out dist/chibibooru] [--target TRIPLE]
Makes one binary of the program with deno compile.
--out     where to; it gets .exe for Windows
--target  system that it is for, as deno compile names it, for example aarch64-apple-darwin; this one by default
DENORT_BIN names the denort that it is put onto; by default deno compile fetches it.`;

/** Makes the binary and gives its path; it comes into place only when it is whole and, if it runs here, answers. */
async function compile({ out, target }: { out: string; target: string | null }): Promise<string> {
  await checkBaseRuntime(Deno.env.get("DENORT_BIN"), target);
  await Deno.mkdir(dirname(out), { recursive: true });
  // Beside the file that it is to become, so that it can be renamed.
  const folder = await Deno.makeTempDir({ dir: dirname(out), prefix: ".compile-" });
  try {
    const excluded = await findMuslPackages();
    const output = join(folder, basename(out));
    const run = await runDeno(buildCompileArguments({ output, target, excluded }), PROJECT);
    if (!run.success) throw new Error(run.output.trim());
    const [{ name }] = [...Deno.readDirSync(folder)];
    const made = join(folder, name);
    if (target === null || target === Deno.build.target) await checkAnswer(made);
    const path = join(dirname(out), name);
    await Deno.rename(made, path);
    return path;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Folders of the packages for musl, which come with those for glibc; denort is for glibc alone. */
async function findMuslPackages(): Promise<string[]> {
  const { success, stdout, output } = await runDeno(
    ["info", "--json", "--node-modules-dir=none", "main.ts"],
    PROJECT,
  );
  if (!success) throw new Error(output.trim());
  const { npmPackages } = JSON.parse(stdout) as {
    npmPackages: Record<string, { name: string; localPath: string }>;
  };
  return Object.values(npmPackages).filter(({ name }) => name.includes("linuxmusl"))
    .map(({ localPath }) => localPath);
}

/** A file that starts something else is none: so it is when DENORT_BIN is no denort, or that of another Deno. */
async function checkAnswer(path: string): Promise<void> {
  const { stdout, stderr } = await new Deno.Command(path, { args: ["--version"], stdin: "null" })
    .output();
  const [answer, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  if (answer === config.version) return;
  throw new Error(
    `The binary does not start ChibiBooru: to --version it answers ${JSON.stringify(answer)}` +
      `${errors === "" ? "" : `, and says: ${errors}`}\n` +
      `Is DENORT_BIN the denort of Deno ${Deno.version.deno}?`,
  );
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { out: { type: "string" }, target: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const here = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  const out = values.out === undefined ? `${PROJECT}dist/chibibooru` : resolve(here, values.out);
  const target = values.target ?? null;
  const path = await compile({ out, target });
  const sizeMb = (await Deno.stat(path)).size / 1_000_000;
  const where = target ?? Deno.build.target;
  console.log(`${relative(here, path) || path}: ${sizeMb.toFixed(1)} MB, for ${where}`);
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    console.error(message);
    if (error instanceof NoRuntimeError) Deno.exit(3);
    if (!String(code).startsWith("ERR_PARSE_ARGS")) Deno.exit(1);
    console.error(HELP);
    Deno.exit(2);
  }
}
