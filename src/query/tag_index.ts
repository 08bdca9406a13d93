import type { ImageColumns } from "../cache/image_columns.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { findSorted } from "../cache/columns_builder.ts";
import { isTagCategory, TAG_CATEGORIES } from "../tags/category.ts";
import type { CountedTag } from "./tag_list.ts";

/**
 * What finds the tags of a snapshot by their names.
 *
 * The columns answer for all tags that are as they were at the load; the few that were added, renamed
 * or given another category since are listed by themselves.
 */
export type TagIndex = {
  columns: ImageColumns;
  /** Images by place in tagId; 0 where `changed` answers, or nobody. */
  counts: Int32Array;
  /** Place in tagNameOrder by place in tagId. */
  rank: Int32Array;
  /** Tags that the columns do not have as they are now, with at least one image. */
  changed: readonly CountedTag[];
};

/** How many tags are wanted, and of which categories: a bit for each code of the column tagCategory. */
export type TagLimits = { limit: number; categories: number };

/** Tags of every category, and those without one. */
export const ALL_CATEGORIES = 0xff;

/** The bit of a category for {@link TagLimits}; a tag without a category counts as general. */
export function categoryBit(category: string | null): number {
  if (category === null || category === "general") {
    return 1 | 2 << TAG_CATEGORIES.indexOf("general");
  }
  return 2 << TAG_CATEGORIES.findIndex((name) => name === category);
}

/** From `start` to before `end` in tagNameOrder, or in the words. */
export type OrderRange = { start: number; end: number };

/** Part of the index that edits do not change. */
const BASES = new WeakMap<ImageColumns, { counts: Int32Array; rank: Int32Array }>();
const encoder = new TextEncoder();

/** The index of a snapshot. Cost: O(edited tags) once a snapshot, O(tags) once a load (1 to 3 ms). */
export function tagIndexOf(snapshot: ImageSnapshot): TagIndex {
  return snapshot.memo("tagIndex", () => buildIndex(snapshot));
}

function buildIndex(snapshot: ImageSnapshot): TagIndex {
  const { columns } = snapshot;
  const base = baseOf(columns);
  const changes = snapshot.tags.changesSince(columns);
  const edited = [...snapshot.editedTagIds()];
  if (changes.size + edited.length === 0) return { columns, ...base, changed: [] };
  const counts = base.counts.slice();
  for (const id of edited) {
    const place = findSorted(columns.tagId, id);
    if (place >= 0) counts[place] = snapshot.countOfTag(id);
  }
  const changed: CountedTag[] = [];
  for (const [id, record] of changes) {
    const place = findSorted(columns.tagId, id);
    if (place >= 0) counts[place] = 0;
    const count = record === null ? 0 : snapshot.countOfTag(id);
    if (record === null || count === 0) continue;
    const category = isTagCategory(record.category) ? record.category : null;
    changed.push({ id, name: record.name, category, count });
  }
  return { columns, rank: base.rank, counts, changed };
}

function baseOf(columns: ImageColumns): { counts: Int32Array; rank: Int32Array } {
  let base = BASES.get(columns);
  if (base === undefined) {
    const { listOffset, tagNameOrder } = columns;
    const counts = new Int32Array(tagNameOrder.length);
    const rank = new Int32Array(tagNameOrder.length);
    for (let i = 0; i < counts.length; i++) {
      counts[i] = listOffset[i + 1] - listOffset[i];
      rank[tagNameOrder[i]] = i;
    }
    BASES.set(columns, base = { counts, rank });
  }
  return base;
}

/** The tag at a place of the columns. */
export function tagAt(index: TagIndex, snapshot: ImageSnapshot, place: number): CountedTag {
  const id = index.columns.tagId[place];
  return {
    id,
    name: snapshot.tags.nameOf(id)!,
    category: TAG_CATEGORIES[index.columns.tagCategory[place] - 1] ?? null,
    count: index.counts[place],
  };
}

/** Most used first; of equals, the one whose name comes first. */
export function sortByUse<T extends { name: string; count: number }>(tags: T[]): T[] {
  return tags.sort((a, b) => b.count - a.count || compareNames(a.name, b.name));
}

/** Order of the bytes in UTF-8, which is the order of the columns. */
function compareNames(left: string, right: string): number {
  if (left === right) return 0;
  const lengthMin = Math.min(left.length, right.length);
  let i = 0;
  while (i < lengthMin && left.charCodeAt(i) === right.charCodeAt(i)) i++;
  if (i === lengthMin) return left.length - right.length;
  const isHalf = (unit: number) => unit >= 0xd800 && unit < 0xe000;
  const [a, b] = [left.charCodeAt(i), right.charCodeAt(i)];
  // Halves of surrogate pairs stand for signs above all that fit one unit.
  return isHalf(a) === isHalf(b) ? a - b : isHalf(a) ? 1 : -1;
}

