import { type Database, execute, prepared, toNumber } from "./database.ts";
import { writeTagColumns } from "./tag_columns.ts";

/** Images whose columns are written in one transaction, so that other writes wait a moment only. */
const IMAGES_AT_ONCE = 500;

/** How many images wait for their `tags_*` columns. */
export function countStaleTagColumns(db: Database): number {
  return toNumber(prepared(db, "SELECT count(*) FROM stale_tag_columns").value<[number]>()?.[0]);
}

/**
 * Writes the `tags_*` columns of some images one of whose tags got another category, and gives how many.
 * Runs inside the caller's transaction. Cost: about 0.2 ms an image.
 */
export function writeStaleTagColumns(db: Database): number {
  const ids = prepared(db, "SELECT image_id FROM stale_tag_columns ORDER BY image_id LIMIT ?")
    .values<[number]>(IMAGES_AT_ONCE).flat();
  writeTagColumns(db, ids);
  execute(
    db,
    "DELETE FROM stale_tag_columns WHERE image_id IN (SELECT value FROM json_each(?))",
    JSON.stringify(ids),
  );
  return ids.length;
}
