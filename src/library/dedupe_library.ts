import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { openReader } from "../store/database.ts";
import { checkReady } from "../store/migrate.ts";
import { readRoots } from "../store/roots.ts";
import type { HasherContract } from "../worker/contracts.ts";
import { spawnHasher } from "../worker/spawn.ts";
import { WorkerPool } from "../worker/worker_pool.ts";
import type { DedupeLibrary } from "./dedupe_files.ts";
import { exists, findLibraryPaths } from "./library_paths.ts";
import { holdServerLock } from "./server_lock.ts";

/** More than this brings nothing: a disk is slower than four cores. */
const WORKERS_MAX = 4;

/** A library that is open for looking for copies, and for nothing else. */
export type OpenDedupeLibrary = DedupeLibrary & { close(): Promise<void> };

/**
 * Opens no more of a library than a search for copies needs, and writes nothing: without caches and writer
 * that is done in a fraction of the time.
 *
 * @throws {AppError} `not_found` if there is no library, `conflict` if its database is not ready.
 */
export async function openForDedupe(folder: string): Promise<OpenDedupeLibrary> {
  const paths = await findLibraryPaths(folder);
  if (!(await exists(paths.database))) throw missingLibrary(folder);
  const lock = await holdServerLock(paths, "dedupe", { writesNothing: true });
  try {
    checkReady(paths.database);
    const reader = openReader(paths.database);
    const hasher = new WorkerPool<HasherContract>(spawnHasher, {
      name: "hasher",
      size: Math.min(navigator.hardwareConcurrency, WORKERS_MAX),
    });
    return {
      paths,
      core: { reader },
      hasher,
      roots: () => readRoots(reader),
      async close() {
        await hasher.close();
        reader.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function missingLibrary(folder: string): AppError {
  return new AppError("not_found", `There is no library in ${folder}: it has no database`, {
    remedy: "Name its folder with --library. If its database was lost, use: " +
      commandLine("rebuild"),
  });
}
