import { basename } from "node:path";
import { AppError } from "../base/errors.ts";
import type { ImageId } from "../base/ids.ts";
import { log } from "../base/log.ts";
import { getBucketedPath, realPathInside, resolveInside, withHashSuffix } from "../media/paths.ts";
import { isPathTaken } from "../store/import_images.ts";
import {
  readManifest,
  readTrashEntry,
  readUnfinishedTrash,
  type TrashedFile,
  type TrashEntry,
  type TrashKind,
  type TrashManifest,
} from "../store/trash.ts";
import type { Library } from "./library.ts";
import { splitStored } from "./library_paths.ts";
import { withLock } from "./lock.ts";
import { showChanges } from "./show_changes.ts";
import type { FileCalls } from "./stored_file.ts";
import { finishCopies, restoreCopy } from "./trash_copies.ts";
import { finishEmptying } from "./trash_empty.ts";
import {
  isFileOf,
  isNoted,
  isOccupied,
  lstat,
  makeTrashFolderName,
  moveFile,
  removeTrashFolder,
  toTrashName,
  withFacts,
  writeManifest,
} from "./trash_files.ts";

/*
 * Deleting is moving. In order: its rows leave the library and the entry of the trash, with everything
 * about the image, is committed in the same transaction; the same manifest is written into the trash
 * (synced); its files are moved into the trash. Whatever instant the program ends at, the files
 * exist under one of two names that the entry knows, and the next start finishes the move. Files of
 * in-place roots are never touched: their image is only hidden.
 */

/** What a test may change about the trash. */
export type TrashOptions = {
  /** Calls that fail. */
  calls?: FileCalls;
};

/** What came back from the trash. */
export type Restored = {
  kind: TrashKind;
  /** The image; of a copy the one it is a place of, null if no image has its content any more. */
  imageId: ImageId | null;
  /** Where its file is now. */
  filepath: string;
};

/**
 * Moves an image with all its files, tags and relations to the trash; gives the entry's id.
 *
 * @throws {AppError} `not_found`, or `locked` while a command moves files.
 */
export async function moveToTrash(
  library: Library,
  imageId: ImageId,
  options: TrashOptions = {},
): Promise<number> {
  return await withLock(library.paths.lock, "delete", async () => {
    const { reader } = library.core;
    const kept = toKeep(library, imageId);
    for (const [i, { filepath, trashed }] of kept.files.entries()) {
      if (trashed === null) continue;
      // Refused before anything is written: a link must not lead to a file outside of the library.
      const info = await lstat(await realPathInside(library.paths.images, filepath));
      if (info !== null) kept.files[i] = withFacts({ filepath, trashed }, info);
    }
    const manifest = readManifest(reader, imageId, kept);
    const { entryId } = await library.writer.call("takeOut", { manifest });
    // Pools, parents and children change with it.
    await showChanges(library);
    await finishMove(library, readTrashEntry(reader, entryId)!, options);
    return entryId;
  });
}

/** Every stored place of an image, with its name in the trash, and the folder for them there. */
function toKeep(library: Library, imageId: ImageId): { folder: string; files: TrashedFile[] } {
  const { reader } = library.core;
  const row = reader.prepare("SELECT filepath, md5 FROM images WHERE id = ?")
    .value<[string, string]>(imageId);
  if (row === undefined) throw new AppError("not_found", `There is no image ${imageId}`);
  const [served, md5] = row;
  const places = reader.prepare("SELECT filepath FROM image_files WHERE image_id = ?")
    .values<[string]>(imageId).map(([filepath]) => filepath);
  const roots = library.roots();
  const folder = makeTrashFolderName(md5);
  const files = [...new Set([served, ...places])].map((filepath, i) => {
    const isOurs = splitStored(roots, filepath).root === undefined;
    if (!isOurs) return { filepath, trashed: null };
    return { filepath, trashed: `${folder}/${i}-${toTrashName(filepath, md5)}` };
  });
  return { folder, files };
}

