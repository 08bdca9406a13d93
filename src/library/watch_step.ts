import { pooledMap } from "@std/async";
import { basename, dirname, join } from "node:path";
import { log } from "../base/log.ts";
import { Slice } from "../base/slice.ts";
import { countPlacesBelow, readRecordedPlace, readScannedAt } from "../store/missing_files.ts";
import { sidecarNamesOf } from "../tags/sidecars.ts";
import { isSidecarName } from "./import_walk.ts";
import { readFileNames, takeLateSidecar } from "./ingest_done.ts";
import type { Library } from "./library.ts";
import { exists } from "./library_paths.ts";
import { lookAt, type PlainFolders } from "./look_at.ts";
import { showChanges } from "./show_changes.ts";
import type { Look } from "./still_files.ts";
import { askAbout, askAboutEdits, countStillAsked, halt, toRemedy } from "./watch_ask.ts";
import { importEdits, importReady } from "./watch_import.ts";
import {
  compareWithRecord,
  countMissing,
  findFirstAdded,
  findGone,
  findUnseen,
  isToBeAsked,
  lookThrough,
  type ScanFindings,
  toPlacePath,
  withoutRenamed,
} from "./watch_scan.ts";
import { type FolderProbe, probeFolder, type WatchedRoot } from "./watched_root.ts";

/** What a step needs to know. */
export type StepOptions = {
  /** Folders that are not watched: the library's own, and roots inside this one. */
  exclude: readonly string[];
  /** Why the folder must not be watched, whatever it holds; null: it may be. */
  fault: string | null;
  /** Whether edited files are imported: when no file waits in any folder that may be what they were. */
  isLast: boolean;
  signal: AbortSignal;
  now: () => number;
  /** Complete scans are this far apart. */
  rescanMs: number;
  /** What waits longer to be still does not keep vanished files from being marked. */
  patienceMs: number;
  /** Begins to tell changes of the folder, before it is looked through; `identity`: which folder it is. */
  listen: (identity: string | null) => Promise<void>;
};

/** Paths that are looked at in one round. */
const LOOKS_A_ROUND = 500;
const LOOKS_AT_ONCE = 16;
/** Places that are marked in one transaction. */
const MARKED_AT_ONCE = 500;
/**
 * Sidecars that changed this long before the last scan are read again: the clock of the disk may be
 * another one than ours, and to read one twice changes nothing.
 */
const SIDECAR_SLACK_MS = 10 * 60_000;

/**
 * Does what there is to do for one watched folder: looks through it if that is due, takes what is still,
 * imports it, and marks what is gone. Gives up at the first sign that the folder is not what it was.
 *
 * @throws {AppError} `locked`, `disk_full`, `cancelled` …: what was not done is done by a later step.
 */
export async function stepRoot(
  library: Library,
  root: WatchedRoot,
  options: StepOptions,
): Promise<void> {
  const now = options.now();
  if (now < root.blockedUntilMs) return;
  const isScanDue = now >= root.scanDueMs;
  if (!isScanDue && !root.isHalted && root.isIdle) return;
  const found = await probeFolder(root.plan.path);
  const probe = options.fault === null ? found : { ...found, fault: options.fault };
  const isScan = isScanDue || (root.isHalted && root.looksOtherwise(probe));
  if (root.isHalted && !isScan) return;
  if (isScan && root.scanStartedAtMs === null) root.scanDueMs = now + options.rescanMs;
  if (!isAvailable(root, probe, isScan)) return;
  if (isScan && root.scanStartedAtMs === null) await scanRoot(library, root, { ...options, probe });
  if (root.isHalted) return;
  await settleFiles(library, root, options);
  await takeSidecars(library, root, options);
  await importReady(library, root, options);
  if (options.isLast) {
    const edited = await importEdits(library, root, options);
    if (edited !== null) {
      const recorded = countPlacesBelow(library.core.reader, root.plan.name);
      halt(root, probe, askAboutEdits(root, edited, recorded));
      return;
    }
  }
  await markReturned(library, root);
  await markLost(library, root, options);
  await finishScan(library, root, options);
}

