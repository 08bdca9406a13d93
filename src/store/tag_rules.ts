import { ALIAS_NAMES_KEPT_MAX } from "../base/limits.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute, prepared } from "./database.ts";

/*
 * The rules about tags that every write follows: aliases (another name of a tag is stored as the tag) and
 * implications (who has the one has the other). They are kept in memory for a connection, and every look
 * at them first asks for the number that changes with the tables, so that rules which another program
 * wrote hold from its commit on.
 *
 * An implication whose `status` is `active` holds. `removing` is one that was taken back and whose tags
 * are still being taken from images: it gives nothing any more, and what it gave is known by it. Every
 * other status (`pending`) is a proposal and does nothing.
 */

/** Tag → tags that it implies directly. */
type Graph = ReadonlyMap<number, readonly number[]>;

const NOTHING: ReadonlySet<number> = new Set();

/** Aliases and implications of a database as of one moment. */
export class TagRules {
  readonly #db: Database;
  readonly #active: Graph;
  /** With those that are being taken back. */
  readonly #all: Graph;
  /** Names that were asked for, and what they mean. */
  readonly #ends = new Map<string, string>();
  /** Whether any alias is active. */
  readonly hasAliases: boolean;

  private constructor(
    db: Database,
    rules: { active: Graph; all: Graph; hasAliases: boolean },
  ) {
    this.#db = db;
    this.#active = rules.active;
    this.#all = rules.all;
    this.hasAliases = rules.hasAliases;
  }

  /** Reads the rules. Cost: about 2 µs an implication; aliases are read when they are asked for. */
  static read(db: Database): TagRules {
    const active = new Map<number, number[]>();
    const all = new Map<number, number[]>();
    const rows = prepared(
      db,
      `SELECT source_tag_id, implied_tag_id, status, tags.name FROM tag_implications
       JOIN tags ON tags.id = implied_tag_id
       WHERE status IN ('active', 'removing') AND source_tag_id <> implied_tag_id`,
    ).values<[number, number, string, string]>();
    for (const [source, implied, status, name] of rows) {
      // An image has one rating, which somebody chose.
      if (isRatingTagName(name)) continue;
      addEdge(all, source, implied);
      if (status === "active") addEdge(active, source, implied);
    }
    const hasAliases =
      prepared(db, "SELECT 1 FROM tag_aliases WHERE status = 'active' LIMIT 1").value() !==
        undefined;
    if (hasAliases && all.size > 0) {
      for (const [oldId, newId] of readAliasedTags(db)) {
        for (const graph of [active, all]) {
          const edges = graph.get(newId);
          if (edges !== undefined) graph.set(oldId, edges);
        }
      }
    }
    return new TagRules(db, { active, all, hasAliases });
  }

  /** Whether any implication holds or is being taken back. */
  get hasImplications(): boolean {
    return this.#all.size > 0;
  }

