import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute, prepared } from "./database.ts";
import { type ImageLinks, readImageLinks } from "./image_links.ts";
import { compareInBytes, type KnownTags } from "./known_tags.ts";

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

/** The tags of an image at one moment, and a person's lasting words on them, packed. */
export type TagsAtMoment = { links: ImageLinks; deltas: string };

/** Nobody said anything. */
const NO_DELTAS = "[]";

/** Reads the tags of images before an edit, or after it, by image. Cost: O(their tags). */
export function readTagsOf(
  db: Database,
  images: readonly { imageId: number; md5: string }[],
): Map<number, TagsAtMoment> {
  const links = readImageLinks(db, images.map(({ imageId }) => imageId));
  const deltas = new Map(
    prepared(
      db,
      `SELECT image_md5,
         json_group_array(json_array(tag_name, id, tag_category, operation, timestamp))
       FROM (
         SELECT * FROM tag_deltas WHERE image_md5 IN (SELECT value FROM json_each(?))
         ORDER BY image_md5, tag_name, id
       ) GROUP BY image_md5`,
    ).values<[string, string]>(JSON.stringify(images.map(({ md5 }) => md5))),
  );
  return new Map(images.map(({ imageId, md5 }) => {
    return [imageId, { links: links.get(imageId)!, deltas: deltas.get(md5) ?? NO_DELTAS }];
  }));
}

/**
 * Compares two moments of an image's tags: what came and went; the rest is put into `detail`. `tags` are
 * those of the later moment.
 */
export function compareTags(
  tags: KnownTags,
  { before, after }: { before: TagsAtMoment; after: TagsAtMoment },
  detail: TagEditDetail,
): { added: string[]; removed: string[] } {
  const added: string[] = [];
  const restated: NonNullable<TagEditDetail["origins"]> = [];
  for (const [id, origin] of after.links) {
    const old = before.links.get(id);
    if (old === origin) continue;
    const tag = tags.get(id);
    if (tag === undefined) continue;
    if (old === undefined) added.push(tag.name);
    else restated.push({ name: tag.name, before: old, after: origin });
  }
  if (restated.length > 0) detail.origins = restated;
  const lost: NonNullable<TagEditDetail["lost"]> = [];
  for (const [id, origin] of before.links) {
    const tag = after.links.has(id) ? undefined : tags.get(id);
    if (tag !== undefined) lost.push({ name: tag.name, category: tag.category, origin });
  }
  lost.sort((a, b) => compareInBytes(a.name, b.name));
  if (lost.length > 0) detail.lost = lost;
  if (before.deltas !== after.deltas) detail.deltas = compareDeltas(before.deltas, after.deltas);
  return { added: added.sort(), removed: lost.map(({ name }) => name) };
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
