import { isRatingTagName, ratingOfTagName, RATINGS } from "../tags/ratings.ts";
import { fileTypeCodeOfBytes } from "../tags/file_types.ts";
import { compareSources } from "../tags/sources.ts";
import { orderByBytes } from "./byte_order.ts";
import {
  checkColumns,
  ColumnArena,
  hashBytes,
  type ImageColumns,
  slotCountFor,
} from "./image_columns.ts";
import { buildTagWords, type TagWords } from "./tag_words.ts";

/** The tag table as columns: see tagId, tagNameOffset, tagNameBytes, tagCategory of the column set. */
export type TagNameColumns = Pick<
  ImageColumns,
  "tagId" | "tagNameOffset" | "tagNameBytes" | "tagCategory"
>;

/** The tag table with what finds a tag by a part of its name. */
export type TagColumns = TagNameColumns & Pick<ImageColumns, "tagNameOrder"> & TagWords;

/** Consecutive images, ascending by id; numbers by place, texts packed with their lengths in bytes. */
export type ImageBatch = {
  imageId: Int32Array;
  md5Bytes: Uint8Array;
  md5Length: Int32Array;
  pathBytes: Uint8Array;
  pathLength: Int32Array;
  width: Int32Array;
  height: Int32Array;
  score: Int32Array;
  favCount: Int32Array;
  ingestedAt: Int32Array;
  parentId: Int32Array;
  fileSizeBytes: Float64Array;
  /** 0: what the ending of the path says. */
  fileType: Int32Array;
  sourceBytes: Uint8Array;
  sourceLength: Int32Array;
};

/** A number that few images have, in any order: `value[i]` is that of `imageId[i]`. */
export type NumberBatch = {
  name: "durationMs" | "favouritedAt" | "parentImageId";
  imageId: Int32Array;
  value: Int32Array;
};

/** Tags of consecutive images: `count[i]` entries of `tagId` belong to `imageId[i]`. */
export type LinkBatch = { imageId: Int32Array; count: Int32Array; tagId: Int32Array };

/**
 * Post ids of some metadata documents: flat triples of place in `sources`, post id, image id.
 */
export type PostBatch = { sources: string[]; triples: Int32Array<ArrayBuffer> };

const NUMBER_COLUMNS = [
  "width",
  "height",
  "score",
  "favCount",
  "ingestedAt",
  "parentId",
  "fileSizeBytes",
] as const;

const LETTER_R = 0x72;

/** Direct tables larger than this are not made: a few tags with huge ids must not cost gigabytes. */
const DIRECT_TABLE_MAX = 1 << 26;

/**
 * Builds the columns of a snapshot from batches that arrive in the order of image ids.
 *
 * Order of calls: all {@link addImages}, then all {@link addNumbers} and {@link addLinks}, then {@link finish}. Links of images
 * or tags that do not exist are left out, as the original's joins do.
 */
export class ColumnsBuilder {
  readonly #arena = new ColumnArena();
  readonly #tags: TagColumns;
  readonly #tagIndexOf: (tagId: number) => number;
  readonly #columns: ImageColumns;
  #images = 0;
  #pathEnd = 0;
  #links = 0;
  #linkRow = 0;
  #sources: Uint8Array[] = [];
  #sourceEnd = 0;
  #oddRows: number[] = [];
  #oddMd5s: Uint8Array[] = [];

