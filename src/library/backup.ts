import { join } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { toFileError } from "../media/file_error.ts";
import { md5OfText } from "../media/md5.ts";
import type { ArchiveContract } from "../worker/contracts.ts";
import { spawnArchive } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import {
  type BackupFile,
  checkRoom,
  listBackups,
  nameBackup,
  removeBackups,
  removeDatabase,
  sizeOfDatabase,
  toKnownError,
} from "./backup_files.ts";
import { exists, type LibraryPaths, makeLibraryFolder } from "./library_paths.ts";
import { lockLibrary } from "./lock.ts";
import { holdServerLock } from "./server_lock.ts";
import type { FileCalls } from "./stored_file.ts";
import { withoutTraces } from "./without_traces.ts";

/** Backups that are kept unless somebody says otherwise. */
export const BACKUPS_KEPT = 7;

/** How far a backup is; `done` and `total` in bytes. */
export type BackupProgress = { stage: "copying" | "checking"; done: number; total: number };

/** How a backup is to be made. */
export type BackupOptions = {
  /** Folder for it, absolute, which must be there; `data/backups` of the library by default. */
  to?: string;
  /** Backups of this library that stay in the folder, this one counted; {@link BACKUPS_KEPT} by default. */
  keep?: number;
  signal?: AbortSignal;
  onProgress?: (progress: BackupProgress) => void;
  /** For tests: room that must stay on the disk. */
  freeDiskFloorBytes?: number;
  /** For tests: calls that fail. */
  calls?: FileCalls;
};

/** A backup that was made and read back. */
export type BackupReport = {
  path: string;
  sizeBytes: number;
  sha256: string;
  libraryId: string | null;
  images: number;
  tags: number;
  /** Rows that point to nothing, in the library as in the backup. */
  danglingRows: number;
  /** Older backups that made room for it. */
  removed: string[];
  elapsedMs: number;
};

const PROGRESS_INTERVAL_MS = 500;

/*
 * In order: the database is copied under a hidden name as it is at one moment, while others write; the copy
 * is read to its last link and compared with that moment; it is hashed, synced and gets its name; only then
 * older ones go. Killed at any point, there are the older backups and a hidden file, which the next run
 * removes.
 */

/**
 * Copies the database of a library, which may be in use, to a file that was read back; older backups of the
 * same library in that folder go once it is there.
 *
 * Pictures and videos are not copied.
 *
 * @throws {AppError} `not_found` without a library or folder, `disk_full`, `corrupt`, `cancelled`, `locked`
 *   while another backup or a restore is made; nothing of it is left then, and no older backup is gone.
 */
export async function backupLibrary(
  paths: LibraryPaths,
  options: BackupOptions = {},
): Promise<BackupReport> {
  const keep = options.keep ?? BACKUPS_KEPT;
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new AppError("bad_request", `Cannot keep ${keep} backups`, {
      remedy: "Keep at least one",
    });
  }
  await checkDatabase(paths);
  return await withoutTraces(paths, () => makeBackup(paths, { ...options, keep }));
}

async function makeBackup(
  paths: LibraryPaths,
  options: BackupOptions & { keep: number },
): Promise<BackupReport> {
  const folder = await findFolder(paths, options.to);
  const inUse = await holdServerLock(paths, "back up");
  try {
    const lock = await lockLibrary(join(paths.data, "backup.lock"), "back up");
    try {
      return await new BackupRun(paths, { ...options, folder }).run();
    } finally {
      lock.release();
    }
  } catch (error) {
    if (options.signal?.aborted) {
      throw new AppError("cancelled", "The backup was cancelled; nothing of it is left");
    }
    throw toKnownError("back up to", folder, error);
  } finally {
    inUse.release();
  }
}

/**
 * Checks that a library has a database.
 *
 * @throws {AppError} `not_found`, naming the folder.
 */
export async function checkDatabase(paths: LibraryPaths): Promise<void> {
  if (await exists(paths.database)) return;
  throw new AppError("not_found", `There is no library in ${paths.folder}`, {
    remedy: "Name its folder with --library DIR",
  });
}

