import { AppError } from "../base/errors.ts";
import { toFileError } from "../media/file_error.ts";

/** A held lock; ends with {@link LibraryLock.release} or with the process. */
export type LibraryLock = { release(): void };

const HOLDER_BYTES_MAX = 1_000;

/** The last holder or waiter of each lock in this process. */
const QUEUES = new Map<string, Promise<unknown>>();

/**
 * Runs `work` with the lock of a library, after whatever this process does with it already.
 *
 * @throws {AppError} `locked`, naming the holder, if another process has it.
 */
export async function withLock<T>(
  path: string,
  command: string,
  work: () => Promise<T>,
): Promise<T> {
  const before = QUEUES.get(path) ?? Promise.resolve();
  const turn = before.then(async () => {
    const lock = await lockLibrary(path, command);
    try {
      return await work();
    } finally {
      lock.release();
    }
  });
  const settled = turn.catch(() => {});
  QUEUES.set(path, settled);
  try {
    return await turn;
  } finally {
    if (QUEUES.get(path) === settled) QUEUES.delete(path);
  }
}

/**
 * Takes the lock of a library (`data/library.lock`), which commands that move files hold.
 *
 * The operating system frees it when the process ends, however it ends.
 *
 * @throws {AppError} `locked`, naming the holder; `forbidden` … if it cannot be opened.
 */
export async function lockLibrary(path: string, command: string): Promise<LibraryLock> {
  const file = await openLock(path, { create: true, read: true, write: true });
  try {
    if (!(await file.tryLock(true))) {
      throw new AppError("locked", `Cannot ${command}: ${await describeHolder(path)}`, {
        remedy: "Wait until it is done, or end it",
      });
    }
    await writeHolder(file, command);
  } catch (error) {
    file.close();
    throw error;
  }
  return {
    release: () => {
      file.unlockSync();
      file.close();
    },
  };
}

async function openLock(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, options);
  } catch (error) {
    throw toFileError("open the lock", path, error);
  }
}

/** Names the holder, for a person who wants to end it. */
async function writeHolder(file: Deno.FsFile, command: string): Promise<void> {
  const holder = `${command} (process ${Deno.pid}) since ${new Date().toISOString()}\n`;
  try {
    await file.truncate(0);
    await file.write(new TextEncoder().encode(holder));
  } catch {
    // On a full disk nobody is named; the lock itself holds.
  }
}

/** Whether a command that moves files runs at this moment, in this process or another one. */
export async function isLockHeld(path: string): Promise<boolean> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw toFileError("open the lock", path, error);
  }
  using held = file;
  if (!(await held.tryLock(false))) return true;
  await held.unlock();
  return false;
}

async function describeHolder(path: string): Promise<string> {
  const text = (await Deno.readTextFile(path)).slice(0, HOLDER_BYTES_MAX).trim();
  return `the library is in use by ${text === "" ? "another command" : text}`;
}
