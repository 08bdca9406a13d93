import type { PageRequest } from "../query/page.ts";
import {
  isOperationUndone,
  type Operation,
  type OperationState,
  readOperation,
  readOperations,
} from "../store/operations.ts";
import { OWNER, type PostDifference } from "../store/post_history.ts";
import {
  type HistoryRequest,
  isEditUndone,
  readHistory,
  type StoredEdit,
  toPostDifference,
} from "../store/read_history.ts";
import type { UndoOutcome } from "../store/undo.ts";
import type { Library } from "./library.ts";
import { type OperationOptions, runOperation } from "./operations.ts";
import { showChanges } from "./show_changes.ts";

export type {
  Operation,
  OperationKind,
  OperationState,
  OperationSteps,
} from "../store/operations.ts";
export type { Difference, PostDifference, ReplacedParent } from "../store/post_history.ts";
export type { Absence, UndoOutcome } from "../store/undo.ts";

/**
 * Kinds of entries of the history: an edit of tags, an edit of more of a post, a part of an edit of many
 * images, a change of a pool, and the undo of any of these.
 */
export type HistoryKind = "tag_edit" | "post_edit" | "bulk_edit" | "pool_edit" | "undo";

/** An entry of the history: one edit of one image. */
export type HistoryEntry = {
  id: number;
  kind: HistoryKind;
  imageId: number;
  editor: string;
  /** ISO 8601. */
  editedAt: string;
  added: string[];
  removed: string[];
  /** Names of the tags before and after; null for edits of a time when nobody wrote them down. */
  before: string[] | null;
  after: string[] | null;
  /** What else changed, each part before and after; null if nothing. */
  other: PostDifference | null;
  /** The operation on many images that it is a part of. */
  operationId: number | null;
  /** The edit that it takes back. */
  undoes: number | null;
  isUndone: boolean;
};

/** One page of the history. */
export type HistoryPage = {
  entries: HistoryEntry[];
  /** The `page` text of the next page; null on the last one. */
  next: string | null;
};

/** What of the history is asked for; `grouped`: one entry for each operation. */
export type HistoryPageRequest = {
  of: HistoryRequest["of"];
  page: PageRequest;
  limit: number;
};

/** Lists the history, the newest edit first. Cost: O(limit); a page by its number O(entries before it). */
export function listHistory({ core }: Library, request: HistoryPageRequest): HistoryPage {
  const { of, page, limit } = request;
  const from = page.kind === "number"
    ? { kind: "offset" as const, count: (page.number - 1) * limit }
    : page;
  // One more, to see whether there are more.
  const edits = readHistory(core.reader, { of, from, limit: limit + 1 });
  const isMore = edits.length > limit;
  const shown = page.kind === "after" ? edits.slice(isMore ? 1 : 0) : edits.slice(0, limit);
  const entries = shown.map((edit) => toEntry(core.reader, edit));
  if (page.kind === "after") {
    return { entries, next: isMore ? `a${entries[0].id}` : null };
  }
  return { entries, next: isMore ? `b${entries[entries.length - 1].id}` : null };
}

function toEntry(reader: Library["core"]["reader"], edit: StoredEdit): HistoryEntry {
  const { id, imageId, editor, added, removed, tagsBefore: before, journal, undoes } = edit;
  const isOperation = journal?.kind === "bulk_edit" || journal?.kind === "undo";
  return {
    id,
    kind: toKind(edit),
    imageId,
    editor,
    editedAt: new Date(edit.editedAtMs).toISOString(),
    added,
    removed,
    before,
    after: before === null ? null : toTagsAfter(edit, before),
    other: toPostDifference(edit),
    operationId: isOperation ? journal.id : null,
    undoes,
    isUndone: isEditUndone(reader, id),
  };
}

/** Tags of an image after an edit, sorted. */
export function toTagsAfter(
  { added, removed }: Pick<StoredEdit, "added" | "removed">,
  before: readonly string[],
): string[] {
  const gone = new Set(removed);
  return [...before.filter((name) => !gone.has(name)), ...added].sort();
}

function toKind({ journal, undoes }: StoredEdit): HistoryKind {
  if (undoes !== null) return "undo";
  switch (journal?.kind) {
    case "post_edit":
    case "bulk_edit":
    case "pool_edit":
      return journal.kind;
    default:
      return "tag_edit";
  }
}

/** An operation on many images as it is told. */
export type OperationView = Omit<Operation["steps"], "endedAtMs" | "hasHead"> & {
  id: number;
  kind: Operation["kind"];
  state: OperationState;
  startedAt: string;
  endedAt: string | null;
  isUndone: boolean;
};

/** Tells an operation. */
export function toOperationView(
  { core }: Library,
  { id, kind, state, startedAtMs, steps }: Operation,
): OperationView {
  const { endedAtMs, hasHead: _, ...told } = steps;
  return {
    id,
    kind,
    state,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
    isUndone: isOperationUndone(core.reader, id),
    ...told,
  };
}

/** Lists operations on many images below an id, the newest first. */
export function listOperations(
  library: Library,
  { below, limit }: { below: number; limit: number },
): { operations: OperationView[]; next: string | null } {
  const found = readOperations(library.core.reader, { below, limit: limit + 1 });
  const operations = found.slice(0, limit).map((one) => toOperationView(library, one));
  return { operations, next: found.length > limit ? `b${operations[limit - 1].id}` : null };
}

/**
 * Takes back what an edit did, where it is still so, and makes that visible; what others changed since
 * stays, and is told. The undo is an edit of its own: to undo it is to do the edit again.
 *
 * @throws {AppError} `not_found` without such an edit; `conflict` if it is undone already, or its image is
 *   in the trash or gone.
 */
export async function undoEdit(library: Library, editId: number): Promise<UndoOutcome> {
  const outcome = await library.writer.call("undoEdit", { editId, editor: OWNER });
  await showChanges(library, outcome.imageId);
  return outcome;
}

/** How an undo of an operation runs. */
export type UndoOptions = OperationOptions & {
  /** Told the number of the undo when it is written down, before anything is changed. */
  onStarted?: (operationId: number) => void;
};

/**
 * Takes back every edit of an operation that is not taken back yet, as {@link undoEdit} does; an operation
 * that was interrupted goes no further then. Images that are in the trash or gone are told, and all others
 * done. The undo is an operation of its own.
 *
 * @throws {AppError} `not_found`; `conflict` if it runs, or nothing of it is left to be undone;
 *   `cancelled`, and then the undo can go on.
 */
export async function undoOperation(
  library: Library,
  operationId: number,
  options: UndoOptions = {},
): Promise<Operation> {
  options.signal?.throwIfAborted();
  const started = await library.writer.call("startUndo", { operationId, editor: OWNER });
  options.onStarted?.(started.operationId);
  return await runOperation(library, started.operationId, options);
}

/** Operations among some entries, by their numbers. */
export function findOperations(
  { core }: Library,
  entries: readonly HistoryEntry[],
): Map<number, Operation> {
  const ids = new Set(entries.map(({ operationId }) => operationId).filter((id) => id !== null));
  const found = [...ids].map((id) => readOperation(core.reader, id));
  return new Map(found.filter((one) => one !== undefined).map((one) => [one.id, one]));
}
