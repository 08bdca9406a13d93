import { join } from "node:path";
import { runProgram } from "./run_program.ts";

/** What the launcher must know of the archive that follows it. */
export type LauncherFacts = Record<
  "version" | "build" | "bytes" | "os" | "machines" | "libraries" | "permission_sets",
  string
>;

const LAUNCHER = new URL("./launcher.sh", import.meta.url);
const LAUNCHER_END = "END_OF_THE_LAUNCHER";
const LEVEL = 9;

/**
 * Makes one file of a folder that starts by itself: our launcher, then a gzip archive. The same folder and
 * time give the same bytes.
 */
export async function makeSelfExtracting(
  folder: string,
  to: string,
  options: { facts: LauncherFacts; time: Date; scratch: string },
): Promise<void> {
  const header = join(options.scratch, "header.sh");
  await Deno.writeTextFile(header, await describeHeader(options.facts));
  const { version } = options.facts;
  await runProgram("makeself", [
    "--quiet",
    "--gzip",
    "--complevel",
    String(LEVEL),
    "--nomd5",
    "--nocrc",
    "--header",
    header,
    "--packaging-date",
    options.time.toISOString(),
    "--tar-extra",
    `--mtime=@${Math.floor(options.time.getTime() / 1_000)} --owner=0 --group=0 --numeric-owner`,
    folder,
    to,
    `ChibiBooru ${version}`,
    // The launcher knows what to start.
    "./deno",
  ], { env: { GZIP: "-n", TZ: "UTC", LC_ALL: "C" } });
  await Deno.chmod(to, 0o755);
}

/** A header as makeself reads it: a script that writes the real one; `$SKIP` is its number of lines. */
async function describeHeader(facts: LauncherFacts): Promise<string> {
  const launcher = await Deno.readTextFile(LAUNCHER);
  const lines = Object.entries(facts).map(([name, value]) => {
    if (!/^[\w.,:= ()≥-]*$/.test(value)) throw new Error(`${name} is no plain text: ${value}`);
    return `${name}='${value}'`;
  });
  return [
    `cat > "$archname" <<${LAUNCHER_END}`,
    "#!/bin/sh",
    ...lines,
    "skip=$SKIP",
    LAUNCHER_END,
    `cat >> "$archname" <<'${LAUNCHER_END}'`,
    launcher.trimEnd(),
    LAUNCHER_END,
    "",
  ].join("\n");
}

/** Makes a zip of a folder. The same folder and time give the same bytes. */
export async function makeZip(
  folder: string,
  to: string,
  { files, time }: { files: readonly string[]; time: Date },
): Promise<void> {
  for (const file of files) await Deno.utime(join(folder, file), time, time);
  await runProgram("zip", ["-q", "-X", "-9", to, ...files], {
    cwd: folder,
    env: { TZ: "UTC", LC_ALL: "C" },
  });
}
