import { join } from "node:path";
import { BuildError } from "../package/build_error.ts";
import {
  type LockedPackage,
  type LockedPackages,
  parseLockFile,
} from "../package/lock_packages.ts";
import { DENO_VERSION, type Target } from "../package/targets.ts";
import { type BomFacts, type BomPackage, type BomScope, toPurl } from "./bom.ts";
import { readSpdxIds } from "./bom_schema.ts";
import { PackageFiles, type PackageName } from "./package_files.ts";
import { findShipped, type Shipped } from "./shipped_packages.ts";

/** Licences by how their texts begin: deno.json has no word for it. */
const LICENSE_TITLES: Record<string, string> = { "MIT License": "MIT" };

/** Gathers what the list of parts says of a release for some targets; `downloads` has archives of npm. */
export async function readBomFacts(
  project: string,
  release: { targets: readonly Target[]; revision: string; time: Date; downloads: string },
): Promise<BomFacts> {
  const { name, version } = JSON.parse(await Deno.readTextFile(join(project, "deno.json")));
  const lock = parseLockFile(await Deno.readTextFile(join(project, "deno.lock")));
  const shipped = await findShipped(project, { lock, targets: release.targets });
  const files = new PackageFiles(project, release.downloads);
  const packages = new Map<string, BomPackage>();
  for (const each of lock.byKey.values()) {
    const described = await describe(each, { lock, shipped, files });
    const purl = toPurl(described);
    // The lock file has a package twice when it is needed with two sets of peers.
    const needs = new Set([...described.needs, ...packages.get(purl)?.needs ?? []]);
    packages.set(purl, { ...described, needs: [...needs] });
  }
  const runtimes: BomPackage[] = [];
  for (const target of release.targets) runtimes.push(await describeRuntime(target, files));
  const named = lock.direct.map((key) => toPurl(lock.byKey.get(key)!));
  return {
    name,
    version,
    license: await readProjectLicense(project),
    revision: release.revision,
    time: release.time,
    packages: [...packages.values(), ...runtimes],
    direct: [...named, ...runtimes.map(toPurl)],
    spdxIds: await readSpdxIds(),
  };
}

async function describe(
  { key, name, version, integrity, needs }: LockedPackage,
  { lock, shipped, files }: { lock: LockedPackages; shipped: Shipped; files: PackageFiles },
): Promise<BomPackage> {
  const scope = findScope(key, shipped);
  // Those for other systems are here on some machines, and on others not: nothing is to depend on that.
  const license = scope === "optional" ? undefined : await readLicense(files, { name, version });
  return {
    name,
    version,
    integrity,
    license,
    scope,
    type: "library",
    needs: needs.map((each) => toPurl(lock.byKey.get(each)!)),
    contains: scope === "required" ? await readContained(files, { name, version }) : {},
  };
}

function findScope(key: string, { required, elsewhere }: Shipped): BomScope {
  if (required.has(key)) return "required";
  return elsewhere.has(key) ? "optional" : "excluded";
}

/** Deno itself, as the package for a target carries it. */
async function describeRuntime(target: Target, files: PackageFiles): Promise<BomPackage> {
  const wanted = { name: target.denoPackage, version: DENO_VERSION };
  return {
    ...wanted,
    integrity: target.denoIntegrity ?? await files.readIntegrity(wanted),
    license: await readLicense(files, wanted),
    scope: "required",
    type: "platform",
    needs: [],
    contains: {},
  };
}

async function readLicense(files: PackageFiles, wanted: PackageName): Promise<string | undefined> {
  const manifest = await files.readJson(wanted, "package.json");
  if (manifest === undefined) {
    throw new BuildError(`${wanted.name}@${wanted.version} is not here`, "Run deno install");
  }
  const { license } = manifest as { license?: string | { type: string } };
  return typeof license === "object" ? license.type : license;
}

/** Packages with native code say in versions.json which libraries are linked into it. */
async function readContained(
  files: PackageFiles,
  wanted: PackageName,
): Promise<Record<string, string>> {
  return (await files.readJson(wanted, "versions.json") ?? {}) as Record<string, string>;
}

async function readProjectLicense(project: string): Promise<string> {
  const [title] = (await Deno.readTextFile(join(project, "LICENSE"))).split("\n");
  const license = LICENSE_TITLES[title.trim()];
  if (license === undefined) throw new Error(`LICENSE begins with ${JSON.stringify(title)}`);
  return license;
}
