import { basename, join } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { HASH_BATCH_FILES } from "../base/limits.ts";
import { fileErrorCode } from "../media/file_error.ts";
import { resolveInside, splitExtension } from "../media/paths.ts";
import { mediaTypeOfExt, SNIFF_BYTES, sniffMediaType } from "../media/sniff.ts";
import {
  countImages,
  isTrashFolder,
  type PlaceRow,
  readRecordedPlaces,
  readServedPlaces,
} from "../store/check_places.ts";
import type { FoundFacts, FoundManifest, RederivedTags } from "../store/rebuild.ts";
import { adoptFiles } from "./adopt_files.ts";
import { type Finding, finding, unreadable } from "./check_kinds.ts";
import { FolderWatch, isChanged, lookAtPlaces, type PlaceVerdict } from "./check_places.ts";
import { findStrayFiles } from "./check_strays.ts";
import type { Library } from "./library.ts";
import { exists } from "./library_paths.ts";
import { withLock } from "./lock.ts";
import { showChanges } from "./show_changes.ts";

/** How far a rebuild is. */
export type RebuildProgress = {
  stage: "rows" | "tags" | "trash" | "files" | "folders" | "verify";
  done: number;
  total: number | null;
};

/** What a rebuild is told. */
export type RefreshOptions = {
  signal?: AbortSignal;
  onProgress?: (progress: RebuildProgress) => void;
};

/** What was derived anew. */
export type RefreshReport = {
  images: number;
  tagsAdded: number;
  tagsRemoved: number;
  /** Images whose size, type or length was not as the file says. */
  factsChanged: number;
  /** Files of the images folder that became images, and that became places of one. */
  added: string[];
  places: string[];
  /** Folders of the trash that have an entry again. */
  trashFound: string[];
  /** Files that are not there or not as they should be; their rows stay. */
  faults: Finding[];
  /** Files without a row that could not be taken in. */
  refused: { path: string; reason: string }[];
  warnings: { path: string; message: string }[];
};

/**
 * Derives anew all that can be derived, in the library's own database: tags from metadata and a person's
 * edits, columns, what files say of themselves, rows for files without one, entries for folders of the
 * trash without one. Rows whose file is missing stay. The library may be in use; it holds the lock.
 *
 * @throws {AppError} `locked` if another command moves files, `cancelled`.
 */
export async function refreshLibrary(
  library: Library,
  options: RefreshOptions = {},
): Promise<RefreshReport> {
  return await withLock(library.paths.lock, "rebuild", async () => {
    try {
      return await new RefreshRun(library, options).run();
    } finally {
      await showChanges(library);
    }
  });
}

/** Does what {@link refreshLibrary} does, for a caller who has the lock. */
export function refreshLocked(
  library: Library,
  options: RefreshOptions = {},
): Promise<RefreshReport> {
  return new RefreshRun(library, options).run();
}

