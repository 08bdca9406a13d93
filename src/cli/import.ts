import { AppError } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import { type ImportConfig, parseImportConfig, type Surroundings } from "../config.ts";
import { importFolders } from "../library/import_folder.ts";
import { checkFolder } from "../library/import_walk.ts";
import { countFailed, type ImportProgress, type ImportReport } from "../library/import_report.ts";
import { openLibrary } from "../library/library.ts";
import { resumeTrash } from "../library/trash.ts";
import { listenForInterrupts } from "./interrupt.ts";
import { type ProgressBar, startProgressBar } from "./progress_bar.ts";

/** Skipped files that are listed one by one; all of them are in the JSON report. */
const SKIPPED_LISTED_MAX = 50;
const MEGABYTE = 1_000_000;
/** How a person answers what is asked of a folder. */
const REMEDY =
  "Nothing of it was imported. If it is, run the same command with --accept-changed: " +
  "images keep number, tags, favourites and pools, and show what the files hold now. " +
  "Else connect the right disk";

/** Runs `import`: 0 = everything is in the library, 1 = some files failed, 2 = it could not go on. */
export async function runImport(around: Surroundings): Promise<number> {
  const config = parseImportConfig(around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  // Before the library is opened: a misspelt folder is no reason to make one.
  await Promise.all(config.folders.map(checkFolder));
  using interrupts = listenForInterrupts();
  const scratch = await makeScratch(config);
  const library = await openLibrary({
    folder: scratch ?? config.library,
    writesNothing: config.dryRun && scratch === null,
  });
  const bar = startBar(config);
  try {
    if (!config.dryRun) await resumeTrash(library);
    const report = await importFolders(library, {
      folders: config.folders,
      mode: config.mode,
      dryRun: config.dryRun,
      acceptChanged: config.acceptChanged,
      signal: interrupts.signal,
      onProgress: bar.show,
    });
    bar.stop();
    console.log(
      config.json
        ? toJsonText(toJson(report))
        : describe(report, { config, isNew: library.preparation.kind === "created" }),
    );
    return countFailed(report) + report.asked.length > 0 ? 1 : 0;
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    throw new AppError("cancelled", "The import was interrupted; what was done is kept", {
      remedy: "Run it again to go on",
    });
  } finally {
    bar.stop();
    await library.close();
    if (scratch !== null) await Deno.remove(scratch, { recursive: true });
  }
}

/** A dry run on a library that does not exist yet looks at an empty one, so that none is made. */
async function makeScratch(config: ImportConfig): Promise<string | null> {
  if (!config.dryRun) return null;
  try {
    await Deno.stat(`${config.library}/data/booru.db`);
    return null;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return await Deno.makeTempDir({ prefix: "chibibooru-dry-run-" });
  }
}

/** A bar with files/s, MB/s and the time left, on terminals only. */
function startBar(config: ImportConfig): ProgressBar<ImportProgress> {
  const startedAt = performance.now();
  return startProgressBar(
    {
      format:
        "{stage} {bar} {value}/{total} files · {filesPerSecond}/s · {megabytesPerSecond} MB/s" +
        " · {left} left",
      isQuiet: config.json,
      fields: { stage: "Scanning", filesPerSecond: "0", megabytesPerSecond: "0", left: "?" },
      remains: true,
    },
    (progress) => {
      const seconds = (performance.now() - startedAt) / 1_000;
      const bytesPerSecond = progress.bytes / seconds;
      return {
        done: progress.files,
        total: progress.filesTotal,
        fields: {
          stage: progress.stage === "scanning" ? "Scanning " : "Importing",
          filesPerSecond: String(Math.round(progress.files / seconds)),
          megabytesPerSecond: (bytesPerSecond / MEGABYTE).toFixed(1),
          left: toTime((progress.bytesTotal - progress.bytes) / bytesPerSecond),
        },
      };
    },
  );
}

function toTime(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${Math.ceil(seconds)} s` : `${minutes} min`;
}

/** The report with the keys of the command line. */
function toJson(report: ImportReport) {
  return {
    dry_run: report.dryRun,
    added: report.added,
    already_there: report.alreadyThere,
    further_copies: report.furtherCopies,
    replaced: report.replaced,
    tags_merged: report.tagsMerged,
    failed: countFailed(report),
    skipped: report.skipped,
    changed_asked: report.asked.map(({ message, ...asked }) => {
      return { ...asked, message: `${message} ${REMEDY}` };
    }),
    hidden: report.hidden,
    warnings: report.warnings,
    bytes: report.bytes,
    elapsed_ms: Math.round(report.elapsedMs),
  };
}

function describe(
  report: ImportReport,
  about: { config: ImportConfig; isNew: boolean },
): string {
  const { config, isNew } = about;
  const seconds = report.elapsedMs / 1_000;
  const lines = [
    report.dryRun
      ? "Dry run: nothing was written. It would be:"
      : `${isNew ? "New library" : "Library"}: ${config.library}`,
    `  added           ${report.added}`,
    `  already there   ${report.alreadyThere}`,
    `  further copies  ${report.furtherCopies}`,
    ...(report.replaced > 0 ? [`  edited in place ${report.replaced}`] : []),
    `  tags merged     ${report.tagsMerged}`,
    `  skipped         ${report.skipped.length} (${countFailed(report)} failed)`,
    ...(report.hidden > 0
      ? [`  left out hidden ${report.hidden} (names that begin with a dot)`]
      : []),
    `  ${(report.bytes / MEGABYTE).toFixed(1)} MB in ${seconds.toFixed(1)} s`,
  ];
  if (config.mode === "move" && report.alreadyThere + report.furtherCopies > 0) {
    lines.push("Files whose content the library stored before, and sidecars, stay where they are.");
  }
  for (const { path, reason } of report.skipped.slice(0, SKIPPED_LISTED_MAX)) {
    lines.push(`skipped ${path}: ${reason}`);
  }
  if (report.skipped.length > SKIPPED_LISTED_MAX) {
    lines.push(
      `… and ${report.skipped.length - SKIPPED_LISTED_MAX} more (all of them with --json)`,
    );
  }
  for (const { path, message } of report.warnings.slice(0, SKIPPED_LISTED_MAX)) {
    lines.push(`warning ${path}: ${message}`);
  }
  if (report.warnings.length > SKIPPED_LISTED_MAX) {
    lines.push(`… and ${report.warnings.length - SKIPPED_LISTED_MAX} more warnings`);
  }
  // Last, where it is seen.
  for (const { message } of report.asked) lines.push(message, `${REMEDY}.`);
  return lines.map(escapeControls).join("\n");
}
