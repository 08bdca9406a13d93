import { join } from "node:path";
import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { explain } from "../store/database.ts";
import { readImageFacts } from "../store/images.ts";
import { checkReady, type Preparation, readSchemaVersion } from "../store/migrate.ts";
import { type LibraryRoot, readRoots } from "../store/roots.ts";
import type { HasherContract, MediaContract, WriterContract } from "../worker/contracts.ts";
import { spawnHasher, spawnMedia, spawnWriter } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import { WorkerPool } from "../worker/worker_pool.ts";
import { type Core, openCore } from "./core.ts";
import { searchImages } from "./browse.ts";
import { ImageDetails } from "./image_details.ts";
import {
  exists,
  findLibraryPaths,
  type LibraryPaths,
  makeLibraryFolder,
  makeLibraryFolders,
} from "./library_paths.ts";
import type { LibraryLock } from "./lock.ts";
import { refuseLostDatabase } from "./lost_database.ts";
import { SearchPages } from "./search_pages.ts";
import { holdServerLock } from "./server_lock.ts";
import { SimilarImages } from "./similar_images.ts";
import { openTaskRunner } from "./task_history.ts";
import { TaskRunner } from "./tasks.ts";

/** A library that is open for reading and writing. */
export type Library = {
  readonly paths: LibraryPaths;
  readonly core: Core;
  readonly writer: WorkerClient<WriterContract>;
  readonly hasher: WorkerPool<HasherContract>;
  readonly media: WorkerPool<MediaContract>;
  readonly details: ImageDetails;
  readonly similar: SimilarImages;
  /** Pages of searches, ready to be sent. */
  readonly pages: SearchPages;
  readonly tasks: TaskRunner;
  /** What opening it did to the database. */
  readonly preparation: Preparation;
  /** Folders that are indexed in place. */
  roots(): LibraryRoot[];
  /** Waits for what runs, then ends workers and connections. */
  close(): Promise<void>;
};

/** What {@link openLibrary} opens. */
export type LibraryOptions = {
  /** Folder of the library, absolute; made if it is not there. */
  folder: string;
  /** Where the lines of a verbose load go. */
  print?: (line: string) => void;
  /** Hasher and media workers; the machine's cores, at most 4, by default. */
  workers?: number;
  /** What opens it, for those that need it alone: "serve". */
  command?: string;
  /** Its folders, where they are not to be found by its database: one that is being made. */
  paths?: LibraryPaths;
  /** Whether there must be a library already: a misspelt folder is no reason to make one. */
  mustExist?: boolean;
  /** For a dry run: nothing is made, migrated or tidied; the database must be ready. */
  writesNothing?: boolean;
};

/** More than this brings nothing: a disk is slower than four cores. */
const WORKERS_MAX = 4;

/**
 * Opens a library, and makes it if there is none: an empty folder becomes a new library, a folder of the
 * original ChibiBooru is served as it is.
 *
 * @throws {AppError} Naming the file and the remedy; nothing was changed then.
 */
export async function openLibrary(options: LibraryOptions): Promise<Library> {
  const paths = options.paths ?? await findLibraryPaths(options.folder);
  const writesNothing = options.writesNothing ?? false;
  if (options.mustExist && !(await exists(paths.database))) {
    throw new AppError("not_found", `There is no library in ${paths.folder}: it has no database`, {
      remedy:
        "Name its folder with --library; serve and import make a new one. If its database was " +
        `lost, use: ${commandLine("rebuild")}`,
    });
  }
  if (!writesNothing && options.paths === undefined) await refuseLostDatabase(paths);
  if (!writesNothing) await makeLibraryFolder(paths.data);
  const lock = await holdServerLock(paths, options.command ?? "another command", { writesNothing });
  const size = options.workers ?? Math.min(navigator.hardwareConcurrency, WORKERS_MAX);
  const writer = new WorkerClient<WriterContract>(spawnWriter, {
    name: "writer",
    greeting: { method: "inherit", request: { path: paths.database } },
  });
  let core: Core | undefined;
  try {
    const isFirstUse = !writesNothing && await exists(paths.database) &&
      readSchemaVersion(paths.database) === 0;
    if (isFirstUse) {
      options.print?.(
        "First use of this database here: copying it to data/backups before tables are added…",
      );
      await makeLibraryFolder(paths.backups);
    }
    const preparation: Preparation = writesNothing
      ? checkReady(paths.database)
      : await writer.call("open", {
        path: paths.database,
        backupPath: makeBackupPath(paths),
      });
    // After the database: a start that is refused leaves no empty folders behind.
    if (!writesNothing) await makeLibraryFolders(paths);
    core = await openCore({
      database: paths.database,
      images: paths.images,
      snapshot: paths.snapshot,
      print: options.print,
    });
    const tasks = writesNothing ? new TaskRunner() : await openTaskRunner({
      lock: join(paths.data, "tasks.lock"),
      reader: core.reader,
      writer,
    });
    return buildLibrary({ paths, core, writer, preparation, tasks, size, writesNothing, lock });
  } catch (error) {
    await core?.close();
    await writer.close();
    await lock.abandon();
    throw explain(error, paths.database);
  }
}

function buildLibrary(
  parts: Pick<Library, "paths" | "core" | "writer" | "preparation" | "tasks"> & {
    size: number;
    writesNothing: boolean;
    lock: LibraryLock;
  },
): Library {
  const { core, writer, tasks, size, writesNothing, lock } = parts;
  const hasher = new WorkerPool<HasherContract>(spawnHasher, { name: "hasher", size });
  const media = new WorkerPool<MediaContract>(spawnMedia, {
    name: "media",
    size,
    isTerminable: false,
  });
  const library: Library = {
    ...parts,
    hasher,
    media,
    details: new ImageDetails({
      events: core.events,
      read: (id) => readImageFacts(core.reader, id),
    }),
    similar: new SimilarImages({ events: core.events }),
    pages: new SearchPages({
      events: core.events,
      generation: () => core.cache.current.generation,
      search: (request) => searchImages(library, request),
    }),
    roots: () => readRoots(core.reader),
    async close() {
      await tasks.close();
      await Promise.all([hasher.close(), media.close()]);
      if (!writesNothing) {
        await writer.call("tidy", null).catch(() => null);
        await writer.call("disconnect", null).catch(() => null);
      }
      await writer.close();
      await core.close();
      lock.release();
    },
  };
  return library;
}

/** Name of the copy that a migration makes: one a moment, so that none is overwritten. */
function makeBackupPath(paths: LibraryPaths): string {
  const moment = new Date().toISOString().replaceAll(/[:.]/g, "-");
  return join(paths.backups, `booru-before-migration-${moment}.db`);
}
