import { AppError } from "../base/errors.ts";
import { HASHES_WRITTEN_BATCH } from "../base/limits.ts";
import { readHashedPlaces } from "../store/file_hashes.ts";
import { chooseRemovals, type Removal, removeCopies } from "./dedupe_act.ts";
import type { DedupeFile } from "./dedupe_files.ts";
import {
  comparePaths,
  type DedupeCopy,
  type DedupeGroup,
  type DedupeOptions,
  type DedupeReport,
  toMb,
} from "./dedupe_report.ts";
import { type CopyGroup, findCopies, type FoundCopies } from "./dedupe_scan.ts";
import type { Library } from "./library.ts";
import { withLock } from "./lock.ts";
import type { FileCalls } from "./stored_file.ts";
import { resumeLocked } from "./trash.ts";

/*
 * What is kept of files with one content, and why:
 *
 * - The first path in the order of characters' codes, and `images.filepath` follows it. Without
 *   `includeInPlace` the library's own files come first, whatever the names: it must not come to depend on a
 *   file that it does not own. With it, `@root/…` stands where its letters put it.
 * - Files in place are always reported, and go only with `includeInPlace`.
 * - A further name of one inode goes like any copy; it frees no space.
 * - Empty files, links, hidden files and sidecars are no copies of anything.
 */

/** What only tests and commands say. */
export type DedupeInternals = {
  /** Whether a worker looks for files, so that this isolate is free; the default. */
  inBackground?: boolean;
  /** Calls that fail. */
  calls?: FileCalls;
};

/**
 * Finds the files of the library, and of the folders indexed in place, that have one content, and moves all
 * but one of each to the trash unless it is a dry run, which is the default and writes nothing.
 *
 * A file goes only after it was compared byte for byte with the one that stays, and if neither changed since
 * it was found; tags and sources that only its sidecars have go to the image first. Whatever moment the
 * program ends at, the next start finishes what was begun.
 *
 * Cost: of files with a size of their own nothing is read, nor of those whose hash is known; else the first
 * block, and all of those that share it.
 *
 * @throws {AppError} `not_found` if the library's folder of images is not there though it has images,
 *   `locked`, `cancelled`; what was moved before is in the trash.
 */
export async function scanAndRemoveDuplicates(
  library: Library,
  options: DedupeOptions & DedupeInternals = {},
): Promise<DedupeReport> {
  const { dryRun = true, includeInPlace = false, signal, onProgress } = options;
  const startedAt = performance.now();
  if (!dryRun) await finishInterrupted(library);
  const found = await findCopies(library, {
    inBackground: options.inBackground ?? true,
    signal,
    onProgress,
  });
  if (options.remember ?? !dryRun) await remember(library, found);
  const chosen = found.groups.map((group) => chooseRemovals(group, { includeInPlace }));
  const removals = chosen.flatMap((one) => one.removals);
  const report = toReport(found, chosen.map(({ kept }) => kept), removals);
  report.dryRun = dryRun;
  if (!dryRun) await remove(library, { removals, report, options });
  report.elapsedMs = performance.now() - startedAt;
  return report;
}

/**
 * Moves all files with this md5 but one to the trash, as {@link scanAndRemoveDuplicates} does; false, and
 * nothing is done, when the path to keep is no file of this md5, or the only one. Files in place stay where
 * they are unless `includeInPlace` is said.
 *
 * @throws {AppError} `conflict` or `md5_collision` if a copy had to stay, naming it.
 */
export async function removeDuplicate(
  library: Library,
  md5: string,
  keepFilepath: string,
  options: DedupeOptions & DedupeInternals = {},
): Promise<boolean> {
  await finishInterrupted(library);
  const includeInPlace = options.includeInPlace ?? false;
  const wanted = md5.toLowerCase();
  const found = await findCopies(library, {
    inBackground: true,
    ...options,
    onlyPath: keepFilepath,
  });
  const collision = found.collisions.find((one) => one.md5 === wanted);
  if (collision?.filepaths.includes(keepFilepath)) {
    const names = collision.filepaths.join(", ");
    throw new AppError("md5_collision", `Files of md5 ${md5} have different bytes: ${names}`);
  }
  const group = found.groups.find((one) => one.md5 === wanted);
  if (group === undefined || !group.files.some((file) => file.filepath === keepFilepath)) {
    return false;
  }
  const { kept, removals } = chooseRemovals(group, { includeInPlace, keepFilepath });
  const report = toReport({ ...found, groups: [group] }, [kept], removals);
  const before = report.skipped.length;
  await remove(library, { removals, report, options });
  const failed = report.skipped[before];
  if (failed === undefined) return true;
  throw new AppError(
    failed.code === "md5_collision" ? "md5_collision" : "conflict",
    `Cannot remove ${failed.filepath}: ${failed.reason}`,
  );
}

