import type { Row, TagId } from "../base/ids.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { Steps } from "./steps.ts";
import type { CountedTag } from "./tag_list.ts";
import { tagOfId } from "./tag_search.ts";

/** Tags looked at between two pauses. */
const CHUNK_TAGS = 1 << 10;

/** Ways to say how much two sets of images have to do with each other; the first is the usual one. */
export const RELATIONS = ["cosine", "jaccard", "overlap", "frequency"] as const;

/** One of {@link RELATIONS}. */
export type Relation = typeof RELATIONS[number];

/** A tag and what it has to do with a search. */
export type RelatedTag = { tag: CountedTag } & Record<Relation, number>;

/**
 * Tags that stand with a search, the most related first.
 *
 * With s images that the search finds, t that have the tag, and b both: cosine b / √(s t), jaccard
 * b / (s + t − b), overlap b / min(s, t), frequency b / s. b is counted in `rows`, some of the s images,
 * and scaled up to all of them; it is exact when `rows` are all. No value is above 1. Ratings are no tags.
 * Equal tags follow by how often they are used, then by id.
 *
 * Source: {@link https://github.com/danbooru/danbooru/blob/master/app/logical/related_tag_calculator.rb | Danbooru's calculator}
 *
 * Cost: O(tags of `rows`), about 10 ms in slices for 1,000 images of 28 tags.
 */
export function* findRelatedTags(
  snapshot: ImageSnapshot,
  found: { rows: readonly Row[]; total: number },
  options: { relation: Relation; category: string | null; limit: number },
): Steps<RelatedTag[]> {
  const { relation, category, limit } = options;
  let best: Measured[] = [];
  let scoreMin = 0;
  let looked = 0;
  for (const [id, sampled] of yield* countTags(snapshot, found.rows)) {
    if (++looked % CHUNK_TAGS === 0) yield;
    // Without foreign keys a link may name a tag that is not there.
    if (!snapshot.tags.has(id)) continue;
    const own = snapshot.tags.categoryOf(id) ?? "general";
    if (own === "rating" || (category !== null && own !== category)) continue;
    const count = snapshot.countOfTag(id);
    const measured = measure(found, { sampled, all: count });
    if (measured[relation] < scoreMin) continue;
    best.push({ id, count, ...measured });
    if (best.length < 4 * limit + 64) continue;
    best = firstOf(best, relation, limit);
    scoreMin = best[best.length - 1][relation];
  }
  return firstOf(best, relation, limit).map(({ id, count: _count, ...relations }) => ({
    tag: tagOfId(snapshot, id)!,
    ...relations,
  }));
}

type Measured = { id: TagId; count: number } & Record<Relation, number>;

function firstOf(tags: Measured[], relation: Relation, limit: number): Measured[] {
  return tags.sort((a, b) => b[relation] - a[relation] || b.count - a.count || a.id - b.id)
    .slice(0, limit);
}

function* countTags(snapshot: ImageSnapshot, rows: readonly Row[]): Steps<Map<TagId, number>> {
  const counts = new Map<TagId, number>();
  let looked = 0;
  for (const row of rows) {
    const tagIds = snapshot.tagIdsAt(row);
    for (const id of tagIds) counts.set(id, (counts.get(id) ?? 0) + 1);
    looked += tagIds.length;
    if (looked < CHUNK_TAGS) continue;
    looked = 0;
    yield;
  }
  return counts;
}

function measure(
  { rows, total }: { rows: readonly Row[]; total: number },
  count: { sampled: number; all: number },
): Record<Relation, number> {
  const frequency = count.sampled / rows.length;
  const all = Math.max(1, count.all);
  const both = Math.min(frequency * total, total, all);
  return {
    cosine: both / Math.sqrt(total * all),
    jaccard: both / (total + all - both),
    overlap: both / Math.min(total, all),
    frequency,
  };
}
