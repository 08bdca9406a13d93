import { type Database, inReadTransaction, prepared, toNumber } from "./database.ts";
import {
  type ImageNumber,
  rareExpressions,
  type RareNumber,
  selectImages,
  toFileSize,
} from "./read_columns.ts";

/** A tag as the database has it. */
export type TagRow = { id: number; name: string; category: string | null };

/** What the cache wants to know of an image, but for its rating and post ids. */
export type ImageRow = {
  id: number;
  filepath: string;
  md5: string;
  tagIds: Int32Array<ArrayBuffer>;
  width: number;
  height: number;
  score: number;
  favCount: number;
  ingestedAt: number;
  parentId: number;
  fileSizeBytes: number;
  durationMs: number;
  favouritedAt: number;
  parentImageId: number;
  /** As the media says; 0: what the ending of the path says. */
  fileType: number;
  source: string;
};

/** Some images with the tags that they refer to and their metadata documents. */
export type ImageRows = {
  images: ImageRow[];
  tags: TagRow[];
  documents: { imageId: number; data: Uint8Array }[];
};

/** Ids of one statement: a bound JSON array has no limit of variables. */
const ID_LIST = "IN (SELECT value FROM json_each(?))";

/**
 * Reads some images at one moment; those that do not exist are left out. Cost: about 40 µs an image.
 */
export function readImageRows(db: Database, ids: readonly number[]): ImageRows {
  return inReadTransaction(db, () => readRows(db, JSON.stringify(ids)));
}

function readRows(db: Database, list: string): ImageRows {
  const images = readFacts(db, list);
  const links = prepared(
    db,
    `SELECT image_id, tag_id, name, category FROM image_tags JOIN tags ON tags.id = tag_id
     WHERE image_id ${ID_LIST} ORDER BY image_id, tag_id`,
  ).values<[number, number, string, string | null]>(list);
  const tags = new Map<number, TagRow>();
  const tagIds = new Map<number, number[]>();
  for (const [imageId, tagId, name, category] of links) {
    tags.set(tagId, { id: tagId, name, category });
    const own = tagIds.get(imageId);
    if (own === undefined) tagIds.set(imageId, [tagId]);
    else own.push(tagId);
  }
  return {
    images: images.map((image) => ({
      ...image,
      tagIds: Int32Array.from(tagIds.get(image.id) ?? []),
    })),
    tags: [...tags.values()],
    documents: readDocuments(db, list),
  };
}

const NO_NUMBERS: Record<ImageNumber, number> = {
  width: 0,
  height: 0,
  score: 0,
  favCount: 0,
  ingestedAt: 0,
  parentId: 0,
  fileSizeLow: 0,
  fileSizeHigh: 0,
  fileType: 0,
};

function readFacts(db: Database, list: string): Omit<ImageRow, "tagIds">[] {
  const selection = selectImages(db);
  const numbers = [...selection.numbers, ...rareExpressions(db)];
  return prepared(
    db,
    `SELECT id, filepath, md5, CAST(${selection.source ?? "''"} AS TEXT),
       ${numbers.map(([, expression]) => expression).join(", ")}
     FROM ${selection.from} WHERE id ${ID_LIST} ORDER BY id`,
  ).values<[number, string, string, string, ...number[]]>(list).map((row) => {
    const [id, filepath, md5, source, ...values] = row;
    const found = Object.fromEntries(numbers.map(([name], i) => [name, values[i]]));
    const { fileSizeHigh, fileSizeLow, ...others } = { ...NO_NUMBERS, ...found } as Record<
      ImageNumber | RareNumber,
      number
    >;
    const fileSizeBytes = toFileSize(fileSizeHigh, fileSizeLow);
    return { id, filepath, md5, source, ...others, fileSizeBytes };
  });
}

