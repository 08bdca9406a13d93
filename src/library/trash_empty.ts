import { AppError } from "../base/errors.ts";
import { TRASH_BATCH_ENTRIES, TRASH_DAYS_MAX } from "../base/limits.ts";
import { contentThumbnailPath, resolveInside } from "../media/paths.ts";
import { readPlacesOf } from "../store/backup.ts";
import { readContent } from "../store/import_images.ts";
import {
  isTrashed,
  readTrashEntry,
  readTrashIdsBefore,
  type TrashedFile,
  type TrashEntry,
  type TrashManifest,
} from "../store/trash.ts";
import { readTrashKeepDays } from "../store/trash_copies.ts";
import type { Library } from "./library.ts";
import { withLock } from "./lock.ts";
import type { FileCalls } from "./stored_file.ts";
import type { Task } from "./tasks.ts";
import { lstat, removeTrashFolder, resolveStored } from "./trash_files.ts";

/** Which entries of the trash are to be removed for good. */
export type EmptyOptions = {
  /** Those that were put there at least so many days ago; 0 for all. */
  olderThanDays?: number;
  /** These. */
  entryIds?: readonly number[];
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
  /** For tests: calls that fail. */
  calls?: FileCalls;
};

/** What {@link emptyTrash} did. */
export type EmptyReport = {
  emptied: number;
  freedBytes: number;
  /** Entries that were kept, and why. */
  kept: { id: number; code: string; reason: string }[];
};

const DAY_MS = 86_400_000;

/**
 * Removes entries of the trash for good: the one place where the program deletes a person's files.
 *
 * An entry is kept, and told about, if one of its files is not there or has another size than it had, if it
 * was not finished, and if it holds a copy of a content of which the library has no other file by now (unless
 * the entry is named). Killed at any point, the next start finishes what was begun.
 *
 * Cost: of each copy, it and another file of its content are read.
 *
 * @throws {AppError} `bad_request` if it is not said which, `not_found` for a named entry that is not there,
 *   `locked`.
 */
export async function emptyTrash(library: Library, options: EmptyOptions): Promise<EmptyReport> {
  const { olderThanDays, entryIds, signal, onProgress } = options;
  const isOneKind = (olderThanDays === undefined) !== (entryIds === undefined);
  if (!isOneKind || (olderThanDays !== undefined && !(olderThanDays >= 0))) {
    throw new AppError("bad_request", "Say which entries of the trash are to be removed", {
      remedy: "Name them, or say how many days old they are to be",
    });
  }
  return await withLock(library.paths.lock, "empty the trash", async () => {
    const { reader } = library.core;
    const ids = entryIds ?? readTrashIdsBefore(reader, Date.now() - olderThanDays! * DAY_MS);
    const unknown = entryIds?.find((id) => readTrashEntry(reader, id) === undefined);
    if (unknown !== undefined) {
      throw new AppError("not_found", `There is no entry ${unknown} in the trash`);
    }
    const report: EmptyReport = { emptied: 0, freedBytes: 0, kept: [] };
    for (let at = 0; at < ids.length; at += TRASH_BATCH_ENTRIES) {
      signal?.throwIfAborted();
      await emptySome(library, { ids: ids.slice(at, at + TRASH_BATCH_ENTRIES), options, report });
      onProgress?.({ done: Math.min(at + TRASH_BATCH_ENTRIES, ids.length), total: ids.length });
    }
    return report;
  });
}

async function emptySome(
  library: Library,
  { ids, options, report }: { ids: readonly number[]; options: EmptyOptions; report: EmptyReport },
): Promise<void> {
  const entries: TrashEntry[] = [];
  let freedBytes = 0;
  for (const id of ids) {
    const entry = readTrashEntry(library.core.reader, id)!;
    const looked = await look(library, entry, options.entryIds !== undefined);
    if (typeof looked !== "number") report.kept.push({ id, ...looked });
    else {
      freedBytes += looked;
      entries.push(entry);
    }
  }
  if (entries.length === 0) return;
  await library.writer.call("beginEmptying", { entryIds: entries.map(({ id }) => id) });
  await finishEmptying(library, entries, options.calls);
  report.emptied += entries.length;
  report.freedBytes += freedBytes;
}

/** The bytes that an entry's removal frees, or why it is to be kept. */
async function look(
  library: Library,
  entry: TrashEntry,
  isNamed: boolean,
): Promise<number | { code: string; reason: string }> {
  if (entry.state !== "trashed") {
    return { code: "unfinished", reason: `It is ${entry.state}; the next start finishes that` };
  }
  let freedBytes = 0;
  for (const file of entry.manifest.files) {
    if (file.trashed === null) continue;
    const info = await lstat(resolveInside(library.paths.trash, file.trashed));
    if (info === null || !info.isFile) {
      return { code: "file_missing", reason: `${file.trashed} is not in the trash` };
    }
    const sizeBytes = sizeOf(entry, file);
    if (sizeBytes !== undefined && info.size !== sizeBytes) {
      const reason = `${file.trashed} has ${info.size} bytes and had ${sizeBytes}`;
      return { code: "file_changed", reason };
    }
    if ((info.nlink ?? 1) < 2) freedBytes += info.size;
  }
  if (entry.kind === "duplicate" && !isNamed && await isLastOne(library, entry)) {
    const reason = "The library has no other file with its content: restore it, or name it";
    return { code: "last_copy", reason };
  }
  return freedBytes;
}

