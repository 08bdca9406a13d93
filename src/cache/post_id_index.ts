import type { Row } from "../base/ids.ts";
import { firstNotBelow } from "../base/int32_set.ts";
import { compareSources } from "../tags/sources.ts";
import type { ImageColumns } from "./image_columns.ts";

/**
 * The cross-source index of loaded columns: (source, post id) → rows, many to one both ways.
 *
 * Equal ids of two sites do not overwrite each other, and the pages of one post share its id.
 */
export class PostIdIndex {
  readonly #columns: ImageColumns;
  readonly #sources: readonly string[];
  /** Where each source begins in the sorted columns, plus the end. */
  readonly #starts: number[];
  readonly #distinct: number;

  /** Indexes the sorted post-id columns. */
  constructor(columns: ImageColumns, sources: readonly string[]) {
    this.#columns = columns;
    this.#sources = sources;
    const { postSource } = columns;
    this.#starts = sources.map((_, source) => firstNotBelow(postSource, source, 0));
    this.#starts.push(postSource.length);
    this.#distinct = countDistinct(columns);
  }

  /** Names of the sites that the column postSource numbers, in the order in which they answer. */
  get sources(): readonly string[] {
    return this.#sources;
  }

  /** Distinct (source, post id) pairs. */
  get size(): number {
    return this.#distinct;
  }

  /** Rows of a post id at every site. Cost: O(sites × log size). */
  rowsOf(id: number): { source: string; row: Row }[] {
    const { postId, postRow } = this.#columns;
    const found: { source: string; row: Row }[] = [];
    for (let source = 0; source < this.#sources.length; source++) {
      const end = this.#starts[source + 1];
      const start = this.#starts[source];
      let i = start + firstNotBelow(postId.subarray(start, end), id, 0);
      for (; i < end && postId[i] === id; i++) {
        found.push({ source: this.#sources[source], row: postRow[i] });
      }
    }
    return found;
  }

  /** The source that answers for a bare post id: danbooru, e621, gelbooru, yandere, then by name. */
  static first(sources: readonly string[]): string | undefined {
    return [...sources].sort(compareSources)[0];
  }
}

/** Pairs of source and post id, which stand sorted. Cost: O(p), 1 ms for 400,000. */
function countDistinct({ postSource, postId }: ImageColumns): number {
  let distinct = 0;
  for (let i = 0; i < postId.length; i++) {
    const isNew = i === 0 || postId[i] !== postId[i - 1] || postSource[i] !== postSource[i - 1];
    if (isNew) distinct++;
  }
  return distinct;
}
