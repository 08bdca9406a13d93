import { AppError } from "../base/errors.ts";
import { isTagCategory } from "../tags/category.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, prepared } from "./database.ts";
import { type ImageLinks, readImageLinks } from "./image_links.ts";
import { KnownTags } from "./known_tags.ts";
import { type EditsLabel, recordEdits } from "./post_history.ts";
import { isEditUndone, readEdit, type StoredEdit, toPostDifference } from "./read_history.ts";
import {
  readCategory,
  readSavedDeltas,
  restoreDeltas,
  setTagOrigin,
  type TagEditDetail,
} from "./tag_history.ts";
import {
  changeTagsOfImages,
  type ImageTagChange,
  type TagOrigin,
  type WantedTag,
  writeTagDelta,
} from "./tags.ts";
import { isImageTrashed } from "./trash.ts";
import { undoCategory, undoPostDifference } from "./undo_post.ts";

/** What an undo did. */
export type UndoOutcome = {
  /** The edit that it is. */
  editId: number;
  imageId: number;
  added: string[];
  removed: string[];
  /** What was changed since and stays, in words. */
  kept: string[];
};

/** Why an image cannot be edited any more. */
export type Absence = "trashed" | "gone";

/** The image that an edit is of: by its content if it came back under another number. */
export function findEditedImage(
  db: Database,
  { imageId, md5 }: { imageId: number; md5: string },
): number | Absence {
  const found = prepared(db, "SELECT id FROM images WHERE md5 = ?").value<[number]>(md5)?.[0];
  if (found !== undefined) return found;
  if (prepared(db, "SELECT 1 FROM images WHERE id = ?").value(imageId) !== undefined) {
    return imageId;
  }
  return isImageTrashed(db, imageId) ? "trashed" : "gone";
}

/**
 * Takes back what an edit did, where it is still so: what others changed since stays. The undo is an edit of
 * its own, which can be undone in turn.
 *
 * @throws {AppError} `not_found` without such an edit; `conflict` if it is undone already, its image is in
 *   the trash or gone, or it is of a kind that cannot be undone.
 */
export function undoEdit(
  db: Database,
  { editId, editor }: { editId: number; editor: string },
): UndoOutcome {
  const edit = requireEdit(db, editId);
  const imageId = findEditedImage(db, edit);
  if (imageId === "trashed") {
    throw new AppError("conflict", `Image ${edit.imageId} is in the trash`, {
      remedy: "Restore it, then undo the edit",
      details: { isTrashed: true },
    });
  }
  if (imageId === "gone") {
    throw new AppError("conflict", `There is no image ${edit.imageId} any more`);
  }
  if (isEditUndone(db, editId)) {
    throw new AppError("conflict", `Edit ${editId} is undone already`, {
      remedy: "Undo the undo to have it again",
    });
  }
  return undoEdits(db, [{ edit, imageId }], { editor })[0];
}

/** An edit that is to be taken back, and its image. */
export type UndoneEdit = { edit: StoredEdit; imageId: number };

/**
 * As {@link undoEdit}, for edits that can be undone, of images that are each given once. Runs inside the
 * caller's transaction.
 */
export function undoEdits(
  db: Database,
  edits: readonly UndoneEdit[],
  label: Omit<EditsLabel, "images">,
): UndoOutcome[] {
  const undos = edits.map((one): Undo => ({ ...one, kept: [], back: [] }));
  const images = edits.map(({ edit, imageId }) => ({ imageId, undoes: edit.id }));
  const recorded = recordEdits(db, { ...label, images }, (drafts) => {
    for (const [i, { edit, imageId, kept }] of undos.entries()) {
      const post = toPostDifference(edit);
      const { difference } = drafts[i];
      if (post !== null) undoPostDifference(db, post, { imageId, difference, kept });
    }
    undoTags(db, undos);
    for (const [i, { edit, kept }] of undos.entries()) {
      for (const tag of edit.detail?.categories ?? []) {
        if (undoCategory(db, tag)) {
          const { name, before, after } = tag;
          (drafts[i].detail.categories ??= []).push({ name, before: after, after: before });
        } else kept.push(`the category of ${tag.name}`);
      }
    }
  });
  // An undo is written down even when nothing was left to take back.
  return undos.map(({ imageId, kept }, i) => ({ imageId, ...recorded[i]!, kept }));
}

function requireEdit(db: Database, editId: number): StoredEdit {
  const edit = readEdit(db, editId);
  if (edit === undefined) throw new AppError("not_found", `There is no edit ${editId}`);
  if (edit.journal?.kind === "pool_edit") {
    throw new AppError("conflict", `Edit ${editId} is one of a pool, which cannot be undone here`, {
      remedy: "Change the pool",
    });
  }
  return edit;
}

/** An undo while it works: what stays, in words, and the tags that come back. */
type Undo = UndoneEdit & { kept: string[]; back: string[] };

