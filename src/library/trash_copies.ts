import { basename, dirname } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import type { ImageId } from "../base/ids.ts";
import { log } from "../base/log.ts";
import { realPathInside, resolveInside, splitExtension, withHashSuffix } from "../media/paths.ts";
import { isPathTaken, readContent } from "../store/import_images.ts";
import type { TrashedFile, TrashEntry, TrashManifest } from "../store/trash.ts";
import type { Library } from "./library.ts";
import { splitStored } from "./library_paths.ts";
import { type FileCalls, inodeOf } from "./stored_file.ts";
import {
  isFileOf,
  isNoted,
  isOccupied,
  lstat,
  moveFile,
  removeTrashFolder,
  resolveStored,
  writeManifest,
} from "./trash_files.ts";
import type { Restored, TrashOptions } from "./trash.ts";

/*
 * A copy goes into the trash in three steps. A transaction takes its place out of the library and makes the
 * entry, `moving`; its files are moved; the entry is `trashed`. Ended in between, the next start does the
 * rest, or takes the entry back if the copy is not what it was any more or its kept file is gone.
 */

/** What became of a copy: null, or why it stays where it was. */
export type CopyMove = { entryId: number; reason: string | null };

/**
 * Moves the files of copies whose entries were just made, or found by the next start; those that cannot be
 * moved are left where they are and their entries taken back. Needs the lock.
 */
export async function finishCopies(
  library: Library,
  entries: readonly TrashEntry[],
  options: TrashOptions = {},
): Promise<CopyMove[]> {
  const moves: CopyMove[] = [];
  for (const entry of entries) {
    const reason = await moveCopy(library, entry, options.calls)
      .catch((error: unknown) => toMessage(error));
    moves.push({ entryId: entry.id, reason });
    if (reason !== null) await leaveCopy(library, entry, options.calls);
  }
  const entryIds = moves.filter(({ reason }) => reason === null).map(({ entryId }) => entryId);
  if (entryIds.length > 0) await library.writer.call("finishCopies", { entryIds });
  return moves;
}

/** Moves the files of a copy; null, or why it must not be. */
async function moveCopy(
  library: Library,
  { manifest }: TrashEntry,
  calls: FileCalls | undefined,
): Promise<string | null> {
  const { hasher } = library;
  const [copy, ...sidecars] = manifest.files;
  const { from, to } = toPaths(library, copy);
  const [source, target] = [await lstat(from), await lstat(to)];
  const reason = (target === null ? whyNot(copy, source) : null) ??
    await whyLast(library, manifest, target === null ? from : to);
  if (reason !== null) return reason;
  await writeManifest(library, manifest, calls);
  // Another file may have got the path of a copy that was moved before.
  if (source !== null && (target === null || isNoted(copy, source))) {
    await moveFile(from, to, { hasher, calls, md5: manifest.md5 });
  }
  // Between the look and the move is a moment: what came instead of the copy must not be taken for it. Its
  // bytes count where its time changed: not every device can keep a time as it is.
  if (!(await isFileOf(to, copy, manifest.md5))) {
    return `${copy.filepath} changed while it was moved`;
  }
  // A folder that is shown by two file systems has each file twice: both went with the one that was moved.
  const last = await whyLast(library, manifest, to);
  if (last !== null) return last;
  for (const sidecar of sidecars) {
    const paths = toPaths(library, sidecar);
    const now = await lstat(paths.from);
    if (now !== null && !isNoted(sidecar, now)) continue;
    await moveFile(paths.from, paths.to, { hasher, calls });
  }
  return null;
}

/** Why a copy must not be moved: it is not what was compared. */
function whyNot(copy: TrashedFile, now: Deno.FileInfo | null): string | null {
  if (now === null) return `${copy.filepath} is gone`;
  return isNoted(copy, now) ? null : `${copy.filepath} changed meanwhile`;
}

/**
 * Why a copy, which lies at a path now, may be the last one: the file that it was compared with is gone or
 * not what it was. That one is read only if it looks otherwise than when both were compared.
 */
async function whyLast(
  library: Library,
  { files: [copy], kept, keptAs }: TrashManifest,
  path: string,
): Promise<string | null> {
  const keptPath = resolveStored(library, kept!);
  const now = await lstat(keptPath);
  const isThere = now !== null && now.isFile && now.size === copy.sizeBytes;
  const isAsCompared = isThere && keptAs !== undefined && inodeOf(now) === keptAs.inode &&
    (now.mtime?.getTime() ?? 0) === keptAs.mtimeMs;
  if (isAsCompared) return null;
  const isSame = isThere &&
    (await library.hasher.call("compareFiles", { left: keptPath, right: path })).isSame;
  return isSame ? null : `${kept} is not what it was: ${copy.filepath} may be the last one`;
}

function toPaths(library: Library, file: TrashedFile): { from: string; to: string } {
  return {
    from: resolveStored(library, file.filepath),
    to: resolveInside(library.paths.trash, file.trashed!),
  };
}

/**
 * Brings back what was moved of a copy and takes its entry back. If that fails too, the entry stays `moving`:
 * it knows both names of every file, and the next start tries again.
 */
