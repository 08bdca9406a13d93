import { PAGE_SIZE_MAX } from "../base/limits.ts";
import type { TagCategory } from "../tags/category.ts";
import { normalizeTagName } from "../tags/tag_name.ts";
import type { QueryNode } from "./ast.ts";
import {
  type Metatag,
  metatag,
  type MetatagMeaning,
  oneOf,
  parseId,
  shorten,
  type ValueFault,
} from "./metatag.ts";
import { NUMBER_METATAGS, POST_METATAGS } from "./number_metatags.ts";
import { ORDERS, parseOrder } from "./orders.ts";
import { WORD_METATAGS } from "./word_metatags.ts";

const OPTION_METATAGS: Metatag[] = [
  metatag("limit", {
    summary: "posts on a page",
    example: "limit:100",
    parse: (value) => {
      const limit = parseId(value.trim());
      if (limit === undefined || limit < 1 || limit > PAGE_SIZE_MAX) {
        return { fault: `limit: takes a number from 1 to ${PAGE_SIZE_MAX}`, instead: "40" };
      }
      return { limit };
    },
  }),
  metatag("random", {
    summary: "so many posts by chance",
    example: "random:20",
    parse: (value, { random }) => {
      const limit = parseId(value.trim());
      if (limit === undefined || limit < 1 || limit > PAGE_SIZE_MAX) {
        return { fault: `random: takes a number from 1 to ${PAGE_SIZE_MAX}`, instead: "40" };
      }
      return { limit, order: { by: "random", seed: drawSeed(random) }, hasDrawnSeed: true };
    },
  }),
];

const ORDER_METATAG: Metatag = metatag("order", {
  summary: "how results are sorted",
  example: "order:score",
  values: ORDERS,
  parse: (value, { now, random }) => {
    const meaning = parseOrder(value, { now, drawSeed: () => drawSeed(random) });
    return meaning ?? toOrderFault(value);
  },
});

const noOrder = oneOf("order", ORDERS.map(({ name }) => name));

function toOrderFault(value: string): ValueFault {
  const [, beginning, seed] = /^(\s*random:)(.*)$/is.exec(value) ?? [];
  if (seed === undefined) return noOrder(shorten(value.trim()));
  return {
    fault: seed === ""
      ? "The seed of order:random is missing: a whole number, as in order:random:7"
      : `The seed of order:random is a whole number of up to 9 digits, not ${
        JSON.stringify(shorten(seed))
      }`,
    offset: beginning.length,
    instead: "random",
  };
}

function drawSeed(random: () => number): number {
  return 1 + Math.floor(random() * 999_999);
}

/** Prefixes that name a category, besides the known namespaces. */
const CATEGORY_PREFIXES: [names: string, category: TagCategory][] = [
  ["artist art creator contributor", "artist"],
  ["character char", "character"],
  ["copyright copy series", "copyright"],
  ["species", "species"],
  ["meta", "meta"],
  ["general gen", "general"],
];

/** A tag or a wildcard of some category; undefined when nothing can be called so. */
export function toNameNode(
  text: string,
  options: { category: TagCategory | null; isLiteral?: boolean },
): QueryNode | undefined {
  const { category, isLiteral = false } = options;
  const name = normalizeTagName(text);
  if (name === undefined) return undefined;
  if (name.includes("*") && !isLiteral) {
    return { kind: "wildcard", pattern: name.replaceAll(/\*+/g, "*"), category };
  }
  return { kind: "tag", name, category, isLiteral };
}

/** A value of a metatag that takes names: as a word alone, but that `\*` is the letter. */
function toNameMeaning(
  value: string,
  options: { category: TagCategory | null; isLiteral?: boolean },
): MetatagMeaning | ValueFault {
  const plain = value.replaceAll("\\*", "*");
  const hasWildcard = value.replaceAll("\\*", "").includes("*");
  const node = toNameNode(plain, { ...options, isLiteral: !hasWildcard });
  if (node === undefined) return { fault: "Nothing can be called so" };
  return { node: node.kind === "tag" ? { ...node, isLiteral: options.isLiteral ?? false } : node };
}

function nameMetatag(
  names: string,
  options: Parameters<typeof toNameNode>[1] & { summary: string },
): Metatag {
  return metatag(names, {
    summary: options.summary,
    example: `${names.split(" ")[0]}:name`,
    isName: true,
    parse: (value) => toNameMeaning(value, options),
  });
}

const NAME_METATAGS: Metatag[] = [
  ...CATEGORY_PREFIXES.map(([names, category]) =>
    nameMetatag(names, { category, summary: `a tag of the category ${category}` })
  ),
  nameMetatag("tag", {
    category: null,
    summary: "a tag whose name the language cannot say",
  }),
  nameMetatag("unaliased", {
    category: null,
    isLiteral: true,
    summary: "a tag, not what its name stands for",
  }),
];

/** The one table of metatags: parser, completion and documents follow it. */
export const METATAGS: readonly Metatag[] = [
  ...NUMBER_METATAGS,
  ...POST_METATAGS,
  // Before those whose names begin like it: completion keeps this order.
  ORDER_METATAG,
  ...WORD_METATAGS,
  ...OPTION_METATAGS,
  ...NAME_METATAGS,
];

const BY_NAME: ReadonlyMap<string, Metatag> = new Map(
  METATAGS.flatMap((tag) => [tag.name, ...tag.aliases].map((name) => [name, tag])),
);

/** The metatag of this name, in any case. */
export function findMetatag(name: string): Metatag | undefined {
  return BY_NAME.get(name.toLowerCase());
}
