import { AppError } from "../base/errors.ts";
import { CATEGORY_CHANGE_IMAGES_MAX } from "../base/limits.ts";
import { isTagCategory, type TagCategory } from "../tags/category.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute, prepared } from "./database.ts";

/** A tag that an image is to have; `null` = the category it is known with, else general. */
export type WantedTag = { name: string; category: TagCategory | null };

/** Who says that an image has a tag (`image_tags.source`). */
export type TagOrigin = "original" | "user" | "ai_inference" | "implication";

/** What became of an image's tags. */
export type TagChange = { added: string[]; removed: string[] };

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
 * rating is one whatever it is called besides.
 */
export function ensureTag(db: Database, tag: WantedTag): number {
  const wanted = isRatingTagName(tag.name) ? "rating" : tag.category;
  const known = prepared(db, "SELECT id, category FROM tags WHERE name = ?")
    .value<[number, string | null]>(tag.name);
  if (known === undefined) {
    const inserted = prepared(db, "INSERT INTO tags (name, category) VALUES (?, ?) RETURNING id")
      .value<[number]>(tag.name, wanted ?? "general")!;
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

/**
 * Changes the tags of an image: the one function that writes `image_tags`, the `tags_*` columns and,
 * through its triggers, the full-text table. A rating replaces the other ratings. Gives what really
 * changed. Runs inside the caller's transaction. Cost: O(tags of the image).
 */
export function changeImageTags(
  db: Database,
  imageId: number,
  change: { add: readonly WantedTag[]; remove: readonly string[]; origin: TagOrigin },
): TagChange {
  const result: TagChange = { added: [], removed: [] };
  const newRatings = change.add.filter((tag) => isRatingTagName(tag.name));
  const rating = newRatings.at(-1)?.name;
  const drop = prepared(
    db,
    `DELETE FROM image_tags WHERE image_id = ? AND tag_id = (SELECT id FROM tags WHERE name = ?)`,
  );
  const otherRatings = rating === undefined
    ? []
    : readImageTagNames(db, imageId).filter((name) => isRatingTagName(name) && name !== rating);
  for (const name of new Set([...change.remove, ...otherRatings])) {
    if (drop.run(imageId, name) > 0) result.removed.push(name);
  }
  const insert = prepared(
    db,
    "INSERT OR IGNORE INTO image_tags (image_id, tag_id, source) VALUES (?, ?, ?)",
  );
  for (const tag of change.add) {
    if (isRatingTagName(tag.name) && tag.name !== rating) continue;
    if (insert.run(imageId, ensureTag(db, tag), change.origin) > 0) result.added.push(tag.name);
  }
  if (result.added.length + result.removed.length > 0) writeTagColumns(db, imageId);
  return result;
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
 * are written once. `insert` gets the texts of the `tags_*` columns and gives the new id.
 */
export function insertTaggedImage(
  db: Database,
  tags: readonly WantedTag[],
  insert: (tagColumns: Record<(typeof TAG_COLUMN_NAMES)[number], string>) => number,
): number {
  const ids = new Map<number, string>();
  for (const tag of tags) ids.set(ensureTag(db, tag), tag.name);
  const known = prepared(db, "SELECT name, category FROM tags WHERE id = ?");
  const rows = [...ids.keys()].map((id) => known.value<[string, string | null]>(id)!)
    .map(([name, category]) => ({ name, category }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const texts = toTagColumns(rows);
  const imageId = insert(
    Object.fromEntries(TAG_COLUMN_NAMES.map((name, i) => [name, texts[i]])) as Record<
      (typeof TAG_COLUMN_NAMES)[number],
      string
    >,
  );
  const link = prepared(
    db,
    "INSERT OR IGNORE INTO image_tags (image_id, tag_id, source) VALUES (?, ?, 'original')",
  );
  for (const id of ids.keys()) link.run(imageId, id);
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

/** The person's own edits of a content; of an addition and a removal of one tag the newest wins. */
export function readTagDeltas(db: Database, md5: string): { add: WantedTag[]; remove: string[] } {
  const rows = prepared(
    db,
    `SELECT tag_name, tag_category, operation FROM tag_deltas WHERE image_md5 = ?
     ORDER BY timestamp, id`,
  ).values<[string, string | null, string]>(md5);
  const newest = new Map(rows.map((row) => [row[0], row]));
  const add: WantedTag[] = [];
  const remove: string[] = [];
  for (const [name, category, operation] of newest.values()) {
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
  for (const tag of edit.add) checkCategory(db, tag);
  const change = changeImageTags(db, imageId, { ...edit, origin: "user" });
  const wanted = new Map(edit.add.map((tag) => [tag.name, tag]));
  for (const name of change.removed) {
    writeTagDelta(db, { md5, tag: { name, category: null }, operation: "remove" });
  }
  for (const name of change.added) {
    writeTagDelta(db, { md5, tag: wanted.get(name)!, operation: "add" });
  }
  if (change.added.length + change.removed.length > 0) {
    execute(
      db,
      `INSERT INTO tag_edits (image_id, image_md5, editor, edited_at_ms, added, removed)
       VALUES (?, ?, ?, ?, ?, ?)`,
      imageId,
      md5,
      edit.editor,
      Date.now(),
      JSON.stringify(change.added),
      JSON.stringify(change.removed),
    );
  }
  return change;
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
