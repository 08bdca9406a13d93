import { AppError } from "../base/errors.ts";
import { type Database, execute, prepared } from "./database.ts";
import { OWNER, recordPostEdit } from "./post_history.ts";

/** What is to become of an image: a favourite, or none. */
export type FavouriteChange = { imageId: number; isFavourite: boolean };

/**
 * Makes an image a favourite, or no favourite any more, and keeps that in its history; doing it twice
 * changes nothing.
 *
 * @throws {AppError} `not_found` without such an image.
 */
export function setFavourite(db: Database, change: FavouriteChange): void {
  const { imageId, isFavourite: after } = change;
  const since = readFavouritedAt(db, imageId);
  if (!writeFavourite(db, change)) return;
  const difference = { isFavourite: { before: !after, after, ...since } };
  recordPostEdit(db, { imageId, editor: OWNER, difference });
}

/** Since when an image is a favourite, for the history; nothing when it is none. */
export function readFavouritedAt(db: Database, imageId: number): { since?: string | null } {
  const row = prepared(db, "SELECT created_at FROM favourites WHERE image_id = ?")
    .value<[string | null]>(imageId);
  return row === undefined ? {} : { since: row[0] };
}

/**
 * As {@link setFavourite}, for a caller that keeps the history; whether it changed anything.
 *
 * @throws {AppError} `not_found` without such an image.
 */
export function writeFavourite(db: Database, change: FavouriteChange): boolean {
  const { imageId, isFavourite } = change;
  if (prepared(db, "SELECT 1 FROM images WHERE id = ?").value(imageId) === undefined) {
    throw new AppError("not_found", `There is no image ${imageId}`);
  }
  const sql = isFavourite
    ? "INSERT OR IGNORE INTO favourites (image_id) VALUES (?)"
    : "DELETE FROM favourites WHERE image_id = ?";
  return execute(db, sql, imageId) > 0;
}
