import type { QueryNode, QueryOrder } from "./ast.ts";
import { COMPARED_LENGTH_MAX, isWithinDistance } from "./edit_distance.ts";

/** What a metatag contributes to a search: a condition, an order, a page size. */
export type MetatagMeaning = {
  node?: QueryNode;
  order?: QueryOrder;
  limit?: number;
  /** Whether the order has a seed that the text does not name. */
  hasDrawnSeed?: boolean;
};

/** Why a value is none; `offset` counts from its beginning. */
export type ValueFault = { fault: string; offset?: number; instead?: string };

/** What surrounds a value. */
export type ValueSurroundings = {
  /** The search's present, in milliseconds since 1970. */
  now: number;
  /** Whether the value stood in quotes: then it is meant literally where that makes a difference. */
  isQuoted: boolean;
  /** For a seed that the text does not give. */
  random: () => number;
};

/** A fixed word that a metatag takes, and what it finds. */
export type MetatagValue = { name: string; summary: string };

/** One metatag of the language. */
export type Metatag = {
  name: string;
  aliases: readonly string[];
  /** The fixed words that it takes, the most useful first, for completion. */
  values: readonly MetatagValue[];
  summary: string;
  example: string;
  /** Whether the value is a tag's name, with parentheses of its own. */
  isName: boolean;
  parse: (value: string, around: ValueSurroundings) => MetatagMeaning | ValueFault;
};

/** A metatag by what differs from the usual; other names stand behind the first. */
export function metatag(
  names: string,
  rest:
    & Omit<Metatag, "name" | "aliases" | "values" | "isName">
    & Partial<Pick<Metatag, "values" | "isName">>,
): Metatag {
  const [name, ...aliases] = names.split(" ");
  return { values: [], isName: false, ...rest, name, aliases };
}

/** Words with what each of them finds. */
export function describeValues(
  words: readonly string[],
  summary: (word: string) => string,
): MetatagValue[] {
  return words.map((name) => ({ name, summary: summary(name) }));
}

/** The words `any` and `none`: whether there is such a thing. */
export function anyOrNone(any: string, none: string): MetatagValue[] {
  return [{ name: "any", summary: any }, { name: "none", summary: none }];
}

/** A number that is one, but too large for this program. */
const TOO_LARGE = /^[<>=≤≥.+-]*\d{16,}/u;

/** The fault of a range that is none; `example` shows one that is. */
export function notA(
  what: string,
  { item, offset, example }: { item: string; offset: number; example: string },
): ValueFault {
  if (item === "") return { fault: `A ${what} is missing, as in ${example}`, offset };
  const text = shorten(item);
  if (TOO_LARGE.test(item)) {
    return { fault: `${text} is too large: numbers have 15 digits at most`, offset };
  }
  return { fault: `${JSON.stringify(text)} is no ${what}, as in ${example}`, offset };
}

/** The beginning of what somebody typed, for a message. */
export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Words that a message lists; of more only the near ones, or the first. */
const LISTED_MAX = 10;

/** The fault of a word that is none of some, the most useful of them first. */
export function oneOf(what: string, words: Iterable<string>): (word: string) => ValueFault {
  const known = [...words];
  return (word) => {
    const near = nearWords(word.toLowerCase(), known);
    const isShort = known.length <= LISTED_MAX;
    const beginning = word === ""
      ? `The ${what} is missing`
      : `There is no ${what} ${JSON.stringify(word)}`;
    const list = !isShort && near.length > 0
      ? `near it: ${near.slice(0, 3).join(", ")}`
      : `there are ${known.slice(0, LISTED_MAX).join(", ")}${isShort ? "" : ", …"}`;
    return {
      fault: `${beginning}; ${list}`,
      instead: near[0] ?? (isShort ? known[0] : undefined),
    };
  };
}

/** Words that begin so, then those that are one slip away, then two; each in the order given. */
export function nearWords(word: string, known: readonly string[], slipsMax = 2): string[] {
  const near = word.length > 1 ? known.filter((other) => other.startsWith(word)) : [];
  const typed = toSigns(word);
  for (let slips = 1; slips <= slipsMax; slips++) {
    near.push(...known.filter((other) => isWithinDistance(typed, toSigns(other), slips)));
  }
  return [...new Set(near)];
}

function toSigns(text: string): { signs: Int32Array; length: number } {
  const signs = Int32Array.from(
    [...text].slice(0, COMPARED_LENGTH_MAX),
    (sign) => sign.codePointAt(0)!,
  );
  return { signs, length: signs.length };
}

/** A post number, or another small one. */
export function parseId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
