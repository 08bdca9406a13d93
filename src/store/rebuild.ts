import { chooseSource, mergeTagSources, readSourcePosts } from "../tags/merge_sources.ts";
import { isRatingTagName, ratingTagName } from "../tags/ratings.ts";
import { MERGED_SOURCE } from "../tags/sources.ts";
import type { ExtractedPost } from "../tags/tag_extraction.ts";
import { compareTagColumns } from "./check.ts";
import type { FileState } from "./check_places.ts";
import { type Database, execute, prepared } from "./database.ts";
import { raiseCounter } from "./salvage.ts";
import { readSourcePriority } from "./source_priority.ts";
import { writeTagColumns } from "./tag_columns.ts";
import { changeImageTags, readTagDeltas, resolveTags, type WantedTag } from "./tags.ts";

/** What {@link rederiveTags} did with some images. */
export type RederivedTags = {
  images: number;
  added: number;
  removed: number;
  /** Id to go on behind; null: these were the last. */
  lastId: number | null;
};

/** Images of one transaction. */
const IMAGES_AT_ONCE = 200;

/**
 * Gives some images the tags that their metadata and a person's edits say they have, and writes what is
 * derived from their tags. Only what a person took away goes: a tag that no metadata explains came from a
 * tag list, and is known from here alone. Runs inside the caller's transaction. Cost: about 1 ms an image.
 */
export function rederiveTags(db: Database, afterId: number): RederivedTags {
  const ids = prepared(db, "SELECT id, md5 FROM images WHERE id > ? ORDER BY id LIMIT ?")
    .values<[number, string]>(afterId, IMAGES_AT_ONCE);
  const result: RederivedTags = { images: ids.length, added: 0, removed: 0, lastId: null };
  if (ids.length === 0) return result;
  const priority = readSourcePriority(db);
  for (const [imageId, md5] of ids) {
    const { added, removed } = rederive(db, { imageId, md5, priority });
    result.added += added;
    result.removed += removed;
    execute(db, "DELETE FROM stale_tag_columns WHERE image_id = ?", imageId);
  }
  const { wrong, lastId } = compareTagColumns(db, { afterId, limit: IMAGES_AT_ONCE });
  writeTagColumns(db, wrong.map(({ id }) => id));
  return { ...result, lastId };
}

type Link = { name: string; origin: string };

function rederive(
  db: Database,
  { imageId, md5, priority }: { imageId: number; md5: string; priority: readonly string[] },
): { added: number; removed: number } {
  const links = readLinks(db, imageId);
  const names = new Set(links.map(({ name }) => name));
  const deltas = readTagDeltas(db, md5);
  const unwanted = new Set(deltas.remove);
  const stated = readStated(db, { imageId, md5, priority, links });
  const original = stated.filter(({ name }) => !names.has(name) && !unwanted.has(name));
  const first = changeImageTags(db, imageId, { add: original, remove: [], origin: "original" });
  const own = deltas.add.filter(({ name }) => !names.has(name));
  const gone = links.filter(({ name, origin }) => origin === "original" && unwanted.has(name))
    .map(({ name }) => name);
  if (own.length + gone.length === 0) return { added: first.added.length, removed: 0 };
  const second = changeImageTags(db, imageId, { add: own, remove: gone, origin: "user" });
  return {
    added: first.added.length + second.added.length,
    removed: second.removed.length,
  };
}

function readLinks(db: Database, imageId: number): Link[] {
  return prepared(
    db,
    `SELECT name, coalesce(source, 'original') FROM image_tags JOIN tags ON tags.id = tag_id
     WHERE image_id = ?`,
  ).values<[string, string]>(imageId).map(([name, origin]) => ({ name, origin }));
}

/** What the metadata says that the image has. A rating that is there stays. */
function readStated(
  db: Database,
  { imageId, md5, priority, links }: {
    imageId: number;
    md5: string;
    priority: readonly string[];
    links: readonly Link[];
  },
): WantedTag[] {
  const [document, active] = prepared(
    db,
    `SELECT CAST(data AS TEXT), active_source FROM images
     LEFT JOIN raw_metadata ON image_id = images.id WHERE images.id = ?`,
  ).value<[string | null, string | null]>(imageId)!;
  const posts = readSourcePosts(document);
  const choice = prepared(db, "SELECT source FROM source_choices WHERE image_md5 = ?")
    .value<[string]>(md5)?.[0] ?? null;
  const speaker = chooseSource(posts, { choice, priority });
  if (speaker === null) return [];
  const original = new Set(
    links.filter(({ origin }) => origin === "original").map(({ name }) => name),
  );
  const speaking = speaker === MERGED_SOURCE
    ? choice === null ? selectSpeaking(posts, { active, original }) : posts
    : new Map([[speaker, posts.get(speaker)!]]);
  const { tags, rating } = mergeTagSources(speaking, { priority });
  const hasRating = links.some(({ name }) => isRatingTagName(name));
  return resolveTags(
    db,
    rating === null || hasRating
      ? tags
      : [...tags, { name: ratingTagName(rating), category: "rating" as const }],
  );
}

/**
 * Sources that the image's tags come from. The original lets one source of several speak, so that a source
 * of which the image has no tag of its own, though it has some of the active one's, is not to bring any.
 */
function selectSpeaking(
  posts: ReadonlyMap<string, ExtractedPost>,
  { active, original }: { active: string | null; original: ReadonlySet<string> },
): ReadonlyMap<string, ExtractedPost> {
  const main = active === null ? undefined : posts.get(active);
  if (main === undefined || !main.tags.some(({ name }) => original.has(name))) return posts;
  const shared = new Set(main.tags.map(({ name }) => name));
  return new Map(
    [...posts].filter(([source, { tags }]) =>
      source === active || tags.some(({ name }) => !shared.has(name) && original.has(name))
    ),
  );
}

