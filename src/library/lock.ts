import { AppError } from "../base/errors.ts";

/** A held lock; ends with {@link LibraryLock.release} or with the process. */
export type LibraryLock = { release(): void };

const HOLDER_BYTES_MAX = 1_000;

/**
 * Takes the lock of a library (`data/library.lock`), which commands that move files hold.
 *
 * The operating system frees it when the process ends, however it ends.
 *
 * @throws {AppError} `locked`, naming the holder.
 */
export async function lockLibrary(path: string, command: string): Promise<LibraryLock> {
  const file = await Deno.open(path, { create: true, read: true, write: true });
  try {
    if (!(await file.tryLock(true))) {
      throw new AppError("locked", `Cannot ${command}: ${await describeHolder(path)}`, {
        remedy: "Wait until it is done, or end it",
      });
    }
    const holder = `${command} (process ${Deno.pid}) since ${new Date().toISOString()}\n`;
    await file.truncate(0);
    await file.write(new TextEncoder().encode(holder));
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

async function describeHolder(path: string): Promise<string> {
  const text = (await Deno.readTextFile(path)).slice(0, HOLDER_BYTES_MAX).trim();
  return `the library is in use by ${text === "" ? "another command" : text}`;
}
