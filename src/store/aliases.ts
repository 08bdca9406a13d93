import { AppError } from "../base/errors.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute, prepared } from "./database.ts";
import { findImplicationPath, readTagId } from "./implications.ts";
import { readTagRuleJobs, startTagRuleJob } from "./tag_rule_jobs.ts";
import { followAliases, followedTagRulesOf, mergeAliasedImplications } from "./tag_rules.ts";
import { readTagCategory } from "./tag_categories.ts";
import { ensureTag } from "./tags.ts";

/** Another name of a tag. */
export type Alias = {
  /** The other name. */
  antecedent: string;
  /** The tag that is meant, or the next alias on the way to it. */
  consequent: string;
  /** `active`: it holds; anything else, as `pending`, does nothing. */
  status: string;
  createdAtMs: number;
};

/** Two names: who writes the one means the other. */
export type AliasNames = { antecedent: string; consequent: string };

/** What was written, and the job that moves images; null when there is nothing to move. */
export type AliasOutcome = { alias: Alias; jobId: number | null };

type Row = [string, string, string, number];

const COLUMNS = "antecedent, consequent, status, created_at_ms";

function toAlias([antecedent, consequent, status, createdAtMs]: Row): Alias {
  return { antecedent, consequent, status, createdAtMs };
}

/**
 * Aliases that were proposed and do not hold, in the order of their antecedents, and how many there are;
 * those that hold are in the cache.
 */
export function readProposedAliases(
  db: Database,
  { limit, offset }: { limit: number; offset: number },
): { aliases: Alias[]; total: number } {
  const [total] = prepared(db, "SELECT count(*) FROM tag_aliases WHERE status <> 'active'")
    .value<[number]>()!;
  const rows = prepared(
    db,
    `SELECT ${COLUMNS} FROM tag_aliases WHERE status <> 'active' ORDER BY antecedent
     LIMIT ? OFFSET ?`,
  ).values<Row>(limit, offset);
  return { aliases: rows.map(toAlias), total };
}

/** The alias of a name. */
export function readAlias(db: Database, antecedent: string): Alias | undefined {
  const row = prepared(db, `SELECT ${COLUMNS} FROM tag_aliases WHERE antecedent = ?`)
    .value<Row>(antecedent);
  return row && toAlias(row);
}

/**
 * Why a name cannot become an alias as wanted, one sentence each; nothing when it can. An alias that does
 * not move images leaves the implications of its name alone, so it must have none.
 */
export function findAliasConflicts(
  db: Database,
  { antecedent, consequent, movesImages }: AliasNames & { movesImages: boolean },
): string[] {
  if (antecedent === consequent) return [`"${antecedent}" cannot be an alias of itself`];
  const rating = [antecedent, consequent].find(isRatingTagName);
  if (rating !== undefined) return [`"${rating}" is a rating, which has no other name`];
  const conflicts: string[] = [];
  const known = readAlias(db, antecedent);
  if (known?.status === "active") {
    conflicts.push(`"${antecedent}" is an alias of "${known.consequent}" already`);
  }
  const path = followAliases(db, consequent);
  if (path.includes(antecedent)) {
    const steps = path.slice(0, path.indexOf(antecedent) + 1).map((name) => `"${name}"`);
    conflicts.push(
      `"${consequent}" is an alias of "${antecedent}" (${steps.join(" → ")}): it would be a circle`,
    );
    return conflicts;
  }
  return [...conflicts, ...findRuleConflicts(db, { antecedent, end: path.at(-1)!, movesImages })];
}

/** What the implications of a name have against its becoming another one. */
function findRuleConflicts(
  db: Database,
  { antecedent, end, movesImages }: { antecedent: string; end: string; movesImages: boolean },
): string[] {
  const [oldId, newId] = [antecedent, end].map((name) => readTagId(db, name));
  if (oldId === undefined) return [];
  const rules = prepared(
    db,
    `SELECT status FROM tag_implications WHERE source_tag_id = ?1 OR implied_tag_id = ?1`,
  ).values<[string]>(oldId).flat();
  if (rules.includes("removing")) {
    return [`an implication of "${antecedent}" is still being taken back: wait until that is done`];
  }
  if (rules.length > 0 && !movesImages) {
    return [`"${antecedent}" has implications: move its images too, or remove those first`];
  }
  if (newId === undefined) return [];
  for (const [from, to] of [[oldId, newId], [newId, oldId]]) {
    // An implication of the one by the other is dropped; a longer way would become a circle.
    const path = findImplicationPath(db, { from, to }, { exceptDirect: true });
    if (path === undefined) continue;
    const steps = path.map((name) => `"${name}"`).join(" → ");
    return [`the implications ${steps} would become a circle`];
  }
  return [];
}

