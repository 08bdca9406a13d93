import { backupTo } from "#sqlite-backup";
import { AppError } from "../base/errors.ts";
import {
  type Database,
  explain,
  openReader,
  openWriter,
  prepared,
  readTableNames,
  toNumber,
} from "./database.ts";
import { prepareDatabase, readSchemaVersion, SCHEMA_VERSION } from "./migrate.ts";

/** What tells one database from another. */
export type DatabaseIdentity = {
  /** Whose it is; null for a database that this program never changed. */
  libraryId: string | null;
  /** 0 = ChibiBooru's own tables. */
  schemaVersion: number;
  images: number;
};

/** What a database holds, to see that a copy is whole. */
export type DatabaseFacts = DatabaseIdentity & {
  /** Rows of the main tables that it has. */
  counts: Record<string, number>;
};

/** A copy that was read back. */
export type VerifiedDatabase = DatabaseFacts & {
  /** Rows that point to rows that are not there; a copy has those of its original. */
  danglingRows: number;
};

/** Tables that are counted; what follows from them is left out. */
const COUNTED = [
  "images",
  "tags",
  "image_tags",
  "image_files",
  "raw_metadata",
  "pools",
  "pool_images",
  "favourites",
  "image_relations",
  "tag_implications",
  "tag_aliases",
  "tag_deltas",
  "tag_edits",
  "trash",
];

/** Rows that point to nothing are counted up to here. */
const DANGLING_COUNTED_MAX = 10_000;
/** What SQLite finds wrong, said up to here. */
const FAULTS_SAID_MAX = 3;

/** Reads what a database holds, as one read transaction sees it. Cost: O(rows). */
function readFacts(db: Database): DatabaseFacts {
  const tables = readTableNames(db);
  const counts: Record<string, number> = {};
  for (const table of COUNTED) if (tables.has(table)) counts[table] = countRows(db, table);
  return { ...readIdentity(db), counts };
}

function readIdentity(db: Database): DatabaseIdentity {
  const tables = readTableNames(db);
  const stateOf = (key: string) =>
    tables.has("library_state")
      ? db.prepare("SELECT value FROM library_state WHERE key = ?").value<[string]>(key)?.[0] ??
        null
      : null;
  return {
    libraryId: stateOf("library_id"),
    schemaVersion: toNumber(stateOf("schema_version")),
    images: tables.has("images") ? countRows(db, "images") : 0,
  };
}

function countRows(db: Database, table: string): number {
  return toNumber(db.prepare(`SELECT count(*) FROM ${table}`).value()?.[0]);
}

/**
 * Copies a database that is in use to a new file, as it is at this moment, and reads the copy back. Writers
 * are not held up: they go on behind the read transaction that the copy is made in.
 *
 * The copy keeps no log of its own, so that looking into it makes no files beside it.
 *
 * @throws {AppError} `corrupt` if the copy is not whole or not like the original, `disk_full` …
 */
