/** How {@link scanAndRemoveDuplicates} is to be done. */
export type DedupeOptions = {
  /** Looks at everything, moves nothing and writes nothing; the default. */
  dryRun?: boolean;
  /** Whether copies in folders that are indexed in place may go too. */
  includeInPlace?: boolean;
  /** Whether hashes are written down for the next search; by default when it is no dry run. */
  remember?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: DedupeProgress) => void;
};

/** How far a search for copies is; `total` is null while nobody knows. */
export type DedupeProgress = {
  stage: "scanning" | "reading" | "comparing" | "moving";
  done: number;
  total: number | null;
};

/** A file beyond the kept one of its group. */
export type DedupeCopy = {
  filepath: string;
  /** Whether it lies in a folder that is indexed in place. */
  isInPlace: boolean;
  /** Whether it is one more name of a file that is in the group already, so that no space is won. */
  isHardLink: boolean;
  /** The trash's entry of it; null: it is where it was. */
  trashId: number | null;
};

/** Files of one content. */
export type DedupeGroup = {
  md5: string;
  sizeBytes: number;
  /** Stored path of the file that is kept. */
  kept: string;
  isKeptInPlace: boolean;
  /** The other files, in the order of their paths. */
  copies: DedupeCopy[];
};

/** Files of one md5 and different bytes; nothing is done with them. */
export type DedupeCollision = { md5: string; sizeBytes: number; filepaths: string[] };

/** A path that was left alone, and why. */
export type DedupeSkip = { filepath: string; code: string; reason: string };

/** What a search for copies found and did. */
export type DedupeReport = {
  dryRun: boolean;
  /** Files beyond the first of each group. */
  duplicatesFound: number;
  duplicatesRemoved: number;
  /** What was moved, in units of 2^20 bytes; the disk has it back when the trash is emptied. */
  spaceSavedMb: number;
  /** What could be moved with these options, in the same units. */
  spaceToSaveMb: number;
  /** In the order of the kept paths. */
  groups: DedupeGroup[];
  collisions: DedupeCollision[];
  skipped: DedupeSkip[];
  warnings: { filepath: string; message: string }[];
  filesScanned: number;
  /** Files of which something had to be read. */
  filesRead: number;
  elapsedMs: number;
};

const MEBIBYTE = 1_048_576;

/** Bytes in units of 2^20, to a thousandth. */
export function toMb(bytes: number): number {
  return Math.round(bytes / MEBIBYTE * 1_000) / 1_000;
}

/** The order of paths: that of their characters' codes, with no language's rules. */
export function comparePaths(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Paths that were left although something should have been done with them, or found out about them. */
export function countFailed({ skipped, collisions }: DedupeReport): number {
  return skipped.length + collisions.length;
}
