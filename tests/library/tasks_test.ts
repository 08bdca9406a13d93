import { assert, assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { TASKS_KEPT_MAX } from "../../src/base/limits.ts";
import { type TaskContext, TaskRunner } from "../../src/library/tasks.ts";

/** Resolves when a task has ended. */
function ended(tasks: TaskRunner, id: string): Promise<void> {
  return new Promise((resolve) => {
    const check = () => tasks.get(id)?.endedAt !== null && resolve();
    tasks.events.on("changed", check);
    check();
  });
}

/** Work that ends when the test says so. */
function makeWork() {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const started = Promise.withResolvers<TaskContext>();
  const work = (context: TaskContext) => {
    started.resolve(context);
    return promise;
  };
  return { work, resolve, reject, started: started.promise };
}

Deno.test("TaskRunner runs one task of a kind, and tells of each change", async () => {
  const tasks = new TaskRunner();
  const states: string[] = [];
  tasks.events.on("changed", ({ kind, state }) => states.push(`${kind} ${state}`));
  const one = makeWork();
  const task = tasks.start("import", one.work);
  const conflict = assertThrows(() => tasks.start("import", one.work), AppError, task.id);
  assertEquals(conflict.code, "conflict");
  const other = tasks.start("check", () => Promise.reject(new AppError("corrupt", "Broken")));
  const { report } = await one.started;
  report({ done: 1, total: 2, message: "half" });
  assertEquals(tasks.get(task.id)?.progress, { done: 1, total: 2, message: "half" });
  one.resolve(undefined);
  await Promise.all([ended(tasks, task.id), ended(tasks, other.id)]);
  assertEquals(tasks.get(other.id)?.error, { code: "corrupt", message: "Broken" });
  const result = tasks.get(task.id)!;
  assertEquals([result.state, result.result, result.error], ["succeeded", null, null]);
  assert(result.endedAt !== null);
  report({ done: 2, total: 2, message: "too late" });
  assertEquals(tasks.get(task.id), result, "what ended changes no more");
  assertEquals(states.filter((text) => text.startsWith("check")), [
    "check running",
    "check failed",
  ]);
  assertEquals(tasks.list().map(({ kind }) => kind), ["check", "import"]);
});

Deno.test("TaskRunner cancels by signal, and knows what is not running", async () => {
  const tasks = new TaskRunner();
  const unborn = tasks.start("unborn", () => Promise.reject(new Error("It was cancelled before")));
  tasks.cancel(unborn.id);
  const started = Promise.withResolvers<void>();
  const task = tasks.start("import", ({ signal }) => {
    started.resolve();
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  });
  // What throws before it waits for anything must not stay among what runs.
  const sudden = tasks.start("sudden", () => {
    throw new RangeError("At once");
  });
  await started.promise;
  assertEquals(tasks.cancel("nothing"), false);
  assertEquals(tasks.cancel(task.id), true);
  await tasks.close();
  assertEquals([tasks.cancel(task.id), tasks.cancel(sudden.id)], [false, false]);
  assertEquals(tasks.get(unborn.id)?.state, "cancelled");
  assertEquals(tasks.get(task.id)?.state, "cancelled");
  assertEquals(tasks.get(task.id)?.error?.code, "cancelled");
  assertEquals(tasks.get(sudden.id)?.error, { code: "internal", message: "At once" });
});

Deno.test("TaskRunner forgets the oldest ended tasks, never a running one", async () => {
  const tasks = new TaskRunner();
  const long = makeWork();
  const { id } = tasks.start("long", long.work);
  for (let i = 0; i < TASKS_KEPT_MAX + 10; i++) {
    const quick = makeWork();
    quick.resolve(i);
    await ended(tasks, tasks.start(`${i}`, quick.work).id);
  }
  assertEquals(tasks.list().length, TASKS_KEPT_MAX);
  assertEquals(tasks.get(id)?.state, "running");
  long.resolve(1);
  await tasks.close();
});
