import * as z from "zod";
import { CHECK_KIND_NAMES } from "../library/check_kinds.ts";
import type { Task } from "../library/tasks.ts";

/*
 * What tasks answered, as their pages show it. A result may have been kept by another version of the program,
 * so it is looked at before it is believed.
 */

const COUNT = z.number().min(0);
const REASONS = z.array(z.object({ filepath: z.string(), reason: z.string() }));

const DEDUPE_GROUP = z.object({
  md5: z.string(),
  sizeBytes: COUNT,
  kept: z.string(),
  isKeptInPlace: z.boolean(),
  copies: z.array(z.object({
    filepath: z.string(),
    isInPlace: z.boolean(),
    isHardLink: z.boolean(),
    trashId: z.number().nullable(),
  })),
});
const DEDUPE = z.object({
  dryRun: z.boolean(),
  includeInPlace: z.boolean(),
  groupsFound: COUNT,
  duplicatesFound: COUNT,
  duplicatesInPlace: COUNT,
  duplicatesRemoved: COUNT,
  spaceSavedMb: COUNT,
  spaceToSaveMb: COUNT,
  groups: z.array(DEDUPE_GROUP),
  collisions: z.array(
    z.object({ md5: z.string(), sizeBytes: COUNT, filepaths: z.array(z.string()) }),
  ),
  skipped: REASONS,
  warnings: z.array(z.object({ filepath: z.string(), message: z.string() })),
  filesScanned: COUNT,
});
const REMOVE_DUPLICATE = z.object({ kept: z.string(), isFound: z.boolean() });
const CHECK_KIND = z.enum(CHECK_KIND_NAMES);
const CHECK = z.object({
  faults: COUNT,
  counts: z.partialRecord(CHECK_KIND, COUNT),
  findings: z.array(z.object({
    kind: CHECK_KIND,
    path: z.string().nullable(),
    id: z.number().nullable(),
    message: z.string(),
    state: z.enum(["found", "repaired", "not_repaired"]),
    reason: z.string().nullable(),
  })),
  images: COUNT,
  filesRead: COUNT,
  bytesRead: COUNT,
});
const BACKUP = z.object({
  path: z.string(),
  sizeBytes: COUNT,
  images: COUNT,
  tags: COUNT,
  removed: z.array(z.string()),
});
const LINES = z.array(z.object({ line: z.number(), reason: z.string() }));
const TAG_IMPORT = z.object({
  dryRun: z.boolean(),
  numbering: z.string(),
  isGuess: z.boolean(),
  rows: COUNT,
  badRows: COUNT,
  faults: LINES,
  warningCount: COUNT,
  warnings: z.array(z.object({ line: z.number(), message: z.string() })),
  added: COUNT,
  updated: COUNT,
  unchanged: COUNT,
  categoriesChanged: COUNT,
  aliasesAdded: COUNT,
  aliasesUpdated: COUNT,
  aliasesUnchanged: COUNT,
  aliasesRemoved: COUNT,
  aliasesLeftOut: COUNT,
});
/** A bulk edit tells its number as `operationId`, an undo and an edit that went on as `id`. */
const OPERATION = z.object({
  changed: COUNT,
  matched: COUNT.optional(),
  total: COUNT.optional(),
  id: z.number().optional(),
  operationId: z.number().nullable().optional(),
});
const WATCH_SCAN = z.object({
  roots: z.array(z.object({
    name: z.string(),
    state: z.string(),
    message: z.string().nullable(),
    added: COUNT,
    known: COUNT,
    replaced: COUNT,
    moved: COUNT,
    missing: COUNT,
    returned: COUNT,
    sidecars: COUNT,
    failed: COUNT,
    problems: z.array(z.object({ path: z.string(), reason: z.string() })),
  })),
});
const EMPTY_TRASH = z.object({
  emptied: COUNT,
  freedBytes: COUNT,
  kept: z.array(z.object({ id: z.number(), reason: z.string() })),
});

const SCHEMAS = {
  dedupe: DEDUPE,
  "remove-duplicate": REMOVE_DUPLICATE,
  check: CHECK,
  backup: BACKUP,
  tag_import: TAG_IMPORT,
  "bulk-edit": OPERATION,
  undo: OPERATION,
  "watch-scan": WATCH_SCAN,
  "empty-trash": EMPTY_TRASH,
} as const;

/** Kinds of tasks whose results have a form of their own on pages. */
export type ShownKind = keyof typeof SCHEMAS;

/** What a task of a kind answered, as its page needs it. */
export type ShownResult<Kind extends ShownKind> = z.output<typeof SCHEMAS[Kind]>;

/** A result with its kind; `other` is shown as it is. */
export type TaskResult =
  | { [Kind in ShownKind]: { kind: Kind; result: ShownResult<Kind> } }[ShownKind]
  | { kind: "other"; result: unknown };

/** What a task answered; null if it did not succeed, or answered nothing. */
export function parseTaskResult({ kind, state, result }: Task): TaskResult | null {
  if (state !== "succeeded" || result === null) return null;
  const isShown = Object.hasOwn(SCHEMAS, kind);
  const parsed = isShown ? SCHEMAS[kind as ShownKind].safeParse(result) : undefined;
  if (parsed?.success !== true) return { kind: "other", result };
  return { kind, result: parsed.data } as TaskResult;
}
