import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import {
  COMMON_OPTIONS,
  parseOptions,
  type Surroundings,
  toCommonConfig,
  toPath,
} from "../config.ts";
import { checkDatabase } from "../library/backup.ts";
import { type ExportFormat, exportLibrary, type ExportReport } from "../library/export.ts";
import { openLibrary } from "../library/library.ts";
import { findLibraryPaths } from "../library/library_paths.ts";
import { parseQuery } from "../query/parser.ts";
import { listenForInterrupts } from "./interrupt.ts";
import { startProgressBar } from "./progress_bar.ts";

/** What could not be written is listed one by one up to here; all of it is in the JSON report. */
const FAILED_LISTED_MAX = 50;

/** Runs `export`: 0 = all of it was written, 1 = some of it could not be. */
export async function runExport(around: Surroundings): Promise<number> {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    format: { type: "string" },
    query: { type: "string" },
    "with-files": { type: "string" },
    json: { type: "boolean" },
  });
  if (positionals.length !== 1) {
    throw new AppError("bad_request", "Cannot export: one folder must be named", {
      remedy: "Use " +
        commandLine("export DIR [--format gallery-dl|txt|both] [--query TAGS] [--with-files copy]"),
    });
  }
  const config = toCommonConfig(values, around);
  const format = toChoice(values.format ?? "both", ["gallery-dl", "txt", "both"], "--format");
  const files = toChoice(values["with-files"] ?? "none", ["copy", "none"], "--with-files");
  if (values.query !== undefined) checkQuery(values.query);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  // Before the library is opened: a misspelt folder is no reason to make one.
  await checkDatabase(await findLibraryPaths(config.library));
  using interrupts = listenForInterrupts();
  const library = await openLibrary({ folder: config.library, command: "export" });
  const bar = startProgressBar<{ done: number; total: number }>({
    format: "Exporting {bar} {value}/{total} images",
    isQuiet: values.json === true,
  }, (progress) => progress);
  try {
    const report = await exportLibrary(library, {
      to: toPath(positionals[0], around),
      format,
      query: values.query,
      files,
      signal: interrupts.signal,
      onProgress: bar.show,
    });
    bar.stop();
    console.log(
      values.json === true
        ? toJsonText(toJson(report))
        : describe(report, { format, hasFiles: files === "copy" }),
    );
    return report.failed.length > 0 ? 1 : 0;
  } finally {
    bar.stop();
    await library.close();
  }
}

function toChoice<T extends string>(text: string, choices: readonly T[], option: string): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new AppError("bad_request", `Cannot use ${option} ${JSON.stringify(text)}`, {
    remedy: `Use ${option} ${choices.join(", ")}`,
  });
}

/** Before the library is opened: what cannot be searched for need not be loaded for. */
function checkQuery(query: string): void {
  try {
    parseQuery(query);
  } catch (error) {
    if (!(error instanceof QuerySyntaxError)) throw error;
    throw new AppError(
      "query_syntax",
      `Cannot search for ${JSON.stringify(query)}: ${error.message}`,
      {
        remedy: error.suggestion === undefined
          ? "See docs/query_language.md"
          : `Did you mean ${JSON.stringify(error.suggestion)}?`,
      },
    );
  }
}

function toJson(report: ExportReport) {
  return {
    folder: report.folder,
    images: report.images,
    sidecars_written: report.sidecarsWritten,
    sidecars_unchanged: report.sidecarsUnchanged,
    files_copied: report.filesCopied,
    files_unchanged: report.filesUnchanged,
    failed: report.failed,
    elapsed_ms: Math.round(report.elapsedMs),
  };
}

function describe(
  report: ExportReport,
  { format, hasFiles }: { format: ExportFormat; hasFiles: boolean },
): string {
  const lines = [
    `Exported to ${report.folder}`,
    `  images    ${report.images}`,
    `  sidecars  ${report.sidecarsWritten} written, ${report.sidecarsUnchanged} unchanged`,
    ...(hasFiles
      ? [`  files     ${report.filesCopied} copied, ${report.filesUnchanged} unchanged`]
      : []),
    `  failed    ${report.failed.length}`,
    ...report.failed.slice(0, FAILED_LISTED_MAX).map(({ path, reason }) => `${path}: ${reason}`),
  ];
  if (report.failed.length > FAILED_LISTED_MAX) {
    lines.push(`… and ${report.failed.length - FAILED_LISTED_MAX} more (all with --json)`);
  }
  if (!hasFiles) lines.push("No picture was copied: --with-files copy does that.");
  if (format === "txt") lines.push("Lists of tags do not say all; --format both does.");
  return lines.map(escapeControls).join("\n");
}
