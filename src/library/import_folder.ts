import { pooledMap } from "@std/async";
import { basename } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { HASH_BATCH_FILES } from "../base/limits.ts";
import { hashedFileHead, type HashedFiles, wordsToMd5Hex } from "../media/md5.ts";
import { describeUnsupported, mediaTypeOfExt, sniffMediaType } from "../media/sniff.ts";
import { readImageIdByPath } from "../store/images.ts";
import { type ImportOutcome, isPathTaken, readContent, readPlace } from "../store/import_images.ts";
import type { LibraryRoot } from "../store/roots.ts";
import {
  describeSkip,
  FilePreparer,
  type HashedFile,
  placeInRoot,
  type PreparedFile,
} from "./import_prepare.ts";
import { emptyReport, type ImportProgress, type ImportReport } from "./import_report.ts";
import {
  checkFolder,
  type FoundFile,
  inBatches,
  isInside,
  walkFolder,
  type WalkOptions,
  withoutInner,
} from "./import_walk.ts";
import type { Library } from "./library.ts";
import { exists } from "./library_paths.ts";
import { lockLibrary } from "./lock.ts";
import { makeRootName } from "./root_name.ts";
import {
  checkFreeDisk,
  clearIncoming,
  type FileCalls,
  forgetStored,
  type Leftovers,
  removeIncoming,
  removeSource,
} from "./stored_file.ts";

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
  /** For tests: less free disk than this and nothing is begun. */
  freeDiskFloorBytes?: number;
  /** For tests: calls that fail. */
  calls?: FileCalls;
};

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
  const folders = withoutInner(await Promise.all(options.folders.map(checkFolder)));
  const { images, thumbnails, trash, data } = library.paths;
  const own = await Promise.all(
    [images, thumbnails, trash, data].map(async (path) =>
      await exists(path) ? await Deno.realPath(path) : path
    ),
  );
  for (const folder of folders) checkSource(library, own, { folder, mode: options.mode });
  if (options.dryRun) {
    return await new ImportRun(library, { ...options, own, leftovers: new Map() }).run(folders);
  }
  const lock = await lockLibrary(library.paths.lock, "import");
  try {
    const isTaken = (filepath: string) => isPathTaken(library.core.reader, filepath);
    const leftovers = await clearIncoming(library.paths, isTaken);
    if (options.mode !== "in-place") await checkFreeDisk(images, options.freeDiskFloorBytes);
    return await new ImportRun(library, { ...options, own, leftovers }).run(folders);
  } finally {
    await removeIncoming(library.paths);
    lock.release();
  }
}

function checkSource(
  library: Library,
  own: readonly string[],
  source: { folder: string; mode: ImportOptions["mode"] },
): void {
  const { folder, mode } = source;
  if (own.some((path) => isInside(folder, path))) {
    throw new AppError("bad_request", `Cannot import ${folder}: it belongs to the library itself`, {
      remedy: "Name a folder outside of the library",
    });
  }
  const root = library.roots().find(({ path }) => isInside(folder, path) || isInside(path, folder));
  if (mode === "move" && root !== undefined) {
    throw new AppError(
      "bad_request",
      `Cannot move files out of ${folder}: ${root.path} is indexed in place and never written`,
      { remedy: "Use --copy, or name other folders" },
    );
  }
}

/** What a run needs besides: the library's own folders, and what the last run left. */
type RunOptions = ImportOptions & { own: readonly string[]; leftovers: Leftovers };

/** One run over some folders. */
class ImportRun {
  readonly #library: Library;
  readonly #options: RunOptions;
  readonly #report: ImportReport;
  readonly #preparer: FilePreparer;
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
  /**
   * Files of in-place roots whose content is new while their path belongs to an image. Only when all
   * else is recorded is it known whether they were edited, or whether the old file was renamed.
   */
  #edited: HashedFile[] = [];
  #roots: LibraryRoot[] = [];

