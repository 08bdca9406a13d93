import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { OPERATION_BATCH_IMAGES, OPERATION_SHOWN_IMAGES_MAX } from "../../src/base/limits.ts";
import { countImages } from "../../src/library/browse.ts";
import { type BulkEditOptions, editTagsOfSearch } from "../../src/library/bulk_edit.ts";
import { editImageTags } from "../../src/library/edit_tags.ts";
import { listHistory, undoEdit, undoOperation } from "../../src/library/history.ts";
import { addImplication } from "../../src/library/implications.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { continueOperation, requireOperation } from "../../src/library/operations.ts";
import { buildLibrary, type LibrarySpec, openDatabase } from "../support/library_builder.ts";
import { rowsOf, withLibrary } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

const COUNT = 2 * OPERATION_BATCH_IMAGES + 10;

/** A library of `count` images with the tag `a`, the odd ones with `odd`. */
function specOf(count: number): LibrarySpec {
  return {
    tags: [{ name: "a" }, { name: "odd" }],
    images: Array.from({ length: count }, (_, i) => ({ tags: i % 2 === 0 ? ["a", "odd"] : ["a"] })),
  };
}

async function withImages(
  count: number,
  test: (library: Library) => Promise<void>,
): Promise<void> {
  await withLibrary(async ({ library }) => {
    await library.core.cache.loadDataFromDb({ verbose: false });
    await test(library);
  }, async (folder) => {
    await Deno.mkdir(join(folder, "library/data"), { recursive: true });
    buildLibrary(join(folder, "library/data/booru.db"), specOf(count));
  });
}

type Edit = { query: string; add?: string[]; remove?: string[]; all?: boolean };

function run(library: Library, edit: Edit, options: BulkEditOptions = {}) {
  return editTagsOfSearch(library, { add: [], remove: [], ...edit, dryRun: false }, options);
}

/** An edit that is cancelled after its first batch; gives the operation's number. */
async function runAndCancel(library: Library, edit: Edit): Promise<number> {
  const stop = new AbortController();
  let operationId = 0;
  const running = run(library, edit, {
    signal: stop.signal,
    onStarted: (id) => void (operationId = id),
    onProgress: () => stop.abort(new AppError("cancelled", "Enough")),
  });
  await assertRejects(() => running, AppError, "Enough");
  return operationId;
}

Deno.test("editTagsOfSearch() edits what the search found, though it would find others meanwhile", () =>
  withImages(COUNT, async (library) => {
    const seen: number[] = [];
    const { operationId, ...result } = await run(library, {
      query: "a -done",
      add: ["done"],
      remove: ["odd"],
    }, { onProgress: ({ done }) => void seen.push(done) });
    assertEquals([result.matched, result.changed], [COUNT, COUNT]);
    // How many batches a transaction takes depends on the time; the first is one.
    assertEquals([seen[0], seen.at(-1)], [OPERATION_BATCH_IMAGES, COUNT]);
    assertEquals(await countImages(library, "done"), COUNT);
    assertEquals(await countImages(library, "odd"), 0);
    const none = await run(library, { query: "a -done", add: ["done"] });
    assertEquals([none.matched, none.changed, none.operationId], [0, 0, null]);
    const undo = await undoOperation(library, operationId!);
    assertEquals([undo.state, undo.steps.changed], ["done", COUNT]);
    assertEquals(await countImages(library, "odd"), COUNT / 2);
    const kept = rowsOf(library.core.reader, "SELECT count(*) FROM tag_deltas");
    assertEquals(kept, [[0]], "no lasting word is left");
  }));

fullTierTest(
  "editTagsOfSearch() lets others write between its batches, and shows them",
  () =>
    withImages(OPERATION_SHOWN_IMAGES_MAX + 1, async (library) => {
      let edit: Promise<unknown> | undefined;
      let countThen: Promise<number> | undefined;
      await run(library, { query: "a", add: ["done"] }, {
        onProgress: () => {
          const change = { imageId: 1, add: ["between"], remove: [], expectedTags: null };
          edit ??= editImageTags(library, change).then(() => {
            countThen = countImages(library, "between");
            return requireOperation(library, 1);
          });
        },
      });
      const then = await edit as ReturnType<typeof requireOperation>;
      assertEquals([then.state, await countThen], ["running", 1]);
      assertEquals(await countImages(library, "done"), OPERATION_SHOWN_IMAGES_MAX + 1);
      assertEquals(library.core.isHeld(), false);
    }),
);

Deno.test("a cancelled edit shows what it did, and goes on where it was", () =>
  withImages(COUNT, async (library) => {
    const id = await runAndCancel(library, { query: "a", add: ["done"] });
    assertEquals(requireOperation(library, id).state, "interrupted");
    assertEquals(await countImages(library, "done"), OPERATION_BATCH_IMAGES);
    const { state, steps } = await continueOperation(library, id);
    assertEquals([state, steps.changed, steps.done], ["done", COUNT, COUNT]);
    assertEquals(await countImages(library, "done"), COUNT);
    await assertRejects(() => continueOperation(library, id), AppError, "cannot go on");
    const of = { operationId: id };
    const heads = listHistory(library, {
      of: "heads",
      page: { kind: "number", number: 1 },
      limit: 9,
    });
    const all = listHistory(library, { of, page: { kind: "number", number: 1 }, limit: COUNT + 9 });
    assertEquals([heads.entries.length, all.entries.length], [1, COUNT]);
  }));

