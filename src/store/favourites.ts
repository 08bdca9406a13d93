import { AppError } from "../base/errors.ts";
import { type Database, execute, prepared } from "./database.ts";

/**
 * Makes an image a favourite, or no favourite any more; doing it twice changes nothing.
 *
 * @throws {AppError} `not_found` without such an image.
 */
export function setFavourite(
  db: Database,
  favourite: { imageId: number; isFavourite: boolean },
): void {
  const { imageId, isFavourite } = favourite;
  if (prepared(db, "SELECT 1 FROM images WHERE id = ?").value(imageId) === undefined) {
    throw new AppError("not_found", `There is no image ${imageId}`);
  }
  if (isFavourite) execute(db, "INSERT OR IGNORE INTO favourites (image_id) VALUES (?)", imageId);
  else execute(db, "DELETE FROM favourites WHERE image_id = ?", imageId);
}
