import { basename, dirname, join } from "node:path";
import { AppError } from "../base/errors.ts";
import type { ImageId } from "../base/ids.ts";
import { log } from "../base/log.ts";
import {
  readManifest,
  readTrashEntry,
  readUnfinishedTrash,
  type TrashedFile,
  type TrashEntry,
  type TrashManifest,
} from "../store/trash.ts";
import { FILE_NAME_BYTES_MAX } from "../base/limits.ts";
import { getBucketedPath, realPathInside, resolveInside, withHashSuffix } from "../media/paths.ts";
import { isPathTaken } from "../store/import_images.ts";
import type { Library } from "./library.ts";
import { exists, splitStored } from "./library_paths.ts";
import { withLock } from "./lock.ts";
import { showChanges } from "./show_changes.ts";
import { makeFolder, syncFile, syncFolder } from "./stored_file.ts";

/*
 * Deleting is moving. In order: its rows leave the library and the entry of the trash, with everything
 * about the image, is committed in the same transaction; the same manifest is written into the trash
 * (synced); its files are renamed into the trash. Whatever instant the program ends at, the files
 * exist under one of two names that the entry knows, and the next start finishes the move. Files of
 * in-place roots are never touched: their image is only hidden.
 */

/**
 * Moves an image with all its files, tags and relations to the trash; gives the entry's id.
 *
 * @throws {AppError} `not_found`, or `locked` while a command moves files.
 */
