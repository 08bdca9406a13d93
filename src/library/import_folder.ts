import { pooledMap } from "@std/async";
import { basename, extname, relative } from "node:path";
import { statfs } from "node:fs/promises";
import { AppError, toMessage } from "../base/errors.ts";
import { FREE_DISK_FLOOR_BYTES, HASH_BATCH_FILES } from "../base/limits.ts";
import { hashedFileHead, type HashedFiles, wordsToMd5Hex } from "../media/md5.ts";
import { inPlacePath } from "../media/paths.ts";
import {
  describeUnsupported,
  type MediaType,
  mediaTypeOfExt,
  sniffMediaType,
} from "../media/sniff.ts";
import {
  type FilePlace,
  type ImportItem,
  type ImportOutcome,
  isPathTaken,
  readContent,
  readPlace,
} from "../store/import_images.ts";
import type { LibraryRoot } from "../store/roots.ts";
import { isTrashed } from "../store/trash.ts";
import { emptyReport, type ImportProgress, type ImportReport } from "./import_report.ts";
import { makeFolderNames, readSidecars } from "./import_sidecars.ts";
import { checkFolder, type FoundFile, walkFolder } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { exists, locateFile, newThumbnailPath } from "./library_paths.ts";
import { lockLibrary } from "./lock.ts";
import { makeRootName } from "./root_name.ts";
import { clearIncoming, storeFile } from "./stored_file.ts";

/** How an import is to be done. */
export type ImportOptions = {
  /** Folders, absolute. */
  folders: readonly string[];
  /** copy: the source stays; move: it goes when it is safely stored; in-place: nothing is written there. */
  mode: "copy" | "move" | "in-place";
  /** Looks at everything and writes nothing. */
  dryRun?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
};

/** A file whose content is known. */
type HashedFile = { file: FoundFile; md5: string; type: MediaType; root: LibraryRoot | null };
/** What is to be committed for a file, and what follows the commit. */
type PreparedFile = { hashed: HashedFile; item: ImportItem; isKnown: boolean };

/** Batches at a time: one is hashed while another is decoded and a third is committed. */
const BATCHES_AT_ONCE = 3;

/** Errors after which going on would fail file by file. */
const FATAL = new Set(["disk_full", "locked", "read_only", "corrupt", "cancelled"]);

/**
 * Imports the pictures and videos below some folders, with what their sidecars say.
 *
 * A bad file is reported and stops nobody. Killed at any point and run again, nothing is lost and nothing
 * is there twice: a file's bytes and name are on the disk before its row is committed, and a source that
 * is moved is removed after that.
 *
 * @throws {AppError} `not_found` (a folder), `locked`, `disk_full`, `cancelled` …
 */
export async function importFolders(
  library: Library,
  options: ImportOptions,
): Promise<ImportReport> {
  const folders = await Promise.all(options.folders.map(checkFolder));
  const { images, thumbnails, trash, data } = library.paths;
  const own = await Promise.all(
    [images, thumbnails, trash, data].map((path) => Deno.realPath(path)),
  );
  for (const folder of folders) {
    if (own.some((path) => folder === path || folder.startsWith(`${path}/`))) {
      throw new AppError(
        "bad_request",
        `Cannot import ${folder}: it belongs to the library itself`,
        {
          remedy: "Name a folder outside of the library",
        },
      );
    }
  }
  const run = new ImportRun(library, options, own);
  if (options.dryRun) return await run.run(folders);
  const lock = await lockLibrary(library.paths.lock, "import");
  try {
    await clearIncoming(library.paths);
    await checkFreeDisk(library.paths.images, options.mode);
    return await run.run(folders);
  } finally {
    lock.release();
  }
}

async function checkFreeDisk(folder: string, mode: ImportOptions["mode"]): Promise<void> {
  if (mode === "in-place") return;
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes < FREE_DISK_FLOOR_BYTES) {
    throw new AppError("disk_full", `Cannot import: ${folder} has ${freeBytes} bytes left`, {
      remedy: `Free some space (at least ${FREE_DISK_FLOOR_BYTES} bytes), or use --in-place`,
    });
  }
}

