import { type Database, execute, prepared } from "./database.ts";

/** Tag → who says that the image has it (`image_tags.source`). */
export type ImageLinks = Map<number, string | null>;

/** Reads the tags of some images; one without tags, or without a row, has none. Cost: O(their tags). */
export function readImageLinks(
  db: Database,
  imageIds: readonly number[],
): Map<number, ImageLinks> {
  const links = new Map<number, ImageLinks>(imageIds.map((id) => [id, new Map()]));
  // Packed, since a row for each link would cost several times as much.
  const rows = prepared(
    db,
    `SELECT image_id, json_group_array(tag_id), json_group_array(source) FROM image_tags
     WHERE image_id IN (SELECT value FROM json_each(?)) AND tag_id NOT NULL GROUP BY image_id`,
  ).values<[number, string, string]>(JSON.stringify(imageIds));
  for (const [imageId, tagIds, origins] of rows) {
    const own = links.get(imageId)!;
    const ids = JSON.parse(tagIds) as number[];
    const said = JSON.parse(origins) as (string | null)[];
    for (let i = 0; i < ids.length; i++) own.set(ids[i], said[i]);
  }
  return links;
}

/** Tags of an image that something besides an implication gives. */
export function statedTags(links: ImageLinks): number[] {
  return [...links].filter(([, origin]) => origin !== "implication").map(([tag]) => tag);
}

/** The links of an image before and after a change. */
export type LinkChange = { imageId: number; before: ImageLinks; links: ImageLinks };

/** Writes what differs; gives the images of which a tag came or went. */
export function writeImageLinks<T extends LinkChange>(db: Database, changes: readonly T[]): T[] {
  const gone: [number, number][] = [];
  const come: [number, number, string | null][] = [];
  const restated: [number, number, string | null][] = [];
  const touched = changes.filter(({ imageId, before, links }) => {
    const count = gone.length + come.length;
    for (const tagId of before.keys()) {
      if (!links.has(tagId)) gone.push([imageId, tagId]);
    }
    for (const [tagId, origin] of links) {
      if (!before.has(tagId)) come.push([imageId, tagId, origin]);
      else if (before.get(tagId) !== origin) restated.push([imageId, tagId, origin]);
    }
    return gone.length + come.length > count;
  });
  runOn(db, DELETE_LINKS, gone);
  runOn(db, INSERT_LINKS, come);
  runOn(db, RESTATE_LINKS, restated);
  return touched;
}

const DELETE_LINKS = `DELETE FROM image_tags
  WHERE (image_id, tag_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`;
const INSERT_LINKS = `INSERT OR IGNORE INTO image_tags (image_id, tag_id, source)
  SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`;
const RESTATE_LINKS = `UPDATE image_tags SET source = link.value ->> 2 FROM json_each(?) AS link
  WHERE image_id = link.value ->> 0 AND tag_id = link.value ->> 1`;

function runOn(db: Database, sql: string, rows: readonly unknown[]): void {
  if (rows.length > 0) execute(db, sql, JSON.stringify(rows));
}
