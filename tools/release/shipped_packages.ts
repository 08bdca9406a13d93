import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BuildError } from "../package/build_error.ts";
import { type LockedPackages, reachPackages, suitsTarget } from "../package/lock_packages.ts";
import type { Target } from "../package/targets.ts";

/** Which packages of the lock file are where. */
export type Shipped = {
  /** Keys of those that are in a package for one of the targets. */
  required: ReadonlySet<string>;
  /** Keys of those that the program names, but for other systems. */
  elsewhere: ReadonlySet<string>;
};

/** What `deno info --json` says that is needed here. */
type ModuleGraph = {
  modules: { specifier: string; kind?: string; npmPackage?: string; error?: string }[];
};

/** Folders whose modules are entries besides main.ts: workers are started, and commands imported, by name. */
const ENTRY_FOLDERS = ["workers", "src/cli"];

/**
 * Finds out what ships: packages that the module graph of the program reaches, and all that they need on the
 * targets. The others are for tests and for building.
 */
export async function findShipped(
  project: string,
  { lock, targets }: { lock: LockedPackages; targets: readonly Target[] },
): Promise<Shipped> {
  const imported = await findImportedPackages(project);
  const required = new Set(
    targets.flatMap((
      target,
    ) => [...reachPackages(lock, imported, (each) => suitsTarget(each, target))]),
  );
  const all = reachPackages(lock, imported, () => true);
  return { required, elsewhere: all.difference(required) };
}

/** Keys of the packages that the program itself imports. */
async function findImportedPackages(project: string): Promise<string[]> {
  const entries = ["main.ts"];
  for (const folder of ENTRY_FOLDERS) {
    for await (const { name } of Deno.readDir(join(project, folder))) {
      if (/\.tsx?$/.test(name)) entries.push(`${folder}/${name}`);
    }
  }
  const { modules } = await readModuleGraph(project, entries);
  const broken = modules.find(({ error }) => error !== undefined);
  if (broken !== undefined) throw new BuildError(`${broken.specifier}: ${broken.error}`);
  const packages = modules.map(({ npmPackage }) => npmPackage).filter((key) => key !== undefined);
  return [...new Set(packages)].sort();
}

async function readModuleGraph(project: string, entries: readonly string[]): Promise<ModuleGraph> {
  const folder = await Deno.makeTempDir({ prefix: "chibibooru_release_" });
  try {
    const entry = join(folder, "entries.ts");
    const imports = entries.map((path) => `import "${pathToFileURL(join(project, path))}";\n`);
    await Deno.writeTextFile(entry, imports.join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--frozen", "--config", join(project, "deno.json"), entry],
      cwd: project,
      env: { NO_COLOR: "1" },
    }).output();
    if (!success) throw new BuildError(new TextDecoder().decode(stderr).trim());
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
