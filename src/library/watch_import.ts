import { WATCH_IMPORT_FILES } from "../base/limits.ts";
import { readRecordedPlace } from "../store/missing_files.ts";
import { importFiles } from "./import_folder.ts";
import { type ImportReport, isHarmless } from "./import_report.ts";
import type { FileOutcome } from "./import_run.ts";
import { compareNames, type FoundFile } from "./import_walk.ts";
import { tidyIngest } from "./ingest_done.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";
import { compareWithRecord, toPlacePath } from "./watch_scan.ts";
import type { WatchedRoot } from "./watched_root.ts";

/** More files than this are imported in the order in which they were found. */
const SORTED_FILES_MAX = 5_000;
/** A file that changed while it was read is looked at again; the others are refused as they are. */
const TRIED_AGAIN = new Set(["conflict"]);

/** What {@link importReady} needs to know. */
export type ImportReadyOptions = { signal: AbortSignal; now: () => number };

/**
 * Imports the files of a watched folder that are ready, some at a time, so that others get the lock of the
 * library in between. What was not imported when it throws stays ready.
 *
 * @throws {AppError} `locked`, `disk_full`, `cancelled` …
 */
export async function importReady(
  library: Library,
  root: WatchedRoot,
  options: ImportReadyOptions,
): Promise<void> {
  for (const files of toBatches(library, root)) {
    options.signal.throwIfAborted();
    const startedAtMs = Date.now();
    const outcomes: FileOutcome[] = [];
    const isIngest = root.plan.mode === "ingest";
    const report = await importFiles(library, {
      files,
      mode: isIngest ? "move" : "in-place",
      command: "watch",
      ingest: isIngest ? root.plan.path : undefined,
      signal: options.signal,
      onFile: (outcome) => outcomes.push(outcome),
    });
    for (const { path } of files) root.ready.delete(path);
    take(root, { files, report, outcomes }, options);
    if (isIngest) {
      const left = await tidyIngest(root.plan.path, { outcomes, startedAtMs });
      for (const path of left.changed) root.still.touch(path, options.now());
      for (const { file, reason } of left.stuck) {
        if (root.refuse(file, { code: "not_removed", reason })) root.counts.failed++;
      }
    }
    await showChanges(library);
  }
}

/**
 * Files in the order in which they are imported. In a root new names come first, a batch at a time: a
 * renamed file is found under its new name before another file under its old name is taken for an edit of
 * it. The changed files of names that are known come last and all together, since they may have changed
 * names among each other.
 */
function toBatches(library: Library, root: WatchedRoot): FoundFile[][] {
  const files = [...root.ready.values()];
  if (files.length <= SORTED_FILES_MAX) files.sort((a, b) => compareNames(a.path, b.path));
  const changed = new Set(files.filter((file) => isChanged(library, root, file)));
  const others = files.filter((file) => !changed.has(file));
  const batches: FoundFile[][] = [];
  for (let i = 0; i < others.length; i += WATCH_IMPORT_FILES) {
    batches.push(others.slice(i, i + WATCH_IMPORT_FILES));
  }
  return changed.size > 0 ? [...batches, [...changed]] : batches;
}

/** Whether a file lies at a recorded place and is not what was recorded there. */
function isChanged(library: Library, { plan }: WatchedRoot, file: FoundFile): boolean {
  return plan.mode === "in-place" && compareWithRecord(library, plan, file) === "fresh" &&
    readRecordedPlace(library.core.reader, toPlacePath(plan, file.path)) !== undefined;
}

/** Counts what was imported, and remembers what was not. */
function take(
  root: WatchedRoot,
  done: { files: readonly FoundFile[]; report: ImportReport; outcomes: readonly FileOutcome[] },
  { now }: ImportReadyOptions,
): void {
  const { report, outcomes } = done;
  const files = new Map(done.files.map((file) => [file.path, file]));
  const taken = new Set(outcomes.map(({ file }) => file.path));
  for (const { kind, file, tagsAdded } of outcomes) {
    const isReadAgain = root.readAgain.delete(file.path);
    if (isReadAgain && kind === "known") {
      if (tagsAdded > 0) root.counts.sidecars++;
    } else if (kind === "added") root.counts.added++;
    else if (kind === "replaced") root.counts.replaced++;
    else root.counts.known++;
  }
  for (const { path, message, code } of report.warnings) {
    if (code === "back" && taken.has(path)) {
      root.counts.known--;
      if (root.plan.mode === "in-place") root.counts.moved++;
      else root.counts.returned++;
    } else if (code !== "back") root.warn(path, message);
  }
  for (const { path, code, reason } of report.skipped) {
    if (TRIED_AGAIN.has(code)) root.still.touch(path, now());
    else if (root.refuse(files.get(path) ?? { path }, { code, reason }) && !isHarmless(code)) {
      root.counts.failed++;
    }
  }
}
