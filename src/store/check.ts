import { AppError } from "../base/errors.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { normalizeTagName } from "../tags/tag_name.ts";
import {
  type Database,
  explain,
  inReadTransaction,
  openReader,
  prepared,
  readTableNames,
} from "./database.ts";
import { findFullTextFaults } from "./full_text.ts";
import { TAG_COLUMN_NAMES } from "./tag_columns.ts";

/** What can be wrong within a database. */
export type DatabaseFaultKind =
  | "integrity"
  | "orphan_row"
  | "full_text"
  | "tag_columns"
  | "duplicate_tag"
  | "unused_tag"
  | "shared_path";

/** One thing that is wrong within a database; `id` is an image's or a tag's, as the kind says. */
export type DatabaseFault = {
  kind: DatabaseFaultKind;
  path: string | null;
  id: number | null;
  message: string;
};

/** Parts of {@link examineDatabase}, each some seconds of a large library. */
export const DATABASE_PARTS = [
  "integrity",
  "references",
  "fullText",
  "tagColumns",
  "tags",
  "places",
] as const;

/** One of {@link DATABASE_PARTS}. */
export type DatabasePart = (typeof DATABASE_PARTS)[number];

const EXAMINE: Record<DatabasePart, (db: Database) => DatabaseFault[]> = {
  integrity: findDamage,
  references: findOrphanRows,
  fullText: (db) =>
    findFullTextFaults(db).map(({ imageId, filepath, message }) => ({
      kind: "full_text",
      path: filepath,
      id: imageId,
      message,
    })),
  tagColumns: findWrongColumns,
  tags: (db) => [...findDuplicateTags(db), ...findUnusedTags(db)],
  places: findSharedPaths,
};

/** Lines of SQLite's report that are read; a database with as many needs no more of them. */
const DAMAGE_LINES_MAX = 1_000;
const IMAGES_AT_ONCE = 1_000;
const TAGS_AT_ONCE = 10_000;

/**
 * Examines a part of a database as of one moment; damage that stops it is an answer too.
 *
 * On a connection of its own: SQLite compares the full-text table with what an older connection
 * remembers of it, and calls a sound one damaged. Blocks its thread for seconds: for a worker.
 *
 * @throws {AppError} `not_found`, `locked` … if the database cannot be read at all.
 */
export function examineDatabase(path: string, part: DatabasePart): DatabaseFault[] {
  let db: Database | undefined;
  try {
    db = openReader(path);
    const reader = db;
    return inReadTransaction(reader, () => EXAMINE[part](reader));
  } catch (error) {
    const known = explain(error, path);
    if (!(known instanceof AppError) || known.code !== "corrupt") throw known;
    return [{ kind: "integrity", path: null, id: null, message: known.message }];
  } finally {
    db?.close();
  }
}

/** Names of the tables of a database; none if it cannot be opened. */
export function listTables(path: string): string[] {
  let db: Database | undefined;
  try {
    db = openReader(path);
    return [...readTableNames(db)];
  } catch (error) {
    const known = explain(error, path);
    if (known instanceof AppError && known.code === "corrupt") return [];
    throw known;
  } finally {
    db?.close();
  }
}

function findDamage(db: Database): DatabaseFault[] {
  const lines = db.prepare(`PRAGMA integrity_check(${DAMAGE_LINES_MAX})`).values<[string]>();
  return lines.filter(([line]) => line !== "ok").map(([line]) => ({
    kind: /fts5|images_fts/i.test(line) ? "full_text" : "integrity",
    path: null,
    id: null,
    message: `SQLite says: ${line}`,
  }));
}

function findOrphanRows(db: Database): DatabaseFault[] {
  const rows = db.prepare("PRAGMA foreign_key_check").values<[string, number | null, string]>();
  return rows.map(([table, row, parent]) => ({
    kind: "orphan_row",
    path: null,
    id: null,
    message: `A row of ${table}${
      row === null ? "" : ` (${row})`
    } refers to ${parent} that are gone`,
  }));
}

type Link = [imageId: number, name: string, category: string | null];

/** An image whose columns are not its tags. */
export type WrongColumns = { id: number; path: string; column: string };

function findWrongColumns(db: Database): DatabaseFault[] {
  // Those that wait to be written are no fault.
  const stale = new Set(
    db.prepare("SELECT image_id FROM stale_tag_columns").values<[number]>().map(([id]) => id),
  );
  const faults: DatabaseFault[] = [];
  for (let afterId = Number.MIN_SAFE_INTEGER;;) {
    const { wrong, lastId } = compareTagColumns(db, { afterId, limit: IMAGES_AT_ONCE });
    for (const { id, path, column } of wrong) {
      if (stale.has(id)) continue;
      const message = `The column ${column} is not what the image's tags say`;
      faults.push({ kind: "tag_columns", path, id, message });
    }
    if (lastId === null) return faults;
    afterId = lastId;
  }
}

/**
 * Compares the columns of some images with their tags; `lastId` is null behind the last image. The names'
 * order does not matter: the original writes them in another one.
 */
