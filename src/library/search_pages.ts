import { LRUCache } from "lru-cache";
import { SEARCH_PAGES_BYTES_MAX } from "../base/limits.ts";
import type { CacheEvents } from "../cache/cache_events.ts";
import { parseQuery } from "../query/parser.ts";
import { toQueryText } from "../query/query_text.ts";
import type { PageOfSearch, SearchPage } from "./browse.ts";
import { type CacheStats, toStats } from "./image_details.ts";

/** What the cache of pages is made of. */
export type SearchPagesOptions = {
  events: CacheEvents;
  /** Names the state of the library that a search would see now. */
  generation: () => number;
  search: (request: PageOfSearch) => Promise<SearchPage>;
};

const encoder = new TextEncoder();

/**
 * Pages of searches as the API answers them, in bytes.
 *
 * A page belongs to one generation of the library; when anything changes all are dropped. Searches that depend on
 * the time or on chance are not kept.
 */
export class SearchPages {
  readonly #pages: LRUCache<string, Uint8Array<ArrayBuffer>>;
  readonly #options: SearchPagesOptions;
  #hits = 0;
  #misses = 0;

  /** Makes an empty cache that listens to events. */
  constructor(options: SearchPagesOptions) {
    this.#options = options;
    this.#pages = new LRUCache({
      maxSize: SEARCH_PAGES_BYTES_MAX,
      sizeCalculation: (bytes, key) => bytes.length + 2 * key.length,
    });
    options.events.registerCacheInvalidationCallback(() => this.#pages.clear());
  }

  /**
   * A page as JSON in UTF-8.
   *
   * @throws {QuerySyntaxError} If the query does not parse.
   */
  async get(request: PageOfSearch): Promise<Uint8Array<ArrayBuffer>> {
    const { query, page, limit } = request;
    const generation = this.#options.generation();
    const where = page.kind === "number" ? page.number : `${page.kind} ${page.id}`;
    const key = `${generation} ${where} ${limit} ${query}`;
    const kept = this.#pages.get(key);
    if (kept !== undefined) {
      this.#hits++;
      return kept;
    }
    this.#misses++;
    const bytes = encoder.encode(JSON.stringify(await this.#options.search(request)));
    const isCurrent = this.#options.generation() === generation;
    if (isCurrent && isTimeless(query)) this.#pages.set(key, bytes);
    return bytes;
  }

  /** Hits and misses since the start. */
  get stats(): CacheStats {
    return toStats(this.#hits, this.#misses, this.#pages.size);
  }
}

/** Whether a query means the same at any time and by any chance. */
function isTimeless(text: string): boolean {
  const early = parseQuery(text, { now: 0, random: () => 0 });
  const late = parseQuery(text, { now: 1e12, random: () => 0.5 });
  return toQueryText(early) === toQueryText(late);
}
