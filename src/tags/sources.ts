/** Sources whose post ids come first when a post id is looked up without a source, in that order. */
export const SOURCE_ORDER: readonly string[] = ["danbooru", "e621", "gelbooru", "yandere"];

/** Sources whose categories come first when the tags of several sources are merged, in that order. */
export const MERGE_ORDER: readonly string[] = [...SOURCE_ORDER, "konachan", "pixiv"];

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
