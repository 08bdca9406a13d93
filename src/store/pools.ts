import { AppError } from "../base/errors.ts";
import { type Database, execute, prepared } from "./database.ts";
import { OWNER, touchPosts, writeJournal } from "./post_history.ts";

/** A new pool, or what is to become of one; null leaves a part as it is. */
export type PoolChange = {
  /** The pool; null makes a new one. */
  id: number | null;
  name: string | null;
  description: string | null;
  /** All images in reading order. */
  imageIds: number[] | null;
};

/**
 * Makes or changes a pool and gives its id; how it was is kept in the journal.
 *
 * @throws {AppError} `not_found` without such a pool, `conflict` if the name is another pool's,
 *   `bad_request` for a new pool without a name and for images that are not there.
 */
export function savePool(db: Database, change: PoolChange): number {
  const { id, name, description, imageIds } = change;
  if (name !== null) checkName(db, name, id);
  if (id !== null) checkPool(db, id);
  else if (name === null) throw new AppError("bad_request", "A pool must have a name");
  const before = id === null ? null : readPool(db, id);
  const poolId = id ??
    prepared(db, "INSERT INTO pools (name, description) VALUES (?, '') RETURNING id")
      .value<[number]>(name)![0];
  if (id !== null && name !== null) execute(db, "UPDATE pools SET name = ? WHERE id = ?", name, id);
  if (description !== null) {
    execute(db, "UPDATE pools SET description = ? WHERE id = ?", description, poolId);
  }
  if (imageIds !== null) writeImages(db, poolId, [...new Set(imageIds)]);
  recordPoolEdit(db, poolId, { before, after: readPool(db, poolId) });
  return poolId;
}

/**
 * Removes a pool; its images stay, and how it was is kept in the journal.
 *
 * @throws {AppError} `not_found` without such a pool.
 */
export function deletePool(db: Database, id: number): void {
  checkPool(db, id);
  const before = readPool(db, id);
  execute(db, "DELETE FROM pool_images WHERE pool_id = ?", id);
  execute(db, "DELETE FROM pools WHERE id = ?", id);
  recordPoolEdit(db, id, { before, after: null });
}

/** A pool as it stands; what of it is kept when it changes. */
type StoredPool = { name: string; description: string | null; imageIds: number[] };

function readPool(db: Database, id: number): StoredPool {
  const [name, description] = prepared(db, "SELECT name, description FROM pools WHERE id = ?")
    .value<[string, string | null]>(id)!;
  const imageIds = prepared(
    db,
    `SELECT image_id FROM pool_images WHERE pool_id = ? AND image_id NOT NULL
     ORDER BY sort_order, image_id`,
  ).values<[number]>(id).map(([imageId]) => imageId);
  return { name, description, imageIds };
}

/**
 * Keeps what a pool was, and says of the images that came and went that they were edited. What it became
 * is in the next entry, or in the pool: a long one is not written down twice for each change.
 */
function recordPoolEdit(
  db: Database,
  poolId: number,
  { before, after }: { before: StoredPool | null; after: StoredPool | null },
): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const journalId = writeJournal(db, "pool_edit", { poolId, editor: OWNER, before });
  const [old, now] = [new Set(before?.imageIds), new Set(after?.imageIds)];
  touchPosts(db, [...old.symmetricDifference(now)], { editor: OWNER, journalId });
}

/**
 * Puts an image behind the last one of a pool, or takes it out; whether that changed anything.
 *
 * @throws {AppError} `not_found` without such a pool.
 */
export function setInPool(
  db: Database,
  member: { poolId: number; imageId: number; isIn: boolean },
): boolean {
  const { poolId, imageId, isIn } = member;
  checkPool(db, poolId);
  const sql = isIn
    ? `INSERT OR IGNORE INTO pool_images (pool_id, image_id, sort_order)
       SELECT ?1, ?2, coalesce(max(sort_order), 0) + 1 FROM pool_images WHERE pool_id = ?1`
    : "DELETE FROM pool_images WHERE pool_id = ? AND image_id = ?";
  return execute(db, sql, poolId, imageId) > 0;
}

/** Where an image stands in a pool (`sort_order`); null when it is not there, or nobody knows. */
export function readPlaceInPool(
  db: Database,
  { poolId, imageId }: { poolId: number; imageId: number },
): number | null {
  return prepared(
    db,
    "SELECT sort_order FROM pool_images WHERE pool_id = ? AND image_id = ?",
  ).value<[number | null]>(poolId, imageId)?.[0] ?? null;
}

/**
 * Id of the pool with this name in any case, with spaces or underscores, as a search finds it; of several
 * the lowest. SQLite knows the cases of ASCII only, so all names are looked at. Cost: O(pools).
 */
export function findPoolByName(db: Database, name: string): number | undefined {
  const key = toKey(name);
  return prepared(db, "SELECT id, name FROM pools ORDER BY id").values<[number, string]>()
    .find(([, other]) => toKey(other) === key)?.[0];
}

function toKey(name: string): string {
  return name.toLowerCase().replaceAll(" ", "_");
}

function checkPool(db: Database, id: number): void {
  if (prepared(db, "SELECT 1 FROM pools WHERE id = ?").value(id) === undefined) {
    throw new AppError("not_found", `There is no pool ${id}`);
  }
}

/** Names that a search cannot tell apart may not be of two pools. */
function checkName(db: Database, name: string, id: number | null): void {
  const found = findPoolByName(db, name);
  if (found === undefined || found === id) return;
  throw new AppError("conflict", `The name ${JSON.stringify(name)} is taken by pool ${found}`);
}

function writeImages(db: Database, poolId: number, imageIds: readonly number[]): void {
  const isThere = prepared(db, "SELECT 1 FROM images WHERE id = ?");
  const missing = imageIds.find((imageId) => isThere.value(imageId) === undefined);
  if (missing !== undefined) throw new AppError("bad_request", `There is no post ${missing}`);
  execute(db, "DELETE FROM pool_images WHERE pool_id = ?", poolId);
  const insert = prepared(
    db,
    "INSERT INTO pool_images (pool_id, image_id, sort_order) VALUES (?, ?, ?)",
  );
  for (const [i, imageId] of imageIds.entries()) insert.run(poolId, imageId, i + 1);
}
