/**
 * `deno task release`: everything that is given out of one version, in one folder, with checksums.
 *
 * Exit codes: 0 done, 1 some packages could not be made, 2 there is no release.
 */
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BuildError } from "./package/build_error.ts";
import { type Target, TARGETS } from "./package/targets.ts";
import { makeRelease } from "./release/make_release.ts";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));
const NAMES = Object.keys(TARGETS);

const HELP = `deno task release [--target ${NAMES.join("|")}]… [--out dist] [--allow-dirty]
Makes the packages, chibibooru-<version>.cdx.json (what they are made of), the units for systemd and SHA256SUMS.
--target       a system to make a package for; all by default
--out          the folder that everything is written to
--allow-dirty  also with changes that are not committed
SOURCE_DATE_EPOCH, in seconds, stands for the time of the commit.`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: "string", multiple: true, default: NAMES },
      out: { type: "string" },
      "allow-dirty": { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const here = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  const out = values.out === undefined ? `${PROJECT}dist` : resolve(here, values.out);
  const { files, failed } = await makeRelease({
    project: PROJECT,
    out,
    targets: [...new Set(values.target)].map(toTarget),
    allowsDirty: values["allow-dirty"],
    epoch: Deno.env.get("SOURCE_DATE_EPOCH"),
  });
  console.log(`${relative(here, out) || "."}:`);
  for (const file of files) console.log(`  ${file}`);
  if (failed.length === 0) return 0;
  console.error(`Without ${failed.join(", ")}: see above`);
  return 1;
}

function toTarget(name: string): Target {
  if (Object.hasOwn(TARGETS, name)) return TARGETS[name];
  throw new BuildError(`There is no target ${name}`, `Use one of: ${NAMES.join(", ")}`);
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    const isUsage = String(code).startsWith("ERR_PARSE_ARGS");
    if (!isUsage && !(error instanceof BuildError)) throw error;
    console.error(isUsage ? `${message}\n${HELP}` : message);
    Deno.exit(2);
  }
}
