import { createHash } from "node:crypto";
import { join } from "node:path";

/** Name of the file with the sums, as `sha256sum -c` takes it. */
export const SUMS_FILE = "SHA256SUMS";

/** Paths of the files below a folder, relative to it and sorted; what is hidden is left out. */
export async function listVisibleFiles(folder: string, at = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(folder, at))) {
    if (name.startsWith(".")) continue;
    const path = at === "" ? name : `${at}/${name}`;
    if (isDirectory) found.push(...await listVisibleFiles(folder, path));
    else found.push(path);
  }
  return found.sort();
}

/** Writes the sums of all other files of a folder into it, and gives their names. */
export async function writeChecksums(folder: string): Promise<string[]> {
  const files = (await listVisibleFiles(folder)).filter((path) => path !== SUMS_FILE);
  const lines: string[] = [];
  for (const path of files) lines.push(`${await digestOf(join(folder, path))}  ${path}\n`);
  await Deno.writeTextFile(join(folder, SUMS_FILE), lines.join(""));
  return files;
}

/** Reads the sums and every file again, and gives the names of files that differ, are missing, or have no sum. */
export async function findWrongSums(folder: string): Promise<string[]> {
  const text = await Deno.readTextFile(join(folder, SUMS_FILE));
  const sums = new Map(
    text.split("\n").slice(0, -1).map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const files = (await listVisibleFiles(folder)).filter((path) => path !== SUMS_FILE);
  const wrong = [...sums.keys()].filter((path) => !files.includes(path));
  for (const path of files) {
    if (await digestOf(join(folder, path)) !== sums.get(path)) wrong.push(path);
  }
  return wrong.sort();
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const part of file.readable) hash.update(part);
  return hash.digest("hex");
}
