import { assertEquals } from "@std/assert";
import {
  hasOpenTasks,
  interruptTasks,
  readTasks,
  saveTask,
  type TaskRecord,
} from "../../src/store/tasks.ts";
import { withMigrated } from "../support/migrated.ts";

function makeRecord(id: string, rest: Partial<TaskRecord> = {}): TaskRecord {
  const record = { id, kind: "test", state: "succeeded", startedAtMs: 1, endedAtMs: 2 };
  return { ...record, detail: "{}", ...rest };
}

Deno.test("saveTask() writes a task anew, and forgets the oldest that ended but none that runs", () =>
  withMigrated({}, (db) => {
    const states = () => readTasks(db, 100).map(({ id, state }) => `${id} ${state}`);
    assertEquals([readTasks(db, 100), hasOpenTasks(db)], [[], false]);
    saveTask(db, makeRecord("running", { state: "running", endedAtMs: null }), 3);
    for (let i = 1; i <= 5; i++) saveTask(db, makeRecord(`t${i}`, { startedAtMs: 10 + i }), 3);
    assertEquals(states(), ["running running", "t3 succeeded", "t4 succeeded", "t5 succeeded"]);
    assertEquals(readTasks(db, 2).map(({ id }) => id), ["t4", "t5"]);
    const again = makeRecord("t5", { startedAtMs: 15, state: "failed", detail: '{"a":1}' });
    saveTask(db, again, 3);
    assertEquals(readTasks(db, 1), [again]);
  }));

Deno.test("interruptTasks() ends what never ended, and nothing else", () =>
  withMigrated({}, (db) => {
    saveTask(db, makeRecord("running", { state: "running", endedAtMs: null }), 10);
    saveTask(db, makeRecord("ended"), 10);
    assertEquals(hasOpenTasks(db), true);
    interruptTasks(db, 99);
    assertEquals(
      readTasks(db, 10).map(({ id, state, endedAtMs }) => [id, state, endedAtMs]),
      [["running", "interrupted", 99], ["ended", "succeeded", 2]],
    );
    assertEquals(hasOpenTasks(db), false);
  }));
