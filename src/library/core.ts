import { log } from "../base/log.ts";
import { CacheEvents } from "../cache/cache_events.ts";
import { CacheManager } from "../cache/cache_manager.ts";
import type { TagIdCache } from "../cache/tag_id_cache.ts";
import { readDataVersion } from "../store/change_log.ts";
import { type Database, openReader } from "../store/database.ts";
import type { LoaderContract, MetadataContract } from "../worker/contracts.ts";
import { spawnLoader, spawnMetadata } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import { WorkerPool } from "../worker/worker_pool.ts";
import { makeCachePorts } from "./cache_ports.ts";
import type { LoadWorkers } from "./load_columns.ts";

/** What {@link openCore} opens. */
export type CoreOptions = {
  /** Path of the database (`data/booru.db`). */
  database: string;
  /** Folder of the images, for utilities that touch files. */
  images?: string;
  /** File that lets the next start be quick; without it every load reads the database. */
  snapshot?: string;
  /** Where the lines of a verbose load go; standard output by default. */
  print?: (line: string) => void;
};

/** The seed's core: caches over one database. */
export type Core = {
  readonly database: string;
  readonly images: string | undefined;
  readonly cache: CacheManager;
  readonly tagIds: TagIdCache;
  readonly events: CacheEvents;
  /** The main isolate's read-only connection, for hydrating pages by id. */
  readonly reader: Database;
  /** Applies what was committed since the last call, if anything was. Cost: microseconds if not. */
  poll(): Promise<void>;
  /**
   * Puts {@link Core.poll} off until the given function is called: for a caller that commits thousands of
   * changes and shows them together, which else would be loaded anew all the time.
   */
  hold(): () => void;
  /** Whether anybody puts it off. */
  isHeld(): boolean;
  /**
   * Ends a load that is under way, which then rejects, and refuses further ones: before a
   * {@link Core.close} that must not wait for a million images.
   */
  stopLoading(): void;
  /** Waits for what runs, then ends workers and connection. */
  close(): Promise<void>;
};

/** Metadata workers beside the loader, which fills a core of its own. */
const METADATA_WORKERS = Math.max(1, Math.min(navigator.hardwareConcurrency - 1, 4));

/**
 * Opens the caches over an existing database; nothing is created, migrated or loaded yet.
 *
 * Works on the bare tables of ChibiBooru: what needs this program's own tables (changes of other
 * processes) is left out there, and {@link CacheManager.loadDataFromDb} reads everything.
 *
 * @throws {AppError} `not_found`, `corrupt` or `locked`, naming the file and the remedy.
 */
export function openCore(options: CoreOptions): Promise<Core> {
  // Not `async`, so that the reader is opened before anything else can happen to the file.
  try {
    return Promise.resolve(buildCore(options));
  } catch (error) {
    return Promise.reject(error);
  }
}

function buildCore(options: CoreOptions): Core {
  const reader = openReader(options.database);
  const logger = log("cache");
  const events = new CacheEvents((error, type) =>
    logger.error("A listener of {type} failed: {error}", { type, error })
  );
  const workers: LoadWorkers = {
    loader: new WorkerClient<LoaderContract>(spawnLoader, { name: "loader" }),
    metadata: new WorkerPool<MetadataContract>(spawnMetadata, {
      name: "metadata",
      size: METADATA_WORKERS,
    }),
  };
  const ports = makeCachePorts({
    workers,
    path: options.database,
    snapshotPath: options.snapshot ?? null,
    reader,
    onMalformed: (count, documents) => {
      for (const { imageId, reason } of documents.slice(0, 5)) {
        const md5 = reader.prepare("SELECT md5 FROM images WHERE id = ?").value<[string]>(imageId);
        logger.error("Cannot parse the metadata of {md5}: {reason}", { md5: md5?.[0], reason });
      }
      if (count > 5) {
        logger.warn("{count} more metadata documents are malformed", { count: count - 5 });
      }
    },
  });
  const cache = new CacheManager({ ports, events, print: options.print ?? console.log });
  let isStopped = false;
  events.on("loadFailed", ({ error }) => {
    // A load that is stopped because everything stops is no failure.
    if (!isStopped) logger.error("The cache did not load: {error}", { error });
  });

  let dataVersion = readDataVersion(reader);
  const holders = new Set<symbol>();
  return {
    database: options.database,
    images: options.images,
    cache,
    tagIds: cache.tagIds,
    events,
    reader,
    hold() {
      const holder = Symbol();
      holders.add(holder);
      return () => void holders.delete(holder);
    },
    isHeld: () => holders.size > 0,
    async poll() {
      if (holders.size > 0) return;
      const version = readDataVersion(reader);
      if (version === dataVersion) return;
      await cache.catchUp();
      dataVersion = version;
    },
    stopLoading() {
      isStopped = true;
      workers.loader.stop();
      workers.metadata.stop();
    },
    async close() {
      await cache.settled();
      await Promise.all([workers.loader.close(), workers.metadata.close()]);
      reader.close();
    },
  };
}
