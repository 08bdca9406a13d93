import { basename, join } from "node:path";
import * as z from "zod";
import { log } from "../base/log.ts";
import { toFileError } from "../media/file_error.ts";
import { getFileMd5 } from "../media/md5.ts";
import { resolveInside } from "../media/paths.ts";
import { hasUnfinishedRestore, readPlacesOf, readStoredPlaces } from "../store/backup.ts";
import { isPathTaken, readContent } from "../store/import_images.ts";
import { isTrashFolder } from "../store/check_places.ts";
import { walkFolder } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { exists, splitStored } from "./library_paths.ts";
import { withLock } from "./lock.ts";
import { moveFile } from "./trash_files.ts";

/** How the files fit to a database that was put back. */
export type RestoredFiles = {
  /** Files that were in the trash and belong to an image again: they are in their places. */
  broughtBack: number;
  /** Places of images without a file; those of in-place folders that are not there are left out. */
  missing: { count: number; examples: string[] };
  /** Files in the images folder that no image has: imported after the backup was made, mostly. */
  strays: { count: number; examples: string[] };
  /** Folders of the trash that no entry has: deleted after the backup was made, mostly. */
  trashFolders: number;
  /** In-place folders that are not there. */
  unreachable: string[];
};

const EXAMPLES_MAX = 20;
const PLACES_AT_ONCE = 500;
const MANIFEST_BYTES_MAX = 64 * 1_048_576;

/** What of a manifest says which file was where. */
const MANIFEST = z.object({
  md5: z.string().regex(/^[0-9a-f]{32}$/),
  folder: z.string(),
  files: z.array(z.object({ filepath: z.string(), trashed: z.string().nullable() })),
});
type Manifest = z.output<typeof MANIFEST>;

/**
 * Finishes a restore that ended before its files were looked for; called once when a library is opened for
 * serving. Cost: a look at the journal where there is nothing to do.
 */
export async function resumeRestore(library: Library): Promise<void> {
  if (!hasUnfinishedRestore(library.core.reader)) return;
  log("restore").info("The database was put back: looking for its files");
  try {
    const { broughtBack, missing, strays } = await settleRestoredFiles(library);
    log("restore").info(
      "{broughtBack} files came back from the trash; {missing} are missing, {strays} have no image",
      { broughtBack, missing: missing.count, strays: strays.count },
    );
  } catch (error) {
    log("restore").error("The files of the restored database could not be looked for: {error}", {
      error,
    });
  }
}

/**
 * Brings files back from the trash whose image is in the database that was put back, and tells what else
 * does not fit. Nothing is deleted but emptied folders of the trash; doing it twice does nothing more.
 *
 * @throws {AppError} `locked` while a command moves files.
 */
export async function settleRestoredFiles(library: Library): Promise<RestoredFiles> {
  const files = await withLock(library.paths.lock, "finish a restore", async () => {
    const { broughtBack, trashFolders } = await bringBack(library);
    const { missing, unreachable } = await findMissing(library);
    return { broughtBack, missing, strays: await findStrays(library), trashFolders, unreachable };
  });
  await library.writer.call("finishRestore", { findings: files });
  return files;
}

async function bringBack(library: Library): Promise<{ broughtBack: number; trashFolders: number }> {
  const { trash } = library.paths;
  const { reader } = library.core;
  let broughtBack = 0;
  let trashFolders = 0;
  if (!(await exists(trash))) return { broughtBack, trashFolders };
  for await (const { name, isDirectory } of Deno.readDir(trash)) {
    // What an entry has belongs to that entry.
    if (!isDirectory || isTrashFolder(reader, name)) continue;
    const manifest = await readManifest(join(trash, name));
    if (manifest === null) {
      trashFolders++;
      continue;
    }
    broughtBack += await bringFilesBack(library, manifest);
    // Without a file of its own the folder is all that is known of an image that was only hidden.
    const hadFiles = manifest.files.some(({ trashed }) => trashed !== null) &&
      readContent(reader, manifest.md5) !== undefined;
    if (!hadFiles || !(await removeEmptied(join(trash, name)))) trashFolders++;
  }
  return { broughtBack, trashFolders };
}

