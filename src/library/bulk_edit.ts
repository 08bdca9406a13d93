import { AppError } from "../base/errors.ts";
import type { ImageId, Row, TagId } from "../base/ids.ts";
import { BULK_EDIT_SAMPLE_IMAGES } from "../base/limits.ts";
import { includesSorted } from "../base/int32_set.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { parseQuery } from "../query/parser.ts";
import { search, type SearchResult } from "../query/search.ts";
import { runSteps, type Steps } from "../query/steps.ts";
import { OWNER } from "../store/post_history.ts";
import { tagRulesOf } from "../store/tag_rules.ts";
import { checkCategories } from "../store/tag_categories.ts";
import { resolveTags, type WantedTag } from "../store/tags.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import { parseTagsToEdit } from "./edit_tags.ts";
import { type ImageView, toImageView } from "./image_view.ts";
import type { Library } from "./library.ts";
import { type OperationOptions, runOperation } from "./operations.ts";

/** An edit of all images that a search finds, as typed. */
export type BulkEditRequest = {
  query: string;
  /** Names, as in an edit of one image. */
  add: readonly string[];
  remove: readonly string[];
  /** Whether a search without a condition is meant: all images. */
  all?: boolean;
};

/** How many images get a tag, and how many lose it. */
export type BulkTagCount = { name: string; added: number; removed: number };

/** What an edit of all images of a search comes to, as of one moment. */
export type BulkEditPlan = {
  query: string;
  add: WantedTag[];
  remove: string[];
  /** Images that the search finds. */
  matched: number;
  /** Those whose tags change, ascending. */
  imageIds: Int32Array;
  tags: BulkTagCount[];
  /** What comes by implications where it is missing, and what may go by them. */
  implied: { added: string[]; removed: string[] };
  /** Some of the images that change, the newest. */
  sample: ImageView[];
};

/** What {@link editTagsOfSearch} answers. */
export type BulkEditResult = {
  query: string;
  dryRun: boolean;
  matched: number;
  /** Images whose tags change; after a run those whose tags changed. */
  changed: number;
  tags: BulkTagCount[];
  implied: { added: string[]; removed: string[] };
  sample: ImageView[];
  /** The operation, to undo it; null in a dry run, and when nothing was to be done. */
  operationId: number | null;
  /** Images that went meanwhile, the first of them by their numbers. */
  skipped: { count: number; images: { imageId: number; why: "trashed" | "gone" }[] };
};

/** Options of {@link editTagsOfSearch}. */
export type BulkEditOptions = OperationOptions & {
  /** Told the number of the operation when it is written down, before anything is changed. */
  onStarted?: (operationId: number) => void;
};

/**
 * Adds tags to all images that a search finds, and removes others, as one operation that can be undone.
 * The search is evaluated once; what it finds is edited even if it would find something else meanwhile.
 * With `dryRun` nothing is written. A run that is cancelled or killed leaves an operation that can go on.
 *
 * @throws {AppError} `bad_request` (also for a search without a condition, unless `all` says that it is
 *   meant), `conflict` if a tag is wanted in another category than it has, `cancelled`.
 * @throws {QuerySyntaxError} If the query does not parse.
 */
export async function editTagsOfSearch(
  library: Library,
  { dryRun, ...request }: BulkEditRequest & { dryRun: boolean },
  options: BulkEditOptions = {},
): Promise<BulkEditResult> {
  const plan = await planBulkEdit(library, request, options.signal);
  return dryRun ? describePlan(plan) : await runBulkEdit(library, plan, options);
}

/**
 * Finds out what an edit of all images of a search comes to. Cost: about 1 µs an image, in slices.
 *
 * @throws {AppError} As {@link editTagsOfSearch}.
 */
export async function planBulkEdit(
  library: Library,
  request: BulkEditRequest,
  signal?: AbortSignal,
): Promise<BulkEditPlan> {
  const { query } = request;
  const parsed = parseQuery(query);
  if (parsed.root.kind === "all" && request.all !== true) {
    throw new AppError("bad_request", "This search has no condition: it would edit every image", {
      remedy: 'Name a tag, or say that every image is meant with "all": true',
    });
  }
  const { add, remove } = parseNames(library, request);
  const { reader } = library.core;
  checkCategories(reader, resolveTags(reader, add));
  const snapshot = library.core.cache.current;
  const found = await search(snapshot, { ...parsed, order: null, limit: null }, { signal });
  const change = toTagIds(snapshot, { add, remove });
  const steps = findChanged(snapshot, found, change);
  const imageIds = await runSteps(steps, { signal, what: "The preview" });
  const newest = [...imageIds.slice(-BULK_EDIT_SAMPLE_IMAGES)].reverse();
  return {
    query,
    add,
    remove,
    matched: found.total,
    imageIds,
    tags: [...change.counts.values()],
    implied: findImplied(library, { add, remove }),
    sample: newest.map((id) => toImageView(snapshot, snapshot.rowOfId(id)!)),
  };
}

/** What a plan answers without being carried out. */
export function describePlan(plan: BulkEditPlan): BulkEditResult {
  const { query, matched, tags, implied, sample, imageIds } = plan;
  const skipped = { count: 0, images: [] };
  const changed = imageIds.length;
  return {
    query,
    dryRun: true,
    matched,
    changed,
    tags,
    implied,
    sample,
    operationId: null,
    skipped,
  };
}

/**
 * Carries a plan out.
 *
 * @throws {AppError} `conflict`, `cancelled`; the operation stays and can go on.
 */
