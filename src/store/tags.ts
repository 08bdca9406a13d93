import { AppError } from "../base/errors.ts";
import { isTagCategory, type TagCategory } from "../tags/category.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute, prepared } from "./database.ts";
import {
  type ImageLinks,
  type LinkChange,
  readImageLinks,
  statedTags,
  writeImageLinks,
} from "./image_links.ts";
import { planImpliedTags } from "./implied_tags.ts";
import { KnownTags } from "./known_tags.ts";
import { type EditDraft, recordEdit } from "./post_history.ts";
import { readCatalogueCategory } from "./tag_catalogue.ts";
import { checkCategories, setCategory } from "./tag_categories.ts";
import { TAG_COLUMN_NAMES, toTagColumns, writeColumnTexts } from "./tag_columns.ts";
import { findUnsorted } from "./tag_history.ts";
import { followedTagRulesOf, type TagRules, tagRulesOf } from "./tag_rules.ts";

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
    setCategory(db, { id, category: wanted });
  }
  return id;
}

/** What is to be changed of an image's tags. */
export type WantedChange = {
  add: readonly WantedTag[];
  remove: readonly string[];
  /** Who wants it. What a person (`user`) takes away stays away, whatever implies it. */
  origin: TagOrigin;
};

/** A change of the tags of one of several images. */
export type ImageTagChange = WantedChange & {
  imageId: number;
  /** The tags that it has, if they were read just now. */
  links?: ImageLinks;
};

/** What the images of one call of {@link changeTagsOfImages} share. */
type Batch = {
  db: Database;
  rules: TagRules;
  tags: KnownTags;
  /** Finds or makes a tag, each once. */
  ensure: (tag: WantedTag) => number;
  /** Tags that a person took from an image before: implications do not bring them. */
  refusedOf: (imageId: number) => ReadonlySet<number>;
};

/** One image: `before` are its tags before the change, `links` those that it has by now. */
type Draft = LinkChange & { batch: Batch; result: TagChange };

/** As {@link changeTagsOfImages}, of one image. Cost: O(tags of the image). */
export function changeImageTags(db: Database, imageId: number, change: WantedChange): TagChange {
  return changeTagsOfImages(db, [{ ...change, imageId }])[0];
}

/**
 * Changes the tags of images, each given once: the one function that writes `image_tags`, the `tags_*`
 * columns and, through its triggers, the full-text table. Names that are aliases mean their tags; a rating
 * replaces the other ratings; what the tags imply comes and goes with them, so that a change of nothing
 * brings an image in line with the implications of now. Gives what really changed, in the order of the
 * images. Runs inside the caller's transaction. Cost: O(their tags), in a few statements for all of them.
 */
export function changeTagsOfImages(
  db: Database,
  changes: readonly ImageTagChange[],
): TagChange[] {
  const imageIds = new Set(changes.map(({ imageId }) => imageId));
  if (imageIds.size < changes.length) {
    throw new TypeError("Cannot change the tags of images: one is given twice");
  }
  const batch = openBatch(db, [...imageIds]);
  const unread = changes.filter(({ links }) => links === undefined);
  const read = readImageLinks(db, unread.map(({ imageId }) => imageId));
  const drafts = changes.map((change) =>
    draftChange(batch, change, change.links ?? read.get(change.imageId)!)
  );
  const touched = writeImageLinks(db, drafts);
  const images = touched.map(({ imageId, links }) => [imageId, links] as const);
  writeColumnTexts(db, { tags: batch.tags, images });
  return drafts.map(({ result }) => result);
}

function openBatch(db: Database, imageIds: readonly number[]): Batch {
  const rules = followedTagRulesOf(db);
  const tags = new KnownTags(db);
  const ensured = new Map<string, number>();
  let refused: Map<number, string[]> | undefined;
  return {
    db,
    rules,
    tags,
    ensure: (tag) => {
      const key = `${tag.category}:${tag.name}`;
      let id = ensured.get(key);
      if (id === undefined) {
        ensured.set(key, id = ensureTag(db, tag));
        tags.forget(id, tag.name);
      }
      return id;
    },
    refusedOf: (imageId) => {
      refused ??= readRefusedTags(db, { imageIds, rules });
      return tags.idsOf(refused.get(imageId) ?? []);
    },
  };
}

