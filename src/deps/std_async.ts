/** The part of `@std/async` 1.x that this project uses. */

/** Options of {@link delay}. */
export interface DelayOptions {
  /** Ends the wait with its reason. */
  signal?: AbortSignal;
  /** Whether the wait keeps the process alive; true by default. */
  persistent?: boolean;
}

/** Options of {@link deadline}. */
export interface DeadlineOptions {
  /** Ends the wait with its reason. */
  signal?: AbortSignal;
}

/** Options of {@link debounce}. */
export interface DebounceOptions {
  /** Drops the pending call. */
  signal?: AbortSignal;
}

/** Options of {@link retry}; times in milliseconds. */
export interface RetryOptions {
  /** By how much the wait grows from one attempt to the next; 2 by default. */
  multiplier?: number;
  /** The longest wait; 60,000 by default. */
  maxTimeout?: number;
  /** How many attempts are made; 5 by default. */
  maxAttempts?: number;
  /** The first wait; 1,000 by default. */
  minTimeout?: number;
  /** How much of a wait is left to chance, from 0 to 1; 1 by default. */
  jitter?: number;
  /** Whether an error is worth another attempt; every error is by default. */
  isRetriable?: (err: unknown) => boolean;
  /** Ends the attempts with its reason. */
  signal?: AbortSignal;
}

/** A function made by {@link debounce}. */
export interface DebouncedFunction<T extends unknown[]> {
  (...args: T): void;
  /** Drops the pending call. */
  clear(): void;
  /** Makes the pending call now. */
  flush(): void;
  /** Whether a call is pending. */
  readonly pending: boolean;
}

/** The error of a {@link retry} that has used up its attempts; `cause` is the last failure. */
export class RetryError extends Error {
  /** The name of the class. */
  override name = "RetryError";

  /** Makes the error for so many attempts. */
  constructor(cause: unknown, attempts: number) {
    super(`Retrying exceeded the maxAttempts (${attempts}).`, { cause });
  }
}

/** The longest time that a timer of the runtime can hold. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const MAPPING_FAILED = "Cannot complete the mapping as an error was thrown from an item";

/**
 * Resolves after `ms` milliseconds.
 *
 * @throws The reason of `signal`, as soon as it aborts.
 */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal, persistent = true } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    let leftMs = Math.trunc(Math.max(ms, 0) || 0);
    let timer = 0;
    function startTimer(): void {
      const stepMs = Math.min(leftMs, TIMER_MS_MAX);
      leftMs -= stepMs;
      timer = Number(setTimeout(leftMs > 0 ? startTimer : finish, stepMs));
      if (!persistent) Deno.unrefTimer(timer);
    }
    function finish(): void {
      signal?.removeEventListener("abort", abort);
      resolve();
    }
    function abort(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    startTimer();
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/**
 * Settles as `p` does, unless `ms` milliseconds pass before.
 *
 * @throws {DOMException} Named TimeoutError, if the time runs out; or the reason of `signal`, as soon as
 * it aborts.
 */
export async function deadline<T>(
  p: Promise<T>,
  ms: number,
  options: DeadlineOptions = {},
): Promise<T> {
  const settled = options.signal === undefined ? p : abortable(p, options.signal);
  if (ms >= Number.MAX_SAFE_INTEGER) return await settled;
  const stop = new AbortController();
  const timeout = delay(ms, { signal: stop.signal, persistent: false })
    .then((): never => {
      throw new DOMException("Signal timed out.", "TimeoutError");
    });
  try {
    return await Promise.race([settled, timeout]);
  } finally {
    stop.abort();
  }
}

/**
 * Settles as the promise does, unless `signal` aborts before.
 *
 * @throws The reason of `signal`, as soon as it aborts.
 */
export function abortable<T>(p: Promise<T>, signal: AbortSignal): Promise<T>;
/**
 * Yields as the iterable does, until `signal` aborts; then closes the iterable.
 *
 * @throws The reason of `signal`, as soon as it aborts.
 */
export function abortable<T>(p: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T>;
export function abortable<T>(
  p: Promise<T> | AsyncIterable<T>,
  signal: AbortSignal,
): Promise<T> | AsyncGenerator<T> {
  return p instanceof Promise ? abortablePromise(p, signal) : abortableIterable(p, signal);
}

/**
 * Returns a function that calls `fn` once it has not been called for `wait` milliseconds, with the
 * arguments of the last call.
 *
 * @throws {RangeError} If `wait` is not an integer of at least 0.
 */
export function debounce<T extends unknown[]>(
  fn: (this: DebouncedFunction<T>, ...args: T) => void,
  wait: number,
  options: DebounceOptions = {},
): DebouncedFunction<T> {
  if (!Number.isInteger(wait) || wait < 0) {
    throw new RangeError("'wait' must be a positive integer");
  }
  const { signal } = options;
  signal?.throwIfAborted();
  let pending: { timer: number; args: T } | undefined;
  function clear(): void {
    if (pending !== undefined) clearTimeout(pending.timer);
    pending = undefined;
  }
  function flush(): void {
    if (pending === undefined) return;
    const { args } = pending;
    clear();
    fn.apply(debounced, args);
  }
  function schedule(...args: T): void {
    clear();
    pending = { timer: Number(setTimeout(flush, wait)), args };
  }
  const debounced = Object.defineProperty(Object.assign(schedule, { clear, flush }), "pending", {
    get: () => pending !== undefined,
  }) as DebouncedFunction<T>;
  signal?.addEventListener("abort", clear, { once: true });
  return debounced;
}

/**
 * Calls `iteratorFn` for each item, no more than `poolLimit` at a time, and yields the results in the
 * order of the items.
 *
 * After a failure no further call begins; those that run are awaited, and their results still yielded.
 *
 * @throws {RangeError} If `poolLimit` is not a positive integer.
 * @throws {AggregateError} With all failures, after the last result.
 */
export function pooledMap<T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
): AsyncIterableIterator<R> {
  if (!Number.isInteger(poolLimit) || poolLimit < 1) {
    throw new RangeError("'poolLimit' must be a positive integer");
  }
  const failures: unknown[] = [];
  const tasks: Promise<{ value: R } | undefined>[] = [];
  let state: "filling" | "filled" | "cancelled" = "filling";
  let changed = Promise.withResolvers<void>();

  async function fill(): Promise<void> {
    const executing = new Set<Promise<unknown>>();
    try {
      for await (const item of array) {
        if (state === "cancelled") break;
        const task = Promise.resolve(item).then(iteratorFn).then(
          (value) => ({ value }),
          (reason) => void failures.push(reason),
        );
        // A task that failed stays, so that the race below is won at once.
        task.then((settled) => settled && executing.delete(task));
        executing.add(task);
        tasks.push(task);
        changed.resolve();
        if (executing.size < poolLimit) continue;
        await Promise.race(executing);
        if (failures.length > 0) break;
      }
    } catch (error) {
      failures.push(error);
    }
    await Promise.all(executing);
    state = "filled";
    changed.resolve();
  }

  async function* drain(): AsyncGenerator<R> {
    try {
      while (state === "filling" || tasks.length > 0) {
        const settled = await tasks.shift();
        if (settled !== undefined) yield settled.value;
        if (tasks.length > 0 || state !== "filling") continue;
        await changed.promise;
        changed = Promise.withResolvers<void>();
      }
    } finally {
      state = "cancelled";
    }
    if (failures.length > 0) throw new AggregateError(failures, MAPPING_FAILED);
  }

  fill();
  return drain();
}

/**
 * Calls `fn` until it succeeds, with growing waits between the attempts, and returns its result.
 *
 * @throws {RangeError} If an option is out of range.
 * @throws {RetryError} If the last attempt fails.
 * @throws The error of `fn`, if it is not retriable; or the reason of `signal`, if it aborts.
 */
export async function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options: RetryOptions = {},
): Promise<T> {
  const { maxAttempts = 5, isRetriable = () => true, signal } = options;
  const waitMs = toWaits(options, maxAttempts);
  for (let attempt = 0;; attempt++) {
    signal?.throwIfAborted();
    try {
      return await fn();
    } catch (error) {
      if (!isRetriable(error)) throw error;
      if (attempt + 1 >= maxAttempts) throw new RetryError(error, maxAttempts);
    }
    await delay(waitMs(attempt), { signal });
  }
}