export async function moveToTrash(library: Library, imageId: ImageId): Promise<number> {
  return await withLock(library.paths.lock, "delete", async () => {
    const { reader } = library.core;
    const kept = toKeep(library, imageId);
    for (const { filepath, trashed } of kept.files) {
      // Refused before anything is written: a link must not lead to a file outside of the library.
      if (trashed !== null) await realPathInside(library.paths.images, filepath);
    }
    const manifest = readManifest(reader, imageId, kept);
    const { entryId } = await library.writer.call("takeOut", { manifest });
    // Pools, parents and children change with it.
    await showChanges(library);
    await finishMove(library, readTrashEntry(reader, entryId)!);
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
  // A content can be trashed, come back by other ways and be trashed again: each has its folder.
  const folder = `${md5}-${Date.now()}`;
  const files = [...new Set([served, ...places])].map((filepath, i) => {
    const isOurs = splitStored(roots, filepath).root === undefined;
    if (!isOurs) return { filepath, trashed: null };
    return { filepath, trashed: `${folder}/${i}-${toTrashName(basename(filepath), md5)}` };
  });
  return { folder, files };
}

/** The file's own name, unless a number in front would make it too long for a file system. */
function toTrashName(name: string, md5: string): string {
  const isShort = new TextEncoder().encode(name).length <= FILE_NAME_BYTES_MAX;
  return isShort ? name : withHashSuffix(name, md5.slice(0, 8));
}

/** Writes the manifest beside the files, so that the trash explains itself without the database. */
async function writeManifest(library: Library, manifest: TrashManifest): Promise<void> {
  const folder = join(library.paths.trash, manifest.folder);
  await makeFolder(folder);
  const temporary = join(folder, `.manifest-${crypto.randomUUID()}`);
  await Deno.writeTextFile(temporary, JSON.stringify(manifest, null, 2), { createNew: true });
  await syncFile(temporary);
  await Deno.rename(temporary, join(folder, "manifest.json"));
  await syncFolder(folder);
}

/** Moves what is still in the library's folder, then says that the entry is complete. */
async function finishMove(library: Library, entry: TrashEntry): Promise<void> {
  await writeManifest(library, entry.manifest);
  for (const { filepath, trashed } of entry.manifest.files) {
    if (trashed === null) continue;
    await moveFile(
      resolveInside(library.paths.images, filepath),
      resolveInside(library.paths.trash, trashed),
    );
  }
  await library.writer.call("setTrashState", { id: entry.id, state: "trashed", manifest: null });
}

/** Renames a file unless that was done before; never over another file. */
async function moveFile(from: string, to: string): Promise<void> {
  if (!(await exists(from))) {
    if (!(await exists(to))) log("trash").warn("There is no file {path} to move", { path: from });
    return;
  }
  await makeFolder(dirname(to));
  if (await exists(to)) throw new AppError("conflict", `Cannot move ${from}: ${to} exists`);
  await Deno.rename(from, to);
  await syncFolder(dirname(to));
  await syncFolder(dirname(from));
}

/**
 * Brings an image back from the trash, as it was; gives its id.
 *
 * @throws {AppError} `not_found`, `conflict` if its content is in the library again, `locked`.
 */
export async function restoreFromTrash(library: Library, entryId: number): Promise<ImageId> {
  return await withLock(library.paths.lock, "restore", async () => {
    const entry = readTrashEntry(library.core.reader, entryId);
    if (entry === undefined) {
      throw new AppError("not_found", `There is no entry ${entryId} in the trash`);
    }
    const imageId = await finishRestore(library, entry);
    await showChanges(library);
    return imageId;
  });
}

async function finishRestore(library: Library, entry: TrashEntry): Promise<ImageId> {
  const { reader } = library.core;
  const back = reader.prepare("SELECT id FROM images WHERE md5 = ?").value<[number]>(
    entry.manifest.md5,
  );
  if (back !== undefined) {
    throw new AppError("conflict", `The content is in the library again, as image ${back[0]}`, {
      remedy: "The entry stays in the trash",
    });
  }
  const manifest = await withFreePaths(library, entry.manifest);
  await library.writer.call("setTrashState", { id: entry.id, state: "restoring", manifest });
  for (const { filepath, trashed } of manifest.files) {
    if (trashed === null) continue;
    await moveFile(
      resolveInside(library.paths.trash, trashed),
      resolveInside(library.paths.images, filepath),
    );
  }
  const restored = { ...entry, manifest };
  const { imageId } = await library.writer.call("putBack", { entry: restored });
  await removeFolder(join(library.paths.trash, manifest.folder)).catch((error) => {
    log("trash").warn("The folder of {md5} stays in the trash: {error}", {
      md5: manifest.md5,
      error,
    });
  });
  return imageId;
}

/** Removes the folder of an entry that was restored; not if there is anything in it that nobody knows. */
async function removeFolder(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (name === "manifest.json" || name.startsWith(".manifest-")) {
      await Deno.remove(join(folder, name));
    }
  }
  await Deno.remove(folder);
}

/**
 * The manifest with new paths where another file took the old ones meanwhile.
 *
 * @throws {AppError} `conflict` if it was served from a place of an in-place root that has another
 *   content now.
 */
async function withFreePaths(library: Library, manifest: TrashManifest): Promise<TrashManifest> {
  const paths = new Map<string, string>();
  for (const [i, { filepath, trashed }] of manifest.files.entries()) {
    const isRecorded = isPathTaken(library.core.reader, filepath);
    if (trashed === null) {
      if (!isRecorded || filepath !== manifest.filepath) continue;
      throw new AppError("conflict", `Cannot restore: ${filepath} has another content by now`, {
        remedy: "Put the file back in its place, import it, and try again",
      });
    }
    const isWaiting = await exists(resolveInside(library.paths.trash, trashed));
    const isTaken = isRecorded ||
      (isWaiting && await exists(resolveInside(library.paths.images, filepath)));
    if (!isTaken) continue;
    const name = withHashSuffix(basename(filepath), `${manifest.md5}${i === 0 ? "" : i}`);
    paths.set(filepath, getBucketedPath(name));
  }
  return paths.size === 0 ? manifest : withPaths(manifest, paths);
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
 * Finishes what was interrupted; called once when a library is opened for serving. An entry that cannot
 * be finished is logged and stays as it is, and so do all while another command moves files.
 */
export async function resumeTrash(library: Library): Promise<void> {
  if (readUnfinishedTrash(library.core.reader).length === 0) return;
  try {
    await withLock(library.paths.lock, "finish what was interrupted", async () => {
      for (const entry of readUnfinishedTrash(library.core.reader)) await resume(library, entry);
      await library.core.poll();
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log("trash").warn("{reason}", { reason: error.message });
  }
}

async function resume(library: Library, entry: TrashEntry): Promise<void> {
  const { imageId } = entry.manifest;
  log("trash").info("Finishing an interrupted move of image {imageId}", { imageId });
  try {
    if (entry.state === "moving") await finishMove(library, entry);
    else await finishRestore(library, entry);
  } catch (error) {
    log("trash").error("The move of image {imageId} is not finished: {error}", { imageId, error });
  }
}
