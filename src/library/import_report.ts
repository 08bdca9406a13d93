import type { SkippedPath } from "./import_walk.ts";

/** What an import did, file by file where something is to be said. */
export type ImportReport = {
  dryRun: boolean;
  /** New images. */
  added: number;
  /** Files whose content the library had before; tags of their sidecars were merged. */
  alreadyThere: number;
  /** Files with the content of another file of this run, or one more place of an image. */
  furtherCopies: number;
  /** Images whose file was edited where it lies; they kept their tags. */
  replaced: number;
  /** Tags that known images gained. */
  tagsMerged: number;
  skipped: SkippedPath[];
  /** Folders of which nothing was imported, since a person must say whether they are the right ones. */
  asked: AskedFolder[];
  /** Hidden files and folders that were left out: their names begin with a dot. */
  hidden: number;
  warnings: ImportWarning[];
  bytes: number;
  elapsedMs: number;
};

/** An in-place folder in which so many recorded files have other contents that it may be another one. */
export type AskedFolder = {
  /** Name of its in-place root, with an `@`. */
  root: string;
  /** The root's folder, or what of it was to be imported. */
  path: string;
  /** Files that have another content than was recorded, which is nowhere else in what was to be imported. */
  changed: number;
  /** Files that lie where one is recorded. */
  recorded: number;
  /** Recorded files that are not there, under no name. */
  missing: number;
  /** The question, in words. */
  message: string;
};

/** Something that a person should know of a file that was imported all the same. */
export type ImportWarning = {
  path: string;
  message: string;
  /** `back`: the content's file had vanished, or this is that file under another name. */
  code?: "back";
};

/** How far an import is. */
export type ImportProgress = {
  stage: "scanning" | "importing";
  files: number;
  filesTotal: number;
  bytes: number;
  bytesTotal: number;
};

/** Codes of skipped files that need no attention: nobody expected them in the library. */
const HARMLESS = new Set([
  "unsupported",
  "unfinished",
  "not_a_file",
  "in_trash",
  "link_outside",
]);

/** A report about nothing yet. */
export function emptyReport(dryRun: boolean): ImportReport {
  return {
    dryRun,
    added: 0,
    alreadyThere: 0,
    furtherCopies: 0,
    replaced: 0,
    tagsMerged: 0,
    skipped: [],
    asked: [],
    hidden: 0,
    warnings: [],
    bytes: 0,
    elapsedMs: 0,
  };
}

/** Whether a file that was skipped for this reason needs no attention. */
export function isHarmless(code: string): boolean {
  return HARMLESS.has(code);
}

/** Files that should have been imported and were not. */
export function countFailed(report: ImportReport): number {
  return report.skipped.filter(({ code }) => !isHarmless(code)).length;
}