async function leaveCopy(
  library: Library,
  { id, manifest }: TrashEntry,
  calls: FileCalls | undefined,
): Promise<void> {
  try {
    for (const file of manifest.files) {
      const { from, to } = toPaths(library, file);
      await moveFile(to, from, { hasher: library.hasher, calls });
    }
    await removeTrashFolder(library, manifest, calls);
    await library.writer.call("leaveCopy", { entryId: id, manifest });
  } catch (error) {
    log("trash").error("Entry {id} of the trash is not finished: {error}", { id, error });
  }
}

/**
 * Brings a copy back as one more place of its image, or as a file if no image has its content any more.
 * Needs the lock.
 *
 * @throws {AppError} `not_found` if its file is not in the trash, or its folder is not there.
 */
export async function restoreCopy(
  library: Library,
  entry: TrashEntry,
  { calls }: TrashOptions,
): Promise<Restored> {
  const { writer, hasher, paths } = library;
  await checkFolder(library, entry.manifest.filepath);
  const files = await toFreePaths(library, entry.manifest);
  const manifest = { ...entry.manifest, files, filepath: files[0].filepath };
  const [copy, ...sidecars] = files;
  const { from, to } = toPaths(library, copy);
  // Another file may have its place; an interrupted restore had moved it already.
  if (await lstat(to) === null && !(await isFileOf(from, copy, manifest.md5))) {
    const message = `Cannot restore ${manifest.filepath}: its file is not in the trash`;
    throw new AppError("not_found", message, {
      remedy: `Is the disk of ${paths.trash} connected? The entry stays in the trash`,
    });
  }
  await writer.call("setTrashState", { id: entry.id, state: "restoring", manifest });
  await moveFile(to, from, { hasher, calls, md5: manifest.md5 });
  for (const sidecar of sidecars) {
    await moveFile(
      resolveInside(paths.trash, sidecar.trashed!),
      resolveStored(library, sidecar.filepath),
      { hasher, calls },
    );
  }
  await removeTrashFolder(library, manifest, calls);
  const info = await Deno.lstat(from);
  const image = readContent(library.core.reader, manifest.md5);
  const isServed = image !== undefined &&
    await lstat(resolveStored(library, image.filepath)) === null;
  const { imageId } = await writer.call("putCopyBack", {
    entryId: entry.id,
    md5: manifest.md5,
    place: {
      filepath: copy.filepath,
      sizeBytes: info.size,
      mtimeMs: info.mtime?.getTime() ?? 0,
      inode: inodeOf(info),
    },
    isServed,
  });
  return { kind: "duplicate", imageId: imageId as ImageId | null, filepath: copy.filepath };
}

/** A folder that is not there is not made: its disk may not be connected. */
async function checkFolder(library: Library, filepath: string): Promise<void> {
  const { root, relative } = splitStored(library.roots(), filepath);
  const folder = root?.path ?? library.paths.images;
  if (await lstat(folder) === null) {
    throw new AppError("not_found", `Cannot restore ${filepath}: there is no folder ${folder}`, {
      remedy: "Is its disk connected?",
    });
  }
  await realPathInside(folder, relative);
}

/** The files with new names in the same folder where another file took the old ones meanwhile. */
async function toFreePaths(library: Library, manifest: TrashManifest): Promise<TrashedFile[]> {
  const [copy, ...sidecars] = manifest.files;
  const free = await toFreePath(library, copy, manifest.md5);
  const [oldName, newName] = [basename(copy.filepath), basename(free)];
  const files: TrashedFile[] = [{ ...copy, filepath: free }];
  for (const sidecar of sidecars) {
    const name = renameSidecar(basename(sidecar.filepath), oldName, newName);
    const renamed = { ...sidecar, filepath: toSibling(free, name) };
    files.push({ ...renamed, filepath: await toFreePath(library, renamed, manifest.md5) });
  }
  return files;
}

async function toFreePath(library: Library, file: TrashedFile, md5: string): Promise<string> {
  const trashed = resolveInside(library.paths.trash, file.trashed!);
  const name = basename(file.filepath);
  for (let i = 0;; i++) {
    const other = i === 0 ? name : withHashSuffix(name, i === 1 ? md5 : `${md5}${i}`);
    const filepath = toSibling(file.filepath, other);
    const isTaken = isPathTaken(library.core.reader, filepath, md5) ||
      await isOccupied(trashed, resolveStored(library, filepath), library);
    if (!isTaken) return filepath;
  }
}

/** Stored path of another name in the same folder. */
function toSibling(filepath: string, name: string): string {
  const folder = dirname(filepath);
  return folder === "." ? name : `${folder}/${name}`;
}

/** A sidecar is called after its file, with or without the file's ending. */
function renameSidecar(name: string, oldName: string, newName: string): string {
  if (name.startsWith(`${oldName}.`)) return newName + name.slice(oldName.length);
  const oldStem = splitExtension(oldName).stem;
  return name.startsWith(`${oldStem}.`)
    ? splitExtension(newName).stem + name.slice(oldStem.length)
    : name;
}
