import { relative } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { wordsToMd5Hex } from "../media/md5.ts";
import { inPlacePath, resolveInside } from "../media/paths.ts";
import type { MediaType } from "../media/sniff.ts";
import {
  type FilePlace,
  type ImportItem,
  isPathTaken,
  readContent,
} from "../store/import_images.ts";
import type { LibraryRoot } from "../store/roots.ts";
import { isTrashed } from "../store/trash.ts";
import type { ImportReport, ImportWarning } from "./import_report.ts";
import { makeFolderNames, readSidecars } from "./import_sidecars.ts";
import type { FoundFile } from "./import_walk.ts";
import type { ReadSidecar } from "./sidecar_file.ts";
import type { Library } from "./library.ts";
import { exists, locateFile, newThumbnailPath } from "./library_paths.ts";
import {
  areOneFile,
  type FileCalls,
  isFileAsRead,
  type Leftovers,
  storeFile,
} from "./stored_file.ts";

/** A file whose content is known. */
export type HashedFile = {
  file: FoundFile;
  md5: string;
  type: MediaType;
  /** The in-place root that the file lies in; null when files are copied or moved. */
  root: LibraryRoot | null;
  /** Whether it is recorded in its place and did not change since, so that nobody read it again. */
  isRecorded: boolean;
};

/** What is to be committed for a file, and what follows the commit. */
export type PreparedFile = {
  hashed: HashedFile;
  item: ImportItem;
  isKnown: boolean;
  /** Where the content of a moved file is stored now, so that its source can go; null: it stays. */
  movedTo: string | null;
  /** The sidecars that it was read with. */
  sidecars: readonly ReadSidecar[];
};

/** What preparing needs to know of the run. */
export type PrepareOptions = {
  mode: "copy" | "move" | "in-place";
  isDryRun: boolean;
  report: ImportReport;
  leftovers: Leftovers;
  calls?: FileCalls;
};

/** Stored path of a file of an in-place root. */
export function placeInRoot(root: LibraryRoot, file: FoundFile): string {
  return inPlacePath(root.name, relative(root.path, file.path));
}

/** Looks into files, stores the new ones, and says what is to be committed for them. */
export class FilePreparer {
  readonly #library: Library;
  readonly #options: PrepareOptions;
  readonly #folderNames = makeFolderNames();

  /** Makes what one run prepares its files with. */
  constructor(library: Library, options: PrepareOptions) {
    this.#library = library;
    this.#options = options;
  }

