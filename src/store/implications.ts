import { AppError } from "../base/errors.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute, prepared } from "./database.ts";
import { followAliases, followedTagRulesOf } from "./tag_rules.ts";
import { startTagRuleJob } from "./tag_rule_jobs.ts";
import { ensureTag } from "./tags.ts";

/**
 * `active`: it holds; `pending`: it was proposed and does nothing; `removing`: it was taken back, and its
 * tags are being taken from images. Other programs may write other words.
 */
export type ImplicationStatus = string;

/** One tag that implies another. */
export type Implication = {
  /** Its number in the table, which may change when the database is rebuilt. */
  id: number;
  sourceId: number;
  impliedId: number;
  source: string;
  implied: string;
  status: ImplicationStatus;
  /** How it was found: `manual`, or a word of the original. */
  inferenceType: string;
  confidence: number;
  /** When it was written, as SQLite writes times; null when nobody said. */
  createdAt: string | null;
};

/** Which implications are asked for; undefined asks nothing. */
export type ImplicationFilter = {
  id?: number;
  status?: string;
  /** Name that the source, the implied or either tag has; `*` stands for anything. */
  source?: string;
  implied?: string;
  either?: string;
  limit: number;
  offset: number;
};

/** Two names: who has the source has the implied tag. */
export type ImplicationNames = { source: string; implied: string };

/** An implication to be written. */
export type WantedImplication = ImplicationNames & { status: "active" | "pending" };

/** Ids of the two tags of an implication, by which it is known. */
export type ImplicationIds = { sourceId: number; impliedId: number };

/** What was written, and the job that brings it to images; null when no image need follow. */
export type ImplicationOutcome = { implication: Implication; jobId: number | null };

const FROM = `FROM tag_implications AS rules
  JOIN tags AS source ON source.id = source_tag_id
  JOIN tags AS implied ON implied.id = implied_tag_id`;

const COLUMNS = `rules.rowid, source_tag_id, implied_tag_id, source.name, implied.name,
  coalesce(status, 'active'), coalesce(inference_type, 'manual'), coalesce(confidence, 1.0),
  CAST(created_at AS TEXT)`;

type Row = [number, number, number, string, string, string, string, number, string | null];

function toImplication(row: Row): Implication {
  const [id, sourceId, impliedId, source, implied, status, inferenceType, ...rest] = row;
  const [confidence, createdAt] = rest;
  return { id, sourceId, impliedId, source, implied, status, inferenceType, confidence, createdAt };
}

/** SQL's LIKE for a name in which `*` stands for anything, in any case; it goes with ESCAPE '\'. */
function toLikePattern(name: string): string {
  return name.replaceAll(/[\\%_]/g, "\\$&").replaceAll("*", "%");
}

