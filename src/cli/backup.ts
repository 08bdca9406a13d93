import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import {
  COMMON_OPTIONS,
  parseOptions,
  type Surroundings,
  toCommonConfig,
  toPath,
} from "../config.ts";
import { backupLibrary, type BackupProgress, type BackupReport } from "../library/backup.ts";
import { findLibraryPaths } from "../library/library_paths.ts";
import { listenForInterrupts } from "./interrupt.ts";
import { startProgressBar } from "./progress_bar.ts";

const MEGABYTE = 1_000_000;

/** Runs `backup`: 0 = a backup was made and read back. */
export async function runBackup(around: Surroundings): Promise<number> {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    to: { type: "string" },
    keep: { type: "string" },
    json: { type: "boolean" },
  });
  if (positionals.length > 0) {
    throw new AppError("bad_request", `Cannot back up "${positionals[0]}"`, {
      remedy: `Use ${commandLine("backup [--library DIR] [--to DIR] [--keep N] [--json]")}`,
    });
  }
  const config = toCommonConfig(values, around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  using interrupts = listenForInterrupts();
  const bar = startProgressBar<BackupProgress>({
    format: "{stage} {bar} {value}/{total} MB",
    isQuiet: values.json === true,
    fields: { stage: "Copying " },
  }, ({ stage, done, total }) => ({
    done: Math.round(done / MEGABYTE),
    total: Math.ceil(total / MEGABYTE),
    fields: { stage: stage === "copying" ? "Copying " : "Checking" },
  }));
  try {
    const report = await backupLibrary(await findLibraryPaths(config.library), {
      to: values.to === undefined ? undefined : toPath(values.to, around),
      keep: values.keep === undefined ? undefined : toKeep(values.keep),
      signal: interrupts.signal,
      onProgress: bar.show,
    });
    bar.stop();
    console.log(
      values.json === true ? toJsonText(toJson(report)) : escapeLines(report),
    );
    return 0;
  } finally {
    bar.stop();
  }
}

function toKeep(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new AppError("bad_request", `Cannot keep "${text}" backups`, {
    remedy: "Use --keep with a number from 1 on",
  });
}

function toJson(report: BackupReport) {
  return {
    path: report.path,
    size_bytes: report.sizeBytes,
    sha256: report.sha256,
    library_id: report.libraryId,
    images: report.images,
    tags: report.tags,
    dangling_rows: report.danglingRows,
    removed: report.removed,
    elapsed_ms: Math.round(report.elapsedMs),
  };
}

function escapeLines(report: BackupReport): string {
  const lines = [
    `Backup: ${report.path}`,
    `  ${report.images} images, ${report.tags} tags, ` +
    `${(report.sizeBytes / MEGABYTE).toFixed(1)} MB, read back in ` +
    `${(report.elapsedMs / 1_000).toFixed(1)} s`,
    ...(report.danglingRows > 0
      ? [
        `  ${report.danglingRows} rows point to nothing, in the library too: see ${
          commandLine("check")
        }`,
      ]
      : []),
    ...report.removed.map((path) => `  removed ${path}`),
    "Pictures and videos are not in it: copy images/ and trash/ too.",
  ];
  return lines.map(escapeControls).join("\n");
}
