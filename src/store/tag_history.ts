import { type Database, execute, prepared } from "./database.ts";
import { isRatingTagName } from "../tags/ratings.ts";

/** A row of `tag_deltas`, without what it is about: a person's lasting word on a tag of a content. */
export type SavedDelta = {
  id: number;
  category: string | null;
  operation: string;
  timestamp: string | null;
};

/**
 * What an edit did beyond the names in `added` and `removed`, so that it can be taken back exactly; parts
 * in which nothing happened are left out.
 */
export type TagEditDetail = {
  /** Tags that went, as they were. */
  lost?: { name: string; category: string | null; origin: string | null }[];
  /** Tags that stayed and that somebody else says now (`image_tags.source`). */
  origins?: { name: string; before: string | null; after: string | null }[];
  /** Tags that got a category by being named with it. */
  categories?: { name: string; before: string | null; after: string | null }[];
  /** Lasting words on tags, before and after. */
  deltas?: { name: string; before: SavedDelta[]; after: SavedDelta[] }[];
};

/** The tags of an image at one moment, packed: ids, who says each, and a person's lasting words. */
export type TagsAtMoment = { ids: string | null; origins: string; deltas: string };

/** As {@link TagsAtMoment}, with the names, which fit the ids: a JSON list, sorted. */
export type NamedTags = TagsAtMoment & { names: string };

/** Reads the tags of an image before an edit. Cost: O(its tags) inside SQLite. */
export function readTagsBefore(
  db: Database,
  { imageId, md5 }: { imageId: number; md5: string },
): NamedTags {
  const [names, ids, origins] = prepared(
    db,
    `SELECT json_group_array(name), group_concat(tag_id), json_group_array(source) FROM (
       SELECT name, tag_id, source FROM image_tags JOIN tags ON tags.id = tag_id
       WHERE image_id = ? ORDER BY name
     )`,
  ).value<[string, string | null, string]>(imageId)!;
  return { names, ids, origins, deltas: readDeltas(db, md5) };
}

/** Reads the tags of an image after an edit, whose names are mostly known. Cost: half of that. */
export function readTagsAfter(
  db: Database,
  { imageId, md5 }: { imageId: number; md5: string },
): TagsAtMoment {
  const [ids, origins] = prepared(
    db,
    "SELECT group_concat(tag_id), json_group_array(source) FROM image_tags WHERE image_id = ?",
  ).value<[string | null, string]>(imageId)!;
  return { ids, origins, deltas: readDeltas(db, md5) };
}

function readDeltas(db: Database, md5: string): string {
  return prepared(
    db,
    `SELECT json_group_array(json_array(tag_name, id, tag_category, operation, timestamp)) FROM (
       SELECT * FROM tag_deltas WHERE image_md5 = ? ORDER BY tag_name, id
     )`,
  ).value<[string]>(md5)![0];
}

/** Compares two moments of an image's tags: what came and went; the rest is put into `detail`. */
export function compareTags(
  db: Database,
  { before, after }: { before: NamedTags; after: TagsAtMoment },
  detail: TagEditDetail,
): { added: string[]; removed: string[] } {
  const [old, now] = [toOrigins(before), toOrigins(after)];
  const nameOf = (id: string) =>
    prepared(db, "SELECT name FROM tags WHERE id = ?").value<[string]>(Number(id))?.[0];
  const added = [...now.keys()].filter((id) => !old.has(id)).map(nameOf)
    .filter((name) => name !== undefined).sort();
  const removed: string[] = [];
  const restated = [...now].filter(([id, origin]) => old.has(id) && old.get(id) !== origin)
    .map(([id, origin]) => ({ name: nameOf(id)!, before: old.get(id)!, after: origin }));
  if (restated.length > 0) detail.origins = restated;
  if ([...old.keys()].some((id) => !now.has(id))) {
    const names = JSON.parse(before.names) as string[];
    const lost = [...old].map(([id, origin], i) => ({ id, origin, name: names[i] }))
      .filter(({ id }) => !now.has(id));
    removed.push(...lost.map(({ name }) => name));
    detail.lost = lost.map(({ name, origin }) => ({
      name,
      category: readCategory(db, name) ?? null,
      origin,
    }));
  }
  if (before.deltas !== after.deltas) detail.deltas = compareDeltas(before.deltas, after.deltas);
  return { added, removed };
}

