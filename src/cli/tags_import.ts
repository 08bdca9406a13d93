import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import {
  COMMON_OPTIONS,
  type Config,
  parseOptions,
  type Surroundings,
  toCommonConfig,
  toPath,
} from "../config.ts";
import { openLibrary } from "../library/library.ts";
import { importTagCsv, type TagImportReport } from "../library/tags_import.ts";
import { TAG_NUMBERINGS, type TagNumbering } from "../tags/tag_numbering.ts";
import { listenForInterrupts } from "./interrupt.ts";

/** Faults and warnings that are listed one by one; up to a thousand are in the JSON report. */
const LISTED_MAX = 20;

type TagsImportConfig = Config & {
  path: string;
  numbering: TagNumbering | "auto";
  dryRun: boolean;
  json: boolean;
};

/** Runs `tags import`: 0 = all rows are in, 1 = some could not be used, 2 = it could not go on. */
export async function runTagsImport(around: Surroundings): Promise<number> {
  const config = parseTagsImportConfig(around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  await checkFile(config.path);
  using interrupts = listenForInterrupts();
  const library = await openLibrary({
    folder: config.library,
    command: "tags import",
    workers: 1,
    mustExist: true,
    writesNothing: config.dryRun,
  });
  try {
    const { path, numbering, dryRun } = config;
    const { signal } = interrupts;
    const report = await importTagCsv(library, path, { numbering, dryRun, signal });
    console.log(
      config.json ? toJsonText(toJson(report, path)) : describe(report, config),
    );
    return report.badRows > 0 ? 1 : 0;
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    throw new AppError("cancelled", "The import was interrupted; what was done is kept", {
      remedy: "Run it again to go on",
    });
  } finally {
    await library.close();
  }
}

function parseTagsImportConfig(around: Surroundings): TagsImportConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    numbering: { type: "string" },
    "dry-run": { type: "boolean" },
    json: { type: "boolean" },
  });
  if (positionals.length !== 1) {
    throw new AppError("bad_request", `Cannot import ${positionals.length} tag lists`, {
      remedy: "Name one: " +
        commandLine("tags import FILE.csv [--numbering danbooru|e621|merged|auto] [--dry-run]"),
    });
  }
  const numbering = values.numbering ?? "auto";
  if (!isNumbering(numbering)) {
    throw new AppError("bad_request", `There is no numbering "${numbering}"`, {
      remedy: `Use --numbering ${TAG_NUMBERINGS.join(", ")} or auto`,
    });
  }
  return {
    ...toCommonConfig(values, around),
    path: toPath(positionals[0], around),
    numbering,
    dryRun: values["dry-run"] === true,
    json: values.json === true,
  };
}

function isNumbering(text: string): text is TagNumbering | "auto" {
  return text === "auto" || TAG_NUMBERINGS.some((numbering) => numbering === text);
}

async function checkFile(path: string): Promise<void> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (isFile && size > 0) return;
    const what = isFile ? "it is empty" : "it is no file";
    throw new AppError("bad_request", `Cannot import ${path}: ${what}`, {
      remedy: "Name a tag list: lines of name, category number, count and aliases",
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new AppError("not_found", `There is no file ${path}`, { remedy: "Check the spelling" });
  }
}

/** The report with the keys of the command line. */
function toJson(report: TagImportReport, path: string) {
  return {
    path,
    dry_run: report.dryRun,
    numbering: report.numbering,
    numbering_is_guess: report.isGuess,
    rows: report.rows,
    added: report.added,
    updated: report.updated,
    unchanged: report.unchanged,
    categories_changed: report.categoriesChanged,
    aliases_added: report.aliasesAdded,
    aliases_updated: report.aliasesUpdated,
    aliases_unchanged: report.aliasesUnchanged,
    aliases_removed: report.aliasesRemoved,
    aliases_left_out: report.aliasesLeftOut,
    bad_rows: report.badRows,
    faults: report.faults,
    warning_count: report.warningCount,
    warnings: report.warnings,
    elapsed_ms: Math.round(report.elapsedMs),
  };
}

function describe(report: TagImportReport, { path, library }: TagsImportConfig): string {
  const lines = [
    report.dryRun
      ? "Dry run: nothing was written. It would be:"
      : `${path} is in the library ${library}:`,
    `  rows             ${report.rows} (numbered as ${report.numbering})`,
    `  names            ${report.added} new, ${report.updated} changed, ${report.unchanged} as before`,
    `  categories       ${report.categoriesChanged} tags of the library were given one`,
    `  aliases          ${report.aliasesAdded} new, ${report.aliasesUpdated} changed, ` +
    `${report.aliasesUnchanged} as before, ${report.aliasesRemoved} removed, ` +
    `${report.aliasesLeftOut} left out`,
    `  bad rows         ${report.badRows}`,
    `  ${(report.elapsedMs / 1_000).toFixed(1)} s`,
  ];
  if (report.isGuess) {
    lines.push(
      `The numbers were taken to be ${report.numbering}'s, but could be another site's: say ` +
        "--numbering danbooru, e621 or merged to be sure.",
    );
  }
  for (const { line, reason } of report.faults.slice(0, LISTED_MAX)) {
    lines.push(`bad row, line ${line}: ${reason}`);
  }
  pushRest(lines, report.badRows, "bad rows");
  for (const { line, message } of report.warnings.slice(0, LISTED_MAX)) {
    lines.push(`warning, line ${line}: ${message}`);
  }
  pushRest(lines, report.warningCount, "warnings");
  return lines.map(escapeControls).join("\n");
}

function pushRest(lines: string[], count: number, what: string): void {
  if (count > LISTED_MAX) lines.push(`… and ${count - LISTED_MAX} more ${what} (see --json)`);
}