/** Names that begin with `prefix`. Cost: O(log tags). */
export function rangeOfNames({ columns }: TagIndex, prefix: string): OrderRange {
  if (!prefix.isWellFormed()) return { start: 0, end: 0 };
  const { tagNameOrder, tagNameOffset, tagNameBytes } = columns;
  const texts = { order: tagNameOrder, offset: tagNameOffset, bytes: tagNameBytes };
  return rangeOfPrefix(texts, tagNameOrder.length, encoder.encode(prefix));
}

/** Words that begin with `prefix`. Cost: O(log words). */
export function rangeOfWords({ columns }: TagIndex, prefix: string): OrderRange {
  const { wordOffset, wordBytes } = columns;
  const texts = { order: null, offset: wordOffset, bytes: wordBytes };
  return rangeOfPrefix(texts, wordOffset.length - 1, encoder.encode(prefix));
}

type Texts = { order: Int32Array | null; offset: Int32Array; bytes: Uint8Array };

function rangeOfPrefix(texts: Texts, length: number, prefix: Uint8Array): OrderRange {
  return {
    start: firstPlace(texts, length, { prefix, isAfter: false }),
    end: firstPlace(texts, length, { prefix, isAfter: true }),
  };
}

/** The first text that is not below the prefix; with `isAfter`, that does not begin with it either. */
function firstPlace(
  { order, offset, bytes }: Texts,
  length: number,
  { prefix, isAfter }: { prefix: Uint8Array; isAfter: boolean },
): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const text = order === null ? middle : order[middle];
    const size = Math.min(prefix.length, offset[text + 1] - offset[text]);
    const start = offset[text];
    let i = 0;
    while (i < size && bytes[start + i] === prefix[i]) i++;
    const isBelow = i === prefix.length ? isAfter : i === size || bytes[start + i] < prefix[i];
    if (isBelow) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Set of places, one bit each. */
export type PlaceSet = Uint32Array;

/** An empty set of places. */
export function makePlaceSet(index: TagIndex): PlaceSet {
  return new Uint32Array((index.counts.length + 31) >>> 5);
}

/** Adds the tags of the words from `start` to before `end`; with `within`, only those that it has. */
export function addTagsOfWords(
  out: PlaceSet,
  { columns }: TagIndex,
  words: OrderRange & { within?: PlaceSet },
): void {
  const { wordListOffset, wordTag } = columns;
  const { start, end, within } = words;
  if (end <= start) return;
  const last = wordListOffset[end];
  if (within === undefined) {
    for (let i = wordListOffset[start]; i < last; i++) {
      out[wordTag[i] >>> 5] |= 1 << (wordTag[i] & 31);
    }
    return;
  }
  for (let i = wordListOffset[start]; i < last; i++) {
    const place = wordTag[i];
    out[place >>> 5] |= within[place >>> 5] & (1 << (place & 31));
  }
}

/** The most used places seen so far: descending by count, then ascending by rank. */
type Top = { places: Int32Array; size: number; countMin: number };

/** The most used tags of a range of names. Cost: O(range), 0.5 ms for 200,000. */
export function topOfRange(index: TagIndex, range: OrderRange, limits: TagLimits): Int32Array {
  const { tagNameOrder } = index.columns;
  const top = makeTop(limits.limit);
  for (let i = range.start; i < range.end; i++) {
    if (index.counts[tagNameOrder[i]] >= top.countMin) offer(index, top, tagNameOrder[i], limits);
  }
  return top.places.subarray(0, top.size);
}

/** The most used tags of a set. Cost: O(tags / 32 + members). */
export function topOfSet(index: TagIndex, set: PlaceSet, limits: TagLimits): Int32Array {
  const { counts } = index;
  const top = makeTop(limits.limit);
  for (let word = 0; word < set.length; word++) {
    for (let bits = set[word]; bits !== 0; bits &= bits - 1) {
      const place = 32 * word + 31 - Math.clz32(bits & -bits);
      if (counts[place] >= top.countMin) offer(index, top, place, limits);
    }
  }
  return top.places.subarray(0, top.size);
}

function makeTop(limit: number): Top {
  return { places: new Int32Array(limit), size: 0, countMin: limit === 0 ? Infinity : 1 };
}

/** Puts a place where it belongs among the top ones, if it does. */
function offer(index: TagIndex, top: Top, place: number, limits: TagLimits): void {
  const { counts, rank, columns } = index;
  if ((limits.categories >>> columns.tagCategory[place] & 1) === 0) return;
  const count = counts[place];
  let i = top.size;
  for (; i > 0; i--) {
    const other = top.places[i - 1];
    if (counts[other] > count || (counts[other] === count && rank[other] < rank[place])) break;
  }
  if (i === limits.limit) return;
  if (top.size < limits.limit) top.size++;
  top.places.copyWithin(i + 1, i, top.size - 1);
  top.places[i] = place;
  if (top.size === limits.limit) top.countMin = counts[top.places[top.size - 1]];
}
