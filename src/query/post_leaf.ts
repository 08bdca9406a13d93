import { filterByBits, hasRow, orInto, setRows } from "../base/bitmap.ts";
import type { Row } from "../base/ids.ts";
import { includesSorted } from "../base/int32_set.ts";
import type { ImageState } from "../cache/ports.ts";
import type { Interval } from "./ast.ts";
import type { Bitmap, ColumnIndex } from "./column_index.ts";
import { filterByList, Leaf, setSlices } from "./leaf.ts";
import type { Steps } from "./steps.ts";

/** What {@link postLeaf} looks for; `sites` are names with their numbers in postSource. */
export type PostNumbers = {
  key: string;
  sites: ReadonlyMap<string, number>;
  intervals: readonly Interval[];
};

/** Images with a post number in one of some intervals at one of some sites. */
class PostLeaf extends Leaf {
  override readonly estimate: number;
  readonly #index: ColumnIndex;
  readonly #numbers: PostNumbers;
  readonly #found: Int32Array | Bitmap;

  constructor(index: ColumnIndex, numbers: PostNumbers, found: Int32Array | Bitmap) {
    super();
    this.#index = index;
    this.#numbers = numbers;
    this.#found = found;
    this.estimate = found instanceof Int32Array ? found.length : found.count;
  }

  override get rows(): Int32Array | undefined {
    return this.#found instanceof Int32Array ? this.#found : undefined;
  }

  override get bits(): Int32Array | undefined {
    return this.#found instanceof Int32Array ? undefined : this.#found.words;
  }

  override *fill(words: Int32Array): Steps<void> {
    if (this.#found instanceof Int32Array) setRows(words, this.#found, 0, this.#found.length);
    else orInto(words, this.#found.words);
    yield;
  }

  override hasRow(row: Row): boolean {
    return this.#found instanceof Int32Array
      ? includesSorted(this.#found, row)
      : hasRow(this.#found.words, row);
  }

  override hasState(_row: Row, state: ImageState): boolean {
    const { sites, intervals } = this.#numbers;
    return state.postIds.some(({ source, id }) =>
      sites.has(source) && intervals.some(({ low, high }) => id >= low && id <= high)
    );
  }

  override filter(
    rows: Int32Array,
    options: { count: number; wanted: 0 | 1; out: Int32Array },
  ): number {
    return this.#found instanceof Int32Array
      ? filterByList(this.#index, this.#found, rows, options)
      : filterByBits(this.#found.words, rows, options);
  }
}

/** The condition on post numbers, as a list or, where that is long, as bits. */
export function* postLeaf(index: ColumnIndex, numbers: PostNumbers): Steps<Leaf> {
  const { postRow } = index.columns;
  const ranges = rangesOfPosts(index, numbers);
  const sum = ranges.reduce((total, { start, end }) => total + end - start, 0);
  if (sum > index.denseFrom) {
    const bitmap = yield* index.bitmap(numbers.key, function* (words) {
      for (const range of ranges) yield* setSlices(words, postRow, range);
    });
    return new PostLeaf(index, numbers, bitmap);
  }
  const rows = new Set<Row>();
  for (const { start, end } of ranges) for (let i = start; i < end; i++) rows.add(postRow[i]);
  return new PostLeaf(index, numbers, Int32Array.from(rows).sort());
}

/** Parts of the sorted post columns that match. */
function rangesOfPosts(
  { columns }: ColumnIndex,
  { sites, intervals }: PostNumbers,
): { start: number; end: number }[] {
  const { postSource, postId } = columns;
  const ranges: { start: number; end: number }[] = [];
  for (const site of sites.values()) {
    for (const { low, high } of intervals) {
      const start = firstPost(postSource, postId, { site, id: low });
      const end = firstPost(postSource, postId, { site, id: high + 1 });
      if (end > start) ranges.push({ start, end });
    }
  }
  return ranges;
}

/** First place whose (source, id) is not below the wanted one. Cost: O(log p). */
function firstPost(
  postSource: Int32Array,
  postId: Int32Array,
  wanted: { site: number; id: number },
): number {
  let low = 0;
  let high = postId.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const isBelow = postSource[middle] < wanted.site ||
      (postSource[middle] === wanted.site && postId[middle] < wanted.id);
    if (isBelow) low = middle + 1;
    else high = middle;
  }
  return low;
}
