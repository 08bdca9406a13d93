import { AppError, toMessage } from "../base/errors.ts";
import { type Database, explain, toNumber } from "./database.ts";

/** One row as SQLite gives it. */
export type Row = (string | number | bigint | null | Uint8Array)[];

/** Rows read one after the other, and what was met that cannot be read. */
export type DamagedRead = { rows: Row[]; faults: string[] };

const ROWS_AT_ONCE = 2_000;
/** Ids are below 2^53; a step of this many beyond a damaged page finds all that follows. */
const STEPS_MAX = 53;

/** Names a table or column in SQL, whatever its name is. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Runs a read; damage gives undefined and is noted, anything else is thrown. */
export function tryRead<T>(read: () => T, faults: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    const known = explain(error, "the database");
    if (!(known instanceof AppError) || known.code !== "corrupt") throw known;
    const message = toMessage(error);
    if (!faults.includes(message)) faults.push(message);
    return undefined;
  }
}

/** From where, and in which direction, a table is read by its row ids. */
type Side = { start: number; sign: 1 | -1 };

/** Ids begin at 1; those below zero are read too, since nobody forbids them. */
const SIDES: readonly Side[] = [{ start: 0, sign: 1 }, { start: -1, sign: -1 }];

/**
 * Reads a table by its row ids, and goes on behind pages that are damaged: rows of other pages are still
 * found by their ids. Each row begins with its id; ids from 0 come first, ascending.
 */
export function* readByRowId(
  db: Database,
  table: string,
  columns: readonly string[],
): Generator<DamagedRead> {
  const list = ["rowid", ...columns.map(quoteName)].join(", ");
  for (const side of SIDES) {
    // An id that a sound page has must be asked for by itself: its neighbour may be on a damaged one.
    const [mark, direction] = side.sign === 1 ? [">=", "ASC"] : ["<=", "DESC"];
    const sql = (limit: number) =>
      `SELECT ${list} FROM ${quoteName(table)} NOT INDEXED WHERE rowid ${mark} ?
       ORDER BY rowid ${direction} LIMIT ${limit}`;
    yield* readSide(db, { side, many: sql(ROWS_AT_ONCE), one: sql(1) });
  }
}

function* readSide(
  db: Database,
  sql: { side: Side; many: string; one: string },
): Generator<DamagedRead> {
  const many = db.prepare(sql.many);
  const one = db.prepare(sql.one);
  const { sign } = sql.side;
  for (let from = sql.side.start;;) {
    const faults: string[] = [];
    let rows = tryRead(() => many.values<Row>(from), faults);
    if (rows !== undefined && rows.length === 0) return;
    // One by one up to the damage, then with growing steps over it.
    rows ??= [tryRead(() => one.value<Row>(from), faults)].filter((row) => row !== undefined);
    if (rows.length === 0) {
      const next = stepOver((id) => tryRead(() => one.value<Row>(id), faults), {
        start: from,
        sign,
      });
      if (next === null) {
        yield { rows: [], faults };
        return;
      }
      from = next;
    } else from = toNumber(rows.at(-1)![0]) + sign;
    yield { rows, faults };
  }
}

/** The nearest row id from which rows can be read again; null: there are none. */
function stepOver(
  read: (from: number) => Row | undefined,
  { start, sign }: Side,
): number | null {
  let bad = 0;
  for (let step = 0; step < STEPS_MAX; step++) {
    const distance = 2 ** step;
    if (read(start + sign * distance) === undefined) {
      bad = distance;
      continue;
    }
    let good = distance;
    while (good - bad > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (read(start + sign * middle) === undefined) bad = middle;
      else good = middle;
    }
    return start + sign * good;
  }
  return null;
}

/**
 * Reads by an index, or a table without row ids, from both ends up to what is damaged. `keys` are columns
 * that no two rows share; each row begins with them. With `areSet` rows without a value in one are left out.
 */
export function* readByKeys(
  db: Database,
  from: string,
  { keys, columns, areSet = false }: {
    keys: readonly string[];
    columns: readonly string[];
    areSet?: boolean;
  },
): Generator<DamagedRead> {
  const key = keys.map(quoteName).join(", ");
  const list = [...keys, ...columns].map(quoteName).join(", ");
  const marks = keys.map(() => "?").join(", ");
  const condition = areSet ? keys.map((name) => `${quoteName(name)} NOT NULL`).join(" AND ") : "1";
  for (const [sign, direction] of [[">", "ASC"], ["<", "DESC"]]) {
    const order = keys.map((name) => `${quoteName(name)} ${direction}`).join(", ");
    const end = `ORDER BY ${order} LIMIT`;
    const first = `SELECT ${list} FROM ${from} WHERE ${condition} ${end}`;
    const next =
      `SELECT ${list} FROM ${from} WHERE ${condition} AND (${key}) ${sign} (${marks}) ${end}`;
    const faults: string[] = [];
    let last: Row | undefined;
    for (let limit = ROWS_AT_ONCE; limit > 0;) {
      const [sql, given]: [string, Row] = last === undefined ? [first, []] : [next, last];
      const rows = tryRead(() => db.prepare(`${sql} ${limit}`).values<Row>(...given), faults);
      if (rows === undefined) {
        limit = Math.floor(limit / 2);
        continue;
      }
      if (rows.length > 0) yield { rows, faults: [] };
      if (rows.length < limit) break;
      last = rows.at(-1)!.slice(0, keys.length);
    }
    if (faults.length === 0) return;
    yield { rows: [], faults };
  }
}
