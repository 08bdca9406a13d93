import type { ImageId, Row } from "../base/ids.ts";
import { SIMILAR_DEFAULT } from "../base/limits.ts";
import type { ImageColumns } from "../cache/image_columns.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { type SimilarityWeights, weightsOf } from "./similarity_weights.ts";
import { runAtOnce, runSteps, type Steps } from "./steps.ts";

/*
 * Similarity of image B to image A, from 0 to 1, with |X| the sum of the weights of the tags in X
 * (similarity_weights.ts):
 *
 *     0.6 · |A ∩ B| / |A|  +  0.4 · |A ∩ B| / |A ∪ B|
 *
 * the "asymmetric_tfidf" of ChibiBooru (services/query/similarity.py). All sums are whole numbers, and
 * the one division comes last, so equal similarities are equal numbers.
 *
 * Algorithm (the exact best k). Postings of A's tags, rarest first, are added into one array with a
 * number for each row. The dense tags are most of the postings and least of the weight: they wait, and
 * count only when a row is looked at. Since |B| ≥ |A ∩ B|, the similarity is at most |A ∩ B| / |A|, and
 * the overlap of a row is at most what was added plus the weight that waits. So rows are looked at in
 * the order of what was added, by buckets, until no row can beat the k-th best. Where too many rows
 * could, or rows without anything added could, more tags are added first. A look walks the tags of the
 * row and gives its similarity exactly.
 *
 * Edited rows are looked at one by one, and the postings of the columns do not count for them.
 *
 * All of this is a generator that pauses between portions of work, so that images with hundreds of dense
 * tags do not hold the main isolate.
 */

/** An image that is similar to another. */
export type SimilarImage = { row: Row; id: ImageId; similarity: number };

/** Postings or rows of one portion of work: well below a millisecond. */
const PORTION = 1 << 17;
/** Rows looked at in one portion. */
const LOOKS_PORTION = 1 << 8;
/** Buckets that rows are ordered by. */
const BUCKETS = 1 << 11;
/** Weight that waits at first, as a share of the whole. */
const LATE_SHARE = 0.03;
/** Rows of which the sizes of the buckets are guessed. */
const SAMPLE = 1 << 16;
/** Rows that are gathered at once. */
const GATHERED = 1 << 13;
/** Rows that are looked at before it is asked whether adding more tags would cost less. */
const FIRST_LOOKS = 1 << 9;
/** One look costs as much as adding this many postings. */
const LOOK_COST = 400;

/** Sums of weights by row; 16 bits where they suffice, since memory is what it costs. */
type Overlaps = Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Arrays that are used again, by one search at a time. */
type Scratch = {
  narrow: Uint16Array<ArrayBuffer> | null;
  wide: Int32Array<ArrayBuffer> | null;
  found: Int32Array<ArrayBuffer>;
  /** Weight of A's tags by slot, 0 for other tags; zeroed when given back. */
  own: Uint16Array<ArrayBuffer>;
};

/** Scratch arrays that nobody uses, as long as the columns they fit. */
const POOL = new WeakMap<ImageColumns, Scratch[]>();
const POOLED_MAX = 2;

/** A tag of A. */
type Term = { slot: number; weight: number; rows: Int32Array };

/** The image that others are compared to. */
type Subject = {
  snapshot: ImageSnapshot;
  row: Row;
  weights: SimilarityWeights;
  terms: Term[];
  /** |A|. */
  total: number;
  own: Uint16Array<ArrayBuffer>;
  /** Where the sums of a row go. */
  sums: { all: number; own: number };
};

/**
 * Finds the images most similar to that of `row`, exactly: similarity descending, then image id
 * descending. The image itself is not among them, nor is one without a common tag that counts.
 *
 * Cost: at a million images and 28 tags about 2 ms; up to 0.1 s when hundreds of thousands are alike.
 */
export function findSimilar(
  snapshot: ImageSnapshot,
  row: Row,
  options: { limit?: number } = {},
): SimilarImage[] {
  return runAtOnce(similarSteps(snapshot, row, options));
}

/** Like {@link findSimilar}, without holding the main isolate. */
export function findSimilarAsync(
  snapshot: ImageSnapshot,
  row: Row,
  options: { limit?: number } = {},
): Promise<SimilarImage[]> {
  return runSteps(similarSteps(snapshot, row, options));
}

