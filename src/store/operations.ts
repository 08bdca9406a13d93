import { AppError } from "../base/errors.ts";
import { OPERATION_BATCH_IMAGES, OPERATION_SKIPPED_KEPT_MAX } from "../base/limits.ts";
import { type Database, execute, prepared, toNumber } from "./database.ts";
import { withPutOffMerges } from "./full_text_batches.ts";
import { writeJournal } from "./post_history.ts";
import type { WantedTag } from "./tags.ts";
import type { Absence } from "./undo.ts";

/*
 * Operations on many images. One is an entry of the journal; what it still has to do is in batches of ids,
 * each done in one transaction in which it is also taken off the list. So a kill at any moment leaves an
 * operation that is done so far, and the rest of it.
 */

/**
 * `running`, until it is `done`; `interrupted` when it was cancelled or the program ended: it can go on, or
 * be undone; `stopped` when it was undone after that: what it had not done it never does.
 */
export type OperationState = "running" | "done" | "interrupted" | "stopped";

/** Kinds of operations: an edit of what a search finds, and the undo of an operation. */
export type OperationKind = "bulk_edit" | "undo";

/** What an operation is to do and how far it is; kept in the journal. */
export type OperationSteps = {
  editor: string;
  /** Of a bulk edit: what found the images, and what is done to them. */
  query?: string;
  add?: WantedTag[];
  remove?: string[];
  /** Of an undo: the operation that it takes back. */
  undoes?: number;
  /** Images in all, images that were looked at, images that changed. */
  total: number;
  done: number;
  changed: number;
  /** Images that are not there any more, the first of them by their numbers. */
  skipped: { count: number; images: { imageId: number; why: Absence }[] };
  /** Of an undo: images in which something was changed since and stayed. */
  kept?: number;
  /** Whether an edit stands for it in lists already. */
  hasHead: boolean;
  endedAtMs: number | null;
  /** Why it did not end. */
  fault?: string;
};

/** An operation on many images. */
export type Operation = {
  id: number;
  kind: OperationKind;
  state: OperationState;
  startedAtMs: number;
  steps: OperationSteps;
};

/** What one image of a batch came to. */
export type BatchOutcome =
  | { kind: "changed"; isKept?: boolean }
  | { kind: "unchanged" }
  | { kind: "skipped"; imageId: number; why: Absence };

type OperationRow = [number, OperationKind, OperationState, number, string];

const SELECTION = `SELECT id, kind, state, started_at_ms, steps FROM journal
  WHERE kind IN ('bulk_edit', 'undo')`;

function toOperation([id, kind, state, startedAtMs, steps]: OperationRow): Operation {
  return { id: toNumber(id), kind, state, startedAtMs, steps: JSON.parse(steps) };
}

/** One operation. */
export function readOperation(db: Database, id: number): Operation | undefined {
  const row = prepared(db, `${SELECTION} AND id = ?`).value<OperationRow>(id);
  return row === undefined ? undefined : toOperation(row);
}

/** Operations below an id, the newest first. */
export function readOperations(
  db: Database,
  { below, limit }: { below: number; limit: number },
): Operation[] {
  return prepared(db, `${SELECTION} AND id < ? ORDER BY id DESC LIMIT ?`)
    .values<OperationRow>(below, limit).map(toOperation);
}

/** Whether any operation runs, as far as the database knows. */
export function hasRunningOperations(db: Database): boolean {
  return prepared(
    db,
    "SELECT 1 FROM journal WHERE kind IN ('bulk_edit', 'undo') AND state = 'running' LIMIT 1",
  ).value() !== undefined;
}

/** Says of operations that nobody runs any more that they were interrupted. */
export function interruptOperations(db: Database): void {
  execute(
    db,
    `UPDATE journal SET state = 'interrupted'
     WHERE kind IN ('bulk_edit', 'undo') AND state = 'running'`,
  );
}

/** Writes down an operation and all that it is to do, and gives its number. `ids` are images, or edits. */
export function writeOperation(
  db: Database,
  kind: OperationKind,
  { ids, ...about }:
    & { ids: Int32Array }
    & Pick<
      OperationSteps,
      "editor" | "query" | "add" | "remove" | "undoes"
    >,
): number {
  const steps: OperationSteps = {
    ...about,
    total: ids.length,
    done: 0,
    changed: 0,
    skipped: { count: 0, images: [] },
    hasHead: false,
    endedAtMs: null,
  };
  const id = writeJournal(db, kind, steps, "running");
  const insert = prepared(
    db,
    "INSERT INTO operation_batches (operation_id, batch, ids) VALUES (?, ?, ?)",
  );
  for (let start = 0; start < ids.length; start += OPERATION_BATCH_IMAGES) {
    const part = ids.slice(start, start + OPERATION_BATCH_IMAGES);
    insert.run(id, start / OPERATION_BATCH_IMAGES, new Uint8Array(part.buffer));
  }
  return id;
}

