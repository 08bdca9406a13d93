import type { DedupeFile, DedupeLibrary } from "./dedupe_files.ts";
import {
  comparePaths,
  type DedupeCopy,
  type DedupeGroup,
  type DedupeOptions,
  type DedupeReport,
  toMb,
} from "./dedupe_report.ts";
import { type CopyGroup, findCopies, type FoundCopies } from "./dedupe_scan.ts";

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

/** A copy that is to go, and the file of its group that stays. */
export type Removal = { md5: string; kept: DedupeFile; copy: DedupeFile };

/** What was found, what could be done about it, and the report of it. */
export type FoundDuplicates = {
  found: FoundCopies;
  groups: CopyGroup[];
  removals: Removal[];
  report: DedupeReport;
};

/** Finds copies and chooses which could go; writes nothing. */
export async function findDuplicates(
  library: DedupeLibrary,
  options: DedupeOptions & { inBackground?: boolean; onlyPath?: string },
): Promise<FoundDuplicates> {
  const { includeInPlace = false, signal, onProgress, onlyPath } = options;
  const startedAt = performance.now();
  const found = await findCopies(library, {
    inBackground: options.inBackground ?? true,
    onlyPath,
    signal,
    onProgress,
  });
  const { groups } = found;
  const chosen = groups.map((group) => chooseRemovals(group, { includeInPlace }));
  const removals = chosen.flatMap((one) => one.removals);
  const report = toReport(found, chosen.map(({ kept }) => kept), removals);
  report.elapsedMs = performance.now() - startedAt;
  return { found, groups, removals, report };
}

/** Which of a group's files stays, and which go; none where all that could go lies in place. */
export function chooseRemovals(
  { md5, files }: CopyGroup,
  options: { includeInPlace: boolean; keepFilepath?: string },
): { kept: DedupeFile; removals: Removal[] } {
  const { includeInPlace, keepFilepath } = options;
  // The library must not come to depend on a file that is not its own, unless it was said that those
  // folders are to be treated like its own.
  const first = includeInPlace ? undefined : files.find((file) => file.root === null);
  const kept = files.find((file) => file.filepath === keepFilepath) ?? first ?? files[0];
  const removals = files.filter((file) => file !== kept && (includeInPlace || file.root === null))
    .map((copy) => ({ md5, kept, copy }));
  return { kept, removals };
}

/** The report of a search, before anything was moved. */
export function toReport(
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
export function countBytes(removals: readonly Removal[]): number {
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
