import { AppError } from "../base/errors.ts";
import { isTagCategory } from "../tags/category.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, prepared } from "./database.ts";
import { recordEdit } from "./post_history.ts";
import { isEditUndone, readEdit, type StoredEdit, toPostDifference } from "./read_history.ts";
import { readCategory, readSavedDeltas, restoreDeltas, setTagOrigin } from "./tag_history.ts";
import {
  changeImageTags,
  readImageTagNames,
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
  operation?: { id: number; isFurther: boolean },
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
  const kept: string[] = [];
  const label = { imageId, editor, operation, undoes: editId };
  const recorded = recordEdit(db, label, (difference, detail) => {
    const post = toPostDifference(edit);
    if (post !== null) undoPostDifference(db, post, { imageId, difference, kept });
    undoTags(db, edit, { imageId, kept });
    for (const tag of edit.detail?.categories ?? []) {
      if (undoCategory(db, tag)) {
        const { name, before, after } = tag;
        (detail.categories ??= []).push({ name, before: after, after: before });
      } else kept.push(`the category of ${tag.name}`);
    }
  })!;
  return { imageId, ...recorded, kept };
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

type Target = { imageId: number; kept: string[] };

function undoTags(db: Database, edit: StoredEdit, { imageId, kept }: Target): void {
  const now = new Set(readImageTagNames(db, imageId));
  const gone = edit.added.filter((name) => now.has(name));
  const goes = new Set(gone);
  // Somebody may have rated it since: an image has one rating.
  const isRated = [...now].some((name) => isRatingTagName(name) && !goes.has(name));
  const back = edit.removed.filter((name) => !now.has(name) && !(isRatingTagName(name) && isRated));
  const comes = new Set(back);
  kept.push(
    ...edit.added.filter((name) => !goes.has(name)).map((name) => `the tag ${name}`),
    ...edit.removed.filter((name) => !comes.has(name)).map((name) => `the tag ${name}`),
  );
  // First of all: what a person took away for good is not implied again.
  restoreWords(db, edit, new Set([...gone, ...back]));
  // Not as the user's word: what is implied by other tags since stays, and says so.
  if (gone.length > 0) changeImageTags(db, imageId, { add: [], remove: gone, origin: "original" });
  addBack(db, edit, { imageId, back });
  for (const { name, before, after } of edit.detail?.origins ?? []) {
    if (readOrigin(db, { imageId, name }) === after) {
      setTagOrigin(db, { imageId, name, origin: before });
    }
  }
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

/** Adds tags that an edit removed, each with the origin that it had. */
function addBack(
  db: Database,
  edit: StoredEdit,
  { imageId, back }: { imageId: number; back: readonly string[] },
): void {
  const lost = new Map(edit.detail?.lost?.map((tag) => [tag.name, tag]));
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
  // Implications last: most come with what implies them.
  const groups = [...byOrigin].sort(([origin]) => origin === "implication" ? 1 : -1);
  for (const [origin, add] of groups) changeImageTags(db, imageId, { add, remove: [], origin });
  for (const name of back) {
    const known = lost.get(name);
    if (known === undefined) continue;
    const origin = readOrigin(db, { imageId, name });
    if (origin !== undefined && origin !== known.origin) {
      setTagOrigin(db, { imageId, name, origin: known.origin });
    }
  }
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