function readDocuments(db: Database, list: string): ImageRows["documents"] {
  const exists = prepared(db, "SELECT 1 FROM sqlite_master WHERE name = 'raw_metadata'").value();
  if (exists === undefined) return [];
  return prepared(
    db,
    `SELECT image_id, CAST(coalesce(data, '') AS BLOB) FROM raw_metadata WHERE image_id ${ID_LIST}`,
  )
    .values<[number, Uint8Array]>(list).map(([imageId, data]) => ({ imageId, data }));
}

/** Id of the image with this path. */
export function readImageIdByPath(db: Database, filepath: string): number | undefined {
  return prepared(db, "SELECT id FROM images WHERE filepath = ?").value<[number]>(filepath)?.[0];
}

/** Reads some tags; those that do not exist are left out. */
export function readTagRows(db: Database, ids: readonly number[]): TagRow[] {
  return prepared(db, `SELECT id, name, category FROM tags WHERE id ${ID_LIST}`)
    .values<[number, string, string | null]>(JSON.stringify(ids))
    .map(([id, name, category]) => ({ id, name, category }));
}

/** What a page about one image shows beyond what the cache knows. */
export type ImageFacts = {
  fileExt: string | null;
  sizeBytes: number | null;
  durationMs: number | null;
  /** Of a film: frames a second, codec as ffmpeg names it, sound. */
  frameRate: number | null;
  videoCodec: string | null;
  hasAudio: boolean | null;
  sourceUrl: string | null;
  postedAt: string | null;
  originalName: string | null;
  ingestedAt: string | null;
  /** Names of the sites that told something about it. */
  sources: string[];
  /** Every place of the content. */
  places: string[];
  /** Since when the file that is served has been missing; null: it is there, as far as is known. */
  missingSinceMs: number | null;
  /** The stored metadata document. */
  metadata: string | null;
};

/** Reads what a page about one image shows; undefined when there is no such image. Cost: 0.1 ms. */
export function readImageFacts(db: Database, id: number): ImageFacts | undefined {
  const image = prepared(db, "SELECT ingested_at FROM images WHERE id = ?").value<[string | null]>(
    id,
  );
  if (image === undefined) return undefined;
  const media = prepared(
    db,
    `SELECT file_ext, size_bytes, duration_ms, source_url, posted_at, original_name, frame_rate,
       video_codec, has_audio FROM image_media WHERE image_id = ?`,
  ).value<
    [
      ...[string, number, number | null, string | null, string | null, string | null],
      ...[number | null, string | null, number | null],
    ]
  >(id);
  return {
    fileExt: media?.[0] ?? null,
    sizeBytes: media?.[1] ?? null,
    durationMs: media?.[2] ?? null,
    sourceUrl: media?.[3] ?? null,
    postedAt: media?.[4] ?? null,
    originalName: media?.[5] ?? null,
    frameRate: media?.[6] ?? null,
    videoCodec: media?.[7] ?? null,
    hasAudio: media?.[8] == null ? null : media[8] === 1,
    ingestedAt: image[0],
    sources: prepared(
      db,
      `SELECT name FROM image_sources JOIN sources ON sources.id = source_id
       WHERE image_id = ? ORDER BY name`,
    ).values<[string]>(id).map(([name]) => name),
    places: prepared(db, "SELECT filepath FROM image_files WHERE image_id = ? ORDER BY filepath")
      .values<[string]>(id).map(([filepath]) => filepath),
    missingSinceMs: readMissingSince(db, id),
    metadata: prepared(db, "SELECT data FROM raw_metadata WHERE image_id = ?").value<[string]>(id)
      ?.[0] ?? null,
  };
}

function readMissingSince(db: Database, id: number): number | null {
  const row = prepared(
    db,
    `SELECT missing_since_ms FROM images JOIN image_files AS served
       ON served.filepath = images.filepath AND served.image_id = images.id
     WHERE images.id = ?`,
  ).value<[number | bigint | null]>(id);
  return row === undefined || row[0] === null ? null : toNumber(row[0]);
}
