import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { WorkerPool } from "../../src/worker/worker_pool.ts";
import type { TestContract } from "./fixtures/contract.ts";

function makePool(size: number): { pool: WorkerPool<TestContract>; started: () => number } {
  let started = 0;
  const pool = new WorkerPool<TestContract>(() => {
    started++;
    return new Worker(new URL("./fixtures/test_worker.ts", import.meta.url), { type: "module" });
  }, { name: "test", size });
  return { pool, started: () => started };
}

Deno.test("WorkerPool refuses a size below one", () => {
  for (const size of [0, -1, NaN]) assertThrows(() => makePool(size), RangeError);
});

Deno.test("call() of a pool goes to the worker with the fewest calls waiting", async () => {
  const { pool, started } = makePool(3);
  assertEquals(pool.size, 3);
  assertEquals(started(), 0, "an idle pool costs nothing");
  const waiting = [pool.call("wait", null), pool.call("wait", null)];
  assertEquals(started(), 2);
  // The third worker is free: all of these, one after the other, are its own.
  const counts: number[] = [];
  for (let i = 0; i < 3; i++) counts.push(await pool.call("count", null));
  assertEquals(counts, [1, 2, 3]);
  assertEquals(started(), 3);
  const letGo = [pool.call("letGo", null), pool.call("letGo", null), pool.call("letGo", null)];
  await Promise.all([...waiting, ...letGo]);
  await pool.close();
});

Deno.test("call() of a pool survives the death of one worker", async () => {
  const { pool, started } = makePool(2);
  const waiting = pool.call("wait", null);
  const error = await assertRejects(() => pool.call("die", null), AppError);
  assertEquals(error.code, "unavailable");
  assertEquals(await pool.call("count", null), 1);
  assert(started() === 3);
  const letGo = [pool.call("letGo", null), pool.call("letGo", null)];
  await Promise.all([waiting, ...letGo]);
  await pool.close();
});

Deno.test("close() of a pool waits for all calls and refuses later ones", async () => {
  const { pool } = makePool(2);
  const answers = [1, 2, 3, 4].map((value) => pool.call("echo", value));
  await pool.close();
  assertEquals(await Promise.all(answers), [1, 2, 3, 4]);
  await assertRejects(() => pool.call("echo", 5), AppError, "it is closed");
});
