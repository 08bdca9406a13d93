import type { Database } from "@db/sqlite";
import { SAVED_COLUMNS } from "../../src/tags/saved_image.ts";

/** All that a library knows, with images by their md5 and without what only its own folder means. */
export type LibraryState = Record<string, unknown>;

/** Reads everything that an export is to bring to another library, in one order. */
export function readLibraryState(db: Database): LibraryState {
  const rows = (sql: string, ...params: (string | number)[]) =>
    db.prepare(sql).values<unknown[]>(...params).map((row) => JSON.stringify(row)).sort();
  const images = db.prepare("SELECT id, md5 FROM images ORDER BY md5").values<[number, string]>();
  return {
    images: Object.fromEntries(images.map(([id, md5]) => [md5, readImage(db, { id, md5 })])),
    tags: rows("SELECT name, category, extended_category FROM tags"),
    aliases: rows("SELECT * FROM tag_aliases"),
    listAliases: rows("SELECT * FROM list_aliases"),
    implications: rows(
      `SELECT a.name, b.name, inference_type, confidence, created_at, status
       FROM tag_implications JOIN tags AS a ON a.id = source_tag_id
         JOIN tags AS b ON b.id = implied_tag_id`,
    ),
    pools: rows(
      `SELECT pools.name, description, md5, sort_order FROM pools
       LEFT JOIN pool_images ON pool_id = pools.id LEFT JOIN images ON images.id = image_id`,
    ),
    relations: rows(
      `SELECT a.md5, b.md5, relation_type, source, created_at FROM image_relations
       JOIN images AS a ON a.id = image_id_a JOIN images AS b ON b.id = image_id_b`,
    ),
    deltas: rows("SELECT image_md5, tag_name, tag_category, operation, timestamp FROM tag_deltas"),
    choices: rows("SELECT * FROM source_choices"),
    settings: rows(
      `SELECT key, value FROM library_state WHERE key IN ('blacklisted_tags', 'source_priority')`,
    ),
  };
}

function readImage(db: Database, { id, md5 }: { id: number; md5: string }): unknown {
  const one = (sql: string) => db.prepare(sql).value<unknown[]>(id) ?? null;
  const all = (sql: string) => db.prepare(sql).values<unknown[]>(id);
  const [text] = (one("SELECT CAST(data AS TEXT) FROM raw_metadata WHERE image_id = ?") ??
    [null]) as [string | null];
  return {
    md5,
    columns: one(
      `SELECT image_width, image_height, ${SAVED_COLUMNS.join(", ")}, tags_character,
         tags_copyright, tags_artist, tags_species, tags_meta, tags_general
       FROM images WHERE id = ?`,
    ),
    media: one(
      `SELECT file_ext, size_bytes, duration_ms, source_url, posted_at, original_name
       FROM image_media WHERE image_id = ?`,
    ),
    tags: all(
      `SELECT name, category, source FROM image_tags JOIN tags ON tags.id = tag_id
       WHERE image_id = ? ORDER BY name`,
    ),
    sources: all(
      `SELECT name FROM image_sources JOIN sources ON sources.id = source_id
       WHERE image_id = ? ORDER BY name`,
    ),
    favourite: one("SELECT created_at FROM favourites WHERE image_id = ?"),
    document: toComparable(text),
  };
}

/** A document without what says where it lies; text that is no JSON as it is. */
function toComparable(text: string | null): unknown {
  if (text === null) return null;
  try {
    const { md5: _, relative_path: __, ...rest } = JSON.parse(text);
    return rest;
  } catch {
    return text;
  }
}