async function findFolder(paths: LibraryPaths, to: string | undefined): Promise<string> {
  if (to === undefined) {
    await makeLibraryFolder(paths.backups);
    return paths.backups;
  }
  try {
    if ((await Deno.stat(to)).isDirectory) return to;
  } catch (error) {
    const fault = toFileError("back up to", to, error);
    throw new AppError(fault.code, fault.message, {
      // A disk that is not connected would be taken for an empty folder of another one.
      remedy: "Make the folder first, and check that its disk is connected",
      cause: error,
    });
  }
  throw new AppError("bad_request", `Cannot back up to ${to}: it is not a folder`, {
    remedy: "Name a folder with --to",
  });
}

type RunOptions = BackupOptions & { keep: number; folder: string };

/** One backup; the lock is held. */
class BackupRun {
  readonly #paths: LibraryPaths;
  readonly #options: RunOptions;
  readonly #prefix: string;
  readonly #worker = new WorkerClient<ArchiveContract>(spawnArchive, { name: "archive" });

  constructor(paths: LibraryPaths, options: RunOptions) {
    this.#paths = paths;
    this.#options = options;
    // Several libraries may have their backups in one folder.
    this.#prefix = `.booru-backup-${md5OfText(paths.database).slice(0, 12)}-`;
  }

  async run(): Promise<BackupReport> {
    const { folder, signal, calls = Deno } = this.#options;
    const startedAt = performance.now();
    await this.#removeLeftovers();
    const temporary = join(folder, `${this.#prefix}${crypto.randomUUID()}`);
    const stop = () => this.#worker.stop();
    signal?.throwIfAborted();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const made = await this.#make(temporary);
      return {
        ...made,
        removed: await this.#rotate(made),
        elapsedMs: performance.now() - startedAt,
      };
    } finally {
      signal?.removeEventListener("abort", stop);
      await this.#worker.close();
      await removeDatabase(temporary, calls);
    }
  }

  async #make(temporary: string): Promise<Omit<BackupReport, "removed" | "elapsedMs">> {
    const { folder, calls = Deno, freeDiskFloorBytes } = this.#options;
    const { database } = this.#paths;
    await this.#worker.call("identify", { path: database });
    const total = await sizeOfDatabase(database);
    await checkRoom(folder, total, { action: "back up", floorBytes: freeDiskFloorBytes });
    const following = this.#follow(temporary, total);
    try {
      const copy = await this.#worker.call("copy", { path: database, target: temporary });
      const { sha256 } = await this.#worker.call("digest", { path: temporary });
      const path = await nameBackup({ temporary, folder, kind: "backup", sha256 }, calls);
      return {
        path,
        sizeBytes: (await Deno.stat(path)).size,
        sha256,
        libraryId: copy.libraryId,
        images: copy.counts.images ?? 0,
        tags: copy.counts.tags ?? 0,
        danglingRows: copy.danglingRows,
      };
    } finally {
      clearInterval(following);
    }
  }

  /** SQLite does not say how far it is; the file does. */
  #follow(temporary: string, total: number): ReturnType<typeof setInterval> | undefined {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return undefined;
    onProgress({ stage: "copying", done: 0, total });
    return setInterval(async () => {
      const done = await sizeOfDatabase(temporary).catch(() => 0);
      onProgress({ stage: done < total ? "copying" : "checking", done, total });
    }, PROGRESS_INTERVAL_MS);
  }

  async #rotate(made: { path: string; libraryId: string | null }): Promise<string[]> {
    const { folder, keep, calls } = this.#options;
    const old: BackupFile[] = [];
    // The new one stays whatever the clock says of the others.
    let kept = 1;
    for (const backup of await listBackups(folder)) {
      if (backup.kind !== "backup" || backup.path === made.path) continue;
      if (!(await this.#isOurs(backup, made.libraryId))) continue;
      if (kept >= keep) old.push(backup);
      else kept++;
    }
    await removeBackups(old, calls);
    return old.map(({ path }) => path);
  }

  /** What cannot be read is nobody's: it is neither counted nor removed. */
  async #isOurs({ path }: BackupFile, libraryId: string | null): Promise<boolean> {
    try {
      const other = await this.#worker.call("identify", { path });
      const isOwnFolder = this.#options.folder === this.#paths.backups;
      return other.libraryId === libraryId && (libraryId !== null || isOwnFolder);
    } catch (error) {
      log("backup").warn("An older backup cannot be read and stays: {reason}", {
        reason: toMessage(error),
      });
      return false;
    }
  }

  async #removeLeftovers(): Promise<void> {
    const { folder, calls = Deno } = this.#options;
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && name.startsWith(this.#prefix)) await calls.remove(join(folder, name));
    }
  }
}
