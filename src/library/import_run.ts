import { basename, join, relative } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { HASH_BATCH_FILES, SIDECAR_BYTES_MAX } from "../base/limits.ts";
import { mediaTypeOfExt } from "../media/sniff.ts";
import { readImageIdByPath } from "../store/images.ts";
import { type ImportItem, type ImportOutcome, readPlace } from "../store/import_images.ts";
import type { LibraryRoot } from "../store/roots.ts";
import { LIBRARY_FILE } from "../tags/library_file.ts";
import { batchSizeFor } from "../system/memory.ts";
import { FolderLook, wouldReplace } from "./import_ask.ts";
import { BATCHES_AT_ONCE, eachBatch, hashFound } from "./import_hash.ts";
import {
  describeSkip,
  FilePreparer,
  type HashedFile,
  placeInRoot,
  type PreparedFile,
} from "./import_prepare.ts";
import { importLibraryFile } from "./import_library.ts";
import { emptyReport, type ImportProgress, type ImportReport } from "./import_report.ts";
import {
  type FoundFile,
  inBatches,
  isInside,
  walkFolder,
  type WalkOptions,
} from "./import_walk.ts";
import type { Library } from "./library.ts";
import { makeRootName } from "./root_name.ts";
import type { ReadSidecar } from "./sidecar_file.ts";
import { type FileCalls, forgetStored, type Leftovers, removeSource } from "./stored_file.ts";

/** Where an import leaves what it imports; see ImportOptions. */
export type ImportMode = "copy" | "move" | "in-place";

/** What became of one file that was not skipped. */
export type FileOutcome = {
  file: FoundFile;
  md5: string;
  kind: ImportOutcome["kind"];
  tagsAdded: number;
  /** Why a moved file could not be removed from where it was; null: it is gone, or was not to go. */
  fault: string | null;
  /** The sidecars that were read with it, as they were. */
  sidecars: readonly ReadSidecar[];
};

/** How a run works. */
export type RunOptions = {
  mode: ImportMode;
  dryRun?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
  /** Told of every file that is in the library now. */
  onFile?: (outcome: FileOutcome) => void;
  /** Folder whose files are remembered by their path in it, so that what comes later finds their image. */
  ingest?: string;
  /** Whether so many files of in-place roots may be taken for edited ones; by default what a look allowed. */
  mayEdit?: (count: number) => boolean;
  /** Does not ask whether in-place folders whose files have other contents are the right ones. */
  acceptChanged?: boolean;
  calls?: FileCalls;
  /** Folders that are not walked: the library's own. */
  own: readonly string[];
  /** What the last run stored and did not commit. */
  leftovers: Leftovers;
};

/** Part of the available memory that the sidecars of the batches in flight may take. */
const MEMORY_SHARE = 0.5;

/** Errors after which going on would fail file by file. */
const FATAL = new Set(["disk_full", "locked", "read_only", "corrupt", "cancelled"]);

/** One run over some folders or files. */
export class ImportRun {
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
  #isEditAsked = false;
  #roots: LibraryRoot[] = [];
  /** What was found out about in-place folders before anything was imported; null: nobody looked. */
  #look: FolderLook | null = null;

  /** Makes a run, which is used once. */
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