export function compareTagColumns(
  db: Database,
  { afterId, limit }: { afterId: number; limit: number },
): { wrong: WrongColumns[]; lastId: number | null } {
  const images = prepared(
    db,
    `SELECT id, filepath, ${TAG_COLUMN_NAMES.map((name) => `coalesce(${name}, '')`).join(", ")}
     FROM images WHERE id > ? ORDER BY id LIMIT ?`,
  ).values<[number, string, ...string[]]>(afterId, limit);
  if (images.length === 0) return { wrong: [], lastId: null };
  const lastId = images.at(-1)![0];
  const links = Map.groupBy(
    prepared(
      db,
      `SELECT image_id, name, category FROM image_tags JOIN tags ON tags.id = tag_id
       WHERE image_id BETWEEN ? AND ?`,
    ).values<Link>(images[0][0], lastId),
    ([imageId]) => imageId,
  );
  const wrong = images.flatMap(([id, path, ...texts]) => {
    const column = findDifference(links.get(id) ?? [], texts);
    return column === undefined ? [] : [{ id, path, column }];
  });
  return { wrong, lastId };
}

/** Name of the first column whose names differ. Ratings, and categories without a column, do not count. */
function findDifference(links: readonly Link[], texts: readonly string[]): string | undefined {
  const isIgnored = new Set<string>();
  const wanted = TAG_COLUMN_NAMES.map(() => new Set<string>());
  for (const [, name, category] of links) {
    const column = TAG_COLUMN_NAMES.indexOf(`tags_${category ?? "general"}` as "tags_general");
    for (const word of name.split(/\s+/)) {
      if (column < 0 || isRatingTagName(name)) isIgnored.add(word);
      else wanted[column].add(word);
    }
  }
  return TAG_COLUMN_NAMES.find((_, i) => {
    const words = texts[i].split(/\s+/).filter((word) => word !== "");
    const found = new Set(
      words.filter((word) =>
        wanted[i].has(word) || !(isIgnored.has(word) || isRatingTagName(word))
      ),
    );
    return found.symmetricDifference(wanted[i]).size > 0;
  });
}

function findDuplicateTags(db: Database): DatabaseFault[] {
  const byName = new Map<string, { id: number; name: string }[]>();
  const read = db.prepare(
    `SELECT id, name FROM tags WHERE id > ? ORDER BY id LIMIT ${TAGS_AT_ONCE}`,
  );
  for (let after = Number.MIN_SAFE_INTEGER;;) {
    const tags = read.values<[number, string]>(after);
    if (tags.length === 0) break;
    for (const [id, name] of tags) {
      const normal = normalizeTagName(name) ?? name;
      const same = byName.get(normal);
      if (same === undefined) byName.set(normal, [{ id, name }]);
      else same.push({ id, name });
    }
    after = tags.at(-1)![0];
  }
  return [...byName].filter(([, same]) => same.length > 1).flatMap(([normal, same]) => {
    const kept = same.find(({ name }) => name === normal) ?? same[0];
    return same.filter((tag) => tag !== kept).map(({ id, name }) => ({
      kind: "duplicate_tag" as const,
      path: null,
      id,
      message: `The tag ${JSON.stringify(name)} is ${
        JSON.stringify(kept.name)
      } in another spelling`,
    }));
  });
}

/** Tags that no image has and no alias or implication needs. */
const UNUSED_TAGS = `SELECT id, name FROM tags
  WHERE NOT EXISTS (SELECT 1 FROM image_tags WHERE tag_id = tags.id)
    AND NOT EXISTS (SELECT 1 FROM tag_implications WHERE source_tag_id = tags.id)
    AND NOT EXISTS (SELECT 1 FROM tag_implications WHERE implied_tag_id = tags.id)
    AND NOT EXISTS (SELECT 1 FROM tag_aliases WHERE antecedent = tags.name)
    AND name NOT IN (SELECT consequent FROM tag_aliases)`;

function findUnusedTags(db: Database): DatabaseFault[] {
  return db.prepare(`${UNUSED_TAGS} ORDER BY id`).values<[number, string]>().map(([id, name]) => ({
    kind: "unused_tag",
    path: null,
    id,
    message: `No image has the tag ${JSON.stringify(name)}`,
  }));
}

/** Of these tags, those that are still used by nothing. */
export function readUnusedTags(
  db: Database,
  tagIds: readonly number[],
): { id: number; name: string }[] {
  return db.prepare(`${UNUSED_TAGS} AND id IN (SELECT value FROM json_each(?))`)
    .values<[number, string]>(JSON.stringify(tagIds)).map(([id, name]) => ({ id, name }));
}

function findSharedPaths(db: Database): DatabaseFault[] {
  return db.prepare(
    `SELECT files.filepath, images.id, files.image_id FROM image_files AS files
     JOIN images ON images.filepath = files.filepath AND images.id <> files.image_id`,
  ).values<[string, number, number]>().map(([path, id, other]) => ({
    kind: "shared_path",
    path,
    id,
    message: `It is the file of image ${id}, and a place of image ${other}`,
  }));
}
