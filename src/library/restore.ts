import { dirname, join } from "node:path";
import { commandLine } from "../base/command_line.ts";
import { AppError, toMessage } from "../base/errors.ts";
import { toFileError } from "../media/file_error.ts";
import type { DatabaseIdentity } from "../store/backup.ts";
import type { ArchiveContract } from "../worker/contracts.ts";
import { spawnArchive } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import {
  checkRoom,
  nameBackup,
  readChecksum,
  removeDatabase,
  sizeOfDatabase,
  toKnownError,
} from "./backup_files.ts";
import { openLibrary } from "./library.ts";
import { exists, type LibraryPaths, makeLibraryFolder } from "./library_paths.ts";
import { withLock } from "./lock.ts";
import { type RestoredFiles, settleRestoredFiles } from "./restored_files.ts";
import { withExclusiveLibrary } from "./server_lock.ts";
import { type FileCalls, syncFile, syncFolder } from "./stored_file.ts";
import { withoutTraces } from "./without_traces.ts";

/** What is about to be put in the place of what. */
export type RestorePlan = {
  from: string;
  /** Folder of the library. */
  to: string;
  images: number;
  /** Whether a checksum lay beside the backup and was right. */
  hasChecksum: boolean;
  /** The database that is there: null if there is none, "damaged" if it cannot be read. */
  current: DatabaseIdentity | "damaged" | null;
};

/** How a backup is to be put back. */
export type RestoreOptions = {
  /** Also takes a backup of another library. */
  force?: boolean;
  /** Asked before anything is replaced; nothing happens if it says no. */
  confirm?: (plan: RestorePlan) => boolean | Promise<boolean>;
  signal?: AbortSignal;
  onStage?: (stage: "copying" | "checking" | "keeping" | "replacing" | "files") => void;
  /** For tests: room that must stay on the disk. */
  freeDiskFloorBytes?: number;
  /** For tests: calls that fail. */
  calls?: FileCalls;
};

/** What a restore did. */
export type RestoreReport = {
  from: string;
  images: number;
  /** The database that was replaced, as a backup; null if there was none. */
  kept: string | null;
  hasChecksum: boolean;
  danglingRows: number;
  files: RestoredFiles;
  elapsedMs: number;
};

/*
 * In order: the backup is copied into `data` under a hidden name and that copy is read to its last link,
 * checked against its checksum and brought to this program's version. The database that is there gets its
 * log folded in and is kept from everyone; a copy of it goes to the backups. The snapshot goes, which knows
 * a later time. One rename puts the one in the place of the other. There is no log of the old database at
 * that moment, so none can be applied to the new one: whatever instant the program ends at, the database is
 * the old or the new one. That its files are to be looked for is written in the new one, so that the next
 * start does it if this run does not.
 */

/**
 * Puts a backup in the place of a library's database. The database that was there becomes a backup. Files
 * that were put into the trash since, and belong to an image again, are moved back to their places.
 *
 * @throws {AppError} `locked` while a server or a command uses the library, `not_found`, `corrupt`,
 *   `conflict` (no backup of this library; `force` takes those of others), `newer_version`, `disk_full`,
 *   `cancelled`; the library is as it was then.
 */
export async function restoreBackup(
  paths: LibraryPaths,
  file: string,
  options: RestoreOptions = {},
): Promise<RestoreReport> {
  const startedAt = performance.now();
  const path = await findBackup(file);
  return await withoutTraces(paths, async () => {
    await makeLibraryFolder(paths.data);
    return await withExclusiveLibrary(paths, "restore", async () => {
      const replaced = await withLock(paths.lock, "restore", () => {
        return new RestoreRun(paths, { ...options, from: path }).run();
      });
      options.onStage?.("files");
      const files = await openRestored(paths);
      return { from: path, ...replaced, files, elapsedMs: performance.now() - startedAt };
    });
  });
}

async function findBackup(file: string): Promise<string> {
  try {
    const path = await Deno.realPath(file);
    if ((await Deno.stat(path)).isFile) return path;
  } catch (error) {
    const fault = toFileError("restore", file, error);
    throw new AppError(fault.code, fault.message, {
      remedy: `List the backups with: ${commandLine("restore list")}`,
      cause: error,
    });
  }
  throw new AppError("bad_request", `Cannot restore "${file}": it is not a file`, {
    remedy: `Name the file of a backup; list them with: ${commandLine("restore list")}`,
  });
}