  /** Imports what lies below some folders. */
  async runFolders(folders: readonly string[]): Promise<ImportReport> {
    const startedAt = performance.now();
    await this.#lookAhead(folders);
    this.#progress.stage = "importing";
    for (const folder of folders) {
      await this.#openRoot(folder);
      await this.#importAll(this.#walkAccepted(folder));
    }
    await this.#importPostponed();
    for (const folder of folders) {
      if (this.#look?.isRefused(folder, folder) !== true) await this.#importLibraryFile(folder);
    }
    return await this.#end(startedAt);
  }

  /** Counts what is there, and in place finds out whether it is what the library knows. */
  async #lookAhead(folders: readonly string[]): Promise<void> {
    const { mode, acceptChanged = false, signal } = this.#options;
    if (mode === "in-place" && !acceptChanged) {
      this.#roots = this.#library.roots();
      this.#look = new FolderLook(this.#library, {
        rootOf: (path) => this.#rootOf(path),
        walk: (folder) => this.#walk(folder, { onSkip: () => {} }),
        onRead: (files) => {
          this.#countDone(files);
          this.#options.onProgress?.(this.#progress);
        },
        signal,
      });
    }
    for (const folder of folders) await this.#count(folder);
    if (this.#look === null) return;
    this.#report.asked.push(...await this.#look.ask());
    this.#progress.files = 0;
    this.#progress.bytes = 0;
  }

  #countDone(files: readonly FoundFile[]): void {
    for (const { sizeBytes } of files) {
      this.#progress.files++;
      this.#progress.bytes += sizeBytes;
    }
  }

  /** Walks through a folder without what a person is asked about. */
  async *#walkAccepted(folder: string): AsyncGenerator<FoundFile> {
    const walk = this.#walk(folder, {
      onSkip: (skipped) => this.#report.skipped.push(skipped),
      onHidden: () => this.#report.hidden++,
    });
    for await (const file of walk) {
      if (this.#look?.isRefused(folder, file.path) === true) this.#countDone([file]);
      else yield file;
    }
  }

  /** Imports some files, which lie in roots that are known if they stay in place. */
  async runFiles(files: readonly FoundFile[]): Promise<ImportReport> {
    const startedAt = performance.now();
    this.#roots = this.#library.roots();
    this.#progress.stage = "importing";
    this.#progress.filesTotal = files.length;
    this.#progress.bytesTotal = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    await this.#importAll(files);
    return await this.#end(startedAt);
  }

  async #end(startedAt: number): Promise<ImportReport> {
    await this.#importPostponed();
    this.#options.onProgress?.(this.#progress);
    this.#report.elapsedMs = performance.now() - startedAt;
    return this.#report;
  }

  /** What an export says of the library as a whole, now that its images are here. */
  async #importLibraryFile(folder: string): Promise<void> {
    if (this.#options.dryRun) return;
    const warnings = await importLibraryFile(this.#library, folder, this.#options.signal);
    for (const message of warnings) {
      this.#report.warnings.push({ path: join(folder, LIBRARY_FILE), message });
    }
  }

  async #count(folder: string): Promise<void> {
    for await (const file of this.#walk(folder, { onSkip: () => {} })) {
      this.#look?.see(folder, file);
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

  async #importAll(found: AsyncIterable<FoundFile> | Iterable<FoundFile>): Promise<void> {
    // Each file may come with a sidecar that is read whole.
    const size = batchSizeFor(SIDECAR_BYTES_MAX, {
      share: MEMORY_SHARE / BATCHES_AT_ONCE,
      max: HASH_BATCH_FILES,
    });
    await eachBatch(
      inBatches(found, size),
      (files) => this.#importBatch(files),
      () => this.#options.onProgress?.(this.#progress),
    );
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
    const read = await hashFound(this.#library, unknown, (path) => this.#rootOf(path));
    for (const skipped of read.skipped) this.#report.skipped.push(skipped);
    await this.#importHashed([...hashed, ...read.hashed]);
    this.#countDone(files);
    for (const { sizeBytes } of files) this.#report.bytes += sizeBytes;
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
      : this.#look?.takeHash(file);
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
    return wouldReplace(this.#library.core.reader, { filepath: placeInRoot(root, file), md5 });
  }

  /** Copies within this run, whose content is committed by now, and then the edited files. */
  async #importPostponed(): Promise<void> {
    while (this.#postponed.length + this.#edited.length > 0) {
      this.#options.signal?.throwIfAborted();
      const isLast = this.#postponed.length === 0;
      if (isLast) this.#leaveEdited();
      const waiting = isLast ? this.#edited : this.#postponed;
      await this.#importHashed(waiting.splice(0, HASH_BATCH_FILES), isLast);
    }
  }

  /** Leaves the edited files as they are recorded, if they are too many to be believed. */
  #leaveEdited(): void {
    const mayEdit = this.#options.mayEdit ?? this.#look?.mayEdit.bind(this.#look);
    if (mayEdit === undefined || this.#isEditAsked) return;
    this.#isEditAsked = true;
    const edited = this.#edited.filter((one) => this.#mayBeEdited(one));
    if (mayEdit(edited.length)) return;
    const reason = "Its content is another one than was recorded, as that of many others";
    for (const { file } of edited) {
      this.#report.skipped.push({ path: file.path, code: "edit_asked", reason });
    }
    const left = new Set(edited);
    this.#edited = this.#edited.filter((one) => !left.has(one));
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
    const items = prepared.map((one) => this.#toItem(one));
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
      const { file, md5, root } = one.hashed;
      if (root === null && one.item.place !== null) await forgetStored(this.#library.paths, md5);
      const fault = one.movedTo === null ? null : await this.#removeSource(file, one.movedTo);
      const { kind, tagsAdded } = outcomes[i];
      this.#options.onFile?.({ file, md5, kind, tagsAdded, fault, sidecars: one.sidecars });
    }
  }

  #toItem({ hashed, item }: PreparedFile): ImportItem {
    const { ingest } = this.#options;
    return ingest === undefined
      ? item
      : { ...item, ingestedAs: relative(ingest, hashed.file.path) };
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

  async #removeSource(file: FoundFile, stored: string): Promise<string | null> {
    let message: string;
    try {
      const reason = await removeSource(file, stored, this.#options.calls);
      if (reason === null) return null;
      message = `It is in the library and was left there: ${reason}`;
    } catch (error) {
      message = `It is in the library, but could not be removed: ${toMessage(error)}`;
    }
    this.#report.warnings.push({ path: file.path, message });
    return message;
  }
}