function undoTags(db: Database, undos: readonly Undo[]): void {
  const links = readImageLinks(db, undos.map(({ imageId }) => imageId));
  const tags = new KnownTags(db);
  const changes: ImageTagChange[] = [];
  for (const undo of undos) {
    const { edit, imageId, kept } = undo;
    const now = links.get(imageId)!;
    const gone = edit.added.filter((name) => hasTag(tags, now, name));
    const goes = new Set(gone);
    // Somebody may have rated it since: an image has one rating.
    const isRated = edit.removed.some(isRatingTagName) &&
      tags.namesOf(now.keys()).some((name) => isRatingTagName(name) && !goes.has(name));
    undo.back = edit.removed.filter((name) =>
      !hasTag(tags, now, name) && !(isRatingTagName(name) && isRated)
    );
    const comes = new Set(undo.back);
    kept.push(
      ...edit.added.filter((name) => !goes.has(name)).map((name) => `the tag ${name}`),
      ...edit.removed.filter((name) => !comes.has(name)).map((name) => `the tag ${name}`),
    );
    // First of all: what a person took away for good is not implied again.
    restoreWords(db, edit, goes.union(comes));
    // Not as the user's word: what is implied by other tags since stays, and says so.
    if (gone.length > 0) changes.push({ imageId, add: [], remove: gone, origin: "original" });
  }
  changeTagsOfImages(db, changes);
  addBack(db, undos);
  for (const { edit, imageId } of undos) {
    for (const { name, before, after } of edit.detail?.origins ?? []) {
      if (readOrigin(db, { imageId, name }) === after) {
        setTagOrigin(db, { imageId, name, origin: before });
      }
    }
  }
}

function hasTag(tags: KnownTags, links: ImageLinks, name: string): boolean {
  const id = tags.idOf(name);
  return id !== undefined && links.has(id);
}

/** Puts a person's lasting words back as they were: of tags that are taken back, and where nobody said more. */
function restoreWords(db: Database, edit: StoredEdit, tags: ReadonlySet<string>): void {
  const { md5, detail } = edit;
  if (detail === null) {
    // Nobody wrote down what was there: the opposite is said.
    for (const name of tags) {
      const operation = edit.added.includes(name) ? "remove" : "add";
      writeTagDelta(db, { md5, tag: { name, category: null }, operation });
    }
    return;
  }
  for (const { name, before, after } of detail.deltas ?? []) {
    const isLast = () =>
      JSON.stringify(readSavedDeltas(db, { md5, name })) === JSON.stringify(after);
    if (tags.has(name) || isLast()) restoreDeltas(db, { md5, name, deltas: before });
  }
}

/** Adds tags that edits removed, each with the origin that it had. */
function addBack(db: Database, undos: readonly Undo[]): void {
  const changes = undos.map((undo) => toChangesBack(db, undo));
  const rounds = Math.max(...changes.map(({ length }) => length));
  for (let round = 0; round < rounds; round++) {
    changeTagsOfImages(db, changes.flatMap((own) => own.slice(round, round + 1)));
  }
  for (const { edit, imageId, back } of undos) {
    const lost = indexLost(edit);
    for (const name of back) {
      const known = lost.get(name);
      if (known === undefined) continue;
      const origin = readOrigin(db, { imageId, name });
      if (origin !== undefined && origin !== known.origin) {
        setTagOrigin(db, { imageId, name, origin: known.origin });
      }
    }
  }
}

function indexLost({ detail }: StoredEdit): Map<string, NonNullable<TagEditDetail["lost"]>[0]> {
  return new Map(detail?.lost?.map((tag) => [tag.name, tag]));
}

/** One change for each origin; implications last, since most come with what implies them. */
function toChangesBack(db: Database, { edit, imageId, back }: Undo): ImageTagChange[] {
  const lost = indexLost(edit);
  const byOrigin = new Map<TagOrigin, WantedTag[]>();
  for (const name of back) {
    const known = lost.get(name);
    const origin = (known === undefined ? "user" : known.origin ?? "original") as TagOrigin;
    const isNew = readCategory(db, name) === undefined;
    const category = isNew && isTagCategory(known?.category) ? known.category : null;
    const group = byOrigin.get(origin);
    if (group === undefined) byOrigin.set(origin, [{ name, category }]);
    else group.push({ name, category });
  }
  const groups = [...byOrigin].sort(([origin]) => origin === "implication" ? 1 : -1);
  return groups.map(([origin, add]) => ({ imageId, add, remove: [], origin }));
}

/** Who says that an image has a tag; undefined if it does not have it. */
function readOrigin(
  db: Database,
  { imageId, name }: { imageId: number; name: string },
): string | null | undefined {
  return prepared(
    db,
    `SELECT source FROM image_tags
     WHERE image_id = ? AND tag_id = (SELECT id FROM tags WHERE name = ?)`,
  ).value<[string | null]>(imageId, name)?.[0];
}
