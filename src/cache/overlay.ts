import type { ImageId, Row, TagId } from "../base/ids.ts";
import { includesSorted } from "../base/int32_set.ts";
import { findSorted } from "./columns_builder.ts";
import type { ImageColumns } from "./image_columns.ts";
import type { ImageState } from "./ports.ts";

const NO_TAGS = new Int32Array();

/** What an image was from edit number `edit` on, until a newer version; null = not there. */
type RowVersion = { edit: number; state: ImageState | null; older: RowVersion | undefined };
/** How many images a tag gained or lost against the base, from edit number `edit` on. */
type CountVersion = { edit: number; delta: number; older: CountVersion | undefined };

/**
 * Edits of single images on top of immutable columns, kept in versions.
 *
 * Every edit has a number; a reader that holds the number `e` sees exactly the edits up to `e`, however
 * many follow. So a new snapshot costs O(tags of the edited image), old snapshots never change, and
 * nothing is copied. The next full load replaces columns and overlay together.
 *
 * Images that the columns do not have get rows behind the last one, in the order of their arrival; a
 * row, once given to an image id, stays its row.
 */
export class Overlay {
  readonly #columns: ImageColumns;
  readonly #versions = new Map<Row, RowVersion>();
  readonly #counts = new Map<TagId, CountVersion>();
  readonly #touched: Row[] = [];
  readonly #addedRow = new Map<ImageId, Row>();
  readonly #rowsByPath = new Map<string, Row[]>();
  readonly #rowsByPostId = new Map<number, Row[]>();
  #edit = 0;

  /** Makes an overlay without edits over some columns. */
  constructor(columns: ImageColumns) {
    this.#columns = columns;
  }

  /** Number of the newest edit; 0 = none yet. */
  get edit(): number {
    return this.#edit;
  }

  /** Rows touched so far; the first `touchedCount` of a snapshot are those it sees. */
  get touchedRows(): readonly Row[] {
    return this.#touched;
  }

  /** Row of an image id, whether the image is there or not; undefined when it never was. */
  rowOfId(id: ImageId): Row | undefined {
    const row = findSorted(this.#columns.imageId, id);
    return row >= 0 ? row : this.#addedRow.get(id);
  }

  /** Rows that had this path in some version; the caller checks its own. */
  rowsOfPath(filepath: string): readonly Row[] {
    return this.#rowsByPath.get(filepath) ?? [];
  }

  /** Rows that had this post id at any site in some version; the caller checks its own. */
  rowsOfPostId(id: number): readonly Row[] {
    return this.#rowsByPostId.get(id) ?? [];
  }

  /** State of a row as of edit `edit`; undefined when only the columns know. */
  stateAt(row: Row, edit: number): ImageState | null | undefined {
    let version = this.#versions.get(row);
    while (version !== undefined && version.edit > edit) version = version.older;
    return version?.state;
  }

  /** Images that a tag gained (or lost, negative) against the columns, as of edit `edit`. */
  countDeltaAt(tagId: TagId, edit: number): number {
    let version = this.#counts.get(tagId);
    while (version !== undefined && version.edit > edit) version = version.older;
    return version?.delta ?? 0;
  }

  /** Tags whose count was changed by any edit. */
  countedTags(): Iterable<TagId> {
    return this.#counts.keys();
  }

  /**
   * Records a new state of an image (null = removed) over `before`, its tags until now (null = it was
   * not there), and gives the number of the edit. Cost: O(tags before and after).
   */
  apply(id: ImageId, before: Int32Array | null, state: ImageState | null): number {
    const edit = ++this.#edit;
    const row = this.rowOfId(id) ?? this.#addRow(id);
    const older = this.#versions.get(row);
    if (older === undefined) this.#touched.push(row);
    this.#versions.set(row, { edit, state, older });
    if (state !== null) {
      addOnce(this.#rowsByPath, state.filepath, row);
      for (const { id: postId } of state.postIds) addOnce(this.#rowsByPostId, postId, row);
    }
    const after = state?.tagIds ?? NO_TAGS;
    this.#count(before ?? NO_TAGS, { without: after, step: -1, edit });
    this.#count(after, { without: before ?? NO_TAGS, step: 1, edit });
    return edit;
  }

  #addRow(id: ImageId): Row {
    const row = this.#columns.imageId.length + this.#addedRow.size;
    this.#addedRow.set(id, row);
    return row;
  }

  /** Counts the tags that are on one side only: the others did not change. */
  #count(
    tagIds: Int32Array,
    change: { without: Int32Array; step: number; edit: number },
  ): void {
    const { without, step, edit } = change;
    for (const tagId of tagIds) {
      if (includesSorted(without, tagId)) continue;
      const newest = this.#counts.get(tagId);
      if (newest?.edit === edit) newest.delta += step;
      else this.#counts.set(tagId, { edit, delta: (newest?.delta ?? 0) + step, older: newest });
    }
  }
}

function addOnce<K>(map: Map<K, Row[]>, key: K, row: Row): void {
  const rows = map.get(key);
  if (rows === undefined) map.set(key, [row]);
  else if (!rows.includes(row)) rows.push(row);
}
