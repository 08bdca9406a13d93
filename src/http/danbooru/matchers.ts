/** Whole numbers from `low` to `high`, both included. */
type Interval = { low: number; high: number };

/**
 * The test of whole numbers against a range of Danbooru's search fields (`5`, `>5`, `1..9`, `1,2,8..`).
 * Cost: the text is read once; a test is a look into a set and a binary search, however many parts it has.
 */
export function rangeTest(text: string): (value: number) => boolean {
  const single = new Set<number>();
  const intervals: Interval[] = [];
  for (const [part] of text.matchAll(/[^\s,]+/g)) {
    if (/^-?\d+$/.test(part)) single.add(Number(part));
    else {
      const interval = toInterval(part);
      if (interval !== undefined && interval.low <= interval.high) intervals.push(interval);
    }
  }
  const apart = joinIntervals(intervals);
  return (value) => single.has(value) || isInside(apart, value);
}

function toInterval(part: string): Interval | undefined {
  if (part === "any") return { low: -Infinity, high: Infinity };
  const compared = /^(>=|<=|>|<)(-?\d+)$/.exec(part);
  if (compared !== null) {
    const bound = Number(compared[2]);
    const step = compared[1].length === 2 ? 0 : 1;
    return compared[1].startsWith(">")
      ? { low: bound + step, high: Infinity }
      : { low: -Infinity, high: bound - step };
  }
  const range = /^(-?\d+)?(\.{2,3})(-?\d+)?$/.exec(part);
  if (range === null || (range[1] === undefined && range[3] === undefined)) return undefined;
  const from = range[1] === undefined ? -Infinity : Number(range[1]);
  const to = range[3] === undefined ? Infinity : Number(range[3]);
  const high = Math.max(from, to);
  return { low: Math.min(from, to), high: range[2].length === 3 ? high - 1 : high };
}

/** The same numbers in intervals that ascend and do not touch. */
function joinIntervals(intervals: Interval[]): Interval[] {
  const apart: Interval[] = [];
  for (const { low, high } of intervals.sort((a, b) => a.low < b.low ? -1 : 1)) {
    const last = apart.at(-1);
    if (last !== undefined && low <= last.high) last.high = Math.max(last.high, high);
    else apart.push({ low, high });
  }
  return apart;
}

function isInside(apart: readonly Interval[], value: number): boolean {
  let [first, end] = [0, apart.length];
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (apart[middle].high < value) first = middle + 1;
    else end = middle;
  }
  return first < apart.length && apart[first].low <= value;
}

/** The test of a name against Danbooru's wildcards: any case, spaces as underscores, `*` for anything. */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const wanted = pattern.trim().toLowerCase().replaceAll(/\s+/g, "_");
  const parts = wanted.split(/\*+/);
  if (parts.length === 1) return (name) => name.toLowerCase() === wanted;
  const [first, last] = [parts[0], parts[parts.length - 1]];
  const middle = parts.slice(1, -1);
  // No regular expression: a pattern with many stars would take it forever.
  return (text) => {
    const name = text.toLowerCase();
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}