/** One run over some folders. */
class ImportRun {
  readonly #library: Library;
  readonly #options: ImportOptions;
  readonly #own: readonly string[];
  readonly #report: ImportReport;
  readonly #folderNames = makeFolderNames();
  readonly #progress: ImportProgress = {
    stage: "scanning",
    files: 0,
    filesTotal: 0,
    bytes: 0,
    bytesTotal: 0,
  };
  /** Contents that a batch under way is going to add: their other copies wait until it is committed. */
  readonly #claimed = new Set<string>();
  readonly #addedHere = new Set<string>();
  #postponed: HashedFile[] = [];
  #roots: LibraryRoot[] = [];

  constructor(library: Library, options: ImportOptions, own: readonly string[]) {
    this.#library = library;
    this.#options = options;
    this.#own = own;
    this.#report = emptyReport(options.dryRun ?? false);
  }

  async run(folders: readonly string[]): Promise<ImportReport> {
    const startedAt = performance.now();
    for (const folder of folders) await this.#count(folder);
    this.#progress.stage = "importing";
    for (const folder of folders) {
      const root = await this.#openRoot(folder);
      // A rejection inside the pool would be nobody's while the walk waits for a slow disk.
      let failure: unknown;
      const batches = pooledMap(
        BATCHES_AT_ONCE,
        inBatches(this.#walk(folder), HASH_BATCH_FILES),
        (files) =>
          this.#importBatch(files, root).catch((error: unknown) => void (failure ??= error)),
      );
      for await (const _ of batches) {
        this.#options.onProgress?.(this.#progress);
        if (failure !== undefined) throw failure;
      }
      await this.#importPostponed();
    }
    this.#report.elapsedMs = performance.now() - startedAt;
    return this.#report;
  }

  async #count(folder: string): Promise<void> {
    const walk = walkFolder(folder, {
      exclude: this.#own,
      onSkip: () => {},
      signal: this.#options.signal,
    });
    for await (const file of walk) {
      this.#progress.filesTotal++;
      this.#progress.bytesTotal += file.sizeBytes;
      if (this.#progress.filesTotal % 1_000 === 0) this.#options.onProgress?.(this.#progress);
    }
  }

  #walk(folder: string): AsyncGenerator<FoundFile> {
    return walkFolder(folder, {
      exclude: this.#own,
      onSkip: (skipped) => this.#report.skipped.push(skipped),
      signal: this.#options.signal,
    });
  }

  /** The in-place root of a folder: the one it lies in, else a new one. */
  async #openRoot(folder: string): Promise<LibraryRoot | null> {
    if (this.#options.mode !== "in-place") return null;
    this.#roots = this.#library.roots();
    const known = this.#roots.filter(({ path }) => folder === path || folder.startsWith(`${path}/`))
      .sort((a, b) => b.path.length - a.path.length)[0];
    if (known !== undefined) return known;
    const wanted = { name: makeRootName(basename(folder)), path: folder };
    return this.#options.dryRun ? wanted : await this.#library.writer.call("ensureRoot", wanted);
  }

  async #importBatch(files: FoundFile[], root: LibraryRoot | null): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const hashed: HashedFile[] = [];
    const unknown: FoundFile[] = [];
    for (const file of files) {
      const known = root === null ? undefined : this.#recognise(file, root);
      if (known === undefined) unknown.push(file);
      else hashed.push(known);
    }
    if (unknown.length > 0) {
      const paths = unknown.map((file) => file.path);
      const result = await this.#library.hasher.call("hashFiles", { paths });
      unknown.forEach((file, i) => {
        const one = this.#takeHash(file, result, { index: i, root });
        if (one !== null) hashed.push(one);
      });
    }
    await this.#importHashed(hashed);
    for (const file of files) {
      this.#progress.files++;
      this.#progress.bytes += file.sizeBytes;
      this.#report.bytes += file.sizeBytes;
    }
  }

  /** A file of an in-place root that did not change since it was recorded need not be hashed again. */
  #recognise(file: FoundFile, root: LibraryRoot): HashedFile | undefined {
    const filepath = inPlacePath(root.name, relative(root.path, file.path));
    const place = readPlace(this.#library.core.reader, filepath);
    const isSame = place !== undefined && place.sizeBytes === file.sizeBytes &&
      place.mtimeMs === file.mtimeMs && place.inode === file.inode;
    const type = place === undefined ? undefined : mediaTypeOfExt(place.ext);
    return isSame && type !== undefined ? { file, md5: place.md5, type, root } : undefined;
  }

  #takeHash(
    file: FoundFile,
    result: HashedFiles,
    at: { index: number; root: LibraryRoot | null },
  ): HashedFile | null {
    const { index, root } = at;
    if (result.status[index] !== 0) {
      const error = result.errors.find((one) => one.index === index);
      this.#skip(file.path, "unreadable", error?.message ?? "Cannot read the file");
      return null;
    }
    const head = hashedFileHead(result, index);
    const type = sniffMediaType(head);
    if (type === undefined) {
      this.#skip(
        file.path,
        "unsupported",
        `It is ${describeUnsupported(head) ?? "no picture or video"}`,
      );
      return null;
    }
    const now = { ...file, sizeBytes: result.sizes[index], mtimeMs: result.mtimesMs[index] };
    return { file: now, md5: wordsToMd5Hex(result.words, 4 * index), type, root };
  }

  async #importHashed(files: readonly HashedFile[]): Promise<void> {
    const mine: HashedFile[] = [];
    for (const one of files) {
      if (this.#claimed.has(one.md5)) this.#postponed.push(one);
      else {
        this.#claimed.add(one.md5);
        mine.push(one);
      }
    }
    try {
      const prepared = await Promise.all(mine.map((one) => this.#tryPrepare(one)));
      await this.#commit(prepared.filter((one) => one !== null));
    } finally {
      for (const { md5 } of mine) this.#claimed.delete(md5);
    }
  }

  /** Copies within this run: their content is committed by now, so they are known ones. */
  async #importPostponed(): Promise<void> {
    while (this.#postponed.length > 0) {
      const next = this.#postponed.splice(0, HASH_BATCH_FILES);
      await this.#importHashed(next);
    }
  }

  async #tryPrepare(hashed: HashedFile): Promise<PreparedFile | null> {
    try {
      return await this.#prepare(hashed);
    } catch (error) {
      if (error instanceof AppError && FATAL.has(error.code)) throw error;
      const code = error instanceof AppError ? error.code : "unreadable";
      this.#skip(hashed.file.path, code, toMessage(error));
      return null;
    }
  }

  /** Looks into a file, stores it if it is new, and says what is to be committed; null: skipped. */
  async #prepare(hashed: HashedFile): Promise<PreparedFile | null> {
    const { file, md5, type, root } = hashed;
    const { reader } = this.#library.core;
    if (isTrashed(reader, md5)) {
      this.#skip(file.path, "in_trash", "Its content is in the trash: restore it there");
      return null;
    }
    const known = readContent(reader, md5);
    const stored = known === undefined ? null : await this.#locate(known.filepath);
    const isStored = stored !== null && await exists(stored);
    if (isStored && !(await this.#isSame(file.path, stored))) {
      throw new AppError(
        "md5_collision",
        `Its md5 is that of ${known!.filepath}, its bytes are not`,
      );
    }
    const sidecars = await readSidecars(file, md5, this.#folderNames);
    for (const message of sidecars.warnings) {
      this.#report.warnings.push({ path: file.path, message });
    }
    const isNew = known === undefined || !isStored;
    const facts = isNew ? await this.#inspect(hashed) : null;
    return {
      hashed,
      isKnown: known !== undefined,
      item: {
        md5,
        place: root === null && !isNew ? null : await this.#place(hashed),
        isServed: isNew,
        media: {
          ext: type.ext,
          sizeBytes: file.sizeBytes,
          width: facts?.width ?? null,
          height: facts?.height ?? null,
          durationMs: facts?.durationMs ?? null,
          originalName: file.name,
        },
        tags: sidecars.tags,
        rating: sidecars.rating,
        sites: sidecars.sites,
      },
    };
  }

  async #inspect({ file, md5, type }: HashedFile) {
    if (this.#options.dryRun) return null;
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
      this.#report.warnings.push({
        path: file.path,
        message: `It has no thumbnail: ${facts.thumbnailError}`,
      });
    }
    return facts;
  }

  async #place({ file, md5, type, root }: HashedFile): Promise<FilePlace> {
    const { sizeBytes, mtimeMs, inode } = file;
    if (root !== null) {
      const filepath = inPlacePath(root.name, relative(root.path, file.path));
      return { filepath, sizeBytes, mtimeMs, inode };
    }
    if (this.#options.dryRun) return { filepath: file.name, sizeBytes, mtimeMs, inode };
    return await storeFile(
      { ...file, md5, ext: type.ext, isMove: this.#options.mode === "move" },
      {
        paths: this.#library.paths,
        isTaken: (filepath) => isPathTaken(this.#library.core.reader, filepath),
        isSame: (left, right) => this.#isSame(left, right),
      },
    );
  }

  async #commit(prepared: readonly PreparedFile[]): Promise<void> {
    if (prepared.length === 0) return;
    if (this.#options.dryRun) {
      for (const one of prepared) this.#tally(one, null);
      return;
    }
    const items = prepared.map((one) => one.item);
    let outcomes: ImportOutcome[];
    try {
      outcomes = await this.#library.writer.call("importImages", { items });
    } catch (error) {
      if (error instanceof AppError && FATAL.has(error.code)) throw error;
      if (prepared.length > 1) {
        // One item spoils its transaction: the others are committed without it.
        for (const one of prepared) await this.#commit([one]);
        return;
      }
      this.#skip(prepared[0].hashed.file.path, "not_written", toMessage(error));
      return;
    }
    for (const [i, one] of prepared.entries()) {
      this.#tally(one, outcomes[i]);
      if (this.#options.mode === "move" && !one.isKnown) await this.#removeSource(one.hashed.file);
    }
  }

  #tally({ hashed, isKnown }: PreparedFile, outcome: ImportOutcome | null): void {
    const isRepeated = this.#addedHere.has(hashed.md5);
    const kind = outcome?.kind ?? (isKnown || isRepeated ? "known" : "added");
    if (kind === "added") this.#report.added++;
    else if (kind === "replaced") this.#report.replaced++;
    else if (kind === "place" || isRepeated) this.#report.furtherCopies++;
    else this.#report.alreadyThere++;
    if (kind !== "added") this.#report.tagsMerged += outcome?.tagsAdded ?? 0;
    this.#addedHere.add(hashed.md5);
  }

  /** Removes a moved file whose content is committed, unless somebody changed it meanwhile. */
  async #removeSource(file: FoundFile): Promise<void> {
    try {
      const now = await Deno.lstat(file.path);
      const isSame = now.isFile && now.size === file.sizeBytes &&
        (now.mtime?.getTime() ?? 0) === file.mtimeMs && (now.ino ?? 0) === file.inode;
      if (isSame) await Deno.remove(file.path);
      else {this.#report.warnings.push({
          path: file.path,
          message: "It changed and was left there",
        });}
    } catch (error) {
      const message = `It is in the library, but could not be removed: ${toMessage(error)}`;
      this.#report.warnings.push({ path: file.path, message });
    }
  }

  async #locate(filepath: string): Promise<string> {
    return await locateFile(this.#library.paths, this.#library.roots(), filepath);
  }

  async #isSame(left: string, right: string): Promise<boolean> {
    return (await this.#library.hasher.call("compareFiles", { left, right })).isSame;
  }

  #skip(path: string, code: string, reason: string): void {
    this.#report.skipped.push({ path, code, reason });
  }
}

async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