Deno.test("a cancelled edit that is undone goes no further", () =>
  withImages(COUNT, async (library) => {
    const id = await runAndCancel(library, { query: "a", add: ["done"] });
    const undo = await undoOperation(library, id);
    assertEquals(undo.steps.changed, OPERATION_BATCH_IMAGES);
    assertEquals(await countImages(library, "done"), 0);
    assertEquals(requireOperation(library, id).state, "stopped");
    await assertRejects(() => continueOperation(library, id), AppError, "it is stopped");
    assertEquals(rowsOf(library.core.reader, "SELECT * FROM operation_batches"), []);
  }));

Deno.test("undoOperation() does the rest where one edit is undone already or was changed since", () =>
  withImages(4, async (library) => {
    const { operationId } = await run(library, { query: "a", add: ["done"], remove: ["odd"] });
    const { entries } = listHistory(library, {
      of: { operationId: operationId! },
      page: { kind: "number", number: 1 },
      limit: 10,
    });
    await undoEdit(library, entries.find(({ imageId }) => imageId === 1)!.id);
    const change = { imageId: 3, add: [], remove: ["done"], expectedTags: null };
    await editImageTags(library, change);
    const undo = await undoOperation(library, operationId!);
    assertEquals([undo.steps.total, undo.steps.changed, undo.steps.kept], [3, 3, 1]);
    assertEquals(await countImages(library, "done"), 0);
    assertEquals(await countImages(library, "odd"), 2);
    await assertRejects(() => undoOperation(library, operationId!), AppError, "undone already");
    await undoOperation(library, undo.id);
    assertEquals(await countImages(library, "done"), 2, "not those of others");
    await assertRejects(() => undoOperation(library, 99), AppError, "no operation 99");
  }));

Deno.test("what tags imply comes and goes with an edit and its undo, for one image and for many", () =>
  withImages(3, async (library) => {
    await addImplication(library, { source: "cat", implied: "animal", status: "active" });
    await library.tasks.close();
    const preview = await editTagsOfSearch(library, {
      query: "a",
      add: ["cat"],
      remove: [],
      dryRun: true,
    });
    assertEquals(preview.implied, { added: ["animal"], removed: [] });
    const { operationId } = await run(library, { query: "a", add: ["cat"] });
    assertEquals(await countImages(library, "animal"), 3);
    const page = { kind: "number" as const, number: 1 };
    const [entry] = listHistory(library, { of: "heads", page, limit: 1 }).entries;
    assertEquals([entry.added, entry.after], [["animal", "cat"], ["a", "animal", "cat", "odd"]]);
    // Another tag that implies it, since: it stays there.
    await addImplication(library, { source: "dog", implied: "animal", status: "active" });
    await editImageTags(library, { imageId: 2, add: ["dog"], remove: [], expectedTags: null });
    const undo = await undoOperation(library, operationId!);
    assertEquals(await countImages(library, "cat"), 0);
    assertEquals(await countImages(library, "animal"), 1);
    await undoOperation(library, undo.id);
    assertEquals(await countImages(library, "animal cat"), 3);
    const origins = rowsOf(
      library.core.reader,
      `SELECT DISTINCT name, source FROM image_tags JOIN tags ON tags.id = tag_id
       WHERE name IN ('cat', 'animal') ORDER BY name`,
    );
    assertEquals(origins, [["animal", "implication"], ["cat", "user"]]);
  }));

Deno.test("an operation that runs when the program ends is interrupted at the next start", () =>
  withTempDir(async (dir) => {
    const folder = join(dir, "lib");
    await Deno.mkdir(join(folder, "data"), { recursive: true });
    buildLibrary(join(folder, "data/booru.db"), specOf(COUNT));
    const first = await openLibrary({ folder, workers: 1 });
    await first.core.cache.loadDataFromDb({ verbose: false });
    const id = await runAndCancel(first, { query: "a", add: ["done"] });
    await first.close();
    // As a kill leaves it.
    const db = openDatabase(join(folder, "data/booru.db"));
    db.exec("UPDATE journal SET state = 'running' WHERE id = ?", id);
    db.close();
    const library = await openLibrary({ folder, workers: 1 });
    try {
      await library.core.cache.loadDataFromDb({ verbose: false });
      assertEquals(requireOperation(library, id).state, "interrupted");
      const { state, steps } = await continueOperation(library, id);
      assertEquals([state, steps.changed], ["done", COUNT]);
      assert(await countImages(library, "done") === COUNT);
    } finally {
      await library.close();
    }
  }));
