import { LRUCache } from "lru-cache";
import type { ImageId, Row } from "../base/ids.ts";
import { SIMILAR_DEFAULT, SIMILAR_ENTRIES_MAX } from "../base/limits.ts";
import type { CacheEvents } from "../cache/cache_events.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { findSimilarAsync, type SimilarImage } from "../query/similar.ts";
import { weightsOf } from "../query/similarity_weights.ts";
import { type CacheStats, toStats } from "./image_details.ts";
import { type ImageView, toImageView } from "./image_view.ts";

/** What the cache of similar images is made of. */
export type SimilarImagesOptions = {
  events: CacheEvents;
  /** For tests. */
  entriesMax?: number;
};

/** An image with its similarity to another, from 0 to 1. */
export type SimilarView = ImageView & { similarity: number };

/** The most similar images of one: row and similarity by turns, and how many were asked for. */
type Kept = { limit: number; pairs: Float64Array };

/**
 * Similar images of those that were looked at lately, all of one generation: any change of the library
 * changes the weights of tags, so what was found before is dropped whole.
 *
 * The callback is registered as the seed's `invalidate_similarity_cache` is. It comes after the new
 * snapshot; who asks between the two is told apart by the generation. What was begun before an
 * invalidation is answered and not kept.
 */
export class SimilarImages {
  readonly #cache: LRUCache<ImageId, Kept>;
  #generation = -1;
  #invalidations = 0;
  #hits = 0;
  #misses = 0;
  #weightHits = 0;
  #weightMisses = 0;
  #underWay = 0;
  #last: Promise<void> = Promise.resolve();

  /** Makes an empty cache that listens to events. */
  constructor({ events, entriesMax = SIMILAR_ENTRIES_MAX }: SimilarImagesOptions) {
    this.#cache = new LRUCache({ max: entriesMax });
    events.registerCacheInvalidationCallback(() => this.invalidateSimilarityCache());
  }

  /** Forgets everything; what is being found is not kept either. */
  invalidateSimilarityCache(): void {
    this.#invalidations++;
    this.#cache.clear();
  }

  /**
   * The images most similar to one, as views of the same snapshot; undefined when it has no such image.
   * The main isolate is not held.
   */
  async find(
    snapshot: ImageSnapshot,
    id: ImageId,
    limit: number = SIMILAR_DEFAULT,
  ): Promise<SimilarView[] | undefined> {
    const row = snapshot.rowOfId(id);
    if (row === undefined) return undefined;
    const similar = await this.#find(snapshot, row, limit);
    return similar.slice(0, limit)
      .map(({ row, similarity }) => ({ ...toImageView(snapshot, row), similarity }));
  }

  /** Hits and misses since the start. */
  get stats(): CacheStats {
    return toStats(this.#hits, this.#misses, this.#cache.size);
  }

  /**
   * The same for the weights of tags: lookups of a weight that was known or had to be worked out, and
   * the weights that the snapshot knows.
   */
  weightStats(snapshot: ImageSnapshot): CacheStats {
    this.#countWeights(snapshot);
    return toStats(this.#weightHits, this.#weightMisses, weightsOf(snapshot).size);
  }

  async #find(
    snapshot: ImageSnapshot,
    row: Row,
    limit: number,
  ): Promise<Pick<SimilarImage, "row" | "similarity">[]> {
    if (snapshot.generation > this.#generation) {
      this.invalidateSimilarityCache();
      this.#generation = snapshot.generation;
    }
    const id = snapshot.idAt(row);
    return this.#keptOf(snapshot, id, limit) ?? await this.#inTurn(async () => {
      // Who waited may have waited for the same image.
      const kept = this.#keptOf(snapshot, id, limit);
      if (kept !== undefined) return kept;
      this.#misses++;
      const invalidations = this.#invalidations;
      const wanted = Math.max(limit, SIMILAR_DEFAULT);
      const found = await findSimilarAsync(snapshot, row, { limit: wanted });
      this.#countWeights(snapshot);
      const isNewest = snapshot.generation === this.#generation;
      if (isNewest && invalidations === this.#invalidations) {
        this.#cache.set(id, pack(found, wanted));
      }
      return found;
    });
  }

  /** What is kept for an image, if it is of this snapshot and enough. */
  #keptOf(snapshot: ImageSnapshot, id: ImageId, limit: number) {
    if (snapshot.generation !== this.#generation) return undefined;
    const kept = this.#cache.get(id);
    if (kept === undefined) return undefined;
    const isComplete = kept.pairs.length < 2 * kept.limit;
    if (limit > kept.limit && !isComplete) return undefined;
    this.#hits++;
    return unpack(kept);
  }

  /** One after the other: at once they would not end sooner, and each holds arrays of its own. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const isAlone = this.#underWay++ === 0;
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    try {
      if (!isAlone) {
        await before;
        // Many short ones in a row would hold the main isolate like a long one.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return await work();
    } finally {
      this.#underWay--;
      resolve();
    }
  }

  #countWeights(snapshot: ImageSnapshot): void {
    const { hits, misses } = weightsOf(snapshot).takeCounts();
    this.#weightHits += hits;
    this.#weightMisses += misses;
  }
}

function pack(similar: readonly SimilarImage[], limit: number): Kept {
  const pairs = Float64Array.from(similar.flatMap(({ row, similarity }) => [row, similarity]));
  return { limit, pairs };
}

function unpack({ pairs }: Kept): Pick<SimilarImage, "row" | "similarity">[] {
  return Array.from({ length: pairs.length / 2 }, (_, i) => ({
    row: pairs[2 * i],
    similarity: pairs[2 * i + 1],
  }));
}
