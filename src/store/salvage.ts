import { isRatingTagName } from "../tags/ratings.ts";
import { readOrphanConditions } from "./check_repairs.ts";
import {
  type Database,
  explain,
  openReader,
  openWriter,
  readColumnNames,
  readTableNames,
  toNumber,
} from "./database.ts";
import { rebuildFullText } from "./full_text.ts";
import { quoteName, readByKeys, readByRowId, type Row, tryRead } from "./read_damaged.ts";
import { TAG_COLUMN_NAMES } from "./tag_columns.ts";

/** What became of the rows of one table. */
export type SalvagedTable = {
  name: string;
  /** Rows in the new database. */
  rows: number;
  /** Rows that refer to what is gone, or that another one contradicts. */
  leftOut: number;
};

/** What {@link salvage} did. */
export type SalvageReport = {
  tables: SalvagedTable[];
  /** What SQLite could not read, by table; empty for a sound database. */
  damage: { table: string; message: string }[];
};

const CHANGE_LOG = "change_log";
/** Tables of this program that say what happened to the old file, not what is in the library. */
const LEFT_BEHIND = new Set([CHANGE_LOG, "library_state", "stale_tag_columns"]);
/** Facts of `library_state` that belong to one database file. */
const OWN_FACTS = ["schema_version", "change_log_trimmed_to"];

/**
 * Copies every row that can be read from one database into a new one that has its tables, yielding the
 * table that it is at. Ids stay; columns and tables that this program does not know come along. Rows of
 * damaged pages come from the indexes where those have them; rows that refer to nothing are left out.
 *
 * `to` belongs to nobody else and its foreign keys are off; it is worth nothing before the end. Cost: about
 * 10 µs a row.
 */
export function* salvage(from: Database, to: Database): Generator<string, SalvageReport> {
  const report: SalvageReport = { tables: [], damage: [] };
  const dropped = dropHelpers(to);
  const tables = readOldTables(from, to, report);
  for (const table of tables) yield* copyTable(from, to, { table, report });
  const damaged = new Set(report.damage.map(({ table }) => table));
  for (const table of tables.filter((name) => damaged.has(name))) {
    yield `${table} (from its indexes)`;
    to.transaction(() => rescueFromIndexes(from, to, table)).immediate();
  }
  if (["images", "tags", "image_tags"].some((table) => damaged.has(table))) {
    yield "tags (from the images)";
    to.transaction(() => linkNamesOfColumns(to)).immediate();
  }
  to.transaction(() => {
    copyFacts(from, to, report);
    copyCounters(from, to, report);
    removeOrphans(to, tables, report);
  }).immediate();
  yield "indexes";
  for (const sql of dropped) to.exec(sql);
  to.transaction(() => rebuildFullText(to)).immediate();
  for (const one of report.tables) one.rows = countRows(to, one.name);
  return report;
}

/** Indexes and triggers go while rows come in by the million; gives what makes them again. */
function dropHelpers(to: Database): string[] {
  const helpers = to.prepare(
    `SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql NOT NULL
       AND tbl_name NOT LIKE 'images\\_fts%' ESCAPE '\\' ORDER BY type, name`,
  ).values<[string, string, string]>();
  for (const [type, name] of helpers) to.exec(`DROP ${type.toUpperCase()} ${quoteName(name)}`);
  return helpers.map(([, , sql]) => sql);
}

/** Names of the tables to copy, with their columns and tables that only the old database has made here. */
function readOldTables(from: Database, to: Database, report: SalvageReport): string[] {
  const known = readTableNames(to);
  const old = read(report, "sqlite_master", () =>
    from.prepare(
      `SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT LIKE 'images\\_fts%' ESCAPE '\\' AND sql NOT LIKE 'CREATE VIRTUAL%'`,
    ).values<[string, string]>()) ?? [];
  const tables = old.filter(([name]) => !LEFT_BEHIND.has(name));
  for (const [name, sql] of tables) {
    if (known.has(name)) addColumns(from, to, name);
    else read(report, name, () => to.exec(sql));
  }
  return tables.map(([name]) => name).filter((name) => readTableNames(to).has(name));
}

function addColumns(from: Database, to: Database, table: string): void {
  const known = readColumnNames(to, table);
  const columns = from.prepare("SELECT name, type FROM pragma_table_info(?)")
    .values<[string, string]>(table);
  for (const [name, type] of columns.filter(([column]) => !known.has(column))) {
    to.exec(`ALTER TABLE ${quoteName(table)} ADD COLUMN ${quoteName(name)} ${type}`);
  }
}

function read<T>(report: SalvageReport, table: string, get: () => T): T | undefined {
  const faults: string[] = [];
  const value = tryRead(get, faults);
  for (const message of faults) note(report, table, message);
  return value;
}

function note(report: SalvageReport, table: string, message: string): void {
  const isKnown = report.damage.some((one) => one.table === table && one.message === message);
  if (!isKnown) report.damage.push({ table, message });
}

