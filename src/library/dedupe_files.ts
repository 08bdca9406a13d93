import { AppError, toMessage } from "../base/errors.ts";
import { inPlacePath } from "../media/paths.ts";
import { toInode, type WalkedFiles, walkFiles, type WalkRequest } from "../media/walk_files.ts";
import { hasPlacesIn, readHiddenPlaces } from "../store/file_hashes.ts";
import type { FilePlace } from "../store/import_images.ts";
import type { LibraryRoot } from "../store/roots.ts";
import type { DedupeSkip } from "./dedupe_report.ts";
import { isInside } from "./import_walk.ts";
import type { Core } from "./core.ts";
import type { Library } from "./library.ts";
import { locateFile, splitStored } from "./library_paths.ts";

/** A file as it was when it was looked at. */
export type DedupeFile = FilePlace & {
  /** Absolute path, without links. */
  path: string;
  /** The folder indexed in place that it lies in; null for the library's own folder. */
  root: LibraryRoot | null;
  device: number;
  linkCount: number;
};

/** What is needed of a library to look for copies. */
export type DedupeLibrary = Pick<Library, "paths" | "hasher" | "roots"> & {
  readonly core: Pick<Core, "reader">;
};

/** How files are looked for. */
export type FindFilesOptions = {
  /** Whether a worker walks, so that this isolate is free; a command has nobody to serve and is quicker. */
  inBackground: boolean;
  /** Only files that have the size of the one at this stored path. */
  onlyPath?: string;
  /** Hears of each file at once, unless a worker walks. */
  onFile?: (path: string, sizeBytes: number) => void;
  signal?: AbortSignal;
};

/** Files that have one size with others, and what was met besides. */
export type SameSized = {
  /** Lists of two and more. */
  lists: DedupeFile[][];
  filesCount: number;
  skipped: DedupeSkip[];
  /** Whether there is a file at a stored path, or might be: its folder could not be read. */
  isThere: (filepath: string) => boolean;
};

/** A folder to look through. */
type Folder = { root: LibraryRoot | null; path: string };

/** A folder with the files in it. */
type Walked = { root: LibraryRoot | null; folder: string; files: WalkedFiles };

/** For so long a walk in this isolate goes on before it lets others do something. */
const SLICE_MS = 50;

/**
 * Looks through the library's own folder and those that are indexed in place, and gives the files that
 * share their size with others. Empty files, links and what is hidden are left out, hidden files with a row
 * apart.
 *
 * A folder that is not there or empty, though the library has files in it, lies on a disk that is not
 * connected: of the folders indexed in place such a one is skipped.
 *
 * @throws {AppError} `not_found` if that is the library's own folder.
 */
export async function findSameSized(
  library: DedupeLibrary,
  options: FindFilesOptions,
): Promise<SameSized> {
  const skipped: DedupeSkip[] = [];
  const folders = await findFolders(library, skipped);
  const walks: Walked[] = [];
  for (const folder of folders) {
    const exclude = await excludedOf(library, folder, folders);
    const files = await walk(library, { folder: folder.path, exclude }, options);
    for (const { path, code, reason } of files.unwalked) {
      skipped.push({
        filepath: toStored(folder, path.slice(folder.path.length + 1)),
        code,
        reason,
      });
    }
    walks.push({ root: folder.root, folder: folder.path, files });
  }
  const hidden = await findHidden(library, folders);
  return {
    lists: gatherBySize(walks, hidden, options.onlyPath),
    filesCount: walks.reduce((sum, { files }) => sum + files.names.length, hidden.length),
    skipped,
    isThere: makeIsThere(walks, hidden, skipped),
  };
}

/** The folders that can be looked through; the others are told about. */
async function findFolders(library: DedupeLibrary, skipped: DedupeSkip[]): Promise<Folder[]> {
  const { reader } = library.core;
  const roots = library.roots();
  const names = roots.map(({ name }) => name);
  const folders: Folder[] = [];
  for (const root of [null, ...roots]) {
    const path = root?.path ?? library.paths.images;
    const fault = await describeFault(path);
    if (typeof fault !== "string") folders.push({ root, path: fault.path });
    else if (hasPlacesIn(reader, names, root?.name ?? null)) {
      const reason = `${path} ${fault}, though the library has files in it`;
      if (root === null) {
        throw new AppError("not_found", `Cannot look for copies: ${reason}`, {
          remedy: "Is its disk connected? Nothing was done",
        });
      }
      skipped.push({ filepath: `@${root.name}`, code: "root_missing", reason });
    }
  }
  return folders;
}

/** The real path of a folder with something in it; else what is wrong with it. */
async function describeFault(folder: string): Promise<{ path: string } | string> {
  try {
    const path = await Deno.realPath(folder);
    for await (const { name } of Deno.readDir(path)) if (!name.startsWith(".")) return { path };
    return "is empty";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "is not there";
    return `cannot be read (${toMessage(error)})`;
  }
}