  constructor(library: Library, options: RunOptions) {
    this.#library = library;
    this.#options = options;
    this.#report = emptyReport(options.dryRun ?? false);
    this.#preparer = new FilePreparer(library, {
      ...options,
      isDryRun: options.dryRun ?? false,
      report: this.#report,
    });
  }

  async run(folders: readonly string[]): Promise<ImportReport> {
    const startedAt = performance.now();
    for (const folder of folders) await this.#count(folder);
    this.#progress.stage = "importing";
    for (const folder of folders) {
      await this.#openRoot(folder);
      await this.#importFolder(folder);
    }
    await this.#importPostponed();
    this.#options.onProgress?.(this.#progress);
    this.#report.elapsedMs = performance.now() - startedAt;
    return this.#report;
  }

  async #count(folder: string): Promise<void> {
    for await (const file of this.#walk(folder, { onSkip: () => {} })) {
      this.#progress.filesTotal++;
      this.#progress.bytesTotal += file.sizeBytes;
      if (this.#progress.filesTotal % 1_000 === 0) this.#options.onProgress?.(this.#progress);
    }
  }

  #walk(
    folder: string,
    on: Pick<WalkOptions, "onSkip" | "onHidden">,
  ): AsyncGenerator<FoundFile> {
    return walkFolder(folder, { exclude: this.#options.own, signal: this.#options.signal, ...on });
  }

  /** Imports a folder. What began is awaited however it ends: the lock must outlive all work. */
  async #importFolder(folder: string): Promise<void> {
    const failures: unknown[] = [];
    const batches = pooledMap(
      BATCHES_AT_ONCE,
      this.#batches(folder, failures),
      (files) => this.#importBatch(files).catch((error: unknown) => void failures.push(error)),
    );
    for await (const _ of batches) this.#options.onProgress?.(this.#progress);
    if (failures.length > 0) throw failures[0];
  }

  /** Yields the files of a folder until there are no more or something failed. */
  async *#batches(folder: string, failures: unknown[]): AsyncGenerator<FoundFile[]> {
    try {
      const walk = this.#walk(folder, {
        onSkip: (skipped) => this.#report.skipped.push(skipped),
        onHidden: () => this.#report.hidden++,
      });
      for await (const batch of inBatches(walk, HASH_BATCH_FILES)) {
        if (failures.length > 0) return;
        yield batch;
      }
    } catch (error) {
      failures.push(error);
    }
  }

  /** Makes sure that a folder lies in an in-place root: one that is known, else a new one. */
  async #openRoot(folder: string): Promise<void> {
    if (this.#options.mode !== "in-place") return;
    if (this.#roots.length === 0) this.#roots = this.#library.roots();
    if (this.#rootOf(folder) !== null) return;
    const wanted = { name: makeRootName(basename(folder)), path: folder };
    this.#roots.push(
      this.#options.dryRun ? wanted : await this.#library.writer.call("ensureRoot", wanted),
    );
  }

  /** The innermost in-place root of a path, so that a file has one place however roots are nested. */
  #rootOf(path: string): LibraryRoot | null {
    if (this.#options.mode !== "in-place") return null;
    return this.#roots.filter((root) => isInside(path, root.path))
      .reduce<LibraryRoot | null>((best, root) => {
        return best === null || root.path.length > best.path.length ? root : best;
      }, null);
  }

  async #importBatch(files: FoundFile[]): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const hashed: HashedFile[] = [];
    const unknown: FoundFile[] = [];
    for (const file of files) {
      const known = this.#recognise(file);
      if (known === undefined) unknown.push(file);
      else hashed.push(known);
    }
    if (unknown.length > 0) {
      const paths = unknown.map((file) => file.path);
      const result = await this.#library.hasher.call("hashFiles", { paths });
      unknown.forEach((file, i) => {
        const one = this.#takeHash(file, result, i);
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
  #recognise(file: FoundFile): HashedFile | undefined {
    const root = this.#rootOf(file.path);
    if (root === null) return undefined;
    const place = readPlace(this.#library.core.reader, placeInRoot(root, file));
    const isSame = place !== undefined && place.sizeBytes === file.sizeBytes &&
      place.mtimeMs === file.mtimeMs && place.inode === file.inode;
    const type = place === undefined ? undefined : mediaTypeOfExt(place.ext);
    return isSame && type !== undefined
      ? { file, md5: place.md5, type, root, isRecorded: true }
      : undefined;
  }

  #takeHash(file: FoundFile, result: HashedFiles, index: number): HashedFile | null {
    if (result.status[index] !== 0) {
      const error = result.errors.find((one) => one.index === index);
      const reason = error?.message ?? "Cannot read the file";
      this.#report.skipped.push({ path: file.path, code: "unreadable", reason });
      return null;
    }
    const head = hashedFileHead(result, index);
    const type = sniffMediaType(head);
    if (type === undefined) {
      const reason = `It is ${describeUnsupported(head) ?? "no picture or video"}`;
      this.#report.skipped.push({ path: file.path, code: "unsupported", reason });
      return null;
    }
    const now = { ...file, sizeBytes: result.sizes[index], mtimeMs: result.mtimesMs[index] };
    const md5 = wordsToMd5Hex(result.words, 4 * index);
    return { file: now, md5, type, root: this.#rootOf(file.path), isRecorded: false };
  }

  async #importHashed(files: readonly HashedFile[], isLast = false): Promise<void> {
    const mine: HashedFile[] = [];
    for (const one of files) {
      if (this.#claimed.has(one.md5)) this.#postponed.push(one);
      else if (!isLast && this.#mayBeEdited(one)) this.#edited.push(one);
      else {
        this.#claimed.add(one.md5);
        mine.push(one);
      }
    }
    try {
      const results = await Promise.allSettled(mine.map((one) => this.#tryPrepare(one)));
      const prepared = results.map((one) => one.status === "fulfilled" ? one.value : null);
      await this.#commit(prepared.filter((one) => one !== null));
      const failed = results.find((one) => one.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    } finally {
      for (const { md5 } of mine) this.#claimed.delete(md5);
    }
  }

  #mayBeEdited({ file, md5, root, isRecorded }: HashedFile): boolean {
    if (root === null || isRecorded) return false;
    const { reader } = this.#library.core;
    return readContent(reader, md5) === undefined &&
      readImageIdByPath(reader, placeInRoot(root, file)) !== undefined;
  }

  /** Copies within this run, whose content is committed by now, and then the edited files. */
  async #importPostponed(): Promise<void> {
    while (this.#postponed.length + this.#edited.length > 0) {
      this.#options.signal?.throwIfAborted();
      const isLast = this.#postponed.length === 0;
      const waiting = isLast ? this.#edited : this.#postponed;
      await this.#importHashed(waiting.splice(0, HASH_BATCH_FILES), isLast);
    }
  }

  async #tryPrepare(hashed: HashedFile): Promise<PreparedFile | null> {
    try {
      return await this.#preparer.prepare(hashed);
    } catch (error) {
      if (error instanceof AppError && FATAL.has(error.code)) throw error;
      this.#report.skipped.push({ path: hashed.file.path, ...describeSkip(error) });
      return null;
    }
  }

  async #commit(prepared: readonly PreparedFile[]): Promise<void> {
    if (prepared.length === 0) return;
    if (this.#options.dryRun) {
      for (const one of prepared) this.#tally(one, { kind: this.#foresee(one), tagsAdded: 0 });
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
      const { path } = prepared[0].hashed.file;
      this.#report.skipped.push({ path, code: "not_written", reason: toMessage(error) });
      return;
    }
    for (const [i, one] of prepared.entries()) {
      this.#tally(one, outcomes[i]);
      const { md5, root } = one.hashed;
      if (root === null && one.item.place !== null) await forgetStored(this.#library.paths, md5);
      if (one.movedTo !== null) await this.#removeSource(one.hashed.file, one.movedTo);
    }
  }

  /** What the database would make of a file, in a dry run. */
  #foresee({ hashed, isKnown }: PreparedFile): ImportOutcome["kind"] {
    const { file, md5, root } = hashed;
    const { reader } = this.#library.core;
    const isRepeated = this.#addedHere.has(md5);
    if (root === null) return isKnown || isRepeated ? "known" : "added";
    const filepath = placeInRoot(root, file);
    if (isKnown || isRepeated) {
      return readPlace(reader, filepath)?.md5 === md5 ? "known" : "place";
    }
    return readImageIdByPath(reader, filepath) === undefined ? "added" : "replaced";
  }

  #tally({ hashed }: PreparedFile, outcome: Pick<ImportOutcome, "kind" | "tagsAdded">): void {
    const { kind, tagsAdded } = outcome;
    if (kind === "added") this.#report.added++;
    else if (kind === "replaced") this.#report.replaced++;
    else if (kind === "place" || this.#addedHere.has(hashed.md5)) this.#report.furtherCopies++;
    else this.#report.alreadyThere++;
    if (kind !== "added") this.#report.tagsMerged += tagsAdded;
    this.#addedHere.add(hashed.md5);
  }

  async #removeSource(file: FoundFile, stored: string): Promise<void> {
    let message: string;
    try {
      const reason = await removeSource(file, stored, this.#options.calls);
      if (reason === null) return;
      message = `It is in the library and was left there: ${reason}`;
    } catch (error) {
      message = `It is in the library, but could not be removed: ${toMessage(error)}`;
    }
    this.#report.warnings.push({ path: file.path, message });
  }
}
