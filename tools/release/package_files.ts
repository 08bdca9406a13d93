import { join } from "node:path";
import { digestOf, toArchivePath } from "../package/npm_package.ts";

/** A package of the npm registry. */
export type PackageName = { name: string; version: string };

/**
 * Files of npm packages, wherever this project has them: in node_modules, or in archives in a folder.
 */
export class PackageFiles {
  readonly #installed: string;
  readonly #downloads: string;

  constructor(project: string, downloads: string) {
    this.#installed = join(project, "node_modules/.deno");
    this.#downloads = downloads;
  }

  /** A JSON file of a package; undefined when the package is not here, or has no such file. */
  async readJson(wanted: PackageName, path: string): Promise<unknown> {
    const text = await this.#readInstalled(wanted, path) ?? await this.#readArchived(wanted, path);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** The archive's digest as npm writes it; undefined when the archive is not here. */
  async readIntegrity(wanted: PackageName): Promise<string | undefined> {
    return await digestOf(toArchivePath(this.#downloads, wanted)) ?? undefined;
  }

  async #readInstalled({ name, version }: PackageName, path: string): Promise<string | undefined> {
    const folder = `${name.replace("/", "+")}@${version}/node_modules/${name}`;
    return await ifFound(Deno.readTextFile(join(this.#installed, folder, path)));
  }

  async #readArchived(wanted: PackageName, path: string): Promise<string | undefined> {
    const archive = toArchivePath(this.#downloads, wanted);
    if (await ifFound(Deno.stat(archive)) === undefined) return undefined;
    const { success, stdout } = await new Deno.Command("tar", {
      args: ["-xzOf", archive, `package/${path}`],
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  }
}

async function ifFound<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
