import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { fileErrorCode, toFileError } from "../media/file_error.ts";
import { listBackups } from "./backup_files.ts";
import { exists, type LibraryPaths } from "./library_paths.ts";

/** What to do about a library without its database. */
export const LOST_DATABASE_REMEDY: string =
  `Put back a backup with: ${commandLine("restore latest")}. Without one, make the database anew ` +
  `with: ${commandLine("rebuild")}. ` +
  "For a new library choose another folder with --library";

/**
 * Says what shows that a folder without a database had one: files in its images folder, or backups; null if
 * nothing does, or the database is there.
 *
 * @throws {AppError} `forbidden` …, naming a folder that cannot be read.
 */
export async function describeLostDatabase(paths: LibraryPaths): Promise<string | null> {
  if (await exists(paths.database)) return null;
  const traces = [
    ...(await hasEntries(paths.images) ? [`files in ${paths.images}`] : []),
    ...((await listBackups(paths.backups)).length > 0 ? [`backups in ${paths.backups}`] : []),
  ];
  return traces.length === 0 ? null : `there are ${traces.join(" and ")}, but no ${paths.database}`;
}

/**
 * Refuses to make a new library over what another one left, which would look as if all were gone.
 *
 * @throws {AppError} `conflict`, as {@link describeLostDatabase} says it.
 */
export async function refuseLostDatabase(paths: LibraryPaths): Promise<void> {
  const traces = await describeLostDatabase(paths);
  if (traces === null) return;
  throw new AppError(
    "conflict",
    `The library in ${paths.folder} has lost its database: ${traces}`,
    {
      remedy: LOST_DATABASE_REMEDY,
    },
  );
}

/** Whether anything but hidden files is in a folder. */
async function hasEntries(folder: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(folder)) if (!name.startsWith(".")) return true;
    return false;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(fileErrorCode(error))) return false;
    throw toFileError("read", folder, error);
  }
}
