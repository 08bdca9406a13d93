import { type Database, prepared, toNumber } from "./database.ts";
import type { PostDifference } from "./post_history.ts";
import type { TagEditDetail } from "./tag_history.ts";

/** One edit of one image as the history has it. */
export type StoredEdit = {
  id: number;
  imageId: number;
  md5: string;
  editor: string;
  editedAtMs: number;
  added: string[];
  removed: string[];
  /** Tags before; null for edits of a time when nobody wrote them down. */
  tagsBefore: string[] | null;
  /** Null for edits of that time. */
  detail: TagEditDetail | null;
  /** The entry of the journal that it is a part of. */
  journal: { id: number; kind: string; steps: Record<string, unknown> } | null;
  /** The edit that it takes back. */
  undoes: number | null;
};

const SELECTION = `SELECT tag_edits.id, image_id, image_md5, editor, edited_at_ms, added, removed,
  tags_before, detail, operation_id, kind, steps, undoes
  FROM tag_edits LEFT JOIN journal ON journal.id = operation_id`;

type EditRow = [
  number,
  number,
  string,
  string,
  number,
  string,
  string,
  string | null,
  string | null,
  number | null,
  string | null,
  string | null,
  number | null,
];

function toEdit(row: EditRow): StoredEdit {
  const [id, imageId, md5, editor, editedAtMs, added, removed, before, detail, ...rest] = row;
  const [journalId, kind, steps, undoes] = rest;
  return {
    id: toNumber(id),
    imageId,
    md5,
    editor,
    editedAtMs: toNumber(editedAtMs),
    added: JSON.parse(added),
    removed: JSON.parse(removed),
    tagsBefore: before === null ? null : JSON.parse(before),
    detail: detail === null ? null : JSON.parse(detail),
    journal: journalId === null || kind === null || steps === null
      ? null
      : { id: toNumber(journalId), kind, steps: JSON.parse(steps) },
    undoes: undoes === null ? null : toNumber(undoes),
  };
}

/** One edit. */
export function readEdit(db: Database, id: number): StoredEdit | undefined {
  const row = prepared(db, `${SELECTION} WHERE tag_edits.id = ?`).value<EditRow>(id);
  return row === undefined ? undefined : toEdit(row);
}

/** Those of some edits that there are, in the order of the numbers given. */
export function readEdits(db: Database, ids: readonly number[]): StoredEdit[] {
  const rows = prepared(
    db,
    `${SELECTION} WHERE tag_edits.id IN (SELECT value FROM json_each(?))`,
  ).values<EditRow>(JSON.stringify(ids));
  const edits = new Map(rows.map((row) => [toNumber(row[0]), toEdit(row)]));
  return ids.map((id) => edits.get(id)).filter((edit) => edit !== undefined);
}

/** Of what, and from where, edits are listed; the newest first. */
export type HistoryRequest = {
  /** Of one image, of one operation, or of all; `heads`: one edit stands for each operation. */
  of: { imageId: number } | { operationId: number } | "all" | "heads";
  /** Edits with lower (`before`) or higher (`after`) ids than this one, or those behind the first so many. */
  from: { kind: "before" | "after"; id: number } | { kind: "offset"; count: number };
  limit: number;
};

/** Lists edits, the newest first. Cost: O(limit), with an offset O(limit + offset). */
export function readHistory(db: Database, request: HistoryRequest): StoredEdit[] {
  const { of, from, limit } = request;
  const [condition, ...bound] = toCondition(of);
  const isAfter = from.kind === "after";
  const bounds = {
    before: "AND tag_edits.id < ?",
    after: "AND tag_edits.id > ?",
    // The same number of values for each.
    offset: "AND tag_edits.id > ?",
  };
  // Read by id alone first: the rows that an offset skips are wide.
  const rows = prepared(
    db,
    `${SELECTION} JOIN (
       SELECT id AS listed FROM tag_edits WHERE ${condition} ${bounds[from.kind]}
       ORDER BY id ${isAfter ? "ASC" : "DESC"} LIMIT ? OFFSET ?
     ) ON listed = tag_edits.id ORDER BY tag_edits.id DESC`,
  ).values<EditRow>(
    ...bound,
    from.kind === "offset" ? 0 : from.id,
    limit,
    from.kind === "offset" ? from.count : 0,
  );
  return rows.map(toEdit);
}

function toCondition(of: HistoryRequest["of"]): [sql: string, ...bound: number[]] {
  if (of === "all") return ["1"];
  if (of === "heads") return ["is_further = 0"];
  if ("imageId" in of) return ["image_id = ?", of.imageId];
  return ["operation_id = ?", of.operationId];
}

/**
 * Whether an edit is taken back: by the last one that undoes it, unless that one is taken back in turn.
 * Cost: one look-up for each time that somebody undid or did again.
 */
export function isEditUndone(db: Database, editId: number): boolean {
  const last = prepared(db, "SELECT max(id) FROM tag_edits WHERE undoes = ?");
  let isUndone = false;
  let id = editId;
  for (;;) {
    const next = last.value<[number | null]>(id)![0];
    if (next === null) return isUndone;
    isUndone = !isUndone;
    id = toNumber(next);
  }
}

/** What an edit changed besides tags; null if nothing. */
export function toPostDifference({ journal }: StoredEdit): PostDifference | null {
  if (journal?.kind !== "post_edit") return null;
  const { imageId: _, editor: __, ...difference } = journal.steps;
  return difference as PostDifference;
}

/** How many edits an image has up to one of them, that one counted. Cost: O(edits of the image). */
export function countEditsUpTo(
  db: Database,
  { imageId, id }: { imageId: number; id: number },
): number {
  return toNumber(
    prepared(db, "SELECT count(*) FROM tag_edits WHERE image_id = ? AND id <= ?")
      .value<[number]>(imageId, id)![0],
  );
}
