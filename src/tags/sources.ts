/** Sources whose post ids come first when a post id is looked up without a source, in that order. */
export const SOURCE_ORDER: readonly string[] = ["danbooru", "e621", "gelbooru", "yandere"];

/** Sources whose categories come first when the tags of several sources are merged, in that order. */
export const MERGE_ORDER: readonly string[] = [...SOURCE_ORDER, "konachan", "pixiv"];

/** Programs that guess tags; what a site says comes before what they do. */
export const TAGGER_SOURCES: readonly string[] = ["local_tagger", "camie_tagger"];

/**
 * The name under which all sources of an image speak for it together; images that a single site knows
 * have that site's name instead.
 */
export const MERGED_SOURCE = "merged";

/** Order of sources that holds until a person gives another one. */
export const DEFAULT_SOURCE_PRIORITY: readonly string[] = [MERGED_SOURCE, ...MERGE_ORDER];

/**
 * Gives a comparison of sources by a person's order: what it names, then the others as
 * {@link compareMergedSources} has them; programs that guess come last unless it names them.
 */
export function makeSourceComparison(
  priority: readonly string[],
): (left: string, right: string) => number {
  const rankOf = (source: string) => {
    const rank = priority.indexOf(source);
    if (rank >= 0) return rank;
    return priority.length + (TAGGER_SOURCES.includes(source) ? 1 : 0);
  };
  return (left, right) => rankOf(left) - rankOf(right) || compareMergedSources(left, right);
}

/** Compares two sources for sorting post ids: {@link SOURCE_ORDER}, then by name. */
export function compareSources(left: string, right: string): number {
  return compareIn(SOURCE_ORDER, left, right);
}

/** Compares two sources for merging their tags: {@link MERGE_ORDER}, then by name. */
export function compareMergedSources(left: string, right: string): number {
  return compareIn(MERGE_ORDER, left, right);
}

/** Names compare by code unit: the order may not depend on a locale. */
function compareIn(order: readonly string[], left: string, right: string): number {
  if (left === right) return 0;
  const leftRank = rankIn(order, left);
  const rightRank = rankIn(order, right);
  if (leftRank !== rightRank) return leftRank - rightRank;
  return left < right ? -1 : 1;
}

function rankIn(order: readonly string[], source: string): number {
  const index = order.indexOf(source);
  return index < 0 ? order.length : index;
}
