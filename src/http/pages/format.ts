import { PAGE_SIZE_DEFAULT } from "../../base/limits.ts";
import { tagNameOf, toTagTerm } from "../../query/tag_term.ts";

/** Which results an address leads to; what is left out, or null, is the default. */
export type PostsTarget = { q?: string; page?: number | string; limit?: number | null };

/** Formats a whole number in groups of three: `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** Formats a number with the thing it counts: `1 post`, `12,345 posts`. */
export function formatCounted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Formats a size with units of 1024: `512 bytes`, `1.4 MB`. */
export function formatBytes(sizeBytes: number): string {
  if (sizeBytes < 1024) return formatCounted(sizeBytes, "byte");
  let size = sizeBytes / 1024;
  const units = ["KB", "MB", "GB", "TB"];
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${size < 9.95 ? size.toFixed(1) : size.toFixed(0)} ${units[unit]}`;
}

/** Formats a duration as players do: `0:07`, `1:02:03`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  if (seconds >= 3600) parts.unshift(Math.floor(seconds / 3600));
  return parts.map((part, at) => at === 0 ? String(part) : String(part).padStart(2, "0")).join(":");
}

/** Formats how long ago a time was: `just now`, `3 hours ago`; a text that is no time comes back as it is. */
export function formatAge(time: string, nowMs: number = Date.now()): string {
  const iso = toIsoTime(time);
  if (iso === undefined) return visibleText(time);
  const minutes = Math.floor((nowMs - Date.parse(iso)) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${formatCounted(minutes, "minute")} ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${formatCounted(hours, "hour")} ago`;
  return `${formatCounted(Math.floor(hours / 24), "day")} ago`;
}

/** Formats a time in UTC as `2024-05-01 12:34`; a text that is no time comes back as it is. */
export function formatTime(time: string | number): string {
  return toIsoTime(time)?.slice(0, 16).replace("T", " ") ?? visibleText(String(time));
}

/** Gives the machine-readable form of a time, undefined when it is none; SQLite's own form is UTC. */
export function toIsoTime(time: string | number): string | undefined {
  const text = typeof time === "string" && /^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d+)?)?$/.test(time)
    ? `${time.replace(" ", "T")}Z`
    : time;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Signs that are not seen but change how the rest is read: controls, direction marks, no-width spaces. */
const UNSEEN = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/gu;

