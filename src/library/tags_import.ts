import { TAG_LIST_FAULTS_KEPT_MAX } from "../base/limits.ts";
import {
  type CatalogueChanges,
  type ListWarning,
  noCatalogueChanges,
} from "../store/tag_catalogue.ts";
import type { ListFault } from "../store/tag_import.ts";
import type { TagNumbering } from "../tags/tag_numbering.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";
import { finishTagColumns } from "./tag_columns.ts";

export type { CatalogueChanges, ListFault, ListWarning, TagNumbering };

/** How a tag list is to be imported. */
export type TagImportOptions = {
  /** How the list numbers categories; found out by default. */
  numbering?: TagNumbering | "auto";
  /** Looks at everything and writes nothing. */
  dryRun?: boolean;
  /** Name that the file had before it came here; it may tell the site. */
  fileName?: string;
  signal?: AbortSignal;
  onProgress?: (progress: TagImportProgress) => void;
};

/** How far an import is: rows of the list, then images whose columns follow new categories. */
export type TagImportProgress = {
  stage: "rows" | "images";
  done: number;
  total: number;
};

/** What an import of a tag list did, or would do. */
export type TagImportReport = CatalogueChanges & {
  dryRun: boolean;
  numbering: TagNumbering;
  /** Whether the rows left a choice of numberings. */
  isGuess: boolean;
  /** Rows that were used. */
  rows: number;
  /** Rows that could not be used: how many, and the first of them. */
  badRows: number;
  faults: ListFault[];
  /** What was not done as the list says it: how often, and the first of it. */
  warningCount: number;
  warnings: ListWarning[];
  elapsedMs: number;
};

/**
 * Imports a tag list: names with category, count and aliases, as CSV, also compressed by gzip. The catalogue
 * keeps them all, whether the library has the tags or not; tags that were general get their categories, and
 * searches and imports know the aliases. A row that cannot be used is reported and the rest goes on; a
 * second import changes nothing. After an interruption what was written stays, and the next import goes on.
 *
 * Cost: about 1.5 s for 200,000 rows, in the writer and in pieces, so that neither this isolate nor other
 * writes wait; O(images) of the tags that get a category.
 *
 * @throws {AppError} `not_found`, `forbidden`, `bad_request` or `payload_too_large`, naming the file and what
 *   is wrong with it; nothing was written then.
 */
export async function importTagCsv(
  library: Library,
  path: string,
  options: TagImportOptions = {},
): Promise<TagImportReport> {
  const startedAt = performance.now();
  const { numbering = "auto", dryRun = false, signal } = options;
  const { writer } = library;
  const survey = await writer.call("openTagList", {
    path,
    fileName: options.fileName ?? null,
    numbering: numbering === "auto" ? null : numbering,
    dryRunOn: dryRun ? library.paths.database : null,
  });
  const changes = noCatalogueChanges();
  const warnings = new WarningList(survey.warnings);
  let rows = 0;
  try {
    for (let isDone = false; !isDone;) {
      signal?.throwIfAborted();
      const step = await writer.call("importTagRows", null);
      isDone = step.isDone;
      rows += step.rowCount;
      addChanges(changes, step.changes);
      warnings.add(step.warnings);
      options.onProgress?.({ stage: "rows", done: rows, total: survey.rowCount });
    }
  } finally {
    await writer.call("closeTagList", null);
    if (!dryRun) await showChanges(library);
  }
  if (!dryRun) {
    await finishTagColumns(library, {
      signal,
      onProgress: (done, total) => options.onProgress?.({ stage: "images", done, total }),
    });
  }
  return {
    ...changes,
    dryRun,
    numbering: survey.numbering,
    isGuess: survey.isGuess,
    rows,
    badRows: survey.faultCount,
    faults: survey.faults,
    warningCount: warnings.count,
    warnings: warnings.first,
    elapsedMs: performance.now() - startedAt,
  };
}

function addChanges(sum: CatalogueChanges, more: CatalogueChanges): void {
  for (const key of Object.keys(sum) as (keyof CatalogueChanges)[]) sum[key] += more[key];
}

/** Warnings in the order of lines; only the first are kept. */
class WarningList {
  #all: ListWarning[];
  count: number;

  constructor(warnings: readonly ListWarning[]) {
    this.#all = [...warnings];
    this.count = warnings.length;
  }

  add(warnings: readonly ListWarning[]): void {
    this.count += warnings.length;
    this.#all.push(...warnings.slice(0, TAG_LIST_FAULTS_KEPT_MAX));
    if (this.#all.length > 4 * TAG_LIST_FAULTS_KEPT_MAX) this.#all = this.first;
  }

  get first(): ListWarning[] {
    return this.#all.toSorted((a, b) => a.line - b.line).slice(0, TAG_LIST_FAULTS_KEPT_MAX);
  }
}