/**
 * Similarity of each of some rows to the image of `row`, in the order of the candidates; 0 = nothing in
 * common. The image itself is as similar as can be. Cost: O(tags of the candidates), about 0.15 µs each.
 */
export function similarityOf(
  snapshot: ImageSnapshot,
  row: Row,
  candidates: Int32Array,
): Float64Array<ArrayBuffer> {
  return runAtOnce(similarityOfSteps(snapshot, row, candidates));
}

/** The steps of {@link similarityOf}. */
export function* similarityOfSteps(
  snapshot: ImageSnapshot,
  row: Row,
  candidates: Int32Array,
): Steps<Float64Array<ArrayBuffer>> {
  const scratch = acquire(snapshot);
  const subject = toSubject(snapshot, row, scratch);
  try {
    const similarities = new Float64Array(candidates.length);
    for (let i = 0; i < candidates.length; i++) {
      similarities[i] = look(subject, candidates[i]);
      if (i % LOOKS_PORTION === LOOKS_PORTION - 1) yield;
    }
    return similarities;
  } finally {
    release(subject, scratch);
  }
}

/** The steps of {@link findSimilar}. */
export function* similarSteps(
  snapshot: ImageSnapshot,
  row: Row,
  { limit = SIMILAR_DEFAULT }: { limit?: number } = {},
): Steps<SimilarImage[]> {
  const scratch = acquire(snapshot);
  const subject = toSubject(snapshot, row, scratch);
  const best = new Best(limit);
  try {
    yield* lookAtEdited(subject, best);
    yield* lookAtColumns(subject, scratch, best);
    return best.images();
  } finally {
    release(subject, scratch);
  }
}

/** Looks at the rows that the columns do not know rightly. */
function* lookAtEdited(subject: Subject, best: Best): Steps<void> {
  const { snapshot, row } = subject;
  for (const [i, edited] of snapshot.touchedRows().entries()) {
    if (edited !== row && snapshot.isThere(edited)) {
      best.offer(look(subject, edited), snapshot.idAt(edited), edited);
    }
    if (i % LOOKS_PORTION === LOOKS_PORTION - 1) yield;
  }
}

/** Looks at those rows of the columns that may be among the best. */
function* lookAtColumns(subject: Subject, scratch: Scratch, best: Best): Steps<void> {
  const { terms, total, snapshot } = subject;
  const overlaps = zeroOverlaps(scratch, snapshot.columns, total);
  const edited = snapshot.touchedRows();
  const shift = Math.max(0, 32 - Math.clz32(total) - Math.log2(BUCKETS));
  let late = total;
  let latePostings = terms.reduce((sum, { rows }) => sum + rows.length, 0);
  let added = 0;
  let lateWanted = LATE_SHARE * total;
  while (added < terms.length) {
    while (added < terms.length && late > lateWanted) {
      const { rows, weight } = terms[added++];
      for (let start = 0; start < rows.length; start += PORTION) {
        addWeight(overlaps, rows.subarray(start, start + PORTION), weight);
        yield;
      }
      late -= weight;
      latePostings -= rows.length;
    }
    clearRows(overlaps, edited, subject.row);
    const { found } = scratch;
    const stage = { subject, overlaps, found, best, shift, late, latePostings };
    if (yield* lookAtFullest(stage)) return;
    lateWanted = Math.min(late, best.overlapNeeded(total)) / 2;
  }
}

/** What is known after some tags were added. */
type Stage = {
  subject: Subject;
  overlaps: Overlaps;
  best: Best;
  /** Bits of an overlap below its bucket. */
  shift: number;
  /** Room for all rows. */
  found: Int32Array;
  /** Weight of the tags that wait, and their postings. */
  late: number;
  latePostings: number;
};

