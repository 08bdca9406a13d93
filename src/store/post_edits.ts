import { extname } from "node:path";
import { AppError } from "../base/errors.ts";
import type { TagCategory } from "../tags/category.ts";
import { type Database, execute, prepared, toNumber } from "./database.ts";
import { readFavouritedAt, writeFavourite } from "./favourites.ts";
import { findPoolByName, readPlaceInPool, savePool, setInPool } from "./pools.ts";
import { type PostDifference, recordEdit, type ReplacedParent } from "./post_history.ts";
import { changeTagCategory } from "./tag_categories.ts";
import {
  applyTagEdit,
  readImageTagNames,
  type TagChange,
  type WantedTag,
  writeTagDelta,
} from "./tags.ts";

/** Everything that one edit of a post may change; null and empty lists leave a part as it is. */
export type PostEdit = {
  imageId: number;
  add: WantedTag[];
  remove: string[];
  /** Tags that are to have these categories, whether the image has them already or not. */
  categories: WantedTag[];
  /** Where the file came from; "" for not known. */
  source: string | null;
  /** Size of the file where nothing else says it; null when there is no need to know. */
  fileSizeBytes: number | null;
  /** The parent, or that it has none. */
  parent: { imageId: number | null } | null;
  pools: { join: number[]; leave: number[]; make: string[] };
  isFavourite: boolean | null;
  /** Who edits, for the history. */
  editor: string;
};

/** Relation of a parent (a) and its child (b). */
export const PARENT_CHILD = "parent_child";

/**
 * Writes an edit of a post, all of it or nothing, and keeps what was before.
 *
 * @throws {AppError} `not_found` without such an image or pool, `bad_request` without such a parent,
 *   `conflict` if a tag is wanted in another category than it has.
 */
export function editPost(db: Database, edit: PostEdit): TagChange {
  let change: TagChange = { added: [], removed: [] };
  const { imageId, editor } = edit;
  recordEdit(db, { imageId, editor }, (draft) => {
    const { difference } = draft;
    const categories = changeCategories(db, edit.categories);
    change = applyTagEdit(db, { ...edit, expectedTags: null }, draft);
    if (categories.length > 0) {
      difference.categories = categories;
      rememberCategories(db, imageId, categories);
    }
    if (edit.source !== null) writeSource(db, edit, difference);
    if (edit.parent !== null) writeParent(db, edit, difference);
    writePools(db, edit, difference);
    if (edit.isFavourite !== null) {
      const { isFavourite: after } = edit;
      const since = readFavouritedAt(db, imageId);
      if (writeFavourite(db, { imageId, isFavourite: after })) {
        difference.isFavourite = { before: !after, after, ...since };
      }
    }
  });
  return change;
}

type CategoryDifferences = { name: string; before: string | null; after: TagCategory }[];

/** A tag that nobody sorted yet may be given a category by whoever names it. */
function changeCategories(db: Database, tags: readonly WantedTag[]): CategoryDifferences {
  const differences: CategoryDifferences = [];
  for (const { name, category } of tags) {
    if (category === null) continue;
    const changed = changeTagCategory(db, { name, category });
    if (changed !== undefined) differences.push({ name, before: changed.before, after: category });
  }
  return differences;
}

/** The categories that a person named for this image's tags, so that they survive a rebuild. */
function rememberCategories(
  db: Database,
  imageId: number,
  differences: CategoryDifferences,
): void {
  const [md5] = prepared(db, "SELECT md5 FROM images WHERE id = ?").value<[string]>(imageId)!;
  const own = new Set(readImageTagNames(db, imageId));
  for (const { name, after } of differences) {
    if (!own.has(name)) continue;
    writeTagDelta(db, { md5, tag: { name, category: after }, operation: "add" });
  }
}

