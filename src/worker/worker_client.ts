import { AppError } from "../base/errors.ts";
import { WORKER_CALLS_PENDING_MAX } from "../base/limits.ts";
import { type Contract, Moved, type ReplyMessage, reviveError } from "./protocol.ts";

type Pending = { resolve: (value: unknown) => void; reject: (error: Error) => void };

/** How a client treats its worker. */
export type WorkerClientOptions = {
  /** For messages: "Cannot call loader.load: …". */
  name: string;
  /**
   * Whether the worker may be ended while it works. False for sharp: a terminate inside one of its jobs
   * crashes the whole process, so such a worker is drained instead.
   */
  isTerminable?: boolean;
  /** The first call of a worker that replaces one that died, before any other. */
  greeting?: { method: string; request: unknown };
};

/**
 * Calls the methods of one worker, typed by its contract.
 *
 * The worker starts with the first call. When it dies, every pending call is rejected as `unavailable`
 * and the next call starts a new one.
 */
export class WorkerClient<C extends Contract> {
  readonly #spawn: () => Worker;
  readonly #options: WorkerClientOptions;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #hasStarted = false;
  #lastId = 0;
  #isClosed = false;
  #drained: (() => void)[] = [];

  /** Makes a client; the worker starts with the first call. */
  constructor(spawn: () => Worker, options: WorkerClientOptions) {
    this.#spawn = spawn;
    this.#options = options;
  }

  /** Calls that wait for an answer. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /**
   * Calls a method and resolves with its response.
   *
   * @throws {AppError} `unavailable` if the worker died, is closed or has too many calls waiting; else
   * whatever the method threw, revived.
   */
  call<M extends keyof C & string>(
    method: M,
    request: C[M]["request"] | Moved<C[M]["request"]>,
  ): Promise<C[M]["response"]> {
    if (this.#isClosed || this.#pending.size >= WORKER_CALLS_PENDING_MAX) {
      const why = this.#isClosed ? "it is closed" : `${this.#pending.size} calls are waiting`;
      return Promise.reject(
        this.#unavailable(`Cannot call ${this.#options.name}.${method}: ${why}`),
      );
    }
    const { value, buffers } = request instanceof Moved ? request : new Moved(request, []);
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<C[M]["response"]>();
    this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
    try {
      this.#worker ??= this.#startOrReplace();
      this.#worker.postMessage({ id, method, payload: value }, [...buffers]);
    } catch (error) {
      this.#settle(id)?.reject(error as Error);
    }
    return promise;
  }

  /** Refuses further calls, waits for the pending ones, then ends the worker. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** Ends the worker at once; pending calls are rejected as `unavailable`. */
  terminate(): void {
    if (this.#options.isTerminable === false) {
      throw new TypeError(`Cannot terminate ${this.#options.name}: it must be drained`);
    }
    this.#fail(this.#unavailable(`The ${this.#options.name} worker was stopped`));
  }

  #startOrReplace(): Worker {
    const worker = this.#start();
    const { greeting } = this.#options;
    if (this.#hasStarted && greeting !== undefined) {
      // Its answer is nobody's: a worker that cannot use the greeting fails the calls that need it.
      worker.postMessage({ id: 0, method: greeting.method, payload: greeting.request });
    }
    this.#hasStarted = true;
    return worker;
  }

  #start(): Worker {
    const worker = this.#spawn();
    worker.onmessage = ({ data }: MessageEvent<ReplyMessage>) => {
      if ("ready" in data) return;
      const pending = this.#settle(data.id);
      if (data.ok) pending?.resolve(data.payload);
      else pending?.reject(reviveError(data.error));
    };
    worker.onerror = (event) => {
      // Without this, one throw in a worker ends the server.
      event.preventDefault();
      if (this.#worker !== worker) return;
      this.#fail(this.#unavailable(`The ${this.#options.name} worker died: ${event.message}`));
    };
    worker.onmessageerror = () => {
      if (this.#worker !== worker) return;
      this.#fail(this.#unavailable(`The ${this.#options.name} worker sent what cannot be read`));
    };
    return worker;
  }

  /** Refuses further calls and ends the worker at once; pending calls are rejected as `unavailable`. */
  stop(): void {
    this.#isClosed = true;
    this.terminate();
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) {
      for (const resolve of this.#drained.splice(0)) resolve();
    }
    return pending;
  }

  #fail(error: Error): void {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error);
    if (this.#options.isTerminable !== false) worker?.terminate();
  }

  #unavailable(message: string): AppError {
    return new AppError("unavailable", message, {
      remedy: "Try again; the worker is started anew",
    });
  }
}
