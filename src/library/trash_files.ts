import { basename, dirname, join } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { FILE_NAME_BYTES_MAX } from "../base/limits.ts";
import { log } from "../base/log.ts";
import { fileErrorCode } from "../media/file_error.ts";
import { getFileMd5, md5OfText } from "../media/md5.ts";
import { resolveInside, withHashSuffix } from "../media/paths.ts";
import type { TrashedFile, TrashManifest } from "../store/trash.ts";
import type { Library } from "./library.ts";
import { splitStored } from "./library_paths.ts";
import { type FileCalls, inodeOf, makeFolder, syncFile, syncFolder } from "./stored_file.ts";

/*
 * How files come into the trash and back. A file gets its new name by a hard link and then loses the old one:
 * so it always has at least one, and a name that something else has is never taken, which a rename could not
 * promise. Where there are no links it is renamed after a look; on another device it is copied, synced,
 * compared byte for byte, and only then removed. Whatever moment the program ends at, the same call finishes
 * the move.
 */

/** What the moving of files needs. */
export type MoveTools = {
  /** Compares files byte for byte. */
  hasher: Pick<Library["hasher"], "call">;
  /** For tests: calls that fail. */
  calls?: FileCalls;
};

/** What {@link moveFile} did; `missing`: there is no such file, neither here nor there. */
export type MoveOutcome = "moved" | "moved before" | "missing";

/**
 * Moves a file, never over another one, also to another device; finishes a move that was interrupted.
 *
 * @throws {AppError} `conflict` if something else is at its new path, or if it is no file.
 */
export async function moveFile(
  from: string,
  to: string,
  tools: MoveTools & { md5?: string },
): Promise<MoveOutcome> {
  const calls = tools.calls ?? Deno;
  const source = await lstat(from);
  const target = await lstat(to);
  if (source === null) return target === null ? "missing" : "moved before";
  if (!source.isFile) throw new AppError("conflict", `Cannot move ${from}: it is no file`);
  if (target !== null) {
    const isSame = target.isFile && (isOneInode(source, target) || await isEqual(from, to, tools));
    if (!isSame) throw new AppError("conflict", `Cannot move ${from}: ${to} exists`);
    await syncFile(to, calls);
  } else {
    await makeFolder(dirname(to), calls);
    await giveName(from, to, { ...tools, calls });
  }
  await syncFolder(dirname(to), calls);
  await removeOldName(from, source, calls);
  return "moved";
}

/** Removes the name that a file had, unless a rename took it, or something else has it by now. */
async function removeOldName(
  from: string,
  source: Deno.FileInfo,
  calls: FileCalls,
): Promise<void> {
  const now = await lstat(from);
  if (now === null) return;
  if (!isUnchanged(now, source)) {
    throw new AppError("conflict", `Cannot move ${from}: it changed meanwhile`);
  }
  await calls.remove(from);
  await syncFolder(dirname(from), calls);
}

async function giveName(
  from: string,
  to: string,
  tools: MoveTools & { md5?: string; calls: FileCalls },
): Promise<void> {
  const { calls } = tools;
  try {
    await calls.link(from, to);
    return;
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === "EEXIST") throw new AppError("conflict", `Cannot move ${from}: ${to} exists`);
    if (code === "EXDEV") return await copyOver(from, to, tools);
  }
  // A file system without links, or a file that this user may move and not link.
  if (await lstat(to) !== null) {
    throw new AppError("conflict", `Cannot move ${from}: ${to} exists`);
  }
  try {
    await calls.rename(from, to);
  } catch (error) {
    if (fileErrorCode(error) !== "EXDEV") throw error;
    await copyOver(from, to, tools);
  }
}

/** Makes a copy that is proven to be one; the source is still there. */
async function copyOver(
  from: string,
  to: string,
  tools: MoveTools & { md5?: string; calls: FileCalls },
): Promise<void> {
  const { calls, md5 } = tools;
  // Of one name for one move: what an interrupted one left is overwritten by the next.
  const temporary = join(dirname(to), `.moving-${md5OfText(to)}`);
  try {
    await calls.copyFile(from, temporary);
    const { atime, mtime } = await Deno.lstat(from);
    if (mtime !== null) await Deno.utime(temporary, atime ?? mtime, mtime);
    await syncFile(temporary, calls);
    const isWhole = await isEqual(from, temporary, tools) &&
      (md5 === undefined || await getFileMd5(temporary) === md5);
    if (!isWhole) throw new AppError("conflict", `Cannot move ${from}: its copy is not the same`);
    try {
      await calls.link(temporary, to);
    } catch (error) {
      if (fileErrorCode(error) === "EEXIST" || await lstat(to) !== null) {
        throw new AppError("conflict", `Cannot move ${from}: ${to} exists`);
      }
      await calls.rename(temporary, to);
    }
  } finally {
    await calls.remove(temporary).catch(() => {});
  }
}