/** Facts about the file of an image, as it says itself. */
export type FoundFacts = FileState & {
  imageId: number;
  filepath: string;
  /** Null: they could not be read, and stay as they are. */
  facts: {
    ext: string;
    width: number | null;
    height: number | null;
    durationMs: number | null;
    frameRate: number | null;
    videoCodec: string | null;
    hasAudio: boolean | null;
  } | null;
  /** Whether the place is to be recorded, its bytes being right. */
  isRecorded: boolean;
};

/** Writes what files say of themselves; gives how many images changed. Inside the caller's transaction. */
export function writeFoundFacts(db: Database, found: readonly FoundFacts[]): number {
  let changed = 0;
  for (const one of found) {
    const placed = one.isRecorded ? recordPlace(db, one) : 0;
    const written = one.facts === null ? 0 : writeFacts(db, one, one.facts);
    if (placed + written > 0) changed++;
  }
  return changed;
}

function recordPlace(db: Database, place: FoundFacts): number {
  return execute(
    db,
    `INSERT INTO image_files (filepath, image_id, size_bytes, mtime_ms, inode, added_at_ms)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (filepath) DO UPDATE SET size_bytes = excluded.size_bytes,
       mtime_ms = excluded.mtime_ms, inode = excluded.inode, missing_since_ms = NULL
     WHERE image_id = excluded.image_id`,
    place.filepath,
    place.imageId,
    place.sizeBytes,
    place.mtimeMs,
    place.inode,
    Date.now(),
  );
}

function writeFacts(
  db: Database,
  { imageId, sizeBytes }: FoundFacts,
  facts: NonNullable<FoundFacts["facts"]>,
): number {
  const { ext, width, height, durationMs, frameRate, videoCodec, hasAudio } = facts;
  let changed = 0;
  if (width !== null && height !== null) {
    changed += execute(
      db,
      `UPDATE images SET image_width = ?1, image_height = ?2
       WHERE id = ?3 AND (image_width IS NOT ?1 OR image_height IS NOT ?2)`,
      width,
      height,
      imageId,
    );
  }
  return changed + execute(
    db,
    `INSERT INTO image_media (image_id, file_ext, size_bytes, duration_ms, frame_rate, video_codec,
       has_audio) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (image_id) DO UPDATE SET file_ext = excluded.file_ext,
       size_bytes = excluded.size_bytes,
       duration_ms = coalesce(excluded.duration_ms, duration_ms),
       frame_rate = coalesce(excluded.frame_rate, frame_rate),
       video_codec = coalesce(excluded.video_codec, video_codec),
       has_audio = coalesce(excluded.has_audio, has_audio)
     WHERE file_ext IS NOT excluded.file_ext OR size_bytes IS NOT excluded.size_bytes
       OR duration_ms IS NOT coalesce(excluded.duration_ms, duration_ms)
       OR frame_rate IS NOT coalesce(excluded.frame_rate, frame_rate)
       OR video_codec IS NOT coalesce(excluded.video_codec, video_codec)
       OR has_audio IS NOT coalesce(excluded.has_audio, has_audio)`,
    imageId,
    ext,
    sizeBytes,
    durationMs,
    frameRate,
    videoCodec,
    hasAudio === null ? null : Number(hasAudio),
  );
}

/** A manifest that lies in a folder of the trash, and how far its files are. */
export type FoundManifest = {
  folder: string;
  text: string;
  state: "moving" | "trashed" | "restoring";
};

/**
 * Makes the entry of a folder of the trash that has none, so that it can be restored; false if the folder
 * has one, its image is in the library, or the manifest is none. Runs inside the caller's transaction.
 */
export function adoptManifest(db: Database, found: FoundManifest): boolean {
  const manifest = parseManifest(found);
  if (manifest === undefined) return false;
  const { imageId, md5, trashedAtMs, kind } = manifest;
  const isKnown = prepared(
    db,
    `SELECT 1 FROM trash WHERE manifest ->> 'folder' = ?1
     UNION SELECT 1 FROM images WHERE ?2 = 'image' AND (md5 = ?3 OR id = ?4)`,
  ).value(found.folder, kind, md5, imageId) !== undefined;
  if (isKnown) return false;
  execute(
    db,
    `INSERT INTO trash (kind, image_id, md5, trashed_at_ms, state, manifest)
     VALUES (?, ?, ?, ?, ?, ?)`,
    kind,
    imageId,
    md5,
    trashedAtMs,
    found.state,
    found.text,
  );
  // The image comes back under its number.
  raiseCounter(db, "images", imageId);
  return true;
}

/** What the row of an entry says; undefined if the text is no manifest of this folder. */
function parseManifest(
  { folder, text }: FoundManifest,
): { imageId: number; md5: string; trashedAtMs: number; kind: "image" | "duplicate" } | undefined {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof manifest !== "object" || manifest === null) return undefined;
  const fields = manifest as Record<string, unknown>;
  const { imageId, md5, trashedAtMs, kind = "image" } = fields;
  const isWhole = fields.folder === folder && Array.isArray(fields.files) &&
    Number.isInteger(imageId) && typeof md5 === "string" && Number.isInteger(trashedAtMs);
  if (!isWhole || (kind !== "image" && kind !== "duplicate")) return undefined;
  return { imageId: imageId as number, md5, trashedAtMs: trashedAtMs as number, kind };
}