/** Moves what is still in the library's folder, then says that the entry is complete. */
async function finishMove(
  library: Library,
  entry: TrashEntry,
  { calls }: TrashOptions,
): Promise<void> {
  await writeManifest(library, entry.manifest, calls);
  const { hasher, paths } = library;
  const { files, md5 } = entry.manifest;
  for (const file of files) {
    const { filepath, trashed } = file;
    if (trashed === null) continue;
    const path = resolveInside(paths.images, filepath);
    // Since the move was interrupted, another file may have got the path.
    const now = await lstat(path);
    if (now !== null && !isNoted(file, now) && await isOther(path, file, md5)) {
      log("trash").warn("{path} is another file by now, and stays", { path });
      continue;
    }
    const outcome = await moveFile(path, resolveInside(paths.trash, trashed), { hasher, calls });
    if (outcome === "missing") log("trash").warn("There is no file {path} to move", { path });
  }
  await library.writer.call("setTrashState", { id: entry.id, state: "trashed", manifest: null });
}

/**
 * Brings an image, or a copy, back from the trash as it was.
 *
 * @throws {AppError} `not_found`, `conflict` if an image's content is in the library again, `locked`.
 */
export async function restoreFromTrash(
  library: Library,
  entryId: number,
  options: TrashOptions = {},
): Promise<Restored> {
  return await withLock(library.paths.lock, "restore", async () => {
    const entry = readTrashEntry(library.core.reader, entryId);
    if (entry === undefined) {
      throw new AppError("not_found", `There is no entry ${entryId} in the trash`);
    }
    if (entry.state === "emptying" || entry.state === "moving") {
      throw new AppError("conflict", `Cannot restore entry ${entryId}: it is ${entry.state}`, {
        remedy: "Try again after the next start, which finishes what was interrupted",
      });
    }
    const restored = await finishRestore(library, entry, options);
    await showChanges(library);
    return restored;
  });
}

async function finishRestore(
  library: Library,
  entry: TrashEntry,
  options: TrashOptions,
): Promise<Restored> {
  if (entry.kind === "duplicate") return await restoreCopy(library, entry, options);
  const { reader } = library.core;
  const back = reader.prepare("SELECT id FROM images WHERE md5 = ?").value<[number]>(
    entry.manifest.md5,
  );
  if (back !== undefined) {
    throw new AppError("conflict", `The content is in the library again, as image ${back[0]}`, {
      remedy: "The entry stays in the trash",
    });
  }
  const { hasher, paths } = library;
  await checkThere(library, entry);
  const manifest = await withFreePaths(library, entry.manifest);
  await library.writer.call("setTrashState", { id: entry.id, state: "restoring", manifest });
  for (const { filepath, trashed } of manifest.files) {
    if (trashed === null) continue;
    const path = resolveInside(paths.trash, trashed);
    const tools = { hasher, calls: options.calls };
    const outcome = await moveFile(path, resolveInside(paths.images, filepath), tools);
    if (outcome === "missing") log("trash").warn("There is no file {path} to move", { path });
  }
  await removeTrashFolder(library, manifest, options.calls);
  const restored = { ...entry, manifest };
  const { imageId } = await library.writer.call("putBack", { entry: restored });
  return { kind: "image", imageId: imageId as ImageId, filepath: manifest.filepath };
}

/**
 * Refuses to bring an image back of which no file is left though it had some: what is known of it would
 * leave the trash, and its files, if they turn up again, would belong to nothing.
 *
 * @throws {AppError} `not_found`.
 */
async function checkThere({ paths }: Library, { id, manifest }: TrashEntry): Promise<void> {
  const noted = manifest.files.filter((file) =>
    file.trashed !== null && file.sizeBytes !== undefined
  );
  if (noted.length === 0) return;
  for (const file of noted) {
    if (await lstat(resolveInside(paths.trash, file.trashed!)) !== null) return;
    // An interrupted restore had moved it already.
    if (await isFileOf(resolveInside(paths.images, file.filepath), file, manifest.md5)) return;
  }
  throw new AppError("not_found", `Cannot restore entry ${id}: its files are not in the trash`, {
    remedy: `Is the disk of ${paths.trash} connected? The entry stays in the trash`,
  });
}

