import { SOURCE_PRIORITY_NAMES_MAX } from "../base/limits.ts";
import { isTagCategory, type TagCategory } from "../tags/category.ts";
import type { LibraryEntry, LibraryPart } from "../tags/library_file.ts";
import { normalizeTagName } from "../tags/tag_name.ts";
import { type Database, execute, prepared } from "./database.ts";
import { findImplicationPath } from "./implications.ts";
import { findPoolByName } from "./pools.ts";
import { followAliases } from "./tag_rules.ts";

/** What became of some entries of an export's own file. */
export type LibraryPartOutcome = {
  /** Entries that changed something. */
  written: number;
  /** Entries that contradict what the library has, or name images that it does not have. */
  refused: number;
};

/**
 * Writes what belongs to no single image; what the library has already stays as it is, so that doing it
 * twice changes nothing more. Runs inside the caller's transaction.
 */
export function importLibraryPart(db: Database, part: LibraryPart): LibraryPartOutcome {
  const outcome = { written: 0, refused: 0 };
  for (const result of writeEntries(db, part)) {
    if (result === undefined) outcome.refused++;
    else if (result) outcome.written++;
  }
  return outcome;
}

/** Writes the entries of a part one by one: whether each changed anything; undefined: it was refused. */
function writeEntries(db: Database, part: LibraryPart): (boolean | undefined)[] {
  switch (part.section) {
    case "tags":
      return part.entries.map((entry) => writeTag(db, entry));
    case "aliases":
      return part.entries.map((entry) => writeAlias(db, entry));
    case "list_aliases":
      return part.entries.map((entry) => writeListAlias(db, entry));
    case "implications":
      return part.entries.map((entry) => writeImplication(db, entry));
    case "pools":
      return part.entries.map((entry) => writePool(db, entry));
    case "relations":
      return part.entries.map((entry) => writeRelation(db, entry));
    case "deltas":
      return part.entries.map((entry) => writeDelta(db, entry));
    case "source_choices":
      return part.entries.map((entry) => writeSourceChoice(db, entry));
    case "settings":
      return part.entries.map((entry) => writeSetting(db, entry));
  }
}

function toCategory(category: string | null): TagCategory | null {
  return isTagCategory(category) ? category : null;
}

/** Id of a tag, which is made if there is none. */
function findTag(db: Database, text: string, category: string | null): number | undefined {
  const name = normalizeTagName(text);
  if (name === undefined) return undefined;
  execute(
    db,
    "INSERT OR IGNORE INTO tags (name, category) VALUES (?, ?)",
    name,
    toCategory(category) ?? "general",
  );
  return prepared(db, "SELECT id FROM tags WHERE name = ?").value<[number]>(name)![0];
}

function writeTag(db: Database, [name, category, extended]: LibraryEntry<"tags">) {
  const before = prepared(db, "SELECT 1 FROM tags WHERE name = ?").value(name) !== undefined;
  const id = findTag(db, name, category);
  if (id === undefined) return undefined;
  const changed = extended === null ? 0 : execute(
    db,
    "UPDATE tags SET extended_category = ? WHERE id = ? AND extended_category IS NULL",
    extended,
    id,
  );
  return !before || changed > 0;
}

function writeAlias(db: Database, [from, to, status, createdAtMs]: LibraryEntry<"aliases">) {
  const [antecedent, consequent] = [from, to].map(normalizeTagName);
  if (antecedent === undefined || consequent === undefined || antecedent === consequent) {
    return undefined;
  }
  // Two names that mean each other would mean nothing.
  if (followAliases(db, consequent).includes(antecedent)) return undefined;
  return execute(
    db,
    `INSERT OR IGNORE INTO tag_aliases (antecedent, consequent, status, created_at_ms)
     VALUES (?, ?, ?, ?)`,
    antecedent,
    consequent,
    status,
    Math.trunc(createdAtMs),
  ) > 0;
}

function writeListAlias(db: Database, [from, to, numbering]: LibraryEntry<"list_aliases">) {
  const [antecedent, consequent] = [from, to].map(normalizeTagName);
  if (antecedent === undefined || consequent === undefined) return undefined;
  return execute(
    db,
    "INSERT OR IGNORE INTO list_aliases (antecedent, consequent, numbering) VALUES (?, ?, ?)",
    antecedent,
    consequent,
    numbering,
  ) > 0;
}