function* copyTable(
  from: Database,
  to: Database,
  { table, report }: { table: string; report: SalvageReport },
): Generator<string> {
  const own = readColumnNames(to, table);
  const columns = [...readColumnNames(from, table)].filter((name) => own.has(name));
  const hasRowId = isRowIdTable(from, table);
  const names = hasRowId ? columns : withKeysFirst(from, table, columns);
  const insert = to.prepare(insertSql(table, names));
  const batches = hasRowId
    ? readByRowId(from, table, names)
    : readByKeys(from, quoteName(table), splitKeys(from, table, names));
  let read = 0;
  let isSound = true;
  for (const { rows, faults } of batches) {
    yield table;
    if (faults.length > 0) isSound = false;
    for (const message of faults) note(report, table, message);
    to.transaction(() => {
      for (const row of rows) insert.run(...(hasRowId ? row.slice(1) : row));
    }).immediate();
    read += rows.length;
  }
  // A damaged table is read from both ends, and some of its rows twice.
  const leftOut = isSound ? read - countRows(to, table) : 0;
  report.tables.push({ name: table, rows: 0, leftOut });
}

function insertSql(table: string, names: readonly string[]): string {
  const marks = names.map(() => "?").join(", ");
  return `INSERT OR IGNORE INTO ${quoteName(table)} (${names.map(quoteName).join(", ")})
    VALUES (${marks})`;
}

function isRowIdTable(db: Database, table: string): boolean {
  const row = db.prepare("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'")
    .value<[number]>(table);
  return row?.[0] === 0;
}

function readKeys(db: Database, table: string): string[] {
  return db.prepare("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk")
    .values<[string]>(table).flat();
}

function withKeysFirst(db: Database, table: string, columns: readonly string[]): string[] {
  const keys = readKeys(db, table);
  return [...keys, ...columns.filter((name) => !keys.includes(name))];
}

function splitKeys(
  db: Database,
  table: string,
  names: readonly string[],
): { keys: string[]; columns: string[] } {
  const keys = readKeys(db, table);
  return { keys, columns: names.slice(keys.length) };
}

function countRows(db: Database, table: string): number {
  return toNumber(db.prepare(`SELECT count(*) FROM ${quoteName(table)}`).value<[number]>()![0]);
}

/**
 * Rows that a table lost and its indexes still have: what no index has stays empty, and a row that cannot
 * be without it stays away.
 */
function rescueFromIndexes(from: Database, to: Database, table: string): void {
  const indexes = readIndexes(from, table);
  const id = readIdColumn(from, table);
  if (id === undefined) {
    // Whose rows have no number of their own are what their key says.
    for (const { name, columns } of indexes.filter(({ isUnique }) => isUnique)) {
      const insert = to.prepare(insertSql(table, columns));
      for (const row of readIndex(from, { table, name, columns })) insert.run(...row);
    }
    return;
  }
  const isThere = to.prepare(`SELECT 1 FROM ${quoteName(table)} WHERE ${quoteName(id)} = ?`);
  const found = new Map<number, Map<string, Row[number]>>();
  for (const { name, columns } of indexes) {
    for (const row of readIndex(from, { table, name, columns: [...columns, id] })) {
      const number = toNumber(row.at(-1));
      let values = found.get(number);
      if (values === undefined) {
        if (isThere.value(number) !== undefined) continue;
        found.set(number, values = new Map([[id, number]]));
      }
      for (const [i, column] of columns.entries()) values.set(column, row[i]);
    }
  }
  for (const values of found.values()) {
    if (table === "images" && !values.has("filepath")) {
      // Its file is found by its content.
      values.set("filepath", `missing/${values.get("md5")}`);
    }
    if (table === "library_roots") values.set("mode", "in_place");
    to.prepare(insertSql(table, [...values.keys()])).run(...values.values());
  }
}

/** Column that is the row id itself. */
function readIdColumn(db: Database, table: string): string | undefined {
  const keys = db.prepare("SELECT name, type FROM pragma_table_info(?) WHERE pk > 0")
    .values<[string, string]>(table);
  return keys.length === 1 && keys[0][1].toUpperCase() === "INTEGER" ? keys[0][0] : undefined;
}

type IndexColumns = { name: string; isUnique: boolean; columns: string[] };

/** Indexes that have every row, in ascending order of plain columns. */
function readIndexes(db: Database, table: string): IndexColumns[] {
  const indexes = db.prepare(`SELECT name, "unique" FROM pragma_index_list(?) WHERE partial = 0`)
    .values<[string, number]>(table);
  return indexes.flatMap(([name, isUnique]) => {
    const parts = db.prepare(`SELECT name, "desc" FROM pragma_index_xinfo(?) WHERE key = 1`)
      .values<[string | null, number]>(name);
    const isPlain = parts.every(([column, isDescending]) => column !== null && isDescending === 0);
    const columns = parts.map(([column]) => column!);
    return isPlain ? [{ name, isUnique: isUnique === 1, columns }] : [];
  });
}