/** Tag id → who says it, in the order of the list. */
function toOrigins({ ids, origins }: TagsAtMoment): Map<string, string | null> {
  if (ids === null) return new Map();
  const list = JSON.parse(origins) as (string | null)[];
  return new Map(ids.split(",").map((id, i) => [id, list[i]]));
}

function compareDeltas(before: string, after: string): TagEditDetail["deltas"] {
  const [old, now] = [toDeltas(before), toDeltas(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ name, before: old.get(name) ?? [], after: now.get(name) ?? [] }))
    .filter((delta) => JSON.stringify(delta.before) !== JSON.stringify(delta.after));
}

type PackedDelta = [string, number, string | null, string, string | null];

function toDeltas(text: string): Map<string, SavedDelta[]> {
  const byName = new Map<string, SavedDelta[]>();
  for (const [name, id, category, operation, timestamp] of JSON.parse(text) as PackedDelta[]) {
    const delta = { id, category, operation, timestamp };
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [delta]);
    else known.push(delta);
  }
  return byName;
}

/** Category of a tag; undefined when there is no such tag. */
export function readCategory(db: Database, name: string): string | null | undefined {
  return prepared(db, "SELECT category FROM tags WHERE name = ?").value<[string | null]>(name)?.[0];
}

/** The lasting words on a tag of a content. */
export function readSavedDeltas(
  db: Database,
  { md5, name }: { md5: string; name: string },
): SavedDelta[] {
  return prepared(
    db,
    `SELECT id, tag_category, operation, timestamp FROM tag_deltas
     WHERE image_md5 = ? AND tag_name = ? ORDER BY id`,
  ).values<[number, string | null, string, string | null]>(md5, name)
    .map(([id, category, operation, timestamp]) => ({ id, category, operation, timestamp }));
}

/** Puts the lasting words on a tag of a content back as they were, under their numbers where these are free. */
export function restoreDeltas(
  db: Database,
  { md5, name, deltas }: { md5: string; name: string; deltas: readonly SavedDelta[] },
): void {
  execute(db, "DELETE FROM tag_deltas WHERE image_md5 = ? AND tag_name = ?", md5, name);
  for (const { id, category, operation, timestamp } of deltas) {
    const isTaken = prepared(db, "SELECT 1 FROM tag_deltas WHERE id = ?").value(id) !== undefined;
    execute(
      db,
      `INSERT INTO tag_deltas (id, image_md5, tag_name, tag_category, operation, timestamp)
       VALUES (?, ?, ?, ?, ?, ?)`,
      isTaken ? null : id,
      md5,
      name,
      category,
      operation,
      timestamp,
    );
  }
}

/** Writes who says that an image has a tag. */
export function setTagOrigin(
  db: Database,
  link: { imageId: number; name: string; origin: string | null },
): void {
  execute(
    db,
    `UPDATE image_tags SET source = ?
     WHERE image_id = ? AND tag_id = (SELECT id FROM tags WHERE name = ?)`,
    link.origin,
    link.imageId,
    link.name,
  );
}

/** How many images have a tag, counted up to one more than `max`. */
export function countTagImages(db: Database, name: string, max: number): number {
  return prepared(
    db,
    `SELECT count(*) FROM (SELECT 1 FROM image_tags
     WHERE tag_id = (SELECT id FROM tags WHERE name = ?) LIMIT ?)`,
  ).value<[number]>(name, max + 1)![0];
}

/** Tags that are named with a category and have none yet: adding them gives them one. */
export function findUnsorted(
  db: Database,
  tags: readonly { name: string; category: string | null }[],
): NonNullable<TagEditDetail["categories"]> {
  return tags.filter(({ name, category }) =>
    category !== null && !isRatingTagName(name) && readCategory(db, name) === null
  ).map(({ name, category }) => ({ name, before: null, after: category }));
}
