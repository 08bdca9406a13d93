import type { TagId } from "../base/ids.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import {
  completeInContext,
  completeTags,
  type Completion,
  type CompletionMatch,
  type ContextCompletion,
  splitNamePrefix,
} from "./autocomplete.ts";
import { completeMetatags, correctMetatag, type MetatagCompletion } from "./complete_metatags.ts";
import { completePools } from "./complete_pools.ts";
import { findMetatag } from "./metatags.ts";
import { listTags } from "./tag_list.ts";
import { toTagTerm } from "./tag_term.ts";

/** What a word that is being typed may become: a tag, a wildcard, or a metatag with or without a value. */
export type WordCompletion = {
  kind: "tag" | "wildcard" | "metatag";
  /** What is shown. */
  name: string;
  /** Operators in front of the word that stay; the others are part of the name. */
  operators: string;
  /** What takes the place of the word behind them: text that a search reads as the name. */
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

/** Tags offered whose names begin with what are operators elsewhere. */
const LITERAL_MAX = 3;

/** Splits the operators off a typed word. */
export function splitOperators(typed: string): { operators: string; word: string } {
  const [operators] = /^[-~(]*/.exec(typed)!;
  return { operators, word: typed.slice(operators.length) };
}

/**
 * Completes the word that is being typed in a search, operators in front of it left out.
 *
 * Behind the name of a metatag there are its values, else tags; names of metatags follow the tags they
 * are as likely as, and come before tags that were only nearly typed. A word with a wildcard or a value in
 * quotes means itself and is not completed. Where a tag's name begins as an operator (`-_-`), it is
 * offered too, in quotes. `countWithTag` counts within the rest of the search.
 *
 * Cost: that of {@link completeTags}, and of the counts.
 */
export function completeWord(snapshot: ImageSnapshot, options: CompleteOptions): WordCompletion[] {
  const typed = options.word.trim();
  const { operators, word } = splitOperators(typed);
  const found = completeBare(snapshot, { ...options, word })
    .map((completion) => ({ ...completion, operators }));
  if (operators === "") return found;
  const literal = completeLiteral(snapshot, { ...options, word: typed });
  const isExact = ({ name, operators }: WordCompletion) => operators + name === typed.toLowerCase();
  const exact = literal.filter(isExact);
  const others = found.filter(({ name }) => literal.every((other) => other.name !== name));
  return [
    ...exact,
    ...others.slice(0, Math.max(0, options.limit - literal.length)),
    ...literal.filter((completion) => !isExact(completion)),
  ].slice(0, options.limit);
}

/** What is being typed, and where. */
export type CompleteOptions = {
  word: string;
  limit: number;
  countWithTag: ((tagId: TagId) => number) | null;
};

function completeBare(
  snapshot: ImageSnapshot,
  { word, limit, countWithTag }: CompleteOptions,
): WordCompletion[] {
  if (word === "" || /[*]|:["']/.test(word)) return [];
  const { prefix } = splitNamePrefix(word);
  const colon = word.indexOf(":");
  const metatag = prefix === "" ? findMetatag(word.slice(0, Math.max(0, colon))) : undefined;
  if (metatag !== undefined) {
    const values = completeMetatags(word, limit);
    const isOfPool = metatag.name === "pool" || metatag.name === "ordpool";
    const pools = isOfPool ? completePools(snapshot, { text: word, limit }) : [];
    // A lone name is there to show what can follow, and pools show it better.
    const kept = pools.length > 0 ? values.filter(({ value }) => !value.endsWith(":")) : values;
    return [...kept, ...pools].slice(0, limit).map(ofMetatag);
  }
  const hasNames = colon < 0 && word.length >= METATAG_LETTERS_MIN;
  const names = hasNames ? completeMetatags(word, Math.min(limit, METATAG_NAMES_MAX)) : [];
  const text = { text: word, limit: limit - names.length };
  const tags =
    (countWithTag === null
      ? completeTags(snapshot, text)
      : completeInContext(snapshot, { ...text, countWithTag }))
      .map((completion) => ofTag(completion, prefix));
  const isNear = tags.length === 0 || tags[0].match === "typo";
  if (colon > 0 && prefix === "" && isNear) names.push(...correctMetatag(word));
  const metatags = names.map(ofMetatag);
  return (isNear ? [...metatags, ...tags] : [...tags, ...metatags]).slice(0, limit);
}

/** Tags whose names begin with operators as they were typed: all of them, or those that are not the first. */
function completeLiteral(
  snapshot: ImageSnapshot,
  { word: typed, limit, countWithTag }: CompleteOptions,
): WordCompletion[] {
  const { operators } = splitOperators(typed);
  const found: WordCompletion[] = [];
  for (let at = 0; at < operators.length; at++) {
    const prefix = typed.slice(at).toLowerCase();
    // One sign alone is an operator.
    if (prefix.length < 2) break;
    for (const tag of listTags(snapshot, { prefix, limit: Math.min(LITERAL_MAX, limit) })) {
      const countInContext = countWithTag === null ? null : countWithTag(tag.id);
      const completion = { ...tag, match: "prefix" as const, antecedent: null };
      found.push({ ...ofTag(completion, ""), countInContext, operators: typed.slice(0, at) });
    }
  }
  return found.slice(0, LITERAL_MAX);
}

function ofTag(completion: Completion | ContextCompletion, prefix: string): WordCompletion {
  const { name, category, count, match, antecedent } = completion;
  return {
    kind: "tag",
    name,
    operators: "",
    value: toTagTerm(name, prefix),
    category,
    count,
    countInContext: "countInContext" in completion ? completion.countInContext : null,
    match,
    antecedent,
    summary: null,
    example: null,
  };
}

function ofMetatag({ value, summary, example }: MetatagCompletion): WordCompletion {
  return {
    kind: "metatag",
    name: value,
    operators: "",
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
