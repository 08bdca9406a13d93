import { AppError } from "../base/errors.ts";
import { isId, type Row } from "../base/ids.ts";
import { EDIT_TAGS_MAX, SOURCE_LENGTH_MAX } from "../base/limits.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { findMetatag } from "../query/metatags.ts";
import { parentPairsSteps, parentRowOf } from "../query/parents.ts";
import { runSteps } from "../query/steps.ts";
import type { PostEdit } from "../store/post_edits.ts";
import type { WantedTag } from "../store/tags.ts";
import {
  isRatingTagName,
  parseRatingName,
  ratingOfTagName,
  ratingTagName,
} from "../tags/ratings.ts";
import { checkTagName, normalizeTagName } from "../tags/tag_name.ts";
import type { Library } from "./library.ts";
import { locateFile } from "./library_paths.ts";
import { checkPoolName } from "./pools.ts";
import { showChanges } from "./show_changes.ts";
import { splitCategory, splitTagString, splitWord, type TagWord } from "./tag_string.ts";

/*
 * A tag string is merged in three ways: what it has more than the old one is added, what it has less is
 * removed, and so is what stands in it with a "-". Without an old one the image's tags are the old ones;
 * an empty old one only adds. Nobody's edit made meanwhile is undone.
 *
 * Words that are no tags do something else: rating:, source:, parent:, pool:, newpool:, fav:. A name that
 * the image has already is always a tag, however it looks.
 */

/** An edit of a post as a client sends it; undefined leaves a part as it is. */
export type PostChange = {
  imageId: number;
  tagString?: string;
  oldTagString?: string;
  rating?: string;
  source?: string;
  /** Number of a post, or "" for none. */
  parent?: string;
};

/** What is gathered while words are read. */
type Draft = {
  snapshot: ImageSnapshot;
  row: Row;
  /** Names of the image's tags. */
  own: ReadonlySet<string>;
  edit: PostEdit;
};

/**
 * Writes an edit of a post, and makes it visible.
 *
 * @throws {AppError} `not_found` without such a post, `bad_request` or `conflict` naming the word that
 *   cannot be applied; nothing was written then.
 */
export async function editPost(library: Library, change: PostChange): Promise<void> {
  const snapshot = library.core.cache.current;
  const row = snapshot.rowOfId(change.imageId);
  if (row === undefined) throw new AppError("not_found", `There is no image ${change.imageId}`);
  // A word may ask for the parent; what is known of all parents is found in slices.
  if (/parent:/i.test(change.tagString ?? "")) await runSteps(parentPairsSteps(snapshot));
  const edit = planEdit(snapshot, row, change);
  if (edit.source !== null) edit.fileSizeBytes = await sizeOnDisk(library, snapshot, row);
  await library.writer.call("editPost", edit);
  await showChanges(library, change.imageId);
}

