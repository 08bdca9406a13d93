import { type Database, openReader, openWriter, prepared, toNumber } from "./database.ts";
import { readSchemaVersion, SCHEMA_VERSION } from "./migrate.ts";
import { type LibraryRoot, readRoots } from "./roots.ts";

/** What a look at a database tells, without reading all of it. */
export type DatabaseHealth = {
  /** Version of this program's tables: 0 for a database of the original, "empty" for no tables. */
  version: number | "empty";
  /** The version that this program writes. */
  wantedVersion: number;
  images: number;
  trashEntries: number;
  roots: LibraryRoot[];
};

/**
 * Looks at a database and writes nothing. Cost: counting its rows.
 *
 * @throws {AppError} `corrupt`, `conflict`, `newer_version`, `locked`, `not_found`, with the remedy.
 */
export function readDatabaseHealth(path: string): DatabaseHealth {
  const version = readSchemaVersion(path);
  const none = { version, wantedVersion: SCHEMA_VERSION, images: 0, trashEntries: 0, roots: [] };
  if (version === "empty") return none;
  const db = openReader(path);
  try {
    const images = toNumber(db.prepare("SELECT count(*) FROM images").value()?.[0]);
    if (version === 0) return { ...none, images };
    return { ...none, images, trashEntries: countTrash(db), roots: readRoots(db) };
  } finally {
    db.close();
  }
}

/** Version of SQLite. */
export function readSqliteVersion(): string {
  const db = openWriter(":memory:", { create: true });
  try {
    return String(db.prepare("SELECT sqlite_version()").value()?.[0]);
  } finally {
    db.close();
  }
}

/** Entries of the trash, those on their way in or out too. Cost: O(entries), without reading them. */
export function countTrash(db: Database): number {
  return toNumber(prepared(db, "SELECT count(*) FROM trash").value()?.[0]);
}
