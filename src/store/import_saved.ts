import {
  SAVED_COLUMNS,
  type SavedImage,
  type SavedTag,
  toPlacedDocument,
} from "../tags/saved_image.ts";
import { type Database, execute, prepared } from "./database.ts";
import { changeImageTags, readTagDeltas } from "./tags.ts";

/*
 * What an export says of an image. A new image becomes what it was; a known one keeps what it has, and gets
 * the person's own edits that it does not contradict.
 */

/** Remembers a person's edits of a content, but for those of tags that the person decided about here. */
export function writeSavedDeltas(db: Database, { md5, deltas }: SavedImage): void {
  const known = new Set(
    prepared(db, "SELECT tag_name FROM tag_deltas WHERE image_md5 = ?").values<[string]>(md5)
      .map(([name]) => name),
  );
  for (const { operation, name, category, timestamp } of deltas) {
    if (known.has(name)) continue;
    execute(
      db,
      `INSERT OR IGNORE INTO tag_deltas (image_md5, tag_name, tag_category, operation, timestamp)
       VALUES (?, ?, ?, ?, coalesce(?, CURRENT_TIMESTAMP))`,
      md5,
      name,
      category,
      operation,
      timestamp,
    );
  }
}

/** Tags that an image had because others imply them: a known image has them by its own implications. */
export function impliedTagsOf({ tags }: SavedImage): SavedTag[] {
  return tags.filter(({ origin }) => origin === "implication");
}

/** Writes what an export says of an image that was imported just now, or met again. */
export function writeSaved(
  db: Database,
  { imageId, kind, saved }: { imageId: number; kind: string; saved: SavedImage },
): void {
  if (kind === "added") writeSavedImage(db, imageId, saved);
  else removeUnwanted(db, imageId, saved);
  if (saved.favouritedAt !== null) {
    execute(
      db,
      "INSERT OR IGNORE INTO favourites (image_id, created_at) VALUES (?, ?)",
      imageId,
      saved.favouritedAt === "" ? null : saved.favouritedAt,
    );
  }
  if (saved.sourceChoice !== null) {
    execute(
      db,
      "INSERT OR IGNORE INTO source_choices (image_md5, source) VALUES (?, ?)",
      saved.md5,
      saved.sourceChoice,
    );
  }
}

/** What a person took away goes from a known image too, unless somebody decided about it here. */
function removeUnwanted(db: Database, imageId: number, { md5 }: SavedImage): void {
  const { remove } = readTagDeltas(db, md5);
  if (remove.length > 0) changeImageTags(db, imageId, { add: [], remove, origin: "user" });
}

/** Makes a new image, which has its tags, what it was. */
function writeSavedImage(db: Database, imageId: number, saved: SavedImage): void {
  const { columns, md5 } = saved;
  const [filepath] = prepared(db, "SELECT filepath FROM images WHERE id = ?")
    .value<[string]>(imageId)!;
  execute(
    db,
    `UPDATE images SET ${SAVED_COLUMNS.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`,
    ...SAVED_COLUMNS.map((name) => columns[name]),
    imageId,
  );
  execute(
    db,
    `UPDATE image_media SET source_url = ?, posted_at = ?,
       original_name = coalesce(?, original_name) WHERE image_id = ?`,
    saved.sourceUrl,
    saved.postedAt,
    saved.originalName,
    imageId,
  );
  for (const { name, origin } of saved.tags) {
    execute(
      db,
      `UPDATE image_tags SET source = ? WHERE image_id = ? AND source <> ?
         AND tag_id = (SELECT id FROM tags WHERE name = ?)`,
      origin,
      imageId,
      origin,
      name,
    );
  }
  for (const source of saved.sources) {
    execute(db, "INSERT OR IGNORE INTO sources (name) VALUES (?)", source);
    execute(
      db,
      `INSERT OR IGNORE INTO image_sources (image_id, source_id)
       SELECT ?, id FROM sources WHERE name = ?`,
      imageId,
      source,
    );
  }
  if (saved.document === null) return;
  execute(
    db,
    "INSERT OR REPLACE INTO raw_metadata (image_id, data) VALUES (?, ?)",
    imageId,
    toPlacedDocument(saved.document, { md5, relativePath: filepath }),
  );
}
