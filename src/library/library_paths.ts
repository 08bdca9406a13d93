import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import { toFileError } from "../media/file_error.ts";
import {
  contentThumbnailPath,
  getThumbnailPath,
  parseStoredPath,
  realPathInside,
  resolveInside,
} from "../media/paths.ts";
import type { LibraryRoot } from "../store/roots.ts";

/** Folders of a library, absolute. */
export type LibraryPaths = {
  folder: string;
  images: string;
  thumbnails: string;
  ingest: string;
  trash: string;
  data: string;
  database: string;
  backups: string;
  lock: string;
  /** What the last full load left for a quick start. */
  snapshot: string;
  /** Whether the folder was laid out by the original ChibiBooru. */
  isOriginal: boolean;
};

/** Finds the folders of a library; one of the original ChibiBooru is recognised by its database. */
export async function findLibraryPaths(folder: string): Promise<LibraryPaths> {
  const isOriginal = await exists(join(folder, "data", "booru.db")) &&
    await exists(join(folder, "static", "images"));
  const media = isOriginal ? join(folder, "static") : folder;
  const data = join(folder, "data");
  return {
    folder,
    images: join(media, "images"),
    thumbnails: join(media, "thumbnails"),
    ingest: join(folder, "ingest"),
    trash: join(folder, "trash"),
    data,
    database: join(data, "booru.db"),
    backups: join(data, "backups"),
    lock: join(data, "library.lock"),
    snapshot: join(data, "snapshot.bin"),
    isOriginal,
  };
}

/**
 * Makes the folders that are missing.
 *
 * @throws {AppError} `read_only`, `conflict` or `not_found`, naming the folder and the remedy.
 */
export async function makeLibraryFolders(paths: LibraryPaths): Promise<void> {
  for (const folder of [paths.images, paths.thumbnails, paths.ingest, paths.trash]) {
    await makeLibraryFolder(folder);
  }
}

/**
 * Makes one folder if it is missing.
 *
 * @throws {AppError} As {@link makeLibraryFolders}.
 */
export async function makeLibraryFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new AppError("conflict", `Cannot make the folder ${folder}: a file has its name`, {
        remedy: "Move that file away",
        cause: error,
      });
    }
    const isReadOnly = error instanceof Deno.errors.PermissionDenied ||
      /read-only|os error 30/i.test(String(error));
    throw new AppError(
      isReadOnly ? "read_only" : "not_found",
      `Cannot make the folder ${folder}: ${error instanceof Error ? error.message : error}`,
      { remedy: "Choose a folder that this user may write, with --library DIR", cause: error },
    );
  }
}

/**
 * Whether anything is at a path.
 *
 * @throws {AppError} `forbidden` … if nobody may look there.
 */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw toFileError("look at", path, error);
  }
}

/**
 * Absolute path of a stored file (`images.filepath` or a place), links followed, never outside its
 * folder.
 *
 * @throws {AppError} `forbidden` if it leads outside, `not_found` if the folder is not there.
 */
export async function locateFile(
  paths: LibraryPaths,
  roots: readonly LibraryRoot[],
  filepath: string,
): Promise<string> {
  const { root, relative } = splitStored(roots, filepath);
  const folder = root?.path ?? paths.images;
  try {
    return await realPathInside(folder, relative);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new AppError("not_found", `There is no folder ${folder}`, {
      remedy: "Is its disk connected?",
      cause: error,
    });
  }
}

/** The in-place root of a stored path, or undefined for a file of the library, and the rest. */
export function splitStored(
  roots: readonly LibraryRoot[],
  filepath: string,
): { root: LibraryRoot | undefined; relative: string } {
  const byName = new Map(roots.map((root) => [root.name, root]));
  const stored = parseStoredPath(filepath, (name) => byName.has(name));
  return {
    root: stored.root === null ? undefined : byName.get(stored.root),
    relative: stored.relative,
  };
}

/**
 * Where the thumbnail of a content may be, the most likely first: ours, then the seed's rule. Links are
 * followed.
 *
 * @throws {AppError} `forbidden` if one leads out of the thumbnails.
 */
export async function thumbnailCandidates(
  paths: LibraryPaths,
  image: { md5: string; filepath: string },
): Promise<string[]> {
  const relatives = [contentThumbnailPath(image.md5)];
  if (!image.filepath.startsWith("@")) {
    relatives.push(getThumbnailPath(`images/${image.filepath}`).slice("thumbnails/".length));
  }
  return await Promise.all(relatives.map((relative) => realPathInside(paths.thumbnails, relative)));
}

/** Where a new thumbnail goes: `thumbnails/ab/cd/<md5>.webp`. */
export function newThumbnailPath(paths: LibraryPaths, md5: string): string {
  return resolveInside(paths.thumbnails, contentThumbnailPath(md5));
}
