import type { Interval } from "./ast.ts";

/*
 * Ranges of the language: 5 · >5 · >=5 · <5 · <=5 · 5..10 · 5...10 · 5.. · ..10 · any · none, and lists of
 * these with commas. What a value is, a unit says: a number, a size, a day.
 */

/** What one value of a unit stands for; the ends may be fractions and are rounded inwards. */
export type Span = {
  /** First and last of what the text names: a moment, or all seconds of a day. */
  low: number;
  high: number;
  /** What the text means without an operator, if that is more: within five percent. */
  bare?: { low: number; high: number };
};

/** How values of one kind are written; undefined when a text is none. */
export type Unit = (text: string) => Span | undefined;

/** What a range asks for: known and in one of the intervals, or not known. */
export type Ranges = { intervals: Interval[]; includesUnknown: boolean };

/** Why a range is none: the item that does not parse, and where it begins in the value. */
export type RangeFault = { item: string; offset: number };

/** All known values. */
export const EVERYTHING: Interval = { low: -Infinity, high: Infinity };

/** Parses a list of ranges, or says which item is none. */
export function parseRanges(value: string, unit: Unit): Ranges | RangeFault {
  const ranges: Ranges = { intervals: [], includesUnknown: false };
  let offset = 0;
  for (const item of value.split(",")) {
    const text = item.trim();
    if (/^none$/i.test(text)) ranges.includesUnknown = true;
    else {
      const interval = /^any$/i.test(text) ? EVERYTHING : parseItem(text, unit);
      if (interval === undefined) return { item: text, offset };
      if (interval.low <= interval.high) ranges.intervals.push(interval);
    }
    offset += item.length + 1;
  }
  return ranges;
}

function parseItem(text: string, unit: Unit): Interval | undefined {
  const compared = /^(>=|<=|=>|=<|>|<|≥|≤)(.*)$/su.exec(text);
  if (compared !== null) {
    const span = unit(compared[2].trim());
    return span === undefined ? undefined : compare(compared[1], span);
  }
  const between = /^(.*?)(\.{2,3})(?!\.)(.*)$/s.exec(text);
  if (between !== null) return parseBetween(between, unit);
  const span = unit(text);
  return span === undefined ? undefined : inward(span.bare ?? span);
}

function compare(operator: string, { low, high }: Span): Interval {
  switch (operator) {
    case ">":
      return { low: Math.floor(high) + 1, high: Infinity };
    case "<":
      return { low: -Infinity, high: Math.ceil(low) - 1 };
    case ">=":
    case "=>":
    case "≥":
      return { low: Math.ceil(low), high: Infinity };
    default:
      return { low: -Infinity, high: Math.floor(high) };
  }
}

function parseBetween(parts: RegExpExecArray, unit: Unit): Interval | undefined {
  const [, from, dots, to] = parts;
  if (from === "" && to === "") return undefined;
  const first = from === "" ? null : unit(from.trim());
  const last = to === "" ? null : unit(to.trim());
  if (first === undefined || last === undefined) return undefined;
  if (first === null) return compare(dots === "..." ? "<" : "<=", last!);
  if (last === null) return compare(">=", first);
  const [left, right] = first.low > last.high ? [last, first] : [first, last];
  const { low } = compare(">=", left);
  return { low, high: compare(dots === "..." ? "<" : "<=", right).high };
}

function inward({ low, high }: { low: number; high: number }): Interval {
  return { low: Math.ceil(low), high: Math.floor(high) };
}

/** Five percent around a value. */
function around(value: number): { low: number; high: number } {
  return { low: (value * 95) / 100, high: (value * 105) / 100 };
}

