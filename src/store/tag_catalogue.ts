import { isTagCategory, type TagCategory } from "../tags/category.ts";
import type { TagNumbering } from "../tags/tag_numbering.ts";
import { type Database, execute, prepared } from "./database.ts";
import { ListAliases } from "./list_aliases.ts";

/*
 * What lists of sites say of names. Each list keeps its own rows, by its numbering, so that the order in
 * which lists are imported does not matter and a newer copy of a list replaces the older one.
 *
 * Everything that a batch needs to know is read with a few statements over a bound JSON array, decided in
 * memory, and only differences are written: a second import of a list reads and writes nothing.
 */

/** A row of a list that can be stored. */
export type CatalogueRow = {
  /** Line of the list, for warnings. */
  line: number;
  name: string;
  category: TagCategory;
  count: number | null;
  aliases: string[];
};

/** What rows of a list changed, or would change. */
export type CatalogueChanges = {
  /** Names that the catalogue did not have from this kind of list; other category or count; as before. */
  added: number;
  updated: number;
  unchanged: number;
  /** Tags of the library that were general and have a category now. */
  categoriesChanged: number;
  aliasesAdded: number;
  aliasesUpdated: number;
  aliasesUnchanged: number;
  /** Aliases of lists that went, since their name is a tag. */
  aliasesRemoved: number;
  /** Aliases that were not stored; most have a warning. */
  aliasesLeftOut: number;
};

/** Something about a line that is no fault of the list but was not done as it stands there. */
export type ListWarning = { line: number; message: string };

/** What all batches of one import share. */
export type CatalogueImport = {
  numbering: TagNumbering;
  /** Names of the whole list, with their lines. */
  names: ReadonlyMap<string, number>;
  /** Aliases that this import stored, antecedent → consequent. */
  stored: Map<string, string>;
  /** Reads everything and writes nothing. */
  isDryRun: boolean;
};

/** Counts of nothing. */
export function noCatalogueChanges(): CatalogueChanges {
  return {
    added: 0,
    updated: 0,
    unchanged: 0,
    categoriesChanged: 0,
    aliasesAdded: 0,
    aliasesUpdated: 0,
    aliasesUnchanged: 0,
    aliasesRemoved: 0,
    aliasesLeftOut: 0,
  };
}

/**
 * Writes rows of a list: the catalogue, the categories of tags that had none or were general, and aliases.
 * Images of such tags are noted in `stale_tag_columns`. Runs inside the caller's transaction.
 *
 * Cost: about 8 µs a row and as much an alias; O(images) of a tag that gets a category.
 */
export function writeCatalogueRows(
  db: Database,
  rows: readonly CatalogueRow[],
  run: CatalogueImport,
): { changes: CatalogueChanges; warnings: ListWarning[] } {
  const changes = noCatalogueChanges();
  const warnings: ListWarning[] = [];
  const known = readKnownNames(db, rows, run.numbering);
  writeNames(db, rows, { run, known, changes });
  writeCategories(db, rows, { run, known, changes });
  new ListAliases(db, { run, changes, warnings }).write(rows, known);
  return { changes, warnings };
}

/** What the database has under a name. */
export type KnownName = {
  /** What this kind of list said of it before. */
  listed: { category: string; count: number | null } | null;
  /** The tag of this name, if nobody sorted it yet. */
  unsortedTagId: number | null;
  /** Whether the name is an alias, and whether a list made it one. */
  isAlias: boolean;
  isListAlias: boolean;
};

type Batch = {
  run: CatalogueImport;
  known: ReadonlyMap<string, KnownName>;
  changes: CatalogueChanges;
};

/** Names of which the database has nothing are left out. */
function readKnownNames(
  db: Database,
  rows: readonly CatalogueRow[],
  numbering: TagNumbering,
): Map<string, KnownName> {
  const found = prepared(
    db,
    `SELECT value, listed.category, listed.post_count, tags.id, tag_aliases.antecedent,
       list_aliases.antecedent
     FROM json_each(?1)
     LEFT JOIN tag_catalogue AS listed ON listed.name = value AND listed.numbering = ?2
     LEFT JOIN tags ON tags.name = value AND coalesce(tags.category, 'general') = 'general'
     LEFT JOIN tag_aliases ON tag_aliases.antecedent = value AND status = 'active'
     LEFT JOIN list_aliases ON list_aliases.antecedent = tag_aliases.antecedent
       AND list_aliases.consequent = tag_aliases.consequent
     WHERE listed.name NOT NULL OR tags.id NOT NULL OR tag_aliases.antecedent NOT NULL`,
  ).values<[string, string | null, number | null, number | null, string | null, string | null]>(
    JSON.stringify(rows.map(({ name }) => name)),
    numbering,
  );
  return new Map(found.map(([name, category, count, tagId, alias, listAlias]) => [name, {
    listed: category === null ? null : { category, count },
    unsortedTagId: tagId,
    isAlias: alias !== null,
    isListAlias: listAlias !== null,
  }]));
}

function writeNames(db: Database, rows: readonly CatalogueRow[], batch: Batch): void {
  const { run: { numbering, isDryRun }, known, changes } = batch;
  const different: [string, string, number | null][] = [];
  for (const { name, category, count } of rows) {
    const old = known.get(name)?.listed ?? null;
    if (old !== null && old.category === category && old.count === count) {
      changes.unchanged++;
      continue;
    }
    if (old === null) changes.added++;
    else changes.updated++;
    different.push([name, category, count]);
  }
  if (isDryRun || different.length === 0) return;
  // Neighbours in the table one after the other.
  different.sort(([left], [right]) => (left < right ? -1 : 1));
  execute(
    db,
    `INSERT INTO tag_catalogue (name, numbering, category, post_count)
     SELECT value ->> 0, ?1, value ->> 1, value ->> 2 FROM json_each(?2) WHERE true
     ON CONFLICT (name, numbering) DO UPDATE
       SET category = excluded.category, post_count = excluded.post_count`,
    numbering,
    JSON.stringify(different),
  );
}

/** Tags that nobody sorted yet get the category of the list. */
function writeCategories(db: Database, rows: readonly CatalogueRow[], batch: Batch): void {
  const { run: { isDryRun }, known, changes } = batch;
  for (const { name, category } of rows) {
    const id = known.get(name)?.unsortedTagId ?? null;
    if (id === null || category === "general") continue;
    changes.categoriesChanged++;
    if (isDryRun) continue;
    execute(db, "UPDATE tags SET category = ? WHERE id = ?", category, id);
    execute(
      db,
      `INSERT OR IGNORE INTO stale_tag_columns (image_id)
       SELECT image_id FROM image_tags WHERE tag_id = ? AND image_id NOT NULL`,
      id,
    );
  }
}

/** Category that the lists give a name: the first that does not call it general; null: none knows it. */
export function readCatalogueCategory(db: Database, name: string): TagCategory | null {
  const category = prepared(
    db,
    `SELECT category FROM tag_catalogue WHERE name = ?
     ORDER BY category = 'general', numbering LIMIT 1`,
  ).value<[string]>(name)?.[0];
  return isTagCategory(category) ? category : null;
}
