import { AppError, toMessage } from "../base/errors.ts";
import { OPERATION_SHOWN_IMAGES_MAX, TAG_WRITE_MS } from "../base/limits.ts";
import { log } from "../base/log.ts";
import { type Operation, readOperation } from "../store/operations.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";

/** How an operation runs. */
export type OperationOptions = {
  /** Ends it between two batches: it can go on later, or be undone. */
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number; changed: number }) => void;
};

/** Transactions after which segments of the full-text table are joined: far fewer than it can have. */
export const WRITES_BETWEEN_MERGES = 100;

/**
 * Does what is left of an operation on many images, in short transactions between which others write.
 * Changes show while they are made if they are some thousands, else at the end, by one load: read one by
 * one they would cost the main isolate more than that, and the loads between would never end.
 *
 * @throws {AppError} `cancelled`, or why a batch failed; what was done is done, and shown.
 */
export async function runOperation(
  library: Library,
  operationId: number,
  options: OperationOptions = {},
): Promise<Operation> {
  const { signal, onProgress } = options;
  const { writer, core } = library;
  const left = requireOperation(library, operationId).steps;
  const isShownBetween = left.total - left.done <= OPERATION_SHOWN_IMAGES_MAX;
  const release = isShownBetween ? () => {} : core.hold();
  let showing = Promise.resolve();
  try {
    for (let writes = 1;; writes++) {
      signal?.throwIfAborted();
      // The first is short, so that there soon is something to see.
      const forMs = writes === 1 ? 0 : TAG_WRITE_MS;
      const operation = await writer.call("runOperationBatch", { operationId, forMs });
      const { done, total, changed } = operation.steps;
      onProgress?.({ done, total, changed });
      if (operation.state !== "running") return operation;
      await showing;
      // While the next batch is written.
      if (isShownBetween) showing = showChanges(library);
      if (writes % WRITES_BETWEEN_MERGES === 0) await mergeFullText(library);
    }
  } catch (error) {
    const fault = signal?.aborted ? null : toMessage(error);
    await writer.call("interruptOperation", { operationId, fault });
    throw error;
  } finally {
    await showing;
    release();
    await showChanges(library);
    await mergeFullText(library);
  }
}

/** Joins the segments that batches left. It never fails, since the changes are done: later writes join too. */
export async function mergeFullText({ writer }: Library): Promise<void> {
  try {
    while ((await writer.call("mergeFullText", null)).isMore);
  } catch (error) {
    log("library").warn("The full-text table stays in many parts for now: {reason}", {
      reason: toMessage(error),
    });
  }
}

/**
 * Goes on with an operation that was interrupted.
 *
 * @throws {AppError} `not_found`; `conflict` if it was not interrupted; as {@link runOperation}.
 */
export async function continueOperation(
  library: Library,
  operationId: number,
  options: OperationOptions = {},
): Promise<Operation> {
  const { state } = requireOperation(library, operationId);
  if (state !== "interrupted") {
    throw new AppError("conflict", `Operation ${operationId} cannot go on: it is ${state}`);
  }
  return await runOperation(library, operationId, options);
}

/**
 * An operation of the library.
 *
 * @throws {AppError} `not_found` without such an operation.
 */
export function requireOperation({ core }: Library, id: number): Operation {
  const operation = readOperation(core.reader, id);
  if (operation === undefined) throw new AppError("not_found", `There is no operation ${id}`);
  return operation;
}
