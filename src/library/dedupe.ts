import { AppError } from "../base/errors.ts";
import { HASHES_WRITTEN_BATCH } from "../base/limits.ts";
import { readHashedPlaces } from "../store/file_hashes.ts";
import { removeCopies } from "./dedupe_act.ts";
import {
  chooseRemovals,
  countBytes,
  findDuplicates,
  type Removal,
  toReport,
} from "./dedupe_find.ts";
import { type DedupeOptions, type DedupeReport, toMb } from "./dedupe_report.ts";
import type { FoundCopies } from "./dedupe_scan.ts";
import type { Library } from "./library.ts";
import { withLock } from "./lock.ts";
import type { FileCalls } from "./stored_file.ts";
import { resumeLocked } from "./trash.ts";

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
  const { dryRun = true } = options;
  const startedAt = performance.now();
  if (!dryRun) await finishInterrupted(library);
  const { found, removals, report } = await findDuplicates(library, options);
  if (options.remember ?? !dryRun) await remember(library, found);
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
  const wanted = md5.toLowerCase();
  const { found, groups } = await findDuplicates(library, { ...options, onlyPath: keepFilepath });
  const collision = found.collisions.find((one) => one.md5 === wanted);
  if (collision?.filepaths.includes(keepFilepath)) {
    const names = collision.filepaths.join(", ");
    throw new AppError("md5_collision", `Files of md5 ${md5} have different bytes: ${names}`);
  }
  const group = groups.find((one) => one.md5 === wanted);
  if (group === undefined || !group.files.some((file) => file.filepath === keepFilepath)) {
    return false;
  }
  const includeInPlace = options.includeInPlace ?? false;
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
