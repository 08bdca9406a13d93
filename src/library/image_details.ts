import { LRUCache } from "lru-cache";
import type { ImageId } from "../base/ids.ts";
import { DETAILS_ENTRIES_MAX } from "../base/limits.ts";
import type { CacheEvents } from "../cache/cache_events.ts";
import type { ImageFacts } from "../store/images.ts";

/** How well a cache serves. */
export type CacheStats = { hits: number; misses: number; hitRate: number; size: number };

/** What a cache says of itself: its counts with the rate that follows from them. */
export function toStats(hits: number, misses: number, size: number): CacheStats {
  const total = hits + misses;
  return { hits, misses, hitRate: total === 0 ? 0 : hits / total, size };
}

/** What the cache of details is made of. */
export type ImageDetailsOptions = {
  events: CacheEvents;
  /** Reads the facts of an image from the database. */
  read: (id: ImageId) => ImageFacts | undefined;
  /** For the hit-rate bench and tests. */
  entriesMax?: number;
};

/**
 * Facts of images that were looked at lately; what changes is dropped by events, so that nothing stale
 * is served.
 */
export class ImageDetails {
  readonly #cache: LRUCache<ImageId, ImageFacts>;
  readonly #read: (id: ImageId) => ImageFacts | undefined;
  #hits = 0;
  #misses = 0;

  /** Makes an empty cache that listens to events. */
  constructor(options: ImageDetailsOptions) {
    this.#cache = new LRUCache({ max: options.entriesMax ?? DETAILS_ENTRIES_MAX });
    this.#read = options.read;
    const drop = ({ ids }: { ids: readonly ImageId[] }) => {
      for (const id of ids) this.#cache.delete(id);
    };
    options.events.on("imagesChanged", drop);
    options.events.on("imagesRemoved", drop);
    options.events.on("swapped", () => this.#cache.clear());
  }

  /** Facts of an image; undefined when there is no such image. */
  get(id: ImageId): ImageFacts | undefined {
    const kept = this.#cache.get(id);
    if (kept !== undefined) {
      this.#hits++;
      return kept;
    }
    this.#misses++;
    const facts = this.#read(id);
    if (facts !== undefined) this.#cache.set(id, facts);
    return facts;
  }

  /** Hits and misses since the start. */
  get stats(): CacheStats {
    return toStats(this.#hits, this.#misses, this.#cache.size);
  }
}
