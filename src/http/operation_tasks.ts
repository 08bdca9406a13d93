import { AppError } from "../base/errors.ts";
import type { Library } from "../library/library.ts";
import type { OperationOptions } from "../library/operations.ts";
import type { Task } from "../library/tasks.ts";

/** How the work of a task is told that its operation has a number, and how far it is to be told. */
export type OperationTaskOptions = OperationOptions & { onStarted: (operationId: number) => void };

/** Kinds of tasks: edits of many images, also those that go on, and undos of them. */
export type OperationTaskKind = "bulk-edit" | "undo";

/** Operation → the task that does it, of each library of this process. */
const TASKS = new WeakMap<Library, Map<number, string>>();

/**
 * Starts a task that does an operation on many images. `started` is the operation's number once it is
 * written down, null if there was nothing to be done.
 *
 * @throws {AppError} `conflict` if a task of this kind is running.
 */
export function startOperationTask(
  library: Library,
  kind: OperationTaskKind,
  work: (options: OperationTaskOptions) => Promise<unknown>,
): { task: Task; started: Promise<number | null> } {
  const { promise: started, resolve, reject } = Promise.withResolvers<number | null>();
  // Who does not wait for the number hears of a failure from the task.
  started.catch(() => null);
  const operations = operationsOf(library);
  const task = library.tasks.start(kind, async ({ signal, report }) => {
    try {
      return await work({
        signal,
        onProgress: ({ done, total, changed }) =>
          report({ done, total, message: `${changed} changed` }),
        onStarted: (operationId) => {
          operations.set(operationId, task.id);
          resolve(operationId);
        },
      });
    } catch (error) {
      reject(error);
      throw error;
    }
  });
  const ended = new AbortController();
  library.tasks.events.on("changed", ({ id, endedAt }) => {
    if (id !== task.id || endedAt === null) return;
    ended.abort();
    for (const [operationId, taskId] of operations) {
      if (taskId === id) operations.delete(operationId);
    }
    // Nothing was to be done, or it was cancelled before it began.
    resolve(null);
  }, { signal: ended.signal });
  return { task, started };
}

function operationsOf(library: Library): Map<number, string> {
  let operations = TASKS.get(library);
  if (operations === undefined) TASKS.set(library, operations = new Map());
  return operations;
}

/** Whether a task of this process does an operation, also before its first batch says so. */
export function isOperationActive(library: Library, operationId: number): boolean {
  return TASKS.get(library)?.has(operationId) ?? false;
}

/**
 * Asks the task of an operation to stop.
 *
 * @throws {AppError} `conflict` if none of this process does it.
 */
export function cancelOperation(library: Library, operationId: number): void {
  const taskId = TASKS.get(library)?.get(operationId);
  if (taskId !== undefined && library.tasks.cancel(taskId)) return;
  throw new AppError("conflict", `Operation ${operationId} is not running here`);
}