/** Looks at the rows with the largest overlaps; false if more tags should be added first. */
function* lookAtFullest(stage: Stage): Steps<boolean> {
  const { subject, overlaps, best, shift } = stage;
  const { imageId } = subject.snapshot.columns;
  const sample = sampleBuckets(overlaps, shift);
  let high = BUCKETS;
  let low = lowestWith(sample, GATHERED);
  for (;;) {
    const rows = yield* gatherRows(stage, { low, high });
    for (let i = 0; i < rows.length; i++) {
      if (i % LOOKS_PORTION === 0) {
        const bucket = toBucket(overlaps[rows[i]], shift);
        const lowest = lowestBucket(stage);
        if (bucket < lowest) return true;
        const isTooMuch = i >= FIRST_LOOKS && isAddingCheaper(stage, sample, { lowest, looked: i });
        if (isTooMuch) return false;
        yield;
      }
      best.offer(lookAtColumn(subject, rows[i]), imageId[rows[i]], rows[i]);
    }
    const lowest = lowestBucket(stage);
    if (lowest >= low) return true;
    if (isAddingCheaper(stage, sample, { lowest, looked: rows.length })) return false;
    high = low - 1;
    low = lowest;
  }
}

/** Lowest bucket with rows that may be among the best; 0 when rows without any overlap so far may. */
function lowestBucket({ subject, best, shift, late }: Stage): number {
  return toBucket(Math.max(0, best.overlapNeeded(subject.total) - late), shift);
}

/** Whether adding what waits costs less than looking at the rest of the rows from a bucket on. */
function isAddingCheaper(
  { overlaps, late, latePostings }: Stage,
  sample: Int32Array,
  { lowest, looked }: { lowest: number; looked: number },
): boolean {
  let rows = -looked;
  for (let bucket = lowest; bucket < sample.length; bucket++) rows += sample[bucket];
  return late > 0 && (lowest === 0 || rows * LOOK_COST > latePostings + overlaps.length);
}

/** About how many rows each bucket has. */
function sampleBuckets(overlaps: Overlaps, shift: number): Int32Array {
  const stride = Math.max(1, Math.floor(overlaps.length / SAMPLE));
  const round = (1 << shift) - 1;
  const counts = new Int32Array(BUCKETS + 1);
  for (let row = 0; row < overlaps.length; row += stride) {
    counts[(overlaps[row] + round) >> shift] += stride;
  }
  return counts;
}

/** Bucket from which on there are at least `wanted` rows; 1 when there are fewer. */
function lowestWith(counts: Int32Array, wanted: number): number {
  let bucket = counts.length;
  for (let rows = 0; bucket > 1 && rows < wanted; rows += counts[bucket]) bucket--;
  return bucket;
}

/** The rows of the buckets from `low` to `high`, the fullest bucket first. */
function* gatherRows(
  { overlaps, shift, found }: Stage,
  { low, high }: { low: number; high: number },
): Steps<Int32Array> {
  const range = { least: ((low - 1) << shift) + 1, most: high << shift };
  let count = 0;
  for (let start = 0; start < overlaps.length; start += PORTION) {
    const end = Math.min(start + PORTION, overlaps.length);
    count = gather(overlaps, { start, end }, range, { found, count });
    yield;
  }
  const places = new Int32Array(high + 1);
  for (let i = 0; i < count; i++) {
    places[toBucket(overlaps[found[i]], shift)]++;
    if (i % PORTION === PORTION - 1) yield;
  }
  for (let bucket = high, place = 0; bucket >= low; bucket--) {
    place += places[bucket];
    places[bucket] = place - places[bucket];
  }
  const rows = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    rows[places[toBucket(overlaps[found[i]], shift)]++] = found[i];
    if (i % PORTION === PORTION - 1) yield;
  }
  return rows;
}

/** Bucket of an overlap: 0 is for none, `b` for those above `(b - 1) << shift` and up to `b << shift`. */
function toBucket(overlap: number, shift: number): number {
  return (overlap + (1 << shift) - 1) >> shift;
}

function addWeight(overlaps: Overlaps, rows: Int32Array, weight: number): void {
  for (let i = 0; i < rows.length; i++) overlaps[rows[i]] += weight;
}

/** Appends the rows with an overlap from `least` to `most`; gives how many there are then. */
function gather(
  overlaps: Overlaps,
  { start, end }: { start: number; end: number },
  { least, most }: { least: number; most: number },
  { found, count }: { found: Int32Array; count: number },
): number {
  for (let row = start; row < end; row++) {
    const overlap = overlaps[row];
    if (overlap >= least && overlap <= most) found[count++] = row;
  }
  return count;
}

/** Exact similarity of the image of a row. Cost: O(its tags). */
function look(subject: Subject, row: Row): number {
  const state = subject.snapshot.stateOf(row);
  if (state === undefined) return lookAtColumn(subject, row);
  return state === null
    ? 0
    : lookAtTags(subject, state.tagIds, { start: 0, end: state.tagIds.length });
}