/** An alias to be written. */
export type WantedAlias = AliasNames & {
  status: "active" | "pending";
  /** Whether images that have the one tag get the other instead. */
  movesImages: boolean;
};

/**
 * Writes an alias; an active one holds from now on: nothing new is stored under its name, implications of
 * the name are those of the tag, and a job moves the images, if they are to be moved.
 *
 * @throws {AppError} `conflict` as {@link findAliasConflicts} says, or if it is there already.
 */
export function addAlias(db: Database, wanted: WantedAlias): AliasOutcome {
  const { antecedent, consequent, status, movesImages } = wanted;
  followedTagRulesOf(db);
  const known = readAlias(db, antecedent);
  const conflicts = findAliasConflicts(db, wanted);
  if (status === "pending" && known !== undefined && conflicts.length === 0) {
    conflicts.push(`"${antecedent}" was proposed as an alias of "${known.consequent}" already`);
  }
  if (conflicts.length > 0) {
    throw new AppError(
      "conflict",
      `Cannot make ${antecedent} an alias of ${consequent}: ${conflicts.join("; ")}`,
      { details: { conflicts } },
    );
  }
  execute(
    db,
    `INSERT INTO tag_aliases (antecedent, consequent, status, created_at_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (antecedent) DO UPDATE SET consequent = excluded.consequent,
       status = excluded.status`,
    antecedent,
    consequent,
    status,
    Date.now(),
  );
  const alias = readAlias(db, antecedent)!;
  if (status !== "active" || !movesImages) return { alias, jobId: null };
  return { alias, jobId: startMove(db, antecedent) };
}

function startMove(db: Database, antecedent: string): number | null {
  const fromId = readTagId(db, antecedent);
  if (fromId === undefined) return null;
  const consequent = followAliases(db, antecedent).at(-1)!;
  const known = readTagId(db, consequent);
  const toId = known ?? ensureTag(db, { name: consequent, category: null });
  if (known === undefined) {
    // The tag goes on under another name, so it is what it was.
    const category = readTagCategory(db, antecedent) ?? null;
    execute(db, "UPDATE tags SET category = ? WHERE id = ?", category, toId);
  }
  const changed = mergeAliasedImplications(db);
  return startTagRuleJob(db, {
    label: `${antecedent} is ${consequent}`,
    move: { fromId, toId },
    refresh: changed,
  });
}

/**
 * Lets a proposed alias hold.
 *
 * @throws {AppError} `not_found`, or `conflict` as {@link addAlias}.
 */
export function approveAlias(
  db: Database,
  { antecedent, movesImages }: { antecedent: string; movesImages: boolean },
): AliasOutcome {
  return addAlias(db, { ...requireAlias(db, antecedent), status: "active", movesImages });
}

/**
 * Removes an alias: the name is a name of its own again. What was moved stays moved, and a move under way
 * ends where it is.
 *
 * @throws {AppError} `not_found`.
 */
export function removeAlias(db: Database, antecedent: string): Alias {
  const alias = requireAlias(db, antecedent);
  const fromId = readTagId(db, antecedent);
  for (const job of readTagRuleJobs(db)) {
    if (job.move === null || job.move.fromId !== fromId) continue;
    // Its stages stay as they are: somebody may be in the middle of them.
    const { label, move, refresh } = job;
    const rest = { label, move: null, refresh: [move.fromId, ...refresh] };
    execute(db, "UPDATE journal SET steps = ? WHERE id = ?", JSON.stringify(rest), job.id);
  }
  execute(db, "DELETE FROM tag_aliases WHERE antecedent = ?", antecedent);
  return alias;
}

function requireAlias(db: Database, antecedent: string): Alias {
  const alias = readAlias(db, antecedent);
  if (alias !== undefined) return alias;
  throw new AppError("not_found", `"${antecedent}" is no alias`);
}
