import { backupTo } from "#sqlite-backup";
import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import {
  type Database,
  explain,
  openReader,
  openWriter,
  readColumnNames,
  readTableNames,
  toNumber,
} from "./database.ts";
import { MIGRATION_0001 } from "./migrations/0001_own_tables.ts";
import { MIGRATION_0002 } from "./migrations/0002_search_tables.ts";
import { MIGRATION_0003 } from "./migrations/0003_management_tables.ts";
import { CHIBIBOORU_SCHEMA, PAGE_SIZE_BYTES, REQUIRED_TABLES } from "./schema.ts";

/** Numbered from 1, each additive; a released one is never changed. */
const MIGRATIONS: readonly string[] = [
  MIGRATION_0001,
  MIGRATION_0002,
  MIGRATION_0003,
];

/** The version of the database that this program writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** What {@link prepareDatabase} did. */
export type Preparation = {
  /** `created`: there was no database; `migrated`: it got this program's tables; `ready`: as it was. */
  kind: "created" | "migrated" | "ready";
  /** Verified copy made before a migration. */
  backupPath: string | null;
};

/**
 * Makes sure that the database exists and has everything this program needs. An existing ChibiBooru
 * database keeps its tables, rows and constraints: tables are added in one transaction, after a copy was
 * made beside it and checked.
 *
 * @throws {AppError} `newer_version`, `corrupt`, `locked`, `read_only`, `disk_full`, `conflict` (another
 *   program's database); nothing was written then.
 */