/**
 * The manifest with new paths where another file took the old ones meanwhile.
 *
 * @throws {AppError} `conflict` if it was served from a place of an in-place root that has another
 *   content now.
 */
async function withFreePaths(library: Library, manifest: TrashManifest): Promise<TrashManifest> {
  const paths = new Map<string, string>();
  for (const [i, file] of manifest.files.entries()) {
    const { filepath, trashed } = file;
    const isRecorded = isPathTaken(library.core.reader, filepath);
    if (trashed === null) {
      if (!isRecorded || filepath !== manifest.filepath) continue;
      throw new AppError("conflict", `Cannot restore: ${filepath} has another content by now`, {
        remedy: "Put the file back in its place, import it, and try again",
      });
    }
    const from = resolveInside(library.paths.trash, trashed);
    const to = resolveInside(library.paths.images, filepath);
    const isTaken = isRecorded || await isOccupied(from, to, library) ||
      (await isOther(to, file, manifest.md5) && await lstat(from) === null);
    if (!isTaken) continue;
    const name = withHashSuffix(basename(filepath), `${manifest.md5}${i === 0 ? "" : i}`);
    paths.set(filepath, getBucketedPath(name));
  }
  return paths.size === 0 ? manifest : withPaths(manifest, paths);
}

/** Whether something is at a path that is not the file which an entry has from there. */
async function isOther(path: string, file: TrashedFile, md5: string): Promise<boolean> {
  return await lstat(path) !== null && !(await isFileOf(path, file, md5));
}

/** A manifest whose files come back to other paths. */
function withPaths(manifest: TrashManifest, paths: ReadonlyMap<string, string>): TrashManifest {
  const toNew = (filepath: string) => paths.get(filepath) ?? filepath;
  const rows = { ...manifest.rows };
  for (const table of ["images", "image_files"]) {
    rows[table] = (rows[table] ?? []).map((row) => ({
      ...row,
      filepath: toNew(String(row.filepath)),
    }));
  }
  return {
    ...manifest,
    filepath: toNew(manifest.filepath),
    files: manifest.files.map((file) => ({ ...file, filepath: toNew(file.filepath) })),
    rows,
  };
}

/**
 * Finishes what was interrupted; called when a library is opened for serving, and by commands that move
 * files. An entry that cannot be finished is logged and stays as it is, and so do all while another command
 * moves files.
 */
export async function resumeTrash(library: Library): Promise<void> {
  if (readUnfinishedTrash(library.core.reader).length === 0) return;
  try {
    await withLock(
      library.paths.lock,
      "finish what was interrupted",
      () => resumeLocked(library),
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log("trash").warn("{reason}", { reason: error.message });
  }
}

/** As {@link resumeTrash}, for who holds the lock. */
export async function resumeLocked(library: Library): Promise<void> {
  const entries = readUnfinishedTrash(library.core.reader);
  if (entries.length === 0) return;
  for (const entry of entries) await resume(library, entry);
  await library.core.poll();
}

async function resume(library: Library, entry: TrashEntry): Promise<void> {
  const { id, kind, state } = entry;
  log("trash").info("Finishing what was interrupted: entry {id} of the trash was {state}", {
    id,
    state,
  });
  try {
    if (state === "emptying") await finishEmptying(library, [entry]);
    else if (state === "restoring") await finishRestore(library, entry, {});
    else if (kind === "image") await finishMove(library, entry, {});
    else {
      for (const { reason } of await finishCopies(library, [entry])) {
        if (reason !== null) log("trash").warn("A copy stays where it was: {reason}", { reason });
      }
    }
  } catch (error) {
    log("trash").error("Entry {id} of the trash is still {state}: {error}", { id, state, error });
  }
}
