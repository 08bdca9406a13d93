/** The connection behind a database: how it is opened, how it runs SQL text, and what its errors say. */
import { DatabaseSync } from "node:sqlite";

/** A connection, and what a user function on it threw last. */
export interface Core {
  /** The connection. */
  readonly sqlite: DatabaseSync;
  /** The message of what a user function threw, until the error of its statement takes it over. */
  thrown: string | undefined;
}

/** How a connection is opened. */
export interface OpenOptions {
  /** Whether the connection is read-only. */
  readonly?: boolean;
  /** Whether a missing file is created. */
  create?: boolean;
  /** Whether the database lives in memory. */
  memory?: boolean;
}

const SQLITE_CANTOPEN = 14;
const CORES = new WeakMap<object, Core>();

/** An error of SQLite that carries its result code. */
export class SqliteError extends Error {
  /** The name of the class. */
  override name = "SqliteError";
  /** The result code, as in https://www.sqlite.org/rescode.html. */
  code: number;

  /** Makes an error whose message starts with the code. */
  constructor(code = 1, message = "Unknown Error") {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** Remembers the connection behind the public object `owner`. */
export function registerCore(owner: object, core: Core): void {
  CORES.set(owner, core);
}

/**
 * Returns the `node:sqlite` connection behind `owner`, for the other adapters of this folder.
 *
 * @throws {TypeError} If `owner` is not a Database of this adapter.
 */
export function sqliteOf(owner: object): DatabaseSync {
  const core = CORES.get(owner);
  if (core === undefined) throw new TypeError("Cannot reach the connection: not a Database");
  return core.sqlite;
}

/**
 * Opens the database at `path`.
 *
 * @throws {SqliteError} If the file cannot be opened.
 */
export function openSqlite(path: string, options: OpenOptions): DatabaseSync {
  const location = options.memory ? ":memory:" : path;
  if (options.create === false && location !== ":memory:") checkFileExists(location);
  try {
    return new DatabaseSync(location, { readOnly: options.readonly ?? false });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("unable to open database file")) {
      throw new SqliteError(SQLITE_CANTOPEN, error.message);
    }
    throw error;
  }
}

/** `node:sqlite` has no way to open a file without the leave to create it. */
function checkFileExists(path: string): void {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new SqliteError(SQLITE_CANTOPEN, `unable to open database file: ${path}`);
  }
}

/**
 * Runs all statements in `sql`.
 *
 * @throws {Error} If a statement fails.
 */
export function execute(core: Core, sql: string): void {
  try {
    core.sqlite.exec(sql);
  } catch (error) {
    throw toPublicError(core, error);
  }
}

/** Gives an error of `node:sqlite` the message that `@db/sqlite` has, where the two differ. */
export function toPublicError(core: Core, error: unknown): unknown {
  const { thrown } = core;
  core.thrown = undefined;
  if (thrown !== undefined) return new Error(thrown, { cause: error });
  if (!(error instanceof Error)) return error;
  const unknownName = /^Unknown named parameter ':?(.*)'$/.exec(error.message);
  if (unknownName !== null) return new Error(`No such parameter "${unknownName[1]}"`);
  // exec() appends the SQL text and the offset to the message of SQLite.
  const syntaxError = /^(.*) in [^]* at offset \d+$/.exec(error.message);
  return syntaxError === null ? error : new Error(syntaxError[1], { cause: error });
}
