import { commandLine, quoteArgument } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import {
  COMMON_OPTIONS,
  type Config,
  parseOptions,
  type Surroundings,
  toCommonConfig,
} from "../config.ts";
import { rebuildLibrary, type RebuildReport } from "../library/rebuild.ts";
import type { RebuildProgress } from "../library/rebuild_refresh.ts";
import { listenForInterrupts } from "./interrupt.ts";
import { startProgressBar } from "./progress_bar.ts";

/** What is listed one by one of each kind; all of it is in the JSON report. */
const LISTED_MAX = 20;

/** What `rebuild` is told. */
type RebuildConfig = Config & Readonly<{ dryRun: boolean; json: boolean }>;

/** Runs `rebuild`: 0 = done, 1 = done, and something needs a person, 2 = nothing was changed. */
export async function runRebuild(around: Surroundings): Promise<number> {
  const config = parseConfig(around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  using interrupts = listenForInterrupts();
  const bar = startProgressBar<RebuildProgress>(
    {
      format: "{stage} {bar} {value}/{total}",
      isQuiet: config.json,
      fields: { stage: STAGES.rows },
    },
    ({ stage, done, total }) => ({ done, total: total ?? done, fields: { stage: STAGES[stage] } }),
  );
  try {
    const report = await rebuildLibrary({
      folder: config.library,
      dryRun: config.dryRun,
      signal: interrupts.signal,
      onProgress: bar.show,
    });
    bar.stop();
    console.log(config.json ? toJsonText(toJson(report)) : describe(report, config));
    return needsPerson(report) ? 1 : 0;
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    throw new AppError("cancelled", "The rebuild was interrupted; the library is as it was", {
      remedy: "Run it again when there is time",
    });
  } finally {
    bar.stop();
  }
}

/** Whether something is not as it should be after the rebuild. */
function needsPerson({ faults, refused, salvage, old }: RebuildReport): boolean {
  const isDamaged = (salvage?.damage.length ?? 0) > 0 || old === "unreadable";
  return isDamaged || faults.length + refused.length > 0;
}

function parseConfig(around: Surroundings): RebuildConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    "dry-run": { type: "boolean" },
    json: { type: "boolean" },
  });
  if (positionals.length > 0) {
    throw new AppError("bad_request", `Cannot rebuild with "${positionals[0]}"`, {
      remedy: `Use ${commandLine("rebuild [--library DIR] [--dry-run] [--json]")}`,
    });
  }
  return Object.freeze({
    ...toCommonConfig(values, around),
    dryRun: values["dry-run"] === true,
    json: values.json === true,
  });
}

const STAGES: Record<RebuildProgress["stage"], string> = {
  rows: "Rows   ",
  tags: "Tags   ",
  trash: "Trash  ",
  files: "Files  ",
  folders: "Folders",
  verify: "Verify ",
};

/** The report with the keys of the command line. */
function toJson(report: RebuildReport) {
  return {
    dry_run: report.dryRun,
    old_database: report.old,
    images: report.images,
    tags_added: report.tagsAdded,
    tags_removed: report.tagsRemoved,
    facts_changed: report.factsChanged,
    files_added: report.added,
    places_added: report.places,
    trash_found: report.trashFound,
    damage: report.salvage?.damage ?? [],
    rows_left_out: leftOut(report),
    faults: report.faults.map(({ kind, path, id, message }) => ({ kind, path, id, message })),
    refused: report.refused,
    warnings: report.warnings,
    kept: report.kept,
    backups: report.backups,
    elapsed_ms: Math.round(report.elapsedMs),
  };
}

function leftOut({ salvage }: RebuildReport): Record<string, number> {
  const tables = (salvage?.tables ?? []).filter((table) => table.leftOut > 0);
  return Object.fromEntries(tables.map((table) => [table.name, table.leftOut]));
}

const OLD: Record<RebuildReport["old"], string> = {
  readable: "its rows were taken over",
  unreadable: "it cannot be opened: the new one is made from the files and the trash",
  none: "there was none: the new one is made from the files and the trash",
};

function describe(report: RebuildReport, { library }: RebuildConfig): string {
  const lines = [
    report.dryRun
      ? "Dry run: the new database was made, checked and thrown away. It would be:"
      : `Library: ${library}`,
    `  old database   ${OLD[report.old]}`,
    `  images         ${report.images}`,
    `  tags           ${report.tagsAdded} added, ${report.tagsRemoved} removed`,
    `  facts          ${report.factsChanged} images had another size, time or type on record`,
    `  files added    ${report.added.length}, and ${report.places.length} copies`,
    `  trash          ${report.trashFound.length} folders have an entry again`,
    `  ${(report.elapsedMs / 1_000).toFixed(1)} s`,
    ...Object.entries(leftOut(report)).map(([table, count]) =>
      `left out ${count} rows of ${table}, which refer to what is gone or to nothing`
    ),
    ...list(report.salvage?.damage ?? [], ({ table, message }) => `damaged ${table}: ${message}`),
    ...list(report.faults, ({ path, message }) => `${path ?? "?"}: ${message}`),
    ...list(report.refused, ({ path, reason }) => `not added ${path}: ${reason}`),
    ...list(report.warnings, ({ path, message }) => `warning ${path}: ${message}`),
  ];
  if (report.old !== "readable") lines.push(...describeLoss(report));
  if (report.kept !== null) lines.push(`The old database is kept: ${report.kept}`);
  return lines.map(escapeControls).join("\n");
}

function list<T>(items: readonly T[], describeOne: (item: T) => string): string[] {
  const lines = items.slice(0, LISTED_MAX).map(describeOne);
  const more = items.length - lines.length;
  return more > 0 ? [...lines, `… and ${more} more (all of them with --json)`] : lines;
}

/** What a database has that files cannot tell, and where it may be had from. */
function describeLoss({ backups }: RebuildReport): string[] {
  const tags = "Tags that came from sidecars elsewhere come back by importing those folders again.";
  const folders = "Folders indexed in place are unknown now: import them again with --in-place.";
  if (backups.length === 0) return [tags, folders];
  return [
    tags,
    folders,
    `There is a backup, which has all that: ${
      commandLine(`restore ${quoteArgument(backups.at(-1)!)}`)
    }`,
  ];
}
