/** Prepared statements of `@db/sqlite`, over those of `node:sqlite`. */
import { type Core, toPublicError } from "./_sqlite_connection.ts";
import {
  buildObject,
  narrowIntegers,
  type RestBindParameters,
  toParameters,
} from "./_sqlite_values.ts";

/** What a `node:sqlite` statement offers once it returns arrays; its published types lack that mode. */
export interface ArrayStatement {
  /** The SQL text as it was given. */
  readonly sourceSQL: string;
  /** The SQL text with the bound values filled in. */
  readonly expandedSQL: string;
  /** Returns all rows. */
  all(...params: unknown[]): unknown[][];
  /** Returns the first row. */
  get(...params: unknown[]): unknown[] | undefined;
  /** Runs the statement and returns the counters of the connection. */
  run(...params: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  /** Describes the columns. */
  columns(): { name: string }[];
  /** Chooses rows as arrays. */
  setReturnArrays(enabled: boolean): void;
  /** Chooses integers as BigInt. */
  setReadBigInts(enabled: boolean): void;
}

/** Statements that only read by their first words, and so may be run a second time. */
const READS_ONLY =
  /^\s*(?:SELECT|VALUES|PRAGMA|EXPLAIN|WITH(?![^]*\b(?:INSERT|UPDATE|DELETE|REPLACE)\b))\b/i;

/** A prepared statement, made by `Database.prepare()`. */
export class Statement<TStatement extends object = Record<string, unknown>> {
  readonly #core: Core;
  #inner: ArrayStatement | undefined;
  #names: string[] = [];
  #wide: boolean;

  /**
   * Prepares `sql`; callers use `Database.prepare()`.
   *
   * @throws {Error} If the SQL is not valid.
   */
  constructor(core: Core, sql: string) {
    this.#core = core;
    this.#inner = this.#core.sqlite.prepare(sql) as unknown as ArrayStatement;
    this.#inner.setReturnArrays(true);
    this.#wide = !READS_ONLY.test(sql);
    if (this.#wide) this.#inner.setReadBigInts(true);
  }

  /** The SQL text with the bound values filled in. */
  get expandedSql(): string {
    return this.#usable().expandedSQL;
  }

  /** The SQL text as it was given. */
  get sql(): string {
    return this.#usable().sourceSQL;
  }

  /** Runs the statement and returns how many rows it changed. */
  run(...args: RestBindParameters): number {
    const inner = this.#usable();
    const params = toParameters(args);
    try {
      return Number(inner.run(...params).changes);
    } catch (error) {
      throw toPublicError(this.#core, error);
    }
  }

  /** Returns the rows as arrays of columns. */
  values<T extends unknown[] = unknown[]>(...args: RestBindParameters): T[] {
    return this.#rows(args) as T[];
  }

  /** Returns the rows as objects. */
  all<T extends object = TStatement>(...args: RestBindParameters): T[] {
    const rows = this.#rows(args);
    if (rows.length === 0) return [];
    const names = this.columnNames();
    return rows.map((row) => buildObject(names, row)) as T[];
  }

  /** Returns the first row as an array of columns, or undefined. */
  value<T extends unknown[]>(...args: RestBindParameters): T | undefined {
    return this.#row(args) as T | undefined;
  }

  /** Returns the first row as an object, or undefined. */
  get<T extends object = TStatement>(...args: RestBindParameters): T | undefined {
    const row = this.#row(args);
    if (row === undefined) return undefined;
    if (this.#names.length !== row.length) this.#names = this.columnNames();
    return buildObject(this.#names, row) as T;
  }

  /** Yields the rows as objects; all of them are read at the first step. */
  *iter(...args: RestBindParameters): IterableIterator<TStatement> {
    const rows = this.#rows(args);
    const names = this.columnNames();
    for (const row of rows) yield buildObject(names, row) as TStatement;
  }

  /** Returns the names of the columns. */
  columnNames(): string[] {
    return this.#usable().columns().map((column) => column.name);
  }

  /** Frees the statement; every later call but this one throws. */
  finalize(): void {
    this.#inner = undefined;
  }

  /** Returns the SQL text with the bound values filled in. */
  toString(): string {
    return this.expandedSql;
  }

  /** Yields the rows as objects. */
  [Symbol.iterator](): IterableIterator<TStatement> {
    return this.iter();
  }

  /** Frees the statement. */
  [Symbol.dispose](): void {
    this.finalize();
  }

  #usable(): ArrayStatement {
    if (this.#inner === undefined) throw new Error("Cannot use the statement: it is finalized");
    return this.#inner;
  }

  #rows(args: RestBindParameters): unknown[][] {
    const inner = this.#usable();
    const params = toParameters(args);
    try {
      if (!this.#wide) return inner.all(...params);
    } catch (error) {
      this.#widen(error);
    }
    try {
      const rows = inner.all(...params);
      for (const row of rows) narrowIntegers(row);
      return rows;
    } catch (error) {
      throw toPublicError(this.#core, error);
    }
  }

  #row(args: RestBindParameters): unknown[] | undefined {
    const inner = this.#usable();
    const params = toParameters(args);
    try {
      if (!this.#wide) return inner.get(...params);
    } catch (error) {
      this.#widen(error);
    }
    try {
      const row = inner.get(...params);
      return row === undefined ? undefined : narrowIntegers(row);
    } catch (error) {
      throw toPublicError(this.#core, error);
    }
  }

  /** Reads integers as BigInt from now on if that is what failed, else throws the error. */
  #widen(error: unknown): void {
    const outOfRange = error instanceof RangeError && "code" in error &&
      error.code === "ERR_OUT_OF_RANGE";
    if (!outOfRange) throw toPublicError(this.#core, error);
    this.#usable().setReadBigInts(true);
    this.#wide = true;
  }
}
