import { join } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { HASH_BATCH_FILES } from "../base/limits.ts";
import { fileErrorCode } from "../media/file_error.ts";
import { HASH_STATUS, wordsToMd5Hex } from "../media/md5.ts";
import { type FileState, type PlaceRow, readPlaceAgain } from "../store/check_places.ts";
import type { LibraryRoot } from "../store/roots.ts";
import { type Finding, finding } from "./check_kinds.ts";
import { walkFolder } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { exists, locateFile, splitStored } from "./library_paths.ts";
import { inodeOf } from "./stored_file.ts";

/** What a look at a place gave. */
export type PlaceVerdict = {
  place: PlaceRow;
  /** Null: all is well, or its folder is not there and nothing can be said. */
  fault: Finding | null;
  /** Where the file lies and what it is like; null when it cannot be read. */
  file: (FileState & { path: string }) | null;
};

/** Which folders of a library have their files: a disk that is not connected must not look like a loss. */
export class FolderWatch {
  readonly #library: Library;
  readonly #roots: LibraryRoot[];
  #isThere = new Map<string, Promise<boolean>>();
  /** Why nothing can be seen in a folder, where the system says it. */
  readonly #reasons = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** Looks at each folder when it is first asked for. */
  constructor(library: Library) {
    this.#library = library;
    this.#roots = library.roots();
  }

  /** The folders that are indexed in place, as they were at the beginning. */
  get roots(): readonly LibraryRoot[] {
    return this.#roots;
  }

  /** Whether a folder is there with at least one file in it. */
  isThere(folder: string): Promise<boolean> {
    let answer = this.#isThere.get(folder);
    if (answer === undefined) {
      answer = hasFiles(folder, (reason) => this.#reasons.set(folder, reason));
      this.#isThere.set(folder, answer);
    }
    return answer;
  }

  /** Whether the folder of a stored path is there; counts the paths for which it is not. */
  async hasFolderOf(filepath: string): Promise<boolean> {
    const folder = this.#folderOf(filepath);
    if (await this.isThere(folder)) return true;
    this.#counts.set(folder, (this.#counts.get(folder) ?? 0) + 1);
    return false;
  }

  /** Forgets what was seen: the next questions are asked anew. */
  lookAgain(): void {
    this.#isThere = new Map();
  }

  /** One finding for each folder without its files, however many they are. */
  findings(): Finding[] {
    return [...this.#counts].map(([folder, count]) => {
      const what = this.#reasons.get(folder) ?? `${folder} is not there or has no files`;
      return finding("root_unavailable", {
        path: folder,
        message: `${what}; ${count} files should be in it`,
      });
    });
  }

  #folderOf(filepath: string): string {
    return splitStored(this.#roots, filepath).root?.path ?? this.#library.paths.images;
  }
}

async function hasFiles(folder: string, onReason: (reason: string) => void): Promise<boolean> {
  let known: string | null = null;
  const walk = walkFolder(folder, {
    exclude: [],
    onSkip: ({ path, code, reason }) => {
      if (code === "unreadable" && path === folder) known = reason;
    },
  });
  for await (const _ of walk) return true;
  // Where there is nothing at all, that says it best; one that nobody may look at is there.
  if (known !== null && await exists(folder).catch(() => true)) onReason(known);
  return false;
}

/** How places are looked at. */
export type PlaceOptions = {
  folders: FolderWatch;
  /** Whether all bytes are read; else only those of files whose size, time or inode changed. */
  hashes: boolean;
  /** Whether no bytes are read at all: another time or inode is no fault then. */
  looksOnly?: boolean;
  /** Takes the bytes that were read. */
  onBytes?: (count: number) => void;
  /** The images folder without links, and what takes files that are reached over a link within it. */
  links?: { images: string; found: Set<string> };
};

/** Looks at some places; those whose folder is not there are only counted. */
export async function lookAtPlaces(
  library: Library,
  places: readonly PlaceRow[],
  options: PlaceOptions,
): Promise<PlaceVerdict[]> {
  const verdicts = await Promise.all(places.map((place) => lookAtPlace(library, place, options)));
  const doubtful = options.looksOnly
    ? []
    : verdicts.filter(({ place, file }) =>
      file !== null && (options.hashes || isChanged(place, file))
    );
  for (let i = 0; i < doubtful.length; i += HASH_BATCH_FILES) {
    await compareHashes(library, doubtful.slice(i, i + HASH_BATCH_FILES), options);
  }
  return verdicts;
}

