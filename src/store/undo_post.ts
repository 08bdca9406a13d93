import { CATEGORY_CHANGE_IMAGES_MAX } from "../base/limits.ts";
import { type Database, execute, prepared } from "./database.ts";
import { readFavouritedAt, writeFavourite } from "./favourites.ts";
import { readPlaceInPool, setInPool } from "./pools.ts";
import { PARENT_CHILD, readParentRows, writeSource } from "./post_edits.ts";
import type { PostDifference, ReplacedParent } from "./post_history.ts";
import { countTagImages, readCategory } from "./tag_history.ts";
import { setCategory } from "./tag_categories.ts";

/** An undo while it works. */
export type PostUndo = {
  imageId: number;
  /** Gets what really changed. */
  difference: PostDifference;
  /** Gets what was changed since and stays, in words. */
  kept: string[];
};

/**
 * Takes back what an edit changed of a post besides tags, each part where it is still as that edit left it.
 */
export function undoPostDifference(db: Database, edit: PostDifference, undo: PostUndo): void {
  if (edit.content !== undefined) undo.kept.push("the content, which is that of the file");
  if (edit.isFavourite !== undefined) undoFavourite(db, edit.isFavourite, undo);
  if (edit.pools !== undefined) undoPools(db, edit.pools, undo);
  if (edit.parent !== undefined) undoParent(db, edit.parent, undo);
  if (edit.source !== undefined) undoSource(db, edit.source, undo);
  for (const tag of edit.categories ?? []) {
    if (undoCategory(db, tag)) {
      const { name, before, after } = tag;
      (undo.difference.categories ??= []).push({ name, before: after, after: before });
    } else undo.kept.push(`the category of ${tag.name}`);
  }
}

function undoFavourite(
  db: Database,
  { before, after, since }: NonNullable<PostDifference["isFavourite"]>,
  { imageId, difference, kept }: PostUndo,
): void {
  const old = readFavouritedAt(db, imageId);
  if (!writeFavourite(db, { imageId, isFavourite: before })) {
    kept.push("whether it is a favourite");
    return;
  }
  if (before && since !== undefined) {
    execute(db, "UPDATE favourites SET created_at = ? WHERE image_id = ?", since, imageId);
  }
  difference.isFavourite = { before: after, after: before, ...old };
}

function undoPools(
  db: Database,
  { joined, left, places = [] }: NonNullable<PostDifference["pools"]>,
  { imageId, difference, kept }: PostUndo,
): void {
  const placeIn = new Map(places);
  const done = {
    joined: [] as number[],
    left: [] as number[],
    places: [] as [number, number | null][],
  };
  const isThere = (poolId: number) =>
    prepared(db, "SELECT 1 FROM pools WHERE id = ?").value(poolId) !== undefined;
  for (const poolId of joined) {
    const place = readPlaceInPool(db, { poolId, imageId });
    if (isThere(poolId) && setInPool(db, { poolId, imageId, isIn: false })) {
      done.left.push(poolId);
      done.places.push([poolId, place]);
    } else kept.push(`pool ${poolId}`);
  }
  for (const poolId of left) {
    if (!isThere(poolId) || !setInPool(db, { poolId, imageId, isIn: true })) {
      kept.push(`pool ${poolId}`);
      continue;
    }
    done.joined.push(poolId);
    if (placeIn.has(poolId)) {
      execute(
        db,
        "UPDATE pool_images SET sort_order = ? WHERE pool_id = ? AND image_id = ?",
        placeIn.get(poolId)!,
        poolId,
        imageId,
      );
    }
  }
  if (done.joined.length + done.left.length > 0) difference.pools = done;
}

function undoParent(
  db: Database,
  edit: NonNullable<PostDifference["parent"]>,
  { imageId, difference, kept }: PostUndo,
): void {
  const now = readParentRows(db, imageId);
  const parent = now[0]?.imageId ?? null;
  if (now.length > 1 || parent !== edit.after) {
    kept.push("the parent");
    return;
  }
  execute(
    db,
    "DELETE FROM image_relations WHERE image_id_b = ? AND relation_type = ?",
    imageId,
    PARENT_CHILD,
  );
  for (const row of toReplaced(edit)) {
    if (!insertParent(db, imageId, row)) {
      kept.push(`the parent: there is no image ${row.imageId} any more`);
    }
  }
  const [site] = prepared(db, "SELECT parent_id FROM images WHERE id = ?")
    .value<[number | null]>(imageId)!;
  const siteAfter = site === edit.site.after ? edit.site.before : site;
  execute(db, "UPDATE images SET parent_id = ? WHERE id = ?", siteAfter, imageId);
  difference.parent = {
    before: parent,
    after: readParentRows(db, imageId)[0]?.imageId ?? null,
    site: { before: site, after: siteAfter },
    ...(now.length > 0 ? { replaced: now } : {}),
  };
}

/** Rows that an edit of the parent replaced; those of older entries were not written down. */
function toReplaced(
  { before, replaced }: NonNullable<PostDifference["parent"]>,
): ReplacedParent[] {
  if (replaced !== undefined || before === null) return replaced ?? [];
  return [{ imageId: before, source: "manual", createdAt: null }];
}

/** False when there is no such parent any more. */
function insertParent(db: Database, imageId: number, row: ReplacedParent): boolean {
  return execute(
    db,
    `INSERT INTO image_relations (image_id_a, image_id_b, relation_type, source, created_at)
     SELECT id, ?, ?, ?, coalesce(?, CURRENT_TIMESTAMP) FROM images WHERE id = ?`,
    imageId,
    PARENT_CHILD,
    row.source,
    row.createdAt,
    row.imageId,
  ) > 0;
}

function undoSource(
  db: Database,
  { before, after }: NonNullable<PostDifference["source"]>,
  { imageId, difference, kept }: PostUndo,
): void {
  const now = prepared(db, "SELECT source_url FROM image_media WHERE image_id = ?")
    .value<[string | null]>(imageId)?.[0] ?? "";
  if (now === after) {
    writeSource(db, { imageId, source: before, fileSizeBytes: null }, difference);
  } else kept.push("the source");
}

/**
 * Gives a tag back the category that it had before an edit, with the columns of its images; false if it
 * has another one since, or so many images that all writes would wait for them.
 */
export function undoCategory(
  db: Database,
  { name, before, after }: { name: string; before: string | null; after: string | null },
): boolean {
  if (readCategory(db, name) !== after) return false;
  if (countTagImages(db, name, CATEGORY_CHANGE_IMAGES_MAX) > CATEGORY_CHANGE_IMAGES_MAX) {
    return false;
  }
  const [id] = prepared(db, "SELECT id FROM tags WHERE name = ?").value<[number]>(name)!;
  setCategory(db, { id, category: before });
  return true;
}
