/*
 * Every worker of the program, as literals in exactly this shape: that is how `deno compile` finds the
 * entry files.
 */

/** Starts a worker of LoaderContract. */
export function spawnLoader(): Worker {
  return new Worker(new URL("../../workers/loader.ts", import.meta.url), { type: "module" });
}

/** Starts a worker of MetadataContract. */
export function spawnMetadata(): Worker {
  return new Worker(new URL("../../workers/metadata.ts", import.meta.url), { type: "module" });
}

/** Starts a worker of WriterContract. */
export function spawnWriter(): Worker {
  return new Worker(new URL("../../workers/writer.ts", import.meta.url), { type: "module" });
}

/** Starts a worker of HasherContract. */
export function spawnHasher(): Worker {
  return new Worker(new URL("../../workers/hasher.ts", import.meta.url), { type: "module" });
}

/** Starts a worker of MediaContract. */
export function spawnMedia(): Worker {
  return new Worker(new URL("../../workers/media.ts", import.meta.url), { type: "module" });
}

/** Starts a worker of WatcherContract. */
export function spawnWatcher(): Worker {
  return new Worker(new URL("../../workers/watcher.ts", import.meta.url), { type: "module" });
}

/** Starts a worker of GpuContract. */
export function spawnGpu(): Worker {
  return new Worker(new URL("../../workers/gpu.ts", import.meta.url), { type: "module" });
}

/** Starts a worker of ArchiveContract. */
export function spawnArchive(): Worker {
  return new Worker(new URL("../../workers/archive.ts", import.meta.url), { type: "module" });
}
