import { invariant } from "../base/errors.ts";
import type { ImageId, Row, TagId } from "../base/ids.ts";
import { type Rating, RATINGS } from "../tags/ratings.ts";
import { FILE_TYPES, type FileType } from "../tags/file_types.ts";
import { AliasTable } from "./alias_table.ts";
import { findSorted } from "./columns_builder.ts";
import { emptyColumns, hashBytes, type ImageColumns } from "./image_columns.ts";
import { Overlay } from "./overlay.ts";
import type { ImageState } from "./ports.ts";
import { PoolTable } from "./pool_table.ts";
import { PostIdIndex } from "./post_id_index.ts";
import { ReadOnlyMap } from "./read_only_map.ts";
import { TagTable } from "./tag_table.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NO_ROWS = new Int32Array();

type SnapshotParts = {
  columns: ImageColumns;
  overlay: Overlay;
  postIds: PostIdIndex;
  tags: TagTable;
  pools: PoolTable;
  aliases: AliasTable;
  edit: number;
  touchedCount: number;
  imageCount: number;
  generation: number;
};

/**
 * Everything the server knows of the library at one moment; immutable and complete.
 *
 * It is struct-of-arrays columns plus the edits up to one number of an {@link Overlay}. Rows are dense
 * indices of this snapshot: the columns' images ascending by id, then added ones in their order of
 * arrival. What is derived from a snapshot is kept in it ({@link memo}), so that it cannot outlive it.
 */
export class ImageSnapshot {
  readonly #parts: SnapshotParts;
  readonly #memo = new Map<string, unknown>();

  private constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  /** A snapshot of freshly loaded columns, without edits. */
  static of(
    columns: ImageColumns,
    options: {
      sources: readonly string[];
      tags: TagTable;
      pools?: PoolTable;
      aliases?: AliasTable;
      generation: number;
    },
  ): ImageSnapshot {
    return new ImageSnapshot({
      columns,
      overlay: new Overlay(columns),
      postIds: new PostIdIndex(columns, options.sources),
      tags: options.tags,
      pools: options.pools ?? PoolTable.EMPTY,
      aliases: options.aliases ?? AliasTable.EMPTY,
      edit: 0,
      touchedCount: 0,
      imageCount: columns.imageId.length,
      generation: options.generation,
    });
  }

  /** The snapshot of a library of which nothing is known. */
  static empty(generation: number): ImageSnapshot {
    return ImageSnapshot.of(emptyColumns(), { sources: [], tags: TagTable.EMPTY, generation });
  }

  /** Grows by one with every change; names this state in events, ETags and logs. */
  get generation(): number {
    return this.#parts.generation;
  }

  /** Images. */
  get length(): number {
    return this.#parts.imageCount;
  }

  /** Columns underneath: to be read together with {@link touchedRows}. */
  get columns(): ImageColumns {
    return this.#parts.columns;
  }

  /** Tag names, ids and categories. */
  get tags(): TagTable {
    return this.#parts.tags;
  }

  /** Pools by id and by name. */
  get pools(): PoolTable {
    return this.#parts.pools;
  }

  /** Other names of tags. */
  get aliases(): AliasTable {
    return this.#parts.aliases;
  }

  /** Edits that have not been folded into columns by a full load. */
  get editedRowCount(): number {
    return this.#parts.touchedCount;
  }

  /** Single edits since the load, repeated ones counted: what the overlay holds in memory. */
  get editCount(): number {
    return this.#parts.edit;
  }

  /** Rows whose truth is in {@link stateOf} and not in the columns. Cost: O(edits since the load). */
  touchedRows(): Row[] {
    return this.#parts.overlay.touchedRows.slice(0, this.#parts.touchedCount);
  }

  /** State of an edited row (null = removed); undefined when the columns are right. */
  stateOf(row: Row): ImageState | null | undefined {
    return this.#parts.overlay.stateAt(row, this.#parts.edit);
  }

  /** Whether the image of this row is there. */
  isThere(row: Row): boolean {
    const state = this.stateOf(row);
    return state === undefined ? row < this.columns.imageId.length : state !== null;
  }

  /** Row of an image id. Cost: O(log n). */
  rowOfId(id: ImageId): Row | undefined {
    const row = this.#parts.overlay.rowOfId(id);
    return row !== undefined && this.isThere(row) ? row : undefined;
  }

  /** Row of the image with this path. Cost: O(1). */
  rowOfPath(filepath: string): Row | undefined {
    for (const row of this.#parts.overlay.rowsOfPath(filepath)) {
      if (this.stateOf(row)?.filepath === filepath) return row;
    }
    const row = findPath(this.columns, encoder.encode(filepath));
    return row !== undefined && this.stateOf(row) === undefined ? row : undefined;
  }

  /** Id of the image of a row. */
  idAt(row: Row): ImageId {
    const { imageId } = this.columns;
    return row < imageId.length ? imageId[row] : this.#state(row).id;
  }