/** Checks the options and returns the function from an attempt to the wait after it. */
function toWaits(options: RetryOptions, maxAttempts: number): (attempt: number) => number {
  const { multiplier = 2, maxTimeout = 60_000, minTimeout = 1_000, jitter = 1 } = options;
  checkOption(
    Number.isInteger(maxAttempts) && maxAttempts >= 1,
    `'maxAttempts' must be a positive integer: current value is ${maxAttempts}`,
  );
  checkOption(
    Number.isFinite(multiplier) && multiplier >= 1,
    `'multiplier' must be a finite number >= 1: current value is ${multiplier}`,
  );
  checkOption(
    maxTimeout > 0,
    `'maxTimeout' must be a positive number: current value is ${maxTimeout}`,
  );
  checkOption(minTimeout >= 0, `'minTimeout' must be >= 0: current value is ${minTimeout}`);
  checkOption(
    minTimeout <= maxTimeout,
    "'minTimeout' must be <= 'maxTimeout': current values " +
      `'minTimeout=${minTimeout}', 'maxTimeout=${maxTimeout}'`,
  );
  checkOption(
    jitter >= 0 && jitter <= 1,
    `'jitter' must be between 0 and 1: current value is ${jitter}`,
  );
  return (attempt) =>
    Math.min(maxTimeout, minTimeout * multiplier ** attempt) * (1 - jitter * Math.random());
}

function checkOption(isInRange: boolean, problem: string): void {
  if (!isInRange) throw new RangeError(`Cannot retry as ${problem}`);
}

function abortablePromise<T>(p: Promise<T>, signal: AbortSignal): Promise<T> {
  const { aborted, release } = watchSignal(signal);
  return Promise.race([aborted, p]).finally(release);
}

async function* abortableIterable<T>(
  p: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  signal.throwIfAborted();
  const { aborted, release } = watchSignal(signal);
  const iterator = p[Symbol.asyncIterator]();
  let isDone = false;
  try {
    while (true) {
      const result = await Promise.race([aborted, iterator.next()]);
      if (result.done) {
        isDone = true;
        return result.value;
      }
      yield result.value;
    }
  } finally {
    release();
    if (!isDone) await iterator.return?.();
  }
}

/** Returns a promise that rejects when the signal aborts, and what stops the watch. */
function watchSignal(signal: AbortSignal): { aborted: Promise<never>; release: () => void } {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  // Without a handler of its own, a rejection between two steps of an iteration would end the process.
  aborted.catch(() => {});
  function abort(): void {
    reject(signal.reason);
  }
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return { aborted, release: () => signal.removeEventListener("abort", abort) };
}