/** Whole numbers. */
export const WHOLE: Unit = (text): Span | undefined => {
  if (!/^[+-]?\d{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return { low: value, high: value };
};

const DECIMAL = /^\d{1,12}(\.\d{0,9})?$|^\.\d{1,9}$/;

/** Millions of pixels → pixels. */
export const MEGAPIXELS: Unit = (text): Span | undefined => {
  if (!DECIMAL.test(text)) return undefined;
  const value = scaled(text, 1e6);
  return { low: value, high: value, bare: around(value) };
};

/** `16:9`, `16/9`, `1.78` → hundredths, rounded. */
export const RATIO: Unit = (text): Span | undefined => {
  const [, left, right] = /^([^:/]+)(?:[:/]([^:/]+))?$/.exec(text) ?? [];
  if (left === undefined || !DECIMAL.test(left)) return undefined;
  if (right !== undefined && (!DECIMAL.test(right) || Number(right) === 0)) return undefined;
  const value = Math.round((Number(left) / Number(right ?? 1)) * 100);
  return { low: value, high: value };
};

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ["k", 1024],
  ["kb", 1024],
  ["kib", 1024],
  ["m", 1024 ** 2],
  ["mb", 1024 ** 2],
  ["mib", 1024 ** 2],
  ["g", 1024 ** 3],
  ["gb", 1024 ** 3],
  ["gib", 1024 ** 3],
]);

/** `200kb`, `1.5M`, `1048576` → bytes. */
export const FILE_SIZE: Unit = (text): Span | undefined => {
  const [, digits, suffix] = /^([\d.]+)\s*([a-z]*)$/i.exec(text) ?? [];
  const factor = SIZE_UNITS.get((suffix ?? "?").toLowerCase());
  if (factor === undefined || !DECIMAL.test(digits)) return undefined;
  const value = Number(digits) * factor;
  return { low: value, high: value, bare: factor === 1 ? undefined : around(value) };
};

/** `90`, `1:30`, `1:02:03`, `1m30s` → milliseconds. */
export const DURATION: Unit = (text): Span | undefined => {
  const value = parseClock(text) ?? parsePeriod(text);
  if (value === undefined) return undefined;
  const ms = toThousandths(value * 1_000);
  return { low: ms, high: ms, bare: around(ms) };
};

function parseClock(text: string): number | undefined {
  if (!/^\d{1,6}(:\d{1,2}){1,2}(\.\d{1,3})?$/.test(text)) return undefined;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** Seconds of a day. */
export const DAY_S = 86_400;

/** Units of time by the words whose beginnings name them, the first that fits; seconds each. */
const PERIODS: [words: string[], least: number, seconds: number][] = [
  [["seconds"], 1, 1],
  [["minutes"], 1, 60],
  [["months"], 2, (DAY_S * 365.25) / 12],
  [["hours", "hrs"], 1, 3_600],
  [["days"], 1, DAY_S],
  [["weeks", "wks"], 1, 7 * DAY_S],
  [["years", "yrs"], 1, 365.25 * DAY_S],
];

/** `90`, `1h30m`, `2 weeks` → seconds: units descend, none means seconds. */
export function parsePeriod(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text);
  const part = /\s*(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+)/giy;
  let sum = 0;
  let previous = Infinity;
  for (;;) {
    const start = part.lastIndex;
    const match = part.exec(text);
    if (match === null) return start === text.length && start > 0 ? sum : undefined;
    const unit = secondsOf(match[2].toLowerCase());
    if (unit === undefined || unit >= previous) return undefined;
    previous = unit;
    sum += Number(match[1]) * unit;
  }
}

function secondsOf(word: string): number | undefined {
  return PERIODS.find(([words, least]) =>
    word.length >= least && words.some((whole) => whole.startsWith(word))
  )?.[2];
}

/** A decimal times a power of ten, without the last digit's error of binary fractions. */
function scaled(text: string, factor: number): number {
  return toThousandths(Number(text) * factor);
}

function toThousandths(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** Sorts intervals and joins those that touch. */
export function mergeIntervals(intervals: readonly Interval[]): Interval[] {
  const sorted = [...intervals].sort((left, right) =>
    left.low - right.low || left.high - right.high
  );
  const merged: Interval[] = [];
  for (const interval of sorted) {
    const last = merged[merged.length - 1];
    if (last !== undefined && interval.low <= last.high + 1) {
      last.high = Math.max(last.high, interval.high);
    } else merged.push({ ...interval });
  }
  return merged;
}