export async function copyDatabase(path: string, target: string): Promise<VerifiedDatabase> {
  const db = openReader(path);
  try {
    db.exec("BEGIN");
    return await copyOpen(db, { path, target });
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

async function copyOpen(
  db: Database,
  { path, target }: { path: string; target: string },
): Promise<VerifiedDatabase> {
  // Reading begins the transaction, which the copy is then made in.
  const facts = readFacts(db);
  try {
    await backupTo(db, target);
  } catch (error) {
    throw explain(error, target);
  }
  const copy = settleDatabase(target);
  const { danglingRows: _, ...others } = copy;
  if (JSON.stringify(others) !== JSON.stringify(facts)) {
    throw new AppError("corrupt", `The copy ${target} is not like ${path}`, {
      remedy: "Nothing was changed. Check the disk that the copy is written to",
      details: { original: facts, copy },
    });
  }
  return copy;
}

/**
 * Folds a database's log into it, for good, and reads all of it: every page, every index, every link.
 *
 * @throws {AppError} `corrupt`, saying what is wrong.
 */
export function settleDatabase(path: string): VerifiedDatabase {
  const db = openWriter(path);
  try {
    db.exec("PRAGMA journal_mode = DELETE");
    const faults = db.prepare(`PRAGMA integrity_check(${FAULTS_SAID_MAX})`).values<[string]>()
      .map(([fault]) => fault);
    if (faults.join() !== "ok") {
      throw new AppError("corrupt", `The database ${path} is damaged: ${faults.join("; ")}`, {
        remedy: "Use another backup, or rescue it with: sqlite3 FILE .recover",
      });
    }
    const dangling = db.prepare(
      "SELECT count(*) FROM (SELECT 1 FROM pragma_foreign_key_check LIMIT ?)",
    ).value<[number]>(DANGLING_COUNTED_MAX)![0];
    return { ...readFacts(db), danglingRows: toNumber(dangling) };
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

/**
 * Checks that a database is one of this program, or of the original, and tells which; a newer version is
 * one too. Cost: a look at each image's entry in an index.
 *
 * @throws {AppError} `conflict` for another program's or an empty one, `corrupt`, `not_found` …
 */
export function identifyDatabase(path: string): DatabaseIdentity {
  let version: number | "empty" = 0;
  try {
    version = readSchemaVersion(path);
  } catch (error) {
    if (!(error instanceof AppError && error.code === "newer_version")) throw error;
  }
  if (version === "empty") throw new AppError("conflict", `${path} is an empty database`);
  const db = openReader(path);
  try {
    db.exec("BEGIN");
    return readIdentity(db);
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

/**
 * Brings a settled database to this program's version, and keeps no second copy of it.
 *
 * @throws {AppError} As {@link prepareDatabase}.
 */
export async function upgradeDatabase(path: string, scratch: string): Promise<void> {
  // Of a newer version it says so here.
  if (readSchemaVersion(path) === SCHEMA_VERSION) return;
  await prepareDatabase(path, scratch);
  const db = openWriter(path);
  try {
    db.exec("PRAGMA journal_mode = DELETE");
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

/** A database that is about to be replaced: nobody can change it until it is let go. */
export type HeldDatabase = { db: Database; path: string };

/**
 * Folds a database's log into it and keeps everyone from reading and writing it: a log that were left would
 * be applied to the file that takes its place. {@link copyHeld} copies it then.
 *
 * The way in which it keeps its log is not changed: that would be written with a journal, and a database
 * with a journal that a killed process left cannot be opened for reading.
 *
 * @throws {AppError} `locked` if any program has it open, `corrupt` …
 */
export function holdDatabase(path: string): HeldDatabase {
  const db = openWriter(path);
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    // In this mode the lock stays when the transaction ends.
    db.exec("BEGIN EXCLUSIVE; COMMIT");
    const [isBusy] = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").value<
      [number, number, number]
    >()!;
    if (isBusy !== 0) throw new Error("database is locked");
    db.exec("BEGIN");
    return { db, path };
  } catch (error) {
    db.close();
    throw explain(error, path);
  }
}

/**
 * Copies a held database to a new file and reads the copy back.
 *
 * @throws {AppError} As {@link copyDatabase}.
 */
export async function copyHeld(
  { db, path }: HeldDatabase,
  target: string,
): Promise<VerifiedDatabase> {
  try {
    return await copyOpen(db, { path, target });
  } catch (error) {
    throw explain(error, path);
  }
}

/** Kind of the entry of the journal that says where a database comes from. */
const RESTORE = "restore";

/**
 * Notes in a settled database that it is put back now: its files are to be looked for afterwards. It keeps
 * its log as a database in use from here on.
 */
export function noteRestore(path: string, from: string): void {
  const db = openWriter(path);
  try {
    db.exec(
      "INSERT INTO journal (kind, state, started_at_ms, steps) VALUES (?, 'moving', ?, ?)",
      RESTORE,
      Date.now(),
      JSON.stringify({ from }),
    );
    db.exec("PRAGMA journal_mode = WAL");
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

/** Whether a database was put back and nobody looked for its files since. */
export function hasUnfinishedRestore(db: Database): boolean {
  return db.prepare("SELECT 1 FROM journal WHERE kind = ? AND state = 'moving'")
    .value(RESTORE) !== undefined;
}

/** Writes down that the files of a database that was put back are in their places. */
export function finishRestore(db: Database, findings: Record<string, unknown>): void {
  db.exec(
    `UPDATE journal SET state = 'done', steps = json_patch(steps, ?)
     WHERE kind = ? AND state = 'moving'`,
    JSON.stringify(findings),
    RESTORE,
  );
}

/** Where an image's files lie, besides the one that is served. */
export function readPlacesOf(db: Database, imageId: number): string[] {
  return db.prepare("SELECT filepath FROM image_files WHERE image_id = ? ORDER BY filepath")
    .values<[string]>(imageId).map(([filepath]) => filepath);
}

/** Stored paths of all files, in their order, some at a time. */
export function readStoredPlaces(
  db: Database,
  { after, limit }: { after: string; limit: number },
): string[] {
  return prepared(
    db,
    `SELECT * FROM (SELECT filepath FROM images WHERE filepath > ?1 ORDER BY filepath LIMIT ?2)
     UNION
     SELECT * FROM (SELECT filepath FROM image_files WHERE filepath > ?1 ORDER BY filepath LIMIT ?2)
     ORDER BY 1 LIMIT ?2`,
  ).values<[string]>(after, limit).map(([filepath]) => filepath);
}
