import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import type { Completion } from "../../src/query/autocomplete.ts";

/*
 * Completion as its documentation says it, with a look at every tag for every question: no index, no
 * filter, no early end.
 */

type Tag = { name: string; category: string | null; count: number };

/** Optimal string alignment by the whole table, in code points. */
export function naiveDistance(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 0; i <= a.length; i++) table[i][0] = i;
  for (let j = 0; j <= b.length; j++) table[0][j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i][j] = Math.min(
        table[i - 1][j] + 1,
        table[i][j - 1] + 1,
        table[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        table[i][j] = Math.min(table[i][j], table[i - 2][j - 2] + 1);
      }
    }
  }
  return table[a.length][b.length];
}

function wordsOf(text: string): string[] {
  return text.match(/[a-z0-9\u0080-\u{10ffff}]+/giu) ?? [];
}

function slipsOf(text: string): number {
  const length = [...text].length;
  return length < 3 ? 0 : length < 6 ? 1 : 2;
}

function isTypo(name: string, text: string, distance: number): boolean {
  if (naiveDistance(name, text) <= Math.min(distance, slipsOf(text))) {
    // Short texts get no second slip: two slips of them are asked for only through their words.
    if (slipsOf(text) >= distance) return true;
  }
  const words = wordsOf(text);
  return words.length > 0 &&
    words.every((word) =>
      wordsOf(name).some((own) =>
        own.startsWith(word) || naiveDistance(own, word) <= Math.min(distance, slipsOf(word))
      )
    );
}

/** What completeTags() is to answer for a text in its normal form. */
export function naiveCompletions(
  snapshot: ImageSnapshot,
  { text, limit, category = null }: { text: string; limit: number; category?: string | null },
): Completion[] {
  const tags: Tag[] = [];
  for (const [id, name] of snapshot.tags.entries()) {
    const own = snapshot.tags.categoryOf(id) ?? null;
    const isWanted = category === null ? own !== "rating" : (own ?? "general") === category;
    const count = snapshot.countOfTag(id);
    if (isWanted && count > 0) tags.push({ name, category: own, count });
  }
  tags.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  const found = new Map<string, Completion>();
  const add = (tag: Tag, match: Completion["match"], antecedent: string | null = null) => {
    if (!found.has(tag.name)) found.set(tag.name, { ...tag, match, antecedent });
  };
  const addAll = (match: Completion["match"], isMatch: (name: string) => boolean) => {
    for (const tag of tags) if (isMatch(tag.name)) add(tag, match);
  };
  const { aliases } = snapshot;
  addAll("prefix", (name) => name === text);
  const meant = tags.find((tag) => tag.name === aliases.resolve(text));
  if (meant !== undefined && meant.name !== text) add(meant, "alias", text);
  addAll("prefix", (name) => name.startsWith(text));
  const words = wordsOf(text);
  if (words.length > 0) {
    addAll(
      "word",
      (name) => words.every((word) => wordsOf(name).some((own) => own.startsWith(word))),
    );
  }
  for (const tag of tags) {
    const antecedents = aliases.aliasesOf(tag.name).filter((alias) => alias.startsWith(text))
      .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    if (antecedents.length > 0) add(tag, "alias", antecedents[0]);
  }
  for (const distance of [1, 2]) {
    const isPossible = [text, ...words].some((part) => slipsOf(part) >= distance);
    if (found.size === 0 && isPossible) addAll("typo", (name) => isTypo(name, text, distance));
  }
  return [...found.values()].slice(0, limit);
}
