import { join } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { Slice } from "../base/slice.ts";
import { inodeOf, isAsideName } from "./stored_file.ts";

/** A file that an import looks at. */
export type FoundFile = {
  /** Absolute path. */
  path: string;
  name: string;
  sizeBytes: number;
  mtimeMs: number;
  /** When the file was last changed, renamed or given other attributes; mtimeMs where nobody knows. */
  changedMs: number;
  inode: number;
};

/** Why a path is not looked at. */
export type SkippedPath = { path: string; code: string; reason: string };

/** What {@link walkFolder} needs to know. */
export type WalkOptions = {
  /** Folders that are left out: the library's own. */
  exclude: readonly string[];
  /** The folder that links may lead to; the walked one by default. */
  within?: string;
  onSkip: (skipped: SkippedPath) => void;
  /** Called for each hidden file or folder that is left out, sidecars apart. */
  onHidden?: () => void;
  /** Called for each sidecar with what {@link FoundFile.changedMs} is of files; they are not looked at else. */
  onSidecar?: (path: string, changedMs: number) => void;
  signal?: AbortSignal;
};

/** Page 2 comes before page 10: that is how people number what belongs together. */
const COLLATOR = new Intl.Collator("en", { numeric: true });

/** Compares names as people number what belongs together. */
export function compareNames(a: string, b: string): number {
  return COLLATOR.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Whether a name is that of a sidecar. */
export function isSidecarName(name: string): boolean {
  return SIDECAR.test(name);
}

/** Whether a name is given to files that are not whole yet. */
export function isUnfinishedName(name: string): boolean {
  return UNFINISHED.test(name);
}

/** Whether a name is that of a database, which nobody may open to see what it is. */
export function isDatabaseName(name: string): boolean {
  return DATABASE.test(name);
}

/** Sidecars are read beside the file they belong to, never on their own. */
const SIDECAR = /\.(json|txt)$/i;
/** What gallery-dl, browsers and download programs call a file until it is whole. */
const UNFINISHED = /\.(part|crdownload|opdownload|aria2)$/i;
/**
 * A database and its log. The library's own must not be opened by other ways than SQLite's: to close it is
 * to lose SQLite's locks of it, and then what another program does can cost all that is written later.
 */
const DATABASE = /\.(db|sqlite3?)(-wal|-shm|-journal)?$/i;
/** Names that are sorted in one go, in a few milliseconds. */
const SORTED_AT_ONCE = 500;
/** What Deno shows for bytes of a name that are not UTF-8. */
const REPLACEMENT = "\ufffd";

/**
 * Yields the files below a folder, each folder's in the order of their names (2 before 10).
 *
 * Hidden files and folders are left out and only counted, but for what an interrupted move left. A symbolic link that stays inside the folder is left out
 * silently, since its target is walked; one that leads out is reported, and so is a name that is not
 * UTF-8 (Deno cannot open it) and a folder that cannot be read.
 */
export async function* walkFolder(root: string, options: WalkOptions): AsyncGenerator<FoundFile> {
  const folders = [root];
  while (folders.length > 0) {
    options.signal?.throwIfAborted();
    const folder = folders.pop()!;
    const entries = await readFolder(folder, options);
    const inner: string[] = [];
    for (const [i, entry] of entries.entries()) {
      if (entry.name.startsWith(".") && !(entry.isFile && isAsideName(entry.name))) {
        if (!SIDECAR.test(entry.name)) options.onHidden?.();
        continue;
      }
      const path = join(folder, entry.name);
      // Names that differ only in bytes that are no UTF-8 all look the same here.
      if (entry.name === entries[i - 1]?.name) {
        options.onSkip(notUtf8(path));
        continue;
      }
      if (entry.isSymlink) await checkLink(options.within ?? root, path, options);
      else if (entry.isDirectory) {
        if (!options.exclude.includes(path)) inner.push(path);
      } else if (UNFINISHED.test(entry.name)) {
        options.onSkip({ path, code: "unfinished", reason: "An unfinished download" });
      } else if (DATABASE.test(entry.name)) {
        options.onSkip({ path, code: "unsupported", reason: "It is a database" });
      } else if (!SIDECAR.test(entry.name)) {
        const file = await statFile(path, entry.name, options);
        if (file !== undefined) yield file;
      } else if (options.onSidecar !== undefined) {
        const sidecar = await statFile(path, entry.name, options);
        if (sidecar !== undefined) options.onSidecar(path, sidecar.changedMs);
      }
    }
    folders.push(...inner.reverse());
  }
}

async function readFolder(folder: string, options: WalkOptions): Promise<Deno.DirEntry[]> {
  try {
    const entries: Deno.DirEntry[] = [];
    const slice = new Slice();
    for await (const entry of Deno.readDir(folder)) {
      entries.push(entry);
      if (slice.isOver) await slice.yield();
    }
    return await sortEntries(entries);
  } catch (error) {
    options.onSkip(
      isForeignName(folder, error) ? notUtf8(folder) : {
        path: folder,
        code: "unreadable",
        reason: `Cannot read the folder: ${toMessage(error)}`,
      },
    );
    return [];
  }
}

/** Sorts by names, in slices: 100,000 of them take a second. */
async function sortEntries(entries: readonly Deno.DirEntry[]): Promise<Deno.DirEntry[]> {
  const slice = new Slice();
  let runs: Deno.DirEntry[][] = [];
  for (let i = 0; i < entries.length; i += SORTED_AT_ONCE) {
    const run = entries.slice(i, i + SORTED_AT_ONCE);
    runs.push(run.sort((a, b) => compareNames(a.name, b.name)));
    if (slice.isOver) await slice.yield();
  }
  while (runs.length > 1) {
    const merged: Deno.DirEntry[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(await mergeEntries(runs[i], runs[i + 1] ?? [], slice));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergeEntries(
  left: readonly Deno.DirEntry[],
  right: readonly Deno.DirEntry[],
  slice: Slice,
): Promise<Deno.DirEntry[]> {
  const merged: Deno.DirEntry[] = [];
  let [i, j] = [0, 0];
  while (i < left.length && j < right.length) {
    merged.push(compareNames(left[i].name, right[j].name) <= 0 ? left[i++] : right[j++]);
    if (slice.isOver) await slice.yield();
  }
  // One of the two is empty. Not spread into a call: that many arguments are too many.
  return merged.concat(left.slice(i), right.slice(j));
}

/** Whether a path could not be found because its name has bytes that Deno cannot show. */
function isForeignName(path: string, error: unknown): boolean {
  return error instanceof Deno.errors.NotFound && path.includes(REPLACEMENT);
}

function notUtf8(path: string): SkippedPath {
  const reason =
    "Its name is not UTF-8, so it cannot be opened. Rename it, for example with convmv";
  return { path, code: "name_not_utf8", reason };
}

async function checkLink(root: string, path: string, options: WalkOptions): Promise<void> {
  try {
    const target = await Deno.realPath(path);
    if (target === root || target.startsWith(`${root}/`)) return;
    options.onSkip({ path, code: "link_outside", reason: `A link that leads out, to ${target}` });
  } catch (error) {
    options.onSkip({
      path,
      code: "unreadable",
      reason: `Cannot follow the link: ${toMessage(error)}`,
    });
  }
}

async function statFile(
  path: string,
  name: string,
  options: WalkOptions,
): Promise<FoundFile | undefined> {
  try {
    const info = await Deno.lstat(path);
    if (!info.isFile) {
      options.onSkip({ path, code: "not_a_file", reason: "Neither file nor folder" });
      return undefined;
    }
    return toFoundFile(path, name, info);
  } catch (error) {
    options.onSkip(
      isForeignName(path, error)
        ? notUtf8(path)
        : { path, code: "unreadable", reason: toMessage(error) },
    );
    return undefined;
  }
}

/** A file as an import sees it. */
export function toFoundFile(path: string, name: string, info: Deno.FileInfo): FoundFile {
  const mtimeMs = info.mtime?.getTime() ?? 0;
  return {
    path,
    name,
    sizeBytes: info.size,
    mtimeMs,
    changedMs: Math.max(mtimeMs, info.ctime?.getTime() ?? 0),
    inode: inodeOf(info),
  };
}

/**
 * Checks a folder that is to be imported and gives its real path.
 *
 * @throws {AppError} `not_found` or `bad_request`, naming the folder.
 */
export async function checkFolder(folder: string): Promise<string> {
  try {
    const path = await Deno.realPath(folder);
    if (!(await Deno.stat(path)).isDirectory) {
      throw new AppError("bad_request", `Cannot import ${folder}: it is not a folder`, {
        remedy: "Name the folder that holds the files",
      });
    }
    return path;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("not_found", `Cannot import ${folder}: ${toMessage(error)}`, {
      remedy: "Check the spelling and that this user may read it",
      cause: error,
    });
  }
}

/** Folders without those that lie in another one of them: a file is to be met once. */
export function withoutInner(folders: readonly string[]): string[] {
  return [...new Set(folders)].filter((folder, _, all) =>
    !all.some((other) => other !== folder && isInside(folder, other))
  );
}

/** Whether a path is a folder or lies in it; both absolute, without links. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** Gathers items into lists of this size; the last may be shorter. */
export async function* inBatches<T>(
  items: AsyncIterable<T> | Iterable<T>,
  size: number,
): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
