import { AppError } from "../base/errors.ts";
import { CATEGORY_CHANGE_IMAGES_MAX } from "../base/limits.ts";
import { isTagCategory, type TagCategory } from "../tags/category.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute, prepared } from "./database.ts";
import { recordEdit } from "./post_history.ts";
import {
  type ImageLinks,
  planImpliedTags,
  readImageLinks,
  readTagNames,
  statedTags,
} from "./implied_tags.ts";
import { findUnsorted, type TagEditDetail } from "./tag_history.ts";
import { followedTagRulesOf, type TagRules, tagRulesOf } from "./tag_rules.ts";
import { readCatalogueCategory } from "./tag_catalogue.ts";

/** A tag that an image is to have; `null` = the category it is known with, else general. */
export type WantedTag = { name: string; category: TagCategory | null };

/** Who says that an image has a tag (`image_tags.source`). */
export type TagOrigin = "original" | "user" | "ai_inference" | "implication";

/** What became of an image's tags; what did not happen is left out of the optional parts. */
export type TagChange = {
  /** Tags that the image did not have, as they are stored. */
  added: string[];
  removed: string[];
  /** What came and went with these by implications. */
  implied?: { added: string[]; removed: string[] };
  /** Tags that only an implication gave and that are stated now. */
  confirmed?: string[];
  /** Tags that were to go and only now would have come, by an implication: they stay away. */
  keptAway?: string[];
  /** Other names of tags that were written as the tags themselves: the name given → the tag. */
  aliases?: Record<string, string>;
};

/** Categories with a column of their own in `images`; tags without a category are general. */
const COLUMN_CATEGORIES = [
  "character",
  "copyright",
  "artist",
  "species",
  "meta",
  "general",
] as const;

/**
 * Finds or makes a tag and gives its id. A known tag without a category, or with one that says nothing
 * (`general`, which sites without categories leave), gets this one, and its images' columns follow. A
 * rating is one whatever it is called besides. A new tag that nobody sorted gets the category that the
 * lists of sites give it.
 */
export function ensureTag(db: Database, tag: WantedTag): number {
  const wanted = isRatingTagName(tag.name) ? "rating" : tag.category;
  const known = prepared(db, "SELECT id, category FROM tags WHERE name = ?")
    .value<[number, string | null]>(tag.name);
  if (known === undefined) {
    const isUnsorted = wanted === null || wanted === "general";
    const listed = isUnsorted ? readCatalogueCategory(db, tag.name) : null;
    const inserted = prepared(db, "INSERT INTO tags (name, category) VALUES (?, ?) RETURNING id")
      .value<[number]>(tag.name, listed ?? wanted ?? "general")!;
    return inserted[0];
  }
  const [id, category] = known;
  if (category === null && wanted === "rating") {
    // Ratings without a category are in no column either.
    execute(db, "UPDATE tags SET category = ? WHERE id = ?", wanted, id);
  } else if (wanted !== null && wanted !== category && (category ?? "general") === "general") {
    setCategory(db, id, wanted);
  }
  return id;
}

/** Cost: O(images of the tag). */
function setCategory(db: Database, id: number, category: TagCategory): void {
  execute(db, "UPDATE tags SET category = ? WHERE id = ?", category, id);
  const images = prepared(db, "SELECT image_id FROM image_tags WHERE tag_id = ?").values<
    [number]
  >(id);
  for (const [imageId] of images) writeTagColumns(db, imageId);
}

/**
 * Gives a tag the category that a person names: a general one any, any one `general`, so that it can be
 * taken back. Gives the category that it had, undefined when nothing changed.
 *
 * @throws {AppError} `conflict` if it has another category already, or so many images that all writes
 *   would wait for them.
 */
export function changeTagCategory(
  db: Database,
  { name, category }: { name: string; category: TagCategory },
): { before: string | null } | undefined {
  const known = prepared(db, "SELECT id, category FROM tags WHERE name = ?")
    .value<[number, string | null]>(name);
  if (known === undefined || (known[1] ?? "general") === category) return undefined;
  const [id, before] = known;
  if ((before ?? "general") !== "general" && category !== "general") {
    throw new AppError("conflict", `"${name}" is a ${before} tag and not ${category}`, {
      remedy: `Write it without the prefix: ${name}`,
    });
  }
  checkFewImages(db, { id, name });
  setCategory(db, id, category);
  return { before };
}

