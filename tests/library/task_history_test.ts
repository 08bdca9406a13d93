import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { readTasks, saveTask, type TaskRecord } from "../../src/store/tasks.ts";
import { openDatabase } from "../support/library_builder.ts";
import { withTempDir } from "../support/temp.ts";

function open(folder: string): Promise<Library> {
  return openLibrary({ folder, workers: 1, print: () => {} });
}

/** Resolves when a task has ended. */
function ended(library: Library, id: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => library.tasks.get(id)?.endedAt !== null && resolve();
    library.tasks.events.on("changed", look);
    look();
  });
}

function makeRecord(id: string, rest: Partial<TaskRecord> = {}): TaskRecord {
  const record = { id, kind: "test", state: "succeeded", startedAtMs: 1, endedAtMs: 2 };
  return { ...record, detail: "{}", ...rest };
}

Deno.test("a library remembers how tasks went, also after it was closed and opened again", () =>
  withTempDir(async (dir) => {
    const first = await open(dir);
    const good = first.tasks.start("good", ({ report }) => {
      report({ done: 3, total: 3, message: "all" });
      return Promise.resolve({ found: ["a", "b"] });
    });
    await ended(first, good.id);
    const bad = first.tasks.start("bad", () => Promise.reject(new AppError("corrupt", "Broken")));
    await ended(first, bad.id);
    const held = first.tasks.start(
      "held",
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    await first.close();
    assertEquals(first.tasks.get(held.id)?.state, "cancelled");
    const second = await open(dir);
    const expected = first.tasks.list();
    assertEquals(second.tasks.list(), expected);
    assertEquals(expected.map(({ state }) => state), ["cancelled", "failed", "succeeded"]);
    assertEquals(second.tasks.cancel(held.id), false);
    // One of the same kind may begin: what is remembered does not run.
    second.tasks.start("held", () => Promise.resolve());
    await second.close();
  }));

Deno.test("tasks that no living process has become interrupted, those of a living one do not", () =>
  withTempDir(async (dir) => {
    const first = await open(dir);
    const release = Promise.withResolvers<void>();
    const { id } = first.tasks.start("held", () => release.promise);
    const stateInDatabase = () =>
      readTasks(first.core.reader, 10).find((task) => task.id === id)?.state;
    while (stateInDatabase() === undefined) await first.writer.call("tidy", null);
    const second = await open(dir);
    assertEquals(stateInDatabase(), "running");
    assertEquals(second.tasks.list(), []);
    await second.close();
    release.resolve();
    await first.close();

    const db = openDatabase(join(dir, "data", "booru.db"));
    const detail = JSON.stringify({ progress: { done: 1, total: null, message: "m" } });
    db.transaction(() => {
      saveTask(db, makeRecord("cut", { state: "running", endedAtMs: null, detail }), 100);
      saveTask(db, makeRecord("odd", { state: "what?", detail: "no JSON" }), 100);
    }).immediate();
    db.close();
    const third = await open(dir);
    const cut = third.tasks.get("cut")!;
    assertEquals([cut.state, cut.progress?.done, cut.result], ["interrupted", 1, null]);
    assert(Date.parse(cut.endedAt!) > 1_000);
    assertEquals([third.tasks.get("odd")?.state, third.tasks.get(id)?.state], [
      "interrupted",
      "succeeded",
    ]);
    await third.close();
  }));

Deno.test("a task runs though its history cannot be written", () =>
  withTempDir(async (dir) => {
    const library = await open(dir);
    const db = openDatabase(library.paths.database);
    db.exec("DROP TABLE tasks");
    db.close();
    const { id } = library.tasks.start("brave", () => Promise.resolve("done"));
    await ended(library, id);
    assertEquals(library.tasks.get(id)?.result, "done");
    await library.close();
  }));
