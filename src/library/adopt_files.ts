import { basename } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { HASH_BATCH_FILES } from "../base/limits.ts";
import { toFileError } from "../media/file_error.ts";
import { hashedFileHead, type HashedFiles, wordsToMd5Hex } from "../media/md5.ts";
import { resolveInside } from "../media/paths.ts";
import { describeUnsupported, sniffMediaType } from "../media/sniff.ts";
import { type ImportItem, isPathTaken, readContent } from "../store/import_images.ts";
import { isTrashed } from "../store/trash.ts";
import { type FolderNames, makeFolderNames, readSidecars } from "./import_sidecars.ts";
import type { Library } from "./library.ts";
import { exists, locateFile } from "./library_paths.ts";
import { forgetStored, inodeOf } from "./stored_file.ts";

/** What became of a file of the images folder that had no row. */
export type AdoptedFile =
  | { filepath: string; outcome: "added" | "place"; imageId: number; warnings: string[] }
  | { filepath: string; outcome: "refused"; code: string; reason: string };

/**
 * Adds files of the images folder to the library where they lie, with what stands beside them: a new image
 * for new content, else one more place of the image that has it. Needs the lock; nothing is moved or
 * written but rows.
 */
export async function adoptFiles(
  library: Library,
  filepaths: readonly string[],
): Promise<AdoptedFile[]> {
  const folderNames = makeFolderNames();
  const adopted: AdoptedFile[] = [];
  for (let i = 0; i < filepaths.length; i += HASH_BATCH_FILES) {
    const some = filepaths.slice(i, i + HASH_BATCH_FILES);
    const paths = some.map((filepath) => resolveInside(library.paths.images, filepath));
    const hashed = await library.hasher.call("hashFiles", { paths });
    for (const [j, filepath] of some.entries()) {
      // One after the other: two of them may be the same content.
      adopted.push(
        await adoptFile(library, { filepath, path: paths[j], hashed, index: j, folderNames }),
      );
    }
  }
  return adopted;
}

type Candidate = {
  filepath: string;
  path: string;
  hashed: HashedFiles;
  index: number;
  folderNames: FolderNames;
};

async function adoptFile(library: Library, candidate: Candidate): Promise<AdoptedFile> {
  const { filepath } = candidate;
  try {
    const { item, warnings } = await buildItem(library, candidate);
    const [{ imageId, kind }] = await library.writer.call("importImages", { items: [item] });
    await forgetStored(library.paths, item.md5);
    return { filepath, outcome: kind === "added" ? "added" : "place", imageId, warnings };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { filepath, outcome: "refused", code: error.code, reason: toMessage(error) };
  }
}

async function buildItem(
  library: Library,
  { filepath, path, hashed, index, folderNames }: Candidate,
): Promise<{ item: ImportItem; warnings: string[] }> {
  const fault = hashed.errors.find((error) => error.index === index);
  if (fault !== undefined) throw new AppError("unavailable", fault.message);
  const { reader } = library.core;
  if (isPathTaken(reader, filepath)) {
    throw new AppError("conflict", `${filepath} belongs to an image by now`);
  }
  const head = hashedFileHead(hashed, index);
  const type = sniffMediaType(head);
  if (type === undefined) {
    const what = describeUnsupported(head) ?? "no picture or video";
    throw new AppError("unsupported_media", `It is ${what}: move it out of the images folder`);
  }
  const md5 = wordsToMd5Hex(hashed.words, 4 * index);
  if (isTrashed(reader, md5)) {
    throw new AppError("conflict", "Its content is in the trash: restore it there, or remove it");
  }
  const isServed = await willBeServed(library, { path, filepath, md5 });
  const info = await statFile(path);
  const isSame = info.size === hashed.sizes[index] &&
    (info.mtime?.getTime() ?? 0) === Math.trunc(hashed.mtimesMs[index]);
  if (!isSame) throw new AppError("conflict", `${filepath} changed while it was read`);
  const facts = await library.media.call("readFacts", { path, ext: type.ext });
  const sidecars = await readSidecars({ path, name: basename(path) }, md5, folderNames);
  const sizeBytes = info.size;
  return {
    warnings: sidecars.warnings,
    item: {
      md5,
      place: {
        filepath,
        sizeBytes,
        mtimeMs: info.mtime?.getTime() ?? 0,
        inode: inodeOf(info),
      },
      isServed,
      media: { ...facts, ext: type.ext, sizeBytes, originalName: basename(path) },
      tags: sidecars.tags,
      rating: sidecars.rating,
      sites: sidecars.sites,
    },
  };
}

/**
 * Whether an image is to be served from this file: it is new, or its own file is gone or has other bytes.
 *
 * @throws {AppError} `md5_collision` if both have one MD5 and are not equal.
 */
async function willBeServed(
  library: Library,
  { path, filepath, md5 }: { path: string; filepath: string; md5: string },
): Promise<boolean> {
  const known = readContent(library.core.reader, md5);
  if (known === undefined) return true;
  const stored = await locate(library, known.filepath);
  if (stored === null) return true;
  const { isSame } = await library.hasher.call("compareFiles", { left: path, right: stored });
  if (isSame) return false;
  const now = await library.hasher.call("hashFiles", { paths: [path, stored] });
  if (wordsToMd5Hex(now.words, 0) !== md5) {
    throw new AppError("conflict", `${filepath} changed while it was read`);
  }
  if (wordsToMd5Hex(now.words, 4) !== md5) return true;
  const message = `Its MD5 is that of ${known.filepath}, its bytes are not`;
  throw new AppError("md5_collision", message);
}

/** Where the file of an image lies; null when it is not there. */
async function locate(library: Library, filepath: string): Promise<string | null> {
  try {
    const path = await locateFile(library.paths, library.roots(), filepath);
    return await exists(path) ? path : null;
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return null;
    throw error;
  }
}

async function statFile(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    throw toFileError("read", path, error);
  }
}