function checkFewImages(db: Database, { id, name }: { id: number; name: string }): void {
  const count = prepared(
    db,
    "SELECT count(*) FROM (SELECT 1 FROM image_tags WHERE tag_id = ? LIMIT ?)",
  ).value<[number]>(id, CATEGORY_CHANGE_IMAGES_MAX + 1)![0];
  if (count <= CATEGORY_CHANGE_IMAGES_MAX) return;
  throw new AppError(
    "conflict",
    `"${name}" has more than ${CATEGORY_CHANGE_IMAGES_MAX} images: an edit of one image cannot ` +
      "give it another category",
    { remedy: `Write it without the prefix: ${name}` },
  );
}

/** What is to be changed of an image's tags. */
export type WantedChange = {
  add: readonly WantedTag[];
  remove: readonly string[];
  /** Who wants it. What a person (`user`) takes away stays away, whatever implies it. */
  origin: TagOrigin;
};

/** What {@link changeImageTags} works on. */
type Draft = {
  db: Database;
  imageId: number;
  rules: TagRules;
  /** Tags before the change. */
  before: ImageLinks;
  /** Tags as they are by now. */
  links: ImageLinks;
  /** Whether any link was written. */
  isTouched: boolean;
  result: TagChange;
};

/**
 * Changes the tags of an image: the one function that writes `image_tags`, the `tags_*` columns and,
 * through its triggers, the full-text table. Names that are aliases mean their tags; a rating replaces the
 * other ratings; what the tags imply comes and goes with them, so that a change of nothing brings an image
 * in line with the implications of now. Gives what really changed. Runs inside the caller's transaction.
 * Cost: O(tags of the image).
 */
export function changeImageTags(db: Database, imageId: number, change: WantedChange): TagChange {
  const rules = followedTagRulesOf(db);
  const before = readImageLinks(db, imageId);
  const result: TagChange = { added: [], removed: [] };
  const links = new Map(before);
  const draft: Draft = { db, imageId, rules, before, links, isTouched: false, result };
  const add = resolveTags(db, change.add);
  const aliases = [...change.add].flatMap(({ name }, i) =>
    add[i].name === name ? [] : [[name, add[i].name]]
  );
  if (aliases.length > 0) result.aliases = Object.fromEntries(aliases);
  const rating = add.findLast((tag) => isRatingTagName(tag.name))?.name;
  const unwanted = dropTags(draft, change.remove, rating);
  for (const tag of add) {
    if (isRatingTagName(tag.name) && tag.name !== rating) continue;
    addTag(draft, tag, change.origin);
  }
  if (rules.hasImplications) {
    followImplications(draft, change.origin === "user" ? unwanted : []);
  }
  if (draft.isTouched) writeTagColumns(db, imageId);
  return result;
}

/** Tags with the names under which they are stored: aliases mean the tags that they lead to. */
export function resolveTags(db: Database, tags: readonly WantedTag[]): WantedTag[] {
  const rules = tagRulesOf(db);
  if (!rules.hasAliases) return [...tags];
  return tags.map((tag) => {
    const name = rules.resolve(tag.name);
    return name === tag.name ? tag : { ...tag, name };
  });
}

/**
 * Takes tags away, and ratings other than the one that is to be. A name is the tag that the image has
 * under it, else the one that it is an alias of. Gives the names of what is unwanted as they are stored.
 */
function dropTags(
  draft: Draft,
  remove: readonly string[],
  rating: string | undefined,
): string[] {
  const { db, imageId, rules, links, result } = draft;
  const idOf = (name: string) =>
    prepared(db, "SELECT id FROM tags WHERE name = ?").value<[number]>(name)?.[0];
  const hasTag = (name: string) => {
    const id = idOf(name);
    return id !== undefined && links.has(id);
  };
  const unwanted = remove.map((name) => hasTag(name) ? name : rules.resolve(name));
  const otherRatings = rating === undefined
    ? []
    : readImageTagNames(db, imageId).filter((name) => isRatingTagName(name) && name !== rating);
  for (const name of new Set([...unwanted, ...otherRatings])) {
    const id = idOf(name);
    if (id !== undefined && unlink(draft, id)) result.removed.push(name);
  }
  return unwanted;
}

