import { AppError } from "../base/errors.ts";
import { isPathTaken } from "../store/import_images.ts";
import type { ImportProgress, ImportReport } from "./import_report.ts";
import { type FileOutcome, type ImportMode, ImportRun } from "./import_run.ts";
import { checkFolder, type FoundFile, isInside, withoutInner } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { exists } from "./library_paths.ts";
import { lockLibrary, withLock } from "./lock.ts";
import { showChanges } from "./show_changes.ts";
import {
  checkFreeDisk,
  clearIncoming,
  type FileCalls,
  type Leftovers,
  removeIncoming,
} from "./stored_file.ts";

/** How an import is to be done. */
export type ImportOptions = {
  /** Folders, absolute. */
  folders: readonly string[];
  /** copy: the source stays; move: it goes when it is safely stored; in-place: nothing is written there. */
  mode: ImportMode;
  /** Looks at everything and writes nothing. */
  dryRun?: boolean;
  /**
   * Takes in-place folders for the right ones however many of their files have other contents; by default
   * such a folder is asked about in the report, and nothing of it is imported.
   */
  acceptChanged?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
  /** For tests: less free disk than this and nothing is begun. */
  freeDiskFloorBytes?: number;
  /** For tests: calls that fail. */
  calls?: FileCalls;
};

/**
 * Imports the pictures and videos below some folders, with what their sidecars say.
 *
 * A bad file is reported and stops nobody. Killed at any point and run again, nothing is lost and nothing
 * is there twice: a file's bytes and name are on the disk before its row is committed, and a source that
 * is moved is removed after that.
 *
 * @throws {AppError} `not_found` (a folder), `locked`, `disk_full`, `cancelled` …
 */
export async function importFolders(
  library: Library,
  options: ImportOptions,
): Promise<ImportReport> {
  const folders = withoutInner(await Promise.all(options.folders.map(checkFolder)));
  const own = await ownFolders(library);
  const ingest = await realPathOf(library.paths.ingest);
  for (const folder of folders) checkSource(library, own, { folder, mode: options.mode, ingest });
  // What waits there is taken from there, whatever folder it lies in.
  if (!folders.some((folder) => isInside(folder, ingest))) own.push(ingest);
  if (options.dryRun) {
    return await new ImportRun(library, { ...options, own, leftovers: new Map() })
      .runFolders(folders);
  }
  const lock = await lockLibrary(library.paths.lock, "import");
  try {
    return await withLeftovers(library, options, (leftovers) => {
      return new ImportRun(library, { ...options, own, leftovers }).runFolders(folders);
    });
  } finally {
    lock.release();
  }
}

/** How some files are to be imported. */
export type FilesOptions = {
  files: readonly FoundFile[];
  mode: "move" | "in-place";
  /** Who imports, for those that find the library locked. */
  command: string;
  /** The folder that files are moved from: each is remembered by its path in it. */
  ingest?: string;
  /** Whether so many files of in-place roots may be taken for edited ones; any number by default. */
  mayEdit?: (count: number) => boolean;
  signal?: AbortSignal;
  /** Told of every file that is in the library now. */
  onFile?: (outcome: FileOutcome) => void;
  /** For tests: less free disk than this and nothing is begun. */
  freeDiskFloorBytes?: number;
};

/**
 * Imports some files that somebody found, as {@link importFolders} does; those that stay in place lie in
 * roots that are known. Waits for what this process does with the library's lock.
 *
 * @throws {AppError} `locked` (by another process), `disk_full`, `cancelled` …
 */
export async function importFiles(library: Library, options: FilesOptions): Promise<ImportReport> {
  return await withLock(library.paths.lock, options.command, async () => {
    return await withLeftovers(library, options, (leftovers) => {
      return new ImportRun(library, { ...options, own: [], leftovers }).runFiles(options.files);
    });
  });
}

/** Runs an import with what the last one left behind, and tidies up; the lock is held. */
async function withLeftovers(
  library: Library,
  options: Pick<ImportOptions, "mode" | "freeDiskFloorBytes">,
  run: (leftovers: Leftovers) => Promise<ImportReport>,
): Promise<ImportReport> {
  const { paths, core } = library;
  try {
    const leftovers = await clearIncoming(paths, (filepath) => isPathTaken(core.reader, filepath));
    if (options.mode !== "in-place") await checkFreeDisk(paths.images, options.freeDiskFloorBytes);
    return await run(leftovers);
  } finally {
    await removeIncoming(paths);
    await showChanges(library);
  }
}

/** Folders of the library that no import may read. */
export async function ownFolders(library: Library): Promise<string[]> {
  const { images, thumbnails, trash, data } = library.paths;
  return await Promise.all([images, thumbnails, trash, data].map(realPathOf));
}

async function realPathOf(path: string): Promise<string> {
  return await exists(path) ? await Deno.realPath(path) : path;
}

function checkSource(
  library: Library,
  own: readonly string[],
  source: { folder: string; mode: ImportOptions["mode"]; ingest: string },
): void {
  const { folder, mode, ingest } = source;
  if (own.some((path) => isInside(folder, path))) {
    throw new AppError("bad_request", `Cannot import ${folder}: it belongs to the library itself`, {
      remedy: "Name a folder outside of the library",
    });
  }
  if (mode === "in-place" && isInside(folder, ingest)) {
    throw new AppError("bad_request", `Cannot index ${folder} in place: what is there is moved`, {
      remedy: `Use --move, or put the folder somewhere else than in ${ingest}`,
    });
  }
  const root = library.roots().find(({ path }) => isInside(folder, path) || isInside(path, folder));
  if (mode === "move" && root !== undefined) {
    throw new AppError(
      "bad_request",
      `Cannot move files out of ${folder}: ${root.path} is indexed in place and never written`,
      { remedy: "Use --copy, or name other folders" },
    );
  }
}