export async function runBulkEdit(
  library: Library,
  plan: BulkEditPlan,
  options: BulkEditOptions = {},
): Promise<BulkEditResult> {
  const described = { ...describePlan(plan), dryRun: false };
  const { query, add, remove, imageIds } = plan;
  if (imageIds.length === 0) return described;
  options.signal?.throwIfAborted();
  const { operationId } = await library.writer.call("startBulkEdit", {
    editor: OWNER,
    query,
    add,
    remove,
    imageIds,
  });
  options.onStarted?.(operationId);
  const { steps } = await runOperation(library, operationId, options);
  const { changed, skipped } = steps;
  return { ...described, changed, skipped, operationId };
}

/** Reads the names; the last rating is the one that is meant, as in an edit of one image. */
function parseNames(
  library: Library,
  request: BulkEditRequest,
): { add: WantedTag[]; remove: string[] } {
  const { add, remove } = parseTagsToEdit(library, request);
  if (add.length + remove.length === 0) {
    throw new AppError("bad_request", "There is no tag to add or to remove");
  }
  const { aliases } = library.core.cache.current;
  const unwanted = new Set(remove.flatMap((name) => [name, aliases.resolve(name)]));
  const both = add.find(({ name }) => unwanted.has(name) || unwanted.has(aliases.resolve(name)));
  if (both !== undefined) {
    throw new AppError("bad_request", `Cannot add and remove the same tag: ${both.name}`);
  }
  const rating = add.findLast(({ name }) => isRatingTagName(name));
  const wanted = add.filter((tag) => tag === rating || !isRatingTagName(tag.name));
  const byName = new Map(wanted.map((tag) => [tag.name, tag]));
  return { add: [...byName.values()], remove: [...new Set(remove)] };
}

/** What is to be changed, as ids; a tag that nobody has yet has none. */
type TagIdChange = {
  add: { name: string; id: TagId | undefined }[];
  /** An image loses the first of these that it has: the tag of the name, else what it is an alias of. */
  remove: { name: string; id: TagId }[][];
  /** Whether a rating comes, and which one. */
  rating: string | null;
  counts: Map<string, BulkTagCount>;
};

function toTagIds(
  { tags, aliases }: ImageSnapshot,
  change: { add: readonly WantedTag[]; remove: readonly string[] },
): TagIdChange {
  const add = change.add.map((tag) => aliases.resolve(tag.name))
    .map((name) => ({ name, id: tags.idOf(name) }));
  const remove = change.remove.map((text) =>
    [...new Set([text, aliases.resolve(text)])].flatMap((name) => {
      const id = tags.idOf(name);
      return id === undefined ? [] : [{ name, id }];
    })
  );
  const names = [...add.map(({ name }) => name), ...change.remove];
  return {
    add,
    remove,
    rating: add.find(({ name }) => isRatingTagName(name))?.name ?? null,
    counts: new Map(names.map((name) => [name, { name, added: 0, removed: 0 }])),
  };
}

/** Images looked at between two pauses. */
const CHUNK_IMAGES = 1 << 12;

/** Ids of the images that change, ascending; what each tag gains and loses is counted on the way. */
function* findChanged(
  snapshot: ImageSnapshot,
  found: SearchResult,
  change: TagIdChange,
): Steps<Int32Array> {
  const ids: ImageId[] = [];
  const isRating = memoized((id: TagId) => isRatingTagName(snapshot.tags.nameOf(id) ?? ""));
  for (let start = 0; start < found.total; start += CHUNK_IMAGES) {
    for (const row of found.rowsById(start, start + CHUNK_IMAGES)) {
      if (countChange(snapshot, row, { change, isRating })) ids.push(snapshot.idAt(row));
    }
    yield;
  }
  return Int32Array.from(ids);
}

function memoized<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) known.set(key, value = make(key));
    return value;
  };
}

/** Counts what an image gains and loses; false when nothing changes. */
function countChange(
  snapshot: ImageSnapshot,
  row: Row,
  { change, isRating }: { change: TagIdChange; isRating: (id: TagId) => boolean },
): boolean {
  const { add, remove, rating, counts } = change;
  const own = snapshot.tagIdsAt(row);
  let isChanged = false;
  const count = (name: string, side: "added" | "removed") => {
    isChanged = true;
    let known = counts.get(name);
    if (known === undefined) counts.set(name, known = { name, added: 0, removed: 0 });
    known[side]++;
  };
  for (const { name, id } of add) {
    if (id === undefined || !includesSorted(own, id)) count(name, "added");
  }
  for (const names of remove) {
    const lost = names.find(({ id }) => includesSorted(own, id));
    if (lost !== undefined) count(lost.name, "removed");
  }
  if (rating === null) return isChanged;
  for (const id of own) {
    const name: string = isRating(id) ? snapshot.tags.nameOf(id)! : rating;
    if (name !== rating && !remove.flat().some((unwanted) => unwanted.id === id)) {
      count(name, "removed");
    }
  }
  return isChanged;
}

/** Names of what comes, and of what may go, by implications of the tags that are named. */
function findImplied(
  library: Library,
  { add, remove }: { add: readonly WantedTag[]; remove: readonly string[] },
): BulkEditPlan["implied"] {
  const { tags } = library.core.cache.current;
  const rules = tagRulesOf(library.core.reader);
  if (!rules.hasImplications) return { added: [], removed: [] };
  const follow = (names: readonly string[]) => {
    const ids = names.map((name) => tags.idOf(rules.resolve(name)));
    const implied = rules.impliedBy(ids.filter((id) => id !== undefined));
    return [...implied].map((id) => tags.nameOf(id)).filter((name) => name !== undefined).sort();
  };
  const added = follow(add.map(({ name }) => name));
  const named = new Set([...add.map(({ name }) => name), ...remove, ...added]);
  return {
    added: added.filter((name) => !remove.includes(name)),
    removed: follow(remove).filter((name) => !named.has(name)),
  };
}
