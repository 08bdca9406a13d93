import { isRatingTagName, type Rating, ratingTagName } from "../tags/ratings.ts";
import { mergeRawMetadata } from "../tags/raw_metadata.ts";
import type { SavedImage } from "../tags/saved_image.ts";
import { compareMergedSources } from "../tags/sources.ts";
import { type Database, execute, prepared, toNumber } from "./database.ts";
import { impliedTagsOf, writeSaved, writeSavedDeltas } from "./import_saved.ts";
import { recordIngested } from "./ingested_files.ts";
import { OWNER, recordEdit } from "./post_history.ts";
import { followSources } from "./switch_source.ts";
import {
  changeImageTags,
  insertTaggedImage,
  readTagDeltas,
  resolveTags,
  type WantedTag,
} from "./tags.ts";

/** A place of a content on disk, as it was when its bytes were read. */
export type FilePlace = { filepath: string; sizeBytes: number; mtimeMs: number; inode: number };

/** What one site says of a content. */
export type SiteRecord = {
  source: string;
  /** The site's own object, as text. */
  object: string;
  postId: number | null;
  parentId: number | null;
  hasChildren: boolean | null;
  score: number | null;
  favCount: number | null;
  /** An address, or words where the site has no address. */
  sourceUrl: string | null;
  postedAt: string | null;
};

/** One content to import: new, or one more thing to know about a known one. */
export type ImportItem = {
  md5: string;
  /** The new place; null when the content is stored already and no place is added. */
  place: FilePlace | null;
  /** Whether the place is to be the one that is served: the content is new, or its file had vanished. */
  isServed: boolean;
  /**
   * The served path that was found without its file, which is forgotten; left out: whatever path it is. By
   * the time of the commit another item may have given the image another path, which is good.
   */
  vanished?: string | null;
  media: {
    ext: string;
    sizeBytes: number;
    width: number | null;
    height: number | null;
    durationMs: number | null;
    /** Of a film; absent where nobody looked. */
    frameRate?: number | null;
    videoCodec?: string | null;
    hasAudio?: boolean | null;
    originalName: string;
  };
  tags: WantedTag[];
  rating: Rating | null;
  sites: SiteRecord[];
  /** What an export says of it: a new image becomes what it was. */
  saved?: SavedImage;
  /** Its path in the ingest folder, which it leaves: what comes later for that path belongs to it. */
  ingestedAs?: string;
};

/** What the database made of an item. */
export type ImportOutcome = {
  imageId: number;
  /**
   * `added`: a new image; `place`: one more place of a known one; `replaced`: the file of an image was
   * edited where it lies, and the image has the new content now; `known`: none of these.
   */
  kind: "added" | "place" | "replaced" | "known";
  tagsAdded: number;
};

/** Writes items; runs inside the caller's transaction. Cost: about 0.3 ms an item of 28 tags. */
export function importImages(db: Database, items: readonly ImportItem[]): ImportOutcome[] {
  return items.map((item) => {
    if (item.saved !== undefined) writeSavedDeltas(db, item.saved);
    const outcome = importImage(db, item);
    if (item.saved !== undefined) writeSaved(db, { ...outcome, saved: item.saved });
    if (item.ingestedAs !== undefined) recordIngested(db, item.ingestedAs, outcome.imageId);
    return outcome;
  });
}

function importImage(db: Database, item: ImportItem): ImportOutcome {
  const known = prepared(db, "SELECT id FROM images WHERE md5 = ?").value<[number]>(item.md5);
  if (known !== undefined) {
    if (item.place !== null) displaceOther(db, known[0], item.place.filepath);
    return mergeIntoKnown(db, known[0], item);
  }
  if (item.place === null) throw new Error(`Invariant broken: new content ${item.md5} has a place`);
  const old = prepared(db, "SELECT id FROM images WHERE filepath = ?")
    .value<[number]>(item.place.filepath);
  if (old !== undefined) {
    if (!item.place.filepath.startsWith("@")) {
      throw new Error(`Invariant broken: ${item.place.filepath} belongs to image ${old[0]}`);
    }
    if (!vacate(db, old[0], item.place.filepath)) return replaceContent(db, old[0], item);
  }
  const deltas = readTagDeltas(db, item.md5);
  const removed = new Set(deltas.remove);
  const stated = [
    ...withRating(item),
    ...(item.saved === undefined ? [] : impliedTagsOf(item.saved)),
  ];
  const all = [...resolveTags(db, stated), ...deltas.add]
    .filter((tag) => !removed.has(tag.name));
  const tags = oneRating(all);
  const imageId = insertTaggedImage(
    db,
    { tags, keptAway: deltas.remove },
    (columns) => insertImage(db, item, columns),
  );
  writeMedia(db, imageId, item);
  writePlace(db, imageId, item.place);
  // What an export says of sites and their order is written as it was.
  if (item.saved === undefined) writeSites(db, imageId, item);
  return { imageId, kind: "added", tagsAdded: new Set(tags.map((tag) => tag.name)).size };
}

