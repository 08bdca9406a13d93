import { type Database, execute, prepared, toNumber } from "./database.ts";

/*
 * The full-text table keeps its index in segments and joins them while it is written: that costs several
 * times the writing itself when many small transactions change many entries. In a batch of an operation on
 * many images it is put off, and done in pieces between later writes. The settings are part of the table:
 * each transaction leaves them as they were, so that nothing is left behind by a kill, and whoever writes
 * next joins what there is.
 */

const SETTINGS = ["automerge", "crisismerge"] as const;
/** What the table has where nothing else was set. */
const USUAL = { automerge: 4, crisismerge: 16 };
/** Far below the 2,000 segments that a table can have. */
const PUT_OFF = { automerge: 0, crisismerge: 500 };
/** Pages that one step joins: about 50 ms. */
const MERGE_PAGES = 500;

/** Runs a batch of writes without joining segments; to be followed by {@link mergeFullText} some time. */
export function withPutOffMerges<T>(db: Database, work: () => T): T {
  const before = { ...USUAL, ...Object.fromEntries(readSettings(db)) };
  writeSettings(db, PUT_OFF);
  const result = work();
  writeSettings(db, before);
  return result;
}

function readSettings(db: Database): [string, number][] {
  return prepared(
    db,
    "SELECT k, v FROM images_fts_config WHERE k IN ('automerge', 'crisismerge')",
  ).values<[string, number]>();
}

function writeSettings(db: Database, settings: typeof USUAL): void {
  for (const name of SETTINGS) {
    execute(db, "INSERT INTO images_fts (images_fts, rank) VALUES (?, ?)", name, settings[name]);
  }
}

/** Joins some segments of the full-text table; false when there is nothing left to join. */
export function mergeFullText(db: Database): boolean {
  const before = countChanges(db);
  execute(db, "INSERT INTO images_fts (images_fts, rank) VALUES ('merge', ?)", MERGE_PAGES);
  // One change is that of the statement itself.
  return countChanges(db) - before > 1;
}

function countChanges(db: Database): number {
  return toNumber(prepared(db, "SELECT total_changes()").value<[number]>()![0]);
}
