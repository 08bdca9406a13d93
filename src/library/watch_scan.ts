import { pooledMap } from "@std/async";
import { join, relative } from "node:path";
import { WATCH_MISSING_SHARE_MAX, WATCH_MISSING_UNASKED } from "../base/limits.ts";
import { Slice } from "../base/slice.ts";
import { inPlacePath } from "../media/paths.ts";
import {
  readPlacesBelow,
  readRecordedPlace,
  readSameFilePlaces,
  type RecordedPlace,
} from "../store/missing_files.ts";
import { type FoundFile, type SkippedPath, walkFolder } from "./import_walk.ts";
import type { Library } from "./library.ts";
import type { RootPlan } from "./watched_root.ts";

/*
 * What a scan costs: one stat a file and, in an in-place root, one look into the database of 10 µs. Nothing
 * is read. Between two files the isolate is free, so that the server goes on serving.
 */

/** Recorded places that are read at a time, in 1 ms. */
const PLACES_AT_ONCE = 500;
/** Files that are looked at side by side. */
const LOOKS_AT_ONCE = 16;

/** What a walk through a watched folder found. */
export type ScanFindings = {
  filesSeen: number;
  /** Stored paths of what is there; in-place roots only. */
  seen: Set<string>;
  /** Files that are not recorded as they are. */
  fresh: FoundFile[];
  /** Stored paths of files that were missing and are back as they were. */
  returned: string[];
  /** Sidecars that changed since a moment. */
  sidecars: string[];
  skipped: SkippedPath[];
};

/** What {@link lookThrough} needs to know. */
export type ScanOptions = {
  plan: RootPlan;
  /** A folder inside; the whole root by default. */
  folder?: string;
  /** Folders that are left out: the library's own, and roots inside this one. */
  exclude: readonly string[];
  /** Sidecars that changed after this moment are told. */
  sidecarsSinceMs: number;
  signal?: AbortSignal;
};

/** How a file compares with its record. */
export type RecordState = "unchanged" | "returned" | "fresh";

/** Path under which a file of an in-place root is recorded. */
export function toPlacePath({ name, path }: RootPlan, file: string): string {
  return inPlacePath(name.slice(1), relative(path, file));
}

/** Absolute path of a recorded place. */
export function toFilePath({ name, path }: RootPlan, filepath: string): string {
  return join(path, filepath.slice(name.length + 1));
}

/** Compares a file of a watched folder with what is recorded of it; in `ingest` every file is fresh. */
export function compareWithRecord(library: Library, plan: RootPlan, file: FoundFile): RecordState {
  if (plan.mode === "ingest") return "fresh";
  const place = readRecordedPlace(library.core.reader, toPlacePath(plan, file.path));
  const isSame = place !== undefined && place.sizeBytes === file.sizeBytes &&
    place.mtimeMs === file.mtimeMs && place.inode === file.inode;
  return !isSame ? "fresh" : place.isMissing ? "returned" : "unchanged";
}

/** Walks through a watched folder and compares what is there with what is recorded. */
export async function lookThrough(library: Library, options: ScanOptions): Promise<ScanFindings> {
  const { plan, exclude, sidecarsSinceMs, signal } = options;
  const found: ScanFindings = {
    filesSeen: 0,
    seen: new Set(),
    fresh: [],
    returned: [],
    sidecars: [],
    skipped: [],
  };
  const walk = walkFolder(options.folder ?? plan.path, {
    exclude,
    within: plan.path,
    signal,
    onSkip: (skipped) => found.skipped.push(skipped),
    onSidecar: (path, changedMs) => {
      if (changedMs >= sidecarsSinceMs) found.sidecars.push(path);
    },
  });
  for await (const file of walk) {
    found.filesSeen++;
    const state = compareWithRecord(library, plan, file);
    if (plan.mode === "in-place") {
      const filepath = toPlacePath(plan, file.path);
      found.seen.add(filepath);
      if (state === "returned") found.returned.push(filepath);
    }
    if (state === "fresh") found.fresh.push(file);
  }
  return found;
}

/** Recorded places below a stored folder, some at a time; the isolate serves in between. */
async function* readPlaces(library: Library, folder: string): AsyncGenerator<RecordedPlace[]> {
  let after = "";
  while (true) {
    const page = readPlacesBelow(library.core.reader, folder, { after, limit: PLACES_AT_ONCE });
    yield page;
    if (page.length < PLACES_AT_ONCE) return;
    after = page.at(-1)!.filepath;
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** When the first place below a stored folder was recorded: sidecars were read then. */
export async function findFirstAdded(library: Library, folder: string): Promise<number> {
  let first = Infinity;
  for await (const page of readPlaces(library, folder)) {
    for (const { addedAtMs } of page) if (addedAtMs < first) first = addedAtMs;
  }
  return first === Infinity ? -Infinity : first;
}

/** Recorded places below a stored folder that are not among those seen, and are not known to be missing. */
export async function findUnseen(
  library: Library,
  folder: string,
  seen: ReadonlySet<string>,
): Promise<RecordedPlace[]> {
  const unseen: RecordedPlace[] = [];
  for await (const page of readPlaces(library, folder)) {
    for (const place of page) {
      if (!place.isMissing && !seen.has(place.filepath)) unseen.push(place);
    }
  }
  return unseen;
}

/**
 * Of some places those whose files are gone for sure: nothing has their path. A file that cannot be looked
 * at, for whatever other reason, is not gone.
 */
export async function findGone<T extends { filepath: string }>(
  plan: RootPlan,
  places: readonly T[],
): Promise<T[]> {
  const gone: T[] = [];
  const looks = pooledMap(LOOKS_AT_ONCE, places, async (place) => {
    return { place, isGone: await isGone(toFilePath(plan, place.filepath)) };
  });
  for await (const { place, isGone } of looks) if (isGone) gone.push(place);
  return gone;
}

async function isGone(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
  }
}

/** Of missing places those that no new file can be, as far as inode and size tell: the rest was renamed. */
export async function withoutRenamed(
  places: readonly RecordedPlace[],
  fresh: readonly FoundFile[],
): Promise<RecordedPlace[]> {
  const slice = new Slice();
  const keys = new Set<string>();
  for (const { inode, sizeBytes } of fresh) {
    keys.add(`${inode}:${sizeBytes}`);
    if (slice.isOver) await slice.yield();
  }
  return places.filter(({ inode, sizeBytes }) => inode === 0 || !keys.has(`${inode}:${sizeBytes}`));
}

/**
 * How many of some places whose files are gone are missing; the files of the others are known under names
 * that are not gone.
 */
export async function countMissing(
  library: Library,
  gone: readonly { filepath: string }[],
): Promise<number> {
  const slice = new Slice();
  const paths = new Set(gone.map(({ filepath }) => filepath));
  let missing = 0;
  for (const filepath of paths) {
    const others = readSameFilePlaces(library.core.reader, filepath);
    if (!others.some((other) => !paths.has(other))) missing++;
    if (slice.isOver) await slice.yield();
  }
  return missing;
}

/** Whether so many of a root's files are missing that a person is asked first. */
export function isToBeAsked(missing: number, recorded: number): boolean {
  return missing > WATCH_MISSING_UNASKED && missing > recorded * WATCH_MISSING_SHARE_MAX;
}
