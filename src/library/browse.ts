import type { ImageId } from "../base/ids.ts";
import { firstWithId, type PageRequest, takePage } from "../query/page.ts";
import { parseQuery } from "../query/parser.ts";
import { search } from "../query/search.ts";
import { type CountedTag, suggestTags } from "../query/tag_list.ts";
import { type ImageView, toImageView } from "./image_view.ts";
import type { Library } from "./library.ts";

/** One page of a search. */
export type SearchPage = {
  query: string;
  /** Images that match, exactly. */
  total: number;
  tookMs: number;
  images: ImageView[];
  /** The `page` text of the next page; null on the last one. */
  next: string | null;
  /** Tags of the query that do not exist, with known ones that may be meant. */
  unknown: { name: string; suggestions: string[] }[];
};

/** Suggestions for an unknown tag. */
const SUGGESTIONS_MAX = 5;
/** Unknown tags of one query that are suggested for: each costs some passes over all tags. */
const SUGGESTED_FOR_MAX = 3;
/** Unknown tags of one query that are named. */
const UNKNOWN_LISTED_MAX = 20;

/**
 * Searches and takes one page.
 *
 * @throws {QuerySyntaxError} If the query does not parse.
 */
export function searchImages(
  library: Library,
  request: { query: string; page: PageRequest; limit: number },
): SearchPage {
  const startedAt = performance.now();
  const snapshot = library.core.cache.current;
  const { rows, unknownTags } = search(snapshot, parseQuery(request.query));
  const page = takePage(snapshot, rows, { ...request.page, limit: request.limit });
  return {
    query: request.query,
    total: rows.length,
    images: page.rows.map((row) => toImageView(snapshot, row)),
    next: page.next,
    unknown: [...new Set(unknownTags)].slice(0, UNKNOWN_LISTED_MAX).map((name, i) => ({
      name,
      suggestions: i < SUGGESTED_FOR_MAX ? suggestTags(snapshot, name, SUGGESTIONS_MAX) : [],
    })),
    tookMs: performance.now() - startedAt,
  };
}

/** An image of the current snapshot. */
export function findImage(library: Library, id: ImageId): ImageView | undefined {
  const snapshot = library.core.cache.current;
  const row = snapshot.rowOfId(id);
  return row === undefined ? undefined : toImageView(snapshot, row);
}

/** The images beside one in a search's result, and its own place, as a person pages through it. */
export type Neighbours = {
  newer: ImageId | null;
  older: ImageId | null;
  /** From 1, the newest first; null when the image is not in the result. */
  position: { number: number; total: number } | null;
};

/**
 * Finds the neighbours of an image within a search.
 *
 * @throws {QuerySyntaxError} If the query does not parse.
 */
export function findNeighbours(
  library: Library,
  request: { query: string; id: ImageId },
): Neighbours {
  const snapshot = library.core.cache.current;
  const { rows } = search(snapshot, parseQuery(request.query));
  const place = firstWithId(snapshot, rows, request.id);
  const idAt = (i: number) => (i >= 0 && i < rows.length ? snapshot.idAt(rows[i]) : null);
  if (idAt(place) !== request.id) return { newer: null, older: null, position: null };
  return {
    newer: idAt(place + 1),
    older: idAt(place - 1),
    position: { number: rows.length - place, total: rows.length },
  };
}

/** The tags of some images with their counts in the library, by category and then most used first. */
export function countTags(library: Library, images: readonly ImageView[]): CountedTag[] {
  const snapshot = library.core.cache.current;
  const tags = new Map<string, CountedTag>();
  for (const image of images) {
    for (const [category, names] of Object.entries(image.tags)) {
      for (const name of names) {
        const id = snapshot.tags.idOf(name);
        if (id === undefined || tags.has(name)) continue;
        tags.set(name, { id, name, category, count: snapshot.countOfTag(id) });
      }
    }
  }
  return [...tags.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
