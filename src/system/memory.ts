/** Memory of this process and of the machine; null where the system does not tell. */
export type MemoryFigures = {
  /** What the process holds of real memory. */
  rssBytes: number;
  /** JavaScript objects of this isolate. */
  heapUsedBytes: number;
  /** What this isolate has reserved for objects. */
  heapTotalBytes: number;
  /** Buffers outside the heap that this isolate holds. */
  externalBytes: number;
  /** What programs can still have, within the limit of the container if that can be read. */
  availableBytes: number | null;
  /** What the machine has, or the container is allowed. */
  totalBytes: number | null;
};

/** What the system says of itself, as it says it. */
export type MemorySource = {
  process(): Deno.MemoryUsage;
  machine(): Pick<Deno.SystemMemoryInfo, "available" | "total">;
  /** Text of a file; throws when it cannot be read. */
  readText(path: string): string;
};

/** A container's limit and its use: version 2 of control groups, then version 1. */
const GROUP_FILES: readonly [limit: string, used: string][] = [
  ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"],
  [
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes",
  ],
];
/** Assumed where nothing is known: enough to go on, too little to do harm. */
const AVAILABLE_FALLBACK_BYTES = 256 * 1_048_576;

const SYSTEM: MemorySource = {
  process: () => Deno.memoryUsage(),
  machine: () => Deno.systemMemoryInfo(),
  readText: (path) => Deno.readTextFileSync(path),
};

/**
 * Reads how much memory is used and left. Cost: tens of microseconds.
 *
 * A control group's limit counts where /sys can be read, which needs all permissions.
 */
export function readMemory(source: MemorySource = SYSTEM): MemoryFigures {
  const { rss, heapUsed, heapTotal, external } = source.process();
  const own = {
    rssBytes: rss,
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    externalBytes: external,
  };
  const machine = readOrNull(() => source.machine());
  const group = readGroup(source);
  if (machine === null) {
    return {
      ...own,
      availableBytes: group === null ? null : Math.max(0, group.limitBytes - group.usedBytes),
      totalBytes: group?.limitBytes ?? null,
    };
  }
  if (group === null || group.limitBytes >= machine.total) {
    return { ...own, availableBytes: machine.available, totalBytes: machine.total };
  }
  const left = Math.max(0, group.limitBytes - group.usedBytes);
  return {
    ...own,
    availableBytes: Math.min(machine.available, left),
    totalBytes: group.limitBytes,
  };
}

/** How {@link batchSizeFor} chooses. */
export type BatchOptions = {
  /** Part of the available memory that a batch may take, above 0 and at most 1. */
  share: number;
  /** Items of the largest batch, which is chosen where memory is plenty. */
  max: number;
  /** Bytes that are available; asked of the system by default. */
  availableBytes?: number | null;
};

/**
 * Items of a batch that fit into a share of the memory that is available now: at least 1, at most `max`.
 *
 * @throws {RangeError} If a size or the share makes no sense.
 */
export function batchSizeFor(bytesPerItem: number, options: BatchOptions): number {
  const { share, max } = options;
  if (!(bytesPerItem > 0) || !(share > 0 && share <= 1) || !(max >= 1)) {
    throw new RangeError(
      `Cannot size a batch: ${bytesPerItem} bytes an item, share ${share}, at most ${max}`,
    );
  }
  const available = options.availableBytes === undefined
    ? readMemory().availableBytes
    : options.availableBytes;
  const room = (available ?? AVAILABLE_FALLBACK_BYTES) * share;
  return Math.max(1, Math.min(Math.floor(max), Math.floor(room / bytesPerItem)));
}

function readGroup(source: MemorySource): { limitBytes: number; usedBytes: number } | null {
  for (const [limitPath, usedPath] of GROUP_FILES) {
    // "max" means no limit; version 1 writes a number near 2^63 instead.
    const limitBytes = readOrNull(() => toBytes(source.readText(limitPath)));
    const usedBytes = readOrNull(() => toBytes(source.readText(usedPath)));
    if (limitBytes !== null && usedBytes !== null) return { limitBytes, usedBytes };
  }
  return null;
}

function toBytes(text: string): number | null {
  return /^\d+\s*$/.test(text) ? Number(text) : null;
}

/** Not allowed, not there, not on this system: all mean that nobody knows. */
function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
