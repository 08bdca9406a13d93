import { dirname, join } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { WATCH_RESCAN_MINUTES, WATCH_RETRY_MS, WATCH_STILL_MS } from "../base/limits.ts";
import { log } from "../base/log.ts";
import { Slice } from "../base/slice.ts";
import { TypedEventTarget } from "../base/typed_event_target.ts";
import type { FolderChanges } from "../worker/contracts.ts";
import { ownFolders } from "./import_folder.ts";
import { isInside } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { exists } from "./library_paths.ts";
import { type LibraryLock, lockLibrary } from "./lock.ts";
import { WatchListener } from "./watch_listener.ts";
import { stepRoot } from "./watch_step.ts";
import {
  noCounts,
  type RootPlan,
  type WatchCounts,
  WatchedRoot,
  type WatchRootStatus,
} from "./watched_root.ts";

/*
 * One loop does everything, one root after the other, so that there is one import at a time. It sleeps until
 * the next thing is due; what the system tells of a folder wakes it. The system's word is only a hint that
 * makes it quick: what counts is what a look at the disk finds, and a scan of everything from time to time
 * finds what nobody told.
 */

/** How a watch works; the defaults are for people. */
export type WatchOptions = {
  /** How long a file must be the same before it is taken. */
  stillMs?: number;
  /** Time between two complete scans. */
  rescanMs?: number;
  /** How often a folder that is not there is looked for, and how long a locked library is waited for. */
  retryMs?: number;
  /** Whether what a folder asks is answered on a page of the server, not by a command; false by default. */
  asksOnPage?: boolean;
  /** For tests: the clock, in milliseconds. */
  now?: () => number;
};

/** Facts about a watch. */
export type WatchEvents = {
  /** A folder stands otherwise than before. */
  changed: WatchRootStatus;
  /** Nothing is left to do for now. */
  settled: WatchRootStatus[];
};

/** What a scan did in one folder, and how it stands after it. */
export type ScanResult = Omit<WatchRootStatus, "queued">;

type Waiting = { roots: Set<WatchedRoot>; resolve: () => void };

/** A file that keeps changing holds up nothing else for longer than so many times the time to be still. */
const PATIENCE_FACTOR = 30;
/** A folder that asks is looked through again this long after something changed in it. */
const HALTED_RESCAN_MS = 60_000;
/** Roots are read again after this time: an import may have added one. */
const ROOTS_KEPT_MS = 2_000;

/** Imports what appears in `ingest/`, and follows what happens in the folders that are indexed in place. */
export class WatchService {
  /** Tells how the folders stand. */
  readonly events: TypedEventTarget<WatchEvents> = new TypedEventTarget((error) =>
    log("watch").error("A listener of the watch failed: {error}", { error })
  );
  readonly #library: Library;
  readonly #options: Required<WatchOptions>;
  readonly #roots = new Map<string, WatchedRoot>();
  readonly #told = new Map<string, string>();
  readonly #waiting = new Set<Waiting>();
  #own: string[] = [];
  #ingestFault: string | null = null;
  #rootsReadMs = -Infinity;
  #listener: WatchListener | null = null;
  #running: { stopper: AbortController; done: Promise<void> } | null = null;
  #wake: () => void = () => {};

