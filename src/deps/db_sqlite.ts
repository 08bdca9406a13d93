/**
 * The part of `@db/sqlite` 0.13 that this project uses, over the `node:sqlite` that is built into Deno.
 *
 * What shaped this file, all of it seen on Deno 2.9.6:
 *
 * - Statements read rows as arrays and objects are built here: `node:sqlite` builds objects with a null
 *   prototype, and two to three times slower.
 * - `StatementSync.iterate()` ends in silence where a step fails (a locked database, an integer beyond
 *   2^53), so `iter()` reads all rows first. Page by key where that is too much.
 * - A user function that throws in the middle of `StatementSync.all()` makes it loop for ever. Such
 *   functions are wrapped, so that none throws into SQLite.
 * - Integers are read as numbers and, only when one is out of range, read again as BigInt. Statements
 *   that may write are never run twice: they read BigInt from the start.
 */
import type { SupportedValueType } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type Core, execute, openSqlite, registerCore, SqliteError } from "./_sqlite_connection.ts";
import { type ArrayStatement, Statement } from "./_sqlite_statement.ts";
import {
  type BindParameters,
  type BindValue,
  narrowIntegers,
  type RestBindParameters,
  toFunctionResult,
} from "./_sqlite_values.ts";

export { SqliteError, Statement };
export type { BindParameters, BindValue, RestBindParameters };

/** Options of {@link Database}; `int64: true` and `parseJson: false` are required here. */
export interface DatabaseOpenOptions {
  /** Whether the connection is read-only; false by default. */
  readonly?: boolean;
  /** Whether a missing file is created; true by default. */
  create?: boolean;
  /** Whether the database lives in memory; false by default. */
  memory?: boolean;
  /** Whether integers have 64 bits; must be true. */
  int64?: boolean;
  /** Whether JSON results are parsed; must be false. */
  parseJson?: boolean;
}

/** A function made by {@link Database.transaction}: runs its body inside BEGIN and COMMIT. */
export type Transaction<T extends (...args: never[]) => unknown> =
  & ((...args: Parameters<T>) => ReturnType<T>)
  & {
    /** Runs the body after BEGIN. */
    default: Transaction<T>;
    /** Runs the body after BEGIN DEFERRED. */
    deferred: Transaction<T>;
    /** Runs the body after BEGIN IMMEDIATE. */
    immediate: Transaction<T>;
    /** Runs the body after BEGIN EXCLUSIVE. */
    exclusive: Transaction<T>;
    /** The connection that the transaction runs on. */
    database: Database;
  };

/** Options of {@link Database.function}. */
export interface FunctionOptions {
  /** Whether the function takes any number of arguments; false by default. */
  varargs?: boolean;
  /** Whether equal arguments always give equal results; false by default. */
  deterministic?: boolean;
  /** Whether the function is banned from triggers, views and indexes; false by default. */
  directOnly?: boolean;
}

type TransactionKind = "default" | "deferred" | "immediate" | "exclusive";

const BEGIN: Record<TransactionKind, string> = {
  default: "BEGIN",
  deferred: "BEGIN DEFERRED",
  immediate: "BEGIN IMMEDIATE",
  exclusive: "BEGIN EXCLUSIVE",
};

/** A connection to one SQLite database. */
export class Database {
  /** Whether integers have 64 bits: always true here. */
  readonly int64: boolean = true;
  /** Whether JSON results are parsed: always false here. */
  readonly parseJson: boolean = false;
  readonly #core: Core;
  readonly #path: string;
  #probe: ArrayStatement | undefined;

