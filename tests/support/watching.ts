import { WatchService } from "../../src/library/watch.ts";
import type { WatchOptions } from "../../src/library/watch.ts";
import type { WatchRootStatus } from "../../src/library/watched_root.ts";
import { importSource, type SampleLibrary, withLibrary } from "./sample_library.ts";

/** A library whose source folder is indexed in place and watched, and whose ingest folder is. */
export type Watching = SampleLibrary & {
  watch: WatchService;
  /** How a folder stands: `ingest` or `@source`. */
  status: (name?: string) => WatchRootStatus;
  /** Waits until what is asked for is true; looks when a folder stands otherwise than before. */
  until: (what: string, look: () => boolean) => Promise<void>;
  /** Waits until the watch has nothing left to do. */
  settled: () => Promise<void>;
};

/** What waits, fails after this time: the machine may be busy. */
const DEADLINE_MS = 30_000;
/** Quick enough for a test, and long enough for two looks to be two. */
const QUICK: WatchOptions = { stillMs: 40, rescanMs: 3_600_000, retryMs: 40 };

/** Runs a test with a library that is watched; `prepare` fills the source folder before it is indexed. */
export async function withWatch(
  test: (watching: Watching) => Promise<void>,
  options: WatchOptions & {
    prepare?: (sample: SampleLibrary) => Promise<void>;
    /** Whether the watch is started; true by default. */
    isLive?: boolean;
  } = {},
): Promise<void> {
  const { prepare, isLive, ...watchOptions } = options;
  await withLibrary(async (sample) => {
    await prepare?.(sample);
    await importSource(sample, { mode: "in-place" });
    const watch = new WatchService(sample.library, { ...QUICK, ...watchOptions });
    const watching = { ...sample, ...toWaits(watch) };
    try {
      if (isLive !== false) {
        await watch.start();
        await watching.settled();
      }
      await test(watching);
    } finally {
      await watch.stop();
    }
  });
}

/** The waits of a service that a test made itself. */
export function toWaits(
  watch: WatchService,
): Pick<Watching, "watch" | "status" | "until" | "settled"> {
  const status = (name = "@source") => {
    const found = watch.roots.find((root) => root.name === name);
    if (found === undefined) throw new Error(`No folder ${name} is watched`);
    return found;
  };
  const until = (what: string, look: () => boolean) =>
    waitFor(what, watch, (resolve, signal) => {
      const check = () => {
        if (look()) resolve();
      };
      watch.events.on("changed", check, { signal });
      watch.events.on("settled", check, { signal });
      check();
    });
  const settled = () =>
    waitFor("the watch settles", watch, (resolve, signal) => {
      watch.events.on("settled", () => resolve(), { signal });
    });
  return { watch, status, until, settled };
}

async function waitFor(
  what: string,
  watch: WatchService,
  listen: (resolve: () => void, signal: AbortSignal) => void,
): Promise<void> {
  const ended = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    reject(new Error(`Waited too long until ${what}: ${JSON.stringify(watch.roots, null, 1)}`));
  }, DEADLINE_MS);
  try {
    listen(resolve, ended.signal);
    await promise;
  } finally {
    clearTimeout(timer);
    ended.abort();
  }
}
