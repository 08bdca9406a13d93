import { pooledMap } from "@std/async";
import { WATCH_IMPORT_FILES } from "../base/limits.ts";
import { Slice } from "../base/slice.ts";
import { countPlacesBelow, readRecordedPlace } from "../store/missing_files.ts";
import { importFiles } from "./import_folder.ts";
import { type ImportReport, isHarmless } from "./import_report.ts";
import type { FileOutcome } from "./import_run.ts";
import { compareNames, type FoundFile, isInside } from "./import_walk.ts";
import { tidyIngest } from "./ingest_done.ts";
import type { Library } from "./library.ts";
import { lookAt, type PlainFolders } from "./look_at.ts";
import { showChanges } from "./show_changes.ts";
import { signatureOf } from "./still_files.ts";
import { compareWithRecord, isToBeAsked, toPlacePath } from "./watch_scan.ts";
import type { WatchedRoot } from "./watched_root.ts";

/** More files than this are imported in the order in which they were found. */
const SORTED_FILES_MAX = 5_000;
/** Files that are looked at side by side. */
const LOOKS_AT_ONCE = 16;
/** A file that changed while it was read is looked at again; the others are refused as they are. */
const TRIED_AGAIN = new Set(["conflict"]);

/** What {@link importReady} and {@link importEdits} need to know. */
export type ImportReadyOptions = { signal: AbortSignal; now: () => number };

/**
 * Imports the files of a watched folder that are ready, some at a time, so that others get the lock of the
 * library in between. What was not imported when it throws stays ready. The changed files of names that are
 * known are only put aside, for {@link importEdits}.
 *
 * @throws {AppError} `locked`, `disk_full`, `cancelled` …
 */
export async function importReady(
  library: Library,
  root: WatchedRoot,
  options: ImportReadyOptions,
): Promise<void> {
  if (root.ready.size === 0) return;
  const slice = new Slice();
  for (const file of root.ready.values()) {
    if (isChanged(library, root, file)) {
      root.ready.delete(file.path);
      root.edits.set(file.path, file);
    }
    if (slice.isOver) await slice.yield();
  }
  const files = [...root.ready.values()];
  if (files.length <= SORTED_FILES_MAX) files.sort((a, b) => compareNames(a.path, b.path));
  for (let i = 0; i < files.length; i += WATCH_IMPORT_FILES) {
    await importSome(library, root, { ...options, files: files.slice(i, i + WATCH_IMPORT_FILES) });
  }
}

/**
 * Imports the changed files of names that are known, all together, since they may have changed names among
 * each other; when no other file waits that may be what they were. Gives their number if they are so many
 * that a person must say whether the folder is still the same; then nothing is taken for edited.
 *
 * @throws {AppError} `locked`, `disk_full`, `cancelled` …
 */
export async function importEdits(
  library: Library,
  root: WatchedRoot,
  options: ImportReadyOptions,
): Promise<number | null> {
  if (root.edits.size === 0) return null;
  let asked: number | null = null;
  await importSome(library, root, {
    ...options,
    files: [...root.edits.values()],
    mayEdit: (count) => {
      const recorded = countPlacesBelow(library.core.reader, root.plan.name);
      if (count <= (root.accepted?.edited ?? 0) || !isToBeAsked(count, recorded)) return true;
      asked = count;
      return false;
    },
  });
  return asked;
}

async function importSome(
  library: Library,
  root: WatchedRoot,
  options: ImportReadyOptions & {
    files: readonly FoundFile[];
    mayEdit?: (count: number) => boolean;
  },
): Promise<void> {
  const { now, signal, mayEdit } = options;
  signal.throwIfAborted();
  const files = await findUnchanged(library, root, options);
  if (files.length === 0) return;
  const outcomes: FileOutcome[] = [];
  const isIngest = root.plan.mode === "ingest";
  const report = await importFiles(library, {
    files,
    mode: isIngest ? "move" : "in-place",
    command: "watch",
    ingest: isIngest ? root.plan.path : undefined,
    mayEdit,
    signal,
    onFile: (outcome) => outcomes.push(outcome),
  });
  forget(root, files);
  take(root, { files, report, outcomes }, options);
  if (isIngest) {
    const left = await tidyIngest(root.plan.path, outcomes);
    for (const path of left.changed) root.still.touch(path, now());
    for (const { file, reason } of left.stuck) {
      if (root.refuse(file, { code: "not_removed", reason })) root.counts.failed++;
    }
  }
  await showChanges(library);
}

/** Those of some files that are as they were when they were still; the others wait again. */
async function findUnchanged(
  library: Library,
  root: WatchedRoot,
  { files, now }: { files: readonly FoundFile[]; now: () => number },
): Promise<FoundFile[]> {
  // A folder that was indexed in place since is not the ingest folder's any more.
  const lost = root.plan.mode === "ingest"
    ? library.roots().filter(({ path }) => isInside(path, root.plan.path))
    : [];
  const folders: PlainFolders = new Map();
  const unchanged: FoundFile[] = [];
  const looks = pooledMap(LOOKS_AT_ONCE, files, async (file) => {
    return { file, look: await lookAt(file.path, folders) };
  });
  for await (const { file, look } of looks) {
    const isSame = look.kind === "file" && signatureOf(look.file) === signatureOf(file);
    if (isSame && !lost.some(({ path }) => isInside(file.path, path))) unchanged.push(file);
    else {
      forget(root, [file]);
      root.still.touch(file.path, now());
    }
  }
  return unchanged;
}

function forget(root: WatchedRoot, files: readonly FoundFile[]): void {
  for (const { path } of files) {
    root.ready.delete(path);
    root.edits.delete(path);
  }
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
    // They are asked about all together.
    if (code === "edit_asked") continue;
    if (TRIED_AGAIN.has(code)) root.still.touch(path, now());
    else if (root.refuse(files.get(path) ?? { path }, { code, reason }) && !isHarmless(code)) {
      root.counts.failed++;
    }
  }
}
