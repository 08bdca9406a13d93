import { toMessage } from "../base/errors.ts";
import { TASKS_KEPT_MAX } from "../base/limits.ts";
import { log } from "../base/log.ts";
import type { Database } from "../store/database.ts";
import { hasRunningOperations } from "../store/operations.ts";
import { hasOpenTasks, readTasks, type TaskRecord } from "../store/tasks.ts";
import type { WriterContract } from "../worker/contracts.ts";
import type { WorkerClient } from "../worker/worker_client.ts";
import { type Task, TASK_STATES, type TaskHistory, TaskRunner, type TaskState } from "./tasks.ts";

/** Where the history of tasks is kept. */
export type TaskHistoryPlace = {
  /** `data/tasks.lock`: shared by the processes that have tasks, so that others know they live. */
  lock: string;
  reader: Database;
  writer: WorkerClient<WriterContract>;
};

/**
 * Makes a task runner that remembers the tasks of earlier runs. Those that never ended, though no living
 * process has any, become `interrupted`.
 */
export async function openTaskRunner(place: TaskHistoryPlace): Promise<TaskRunner> {
  try {
    const hasOpen = hasOpenTasks(place.reader) || hasRunningOperations(place.reader);
    if (hasOpen && await isNobodyRunning(place.lock)) {
      await place.writer.call("interruptTasks", { endedAtMs: Date.now() });
    }
    // One that another process runs is that one's to show.
    const records = readTasks(place.reader, TASKS_KEPT_MAX).filter((record) =>
      record.endedAtMs !== null
    );
    return new TaskRunner({ history: new StoredHistory(place), earlier: records.map(toTask) });
  } catch (error) {
    log("tasks").warn("The history of tasks cannot be read: {reason}", {
      reason: toMessage(error),
    });
    return new TaskRunner();
  }
}

/** Whether no living process has tasks: each holds the lock, shared, from its first task to its end. */
async function isNobodyRunning(path: string): Promise<boolean> {
  using file = await Deno.open(path, { create: true, read: true, write: true });
  if (!(await file.tryLock(true))) return false;
  await file.unlock();
  return true;
}

/** Writes tasks one after the other; what cannot be written is logged and stops no task. */
class StoredHistory implements TaskHistory {
  readonly #place: TaskHistoryPlace;
  #last: Promise<void> = Promise.resolve();
  #lock: Deno.FsFile | null = null;

  constructor(place: TaskHistoryPlace) {
    this.#place = place;
  }

  save(task: Task): Promise<void> {
    this.#last = this.#last.then(() => this.#write(toRecord(task)));
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#last;
    this.#lock?.close();
    this.#lock = null;
  }

  async #write(record: TaskRecord): Promise<void> {
    try {
      if (this.#lock === null) {
        const file = await Deno.open(this.#place.lock, { create: true, read: true, write: true });
        this.#lock = file;
        await file.lock(false);
      }
      await this.#place.writer.call("saveTask", { record });
    } catch (error) {
      log("tasks").warn("Task {id} is missing from the history: {reason}", {
        id: record.id,
        reason: toMessage(error),
      });
    }
  }
}

function toRecord(task: Task): TaskRecord {
  const { id, kind, state, startedAt, endedAt, ...detail } = task;
  return {
    id,
    kind,
    state,
    startedAtMs: Date.parse(startedAt),
    endedAtMs: endedAt === null ? null : Date.parse(endedAt),
    detail: JSON.stringify(detail),
  };
}

function toTask(record: TaskRecord): Task {
  const { id, kind, startedAtMs, endedAtMs } = record;
  const detail = readDetail(record.detail);
  const isKnown = (TASK_STATES as readonly string[]).includes(record.state);
  return {
    id,
    kind,
    state: isKnown ? record.state as TaskState : "interrupted",
    progress: detail.progress ?? null,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
    result: detail.result ?? null,
    error: detail.error ?? null,
    note: detail.note ?? null,
  };
}

/** What this program wrote; of what anything else wrote there, nothing. */
function readDetail(text: string): Partial<Task> {
  try {
    const detail: unknown = JSON.parse(text);
    return typeof detail === "object" && detail !== null ? detail : {};
  } catch {
    return {};
  }
}
