import { AppError } from "../base/errors.ts";
import { chooseSource, readSourcePosts, speakFor, type SpokenFor } from "../tags/merge_sources.ts";
import { isRatingTagName, ratingTagName } from "../tags/ratings.ts";
import { makeSourceComparison, MERGED_SOURCE } from "../tags/sources.ts";
import type { ExtractedPost } from "../tags/tag_extraction.ts";
import { type Database, execute, prepared } from "./database.ts";
import { touchPosts, writeJournal } from "./post_history.ts";
import { readSourcePriority } from "./source_priority.ts";
import { changeImageTags, readTagDeltas, resolveTags, type WantedTag } from "./tags.ts";

/** A person's choice of who speaks for an image; null: whoever the order of sources names. */
export type SourceSwitch = { imageId: number; source: string | null; editor: string };

/** What a choice changed. */
export type SourceChange = {
  /** Who speaks now, and who did. */
  source: string;
  before: string | null;
  added: string[];
  removed: string[];
};

/** Who can speak for an image. */
export type ImageSources = {
  /** `images.active_source`. */
  active: string | null;
  /** What a person chose; null: nothing. */
  choice: string | null;
  /** Sources whose metadata is stored, in the order of sources. */
  names: string[];
};

/** The columns that follow a source. */
type PostColumns = {
  active_source: string | null;
  post_id: number | null;
  parent_id: number | null;
  has_children: number | null;
  score: number | null;
  fav_count: number | null;
};
const COLUMNS = [
  "active_source",
  "post_id",
  "parent_id",
  "has_children",
  "score",
  "fav_count",
] as const;

type Link = { name: string; category: string | null; origin: string };

/** An image, and what its sources say. */
type Image = {
  id: number;
  md5: string;
  columns: PostColumns;
  posts: Map<string, ExtractedPost>;
  priority: readonly string[];
};

/** Reads who can speak for an image; undefined without such an image. Cost: that of its document. */
export function readImageSources(db: Database, imageId: number): ImageSources | undefined {
  const image = readImage(db, imageId);
  if (image === undefined) return undefined;
  return {
    active: image.columns.active_source,
    choice: readChoice(db, image.md5),
    names: [...image.posts.keys()].sort(makeSourceComparison(image.priority)),
  };
}

/**
 * Lets a source speak for an image: its tags become that source's, and rating, score, favourites, post id
 * and parent follow. What a person added or removed stays, and so do guesses, what no source's metadata
 * has, and what implications give. The choice outlives later imports.
 *
 * @throws {AppError} `not_found` without such an image, `bad_request` if its metadata has no such source.
 */
export function switchSource(db: Database, request: SourceSwitch): SourceChange {
  const { imageId, source, editor } = request;
  const image = readImage(db, imageId);
  if (image === undefined) throw new AppError("not_found", `There is no image ${imageId}`);
  checkSource(image, source);
  const choiceBefore = readChoice(db, image.md5);
  writeChoice(db, image.md5, source);
  const before = { choice: choiceBefore, ...image.columns, tags: readLinks(db, imageId) };
  const wanted = chooseSource(image.posts, { choice: source, priority: image.priority })!;
  const { added, removed } = applySource(db, image, wanted);
  const now = { choice: source, ...readColumns(db, imageId)!, tags: readLinks(db, imageId) };
  if (JSON.stringify(before) !== JSON.stringify(now)) {
    const steps = { imageId, md5: image.md5, editor, before, after: now };
    const journalId = writeJournal(db, "source_switch", steps);
    touchPosts(db, [imageId], { editor, journalId });
  }
  return { source: wanted, before: image.columns.active_source, added, removed };
}

function checkSource({ id, posts }: Image, source: string | null): void {
  if (posts.size === 0) {
    throw new AppError("bad_request", `Image ${id} has no metadata of any site`, {
      remedy: "Import it again with its sidecar",
    });
  }
  if (source === null || source === MERGED_SOURCE || posts.has(source)) return;
  const names = [...posts.keys(), ...(posts.size > 1 ? [MERGED_SOURCE] : [])];
  throw new AppError(
    "bad_request",
    `Image ${id} has no metadata of ${JSON.stringify(source)}`,
    { remedy: `Choose one of: ${names.join(", ")}` },
  );
}

/**
 * Lets whoever the order of sources names, or a person chose, speak for an image; false when nothing
 * changed. Runs inside the caller's transaction.
 */
export function followSources(db: Database, imageId: number): boolean {
  const image = readImage(db, imageId);
  if (image === undefined) return false;
  const choice = readChoice(db, image.md5);
  const wanted = chooseSource(image.posts, { choice, priority: image.priority });
  return wanted !== null && applySource(db, image, wanted).isChanged;
}

