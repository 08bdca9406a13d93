import { extname } from "node:path";
import { AppError } from "../base/errors.ts";
import { type Database, execute, prepared, toNumber } from "./database.ts";
import { setFavourite } from "./favourites.ts";
import { findPoolByName, savePool, setInPool } from "./pools.ts";
import { editTags, ensureTag, type TagChange, type WantedTag } from "./tags.ts";

/** Everything that one edit of a post may change; null and empty lists leave a part as it is. */
export type PostEdit = {
  imageId: number;
  add: WantedTag[];
  remove: string[];
  /** Tags that are to have these categories, whether the image has them already or not. */
  categories: WantedTag[];
  /** Where the file came from; "" for not known. */
  source: string | null;
  /** The parent, or that it has none. */
  parent: { imageId: number | null } | null;
  pools: { join: number[]; leave: number[]; make: string[] };
  isFavourite: boolean | null;
  /** Who edits, for the history. */
  editor: string;
};

/** Relation of a parent (a) and its child (b). */
const PARENT_CHILD = "parent_child";

/**
 * Writes an edit of a post, all of it or nothing.
 *
 * @throws {AppError} `not_found` without such an image or pool, `bad_request` without such a parent,
 *   `conflict` if a tag is wanted in another category than it has.
 */
export function editPost(db: Database, edit: PostEdit): TagChange {
  const { imageId } = edit;
  for (const tag of edit.categories) raiseFromGeneral(db, tag);
  const change = editTags(db, { ...edit, expectedTags: null });
  if (edit.source !== null) writeSource(db, imageId, edit.source);
  if (edit.parent !== null) writeParent(db, imageId, edit.parent.imageId);
  for (const poolId of edit.pools.join) setInPool(db, { poolId, imageId, isIn: true });
  for (const poolId of edit.pools.leave) setInPool(db, { poolId, imageId, isIn: false });
  for (const name of edit.pools.make) {
    const made = { id: null, name, description: null, imageIds: null };
    const poolId = findPoolByName(db, name) ?? savePool(db, made);
    setInPool(db, { poolId, imageId, isIn: true });
  }
  if (edit.isFavourite !== null) setFavourite(db, { imageId, isFavourite: edit.isFavourite });
  return change;
}

/** A tag that nobody sorted yet may be given a category by whoever names it. */
function raiseFromGeneral(db: Database, tag: WantedTag): void {
  const known = prepared(db, "SELECT category FROM tags WHERE name = ?")
    .value<[string | null]>(tag.name);
  if (known === undefined || known[0] === tag.category) return;
  if ((known[0] ?? "general") !== "general") {
    throw new AppError("conflict", `"${tag.name}" is a ${known[0]} tag and not ${tag.category}`, {
      remedy: `Write it without the prefix: ${tag.name}`,
    });
  }
  ensureTag(db, tag);
}

function writeSource(db: Database, imageId: number, source: string): void {
  const [filepath] = prepared(db, "SELECT filepath FROM images WHERE id = ?")
    .value<[string]>(imageId)!;
  const size = prepared(db, "SELECT size_bytes FROM image_files WHERE image_id = ? LIMIT 1")
    .value<[number]>(imageId);
  execute(
    db,
    `INSERT INTO image_media (image_id, file_ext, size_bytes, source_url) VALUES (?, ?, ?, ?)
     ON CONFLICT (image_id) DO UPDATE SET source_url = excluded.source_url`,
    imageId,
    extname(filepath).slice(1).toLowerCase(),
    toNumber(size?.[0]),
    source === "" ? null : source,
  );
}

/** A person's word replaces every other, and without a parent the site's is forgotten too. */
function writeParent(db: Database, imageId: number, parentImageId: number | null): void {
  execute(
    db,
    "DELETE FROM image_relations WHERE image_id_b = ? AND relation_type = ?",
    imageId,
    PARENT_CHILD,
  );
  if (parentImageId === null) {
    execute(db, "UPDATE images SET parent_id = NULL WHERE id = ?", imageId);
    return;
  }
  if (prepared(db, "SELECT 1 FROM images WHERE id = ?").value(parentImageId) === undefined) {
    throw new AppError("bad_request", `There is no post ${parentImageId} to be the parent`);
  }
  execute(
    db,
    `INSERT INTO image_relations (image_id_a, image_id_b, relation_type, source)
     VALUES (?, ?, ?, 'manual')`,
    parentImageId,
    imageId,
    PARENT_CHILD,
  );
}

/** When each of some images was edited last, in milliseconds; those never edited are left out. */
export function readLastEdits(db: Database, imageIds: readonly number[]): Map<number, number> {
  const rows = prepared(
    db,
    `SELECT image_id, max(edited_at_ms) FROM tag_edits
     WHERE image_id IN (SELECT value FROM json_each(?)) GROUP BY image_id`,
  ).values<[number, number]>(JSON.stringify(imageIds));
  return new Map(rows);
}