function writePools(db: Database, { imageId, pools }: PostEdit, difference: PostDifference): void {
  const joined = new Set<number>();
  const left = new Set<number>();
  const join = (poolId: number) => {
    if (setInPool(db, { poolId, imageId, isIn: true })) joined.add(poolId);
  };
  for (const poolId of pools.join) join(poolId);
  const places: [poolId: number, place: number | null][] = [];
  for (const poolId of pools.leave) {
    const place = readPlaceInPool(db, { poolId, imageId });
    if (!setInPool(db, { poolId, imageId, isIn: false }) || joined.delete(poolId)) continue;
    left.add(poolId);
    places.push([poolId, place]);
  }
  for (const name of pools.make) {
    const made = { id: null, name, description: null, imageIds: null };
    join(findPoolByName(db, name) ?? savePool(db, made));
  }
  if (joined.size + left.size === 0) return;
  const moved = { joined: [...joined], left: [...left] };
  difference.pools = places.length === 0 ? moved : { ...moved, places };
}

/** Writes where a file came from; {@link PostEdit} says what the parts mean. */
export function writeSource(
  db: Database,
  edit: Pick<PostEdit, "imageId" | "source" | "fileSizeBytes">,
  difference: PostDifference,
): void {
  const { imageId, fileSizeBytes } = edit;
  const after = edit.source ?? "";
  const [filepath, source] = prepared(
    db,
    `SELECT filepath, source_url FROM images LEFT JOIN image_media ON image_id = images.id
     WHERE images.id = ?`,
  ).value<[string, string | null]>(imageId)!;
  const before = source ?? "";
  if (before === after) return;
  difference.source = { before, after };
  const size = prepared(db, "SELECT size_bytes FROM image_files WHERE image_id = ? LIMIT 1")
    .value<[number]>(imageId);
  execute(
    db,
    `INSERT INTO image_media (image_id, file_ext, size_bytes, source_url) VALUES (?, ?, ?, ?)
     ON CONFLICT (image_id) DO UPDATE SET source_url = excluded.source_url`,
    imageId,
    extname(filepath).slice(1).toLowerCase(),
    size === undefined ? fileSizeBytes ?? 0 : toNumber(size[0]),
    after === "" ? null : after,
  );
}

/** A person's word replaces every other, and without a parent the site's is forgotten too. */
function writeParent(db: Database, edit: PostEdit, difference: PostDifference): void {
  const { imageId } = edit;
  const after = edit.parent?.imageId ?? null;
  const replaced = readParentRows(db, imageId);
  const before = replaced[0]?.imageId ?? null;
  const [site] = prepared(db, "SELECT parent_id FROM images WHERE id = ?")
    .value<[number | null]>(imageId)!;
  const siteAfter = after === null ? null : site;
  if (before === after && site === siteAfter && replaced.length < 2) return;
  execute(
    db,
    "DELETE FROM image_relations WHERE image_id_b = ? AND relation_type = ?",
    imageId,
    PARENT_CHILD,
  );
  if (after === null) {
    execute(db, "UPDATE images SET parent_id = NULL WHERE id = ?", imageId);
  } else writeRelation(db, { parent: after, child: imageId });
  difference.parent = { before, after, site: { before: site, after: siteAfter } };
  if (replaced.length > 0) difference.parent.replaced = replaced;
}

/** What says who an image's parents are, the lowest first: a person's word is one alone. */
export function readParentRows(db: Database, imageId: number): ReplacedParent[] {
  return prepared(
    db,
    `SELECT image_id_a, source, created_at FROM image_relations
     WHERE image_id_b = ? AND relation_type = ? ORDER BY image_id_a`,
  ).values<[number, string, string | null]>(imageId, PARENT_CHILD)
    .map(([parent, source, createdAt]) => ({ imageId: parent, source, createdAt }));
}

function writeRelation(
  db: Database,
  { parent, child }: { parent: number; child: number },
): void {
  if (prepared(db, "SELECT 1 FROM images WHERE id = ?").value(parent) === undefined) {
    throw new AppError("bad_request", `There is no post ${parent} to be the parent`);
  }
  execute(
    db,
    `INSERT INTO image_relations (image_id_a, image_id_b, relation_type, source)
     VALUES (?, ?, ?, 'manual')`,
    parent,
    child,
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