  /** Name under which a tag is stored: the end of its aliases, the name itself without one. */
  resolve(name: string): string {
    if (!this.hasAliases) return name;
    let end = this.#ends.get(name);
    if (end === undefined) {
      end = followAliases(this.#db, name).at(-1)!;
      if (this.#ends.size >= ALIAS_NAMES_KEPT_MAX) this.#ends.clear();
      this.#ends.set(name, end);
    }
    return end;
  }

  /**
   * What follows from some tags, they themselves left out. A tag in `keptAway` does not come, and nothing
   * follows from it.
   */
  impliedBy(tagIds: Iterable<number>, keptAway: ReadonlySet<number> = NOTHING): Set<number> {
    return reach(this.#active, { tagIds, keptAway });
  }

  /** As {@link impliedBy}, by those that are being taken back too. */
  wasImpliedBy(tagIds: Iterable<number>): Set<number> {
    return reach(this.#all, { tagIds, keptAway: NOTHING });
  }
}

function addEdge(graph: Map<number, number[]>, source: number, implied: number): void {
  const edges = graph.get(source);
  if (edges === undefined) graph.set(source, [implied]);
  else edges.push(implied);
}

function reach(
  graph: Graph,
  { tagIds, keptAway }: { tagIds: Iterable<number>; keptAway: ReadonlySet<number> },
): Set<number> {
  const own = new Set(tagIds);
  const found = new Set<number>();
  const waiting = [...own].filter((tag) => graph.has(tag));
  for (const tag of waiting) {
    for (const next of graph.get(tag) ?? []) {
      if (own.has(next) || found.has(next) || keptAway.has(next)) continue;
      found.add(next);
      waiting.push(next);
    }
  }
  return found;
}

/**
 * Tags that are still stored under the name of an alias, with the tag that is meant: what follows from the
 * one follows from the other. Cost: about 2 µs an alias.
 */
function readAliasedTags(db: Database): [oldId: number, newId: number][] {
  const idOf = prepared(db, "SELECT id FROM tags WHERE name = ?");
  return prepared(
    db,
    `SELECT tags.id, antecedent FROM tag_aliases JOIN tags ON tags.name = antecedent
     WHERE status = 'active'`,
  ).values<[number, string]>().flatMap(([oldId, name]) => {
    const newId = idOf.value<[number]>(followAliases(db, name).at(-1)!)?.[0];
    return newId === undefined || newId === oldId ? [] : [[oldId, newId]];
  });
}

/**
 * The names that a name leads to by active aliases, itself first, what is meant last. Where they lead in a
 * circle, which no program of ours writes, it is the name itself alone.
 */
export function followAliases(db: Database, name: string): string[] {
  const next = prepared(
    db,
    "SELECT consequent FROM tag_aliases WHERE antecedent = ? AND status = 'active'",
  );
  const path = new Set([name]);
  for (;;) {
    const found = next.value<[string]>([...path].at(-1)!)?.[0];
    if (found === undefined) return [...path];
    if (path.has(found)) return [name];
    path.add(found);
  }
}

type KnownRules = {
  version: string | undefined;
  rules: TagRules;
  /** Whether no implication names an alias. */
  isMerged: boolean;
};

const RULES = new WeakMap<Database, KnownRules>();

/** The rules as they are now. Cost: one look-up of a row while they are the same as the last time. */
export function tagRulesOf(db: Database): TagRules {
  return readKnownRules(db).rules;
}

function readKnownRules(db: Database): KnownRules {
  const version = prepared(db, "SELECT value FROM library_state WHERE key = 'tag_rules'")
    .value<[string]>()?.[0];
  const known = RULES.get(db);
  if (known !== undefined && known.version === version) return known;
  const read = { version, rules: TagRules.read(db), isMerged: false };
  RULES.set(db, read);
  return read;
}

/**
 * As {@link tagRulesOf}, for who writes: implications that name an alias, as those that another program
 * wrote may, name the tag itself from now on.
 */
export function followedTagRulesOf(db: Database): TagRules {
  const known = readKnownRules(db);
  if (known.isMerged) return known.rules;
  if (known.rules.hasAliases && known.rules.hasImplications) mergeAliasedImplications(db);
  const merged = readKnownRules(db);
  merged.isMerged = true;
  return merged.rules;
}

/**
 * Lets implications that name an alias name the tag itself: what is stored under the one name only must be
 * implied under it. Gives the tags that imply something now which they did not before. Runs inside the
 * caller's transaction. Cost: O(implications).
 */
export function mergeAliasedImplications(db: Database): number[] {
  const names = prepared(
    db,
    `SELECT tags.id, tags.name, tags.category FROM (
       SELECT source_tag_id AS tag_id FROM tag_implications
       UNION SELECT implied_tag_id FROM tag_implications
     ) JOIN tags ON tags.id = tag_id JOIN tag_aliases ON antecedent = tags.name
     WHERE tag_aliases.status = 'active'`,
  ).values<[number, string, string | null]>();
  const changed = new Set<number>();
  for (const [oldId, name, category] of names) {
    const end = followAliases(db, name).at(-1)!;
    if (end === name) continue;
    execute(db, "INSERT OR IGNORE INTO tags (name, category) VALUES (?, ?)", end, category);
    const [newId] = prepared(db, "SELECT id FROM tags WHERE name = ?").value<[number]>(end)!;
    for (const source of moveImplications(db, oldId, newId)) changed.add(source);
  }
  return [...changed];
}

/** Gives the tags that imply something now which they did not before. */
function moveImplications(db: Database, oldId: number, newId: number): number[] {
  // Those that are being taken back stay what they are until they are gone.
  const rows = prepared(
    db,
    `SELECT source_tag_id, implied_tag_id, status FROM tag_implications
     WHERE (source_tag_id = ?1 OR implied_tag_id = ?1) AND status <> 'removing'`,
  ).values<[number, number, string]>(oldId);
  const changed: number[] = [];
  for (const [oldSource, oldImplied, status] of rows) {
    const [source, implied] = [oldSource, oldImplied].map((id) => id === oldId ? newId : id);
    if (source !== implied) {
      execute(
        db,
        `INSERT INTO tag_implications (source_tag_id, implied_tag_id, inference_type, confidence,
           created_at, status)
         SELECT ?, ?, inference_type, confidence, created_at, status FROM tag_implications
         WHERE source_tag_id = ? AND implied_tag_id = ?
         ON CONFLICT (source_tag_id, implied_tag_id) DO UPDATE SET status = excluded.status
           WHERE excluded.status = 'active'`,
        source,
        implied,
        oldSource,
        oldImplied,
      );
      if (status === "active") changed.push(source);
    }
    execute(
      db,
      "DELETE FROM tag_implications WHERE source_tag_id = ? AND implied_tag_id = ?",
      oldSource,
      oldImplied,
    );
  }
  return changed;
}