/** Gives a text of others with its unseen signs spelled out, so that a name looks like what it is. */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, (sign) => {
    if (sign === "\n" || sign === "\t") return sign;
    return `[U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

/** A search that names the size of its pages. */
const NAMES_LIMIT = /(^|[\s(])(limit|random):/i;

/** Gives the address of a list of posts; the usual size of a page is left out where that changes nothing. */
export function postsUrl(target: PostsTarget = {}): string {
  const { q = "", page = 1, limit } = target;
  const isUsual = limit === PAGE_SIZE_DEFAULT && !NAMES_LIMIT.test(q);
  return withParameters("/posts", {
    q,
    page: page === 1 || page === "1" ? "" : String(page),
    limit: isUsual ? "" : String(limit ?? ""),
  });
}

/** A seed of an order by chance that stands in a search. */
const SEED = /((?:^|[\s(])order:random):\d+(?=[\s)]|$)/iu;

/** Gives a search by chance without its seed, so that it is drawn anew; null for another search. */
export function withoutSeed(query: string): string | null {
  return SEED.test(query) ? query.replace(SEED, "$1") : null;
}

/** Gives the address of a post, within the search that led there. */
export function postUrl(target: { id: number; q?: string }): string {
  return withParameters(`/posts/${target.id}`, { q: target.q ?? "" });
}

/** Gives the address of the page that edits all posts of a search. */
export function bulkUrl(query: string): string {
  return withParameters("/posts/bulk", { tags: query });
}

function withParameters(path: string, parameters: Record<string, string>): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "") pairs.push(`${name}=${encodeURIComponent(value.toWellFormed())}`);
  }
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
}

/** Splits what a site or a person gave as a source into links that are safe to follow, and other text. */
export function parseSources(text: string): { text: string; href: string | null }[] {
  const sources: { text: string; href: string | null }[] = [];
  for (const part of text.split(/\s+/).filter((part) => part !== "")) {
    const href = toWebUrl(part);
    const last = sources.at(-1);
    // Words between addresses belong together: "Own scan".
    if (href === null && last?.href === null) last.text += ` ${visibleText(part)}`;
    else sources.push({ text: visibleText(part), href });
  }
  return sources;
}

/** Gives the address when it is one of the web (http or https), null for every other scheme. */
export function toWebUrl(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === "http:" || url?.protocol === "https:" ? url.href : null;
}

/** Gives an address only when it is a path on this server, else null. */
export function toLocalPath(path: string): string | null {
  return /^\/(?![/\\])/.test(path) ? path : null;
}

/** A metatag whose value is in quotes, or anything up to white space. */
const TERM = /[-~(]*\w+:"(?:\\.|[^"\\])*"\)*|[^\s\u0085]+/gu;

/** A term with the number of groups that are open around it. */
type PlacedTerm = { text: string; start: number; end: number; depth: number };

function toTerms(query: string): PlacedTerm[] {
  let depth = 0;
  return [...query.matchAll(TERM)].map((match) => {
    const text = match[0];
    const [, groups, rest] = /^[-~]*(\(*)(.*)$/su.exec(text) ?? ["", "", ""];
    // Parentheses inside a name, `foo_(bar)`, open and close nothing.
    const closing = Math.max(0, countOf(rest, ")") - countOf(rest, "("));
    const term = { text, start: match.index, end: match.index + text.length, depth };
    depth = Math.max(0, depth + groups.length - closing);
    return term;
  });
}

function countOf(text: string, sign: string): number {
  return text.split(sign).length - 1;
}

function hasTopLevelOr(terms: PlacedTerm[]): boolean {
  return terms.some((term) => term.depth === 0 && term.text.toLowerCase() === "or");
}

/** Tells whether every result of a query has this term, because the query lists it as a condition. */
export function hasTerm(query: string, tag: string): boolean {
  return findTerm(toTerms(query), toTagTerm(tag)) !== undefined;
}

function findTerm(terms: PlacedTerm[], wanted: string): PlacedTerm | undefined {
  if (hasTopLevelOr(terms)) return undefined;
  return terms.find((term) => term.depth === 0 && term.text.toLowerCase() === wanted.toLowerCase());
}

/** Gives the query without a term that {@link hasTerm} finds. */
export function removeTerm(query: string, tag: string): string {
  return withoutTerm(query, toTagTerm(tag));
}

function withoutTerm(query: string, wanted: string): string {
  let left = query;
  for (;;) {
    const found = findTerm(toTerms(left), wanted);
    if (found === undefined) return left.trim();
    left = `${left.slice(0, found.start).trimEnd()} ${left.slice(found.end).trimStart()}`;
  }
}

/** Gives the query that asks for this tag too; an exclusion of the same tag goes. */
export function addTerm(query: string, tag: string): string {
  return withTerm(query, { add: toTagTerm(tag), drop: `-${toTagTerm(tag)}` });
}

/** Gives the query that leaves out this tag too; a demand for the same tag goes. */
export function excludeTerm(query: string, tag: string): string {
  return withTerm(query, { add: `-${toTagTerm(tag)}`, drop: toTagTerm(tag) });
}

function withTerm(query: string, change: { add: string; drop: string }): string {
  const left = withoutTerm(query, change.drop);
  const terms = toTerms(left);
  if (terms.length === 0) return change.add;
  if (findTerm(terms, change.add) !== undefined) return left;
  return `${hasTopLevelOr(terms) ? `(${left})` : left} ${change.add}`;
}

/**
 * Gives the query with `to` in the place of every word that asks for a tag, whatever stands in front of it
 * (`-`, `(`, `artist:`); just `to` when there is no such word.
 */
export function replaceTag(query: string, change: { from: string; to: string }): string {
  const { from, to } = change;
  let isFound = false;
  const replaced = query.replace(TERM, (term) => {
    const [, before, word] = /^([-~(]*)(.*)$/su.exec(term)!;
    // Names have no spaces; most words need no closer look.
    const plain = word.toLowerCase().replaceAll(/\s/gu, "_");
    if (!plain.includes(from.split(/["\\]/)[0])) return term;
    // What is behind the name closes groups; how much, the name itself says.
    const [closing] = /\)*$/.exec(word)!;
    for (let given = 0; given <= closing.length; given++) {
      if (tagNameOf(word.slice(0, word.length - given)) !== from) continue;
      isFound = true;
      return before + to + word.slice(word.length - given);
    }
    return term;
  });
  return isFound ? replaced : to;
}

/** Gives the query with a term in the place of every word that is written exactly so. */
export function replaceWord(query: string, change: { from: string; to: string }): string {
  return query.split(/([\s\u0085]+)/u).map((word) => word === change.from ? change.to : word)
    .join("");
}
