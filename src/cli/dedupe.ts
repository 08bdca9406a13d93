import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import {
  COMMON_OPTIONS,
  type Config,
  parseOptions,
  type Surroundings,
  toCommonConfig,
} from "../config.ts";
import { findDuplicates } from "../library/dedupe_find.ts";
import { openForDedupe } from "../library/dedupe_library.ts";
import {
  countFailed,
  type DedupeOptions,
  type DedupeProgress,
  type DedupeReport,
} from "../library/dedupe_report.ts";
import { loadDedupeWriting } from "./commands.ts";
import { listenForInterrupts } from "./interrupt.ts";

/** Groups, and skipped paths, that are listed one by one; all of them are in the JSON report. */
const LISTED_MAX = 50;

/** What `dedupe` is told. */
type DedupeConfig =
  & Config
  & Readonly<{ isDryRun: boolean; includeInPlace: boolean; remember: boolean; json: boolean }>;

/** What a search that may write is told by the command. */
export type DedupeRun = {
  library: string;
  options: DedupeOptions & { inBackground: boolean };
};

/** Runs `dedupe`: 0 = done, 1 = some files were left that should have been moved, 2 = it could not go on. */
export async function runDedupe(around: Surroundings): Promise<number> {
  const config = parseConfig(around);
  const { isDryRun, includeInPlace, remember } = config;
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  using interrupts = listenForInterrupts();
  const line = startLine(config);
  const run: DedupeRun = {
    library: config.library,
    options: {
      dryRun: isDryRun,
      includeInPlace,
      remember,
      // This process has nobody to serve meanwhile.
      inBackground: false,
      signal: interrupts.signal,
      onProgress: line.show,
    },
  };
  try {
    const report = remember ? await (await loadDedupeWriting())(run) : await findOnly(run);
    line.clear();
    console.log(config.json ? toJsonText(toJson(report)) : describe(report, config));
    return countFailed(report) > 0 ? 1 : 0;
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    throw new AppError("cancelled", "The search for copies was interrupted", {
      remedy: "What was moved is in the trash; run it again to go on",
    });
  } finally {
    line.clear();
  }
}

/** A search that writes nothing, with no more of the library open than it needs. */
async function findOnly({ library: folder, options }: DedupeRun): Promise<DedupeReport> {
  const library = await openForDedupe(folder);
  try {
    return (await findDuplicates(library, options)).report;
  } finally {
    await library.close();
  }
}

function parseConfig(around: Surroundings): DedupeConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    delete: { type: "boolean" },
    "include-in-place": { type: "boolean" },
    remember: { type: "boolean" },
    json: { type: "boolean" },
  });
  if (positionals.length > 0) {
    throw new AppError("bad_request", `Cannot dedupe with "${positionals[0]}"`, {
      remedy: `Use ${
        commandLine("dedupe [--library DIR] [--delete] [--include-in-place] [--remember] [--json]")
      }; it looks through the whole library`,
    });
  }
  const isDryRun = values.delete !== true;
  return Object.freeze({
    ...toCommonConfig(values, around),
    isDryRun,
    includeInPlace: values["include-in-place"] === true,
    remember: values.remember === true || !isDryRun,
    json: values.json === true,
  });
}

const STAGES: Record<DedupeProgress["stage"], string> = {
  scanning: "Looking for files",
  reading: "Reading files of one size",
  comparing: "Comparing",
  moving: "Moving copies to the trash",
};

/** One line that says how far it is, on terminals only. */
function startLine(
  config: DedupeConfig,
): { show: (progress: DedupeProgress) => void; clear: () => void } {
  if (config.json || !Deno.stderr.isTerminal()) return { show: () => {}, clear: () => {} };
  const encoder = new TextEncoder();
  return {
    show: ({ stage, done, total }) => {
      const numbers = total === null ? "…" : `${done} of ${total}`;
      Deno.stderr.writeSync(encoder.encode(`\r\x1b[2K${STAGES[stage]} ${numbers}`));
    },
    clear: () => void Deno.stderr.writeSync(encoder.encode("\r\x1b[2K")),
  };
}

/** The report with the keys of the command line. */
function toJson(report: DedupeReport) {
  return {
    dry_run: report.dryRun,
    duplicates_found: report.duplicatesFound,
    duplicates_removed: report.duplicatesRemoved,
    space_saved_mb: report.spaceSavedMb,
    space_to_save_mb: report.spaceToSaveMb,
    groups: report.groups.map((group) => ({
      md5: group.md5,
      size_bytes: group.sizeBytes,
      kept: group.kept,
      is_kept_in_place: group.isKeptInPlace,
      copies: group.copies.map((copy) => ({
        filepath: copy.filepath,
        is_in_place: copy.isInPlace,
        is_hard_link: copy.isHardLink,
        trash_id: copy.trashId,
      })),
    })),
    collisions: report.collisions.map(({ md5, sizeBytes, filepaths }) => ({
      md5,
      size_bytes: sizeBytes,
      filepaths,
    })),
    skipped: report.skipped,
    warnings: report.warnings,
    failed: countFailed(report),
    files_scanned: report.filesScanned,
    files_read: report.filesRead,
    elapsed_ms: Math.round(report.elapsedMs),
  };
}

function describe(report: DedupeReport, config: DedupeConfig): string {
  const seconds = (report.elapsedMs / 1_000).toFixed(1);
  const lines = [
    report.dryRun ? "Dry run: no file was moved." : `Library: ${config.library}`,
    `  duplicates found    ${report.duplicatesFound} in ${report.groups.length} groups`,
    ...(report.dryRun
      ? [`  to be saved         ${report.spaceToSaveMb.toFixed(1)} MB with --delete`]
      : [
        `  duplicates removed  ${report.duplicatesRemoved}, to the trash`,
        `  saved               ${
          report.spaceSavedMb.toFixed(1)
        } MB, on the disk again when the trash is emptied`,
      ]),
    `  files looked at     ${report.filesScanned}, ${report.filesRead} of them read, in ${seconds} s`,
  ];
  for (const { kept, copies } of report.groups.slice(0, LISTED_MAX)) {
    lines.push(`keep ${kept}`);
    for (const copy of copies) {
      const notes = [
        ...(copy.trashId === null ? [] : [`in the trash as ${copy.trashId}`]),
        ...(copy.isInPlace ? ["in place"] : []),
        ...(copy.isHardLink ? ["a hard link, which takes no space"] : []),
      ];
      lines.push(`  copy ${copy.filepath}${notes.length > 0 ? ` (${notes.join("; ")})` : ""}`);
    }
  }
  lines.push(...more(report.groups.length, "groups"));
  for (const { md5, filepaths } of report.collisions) {
    lines.push(`one md5 (${md5}) and different bytes, left alone: ${filepaths.join(", ")}`);
  }
  for (const { filepath, reason } of report.skipped.slice(0, LISTED_MAX)) {
    lines.push(`skipped ${filepath}: ${reason}`);
  }
  lines.push(...more(report.skipped.length, "skipped"));
  for (const { filepath, message } of report.warnings.slice(0, LISTED_MAX)) {
    lines.push(`warning ${filepath}: ${message}`);
  }
  lines.push(...more(report.warnings.length, "warnings"));
  return lines.map(escapeControls).join("\n");
}

function more(count: number, noun: string): string[] {
  return count > LISTED_MAX
    ? [`… and ${count - LISTED_MAX} more ${noun} (all of them with --json)`]
    : [];
}
