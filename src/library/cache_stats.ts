import type { CacheStats } from "./image_details.ts";
import type { Library } from "./library.ts";

/** How well each cache serves; counts of tags are no cache, since they are lengths of the lists. */
export function readCacheStats(
  library: Library,
): Record<"imageDetails" | "similarityWeights" | "similarImages" | "searchPages", CacheStats> {
  return {
    imageDetails: library.details.stats,
    similarityWeights: library.similar.weightStats(library.core.cache.current),
    similarImages: library.similar.stats,
    searchPages: library.pages.stats,
  };
}
