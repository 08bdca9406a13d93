import { dirname, join } from "node:path";
import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { DATABASE_PARTS } from "../store/check.ts";
import { copyCutDatabase } from "../store/cut_database.ts";
import { SCHEMA_VERSION } from "../store/migrate.ts";
import type { SalvageReport } from "../store/salvage.ts";
import type { ArchiveContract, HasherContract, WriterContract } from "../worker/contracts.ts";
import { spawnArchive, spawnHasher, spawnWriter } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import { nameBackup, toKnownError } from "./backup_files.ts";
import { openLibrary } from "./library.ts";
import { exists, findLibraryPaths, type LibraryPaths, makeLibraryFolder } from "./library_paths.ts";
import { withLock } from "./lock.ts";
import { refreshLocked, type RefreshOptions, type RefreshReport } from "./rebuild_refresh.ts";
import { withExclusiveLibrary } from "./server_lock.ts";
import { syncFile, syncFolder } from "./stored_file.ts";
import { withoutTraces } from "./without_traces.ts";

/** How a library is to be rebuilt. */
export type RebuildOptions = RefreshOptions & {
  /** Folder of the library, absolute. */
  folder: string;
  /** Makes and checks the new database, and throws it away. */
  dryRun?: boolean;
  /** Hasher and media workers, as for opening a library. */
  workers?: number;
};

/** What a rebuild did. */
export type RebuildReport = RefreshReport & {
  dryRun: boolean;
  /** What was there: a database that could be read, one that could not, or none. */
  old: "readable" | "unreadable" | "none";
  /** Rows of the old database, and what of it could not be read. */
  salvage: SalvageReport | null;
  /** The old database; null if there was none, or nothing was changed. */
  kept: string | null;
  /** Backups that lie in the library and have more than files can tell; newest last. */
  backups: string[];
  elapsedMs: number;
};

/*
 * In order: the library is held alone. A new database is made in `data/rebuild`, where nobody looks for
 * one; every row that can be read of the old one goes into it, then all that can be derived is derived
 * anew. It is read to its last page and compared with itself. The old one gets its log folded in, is kept
 * from everyone, and a copy of it goes to the backups. The snapshot goes. One rename puts the new one
 * in its place. Whatever instant the program ends at, the database is the old or the new one; what else
 * lies in `data/rebuild` the next rebuild removes.
 */

/**
 * Makes the database of a library anew from the rows that can be read, the files, their metadata and a
 * person's edits. Ids, tags, favourites, pools, relations, history, aliases and the trash stay; files
 * without a row get one; rows whose file is missing stay and are told. Without a database that can be
 * read, one is made from the files, their sidecars and the trash.
 *
 * @throws {AppError} `locked` while a server or a command uses the library, `not_found` if there is nothing
 *   to make it from, `newer_version`, `conflict` (another program's database), `corrupt`, `disk_full`,
 *   `cancelled`; the library is as it was then.
 */
export async function rebuildLibrary(options: RebuildOptions): Promise<RebuildReport> {
  const startedAt = performance.now();
  const paths = await findPaths(options.folder);
  if (!(await exists(paths.data)) && !(await exists(paths.images))) {
    throw new AppError("not_found", `There is no library in ${options.folder}`, {
      remedy: "Name its folder with --library",
    });
  }
  return await withoutTraces(paths, async () => {
    await makeLibraryFolder(paths.data);
    return await withExclusiveLibrary(paths, "rebuild", async () => {
      return await withLock(paths.lock, "rebuild", async () => {
        const report = await new RebuildRun(paths, options).run();
        return { ...report, elapsedMs: performance.now() - startedAt };
      });
    });
  }, { isTrial: options.dryRun });
}

/** A library of the original is recognised by its database, which may be gone. */
async function findPaths(folder: string): Promise<LibraryPaths> {
  const paths = await findLibraryPaths(folder);
  const originalImages = join(folder, "static", "images");
  const isOriginal = !(await exists(paths.images)) && await exists(originalImages);
  if (!isOriginal) return paths;
  const thumbnails = join(folder, "static", "thumbnails");
  return { ...paths, images: originalImages, thumbnails, isOriginal };
}

class RebuildRun {
  readonly #paths: LibraryPaths;
  readonly #options: RebuildOptions;
  /** Where the new database is made. */
  readonly #folder: string;
  readonly #made: string;
  /** What is read of the old database: it, or a copy where its end is missing. */
  #source: string;
  readonly #archive = new WorkerClient<ArchiveContract>(spawnArchive, { name: "archive" });

