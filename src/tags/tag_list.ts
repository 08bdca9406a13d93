import { strongerCategory, type TagCategory } from "./category.ts";
import { isRatingTagName, type Rating, ratingOfTagName } from "./ratings.ts";
import { normalizeTagName } from "./tag_name.ts";

/** A tag that was read from a site's post or a list; `null` = its category is not known there. */
export type ExtractedTag = { name: string; category: TagCategory | null };

/**
 * Gathers the tags of one post: normal names, each once, under its strongest category.
 *
 * `rating:…` is a rating and no tag; the first valid one is kept in `rating`.
 */
export class TagList {
  readonly #categories = new Map<string, TagCategory | null>();
  #rating: Rating | null = null;
  #rejectedCount = 0;

  /** Rating that was named among the tags. */
  get rating(): Rating | null {
    return this.#rating;
  }

  /** How many names could not be stored (see {@link normalizeTagName}). */
  get rejectedCount(): number {
    return this.#rejectedCount;
  }

  /** Adds a name as a site or a person wrote it. */
  add(text: string, category: TagCategory | null): void {
    const name = normalizeTagName(text);
    if (name === undefined) {
      this.#rejectedCount++;
    } else if (category === "rating" || isRatingTagName(name)) {
      this.#rating ??= ratingOfTagName(isRatingTagName(name) ? name : `rating:${name}`) ?? null;
    } else {
      this.#categories.set(name, strongerCategory(this.#categories.get(name) ?? null, category));
    }
  }

  /**
   * Gives the tags in the order in which they came.
   *
   * With `categoryOf` every tag gets a category: its own, else the one that the name is known with,
   * else general. Without it an unknown category stays `null`.
   */
  toTags(categoryOf?: (name: string) => TagCategory | undefined): ExtractedTag[] {
    const tags: ExtractedTag[] = [];
    for (const [name, category] of this.#categories) {
      tags.push({ name, category: category ?? resolve(name, categoryOf) });
    }
    return tags;
  }
}

function resolve(
  name: string,
  categoryOf?: (name: string) => TagCategory | undefined,
): TagCategory | null {
  if (categoryOf === undefined) return null;
  const known = categoryOf(name) ?? "general";
  return known === "rating" ? "general" : known;
}