/** Refuses a folder that is not there, and one that became another one between two scans. */
function isAvailable(root: WatchedRoot, probe: FolderProbe, isScan: boolean): boolean {
  if (probe.fault !== null) {
    halt(root, probe, { state: "unavailable", message: probe.fault });
    return false;
  }
  if (!isScan && root.identity !== null && root.identity !== probe.identity) {
    // Only a scan can tell whether what is there now may be trusted.
    root.dropWork();
    root.scanDueMs = 0;
    return false;
  }
  return true;
}

async function scanRoot(
  library: Library,
  root: WatchedRoot,
  options: StepOptions & { probe: FolderProbe },
): Promise<void> {
  const { plan } = root;
  const { signal, probe } = options;
  const startedAt = Date.now();
  root.dropWork();
  root.state = "scanning";
  await options.listen(probe.identity);
  const scannedAt = await findScannedAt(library, plan.name, startedAt);
  const found = await lookThrough(library, {
    plan,
    exclude: options.exclude,
    sidecarsSinceMs: scannedAt - SIDECAR_SLACK_MS,
    signal,
  });
  root.filesSeen = found.filesSeen;
  root.lastScanAt = new Date(startedAt).toISOString();
  if (plan.mode === "in-place" && !(await isTrusted(library, root, { found, probe }))) return;
  if (root.refusedAs !== null) log("watch").info("{name} is watched again", { name: plan.name });
  root.scanStartedAtMs = startedAt;
  root.identity = probe.identity;
  root.refusedAs = null;
  root.message = null;
  root.missingAsked = null;
  root.editedAsked = null;
  await queueFound(root, found, options.now());
}

/** When a folder was scanned last, or its first file recorded; a clock that was ahead counts for nothing. */
async function findScannedAt(library: Library, name: string, nowMs: number): Promise<number> {
  const scannedAt = readScannedAt(library.core.reader, name) ?? await findFirstAdded(library, name);
  return scannedAt > nowMs ? -Infinity : scannedAt;
}

/** Whether a scan may be believed; else the folder is refused, and nothing is taken from it or marked. */
async function isTrusted(
  library: Library,
  root: WatchedRoot,
  scan: { found: ScanFindings; probe: FolderProbe },
): Promise<boolean> {
  const { plan } = root;
  const { found, probe } = scan;
  const unseen = await findUnseen(library, plan.name, found.seen);
  const gone = await findGone(plan, unseen);
  const missing = await countMissing(library, await withoutRenamed(gone, found.fresh));
  // After all looks: if the folder went away during them, they mean nothing.
  const after = await probeFolder(plan.path);
  if (after.fault !== null || after.identity !== probe.identity) {
    const message = after.fault ?? `${plan.path} became another folder while it was looked through`;
    halt(root, after, { state: "unavailable", message });
    return false;
  }
  for (const { filepath } of gone) root.lost.add(filepath);
  const recorded = countPlacesBelow(library.core.reader, plan.name);
  const changed = await countStillAsked(library, root, found);
  if (changed !== null && isToBeAsked(changed, recorded)) {
    halt(root, probe, askAboutEdits(root, root.editedAsked!, recorded));
    return false;
  }
  if (root.accepted !== null && missing <= root.accepted.missing) return true;
  const isOther = root.identity !== null && root.identity !== probe.identity;
  const remedy = toRemedy(root);
  if (recorded > 0 && found.filesSeen === 0) {
    const message =
      `${plan.path} has no files, but ${recorded} are recorded: is its disk connected? ` +
      remedy;
    halt(root, probe, { state: "unavailable", message, missing, gone: gone.length });
    return false;
  }
  if (isOther && missing * 2 > recorded) {
    const message =
      `${plan.path} is another folder than before: ${missing} of ${recorded} recorded ` +
      `files are not in it. ${remedy}`;
    halt(root, probe, { state: "unavailable", message, missing, gone: gone.length });
    return false;
  }
  if (!isToBeAsked(missing, recorded)) return true;
  halt(root, probe, { ...askAbout(root, missing, recorded), gone: gone.length });
  return false;
}

async function queueFound(root: WatchedRoot, found: ScanFindings, nowMs: number): Promise<void> {
  const slice = new Slice();
  for (const file of found.fresh) {
    if (!root.isRefused(file)) root.still.see(file, nowMs);
    if (slice.isOver) await slice.yield();
  }
  for (const filepath of found.returned) root.returned.add(filepath);
  for (const path of found.sidecars) root.sidecars.add(path);
  for (const { path, code, reason } of found.skipped) {
    // What vanished during the walk is no fault.
    if (code === "unfinished" || (code === "unreadable" && !(await exists(path)))) continue;
    if (root.refuse({ path }, { code, reason }) && code === "unreadable") root.counts.failed++;
  }
}