/** Size of an image's file; null when it cannot be looked at. */
async function sizeOnDisk(
  library: Library,
  snapshot: ImageSnapshot,
  row: Row,
): Promise<number | null> {
  try {
    const path = await locateFile(library.paths, library.roots(), snapshot.filepathAt(row));
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof AppError || error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function planEdit(snapshot: ImageSnapshot, row: Row, change: PostChange): PostEdit {
  const own = new Set(
    [...snapshot.tagIdsAt(row)].map((id) => snapshot.tags.nameOf(id)).filter((name) =>
      name !== undefined
    ),
  );
  const edit: PostEdit = {
    imageId: change.imageId,
    add: [],
    remove: [],
    categories: [],
    source: null,
    fileSizeBytes: null,
    parent: null,
    pools: { join: [], leave: [], make: [] },
    isFavourite: null,
    editor: "owner",
  };
  const draft: Draft = { snapshot, row, own, edit };
  const { rating, source, parent } = change;
  if (rating !== undefined && rating.trim() !== "") setRating(draft, rating);
  if (source !== undefined) setSource(draft, source);
  if (parent !== undefined) setParent(draft, parent, false);
  if (change.tagString !== undefined) {
    mergeTags(draft, change.tagString, change.oldTagString);
  }
  const count = edit.add.length + edit.remove.length;
  if (count > EDIT_TAGS_MAX) {
    throw new AppError(
      "bad_request",
      `Cannot edit ${count} tags at once: the limit is ${EDIT_TAGS_MAX}`,
    );
  }
  return edit;
}

function mergeTags(draft: Draft, text: string, oldText: string | undefined): void {
  const { own, edit } = draft;
  const old = oldText === undefined
    ? new Set([...own].filter((name) => isShown(draft, name)))
    : toOldNames(draft, oldText);
  const wanted = new Map<string, WantedTag>();
  const dropped = new Set<string>();
  for (const word of splitTagString(text, (run) => ownNameOf(draft, run, old))) {
    if (word.ownName !== null) {
      wanted.set(word.ownName, { name: word.ownName, category: null });
      continue;
    }
    if (applyWord(draft, word)) continue;
    if (word.isRemoved) {
      for (const name of namesOf(draft, word.text)) dropped.add(name);
      continue;
    }
    const tag = toWantedTag(draft, word.text);
    wanted.set(tag.name, tag);
    if (tag.category !== null) edit.categories.push(tag);
  }
  for (const name of dropped) wanted.delete(name);
  edit.add.push(...[...wanted.values()].filter(({ name }) => !old.has(name) && !own.has(name)));
  edit.remove.push(...[...old].filter((name) => !wanted.has(name) && own.has(name)));
  edit.remove.push(...[...dropped].filter((name) => own.has(name) && !old.has(name)));
}

/** Whether a tag is in the tag strings that are given out: no rating is, and so none is missing there. */
function isShown({ snapshot: { tags } }: Draft, name: string): boolean {
  const id = tags.idOf(name);
  return !isRatingTagName(name) && (id === undefined || tags.categoryOf(id) !== "rating");
}

/**
 * The tag of the image that a run of signs is as it stands, null when it is none: so that a client which
 * sends back what it was given changes nothing. With an old string only what is in that one too: what
 * comes new is the word that was typed, `-_-` the removal of `_-`.
 */
function ownNameOf(
  { own }: Draft,
  run: string,
  old: ReadonlySet<string> | null,
): string | null {
  const name = own.has(run) ? run : normalizeTagName(run);
  if (name === undefined || !own.has(name) || isRatingTagName(name)) return null;
  return old === null || old.has(name) ? name : null;
}

/** Names of an old tag string: what is in it is only compared, so nothing is refused. */
function toOldNames(draft: Draft, text: string): Set<string> {
  const words = splitTagString(text, (run) => ownNameOf(draft, run, null))
    .filter((word) => !word.isRemoved);
  return new Set(
    words.flatMap((word) => word.ownName === null ? namesOf(draft, word.text) : [word.ownName]),
  );
}

/** Every name that a word may mean: as it stands, without its category, and what it is an alias of. */
function namesOf({ snapshot, own }: Draft, text: string): string[] {
  if (own.has(text)) return [text];
  const whole = normalizeTagName(text);
  if (whole === undefined) return [];
  if (own.has(whole)) return [whole];
  const name = normalizeTagName(splitCategory(text).name) ?? whole;
  return [...new Set([name, snapshot.aliases.resolve(name)])];
}

function toWantedTag({ snapshot, own }: Draft, text: string): WantedTag {
  if (own.has(text)) return { name: text, category: null };
  const whole = normalizeTagName(text);
  if (whole !== undefined && own.has(whole)) return { name: whole, category: null };
  const { category, name: written } = splitCategory(text);
  const normal = normalizeTagName(written);
  const name = normal === undefined ? undefined : snapshot.aliases.resolve(normal);
  if (category !== null && name !== undefined && isRatingTagName(name)) {
    throw refused(text, "a rating has no other category");
  }
  if (name !== undefined && snapshot.tags.idOf(name) !== undefined) return { name, category };
  const isMetatag = (prefix: string) => findMetatag(prefix) !== undefined;
  return { name: checkTagName(name ?? written, { isMetatag }), category };
}

/** What the words of an edit do; the keys are their prefixes. */
const EDIT_WORDS: Record<string, (draft: Draft, value: string, isRemoved: boolean) => void> = {
  rating: (draft, value, isRemoved) => {
    if (!isRemoved) setRating(draft, value);
    else dropRating(draft, value);
  },
  source: (draft, value, isRemoved) => {
    setSource(draft, isRemoved || /^none$/i.test(value) ? "" : value);
  },
  parent: (draft, value, isRemoved) => setParent(draft, value, isRemoved),
  pool: (draft, value, isRemoved) => {
    const { join, leave } = draft.edit.pools;
    (isRemoved ? leave : join).push(findPool(draft, value));
  },
  newpool: (draft, value, isRemoved) => {
    if (isRemoved) throw refused(`-newpool:${value}`, "leave a pool with -pool:");
    draft.edit.pools.make.push(checkPoolName(value));
  },
  fav: (draft, _value, isRemoved) => {
    draft.edit.isFavourite = !isRemoved;
  },
};

/** Words of Danbooru's edits for what a post here does not have. */
const FOREIGN_WORDS = new Set(["upvote", "downvote", "favgroup", "child", "status", "disapproved"]);

/** Applies a word that is no tag; false when it is one. */
function applyWord(draft: Draft, word: TagWord): boolean {
  const whole = draft.own.has(word.text) ? word.text : normalizeTagName(word.text);
  if (whole !== undefined && draft.own.has(whole) && !isRatingTagName(whole)) return false;
  const split = splitWord(word.text);
  if (split === undefined) return false;
  const { name } = split;
  if (Object.hasOwn(EDIT_WORDS, name)) {
    EDIT_WORDS[name](draft, word.value ?? split.value, word.isRemoved);
    return true;
  }
  const isCategory = splitCategory(word.text).category !== null;
  if (!isCategory && (FOREIGN_WORDS.has(name) || findMetatag(name) !== undefined)) {
    throw refused(word.text, `an edit cannot set "${name}:"`);
  }
  return false;
}

function setRating({ edit }: Draft, text: string): void {
  const rating = parseRatingName(text);
  if (rating === undefined) throw refused(`rating:${text}`, "there is no such rating");
  edit.add = edit.add.filter(({ name }) => !isRatingTagName(name));
  edit.add.push({ name: ratingTagName(rating), category: "rating" });
}

/** Takes the rating named away, and no other one. */
function dropRating({ own, edit }: Draft, text: string): void {
  const rating = parseRatingName(text);
  if (rating === undefined) throw refused(`-rating:${text}`, "there is no such rating");
  edit.remove.push(...[...own].filter((name) => ratingOfTagName(name) === rating));
}

function setSource({ edit }: Draft, text: string): void {
  const source = text.trim();
  if (source.length > SOURCE_LENGTH_MAX) {
    throw refused("source:…", `a source has at most ${SOURCE_LENGTH_MAX} characters`);
  }
  if (/[\p{Cc}\p{Cs}]/u.test(source)) throw refused("source:…", "it holds a control character");
  edit.source = source;
}

function setParent({ snapshot, row, edit }: Draft, text: string, isRemoved: boolean): void {
  const word = text.trim().toLowerCase();
  if (word === "" || word === "none") {
    if (!isRemoved) edit.parent = { imageId: null };
    return;
  }
  const id = /^\d{1,10}$/.test(word) ? Number(word) : 0;
  if (!isId(id)) throw refused(`parent:${text}`, "a parent is the number of a post");
  if (isRemoved) {
    const parent = parentRowOf(snapshot, row);
    if (parent !== undefined && snapshot.idAt(parent) === id) edit.parent = { imageId: null };
    return;
  }
  if (id === edit.imageId) throw refused(`parent:${id}`, "a post cannot be its own parent");
  if (snapshot.rowOfId(id) === undefined) throw refused(`parent:${id}`, "there is no such post");
  edit.parent = { imageId: id };
}

function findPool({ snapshot }: Draft, text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : snapshot.pools.idOf(text);
  if (id === undefined || snapshot.pools.get(id) === undefined) {
    throw refused(`pool:${text}`, "there is no such pool");
  }
  return id;
}

function refused(word: string, reason: string): AppError {
  const shown = word.length > 80 ? `${word.slice(0, 80)}…` : word;
  return new AppError("bad_request", `Cannot apply ${JSON.stringify(shown)}: ${reason}`);
}