  /** Makes a service that does nothing until it is started or asked to scan. */
  constructor(library: Library, options: WatchOptions = {}) {
    this.#library = library;
    this.#options = {
      stillMs: WATCH_STILL_MS,
      rescanMs: WATCH_RESCAN_MINUTES * 60_000,
      retryMs: WATCH_RETRY_MS,
      asksOnPage: false,
      now: () => performance.now(),
      ...options,
    };
  }

  /** Whether it was started and not stopped. */
  get isWatching(): boolean {
    return this.#listener !== null;
  }

  /** How every folder stands. */
  get roots(): WatchRootStatus[] {
    return [...this.#roots.values()].map(({ status }) => status);
  }

  /**
   * Begins to watch, with a scan of everything.
   *
   * @throws {AppError} `locked`, naming the process that watches this library already.
   */
  async start(): Promise<void> {
    const lock = await this.#begin();
    for (const root of this.#roots.values()) root.scanDueMs = 0;
    const databaseFolder = dirname(this.#library.paths.database);
    this.#listener = new WatchListener(
      databaseFolder,
      (root, changes) => this.#hear(root, changes),
    );
    this.#run(lock, { isLive: true });
  }

  /** Stops watching, after what it is doing right now; what is left is found by the next scan. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    running.stopper.abort(new AppError("cancelled", "The watching was stopped"));
    // What waits for an answer of the system waits no more.
    await this.#listener?.end();
    this.#wake();
    await running.done;
  }

  /**
   * Looks through everything now, tries again what was refused, and tells what was done. Works without
   * {@link start} too.
   *
   * @throws {AppError} `locked` while another process watches, `cancelled`.
   */
  async scan(options: { signal?: AbortSignal } = {}): Promise<ScanResult[]> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#running === null) {
      const lock = await this.#begin();
      const stopper = this.#run(lock, { isLive: false });
      return await this.#await(signal, () => stopper.abort(signal?.reason));
    }
    return await this.#await(signal, () => {});
  }

  /**
   * Says that what a root asks is right: that its missing files are gone for good, or that its changed ones
   * were edited. The next scan goes on, and asks again if it finds more by then. `name` with its `@` or
   * without.
   *
   * @throws {AppError} `not_found` without such a root; `conflict` if its folder is not there at all, or if
   *   it asks nothing.
   */
  async accept(name: string): Promise<void> {
    await this.#readRoots();
    const root = this.#find(name);
    const isStopped = root.state === "stopped";
    if (!root.isHalted && !isStopped) {
      throw new AppError("conflict", `${root.plan.name} asks nothing: it is ${root.state}`);
    }
    if (!(await exists(root.plan.path))) {
      throw new AppError("conflict", `There is no folder ${root.plan.path}`, {
        remedy: "Connect its disk. Its images stay until then",
      });
    }
    root.accept();
    this.#wake();
  }

  #find(name: string): WatchedRoot {
    const root = this.#roots.get(name) ?? this.#roots.get(`@${name}`);
    if (root !== undefined && root.plan.mode === "in-place") return root;
    const names = [...this.#roots.values()].filter(({ plan }) => plan.mode === "in-place")
      .map(({ plan }) => plan.name);
    throw new AppError("not_found", `There is no folder "${name}" that is indexed in place`, {
      remedy: names.length === 0 ? "None is" : `Name one of: ${names.join(", ")}`,
    });
  }

  async #begin(): Promise<LibraryLock> {
    if (this.#running !== null) throw new AppError("conflict", "The library is being watched");
    const command = this.#options.asksOnPage ? "serve --watch" : "watch";
    const lock = await lockLibrary(join(this.#library.paths.data, "watch.lock"), command);
    try {
      this.#own = await ownFolders(this.#library);
      await this.#readRoots();
    } catch (error) {
      lock.release();
      throw error;
    }
    return lock;
  }

  /** Starts the loop; it releases the lock in the end. */
  #run(lock: LibraryLock, options: { isLive: boolean }): AbortController {
    const stopper = new AbortController();
    const done = this.#loop(stopper.signal, options.isLive).catch((error) => {
      log("watch").error("The watching ended: {error}", { error });
    }).finally(async () => {
      await this.#listener?.end();
      this.#listener = null;
      this.#running = null;
      for (const root of this.#roots.values()) {
        // What it asks is still asked.
        if (!root.isHalted) root.state = "stopped";
        root.dropWork();
      }
      lock.release();
      this.#tell();
      for (const { resolve } of this.#waiting) resolve();
      this.#waiting.clear();
    });
    this.#running = { stopper, done };
    return stopper;
  }

  /** Asks the loop for a scan of everything and waits until it is done. */
  async #await(signal: AbortSignal | undefined, onAbort: () => void): Promise<ScanResult[]> {
    const before = new Map([...this.#roots].map(([name, { counts }]) => [name, { ...counts }]));
    const roots = new Set(this.#roots.values());
    for (const root of roots) {
      root.scanDueMs = 0;
      root.forgetRefused();
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = { roots, resolve };
    this.#waiting.add(waiting);
    const abort = () => {
      onAbort();
      resolve();
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#wake();
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#waiting.delete(waiting);
    }
    // A loop for this scan alone ends with it.
    if (!this.isWatching) await this.#running?.done;
    signal?.throwIfAborted();
    return [...roots].map((root) => {
      const { queued: _, ...status } = root.status;
      return { ...status, ...subtract(root.counts, before.get(root.plan.name) ?? noCounts()) };
    });
  }

  async #loop(signal: AbortSignal, isLive: boolean): Promise<void> {
    while (!signal.aborted) {
      await this.#readRoots();
      for (const root of [...this.#roots.values()]) {
        if (signal.aborted) return;
        await this.#step(root, { signal, isLast: false });
        if (root.state === "unavailable") await this.#listener?.close(root);
      }
      await this.#importEdits(signal);
      this.#tell();
      const nowMs = this.#options.now();
      this.#answer(nowMs);
      if (!isLive && this.#waiting.size === 0) return;
      const roots = [...this.#roots.values()];
      const dueMs = Math.min(
        ...roots.map((root) => root.nextDueMs(nowMs, this.#options.retryMs)),
        nowMs + this.#options.retryMs,
      );
      if (roots.every(({ isIdle }) => isIdle) && dueMs > nowMs) {
        this.events.emit("settled", this.roots);
      }
      await this.#sleep(dueMs - nowMs, signal);
    }
  }

  /** A file that seems edited may be one of another folder that has its name now: that one comes first. */
  async #importEdits(signal: AbortSignal): Promise<void> {
    const nowMs = this.#options.now();
    const sinceMs = nowMs - PATIENCE_FACTOR * this.#options.stillMs;
    const roots = [...this.#roots.values()];
    if (!roots.every((root) => root.isCalm(nowMs, sinceMs))) return;
    for (const root of roots) {
      if (root.edits.size > 0 && !signal.aborted) await this.#step(root, { signal, isLast: true });
    }
  }

  async #step(
    root: WatchedRoot,
    { signal, isLast }: { signal: AbortSignal; isLast: boolean },
  ): Promise<void> {
    const { now, rescanMs, stillMs, retryMs } = this.#options;
    // What keeps it waiting is still to be seen.
    if (now() < root.blockedUntilMs) return;
    try {
      await stepRoot(this.#library, root, {
        exclude: this.#excludedFrom(root.plan),
        fault: root.plan.mode === "ingest" ? this.#ingestFault : null,
        isLast,
        signal,
        now,
        rescanMs,
        patienceMs: PATIENCE_FACTOR * stillMs,
        listen: async (identity) => await this.#listener?.open(root, identity),
      });
      if (!root.isHalted) root.message = null;
      if (root.isIdle) root.waitsFor = null;
    } catch (error) {
      if (signal.aborted) return;
      const message = describe(error);
      // Another file, or one byte more that is free, is no news.
      const cause = error instanceof AppError ? error.code : message;
      if (root.waitsFor !== cause) {
        log("watch").warn("{name} waits: {message}", { name: root.plan.name, message });
      }
      root.waitsFor = cause;
      root.message = message;
      root.blockedUntilMs = now() + retryMs;
      root.isFailed = !(error instanceof AppError && error.code === "locked");
    }
  }

  /** Folders inside a watched one that are not part of it. */
  #excludedFrom(plan: RootPlan): string[] {
    const others = [...this.#roots.values()].map(({ plan }) => plan.path);
    return [...this.#own, ...others].filter((path) =>
      path !== plan.path && isInside(path, plan.path)
    );
  }

  /** Takes up what the system tells of a folder. */
  async #hear(root: WatchedRoot, changes: FolderChanges): Promise<void> {
    const nowMs = this.#options.now();
    const isRoot = (path: string) => path === root.plan.path;
    const isScanNeeded = changes.isIncomplete || changes.appeared.some(isRoot) ||
      changes.changed.some(isRoot);
    if (root.isHalted) {
      const soonMs = nowMs + Math.min(HALTED_RESCAN_MS, this.#options.rescanMs);
      root.scanDueMs = Math.min(root.scanDueMs, soonMs);
    } else if (isScanNeeded) root.scanDueMs = 0;
    if (!root.isHalted) {
      const excluded = this.#excludedFrom(root.plan);
      const isOurs = (path: string) =>
        root.isWatched(path) && !excluded.some((folder) => isInside(path, folder));
      const slice = new Slice();
      for (const [paths, isNew] of [[changes.appeared, true], [changes.changed, false]] as const) {
        for (const path of paths) {
          if (isOurs(path)) root.still.touch(path, nowMs, isNew);
          if (slice.isOver) await slice.yield();
        }
      }
    }
    this.#wake();
  }

  /** Reads which folders there are; what is new is scanned, what is no more is forgotten. */
  async #readRoots(): Promise<void> {
    const nowMs = this.#options.now();
    if (this.#roots.size > 0 && nowMs < this.#rootsReadMs + ROOTS_KEPT_MS) return;
    this.#rootsReadMs = nowMs;
    const { ingest } = this.#library.paths;
    const plans: RootPlan[] = [
      {
        name: "ingest",
        path: await exists(ingest) ? await Deno.realPath(ingest) : ingest,
        mode: "ingest",
      },
      ...this.#library.roots().map(({ name, path }): RootPlan => ({
        name: `@${name}`,
        path,
        mode: "in-place",
      })),
    ];
    this.#ingestFault = await findIngestFault(ingest, plans);
    for (const plan of plans) {
      const known = this.#roots.get(plan.name);
      if (known?.plan.path === plan.path) continue;
      if (known !== undefined) await this.#listener?.close(known);
      this.#roots.set(plan.name, new WatchedRoot(plan, this.#options.stillMs, this.#options));
    }
    for (const [name, root] of this.#roots) {
      if (plans.some((plan) => plan.name === name)) continue;
      await this.#listener?.close(root);
      this.#roots.delete(name);
    }
  }

  /** Answers those who wait for a scan that is done. */
  #answer(nowMs: number): void {
    for (const waiting of [...this.#waiting]) {
      const isDone = (root: WatchedRoot) => {
        if (this.#roots.get(root.plan.name) !== root) return true;
        if (nowMs < root.blockedUntilMs) return root.isFailed;
        return root.scanDueMs > nowMs && (root.scanStartedAtMs === null || root.isHalted);
      };
      if (![...waiting.roots].every(isDone)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  #tell(): void {
    for (const { status } of this.#roots.values()) {
      const text = JSON.stringify(status);
      if (this.#told.get(status.name) === text) continue;
      this.#told.set(status.name, text);
      this.events.emit("changed", status);
    }
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }
}

/** Files are moved out of `ingest/`, and never out of what is indexed in place. */
async function findIngestFault(ingest: string, plans: readonly RootPlan[]): Promise<string | null> {
  const [{ path }, ...roots] = plans;
  const root = roots.find((plan) => isInside(path, plan.path));
  if (root === undefined) return null;
  const isLink = await exists(ingest) && (await Deno.lstat(ingest)).isSymlink;
  if (!isLink && path !== root.path) return null;
  return `${ingest} leads into ${root.path}, which is indexed in place and never written. Make it a ` +
    "folder of its own";
}

function describe(error: unknown): string {
  const remedy = error instanceof AppError ? error.remedy : undefined;
  return remedy === undefined ? toMessage(error) : `${toMessage(error)}. ${remedy}`;
}

function subtract(now: WatchCounts, before: WatchCounts): WatchCounts {
  const names = Object.keys(now) as (keyof WatchCounts)[];
  return Object.fromEntries(names.map((name) => [name, now[name] - before[name]])) as WatchCounts;
}
