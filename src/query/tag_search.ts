import type { TagId } from "../base/ids.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { TagRecord } from "../cache/ports.ts";
import { TAG_CATEGORIES } from "../tags/category.ts";
import { sortRowsByValue } from "./radix_sort.ts";
import type { Steps } from "./steps.ts";
import { rangeOfNames, type TagIndex, tagIndexOf } from "./tag_index.ts";
import type { CountedTag } from "./tag_list.ts";

/** Orders of a list of tags; `date` is the newest first. */
export type TagOrder = "name" | "count" | "date";

/** Which tags of a library are listed. */
export type TagFilter = {
  /** Tests on the parts of a tag, cheap ones; ratings are no tags and never asked for. */
  matches?: (tag: { id: TagId; category: string | null; count: number }) => boolean;
  /** A test of the name; without one no name is looked at. */
  matchesName?: (name: string) => boolean;
  /** Only these; then `matchesName` is not asked. */
  names?: readonly string[];
  order: TagOrder;
};

/** Tags looked at between two pauses. */
const CHUNK_TAGS = 1 << 11;

/**
 * Ids of the tags that pass a filter, in an order; tags without images count too. Equal tags follow by
 * id. Cost: O(names) where names are given, else O(tags), about 10 ms for 200,000 in slices; the orders are
 * kept with the snapshot.
 */
export function* findTagIds(snapshot: ImageSnapshot, filter: TagFilter): Steps<Int32Array> {
  if (filter.names !== undefined) return sortNamed(snapshot, filter.names, filter);
  const listing = listingOf(snapshot);
  const places = yield* orderedPlaces(listing, filter.order);
  const { matches, matchesName } = filter;
  const { tagId, tagCategory } = listing.index.columns;
  const { counts } = listing.index;
  const ids = new Int32Array(places.length);
  let count = 0;
  for (let i = 0; i < places.length; i++) {
    if (i % CHUNK_TAGS === CHUNK_TAGS - 1) yield;
    const place = places[i];
    const tag = place < tagId.length
      ? {
        id: tagId[place],
        category: TAG_CATEGORIES[tagCategory[place] - 1] ?? null,
        count: counts[place],
      }
      : listing.changed[place - tagId.length];
    if (matches?.(tag) === false) continue;
    if (matchesName !== undefined) {
      const name = snapshot.tags.nameOf(tag.id);
      if (name === undefined || !matchesName(name)) continue;
    }
    ids[count++] = tag.id;
  }
  return ids.subarray(0, count);
}

function sortNamed(
  snapshot: ImageSnapshot,
  names: readonly string[],
  { order, matches }: TagFilter,
): Int32Array {
  const ids = new Set(names.map((name) => snapshot.tags.idOf(name)));
  const tags = [...ids].map((id) => id === undefined ? undefined : tagOfId(snapshot, id))
    .filter((tag) => tag !== undefined)
    .filter((tag) => tag.category !== "rating" && matches?.(tag) !== false);
  return Int32Array.from(tags.sort(COMPARE[order]), ({ id }) => id);
}

const COMPARE: Record<TagOrder, (a: CountedTag, b: CountedTag) => number> = {
  name: (a, b) => a.name < b.name ? -1 : 1,
  count: (a, b) => b.count - a.count || a.id - b.id,
  date: (a, b) => b.id - a.id,
};

/** The tags of a snapshot; a place is one in the columns' tagId, behind them one in `changed`. */
type Listing = {
  index: TagIndex;
  /** Tags that the columns do not have as they are now, ascending by id. */
  changed: readonly ChangedTag[];
  /** Places in the columns that do not answer any more, by id. */
  changes: ReadonlyMap<TagId, TagRecord | null>;
  /** Places in each order, as far as anybody asked. */
  orders: Map<TagOrder, Int32Array>;
};

type ChangedTag = Pick<CountedTag, "id" | "category" | "count" | "name"> & {
  /** Place of its name among the names of the columns. */
  start: number;
};

function listingOf(snapshot: ImageSnapshot): Listing {
  return snapshot.memo("tagListing", () => {
    const index = tagIndexOf(snapshot);
    const changes = snapshot.tags.changesSince(index.columns);
    const changed = [...changes.values()]
      .filter((record) => record !== null && record.category !== "rating")
      .map((record) => ({
        ...record!,
        count: snapshot.countOfTag(record!.id),
        start: rangeOfNames(index, record!.name).start,
      })).sort((a, b) => a.id - b.id);
    return { index, changed, changes, orders: new Map() };
  });
}

function* orderedPlaces(listing: Listing, order: TagOrder): Steps<Int32Array> {
  const kept = listing.orders.get(order);
  if (kept !== undefined) return kept;
  const places = order === "name" ? yield* placesByName(listing) : yield* placesById(listing);
  const sorted = order === "count" ? yield* sortByCount(listing, places) : places;
  if (order === "date") sorted.reverse();
  listing.orders.set(order, sorted);
  return sorted;
}

/** Whether a place of the columns is of a tag that is listed and as it was. */
function isListed({ index: { columns }, changes }: Listing, place: number): boolean {
  return TAG_CATEGORIES[columns.tagCategory[place] - 1] !== "rating" &&
    !changes.has(columns.tagId[place]);
}

function* placesById(listing: Listing): Steps<Int32Array> {
  const { index: { columns: { tagId } }, changed } = listing;
  const places = new Int32Array(tagId.length + changed.length);
  let [count, next] = [0, 0];
  for (let place = 0; place < tagId.length; place++) {
    if (place % CHUNK_TAGS === CHUNK_TAGS - 1) yield;
    if (!isListed(listing, place)) continue;
    while (next < changed.length && changed[next].id < tagId[place]) {
      places[count++] = tagId.length + next++;
    }
    places[count++] = place;
  }
  while (next < changed.length) places[count++] = tagId.length + next++;
  return places.slice(0, count);
}

function* placesByName(listing: Listing): Steps<Int32Array> {
  const { index: { columns: { tagId, tagNameOrder } }, changed } = listing;
  const places = new Int32Array(tagId.length + changed.length);
  const added = [...changed.keys()].sort((a, b) =>
    changed[a].start - changed[b].start || (changed[a].name < changed[b].name ? -1 : 1)
  );
  let [count, next] = [0, 0];
  for (let i = 0; i < tagNameOrder.length; i++) {
    if (i % CHUNK_TAGS === CHUNK_TAGS - 1) yield;
    if (!isListed(listing, tagNameOrder[i])) continue;
    while (next < added.length && changed[added[next]].start <= i) {
      places[count++] = tagId.length + added[next++];
    }
    places[count++] = tagNameOrder[i];
  }
  while (next < added.length) places[count++] = tagId.length + added[next++];
  return places.slice(0, count);
}

function* sortByCount(listing: Listing, places: Int32Array): Steps<Int32Array> {
  const { index: { counts }, changed } = listing;
  const rarity = places.map((place) =>
    -(place < counts.length ? counts[place] : changed[place - counts.length].count)
  );
  yield;
  const order = yield* sortRowsByValue(rarity);
  return order.map((i) => places[i]);
}

/** A tag by its id, with its count; undefined when there is none. */
export function tagOfId(snapshot: ImageSnapshot, id: TagId): CountedTag | undefined {
  const name = snapshot.tags.nameOf(id);
  if (name === undefined) return undefined;
  const category = snapshot.tags.categoryOf(id) ?? null;
  return { id, name, category, count: snapshot.countOfTag(id) };
}