/** The manifest in a folder of the trash; null without one that can be understood. */
async function readManifest(folder: string): Promise<Manifest | null> {
  const path = join(folder, "manifest.json");
  try {
    if ((await Deno.stat(path)).size > MANIFEST_BYTES_MAX) return null;
    const manifest = MANIFEST.parse(JSON.parse(await Deno.readTextFile(path)));
    return manifest.folder === basename(folder) ? manifest : null;
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "it has no manifest"
      : error instanceof z.ZodError || error instanceof SyntaxError
      ? "its manifest is none of this program"
      : toFileError("read", path, error).message;
    log("restore").warn("{folder} stays as it is: {reason}", {
      folder,
      reason,
    });
    return null;
  }
}

/** Moves the files of a manifest to the places of its image that have none; gives how many. */
async function bringFilesBack(library: Library, manifest: Manifest): Promise<number> {
  const { reader } = library.core;
  const image = readContent(reader, manifest.md5);
  if (image === undefined) return 0;
  const { images, trash } = library.paths;
  const roots = library.roots();
  const free: string[] = [];
  for (const place of new Set([image.filepath, ...readPlacesOf(reader, image.imageId)])) {
    if (splitStored(roots, place).root !== undefined) continue;
    if (!(await exists(resolveInside(images, place)))) free.push(place);
  }
  let count = 0;
  for (const { filepath, trashed } of manifest.files) {
    if (trashed === null || free.length === 0) continue;
    const from = resolveInside(trash, trashed);
    if (!(await exists(from)) || await getFileMd5(from) !== manifest.md5) continue;
    const own = free.indexOf(filepath);
    const [place] = free.splice(own < 0 ? 0 : own, 1);
    await moveFile(from, resolveInside(images, place), {
      hasher: library.hasher,
      md5: manifest.md5,
    });
    count++;
  }
  return count;
}

/** Removes a folder of the trash in which nothing is left but its manifest; false if there is more. */
async function removeEmptied(folder: string): Promise<boolean> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  if (names.some((name) => name !== "manifest.json" && !name.startsWith(".manifest-"))) {
    return false;
  }
  for (const name of names) await Deno.remove(join(folder, name));
  await Deno.remove(folder);
  return true;
}

/** Every place of an image in the library's folders that has no file. */
async function findMissing(
  library: Library,
): Promise<Pick<RestoredFiles, "missing" | "unreachable">> {
  const { paths, core } = library;
  const roots = library.roots();
  const unreachable = new Set<string>();
  for (const root of roots) if (!(await exists(root.path))) unreachable.add(root.path);
  const missing = { count: 0, examples: [] as string[] };
  for (let after = "";;) {
    const places = readStoredPlaces(core.reader, { after, limit: PLACES_AT_ONCE });
    if (places.length === 0) return { missing, unreachable: [...unreachable] };
    after = places.at(-1)!;
    const isThere = await Promise.all(places.map(async (place) => {
      const { root, relative } = splitStored(roots, place);
      if (root !== undefined && unreachable.has(root.path)) return true;
      return await exists(resolveInside(root?.path ?? paths.images, relative));
    }));
    for (const [i, place] of places.entries()) if (!isThere[i]) addExample(missing, place);
  }
}

async function findStrays({ paths, core }: Library): Promise<RestoredFiles["strays"]> {
  const strays = { count: 0, examples: [] as string[] };
  for await (const { path } of walkFolder(paths.images, { exclude: [], onSkip: () => {} })) {
    const filepath = path.slice(paths.images.length + 1);
    if (!isPathTaken(core.reader, filepath)) addExample(strays, filepath);
  }
  return strays;
}

function addExample(found: { count: number; examples: string[] }, path: string): void {
  found.count++;
  if (found.examples.length < EXAMPLES_MAX) found.examples.push(path);
}
