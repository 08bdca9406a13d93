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
import {
  CHECK_KIND_NAMES,
  type CheckKind,
  factsOf,
  type Finding,
  REPAIRABLE_KINDS,
} from "../library/check_kinds.ts";
import {
  checkLibrary,
  type CheckProgress,
  type CheckReport,
  countFaults,
} from "../library/check_library.ts";
import { type Library, openLibrary } from "../library/library.ts";
import { exists, findLibraryPaths } from "../library/library_paths.ts";
import { listenForInterrupts } from "./interrupt.ts";
import { startProgressBar } from "./progress_bar.ts";

/** Findings of one kind that are listed one by one; all of them are in the JSON report. */
const LISTED_MAX = 20;
const MEGABYTE = 1_000_000;

/** What `check` is told. */
type CheckConfig = Config & Readonly<{ hashes: boolean; repair: CheckKind[]; json: boolean }>;

/** Runs `check`: 0 = nothing is wrong, 1 = something is, 2 = it could not look. */
export async function runCheck(around: Surroundings): Promise<number> {
  const config = parseConfig(around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  using interrupts = listenForInterrupts();
  const library = await open(config);
  const bar = startProgressBar<CheckProgress>(
    {
      format: "{stage} {bar} {value}/{total}",
      isQuiet: config.json,
      fields: { stage: STAGES.database },
    },
    ({ stage, done, total }) => ({ done, total: total ?? done, fields: { stage: STAGES[stage] } }),
  );
  try {
    const { signal } = interrupts;
    const { hashes, repair } = config;
    const report = await checkLibrary(library, { hashes, repair, signal, onProgress: bar.show });
    bar.stop();
    console.log(config.json ? toJsonText(toJson(report)) : describe(report, config));
    return countFaults(report) > 0 ? 1 : 0;
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    throw new AppError("cancelled", "The check was interrupted", {
      remedy: "What was repaired is kept; check again for the rest",
    });
  } finally {
    bar.stop();
    await library.close();
  }
}

function parseConfig(around: Surroundings): CheckConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    "no-hashes": { type: "boolean" },
    repair: { type: "string" },
    json: { type: "boolean" },
  });
  if (positionals.length > 0) {
    throw new AppError("bad_request", `Cannot check with "${positionals[0]}"`, {
      remedy: "Use " +
        commandLine("check [--library DIR] [--no-hashes] [--repair KIND,KIND…] [--json]"),
    });
  }
  return Object.freeze({
    ...toCommonConfig(values, around),
    hashes: values["no-hashes"] !== true,
    repair: parseKinds(values.repair),
    json: values.json === true,
  });
}

function parseKinds(text: string | undefined): CheckKind[] {
  if (text === undefined) return [];
  const names = text.split(",").map((name) => name.trim().replaceAll("-", "_"))
    .filter((name) => name !== "");
  const wrong = names.find((name) => !REPAIRABLE_KINDS.includes(name as CheckKind));
  if (names.length > 0 && wrong === undefined) return names as CheckKind[];
  const isKnown = CHECK_KIND_NAMES.includes(wrong as CheckKind);
  const why = names.length === 0
    ? "no kind is named"
    : `${wrong} is ${isKnown ? "nothing that this program can repair" : "no kind of finding"}`;
  throw new AppError("bad_request", `Cannot repair: ${why}`, {
    remedy: `Name some of: ${REPAIRABLE_KINDS.join(", ")}`,
  });
}

/** A check alone writes nothing, and neither makes a library where there is none. */
async function open({ library, repair }: CheckConfig): Promise<Library> {
  const { database, data } = await findLibraryPaths(library);
  if (!(await exists(database))) {
    throw new AppError("not_found", `There is no library in ${library}: ${data} has no booru.db`, {
      remedy: "Name its folder with --library. If the database was lost, use: " +
        commandLine("rebuild"),
    });
  }
  try {
    const writesNothing = repair.length === 0;
    return await openLibrary({ folder: library, command: "check", writesNothing });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "corrupt") throw error;
    throw new AppError("corrupt", error.message, {
      remedy: `Put back a backup with: ${commandLine("restore latest")}. Without one: ` +
        commandLine("rebuild"),
      cause: error,
    });
  }
}

const STAGES: Record<CheckProgress["stage"], string> = {
  database: "Database  ",
  files: "Files     ",
  folders: "Folders   ",
  thumbnails: "Thumbnails",
  again: "Once more ",
  repair: "Repairing ",
};

/** The report with the keys of the command line. */
function toJson(report: CheckReport) {
  const counts = countKinds(report);
  return {
    images: report.images,
    files_read: report.filesRead,
    bytes_read: report.bytesRead,
    faults: countFaults(report),
    counts,
    findings: report.findings.map(({ kind, path, id, message, state, reason }) => ({
      kind,
      path,
      id,
      message,
      remedy: factsOf(kind).remedy,
      state,
      reason,
    })),
    elapsed_ms: Math.round(report.elapsedMs),
  };
}

function countKinds({ findings }: CheckReport): Partial<Record<CheckKind, number>> {
  const byKind = Object.groupBy(findings, ({ kind }) => kind);
  return Object.fromEntries(
    CHECK_KIND_NAMES.filter((kind) => byKind[kind] !== undefined)
      .map((kind) => [kind, byKind[kind]!.length]),
  );
}

function describe(report: CheckReport, { library }: CheckConfig): string {
  const { findings, images, filesRead, bytesRead, elapsedMs } = report;
  const lines = [
    `Library: ${library}`,
    `  ${images} images, ${filesRead} files read (${(bytesRead / MEGABYTE).toFixed(1)} MB) in ` +
    `${(elapsedMs / 1_000).toFixed(1)} s`,
  ];
  const byKind = Object.groupBy(findings, ({ kind }) => kind);
  for (const kind of CHECK_KIND_NAMES) lines.push(...describeKind(kind, byKind[kind] ?? []));
  const faults = countFaults(report);
  lines.push(
    faults === 0 ? "Nothing is wrong." : faults === 1 ? "One fault." : `${faults} faults.`,
  );
  return lines.map(escapeControls).join("\n");
}

function describeKind(kind: CheckKind, findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  const { title, remedy, isNote } = factsOf(kind);
  const repaired = findings.filter(({ state }) => state === "repaired").length;
  const counts = repaired === 0
    ? `${findings.length}`
    : `${findings.length}, ${repaired} of them repaired`;
  const lines = [`${isNote ? "note " : ""}${kind}: ${counts} (${title})`];
  for (const one of findings.slice(0, LISTED_MAX)) lines.push(`  ${describeFinding(one)}`);
  if (findings.length > LISTED_MAX) {
    lines.push(`  … and ${findings.length - LISTED_MAX} more (all of them with --json)`);
  }
  if (repaired < findings.length) lines.push(`  What to do: ${remedy}`);
  return lines;
}

function describeFinding({ path, message, state, reason }: Finding): string {
  const outcome = {
    found: "",
    repaired: " [repaired]",
    not_repaired: ` [not repaired: ${reason}]`,
  };
  return `${path === null ? "" : `${path}: `}${message}${outcome[state]}`;
}
