import type { SiteKind } from "./site.ts";

/** The four ratings, from the mildest. */
export const RATINGS = ["general", "sensitive", "questionable", "explicit"] as const;

/** How safe a picture is to be seen, in Danbooru's scale of four. */
export type Rating = typeof RATINGS[number];

/** Whether `value` is one of the four ratings. */
export function isRating(value: unknown): value is Rating {
  return RATINGS.some((rating) => rating === value);
}

const TAG_PREFIX = "rating:";

/** Words that mean the same wherever they are written out. */
const WORDS: readonly (readonly [string, Rating])[] = [
  ["g", "general"],
  ["general", "general"],
  ["sensitive", "sensitive"],
  ["q", "questionable"],
  ["questionable", "questionable"],
  ["e", "explicit"],
  ["explicit", "explicit"],
  // Nobody writes this word in a scale of four; in the scale of three it is the mildest.
  ["safe", "general"],
];

const FOUR_STEPS: ReadonlyMap<string, Rating> = new Map([...WORDS, ["s", "sensitive"]]);
const THREE_STEPS: ReadonlyMap<string, Rating> = new Map([...WORDS, ["s", "general"]]);
const PIXIV: ReadonlyMap<string, Rating> = new Map([
  ...WORDS,
  ["all ages", "general"],
  ["0", "general"],
  ["r-18", "explicit"],
  ["1", "explicit"],
  ["r-18g", "explicit"],
  ["2", "explicit"],
]);

const SCALE_OF_KIND: Readonly<Record<SiteKind, ReadonlyMap<string, Rating>>> = {
  danbooru: FOUR_STEPS,
  hydrus: FOUR_STEPS,
  e621: THREE_STEPS,
  gelbooru: THREE_STEPS,
  moebooru: THREE_STEPS,
  unknown: THREE_STEPS,
  pixiv: PIXIV,
};

/**
 * Reads the rating of a site's post, `null` when the site never writes that.
 *
 * Only Danbooru's own scale has four steps, so the letter `s` is "sensitive" there and "safe", that is
 * general, elsewhere. `hasThreeSteps` says that a Danbooru post is older than the scale of four (see
 * {@link hasOldDanbooruFields}). Pixiv writes words or `x_restrict` 0, 1, 2.
 */
export function parseRating(
  value: unknown,
  kind: SiteKind,
  hasThreeSteps = false,
): Rating | null {
  if (typeof value !== "string" && typeof value !== "number") return null;
  const scale = hasThreeSteps && kind === "danbooru" ? THREE_STEPS : SCALE_OF_KIND[kind];
  return scale.get(String(value).trim().toLowerCase()) ?? null;
}

/** Fields that Danbooru stopped to send in 2020 and 2021, before its scale of four began in 2022. */
const OLD_DANBOORU_FIELDS: readonly string[] = [
  "is_rating_locked",
  "is_note_locked",
  "is_status_locked",
  "pool_string",
  "fav_string",
  "is_favorited",
  "uploader_name",
];

/**
 * Whether a Danbooru post was written before 2022, when its `s` still meant safe.
 *
 * The fields tell, not the dates: a post that nobody touched since 2015 has old dates in a new dump.
 */
export function hasOldDanbooruFields(post: Readonly<Record<string, unknown>>): boolean {
  return OLD_DANBOORU_FIELDS.some((name) => Object.hasOwn(post, name));
}

/**
 * Reads a rating as a person types it, `undefined` when it is none: a word, its letter, or a beginning.
 *
 * `safe` means sensitive here, as on Danbooru, where the first letter decides: clients rewrite
 * `rating:s` to `rating:safe`. Unlike on Danbooru, a word that only begins like a rating is none.
 */
export function parseRatingName(text: string): Rating | undefined {
  const word = text.trim().toLowerCase();
  if (word === "") return undefined;
  if ("safe".startsWith(word)) return "sensitive";
  return RATINGS.find((rating) => rating.startsWith(word));
}

/** Name of the tag that stands for this rating in the database. */
export function ratingTagName(rating: Rating): string {
  return TAG_PREFIX + rating;
}

/** Whether a tag's name belongs to the ratings: it starts with `rating:`, valid or not. */
export function isRatingTagName(name: string): boolean {
  return name.startsWith(TAG_PREFIX);
}

/**
 * Rating that a stored or imported tag stands for, `undefined` when it stands for none.
 *
 * Letters count as on Danbooru. `rating:safe` is general: it comes from a site's list of tags, and no
 * site with four steps writes that word (a person's query does: {@link parseRatingName}).
 */
export function ratingOfTagName(name: string): Rating | undefined {
  return isRatingTagName(name) ? FOUR_STEPS.get(name.slice(TAG_PREFIX.length)) : undefined;
}