async function lookAtPlace(
  library: Library,
  place: PlaceRow,
  options: PlaceOptions,
): Promise<PlaceVerdict> {
  const { filepath: path, imageId: id } = place;
  const none = { place, file: null };
  if (!(await options.folders.hasFolderOf(path))) return { ...none, fault: null };
  try {
    const { folders } = options;
    const real = await locateFile(library.paths, folders.roots, path);
    const { links } = options;
    if (links !== undefined && isBelow(real, links.images) && real !== join(links.images, path)) {
      links.found.add(real);
    }
    const info = await Deno.stat(real);
    if (!info.isFile) {
      const message = `There is a ${info.isDirectory ? "folder" : "thing"} in place of the file`;
      return { ...none, fault: finding("unreadable_file", { path, id, message }) };
    }
    const file = {
      path: real,
      sizeBytes: info.size,
      mtimeMs: info.mtime?.getTime() ?? 0,
      inode: inodeOf(info),
    };
    return { place, file, fault: null };
  } catch (error) {
    return { ...none, fault: toFault(place, error) };
  }
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

/** What a failed look means. */
function toFault({ filepath: path, imageId: id }: PlaceRow, error: unknown): Finding {
  const isOutside = error instanceof AppError && error.code === "forbidden" &&
    error.details?.system === undefined;
  if (isOutside) return finding("outside_root", { path, id, message: error.message });
  const isMissing = error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory ||
    (error instanceof AppError && error.code === "not_found") || fileErrorCode(error) === "ENOENT";
  if (isMissing) return finding("missing_file", { path, id, message: "There is no such file" });
  const message = `Cannot read it: ${toMessage(error)}`;
  return finding("unreadable_file", { path, id, message });
}

/** Whether a file is other than it was recorded, so that its bytes may be others too. */
export function isChanged({ recorded, sizeBytes }: PlaceRow, file: FileState): boolean {
  if (recorded === null) return sizeBytes !== null && sizeBytes !== file.sizeBytes;
  return recorded.sizeBytes !== file.sizeBytes || recorded.mtimeMs !== file.mtimeMs ||
    recorded.inode !== file.inode;
}

/** Reads the bytes of some files, and writes into their verdicts what is wrong with them. */
async function compareHashes(
  library: Library,
  verdicts: PlaceVerdict[],
  options: PlaceOptions,
): Promise<void> {
  const paths = verdicts.map(({ file }) => file!.path);
  const hashed = await library.hasher.call("hashFiles", { paths });
  for (const [i, verdict] of verdicts.entries()) {
    const { place, file } = verdict;
    const { filepath: path, imageId: id } = place;
    if (hashed.status[i] !== HASH_STATUS.ok) {
      const error = hashed.errors.find(({ index }) => index === i);
      const isMissing = error?.code === "ENOENT" || error?.code === "ENOTDIR";
      verdict.fault = isMissing
        ? finding("missing_file", { path, id, message: "There is no such file" })
        : finding("unreadable_file", { path, id, message: error?.message ?? "Cannot read it" });
      verdict.file = null;
      continue;
    }
    options.onBytes?.(hashed.sizes[i]);
    const md5 = wordsToMd5Hex(hashed.words, 4 * i);
    if (md5 !== place.md5.toLowerCase()) {
      const message = `Its bytes have the MD5 ${md5}, not ${place.md5}`;
      verdict.fault = finding("wrong_hash", { path, id, message });
    } else if (place.recorded !== null && isChanged(place, file!)) {
      const message = sayChange(place.recorded, file!);
      verdict.fault = finding("changed_file", { path, id, message });
    }
  }
}

/** Whether a `changed_file` that was found is still as it says. Reads no bytes: after a copy it is every file. */
export function isStillChanged(one: Finding, { place, file }: PlaceVerdict): boolean {
  return file !== null && place.recorded !== null && isChanged(place, file) &&
    one.message === sayChange(place.recorded, file);
}

function sayChange(recorded: FileState, now: FileState): string {
  return `${describeChange(recorded, now)}; its bytes are the same`;
}

function describeChange(recorded: FileState, now: FileState): string {
  const time = (ms: number) => new Date(ms).toISOString();
  const parts = [
    ...(recorded.sizeBytes === now.sizeBytes
      ? []
      : [`its size is ${now.sizeBytes}, not ${recorded.sizeBytes}`]),
    ...(recorded.mtimeMs === now.mtimeMs
      ? []
      : [`its time is ${time(now.mtimeMs)}, not ${time(recorded.mtimeMs)}`]),
    ...(recorded.inode === now.inode ? [] : [`its inode is ${now.inode}, not ${recorded.inode}`]),
  ];
  const text = parts.join(", ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Looks once more at a place that something was wrong with, by what its row says now. */
export async function lookAgainAt(
  library: Library,
  { path, id }: Finding,
  options: PlaceOptions,
): Promise<PlaceVerdict | null> {
  const about = { imageId: id!, filepath: path! };
  const place = readPlaceAgain(library.core.reader, about);
  if (place === undefined) return null;
  const [verdict] = await lookAtPlaces(library, [place], options);
  // A file that is deleted goes after its row: whose row is there still is really without its file.
  return readPlaceAgain(library.core.reader, about) === undefined ? null : verdict;
}
