import { splitNamespace, type TagCategory } from "../tags/category.ts";

/** One word of a tag string as written, `-` cut off. */
export type TagWord = { text: string; isRemoved: boolean; value: string | null };

/** Danbooru's short prefixes of categories, beside the namespaces that imports know. */
const SHORT_CATEGORIES: ReadonlyMap<string, TagCategory> = new Map([
  ["art", "artist"],
  ["char", "character"],
  ["ch", "character"],
  ["copy", "copyright"],
  ["co", "copyright"],
  ["gen", "general"],
]);

/** A word with a quoted value (`source:"a b"`), or any other run of signs. */
const WORD = /(-?[^\s\u0085:"]+):"((?:[^"\\]|\\.)*)"(?=$|[\s\u0085])|[^\s\u0085]+/gu;

/** Divides a tag string into its words, in their order. */
export function splitTagString(text: string): TagWord[] {
  return [...text.matchAll(WORD)].map(([word, prefix, quoted]) => {
    const isRemoved = word.length > 1 && word.startsWith("-");
    const whole = prefix === undefined ? word : `${prefix}:${quoted.replaceAll(/\\(.)/g, "$1")}`;
    return {
      text: isRemoved ? whole.slice(1) : whole,
      isRemoved,
      value: prefix === undefined ? null : quoted.replaceAll(/\\(.)/g, "$1"),
    };
  });
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
