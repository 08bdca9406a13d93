import { AppError } from "../base/errors.ts";
import { CATEGORY_CHANGE_IMAGES_MAX } from "../base/limits.ts";
import type { TagCategory } from "../tags/category.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute, prepared } from "./database.ts";
import { writeTagColumns } from "./tag_columns.ts";

/** A tag that is named with its category; null: it is not said. */
export type SortedTag = { name: string; category: TagCategory | null };

/** Gives a tag a category, with the columns of its images. Cost: O(images of the tag). */
export function setCategory(
  db: Database,
  { id, category }: { id: number; category: string | null },
): void {
  execute(db, "UPDATE tags SET category = ? WHERE id = ?", category, id);
  const images = prepared(db, "SELECT image_id FROM image_tags WHERE tag_id = ?")
    .values<[number]>(id).flat();
  writeTagColumns(db, images);
}

/**
 * Gives a tag the category that a person names: a general one any, any one `general`, so that it can be
 * taken back. Gives the category that it had, undefined when nothing changed.
 *
 * @throws {AppError} `conflict` if it has another category already, or so many images that all writes
 *   would wait for them.
 */
export function changeTagCategory(
  db: Database,
  { name, category }: { name: string; category: TagCategory },
): { before: string | null } | undefined {
  const known = prepared(db, "SELECT id, category FROM tags WHERE name = ?")
    .value<[number, string | null]>(name);
  if (known === undefined || (known[1] ?? "general") === category) return undefined;
  const [id, before] = known;
  if ((before ?? "general") !== "general" && category !== "general") {
    throw new AppError("conflict", `"${name}" is a ${before} tag and not ${category}`, {
      remedy: `Write it without the prefix: ${name}`,
    });
  }
  checkFewImages(db, { id, name });
  setCategory(db, { id, category });
  return { before };
}

function checkFewImages(db: Database, { id, name }: { id: number; name: string }): void {
  const count = prepared(
    db,
    "SELECT count(*) FROM (SELECT 1 FROM image_tags WHERE tag_id = ? LIMIT ?)",
  ).value<[number]>(id, CATEGORY_CHANGE_IMAGES_MAX + 1)![0];
  if (count <= CATEGORY_CHANGE_IMAGES_MAX) return;
  throw new AppError(
    "conflict",
    `"${name}" has more than ${CATEGORY_CHANGE_IMAGES_MAX} images: an edit of one image cannot ` +
      "give it another category",
    { remedy: `Write it without the prefix: ${name}` },
  );
}

/**
 * Checks that tags can be added under the categories that they are named with.
 *
 * @throws {AppError} `conflict` if one has another category.
 */
export function checkCategories(db: Database, tags: readonly SortedTag[]): void {
  for (const tag of tags) checkCategory(db, tag);
}

function checkCategory(db: Database, tag: SortedTag): void {
  // What is damaged must not keep a rating from being given: the tag of that name is the rating.
  if (tag.category === null || isRatingTagName(tag.name)) return;
  const known = prepared(db, "SELECT id, category FROM tags WHERE name = ?")
    .value<[number, string | null]>(tag.name);
  if (known === undefined || known[1] === tag.category) return;
  if (known[1] === null) {
    checkFewImages(db, { id: known[0], name: tag.name });
    return;
  }
  throw new AppError(
    "conflict",
    `"${tag.name}" is a ${known[1]} tag and cannot be added as ${tag.category}`,
    { remedy: `Add it without the prefix: ${tag.name}` },
  );
}

/** Category of a name, for tags that come without one. */
export function readTagCategory(db: Database, name: string): string | undefined {
  return prepared(db, "SELECT category FROM tags WHERE name = ?").value<[string | null]>(name)
    ?.[0] ??
    undefined;
}
