/**
 * Set algebra over ascending Int32Arrays without repeats. Hot loops: no closures, no allocation.
 */

/** From this ratio of lengths on, the smaller list is looked up in the larger by galloping. */
const GALLOP_RATIO = 16;

/**
 * Writes the common members of two lists to `out` and returns how many there are.
 *
 * Shape: left [m], right [n], ascending; out [≥ min(m, n)], may be the array that `left` is.
 * Cost: O(m + n), or O(m log(n / m)) if one is 16 times as long as the other.
 */
export function intersectInto(left: Int32Array, right: Int32Array, out: Int32Array): number {
  if (left.length > right.length) return intersectOrdered(right, left, out);
  return intersectOrdered(left, right, out);
}

function intersectOrdered(small: Int32Array, large: Int32Array, out: Int32Array): number {
  if (small.length * GALLOP_RATIO < large.length) return gallop(small, large, out, true);
  let count = 0;
  let i = 0;
  let j = 0;
  while (i < small.length && j < large.length) {
    const a = small[i];
    const b = large[j];
    if (a === b) {
      out[count++] = a;
      i++;
      j++;
    } else if (a < b) i++;
    else j++;
  }
  return count;
}

/**
 * Writes the members of `left` that are not in `right` to `out` and returns how many there are.
 *
 * Shape: as {@link intersectInto}; out [≥ m], may be the array that `left` is.
 */
export function subtractInto(left: Int32Array, right: Int32Array, out: Int32Array): number {
  if (left.length * GALLOP_RATIO < right.length) return gallop(left, right, out, false);
  let count = 0;
  let j = 0;
  for (let i = 0; i < left.length; i++) {
    const a = left[i];
    while (j < right.length && right[j] < a) j++;
    if (j >= right.length || right[j] !== a) out[count++] = a;
  }
  return count;
}

/** Keeps the members of `small` whose presence in `large` is `wanted`. */
function gallop(small: Int32Array, large: Int32Array, out: Int32Array, wanted: boolean): number {
  let count = 0;
  let low = 0;
  for (let i = 0; i < small.length; i++) {
    const value = small[i];
    low = firstNotBelow(large, value, low);
    const isIn = low < large.length && large[low] === value;
    if (isIn === wanted) out[count++] = value;
  }
  return count;
}

/** First place at or behind `start` whose value is at least `value`. Cost: O(log distance). */
export function firstNotBelow(values: Int32Array, value: number, start: number): number {
  if (start >= values.length || values[start] >= value) return start;
  let step = 1;
  let low = start;
  while (low + step < values.length && values[low + step] < value) {
    low += step;
    step <<= 1;
  }
  let high = Math.min(low + step, values.length);
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] < value) low = middle;
    else high = middle;
  }
  return high;
}

/** Whether an ascending list has a member. Cost: O(log n). */
export function includesSorted(values: Int32Array, value: number): boolean {
  const place = firstNotBelow(values, value, 0);
  return place < values.length && values[place] === value;
}
