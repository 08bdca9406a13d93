import { isTagCategory, type TagCategory } from "../tags/category.ts";
import {
  SAVED_COLUMNS,
  type SavedColumns,
  type SavedDelta,
  type SavedImage,
  type SavedTag,
  TAG_ORIGINS,
} from "../tags/saved_image.ts";
import { type Database, prepared, toNumber } from "./database.ts";

/** An image with all that is known of it, and where its file lies. */
export type ExportedImage = {
  id: number;
  filepath: string;
  sizeBytes: number;
  saved: SavedImage;
};

/** Ids of one statement: a bound JSON array has no limit of variables. */
const ID_LIST = "IN (SELECT value FROM json_each(?))";

/** How many images there are, and how many bytes their files have as far as anybody knows. */
export function readExportSizes(db: Database): { images: number; bytes: number } {
  const [images, bytes] = prepared(
    db,
    `SELECT count(*), coalesce(sum(size_bytes), 0) FROM images
     LEFT JOIN image_media ON image_id = images.id`,
  ).value<[number, number]>()!;
  return { images: toNumber(images), bytes: toNumber(bytes) };
}

/** The next ids after one. */
export function readImageIds(
  db: Database,
  { after, limit }: { after: number; limit: number },
): number[] {
  return prepared(db, "SELECT id FROM images WHERE id > ? ORDER BY id LIMIT ?")
    .values<[number]>(after, limit).map(([id]) => id);
}

/** Reads some images; those that are gone are left out. Cost: about 0.1 ms each. */
export function readExportedImages(db: Database, ids: readonly number[]): ExportedImage[] {
  const list = JSON.stringify(ids);
  const tags = readTags(db, list);
  const sources = readSources(db, list);
  const rows = prepared(
    db,
    `SELECT images.id, filepath, md5, original_name, source_url, posted_at, size_bytes,
       favourites.image_id, favourites.created_at, CAST(raw_metadata.data AS TEXT), choices.source,
       ${SAVED_COLUMNS.join(", ")}
     FROM images LEFT JOIN image_media ON image_media.image_id = images.id
       LEFT JOIN favourites ON favourites.image_id = images.id
       LEFT JOIN raw_metadata ON raw_metadata.image_id = images.id
       LEFT JOIN source_choices AS choices ON choices.image_md5 = images.md5
     WHERE images.id ${ID_LIST} ORDER BY images.id`,
  ).values<unknown[]>(list);
  return rows.map((row) => {
    const [id, filepath, md5, originalName, sourceUrl, postedAt, sizeBytes, ...rest] = row;
    const [favourite, favouritedAt, document, sourceChoice, ...cells] = rest;
    const columns = Object.fromEntries(
      SAVED_COLUMNS.map((name, i) => [name, toCell(cells[i])]),
    ) as SavedColumns;
    const saved: SavedImage = {
      md5: String(md5).toLowerCase(),
      originalName: toText(originalName),
      sourceUrl: toText(sourceUrl),
      postedAt: toText(postedAt),
      columns,
      tags: tags.get(Number(id)) ?? [],
      deltas: readDeltas(db, String(md5)),
      favouritedAt: favourite === null ? null : toCell(favouritedAt) ?? "",
      sources: sources.get(Number(id)) ?? [],
      sourceChoice: toText(sourceChoice),
      document: toText(document),
    };
    return { id: Number(id), filepath: String(filepath), sizeBytes: toNumber(sizeBytes), saved };
  });
}

function toText(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** A value as JSON has it. */
function toCell(value: unknown): string | number | null {
  if (typeof value === "bigint") return Number(value);
  return typeof value === "string" || typeof value === "number" ? value : null;
}

function toCategory(category: string | null): TagCategory | null {
  return isTagCategory(category) ? category : null;
}

function readTags(db: Database, list: string): Map<number, SavedTag[]> {
  const tags = new Map<number, SavedTag[]>();
  const rows = prepared(
    db,
    `SELECT image_id, name, category, source FROM image_tags JOIN tags ON tags.id = tag_id
     WHERE image_id ${ID_LIST} ORDER BY image_id, name`,
  ).values<[number, string, string | null, string | null]>(list);
  for (const [id, name, category, source] of rows) {
    const origin = TAG_ORIGINS.find((word) => word === source) ?? "original";
    const tag = { name, category: toCategory(category), origin };
    const own = tags.get(id);
    if (own === undefined) tags.set(id, [tag]);
    else own.push(tag);
  }
  return tags;
}

function readSources(db: Database, list: string): Map<number, string[]> {
  const rows = prepared(
    db,
    `SELECT image_id, name FROM image_sources JOIN sources ON sources.id = source_id
     WHERE image_id ${ID_LIST} ORDER BY image_id, name`,
  ).values<[number, string]>(list);
  return new Map(
    Map.groupBy(rows, ([id]) => id).entries().map(([id, own]) => [id, own.map(([, name]) => name)]),
  );
}

function readDeltas(db: Database, md5: string): SavedDelta[] {
  return prepared(
    db,
    `SELECT operation, tag_name, tag_category, CAST(timestamp AS TEXT) FROM tag_deltas
     WHERE image_md5 = ? ORDER BY timestamp, id`,
  ).values<["add" | "remove", string, string | null, string | null]>(md5)
    .map(([operation, name, category, timestamp]) => {
      return { operation, name, category: toCategory(category), timestamp };
    });
}
