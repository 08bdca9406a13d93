import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { WORKER_CALLS_PENDING_MAX } from "../../src/base/limits.ts";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";
import { move } from "../../src/worker/protocol.ts";
import { WorkerClient } from "../../src/worker/worker_client.ts";
import type { TestContract } from "./fixtures/contract.ts";

function spawn(file = "test_worker.ts"): Worker {
  return new Worker(new URL(`./fixtures/${file}`, import.meta.url), { type: "module" });
}

async function withClient(
  test: (client: WorkerClient<TestContract>) => Promise<void>,
): Promise<void> {
  const client = new WorkerClient<TestContract>(() => spawn(), { name: "test" });
  try {
    await test(client);
  } finally {
    client.terminate();
  }
}

async function assertUnavailable(promise: Promise<unknown>, message: string): Promise<void> {
  const error = await assertRejects(() => promise, AppError, message);
  assertEquals(error.code, "unavailable");
  assert(error.remedy !== undefined);
}

Deno.test("call() resolves with the answers, each with its own", async () => {
  await withClient(async (client) => {
    const values = [1, "two", null, { three: [3] }, Int32Array.of(4)];
    const answers = values.map((value) => client.call("echo", value));
    assertEquals(client.pendingCount, 5);
    assertEquals(await Promise.all(answers), values);
    assertEquals(client.pendingCount, 0);
  });
});

Deno.test("call() answers in the order of the answers, not of the calls", async () => {
  await withClient(async (client) => {
    const order: string[] = [];
    const waiting = client.call("wait", null).then(() => order.push("wait"));
    await client.call("echo", 1).then(() => order.push("echo"));
    await client.call("letGo", null);
    await waiting;
    assertEquals(order, ["echo", "wait"]);
  });
});

Deno.test("call() moves buffers there and back", async () => {
  await withClient(async (client) => {
    const values = new Int32Array(1000);
    const call = client.call("fill", move({ values }, [values.buffer]));
    assertEquals(values.length, 0, "the sender's view is detached");
    const answer = await call;
    assertEquals(answer.values.length, 1000);
    assert(answer.values.every((value) => value === 9));
  });
});

Deno.test("call() rejects with what the method threw", async () => {
  await withClient(async (client) => {
    const app = await assertRejects(() => client.call("fail", { kind: "app" }), AppError);
    assertEquals([app.code, app.remedy, app.details], ["conflict", "Choose another", { id: 7 }]);
    assert(app.stack!.includes("test_worker.ts"), "the stack is the worker's");
    await assertRejects(() => client.call("fail", { kind: "range" }), RangeError, "too far");
    const query = await assertRejects(
      () => client.call("fail", { kind: "query" }),
      QuerySyntaxError,
    );
    assertEquals([query.offset, query.suggestion], [3, "a b"]);
    await assertRejects(() => client.call("fail", { kind: "text" }), Error, "only text");
    assertEquals(await client.call("count", null), 5, "the worker lives on");
  });
});

Deno.test("call() rejects an unknown method, also one that objects inherit", async () => {
  await withClient(async (client) => {
    await assertRejects(() => client.call("missing", null), TypeError, "no such method");
    const call = client.call.bind(client) as (method: string, value: unknown) => Promise<unknown>;
    await assertRejects(() => call("toString", null), TypeError, "no such method");
    await assertRejects(() => call("__proto__", null), TypeError, "no such method");
  });
});

Deno.test("call() rejects what cannot be cloned, in either direction", async () => {
  await withClient(async (client) => {
    await assertRejects(() => client.call("echo", () => {}), Error);
    assertEquals(client.pendingCount, 0);
    await assertRejects(() => client.call("unclonable", null), Error);
    assertEquals(await client.call("echo", 1), 1);
  });
});

Deno.test("a worker that dies rejects its pending calls, and the next call starts another", async () => {
  await withClient(async (client) => {
    assertEquals(await client.call("count", null), 1);
    const calls = [client.call("wait", null), client.call("die", null), client.call("wait", null)];
    await Promise.all(calls.map((call) => assertUnavailable(call, "The test worker died")));
    assertEquals(client.pendingCount, 0);
    assertEquals(await client.call("count", null), 1);
  });
});

Deno.test("a worker that cannot start rejects its calls, every time", async () => {
  const client = new WorkerClient<TestContract>(() => spawn("broken_worker.ts"), { name: "test" });
  await assertUnavailable(client.call("echo", 1), "The test worker died");
  await assertUnavailable(client.call("echo", 1), "The test worker died");
  client.terminate();
});

Deno.test("a spawn function that throws rejects the call", async () => {
  const client = new WorkerClient<TestContract>(() => {
    throw new TypeError("no such file");
  }, { name: "test" });
  await assertRejects(() => client.call("echo", 1), TypeError, "no such file");
  assertEquals(client.pendingCount, 0);
  await client.close();
});

Deno.test("terminate() rejects pending calls; a later call starts anew", async () => {
  await withClient(async (client) => {
    await client.call("echo", 1);
    const waiting = client.call("wait", null);
    client.terminate();
    await assertUnavailable(waiting, "The test worker was stopped");
    assertEquals(await client.call("count", null), 1);
  });
});

Deno.test("terminate() refuses where a worker must be drained", async () => {
  const client = new WorkerClient<TestContract>(() => spawn(), {
    name: "test",
    isTerminable: false,
  });
  const echo = client.call("echo", 1);
  assertThrows(() => client.terminate(), TypeError, "must be drained");
  assertEquals(await echo, 1);
  await client.close();
});

Deno.test("close() refuses new calls and waits for the pending ones", async () => {
  await withClient(async (client) => {
    const settled: string[] = [];
    const waiting = client.call("wait", null).then(() => settled.push("call"));
    const letGo = client.call("letGo", null);
    const closing = Promise.all([client.close(), client.close()])
      .then(() => settled.push("closed"));
    await assertUnavailable(client.call("echo", 1), "Cannot call test.echo: it is closed");
    await Promise.all([waiting, letGo, closing]);
    assertEquals(settled, ["call", "closed"]);
  });
});

Deno.test("close() ends also when the worker dies meanwhile", async () => {
  await withClient(async (client) => {
    const dying = client.call("die", null);
    const closing = client.close();
    await assertUnavailable(dying, "died");
    await closing;
  });
});

Deno.test("close() of a client that was never called starts no worker", async () => {
  let started = 0;
  const client = new WorkerClient<TestContract>(() => {
    started++;
    return spawn();
  }, { name: "test" });
  await client.close();
  assertEquals(started, 0);
});

Deno.test("call() refuses more calls than may wait", async () => {
  await withClient(async (client) => {
    const calls = Array.from({ length: WORKER_CALLS_PENDING_MAX }, () => client.call("wait", null));
    await assertUnavailable(
      client.call("echo", 1),
      `${WORKER_CALLS_PENDING_MAX} calls are waiting`,
    );
    assertEquals(client.pendingCount, WORKER_CALLS_PENDING_MAX);
    client.terminate();
    const outcomes = await Promise.allSettled(calls);
    for (const outcome of outcomes) {
      assert(outcome.status === "rejected");
      assertInstanceOf(outcome.reason, AppError);
    }
    assertEquals(await client.call("count", null), 1);
  });
});
