import { invariant } from "../base/errors.ts";
import type { TagId } from "../base/ids.ts";
import { slotCountFor } from "../cache/image_columns.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { isRatingTagName } from "../tags/ratings.ts";

/**
 * What a category counts. A rating says nothing of what is seen, so such tags count nothing.
 *
 * Source: the settings of ChibiBooru (category weights of its tag similarity)
 */
const CATEGORY_FACTORS: Readonly<Record<string, number>> = {
  character: 6,
  copyright: 3,
  artist: 2,
  species: 2.5,
  general: 3,
  meta: 0.5,
  rating: 0,
};

/** Weights are whole numbers in this part of one, so that sums are exact in any order. */
const WEIGHT_UNIT = 64;

/**
 * Weight of a tag that `count` of `images` images have: round(64 · factor · (ln(images / (count + 1)) + 1)),
 * where the logarithm is at least 0 and a tag that counts at all counts at least 1. A name without a
 * category is general.
 */
export function weighTag(
  category: string | undefined,
  count: { images: number; count: number },
): number {
  const factor = CATEGORY_FACTORS[category ?? "general"];
  if (factor === 0) return 0;
  const rarity = Math.max(0, Math.log(count.images / (count.count + 1)));
  return Math.max(1, Math.round(WEIGHT_UNIT * factor * (rarity + 1)));
}

/**
 * Weights of the tags of one snapshot, each worked out when it is first asked for.
 *
 * Algorithm. An open-addressing table: the slot of a tag is found by its id, mixed so that ids without
 * gaps never collide. It has at least twice as many slots as tags and never grows, so a slot stays a
 * tag's slot and readers may keep arrays of their own beside it.
 */
export class SimilarityWeights {
  readonly #snapshot: ImageSnapshot;
  readonly #keys: Int32Array;
  readonly #values: Uint16Array;
  #size = 0;
  #lookups = 0;
  #misses = 0;

  /** Makes an empty table; {@link weightsOf} gives the one of a snapshot. */
  constructor(snapshot: ImageSnapshot) {
    this.#snapshot = snapshot;
    // A tag is in the columns, or in the table of names, or in both: never more than twice the larger.
    const tags = Math.max(snapshot.columns.tagId.length, snapshot.tags.size);
    const slots = slotCountFor(tags + 1);
    this.#keys = new Int32Array(slots);
    this.#values = new Uint16Array(slots);
  }

  /** Slots of the table. */
  get slotCount(): number {
    return this.#keys.length;
  }

  /** Weights that are known. */
  get size(): number {
    return this.#size;
  }

  /** How many weights were asked for since the last call, and how many of them were known. */
  takeCounts(): { hits: number; misses: number } {
    const counts = { hits: this.#lookups - this.#misses, misses: this.#misses };
    this.#lookups = 0;
    this.#misses = 0;
    return counts;
  }

  /** Place of a tag in this table. Cost: O(1), and O(log tags) the first time. */
  slotOf(tagId: TagId): number {
    this.#lookups++;
    return this.#find(tagId);
  }

  /** Weight of the tag of a slot. */
  weightAt(slot: number): number {
    return this.#values[slot] - 1;
  }

  /**
   * Sums weights of the tags of a list from `start` to `end` into `sums`: all of them, and those that
   * `own` has in their slots. Cost: O(tags).
   */
  sum(
    tagIds: Int32Array,
    { start, end }: { start: number; end: number },
    { own, sums }: { own: Uint16Array; sums: { all: number; own: number } },
  ): void {
    const keys = this.#keys;
    const values = this.#values;
    const mask = keys.length - 1;
    let all = start - end;
    let overlap = 0;
    for (let i = start; i < end; i++) {
      const tagId = tagIds[i];
      let slot = (tagId ^ (tagId >>> 15)) & mask;
      if (keys[slot] !== tagId || values[slot] === 0) slot = this.#find(tagId);
      all += values[slot];
      overlap += own[slot];
    }
    sums.all = all;
    sums.own = overlap;
    this.#lookups += end - start;
  }

  #find(tagId: TagId): number {
    const mask = this.#keys.length - 1;
    let slot = (tagId ^ (tagId >>> 15)) & mask;
    // Values are weights + 1, so that 0 is a free slot; weights are below 2^14.
    while (this.#values[slot] !== 0) {
      if (this.#keys[slot] === tagId) return slot;
      slot = (slot + 1) & mask;
    }
    this.#misses++;
    this.#size++;
    invariant(this.#size <= mask, "tags are known to the columns or the table of names");
    this.#keys[slot] = tagId;
    this.#values[slot] = this.#weigh(tagId) + 1;
    return slot;
  }

  #weigh(tagId: TagId): number {
    const { tags, length } = this.#snapshot;
    if (isRatingTagName(tags.nameOf(tagId) ?? "")) return 0;
    const count = this.#snapshot.countOfTag(tagId);
    return weighTag(tags.categoryOf(tagId), { images: length, count });
  }
}

/** The weights of a snapshot, kept with it. */
export function weightsOf(snapshot: ImageSnapshot): SimilarityWeights {
  return snapshot.memo("similarityWeights", () => new SimilarityWeights(snapshot));
}