function addTag(draft: Draft, tag: WantedTag, origin: TagOrigin): void {
  const { db, imageId, links, result } = draft;
  const id = ensureTag(db, tag);
  const known = links.get(id);
  if (known === undefined) {
    link(draft, id, origin);
    result.added.push(tag.name);
  } else if (known === "implication" && origin !== "implication") {
    execute(
      db,
      "UPDATE image_tags SET source = ? WHERE image_id = ? AND tag_id = ?",
      origin,
      imageId,
      id,
    );
    links.set(id, origin);
    (result.confirmed ??= []).push(tag.name);
  }
}

const LINK = `INSERT OR IGNORE INTO image_tags (image_id, tag_id, source)
  SELECT ?, id, ? FROM tags WHERE id = ?`;

/** Links a tag to an image, unless it is gone. */
function link(draft: Draft, tagId: number, origin: TagOrigin): void {
  if (execute(draft.db, LINK, draft.imageId, origin, tagId) === 0) return;
  draft.links.set(tagId, origin);
  draft.isTouched = true;
}

/** Takes a tag from an image; false when it does not have it. */
function unlink(draft: Draft, tagId: number): boolean {
  if (!draft.links.delete(tagId)) return false;
  const { db, imageId } = draft;
  execute(db, "DELETE FROM image_tags WHERE image_id = ? AND tag_id = ?", imageId, tagId);
  draft.isTouched = true;
  return true;
}

/** Adds what is implied by now and takes away what was; `unwanted` are names that a person took away. */
function followImplications(draft: Draft, unwanted: readonly string[]): void {
  const { db, imageId, rules, before, links, result } = draft;
  const unwantedIds = readTagIds(db, unwanted);
  let refused: ReadonlySet<number> = new Set();
  const { add, drop } = planImpliedTags(rules, {
    before,
    now: links,
    keptAway: () => {
      refused = readRefusedTags(db, imageId);
      return refused.union(unwantedIds);
    },
  });
  for (const tagId of drop) unlink(draft, tagId);
  for (const tagId of add) link(draft, tagId, "implication");
  const added = readTagNames(db, add.filter((tag) => links.has(tag) && !before.has(tag)));
  const removed = readTagNames(db, drop.filter((tag) => before.has(tag)));
  if (added.length + removed.length > 0) result.implied = { added, removed };
  // What lost its own statement and is implied all the same never went.
  const kept = new Set(readTagNames(db, add.filter((tag) => before.has(tag))));
  if (kept.size > 0) result.removed = result.removed.filter((name) => !kept.has(name));
  const absent = [...unwantedIds].filter((tag) => !before.has(tag));
  if (absent.length === 0) return;
  const coming = rules.impliedBy(statedTags(links), refused);
  const keptAway = readTagNames(db, absent.filter((tag) => coming.has(tag)));
  if (keptAway.length > 0) result.keptAway = keptAway;
}

/** Tags that a person took from an image before: implications do not bring them. */
function readRefusedTags(db: Database, imageId: number): Set<number> {
  const md5 = prepared(db, "SELECT md5 FROM images WHERE id = ?").value<[string]>(imageId)?.[0];
  return md5 === undefined ? new Set() : readTagIds(db, readTagDeltas(db, md5).remove);
}

function readTagIds(db: Database, names: readonly string[]): Set<number> {
  const id = prepared(db, "SELECT id FROM tags WHERE name = ?");
  return new Set(
    names.map((name) => id.value<[number]>(name)?.[0]).filter((found) => found !== undefined),
  );
}

/** Names of an image's tags. */
export function readImageTagNames(db: Database, imageId: number): string[] {
  return prepared(
    db,
    `SELECT name FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ? ORDER BY name`,
  ).values<[string]>(imageId).map(([name]) => name);
}

