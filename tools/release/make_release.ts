import { join } from "node:path";
import { BuildError } from "../package/build_error.ts";
import { DOWNLOADS } from "../package/npm_package.ts";
import type { Target } from "../package/targets.ts";
import { buildBom } from "./bom.ts";
import { readBomFacts } from "./bom_facts.ts";
import { findBomFaults } from "./bom_schema.ts";
import { findWrongSums, listVisibleFiles, SUMS_FILE, writeChecksums } from "./checksums.ts";
import { type Commit, readCommit, readTopVersion } from "./commit.ts";

/** How a release is to be made. */
export type ReleaseRequest = {
  /** Folder of the project. */
  project: string;
  /** Folder that everything is written to. */
  out: string;
  targets: readonly Target[];
  allowsDirty: boolean;
  /** SOURCE_DATE_EPOCH: seconds that stand for the time of the commit. */
  epoch: string | undefined;
};

/** What became of it. */
export type Released = {
  /** Names in the folder, with the checksums. */
  files: string[];
  /** Names of the targets for which no package could be made. */
  failed: string[];
};

/**
 * Makes the packages, and writes the list of parts, the units for systemd and the checksums beside them. Throws
 * BuildError when the release must not be made, or nothing could be packaged.
 */
export async function makeRelease(request: ReleaseRequest): Promise<Released> {
  const { project, out } = request;
  const version = await readVersion(project);
  const commit = await readCommit(project);
  if (commit.isDirty && !request.allowsDirty) {
    throw new BuildError(
      "The working tree differs from its commit",
      "Commit everything, or use --allow-dirty to try",
    );
  }
  await checkFolder(out, version);
  const time = toTime(request.epoch, commit);
  const made: Target[] = [];
  for (const target of request.targets) {
    if (await makePackage(target, { project, out, time })) made.push(target);
  }
  const failed = request.targets.filter((target) => !made.includes(target));
  if (made.length === 0) throw new BuildError("No package could be made");
  const revision = commit.isDirty ? `${commit.hash}-dirty` : commit.hash;
  await writeBom(join(out, `chibibooru-${version}.cdx.json`), request, {
    targets: made,
    revision,
    time,
    downloads: join(project, DOWNLOADS),
  });
  await copyDeploy(join(project, "deploy"), out);
  const files = await writeChecksums(out);
  const wrong = await findWrongSums(out);
  if (wrong.length > 0) throw new BuildError(`Not as they were written: ${wrong.join(", ")}`);
  return { files: [...files, SUMS_FILE], failed: failed.map(({ name }) => name) };
}

/** The version, if the changelog is of it. */
async function readVersion(project: string): Promise<string> {
  const { version } = JSON.parse(await Deno.readTextFile(join(project, "deno.json")));
  const top = readTopVersion(await Deno.readTextFile(join(project, "CHANGELOG.md")));
  if (top === version) return version;
  throw new BuildError(
    `deno.json is of version ${version}, and CHANGELOG.md begins with ${top ?? "no version"}`,
    `Give its uppermost heading the version: ## ${version}`,
  );
}

/** Sums are of the whole folder: what is left of another version must not be among it. */
async function checkFolder(out: string, version: string): Promise<void> {
  await Deno.mkdir(out, { recursive: true });
  const own = [`chibibooru-${version}-`, `chibibooru-${version}.cdx.json`];
  const old = (await listVisibleFiles(out)).filter((path) =>
    /^chibibooru-\d/.test(path) && !own.some((beginning) => path.startsWith(beginning))
  );
  if (old.length === 0) return;
  throw new BuildError(`${out} has files of another version: ${old.join(", ")}`, "Move them away");
}

/** As https://reproducible-builds.org/specs/source-date-epoch/ asks for. */
function toTime(epoch: string | undefined, commit: Commit): Date {
  if (epoch === undefined || epoch === "") return commit.time;
  if (!/^\d{1,11}$/.test(epoch)) throw new BuildError(`SOURCE_DATE_EPOCH is ${epoch}, not seconds`);
  return new Date(Number(epoch) * 1_000);
}

/** Calls the task, which says itself what it makes and what is in the way. */
async function makePackage(
  target: Target,
  { project, out, time }: { project: string; out: string; time: Date },
): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "package", "--target", target.name, "--out", out],
    cwd: project,
    env: { SOURCE_DATE_EPOCH: String(time.getTime() / 1_000) },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return success;
}

async function writeBom(
  path: string,
  { project }: ReleaseRequest,
  facts: { targets: readonly Target[]; revision: string; time: Date; downloads: string },
): Promise<void> {
  const bom = buildBom(await readBomFacts(project, facts));
  const faults = await findBomFaults(bom);
  if (faults.length > 0) {
    throw new BuildError(`${path} would be no CycloneDX:\n${faults.join("\n")}`);
  }
  await Deno.writeTextFile(path, `${JSON.stringify(bom, null, 2)}\n`);
}

/** What docs/deploying.md installs besides: units for systemd, and examples of proxies. */
async function copyDeploy(from: string, to: string): Promise<void> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(from)) {
    if (/\.(service|timer)$|^(nginx\.conf|Caddyfile)$/.test(name)) names.push(name);
  }
  if (!names.some((name) => name.endsWith(".service"))) {
    throw new BuildError(`${from} has no unit for systemd`);
  }
  for (const name of names) {
    // Copied anew, not over: the copy has the mode of a new file.
    await Deno.writeTextFile(join(to, name), await Deno.readTextFile(join(from, name)));
  }
}