async function openRestored(paths: LibraryPaths): Promise<RestoredFiles> {
  try {
    const library = await openLibrary({ folder: paths.folder, workers: 1, print: () => {} });
    try {
      return await settleRestoredFiles(library);
    } finally {
      await library.close();
    }
  } catch (error) {
    throw new AppError(
      "unavailable",
      `The backup is in its place, but its files could not be looked at: ${toMessage(error)}`,
      { remedy: "The next start of the server does it", cause: error },
    );
  }
}

const LEFTOVER = ".restore-";
const ANOTHER_BACKUP = "Nothing was changed. Take another backup; list them with: " +
  commandLine("restore list");
type RunOptions = RestoreOptions & { from: string };

/** The part of a restore that replaces the database; the library is held alone. */
class RestoreRun {
  readonly #paths: LibraryPaths;
  readonly #options: RunOptions;
  readonly #calls: FileCalls;
  readonly #worker = new WorkerClient<ArchiveContract>(spawnArchive, { name: "archive" });
  /** From here on it is done whatever somebody wants: what is left takes no time. */
  #isSwapping = false;

  constructor(paths: LibraryPaths, options: RunOptions) {
    this.#paths = paths;
    this.#options = options;
    this.#calls = options.calls ?? Deno;
  }

  async run(): Promise<Omit<RestoreReport, "from" | "files" | "elapsedMs">> {
    const { data } = this.#paths;
    const { signal } = this.#options;
    const stop = () => {
      if (!this.#isSwapping) this.#worker.stop();
    };
    signal?.addEventListener("abort", stop, { once: true });
    const temporary = join(data, `${LEFTOVER}${crypto.randomUUID()}.db`);
    try {
      signal?.throwIfAborted();
      await this.#removeLeftovers();
      return await this.#replace(temporary);
    } catch (error) {
      if (!signal?.aborted || this.#isSwapping) throw this.#named(error, temporary);
      throw new AppError("cancelled", "The restore was cancelled; the library is as it was");
    } finally {
      signal?.removeEventListener("abort", stop);
      await this.#worker.close();
      await removeDatabase(temporary, this.#calls);
    }
  }

  /** An error that speaks of the backup, not of the copy of it that nobody knows. */
  #named(error: unknown, temporary: string): unknown {
    const known = toKnownError("restore", this.#options.from, error);
    if (!(known instanceof AppError)) return known;
    const { code, message } = known;
    const named = message.replaceAll(temporary, this.#options.from);
    // Whoever opens a database that is broken advises to put back a backup, which this one is.
    const isBroken = named !== message && (code === "corrupt" || code === "conflict");
    const remedy = isBroken ? ANOTHER_BACKUP : known.remedy;
    return new AppError(code, named, { remedy, cause: error });
  }

  async #replace(temporary: string) {
    const { from, signal, onStage, confirm } = this.#options;
    onStage?.("copying");
    await this.#bringIn(temporary);
    onStage?.("checking");
    const hasChecksum = await this.#compareChecksum(temporary);
    const backup = await this.#worker.call("settle", { path: temporary });
    const { images } = await this.#worker.call("identify", { path: temporary });
    const current = await this.#readCurrent();
    this.#checkSameLibrary(backup, current);
    const plan = { from, to: this.#paths.folder, images, hasChecksum, current };
    if (confirm !== undefined && !(await confirm(plan))) {
      throw new AppError("cancelled", "Nothing was restored; the library is as it was");
    }
    const scratch = `${temporary}.older`;
    await this.#worker.call("upgrade", { path: temporary, scratch });
    await removeDatabase(scratch, this.#calls);
    await this.#worker.call("noteRestore", { path: temporary, from });
    await syncFile(temporary, this.#calls);
    onStage?.("keeping");
    const kept = await this.#keepCurrent();
    signal?.throwIfAborted();
    this.#isSwapping = true;
    onStage?.("replacing");
    await this.#swap(temporary);
    return { images, kept, hasChecksum, danglingRows: backup.danglingRows };
  }

  async #removeLeftovers(): Promise<void> {
    const { data } = this.#paths;
    for await (const { name, isFile } of Deno.readDir(data)) {
      if (isFile && name.startsWith(LEFTOVER)) await this.#calls.remove(join(data, name));
    }
  }

  /** Copies the backup, and the log that another program may have left beside it. */
  async #bringIn(temporary: string): Promise<void> {
    const { from, freeDiskFloorBytes: floorBytes } = this.#options;
    const bytes = await sizeOfDatabase(from);
    const old = await sizeOfDatabase(this.#paths.database);
    // Until it is done there are the database, the copy of it that is kept, and the one in its place.
    await checkRoom(this.#paths.data, bytes + old, { action: "restore", floorBytes });
    await this.#calls.copyFile(from, temporary);
    if (await sizeOfDatabase(from) > (await Deno.stat(from)).size) {
      await this.#calls.copyFile(`${from}-wal`, `${temporary}-wal`);
    }
  }

  async #compareChecksum(temporary: string): Promise<boolean> {
    const { from } = this.#options;
    const wanted = await readChecksum(from);
    if (wanted === null) return false;
    const { sha256 } = await this.#worker.call("digest", { path: temporary });
    if (sha256 === wanted) return true;
    throw new AppError(
      "corrupt",
      `The backup ${from} is not as it was made: its checksum differs`,
      { remedy: ANOTHER_BACKUP },
    );
  }

  async #readCurrent(): Promise<DatabaseIdentity | "damaged" | null> {
    const { database } = this.#paths;
    if (!(await exists(database))) return null;
    try {
      return await this.#worker.call("identify", { path: database });
    } catch (error) {
      const isDamaged = error instanceof AppError &&
        (error.code === "corrupt" || error.code === "conflict");
      if (isDamaged) return "damaged";
      throw error;
    }
  }

  #checkSameLibrary(backup: { libraryId: string | null }, current: unknown): void {
    const isKnown = typeof current === "object" && current !== null;
    if (!isKnown || this.#options.force === true) return;
    if ((current as DatabaseIdentity).libraryId === backup.libraryId) return;
    throw new AppError(
      "conflict",
      backup.libraryId === null
        ? `${this.#options.from} does not say which library it is of`
        : `${this.#options.from} is a backup of another library`,
      { remedy: "Choose the folder it belongs to with --library; or restore it here with --force" },
    );
  }

  /** Makes a backup of the database that is there, which nobody can change any more then. */
  async #keepCurrent(): Promise<string | null> {
    const { database, backups, data } = this.#paths;
    const hasAny = await Promise.all(
      ["", "-wal", "-journal"].map((ending) => exists(database + ending)),
    );
    if (!hasAny.includes(true)) return null;
    await makeLibraryFolder(backups);
    const temporary = join(data, `${LEFTOVER}${crypto.randomUUID()}.db`);
    try {
      if (!hasAny[0]) return await this.#keepRemains();
      await this.#worker.call("hold", { path: database });
      await this.#worker.call("copyHeld", { target: temporary });
      const { sha256 } = await this.#worker.call("digest", { path: temporary });
      const kept = { temporary, folder: backups, kind: "before-restore", sha256 } as const;
      return await nameBackup(kept, this.#calls);
    } catch (error) {
      if (!(error instanceof AppError && error.code === "corrupt")) throw error;
      await this.#worker.call("letGo", null);
      return await this.#keepRemains();
    } finally {
      await removeDatabase(temporary, this.#calls);
    }
  }

  /** Of a damaged database everything is kept as it lies there: somebody may rescue more of it. */
  async #keepRemains(): Promise<string> {
    const { database, backups } = this.#paths;
    const moment = new Date().toISOString().replaceAll(/[:.]/g, "-");
    const target = join(backups, `booru-before-restore-${moment}.db`);
    for (const ending of ["", "-wal", "-journal"]) {
      if (!(await exists(database + ending))) continue;
      if (await exists(target + ending)) throw new AppError("conflict", `${target} is there`);
      await this.#calls.copyFile(database + ending, target + ending);
      await syncFile(target + ending, this.#calls);
    }
    await syncFolder(backups, this.#calls);
    for (const ending of ["-wal", "-shm", "-journal"]) {
      if (await exists(database + ending)) await this.#calls.remove(database + ending);
    }
    await syncFolder(dirname(database), this.#calls);
    return target;
  }

  async #swap(temporary: string): Promise<void> {
    const { database, snapshot } = this.#paths;
    for (const ending of ["-wal", "-shm", "-journal"]) {
      const path = database + ending;
      if (!(await exists(path))) continue;
      // The log was folded in, and what indexes it says nothing.
      if (ending !== "-shm" && (await Deno.stat(path)).size > 0) {
        throw new AppError("locked", `Another program uses ${database}: there is a log of it`, {
          remedy: "Close that program and try again",
        });
      }
      await this.#calls.remove(path);
    }
    for (const path of [snapshot, `${snapshot}.new`]) {
      if (await exists(path)) await this.#calls.remove(path);
    }
    await this.#calls.rename(temporary, database);
    await syncFolder(dirname(database), this.#calls);
    await this.#worker.call("letGo", null);
  }
}