class RefreshRun {
  readonly #library: Library;
  readonly #options: RefreshOptions;
  readonly #folders: FolderWatch;
  readonly #linked = new Set<string>();
  #images = "";
  readonly #report: RefreshReport = {
    images: 0,
    tagsAdded: 0,
    tagsRemoved: 0,
    factsChanged: 0,
    added: [],
    places: [],
    trashFound: [],
    faults: [],
    refused: [],
    warnings: [],
  };

  constructor(library: Library, options: RefreshOptions) {
    this.#library = library;
    this.#options = options;
    this.#folders = new FolderWatch(library);
  }

  async run(): Promise<RefreshReport> {
    const { images } = this.#library.paths;
    this.#images = await exists(images) ? await Deno.realPath(images) : images;
    await this.#rederiveTags();
    await this.#adoptTrash();
    await this.#readServed();
    await this.#readFurtherPlaces();
    await this.#adoptStrays();
    this.#report.faults.push(...this.#folders.findings());
    this.#report.images = countImages(this.#library.core.reader);
    return this.#report;
  }

  #tell(stage: RebuildProgress["stage"], done: number, total: number | null = null): void {
    this.#options.signal?.throwIfAborted();
    this.#options.onProgress?.({ stage, done, total });
  }

  async #rederiveTags(): Promise<void> {
    const total = countImages(this.#library.core.reader);
    let done = 0;
    for (let afterId: number | null = Number.MIN_SAFE_INTEGER; afterId !== null;) {
      this.#tell("tags", done, total);
      const step: RederivedTags = await this.#library.writer.call("rederiveTags", { afterId });
      done += step.images;
      this.#report.tagsAdded += step.added;
      this.#report.tagsRemoved += step.removed;
      afterId = step.lastId;
    }
  }

  /** Before files without a row are looked for: some of them are on their way to the trash. */
  async #adoptTrash(): Promise<void> {
    const { trash } = this.#library.paths;
    this.#tell("trash", 0);
    for (const folder of await this.#listTrash()) {
      if (isTrashFolder(this.#library.core.reader, folder)) continue;
      const found = await readManifest(this.#library, folder);
      const isAdopted = found !== null &&
        (await this.#library.writer.call("adoptManifest", found)).isAdopted;
      if (isAdopted) this.#report.trashFound.push(folder);
      else {
        const message = "It has no manifest of an image that is in the trash";
        this.#report.warnings.push({ path: join(trash, folder), message });
      }
    }
  }

  /** Folders of the trash, the oldest first, so that the newest has the highest number, as it was. */
  async #listTrash(): Promise<string[]> {
    const { trash } = this.#library.paths;
    try {
      if (!(await exists(trash))) return [];
      const entries = await Array.fromAsync(Deno.readDir(trash));
      return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name)
        .sort((a, b) => timeOf(a) - timeOf(b));
    } catch (error) {
      this.#report.faults.push(unreadable(trash, error));
      return [];
    }
  }

  async #readServed(): Promise<void> {
    const { reader } = this.#library.core;
    const total = countImages(reader);
    let done = 0;
    for (let afterId = Number.MIN_SAFE_INTEGER;;) {
      this.#tell("files", done, total);
      const places = readServedPlaces(reader, { afterId, limit: HASH_BATCH_FILES });
      if (places.length === 0) return;
      const verdicts = await this.#look(places);
      const found = await Promise.all(verdicts.map((verdict) => this.#readFacts(verdict)));
      await this.#write(found.filter((one) => one !== null));
      done += places.length;
      afterId = places.at(-1)!.imageId;
    }
  }

  async #readFurtherPlaces(): Promise<void> {
    for (let afterPath = "";;) {
      this.#options.signal?.throwIfAborted();
      const places = readRecordedPlaces(this.#library.core.reader, {
        afterPath,
        limit: HASH_BATCH_FILES,
      });
      if (places.length === 0) return;
      const verdicts = await this.#look(places.filter(({ isServed }) => !isServed));
      const found = verdicts.map((verdict) => toRecord(verdict)).filter((one) => one !== null);
      await this.#write(found);
      afterPath = places.at(-1)!.filepath;
    }
  }

  async #look(places: readonly PlaceRow[]): Promise<PlaceVerdict[]> {
    const verdicts = await lookAtPlaces(this.#library, places, {
      folders: this.#folders,
      hashes: false,
      links: { images: this.#images, found: this.#linked },
    });
    for (const { fault } of verdicts) {
      if (fault !== null && fault.kind !== "changed_file") this.#report.faults.push(fault);
    }
    return verdicts;
  }

  async #write(found: FoundFacts[]): Promise<void> {
    if (found.length === 0) return;
    const { changed } = await this.#library.writer.call("writeFoundFacts", { found });
    this.#report.factsChanged += changed;
  }

  /** What a file says of itself, where its bytes are those of its image. */
  async #readFacts(verdict: PlaceVerdict): Promise<FoundFacts | null> {
    const record = toRecord(verdict);
    if (record === null) return null;
    const { place, file } = verdict;
    try {
      const ext = await sniffExt(file!.path);
      if (ext === undefined) return record.isRecorded ? record : null;
      const facts = await this.#library.media.call("readFacts", { path: file!.path, ext });
      return { ...record, facts: { ext, ...facts } };
    } catch (error) {
      // A file that cannot be opened is a fault; one that opens and makes no sense has bytes of its own.
      if (error instanceof AppError) {
        this.#report.warnings.push({ path: place.filepath, message: toMessage(error) });
      } else {
        const { message } = unreadable(file!.path, error);
        const about = { path: place.filepath, id: place.imageId, message };
        this.#report.faults.push(finding("unreadable_file", about));
      }
      return record.isRecorded ? record : null;
    }
  }

  async #adoptStrays(): Promise<void> {
    this.#tell("folders", 0);
    const found = await findStrayFiles(this.#library, {
      folders: this.#folders,
      hashes: false,
      linked: this.#linked,
      signal: this.#options.signal,
    });
    const strays = found.filter(({ kind, path }) => kind === "orphan_file" && isMedia(path!))
      .map(({ path }) => path!);
    this.#report.faults.push(...found.filter(({ path }) => !strays.includes(path!)));
    for (let i = 0; i < strays.length; i += HASH_BATCH_FILES) {
      this.#tell("folders", i, strays.length);
      const some = strays.slice(i, i + HASH_BATCH_FILES);
      for (const file of await adoptFiles(this.#library, some)) {
        const { filepath: path } = file;
        if (file.outcome === "refused") {
          this.#report.refused.push({ path, reason: file.reason });
          continue;
        }
        (file.outcome === "added" ? this.#report.added : this.#report.places).push(path);
        this.#report.warnings.push(...file.warnings.map((message) => ({ path, message })));
      }
    }
  }
}

