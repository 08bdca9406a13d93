import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import { toFileError } from "../media/file_error.ts";
import { exists, type LibraryPaths } from "./library_paths.ts";
import type { LibraryLock } from "./lock.ts";

/*
 * Two locks, for two dangers. `data/library.lock` keeps commands that move files from each other; the
 * server takes it for moments. `data/server.lock` says that a library is open at all: everything that opens
 * it shares this lock for as long, and what replaces the database needs it alone.
 */

/** A lock that is shared; ends with one of its functions or with the process. */
export type ServerLock = LibraryLock & {
  /** Releases it and leaves no file behind that was not there before: nothing was opened after all. */
  abandon(): Promise<void>;
};

/** The part of a library's paths that says where its locks are. */
export type LockedPaths = Pick<LibraryPaths, "data">;

const HOLDER_LENGTH_MAX = 200;

/** Locks that this process holds alone: what it opens meanwhile is its own work. */
const HELD_ALONE = new Set<string>();

/**
 * Says that a library is open, until the lock is released or the process ends, however it ends. Any number
 * of holders share it; with `writesNothing` no file is made for it.
 *
 * @throws {AppError} `locked`, naming the holder, while a command has the library for itself.
 */
export async function holdServerLock(
  paths: LockedPaths,
  command: string,
  options: { writesNothing?: boolean } = {},
): Promise<ServerLock> {
  const path = toLockPath(paths);
  const isReadOnly = options.writesNothing === true;
  if (HELD_ALONE.has(path) || (isReadOnly && !(await exists(path)))) {
    return { release: () => {}, abandon: () => Promise.resolve() };
  }
  return await take(path, { command, isAlone: false, isReadOnly });
}

/**
 * Runs `work` while nothing else has the library open: no server, no other command. What `work` itself opens
 * with the same paths is let through.
 *
 * @throws {AppError} `locked`, naming the holder; `work` was not begun then.
 */
export async function withExclusiveLibrary<T>(
  paths: LockedPaths,
  command: string,
  work: () => Promise<T>,
): Promise<T> {
  const path = toLockPath(paths);
  const lock = await take(path, { command, isAlone: true, isReadOnly: false });
  HELD_ALONE.add(path);
  try {
    return await work();
  } finally {
    HELD_ALONE.delete(path);
    lock.release();
  }
}

function toLockPath(paths: LockedPaths): string {
  return join(paths.data, "server.lock");
}

type WantedLock = { command: string; isAlone: boolean; isReadOnly: boolean };

async function take(path: string, wanted: WantedLock): Promise<ServerLock> {
  for (;;) {
    const isNew = !(await exists(path));
    const lock = await tryTake(path, { ...wanted, isNew });
    if (lock !== undefined) return lock;
  }
}

/** Undefined if the file was removed between its opening and its locking: a lock on it says nothing. */
async function tryTake(
  path: string,
  { command, isAlone, isReadOnly, isNew }: WantedLock & { isNew: boolean },
): Promise<ServerLock | undefined> {
  const file = await openLock(path, isReadOnly);
  const holder = `${command} (process ${Deno.pid}) since ${new Date().toISOString()}`;
  try {
    if (!(await file.tryLock(isAlone))) {
      throw new AppError("locked", `Cannot ${command}: ${describeHolders(file)}`, {
        remedy: "Stop it, or wait until it is done",
      });
    }
    if (!(await isStillAt(path, file))) {
      file.close();
      return undefined;
    }
    if (!isReadOnly) writeHolders(file, [...(isAlone ? [] : readHolders(file)), holder]);
  } catch (error) {
    file.close();
    throw error;
  }
  let isHeld = true;
  const release = () => {
    if (!isHeld) return;
    isHeld = false;
    if (!isReadOnly) writeHolders(file, without(readHolders(file), holder));
    file.unlockSync();
    file.close();
  };
  const abandon = async () => {
    // Held alone nobody else counts on the file, and whoever opened it meanwhile looks once more.
    if (isNew && !isReadOnly && await file.tryLock(true)) await Deno.remove(path);
    release();
  };
  return { release, abandon };
}

async function openLock(path: string, isReadOnly: boolean): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true, write: !isReadOnly, create: !isReadOnly });
  } catch (error) {
    const { code, message } = toFileError("lock", path, error);
    throw new AppError(code === "forbidden" ? "read_only" : code, message, {
      remedy: "Choose a folder that this user may write, with --library DIR",
      cause: error,
    });
  }
}

async function isStillAt(path: string, file: Deno.FsFile): Promise<boolean> {
  if (!(await exists(path))) return false;
  const [now, locked] = [await Deno.stat(path), await file.stat()];
  return now.ino === locked.ino && now.dev === locked.dev;
}

/*
 * The file says who has the library open, one line each, for a person who wants to end them. The locks alone
 * count: a process that was killed leaves its line until somebody has the library for itself.
 */

const HOLDERS_MAX = 20;
const HOLDERS_BYTES_MAX = 8_192;

function readHolders(file: Deno.FsFile): string[] {
  const buffer = new Uint8Array(HOLDERS_BYTES_MAX);
  file.seekSync(0, Deno.SeekMode.Start);
  const text = new TextDecoder().decode(buffer.subarray(0, file.readSync(buffer) ?? 0));
  return text.split("\n").filter((line) => line !== "").slice(-HOLDERS_MAX);
}

function writeHolders(file: Deno.FsFile, holders: readonly string[]): void {
  try {
    file.truncateSync(0);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(holders.map((line) => `${line}\n`).join("")));
  } catch {
    // On a full disk nobody is named; the lock itself holds.
  }
}

function without(lines: readonly string[], line: string): string[] {
  const i = lines.indexOf(line);
  return i < 0 ? [...lines] : lines.toSpliced(i, 1);
}

function describeHolders(file: Deno.FsFile): string {
  const holders = readHolders(file).map((line) => line.slice(0, HOLDER_LENGTH_MAX));
  return `the library is in use by ${
    holders.length === 0 ? "another command" : holders.join(", ")
  }`;
}
