import type { PlainImage, PlainTag } from "./plain_library.ts";

/** A similarity as a fraction of whole numbers, and as a number. */
export type NaiveSimilar = { id: number; similarity: number };

const FACTORS: Record<string, number> = {
  character: 6,
  copyright: 3,
  artist: 2,
  species: 2.5,
  general: 3,
  meta: 0.5,
  rating: 0,
};

/** Weight of each tag of a library, by id. */
export function naiveWeights(
  tags: readonly PlainTag[],
  images: readonly PlainImage[],
): Map<number, number> {
  const counts = new Map<number, number>();
  for (const image of images) {
    for (const id of new Set(image.tagIds)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return new Map(tags.map(({ id, name, category }) => {
    const factor = name.startsWith("rating:") ? 0 : FACTORS[category ?? "general"] ?? 3;
    const rarity = Math.log(images.length / ((counts.get(id) ?? 0) + 1)) + 1;
    const weight = Math.round(64 * factor * Math.max(1, rarity));
    return [id, factor === 0 ? 0 : Math.max(1, weight)];
  }));
}

/**
 * Every image that is similar to one, as docs/similar_images.md has it: the weights of sets are summed
 * one by one, and fractions are compared as fractions.
 */
export function naiveSimilar(
  tags: readonly PlainTag[],
  images: readonly PlainImage[],
  id: number,
): NaiveSimilar[] {
  const weights = naiveWeights(tags, images);
  const weigh = (ids: Iterable<number>) => {
    let sum = 0;
    for (const tagId of ids) sum += weights.get(tagId)!;
    return sum;
  };
  const own = new Set(images.find((image) => image.id === id)!.tagIds);
  const total = weigh(own);
  const found = images.filter((image) => image.id !== id).map((image) => {
    const other = new Set(image.tagIds);
    const overlap = weigh(own.intersection(other));
    const union = weigh(own.union(other));
    // 0.6 · overlap / total + 0.4 · overlap / union, times 5 · total.
    const fraction = {
      top: BigInt(overlap) * BigInt(3 * union + 2 * total),
      bottom: BigInt(union),
    };
    return {
      id: image.id,
      overlap,
      fraction,
      similarity: 0.6 * overlap / total + 0.4 * overlap / union,
    };
  }).filter(({ overlap }) => overlap > 0);
  found.sort((a, b) => {
    const order = b.fraction.top * a.fraction.bottom - a.fraction.top * b.fraction.bottom;
    return order > 0n ? 1 : order < 0n ? -1 : b.id - a.id;
  });
  return found.map(({ id, similarity }) => ({ id, similarity }));
}
