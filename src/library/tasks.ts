import { AppError, type ErrorCode, toMessage } from "../base/errors.ts";
import { TASK_PROGRESS_INTERVAL_MS, TASKS_KEPT_MAX } from "../base/limits.ts";
import { log } from "../base/log.ts";
import { TypedEventTarget } from "../base/typed_event_target.ts";
import { toKeptResult } from "./task_result.ts";

/** How far a task is; `total` is null while nobody knows. */
export type TaskProgress = { done: number; total: number | null; message: string };

/**
 * States of a task: `running`, then `cancelling` once somebody asked it to stop; at the end `succeeded`
 * (also when the work was done before it noticed), `failed`, `cancelled`, or `interrupted` if the
 * program ended first.
 */
export const TASK_STATES = [
  "running",
  "cancelling",
  "succeeded",
  "failed",
  "cancelled",
  "interrupted",
] as const;

/** One of {@link TASK_STATES}. */
export type TaskState = typeof TASK_STATES[number];

/** A background task, as plain data. */
export type Task = {
  id: string;
  kind: string;
  state: TaskState;
  progress: TaskProgress | null;
  startedAt: string;
  endedAt: string | null;
  /** What a succeeded task answered. */
  result: unknown;
  error: { code: ErrorCode; message: string; remedy?: string } | null;
  /** What else is to be known: that a long result was cut. */
  note: string | null;
};

/** What a task's work gets. */
export type TaskContext = {
  /** Aborted when somebody cancels the task. */
  signal: AbortSignal;
  report(progress: TaskProgress): void;
};

/** Facts about tasks. */
export type TaskEvents = { changed: Task };

/** Keeps tasks across restarts. */
export type TaskHistory = {
  /** Writes a task as it is now; never rejects. */
  save(task: Task): Promise<void>;
  /** Waits for what is being written, and lets go of everything. */
  close(): Promise<void>;
};

/** What a {@link TaskRunner} is made of. */
export type TaskRunnerOptions = {
  history?: TaskHistory;
  /** Ended tasks of earlier runs, the oldest first. */
  earlier?: readonly Task[];
  /** Milliseconds since some fixed moment. */
  now?: () => number;
};

type Running = { controller: AbortController; done: Promise<void> };
/** When a task last told how far it is, and the timer that will tell what it said since. */
type Telling = { toldAt: number; timer: ReturnType<typeof setTimeout> | null };

/** Whether a task has not ended yet: it runs, or is asked to stop. */
export function isActive(task: Task): boolean {
  return task.endedAt === null;
}

/** Runs heavy work in the background, one of each kind at a time, and remembers how it went. */
export class TaskRunner {
  /** Tells every change of a task; how far it is ten times a second at most. */
  readonly events: TypedEventTarget<TaskEvents> = new TypedEventTarget((error) =>
    log("tasks").error("A listener of a task failed: {error}", { error })
  );
  readonly #tasks = new Map<string, Task>();
  readonly #running = new Map<string, Running>();
  readonly #telling = new Map<string, Telling>();
  readonly #revisions = new Map<string, number>();
  readonly #history: TaskHistory | undefined;
  readonly #now: () => number;
  #lastRevision = 0;

  /** Makes a runner; without a history nothing is kept when it ends. */
  constructor(options: TaskRunnerOptions = {}) {
    this.#history = options.history;
    this.#now = options.now ?? (() => performance.now());
    for (const task of options.earlier ?? []) this.#tasks.set(task.id, task);
  }

