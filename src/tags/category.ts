/** Every category of the database, in the order in which pages list them. */
export const TAG_CATEGORIES = [
  "general",
  "character",
  "copyright",
  "artist",
  "species",
  "meta",
  "rating",
] as const;

/** Category of a tag in the database (`tags.category`). */
export type TagCategory = typeof TAG_CATEGORIES[number];

/** Whether `value` is a category of the database. */
export function isTagCategory(value: unknown): value is TagCategory {
  return TAG_CATEGORIES.some((category) => category === value);
}

/**
 * Categories from the strongest to the weakest claim on a name that one post, or several sources of one
 * image, list under several.
 *
 * The specific ones beat `general`, where sites put what nobody has sorted yet; among them a character is
 * the rarest mistake and a meta tag the likeliest.
 *
 * Source: chibi:utils/tag_extraction.py (merge_multiple_tag_sources)
 */
export const CATEGORY_PRECEDENCE: readonly TagCategory[] = [
  "rating",
  "character",
  "species",
  "copyright",
  "artist",
  "meta",
  "general",
];

/** Gives the category with the stronger claim on a name; `null` (not known) has the weakest. */
export function strongerCategory(
  left: TagCategory | null,
  right: TagCategory | null,
): TagCategory | null {
  if (left === null) return right;
  if (right === null) return left;
  return CATEGORY_PRECEDENCE.indexOf(left) <= CATEGORY_PRECEDENCE.indexOf(right) ? left : right;
}

/**
 * Danbooru's number of each category.
 *
 * Danbooru knows no species (they are general tags there) and keeps ratings outside the tags; a rating
 * tag that has to be listed all the same counts as meta.
 */
export const DANBOORU_CATEGORY_NUMBERS: Readonly<Record<TagCategory, number>> = {
  general: 0,
  artist: 1,
  copyright: 3,
  character: 4,
  meta: 5,
  species: 0,
  rating: 5,
};

/** Category that Danbooru gives this number, `undefined` when it gives it to none (2 is not used). */
export function categoryOfDanbooruNumber(number: number): TagCategory | undefined {
  const known: readonly TagCategory[] = ["general", "artist", "copyright", "character", "meta"];
  return known.find((category) => DANBOORU_CATEGORY_NUMBERS[category] === number);
}

/** Words that sites put after `tags_` and `tag_string_` or use as keys of a `tags` object. */
const SITE_WORDS: readonly (readonly [string, TagCategory])[] = [
  ["general", "general"],
  ["character", "character"],
  ["copyright", "copyright"],
  ["artist", "artist"],
  ["species", "species"],
  ["meta", "meta"],
  // e621: lore is what the artist says about a picture, invalid is what waits for a correction.
  ["contributor", "artist"],
  ["lore", "meta"],
  ["invalid", "general"],
  // e6ai writes these instead of artist and copyright.
  ["director", "artist"],
  ["franchise", "copyright"],
  // Gelbooru.
  ["metadata", "meta"],
  ["deprecated", "general"],
  // Moebooru: a circle is a group of artists.
  ["circle", "artist"],
  ["faults", "meta"],
  ["style", "general"],
];

const CATEGORY_OF_SITE_WORD: ReadonlyMap<string, TagCategory> = new Map(SITE_WORDS);

/** Every word that {@link categoryOfSiteWord} knows. */
export const SITE_CATEGORY_WORDS: readonly string[] = SITE_WORDS.map(([word]) => word);

/** Category that a site means by this word, `undefined` when no site uses the word. */
export function categoryOfSiteWord(word: string): TagCategory | undefined {
  return CATEGORY_OF_SITE_WORD.get(word.toLowerCase());
}

/** Namespaces of tag lists that people write or Hydrus exports (`creator:name`). */
const CATEGORY_OF_NAMESPACE: ReadonlyMap<string, TagCategory> = new Map([
  ["general", "general"],
  ["character", "character"],
  ["copyright", "copyright"],
  ["series", "copyright"],
  ["artist", "artist"],
  ["creator", "artist"],
  ["contributor", "artist"],
  ["species", "species"],
  ["meta", "meta"],
  ["lore", "meta"],
  ["rating", "rating"],
]);

/**
 * Splits a known namespace off a tag: `creator:foo` is `foo` of the artists.
 *
 * Only the first colon counts, and only after a known namespace: `re:zero` is a name, and so is
 * `title:foo`, whose namespace has no category here.
 */
export function splitNamespace(text: string): { category: TagCategory | null; name: string } {
  const colon = text.indexOf(":");
  if (colon > 0) {
    const category = CATEGORY_OF_NAMESPACE.get(text.slice(0, colon).trim().toLowerCase());
    if (category !== undefined) return { category, name: text.slice(colon + 1) };
  }
  return { category: null, name: text };
}
