import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { TASK_RESULT_BYTES_MAX, TASKS_KEPT_MAX } from "../../src/base/limits.ts";
import { type TaskContext, TaskRunner, unlessAborted } from "../../src/library/tasks.ts";

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

Deno.test("TaskRunner calls a task cancelling until its work has ended, however it ends", async () => {
  const tasks = new TaskRunner();
  const states: string[] = [];
  tasks.events.on("changed", ({ state }) => states.push(state));
  const deaf = makeWork();
  const { id } = tasks.start("deaf", deaf.work);
  const { signal, report } = await deaf.started;
  assertEquals([tasks.cancel(id), tasks.cancel(id), signal.aborted], [true, true, true]);
  report({ done: 1, total: 2, message: "goes on" });
  assertEquals([tasks.get(id)?.state, tasks.get(id)?.progress?.done], ["cancelling", 1]);
  assertThrows(() => tasks.start("deaf", deaf.work), AppError, id);
  assertEquals(tasks.active("deaf")?.id, id);
  deaf.resolve("done after all");
  await ended(tasks, id);
  assertEquals(tasks.active("deaf"), undefined);
  assertEquals([tasks.get(id)?.state, tasks.get(id)?.result], ["succeeded", "done after all"]);
  assertEquals(states, ["running", "cancelling", "cancelling", "succeeded"]);
});

Deno.test("TaskRunner tells how far a task is now and then, and knows it always", async () => {
  let nowMs = 0;
  const tasks = new TaskRunner({ now: () => nowMs });
  const told: (number | undefined)[] = [];
  const revisions: number[] = [];
  const work = makeWork();
  const { id } = tasks.start("steps", work.work);
  tasks.events.on("changed", ({ progress }) => {
    told.push(progress?.done);
    revisions.push(tasks.revision(id));
  });
  const { report } = await work.started;
  const step = (done: number) => report({ done, total: 1_000, message: "" });
  for (let done = 1; done <= 50; done++) step(done);
  assertEquals([told, tasks.get(id)?.progress?.done], [[1], 50]);
  // The timer of the second telling fires by itself, with what was reported last.
  while (told.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(told, [1, 50]);
  nowMs += 1_000;
  step(51);
  step(52);
  work.resolve("x");
  await ended(tasks, id);
  assertEquals([told, tasks.get(id)?.progress?.done], [[1, 50, 51, 52], 52]);
  assertEquals(revisions, revisions.toSorted((a, b) => a - b));
  assertEquals(new Set(revisions).size, 4);
});

Deno.test("TaskRunner keeps a result as plain JSON, and of a long one the beginnings", async () => {
  const tasks = new TaskRunner();
  const resultOf = async (answer: unknown) => {
    const { id } = tasks.start("answers", () => Promise.resolve(answer));
    await ended(tasks, id);
    return tasks.get(id)!;
  };
  const plain = await resultOf({ when: new Date(0), gone: undefined });
  assertEquals([plain.result, plain.note], [{ when: "1970-01-01T00:00:00.000Z" }, null]);
  const paths = Array.from({ length: 20_000 }, (_, i) => `a rather long name ${i}`);
  const long = await resultOf({ count: paths.length, groups: [{ paths }] });
  const { count, groups } = long.result as { count: number; groups: { paths: string[] }[] };
  assertEquals([count, groups[0].paths], [20_000, paths.slice(0, 100)]);
  assert(/first 100 entries/.test(long.note!), long.note!);
  const wide = await resultOf(Object.fromEntries(paths.map((path) => [path, path])));
  assertEquals([wide.state, wide.result], ["succeeded", null]);
  assert(wide.note!.includes("is not kept") && TASK_RESULT_BYTES_MAX < 1e6);
  const odd = await resultOf({ big: 1n });
  assertEquals([odd.state, odd.result], ["succeeded", null]);
  assert(odd.note !== null);
});

Deno.test("unlessAborted() waits no longer than its signal lets it", async () => {
  assertEquals(await unlessAborted(Promise.resolve(1), new AbortController().signal), 1);
  const controller = new AbortController();
  const late = Promise.withResolvers<void>();
  const waiting = unlessAborted(late.promise, controller.signal);
  controller.abort(new AppError("cancelled", "Enough"));
  await assertRejects(() => waiting, AppError, "Enough");
  // Nobody hears of it any more, and it ends no process.
  late.reject(new Error("Too late"));
  await assertRejects(() => unlessAborted(late.promise, controller.signal), AppError, "Enough");
});
