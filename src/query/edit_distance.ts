/** Letters and digits beyond which a text is not compared. */
export const COMPARED_LENGTH_MAX = 64;

/** More than any distance that is asked for. */
const FAR = 1_000;

/** Three rows of the table, reused: nothing is allocated for a comparison. */
let older = new Int32Array(COMPARED_LENGTH_MAX + 8);
let before = new Int32Array(COMPARED_LENGTH_MAX + 8);
let row = new Int32Array(COMPARED_LENGTH_MAX + 8);

/**
 * Whether at most `distanceMax` (0 to 2) signs must be added, left out, replaced or swapped with their
 * neighbour to make one text of the other, no sign being touched twice (optimal string alignment).
 *
 * Shape: code points; `left` has leftLength, at most COMPARED_LENGTH_MAX, `right` has rightLength of them.
 * Cost: O(distanceMax * length): only cells near the diagonal are computed, until no row can end low.
 */
export function isWithinDistance(
  left: { signs: Int32Array; length: number },
  right: { signs: Int32Array; length: number },
  distanceMax: number,
): boolean {
  const { signs: a, length: m } = left;
  const { signs: b, length: n } = right;
  if (Math.abs(m - n) > distanceMax) return false;
  for (let j = 0; j <= n; j++) before[j] = j <= distanceMax ? j : FAR;
  for (let i = 1; i <= m; i++) {
    const first = Math.max(1, i - distanceMax);
    const last = Math.min(n, i + distanceMax);
    row[first - 1] = first === 1 ? i : FAR;
    let rowMin = row[first - 1];
    for (let j = first; j <= last; j++) {
      let cell = before[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      cell = Math.min(cell, before[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cell = Math.min(cell, older[j - 2] + 1);
      }
      row[j] = cell;
      if (cell < rowMin) rowMin = cell;
    }
    if (last < n) row[last + 1] = FAR;
    // A swap reaches back two rows, but costs what a step down does: no later row can be lower.
    if (rowMin > distanceMax) return false;
    [older, before, row] = [before, row, older];
  }
  return before[n] <= distanceMax;
}
