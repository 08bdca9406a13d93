import { commandLine } from "../base/command_line.ts";
import { AppError, toMessage } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import {
  COMMON_OPTIONS,
  type Config,
  parseOptions,
  type Surroundings,
  toCommonConfig,
} from "../config.ts";
import { type Library, openLibrary } from "../library/library.ts";
import { restoreFromTrash, resumeTrash } from "../library/trash.ts";
import {
  type EmptyOptions,
  type EmptyReport,
  emptyTrash,
  setTrashKeepDays,
} from "../library/trash_empty.ts";
import { listTrash, type TrashView } from "../library/trash_list.ts";
import { listenForInterrupts } from "./interrupt.ts";

const MEGABYTE = 1_000_000;
const PAGE_ENTRIES = 200;
const ID_MAX = 2 ** 31 - 1;
const USAGE = "Use " +
  commandLine(
    "trash [list | restore ID… | empty (--older-than DAYS | --all | ID…) | keep DAYS|never]",
  ) +
  " [--library DIR] [--yes] [--json]";

/** What `trash` is told. */
type TrashConfig =
  & Config
  & Readonly<{ json: boolean; isSure: boolean }>
  & (
    | { action: "list" }
    | { action: "restore"; ids: number[] }
    | { action: "empty"; which: Pick<EmptyOptions, "olderThanDays" | "entryIds"> }
    | { action: "keep"; days: number | null }
  );

/** Runs `trash`: 0 = done, 1 = some entries stay where they are, 2 = it could not go on. */
export async function runTrash(around: Surroundings): Promise<number> {
  const config = parseConfig(around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  if (config.action === "empty") checkCanAsk(config);
  using interrupts = listenForInterrupts();
  const library = await openLibrary({
    folder: config.library,
    command: "trash",
    mustExist: true,
    writesNothing: config.action === "list",
  });
  try {
    if (config.action === "list") return list(library, config);
    await resumeTrash(library);
    if (config.action === "restore") return await restore(library, config.ids, config);
    if (config.action === "empty") return await empty(library, config, interrupts.signal);
    await setTrashKeepDays(library, config.days);
    print(config, { keep_days: config.days }, [describeKeeping(config.days)]);
    return 0;
  } finally {
    await library.close();
  }
}

function parseConfig(around: Surroundings): TrashConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    "older-than": { type: "string" },
    all: { type: "boolean" },
    yes: { type: "boolean" },
    json: { type: "boolean" },
  });
  const common = {
    ...toCommonConfig(values, around),
    json: values.json === true,
    isSure: values.yes === true,
  };
  const [action = "list", ...rest] = positionals;
  const isEmpty = action === "empty";
  if (!isEmpty && (values.all === true || values["older-than"] !== undefined)) {
    throw wrong(`--all and --older-than belong to empty, not to ${action}`);
  }
  if (action === "list" && rest.length === 0) return { ...common, action };
  if (action === "restore" && rest.length > 0) {
    return { ...common, action, ids: rest.map(toId) };
  }
  if (action === "keep" && rest.length === 1) {
    return { ...common, action, days: rest[0] === "never" ? null : toDays(rest[0], 1) };
  }
  if (!isEmpty) throw wrong(`"${positionals.join(" ")}" is not understood`);
  const given = [values.all === true, values["older-than"] !== undefined, rest.length > 0];
  if (given.filter((one) => one).length !== 1) {
    throw wrong("say what is to be removed: --older-than DAYS, --all, or numbers of entries");
  }
  const which = rest.length > 0
    ? { entryIds: [...new Set(rest.map(toId))] }
    : { olderThanDays: values.all === true ? 0 : toDays(values["older-than"]!, 0) };
  return { ...common, action, which };
}

function wrong(why: string): AppError {
  return new AppError("bad_request", `Cannot do that with the trash: ${why}`, { remedy: USAGE });
}

function toId(text: string): number {
  const id = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : ID_MAX + 1;
  if (id > ID_MAX) throw wrong(`"${text}" is no number of an entry; list prints them`);
  return id;
}

function toDays(text: string, min: number): number {
  const days = /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (days < min) throw wrong(`"${text}" is no number of days from ${min} on`);
  return days;
}

function checkCanAsk({ isSure, json }: TrashConfig): void {
  if (isSure || (!json && Deno.stdin.isTerminal())) return;
  throw new AppError("bad_request", "Cannot ask whether to remove files: there is no terminal", {
    remedy: "Add --yes if they are to be removed for good",
  });
}