  /**
   * Starts a task.
   *
   * @throws {AppError} `conflict` if one of this kind is running; its id is in the details.
   */
  start(kind: string, work: (context: TaskContext) => Promise<unknown>): Task {
    const other = this.active(kind);
    if (other !== undefined) {
      throw new AppError("conflict", `A task of kind "${kind}" is running already: ${other.id}`, {
        remedy: "Wait for it, or cancel it",
        details: { taskId: other.id },
      });
    }
    const id = crypto.randomUUID();
    const controller = new AbortController();
    const task: Task = {
      id,
      kind,
      state: "running",
      progress: null,
      startedAt: new Date().toISOString(),
      endedAt: null,
      result: null,
      error: null,
      note: null,
    };
    this.#put(task);
    void this.#history?.save(task);
    // Work that throws at once must find itself among what runs, to leave it.
    const done = Promise.resolve().then(() => this.#run(id, work, controller.signal));
    this.#running.set(id, { controller, done });
    return this.get(id)!;
  }

  /** A task by its id. */
  get(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** The task of a kind that has not ended, if there is one. */
  active(kind: string): Task | undefined {
    return [...this.#running.keys()].map((id) => this.get(id)!).find((task) => task.kind === kind);
  }

  /** All remembered tasks, newest first. */
  list(): Task[] {
    return [...this.#tasks.values()].reverse();
  }

  /** A number that grows with every told change of any task; that of this task's last one. */
  revision(id: string): number {
    return this.#revisions.get(id) ?? 0;
  }

  /** Asks a running task to stop; false when it is not running. Asking again changes nothing. */
  cancel(id: string): boolean {
    const running = this.#running.get(id);
    if (running === undefined) return false;
    const task = this.get(id)!;
    if (task.state === "running") this.#put({ ...task, state: "cancelling" });
    running.controller.abort(new AppError("cancelled", "The task was cancelled"));
    return true;
  }

  /** Cancels what runs, waits for it and for the history. */
  async close(): Promise<void> {
    for (const id of this.#running.keys()) this.cancel(id);
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    await this.#history?.close();
  }

  async #run(
    id: string,
    work: (context: TaskContext) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const report = (progress: TaskProgress) => this.#report(id, progress);
    try {
      // Cancelled before it began: nothing is done.
      signal.throwIfAborted();
      const answer = await work({ signal, report });
      this.#end(id, { state: "succeeded", ...toKeptResult(answer) });
    } catch (error) {
      const code = error instanceof AppError ? error.code : "internal";
      const isCancelled = signal.aborted;
      // What the program expects to go wrong (a bad file, a full disk) is no fault of its own.
      if (!isCancelled && error instanceof AppError) {
        log("tasks").warn("Task {id} failed: {reason}", { id, reason: error.message });
      } else if (!isCancelled) log("tasks").error("Task {id} failed: {error}", { id, error });
      this.#end(id, {
        state: isCancelled ? "cancelled" : "failed",
        error: {
          code: isCancelled ? "cancelled" : code,
          message: toMessage(error),
          ...(error instanceof AppError && error.remedy !== undefined
            ? { remedy: error.remedy }
            : {}),
        },
      });
    }
  }

  #end(id: string, change: Partial<Task> & { state: TaskState }): void {
    this.#running.delete(id);
    const timer = this.#telling.get(id)?.timer ?? null;
    if (timer !== null) clearTimeout(timer);
    this.#telling.delete(id);
    const task = { ...this.get(id)!, ...change, endedAt: new Date().toISOString() };
    this.#put(task);
    void this.#history?.save(task);
  }

  /** Keeps how far a task is, and tells it now, or when the last telling is long enough ago. */
  #report(id: string, progress: TaskProgress): void {
    if (!this.#running.has(id)) return;
    this.#tasks.set(id, { ...this.get(id)!, progress });
    const telling = this.#telling.get(id) ?? { toldAt: -Infinity, timer: null };
    this.#telling.set(id, telling);
    if (telling.timer !== null) return;
    const tell = () => {
      telling.timer = null;
      telling.toldAt = this.#now();
      this.#put(this.get(id)!);
    };
    const waitMs = telling.toldAt + TASK_PROGRESS_INTERVAL_MS - this.#now();
    if (waitMs <= 0) tell();
    else telling.timer = setTimeout(tell, waitMs);
  }

  #put(task: Task): void {
    this.#tasks.set(task.id, task);
    this.#revisions.set(task.id, ++this.#lastRevision);
    for (const old of this.#tasks.values()) {
      if (this.#tasks.size <= TASKS_KEPT_MAX) break;
      if (isActive(old)) continue;
      this.#tasks.delete(old.id);
      this.#revisions.delete(old.id);
    }
    this.events.emit("changed", task);
  }
}

/**
 * Waits for a promise until the signal is aborted, and then rejects with the signal's reason; what was
 * waited for goes on, and nobody hears how it ends.
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
