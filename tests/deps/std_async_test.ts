import {
  abortable,
  deadline,
  debounce,
  type DebouncedFunction,
  delay,
  pooledMap,
  retry,
  RetryError,
} from "@std/async";
import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";

const SECOND_MS = 1_000;

/** A promise that settles only when `stop` is called, so that no test leaves it pending. */
function endless(): { promise: Promise<void>; stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, stop: resolve };
}

async function* countTo(last: number): AsyncGenerator<number> {
  for (let i = 1; i <= last; i++) yield i;
  await Promise.resolve();
}

Deno.test("delay() resolves in the order of the times, zero and below first", async () => {
  const order: number[] = [];
  await Promise.all([9, 0, 3, -1].map((ms) => delay(ms).then(() => order.push(ms))));
  assertEquals(order, [0, -1, 3, 9]);
});

Deno.test("delay() rejects with the reason of the signal, and leaves no timer", async () => {
  const reason = new Error("stop");
  const controller = new AbortController();
  const { signal } = controller;
  const pending = delay(60 * SECOND_MS, { signal });
  controller.abort(reason);
  for (const wait of [pending, delay(0, { signal })]) {
    assertStrictEquals(await wait.catch((error) => error), reason);
  }
});

Deno.test("delay() leaves no listener on the signal", async () => {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  const { addEventListener } = signal;
  signal.addEventListener = (type: string, listener: EventListener) => {
    listeners.add(listener);
    addEventListener.call(signal, type, listener);
  };
  signal.removeEventListener = (_type: string, listener: EventListener) => {
    listeners.delete(listener);
  };
  const wait = delay(0, { signal });
  assertEquals(listeners.size, 1);
  await wait;
  assertEquals(listeners.size, 0);
});

Deno.test("delay() holds times that no single timer can hold", async () => {
  const controller = new AbortController();
  let resolved = false;
  const pending = delay(2 ** 40, { signal: controller.signal }).then(() => resolved = true);
  await delay(5);
  assertEquals(resolved, false);
  controller.abort();
  await assertRejects(() => pending, DOMException);
});

Deno.test("delay() that is not persistent still resolves while something else runs", async () => {
  await Promise.all([delay(1, { persistent: false }), delay(20)]);
});

Deno.test("deadline() settles as the promise does", async () => {
  assertEquals(await deadline(Promise.resolve(1), SECOND_MS), 1);
  assertEquals(await deadline(Promise.resolve(1), Infinity), 1);
  const rejected = () => deadline(Promise.reject(new RangeError("no")), SECOND_MS);
  await assertRejects(rejected, RangeError, "no");
});

Deno.test("deadline() rejects with a TimeoutError when time runs out", async () => {
  const { promise, stop } = endless();
  const timeout = deadline(promise, 5);
  // The timer of a deadline does not keep the process alive.
  const [error] = await Promise.all([timeout.catch((error) => error), delay(30)]);
  assert(error instanceof DOMException);
  assertEquals(error.name, "TimeoutError");
  stop();
});

Deno.test("deadline() rejects with the reason of the signal", async () => {
  const { promise, stop } = endless();
  const controller = new AbortController();
  const { signal } = controller;
  const waits = [deadline(promise, SECOND_MS, { signal }), deadline(promise, Infinity, { signal })];
  controller.abort(new RangeError("stop"));
  for (const wait of waits) await assertRejects(() => wait, RangeError, "stop");
  stop();
});

Deno.test("abortable() settles as the promise does, or rejects with the reason", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const { promise, stop } = endless();
  assertEquals(await abortable(Promise.resolve(1), signal), 1);
  const pending = abortable(promise, signal);
  controller.abort(new RangeError("stop"));
  await assertRejects(() => pending, RangeError, "stop");
  await assertRejects(() => abortable(promise, signal), RangeError, "stop");
  stop();
});

Deno.test("abortable() ends an iteration and closes its source", async () => {
  const controller = new AbortController();
  let closed = false;
  async function* source(): AsyncGenerator<number> {
    try {
      yield* countTo(5);
    } finally {
      closed = true;
    }
  }
  const seen: number[] = [];
  await assertRejects(
    async () => {
      for await (const item of abortable(source(), controller.signal)) {
        seen.push(item);
        if (item === 2) controller.abort(new RangeError("stop"));
      }
    },
    RangeError,
    "stop",
  );
  assertEquals(seen, [1, 2]);
  assert(closed);
  const all = abortable(countTo(3), new AbortController().signal);
  assertEquals(await Array.fromAsync(all), [1, 2, 3]);
});

Deno.test("debounce() calls once, with the last arguments", async () => {
  const calls: [number, string][] = [];
  const call = debounce((a: number, b: string) => calls.push([a, b]), 1);
  call(1, "a");
  call(2, "b");
  assert(call.pending);
  assertEquals(calls, []);
  await delay(20);
  assertEquals(calls, [[2, "b"]]);
  assertEquals(call.pending, false);
});

Deno.test("debounce() may be flushed, cleared and aborted", () => {
  const calls: number[] = [];
  const controller = new AbortController();
  const call: DebouncedFunction<[number]> = debounce(
    (value: number) => calls.push(value),
    SECOND_MS,
    { signal: controller.signal },
  );
  call(1);
  call.flush();
  call.flush();
  assertEquals(calls, [1]);
  call(2);
  call.clear();
  assertEquals(call.pending, false);
  call(3);
  controller.abort();
  assertEquals(call.pending, false);
  assertEquals(calls, [1]);
  assertThrows(() => debounce(() => {}, -1), RangeError);
  assertThrows(() => debounce(() => {}, 1.5), RangeError);
});

