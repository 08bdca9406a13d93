import { AppError, type ErrorCode, toMessage } from "../base/errors.ts";
import { TASKS_KEPT_MAX } from "../base/limits.ts";
import { log } from "../base/log.ts";
import { TypedEventTarget } from "../base/typed_event_target.ts";

/** How far a task is; `total` is null while nobody knows. */
export type TaskProgress = { done: number; total: number | null; message: string };

/** A background task, as plain data. */
export type Task = {
  id: string;
  kind: string;
  state: "running" | "succeeded" | "failed" | "cancelled";
  progress: TaskProgress | null;
  startedAt: string;
  endedAt: string | null;
  /** What a succeeded task answered. */
  result: unknown;
  error: { code: ErrorCode; message: string } | null;
};

/** What a task's work gets. */
export type TaskContext = {
  /** Aborted when somebody cancels the task. */
  signal: AbortSignal;
  report(progress: TaskProgress): void;
};

/** Facts about tasks. */
export type TaskEvents = { changed: Task };

/** Runs heavy work in the background, one of each kind at a time, and remembers how it went. */
export class TaskRunner {
  /** Tells every change of a task. */
  readonly events: TypedEventTarget<TaskEvents> = new TypedEventTarget((error) =>
    log("tasks").error("A listener of a task failed: {error}", { error })
  );
  readonly #tasks = new Map<string, Task>();
  readonly #running = new Map<string, { controller: AbortController; done: Promise<void> }>();

  /**
   * Starts a task.
   *
   * @throws {AppError} `conflict` if one of this kind is running; its id is in the details.
   */
  start(kind: string, work: (context: TaskContext) => Promise<unknown>): Task {
    const other = [...this.#tasks.values()].find((task) =>
      task.kind === kind && task.state === "running"
    );
    if (other !== undefined) {
      throw new AppError("conflict", `A task of kind "${kind}" is running already: ${other.id}`, {
        remedy: "Wait for it, or cancel it",
        details: { taskId: other.id },
      });
    }
    const id = crypto.randomUUID();
    const controller = new AbortController();
    this.#put({
      id,
      kind,
      state: "running",
      progress: null,
      startedAt: new Date().toISOString(),
      endedAt: null,
      result: null,
      error: null,
    });
    // Work that throws at once must find itself among what runs, to leave it.
    const done = Promise.resolve().then(() => this.#run(id, work, controller.signal));
    this.#running.set(id, { controller, done });
    return this.get(id)!;
  }

  /** A task by its id. */
  get(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** All remembered tasks, newest first. */
  list(): Task[] {
    return [...this.#tasks.values()].reverse();
  }

  /** Asks a running task to stop; false when it is not running. */
  cancel(id: string): boolean {
    const running = this.#running.get(id);
    running?.controller.abort(new AppError("cancelled", "The task was cancelled"));
    return running !== undefined;
  }

  /** Cancels what runs and waits for it. */
  async close(): Promise<void> {
    for (const id of this.#running.keys()) this.cancel(id);
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #run(
    id: string,
    work: (context: TaskContext) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const report = (progress: TaskProgress) => this.#change(id, { progress });
    try {
      // Cancelled before it began: nothing is done.
      signal.throwIfAborted();
      const result = await work({ signal, report });
      this.#change(id, { state: "succeeded", result: result ?? null });
    } catch (error) {
      const code = error instanceof AppError ? error.code : "internal";
      const isCancelled = signal.aborted;
      if (!isCancelled) log("tasks").error("Task {id} failed: {error}", { id, error });
      this.#change(id, {
        state: isCancelled ? "cancelled" : "failed",
        error: { code: isCancelled ? "cancelled" : code, message: toMessage(error) },
      });
    } finally {
      this.#running.delete(id);
    }
  }

  #change(id: string, change: Partial<Task>): void {
    const task = this.#tasks.get(id);
    if (task?.state !== "running") return;
    const isEnd = change.state !== undefined;
    this.#put({ ...task, ...change, endedAt: isEnd ? new Date().toISOString() : null });
  }

  #put(task: Task): void {
    this.#tasks.set(task.id, task);
    for (const old of this.#tasks.values()) {
      if (this.#tasks.size <= TASKS_KEPT_MAX) break;
      if (old.state !== "running") this.#tasks.delete(old.id);
    }
    this.events.emit("changed", task);
  }
}