/** Writes the `tags_*` columns of an image from its links. */
export function writeTagColumns(db: Database, imageId: number): void {
  const rows = prepared(
    db,
    `SELECT name, category FROM image_tags JOIN tags ON tags.id = tag_id
     WHERE image_id = ? ORDER BY name`,
  ).values<[string, string | null]>(imageId);
  const columns = toTagColumns(rows.map(([name, category]) => ({ name, category })));
  execute(
    db,
    `UPDATE images SET ${COLUMN_CATEGORIES.map((name) => `tags_${name} = ?`).join(", ")}
     WHERE id = ?`,
    ...columns,
    imageId,
  );
}

/** Texts of the `tags_*` columns, in the order of COLUMN_CATEGORIES. Ratings are in none of them. */
function toTagColumns(tags: readonly { name: string; category: string | null }[]): string[] {
  return COLUMN_CATEGORIES.map((column) =>
    tags.filter(({ name, category }) =>
      category === column || (column === "general" && category === null && !isRatingTagName(name))
    ).map(({ name }) => name).join(" ")
  );
}

/**
 * Inserts the links of a new image together with its row, so that its columns and the full-text entry
 * are written once; what its tags imply comes with them, but for the names in `keptAway`. `insert` gets
 * the texts of the `tags_*` columns and gives the new id.
 */
