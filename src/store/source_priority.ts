import { DEFAULT_SOURCE_PRIORITY } from "../tags/sources.ts";
import { type Database, execute, prepared } from "./database.ts";
import { writeJournal } from "./post_history.ts";

const PRIORITY = "source_priority";
/** Id of the last image that follows the order; there while it is being applied. */
const PROGRESS = "source_priority_progress";

/** The order of sources. */
export function readSourcePriority(db: Database): readonly string[] {
  const text = readState(db, PRIORITY);
  return text === undefined ? DEFAULT_SOURCE_PRIORITY : JSON.parse(text);
}

/** Stores an order, an empty list for the usual one; it is to be applied to all images then. */
export function saveSourcePriority(
  db: Database,
  { names, editor }: { names: readonly string[]; editor: string },
): void {
  const before = readSourcePriority(db);
  if (names.length === 0) removeState(db, PRIORITY);
  else writeState(db, PRIORITY, JSON.stringify(names));
  writeState(db, PROGRESS, "0");
  writeJournal(db, PRIORITY, { editor, before, after: readSourcePriority(db) });
}

/** Id of the last image that follows the order; undefined: all of them do. */
export function readPriorityProgress(db: Database): number | undefined {
  const text = readState(db, PROGRESS);
  return text === undefined ? undefined : Number(text);
}

/** Whether an order is stored that not all images follow yet. */
export function isPriorityPending(db: Database): boolean {
  return readPriorityProgress(db) !== undefined;
}

/** Remembers up to which image the order holds; null: it holds for all. */
export function writePriorityProgress(db: Database, imageId: number | null): void {
  if (imageId === null) removeState(db, PROGRESS);
  else writeState(db, PROGRESS, String(imageId));
}

function readState(db: Database, key: string): string | undefined {
  return prepared(db, "SELECT value FROM library_state WHERE key = ?").value<[string]>(key)?.[0];
}

function writeState(db: Database, key: string, value: string): void {
  execute(
    db,
    `INSERT INTO library_state (key, value) VALUES (?, ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    key,
    value,
  );
}

function removeState(db: Database, key: string): void {
  execute(db, "DELETE FROM library_state WHERE key = ?", key);
}