/** What a walk leaves out: the library's other folders, and folders that are walked for themselves. */
async function excludedOf(
  { paths }: DedupeLibrary,
  folder: Folder,
  folders: readonly Folder[],
): Promise<string[]> {
  const own = [paths.images, paths.thumbnails, paths.ingest, paths.trash, paths.data];
  const real = await Promise.all(own.map((path) => Deno.realPath(path).catch(() => path)));
  return [...real, ...folders.map(({ path }) => path)].filter((path) => path !== folder.path);
}

async function walk(
  { hasher }: DedupeLibrary,
  request: WalkRequest,
  { inBackground, signal, onFile }: FindFilesOptions,
): Promise<WalkedFiles> {
  signal?.throwIfAborted();
  if (inBackground) return await hasher.call("walkFiles", request);
  const steps = walkFiles(request, onFile);
  let pausedAt = performance.now();
  for (let step = steps.next();; step = steps.next()) {
    if (step.done) return step.value;
    if (performance.now() - pausedAt < SLICE_MS) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    pausedAt = performance.now();
  }
}

/** Hidden files that have a row, as old libraries may have them; what lies behind a link is left out. */
async function findHidden(
  library: DedupeLibrary,
  folders: readonly Folder[],
): Promise<DedupeFile[]> {
  const roots = library.roots();
  const found: DedupeFile[] = [];
  for (const filepath of readHiddenPlaces(library.core.reader)) {
    const { root, relative } = splitStored(roots, filepath);
    const folder = folders.find((one) => one.root?.name === root?.name);
    if (folder === undefined) continue;
    try {
      const path = await locateFile(library.paths, roots, filepath);
      if (path !== `${folder.path}/${relative}`) continue;
      const info = await Deno.lstat(path);
      if (info.isFile) found.push(toFile({ filepath, path, root: root ?? null }, info));
    } catch (error) {
      // A place without its file is for the check to tell, and has no copy.
      if (error instanceof AppError || error instanceof Deno.errors.NotFound) continue;
      throw error;
    }
  }
  return found;
}

/** A file with what the system says of it. */
export function toFile(
  place: { filepath: string; path: string; root: LibraryRoot | null },
  info: Deno.FileInfo,
): DedupeFile {
  return {
    ...place,
    sizeBytes: info.size,
    mtimeMs: info.mtime?.getTime() ?? 0,
    inode: toInode(info.ino),
    device: info.dev,
    linkCount: info.nlink ?? 1,
  };
}

function toStored({ root }: Pick<Folder, "root">, relative: string): string {
  return root === null ? relative : inPlacePath(root.name, relative);
}

/** Lists of files of one size: only these become objects. */
function gatherBySize(
  walks: readonly Walked[],
  hidden: readonly DedupeFile[],
  onlyPath: string | undefined,
): DedupeFile[][] {
  const onlySize = onlyPath === undefined ? null : findSize(walks, hidden, onlyPath);
  const counts = new Map<number, number>();
  const count = (size: number) => {
    if (size > 0 && (onlySize ?? size) === size) counts.set(size, (counts.get(size) ?? 0) + 1);
  };
  for (const { files } of walks) for (const size of files.sizes) count(size);
  for (const { sizeBytes } of hidden) count(sizeBytes);
  const lists = new Map<number, DedupeFile[]>();
  const add = (file: DedupeFile) => {
    const list = lists.get(file.sizeBytes);
    if (list === undefined) lists.set(file.sizeBytes, [file]);
    else list.push(file);
  };
  for (const walked of walks) {
    const { sizes } = walked.files;
    for (let i = 0; i < sizes.length; i++) {
      if ((counts.get(sizes[i]) ?? 0) > 1) add(fileAt(walked, i));
    }
  }
  for (const file of hidden) if ((counts.get(file.sizeBytes) ?? 0) > 1) add(file);
  return [...lists.values()];
}

/** Size of the file at a stored path; -1 if none was found there. */
function findSize(
  walks: readonly Walked[],
  hidden: readonly DedupeFile[],
  filepath: string,
): number {
  for (const { root, files } of walks) {
    const i = files.names.findIndex((name) => toStored({ root }, name) === filepath);
    if (i >= 0) return files.sizes[i];
  }
  return hidden.find((file) => file.filepath === filepath)?.sizeBytes ?? -1;
}

function fileAt({ root, folder, files }: Walked, i: number): DedupeFile {
  const name = files.names[i];
  return {
    filepath: toStored({ root }, name),
    path: `${folder}/${name}`,
    root,
    sizeBytes: files.sizes[i],
    mtimeMs: files.mtimesMs[i],
    inode: files.inodes[i],
    device: files.devices[i],
    linkCount: files.linkCounts[i],
  };
}

function makeIsThere(
  walks: readonly Walked[],
  hidden: readonly DedupeFile[],
  skipped: readonly DedupeSkip[],
): (filepath: string) => boolean {
  let seen: Set<string> | undefined;
  return (filepath) => {
    seen ??= new Set([
      ...walks.flatMap(({ root, files }) => files.names.map((name) => toStored({ root }, name))),
      ...hidden.map((file) => file.filepath),
    ]);
    return seen.has(filepath) || skipped.some((skip) => isInside(filepath, skip.filepath));
  };
}