/** Implications, the newest first, and how many there are. Cost: about 1 µs each where `*` is in a name. */
export function readImplications(
  db: Database,
  filter: ImplicationFilter,
): { implications: Implication[]; total: number } {
  const conditions: string[] = [];
  const params: (string | number)[] = [];
  const ask = (condition: string, ...values: (string | number)[]) => {
    conditions.push(condition);
    params.push(...values);
  };
  if (filter.id !== undefined) ask("rules.rowid = ?", filter.id);
  if (filter.status !== undefined) ask("status = ?", filter.status);
  askForName(ask, { column: "source", name: filter.source });
  askForName(ask, { column: "implied", name: filter.implied });
  if (filter.either !== undefined) {
    const like = toLikePattern(filter.either);
    ask("(source.name LIKE ? ESCAPE '\\' OR implied.name LIKE ? ESCAPE '\\')", like, like);
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const isByName = [filter.source, filter.implied, filter.either].some((name) =>
    name !== undefined
  );
  // Without names there is nothing to join for.
  const counted = isByName ? FROM : "FROM tag_implications AS rules";
  const [total] = prepared(db, `SELECT count(*) ${counted} ${where}`).value<[number]>(...params)!;
  const rows = prepared(
    db,
    `SELECT ${COLUMNS} ${FROM} ${where} ORDER BY rules.rowid DESC LIMIT ? OFFSET ?`,
  ).values<Row>(...params, filter.limit, filter.offset);
  return { implications: rows.map(toImplication), total };
}

/** A name without `*` is looked up, one with it compared. */
function askForName(
  ask: (condition: string, value: string) => void,
  { column, name }: { column: "source" | "implied"; name: string | undefined },
): void {
  if (name === undefined) return;
  if (name.includes("*")) ask(`${column}.name LIKE ? ESCAPE '\\'`, toLikePattern(name));
  else ask(`${column}_tag_id = (SELECT id FROM tags WHERE name = ?)`, name);
}

/** The implication of these two tags. */
export function readImplication(
  db: Database,
  { sourceId, impliedId }: ImplicationIds,
): Implication | undefined {
  const row = prepared(
    db,
    `SELECT ${COLUMNS} ${FROM} WHERE source_tag_id = ? AND implied_tag_id = ?`,
  ).value<Row>(sourceId, impliedId);
  return row && toImplication(row);
}

/** The implication of two names. */
export function findImplication(
  db: Database,
  { source, implied }: ImplicationNames,
): Implication | undefined {
  const [sourceId, impliedId] = [source, implied].map((name) => readTagId(db, name));
  if (sourceId === undefined || impliedId === undefined) return undefined;
  return readImplication(db, { sourceId, impliedId });
}

/** Id of a tag. */
export function readTagId(db: Database, name: string): number | undefined {
  return prepared(db, "SELECT id FROM tags WHERE name = ?").value<[number]>(name)?.[0];
}

/** Why two tags cannot imply each other as wanted, one sentence each; nothing when they can. */
export function findImplicationConflicts(db: Database, names: ImplicationNames): string[] {
  const conflicts: string[] = [];
  const [source, implied] = [names.source, names.implied].map((name) => {
    const end = followAliases(db, name).at(-1)!;
    if (end !== name) conflicts.push(`"${name}" is an alias of "${end}": use "${end}"`);
    return end;
  });
  if (isRatingTagName(implied)) {
    conflicts.push(`"${implied}" is a rating, which is chosen and not implied`);
  }
  if (source === implied) {
    conflicts.push(`"${names.source}" cannot imply itself`);
    return conflicts;
  }
  const [from, to] = [implied, source].map((name) => readTagId(db, name));
  const path = from === undefined || to === undefined
    ? undefined
    : findImplicationPath(db, { from, to });
  if (path !== undefined) {
    const steps = path.map((name) => `"${name}"`).join(" → ");
    conflicts.push(
      `"${source}" follows from "${implied}" already (${steps}): it would be a circle`,
    );
  }
  return conflicts;
}

/** Tags that a tag implies directly, by implications that hold. */
function readImplied(db: Database, tagId: number): [id: number, name: string][] {
  return prepared(
    db,
    `SELECT tags.id, tags.name FROM tag_implications JOIN tags ON tags.id = implied_tag_id
     WHERE source_tag_id = ? AND status = 'active' ORDER BY tags.name`,
  ).values<[number, string]>(tagId);
}

/**
 * Names on the shortest way from a tag to another through implications that hold, both included; undefined
 * without one. `exceptDirect` leaves the implication of the one by the other out. Cost: one look-up for
 * each tag that follows from the first.
 */
export function findImplicationPath(
  db: Database,
  { from, to }: { from: number; to: number },
  options: { exceptDirect?: boolean } = {},
): string[] | undefined {
  const first = prepared(db, "SELECT name FROM tags WHERE id = ?").value<[string]>(from)?.[0];
  if (first === undefined) return undefined;
  const paths = new Map([[from, [first]]]);
  for (const [tag, path] of paths) {
    for (const [next, name] of readImplied(db, tag)) {
      if (options.exceptDirect === true && tag === from && next === to) continue;
      if (next === to) return [...path, name];
      if (!paths.has(next)) paths.set(next, [...path, name]);
    }
  }
  return undefined;
}

/** One tag that follows from another. */
export type ChainLink = {
  id: number;
  name: string;
  /** Names from the tag that is implied directly to this one, both included. */
  path: string[];
  /** Tags that this one implies directly. */
  implies: number[];
};

/** A tag and all that follows from it, the nearest first. Cost: one look-up for each. */
export function readImplicationChain(
  db: Database,
  start: { id: number; name: string },
): ChainLink[] {
  const found = new Map<number, ChainLink>([
    [start.id, { ...start, path: [start.name], implies: [] }],
  ]);
  for (const link of found.values()) {
    for (const [id, name] of readImplied(db, link.id)) {
      link.implies.push(id);
      if (!found.has(id)) found.set(id, { id, name, path: [...link.path, name], implies: [] });
    }
  }
  return [...found.values()];
}

/** Images from which a person took a tag, and did not give it back. Cost: O(those images). */
export function readImagesWithout(db: Database, name: string): number[] {
  return prepared(
    db,
    `SELECT images.id FROM tag_deltas AS taken JOIN images ON md5 = image_md5
     WHERE operation = 'remove' AND tag_name = ? AND NOT EXISTS (
       SELECT 1 FROM tag_deltas AS later WHERE later.image_md5 = taken.image_md5
         AND later.tag_name = taken.tag_name AND later.operation = 'add'
         AND (later.timestamp, later.id) > (taken.timestamp, taken.id))`,
  ).values<[number]>(name).flat();
}

/**
 * Writes an implication; an active one holds from now on, and a job brings it to the images that there
 * are. One that is pending or being taken back becomes active.
 *
 * @throws {AppError} `conflict` as {@link findImplicationConflicts} says, or if it is there already.
 */
export function addImplication(
  db: Database,
  wanted: WantedImplication,
): ImplicationOutcome {
  followedTagRulesOf(db);
  checkConflicts(db, wanted);
  const [sourceId, impliedId] = [wanted.source, wanted.implied].map((name) =>
    ensureTag(db, { name, category: null })
  );
  const known = readImplication(db, { sourceId, impliedId });
  if (known !== undefined && (known.status === "active" || known.status === wanted.status)) {
    throw new AppError("conflict", `${toLabel(wanted)} is ${known.status} already`);
  }
  if (known !== undefined && wanted.status === "pending") {
    throw new AppError("conflict", `${toLabel(wanted)} is there, as ${known.status}`);
  }
  execute(
    db,
    `INSERT INTO tag_implications (source_tag_id, implied_tag_id, inference_type, confidence, status)
     VALUES (?, ?, 'manual', 1.0, ?)
     ON CONFLICT (source_tag_id, implied_tag_id) DO UPDATE SET status = excluded.status`,
    sourceId,
    impliedId,
    wanted.status,
  );
  return toOutcome(db, { sourceId, impliedId });
}

/**
 * Lets a proposed implication hold.
 *
 * @throws {AppError} `not_found`, or `conflict` as {@link addImplication}.
 */
export function approveImplication(
  db: Database,
  ids: ImplicationIds,
): ImplicationOutcome {
  followedTagRulesOf(db);
  const implication = requireImplication(db, ids);
  return addImplication(db, { ...implication, status: "active" });
}

/**
 * Takes an implication back, and with it the tags that nothing else gives; one that does not hold is gone
 * at once.
 *
 * @throws {AppError} `not_found`.
 */
export function removeImplication(
  db: Database,
  ids: ImplicationIds,
): ImplicationOutcome {
  const implication = requireImplication(db, ids);
  const { sourceId, impliedId, status } = implication;
  if (status === "removing") return { implication, jobId: null };
  if (status === "active") {
    execute(
      db,
      "UPDATE tag_implications SET status = 'removing' WHERE source_tag_id = ? AND implied_tag_id = ?",
      sourceId,
      impliedId,
    );
    return toOutcome(db, { sourceId, impliedId });
  }
  execute(
    db,
    "DELETE FROM tag_implications WHERE source_tag_id = ? AND implied_tag_id = ?",
    sourceId,
    impliedId,
  );
  return { implication, jobId: null };
}

function toOutcome(
  db: Database,
  ids: ImplicationIds,
): ImplicationOutcome {
  const implication = readImplication(db, ids)!;
  if (implication.status === "pending") return { implication, jobId: null };
  const jobId = startTagRuleJob(db, {
    label: `${implication.status === "active" ? "" : "no longer "}${toLabel(implication)}`,
    move: null,
    refresh: [ids.sourceId],
  });
  return { implication, jobId };
}

function requireImplication(
  db: Database,
  ids: ImplicationIds,
): Implication {
  const implication = readImplication(db, ids);
  if (implication !== undefined) return implication;
  throw new AppError("not_found", `There is no implication ${ids.sourceId}-${ids.impliedId}`);
}

function checkConflicts(db: Database, names: ImplicationNames): void {
  const conflicts = findImplicationConflicts(db, names);
  if (conflicts.length === 0) return;
  throw new AppError("conflict", `Cannot add ${toLabel(names)}: ${conflicts.join("; ")}`, {
    details: { conflicts },
  });
}

function toLabel({ source, implied }: ImplicationNames): string {
  return `${source} → ${implied}`;
}
