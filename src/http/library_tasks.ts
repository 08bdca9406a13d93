import { backupLibrary } from "../library/backup.ts";
import type { CheckKind } from "../library/check_kinds.ts";
import { checkLibrary, type CheckReport, countFaults } from "../library/check_library.ts";
import { scanAndRemoveDuplicates } from "../library/dedupe.ts";
import type { DedupeReport } from "../library/dedupe_report.ts";
import type { Library } from "../library/library.ts";
import { importTagCsv, type TagImportProgress } from "../library/tags_import.ts";
import type { Task, TaskProgress } from "../library/tasks.ts";
import type { Upload } from "../library/uploads.ts";
import type { TagNumbering } from "../tags/tag_numbering.ts";
import type { ServerState } from "./server_state.ts";

/*
 * The tasks that both the API and the pages start. Each throws `conflict` if one of its kind is running.
 */

/** What a search for duplicates is told. */
export type DedupeRequest = { delete: boolean; includeInPlace: boolean };

/** What a task that searched for duplicates answers: its report, and what its lists may be too long to tell. */
export type DedupeResult = DedupeReport & {
  includeInPlace: boolean;
  groupsFound: number;
  /** Copies in folders that are indexed in place, which stay unless these are included. */
  duplicatesInPlace: number;
};

/** Starts a search for identical files. */
export function startDedupe(library: Library, wanted: DedupeRequest): Task {
  const { includeInPlace } = wanted;
  return library.tasks.start("dedupe", async ({ signal, report }): Promise<DedupeResult> => {
    const found = await scanAndRemoveDuplicates(library, {
      dryRun: !wanted.delete,
      includeInPlace,
      signal,
      onProgress: ({ stage, done, total }) => report({ done, total, message: stage }),
    });
    const copies = found.groups.flatMap((group) => group.copies);
    const duplicatesInPlace = copies.filter(({ isInPlace }) => isInPlace).length;
    return { includeInPlace, groupsFound: found.groups.length, duplicatesInPlace, ...found };
  });
}

/** What a task that checked the library answers. */
export type CheckResult = CheckReport & {
  faults: number;
  /** Findings of each kind, of which the list may be too long to be kept. */
  counts: Partial<Record<CheckKind, number>>;
};

/** Starts a check of the library. */
export function startCheck(
  library: Library,
  { hashes, repair }: { hashes: boolean; repair: readonly CheckKind[] },
): Task {
  return library.tasks.start("check", async ({ signal, report }): Promise<CheckResult> => {
    const found = await checkLibrary(library, {
      hashes,
      repair,
      signal,
      onProgress: ({ stage, done, total }) => report({ done, total, message: stage }),
    });
    const counts: CheckResult["counts"] = {};
    for (const { kind } of found.findings) counts[kind] = (counts[kind] ?? 0) + 1;
    return { faults: countFaults(found), counts, ...found };
  });
}

/** Starts a copy of the database to the library's folder of backups. */
export function startBackup(library: Library, { keep }: { keep: number }): Task {
  return library.tasks.start("backup", async ({ signal, report }) => {
    return await backupLibrary(library.paths, {
      keep,
      signal,
      onProgress: ({ stage, done, total }) => report({ done, total, message: stage }),
    });
  });
}

/** Starts a look through all folders that can be watched. */
export function startScan({ library, watch }: ServerState): Task {
  return library.tasks.start("watch-scan", async ({ signal, report }) => {
    const ended = new AbortController();
    watch.events.on("changed", ({ name, queued }) => {
      report({ done: 0, total: null, message: `${name}: ${queued} files wait` });
    }, { signal: ended.signal });
    try {
      return { roots: await watch.scan({ signal }) };
    } finally {
      ended.abort();
    }
  });
}

/** How a tag list that was sent is to be imported. */
export type TagImportRequest = {
  numbering: TagNumbering | "auto";
  dryRun: boolean;
  /** Name of the file, which may tell the site where its rows do not. */
  name: string;
};

/** Starts the import of a tag list that was sent; the upload is gone when it ends, or does not begin. */
export async function startTagImport(
  library: Library,
  upload: Upload,
  { numbering, dryRun, name }: TagImportRequest,
): Promise<Task> {
  try {
    return library.tasks.start("tag_import", async ({ signal, report }) => {
      await using file = upload;
      return await importTagCsv(library, file.path, {
        numbering,
        dryRun,
        fileName: name,
        signal,
        onProgress: (progress) => report(toTaskProgress(progress)),
      });
    });
  } catch (error) {
    // Another import is running: this one never began.
    await upload[Symbol.asyncDispose]();
    throw error;
  }
}

function toTaskProgress({ stage, done, total }: TagImportProgress): TaskProgress {
  const message = stage === "rows" ? "Writing names" : "Writing tags of images";
  return { done, total, message };
}