  /**
   * Prepares one file, with all that it needs on the disk; null if it is to be left out, which is
   * reported.
   *
   * @throws {AppError} If the file cannot be imported; `code` says why.
   */
  async prepare(hashed: HashedFile): Promise<PreparedFile | null> {
    const { file, md5, type, root } = hashed;
    const { reader } = this.#library.core;
    const { mode, report } = this.#options;
    if (isTrashed(reader, md5)) {
      const reason = "Its content is in the trash: restore it there";
      report.skipped.push({ path: file.path, code: "in_trash", reason });
      return null;
    }
    const known = readContent(reader, md5);
    const stored = known === undefined ? null : await this.#findStored(hashed, known.filepath);
    const sidecars = await readSidecars(file, md5, this.#folderNames);
    for (const message of sidecars.warnings) report.warnings.push({ path: file.path, message });
    const isNew = stored === null;
    const facts = isNew ? await this.#inspect(hashed) : null;
    const place = root === null && !isNew ? null : await this.#place(hashed);
    return {
      hashed,
      isKnown: known !== undefined,
      sidecars: sidecars.read,
      movedTo: mode === "move" ? await this.#movedTo(hashed, stored, place) : null,
      item: {
        md5,
        place,
        isServed: isNew,
        vanished: known?.filepath ?? null,
        media: {
          ext: type.ext,
          sizeBytes: file.sizeBytes,
          width: facts?.width ?? null,
          height: facts?.height ?? null,
          durationMs: facts?.durationMs ?? null,
          frameRate: facts?.frameRate ?? null,
          videoCodec: facts?.videoCodec ?? null,
          hasAudio: facts?.hasAudio ?? null,
          originalName: file.name,
        },
        tags: sidecars.tags,
        rating: sidecars.rating,
        sites: sidecars.sites,
        saved: sidecars.saved,
      },
    };
  }

  /** Where the bytes of a known content lie; null when they are gone and must be stored again. */
  async #findStored(hashed: HashedFile, filepath: string): Promise<string | null> {
    const { file, md5, root, isRecorded } = hashed;
    const stored = await this.#locate(filepath);
    if (stored === null || !(await exists(stored))) {
      if (!isRecorded) this.#warn(file, `${filepath} is gone; its content is there again`, "back");
      return null;
    }
    if (isRecorded || await this.#isSame(file.path, stored)) return stored;
    const [now, old] = await this.#hash([file.path, stored]);
    if (now !== md5) {
      throw new AppError("conflict", `Cannot read ${file.path}: it changed while it was read`);
    }
    if (old === md5) {
      throw new AppError("md5_collision", `Its md5 is that of ${filepath}, its bytes are not`);
    }
    // In a root files change names among each other; in the library's own folder nothing may change.
    const isRenamed = root !== null && filepath.startsWith("@");
    const message = `${filepath} has other bytes than it had; its content is there again`;
    this.#warn(file, message, isRenamed ? "back" : undefined);
    return null;
  }

  /** Only a file that was stored just now goes, and one whose move was interrupted after its commit. */
  async #movedTo(
    { file }: HashedFile,
    stored: string | null,
    place: FilePlace | null,
  ): Promise<string | null> {
    if (place !== null) return resolveInside(this.#library.paths.images, place.filepath);
    return stored !== null && await areOneFile(file.path, stored) ? stored : null;
  }

  async #inspect({ file, md5, type }: HashedFile) {
    if (this.#options.isDryRun) return null;
    const thumbnailPath = newThumbnailPath(this.#library.paths, md5);
    const facts = await this.#library.media.call("inspect", {
      path: file.path,
      ext: type.ext,
      thumbnailPath,
    });
    if (type.kind === "image" && facts.width === null) {
      throw new AppError("undecodable_media", `Cannot decode it: ${facts.thumbnailError}`);
    }
    if (facts.thumbnail === "failed") {
      this.#warn(file, `It has no thumbnail: ${facts.thumbnailError}`);
    }
    return facts;
  }

  async #place({ file, md5, type, root }: HashedFile): Promise<FilePlace> {
    const { sizeBytes, mtimeMs, inode } = file;
    if (root !== null) {
      if (!isFileAsRead(await Deno.lstat(file.path), file)) {
        throw new AppError("conflict", `Cannot read ${file.path}: it changed while it was read`);
      }
      return { filepath: placeInRoot(root, file), sizeBytes, mtimeMs, inode };
    }
    if (this.#options.isDryRun) return { filepath: file.name, sizeBytes, mtimeMs, inode };
    return await storeFile(
      { ...file, md5, ext: type.ext, isMove: this.#options.mode === "move" },
      {
        paths: this.#library.paths,
        calls: this.#options.calls,
        leftovers: this.#options.leftovers,
        isTaken: (filepath) => isPathTaken(this.#library.core.reader, filepath, md5),
        isSame: (left, right) => this.#isSame(left, right),
      },
    );
  }

  /** Absolute path of a stored file; null when the folder that it lies in is not there. */
  async #locate(filepath: string): Promise<string | null> {
    try {
      return await locateFile(this.#library.paths, this.#library.roots(), filepath);
    } catch (error) {
      if (error instanceof AppError && error.code === "not_found") return null;
      throw error;
    }
  }

  async #isSame(left: string, right: string): Promise<boolean> {
    return (await this.#library.hasher.call("compareFiles", { left, right })).isSame;
  }

  async #hash(paths: string[]): Promise<string[]> {
    const { words, errors } = await this.#library.hasher.call("hashFiles", { paths });
    if (errors.length > 0) throw new AppError("unavailable", errors[0].message);
    return paths.map((_, i) => wordsToMd5Hex(words, 4 * i));
  }

  #warn(file: FoundFile, message: string, code?: ImportWarning["code"]): void {
    const about = { path: file.path, message };
    this.#options.report.warnings.push(code === undefined ? about : { ...about, code });
  }
}

/** Code and reason under which a file that could not be prepared is reported. */
export function describeSkip(error: unknown): { code: string; reason: string } {
  return { code: error instanceof AppError ? error.code : "unreadable", reason: toMessage(error) };
}
