import { join } from "node:path";
import { log } from "../base/log.ts";
import { fileErrorCode } from "../media/file_error.ts";
import { exists, type LibraryPaths } from "./library_paths.ts";

/*
 * A command that works on a library makes its locks and folders before it can know whether there is a
 * library at all. If it is refused, a folder that was somebody's pictures, or misspelt, is to be as it was.
 */

/**
 * Runs `work`; if it fails, locks of the library and folders without anything in them are removed that were
 * not there before. With `isTrial` they are removed in any case.
 *
 * @throws What `work` throws.
 */
export async function withoutTraces<T>(
  paths: LibraryPaths,
  work: () => Promise<T>,
  { isTrial = false }: { isTrial?: boolean } = {},
): Promise<T> {
  const missing: string[] = [];
  for (const path of tracesOf(paths)) if (!(await exists(path))) missing.push(path);
  let isKept = false;
  try {
    const result = await work();
    isKept = !isTrial;
    return result;
  } finally {
    if (!isKept) await removeTraces(paths, missing);
  }
}

/** What a command may make, each before what it lies in. */
function tracesOf(paths: LibraryPaths): string[] {
  const { data, images, thumbnails, ingest, trash, backups, folder } = paths;
  const locks = ["backup.lock", "library.lock", "tasks.lock", "watch.lock", "server.lock"];
  return [
    ...locks.map((name) => join(data, name)),
    ...[backups, data, images, thumbnails, ingest, trash, folder],
  ];
}

/** Removes what is left of it, unless somebody has the library open by now: then it is theirs. */
async function removeTraces({ data }: LibraryPaths, missing: readonly string[]): Promise<void> {
  const lock = join(data, "server.lock");
  try {
    // Everybody holds this lock who has any of the others, or works in those folders.
    using file = await exists(lock) ? await Deno.open(lock, { read: true, write: true }) : null;
    if (file !== null && !(await file.tryLock(true))) return;
    for (const path of missing) await removeEmpty(path);
  } catch (error) {
    // Why the work failed matters more, and what is left is in nobody's way.
    log("library").debug("What was made in {data} stays: {error}", { data, error });
  }
}

async function removeEmpty(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!["ENOENT", "ENOTDIR", "ENOTEMPTY", "EEXIST"].includes(fileErrorCode(error))) throw error;
  }
}