function applySource(
  db: Database,
  image: Image,
  source: string,
): { added: string[]; removed: string[]; isChanged: boolean } {
  const { id, md5, posts, priority } = image;
  const spoken = speakFor(posts, { source, priority });
  const deltas = readTagDeltas(db, md5);
  const own = new Set(deltas.add.map(({ name }) => name));
  const unwanted = new Set(deltas.remove);
  const wanted = resolveTags(db, spoken.tags).filter(({ name }) => !unwanted.has(name));
  const links = readLinks(db, id);
  const names = new Set([...spoken.tags, ...wanted].map(({ name }) => name));
  const known = namesOfSources(db, posts);
  const remove = links.filter(({ name, origin }) =>
    origin === "original" && known.has(name) && !names.has(name) && !own.has(name)
  ).map(({ name }) => name);
  const rating = findRating(spoken, { links, own, unwanted });
  const add = rating === null ? wanted : [...wanted, rating];
  const change = changeImageTags(db, id, { add, remove, origin: "original" });
  const columns = toColumns(image, source, spoken);
  const areSame = COLUMNS.every((name) => columns[name] === image.columns[name]);
  if (!areSame) {
    execute(
      db,
      `UPDATE images SET ${COLUMNS.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`,
      ...COLUMNS.map((name) => columns[name]),
      id,
    );
  }
  const added = [...change.added, ...change.implied?.added ?? []];
  const removed = [...change.removed, ...change.implied?.removed ?? []];
  return { added, removed, isChanged: !areSame || added.length + removed.length > 0 };
}

/** Every name that any source lists, as it stands there and as it is stored. */
function namesOfSources(db: Database, posts: ReadonlyMap<string, ExtractedPost>): Set<string> {
  const tags = [...posts.values()].flatMap((post) => post.tags);
  return new Set([...tags, ...resolveTags(db, tags)].map(({ name }) => name));
}

/** The rating that the source gives, unless a person or a guess gave one. */
function findRating(
  { rating }: SpokenFor,
  about: { links: readonly Link[]; own: ReadonlySet<string>; unwanted: ReadonlySet<string> },
): WantedTag | null {
  if (rating === null) return null;
  const name = ratingTagName(rating);
  const isDecided = about.links.some((link) =>
    isRatingTagName(link.name) && (link.origin !== "original" || about.own.has(link.name))
  );
  return isDecided || about.unwanted.has(name) ? null : { name, category: "rating" };
}

function toColumns(image: Image, source: string, spoken: SpokenFor): PostColumns {
  const { posts, priority, columns: { active_source: active, parent_id: parent } } = image;
  // Where the one who speaks names a parent and there is none, a person took it away.
  const isOrphaned = active !== null && parent === null && isSource(posts, active) &&
    speakFor(posts, { source: active, priority }).parentId !== null;
  return {
    active_source: source,
    post_id: spoken.postId,
    parent_id: isOrphaned ? null : spoken.parentId,
    has_children: spoken.hasChildren === null ? null : Number(spoken.hasChildren),
    score: spoken.score,
    fav_count: spoken.favCount,
  };
}

function isSource(posts: ReadonlyMap<string, ExtractedPost>, name: string): boolean {
  return name === MERGED_SOURCE || posts.has(name);
}

function readImage(db: Database, id: number): Image | undefined {
  const columns = readColumns(db, id);
  if (columns === undefined) return undefined;
  const [md5] = prepared(db, "SELECT md5 FROM images WHERE id = ?").value<[string]>(id)!;
  const document = prepared(db, "SELECT CAST(data AS TEXT) FROM raw_metadata WHERE image_id = ?")
    .value<[string]>(id)?.[0] ?? null;
  return { id, md5, columns, posts: readSourcePosts(document), priority: readSourcePriority(db) };
}

function readColumns(db: Database, id: number): PostColumns | undefined {
  const row = prepared(db, `SELECT ${COLUMNS.join(", ")} FROM images WHERE id = ?`)
    .value<(string | number | null)[]>(id);
  return row && Object.fromEntries(COLUMNS.map((name, i) => [name, row[i]])) as PostColumns;
}

function readLinks(db: Database, id: number): Link[] {
  return prepared(
    db,
    `SELECT name, category, coalesce(source, 'original') FROM image_tags
     JOIN tags ON tags.id = tag_id WHERE image_id = ? ORDER BY name`,
  ).values<[string, string | null, string]>(id)
    .map(([name, category, origin]) => ({ name, category, origin }));
}

function readChoice(db: Database, md5: string): string | null {
  return prepared(db, "SELECT source FROM source_choices WHERE image_md5 = ?")
    .value<[string]>(md5)?.[0] ?? null;
}

function writeChoice(db: Database, md5: string, source: string | null): void {
  if (source === null) {
    execute(db, "DELETE FROM source_choices WHERE image_md5 = ?", md5);
    return;
  }
  execute(
    db,
    `INSERT INTO source_choices (image_md5, source) VALUES (?, ?)
     ON CONFLICT (image_md5) DO UPDATE SET source = excluded.source`,
    md5,
    source,
  );
}
