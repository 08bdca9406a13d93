import { pooledMap } from "@std/async";
import { HASH_BATCH_FILES } from "../base/limits.ts";
import { hashedFileHead, type HashedFiles, wordsToMd5Hex } from "../media/md5.ts";
import { describeUnsupported, sniffMediaType } from "../media/sniff.ts";
import type { LibraryRoot } from "../store/roots.ts";
import type { HashedFile } from "./import_prepare.ts";
import { type FoundFile, inBatches, type SkippedPath } from "./import_walk.ts";
import type { Library } from "./library.ts";

/** Batches at a time: one is hashed while another is decoded and a third is committed. */
export const BATCHES_AT_ONCE = 3;

/** The in-place root of a path; null when it lies in none, or files are copied or moved. */
export type RootOf = (path: string) => LibraryRoot | null;

/** Reads a batch of files: what they hold, or why they are no pictures or videos that can be read. */
export async function hashFound(
  library: Library,
  files: readonly FoundFile[],
  rootOf: RootOf,
): Promise<{ hashed: HashedFile[]; skipped: SkippedPath[] }> {
  const hashed: HashedFile[] = [];
  const skipped: SkippedPath[] = [];
  if (files.length === 0) return { hashed, skipped };
  const paths = files.map(({ path }) => path);
  const result = await library.hasher.call("hashFiles", { paths });
  for (const [i, file] of files.entries()) {
    const one = takeHash(file, result, i);
    if ("reason" in one) skipped.push(one);
    else hashed.push({ ...one, root: rootOf(file.path) });
  }
  return { hashed, skipped };
}

/** What {@link hashMany} needs to know. */
export type HashManyOptions = {
  rootOf: RootOf;
  signal?: AbortSignal;
  /** Told of each batch that was read. */
  onRead: (files: readonly FoundFile[]) => void;
};

/** Reads any number of files; those that cannot be read, or are no pictures or videos, are left out. */
export async function hashMany(
  library: Library,
  files: AsyncIterable<FoundFile> | Iterable<FoundFile>,
  { rootOf, signal, onRead }: HashManyOptions,
): Promise<HashedFile[]> {
  const hashed: HashedFile[] = [];
  await eachBatch(inBatches(files, HASH_BATCH_FILES), async (batch) => {
    signal?.throwIfAborted();
    for (const one of (await hashFound(library, batch, rootOf)).hashed) hashed.push(one);
    onRead(batch);
  });
  return hashed;
}

/**
 * Works on batches, some at a time, until there are no more or something failed. What began is awaited
 * however it ends: the lock and the workers must outlive all work.
 */
export async function eachBatch(
  found: AsyncIterable<FoundFile[]>,
  work: (batch: FoundFile[]) => Promise<void>,
  onDone: () => void = () => {},
): Promise<void> {
  const failures: unknown[] = [];
  const batches = pooledMap(
    BATCHES_AT_ONCE,
    untilFailed(found, failures),
    (batch) => work(batch).catch((error: unknown) => void failures.push(error)),
  );
  for await (const _ of batches) onDone();
  if (failures.length > 0) throw failures[0];
}

async function* untilFailed(
  found: AsyncIterable<FoundFile[]>,
  failures: unknown[],
): AsyncGenerator<FoundFile[]> {
  try {
    for await (const batch of found) {
      if (failures.length > 0) return;
      yield batch;
    }
  } catch (error) {
    failures.push(error);
  }
}

function takeHash(
  file: FoundFile,
  result: HashedFiles,
  index: number,
): Omit<HashedFile, "root"> | SkippedPath {
  if (result.status[index] !== 0) {
    const error = result.errors.find((one) => one.index === index);
    const reason = error?.message ?? "Cannot read the file";
    return { path: file.path, code: "unreadable", reason };
  }
  const head = hashedFileHead(result, index);
  const type = sniffMediaType(head);
  if (type === undefined) {
    const reason = `It is ${describeUnsupported(head) ?? "no picture or video"}`;
    return { path: file.path, code: "unsupported", reason };
  }
  const now = { ...file, sizeBytes: result.sizes[index], mtimeMs: result.mtimesMs[index] };
  return { file: now, md5: wordsToMd5Hex(result.words, 4 * index), type, isRecorded: false };
}