/** Finds out what becomes of an image's tags; nothing but new tags is written. */
function draftChange(batch: Batch, change: ImageTagChange, before: ImageLinks): Draft {
  const { rules } = batch;
  const result: TagChange = { added: [], removed: [] };
  const draft = { imageId: change.imageId, batch, before, links: new Map(before), result };
  const add = resolveBy(rules, change.add);
  const aliases = change.add.flatMap(({ name }, i) =>
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
  return draft;
}

/** Tags with the names under which they are stored: aliases mean the tags that they lead to. */
export function resolveTags(db: Database, tags: readonly WantedTag[]): WantedTag[] {
  return resolveBy(tagRulesOf(db), tags);
}

function resolveBy(rules: TagRules, tags: readonly WantedTag[]): WantedTag[] {
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
  { batch: { rules, tags }, links, result }: Draft,
  remove: readonly string[],
  rating: string | undefined,
): string[] {
  const hasTag = (name: string) => {
    const id = tags.idOf(name);
    return id !== undefined && links.has(id);
  };
  const unwanted = remove.map((name) => hasTag(name) ? name : rules.resolve(name));
  const otherRatings = rating === undefined ? [] : tags.sorted(links.keys()).map(({ name }) => name)
    .filter((name) => isRatingTagName(name) && name !== rating);
  for (const name of new Set([...unwanted, ...otherRatings])) {
    const id = tags.idOf(name);
    if (id !== undefined && links.delete(id)) result.removed.push(name);
  }
  return unwanted;
}

function addTag({ batch, links, result }: Draft, tag: WantedTag, origin: TagOrigin): void {
  const id = batch.ensure(tag);
  if (!links.has(id)) {
    links.set(id, origin);
    result.added.push(tag.name);
  } else if (links.get(id) === "implication" && origin !== "implication") {
    links.set(id, origin);
    (result.confirmed ??= []).push(tag.name);
  }
}

/** Adds what is implied by now and takes away what was; `unwanted` are names that a person took away. */
function followImplications(
  { batch, imageId, before, links, result }: Draft,
  unwanted: readonly string[],
): void {
  const { rules, tags } = batch;
  const unwantedIds = tags.idsOf(unwanted);
  let refused: ReadonlySet<number> = new Set();
  const { add, drop } = planImpliedTags(rules, {
    before,
    now: links,
    keptAway: () => {
      refused = batch.refusedOf(imageId);
      return refused.union(unwantedIds);
    },
  });
  for (const tagId of drop) links.delete(tagId);
  for (const tagId of add) {
    // Unless it is gone.
    if (tags.get(tagId) !== undefined) links.set(tagId, "implication");
  }
  const added = tags.namesOf(add.filter((tag) => links.has(tag) && !before.has(tag)));
  const removed = tags.namesOf(drop.filter((tag) => before.has(tag)));
  if (added.length + removed.length > 0) result.implied = { added, removed };
  // What lost its own statement and is implied all the same never went.
  const kept = new Set(tags.namesOf(add.filter((tag) => before.has(tag))));
  if (kept.size > 0) result.removed = result.removed.filter((name) => !kept.has(name));
  const absent = [...unwantedIds].filter((tag) => !before.has(tag));
  if (absent.length === 0) return;
  const coming = rules.impliedBy(statedTags(links), refused);
  const keptAway = tags.namesOf(absent.filter((tag) => coming.has(tag)));
  if (keptAway.length > 0) result.keptAway = keptAway;
}

type DeltaRow = [name: string, category: string | null, operation: string];

/** Image → names of the tags that a person took from it; those without any are left out. */
function readRefusedTags(
  db: Database,
  { imageIds, rules }: { imageIds: readonly number[]; rules: TagRules },
): Map<number, string[]> {
  const rows = prepared(
    db,
    `SELECT images.id, tag_name, tag_category, operation
     FROM images JOIN tag_deltas ON image_md5 = md5
     WHERE images.id IN (SELECT value FROM json_each(?)) ORDER BY timestamp, tag_deltas.id`,
  ).values<[number, ...DeltaRow]>(JSON.stringify(imageIds));
  const byImage = Map.groupBy(rows, ([imageId]) => imageId);
  return new Map(
    [...byImage].map(([imageId, own]) => {
      const deltas = own.map(([, ...delta]): DeltaRow => delta);
      return [imageId, sortDeltas(rules, deltas).remove];
    }),
  );
}

/** Names of an image's tags. */
export function readImageTagNames(db: Database, imageId: number): string[] {
  return prepared(
    db,
    `SELECT name FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ? ORDER BY name`,
  ).values<[string]>(imageId).map(([name]) => name);
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
  const known = new KnownTags(db);
  const stated = new Set(resolveBy(rules, tags).map((tag) => ensureTag(db, tag)));
  const implied = rules.hasImplications
    ? rules.impliedBy(stated, known.idsOf(keptAway))
    : new Set<number>();
  known.load([...stated, ...implied]);
  const links: ImageLinks = new Map();
  for (const id of stated) links.set(id, "original");
  for (const id of implied) {
    if (known.get(id) !== undefined) links.set(id, "implication");
  }
  const texts = toTagColumns(known.sorted(links.keys()));
  const columns = Object.fromEntries(
    TAG_COLUMN_NAMES.map((name, i) => [name, texts[i]]),
  ) as Record<(typeof TAG_COLUMN_NAMES)[number], string>;
  const imageId = insert(columns);
  writeImageLinks(db, [{ imageId, before: new Map(), links }]);
  return imageId;
}

/** A person's lasting word on a tag of a content. */
export type TagDelta = { md5: string; tag: WantedTag; operation: "add" | "remove" };

/** As {@link writeTagDeltas}, of one. */
export function writeTagDelta(db: Database, delta: TagDelta): void {
  writeTagDeltas(db, [delta]);
}

/**
 * Remembers a person's edits by md5, so that they survive a rebuild; each replaces the opposite one, and of
 * several about one tag of a content the last is kept.
 */
export function writeTagDeltas(db: Database, deltas: readonly TagDelta[]): void {
  const last = new Map<string, TagDelta>();
  for (const delta of deltas) {
    const key = `${delta.md5}:${delta.tag.name}`;
    last.delete(key);
    last.set(key, delta);
  }
  if (last.size === 0) return;
  const rows = JSON.stringify(
    [...last.values()].map(({ md5, tag, operation }) => [md5, tag.name, tag.category, operation]),
  );
  execute(
    db,
    `DELETE FROM tag_deltas
     WHERE (image_md5, tag_name) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
    rows,
  );
  execute(
    db,
    `INSERT INTO tag_deltas (image_md5, tag_name, tag_category, operation)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) ORDER BY key`,
    rows,
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
  ).values<DeltaRow>(md5);
  return sortDeltas(tagRulesOf(db), rows);
}

/** `rows`: the oldest first. */
function sortDeltas(
  rules: TagRules,
  rows: readonly DeltaRow[],
): { add: WantedTag[]; remove: string[] } {
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
  recordEdit(db, { imageId, editor }, (draft) => {
    change = applyTagEdit(db, edit, draft);
  });
  return change;
}

/**
 * As {@link editTags}, for a caller that writes the history.
 *
 * @throws {AppError} As that does.
 */
export function applyTagEdit(db: Database, edit: TagEdit, draft: EditDraft): TagChange {
  const { imageId, expectedTags } = edit;
  if (expectedTags !== null) {
    const names = new Set(readImageTagNames(db, imageId));
    const isSame = names.size === expectedTags.length &&
      expectedTags.every((name) => names.has(name));
    if (!isSame) {
      throw new AppError("precondition_failed", `Image ${imageId} was changed meanwhile`, {
        remedy: "Load it again and repeat the edit",
      });
    }
  }
  return applyTagEdits(db, edit, [draft])[0];
}

/**
 * Makes the same edit of some images whose tags are as they were, for a caller that writes the history; what
 * names no tag that came or went is said in their drafts.
 *
 * @throws {AppError} `conflict` if a tag is wanted in another category than it has.
 */
export function applyTagEdits(
  db: Database,
  edit: { add: readonly WantedTag[]; remove: readonly string[] },
  drafts: readonly EditDraft[],
): TagChange[] {
  if (drafts.length === 0) return [];
  const add = resolveTags(db, edit.add);
  checkCategories(db, add);
  // The first edit is the one that gives a tag its category.
  const sorted = findUnsorted(db, add);
  if (sorted.length > 0) drafts[0].detail.categories = sorted;
  const { add: wanted, remove } = edit;
  const changes = changeTagsOfImages(
    db,
    drafts.map(({ imageId, links }) => ({ imageId, links, add: wanted, remove, origin: "user" })),
  );
  const byName = new Map(add.map((tag) => [tag.name, tag]));
  // What only came or went with these by implications is nobody's word.
  const deltas = changes.flatMap(({ added, removed, confirmed = [], keptAway = [] }, i) => {
    const { md5 } = drafts[i];
    return [
      ...[...removed, ...keptAway].map((name): TagDelta => {
        return { md5, tag: { name, category: null }, operation: "remove" };
      }),
      ...[...added, ...confirmed].map((name): TagDelta => {
        return { md5, tag: byName.get(name)!, operation: "add" };
      }),
    ];
  });
  writeTagDeltas(db, deltas);
  return changes;
}
