import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { normalizeTagName } from "../tags/tag_name.ts";
import type { QueryNode } from "./ast.ts";
import { completeTags, findNearlyTyped } from "./autocomplete.ts";
import { correctMetatag } from "./complete_metatags.ts";
import { parseQuery } from "./parser.ts";
import { listTags } from "./tag_list.ts";
import { toTagTerm } from "./tag_term.ts";

/** Tags of each kind (nearly typed, completed) that are suggested together. */
const OF_A_KIND_MAX = 3;
/** Beginnings longer than this are not tried. */
const BEGINNING_LENGTH_MAX = 40;

/**
 * Words of a search that an unknown name may have meant: a metatag that was nearly typed (`scor:>5`), tags
 * that it nearly is or is the beginning, a word or an alias of, else those with the longest beginning that
 * is known; the most used first.
 *
 * Cost: some 5 ms for 200,000 tags.
 */
export function suggestTerms(snapshot: ImageSnapshot, name: string, limit: number): string[] {
  const metatags = correctMetatag(name).map(({ value }) => value).filter(isSearch);
  const options = { text: name, limit: OF_A_KIND_MAX };
  const tags = new Map(
    [...findNearlyTyped(snapshot, options), ...completeTags(snapshot, options)]
      .map((tag) => [tag.name, tag]),
  );
  const names = tags.size > 0 || metatags.length > 0
    ? [...tags.values()].sort((a, b) => b.count - a.count).map((tag) => tag.name)
    : namesOfBeginning(snapshot, name, limit);
  return [...metatags, ...names.map((found) => toTagTerm(found))].slice(0, limit);
}

/** A value that a search must have in quotes is none that somebody typed so. */
function isSearch(text: string): boolean {
  if (/[\s\u0085]/u.test(text)) return false;
  try {
    parseQuery(text);
    return true;
  } catch (error) {
    if (error instanceof QuerySyntaxError) return false;
    throw error;
  }
}

function namesOfBeginning(snapshot: ImageSnapshot, name: string, limit: number): string[] {
  for (
    let length = Math.min(name.length, BEGINNING_LENGTH_MAX);
    length >= 2;
    length = Math.floor(length * 0.7)
  ) {
    const tags = listTags(snapshot, { prefix: name.slice(0, length), limit });
    if (tags.length > 0) return tags.map((tag) => tag.name);
  }
  return [];
}

/**
 * Sorts unknown names of a search: those that it asks for in their order, then those that it only leaves
 * out, which changes nothing. Cost: O(terms).
 */
export function sortUnknown(root: QueryNode, names: readonly string[]): string[] {
  const left = new Set(names);
  const [wanted, excluded]: string[][] = [[], []];
  const walk = (node: QueryNode, isExcluded: boolean) => {
    if (node.kind === "not") walk(node.node, !isExcluded);
    else if (node.kind === "and" || node.kind === "or") {
      for (const member of node.nodes) walk(member, isExcluded);
    } else if (node.kind === "tag" && left.has(node.name)) {
      (isExcluded ? excluded : wanted).push(node.name);
    }
  };
  walk(root, false);
  return [...new Set([...wanted, ...excluded, ...names])];
}

/** Words of a search that are looked at for tags of exactly that name. */
const WORDS_LOOKED_AT_MAX = 50;
/** Tags that are named. */
const LITERAL_MAX = 3;

/**
 * Words of a search that begin with an operator and are the name of a tag as they stand (`-_-`, which as a
 * search is "without _-"), with the term that finds it.
 */
export function findLiteralTags(
  snapshot: ImageSnapshot,
  text: string,
): { word: string; term: string }[] {
  const words = new Set(text.split(/[\s\u0085]+/u, WORDS_LOOKED_AT_MAX));
  const found: { word: string; term: string }[] = [];
  for (const word of words) {
    const name = /^[-~(]./u.test(word) ? normalizeTagName(word) : undefined;
    const id = name === undefined ? undefined : snapshot.tags.idOf(name);
    if (id === undefined || snapshot.countOfTag(id) === 0) continue;
    found.push({ word, term: toTagTerm(name!) });
  }
  return found.slice(0, LITERAL_MAX);
}
