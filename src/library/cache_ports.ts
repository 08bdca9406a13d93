import { toRatingCode } from "../cache/columns_builder.ts";
import type { CachePorts, ImageReading, ImageState } from "../cache/ports.ts";
import { hasChangeLog, readChangesSince } from "../store/change_log.ts";
import { type Database, explain } from "../store/database.ts";
import { type ImageRows, readImageIdByPath, readImageRows, readTagRows } from "../store/images.ts";
import { readPoolRows } from "../store/read_small_tables.ts";
import { fileTypeCodeOfPath } from "../tags/file_types.ts";
import { move } from "../worker/protocol.ts";
import {
  loadColumns,
  type LoadWorkers,
  type MalformedDocument,
  readSnapshot,
} from "./load_columns.ts";

/** What {@link makeCachePorts} connects. */
export type CachePortsOptions = {
  workers: LoadWorkers;
  /** Path of the database. */
  path: string;
  /** Where full loads leave a snapshot for the next start; null for nowhere. */
  snapshotPath: string | null;
  /** The main isolate's read-only connection. */
  reader: Database;
  /** Told the malformed documents of a full load: how many, and the first few. */
  onMalformed: (count: number, documents: MalformedDocument[]) => void;
};

/** Connects the cache to the database: full loads through workers, single images by the reader. */
export function makeCachePorts(options: CachePortsOptions): CachePorts {
  const { workers, path, reader } = options;
  const readImages = (ids: readonly number[]): Promise<ImageReading> =>
    toReading(workers, attempt(path, () => readImageRows(reader, ids)));
  return {
    loadColumns: async (report, { isWarm }) => {
      const source = { path, snapshotPath: options.snapshotPath };
      const warm = isWarm ? await readSnapshot(workers, source) : null;
      const loaded = warm ?? await loadColumns(workers, source, report);
      if (loaded !== null) options.onMalformed(loaded.malformed, loaded.documents);
      return loaded;
    },
    readImages,
    readImageByPath: (filepath) => {
      const id = attempt(path, () => readImageIdByPath(reader, filepath));
      return readImages(id === undefined ? [] : [id]);
    },
    readTags: () => workers.loader.call("readTags", { path }),
    readTagsByIds: (ids) => Promise.resolve(attempt(path, () => readTagRows(reader, ids))),
    readPools: (ids) => Promise.resolve(attempt(path, () => readPoolRows(reader, ids))),
    readAliases: () => workers.loader.call("readAliases", { path }),
    readChanges: (position) =>
      Promise.resolve(
        attempt(path, () => hasChangeLog(reader) ? readChangesSince(reader, position) : null),
      ),
  };
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw explain(error, path);
  }
}

/** Adds what the tags and the metadata documents of some images say: rating and post ids. */
async function toReading(workers: LoadWorkers, rows: ImageRows): Promise<ImageReading> {
  const ratingCode = new Map(rows.tags.map((tag) => [tag.id, toRatingCode(tag.name)]));
  const postIds = await readPostIds(workers, rows.documents);
  const images = rows.images.map((image): ImageState => ({
    ...image,
    fileType: image.fileType || fileTypeCodeOfPath(image.filepath),
    rating: image.tagIds.reduce((code, id) => Math.max(code, ratingCode.get(id) ?? 0), 0),
    postIds: postIds.get(image.id) ?? [],
  }));
  return { images, tags: rows.tags };
}

async function readPostIds(
  workers: LoadWorkers,
  documents: ImageRows["documents"],
): Promise<Map<number, ImageState["postIds"]>> {
  const byImage = new Map<number, ImageState["postIds"]>();
  if (documents.length === 0) return byImage;
  const texts = documents.map(({ data }) => data);
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + text.length, 0));
  let end = 0;
  for (const text of texts) {
    bytes.set(text, end);
    end += text.length;
  }
  const imageId = Int32Array.from(documents, (document) => document.imageId);
  const length = Int32Array.from(texts, (text) => text.length);
  const { sources, triples } = await workers.metadata.call(
    "readPostIds",
    move({ imageId, length, bytes }, [imageId.buffer, length.buffer, bytes.buffer]),
  );
  for (let i = 0; i < triples.length; i += 3) {
    const own = byImage.get(triples[i + 2]) ?? [];
    own.push({ source: sources[triples[i]], id: triples[i + 1] });
    byImage.set(triples[i + 2], own);
  }
  return byImage;
}
