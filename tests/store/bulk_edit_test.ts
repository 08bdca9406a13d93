import type { Database } from "@db/sqlite";
import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { OPERATION_BATCH_IMAGES } from "../../src/base/limits.ts";
import { runOperationBatch, startBulkEdit, startUndo } from "../../src/store/bulk_edit.ts";
import { interruptOperation, readOperation } from "../../src/store/operations.ts";
import { editTags } from "../../src/store/tags.ts";
import { withMigrated } from "../support/migrated.ts";
import { rowsOf } from "../support/sample_library.ts";

const EDIT = { editor: "owner", query: "", remove: [] };
const COUNT = 3 * OPERATION_BATCH_IMAGES + 1;
function add(name: string) {
  return [{ name, category: null }];
}

function start(db: Database, count: number): number {
  const imageIds = Int32Array.from({ length: count }, (_, i) => i + 1);
  return startBulkEdit(db, { ...EDIT, add: add("done"), imageIds });
}

/** Does all of an operation at once. */
function finish(db: Database, operationId: number) {
  return db.transaction(() => runOperationBatch(db, operationId, 60_000)).immediate();
}

function imagesOf(db: Database, name: string): number[] {
  return rowsOf<[number]>(
    db,
    `SELECT image_id FROM image_tags JOIN tags ON tags.id = tag_id WHERE name = '${name}'
     ORDER BY image_id`,
  ).flat();
}

Deno.test("runOperationBatch() does one batch, or as many as the time allows, and one stands for all", async () => {
  await withMigrated({ images: Array.from({ length: COUNT }, () => ({})) }, (db) => {
    const id = start(db, COUNT);
    const first = db.transaction(() => runOperationBatch(db, id)).immediate();
    assertEquals([first.state, first.steps.done], ["running", OPERATION_BATCH_IMAGES]);
    const last = finish(db, id);
    assertEquals([last.state, last.steps.done, last.steps.changed], ["done", COUNT, COUNT]);
    assertEquals(rowsOf(db, "SELECT count(*) FROM tag_edits WHERE is_further = 0"), [[1]]);
    assertEquals(rowsOf(db, "SELECT count(*) FROM operation_batches"), [[0]]);
    const undo = finish(db, startUndo(db, { operationId: id, editor: "owner" }));
    assertEquals([undo.state, undo.steps.changed, imagesOf(db, "done")], ["done", COUNT, []]);
  });
});

Deno.test("runOperationBatch() undoes all that it did when one image fails, and forgets the failure later", async () => {
  await withMigrated({ images: Array.from({ length: COUNT }, () => ({})) }, (db) => {
    const id = start(db, COUNT);
    db.exec(`CREATE TRIGGER fail BEFORE INSERT ON tag_edits WHEN new.image_id = ${COUNT} BEGIN
      SELECT raise(ABORT, 'no'); END`);
    assertThrows(() => finish(db, id), Error, "no");
    assertEquals([readOperation(db, id)!.steps.done, imagesOf(db, "done")], [0, []]);
    interruptOperation(db, { operationId: id, fault: "no" });
    assertEquals(readOperation(db, id)!.steps.fault, "no");
    db.exec("DROP TRIGGER fail");
    const { state, steps } = finish(db, id);
    assertEquals([state, steps.fault, steps.changed], ["done", undefined, COUNT]);
    assertThrows(() => finish(db, id), AppError, "is done");
  });
});

Deno.test("an undo takes back several edits of one image, the last one first", async () => {
  await withMigrated({ images: [{ tags: ["a"] }, {}] }, (db) => {
    const id = start(db, 1);
    finish(db, id);
    const edit = { imageId: 1, editor: "owner", expectedTags: null };
    editTags(db, { ...edit, add: add("b"), remove: ["a"] });
    editTags(db, { ...edit, add: add("a"), remove: ["b"] });
    // As after a content came back under another number.
    db.exec("UPDATE tag_edits SET operation_id = ?", id);
    const { steps } = finish(db, startUndo(db, { operationId: id, editor: "owner" }));
    assertEquals([steps.changed, steps.kept ?? 0], [3, 0]);
    assertEquals([imagesOf(db, "a"), imagesOf(db, "b"), imagesOf(db, "done")], [[1], [], []]);
    assertEquals(rowsOf(db, "SELECT * FROM tag_deltas"), []);
  });
});

Deno.test("an edit of many skips what is gone, and counts what has it already as unchanged", async () => {
  await withMigrated({ images: [{ tags: ["done"] }, {}, {}] }, (db) => {
    const id = start(db, 3);
    db.exec("DELETE FROM images WHERE id = 2");
    const { steps } = finish(db, id);
    assertEquals([steps.done, steps.changed], [3, 1]);
    assertEquals(steps.skipped, { count: 1, images: [{ imageId: 2, why: "gone" }] });
    const [[before, isFurther]] = rowsOf(db, "SELECT tags_before, is_further FROM tag_edits");
    assertEquals([before, isFurther], ["[]", 0]);
  });
});