Deno.test("pooledMap() keeps the order of the items and the limit", async () => {
  let running = 0;
  let runningMax = 0;
  const results = pooledMap(2, [9, 1, 5, 1], async (ms) => {
    runningMax = Math.max(runningMax, ++running);
    await delay(ms);
    running--;
    return ms * 10;
  });
  assertEquals(await Array.fromAsync(results), [90, 10, 50, 10]);
  assertEquals(runningMax, 2);
});

Deno.test("pooledMap() takes async iterables and none at all", async () => {
  const double = (value: number) => Promise.resolve(value * 2);
  assertEquals(await Array.fromAsync(pooledMap(1, countTo(3), double)), [2, 4, 6]);
  assertEquals(await Array.fromAsync(pooledMap(9, countTo(3), double)), [2, 4, 6]);
  assertEquals(await Array.fromAsync(pooledMap(3, [], double)), []);
});

Deno.test("pooledMap() yields what succeeds, then throws all failures", async () => {
  const started: number[] = [];
  const seen: number[] = [];
  const error = await assertRejects(async () => {
    const results = pooledMap(3, [1, 2, 3, 4, 5], async (item) => {
      started.push(item);
      if (item <= 2) throw new Error(`bad ${item}`);
      await delay(5);
      return item;
    });
    for await (const item of results) seen.push(item);
  }, AggregateError);
  assertEquals(error.errors.map((reason) => reason.message), ["bad 1", "bad 2"]);
  assertEquals(seen, [3]);
  assertEquals(started, [1, 2, 3]);
});

Deno.test("pooledMap() throws when the source or the function throws at once", async () => {
  async function* broken(): AsyncGenerator<number> {
    yield* countTo(1);
    throw new Error("source");
  }
  const same = (value: number) => Promise.resolve(value);
  await assertRejects(() => Array.fromAsync(pooledMap(2, broken(), same)), AggregateError);
  const thrown = pooledMap(1, [1], () => {
    throw new Error("at once");
  });
  await assertRejects(() => Array.fromAsync(thrown), AggregateError);
  assertThrows(() => pooledMap(0, [1], same), RangeError);
});

Deno.test("retry() tries until it succeeds", async () => {
  let attempts = 0;
  const result = await retry(() => {
    if (++attempts < 3) throw new Error("not yet");
    return attempts;
  }, { minTimeout: 1 });
  assertEquals(result, 3);
});

Deno.test("retry() gives up after the last attempt, with the cause", async () => {
  let attempts = 0;
  const failing = () => Promise.reject(new RangeError(`attempt ${++attempts}`));
  const startMs = performance.now();
  const error = await assertRejects(
    () => retry(failing, { maxAttempts: 4, minTimeout: 50, maxTimeout: 50, jitter: 1 }),
    RetryError,
    "Retrying exceeded the maxAttempts (4).",
  );
  assertLessOrEqual(performance.now() - startMs, SECOND_MS);
  assertEquals(attempts, 4);
  assert(error.cause instanceof RangeError);
  assertEquals(error.cause.message, "attempt 4");
});

Deno.test("retry() waits longer each time when nothing is left to chance", async () => {
  const startsMs: number[] = [];
  const failing = () => {
    startsMs.push(performance.now());
    throw new Error("no");
  };
  await assertRejects(() => retry(failing, { maxAttempts: 3, minTimeout: 10, jitter: 0 }));
  assert(startsMs[1] - startsMs[0] >= 9);
  assert(startsMs[2] - startsMs[1] >= 19);
});

Deno.test("retry() stops at an error that is not retriable, and at an abort", async () => {
  let attempts = 0;
  const failing = () => {
    attempts++;
    throw new RangeError("final");
  };
  await assertRejects(() => retry(failing, { isRetriable: () => false }), RangeError, "final");
  assertEquals(attempts, 1);
  const signal = AbortSignal.abort(new TypeError("stop"));
  await assertRejects(() => retry(failing, { signal }), TypeError, "stop");
  assertEquals(attempts, 1);
});

Deno.test("retry() checks its options", async () => {
  const options = [
    { maxAttempts: 0 },
    { maxAttempts: 1.5 },
    { multiplier: 0.5 },
    { minTimeout: -1 },
    { minTimeout: 2, maxTimeout: 1 },
    { maxTimeout: NaN },
    { jitter: 2 },
  ];
  for (const option of options) {
    await assertRejects(() => retry(() => 1, option), RangeError, "Cannot retry as");
  }
});

// The package itself leaves the failure unhandled while it waits for the source, which ends the process.
if (import.meta.resolve("@std/async").startsWith("file:")) {
  Deno.test("pooledMap() of the adapter counts what failed against the limit", async () => {
    const started: number[] = [];
    async function* slowly(): AsyncGenerator<number> {
      for await (const item of countTo(6)) {
        await delay(1);
        yield item;
      }
    }
    const results = pooledMap(3, slowly(), async (item) => {
      started.push(item);
      if (item === 1) throw new Error("bad");
      await delay(9);
    });
    await assertRejects(() => Array.fromAsync(results), AggregateError);
    assertEquals(started, [1, 2, 3]);
  });
}