  /**
   * Opens the database at `path`, and creates it if need be.
   *
   * @throws {TypeError} If `int64: true` or `parseJson: false` is missing.
   * @throws {SqliteError} If the file cannot be opened.
   */
  constructor(path: string | URL, options: DatabaseOpenOptions = {}) {
    if (options.int64 !== true || options.parseJson !== false) {
      throw new TypeError(
        "Cannot open the database: pass { int64: true, parseJson: false }, because the defaults cut integers to 32 bits and parse JSON results",
      );
    }
    this.#path = path instanceof URL ? fileURLToPath(path) : path;
    this.#core = { sqlite: openSqlite(this.#path, options), thrown: undefined };
    registerCore(this, this.#core);
  }

  /** Whether the connection is open. */
  get open(): boolean {
    return this.#core.sqlite.isOpen;
  }

  /** The path that the database was opened with. */
  get path(): string {
    return this.#path;
  }

  /** How many rows the last INSERT, UPDATE or DELETE changed. */
  get changes(): number {
    return Number(this.#counters().changes);
  }

  /** How many rows were changed since the connection was opened. */
  get totalChanges(): number {
    return new Statement(this.#core, "SELECT total_changes()").value<[number]>()![0];
  }

  /** The rowid of the last row that was inserted. */
  get lastInsertRowId(): number {
    return Number(this.#counters().lastInsertRowid);
  }

  /** Whether no transaction is running. */
  get autocommit(): boolean {
    return !this.#core.sqlite.isTransaction;
  }

  /** Whether a transaction is running. */
  get inTransaction(): boolean {
    return this.open && !this.autocommit;
  }

  /**
   * Prepares one statement.
   *
   * @throws {Error} If the SQL is not valid.
   */
  prepare<T extends object = Record<string, unknown>>(sql: string): Statement<T> {
    return new Statement<T>(this.#core, sql);
  }

  /**
   * Runs all statements in `sql` and returns how many rows the last change touched; with parameters,
   * runs the one statement that they belong to.
   *
   * @throws {Error} If a statement fails.
   */
  exec(sql: string, ...params: RestBindParameters): number {
    if (params.length > 0) return new Statement(this.#core, sql).run(...params);
    execute(this.#core, sql);
    return this.changes;
  }

  /** Does what {@link Database.exec} does. */
  run(sql: string, ...params: RestBindParameters): number {
    return this.exec(sql, ...params);
  }

  /**
   * Returns a function that runs `fn` in a transaction: committed when it returns, rolled back when it
   * throws. Inside a running transaction it uses a savepoint. `fn` must not return a promise.
   */
  transaction<T extends (this: Transaction<T>, ...args: never[]) => unknown>(
    fn: T,
  ): Transaction<T> {
    const kinds = Object.keys(BEGIN) as TransactionKind[];
    const wrapped = kinds.map((kind) => wrapTransaction(this.#core, fn, BEGIN[kind]));
    const properties: PropertyDescriptorMap = { database: { value: this, enumerable: true } };
    kinds.forEach((kind, i) => properties[kind] = { value: wrapped[i] });
    for (const one of wrapped) Object.defineProperties(one, properties);
    return wrapped[0] as Transaction<T>;
  }

  /**
   * Defines the SQL function `name`; what `fn` throws becomes the error of the statement.
   *
   * @throws {Error} If SQLite refuses the definition.
   */
  function(name: string, fn: CallableFunction, options: FunctionOptions = {}): void {
    const wrapped = wrapFunction(this.#core, fn);
    const { varargs = false, deterministic = false, directOnly = false } = options;
    this.#core.sqlite.function(
      name,
      { varargs, deterministic, directOnly, useBigIntArguments: true },
      wrapped,
    );
  }

  /** Closes the connection and its statements; does nothing when it is closed already. */
  close(): void {
    if (this.open) this.#core.sqlite.close();
  }

  /** Reads the counters by way of a pragma that needs neither the schema nor the file. */
  #counters(): { changes: number | bigint; lastInsertRowid: number | bigint } {
    this.#probe ??= this.#core.sqlite.prepare("PRAGMA busy_timeout") as unknown as ArrayStatement;
    return this.#probe.run();
  }
}

function wrapTransaction<T extends (...args: never[]) => unknown>(
  core: Core,
  fn: T,
  begin: string,
): (this: unknown, ...args: Parameters<T>) => unknown {
  const { sqlite } = core;
  return function sqliteTransaction(this: unknown, ...args: Parameters<T>): unknown {
    const nested = sqlite.isTransaction;
    execute(core, nested ? "SAVEPOINT nested_transaction" : begin);
    try {
      const result = fn.apply(this, args);
      execute(core, nested ? "RELEASE nested_transaction" : "COMMIT");
      return result;
    } catch (error) {
      // SQLite itself has rolled back already after some errors, such as a full disk.
      if (sqlite.isTransaction) {
        if (nested) execute(core, "ROLLBACK TO nested_transaction; RELEASE nested_transaction");
        else execute(core, "ROLLBACK");
      }
      throw error;
    }
  };
}

/** Wraps a user function so that it never throws into SQLite: it returns a value that SQLite refuses. */
function wrapFunction(
  core: Core,
  fn: CallableFunction,
): (...args: unknown[]) => SupportedValueType {
  const refused = {} as unknown as SupportedValueType;
  function sqliteFunction(...args: unknown[]): SupportedValueType {
    try {
      return toFunctionResult(fn(...narrowIntegers(args)));
    } catch (error) {
      core.thrown = error instanceof Error ? error.message : String(error);
      return refused;
    }
  }
  return Object.defineProperty(sqliteFunction, "length", { value: fn.length });
}
