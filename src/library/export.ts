import { pooledMap } from "@std/async";
import { basename, dirname, join } from "node:path";
import { AppError } from "../base/errors.ts";
import { toFileError } from "../media/file_error.ts";
import { wordsToMd5Hex } from "../media/md5.ts";
import { parseQuery } from "../query/parser.ts";
import { search } from "../query/search.ts";
import type { ExportedSidecar } from "../store/export_reader.ts";
import {
  LIBRARY_FILE,
  LIBRARY_FILE_VERSION,
  LIBRARY_FORMAT,
  type LibraryHeader,
  readLibraryHeader,
  writeLibraryHeader,
} from "../tags/library_file.ts";
import type { ArchiveContract } from "../worker/contracts.ts";
import { spawnArchive } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import { checkRoom, toKnownError } from "./backup_files.ts";
import { ExportFolder, isSidecarOf, type Placed, toExportPath } from "./export_files.ts";
import { isInside } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { exists, locateFile } from "./library_paths.ts";
import type { FileCalls } from "./stored_file.ts";

/** Which sidecars an export writes. */
export type ExportFormat = "gallery-dl" | "txt" | "both";

/** What is to be exported, and how. */
export type ExportOptions = {
  /** Folder, absolute; made if the one above it is there. */
  to: string;
  /** `both` by default. */
  format?: ExportFormat;
  /** A search; all images by default. */
  query?: string;
  /** Whether the files are copied too; `none` by default. */
  files?: "none" | "copy";
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
  /** For tests: room that must stay on the disk. */
  freeDiskFloorBytes?: number;
  /** For tests: calls that fail. */
  calls?: FileCalls;
};

/** What an export did. */
export type ExportReport = {
  folder: string;
  images: number;
  /** Sidecars that are new or changed. */
  sidecarsWritten: number;
  /** Sidecars that an earlier export wrote just so. */
  sidecarsUnchanged: number;
  filesCopied: number;
  filesUnchanged: number;
  /** What could not be written, by its path in the export. */
  failed: { path: string; code: string; reason: string }[];
  elapsedMs: number;
};

/** Images whose sidecars are made at a time when a search names them. */
const IMAGES_AT_ONCE = 100;
/** Files that are written at a time. */
const FILES_AT_ONCE = 8;
/** About so much of a sidecar is written for an image, to know whether there is room. */
const SIDECAR_BYTES_USUAL = 8_192;
/** Sidecars of others that are remembered by name. */
const KEPT_MAX = 1_000;
/** The first line of the library's own file is at most so long. */
const HEADER_BYTES_MAX = 4 * 1_048_576;
/** Errors after which going on would fail file by file. */
const FATAL = new Set(["disk_full", "read_only", "cancelled", "corrupt", "locked"]);

/**
 * Writes what the library knows of its images into a folder: a sidecar of each as gallery-dl writes them,
 * a list of its tags, or both, and on demand a copy of its file; and one file for what belongs to no single
 * image. Imported into an empty library, an export with files gives the same library.
 *
 * It shows the library as of one moment. Nothing that is in the folder is overwritten but what an earlier
 * export wrote, so that it can be done again.
 *
 * @throws {QuerySyntaxError} If the query does not parse.
 * @throws {AppError} `bad_request` for a folder of the library, `not_found`, `conflict` if the folder is
 *   another library's export, `disk_full`, `cancelled`; what was written stays.
 */
export async function exportLibrary(
  library: Library,
  options: ExportOptions,
): Promise<ExportReport> {
  // Before a folder is made for it.
  if (options.query !== undefined) parseQuery(options.query);
  try {
    const folder = await openFolder(library, options.to);
    return await new ExportRun(library, { ...options, to: folder }).run();
  } catch (error) {
    if (!options.signal?.aborted) throw toKnownError("export to", options.to, error);
    throw new AppError("cancelled", "The export was cancelled; what was written stays", {
      remedy: "Run it again to go on",
    });
  }
}

async function openFolder(library: Library, to: string): Promise<string> {
  try {
    const isThere = await exists(to);
    const folder = isThere
      ? await Deno.realPath(to)
      : join(await Deno.realPath(dirname(to)), basename(to));
    await checkOutside(library, folder);
    if (!isThere) await Deno.mkdir(folder);
    if ((await Deno.stat(folder)).isDirectory) return folder;
    throw new AppError("bad_request", `Cannot export to ${to}: it is not a folder`);
  } catch (error) {
    const fault = toFileError("export to", to, error);
    throw new AppError(fault.code, fault.message, {
      remedy: fault.remedy ?? "Name a folder, of which the one above is there",
      cause: error,
    });
  }
}