/** Entries of before say the size of a file in its row, if at all. */
function sizeOf({ manifest }: TrashEntry, file: TrashedFile): number | undefined {
  if (file.sizeBytes !== undefined) return file.sizeBytes;
  const row = manifest.rows.image_files?.find((one) => one.filepath === file.filepath);
  return typeof row?.size_bytes === "number" ? row.size_bytes : undefined;
}

/**
 * Whether the library has no other file with the content of a copy, wherever one should be. Nobody misses it
 * while its image is in the trash, too.
 */
async function isLastOne(library: Library, { manifest }: TrashEntry): Promise<boolean> {
  const { reader } = library.core;
  const image = readContent(reader, manifest.md5);
  if (image === undefined && isTrashed(reader, manifest.md5)) return false;
  const places = image === undefined
    ? []
    : [image.filepath, ...readPlacesOf(reader, image.imageId)];
  for (const filepath of new Set([...places, manifest.kept!])) {
    if (await holdsContent(library, manifest, filepath)) return false;
  }
  return true;
}

/** Whether a stored file has the bytes of a copy that is in the trash; what time and size say is not enough. */
async function holdsContent(
  library: Library,
  { files: [copy] }: TrashManifest,
  filepath: string,
): Promise<boolean> {
  const path = resolveStored(library, filepath);
  const info = await lstat(path);
  if (info === null || !info.isFile || info.size !== copy.sizeBytes) return false;
  const pair = { left: path, right: resolveInside(library.paths.trash, copy.trashed!) };
  try {
    return (await library.hasher.call("compareFiles", pair)).isSame;
  } catch (error) {
    // What cannot be read is no other file to rely on.
    if (error instanceof AppError) return false;
    throw error;
  }
}

/** Removes the files of entries that are `emptying`, then the entries. Needs the lock. */
export async function finishEmptying(
  library: Library,
  entries: readonly TrashEntry[],
  calls: FileCalls = Deno,
): Promise<void> {
  for (const { manifest } of entries) {
    for (const { trashed } of manifest.files) {
      if (trashed === null) continue;
      const path = resolveInside(library.paths.trash, trashed);
      if (await lstat(path) !== null) await calls.remove(path);
    }
    await removeTrashFolder(library, manifest, calls);
  }
  await library.writer.call("dropTrashEntries", { entryIds: entries.map(({ id }) => id) });
  for (const { kind, manifest } of entries) {
    if (kind === "image") await removeThumbnail(library, manifest.md5, calls);
  }
}

/** A thumbnail shows what was removed: it goes too, unless the content is there by other ways. */
async function removeThumbnail(library: Library, md5: string, calls: FileCalls): Promise<void> {
  const { reader } = library.core;
  if (readContent(reader, md5) !== undefined || isTrashed(reader, md5)) return;
  const path = resolveInside(library.paths.thumbnails, contentThumbnailPath(md5));
  if (await lstat(path) !== null) await calls.remove(path);
}

/** Sets after how many days the trash is emptied by itself; null: never, which is the default. */
export async function setTrashKeepDays(library: Library, days: number | null): Promise<void> {
  const isRight = days === null || (Number.isInteger(days) && days >= 1 && days <= TRASH_DAYS_MAX);
  if (!isRight) {
    throw new AppError("bad_request", `Cannot keep the trash for ${days} days`, {
      remedy: "Use a whole number from 1 on, or never",
    });
  }
  await library.writer.call("setTrashKeepDays", { days });
}

/**
 * Empties the trash of what is older than the owner set, now and every day until it is stopped; does nothing
 * while nothing is set. It runs as a task, so that it is seen.
 */
export function emptyTrashDaily(library: Library): { stop(): void } {
  const run = () => {
    const olderThanDays = readTrashKeepDays(library.core.reader);
    if (olderThanDays === null || library.tasks.active("empty-trash") !== undefined) return;
    startEmptying(library, { olderThanDays });
  };
  run();
  const timer = setInterval(run, DAY_MS);
  return { stop: () => clearInterval(timer) };
}

/** Starts {@link emptyTrash} as a task. */
export function startEmptying(
  library: Library,
  options: Pick<EmptyOptions, "olderThanDays">,
): Task {
  return library.tasks.start("empty-trash", async ({ signal, report }) => {
    return await emptyTrash(library, {
      ...options,
      signal,
      onProgress: (progress) => report({ ...progress, message: "emptying" }),
    });
  });
}
