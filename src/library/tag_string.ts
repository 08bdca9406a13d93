import { AppError } from "../base/errors.ts";
import { TAG_STRING_WORDS_MAX } from "../base/limits.ts";
import { splitNamespace, type TagCategory } from "../tags/category.ts";

/** One word of a tag string as written, `-` cut off. */
export type TagWord = {
  text: string;
  isRemoved: boolean;
  /** Value of a quoted word; null for any other. */
  value: string | null;
  /** The run of signs as it stands when it is the name of a tag that is known already; else null. */
  ownName: string | null;
};

/** Danbooru's short prefixes of categories, beside the namespaces that imports know. */
const SHORT_CATEGORIES: ReadonlyMap<string, TagCategory> = new Map([
  ["art", "artist"],
  ["char", "character"],
  ["ch", "character"],
  ["copy", "copyright"],
  ["co", "copyright"],
  ["gen", "general"],
]);

/** A word with a quoted value: `source:"a b"`. */
const QUOTED = /(-?[^\s\u0085:"]+):"((?:[^"\\]|\\.)*)"(?=$|[\s\u0085])/uy;
/** Any other run of signs. */
const RUN = /[^\s\u0085]+/gu;

/**
 * Divides a tag string into its words, in their order. A run of signs of which `ownNameOf` knows the tag is
 * that tag, whatever it could mean as well.
 *
 * @throws {AppError} `bad_request` for more than TAG_STRING_WORDS_MAX words.
 */
export function splitTagString(
  text: string,
  ownNameOf: (run: string) => string | null = () => null,
): TagWord[] {
  const words: TagWord[] = [];
  RUN.lastIndex = 0;
  for (let run = RUN.exec(text); run !== null; run = RUN.exec(text)) {
    if (words.length === TAG_STRING_WORDS_MAX) {
      throw new AppError(
        "bad_request",
        `Cannot read the tags: there are more than ${TAG_STRING_WORDS_MAX} words`,
      );
    }
    const ownName = ownNameOf(run[0]);
    if (ownName !== null) {
      words.push({ text: run[0], isRemoved: false, value: null, ownName });
      continue;
    }
    QUOTED.lastIndex = run.index;
    const quoted = run[0].includes('"') ? QUOTED.exec(text) : null;
    if (quoted !== null) RUN.lastIndex = QUOTED.lastIndex;
    words.push(toWord(run[0], quoted));
  }
  return words;
}

function toWord(run: string, quoted: RegExpExecArray | null): TagWord {
  const isRemoved = run.length > 1 && run.startsWith("-");
  const value = quoted === null ? null : quoted[2].replaceAll(/\\(.)/g, "$1");
  const whole = quoted === null ? run : `${quoted[1]}:${value}`;
  return { text: isRemoved ? whole.slice(1) : whole, isRemoved, value, ownName: null };
}

/** Divides `name:value` at its first colon; undefined without a name. */
export function splitWord(text: string): { name: string; value: string } | undefined {
  const colon = text.indexOf(":");
  if (colon <= 0) return undefined;
  return { name: text.slice(0, colon).toLowerCase(), value: text.slice(colon + 1) };
}

/** Splits a category's prefix off a tag, long (`artist:x`) or short (`art:x`); ratings are none. */
export function splitCategory(text: string): { category: TagCategory | null; name: string } {
  const known = splitNamespace(text);
  if (known.category !== null) {
    return known.category === "rating" ? { category: null, name: text } : known;
  }
  const word = splitWord(text);
  const category = word === undefined ? undefined : SHORT_CATEGORIES.get(word.name);
  return category === undefined ? known : { category, name: word!.value };
}
