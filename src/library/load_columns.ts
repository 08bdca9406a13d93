import type { PostBatch } from "../cache/columns_builder.ts";
import type { LoadedColumns, ProgressReporter } from "../cache/ports.ts";
import type { MetadataBatch } from "../store/read_columns.ts";
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

/** Batches that wait for or are in the metadata workers: enough to keep them busy, bounded in memory. */
const BATCHES_IN_FLIGHT_PER_WORKER = 2;

/**
 * Reads a whole library into columns: the loader reads documents and hands them to the pool of metadata
 * workers, which parse while it reads on; their rows go back into the columns. Null when the tables are
 * missing. The main isolate only passes buffers along.
 */
export async function loadColumns(
  workers: LoadWorkers,
  path: string,
  report: ProgressReporter,
): Promise<LoadedColumns & { documents: MalformedDocument[] } | null> {
  const opened = await workers.loader.call("open", { path });
  if (opened === null) return null;
  const { sizes, position } = opened;
  const { posts, malformed, documents } = await readMetadata(workers, sizes.metadata, report);
  report({ stage: "images", done: 0, total: sizes.images });
  const triples = posts.map((batch) => batch.triples.buffer);
  const { columns, sources } = await workers.loader.call("readColumns", move({ posts }, triples));
  report({ stage: "index", done: sizes.images, total: sizes.images });
  return { columns, sources, position, malformed, documents };
}

async function readMetadata(workers: LoadWorkers, total: number, report: ProgressReporter) {
  const posts: PostBatch[] = [];
  const documents: MalformedDocument[] = [];
  let malformed = 0;
  let done = 0;
  let failure: unknown;
  const inFlight = new Set<Promise<void>>();
  const parse = async (batch: MetadataBatch): Promise<void> => {
    const count = batch.imageId.length;
    const found = await workers.metadata.call(
      "readPostIds",
      move(batch, [batch.imageId.buffer, batch.length.buffer, batch.bytes.buffer]),
    );
    posts.push({ sources: found.sources, triples: found.triples });
    documents.push(...found.malformed);
    malformed += found.malformedCount;
    done += count;
    report({ stage: "metadata", done, total });
  };
  report({ stage: "metadata", done: 0, total });
  while (failure === undefined) {
    const batch = await workers.loader.call("readMetadata", null);
    if (batch === null) break;
    const parsing = parse(batch)
      .catch((error: unknown) => void (failure ??= error))
      .finally(() => inFlight.delete(parsing));
    inFlight.add(parsing);
    if (inFlight.size >= workers.metadata.size * BATCHES_IN_FLIGHT_PER_WORKER) {
      await Promise.race(inFlight);
    }
  }
  await Promise.all(inFlight);
  if (failure !== undefined) throw failure;
  return { posts, malformed, documents };
}
