import type { Steps } from "./steps.ts";

/** Items that are sorted at once. */
const RUN_ITEMS = 256;
/** Items that are merged between two pauses. */
const CHUNK_ITEMS = 512;

/**
 * Sorts in pieces that can be paused; equal items stay in their order. Cost: O(n log n) comparisons, a few
 * thousand of them between two pauses.
 */
export function* sortSteps<T>(
  items: readonly T[],
  compare: (left: T, right: T) => number,
): Steps<T[]> {
  let from: T[] = [];
  for (let start = 0; start < items.length; start += RUN_ITEMS) {
    for (const item of items.slice(start, start + RUN_ITEMS).sort(compare)) from.push(item);
    yield;
  }
  for (let width = RUN_ITEMS; width < from.length; width *= 2) {
    const to: T[] = [];
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(from.length, start + width);
      const end = Math.min(from.length, start + 2 * width);
      let [left, right] = [start, middle];
      while (left < middle || right < end) {
        const isLeft = right >= end || (left < middle && compare(from[left], from[right]) <= 0);
        to.push(from[isLeft ? left++ : right++]);
        if (to.length % CHUNK_ITEMS === 0) yield;
      }
    }
    from = to;
  }
  return from;
}
