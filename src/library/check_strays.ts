import { basename, join, relative } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { HASH_BATCH_FILES } from "../base/limits.ts";
import { HASH_STATUS, wordsToMd5Hex } from "../media/md5.ts";
import { resolveInside, toPosix } from "../media/paths.ts";
import { readKnownPaths, readMovingTrash } from "../store/check_places.ts";
import { readContent } from "../store/import_images.ts";
import { type Finding, finding, unreadable } from "./check_kinds.ts";
import type { FolderWatch } from "./check_places.ts";
import { placeInRoot } from "./import_prepare.ts";
import { inBatches, type SkippedPath, walkFolder } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { exists, locateFile } from "./library_paths.ts";

/** How files without a row are looked for. */
export type StrayOptions = {
  folders: FolderWatch;
  /** Whether files without a row are read, to find contents that share their MD5 with an image. */
  hashes: boolean;
  /** Files that are reached over a link, by the paths that they really have. */
  linked: ReadonlySet<string>;
  signal?: AbortSignal;
  onFile?: () => void;
};

/** Files that are asked for at once. */
const FILES_AT_ONCE = 500;
const INCOMING = ".incoming";

/**
 * Finds what lies in the images folder without a row, and, where bytes are read, files of it and of the
 * in-place folders that have the MD5 of an image and other bytes.
 */
export async function findStrayFiles(library: Library, options: StrayOptions): Promise<Finding[]> {
  const { images } = library.paths;
  const found: Finding[] = [];
  if (await options.folders.isThere(images)) {
    const skipped: Finding[] = [];
    const walk = walkFolder(images, {
      exclude: [],
      signal: options.signal,
      onSkip: (one) => skipped.push(toSkipFinding(library, one)),
    });
    for await (const files of inBatches(walk, FILES_AT_ONCE)) {
      const paths = files.map((file) => toPosix(relative(images, file.path)));
      const strays = await findStrays(library, paths, options);
      found.push(...await describeStrays(library, strays, options.hashes));
      for (const _ of files) options.onFile?.();
    }
    // Of a place of an image more is said already.
    const known = readKnownPaths(library.core.reader, skipped.map(({ path }) => path!));
    found.push(...skipped.filter(({ path }) => !known.has(path!)));
  }
  if (options.hashes) found.push(...await findCollisionsInPlace(library, options));
  return found;
}

/** What the walk left out, as a finding. */
function toSkipFinding(library: Library, { path: full, code, reason }: SkippedPath): Finding {
  const path = toPosix(relative(library.paths.images, full));
  const kind = code === "name_not_utf8"
    ? "name_not_utf8"
    : code === "unreadable"
    ? "unreadable_file"
    : code === "link_outside"
    ? "outside_root"
    : "orphan_file";
  return finding(kind, { path, message: reason });
}

/** Of some paths in the images folder those that belong to nothing at this moment. */
async function findStrays(
  library: Library,
  paths: readonly string[],
  options: Pick<StrayOptions, "linked">,
): Promise<string[]> {
  const { reader } = library.core;
  const { linked } = options;
  const known = readKnownPaths(reader, paths);
  const unknown = paths.filter((path) => !known.has(path));
  if (unknown.length === 0) return [];
  // Files on their way to or from the trash have no row.
  const moving = new Set(
    readMovingTrash(reader).flatMap(({ files }) => files.map(({ filepath }) => filepath)),
  );
  const images = await Deno.realPath(library.paths.images);
  return unknown.filter((path) => !moving.has(path) && !linked.has(join(images, path)));
}

async function describeStrays(
  library: Library,
  paths: readonly string[],
  hashes: boolean,
): Promise<Finding[]> {
  const { images } = library.paths;
  const found: Finding[] = [];
  for (let i = 0; i < paths.length; i += HASH_BATCH_FILES) {
    const some = paths.slice(i, i + HASH_BATCH_FILES);
    const copies = hashes
      ? await findCopies(library, some.map((path) => resolveInside(images, path)))
      : some.map(() => null);
    found.push(...some.map((path, j) => toStrayFinding(path, copies[j])));
  }
  return found;
}

function toStrayFinding(path: string, copy: Copy | null): Finding {
  if (copy?.isSame === false) return toCollision(path, copy);
  const message = copy === null
    ? "No image has this file"
    : `No image has this file; its content is that of image ${copy.imageId}`;
  return finding("orphan_file", { path, message });
}

