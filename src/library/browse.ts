import type { ImageId, Row } from "../base/ids.ts";
import { PAGE_SIZE_DEFAULT } from "../base/limits.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { Query } from "../query/ast.ts";
import { type PageRequest, takePage } from "../query/page.ts";
import { parseQuery } from "../query/parser.ts";
import { search } from "../query/search.ts";
import { sortUnknown, suggestTerms } from "../query/suggestions.ts";
import type { CountedTag } from "../query/tag_list.ts";
import { type ImageView, toImageView } from "./image_view.ts";
import type { Library } from "./library.ts";

/** What is asked of a search; `limit` null: what the text itself says, else the usual one. */
export type PageOfSearch = {
  query: string;
  page: PageRequest;
  limit: number | null;
};

/** Rows of one page of a search, with the snapshot that they belong to. */
export type FoundPage = {
  snapshot: ImageSnapshot;
  /** The search as asked for; an order by chance has its seed, so that further pages fit. */
  query: string;
  rows: Row[];
  /** Images that match, exactly. */
  total: number;
  limit: number;
  /** The `page` text of the next page; null on the last one. */
  next: string | null;
  /** Tags of the query that do not exist. */
  unknownTags: readonly string[];
};

/** One page of a search. */
export type SearchPage = {
  query: string;
  /** Images that match, exactly. */
  total: number;
  tookMs: number;
  images: ImageView[];
  limit: number;
  /** The `page` text of the next page; null on the last one. */
  next: string | null;
  /** Tags of the query that do not exist, with words of a search that may be meant. */
  unknown: { name: string; suggestions: string[] }[];
};

/** Suggestions for an unknown tag. */
const SUGGESTIONS_MAX = 5;
/** Unknown tags of one query that are suggested for: each costs some passes over all tags. */
const SUGGESTED_FOR_MAX = 3;
/** Unknown tags of one query that are named. */
const UNKNOWN_LISTED_MAX = 20;

/**
 * Searches and takes the rows of one page.
 *
 * @throws {QuerySyntaxError} If the query does not parse.
 * @throws {AppError} `timeout` if it takes too long.
 */
export async function findPage(library: Library, request: PageOfSearch): Promise<FoundPage> {
  const snapshot = library.core.cache.current;
  const query = parseQuery(request.query);
  const limit = request.limit ?? query.limit ?? PAGE_SIZE_DEFAULT;
  const result = await search(snapshot, query);
  const { rows, next } = takePage(snapshot, result, { ...request.page, limit });
  return {
    snapshot,
    query: nameSeed(request.query, query),
    rows,
    total: result.total,
    limit,
    next,
    unknownTags: [...new Set(result.unknownTags)],
  };
}

/**
 * Counts the images that match a search, exactly.
 *
 * @throws {QuerySyntaxError} If the query does not parse.
 */
export async function countImages(library: Library, query: string): Promise<number> {
  const result = await search(library.core.cache.current, {
    ...parseQuery(query),
    order: null,
    limit: null,
  });
  return result.total;
}

/**
 * Searches and takes one page with what is shown of its images.
 *
 * @throws {QuerySyntaxError} If the query does not parse.
 */
export async function searchImages(
  library: Library,
  request: PageOfSearch,
): Promise<SearchPage> {
  const startedAt = performance.now();
  const { snapshot, rows, unknownTags, ...page } = await findPage(library, request);
  return {
    query: page.query,
    total: page.total,
    images: rows.map((row) => toImageView(snapshot, row)),
    limit: page.limit,
    next: page.next,
    unknown: describeUnknown(snapshot, request.query, unknownTags),
    tookMs: performance.now() - startedAt,
  };
}

function describeUnknown(
  snapshot: ImageSnapshot,
  query: string,
  names: readonly string[],
): SearchPage["unknown"] {
  if (names.length === 0) return [];
  const sorted = sortUnknown(parseQuery(query).root, names);
  return sorted.slice(0, UNKNOWN_LISTED_MAX).map((name, i) => ({
    name,
    suggestions: i < SUGGESTED_FOR_MAX ? suggestTerms(snapshot, name, SUGGESTIONS_MAX) : [],
  }));
}

/** Writes the seed that was drawn into an order by chance that has none. */
function nameSeed(text: string, { order, limit, unseeded }: Query): string {
  if (order?.by !== "random" || unseeded === undefined) return text;
  const { start, end } = unseeded;
  // `random:5` says two things at once.
  const isCounted = /^random:/i.test(text.slice(start, end));
  const seeded = `order:random:${order.seed}${isCounted ? ` limit:${limit}` : ""}`;
  return text.slice(0, start) + seeded + text.slice(end);
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
 * Finds the neighbours of an image within a search, in the order of its results.
 *
 * @throws {QuerySyntaxError} If the query does not parse.
 */
export async function findNeighbours(
  library: Library,
  request: { query: string; id: ImageId },
): Promise<Neighbours> {
  const snapshot = library.core.cache.current;
  const result = await search(snapshot, parseQuery(request.query));
  const row = snapshot.rowOfId(request.id);
  const place = row === undefined ? undefined : result.placeOf(row);
  if (place === undefined) return { newer: null, older: null, position: null };
  const idAt = (at: number) => {
    const [found] = at < 0 ? [] : result.rowsBetween(at, at + 1);
    return found === undefined ? null : snapshot.idAt(found);
  };
  return {
    newer: idAt(place - 1),
    older: idAt(place + 1),
    position: { number: place + 1, total: result.total },
  };
}

/**
 * The tags of some images with their counts in the library, by category and then most used first; with `max`, those that
 * most of the images have.
 */
export function countTags(
  library: Library,
  images: readonly ImageView[],
  max = Infinity,
): CountedTag[] {
  const snapshot = library.core.cache.current;
  const tags = new Map<string, CountedTag & { images: number }>();
  for (const image of images) {
    for (const [category, names] of Object.entries(image.tags)) {
      for (const name of names) {
        const known = tags.get(name);
        if (known !== undefined) known.images++;
        const id = known === undefined ? snapshot.tags.idOf(name) : undefined;
        if (id === undefined) continue;
        tags.set(name, { id, name, category, count: snapshot.countOfTag(id), images: 1 });
      }
    }
  }
  const byUse = (a: CountedTag, b: CountedTag) => b.count - a.count || (a.name < b.name ? -1 : 1);
  return [...tags.values()]
    .sort((a, b) => b.images - a.images || byUse(a, b))
    .slice(0, max)
    .map(({ images: _, ...tag }) => tag)
    .sort(byUse);
}
