import { AppError } from "../base/errors.ts";
import { TAG_NAME_BYTES_MAX } from "../base/limits.ts";
import { splitNamespace } from "./category.ts";
import { isRatingTagName, parseRatingName, ratingTagName } from "./ratings.ts";

/*
 * Two doors lead into the database, and they differ.
 *
 * What a site has comes in through normalizeTagName, which keeps every name that can be stored. Some of
 * those cannot be typed as a search term: `-_-` excludes `_-`, `~_~` is an alternative, `(^o^)` is a
 * group, `and` is a keyword, `a,b` is fine in a search but not in a list with commas. They are kept as
 * they are, because a renamed tag matches its site no more and two names could become one; all of them
 * are found with a wildcard (`*-_-`), since `*` also stands for nothing.
 *
 * What a person adds comes in through checkTagName, which refuses those names: a name that is made up
 * today need not be one that searches cannot say. Danbooru's rules of taste (ASCII only, no `_` at the
 * ends, 170 characters) are not taken over; tags of other sites break them all the time.
 */

/** The names that are already normal and need no further look: printable ASCII, not upper-case. */
const PLAIN_NAME = /^[!-@[-~]+$/;
/** Signs without width: they hide in pasted text and make two names look the same. */
export const INVISIBLE: RegExp = /[\u061c\u200b\u200e\u200f\u2060\ufeff]/g;
/** White space as Danbooru means it ([[:space:]]), which is `\s` and NEL. */
const SPACE_RUN = /[\s\u0085]+/g;
/** Control characters, bidirectional overrides and isolates, halves of surrogate pairs. */
export const UNSTORABLE: RegExp = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;

const encoder = new TextEncoder();

/** Why a text cannot be stored as the name of a tag. */
type NameFault = "empty" | "control" | "too_long";

/**
 * Gives the name under which a tag is stored and looked up, `undefined` when it cannot be stored.
 *
 * Unicode NFC, lower-case, trimmed, each run of white space one underscore (underscores themselves stay
 * as they are: `>__<`); signs without width are dropped. Control characters, bidirectional overrides,
 * lone surrogates and more than TAG_NAME_BYTES_MAX bytes of UTF-8 cannot be stored. Applying it twice
 * changes nothing more. Everything else is kept, even what a search cannot say (see above).
 *
 * @example Usage
 * ```ts
 * import { normalizeTagName } from "./tag_name.ts";
 * if (normalizeTagName(" Hatsune  Miku ") !== "hatsune_miku") throw new Error("differs");
 * ```
 */
export function normalizeTagName(text: string): string | undefined {
  const name = toName(text);
  return faultOf(name) === undefined ? name : undefined;
}

/** Options of {@link checkTagName}. */
export type CheckTagNameOptions = {
  /** Whether this prefix (`score` of `score:5`) is a metatag of the search language. */
  isMetatag?: (prefix: string) => boolean;
};

/**
 * Gives the stored form of a name that a person wants to add, or says what is wrong with it.
 *
 * Stricter than {@link normalizeTagName}: a new name must be one that a search can say. A rating in any
 * spelling becomes the name of its tag; another known namespace (`artist:name`) is refused, because it
 * is a category and no part of a name.
 *
 * @throws {AppError} `bad_request` if the name cannot be stored or could not be searched.
 */
export function checkTagName(text: string, options: CheckTagNameOptions = {}): string {
  const name = toName(text);
  const fault = faultOf(name);
  if (fault !== undefined) throw refusal(text, FAULT_TEXTS[fault]);
  if (isRatingTagName(name)) return checkRating(text, name);
  const { category } = splitNamespace(name);
  if (category !== null) {
    throw refusal(text, `its prefix is the category "${category}" and no part of a name`);
  }
  const colon = name.indexOf(":");
  if (colon > 0 && options.isMetatag?.(name.slice(0, colon)) === true) {
    throw refusal(text, `"${name.slice(0, colon)}:" is a search term`);
  }
  const reason = unsearchableBecause(name);
  if (reason !== undefined) throw refusal(text, reason);
  return name;
}

const FAULT_TEXTS: Readonly<Record<NameFault, string>> = {
  empty: "it is empty",
  control: "it holds a control character",
  too_long: `it is longer than ${TAG_NAME_BYTES_MAX} bytes`,
};

function toName(text: string): string {
  if (PLAIN_NAME.test(text)) return text;
  const visible = text.replace(INVISIBLE, "").replace(SPACE_RUN, " ").trim().replaceAll(" ", "_");
  return visible.normalize("NFC").toLowerCase().normalize("NFC");
}

function faultOf(name: string): NameFault | undefined {
  if (name === "") return "empty";
  // A UTF-16 unit is at most three bytes of UTF-8, so most names are not worth the encoding.
  if (name.length * 3 > TAG_NAME_BYTES_MAX && encoder.encode(name).length > TAG_NAME_BYTES_MAX) {
    return "too_long";
  }
  return UNSTORABLE.test(name) ? "control" : undefined;
}

function checkRating(text: string, name: string): string {
  const rating = parseRatingName(name.slice(name.indexOf(":") + 1));
  if (rating === undefined) throw refusal(text, "there is no such rating");
  return ratingTagName(rating);
}

function unsearchableBecause(name: string): string | undefined {
  const first = name[0];
  if (first === "-" || first === "~") return `a leading "${first}" is an operator of the search`;
  if (first === "(" || first === ")") return `a leading "${first}" groups search terms`;
  if (name.includes("*")) return `"*" is the wildcard of the search`;
  if (name.includes(",")) return `"," separates tags`;
  if (name === "and" || name === "or") return `"${name}" is a keyword of the search`;
  if (!hasBalancedParentheses(name) && !/^[\p{P}\p{S}]+$/u.test(name)) {
    return "its parentheses are not balanced";
  }
  return undefined;
}

function hasBalancedParentheses(name: string): boolean {
  let openCount = 0;
  for (const sign of name) {
    if (sign === "(") openCount++;
    if (sign === ")" && --openCount < 0) return false;
  }
  return openCount === 0;
}

/** Names in messages are cut and escaped: they may be megabytes of anything. */
function refusal(text: string, reason: string): AppError {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  return new AppError("bad_request", `Cannot use ${shown} as a tag: ${reason}`);
}