  /** Path of the image of a row, as `images.filepath` has it. */
  filepathAt(row: Row): string {
    const state = this.stateOf(row);
    if (state) return state.filepath;
    const { pathBytes, pathOffset } = this.columns;
    return decoder.decode(pathBytes.subarray(pathOffset[row], pathOffset[row + 1]));
  }

  /** MD5 of the image of a row, 32 hex digits. */
  md5At(row: Row): string {
    const state = this.stateOf(row);
    if (state) return state.md5;
    const { md5, oddMd5Row, oddMd5Offset, oddMd5Bytes } = this.columns;
    const odd = oddMd5Row.length === 0 ? -1 : findSorted(oddMd5Row, row);
    if (odd >= 0) {
      return decoder.decode(oddMd5Bytes.subarray(oddMd5Offset[odd], oddMd5Offset[odd + 1]));
    }
    let hex = "";
    for (let i = 4 * row; i < 4 * row + 4; i++) {
      hex += (md5[i] >>> 0).toString(16).padStart(8, "0");
    }
    return hex;
  }

  /** Tag ids of the image of a row, ascending; a copy. Cost: O(tags). */
  tagIdsAt(row: Row): Int32Array<ArrayBuffer> {
    const state = this.stateOf(row);
    if (state) return Int32Array.from(state.tagIds);
    const { tagOffset, imageTagId } = this.columns;
    return imageTagId.slice(tagOffset[row], tagOffset[row + 1]);
  }

  /** Number of tags of the image of a row. Cost: O(1). */
  tagCountAt(row: Row): number {
    const { tagOffset } = this.columns;
    return this.stateOf(row)?.tagIds.length ?? tagOffset[row + 1] - tagOffset[row];
  }

  /** Rating of the image of a row. */
  ratingAt(row: Row): Rating | null {
    return RATINGS[(this.stateOf(row)?.rating ?? this.columns.rating[row]) - 1] ?? null;
  }

  /** Kind of the file of a row; undefined when it is none of those that a search can ask for. */
  fileTypeAt(row: Row): FileType | undefined {
    return FILE_TYPES[(this.stateOf(row)?.fileType ?? this.columns.fileType[row]) - 1];
  }

  /** Where the image of a row came from; "" when that is not known. */
  sourceAt(row: Row): string {
    const state = this.stateOf(row);
    if (state) return state.source;
    const { sourceBytes, sourceOffset } = this.columns;
    return decoder.decode(sourceBytes.subarray(sourceOffset[row], sourceOffset[row + 1]));
  }

  /** When the image of a row became a favourite, in Unix seconds; 0 when it is none, 1 when unknown. */
  favouritedAt(row: Row): number {
    return this.stateOf(row)?.favouritedAt ?? this.columns.favouritedAt[row];
  }

  /**
   * Rows of a tag in the columns, ascending; not a copy. Edited rows may be wrongly in or missing:
   * a reader takes {@link touchedRows} out and judges them by {@link stateOf}.
   */
  columnRowsOfTag(tagId: TagId): Int32Array {
    const index = findSorted(this.columns.tagId, tagId);
    if (index < 0) return NO_ROWS;
    const { listOffset, listRow } = this.columns;
    return listRow.subarray(listOffset[index], listOffset[index + 1]);
  }

  /** Images that have a tag. Cost: O(log tags). */
  countOfTag(tagId: TagId): number {
    return this.columnRowsOfTag(tagId).length +
      this.#parts.overlay.countDeltaAt(tagId, this.#parts.edit);
  }

  /** Tags whose number of images any edit since the load changed. */
  editedTagIds(): Iterable<TagId> {
    return this.#parts.overlay.countedTags();
  }

