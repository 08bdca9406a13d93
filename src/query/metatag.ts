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

/** One metatag of the language. */
export type Metatag = {
  name: string;
  aliases: readonly string[];
  /** The fixed words that it takes, for completion. */
  values: readonly string[];
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

/** The fault of a range that is none. */
export function notA(what: string, { item, offset }: { item: string; offset: number }): ValueFault {
  return { fault: `${JSON.stringify(shorten(item))} is no ${what}`, offset };
}

/** The beginning of what somebody typed, for a message. */
export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The fault of a word that is none of some. */
export function oneOf(what: string, words: Iterable<string>): (word: string) => ValueFault {
  const known = [...words];
  return (word) => ({
    fault: `There is no ${what} ${JSON.stringify(word)}; there are ${known.join(", ")}`,
    instead: nearest(word.toLowerCase(), known) ?? known[0],
  });
}

/** A word that begins so, or differs in at most two letters. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const begun = word.length > 1 ? known.find((other) => other.startsWith(word)) : undefined;
  const typed = toSigns(word);
  const within = (distance: number) =>
    known.find((other) => isWithinDistance(typed, toSigns(other), distance));
  return begun ?? within(1) ?? within(2);
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