/** Of several ratings the last counts: the person's own edits come after the sites'. */
function oneRating(tags: WantedTag[]): WantedTag[] {
  const rating = tags.findLast((tag) => isRatingTagName(tag.name))?.name;
  return tags.filter((tag) => !isRatingTagName(tag.name) || tag.name === rating);
}

function withRating(item: ImportItem): WantedTag[] {
  if (item.rating === null) return item.tags;
  return [...item.tags, { name: ratingTagName(item.rating), category: "rating" }];
}

function insertImage(db: Database, item: ImportItem, columns: Record<string, string>): number {
  const names = Object.keys(columns);
  const site = firstSite(item.sites);
  return prepared(
    db,
    `INSERT INTO images (filepath, md5, saucenao_lookup, image_width, image_height, ingested_at,
       active_source, post_id, parent_id, has_children, score, fav_count, ${names.join(", ")})
     VALUES (?, ?, 0, ?, ?, CURRENT_TIMESTAMP, ?, ?, ?, ?, ?, ?, ${names.map(() => "?").join(", ")})
     RETURNING id`,
  ).value<[number]>(
    item.place!.filepath,
    item.md5,
    item.media.width,
    item.media.height,
    ...(site === undefined ? [null, null, null, null, null, null] : toPostColumns(site)),
    ...Object.values(columns),
  )![0];
}

/** Lets an image be served from another of its places; false when it has none. */
function vacate(db: Database, imageId: number, filepath: string): boolean {
  const other = prepared(
    db,
    "SELECT filepath FROM image_files WHERE image_id = ? AND filepath <> ? ORDER BY filepath",
  ).value<[string]>(imageId, filepath);
  if (other === undefined) return false;
  execute(db, "UPDATE images SET filepath = ? WHERE id = ?", other[0], imageId);
  return true;
}

/**
 * Frees a path that has this image's content now, after files were renamed where they lie, from the
 * image that was served from it. That one is served from another of its places, or waits for its file
 * at a path that no file has: the next import that meets its content brings it back, tags and all.
 */
function displaceOther(db: Database, imageId: number, filepath: string): void {
  const other = prepared(
    db,
    `SELECT images.id, md5, file_ext FROM images LEFT JOIN image_media ON image_id = images.id
     WHERE filepath = ?`,
  ).value<[number, string, string | null]>(filepath);
  if (other === undefined || other[0] === imageId || vacate(db, other[0], filepath)) return;
  const [otherId, md5, ext] = other;
  const waiting = `missing/${md5}${ext === null ? "" : `.${ext}`}`;
  execute(db, "UPDATE images SET filepath = ? WHERE id = ?", waiting, otherId);
}

/**
 * A file was edited where it lies: its image keeps id, tags and the person's edits. The history tells it,
 * so that the tags that came with another content can be taken back when the old one is there again.
 */
function replaceContent(db: Database, imageId: number, item: ImportItem): ImportOutcome {
  let outcome: ImportOutcome | undefined;
  recordEdit(db, { imageId, editor: OWNER }, ({ md5, difference }) => {
    difference.content = { before: md5, after: item.md5 };
    writeContent(db, imageId, { item, oldMd5: md5 });
    outcome = { ...mergeIntoKnown(db, imageId, item), kind: "replaced" };
  });
  return outcome!;
}

function writeContent(
  db: Database,
  imageId: number,
  { item, oldMd5 }: { item: ImportItem; oldMd5: string },
): void {
  execute(
    db,
    `INSERT OR IGNORE INTO tag_deltas (image_md5, tag_name, tag_category, operation, timestamp)
     SELECT ?, tag_name, tag_category, operation, timestamp FROM tag_deltas WHERE image_md5 = ?`,
    item.md5,
    oldMd5,
  );
  execute(
    db,
    `UPDATE images SET md5 = ?, image_width = ?, image_height = ?, phash = NULL, colorhash = NULL
     WHERE id = ?`,
    item.md5,
    item.media.width,
    item.media.height,
    imageId,
  );
  execute(
    db,
    `UPDATE image_media SET file_ext = ?, size_bytes = ?, duration_ms = ?, frame_rate = ?,
       video_codec = ?, has_audio = ? WHERE image_id = ?`,
    item.media.ext,
    item.media.sizeBytes,
    item.media.durationMs,
    ...toFilmColumns(item.media),
    imageId,
  );
}