  constructor(paths: LibraryPaths, options: RebuildOptions) {
    this.#paths = paths;
    this.#options = options;
    this.#folder = join(paths.data, "rebuild");
    this.#made = join(this.#folder, "booru.db");
    this.#source = paths.database;
  }

  async run(): Promise<Omit<RebuildReport, "elapsedMs">> {
    try {
      await this.#removeScratch();
      await makeLibraryFolder(this.#folder);
      const old = await this.#lookAtOld();
      const salvage = await this.#makeDatabase(old === "readable");
      const refreshed = await this.#refresh();
      if (refreshed.images + refreshed.trashFound.length === 0 && old !== "readable") {
        throw new AppError(
          "not_found",
          `There is nothing to make a database of: ${this.#paths.images} has no pictures`,
          {
            remedy: "Is its disk connected? Else put back a backup: " +
              commandLine("restore latest"),
          },
        );
      }
      await this.#verify(salvage);
      const dryRun = this.#options.dryRun ?? false;
      const backups = old === "readable" ? [] : await this.#findBackups();
      const kept = dryRun ? null : await this.#replace(old);
      return { ...refreshed, dryRun, old, salvage, kept, backups };
    } finally {
      await this.#archive.close();
      await this.#removeScratch();
    }
  }

  async #removeScratch(): Promise<void> {
    if (await exists(this.#folder)) await Deno.remove(this.#folder, { recursive: true });
  }

  async #lookAtOld(): Promise<RebuildReport["old"]> {
    const { database } = this.#paths;
    if (!(await exists(database))) return "none";
    try {
      const { schemaVersion } = await this.#archive.call("identify", { path: database });
      if (schemaVersion > SCHEMA_VERSION) {
        throw new AppError("newer_version", `${database} has version ${schemaVersion}`, {
          remedy: "Use the newer ChibiBooru that wrote it",
        });
      }
      return "readable";
    } catch (error) {
      const isDoubtful = error instanceof AppError &&
        (error.code === "corrupt" || error.code === "conflict");
      if (!isDoubtful) throw error;
      // Of a damaged one some tables may be readable all the same; another program's is left alone.
      const hasTables = await this.#hasTables();
      if (error.code === "conflict" && hasTables) throw error;
      return hasTables || await this.#completeCut() ? "readable" : "unreadable";
    }
  }

  /** Reads a copy where the file's end is missing; false if that is not what is wrong with it. */
  async #completeCut(): Promise<boolean> {
    const { database } = this.#paths;
    const copy = join(this.#folder, "cut.db");
    try {
      if (!(await copyCutDatabase(database, copy))) return false;
    } catch (error) {
      throw toKnownError("copy", database, error);
    }
    this.#source = copy;
    return await this.#hasTables();
  }

  async #hasTables(): Promise<boolean> {
    const hasher = new WorkerClient<HasherContract>(spawnHasher, { name: "hasher" });
    try {
      return (await hasher.call("listTables", { path: this.#source })).length > 0;
    } finally {
      await hasher.close();
    }
  }

  /** Makes the new database, with every row of the old one that can be read. */
  async #makeDatabase(hasOld: boolean): Promise<SalvageReport | null> {
    const writer = new WorkerClient<WriterContract>(spawnWriter, { name: "writer" });
    try {
      await writer.call("open", { path: this.#made, backupPath: join(this.#folder, "older.db") });
      await writer.call("disconnect", null);
      if (!hasOld) return null;
      await writer.call("openSalvage", { from: this.#source, to: this.#made });
      for (let batches = 0;; batches++) {
        this.#tell("rows", batches);
        const { report } = await writer.call("salvageSome", null);
        if (report !== null) return report;
      }
    } finally {
      await writer.call("closeSalvage", null).catch(() => null);
      await writer.close();
    }
  }

  #tell(stage: "rows" | "verify", done: number): void {
    this.#options.signal?.throwIfAborted();
    this.#options.onProgress?.({ stage, done, total: null });
  }

  /** Derives everything anew, in the new database. */
  async #refresh(): Promise<RefreshReport> {
    const paths = {
      ...this.#paths,
      database: this.#made,
      backups: this.#folder,
      snapshot: join(this.#folder, "snapshot.bin"),
    };
    const { folder, workers, signal, onProgress } = this.#options;
    const library = await openLibrary({ folder, paths, workers, print: () => {} });
    try {
      return await refreshLocked(library, { signal, onProgress });
    } finally {
      await library.close();
    }
  }

  /** Reads the new database to its last page: it must be sound, and have what was taken over. */
  async #verify(salvage: SalvageReport | null): Promise<void> {
    this.#tell("verify", 0);
    const { danglingRows, counts } = await this.#archive.call("settle", { path: this.#made });
    const short = (salvage?.tables ?? []).find(({ name, rows }) =>
      name in counts && name !== "image_tags" && counts[name] < rows
    );
    if (danglingRows > 0 || short !== undefined) {
      throw new AppError("corrupt", `The new database lacks rows of ${short?.name ?? "its own"}`, {
        remedy: "Nothing was changed. Please report it",
      });
    }
    const hasher = new WorkerClient<HasherContract>(spawnHasher, { name: "hasher" });
    try {
      for (const part of DATABASE_PARTS.filter((name) => name !== "tags" && name !== "places")) {
        this.#tell("verify", 0);
        const [fault] = await hasher.call("examineDatabase", { path: this.#made, part });
        if (fault === undefined) continue;
        throw new AppError("corrupt", `The new database is not sound: ${fault.message}`, {
          remedy: "Nothing was changed. Check the disk, and please report it",
        });
      }
    } finally {
      await hasher.close();
    }
  }

  async #findBackups(): Promise<string[]> {
    const { backups } = this.#paths;
    if (!(await exists(backups))) return [];
    const names = await Array.fromAsync(Deno.readDir(backups), ({ name }) => name);
    return names.filter((name) => name.endsWith(".db")).map((name) => join(backups, name)).sort();
  }

  /** Puts the new database in the place of the old one, which becomes a backup; gives its path. */
  async #replace(old: RebuildReport["old"]): Promise<string | null> {
    const { database, snapshot } = this.#paths;
    // A look at the last page may have left an empty log.
    for (const ending of ["-wal", "-shm"]) await removeIfThere(this.#made + ending);
    await syncFile(this.#made);
    const kept = await this.#keepOld(old);
    for (const ending of ["-wal", "-shm", "-journal"]) {
      const path = database + ending;
      if (!(await exists(path))) continue;
      // The log was folded in, and what indexes it says nothing.
      if (ending !== "-shm" && (await Deno.stat(path)).size > 0) {
        throw new AppError("locked", `Another program uses ${database}: there is a log of it`, {
          remedy: "Close that program and try again",
        });
      }
      await Deno.remove(path);
    }
    for (const path of [snapshot, `${snapshot}.new`]) await removeIfThere(path);
    await Deno.rename(this.#made, database);
    await syncFolder(dirname(database));
    await this.#archive.call("letGo", null);
    return kept;
  }

  async #keepOld(old: RebuildReport["old"]): Promise<string | null> {
    const { database, backups } = this.#paths;
    const hasAny = await Promise.all(
      ["", "-wal", "-journal"].map((ending) => exists(database + ending)),
    );
    if (!hasAny.includes(true)) return null;
    await makeLibraryFolder(backups);
    if (old === "readable") {
      try {
        await this.#archive.call("hold", { path: database });
        return await this.#keepHeld();
      } catch (error) {
        if (!(error instanceof AppError && error.code === "corrupt")) throw error;
        await this.#archive.call("letGo", null);
      }
    }
    return await this.#keepRemains();
  }

  /** Its log is folded in and nobody can use it: a copy of it that was read back is the backup. */
  async #keepHeld(): Promise<string> {
    const { backups } = this.#paths;
    const temporary = join(this.#folder, "old.db");
    await this.#archive.call("copyHeld", { target: temporary });
    const { sha256 } = await this.#archive.call("digest", { path: temporary });
    return await nameBackup({ temporary, folder: backups, kind: "before-rebuild", sha256 });
  }

  /** Of a database that cannot be opened everything is kept as it lies there, its log too. */
  async #keepRemains(): Promise<string> {
    const { database, backups } = this.#paths;
    const moment = new Date().toISOString().replaceAll(/[:.]/g, "-");
    const target = join(backups, `booru-before-rebuild-${moment}.db`);
    for (const ending of ["", "-wal", "-journal"]) {
      if (!(await exists(database + ending))) continue;
      if (await exists(target + ending)) throw new AppError("conflict", `${target} is there`);
      await linkOrCopy(database + ending, target + ending);
      await syncFile(target + ending);
    }
    await syncFolder(backups);
    // What could not be opened with its log cannot be opened without it either.
    for (const ending of ["-wal", "-shm", "-journal"]) await removeIfThere(database + ending);
    await syncFolder(dirname(database));
    return target;
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw error;
    // A file system without links.
    await Deno.copyFile(from, to);
  }
}

async function removeIfThere(path: string): Promise<void> {
  if (await exists(path)) await Deno.remove(path);
}