function writeImplication(db: Database, entry: LibraryEntry<"implications">) {
  const [source, sourceCategory, implied, impliedCategory, ...rest] = entry;
  const [inferenceType, confidence, createdAt, status] = rest;
  const from = findTag(db, source, sourceCategory);
  const to = findTag(db, implied, impliedCategory);
  if (from === undefined || to === undefined || from === to) return undefined;
  if (findImplicationPath(db, { from: to, to: from }) !== undefined) return undefined;
  return execute(
    db,
    `INSERT OR IGNORE INTO tag_implications (source_tag_id, implied_tag_id, inference_type,
       confidence, created_at, status) VALUES (?, ?, ?, ?, ?, ?)`,
    from,
    to,
    inferenceType,
    confidence,
    createdAt,
    status,
  ) > 0;
}

function findImage(db: Database, md5: string): number | undefined {
  return prepared(db, "SELECT id FROM images WHERE md5 = ?").value<[number]>(md5)?.[0];
}

/** A pool of that name gets the images that it does not have, behind its own. */
function writePool(db: Database, { name, description, images }: LibraryEntry<"pools">) {
  const known = findPoolByName(db, name);
  const poolId = known ??
    prepared(db, "INSERT INTO pools (name, description) VALUES (?, ?) RETURNING id")
      .value<[number]>(name, description)![0];
  let written = known === undefined ? 1 : 0;
  let missing = 0;
  for (const [md5, order] of images) {
    const imageId = findImage(db, md5);
    if (imageId === undefined) missing++;
    else if (known === undefined) {
      written += execute(
        db,
        "INSERT OR IGNORE INTO pool_images (pool_id, image_id, sort_order) VALUES (?, ?, ?)",
        poolId,
        imageId,
        order,
      );
    } else {
      written += execute(
        db,
        `INSERT OR IGNORE INTO pool_images (pool_id, image_id, sort_order)
         SELECT ?1, ?2, coalesce(max(sort_order), 0) + 1 FROM pool_images WHERE pool_id = ?1`,
        poolId,
        imageId,
      );
    }
  }
  return missing > 0 ? undefined : written > 0;
}

function writeRelation(
  db: Database,
  [left, right, type, source, createdAt]: LibraryEntry<"relations">,
) {
  const [a, b] = [left, right].map((md5) => findImage(db, md5));
  if (a === undefined || b === undefined) return undefined;
  return execute(
    db,
    `INSERT OR IGNORE INTO image_relations (image_id_a, image_id_b, relation_type, source,
       created_at) VALUES (?, ?, ?, ?, ?)`,
    a,
    b,
    type,
    source,
    createdAt,
  ) > 0;
}

function writeDelta(
  db: Database,
  [md5, operation, text, category, timestamp]: LibraryEntry<"deltas">,
) {
  const name = normalizeTagName(text);
  if (name === undefined) return undefined;
  return execute(
    db,
    `INSERT INTO tag_deltas (image_md5, tag_name, tag_category, operation, timestamp)
     SELECT ?1, ?2, ?3, ?4, coalesce(?5, CURRENT_TIMESTAMP)
     WHERE NOT EXISTS (SELECT 1 FROM tag_deltas WHERE image_md5 = ?1 AND tag_name = ?2)`,
    md5,
    name,
    toCategory(category),
    operation,
    timestamp,
  ) > 0;
}

function writeSourceChoice(db: Database, [md5, source]: LibraryEntry<"source_choices">) {
  return execute(
    db,
    "INSERT OR IGNORE INTO source_choices (image_md5, source) VALUES (?, ?)",
    md5,
    source,
  ) > 0;
}

function writeSetting(db: Database, [key, value]: LibraryEntry<"settings">) {
  if (key === "source_priority" && !isSourcePriority(value)) return undefined;
  return execute(db, "INSERT OR IGNORE INTO library_state (key, value) VALUES (?, ?)", key, value) >
    0;
}

function isSourcePriority(text: string): boolean {
  try {
    const names = JSON.parse(text);
    return Array.isArray(names) && names.length <= SOURCE_PRIORITY_NAMES_MAX &&
      names.every((name) => typeof name === "string");
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