  /** Counts of all tags that at least one image has, by tag id. Cost: O(tags) the first time. */
  tagCounts(): ReadonlyMap<TagId, number> {
    return this.memo("tagCounts", () => {
      const entries: [TagId, number][] = [];
      const { tagId, listOffset } = this.columns;
      const counted = new Set(this.#parts.overlay.countedTags());
      for (let i = 0; i < tagId.length; i++) {
        const count = listOffset[i + 1] - listOffset[i];
        if (count > 0 && !counted.has(tagId[i])) entries.push([tagId[i], count]);
      }
      for (const id of counted) {
        const count = this.countOfTag(id);
        if (count > 0) entries.push([id, count]);
      }
      return new ReadOnlyMap(entries);
    });
  }

  /** Tags that at least one image has. Cost: O(tags) the first time, nothing is allocated. */
  get usedTagCount(): number {
    return this.memo("usedTags", () => {
      const { tagId, listOffset } = this.columns;
      let used = 0;
      for (let i = 0; i < tagId.length; i++) if (listOffset[i + 1] > listOffset[i]) used++;
      for (const id of this.#parts.overlay.countedTags()) {
        const wasUsed = this.columnRowsOfTag(id).length > 0;
        used += (this.countOfTag(id) > 0 ? 1 : 0) - (wasUsed ? 1 : 0);
      }
      return used;
    });
  }

  /** Links between images and tags. */
  get tagLinkCount(): number {
    return this.memo("tagLinks", () => {
      let links = this.columns.imageTagId.length;
      for (const tagId of this.#parts.overlay.countedTags()) {
        links += this.#parts.overlay.countDeltaAt(tagId, this.#parts.edit);
      }
      return links;
    });
  }

  /** Rows of all images, ascending by image id. Cost: O(n) the first time. */
  rows(): Int32Array {
    return this.memo("rows", () => {
      const { imageId } = this.columns;
      const added = this.touchedRows().filter((row) => row >= imageId.length && this.isThere(row));
      const removed = new Set(this.touchedRows().filter((row) => !this.isThere(row)));
      const rows = new Int32Array(this.length);
      added.sort((a, b) => this.idAt(a) - this.idAt(b));
      let end = 0;
      let next = 0;
      for (let row = 0; row < imageId.length; row++) {
        while (next < added.length && this.idAt(added[next]) < imageId[row]) {
          rows[end++] = added[next++];
        }
        if (removed.size === 0 || !removed.has(row)) rows[end++] = row;
      }
      while (next < added.length) rows[end++] = added[next++];
      invariant(end === rows.length, "every image has one row");
      return rows;
    });
  }

  /** Rows of the images with this post id, ascending by image id; a source narrows them. */
  rowsOfPostId(id: number, source?: string): Row[] {
    const { overlay, postIds } = this.#parts;
    const found = postIds.rowsOf(id).filter(({ row }) => this.stateOf(row) === undefined);
    for (const row of overlay.rowsOfPostId(id)) {
      for (const post of this.stateOf(row)?.postIds ?? []) {
        if (post.id === id) found.push({ source: post.source, row });
      }
    }
    const best = source ?? PostIdIndex.first(found.map((entry) => entry.source));
    return [...new Set(found.filter((entry) => entry.source === best).map((entry) => entry.row))]
      .sort((a, b) => this.idAt(a) - this.idAt(b));
  }

  /** Names of the sites that the column postSource numbers, in the order in which they answer. */
  get postSources(): readonly string[] {
    return this.#parts.postIds.sources;
  }

  /** Distinct (source, post id) pairs as of the last full load. */
  get postIdCount(): number {
    return this.#parts.postIds.size;
  }

  /** Keeps what is derived from this snapshot for as long as the snapshot lives. */
  memo<T>(key: string, compute: () => T): T {
    if (!this.#memo.has(key)) this.#memo.set(key, compute());
    return this.#memo.get(key) as T;
  }

  /**
   * A snapshot in which one image is as given; null removes it. Only the newest snapshot of its columns
   * may be continued. Cost: O(tags of the image).
   */
  withImage(id: ImageId, state: ImageState | null, tags: TagTable = this.tags): ImageSnapshot {
    const { overlay, edit } = this.#parts;
    invariant(overlay.edit === edit, "only the newest snapshot is edited");
    const row = this.rowOfId(id);
    const before = row === undefined ? null : this.tagIdsAt(row);
    return new ImageSnapshot({
      ...this.#parts,
      edit: overlay.apply(id, before, state),
      touchedCount: overlay.touchedRows.length,
      imageCount: this.length + (state === null ? 0 : 1) - (before === null ? 0 : 1),
      tags,
      generation: this.generation + 1,
    });
  }

  /** A snapshot with another tag table. Cost: O(1). */
  withTags(tags: TagTable): ImageSnapshot {
    return new ImageSnapshot({ ...this.#parts, tags, generation: this.generation + 1 });
  }

  /** A snapshot with other pools. Cost: O(1). */
  withPools(pools: PoolTable): ImageSnapshot {
    return new ImageSnapshot({ ...this.#parts, pools, generation: this.generation + 1 });
  }

  /** A snapshot with other aliases. Cost: O(1). */
  withAliases(aliases: AliasTable): ImageSnapshot {
    return new ImageSnapshot({ ...this.#parts, aliases, generation: this.generation + 1 });
  }

  #state(row: Row): ImageState {
    const state = this.stateOf(row);
    invariant(state !== undefined && state !== null, `row ${row} is an image of this snapshot`);
    return state;
  }
}

function findPath(columns: ImageColumns, path: Uint8Array): Row | undefined {
  const { pathSlots, pathOffset, pathBytes } = columns;
  const mask = pathSlots.length - 1;
  let slot = hashBytes(path, 0, path.length) & mask;
  while (pathSlots[slot] !== 0) {
    const row = pathSlots[slot] - 1;
    const start = pathOffset[row];
    if (pathOffset[row + 1] - start === path.length) {
      let i = 0;
      while (i < path.length && pathBytes[start + i] === path[i]) i++;
      if (i === path.length) return row;
    }
    slot = (slot + 1) & mask;
  }
  return undefined;
}