function mergeIntoKnown(db: Database, imageId: number, item: ImportItem): ImportOutcome {
  const deltas = readTagDeltas(db, item.md5);
  const removed = new Set(deltas.remove);
  const hasRating = prepared(
    db,
    `SELECT 1 FROM image_tags JOIN tags ON tags.id = tag_id
     WHERE image_id = ? AND category = 'rating'`,
  ).value(imageId) !== undefined;
  // A rating that is there stays: it may be the person's own, and two sites may differ for ever.
  const wanted = resolveTags(db, hasRating ? item.tags : withRating(item))
    .filter((tag) => !removed.has(tag.name));
  const { added } = changeImageTags(db, imageId, { add: wanted, remove: [], origin: "original" });
  writeMedia(db, imageId, item);
  const isNewPlace = item.place !== null && writePlace(db, imageId, item.place);
  if (item.place !== null && item.isServed) serveFrom(db, imageId, item);
  writeSites(db, imageId, item);
  return { imageId, kind: isNewPlace ? "place" : "known", tagsAdded: added.length };
}

/** Serves an image from a new place, since its file vanished from the old one, which is forgotten. */
function serveFrom(db: Database, imageId: number, { place, vanished }: ImportItem): void {
  const { filepath } = place!;
  const [old] = prepared(db, "SELECT filepath FROM images WHERE id = ?").value<[string]>(imageId)!;
  if (old === filepath) return;
  if (vanished === undefined || vanished === old) {
    execute(db, "DELETE FROM image_files WHERE filepath = ? AND image_id = ?", old, imageId);
  }
  execute(db, "UPDATE images SET filepath = ? WHERE id = ?", filepath, imageId);
}

/** Fills what is not known yet about the file itself. */
function writeMedia(db: Database, imageId: number, { media, sites }: ImportItem): void {
  execute(
    db,
    `INSERT INTO image_media (image_id, file_ext, size_bytes, duration_ms, frame_rate, video_codec,
       has_audio, source_url, posted_at, original_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (image_id) DO UPDATE SET
       source_url = coalesce(source_url, excluded.source_url),
       posted_at = coalesce(posted_at, excluded.posted_at)
     WHERE (source_url IS NULL AND excluded.source_url IS NOT NULL)
        OR (posted_at IS NULL AND excluded.posted_at IS NOT NULL)`,
    imageId,
    media.ext,
    media.sizeBytes,
    media.durationMs,
    ...toFilmColumns(media),
    bestSourceOf(sites),
    sites.find((site) => site.postedAt !== null)?.postedAt ?? null,
    media.originalName,
  );
}

/** frame_rate, video_codec, has_audio. */
function toFilmColumns(media: ImportItem["media"]): (number | string | null)[] {
  const { frameRate = null, videoCodec = null, hasAudio = null } = media;
  return [frameRate, videoCodec, hasAudio === null ? null : Number(hasAudio)];
}

/** The first source with an address, else the first in words. */
function bestSourceOf(sites: readonly SiteRecord[]): string | null {
  const sources = sites.map((site) => site.sourceUrl).filter((source) => source !== null);
  return sources.find((source) => /^https?:/i.test(source)) ?? sources[0] ?? null;
}

/** Records a place; false when it was recorded as it is. */
function writePlace(db: Database, imageId: number, place: FilePlace): boolean {
  const known = prepared(
    db,
    `SELECT image_id, size_bytes, mtime_ms, inode, missing_since_ms IS NOT NULL FROM image_files
     WHERE filepath = ?`,
  ).value<number[]>(place.filepath);
  const now = [imageId, place.sizeBytes, place.mtimeMs, place.inode, 0];
  if (known !== undefined && now.every((value, i) => toNumber(known[i]) === value)) return false;
  execute(
    db,
    `INSERT INTO image_files (filepath, image_id, size_bytes, mtime_ms, inode, added_at_ms)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (filepath) DO UPDATE SET image_id = excluded.image_id,
       size_bytes = excluded.size_bytes, mtime_ms = excluded.mtime_ms, inode = excluded.inode,
       missing_since_ms = NULL`,
    place.filepath,
    ...now.slice(0, 4),
    Date.now(),
  );
  return known === undefined || toNumber(known[0]) !== imageId;
}