/** Whether a file could not be moved to a path, since another file is there. */
export async function isOccupied(from: string, to: string, tools: MoveTools): Promise<boolean> {
  const [source, target] = [await lstat(from), await lstat(to)];
  if (source === null || target === null) return false;
  // What an interrupted move left there is the file itself.
  return !target.isFile || !(isOneInode(source, target) || await isEqual(from, to, tools));
}

async function isEqual(left: string, right: string, { hasher }: MoveTools): Promise<boolean> {
  return (await hasher.call("compareFiles", { left, right })).isSame;
}

/** What is at a path, links not followed; null for nothing. */
export async function lstat(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

/** Whether two looks saw one inode. */
export function isOneInode(left: Deno.FileInfo, right: Deno.FileInfo): boolean {
  return (left.ino ?? 0) !== 0 && left.ino === right.ino && left.dev === right.dev;
}

function isUnchanged(now: Deno.FileInfo, before: Deno.FileInfo): boolean {
  return now.isFile && now.size === before.size && now.ino === before.ino &&
    now.dev === before.dev && now.mtime?.getTime() === before.mtime?.getTime();
}

/** A file of the trash with what the system says of it, to know it again. */
export function withFacts(
  file: { filepath: string; trashed: string },
  info: Deno.FileInfo,
): TrashedFile {
  return {
    ...file,
    sizeBytes: info.size,
    mtimeMs: info.mtime?.getTime() ?? 0,
    inode: inodeOf(info),
    device: info.dev,
  };
}

/** Whether a file is still the one that was to be moved; one of which nothing is known is. */
export function isNoted(file: TrashedFile, now: Deno.FileInfo): boolean {
  return now.isFile && (file.sizeBytes === undefined ||
    (now.size === file.sizeBytes && (now.mtime?.getTime() ?? 0) === file.mtimeMs &&
      inodeOf(now) === file.inode && now.dev === file.device));
}

/**
 * Whether what lies at a path is a file that is to go into the trash, or came back from there: it is as it was
 * noted, or has its bytes. Reads it only if it is not as it was noted.
 */
export async function isFileOf(
  path: string,
  file: TrashedFile,
  md5: string,
): Promise<boolean> {
  const now = await lstat(path);
  if (now === null || !now.isFile) return false;
  const { sizeBytes, mtimeMs } = file;
  if (sizeBytes !== undefined && now.size !== sizeBytes) return false;
  return (sizeBytes !== undefined && (now.mtime?.getTime() ?? 0) === mtimeMs) ||
    await getFileMd5(path) === md5;
}

/** Absolute path of a stored file, without a look at links. */
export function resolveStored(library: Library, filepath: string): string {
  const { root, relative } = splitStored(library.roots(), filepath);
  return resolveInside(root?.path ?? library.paths.images, relative);
}

/** The name in the trash: the file's own, unless a number in front would make it too long. */
export function toTrashName(filepath: string, hash: string): string {
  const name = basename(filepath);
  const isShort = new TextEncoder().encode(name).length <= FILE_NAME_BYTES_MAX;
  return isShort ? name : withHashSuffix(name, hash.slice(0, 8));
}

/** A folder's name inside the trash that no other entry has. */
export function makeTrashFolderName(md5: string): string {
  // A content can be trashed, come back by other ways and be trashed again: each has its folder.
  return `${md5}-${Date.now()}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Writes the manifest beside the files, so that the trash explains itself without the database. */
export async function writeManifest(
  library: Library,
  manifest: TrashManifest,
  calls: FileCalls = Deno,
): Promise<void> {
  const folder = join(library.paths.trash, manifest.folder);
  await makeFolder(folder, calls);
  const temporary = join(folder, `.manifest-${crypto.randomUUID()}`);
  await Deno.writeTextFile(temporary, JSON.stringify(manifest, null, 2), { createNew: true });
  await syncFile(temporary, calls);
  await calls.rename(temporary, join(folder, "manifest.json"));
  await syncFolder(folder, calls);
}

/**
 * Removes the folder of an entry whose files are gone from it; not if there is anything in it that nobody
 * knows. Comes before the entry's end, so that no folder without an entry is left; that it cannot be removed
 * is no reason to stop.
 */
export async function removeTrashFolder(
  library: Library,
  manifest: TrashManifest,
  calls: FileCalls = Deno,
): Promise<void> {
  const folder = resolveInside(library.paths.trash, manifest.folder);
  try {
    if (await lstat(folder) === null) return;
    for await (const { name } of Deno.readDir(folder)) {
      if (name === "manifest.json" || /^\.(?:manifest|moving)-/.test(name)) {
        await calls.remove(join(folder, name));
      }
    }
    await calls.remove(folder);
  } catch (error) {
    log("trash").warn("The folder {folder} stays in the trash: {reason}", {
      folder,
      reason: toMessage(error),
    });
  }
}
