import { dirname, join, relative } from "node:path";
import { BuildError } from "./build_error.ts";
import { runProgram } from "./run_program.ts";

/** Packages that stay packages: they bring native code. */
export const NATIVE_PACKAGES: readonly string[] = ["sharp"];

const WORKER_URL = /new URL\("(?:\.\.\/)+workers\/([a-z_]+)\.ts", import\.meta\.url\)/g;
const ASSETS_URL = /new URL\(`\.\/assets\/\$\{(\w+)\}`, import\.meta\.url\)/g;

/**
 * Writes the program as JavaScript into a folder: `main.js`, `workers/*.js`, the files they share, and
 * `assets/`. Throws BuildError when a worker or the assets would not be found from there.
 */
export async function bundleProgram(project: string, folder: string): Promise<void> {
  const workers = (await listFiles(join(project, "workers"))).filter((name) =>
    name.endsWith(".ts")
  );
  await runProgram(Deno.execPath(), [
    "bundle",
    "--quiet",
    "--frozen",
    "--platform=deno",
    "--code-splitting",
    `--outdir=${folder}`,
    ...NATIVE_PACKAGES.map((name) => `--external=${name}`),
    "main.ts",
    ...workers.map((name) => `workers/${name}`),
  ], { cwd: project });
  await copyFolder(join(project, "src/http/assets"), join(folder, "assets"));
  const named = await pointToFiles(folder);
  const wanted = [...workers.map((name) => name.replace(/\.ts$/, "")), "assets"].sort();
  if (JSON.stringify([...named].sort()) !== JSON.stringify(wanted)) {
    throw new BuildError(`The bundle names ${[...named].join(", ")}, not ${wanted.join(", ")}`);
  }
}

/**
 * The bundler leaves URLs of workers and assets as they stand in the sources, but moves the code that has
 * them: they are set right for where the code is now. Gives the names that were found.
 */
async function pointToFiles(folder: string): Promise<Set<string>> {
  const named = new Set<string>();
  for (const name of await listFiles(folder)) {
    if (!name.endsWith(".js")) continue;
    const path = join(folder, name);
    const text = await Deno.readTextFile(path);
    const up = relative(dirname(path), folder) || ".";
    const pointed = text.replaceAll(WORKER_URL, (_, worker: string) => {
      named.add(worker);
      return `new URL("${up}/workers/${worker}.js", import.meta.url)`;
    }).replaceAll(ASSETS_URL, (_, variable: string) => {
      named.add("assets");
      return `new URL(\`${up}/assets/\${${variable}}\`, import.meta.url)`;
    });
    if (pointed !== text) await Deno.writeTextFile(path, pointed);
  }
  return named;
}

/** Paths of all files below a folder, relative to it, sorted. */
export async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (at: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, at))) {
      const path = at === "" ? name : `${at}/${name}`;
      if (isDirectory) await visit(path);
      else found.push(path);
    }
  };
  await visit("");
  return found.sort();
}

async function copyFolder(from: string, to: string): Promise<void> {
  for (const name of await listFiles(from)) {
    const path = join(to, name);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.copyFile(join(from, name), path);
  }
}