function print(config: TrashConfig, json: unknown, lines: readonly string[]): void {
  console.log(
    config.json ? toJsonText(json) : lines.map(escapeControls).join("\n"),
  );
}

function list(library: Library, config: TrashConfig): number {
  const entries: TrashView[] = [];
  const read = (page: number) => listTrash(library, { limit: PAGE_ENTRIES, page });
  const { total, keepDays } = read(1);
  for (let page = 1; (page - 1) * PAGE_ENTRIES < total; page++) entries.push(...read(page).entries);
  const json = {
    keep_days: keepDays,
    entries: entries.map((entry) => ({
      id: entry.id,
      kind: entry.kind,
      state: entry.state,
      image_id: entry.imageId,
      md5: entry.md5,
      filepath: entry.filepath,
      kept: entry.kept,
      trashed_at: new Date(entry.trashedAtMs).toISOString(),
      size_bytes: entry.sizeBytes,
      tags: entry.tags,
    })),
  };
  print(config, json, [
    ...entries.map(describeEntry),
    entries.length === 0
      ? "The trash is empty."
      : entries.length === 1
      ? "1 entry"
      : `${entries.length} entries`,
    describeKeeping(keepDays),
  ]);
  return 0;
}

function describeEntry({ id, kind, state, imageId, filepath, trashedAtMs }: TrashView): string {
  const what = kind === "image"
    ? `image ${imageId}`
    : imageId === null
    ? "copy"
    : `copy of ${imageId}`;
  const note = state === "trashed" ? "" : ` (${state})`;
  return `${String(id).padStart(6)}  ${new Date(trashedAtMs).toISOString().slice(0, 16)}  ${
    what.padEnd(16)
  }  ${filepath}${note}`;
}

function describeKeeping(days: number | null): string {
  return days === null
    ? "It is never emptied by itself."
    : `The server empties it of what is older than ${days} ${days === 1 ? "day" : "days"}.`;
}

async function restore(
  library: Library,
  ids: readonly number[],
  config: TrashConfig,
): Promise<number> {
  const restored: Record<string, unknown>[] = [];
  const failed: { id: number; reason: string }[] = [];
  const lines: string[] = [];
  for (const id of ids) {
    try {
      const { kind, imageId, filepath } = await restoreFromTrash(library, id);
      restored.push({ id, kind, image_id: imageId, filepath });
      lines.push(
        imageId === null
          ? `${id}: ${filepath} is back as a file; no image has its content any more`
          : `${id}: image ${imageId} is at ${filepath}`,
      );
    } catch (error) {
      if (!(error instanceof AppError) || error.code === "locked") throw error;
      failed.push({ id, reason: toMessage(error) });
      lines.push(`${id}: ${toMessage(error)}`);
    }
  }
  print(config, { restored, failed }, lines);
  return failed.length > 0 ? 1 : 0;
}

async function empty(
  library: Library,
  config: TrashConfig & { action: "empty" },
  signal: AbortSignal,
): Promise<number> {
  if (!config.isSure && !confirm(describeQuestion(library, config.which))) {
    console.log("Nothing was removed.");
    return 0;
  }
  const report = await emptyTrash(library, { ...config.which, signal });
  print(config, {
    emptied: report.emptied,
    freed_bytes: report.freedBytes,
    kept: report.kept,
  }, describeEmptied(report));
  return report.kept.length > 0 ? 1 : 0;
}

function describeQuestion(
  library: Library,
  { olderThanDays, entryIds }: Pick<EmptyOptions, "olderThanDays" | "entryIds">,
): string {
  if (entryIds !== undefined) return `Remove ${entryIds.length} entries of the trash for good?`;
  const { total } = listTrash(library, { limit: 1, page: 1 });
  return olderThanDays === 0
    ? `Remove all ${total} entries of the trash for good?`
    : `Remove what has been in the trash for ${olderThanDays} days or more, for good?`;
}

function describeEmptied({ emptied, freedBytes, kept }: EmptyReport): string[] {
  return [
    `Removed ${emptied} ${emptied === 1 ? "entry" : "entries"}, ${
      (freedBytes / MEGABYTE).toFixed(1)
    } MB`,
    ...kept.map(({ id, reason }) => `kept ${id}: ${reason}`),
  ];
}
