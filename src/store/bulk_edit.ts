import { AppError } from "../base/errors.ts";
import { type Database, prepared, toNumber } from "./database.ts";
import {
  type BatchOutcome,
  isOperationUndone,
  type Operation,
  readOperation,
  runBatches,
  stopOperation,
  writeOperation,
} from "./operations.ts";
import { recordEdits } from "./post_history.ts";
import { isEditUndone, readEdits } from "./read_history.ts";
import { checkCategories } from "./tag_categories.ts";
import { applyTagEdits, resolveTags, type WantedTag } from "./tags.ts";
import { isImageTrashed } from "./trash.ts";
import { findEditedImage, undoEdits, type UndoneEdit } from "./undo.ts";

/** An edit of many images. */
export type BulkEdit = {
  editor: string;
  /** The search that found them, for the history. */
  query: string;
  add: WantedTag[];
  remove: string[];
  imageIds: Int32Array;
};

/**
 * Writes down an edit of many images, which {@link runOperationBatch} then does, and gives its number.
 *
 * @throws {AppError} `conflict` if a tag is wanted in another category than it has.
 */
export function startBulkEdit(db: Database, { imageIds, ...edit }: BulkEdit): number {
  checkCategories(db, resolveTags(db, edit.add));
  return writeOperation(db, "bulk_edit", { ...edit, ids: imageIds });
}

/**
 * Writes down the undo of an operation: of all its edits that are not taken back yet. An operation that was
 * interrupted goes no further then. Gives the number of the undo. Cost: O(edits of the operation).
 *
 * @throws {AppError} `not_found`; `conflict` if it runs, or nothing of it is left to be undone.
 */
export function startUndo(
  db: Database,
  { operationId, editor }: { operationId: number; editor: string },
): number {
  const operation = readOperation(db, operationId);
  if (operation === undefined) {
    throw new AppError("not_found", `There is no operation ${operationId}`);
  }
  if (operation.state === "running") {
    throw new AppError("conflict", `Operation ${operationId} is running`, {
      remedy: "Cancel it, or wait for its end",
    });
  }
  const ids = readEditsInForce(db, operationId);
  if (ids.length === 0) {
    const isUndone = isOperationUndone(db, operationId);
    throw new AppError(
      "conflict",
      `Operation ${operationId} ${isUndone ? "is undone already" : "changed nothing"}`,
      isUndone ? { remedy: "Undo the undo to have it again" } : {},
    );
  }
  if (operation.state === "interrupted") stopOperation(db, operation);
  return writeOperation(db, "undo", { editor, undoes: operationId, ids });
}

/** Edits of an operation that are not taken back, the newest first. */
function readEditsInForce(db: Database, operationId: number): Int32Array {
  const rows = prepared(
    db,
    `SELECT id, EXISTS (SELECT 1 FROM tag_edits AS later WHERE later.undoes = tag_edits.id)
     FROM tag_edits WHERE operation_id = ? ORDER BY id DESC`,
  ).values<[number, number]>(operationId);
  const ids = rows.filter(([id, isTouched]) => isTouched === 0 || !isEditUndone(db, toNumber(id)))
    .map(([id]) => toNumber(id));
  return Int32Array.from(ids);
}

/**
 * Does the next batches of an operation, in one transaction of the caller's: one, and more of them until
 * `forMs` are over. Cost: about 0.1 ms an image.
 *
 * @throws {AppError} As `runBatches`; `conflict` if a tag got another category meanwhile.
 */
export function runOperationBatch(db: Database, operationId: number, forMs = 0): Operation {
  return runBatches(db, { operationId, forMs }, (operation, ids) => {
    return operation.kind === "bulk_edit"
      ? editImages(db, operation, ids)
      : undoBatch(db, operation, ids);
  });
}

function editImages(
  db: Database,
  { id, steps }: Operation,
  imageIds: readonly number[],
): BatchOutcome[] {
  const { add = [], remove = [], editor, hasHead } = steps;
  const there = new Set(
    prepared(db, "SELECT id FROM images WHERE id IN (SELECT value FROM json_each(?))")
      .values<[number]>(JSON.stringify(imageIds)).flat(),
  );
  const images = imageIds.filter((imageId) => there.has(imageId)).map((imageId) => ({ imageId }));
  const label = { editor, images, operation: { id, isFurther: hasHead } };
  const recorded = recordEdits(db, label, (drafts) => {
    applyTagEdits(db, { add, remove }, drafts);
  });
  const gone = imageIds.filter((imageId) => !there.has(imageId)).map((imageId): BatchOutcome => {
    return { kind: "skipped", imageId, why: isImageTrashed(db, imageId) ? "trashed" : "gone" };
  });
  return [
    ...recorded.map((edit): BatchOutcome => ({ kind: edit ? "changed" : "unchanged" })),
    ...gone,
  ];
}

function undoBatch(
  db: Database,
  { id, steps }: Operation,
  editIds: readonly number[],
): BatchOutcome[] {
  const outcomes: BatchOutcome[] = [];
  let { hasHead } = steps;
  let edits = new Map<number, UndoneEdit>();
  const flush = () => {
    if (edits.size === 0) return;
    const label = { editor: steps.editor, operation: { id, isFurther: hasHead } };
    const undone = undoEdits(db, [...edits.values()], label);
    hasHead = true;
    outcomes.push(
      ...undone.map(({ kept }): BatchOutcome => ({ kind: "changed", isKept: kept.length > 0 })),
    );
    edits = new Map();
  };
  for (const edit of readEdits(db, editIds)) {
    // Somebody took it back alone meanwhile.
    if (isEditUndone(db, edit.id)) continue;
    const imageId = findEditedImage(db, edit);
    if (typeof imageId !== "number") {
      outcomes.push({ kind: "skipped", imageId: edit.imageId, why: imageId });
      continue;
    }
    // An image that several of the edits are of: one after the other.
    if (edits.has(imageId)) flush();
    edits.set(imageId, { edit, imageId });
  }
  flush();
  return outcomes;
}
