import { toMessage } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { FolderChanges, WatcherContract } from "../worker/contracts.ts";
import { spawnWatcher } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import type { WatchedRoot } from "./watched_root.ts";

/** Told what happened below the folder of a root. */
export type ChangesListener = (root: WatchedRoot, changes: FolderChanges) => Promise<void>;

type Listening = { id: number; identity: string | null; done: Promise<void> };

/** The system answers for ever no more when a pipe lies in a folder that it watches. */
const OPEN_LIMIT_MS = 120_000;
const CLOSE_LIMIT_MS = 3_000;

/** Listens to the changes of folders, in a worker: to begin can take seconds in a large folder. */
export class WatchListener {
  readonly #worker = new WorkerClient<WatcherContract>(spawnWatcher, { name: "watcher" });
  readonly #onChanges: ChangesListener;
  readonly #open = new Map<WatchedRoot, Listening>();
  #lastId = 0;

  readonly #apart: string;

  /** Listens to nothing yet; `apart`: a folder of which nothing must ever be watched. */
  constructor(apart: string, onChanges: ChangesListener) {
    this.#apart = apart;
    this.#onChanges = onChanges;
  }

  /**
   * Listens to a root's folder from now on; anew if it became another folder. If the system refuses, the
   * root is not live, and says why.
   */
  async open(root: WatchedRoot, identity: string | null): Promise<void> {
    if (this.#open.get(root)?.identity === identity) return;
    await this.close(root);
    const id = ++this.#lastId;
    try {
      const request = { id, folder: root.plan.path, apart: this.#apart };
      await this.#answerOf(this.#worker.call("open", request), OPEN_LIMIT_MS);
    } catch (error) {
      const reason = toMessage(error);
      if (root.refuse({ path: root.plan.path }, { code: "not_live", reason })) {
        log("watch").warn("{name} is only looked through from time to time: {reason}", {
          name: root.plan.name,
          reason,
        });
      }
      return;
    }
    root.isLive = true;
    this.#open.set(root, { id, identity, done: this.#listen(root, id) });
  }

  /** Listens to a root no more. */
  async close(root: WatchedRoot): Promise<void> {
    const listening = this.#open.get(root);
    if (listening === undefined) return;
    this.#open.delete(root);
    root.isLive = false;
    // A worker that died has nothing to close.
    const closed = this.#worker.call("close", { id: listening.id });
    await this.#answerOf(closed, CLOSE_LIMIT_MS).catch(() => null);
    await listening.done;
  }

  /**
   * Listens to nothing any more, and ends the worker. At once: the system may never end a watch in whose folder
   * a pipe is.
   */
  async end(): Promise<void> {
    const listening = [...this.#open];
    this.#open.clear();
    this.#worker.stop();
    for (const [root, { done }] of listening) {
      root.isLive = false;
      await done;
    }
  }

  /** Waits for an answer; a worker that gives none is ended, and all that it watched is watched anew. */
  async #answerOf<T>(answer: Promise<T>, limitMs: number): Promise<T> {
    const timer = setTimeout(() => this.#worker.terminate(), limitMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async #listen(root: WatchedRoot, id: number): Promise<void> {
    const isCurrent = () => this.#open.get(root)?.id === id;
    try {
      while (true) {
        const changes = await this.#worker.call("next", { id });
        if (changes === null) break;
        if (isCurrent()) await this.#onChanges(root, changes);
      }
    } catch (error) {
      if (!isCurrent()) return;
      log("watch").warn("{name} is not watched for a moment: {reason}", {
        name: root.plan.name,
        reason: toMessage(error),
      });
    }
    if (!isCurrent()) return;
    // The worker died: the next scan begins anew.
    this.#open.delete(root);
    root.isLive = false;
    await this.#onChanges(root, { appeared: [], changed: [], isIncomplete: true });
  }
}
