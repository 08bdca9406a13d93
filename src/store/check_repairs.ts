import { readUnusedTags } from "./check.ts";
import type { FileState } from "./check_places.ts";
import { type Database, execute, prepared, readTableNames } from "./database.ts";
import { rebuildFullText } from "./full_text.ts";
import { writeJournal } from "./post_history.ts";
import { writeTagColumns } from "./tag_columns.ts";

/** A repair that only the database takes part in. */
export type DatabaseRepair =
  | { kind: "changed_file"; places: (FileState & { imageId: number; filepath: string })[] }
  | { kind: "tag_columns"; imageIds: number[] }
  | { kind: "full_text" }
  | { kind: "orphan_row" }
  | { kind: "unused_tag"; tagIds: number[] }
  /** Files that were repaired outside of the database. */
  | { kind: "files"; repair: string; paths: string[] };

/** Tables whose rows say nothing but that two things belong together, or can be made again. */
const LINK_TABLES = [
  "image_tags",
  "image_sources",
  "image_files",
  "pool_images",
  "favourites",
  "tag_implications",
  "image_relations",
  "duplicate_pairs",
  "similar_images_cache",
  "local_tagger_predictions",
];
/** Things that are gone, of which one entry of the journal holds the rows. */
const IDS_AT_ONCE = 100;

/** Repairs, and writes into the journal what was there before; runs inside the caller's transaction. */
export function repairDatabase(db: Database, repair: DatabaseRepair): { changed: number } {
  switch (repair.kind) {
    case "changed_file":
      return { changed: recordPlaces(db, repair.places) };
    case "tag_columns":
      writeTagColumns(db, repair.imageIds);
      keep(db, { repair: repair.kind, imageIds: repair.imageIds });
      return { changed: repair.imageIds.length };
    case "full_text":
      rebuildFullText(db);
      keep(db, { repair: repair.kind });
      return { changed: 1 };
    case "orphan_row":
      return { changed: removeOrphanRows(db) };
    case "unused_tag":
      return { changed: removeUnusedTags(db, repair.tagIds) };
    case "files":
      keep(db, { repair: repair.repair, paths: repair.paths });
      return { changed: repair.paths.length };
  }
}

/** Keeps what a repair changed. JSON has neither bytes nor whole numbers beyond 2^53. */
function keep(db: Database, steps: Record<string, unknown>): void {
  writeJournal(db, "repair", JSON.parse(JSON.stringify(steps, toPlain)));
}

function toPlain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: value.toHex() };
  return typeof value === "bigint" ? String(value) : value;
}

function recordPlaces(
  db: Database,
  places: (FileState & { imageId: number; filepath: string })[],
): number {
  let changed = 0;
  const before: unknown[] = [];
  for (const { imageId, filepath, sizeBytes, mtimeMs, inode } of places) {
    before.push(
      ...prepared(db, "SELECT * FROM image_files WHERE filepath = ? AND image_id = ?")
        .all(filepath, imageId),
    );
    changed += execute(
      db,
      `UPDATE image_files SET size_bytes = ?, mtime_ms = ?, inode = ?
       WHERE filepath = ? AND image_id = ?`,
      sizeBytes,
      mtimeMs,
      inode,
      filepath,
      imageId,
    );
  }
  keep(db, { repair: "changed_file", before });
  return changed;
}

/** Removes rows of link tables that refer to nothing; what they were is in the journal then. */
function removeOrphanRows(db: Database): number {
  const tables = readTableNames(db);
  let removed = 0;
  for (const table of LINK_TABLES.filter((name) => tables.has(name))) {
    for (const { column, condition } of readOrphanConditions(db, table)) {
      const readIds = db.prepare(
        `SELECT DISTINCT ${column} FROM ${table} WHERE ${condition} LIMIT ${IDS_AT_ONCE}`,
      );
      for (let ids = readIds.values<[unknown]>(); ids.length > 0; ids = readIds.values()) {
        const list = JSON.stringify(ids.flat(), toPlain);
        const isOne = `${column} IN (SELECT value FROM json_each(?))`;
        const rows = db.prepare(`SELECT * FROM ${table} WHERE ${isOne}`).all(list);
        keep(db, { repair: "orphan_row", table, removed: rows });
        removed += db.prepare(`DELETE FROM ${table} WHERE ${isOne}`).run(list);
      }
    }
  }
  return removed;
}

/** For each reference of a table: its column, and what is true of rows that refer to nothing. */
export function readOrphanConditions(
  db: Database,
  table: string,
): { column: string; condition: string }[] {
  return db.prepare(`SELECT "table", "from", "to" FROM pragma_foreign_key_list(?)`)
    .values<[string, string, string]>(table).map(([parent, column, key]) => ({
      column,
      condition: `${column} NOT NULL AND NOT EXISTS (
        SELECT 1 FROM ${parent} AS parent WHERE parent.${key} = ${table}.${column})`,
    }));
}

function removeUnusedTags(db: Database, tagIds: readonly number[]): number {
  const unused = readUnusedTags(db, tagIds).map(({ id }) => id);
  const list = JSON.stringify(unused);
  const removed = db.prepare("SELECT * FROM tags WHERE id IN (SELECT value FROM json_each(?))")
    .all(list);
  keep(db, { repair: "unused_tag", removed });
  return execute(db, "DELETE FROM tags WHERE id IN (SELECT value FROM json_each(?))", list);
}
