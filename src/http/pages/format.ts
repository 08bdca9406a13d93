import { PAGE_SIZE_DEFAULT } from "../../base/limits.ts";

/** Which results an address leads to; what is left out is the default. */
export type PostsTarget = { q?: string; page?: number | string; limit?: number };

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

/** Gives the address of a list of posts. */
export function postsUrl(target: PostsTarget = {}): string {
  const { q = "", page = 1, limit = PAGE_SIZE_DEFAULT } = target;
  return withParameters("/posts", {
    q,
    page: page === 1 || page === "1" ? "" : String(page),
    limit: limit === PAGE_SIZE_DEFAULT ? "" : String(limit),
  });
}

/** Gives the address of a post, within the search that led there. */
export function postUrl(target: { id: number; q?: string }): string {
  return withParameters(`/posts/${target.id}`, { q: target.q ?? "" });
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
  return text.split(/\s+/).filter((part) => part !== "").map((part) => ({
    text: visibleText(part),
    href: toWebUrl(part),
  }));
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

/**
 * Gives the search term for a tag.
 *
 * A few stored names are operators when they are typed (`-_-`, `~_~`, `(^o^)`, `or`); a wildcard in front,
 * which also stands for nothing, makes them names again.
 */
export function toTerm(tag: string): string {
  return /^[-~()]/.test(tag) || /^(and|or)$/i.test(tag) ? `*${tag}` : tag;
}

/** Tells whether every result of a query has this term, because the query lists it as a condition. */
export function hasTerm(query: string, tag: string): boolean {
  return findTerm(toTerms(query), toTerm(tag)) !== undefined;
}

function findTerm(terms: PlacedTerm[], wanted: string): PlacedTerm | undefined {
  if (hasTopLevelOr(terms)) return undefined;
  return terms.find((term) => term.depth === 0 && term.text.toLowerCase() === wanted.toLowerCase());
}

/** Gives the query without a term that {@link hasTerm} finds. */
export function removeTerm(query: string, tag: string): string {
  return withoutTerm(query, toTerm(tag));
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
  return withTerm(query, { add: toTerm(tag), drop: `-${toTerm(tag)}` });
}

/** Gives the query that leaves out this tag too; a demand for the same tag goes. */
export function excludeTerm(query: string, tag: string): string {
  return withTerm(query, { add: `-${toTerm(tag)}`, drop: toTerm(tag) });
}

function withTerm(query: string, change: { add: string; drop: string }): string {
  const left = withoutTerm(query, change.drop);
  const terms = toTerms(left);
  if (terms.length === 0) return change.add;
  if (findTerm(terms, change.add) !== undefined) return left;
  return `${hasTopLevelOr(terms) ? `(${left})` : left} ${change.add}`;
}
