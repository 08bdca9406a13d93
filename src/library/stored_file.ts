import { statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../base/errors.ts";
import { FREE_DISK_FLOOR_BYTES } from "../base/limits.ts";
import { toFileError } from "../media/file_error.ts";
import { getFileMd5 } from "../media/md5.ts";
import {
  getBucketedPath,
  resolveInside,
  sanitizeFilenameForFs,
  splitExtension,
  withHashSuffix,
} from "../media/paths.ts";
import { toInode } from "../media/walk_files.ts";
import type { FilePlace } from "../store/import_images.ts";
import { exists, type LibraryPaths } from "./library_paths.ts";

/** A file that is to be stored in the library. */
export type FileToStore = {
  path: string;
  name: string;
  md5: string;
  sizeBytes: number;
  mtimeMs: number;
  inode: number;
  /** The true type's ending, without a dot. */
  ext: string;
  /** Moved files are linked where they lie on the library's device, so that no byte is copied. */
  isMove: boolean;
};

/** The calls that change a disk or prove that it changed; a test lets one of them fail. */
export type FileCalls = Pick<
  typeof Deno,
  "copyFile" | "link" | "mkdir" | "open" | "remove" | "rename"
>;

/** What storing needs to ask. */
export type StoreOptions = {
  paths: LibraryPaths;
  calls?: FileCalls;
  /** What an interrupted run stored and did not commit. */
  leftovers?: Leftovers;
  /** Whether a stored path belongs to another content already. */
  isTaken: (filepath: string) => boolean;
  /** Whether two files are equal byte for byte. */
  isSame: (left: string, right: string) => Promise<boolean>;
};

/** md5 → stored paths that have files of this content, perhaps, and no row. */
export type Leftovers = ReadonlyMap<string, readonly string[]>;

/*
 * Between a file's name in the library and its row lies a moment at which the program can end. The next
 * run must find that file again, even if it meets the content under another name first; else it would be
 * there twice. So `.incoming`, where files lie while they are copied (on the library's device, hidden
 * from its own walks), also has an empty file `<md5>/<name>` for every name that is being given. It goes
 * after the commit; what is left of them are the next run's leftovers.
 */
const INCOMING = ".incoming";

/**
 * Brings a file into the library and gives its place. When it returns, bytes and name are on the disk
 * (file and folder synced), so that the row committed next never points to nothing. The source stays.
 *
 * A file that an interrupted run left at the same place with the same bytes is taken as it is.
 *
 * @throws {AppError} `conflict` if the source changed meanwhile, `disk_full` …
 */
export async function storeFile(file: FileToStore, options: StoreOptions): Promise<FilePlace> {
  const calls = options.calls ?? Deno;
  const temporary = join(options.paths.images, INCOMING, `${file.md5}-${crypto.randomUUID()}`);
  try {
    await bringIn(file, temporary, calls);
    return await giveName(file, temporary, options);
  } catch (error) {
    throw toStoreError(file.path, error);
  } finally {
    // What stays here, for whatever reason, the next run removes.
    await calls.remove(temporary).catch(() => {});
  }
}

/** Gives a file that was brought in the first of its names that is free or its own. */
async function giveName(
  file: FileToStore,
  temporary: string,
  options: StoreOptions,
): Promise<FilePlace> {
  const calls = options.calls ?? Deno;
  const leftovers = options.leftovers?.get(file.md5) ?? [];
  for (const filepath of new Set([...leftovers, ...candidatePaths(file)])) {
    if (options.isTaken(filepath)) continue;
    const note = join(options.paths.images, INCOMING, file.md5, basename(filepath));
    await calls.mkdir(dirname(note), { recursive: true });
    (await calls.open(note, { create: true, write: true })).close();
    const target = resolveInside(options.paths.images, filepath);
    await makeFolder(dirname(target), calls);
    if (!(await claim(temporary, target, { calls, isSame: options.isSame }))) {
      await calls.remove(note);
      continue;
    }
    await syncFolder(dirname(target), calls);
    const info = await Deno.stat(target);
    return {
      filepath,
      sizeBytes: info.size,
      mtimeMs: info.mtime?.getTime() ?? 0,
      inode: inodeOf(info),
    };
  }
  throw new AppError("conflict", `Cannot store ${file.path}: every name for it is taken`);
}

/** Names of a content in their order: its own, with the first digits of its md5, with all of them. */
function candidatePaths(file: FileToStore): string[] {
  const { stem, ext } = splitExtension(file.name);
  const isTrue = ext.toLowerCase() === `.${file.ext}` ||
    (file.ext === "jpg" && /^\.jpe?g$/i.test(ext));
  const name = sanitizeFilenameForFs(isTrue ? file.name : `${stem}.${file.ext}`);
  return [name, withHashSuffix(name, file.md5.slice(0, 8)), withHashSuffix(name, file.md5)]
    .map((candidate) => getBucketedPath(candidate));
}

async function bringIn(file: FileToStore, temporary: string, calls: FileCalls): Promise<void> {
  await calls.mkdir(dirname(temporary), { recursive: true });
  const isLinked = file.isMove && await tryLink(file.path, temporary, calls);
  if (!isLinked) await calls.copyFile(file.path, temporary);
  // A name may lead elsewhere by now: what is linked or copied must be the file that was looked at.
  const copy = await Deno.lstat(temporary);
  if (copy.isFile) await syncFile(temporary, calls);
  const isSame = copy.isFile && copy.size === file.sizeBytes &&
    isFileAsRead(await Deno.lstat(file.path), file);
  // The source of a move is removed later: its copy must be proven, not assumed.
  if (!isSame || (file.isMove && !isLinked && await getFileMd5(temporary) !== file.md5)) {
    throw new AppError("conflict", `Cannot store ${file.path}: it changed while it was read`);
  }
}

/** What is being given a name, by that name: files of one name are stored at the same time. */
const naming = new Map<string, Promise<boolean>>();

/**
 * Gives the file its final name unless something else has it; true when the name is now its.
 *
 * One after the other for a name: between looking for it and taking it, where that takes two steps, no
 * other file may get it.
 */
async function claim(...args: Parameters<typeof claimInTurn>): Promise<boolean> {
  const [, target] = args;
  const before = naming.get(target) ?? Promise.resolve(false);
  const mine = before.catch(() => false).then(() => claimInTurn(...args));
  naming.set(target, mine);
  try {
    return await mine;
  } finally {
    if (naming.get(target) === mine) naming.delete(target);
  }
}

async function claimInTurn(
  temporary: string,
  target: string,
  options: { calls: FileCalls; isSame: StoreOptions["isSame"] },
): Promise<boolean> {
  if (await tryLink(temporary, target, options.calls)) return true;
  if (await exists(target)) return await options.isSame(temporary, target);
  // A file system without links. The library is locked, so no other process names files here.
  await options.calls.rename(temporary, target);
  return true;
}

async function tryLink(from: string, to: string, calls: FileCalls): Promise<boolean> {
  try {
    await calls.link(from, to);
    return true;
  } catch {
    // Whatever the reason (other device, no links there, name taken), the caller has another way.
    return false;
  }
}

/** Why the source of a moved file is left where it is; null: it is gone. */
export type LeftReason = "it changed meanwhile" | "it is the stored file itself";

/** A file as it was when it was read. */
export type ReadFile = { path: string; sizeBytes: number; mtimeMs: number; inode: number };

/**
 * Removes the source of a move whose content is committed.
 *
 * It is left if it is not the file that was read any more, and if it is the stored file under another
 * path (a folder that is mounted twice). Only a look at it under a name that nobody else knows can tell
 * both for sure, so it is renamed first; what a kill leaves under that name, the next import reads.
 *
 * @throws If a file cannot be looked at, above all the stored one, or the source cannot be removed.
 */
export async function removeSource(
  file: ReadFile,
  stored: string,
  calls: FileCalls = Deno,
): Promise<LeftReason | null> {
  const kept = await Deno.stat(stored);
  if (kept.size !== file.sizeBytes || !isFileAsRead(await Deno.lstat(file.path), file)) {
    return "it changed meanwhile";
  }
  const aside = join(dirname(file.path), `.imported-${crypto.randomUUID()}`);
  await calls.rename(file.path, aside);
  try {
    const isSame = isFileAsRead(await Deno.lstat(aside), file);
    if (isSame && await exists(stored)) {
      await calls.remove(aside);
      return null;
    }
    await giveBack(aside, file.path, calls);
    return isSame ? "it is the stored file itself" : "it changed meanwhile";
  } catch (error) {
    await giveBack(aside, file.path, calls);
    throw error;
  }
}

/** Whether a hidden name is one that {@link removeSource} gives for a moment. */
export function isAsideName(name: string): boolean {
  return /^\.imported-[0-9a-f-]{36}$/.test(name);
}

/** Whether what is at a path is the file that was read, and no link to it. */
export function isFileAsRead(now: Deno.FileInfo, file: Omit<ReadFile, "path">): boolean {
  return now.isFile && now.size === file.sizeBytes && inodeOf(now) === file.inode &&
    (now.mtime?.getTime() ?? 0) === file.mtimeMs;
}

/** Names a file that was renamed back: its own name, or one beside it if that is taken by now. */
async function giveBack(aside: string, path: string, calls: FileCalls): Promise<void> {
  if (!(await exists(aside))) return;
  const { stem, ext } = splitExtension(basename(path));
  for (let i = 1;; i++) {
    const target = i === 1 ? path : join(dirname(path), `${stem}~${i}${ext}`);
    if (await exists(target)) continue;
    await calls.rename(aside, target);
    return;
  }
}

/** Whether two paths are names of one inode: what an interrupted move on one device leaves behind. */
export async function areOneFile(left: string, right: string): Promise<boolean> {
  return isOneInode(await Deno.stat(left), await Deno.stat(right));
}

/** Number of a file on its device; see {@link toInode}. */
export function inodeOf(info: Deno.FileInfo): number {
  return toInode(info.ino);
}

function isOneInode(left: Deno.FileInfo, right: Deno.FileInfo): boolean {
  return (left.ino ?? 0) !== 0 && left.ino === right.ino && left.dev === right.dev;
}

/** Forgets that a name was being given to a content, whose row is committed now. */
export async function forgetStored(paths: LibraryPaths, md5: string): Promise<void> {
  await Deno.remove(join(paths.images, INCOMING, md5), { recursive: true }).catch(ignoreMissing);
}

/** Removes what an interrupted run left half copied, and gives what it stored. Needs the lock. */
export async function clearIncoming(
  paths: LibraryPaths,
  isTaken: (filepath: string) => boolean,
): Promise<Leftovers> {
  const folder = join(paths.images, INCOMING);
  const leftovers = new Map<string, string[]>();
  if (!(await exists(folder))) return leftovers;
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    const stored = entry.isDirectory ? await findStored(path, { paths, isTaken }) : [];
    if (stored.length > 0) leftovers.set(entry.name, stored);
    else await Deno.remove(path, { recursive: true });
  }
  return leftovers;
}

