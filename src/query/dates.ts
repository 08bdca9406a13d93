import type { Interval } from "./ast.ts";
import { DAY_S, parsePeriod, type Unit } from "./ranges.ts";

/** Days, months and years in UTC → their seconds; `today` is the day of `now` (milliseconds). */
export function dateUnit(now: number): Unit {
  return (text) => {
    const word = text.toLowerCase();
    if (word === "today") return dayOf(Math.floor(now / 1_000));
    if (word === "yesterday") return dayOf(Math.floor(now / 1_000) - DAY_S);
    return parseDate(text);
  };
}

/** Ages → seconds; a bare one means the whole UTC day that contains that moment. */
export function ageUnit(now: number): Unit {
  const second = Math.floor(now / 1_000);
  return (text) => {
    const age = parsePeriod(text);
    if (age === undefined) return undefined;
    const day = dayOf(second - age);
    return { low: age, high: age, bare: { low: second - day.high, high: second - day.low } };
  };
}

/** Ages → the seconds at which such things were added. */
export function toDates(ages: readonly Interval[], now: number): Interval[] {
  const second = Math.floor(now / 1_000);
  return ages.map(({ low, high }) => ({ low: second - high, high: second - low }));
}

/** The UTC day that contains a second. */
function dayOf(second: number): { low: number; high: number } {
  const low = Math.floor(second / DAY_S) * DAY_S;
  return { low, high: low + DAY_S - 1 };
}

const MOMENT = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?$/i;
const DAY = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/;
const REVERSED_DAY = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$/;
const MONTH = /^(\d{4})[-/.](\d{1,2})$/;
const YEAR = /^(\d{4})$/;

function parseDate(text: string): { low: number; high: number } | undefined {
  const moment = MOMENT.exec(text);
  if (moment !== null) {
    const [year, month, day, hour, minute] = moment.slice(1).map(Number);
    const start = toSecond(year, month, day);
    if (start === undefined || hour > 23 || minute > 59 || Number(moment[6] ?? 0) > 59) {
      return undefined;
    }
    const low = start + hour * 3_600 + minute * 60 + Number(moment[6] ?? 0);
    return { low, high: low + (moment[6] === undefined ? 59 : 0) };
  }
  const day = DAY.exec(text) ?? reverse(REVERSED_DAY.exec(text));
  if (day !== null) {
    const low = toSecond(Number(day[1]), Number(day[2]), Number(day[3]));
    return low === undefined ? undefined : { low, high: low + DAY_S - 1 };
  }
  const month = MONTH.exec(text);
  if (month !== null) return toSpan(Number(month[1]), Number(month[2]), Number(month[2]));
  const year = YEAR.exec(text);
  return year === null ? undefined : toSpan(Number(year[1]), 1, 12);
}

function reverse(match: RegExpExecArray | null): string[] | null {
  return match === null ? null : [match[0], match[3], match[2], match[1]];
}

function toSpan(
  year: number,
  first: number,
  last: number,
): { low: number; high: number } | undefined {
  const low = toSecond(year, first, 1);
  const end = last === 12 ? toSecond(year + 1, 1, 1) : toSecond(year, last + 1, 1);
  return low === undefined || end === undefined ? undefined : { low, high: end - 1 };
}

/** First second of a UTC day; undefined when the calendar has no such day. */
function toSecond(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day;
  return isDay ? date.getTime() / 1_000 : undefined;
}
