import { statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../base/errors.ts";
import { FREE_DISK_FLOOR_BYTES } from "../base/limits.ts";
import { fileErrorCode, toFileError } from "../media/file_error.ts";
import { exists } from "./library_paths.ts";
import { type FileCalls, syncFile, syncFolder } from "./stored_file.ts";

/** Why a copy of a database was made. */
export type BackupKind = "backup" | "before-restore" | "before-rebuild" | "before-migration";

/** A copy of a database in a folder of backups. */
export type BackupFile = {
  path: string;
  name: string;
  kind: BackupKind;
  /** When it was made, ISO 8601. */
  madeAt: string;
  sizeBytes: number;
  /** Whether its checksum lies beside it. */
  hasChecksum: boolean;
};

/** Only what this program named: nothing else in the folder is ever looked at, let alone removed. */
const NAME =
  /^booru-(backup|before-restore|before-rebuild|before-migration)-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z\.db$/;

/** Beside a copy: its SHA-256, in the form of `sha256sum -c`. */
const CHECKSUM_ENDING = ".sha256";

/**
 * The copies in a folder, newest first; none if there is no such folder.
 *
 * @throws {AppError} `forbidden` …, naming the folder.
 */
export async function listBackups(folder: string): Promise<BackupFile[]> {
  const found: BackupFile[] = [];
  try {
    const names = new Set<string>();
    for await (const { name, isFile } of Deno.readDir(folder)) if (isFile) names.add(name);
    for (const name of names) {
      const parts = NAME.exec(name);
      if (parts === null) continue;
      const [, kind, day, hour, minute, second, ms] = parts;
      const path = join(folder, name);
      found.push({
        path,
        name,
        kind: kind as BackupKind,
        madeAt: `${day}T${hour}:${minute}:${second}.${ms}Z`,
        sizeBytes: (await Deno.stat(path)).size,
        hasChecksum: names.has(name + CHECKSUM_ENDING),
      });
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return found;
    }
    throw toFileError("read", folder, error);
  }
  return found.sort((a, b) => a.madeAt < b.madeAt ? 1 : a.madeAt > b.madeAt ? -1 : 0);
}

/** A whole copy under a temporary name, and what it is to be called. */
export type NewBackup = { temporary: string; folder: string; kind: BackupKind; sha256: string };

/**
 * Gives a whole copy its name, with its checksum beside it; gives the path. All of it is on the disk then,
 * nothing was overwritten, and nothing of it is left if that fails.
 */
export async function nameBackup(
  { temporary, folder, kind, sha256 }: NewBackup,
  calls: FileCalls = Deno,
): Promise<string> {
  await syncFile(temporary, calls);
  for (let time = Date.now();; time++) {
    const moment = new Date(time).toISOString().replaceAll(/[:.]/g, "-");
    const path = join(folder, `booru-${kind}-${moment}.db`);
    const beside = path + CHECKSUM_ENDING;
    if (await exists(path) || await exists(beside)) continue;
    try {
      // First the checksum: a copy is never without it.
      await writeNew(beside, `${sha256}  ${basename(path)}\n`, calls);
      await calls.rename(temporary, path);
      await syncFolder(folder, calls);
      return path;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      if (!(await exists(path))) await calls.remove(beside).catch(ignoreMissing);
      throw error;
    }
  }
}

async function writeNew(path: string, text: string, calls: FileCalls): Promise<void> {
  using file = await calls.open(path, { write: true, createNew: true });
  await file.write(new TextEncoder().encode(text));
  await file.sync();
}

/** Removes copies with their checksums. */
export async function removeBackups(
  backups: readonly BackupFile[],
  calls: FileCalls = Deno,
): Promise<void> {
  for (const { path } of backups) {
    await calls.remove(path);
    await calls.remove(path + CHECKSUM_ENDING).catch(ignoreMissing);
  }
  if (backups.length > 0) await syncFolder(dirname(backups[0].path), calls);
}

/**
 * The checksum that lies beside a copy; null if there is none.
 *
 * @throws {AppError} `corrupt` if what lies there is no checksum.
 */
export async function readChecksum(path: string): Promise<string | null> {
  const beside = path + CHECKSUM_ENDING;
  if (!(await exists(beside))) return null;
  try {
    const { size } = await Deno.stat(beside);
    const text = size > 10_000 ? "" : await Deno.readTextFile(beside);
    const found = /^[\\]?([0-9a-f]{64})\b/.exec(text);
    if (found !== null) return found[1];
  } catch (error) {
    throw toFileError("read", beside, error);
  }
  throw new AppError("corrupt", `${beside} holds no checksum`, {
    remedy: "Use another backup; or move that file away, if you know the backup to be good",
  });
}

/** Removes a database that was being made, with whatever SQLite keeps beside it. */
export async function removeDatabase(path: string, calls: FileCalls = Deno): Promise<void> {
  for (const ending of ["", "-journal", "-wal", "-shm"]) {
    await calls.remove(path + ending).catch(ignoreMissing);
  }
}

/** Bytes of a database with its log; 0 if there is none. */
export async function sizeOfDatabase(path: string): Promise<number> {
  let bytes = 0;
  for (const ending of ["", "-wal"]) {
    if (await exists(path + ending)) bytes += (await Deno.stat(path + ending)).size;
  }
  return bytes;
}

/**
 * Refuses to write so many bytes to a disk that has not enough room for them.
 *
 * @throws {AppError} `disk_full`, naming folder and numbers.
 */
export async function checkRoom(
  folder: string,
  bytes: number,
  { action, floorBytes = FREE_DISK_FLOOR_BYTES }: { action: string; floorBytes?: number },
): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= bytes + floorBytes) return;
  throw new AppError(
    "disk_full",
    `Cannot ${action}: ${folder} has ${freeBytes} bytes left, and it takes ${bytes}`,
    { remedy: `Free some space: at least ${floorBytes} bytes stay free` },
  );
}

/** A failed file operation with its file and reason; a bug of this program stays what it is. */
export function toKnownError(action: string, path: string, error: unknown): unknown {
  return fileErrorCode(error) === "EUNKNOWN" ? error : toFileError(action, path, error);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