  /** Allocates columns of the given sizes. */
  constructor(sizes: { images: number; links: number; pathBytes: number; tags: TagColumns }) {
    const { images, links, tags } = sizes;
    const arena = this.#arena;
    this.#tags = tags;
    this.#tagIndexOf = buildTagIndex(tags.tagId);
    this.#columns = {
      imageId: arena.int32(images),
      md5: arena.int32(4 * images),
      oddMd5Row: arena.int32(0),
      oddMd5Offset: arena.int32(1),
      oddMd5Bytes: arena.uint8(0),
      pathOffset: arena.int32(images + 1),
      pathBytes: arena.uint8(sizes.pathBytes),
      pathSlots: arena.int32(slotCountFor(images)),
      width: arena.int32(images),
      height: arena.int32(images),
      score: arena.int32(images),
      favCount: arena.int32(images),
      ingestedAt: arena.int32(images),
      parentId: arena.int32(images),
      fileSizeBytes: arena.float64(images),
      durationMs: arena.int32(images),
      favouritedAt: arena.int32(images),
      parentImageId: arena.int32(images),
      fileType: arena.uint8(images),
      sourceOffset: arena.int32(images + 1),
      sourceBytes: arena.uint8(0),
      rating: arena.uint8(images),
      tagOffset: arena.int32(images + 1),
      imageTagId: arena.int32(links),
      ...tags,
      listOffset: arena.int32(tags.tagId.length + 1),
      listRow: arena.int32(0),
      postSource: arena.int32(0),
      postId: arena.int32(0),
      postRow: arena.int32(0),
    };
  }

  /** Images that have their row, and images that have their tags. */
  get progress(): { images: number; linked: number } {
    return { images: this.#images, linked: this.#linkRow };
  }

  /** Appends images. Cost: O(bytes of the batch). */
  addImages(batch: ImageBatch): void {
    const columns = this.#columns;
    const first = this.#images;
    columns.imageId.set(batch.imageId, first);
    for (const name of NUMBER_COLUMNS) columns[name].set(batch[name], first);
    columns.pathBytes.set(batch.pathBytes, this.#pathEnd);
    if (batch.sourceBytes.length > 0) this.#sources.push(batch.sourceBytes);
    let md5Start = 0;
    for (let i = 0; i < batch.imageId.length; i++) {
      const row = first + i;
      const pathStart = this.#pathEnd;
      this.#pathEnd += batch.pathLength[i];
      columns.pathOffset[row + 1] = this.#pathEnd;
      this.#addSlot(row, pathStart, this.#pathEnd);
      columns.fileType[row] = batch.fileType[i] ||
        fileTypeCodeOfBytes(columns.pathBytes, pathStart, this.#pathEnd);
      this.#sourceEnd += batch.sourceLength[i];
      columns.sourceOffset[row + 1] = this.#sourceEnd;
      const md5End = md5Start + batch.md5Length[i];
      if (!readMd5(batch.md5Bytes, md5Start, md5End, columns.md5, 4 * row)) {
        this.#oddRows.push(row);
        this.#oddMd5s.push(batch.md5Bytes.slice(md5Start, md5End));
      }
      md5Start = md5End;
    }
    this.#images += batch.imageId.length;
  }

  /** Sets a number of images that were added; those of others are left out. Cost: O(b log n). */
  addNumbers({ name, imageId, value }: NumberBatch): void {
    const columns = this.#columns;
    for (let i = 0; i < imageId.length; i++) {
      const row = findSorted(columns.imageId, imageId[i]);
      if (row >= 0) columns[name][row] = value[i];
    }
  }

  /** Appends the forward lists of images that were added. Cost: O(links of the batch). */
  addLinks(batch: LinkBatch): void {
    const { imageId, tagOffset, imageTagId } = this.#columns;
    const { tagId } = batch;
    const indexOf = this.#tagIndexOf;
    let next = 0;
    for (let i = 0; i < batch.imageId.length; i++) {
      const end = next + batch.count[i];
      while (this.#linkRow < this.#images && imageId[this.#linkRow] < batch.imageId[i]) {
        tagOffset[++this.#linkRow] = this.#links;
      }
      if (this.#linkRow < this.#images && imageId[this.#linkRow] === batch.imageId[i]) {
        const start = this.#links;
        let isSorted = true;
        for (; next < end; next++) {
          if (indexOf(tagId[next]) < 0) continue;
          if (this.#links > start && imageTagId[this.#links - 1] >= tagId[next]) isSorted = false;
          imageTagId[this.#links++] = tagId[next];
        }
        if (!isSorted) this.#links = start + sortUnique(imageTagId.subarray(start, this.#links));
        tagOffset[++this.#linkRow] = this.#links;
      }
      next = end;
    }
  }

  /** Completes, checks and gives the columns; the builder must not be used afterwards. */
  finish(posts: readonly PostBatch[]): { columns: ImageColumns; sources: string[] } {
    const columns = this.#columns;
    while (this.#linkRow < this.#images) columns.tagOffset[++this.#linkRow] = this.#links;
    columns.imageTagId = columns.imageTagId.subarray(0, this.#links);
    columns.pathBytes = columns.pathBytes.subarray(0, this.#pathEnd);
    this.#buildSources();
    this.#buildLists();
    this.#buildRatings();
    const sources = this.#buildPosts(posts);
    this.#buildOddMd5s();
    checkColumns(columns);
    return { columns, sources };
  }

  #addSlot(row: number, start: number, end: number): void {
    const { pathBytes, pathSlots } = this.#columns;
    const mask = pathSlots.length - 1;
    let slot = hashBytes(pathBytes, start, end) & mask;
    while (pathSlots[slot] !== 0) slot = (slot + 1) & mask;
    pathSlots[slot] = row + 1;
  }

  /** Few images of most libraries have a source, so their bytes are counted only now. */
  #buildSources(): void {
    const sourceBytes = this.#arena.uint8(this.#sourceEnd);
    let end = 0;
    for (const bytes of this.#sources) {
      sourceBytes.set(bytes, end);
      end += bytes.length;
    }
    this.#sources = [];
    this.#columns.sourceBytes = sourceBytes;
  }

  /** Inverted lists by counting sort: rows come out ascending because images are walked in order. */
  #buildLists(): void {
    const { tagOffset, imageTagId, listOffset } = this.#columns;
    const indexOf = this.#tagIndexOf;
    const listRow = this.#arena.int32(this.#links);
    for (let i = 0; i < imageTagId.length; i++) listOffset[indexOf(imageTagId[i]) + 1]++;
    for (let i = 1; i < listOffset.length; i++) listOffset[i] += listOffset[i - 1];
    const next = listOffset.slice(0, listOffset.length - 1);
    for (let row = 0; row < this.#images; row++) {
      for (let i = tagOffset[row]; i < tagOffset[row + 1]; i++) {
        listRow[next[indexOf(imageTagId[i])]++] = row;
      }
    }
    this.#columns.listRow = listRow;
  }

  /** A rating is a tag; where an image has several, the strictest counts. */
  #buildRatings(): void {
    const { rating, listOffset, listRow } = this.#columns;
    const decoder = new TextDecoder();
    const { tagNameBytes, tagNameOffset } = this.#tags;
    for (let tag = 0; tag + 1 < tagNameOffset.length; tag++) {
      if (tagNameBytes[tagNameOffset[tag]] !== LETTER_R) continue;
      const bytes = tagNameBytes.subarray(tagNameOffset[tag], tagNameOffset[tag + 1]);
      const code = toRatingCode(decoder.decode(bytes));
      if (code === 0) continue;
      for (let i = listOffset[tag]; i < listOffset[tag + 1]; i++) {
        if (rating[listRow[i]] < code) rating[listRow[i]] = code;
      }
    }
  }

  /** Sorts the post ids by source, id and row; gives the sources in their order. */
  #buildPosts(posts: readonly PostBatch[]): string[] {
    const sources = [...new Set(posts.flatMap((batch) => batch.sources))].sort(compareSources);
    const groups = sources.map(() => ({ ids: [] as number[], rows: [] as number[] }));
    let total = 0;
    for (const { triples, sources: names } of posts) {
      const places = names.map((name) => sources.indexOf(name));
      for (let i = 0; i < triples.length; i += 3) {
        const row = findSorted(this.#columns.imageId, triples[i + 2]);
        if (row < 0) continue;
        groups[places[triples[i]]].ids.push(triples[i + 1]);
        groups[places[triples[i]]].rows.push(row);
        total++;
      }
    }
    const postSource = this.#arena.int32(total);
    const postId = this.#arena.int32(total);
    const postRow = this.#arena.int32(total);
    let end = 0;
    groups.forEach(({ ids, rows }, source) => {
      const order = Uint32Array.from(ids.keys()).sort((a, b) =>
        ids[a] - ids[b] || rows[a] - rows[b]
      );
      for (const i of order) {
        postSource[end] = source;
        postId[end] = ids[i];
        postRow[end++] = rows[i];
      }
    });
    Object.assign(this.#columns, { postSource, postId, postRow });
    return sources;
  }

  #buildOddMd5s(): void {
    const columns = this.#columns;
    const total = this.#oddMd5s.reduce((sum, bytes) => sum + bytes.length, 0);
    columns.oddMd5Row = Int32Array.from(this.#oddRows);
    columns.oddMd5Offset = this.#arena.int32(this.#oddRows.length + 1);
    columns.oddMd5Bytes = this.#arena.uint8(total);
    this.#oddMd5s.forEach((bytes, i) => {
      const start = columns.oddMd5Offset[i];
      columns.oddMd5Bytes.set(bytes, start);
      columns.oddMd5Offset[i + 1] = start + bytes.length;
    });
  }
}

/** Adds what finds a tag by a part of its name. Cost: about 0.2 s for 200,000 names. */
export function indexTagNames(tags: TagNameColumns): TagColumns {
  return {
    ...tags,
    tagNameOrder: orderByBytes(tags.tagNameOffset, tags.tagNameBytes),
    ...buildTagWords(tags),
  };
}

/** Code of the rating column for a tag's name; 0 when it is no rating. */
export function toRatingCode(tagName: string): number {
  if (!isRatingTagName(tagName)) return 0;
  const rating = ratingOfTagName(tagName);
  return rating === undefined ? 0 : RATINGS.indexOf(rating) + 1;
}

/** Place of `value` in ascending `values`, or -1. Cost: O(log n). */
export function findSorted(values: Int32Array, value: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (values[middle] < value) low = middle + 1;
    else if (values[middle] > value) high = middle - 1;
    else return middle;
  }
  return -1;
}

function buildTagIndex(tagId: Int32Array): (id: number) => number {
  const idMax = tagId.length === 0 ? 0 : tagId[tagId.length - 1];
  if (idMax > DIRECT_TABLE_MAX) return (id) => findSorted(tagId, id);
  const table = new Int32Array(idMax + 1).fill(-1);
  for (let i = 0; i < tagId.length; i++) table[tagId[i]] = i;
  return (id) => (id >= 0 && id <= idMax ? table[id] : -1);
}

/** Sorts in place, drops repeats, gives how many are left. */
function sortUnique(values: Int32Array): number {
  values.sort();
  let end = 0;
  for (let i = 0; i < values.length; i++) {
    if (i === 0 || values[i] !== values[i - 1]) values[end++] = values[i];
  }
  return end;
}

/** Reads 32 lower-case hex digits into four words; false when the bytes are anything else. */
function readMd5(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Int32Array,
  offset: number,
): boolean {
  if (end - start !== 32) return false;
  for (let word = 0; word < 4; word++) {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = bytes[start + 8 * word + i];
      const digit = byte >= 0x30 && byte <= 0x39
        ? byte - 0x30
        : byte >= 0x61 && byte <= 0x66
        ? byte - 0x57
        : -1;
      if (digit < 0) {
        out.fill(0, offset, offset + 4);
        return false;
      }
      value = (value << 4) | digit;
    }
    out[offset + word] = value;
  }
  return true;
}