export async function prepareDatabase(path: string, backupPath: string): Promise<Preparation> {
  if (!(await isFile(path))) return createDatabase(path);
  const version = readSchemaVersion(path);
  if (version === SCHEMA_VERSION) return { kind: "ready", backupPath: null };
  if (version === "empty") return createDatabase(path);
  const db = openWriter(path);
  try {
    // Taken first, so that a locked or read-only database is known before a large copy is made.
    db.transaction(() => {}).immediate();
    await backupTo(db, backupPath);
    checkCopy(db, backupPath);
    // A reader must not block the writer, nor the other way round.
    db.exec("PRAGMA journal_mode = WAL");
    db.transaction(() => migrate(db, version)).immediate();
    return { kind: "migrated", backupPath };
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

/**
 * Checks that a database can be used as it is, and writes nothing.
 *
 * @throws {AppError} `conflict` if {@link prepareDatabase} would change it; else as that does.
 */
export function checkReady(path: string): Preparation {
  const version = readSchemaVersion(path);
  if (version === SCHEMA_VERSION) return { kind: "ready", backupPath: null };
  if (version === "empty") {
    throw new AppError("corrupt", `Cannot use the database ${path}: it is empty`, {
      remedy: `Put back a backup with: ${commandLine("restore latest")}. Without one: ` +
        commandLine("rebuild"),
    });
  }
  throw new AppError("conflict", `Cannot use ${path} without writing: it needs tables of its own`, {
    remedy: "Serve the library once, or import without --dry-run: a backup is made first",
  });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function createDatabase(path: string): Preparation {
  const db = openWriter(path, { create: true });
  try {
    db.exec(`PRAGMA page_size = ${PAGE_SIZE_BYTES}`);
    db.exec("PRAGMA journal_mode = WAL");
    db.transaction(() => migrate(db, 0)).immediate();
    return { kind: "created", backupPath: null };
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

/**
 * Version of an existing database, read without writing anything: 0 = ChibiBooru's own.
 *
 * @throws {AppError} `conflict` for another program's database, `newer_version`, `corrupt` …
 */
export function readSchemaVersion(path: string): number | "empty" {
  const db = openReader(path);
  try {
    const tables = readTableNames(db);
    if (tables.size === 0) return "empty";
    const missing = REQUIRED_TABLES.filter((name) => !tables.has(name));
    if (missing.length > 0) {
      throw new AppError(
        "conflict",
        `${path} is no ChibiBooru database: it has no table ${missing[0]}`,
        {
          remedy: "Choose another folder with --library",
        },
      );
    }
    if (!tables.has("library_state")) return 0;
    const version = toNumber(
      db.prepare("SELECT value FROM library_state WHERE key = 'schema_version'").value()?.[0],
    );
    if (version > SCHEMA_VERSION) {
      throw new AppError(
        "newer_version",
        `${path} has version ${version}; this program knows versions up to ${SCHEMA_VERSION}`,
        { remedy: "Use the newer ChibiBooru that wrote it, or put back a backup (data/backups)" },
      );
    }
    return version;
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}

/** A copy that cannot be read is no backup. */
function checkCopy(original: Database, path: string): void {
  const copy = openReader(path);
  try {
    const verdict = copy.prepare("PRAGMA quick_check(1)").value<[string]>()?.[0];
    const isSame = [...REQUIRED_TABLES].every((table) => {
      const count = (db: Database) =>
        toNumber(db.prepare(`SELECT count(*) FROM ${table}`).value()?.[0]);
      return count(original) === count(copy);
    });
    if (verdict !== "ok" || !isSame) {
      throw new AppError("corrupt", `The backup ${path} is not like the database: ${verdict}`, {
        remedy: "Nothing was changed. Check the disk, and the database with: sqlite3 FILE .recover",
      });
    }
  } finally {
    copy.close();
  }
}

function migrate(db: Database, from: number): void {
  if (from === 0) {
    addMissingColumns(db);
    const hadFullText = readTableNames(db).has("images_fts");
    db.exec(CHIBIBOORU_SCHEMA);
    if (!hadFullText) fillFullText(db);
  }
  for (const sql of MIGRATIONS.slice(from)) db.exec(sql);
  db.exec(
    `INSERT INTO library_state (key, value) VALUES ('schema_version', ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    String(SCHEMA_VERSION),
  );
}

/** Columns that early versions of the original added later, as the original itself adds them. */
const LATER_COLUMNS: [table: string, column: string, type: string][] = [
  ...["character", "copyright", "artist", "species", "meta", "general"].map((
    name,
  ): [string, string, string] => ["images", `tags_${name}`, "TEXT"]),
  ["images", "score", "INTEGER"],
  ["images", "fav_count", "INTEGER"],
  ["images", "phash", "TEXT"],
  ["images", "colorhash", "TEXT"],
  ["images", "image_width", "INTEGER"],
  ["images", "image_height", "INTEGER"],
  ["images", "upscaled_width", "INTEGER"],
  ["images", "upscaled_height", "INTEGER"],
  ["images", "ingested_at", "TIMESTAMP"],
  ["tags", "extended_category", "TEXT"],
  [
    "image_tags",
    "source",
    "TEXT DEFAULT 'original' CHECK(source IN ('original', 'user', 'ai_inference', 'implication'))",
  ],
  ["tag_implications", "inference_type", "TEXT DEFAULT 'manual'"],
  ["tag_implications", "confidence", "REAL DEFAULT 1.0"],
  ["tag_implications", "status", "TEXT DEFAULT 'active'"],
];

function addMissingColumns(db: Database): void {
  for (const [table, column, type] of LATER_COLUMNS) {
    const known = readColumnNames(db, table);
    if (known.size > 0 && !known.has(column)) {
      db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
    }
  }
}

/** Fills the full-text table of a database that had none. */
function fillFullText(db: Database): void {
  const columns = ["character", "copyright", "artist", "species", "meta", "general"]
    .map((name) => `coalesce(tags_${name}, '')`);
  db.exec(
    `INSERT INTO images_fts (filepath, tags_all, tags_character, tags_copyright, tags_artist,
       tags_species, tags_meta, tags_general)
     SELECT filepath, ${columns.join(" || ' ' || ")}, ${columns.join(", ")} FROM images`,
  );
}