/** Keeps the sites' own objects, and fills the columns that stand for one post. */
function writeSites(db: Database, imageId: number, item: ImportItem): void {
  if (item.sites.length === 0) return;
  const [filepath, oldSource] = prepared(
    db,
    "SELECT filepath, active_source FROM images WHERE id = ?",
  )
    .value<[string, string | null]>(imageId)!;
  const old =
    prepared(db, "SELECT data FROM raw_metadata WHERE image_id = ?").value<[string]>(imageId)
      ?.[0] ?? null;
  let document = old;
  for (const site of item.sites) {
    document = mergeRawMetadata(
      document,
      { md5: item.md5, relativePath: filepath },
      site.source,
      site.object,
    );
    execute(db, "INSERT OR IGNORE INTO sources (name) VALUES (?)", site.source);
    execute(
      db,
      `INSERT OR IGNORE INTO image_sources (image_id, source_id)
       SELECT ?, id FROM sources WHERE name = ?`,
      imageId,
      site.source,
    );
  }
  if (document !== old) {
    execute(
      db,
      `INSERT INTO raw_metadata (image_id, data) VALUES (?, ?)
       ON CONFLICT (image_id) DO UPDATE SET data = excluded.data`,
      imageId,
      document,
    );
  }
  if (countSources(db, imageId) > 1) {
    followSources(db, imageId);
    return;
  }
  const first = firstSite(item.sites)!;
  const order = oldSource === null ? -1 : compareMergedSources(first.source, oldSource);
  if (order < 0 || (order === 0 && document !== old)) writePostColumns(db, imageId, first);
}

function countSources(db: Database, imageId: number): number {
  return toNumber(
    prepared(db, "SELECT count(*) FROM image_sources WHERE image_id = ?").value<[number]>(
      imageId,
    )![0],
  );
}

/** The first of several sites. */
function firstSite(sites: readonly SiteRecord[]): SiteRecord | undefined {
  return sites.toSorted((a, b) => compareMergedSources(a.source, b.source))[0];
}

/** active_source, post_id, parent_id, has_children, score, fav_count. */
function toPostColumns(site: SiteRecord): (string | number | null)[] {
  const hasChildren = site.hasChildren === null ? null : Number(site.hasChildren);
  return [site.source, site.postId, site.parentId, hasChildren, site.score, site.favCount];
}

function writePostColumns(db: Database, imageId: number, site: SiteRecord): void {
  execute(
    db,
    `UPDATE images SET active_source = ?, post_id = coalesce(?, post_id),
       parent_id = coalesce(?, parent_id), has_children = coalesce(?, has_children),
       score = coalesce(?, score), fav_count = coalesce(?, fav_count) WHERE id = ?`,
    ...toPostColumns(site),
    imageId,
  );
}

/** What the database knows about a content. */
export type KnownContent = { imageId: number; filepath: string; sizeBytes: number | null };

/** Finds the image of a content. */
export function readContent(db: Database, md5: string): KnownContent | undefined {
  const row = prepared(
    db,
    `SELECT images.id, images.filepath, size_bytes FROM images
     LEFT JOIN image_media ON image_id = images.id WHERE md5 = ?`,
  ).value<[number, string, number | null]>(md5);
  return row && { imageId: row[0], filepath: row[1], sizeBytes: row[2] };
}

/** Whether a path belongs to an image, or is a recorded place of one; `exceptMd5` does not count. */
export function isPathTaken(db: Database, filepath: string, exceptMd5 = ""): boolean {
  return prepared(
    db,
    `SELECT 1 FROM images WHERE filepath = ?1 AND md5 <> ?2
     UNION SELECT 1 FROM image_files AS files JOIN images ON images.id = files.image_id
       WHERE files.filepath = ?1 AND md5 <> ?2`,
  ).value(filepath, exceptMd5) !== undefined;
}

/** A recorded place of an in-place root, to recognise a file that did not change. */
export function readPlace(
  db: Database,
  filepath: string,
): (FilePlace & { md5: string; ext: string }) | undefined {
  const row = prepared(
    db,
    `SELECT files.size_bytes, mtime_ms, inode, md5, file_ext FROM image_files AS files
     JOIN images ON images.id = files.image_id JOIN image_media AS media ON media.image_id = images.id
     WHERE files.filepath = ?`,
  ).value<[number, number, number, string, string]>(filepath);
  if (row === undefined) return undefined;
  const [sizeBytes, mtimeMs, inode] = row.slice(0, 3).map(toNumber);
  return { filepath, sizeBytes, mtimeMs, inode, md5: row[3], ext: row[4] };
}

/** The content that is recorded at a path, served or not; undefined if none is. */
export function readRecordedContent(
  db: Database,
  filepath: string,
): { md5: string; sizeBytes: number | null } | undefined {
  const row = prepared(
    db,
    `SELECT md5, size_bytes, 1 AS is_served FROM images
       LEFT JOIN image_media ON image_id = images.id WHERE filepath = ?1
     UNION ALL SELECT md5, files.size_bytes, 0 FROM image_files AS files
       JOIN images ON images.id = files.image_id WHERE files.filepath = ?1
     ORDER BY is_served DESC LIMIT 1`,
  ).value<[string, number | null, number]>(filepath);
  return row && { md5: row[0], sizeBytes: row[1] === null ? null : toNumber(row[1]) };
}