/** Paths without a row that are noted in a folder. */
async function findStored(
  folder: string,
  options: { paths: LibraryPaths; isTaken: (filepath: string) => boolean },
): Promise<string[]> {
  const stored: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const filepath = getBucketedPath(name);
    if (options.isTaken(filepath)) continue;
    if (await exists(resolveInside(options.paths.images, filepath))) stored.push(filepath);
  }
  return stored;
}

/**
 * Refuses to begin when a disk has too little room.
 *
 * @throws {AppError} `disk_full`, naming folder and remedy.
 */
export async function checkFreeDisk(
  folder: string,
  floorBytes = FREE_DISK_FLOOR_BYTES,
): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= floorBytes) return;
  throw new AppError("disk_full", `Cannot import: ${folder} has ${freeBytes} bytes left`, {
    remedy: `Free some space (at least ${floorBytes} bytes), or use --in-place`,
  });
}

/** Removes the folder of incoming files when nothing is left in it. */
export async function removeIncoming(paths: LibraryPaths): Promise<void> {
  // Not empty: the next run needs it.
  await Deno.remove(join(paths.images, INCOMING)).catch(() => {});
}

/** Makes sure that a file's bytes are on the disk. */
export async function syncFile(path: string, calls: FileCalls = Deno): Promise<void> {
  // Read-only files are synced as well as others; Windows alone wants them open for writing.
  using file = await calls.open(path, { read: true, write: Deno.build.os === "windows" });
  await file.sync();
}

/** Makes sure that the names in a folder are on the disk. */
export async function syncFolder(path: string, calls: FileCalls = Deno): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await calls.open(path, { read: true });
  await folder.sync();
}

/** Makes a folder and the missing ones above it, each with its name on the disk. */
export async function makeFolder(path: string, calls: FileCalls = Deno): Promise<void> {
  if (await exists(path)) return;
  await makeFolder(dirname(path), calls);
  await calls.mkdir(path, { recursive: true });
  await syncFolder(dirname(path), calls);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function toStoreError(path: string, error: unknown): AppError {
  const known = toFileError("store", path, error);
  if (known.code !== "disk_full") return known;
  return new AppError("disk_full", known.message, {
    remedy: "Free some disk space and run the import again; it goes on where it stopped",
    details: known.details,
    cause: error,
  });
}
