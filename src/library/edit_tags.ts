import { AppError } from "../base/errors.ts";
import type { ImageId } from "../base/ids.ts";
import { EDIT_TAGS_MAX } from "../base/limits.ts";
import type { TagChange, WantedTag } from "../store/tags.ts";
import { splitNamespace } from "../tags/category.ts";
import { isRatingTagName, ratingOfTagName } from "../tags/ratings.ts";
import { checkTagName, normalizeTagName } from "../tags/tag_name.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";

/** A person's edit of the tags of one image, as typed. */
export type TagsToEdit = {
  imageId: ImageId;
  /** Names; a new tag's category can stand before it (`artist:name`). */
  add: readonly string[];
  remove: readonly string[];
  /** Names that the image must still have, so that nobody's edit is overwritten; null: whatever. */
  expectedTags: readonly string[] | null;
};

/**
 * Writes an edit and makes it visible; gives what really changed.
 *
 * @throws {AppError} `bad_request` for a name that cannot be, `not_found`, `conflict`,
 *   `precondition_failed`.
 */
export async function editImageTags(library: Library, edit: TagsToEdit): Promise<TagChange> {
  const { add, remove } = parseTagsToEdit(library, edit);
  const change = await library.writer.call("editTags", {
    imageId: edit.imageId,
    add,
    remove,
    editor: "owner",
    expectedTags: edit.expectedTags === null ? null : [...edit.expectedTags],
  });
  await showChanges(library, edit.imageId);
  return change;
}

/**
 * Reads the names of an edit as a person types them.
 *
 * @throws {AppError} `bad_request` for a name that cannot be, or too many of them.
 */
export function parseTagsToEdit(
  library: Library,
  edit: Pick<TagsToEdit, "add" | "remove">,
): { add: WantedTag[]; remove: string[] } {
  const count = edit.add.length + edit.remove.length;
  if (count > EDIT_TAGS_MAX) {
    throw new AppError(
      "bad_request",
      `Cannot edit ${count} tags at once: the limit is ${EDIT_TAGS_MAX}`,
    );
  }
  const { tags } = library.core.cache.current;
  return {
    add: edit.add.map(parseWantedTag),
    remove: edit.remove.map((text) =>
      parseUnwantedTag(text, (name) => tags.idOf(name) !== undefined)
    ),
  };
}

/** Reads a tag to remove: a name as it is stored, however odd, else what is read for adding. */
function parseUnwantedTag(text: string, isKnown: (name: string) => boolean): string {
  const name = normalizeTagName(text);
  if (name === undefined) throw new AppError("bad_request", "Cannot remove a tag without a name");
  return isKnown(name) ? name : parseWantedTag(name).name;
}

/** Reads a tag as a person types it: `name`, `artist:name`, `rating:e`. */
function parseWantedTag(text: string): WantedTag {
  const whole = normalizeTagName(text) ?? text;
  const { category, name } = splitNamespace(whole);
  if (category === null || category === "rating") {
    const checked = checkTagName(whole);
    return { name: checked, category: ratingOfTagName(checked) === undefined ? null : "rating" };
  }
  const checked = checkTagName(name);
  if (isRatingTagName(checked)) {
    throw new AppError("bad_request", `Cannot add ${checked} as ${category}: it is a rating`, {
      remedy: `Write ${checked}`,
    });
  }
  return { name: checked, category };
}
