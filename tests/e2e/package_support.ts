import { assert } from "@std/assert";
import { join } from "node:path";
import { packageProgram } from "../../tools/package/package_program.ts";
import { TARGETS } from "../../tools/package/targets.ts";

/** Folder of this project, with a slash at the end. */
export const PROJECT = new URL("../../", import.meta.url).pathname;
/** How the message of a start begins that unpacks. */
export const UNPACKING = "Unpacking ChibiBooru";

/** What became of a command. */
export type Ended = { code: number; stdout: string; stderr: string };

let made: Promise<string> | undefined;

/** The package, made once for all tests of this file. */
export function packageOnce(): Promise<string> {
  return made ??= (async () => {
    const out = await Deno.makeTempDir({ prefix: "chibibooru_test_package_" });
    globalThis.addEventListener("unload", () => Deno.removeSync(out, { recursive: true }));
    return (await packageProgram(PROJECT, { target: TARGETS["linux-x64"], out })).path;
  })();
}

/** Runs a command in an environment that has nothing but what is named. */
export async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd?: string,
): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** What a folder has, sorted. */
export function namesOf(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

/** A folder with all that the launcher calls but flock, as some systems have none. */
export async function linkPrograms(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  const names = "sh uname head tail wc cat chmod mktemp mkdir gzip tar find id mv rm sync kill";
  for (const name of names.split(" ")) await Deno.symlink(`/usr/bin/${name}`, join(folder, name));
  return folder;
}

/** Puts a script in the place of the unpacked program, which must not be longer. */
export async function replaceProgram(cache: string, script: string): Promise<void> {
  const [program] = namesOf(cache);
  const path = join(cache, program, "app/main.js");
  const { size } = await Deno.stat(path);
  assert(script.length <= size);
  await Deno.writeTextFile(path, script.padEnd(size));
}