/** Entries of an index that have a value in every column. */
function* readIndex(
  from: Database,
  { table, name, columns }: { table: string; name: string; columns: string[] },
): Generator<Row> {
  const source = `${quoteName(table)} INDEXED BY ${quoteName(name)}`;
  const options = { keys: columns, columns: [], areSet: true };
  for (const { rows } of readByKeys(from, source, options)) yield* rows;
}

/** The columns of the images name their tags once more: what the links lost comes from there. */
function linkNamesOfColumns(to: Database): void {
  const findTag = to.prepare("SELECT id FROM tags WHERE name = ?");
  const addTag = to.prepare("INSERT INTO tags (name, category) VALUES (?, ?) RETURNING id");
  const link = to.prepare(
    "INSERT OR IGNORE INTO image_tags (image_id, tag_id, source) VALUES (?, ?, 'original')",
  );
  for (const { rows } of readByRowId(to, "images", TAG_COLUMN_NAMES)) {
    for (const [imageId, ...texts] of rows) {
      for (const [i, text] of texts.entries()) {
        const names = String(text ?? "").split(/\s+/).filter((word) => word !== "");
        for (const name of names.filter((word) => !isRatingTagName(word))) {
          const category = TAG_COLUMN_NAMES[i].slice("tags_".length);
          const [tagId] = findTag.value<[number]>(name) ?? addTag.value<[number]>(name, category)!;
          link.run(imageId, tagId);
        }
      }
    }
  }
}

function copyFacts(from: Database, to: Database, report: SalvageReport): void {
  const facts = read(report, "library_state", () => {
    if (!readTableNames(from).has("library_state")) return [];
    return from.prepare("SELECT key, value FROM library_state").values<[string, string]>();
  }) ?? [];
  const insert = to.prepare(
    `INSERT INTO library_state (key, value) VALUES (?, ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  );
  for (const [key, value] of facts) if (!OWN_FACTS.includes(key)) insert.run(key, value);
}

/** A number that was given once is given to nothing else, though what had it is gone. */
function copyCounters(from: Database, to: Database, report: SalvageReport): void {
  const counters = read(
    report,
    "sqlite_sequence",
    () => from.prepare("SELECT name, seq FROM sqlite_sequence").values<[string, number]>(),
  ) ?? [];
  const tables = readTableNames(to);
  for (const [name, seq] of counters) {
    if (name !== CHANGE_LOG && tables.has(name)) raiseCounter(to, name, toNumber(seq));
  }
  const position = toNumber(counters.find(([name]) => name === CHANGE_LOG)?.[1]) + 1;
  // Whoever followed the old log must not take the new one for its continuation.
  raiseCounter(to, CHANGE_LOG, position);
  to.exec(
    `INSERT INTO library_state (key, value) VALUES ('change_log_trimmed_to', ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    String(position),
  );
}

/** Lets a table give numbers above this one only. */
export function raiseCounter(db: Database, table: string, to: number): void {
  const known = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = ?").value<[number]>(table);
  if (known === undefined) {
    db.exec("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, to);
  } else if (toNumber(known[0]) < to) {
    db.exec("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", to, table);
  }
}

/** Removes rows that refer to nothing, until none does: a row that goes may have been referred to. */
function removeOrphans(to: Database, tables: readonly string[], report: SalvageReport): void {
  for (let isClean = false; !isClean;) {
    isClean = true;
    for (const table of tables) {
      for (const { condition } of readOrphanConditions(to, table)) {
        const removed = to.prepare(`DELETE FROM ${quoteName(table)} WHERE ${condition}`).run();
        if (removed === 0) continue;
        isClean = false;
        report.tables.find(({ name }) => name === table)!.leftOut += removed;
      }
    }
  }
}

/** A database that is being copied into another one. */
export class Salvage {
  readonly #from: Database;
  readonly #to: Database;
  readonly #path: string;
  readonly #steps: Generator<string, SalvageReport>;

  /** Opens both; the new one must have its tables already. */
  constructor(paths: { from: string; to: string }) {
    this.#path = paths.to;
    this.#from = openReader(paths.from);
    this.#to = openWriter(paths.to);
    // What the copy is worth is known at its end, and the old one stays till then.
    this.#to.exec("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF");
    this.#steps = salvage(this.#from, this.#to);
  }

  /**
   * Copies for about so long; gives the table it is at, and the report when it is done.
   *
   * @throws {AppError} `disk_full` … naming the new database.
   */
  step(durationMs: number): { table: string; report: SalvageReport | null } {
    const endAt = performance.now() + durationMs;
    try {
      for (;;) {
        const { done, value } = this.#steps.next();
        if (done) return { table: "", report: value };
        if (performance.now() >= endAt) return { table: value, report: null };
      }
    } catch (error) {
      throw explain(error, this.#path);
    }
  }

  /** Lets go of both. */
  close(): void {
    this.#from.close();
    this.#to.close();
  }
}
