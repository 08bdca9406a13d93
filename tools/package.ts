/**
 * `deno task package`: Deno, the program and its packages with native code as one file.
 *
 * Exit codes: 0 done, 1 it failed, 2 it was asked for wrongly.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BuildError } from "./package/build_error.ts";
import { packageProgram } from "./package/package_program.ts";
import { findOwnTarget, TARGETS } from "./package/targets.ts";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));
const NAMES = Object.keys(TARGETS);
const HELP = `deno task package [--target ${NAMES.join("|")}] [--out dist] [--deno FILE]
Makes one file that needs neither Deno nor npm nor a network.
--target  the system that it is for; this one by default
--out     the folder that it is written to
--deno    the Deno executable of that system, instead of the one of the npm registry`;

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: "string", default: findOwnTarget()?.name },
      out: { type: "string" },
      deno: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(HELP);
  const target = NAMES.includes(values.target ?? "") ? TARGETS[values.target!] : undefined;
  if (target === undefined) {
    throw new BuildError(`There is no target ${values.target}`, `Use one of: ${NAMES.join(", ")}`);
  }
  // A task runs in the project's folder; paths are meant from where its user is.
  const here = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  const started = performance.now();
  const { path, bytes } = await packageProgram(PROJECT, {
    target,
    out: values.out === undefined ? `${PROJECT}dist` : resolve(here, values.out),
    deno: values.deno === undefined ? undefined : resolve(here, values.deno),
  });
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`${path}: ${(bytes / 1e6).toFixed(1)} MB, made in ${seconds} s`);
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    const isUsage = String(code).startsWith("ERR_PARSE_ARGS");
    if (!isUsage && !(error instanceof BuildError)) throw error;
    console.error(isUsage ? `${message}\n${HELP}` : message);
    Deno.exit(isUsage ? 2 : 1);
  }
}
