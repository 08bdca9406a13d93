import { join } from "node:path";
import { BuildError } from "./build_error.ts";
import { listFiles } from "./bundle_program.ts";

/** A package that the bundle contains, as its folder in `node_modules/.deno` is called. */
const BUNDLED_FROM = /^\/\/ (node_modules\/\.deno\/[^/]+\/node_modules\/((?:@[^/]+\/)?[^/]+))\//gm;
const LICENSE_FILE = /^(licen[cs]e|copying|notice)/i;
const RULE = `\n${"=".repeat(80)}\n`;

/**
 * Writes into the folder of the bundled program whose work it is besides our own, and on what terms:
 * `THIRD_PARTY_LICENSES.txt`. Throws BuildError when a part has no licence that could be passed on.
 */
export async function writeLicenses(project: string, app: string): Promise<void> {
  const parts = [
    await describeDeno(),
    ...await describeBundled(project, app),
    ...await describePackages(join(app, "node_modules")),
    await describeLibraries(),
  ];
  const text = `ChibiBooru itself: see LICENSE. It is made with the following.\n${RULE}` +
    parts.map((part) => part.trim() + "\n").join(RULE);
  await Deno.writeTextFile(join(app, "THIRD_PARTY_LICENSES.txt"), text);
}

async function describeDeno(): Promise<string> {
  return "Deno, https://deno.com, which contains V8 (https://v8.dev, BSD 3-Clause), SQLite (public domain)\n" +
    "and libraries that its sources list, https://github.com/denoland/deno\n\n" +
    await readText("deno.txt");
}

/** Packages whose code is in the bundle. */
async function describeBundled(project: string, app: string): Promise<string[]> {
  const folders = new Map<string, string>();
  for (const file of await listFiles(app)) {
    if (!file.endsWith(".js") || file.startsWith("node_modules/")) continue;
    const text = await Deno.readTextFile(join(app, file));
    for (const [, folder, name] of text.matchAll(BUNDLED_FROM)) folders.set(folder, name);
  }
  if (folders.size === 0) {
    throw new BuildError("The bundle does not say which packages it contains");
  }
  const found = [...folders].sort(([, a], [, b]) => a < b ? -1 : 1);
  return await Promise.all(found.map(async ([folder, name]) => {
    const texts = await readLicenses(join(project, folder));
    if (texts.length === 0) throw new BuildError(`${name} has no licence in ${folder}`);
    return [await headingOf(join(project, folder)), ...texts].join("\n\n");
  }));
}

/** Packages that are carried as they are: what a package does not say itself is said here. */
async function describePackages(modules: string): Promise<string[]> {
  const manifests = (await listFiles(modules)).filter((path) =>
    /^(@[^/]+\/)?[^/]+\/package\.json$/.test(path)
  );
  return await Promise.all(manifests.map(async (manifest) => {
    const name = manifest.slice(0, -"/package.json".length);
    const folder = join(modules, name);
    const texts = await readLicenses(folder);
    const isListed = name.startsWith("@img/sharp-");
    if (isListed) texts.push(await Deno.readTextFile(join(folder, "README.md")));
    if (texts.length === 0) throw new BuildError(`${name} has no licence in ${folder}`);
    return [await headingOf(folder), ...texts].join("\n\n");
  }));
}

/** The licence of libvips and of libraries in it. Each of them can be exchanged: they are files of their own. */
async function describeLibraries(): Promise<string> {
  return "The terms of libvips and of those libraries in it that are named with LGPLv3 above. Their sources:\n" +
    "https://github.com/lovell/sharp-libvips. The library is a file of its own, which may be exchanged.\n\n" +
    `${await readText("lgpl-3.0.txt")}\n\n${await readText("gpl-3.0.txt")}`;
}

async function headingOf(folder: string): Promise<string> {
  const { name, version, license, author } = JSON.parse(
    await Deno.readTextFile(join(folder, "package.json")),
  );
  const writer = typeof author === "string" ? author : author?.name;
  return `${name} ${version} (${license})${writer === undefined ? "" : `, by ${writer}`}`;
}

async function readLicenses(folder: string): Promise<string[]> {
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) =>
    LICENSE_FILE.test(name)
  ).sort();
  return await Promise.all(names.map((name) => Deno.readTextFile(join(folder, name))));
}

async function readText(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(`./licenses/${name}`, import.meta.url));
}