/** A file whose bytes are right, as it is to be recorded; null for any other. */
function toRecord({ place, file, fault }: PlaceVerdict): FoundFacts | null {
  if (file === null || (fault !== null && fault.kind !== "changed_file")) return null;
  const { imageId, filepath } = place;
  const { sizeBytes, mtimeMs, inode } = file;
  const isRecorded = place.recorded !== null && isChanged(place, file);
  return { imageId, filepath, sizeBytes, mtimeMs, inode, facts: null, isRecorded };
}

/** Type of a stored file by its first bytes, else by its name. */
async function sniffExt(path: string): Promise<string | undefined> {
  const head = new Uint8Array(SNIFF_BYTES);
  using file = await Deno.open(path);
  const count = await file.read(head) ?? 0;
  const type = sniffMediaType(head.subarray(0, count)) ??
    mediaTypeOfExt(splitExtension(basename(path)).ext.slice(1));
  return type?.ext;
}

/** What has another ending was put there by somebody else; what has none may be anything. */
function isMedia(path: string): boolean {
  const { ext } = splitExtension(basename(path));
  return ext === "" || mediaTypeOfExt(ext.slice(1)) !== undefined;
}

/** When a folder of the trash was made: its name is `<md5>-<milliseconds>`. */
function timeOf(folder: string): number {
  return Number(folder.slice(folder.indexOf("-") + 1)) || 0;
}

/** The manifest of a folder of the trash; null if there is none, or nothing that it names is anywhere. */
async function readManifest(library: Library, folder: string): Promise<FoundManifest | null> {
  const { trash, images } = library.paths;
  try {
    const text = await Deno.readTextFile(join(trash, folder, "manifest.json"));
    const { files } = JSON.parse(text) as {
      files: { filepath: string; trashed: string | null }[];
    };
    const moved = files.filter(({ trashed }) => trashed !== null);
    const inTrash = await countThere(moved.map(({ trashed }) => resolveInside(trash, trashed!)));
    const inPlace = await countThere(
      moved.map(({ filepath }) => resolveInside(images, filepath)),
    );
    if (moved.length > 0 && inTrash + inPlace === 0) return null;
    const state = inTrash === moved.length ? "trashed" : inTrash > 0 ? "moving" : "restoring";
    return { folder, text, state };
  } catch (error) {
    const isExpected = error instanceof SyntaxError || error instanceof TypeError ||
      error instanceof AppError || fileErrorCode(error) !== "EUNKNOWN";
    if (isExpected) return null;
    throw error;
  }
}

async function countThere(paths: readonly string[]): Promise<number> {
  const are = await Promise.all(paths.map((path) => exists(path)));
  return are.filter((isThere) => isThere).length;
}
