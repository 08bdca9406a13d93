import { runDeno } from "./run_deno.ts";

/** Why there is no denort, the runtime that `deno compile` puts programs onto. */
export class NoRuntimeError extends Error {
  override name = "NoRuntimeError";

  constructor(why: string) {
    const version = Deno.version.deno;
    super(
      `${why}. Set DENORT_BIN to the denort of Deno ${version} for that system, which is among the files of ` +
        `https://github.com/denoland/deno/releases/tag/v${version}, or use deno task package, which needs none.`,
    );
  }
}

/** `deno compile` says so of its base runtime, whatever hindered it. */
const BASE_FAILURE = "Setting up base binary";

/** A program that hangs instead of telling its version is no denort either, but that is seen later. */
const VERSION_TIMEOUT_MS = 5_000;

/**
 * Makes sure that `deno compile` will find denort, so that its absence is told from all other failures: the
 * file that DENORT_BIN names, or what is fetched, by compiling an empty program.
 *
 * @throws {NoRuntimeError} If there is none.
 */
export async function checkBaseRuntime(
  named: string | undefined,
  target: string | null,
): Promise<void> {
  if (named !== undefined) return await checkNamed(named);
  const folder = await Deno.makeTempDir({ prefix: "chibibooru_compile_" });
  try {
    await compileNothing(folder, target);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function compileNothing(folder: string, target: string | null): Promise<void> {
  await Deno.writeTextFile(`${folder}/empty.js`, "");
  const { success, output } = await runDeno([
    "compile",
    "--no-config",
    "--no-lock",
    "--no-check",
    ...target === null ? [] : [`--target=${target}`],
    "--output=empty",
    "empty.js",
  ], folder);
  if (success) return;
  if (!output.includes(BASE_FAILURE)) throw new Error(output.trim());
  const url = /https:\/\/\S+?\.zip/.exec(output)?.[0] ?? "denort";
  throw new NoRuntimeError(`Cannot fetch ${url}`);
}

async function checkNamed(path: string): Promise<void> {
  if (path === "") throw new NoRuntimeError("DENORT_BIN is set to nothing");
  let isFile: boolean;
  try {
    isFile = (await Deno.stat(path)).isFile;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new NoRuntimeError(`DENORT_BIN names ${path}, which does not exist`);
  }
  if (!isFile) throw new NoRuntimeError(`DENORT_BIN names ${path}, which is no file`);
  if ((await readVersion(path)).startsWith("deno ")) {
    throw new NoRuntimeError(
      `DENORT_BIN names ${path}, which is the whole of Deno: a program on it would never start`,
    );
  }
}

/** What a program answers to `--version`; nothing when it does not run on this system. */
async function readVersion(path: string): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(path, {
      args: ["--version"],
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.timeout(VERSION_TIMEOUT_MS),
    }).output();
    return new TextDecoder().decode(stdout);
  } catch {
    return "";
  }
}
