import { AppError } from "../base/errors.ts";
import { type Database, execute, prepared } from "./database.ts";

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
 * Makes or changes a pool and gives its id.
 *
 * @throws {AppError} `not_found` without such a pool, `conflict` if the name is another pool's,
 *   `bad_request` for a new pool without a name and for images that are not there.
 */
export function savePool(db: Database, change: PoolChange): number {
  const { id, name, description, imageIds } = change;
  if (name !== null) checkName(db, name, id);
  if (id !== null) checkPool(db, id);
  else if (name === null) throw new AppError("bad_request", "A pool must have a name");
  const poolId = id ??
    prepared(db, "INSERT INTO pools (name, description) VALUES (?, '') RETURNING id")
      .value<[number]>(name)![0];
  if (id !== null && name !== null) execute(db, "UPDATE pools SET name = ? WHERE id = ?", name, id);
  if (description !== null) {
    execute(db, "UPDATE pools SET description = ? WHERE id = ?", description, poolId);
  }
  if (imageIds !== null) writeImages(db, poolId, [...new Set(imageIds)]);
  return poolId;
}

/**
 * Removes a pool; its images stay.
 *
 * @throws {AppError} `not_found` without such a pool.
 */
export function deletePool(db: Database, id: number): void {
  checkPool(db, id);
  execute(db, "DELETE FROM pool_images WHERE pool_id = ?", id);
  execute(db, "DELETE FROM pools WHERE id = ?", id);
}

/**
 * Puts an image behind the last one of a pool, or takes it out; doing it twice changes nothing.
 *
 * @throws {AppError} `not_found` without such a pool.
 */
export function setInPool(
  db: Database,
  member: { poolId: number; imageId: number; isIn: boolean },
): void {
  const { poolId, imageId, isIn } = member;
  checkPool(db, poolId);
  if (!isIn) {
    execute(db, "DELETE FROM pool_images WHERE pool_id = ? AND image_id = ?", poolId, imageId);
    return;
  }
  execute(
    db,
    `INSERT OR IGNORE INTO pool_images (pool_id, image_id, sort_order)
     SELECT ?1, ?2, coalesce(max(sort_order), 0) + 1 FROM pool_images WHERE pool_id = ?1`,
    poolId,
    imageId,
  );
}

/** Id of the pool with this name in any case, with spaces or underscores; of several the lowest. */
export function findPoolByName(db: Database, name: string): number | undefined {
  return prepared(
    db,
    `SELECT id FROM pools WHERE lower(replace(name, ' ', '_')) = lower(replace(?, ' ', '_'))
     ORDER BY id`,
  ).value<[number]>(name)?.[0];
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
