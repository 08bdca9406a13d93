/** What a failed assertion shows: values as text, and the lines in which two of them differ. */

/** How many line pairs are compared before a difference is shown as two blocks. */
const LINE_PAIRS_MAX = 1_000_000;

/** Formats a value in full, one member to a line, with its keys sorted. */
export function format(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    getters: true,
    strAbbreviateSize: Infinity,
  });
}

/** Describes how `actual` differs from `expected`: lines of the first have a minus, of the second a plus. */
export function describeDifference(actual: unknown, expected: unknown): string {
  const bothText = typeof actual === "string" && typeof expected === "string";
  const left = (bothText ? actual : format(actual)).split("\n");
  const right = (bothText ? expected : format(expected)).split("\n");
  const lines = diffLines(left, right);
  return ["", "    [Diff] Actual / Expected", "", ...lines, ""].join("\n");
}

/**
 * Returns the lines of both texts, in order, each with its mark.
 *
 * The common head and tail are set aside; what is between is aligned by the longest common
 * subsequence, whose table has one cell for each pair of lines.
 */
function diffLines(left: string[], right: string[]): string[] {
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head++;
  let tail = 0;
  const tailMax = Math.min(left.length, right.length) - head;
  while (tail < tailMax && left.at(-1 - tail) === right.at(-1 - tail)) tail++;
  return [
    ...left.slice(0, head).map(markCommon),
    ...alignLines(left.slice(head, left.length - tail), right.slice(head, right.length - tail)),
    ...left.slice(left.length - tail).map(markCommon),
  ];
}

function alignLines(left: string[], right: string[]): string[] {
  if (left.length * right.length > LINE_PAIRS_MAX) {
    return [...left.map(markActual), ...right.map(markExpected)];
  }
  const lengths = commonLengths(left, right);
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    if (left[i] === right[j]) {
      lines.push(markCommon(left[i]));
      i++;
      j++;
    } else if (lengths[i + 1][j] >= lengths[i][j + 1]) {
      lines.push(markActual(left[i++]));
    } else {
      lines.push(markExpected(right[j++]));
    }
  }
  return [...lines, ...left.slice(i).map(markActual), ...right.slice(j).map(markExpected)];
}

/** Returns how many lines the ends of both texts share, for each pair of starting points. */
function commonLengths(left: string[], right: string[]): Uint32Array[] {
  const lengths = Array.from(
    { length: left.length + 1 },
    () => new Uint32Array(right.length + 1),
  );
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i][j] = left[i] === right[j]
        ? lengths[i + 1][j + 1] + 1
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  return lengths;
}

function markCommon(line: string): string {
  return `    ${line}`;
}

function markActual(line: string): string {
  return `-   ${line}`;
}

function markExpected(line: string): string {
  return `+   ${line}`;
}