/** Looks at what waits to be still, and sorts what has been still for long enough. */
async function settleFiles(
  library: Library,
  root: WatchedRoot,
  options: StepOptions,
): Promise<void> {
  while (true) {
    options.signal.throwIfAborted();
    const paths = root.still.due(options.now(), LOOKS_A_ROUND);
    if (paths.length === 0) return;
    const folders: PlainFolders = new Map();
    const looks = pooledMap(LOOKS_AT_ONCE, paths, async (path): Promise<[string, Look]> => {
      return [path, await lookAt(path, folders)];
    });
    for await (const [path, look] of looks) {
      if (look.kind === "file" && isSidecarBusy(root, path)) {
        const sinceMs = options.now() - options.patienceMs;
        if (root.still.putOff(path, options.now(), sinceMs)) continue;
      }
      const verdict = root.still.judge(path, look, options.now());
      if (verdict === "take" && look.kind === "file") takeFile(library, root, look);
      else if (verdict === "gone") await takeGone(library, root, path);
      else if (verdict === "look_inside" && !options.exclude.includes(path)) {
        await lookInside(library, root, { ...options, folder: path });
      }
    }
  }
}

/** Looks through a folder that appeared: another one may have had its name, with files that are gone now. */
async function lookInside(
  library: Library,
  root: WatchedRoot,
  options: StepOptions & { folder: string },
): Promise<void> {
  const { exclude, folder, signal } = options;
  const { plan } = root;
  const found = await lookThrough(library, {
    plan,
    folder,
    exclude,
    sidecarsSinceMs: -Infinity,
    signal,
  });
  await queueFound(root, found, options.now());
  if (plan.mode === "ingest") return;
  const unseen = await findUnseen(library, toPlacePath(plan, folder), found.seen);
  for (const { filepath } of unseen) root.lost.add(filepath);
}

function takeFile(
  library: Library,
  root: WatchedRoot,
  { file }: Extract<Look, { kind: "file" }>,
): void {
  if (isSidecarName(file.name)) {
    root.sidecars.add(file.path);
    return;
  }
  const state = compareWithRecord(library, root.plan, file);
  if (state === "returned") root.returned.add(toPlacePath(root.plan, file.path));
  if (state === "fresh" && !root.isRefused(file)) root.ready.set(file.path, file);
}

/** Whether somebody writes a sidecar of a file, and so has more to say of it. */
function isSidecarBusy(root: WatchedRoot, path: string): boolean {
  if (isSidecarName(path)) return false;
  const { json, txt } = sidecarNamesOf(basename(path));
  return [...json, ...txt].some((name) => root.still.has(join(dirname(path), name)));
}

/** Notes that a path leads to nothing any more: a recorded file, or a folder with recorded files. */
async function takeGone(library: Library, root: WatchedRoot, path: string): Promise<void> {
  if (root.plan.mode === "ingest") return;
  const filepath = toPlacePath(root.plan, path);
  const place = readRecordedPlace(library.core.reader, filepath);
  if (place !== undefined && !place.isMissing) root.lost.add(filepath);
  if (place !== undefined) return;
  for (const below of await findUnseen(library, filepath, new Set())) root.lost.add(below.filepath);
}

/** Lets the files of changed sidecars be imported once more, which reads them; in `ingest` also late ones. */
async function takeSidecars(
  library: Library,
  root: WatchedRoot,
  options: StepOptions,
): Promise<void> {
  const byFolder = Map.groupBy(root.sidecars, (path) => dirname(path));
  const slice = new Slice();
  for (const [folder, paths] of byFolder) {
    options.signal.throwIfAborted();
    const names = new Set(paths.map((path) => basename(path)));
    const claimed = new Set<string>();
    for (const name of await readFileNames(folder)) {
      if (slice.isOver) await slice.yield();
      if (isSidecarName(name)) continue;
      const { json, txt } = sidecarNamesOf(name);
      const own = [...json, ...txt].filter((sidecar) => names.has(sidecar));
      if (own.length === 0) continue;
      for (const sidecar of own) claimed.add(sidecar);
      await readAgain(library, root, { path: join(folder, name), nowMs: options.now() });
    }
    for (const path of paths) {
      root.sidecars.delete(path);
      if (root.plan.mode === "ingest" && !claimed.has(basename(path))) {
        await readLate(library, root, path);
      }
    }
  }
}