function toCollision(path: string, { imageId, filepath }: Copy): Finding {
  const message = `Its MD5 is that of image ${imageId} (${filepath}), its bytes are not`;
  return finding("md5_collision", { path, id: imageId, message });
}

/** The image that has the MD5 of a file, and whether its bytes are the same. */
type Copy = { imageId: number; filepath: string; isSame: boolean };

async function findCopies(library: Library, paths: string[]): Promise<(Copy | null)[]> {
  const hashed = await library.hasher.call("hashFiles", { paths });
  return await Promise.all(paths.map(async (path, i) => {
    if (hashed.status[i] !== HASH_STATUS.ok) return null;
    const md5 = wordsToMd5Hex(hashed.words, 4 * i);
    const known = readContent(library.core.reader, md5);
    if (known === undefined) return null;
    const { imageId, filepath } = known;
    return { imageId, filepath, isSame: await isSameContent(library, { path, filepath, md5 }) };
  }));
}

/** Equal bytes; also where the image's own file is gone or has others now: nothing collides then. */
async function isSameContent(
  library: Library,
  { path, filepath, md5 }: { path: string; filepath: string; md5: string },
): Promise<boolean> {
  try {
    const stored = await locateFile(library.paths, library.roots(), filepath);
    if (!(await exists(stored))) return true;
    if ((await library.hasher.call("compareFiles", { left: path, right: stored })).isSame) {
      return true;
    }
    const now = await library.hasher.call("hashFiles", { paths: [stored] });
    return now.status[0] !== HASH_STATUS.ok || wordsToMd5Hex(now.words, 0) !== md5;
  } catch (error) {
    if (error instanceof AppError) return true;
    throw error;
  }
}

/** Files of in-place folders that the import refuses for their MD5; other new ones are no fault. */
async function findCollisionsInPlace(library: Library, options: StrayOptions): Promise<Finding[]> {
  const { roots } = options.folders;
  const found: Finding[] = [];
  for (const root of roots) {
    const inner = roots.map(({ path }) => path).filter((path) => path !== root.path);
    const walk = walkFolder(root.path, {
      exclude: inner,
      signal: options.signal,
      onSkip: () => {},
    });
    for await (const files of inBatches(walk, HASH_BATCH_FILES)) {
      const paths = files.map((file) => placeInRoot(root, file));
      const known = readKnownPaths(library.core.reader, paths);
      const strays = files.filter((_, i) => !known.has(paths[i]));
      if (strays.length === 0) continue;
      const copies = await findCopies(library, strays.map((file) => file.path));
      for (const [i, file] of strays.entries()) {
        const copy = copies[i];
        if (copy?.isSame === false) found.push(toCollision(placeInRoot(root, file), copy));
      }
    }
  }
  return found;
}

/** Finds what an interrupted import left: half copies, and notes of the names that it was giving. */
export async function findLeftovers(library: Library): Promise<Finding[]> {
  const folder = join(library.paths.images, INCOMING);
  const found: Finding[] = [];
  try {
    if (!(await exists(folder))) return [];
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const message = isDirectory
        ? "An interrupted import was giving this content a name"
        : "A copy that an interrupted import did not finish";
      found.push(finding("leftover_incoming", { path: `${INCOMING}/${name}`, message }));
    }
  } catch (error) {
    found.push(unreadable(folder, error));
  }
  return found;
}

/**
 * Whether a file without a row is still one: neither removed nor recorded meanwhile, and, while a command
 * that stores files runs (`isLocked`), not one that it is about to record.
 */
export async function isStillStray(
  library: Library,
  path: string,
  options: Pick<StrayOptions, "linked"> & { isLocked: boolean },
): Promise<boolean> {
  const { images } = library.paths;
  if (!(await exists(join(images, path)))) return false;
  if (options.isLocked && await isBeingNamed(library, basename(path))) return false;
  return (await findStrays(library, [path], options)).length > 0;
}

/** Whether an import that runs notes this name as one that it gives. */
async function isBeingNamed(library: Library, name: string): Promise<boolean> {
  const folder = join(library.paths.images, INCOMING);
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isDirectory && await exists(join(folder, entry.name, name))) return true;
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw new AppError("unavailable", `Cannot read ${folder}: ${toMessage(error)}`);
  }
  return false;
}
