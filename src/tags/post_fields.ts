import { ID_MAX, isId } from "../base/ids.ts";
import { fieldOf, isJsonObject, type JsonObject, numberOf } from "./json.ts";

/*
 * Readers of single fields. Sites write numbers as text and booleans as words, documents have been
 * edited by hand, and one odd field must not cost the rest of a post: what cannot be read is `null`.
 */

/** Longest web address that is kept; browsers stop at about this length. */
const URL_LENGTH_MAX = 2_048;
const INT32_MIN = -0x8000_0000;

/** Post id that fits the int32 columns; 0, which Gelbooru writes for "none", is `null`. */
export function readPostId(value: unknown): number | null {
  const id = numberOf(value);
  return isId(id) ? id : null;
}

/** Score or count that fits an int32 column. */
export function readCount(value: unknown): number | null {
  const number = numberOf(value);
  if (number === undefined || !Number.isInteger(number)) return null;
  return number >= INT32_MIN && number <= ID_MAX ? number : null;
}

/** Width or height in pixels, from 1. */
export function readSide(value: unknown): number | null {
  const side = readCount(value);
  return side !== null && side > 0 ? side : null;
}

/** Size of a file in bytes, from 1. */
export function readSize(value: unknown): number | null {
  const size = numberOf(value);
  return size !== undefined && Number.isSafeInteger(size) && size > 0 ? size : null;
}

/** Length of a video in seconds, more than 0. */
export function readDuration(value: unknown): number | null {
  const seconds = numberOf(value);
  return seconds !== undefined && seconds > 0 ? seconds : null;
}

/** Boolean, also as word or as 0 and 1. */
export function readBoolean(value: unknown): boolean | null {
  switch (typeof value === "string" ? value.trim().toLowerCase() : value) {
    case true:
    case "true":
    case "1":
    case 1:
      return true;
    case false:
    case "false":
    case "0":
    case 0:
      return false;
    default:
      return null;
  }
}

/** MD5 as 32 lower-case hexadecimal digits. */
export function readMd5(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const md5 = value.trim().toLowerCase();
  return /^[0-9a-f]{32}$/.test(md5) ? md5 : null;
}

/** `2023-03-17T03:50:45.513-04:00`, `2023-03-17 07:50:45` (UTC), `2008-07-13 09:17:31.92 UTC`. */
const ISO_TIME =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))? ?(Z|UTC|[+-]\d{2}:?\d{2})?$/;
/** `Mon Mar 13 19:00:33 -0500 2023`, as Ruby prints times and Gelbooru still does. */
const RUBY_TIME =
  /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) ([+-]\d{2}):?(\d{2}) (\d{4})$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** Last second of the year 9999, the last that ISO 8601 writes with four digits. */
const UNIX_TIME_MAX_S = 253_402_300_799;

/**
 * Time as ISO 8601 in UTC: from ISO 8601, Ruby's format or Unix seconds (Moebooru, also as `{ s }`).
 *
 * A time without a zone is UTC, as gallery-dl's `date` is. Times before 1970 are mistakes.
 */
export function readTime(value: unknown): string | null {
  const seconds = isJsonObject(value) ? numberOf(fieldOf(value, "s")) : numberOf(value);
  if (seconds !== undefined) return toIsoTime(seconds * 1_000);
  return typeof value === "string" ? toIsoTime(parseTimeText(value.trim())) : null;
}

function toIsoTime(milliseconds: number): string | null {
  const isInRange = milliseconds > 0 && milliseconds <= UNIX_TIME_MAX_S * 1_000;
  return isInRange ? new Date(milliseconds).toISOString() : null;
}

/** Milliseconds since 1970, NaN when the text is no time. */
function parseTimeText(text: string): number {
  const iso = ISO_TIME.exec(text);
  if (iso !== null) {
    const [, date, time = "00:00", zone = "Z"] = iso;
    const offset = zone === "UTC" || zone === "Z" ? "Z" : zone.replace(/^(...):?/, "$1:");
    return Date.parse(`${date}T${time}${offset}`);
  }
  const ruby = RUBY_TIME.exec(text);
  if (ruby === null) return NaN;
  const [, month, day, time, hours, minutes, year] = ruby;
  const monthNumber = String(MONTHS.indexOf(month) + 1).padStart(2, "0");
  const date = `${year}-${monthNumber}-${day.trim().padStart(2, "0")}`;
  return Date.parse(`${date}T${time}${hours}:${minutes}`);
}

/**
 * Web addresses (http, https) in the given fields, in order, each once.
 *
 * A text may hold several between white space (Gelbooru), a leading `-` marks a dead one (e621). What
 * is no web address ("Comic Market 84", `javascript:`) is left out: pages make links of these.
 */
export function readUrls(values: readonly unknown[]): string[] {
  const urls = new Set<string>();
  for (const value of values.flat(1)) {
    if (typeof value !== "string") continue;
    for (const word of value.split(/\s+/)) {
      const url = word.replace(/^-(?=http)/i, "");
      if (/^https?:\/\//i.test(url) && url.length <= URL_LENGTH_MAX && URL.canParse(url)) {
        urls.add(url);
      }
    }
  }
  return [...urls];
}

/** Longest source in words that is kept. */
const SOURCE_TEXT_LENGTH_MAX = 500;

/**
 * The first of some sources that is text without a web address ("Own scan"), in one line; longer ones are
 * cut. It is no address, so that pages must show it as text.
 */
export function readSourceText(values: readonly unknown[]): string | null {
  for (const value of values.flat(1)) {
    if (typeof value !== "string" || readUrls([value]).length > 0) continue;
    // deno-lint-ignore no-control-regex -- what a line of text cannot have
    const text = value.replace(/[\s\x00-\x1f\x7f]+/g, " ").trim();
    if (text !== "") return text.slice(0, SOURCE_TEXT_LENGTH_MAX).toWellFormed();
  }
  return null;
}

/** Value of the first of these fields that the object has with anything but `null`. */
export function firstFieldOf(object: JsonObject, names: readonly string[]): unknown {
  for (const name of names) {
    const value = fieldOf(object, name);
    if (value !== undefined && value !== null) return value;
  }
  return null;
}