/** Imports a file once more for its sidecars, unless it waits to be imported anyway. */
async function readAgain(
  library: Library,
  root: WatchedRoot,
  { path, nowMs }: { path: string; nowMs: number },
): Promise<void> {
  if (root.still.has(path) || root.ready.has(path) || root.edits.has(path)) return;
  const look = await lookAt(path);
  if (look.kind !== "file" || root.isRefused(look.file)) return;
  if (root.plan.mode === "in-place") root.readAgain.add(path);
  // One that is new may only just be beginning.
  if (compareWithRecord(library, root.plan, look.file) === "fresh") {
    root.still.see(look.file, nowMs);
  } else root.ready.set(path, look.file);
}

async function readLate(library: Library, root: WatchedRoot, path: string): Promise<void> {
  const late = await takeLateSidecar(library, root.plan.path, path);
  if (late === null) return;
  if (late.warnings.length === 0) root.counts.sidecars++;
  for (const reason of late.warnings) root.warn(path, reason);
  await showChanges(library);
}

async function markReturned(library: Library, root: WatchedRoot): Promise<void> {
  if (root.returned.size === 0) return;
  const returned = [...root.returned];
  root.returned.clear();
  const changes = await library.writer.call("markPlaces", { lost: [], returned });
  root.counts.returned += changes.returned;
  await showChanges(library);
}

/**
 * Marks places whose files are gone, once nothing waits that might be one of them under another name. Too
 * many of them, and a scan decides: it asks.
 */
async function markLost(
  library: Library,
  root: WatchedRoot,
  options: StepOptions,
): Promise<void> {
  if (root.lost.size === 0) return;
  const isUnsettled = root.still.countSince(options.now() - options.patienceMs) > 0;
  if (isUnsettled || root.ready.size + root.edits.size > 0) return;
  const { reader } = library.core;
  const slice = new Slice();
  const places: { filepath: string }[] = [];
  for (const filepath of root.lost) {
    const place = readRecordedPlace(reader, filepath);
    if (place !== undefined && !place.isMissing) places.push(place);
    if (slice.isOver) await slice.yield();
  }
  const gone = await findGone(root.plan, places);
  // After all looks: if the folder went away during them, they mean nothing.
  const probe = await probeFolder(root.plan.path);
  if (probe.fault !== null || probe.identity !== root.identity) {
    root.dropWork();
    root.scanDueMs = 0;
    return;
  }
  const recorded = countPlacesBelow(reader, root.plan.name);
  const missing = await countMissing(library, gone);
  const isAccepted = root.accepted !== null && missing <= root.accepted.missing;
  if (!isAccepted && isToBeAsked(missing, recorded)) {
    if (root.scanStartedAtMs === null) {
      root.lost.clear();
      root.scanDueMs = 0;
    } else halt(root, probe, askAbout(root, missing, recorded));
    return;
  }
  root.lost.clear();
  for (let i = 0; i < gone.length; i += MARKED_AT_ONCE) {
    options.signal.throwIfAborted();
    const lost = gone.slice(i, i + MARKED_AT_ONCE).map(({ filepath }) => filepath);
    const changes = await library.writer.call("markPlaces", { lost, returned: [] });
    root.counts.missing += changes.missing;
    root.counts.moved += changes.moved;
  }
  await showChanges(library);
}

/** Ends a scan when all that it found is done; what keeps changing is not waited for. */
async function finishScan(
  library: Library,
  root: WatchedRoot,
  options: StepOptions,
): Promise<void> {
  const startedAtMs = root.scanStartedAtMs;
  const isUnsettled = root.still.countSince(options.now() - options.patienceMs) > 0;
  const isBusy = root.ready.size + root.edits.size + root.lost.size + root.sidecars.size > 0;
  if (startedAtMs === null || isUnsettled || isBusy) return;
  await library.writer.call("finishScan", { folder: root.plan.name, startedAtMs });
  root.scanStartedAtMs = null;
  root.accepted = null;
  root.state = "watching";
}