/**
 * Does the next batch of an operation, and those behind it until `forMs` are over; ends it with the last
 * one. An operation that was interrupted goes on. `work` does some ids and gives what became of each; what
 * it throws undoes all of them.
 *
 * @throws {AppError} `not_found`; `conflict` if the operation is done or stopped.
 */
export function runBatches(
  db: Database,
  { operationId, forMs }: { operationId: number; forMs: number },
  work: (operation: Operation, ids: readonly number[]) => BatchOutcome[],
): Operation {
  const endsAtMs = performance.now() + forMs;
  const operation = requireOperation(db, operationId);
  if (operation.state !== "running" && operation.state !== "interrupted") {
    throw new AppError("conflict", `Operation ${operationId} is ${operation.state}`);
  }
  operation.state = "running";
  // What went wrong before did not now.
  delete operation.steps.fault;
  withPutOffMerges(db, () => {
    do runBatch(db, operation, work); while (
      operation.state === "running" && performance.now() < endsAtMs
    );
  });
  saveOperation(db, operation);
  return operation;
}

function runBatch(
  db: Database,
  operation: Operation,
  work: (operation: Operation, ids: readonly number[]) => BatchOutcome[],
): void {
  const { id, steps } = operation;
  const batch = prepared(
    db,
    "SELECT batch, ids FROM operation_batches WHERE operation_id = ? ORDER BY batch LIMIT 1",
  ).value<[number, Uint8Array]>(id);
  if (batch !== undefined) {
    const ids = [...new Int32Array(batch[1].slice().buffer)];
    for (const outcome of work(operation, ids)) addOutcome(steps, outcome);
    steps.done += ids.length;
    execute(
      db,
      "DELETE FROM operation_batches WHERE operation_id = ? AND batch = ?",
      id,
      batch[0],
    );
  }
  if (steps.done >= steps.total || batch === undefined) {
    operation.state = "done";
    steps.endedAtMs = Date.now();
  }
}

function addOutcome(steps: OperationSteps, outcome: BatchOutcome): void {
  if (outcome.kind === "skipped") {
    const { count, images } = steps.skipped;
    steps.skipped.count = count + 1;
    const { imageId, why } = outcome;
    if (images.length < OPERATION_SKIPPED_KEPT_MAX) images.push({ imageId, why });
  } else if (outcome.kind === "changed") {
    steps.changed++;
    steps.hasHead = true;
    if (outcome.isKept === true) steps.kept = (steps.kept ?? 0) + 1;
  }
}

function requireOperation(db: Database, id: number): Operation {
  const operation = readOperation(db, id);
  if (operation === undefined) throw new AppError("not_found", `There is no operation ${id}`);
  return operation;
}

function saveOperation(db: Database, { id, state, steps }: Operation): void {
  execute(
    db,
    "UPDATE journal SET state = ?, steps = ? WHERE id = ?",
    state,
    JSON.stringify(steps),
    id,
  );
}

/** Says that an operation does not go on for now: it was cancelled, or it failed (`fault`). */
export function interruptOperation(
  db: Database,
  { operationId, fault }: { operationId: number; fault: string | null },
): Operation {
  const operation = requireOperation(db, operationId);
  if (operation.state !== "running") return operation;
  operation.state = "interrupted";
  if (fault !== null) operation.steps.fault = fault;
  saveOperation(db, operation);
  return operation;
}

/** Says that an interrupted operation goes no further. */
export function stopOperation(db: Database, operation: Operation): void {
  execute(db, "DELETE FROM operation_batches WHERE operation_id = ?", operation.id);
  saveOperation(db, { ...operation, state: "stopped" });
}

/**
 * Whether an operation is taken back: by the last one that undoes it, unless that one is taken back in
 * turn. Cost: O(undos of operations).
 */
export function isOperationUndone(db: Database, operationId: number): boolean {
  const last = prepared(
    db,
    `SELECT id, state FROM journal WHERE kind = 'undo' AND json_extract(steps, '$.undoes') = ?
     ORDER BY id DESC LIMIT 1`,
  );
  let isUndone = false;
  let id = operationId;
  for (;;) {
    const next = last.value<[number, OperationState]>(id);
    if (next === undefined || next[1] === "running") return isUndone;
    isUndone = !isUndone;
    id = toNumber(next[0]);
  }
}
