import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { configureLogging, toJsonText } from "../base/log.ts";
import {
  COMMON_OPTIONS,
  type Config,
  parseOptions,
  type Surroundings,
  toCommonConfig,
  toRescanMinutes,
} from "../config.ts";
import { type Library, openLibrary } from "../library/library.ts";
import { type ScanResult, WatchService } from "../library/watch.ts";
import { listenForInterrupts } from "./interrupt.ts";
import { describeCounts, describeProblem, printLine, StatusPrinter } from "./watch_status.ts";

type WatchConfig =
  & Config
  & Readonly<{
    rescanMinutes: number;
    isOnce: boolean;
    acceptMissing: string | null;
    json: boolean;
  }>;

/** Runs `watch`: 0 = all is well, 1 = with --once: something needs attention. */
export async function runWatch(around: Surroundings): Promise<number> {
  const config = parseWatchConfig(around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  using interrupts = listenForInterrupts();
  const library = await openLibrary({
    folder: config.library,
    command: "watch",
    mustExist: true,
  });
  const watch = new WatchService(library, { rescanMs: config.rescanMinutes * 60_000 });
  try {
    if (config.acceptMissing !== null) await watch.accept(config.acceptMissing);
    if (config.isOnce) return await scanOnce(watch, config, interrupts.signal);
    await watchUntil(library, watch, { config, signal: interrupts.signal });
    return 0;
  } finally {
    await watch.stop();
    await library.close();
  }
}

function parseWatchConfig(around: Surroundings): WatchConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    "rescan-minutes": { type: "string" },
    once: { type: "boolean" },
    "accept-missing": { type: "string" },
    json: { type: "boolean" },
  });
  if (positionals.length > 0) {
    throw new AppError("bad_request", `Cannot watch "${positionals[0]}"`, {
      remedy: `Index a folder once with: ${
        commandLine("import --in-place DIR")
      }; from then on it is watched`,
    });
  }
  if (values.json === true && values.once !== true) {
    throw new AppError("bad_request", "Cannot print a report of a watch that does not end", {
      remedy: "Use --json together with --once",
    });
  }
  return Object.freeze({
    ...toCommonConfig(values, around),
    rescanMinutes: toRescanMinutes(values["rescan-minutes"]),
    isOnce: values.once === true,
    acceptMissing: values["accept-missing"] ?? null,
    json: values.json === true,
  });
}

async function scanOnce(
  watch: WatchService,
  { json }: WatchConfig,
  signal: AbortSignal,
): Promise<number> {
  let results: ScanResult[];
  try {
    results = await watch.scan({ signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new AppError("cancelled", "The scan was interrupted; what was done is kept", {
      remedy: "Run it again to go on",
    });
  }
  if (json) console.log(toJsonText({ roots: results.map(toJson) }));
  else for (const result of results) for (const line of describeResult(result)) printLine(line);
  return results.some(({ failed, message }) => failed > 0 || message !== null) ? 1 : 0;
}

async function watchUntil(
  library: Library,
  watch: WatchService,
  options: { config: WatchConfig; signal: AbortSignal },
): Promise<void> {
  const { config, signal } = options;
  const printer = new StatusPrinter();
  watch.events.on("settled", (roots) => roots.forEach((root) => printer.show(root)));
  await watch.start();
  printLine(
    `Watching ${library.paths.folder}, and all of it every ${config.rescanMinutes} minutes:`,
  );
  for (const { name, path } of watch.roots) printLine(`  ${name}  ${path}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  printLine("Stopping…");
}

function describeResult(result: ScanResult): string[] {
  const counts = describeCounts(result);
  return [
    `${result.name}: ${result.filesSeen} files${counts === "" ? "" : `, ${counts}`}`,
    ...(result.message === null ? [] : [`  ${result.state}: ${result.message}`]),
    ...result.problems.map((problem) => `  ${describeProblem(problem)}`),
  ];
}

/** What a scan did, with the keys of the command line. */
function toJson(result: ScanResult) {
  return {
    name: result.name,
    path: result.path,
    state: result.state,
    message: result.message,
    files_seen: result.filesSeen,
    added: result.added,
    known: result.known,
    replaced: result.replaced,
    moved: result.moved,
    missing: result.missing,
    returned: result.returned,
    sidecars: result.sidecars,
    failed: result.failed,
    missing_asked: result.missingAsked,
    edited_asked: result.editedAsked,
    problems: result.problems,
  };
}
