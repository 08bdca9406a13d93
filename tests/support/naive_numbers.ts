/*
 * Values of metatags that take numbers, as docs/query_language.md has them. All is whole numbers, so that
 * nothing depends on how fractions are rounded: pixels, hundredths of a ratio, bytes, milliseconds, seconds.
 */

/** How a metatag's values are written and compared. */
export type NumberKind =
  | "integer"
  | "mpixels"
  | "ratio"
  | "filesize"
  | "duration"
  | "date"
  | "age";

/** What is compared: the image's number in the unit of its kind, and the time (milliseconds). */
export type NumberFacts = { actual: number | null; now: number };

const DAY_S = 86_400;

/** Whether a number matches `5`, `>5`, `5..10`, `1,3,>20`, `any`, … */
export function matchesNumber(kind: NumberKind, value: string, facts: NumberFacts): boolean {
  const word = value.toLowerCase();
  if (word === "any") return facts.actual !== null;
  if (word === "none") return facts.actual === null;
  if (facts.actual === null) return false;
  return word.split(",").some((part) => matchesPart(kind, part, facts));
}

function matchesPart(kind: NumberKind, part: string, facts: NumberFacts): boolean {
  const compare = (text: string) => compareWith(kind, text, facts);
  if (part.startsWith(">=")) return compare(part.slice(2)) >= 0;
  if (part.startsWith("<=")) return compare(part.slice(2)) <= 0;
  if (part.startsWith(">")) return compare(part.slice(1)) > 0;
  if (part.startsWith("<")) return compare(part.slice(1)) < 0;
  const short = /^(.+?)\.\.\.(.+)$/.exec(part);
  if (short !== null) return compare(short[1]) >= 0 && compare(short[2]) < 0;
  const range = /^(.*?)\.\.(.*)$/.exec(part);
  if (range === null) return matchesBare(kind, part, facts);
  const [, from, to] = range;
  if (from === "") return compare(to) <= 0;
  if (to === "") return compare(from) >= 0;
  return (compare(from) >= 0 && compare(to) <= 0) || (compare(to) >= 0 && compare(from) <= 0);
}

/** Below 0: the image's number is before the value; 0: it is the value, or within it; above 0: after. */
function compareWith(kind: NumberKind, text: string, { actual, now }: NumberFacts): number {
  const number = actual!;
  switch (kind) {
    case "integer":
      return number - toInteger(text);
    case "mpixels":
      return number - toScaled(text, 6);
    case "ratio":
      return number - toRatio(text);
    case "filesize":
      return number - toBytes(text).bytes;
    case "duration":
      return number - toDurationMs(text);
    case "age":
      return now / 1000 - number - toAge(text);
    case "date": {
      const [start, end] = toDates(text, now);
      return number < start ? -1 : number < end ? 0 : 1;
    }
  }
}

function matchesBare(kind: NumberKind, text: string, facts: NumberFacts): boolean {
  const number = facts.actual!;
  const isNear = (value: number) => 20 * number >= 19 * value && 20 * number <= 21 * value;
  if (kind === "mpixels") return isNear(toScaled(text, 6));
  if (kind === "duration") return isNear(toDurationMs(text));
  if (kind === "filesize" && toBytes(text).isRough) return isNear(toBytes(text).bytes);
  if (kind === "age") {
    const moment = facts.now / 1000 - toAge(text);
    return Math.floor(number / DAY_S) === Math.floor(moment / DAY_S);
  }
  return compareWith(kind, text, facts) === 0;
}

function toInteger(text: string): number {
  if (!/^-?\d+$/.test(text)) throw unreadable(text);
  return Number(text);
}

/** A decimal number times a power of ten. */
function toScaled(text: string, digits: number): number {
  const [, whole, fraction = ""] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > digits) throw unreadable(text);
  return Number(whole + fraction.padEnd(digits, "0"));
}

function toRatio(text: string): number {
  const [, width, height] = /^(\d+)[:/](\d+)$/.exec(text) ?? [];
  if (width === undefined) return toScaled(text, 2);
  return Math.floor((200 * Number(width) + Number(height)) / (2 * Number(height)));
}

function toBytes(text: string): { bytes: number; isRough: boolean } {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(b|kb?|mb?|gb?)?$/.exec(text) ?? [];
  if (number === undefined) throw unreadable(text);
  const power = unit === undefined ? 0 : "bkmg".indexOf(unit[0]);
  return { bytes: Number(number) * 1024 ** power, isRough: power > 0 };
}

function toDurationMs(text: string): number {
  const [, minutes, seconds] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (minutes !== undefined) return 1000 * (60 * Number(minutes) + Number(seconds));
  return 1000 * toSeconds(text);
}

function toAge(text: string): number {
  return toSeconds(text);
}

const UNITS: [word: string, shortest: string, seconds: number][] = [
  ["seconds", "s", 1],
  ["months", "mo", DAY_S * 365.25 / 12],
  ["minutes", "m", 60],
  ["hours", "h", 3600],
  ["days", "d", DAY_S],
  ["weeks", "w", 7 * DAY_S],
  ["years", "y", DAY_S * 365.25],
];

function toSeconds(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  let sum = 0;
  if (!/^(\d+\s*[a-z]+\s*)+$/.test(text)) throw unreadable(text);
  for (const [, number, word] of text.matchAll(/(\d+)\s*([a-z]+)/g)) {
    const unit = UNITS.find(([full, shortest]) =>
      full.startsWith(word) && word.startsWith(shortest)
    );
    if (unit === undefined) throw unreadable(text);
    sum += Number(number) * unit[2];
  }
  return sum;
}

/** First second and the one after the last. */
function toDates(text: string, now: number): [number, number] {
  const today = Math.floor(now / 1000 / DAY_S) * DAY_S;
  if (text === "today") return [today, today + DAY_S];
  if (text === "yesterday") return [today - DAY_S, today];
  if (/t/.test(text)) {
    const second = Date.parse(`${text.toUpperCase()}Z`) / 1000;
    return [second, second + 1];
  }
  const at = (year: number, month: number, day: number) => Date.UTC(year, month - 1, day) / 1000;
  const [year, month, day] = text.split(/[-/]/).map(Number);
  if (/^\d{4}[-/]\d{1,2}[-/]\d{1,2}$/.test(text)) {
    return [at(year, month, day), at(year, month, day + 1)];
  }
  if (/^\d{1,2}-\d{1,2}-\d{4}$/.test(text)) return [at(day, month, year), at(day, month, year + 1)];
  if (/^\d{4}-\d{1,2}$/.test(text)) return [at(year, month, 1), at(year, month + 1, 1)];
  if (/^\d{4}$/.test(text)) return [at(year, 1, 1), at(year + 1, 1, 1)];
  throw unreadable(text);
}

function unreadable(text: string): Error {
  return new Error(`The naive search cannot read the value ${text}`);
}
