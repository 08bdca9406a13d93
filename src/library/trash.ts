import { dirname, join } from "node:path";
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
import { getBucketedPath, withHashSuffix } from "../media/paths.ts";
import type { Library } from "./library.ts";
import { exists, splitStored } from "./library_paths.ts";
import { lockLibrary } from "./lock.ts";
import { syncFolder } from "./stored_file.ts";

/*
 * Deleting is moving. In order: the manifest with everything about the image is written beside the place
 * for its files (synced), its rows leave the library and the entry of the trash is committed in the same
 * transaction, its files are renamed into the trash. Whatever instant the program ends at, the files
 * exist under one of two names that the entry knows, and the next start finishes the move. Files of
 * in-place roots are never touched: their image is only hidden.
 */

/**
 * Moves an image with all its files, tags and relations to the trash; gives the entry's id.
 *
 * @throws {AppError} `not_found`, or `locked` while a command moves files.
 */
export async function moveToTrash(library: Library, imageId: ImageId): Promise<number> {
  const lock = await lockLibrary(library.paths.lock, "delete");
  try {
    const manifest = readManifest(library.core.reader, imageId, toKeep(library, imageId));
    await writeManifest(library, manifest);
    const { entryId } = await library.writer.call("takeOut", { manifest });
    await finishMove(library, { id: entryId, state: "moving", manifest });
    await library.core.poll();
    return entryId;
  } finally {
    lock.release();
  }
}

/** Every stored place of an image, with its name in the trash, and the folder for them there. */
function toKeep(library: Library, imageId: ImageId): { folder: string; files: TrashedFile[] } {
  const facts = library.details.get(imageId);
  const row = library.core.reader.prepare("SELECT filepath, md5 FROM images WHERE id = ?")
    .value<[string, string]>(imageId);
  if (facts === undefined || row === undefined) {
    throw new AppError("not_found", `There is no image ${imageId}`);
  }
  const [served, md5] = row;
  const roots = library.roots();
  // A content can be trashed, come back by other ways and be trashed again: each has its folder.
  const folder = `${md5}-${Date.now()}`;
  const files = [...new Set([served, ...facts.places])].map((filepath, i) => {
    const isOurs = splitStored(roots, filepath).root === undefined;
    const name = filepath.slice(filepath.lastIndexOf("/") + 1);
    return { filepath, trashed: isOurs ? `${folder}/${i}-${name}` : null };
  });
  return { folder, files };
}

/** Writes the manifest beside the files, so that the trash explains itself without the database. */
async function writeManifest(library: Library, manifest: TrashManifest): Promise<void> {
  const folder = join(library.paths.trash, manifest.folder);
  await Deno.mkdir(folder, { recursive: true });
  const temporary = join(folder, `.manifest-${crypto.randomUUID()}`);
  {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    await file.write(new TextEncoder().encode(JSON.stringify(manifest, null, 2)));
    await file.sync();
  }
  await Deno.rename(temporary, join(folder, "manifest.json"));
  await syncFolder(folder);
}

/** Moves what is still in the library's folder, then says that the entry is complete. */
async function finishMove(library: Library, entry: TrashEntry): Promise<void> {
  for (const { filepath, trashed } of entry.manifest.files) {
    if (trashed === null) continue;
    await moveFile(join(library.paths.images, filepath), join(library.paths.trash, trashed));
  }
  await library.writer.call("setTrashState", { id: entry.id, state: "trashed", manifest: null });
}

/** Renames a file unless that was done before; never over another file. */
async function moveFile(from: string, to: string): Promise<void> {
  if (!(await exists(from))) {
    if (!(await exists(to))) log("trash").warn("There is no file {path} to move", { path: from });
    return;
  }
  await Deno.mkdir(dirname(to), { recursive: true });
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
  const lock = await lockLibrary(library.paths.lock, "restore");
  try {
    const entry = readTrashEntry(library.core.reader, entryId);
    if (entry === undefined) {
      throw new AppError("not_found", `There is no entry ${entryId} in the trash`);
    }
    const imageId = await finishRestore(library, entry);
    await library.core.poll();
    return imageId;
  } finally {
    lock.release();
  }
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
    await moveFile(join(library.paths.trash, trashed), join(library.paths.images, filepath));
  }
  const restored = { ...entry, manifest };
  const { imageId } = await library.writer.call("putBack", { entry: restored });
  await Deno.remove(join(library.paths.trash, manifest.folder), { recursive: true }).catch(
    (error) => {
      log("trash").warn("The empty folder of {md5} stays in the trash: {error}", {
        md5: manifest.md5,
        error,
      });
    },
  );
  return imageId;
}

/** The manifest with new paths where another file took the old ones meanwhile. */
async function withFreePaths(library: Library, manifest: TrashManifest): Promise<TrashManifest> {
  let text = JSON.stringify(manifest);
  for (const { filepath, trashed } of manifest.files) {
    if (trashed === null) continue;
    const isWaiting = await exists(join(library.paths.trash, trashed));
    const isTaken = isWaiting && await exists(join(library.paths.images, filepath));
    if (!isTaken) continue;
    const name = filepath.slice(filepath.lastIndexOf("/") + 1);
    const free = getBucketedPath(withHashSuffix(name, manifest.md5));
    text = text.replaceAll(JSON.stringify(filepath), () => JSON.stringify(free));
  }
  return JSON.parse(text) as TrashManifest;
}

/** Finishes what was interrupted; called once when a library is opened for serving. */
export async function resumeTrash(library: Library): Promise<void> {
  for (const entry of readUnfinishedTrash(library.core.reader)) {
    log("trash").info("Finishing an interrupted move of image {id}", {
      id: entry.manifest.imageId,
    });
    if (entry.state === "moving") await finishMove(library, entry);
    else await finishRestore(library, entry);
  }
}