export function insertTaggedImage(
  db: Database,
  { tags, keptAway }: { tags: readonly WantedTag[]; keptAway: readonly string[] },
  insert: (tagColumns: Record<(typeof TAG_COLUMN_NAMES)[number], string>) => number,
): number {
  const rules = followedTagRulesOf(db);
  const stated = new Set(resolveTags(db, tags).map((tag) => ensureTag(db, tag)));
  const implied = rules.hasImplications
    ? rules.impliedBy(stated, readTagIds(db, keptAway))
    : new Set<number>();
  const known = prepared(db, "SELECT name, category FROM tags WHERE id = ?");
  const rows = [...stated, ...implied].map((id) => known.value<[string, string | null]>(id))
    .filter((row) => row !== undefined)
    .map(([name, category]) => ({ name, category }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const texts = toTagColumns(rows);
  const imageId = insert(
    Object.fromEntries(TAG_COLUMN_NAMES.map((name, i) => [name, texts[i]])) as Record<
      (typeof TAG_COLUMN_NAMES)[number],
      string
    >,
  );
  for (const tagId of stated) execute(db, LINK, imageId, "original", tagId);
  for (const tagId of implied) execute(db, LINK, imageId, "implication", tagId);
  return imageId;
}

/** The columns of `images` that hold tag names, in the order of their texts. */
export const TAG_COLUMN_NAMES = [
  "tags_character",
  "tags_copyright",
  "tags_artist",
  "tags_species",
  "tags_meta",
  "tags_general",
] as const;

/** Remembers a person's edit by md5, so that it survives a rebuild; it replaces the opposite one. */
export function writeTagDelta(
  db: Database,
  delta: { md5: string; tag: WantedTag; operation: "add" | "remove" },
): void {
  const { md5, tag, operation } = delta;
  execute(db, "DELETE FROM tag_deltas WHERE image_md5 = ? AND tag_name = ?", md5, tag.name);
  execute(
    db,
    `INSERT INTO tag_deltas (image_md5, tag_name, tag_category, operation) VALUES (?, ?, ?, ?)`,
    md5,
    tag.name,
    tag.category,
    operation,
  );
}

/**
 * The person's own edits of a content, aliases as the tags that they mean; of an addition and a removal of
 * one tag the newest wins.
 */
export function readTagDeltas(db: Database, md5: string): { add: WantedTag[]; remove: string[] } {
  const rows = prepared(
    db,
    `SELECT tag_name, tag_category, operation FROM tag_deltas WHERE image_md5 = ?
     ORDER BY timestamp, id`,
  ).values<[string, string | null, string]>(md5);
  const rules = tagRulesOf(db);
  const newest = new Map(rows.map((row) => [rules.resolve(row[0]), row]));
  const add: WantedTag[] = [];
  const remove: string[] = [];
  for (const [name, [, category, operation]] of newest) {
    if (operation === "add") {
      add.push({ name, category: isTagCategory(category) ? category : null });
    } else remove.push(name);
  }
  return { add, remove };
}

/** A person's edit of one image. */
export type TagEdit = {
  imageId: number;
  add: WantedTag[];
  remove: string[];
  /** Who edits, for the history. */
  editor: string;
  /** Names that the image must have at this moment, or null when that does not matter. */
  expectedTags: string[] | null;
};

/**
 * Writes a person's edit: tags, the lasting record of the edit, and the history.
 *
 * @throws {AppError} `not_found` without such an image, `precondition_failed` if its tags are not the
 *   expected ones, `conflict` if a tag is wanted in another category than it has.
 */
export function editTags(db: Database, edit: TagEdit): TagChange {
  let change: TagChange = { added: [], removed: [] };
  const { imageId, editor } = edit;
  recordEdit(db, { imageId, editor }, (_, detail) => {
    change = applyTagEdit(db, edit, detail);
  });
  return change;
}

/**
 * As {@link editTags}, for a caller that writes the history; `detail` gets what names no tag that came or
 * went.
 *
 * @throws {AppError} As that does.
 */
export function applyTagEdit(db: Database, edit: TagEdit, detail: TagEditDetail): TagChange {
  const { imageId } = edit;
  const md5 = prepared(db, "SELECT md5 FROM images WHERE id = ?").value<[string]>(imageId)?.[0];
  if (md5 === undefined) throw new AppError("not_found", `There is no image ${imageId}`);
  if (edit.expectedTags !== null) {
    const names = new Set(readImageTagNames(db, imageId));
    const isSame = names.size === edit.expectedTags.length &&
      edit.expectedTags.every((name) => names.has(name));
    if (!isSame) {
      throw new AppError("precondition_failed", `Image ${imageId} was changed meanwhile`, {
        remedy: "Load it again and repeat the edit",
      });
    }
  }
  const add = resolveTags(db, edit.add);
  checkCategories(db, add);
  const sorted = findUnsorted(db, add);
  if (sorted.length > 0) detail.categories = sorted;
  const change = changeImageTags(db, imageId, { ...edit, origin: "user" });
  const wanted = new Map(add.map((tag) => [tag.name, tag]));
  // What only came or went with these by implications is nobody's word.
  for (const name of [...change.removed, ...change.keptAway ?? []]) {
    writeTagDelta(db, { md5, tag: { name, category: null }, operation: "remove" });
  }
  for (const name of [...change.added, ...change.confirmed ?? []]) {
    writeTagDelta(db, { md5, tag: wanted.get(name)!, operation: "add" });
  }
  return change;
}

/**
 * Checks that tags can be added under the categories that they are named with.
 *
 * @throws {AppError} `conflict` if one has another category.
 */
export function checkCategories(db: Database, tags: readonly WantedTag[]): void {
  for (const tag of tags) checkCategory(db, tag);
}

function checkCategory(db: Database, tag: WantedTag): void {
  // What is damaged must not keep a rating from being given: the tag of that name is the rating.
  if (tag.category === null || isRatingTagName(tag.name)) return;
  const known = prepared(db, "SELECT id, category FROM tags WHERE name = ?")
    .value<[number, string | null]>(tag.name);
  if (known === undefined || known[1] === tag.category) return;
  if (known[1] === null) {
    checkFewImages(db, { id: known[0], name: tag.name });
    return;
  }
  throw new AppError(
    "conflict",
    `"${tag.name}" is a ${known[1]} tag and cannot be added as ${tag.category}`,
    { remedy: `Add it without the prefix: ${tag.name}` },
  );
}

/** Category of a name, for tags that come without one. */
export function readTagCategory(db: Database, name: string): string | undefined {
  return prepared(db, "SELECT category FROM tags WHERE name = ?").value<[string | null]>(name)
    ?.[0] ??
    undefined;
}
