import { toMessage } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { PostBatch } from "../cache/columns_builder.ts";
import type { LoadedColumns, ProgressReporter } from "../cache/ports.ts";
import type { LibrarySizes, MetadataBatch } from "../store/read_columns.ts";
import type { LoaderContract, MetadataContract } from "../worker/contracts.ts";
import { move } from "../worker/protocol.ts";
import type { WorkerClient } from "../worker/worker_client.ts";
import type { WorkerPool } from "../worker/worker_pool.ts";

/** What a full load runs on. */
export type LoadWorkers = {
  loader: WorkerClient<LoaderContract>;
  metadata: WorkerPool<MetadataContract>;
};

/** A malformed document, to be logged with the md5 of its image once that is known. */
export type MalformedDocument = { imageId: number; reason: string };

/** What is loaded, and where the next start finds it ready made. */
export type LoadSource = { path: string; snapshotPath: string | null };

/** Smaller libraries load in a fraction of a second anyway. */
const SNAPSHOT_IMAGES_MIN = 10_000;

/** Batches that wait for or are in the metadata workers: enough to keep them busy, bounded in memory. */
const BATCHES_IN_FLIGHT_PER_WORKER = 2;

/**
 * Reads a whole library into columns: the loader hands metadata documents to the pool of metadata workers
 * and fills columns while they parse; their rows go back into the columns. Null when the tables are
 * missing. The main isolate only passes buffers along.
 */
export async function loadColumns(
  workers: LoadWorkers,
  source: LoadSource,
  report: ProgressReporter,
): Promise<LoadedColumns & { documents: MalformedDocument[] } | null> {
  const opened = await workers.loader.call("open", { path: source.path });
  if (opened === null) return null;
  try {
    return await readOpened(workers, { ...opened, snapshotPath: source.snapshotPath }, report);
  } catch (error) {
    // Its read transaction would keep the database's log from being folded in.
    await workers.loader.call("abandon", null).catch(() => null);
    throw error;
  }
}

/** What {@link loadColumns} opened. */
type OpenedLoad = { sizes: LibrarySizes; position: number | null; snapshotPath: string | null };

async function readOpened(
  workers: LoadWorkers,
  opened: OpenedLoad,
  report: ProgressReporter,
): Promise<LoadedColumns & { documents: MalformedDocument[] }> {
  const { sizes, position } = opened;
  const parser = new MetadataParser(workers, sizes.metadata, report);
  let isRead = false;
  while (!isRead || !parser.isAtEnd) {
    if (parser.wantsMore) await parser.readOn();
    else if (!isRead) {
      const step = await workers.loader.call("readSome", null);
      isRead = step.isDone;
      report({ stage: step.stage, done: step.done, total: sizes.images });
    } else await parser.waitForOne();
  }
  const { posts, malformed, documents } = await parser.finish();
  const triples = posts.map((batch) => batch.triples.buffer);
  const isWorthIt = sizes.images >= SNAPSHOT_IMAGES_MIN;
  const request = { posts, snapshotPath: isWorthIt ? opened.snapshotPath : null };
  const { snapshotFault, ...tables } = await workers.loader.call(
    "readColumns",
    move(request, triples),
  );
  if (snapshotFault !== null) {
    log("cache").warn("The next start will be slow: {reason}", { reason: snapshotFault });
  }
  report({ stage: "index", done: sizes.images, total: sizes.images });
  return { ...tables, position, malformed, documents, loadedFrom: "database" };
}

/**
 * Reads the snapshot file of an earlier load; null if there is none or anything about it is doubtful,
 * which is logged and no failure: the database has everything.
 */
export async function readSnapshot(
  workers: LoadWorkers,
  source: LoadSource,
): Promise<LoadedColumns & { documents: MalformedDocument[] } | null> {
  const { path, snapshotPath } = source;
  if (snapshotPath === null) return null;
  try {
    const read = await workers.loader.call("readSnapshot", { path, snapshotPath });
    return read && { ...read, malformed: 0, documents: [], loadedFrom: "snapshot" };
  } catch (error) {
    log("cache").info("The library is read in full: {reason}", { reason: toMessage(error) });
    return null;
  }
}

/**
 * Keeps the pool of metadata workers busy: takes batches of documents from the loader and collects what
 * the workers make of them. The loader fills columns while the workers parse.
 */
class MetadataParser {
  readonly #workers: LoadWorkers;
  readonly #total: number;
  readonly #report: ProgressReporter;
  readonly #posts: PostBatch[] = [];
  readonly #documents: MalformedDocument[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #malformed = 0;
  #done = 0;
  #isAtEnd = false;
  #failure: unknown;

  constructor(workers: LoadWorkers, total: number, report: ProgressReporter) {
    this.#workers = workers;
    this.#total = total;
    this.#report = report;
    report({ stage: "metadata", done: 0, total });
  }

  /** Whether the loader has no more documents. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Whether the workers would soon run dry. */
  get wantsMore(): boolean {
    const room = this.#workers.metadata.size * BATCHES_IN_FLIGHT_PER_WORKER;
    return !this.#isAtEnd && this.#inFlight.size < room;
  }

  /** Reads the next batch and sends it on its way. */
  async readOn(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const batch = await this.#workers.loader.call("readMetadata", null);
    if (batch === null) this.#isAtEnd = true;
    else {
      const parsing = this.#parse(batch)
        .catch((error: unknown) => void (this.#failure ??= error))
        .finally(() => this.#inFlight.delete(parsing));
      this.#inFlight.add(parsing);
    }
  }

  /** Resolves when a batch is parsed. */
  async waitForOne(): Promise<void> {
    await Promise.race(this.#inFlight);
  }

  /** Waits for all batches and gives what they held. */
  async finish(): Promise<
    { posts: PostBatch[]; malformed: number; documents: MalformedDocument[] }
  > {
    await Promise.all(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure;
    return { posts: this.#posts, malformed: this.#malformed, documents: this.#documents };
  }

  async #parse(batch: MetadataBatch): Promise<void> {
    const count = batch.imageId.length;
    const found = await this.#workers.metadata.call(
      "readPostIds",
      move(batch, [batch.imageId.buffer, batch.length.buffer, batch.bytes.buffer]),
    );
    this.#posts.push({ sources: found.sources, triples: found.triples });
    this.#documents.push(...found.malformed);
    this.#malformed += found.malformedCount;
    this.#done += count;
    this.#report({ stage: "metadata", done: this.#done, total: this.#total });
  }
}
