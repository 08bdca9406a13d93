import { type BindValue, Database, type Statement } from "@db/sqlite";
import { commandLine } from "../base/command_line.ts";
import { AppError, toMessage } from "../base/errors.ts";
import { DATABASE_BUSY_MS } from "../base/limits.ts";

export type { Database };

/** Integers in full width, and texts that look like JSON left alone: never the package's defaults. */
const OPTIONS = { int64: true, parseJson: false } as const;

/**
 * Opens a database for reading; it must exist.
 *
 * @throws {AppError} `not_found`, `corrupt`, `locked` or `read_only`, naming file and remedy.
 */
export function openReader(path: string): Database {
  return open(path, () => {
    const db = new Database(path, { ...OPTIONS, readonly: true });
    db.exec(`PRAGMA busy_timeout = ${DATABASE_BUSY_MS}`);
    db.exec("PRAGMA query_only = ON");
    return db;
  });
}

/** Pages that a writer keeps: with SQLite's 2 MiB every write to a large library reads them again. */
const WRITER_CACHE_KIB = 32_768;
/** Pages after which the write-ahead log is brought into the database: fewer, and each is written more often. */
const CHECKPOINT_PAGES = 4_000;

/**
 * Opens a database for writing, with foreign keys on, write-ahead logging and every commit synced.
 *
 * @throws {AppError} As {@link openReader}.
 */
export function openWriter(path: string, options: { create?: boolean } = {}): Database {
  return open(path, () => {
    const db = new Database(path, { ...OPTIONS, create: options.create ?? false });
    db.exec(`PRAGMA busy_timeout = ${DATABASE_BUSY_MS}`);
    db.exec("PRAGMA foreign_keys = ON");
    db.exec("PRAGMA synchronous = FULL");
    db.exec("PRAGMA temp_store = MEMORY");
    db.exec(`PRAGMA cache_size = -${WRITER_CACHE_KIB}`);
    db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    return db;
  });
}

function open(path: string, make: () => Database): Database {
  let db: Database | undefined;
  try {
    db = make();
    // SQLite reads the file only now: a wrong one must not be found out in the middle of something.
    db.prepare("SELECT count(*) FROM sqlite_master").value();
    return db;
  } catch (error) {
    try {
      db?.close();
    } catch (closing) {
      throw explain(closing, path);
    }
    throw explain(error, path);
  }
}

/** What SQLite says, what it is called here, what a person can do about it. */
const CAUSES: [
  pattern: RegExp,
  code: "corrupt" | "locked" | "read_only" | "disk_full" | "conflict",
  remedy: string,
][] = [
  [
    /not a database|malformed|corrupt|vtable constructor failed/i,
    "corrupt",
    `Nothing was changed. Put back a backup with: ${commandLine("restore latest")}. Without one, ` +
    `rescue all that can be read with: ${commandLine("rebuild")}`,
  ],
  [
    /database (table )?is locked|database is busy/i,
    "locked",
    "Another program is writing to it. Close that program, or wait and try again",
  ],
  [
    /readonly database|read-only|permission denied|access denied/i,
    "read_only",
    "Make the file and its folder writable for this user, or choose another folder with --library",
  ],
  [
    /already exists/i,
    "conflict",
    "It has tables that are named like this program's and are others. Nothing was changed",
  ],
  [/disk is full|no space/i, "disk_full", "Free some disk space and try again"],
  [
    /disk I\/O error/i,
    "disk_full",
    "Free some disk space, see that this user may write the file and its folder, and look after the disk",
  ],
];

/** What stands in the place of a database and is none; null: a file, or nothing. */
function describePlace(path: string): string | null {
  try {
    if (Deno.statSync(path).isDirectory) return "it is a folder";
  } catch {
    try {
      if (Deno.lstatSync(path).isSymlink) return "it is a link that leads nowhere";
    } catch {
      // There is nothing, or nothing that this user may see.
    }
  }
  return null;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Turns an error of SQLite into one that names the file and the remedy; others pass through. */
export function explain(error: unknown, path: string): Error {
  if (error instanceof AppError) return error;
  const message = toMessage(error);
  const place = /disk I\/O error|unable to open/i.test(message) ? describePlace(path) : null;
  if (place !== null) {
    return new AppError("not_found", `Cannot use the database ${path}: ${place}`, {
      remedy: "Move it away, and put the database in its place",
      cause: error,
    });
  }
  for (const [pattern, code, remedy] of CAUSES) {
    if (pattern.test(message)) {
      return new AppError(code, `Cannot use the database ${path}: ${message}`, {
        remedy,
        cause: error,
      });
    }
  }
  if (/unable to open/i.test(message)) {
    // SQLite says the same of a file that is not there and of one beside which it may not write.
    return new AppError(
      isThere(path) ? "read_only" : "not_found",
      `Cannot open the database ${path}: ${message}`,
      {
        remedy: "Check that the folder exists and that this user may read and write it",
        cause: error,
      },
    );
  }
  return error instanceof Error ? error : new Error(message);
}

/** Names of the tables and views of a database. */
export function readTableNames(db: Database): Set<string> {
  const rows = db.prepare("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    .values<[string]>();
  return new Set(rows.map(([name]) => name));
}

/** Names of the columns of a table; empty when there is no such table. */
export function readColumnNames(db: Database, table: string): Set<string> {
  const rows = db.prepare("SELECT name FROM pragma_table_info(?)").values<[string]>(table);
  return new Set(rows.map(([name]) => name));
}

/** A whole number that SQLite answered; it is a bigint only beyond 2^53. */
export function toNumber(value: unknown): number {
  return Number(value ?? 0);
}

/** Runs reads that must see one state of the database. */
export function inReadTransaction<T>(db: Database, read: () => T): T {
  return db.transaction(read).deferred();
}

const STATEMENTS = new WeakMap<Database, Map<string, Statement>>();

/**
 * Gives the statement of this text, compiled once for a connection. For texts that are constants of the
 * program only: every one of them is kept until the connection ends.
 */
export function prepared(db: Database, sql: string): Statement {
  let statements = STATEMENTS.get(db);
  if (statements === undefined) STATEMENTS.set(db, statements = new Map());
  let statement = statements.get(sql);
  if (statement === undefined) statements.set(sql, statement = db.prepare(sql));
  return statement;
}

/** Runs a statement of constant text, compiled once for a connection; gives the rows it changed. */
export function execute(db: Database, sql: string, ...params: BindValue[]): number {
  return prepared(db, sql).run(...params);
}