/** The same for a row that nobody edited. */
function lookAtColumn(subject: Subject, row: Row): number {
  const { tagOffset, imageTagId } = subject.snapshot.columns;
  return lookAtTags(subject, imageTagId, { start: tagOffset[row], end: tagOffset[row + 1] });
}

function lookAtTags(
  { weights, own, sums, total }: Subject,
  tagIds: Int32Array,
  range: { start: number; end: number },
): number {
  weights.sum(tagIds, range, { own, sums });
  return toSimilarity(sums.own, total, sums.all);
}

/** The formula, of whole numbers. */
function toSimilarity(overlap: number, total: number, other: number): number {
  if (overlap === 0) return 0;
  const union = total + other - overlap;
  return overlap * (3 * union + 2 * total) / (5 * total * union);
}

function toSubject(snapshot: ImageSnapshot, row: Row, { own }: Scratch): Subject {
  const weights = weightsOf(snapshot);
  const terms: Term[] = [];
  let total = 0;
  for (const tagId of snapshot.tagIdsAt(row)) {
    const slot = weights.slotOf(tagId);
    const weight = weights.weightAt(slot);
    if (weight === 0) continue;
    own[slot] = weight;
    total += weight;
    terms.push({ slot, weight, rows: snapshot.columnRowsOfTag(tagId) });
  }
  terms.sort((a, b) => a.rows.length - b.rows.length);
  return { snapshot, row, weights, terms, total, own, sums: { all: 0, own: 0 } };
}

/** The best so far. */
class Best {
  readonly #limit: number;
  readonly #images: SimilarImage[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes an image in if it is among the best; one that is in already is not taken twice. */
  offer(similarity: number, id: ImageId, row: Row): void {
    const images = this.#images;
    const isFull = images.length === this.#limit;
    if (similarity === 0 || (isFull && !isBefore({ similarity, id }, images[images.length - 1]))) {
      return;
    }
    if (images.some((image) => image.row === row)) return;
    if (isFull) images.pop();
    let place = images.length;
    while (place > 0 && isBefore({ similarity, id }, images[place - 1])) place--;
    images.splice(place, 0, { row, id, similarity });
  }

  /** Least overlap with which an image of total weight `total` may be as similar as the last of the best. */
  overlapNeeded(total: number): number {
    if (this.#images.length < this.#limit) return 1;
    // Rounded down a little more than the division was: a look too much changes nothing.
    return Math.max(1, Math.ceil(this.#images[this.#limit - 1].similarity * total * (1 - 1e-12)));
  }

  images(): SimilarImage[] {
    return this.#images;
  }
}

function isBefore(
  a: { similarity: number; id: ImageId },
  b: { similarity: number; id: ImageId },
): boolean {
  return a.similarity > b.similarity || (a.similarity === b.similarity && a.id > b.id);
}

/** What the columns say of edited rows and of A itself does not count. */
function clearRows(overlaps: Overlaps, edited: readonly Row[], own: Row): void {
  for (const row of edited) if (row < overlaps.length) overlaps[row] = 0;
  if (own < overlaps.length) overlaps[own] = 0;
}

function zeroOverlaps(scratch: Scratch, columns: ImageColumns, total: number): Overlaps {
  const { length } = columns.imageId;
  if (total <= 0xffff) return (scratch.narrow ??= new Uint16Array(length)).fill(0);
  return (scratch.wide ??= new Int32Array(length)).fill(0);
}

function acquire(snapshot: ImageSnapshot): Scratch {
  const { slotCount } = weightsOf(snapshot);
  const scratch = POOL.get(snapshot.columns)?.pop();
  if (scratch === undefined) {
    return {
      narrow: null,
      wide: null,
      found: new Int32Array(snapshot.columns.imageId.length),
      own: new Uint16Array(slotCount),
    };
  }
  if (scratch.own.length !== slotCount) scratch.own = new Uint16Array(slotCount);
  return scratch;
}

function release({ snapshot, terms }: Subject, scratch: Scratch): void {
  for (const { slot } of terms) scratch.own[slot] = 0;
  const free = POOL.get(snapshot.columns);
  if (free === undefined) POOL.set(snapshot.columns, [scratch]);
  else if (free.length < POOLED_MAX) free.push(scratch);
}
