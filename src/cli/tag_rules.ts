import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import {
  COMMON_OPTIONS,
  type Config,
  type OptionTypes,
  parseOptions,
  type Surroundings,
  toCommonConfig,
} from "../config.ts";
import { type Library, openLibrary } from "../library/library.ts";
import { exists, findLibraryPaths } from "../library/library_paths.ts";
import { resumeTagRules, type TagRulesReport } from "../library/tag_rules.ts";
import { isActive, type Task } from "../library/tasks.ts";
import { listenForInterrupts } from "./interrupt.ts";

/** What a command about aliases or implications is told. */
export type RuleConfig =
  & Config
  & Readonly<{
    /** `tags aliases` or `tags implications`. */
    command: string;
    /** list, add, … */
    action: string;
    /** Names of tags. */
    names: string[];
    /** Flags that were given. */
    flags: ReadonlySet<string>;
    json: boolean;
  }>;

/** What an action needs and what it may be told. */
export type RuleAction = {
  /** Usage behind the command: `add A B [--pending]`. */
  usage: string;
  names: number;
  flags: readonly string[];
  /** Whether it needs the cache, to count. */
  counts?: boolean;
  /** Whether nothing is written. */
  reads?: boolean;
  run: (library: Library, config: RuleConfig, signal: AbortSignal) => Promise<RuleAnswer>;
};

/** What an action says: as JSON with the keys of the command line, and in words. */
export type RuleAnswer = { json: object; lines: string[]; code?: number };

/** Runs `tags aliases …` or `tags implications …`. */
export async function runRuleCommand(
  around: Surroundings,
  command: string,
  actions: Readonly<Record<string, RuleAction>>,
): Promise<number> {
  const config = parseRuleConfig(around, command, actions);
  const action = actions[config.action];
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  using interrupts = listenForInterrupts();
  // What only looks makes no library where there is none.
  const { database, data } = await findLibraryPaths(config.library);
  if (!(await exists(database))) {
    throw new AppError(
      "not_found",
      `There is no library in ${config.library}: ${data} has no booru.db`,
      { remedy: "Name its folder with --library" },
    );
  }
  const library = await openLibrary({
    folder: config.library,
    command,
    workers: 1,
    writesNothing: action.reads === true,
  });
  try {
    if (action.counts === true || config.action === "list") {
      await library.core.cache.loadDataFromDb({ verbose: false, isWarm: true });
    }
    const { json, lines, code = 0 } = await action.run(library, config, interrupts.signal);
    console.log(
      config.json ? toJsonText(json) : lines.map(escapeControls).join("\n"),
    );
    return code;
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    throw new AppError("cancelled", "Interrupted: some images are not in line with it yet", {
      remedy: "The next start of the server, or the next such command, goes on",
    });
  } finally {
    await library.close();
  }
}

function parseRuleConfig(
  around: Surroundings,
  command: string,
  actions: Readonly<Record<string, RuleAction>>,
): RuleConfig {
  const flagNames = [...new Set(Object.values(actions).flatMap(({ flags }) => flags))];
  const options: OptionTypes = Object.fromEntries(
    flagNames.map((name) => [name, { type: "boolean" }]),
  );
  const { values, positionals: [action, ...names] } = parseOptions(around.args, {
    ...options,
    ...COMMON_OPTIONS,
    json: { type: "boolean" },
  });
  const usages = Object.values(actions).map(({ usage }) => commandLine(`${command} ${usage}`));
  if (action === undefined || !Object.hasOwn(actions, action)) {
    const what = action === undefined
      ? `${command} needs to be told what to do`
      : `There is no command "${command} ${action}"`;
    throw new AppError("bad_request", what, { remedy: `Use one of: ${usages.join("; ")}` });
  }
  const given = values as Record<string, string | boolean | undefined>;
  const flags = new Set(flagNames.filter((name) => given[name] === true));
  const wrong = [...flags].find((name) => !actions[action].flags.includes(name));
  if (wrong !== undefined || names.length !== actions[action].names) {
    const what = wrong === undefined
      ? `"${command} ${action}" takes ${actions[action].names} names, not ${names.length}`
      : `"${command} ${action}" does not take --${wrong}`;
    throw new AppError("bad_request", what, {
      remedy: `Use ${commandLine(`${command} ${actions[action].usage}`)}`,
    });
  }
  const common = toCommonConfig(values, around);
  return Object.freeze({ ...common, command, action, names, flags, json: values.json === true });
}

/**
 * Waits until a rule is brought to the images, and says how many changed.
 *
 * @throws {AppError} What the task failed of.
 */
export async function waitForImages(
  library: Library,
  started: Task | null,
  signal: AbortSignal,
): Promise<TagRulesReport> {
  // Without one of its own there may be what an earlier command was kept from finishing.
  const task = started ?? resumeTagRules(library);
  if (task === null) return { images: 0, changed: 0 };
  const { promise, resolve } = Promise.withResolvers<Task>();
  const ended = new AbortController();
  library.tasks.events.on("changed", (changed) => {
    if (changed.id === task.id && !isActive(changed)) resolve(changed);
  }, { signal: ended.signal });
  const cancel = () => void library.tasks.cancel(task.id);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const now = library.tasks.get(task.id) ?? task;
    const last = isActive(now) ? await promise : now;
    if (last.error !== null) throw new AppError(last.error.code, last.error.message);
    return last.result as TagRulesReport;
  } finally {
    ended.abort();
    signal.removeEventListener("abort", cancel);
  }
}
