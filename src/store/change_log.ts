import { CHANGE_LOG_ENTRIES_KEPT, CHANGES_APPLIED_MAX } from "../base/limits.ts";
import {
  type Database,
  execute,
  inReadTransaction,
  prepared,
  readTableNames,
  toNumber,
} from "./database.ts";

/** What was committed since a position. */
export type ChangesSince =
  | {
    kind: "entries";
    position: number;
    imageIds: number[];
    tagIds: number[];
    poolIds: number[];
    hasAliasChanges: boolean;
  }
  | { kind: "overflow" };

/** Whether this database keeps a change log. */
export function hasChangeLog(db: Database): boolean {
  return readTableNames(db).has("change_log");
}

/** Newest position of the change log; entries that were trimmed count. */
export function readPosition(db: Database): number {
  const row = prepared(db, "SELECT seq FROM sqlite_sequence WHERE name = 'change_log'")
    .value<[number]>();
  return toNumber(row?.[0]);
}

/**
 * Reads what was committed after `position`: each subject once, at its newest change. `overflow` when
 * there is more than is worth applying one by one, or the log no longer reaches back so far.
 */
export function readChangesSince(db: Database, position: number): ChangesSince {
  return inReadTransaction(db, () => readChanges(db, position));
}

function readChanges(db: Database, position: number): ChangesSince {
  const newest = readPosition(db);
  const trimmedTo = toNumber(
    prepared(db, "SELECT value FROM library_state WHERE key = 'change_log_trimmed_to'")
      .value<[string]>()?.[0],
  );
  if (position < trimmedTo || position > newest) return { kind: "overflow" };
  const rows = prepared(
    db,
    "SELECT subject, subject_id FROM change_log WHERE position > ? ORDER BY position LIMIT ?",
  ).values<[string, number]>(position, CHANGES_APPLIED_MAX + 1);
  if (rows.length > CHANGES_APPLIED_MAX) return { kind: "overflow" };
  const idsOf = (wanted: string) =>
    rows.filter(([subject]) => subject === wanted).map(([, id]) => toNumber(id));
  return {
    kind: "entries",
    position: newest,
    imageIds: idsOf("image"),
    tagIds: idsOf("tag"),
    poolIds: idsOf("pool"),
    hasAliasChanges: rows.some(([subject]) => subject === "aliases"),
  };
}

/** Drops old entries and remembers up to where; readers further behind load in full. */
export function trimChangeLog(db: Database): void {
  const keepFrom = readPosition(db) - CHANGE_LOG_ENTRIES_KEPT;
  if (keepFrom <= 0) return;
  execute(db, "DELETE FROM change_log WHERE position <= ?", keepFrom);
  execute(
    db,
    `INSERT INTO library_state (key, value) VALUES ('change_log_trimmed_to', ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    String(keepFrom),
  );
}

/** A number that changes whenever another connection committed. Cost: microseconds. */
export function readDataVersion(db: Database): number {
  return toNumber(prepared(db, "PRAGMA data_version").value<[number]>()![0]);
}