/** What belongs to the library is not written, and neither are folders that are indexed in place. */
async function checkOutside(library: Library, folder: string): Promise<void> {
  const { paths } = library;
  const own = [paths.images, paths.thumbnails, paths.trash, paths.ingest, paths.data];
  const places = [...own, ...library.roots().map(({ path }) => path)];
  const real = await Promise.all(
    places.map(async (path) => await exists(path) ? await Deno.realPath(path) : path),
  );
  const inside = real.some((path) => isInside(folder, path));
  if (!inside && folder !== await Deno.realPath(paths.folder)) return;
  throw new AppError("bad_request", `Cannot export to ${folder}: it belongs to the library`, {
    remedy: "Name a folder outside of it",
  });
}

/** One run into a folder that is there. */
class ExportRun {
  readonly #library: Library;
  readonly #options: ExportOptions;
  readonly #folder: ExportFolder;
  readonly #report: ExportReport;
  readonly #worker = new WorkerClient<ArchiveContract>(spawnArchive, { name: "archive" });
  /** Of the last export into this folder. */
  #earlier: LibraryHeader | null = null;
  /** Text sidecars of others: nothing in them says whose they are. */
  readonly #kept = new Set<string>();

  constructor(library: Library, options: ExportOptions) {
    this.#library = library;
    this.#options = options;
    this.#folder = new ExportFolder(options.to, options.calls);
    this.#report = {
      folder: options.to,
      images: 0,
      sidecarsWritten: 0,
      sidecarsUnchanged: 0,
      filesCopied: 0,
      filesUnchanged: 0,
      failed: [],
      elapsedMs: 0,
    };
  }

  async run(): Promise<ExportReport> {
    const startedAt = performance.now();
    const { to, signal, format = "both", files = "none" } = this.#options;
    const ids = await this.#search();
    try {
      const { libraryId, images, bytes } = await this.#worker.call("openExport", {
        path: this.#library.paths.database,
        json: format !== "txt",
        txt: format !== "gallery-dl",
      });
      await this.#readEarlier(libraryId);
      const total = ids?.length ?? images;
      const share = images === 0 ? 0 : total / images;
      const fileBytes = files === "copy" ? Math.round(bytes * share) : 0;
      await checkRoom(to, total * SIDECAR_BYTES_USUAL + fileBytes, {
        action: "export",
        floorBytes: this.#options.freeDiskFloorBytes,
      });
      await this.#folder.open();
      for await (const sidecars of this.#read(ids)) {
        signal?.throwIfAborted();
        await this.#writeAll(sidecars);
        this.#report.images += sidecars.length;
        this.#options.onProgress?.({ done: this.#report.images, total });
      }
      await this.#writeLibraryFile(libraryId, ids === null);
    } finally {
      await this.#worker.close();
      await this.#folder.close();
    }
    this.#report.elapsedMs = performance.now() - startedAt;
    return this.#report;
  }

  /** Ids that a search finds, in its order; null: no search. */
  async #search(): Promise<Int32Array | null> {
    const { query, signal } = this.#options;
    if (query === undefined) return null;
    const parsed = parseQuery(query);
    const { cache } = this.#library.core;
    if (cache.current.generation === 0) await cache.loadDataFromDb({ verbose: false });
    const snapshot = cache.current;
    const result = await search(snapshot, parsed, { signal });
    const count = Math.min(result.total, parsed.limit ?? Infinity);
    return Int32Array.from(result.rowsBetween(0, count), (row) => snapshot.idAt(row));
  }

  async *#read(ids: Int32Array | null): AsyncGenerator<ExportedSidecar[]> {
    for (let i = 0; ids === null || i < ids.length; i += IMAGES_AT_ONCE) {
      const some = ids === null ? null : [...ids.subarray(i, i + IMAGES_AT_ONCE)];
      const sidecars = await this.#worker.call("readSidecars", { ids: some });
      if (ids === null && sidecars.length === 0) return;
      yield sidecars;
    }
  }

  /** The header of what an earlier export wrote; its sidecars are ours. */
  async #readEarlier(libraryId: string): Promise<void> {
    const path = join(this.#options.to, LIBRARY_FILE);
    if (!(await exists(path))) return;
    this.#earlier = readLibraryHeader(await readFirstLine(path));
    if (this.#earlier?.library_id === libraryId) {
      for (const name of this.#earlier.kept ?? []) this.#kept.add(name);
      return;
    }
    const what = this.#earlier === null ? "another program's file" : "another library's export";
    throw new AppError("conflict", `Cannot export to ${this.#options.to}: ${path} is ${what}`, {
      remedy: "Name another folder",
    });
  }

  /** Writes the sidecars of some images. What began is awaited however it ends. */
  async #writeAll(sidecars: readonly ExportedSidecar[]): Promise<void> {
    const failures: unknown[] = [];
    const written = pooledMap(FILES_AT_ONCE, sidecars, async (sidecar) => {
      if (failures.length > 0) return;
      await this.#writeOne(sidecar).catch((error: unknown) => void failures.push(error));
    });
    for await (const _ of written);
    if (failures.length > 0) throw failures[0];
  }

  async #writeOne({ filepath, md5, json, txt }: ExportedSidecar): Promise<void> {
    const { format = "both", files = "none" } = this.#options;
    const path = toExportPath(filepath);
    if (files === "copy") {
      const fault = await this.#attempt(path, () => this.#copy(path, filepath, md5));
      // Beside another picture the sidecars would be taken for that one's.
      if (fault === "conflict") return;
    }
    if (format !== "txt") {
      const name = `${path}.json`;
      await this.#attempt(name, async () => {
        if (json === null) throw tooLong(name);
        const placed = await this.#folder.put(name, json, (_, old) => isSidecarOf(md5, old));
        this.#countSidecar(placed);
      });
    }
    if (format !== "gallery-dl") {
      const name = `${path}.txt`;
      await this.#attempt(name, async () => {
        if (txt === null) throw tooLong(name);
        this.#countSidecar(await this.#putTxt(name, txt));
      });
    }
  }

  #countSidecar(placed: Placed): void {
    if (placed === "written") this.#report.sidecarsWritten++;
    else this.#report.sidecarsUnchanged++;
  }

  /** Runs one step; gives the code of its failure, which is reported, or null. */
  async #attempt(path: string, step: () => Promise<void>): Promise<string | null> {
    try {
      await step();
      return null;
    } catch (error) {
      const fault = toFileError("export", path, error);
      if (FATAL.has(fault.code)) throw fault;
      const { code, message: reason } = fault;
      this.#report.failed.push({ path, code, reason });
      return code;
    }
  }

  async #putTxt(name: string, bytes: Uint8Array): Promise<Placed> {
    try {
      return await this.#folder.put(name, bytes, (path) => this.#isOurTxt(name, path));
    } catch (error) {
      if (error instanceof AppError && error.code === "conflict") this.#kept.add(name);
      throw error;
    }
  }

  /** Whether the last export wrote it: it was not there before, and nobody touched it since. */
  async #isOurTxt(name: string, path: string): Promise<boolean> {
    if (this.#earlier === null || this.#earlier.kept === null || this.#kept.has(name)) return false;
    const { mtime } = await Deno.stat(path);
    return mtime !== null && mtime.getTime() <= this.#earlier.exported_at_ms;
  }

  async #copy(path: string, filepath: string, md5: string): Promise<void> {
    const { paths, hasher } = this.#library;
    const source = await locateFile(paths, this.#library.roots(), filepath);
    const placed = await this.#folder.copy(path, source, {
      isSame: async (left, right) => (await hasher.call("compareFiles", { left, right })).isSame,
      check: async (copy) => {
        const { words, errors } = await hasher.call("hashFiles", { paths: [copy] });
        if (errors.length > 0) throw new AppError("unavailable", errors[0].message);
        if (wordsToMd5Hex(words, 0) === md5) return;
        throw new AppError("unavailable", `Cannot export ${filepath}: its bytes have another MD5`, {
          remedy: "See check",
        });
      },
    });
    if (placed === "written") this.#report.filesCopied++;
    else this.#report.filesUnchanged++;
  }

  async #writeLibraryFile(libraryId: string, isWhole: boolean): Promise<void> {
    const { to, calls = Deno } = this.#options;
    const temporary = this.#folder.makeUnfinished();
    const kept = this.#kept.size > KEPT_MAX ? null : [...this.#kept].sort();
    try {
      using file = await Deno.open(temporary, { write: true, createNew: true });
      const write = async (bytes: Uint8Array) => {
        for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      };
      const header = writeLibraryHeader({
        format: LIBRARY_FORMAT,
        version: LIBRARY_FILE_VERSION,
        library_id: libraryId,
        exported_at_ms: Date.now(),
        kept,
      });
      await write(new TextEncoder().encode(header));
      for (;;) {
        const piece = await this.#worker.call("readLibrarySections", { isWhole });
        if (piece === null) break;
        await write(piece.bytes);
      }
      await file.sync();
      await calls.rename(temporary, join(to, LIBRARY_FILE));
    } catch (error) {
      throw toFileError("write", join(to, LIBRARY_FILE), error);
    }
  }
}

async function readFirstLine(path: string): Promise<string> {
  if (!(await Deno.lstat(path)).isFile) return "";
  using file = await Deno.open(path);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  while (text.length < HEADER_BYTES_MAX && !text.includes("\n")) {
    const count = await file.read(buffer);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text.split("\n", 1)[0];
}

function tooLong(name: string): AppError {
  return new AppError("payload_too_large", `${name} would be too long to be read again`);
}