/** What an earlier run left half done comes first; and who cannot have the lock need not look around. */
async function finishInterrupted(library: Library): Promise<void> {
  await withLock(library.paths.lock, "dedupe", () => resumeLocked(library));
}

/** Writes down what was computed, and forgets files that are gone. */
async function remember(library: Library, found: FoundCopies): Promise<void> {
  const { hashes } = found;
  const gone = readHashedPlaces(library.core.reader).filter((filepath) => !found.isThere(filepath));
  for (let at = 0; at < Math.max(hashes.length, gone.length); at += HASHES_WRITTEN_BATCH) {
    await library.writer.call("keepHashes", {
      hashes: hashes.slice(at, at + HASHES_WRITTEN_BATCH).map((
        { filepath, sizeBytes, mtimeMs, inode, head, md5 },
      ) => ({ filepath, sizeBytes, mtimeMs, inode, head, md5 })),
      gone: gone.slice(at, at + HASHES_WRITTEN_BATCH),
    });
  }
}

function toReport(
  found: FoundCopies,
  kept: readonly DedupeFile[],
  removals: readonly Removal[],
): DedupeReport {
  const groups = found.groups.map((group, i) => toGroup(group, kept[i]))
    .sort((a, b) => comparePaths(a.kept, b.kept));
  return {
    dryRun: true,
    duplicatesFound: groups.reduce((sum, { copies }) => sum + copies.length, 0),
    duplicatesRemoved: 0,
    spaceSavedMb: 0,
    spaceToSaveMb: toMb(countBytes(removals)),
    groups,
    collisions: found.collisions.toSorted((a, b) => comparePaths(a.filepaths[0], b.filepaths[0])),
    skipped: found.skipped,
    warnings: [],
    filesScanned: found.filesCount,
    filesRead: found.readCount,
    elapsedMs: 0,
  };
}

function toGroup({ md5, sizeBytes, files }: CopyGroup, kept: DedupeFile): DedupeGroup {
  const seen = new Set([inodeKey(kept)]);
  const copies = files.filter((file) => file !== kept).map((file): DedupeCopy => {
    const key = inodeKey(file);
    const isHardLink = seen.has(key);
    seen.add(key);
    return { filepath: file.filepath, isInPlace: file.root !== null, isHardLink, trashId: null };
  });
  return { md5, sizeBytes, kept: kept.filepath, isKeptInPlace: kept.root !== null, copies };
}

function inodeKey({ device, inode, filepath }: DedupeFile): string {
  return inode === 0 ? filepath : `${device}:${inode}`;
}

/** Bytes that the disk has back when these files are gone: those of inodes of which no name is left. */
function countBytes(removals: readonly Removal[]): number {
  const names = new Map<string, number>();
  let bytes = 0;
  for (const { copy } of removals) {
    const key = inodeKey(copy);
    const count = (names.get(key) ?? 0) + 1;
    names.set(key, count);
    if (count >= copy.linkCount) bytes += copy.sizeBytes;
  }
  return bytes;
}

async function remove(
  library: Library,
  { removals, report, options }: {
    removals: readonly Removal[];
    report: DedupeReport;
    options: DedupeOptions & DedupeInternals;
  },
): Promise<void> {
  if (removals.length === 0) return;
  const copies = new Map(
    report.groups.flatMap((group) => group.copies.map((copy) => [copy.filepath, copy])),
  );
  const total = removals.length;
  const removed: Removal[] = [];
  await withLock(library.paths.lock, "dedupe", async () => {
    const outcomes = removeCopies(library, removals, {
      signal: options.signal,
      calls: options.calls,
      onProgress: (done) => options.onProgress?.({ stage: "moving", done, total }),
    });
    for await (const outcome of outcomes) {
      const { filepath } = outcome.removal.copy;
      if (outcome.trashId === null) {
        report.skipped.push({ filepath, code: outcome.code, reason: outcome.reason });
        continue;
      }
      removed.push(outcome.removal);
      copies.get(filepath)!.trashId = outcome.trashId;
      for (const message of outcome.warnings) report.warnings.push({ filepath, message });
    }
  });
  report.duplicatesRemoved = removed.length;
  report.spaceSavedMb = toMb(countBytes(removed));
}
