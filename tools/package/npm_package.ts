import { createHash } from "node:crypto";
import { join } from "node:path";
import { BuildError } from "./build_error.ts";
import { runProgram } from "./run_program.ts";

/** Where the archives that npm gave are kept, within the project. */
export const DOWNLOADS = "dist/.downloads";

const DEFAULT_REGISTRY = "https://registry.npmjs.org/";

/** One package of the npm registry. */
export type NpmPackage = {
  name: string;
  version: string;
  /** `sha512-<base64>`; null: as the registry says. */
  integrity: string | null;
};

/**
 * Unpacks a package into a folder, which must not exist. Its archive is kept in `downloads` and checked each
 * time; what does not match is fetched anew once. Throws BuildError when the registry does not have it, or
 * has something else.
 */
export async function unpackNpmPackage(
  wanted: NpmPackage,
  options: { folder: string; downloads: string; registry?: string },
): Promise<void> {
  const { name, version } = wanted;
  const registry = toFolderUrl(
    options.registry ?? Deno.env.get("NPM_CONFIG_REGISTRY") ?? DEFAULT_REGISTRY,
  );
  const integrity = wanted.integrity ?? await readIntegrity(wanted, registry);
  await Deno.mkdir(options.downloads, { recursive: true });
  const archive = toArchivePath(options.downloads, wanted);
  if (await digestOf(archive) !== integrity) {
    await download(toArchiveUrl(wanted, registry), archive);
    const digest = await digestOf(archive);
    if (digest !== integrity) {
      await Deno.remove(archive);
      throw new BuildError(`${name}@${version} is ${digest}, not ${integrity}`);
    }
  }
  await Deno.mkdir(options.folder, { recursive: true });
  // Everything is below "package/".
  await runProgram("tar", ["-xzof", archive, "--strip-components=1", "-C", options.folder]);
}

/** Where the archive of a package is among the downloads. */
export function toArchivePath(
  downloads: string,
  { name, version }: Pick<NpmPackage, "name" | "version">,
): string {
  return join(downloads, `${name.replace("/", "+")}-${version}.tgz`);
}

function toFolderUrl(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}

function toArchiveUrl({ name, version }: NpmPackage, registry: string): URL {
  return new URL(`${name}/-/${name.split("/").at(-1)}-${version}.tgz`, registry);
}

async function readIntegrity({ name, version }: NpmPackage, registry: string): Promise<string> {
  const url = new URL(`${name}/${version}`, registry);
  const answer = await (await get(url)).text();
  try {
    const { dist } = JSON.parse(answer) as { dist: { integrity: string } };
    return dist.integrity;
  } catch (error) {
    throw new BuildError(`${url} is no description of a package: ${(error as Error).message}`);
  }
}

async function download(url: URL, path: string): Promise<void> {
  const response = await get(url);
  // A download that is cut short never has the name of a whole one, nor that of another packaging.
  const unfinished = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.writeFile(unfinished, response.body!);
    await Deno.rename(unfinished, path);
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {});
    throw new BuildError(`Cannot load ${url}: ${(error as Error).message}`);
  }
}

async function get(url: URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new BuildError(`Cannot reach ${url}: ${(error as Error).message}`);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw new BuildError(`${url} answers ${response.status}`);
}

/** A file's digest as npm writes it; null when there is no file. */
export async function digestOf(path: string): Promise<string | null> {
  try {
    return `sha512-${createHash("sha512").update(await Deno.readFile(path)).digest("base64")}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
