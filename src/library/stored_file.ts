import { dirname, join } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { getFileMd5 } from "../media/md5.ts";
import {
  getBucketedPath,
  resolveInside,
  sanitizeFilenameForFs,
  splitExtension,
  withHashSuffix,
} from "../media/paths.ts";
import type { FilePlace } from "../store/import_images.ts";
import { exists, type LibraryPaths } from "./library_paths.ts";

/** A file that is to be stored in the library. */
export type FileToStore = {
  path: string;
  name: string;
  md5: string;
  sizeBytes: number;
  mtimeMs: number;
  /** The true type's ending, without a dot. */
  ext: string;
  /** Moved files are linked where they lie on the library's device, so that no byte is copied. */
  isMove: boolean;
};

/** What storing needs to ask. */
export type StoreOptions = {
  paths: LibraryPaths;
  /** Whether a stored path belongs to an image already. */
  isTaken: (filepath: string) => boolean;
  /** Whether two files are equal byte for byte. */
  isSame: (left: string, right: string) => Promise<boolean>;
};

/** Where files lie while they are copied: on the library's device, hidden from its own walks. */
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
  const temporary = await bringIn(file, options.paths);
  try {
    for (const filepath of candidatePaths(file)) {
      if (options.isTaken(filepath)) continue;
      const target = resolveInside(options.paths.images, filepath);
      if (await claim(temporary, target, options)) {
        await syncFolder(dirname(target));
        const info = await Deno.stat(target);
        return {
          filepath,
          sizeBytes: info.size,
          mtimeMs: info.mtime?.getTime() ?? 0,
          inode: info.ino ?? 0,
        };
      }
    }
    throw new AppError("conflict", `Cannot store ${file.path}: every name for it is taken`);
  } finally {
    await Deno.remove(temporary).catch(ignoreMissing);
  }
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

async function bringIn(file: FileToStore, paths: LibraryPaths): Promise<string> {
  const folder = join(paths.images, INCOMING);
  await Deno.mkdir(folder, { recursive: true });
  const temporary = join(folder, `${file.md5}-${crypto.randomUUID()}`);
  const isLinked = file.isMove && await tryLink(file.path, temporary);
  try {
    if (!isLinked) await Deno.copyFile(file.path, temporary);
    await syncFile(temporary);
    const source = await Deno.stat(file.path);
    const copy = await Deno.stat(temporary);
    const isSame = source.size === file.sizeBytes && copy.size === file.sizeBytes &&
      (source.mtime?.getTime() ?? 0) === file.mtimeMs;
    // The source of a move is removed later: its copy must be proven, not assumed.
    if (!isSame || (file.isMove && !isLinked && await getFileMd5(temporary) !== file.md5)) {
      throw new AppError("conflict", `Cannot store ${file.path}: it changed while it was read`);
    }
    return temporary;
  } catch (error) {
    await Deno.remove(temporary).catch(ignoreMissing);
    throw toStoreError(file.path, error);
  }
}

/** Gives the file its final name unless something else has it; true when the name is now its. */
async function claim(temporary: string, target: string, options: StoreOptions): Promise<boolean> {
  await Deno.mkdir(dirname(target), { recursive: true });
  if (await tryLink(temporary, target)) return true;
  if (await exists(target)) return await options.isSame(temporary, target);
  // A file system without links: nobody else names files here, since the library is locked.
  await Deno.rename(temporary, target);
  return true;
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await Deno.link(from, to);
    return true;
  } catch {
    // Whatever the reason (other device, no links there, name taken), the caller has another way.
    return false;
  }
}

/** Removes what an interrupted run left half copied. The library must be locked. */
export async function clearIncoming(paths: LibraryPaths): Promise<void> {
  await Deno.remove(join(paths.images, INCOMING), { recursive: true }).catch(ignoreMissing);
}

/** Makes sure that a file's bytes are on the disk. */
export async function syncFile(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  await file.sync();
}

/** Makes sure that the names in a folder are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function toStoreError(path: string, error: unknown): Error {
  if (error instanceof AppError) return error;
  const message = toMessage(error);
  if (/no space|os error 28|quota/i.test(message)) {
    return new AppError("disk_full", `Cannot store ${path}: ${message}`, {
      remedy: "Free some disk space and run the import again; it goes on where it stopped",
      cause: error,
    });
  }
  return new AppError("unavailable", `Cannot store ${path}: ${message}`, { cause: error });
}
