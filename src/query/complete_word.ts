import type { TagId } from "../base/ids.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import {
  completeInContext,
  completeTags,
  type Completion,
  type CompletionMatch,
  type ContextCompletion,
  splitNamePrefix,
} from "./autocomplete.ts";
import { completeMetatags, type MetatagCompletion } from "./complete_metatags.ts";
import { findMetatag } from "./metatags.ts";
import { parseQuery } from "./parser.ts";
import { quoted } from "./query_text.ts";

/** What a word that is being typed may become: a tag, or a metatag with or without a value. */
export type WordCompletion = {
  kind: "tag" | "metatag";
  /** What is shown. */
  name: string;
  /** What takes the place of the word: text that a search reads as the name. */
  value: string;
  category: string | null;
  /** Images that have the tag; null for a metatag. */
  count: number | null;
  /** Results of the rest of the search that have it; null for a metatag, or without such a rest. */
  countInContext: number | null;
  match: CompletionMatch;
  antecedent: string | null;
  /** What a metatag says; null for a tag. */
  summary: string | null;
  example: string | null;
};

/** Names of metatags offered beside tags. */
const METATAG_NAMES_MAX = 3;
/** So much must be typed before names of metatags are offered. */
const METATAG_LETTERS_MIN = 2;

/** Operators that may stand before a word. */
const OPERATORS = /^[-~(]+/;

/**
 * Completes the word that is being typed in a search, operators in front of it left out.
 *
 * Behind the name of a metatag there are its values, else tags; names of metatags follow the tags they
 * are as likely as, and come before tags that were only nearly typed. A word with a wildcard or a quote
 * means itself and is not completed. `countWithTag` counts within the rest of the search.
 *
 * Cost: that of {@link completeTags}, and of the counts.
 */
export function completeWord(
  snapshot: ImageSnapshot,
  options: { word: string; limit: number; countWithTag: ((tagId: TagId) => number) | null },
): WordCompletion[] {
  const { limit, countWithTag } = options;
  const word = options.word.trim().replace(OPERATORS, "");
  if (word === "" || /[*"]|:'/.test(word)) return [];
  const { prefix } = splitNamePrefix(word);
  const colon = word.indexOf(":");
  const isMetatag = prefix === "" && findMetatag(word.slice(0, Math.max(0, colon))) !== undefined;
  if (isMetatag) return completeMetatags(word, limit).map(ofMetatag);
  const hasNames = colon < 0 && word.length >= METATAG_LETTERS_MIN;
  const names = hasNames ? completeMetatags(word, Math.min(limit, METATAG_NAMES_MAX)) : [];
  const text = { text: word, limit: limit - names.length };
  const tags =
    (countWithTag === null
      ? completeTags(snapshot, text)
      : completeInContext(snapshot, { ...text, countWithTag }))
      .map((completion) => ofTag(completion, prefix));
  const metatags = names.map(ofMetatag);
  return tags[0]?.match === "typo" ? [...metatags, ...tags] : [...tags, ...metatags];
}

function ofTag(completion: Completion | ContextCompletion, prefix: string): WordCompletion {
  return {
    kind: "tag",
    ...completion,
    countInContext: "countInContext" in completion ? completion.countInContext : null,
    value: toTypedName(completion.name, prefix),
    summary: null,
    example: null,
  };
}

function ofMetatag({ value, summary, example }: MetatagCompletion): WordCompletion {
  return {
    kind: "metatag",
    name: value,
    value,
    category: null,
    count: null,
    countInContext: null,
    match: "prefix",
    antecedent: null,
    summary,
    example,
  };
}

/** A name as a search must have it, alone and in a group: as it is where that says it, else in quotes. */
function toTypedName(name: string, prefix: string): string {
  const plain = prefix + name;
  if (saysName(plain, name) && saysName(`(${plain} and all)`, name)) return plain;
  return `${prefix === "" ? "tag:" : prefix}${quoted(name)}`;
}

/** Whether a search has this tag, alone or as the first one. */
function saysName(text: string, name: string): boolean {
  try {
    const { root } = parseQuery(text);
    const first = root.kind === "and" ? root.nodes[0] : root;
    return first.kind === "tag" && first.name === name;
  } catch (error) {
    if (error instanceof QuerySyntaxError) return false;
    throw error;
  }
}
