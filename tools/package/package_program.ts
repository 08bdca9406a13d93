import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { makeSelfExtracting, makeZip } from "./archive.ts";
import { BuildError } from "./build_error.ts";
import { bundleProgram, listFiles, NATIVE_PACKAGES } from "./bundle_program.ts";
import { writeLicenses } from "./licenses.ts";
import { parseLockFile } from "./lock_packages.ts";
import { collectNativePackages } from "./native_packages.ts";
import { DOWNLOADS, type NpmPackage, unpackNpmPackage } from "./npm_package.ts";
import { readPermissionSets, type TaskConfig } from "./permission_sets.ts";
import { runProgram } from "./run_program.ts";
import { DENO_VERSION, type Target } from "./targets.ts";

const BUILD_DIGITS = 12;
const SYSTEMS = { linux: "Linux", darwin: "Darwin", win32: "Windows" };
const MACHINES = { x64: "x86_64 amd64", arm64: "aarch64 arm64" };

/** A package that was made. */
export type Made = { path: string; bytes: number };

/**
 * Writes `chibibooru-<version>-<target>.run` (a zip for Windows) into `out`. Cost: some 15 s, and the download
 * of Deno the first time. One commit gives the same bytes each time.
 */
export async function packageProgram(
  project: string,
  options: { target: Target; out: string; deno?: string },
): Promise<Made> {
  const { target, out } = options;
  const config = JSON.parse(await Deno.readTextFile(join(project, "deno.json"))) as TaskConfig;
  const scratch = await Deno.makeTempDir({ prefix: "chibibooru_package_" });
  try {
    const folder = join(scratch, "program");
    await layOut(project, { target, deno: options.deno, folder, config, scratch });
    const time = await readCommitTime(project);
    const isZip = target.platform === "win32";
    const path = join(
      out,
      `chibibooru-${config.version}-${target.name}.${isZip ? "zip" : "run"}`,
    );
    const unfinished = join(scratch, isZip ? "package.zip" : "package.run");
    if (isZip) await finishZip(folder, unfinished, { config, time });
    else await finishRun(folder, unfinished, { config, time, target, scratch });
    await Deno.mkdir(out, { recursive: true });
    await moveFile(unfinished, path);
    return { path, bytes: (await Deno.stat(path)).size };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** `deno`, and `app/` with the program, its configuration and its packages with native code. */
async function layOut(
  project: string,
  options: {
    target: Target;
    deno?: string;
    folder: string;
    config: TaskConfig;
    scratch: string;
  },
): Promise<void> {
  const { target, folder, config, scratch } = options;
  const app = join(folder, "app");
  await bundleProgram(project, app);
  const downloads = join(project, DOWNLOADS);
  const lock = parseLockFile(await Deno.readTextFile(join(project, "deno.lock")));
  const dependencies: Record<string, string> = {};
  for (const root of NATIVE_PACKAGES) {
    for (const each of collectNativePackages(lock, root, target)) {
      if (each.name === root) dependencies[root] = each.version;
      await unpackNpmPackage(each, { folder: join(app, "node_modules", each.name), downloads });
    }
  }
  await writeConfiguration(app, { config, dependencies });
  await Deno.copyFile(join(project, "LICENSE"), join(app, "LICENSE"));
  await writeLicenses(project, app);
  const deno = join(folder, target.denoFile);
  await copyDeno(options.deno ?? await fetchDeno(target, { downloads, scratch }), deno);
  for (const file of await listFiles(folder)) {
    await Deno.chmod(join(folder, file), file === target.denoFile ? 0o755 : 0o644);
  }
}

/**
 * An empty workspace and the packages' names are what keep Deno from reading deno.json, package.json and
 * node_modules of the folders above, which are the user's.
 */
async function writeConfiguration(
  app: string,
  { config, dependencies }: { config: TaskConfig; dependencies: Record<string, string> },
): Promise<void> {
  const { version, unstable } = config;
  const { permissions } = readPermissionSets(config);
  for (
    const [name, content] of Object.entries({
      "deno.json": { nodeModulesDir: "manual", workspace: [], unstable, permissions },
      "package.json": { name: "chibibooru", version, private: true, workspaces: [], dependencies },
    })
  ) await Deno.writeTextFile(join(app, name), JSON.stringify(content, null, 2) + "\n");
}

async function copyDeno(from: string, to: string): Promise<void> {
  try {
    await Deno.copyFile(from, to);
  } catch (error) {
    throw new BuildError(`Cannot copy ${from}: ${(error as Error).message}`);
  }
}

/** The executable as npm has it. */
async function fetchDeno(
  target: Target,
  { downloads, scratch }: { downloads: string; scratch: string },
): Promise<string> {
  const wanted: NpmPackage = {
    name: target.denoPackage,
    version: DENO_VERSION,
    integrity: target.denoIntegrity,
  };
  // Not where another packaging could be at it.
  const folder = join(scratch, "deno");
  try {
    await unpackNpmPackage(wanted, { folder, downloads });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new BuildError(error.message, "Name an executable of that system with --deno FILE");
  }
  return join(folder, target.denoFile);
}

async function finishRun(
  folder: string,
  to: string,
  options: { config: TaskConfig; time: Date; target: Target; scratch: string },
): Promise<void> {
  const { config, time, target, scratch } = options;
  const files = await listFiles(folder);
  const odd = files.find((file) => /[^\w@+./-]|^-/.test(file));
  if (odd !== undefined) throw new BuildError(`The launcher cannot list a file named ${odd}`);
  const { digest, bytes } = await summarize(folder, files);
  await Deno.writeTextFile(join(folder, "files.txt"), files.join("\n") + "\n");
  const { commands } = readPermissionSets(config);
  await makeSelfExtracting(folder, to, {
    scratch,
    time,
    facts: {
      version: config.version,
      build: digest,
      bytes: String(bytes),
      os: SYSTEMS[target.platform],
      machines: MACHINES[target.arch],
      libraries: target.platform === "linux" ? ", and the GNU C library (not musl)" : "",
      permission_sets: commands.map(({ name, set }) => `${name}=${set}`).join(" "),
    },
  });
}

async function finishZip(
  folder: string,
  to: string,
  { config, time }: { config: TaskConfig; time: Date },
): Promise<void> {
  const { commands } = readPermissionSets(config);
  const launcher = await Deno.readTextFile(new URL("./windows_launcher.cmd", import.meta.url));
  const sets = commands.map(({ name, set }) => `${name}:${set}`).join(" ");
  const text = launcher.replace("@PERMISSION_SETS@", sets).replace("@VERSION@", config.version);
  await Deno.writeTextFile(join(folder, "chibibooru.cmd"), text.replaceAll("\n", "\r\n"));
  await makeZip(folder, to, { files: await listFiles(folder), time });
}

/** One digest over all names and contents, and the sum of all sizes. */
async function summarize(
  folder: string,
  files: readonly string[],
): Promise<{ digest: string; bytes: number }> {
  const total = createHash("sha256");
  let bytes = 0;
  for (const file of files) {
    const content = await Deno.readFile(join(folder, file));
    bytes += content.length;
    total.update(`${file}\0${createHash("sha256").update(content).digest("hex")}\n`);
  }
  return { digest: total.digest("hex").slice(0, BUILD_DIGITS), bytes };
}

/** Of the last commit, so that a package can be made again; now where there is no git. */
async function readCommitTime(project: string): Promise<Date> {
  const asked = Deno.env.get("SOURCE_DATE_EPOCH");
  const text = asked ?? await runProgram("git", ["log", "-1", "--format=%ct"], { cwd: project })
    .catch(() => "");
  const seconds = Number.parseInt(text);
  return Number.isNaN(seconds) ? new Date() : new Date(seconds * 1_000);
}

async function moveFile(from: string, to: string): Promise<void> {
  // Never a half written package under its name, also when the temporary folder is on another disk.
  const beside = join(dirname(to), `.${crypto.randomUUID()}`);
  try {
    await Deno.copyFile(from, beside);
    await Deno.rename(beside, to);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
}
