import { CHANGES_APPLIED_MAX } from "../base/limits.ts";
import { hasChangeLog, readPosition } from "./change_log.ts";
import { type Database, toNumber } from "./database.ts";

/** Entries of the change log that a snapshot remembers, to recognise the history it belongs to. */
const ENTRIES_REMEMBERED = 16;

/** What ties a snapshot file to one moment of one database. */
export type SnapshotGuard = {
  libraryId: string;
  position: number;
  images: number;
  /** The newest entries of the change log then: subject, id, position. */
  newest: [subject: string, id: number, position: number][];
};

/** The guard of this moment; null for a database that keeps no change log. Inside a read transaction. */
export function readGuard(db: Database): SnapshotGuard | null {
  if (!hasChangeLog(db)) return null;
  const libraryId = db.prepare("SELECT value FROM library_state WHERE key = 'library_id'")
    .value<[string]>()?.[0];
  if (libraryId === undefined) return null;
  const newest = db.prepare(
    "SELECT subject, subject_id, position FROM change_log ORDER BY position DESC LIMIT ?",
  ).values<[string, number, number]>(ENTRIES_REMEMBERED);
  return { libraryId, position: readPosition(db), images: countImages(db), newest };
}

/**
 * Whether the database went on from the moment of the guard, by few enough changes to apply them one by
 * one. Anything doubtful is a no: another database, a restored copy with another history, a trimmed log.
 */
export function isContinuation(db: Database, guard: unknown): guard is SnapshotGuard {
  const now = readGuard(db);
  if (now === null || !isGuard(guard) || guard.libraryId !== now.libraryId) return false;
  const trimmedTo = toNumber(
    db.prepare("SELECT value FROM library_state WHERE key = 'change_log_trimmed_to'")
      .value<[string]>()?.[0],
  );
  if (guard.position < trimmedTo || guard.position > now.position) return false;
  if (guard.position === now.position && guard.images !== now.images) return false;
  const later = db.prepare("SELECT count(*) FROM change_log WHERE position > ?")
    .value<[number]>(guard.position)![0];
  if (later > CHANGES_APPLIED_MAX) return false;
  const find = db.prepare("SELECT position FROM change_log WHERE subject = ? AND subject_id = ?");
  // In the same history an entry is still there, or it was replaced by a newer one of its subject.
  return guard.newest.every(([subject, id, position]) =>
    toNumber(find.value<[number]>(subject, id)?.[0]) >= position
  );
}

function countImages(db: Database): number {
  return toNumber(db.prepare("SELECT count(*) FROM images").value<[number]>()![0]);
}

function isGuard(value: unknown): value is SnapshotGuard {
  if (typeof value !== "object" || value === null) return false;
  const { libraryId, position, images, newest } = value as Record<string, unknown>;
  return typeof libraryId === "string" && typeof position === "number" &&
    typeof images === "number" && Array.isArray(newest) &&
    newest.every((entry) => Array.isArray(entry) && entry.length === 3);
}
