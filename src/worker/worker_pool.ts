import type { Contract, Moved } from "./protocol.ts";
import { WorkerClient, type WorkerClientOptions } from "./worker_client.ts";

/**
 * Several workers of one kind; a call goes to the one with the fewest calls waiting.
 *
 * Workers start when they are first needed, so an idle pool costs nothing.
 */
export class WorkerPool<C extends Contract> {
  readonly #clients: WorkerClient<C>[];

  /** Makes a pool; no worker starts yet. */
  constructor(spawn: () => Worker, options: WorkerClientOptions & { size: number }) {
    if (!(options.size >= 1)) {
      throw new RangeError(`Cannot make a pool of ${options.name}: size is ${options.size}`);
    }
    this.#clients = Array.from({ length: options.size }, () => new WorkerClient<C>(spawn, options));
  }

  /** Workers, started or not. */
  get size(): number {
    return this.#clients.length;
  }

  /** Calls that wait for an answer, of all workers. */
  get pendingCount(): number {
    return this.#clients.reduce((sum, client) => sum + client.pendingCount, 0);
  }

  /** Calls a method on the least busy worker; see {@link WorkerClient.call}. */
  call<M extends keyof C & string>(
    method: M,
    request: C[M]["request"] | Moved<C[M]["request"]>,
  ): Promise<C[M]["response"]> {
    let best = this.#clients[0];
    for (const client of this.#clients) {
      if (client.pendingCount < best.pendingCount) best = client;
    }
    return best.call(method, request);
  }

  /** Refuses further calls and ends the workers at once; see {@link WorkerClient.stop}. */
  stop(): void {
    for (const client of this.#clients) client.stop();
  }

  /** Waits for all pending calls, then ends the workers. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
