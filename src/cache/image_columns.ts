import { invariant } from "../base/errors.ts";

/**
 * The column set of a snapshot: name → element type. A column is added here and filled in
 * columns_builder.ts; everything else (allocation, transfer, size) follows from this table.
 *
 * Shapes (n images, t tags, w words of tag names, k links image–tag, p post ids, o odd md5s):
 * - imageId [n], ascending: the row of an image is its place here.
 * - md5 [4n]: the digest as four big-endian words; a text that is no lower-case md5 stands in oddMd5*.
 * - pathOffset [n+1] into pathBytes (UTF-8); pathSlots [power of two ≥ 2n]: hash table of row + 1.
 * - width, height, score, favCount, ingestedAt (Unix seconds), parentId [n]: 0 = not known.
 * - favouritedAt (Unix seconds, 1 where the time is not readable), durationMs [n]: 0 = none.
 * - fileSizeBytes [n], 64-bit floats, since a film may exceed 31 bits: 0 = not known.
 * - parentImageId [n]: the lowest image that a relation names as parent of this one, 0 = none. It is
 *   another thing than parentId, the post id that a site named.
 * - fileType [n]: place in FILE_TYPES + 1, 0 = none of them.
 * - sourceOffset [n+1] into sourceBytes (UTF-8): where the file came from, empty = not known.
 * - rating [n]: place in RATINGS + 1, 0 = none.
 * - tagOffset [n+1] into imageTagId [k], ascending for each image: forward lists.
 * - tagId [t], ascending; tagNameOffset [t+1] into tagNameBytes (UTF-8); tagCategory [t]: place in
 *   TAG_CATEGORIES + 1, 0 = none.
 * - tagNameOrder [t]: places in tagId, sorted by the bytes of the names.
 * - wordOffset [w+1] into wordBytes (UTF-8), words ascending by bytes; wordListOffset [w+1] into wordTag:
 *   places in tagId of the tags whose names have the word.
 * - listOffset [t+1] into listRow [k], ascending for each tag: inverted lists, in the order of tagId.
 * - postSource, postId, postRow [p], sorted by all three: the cross-source index.
 */
export const COLUMN_TYPES = {
  imageId: "int32",
  md5: "int32",
  oddMd5Row: "int32",
  oddMd5Offset: "int32",
  oddMd5Bytes: "uint8",
  pathOffset: "int32",
  pathBytes: "uint8",
  pathSlots: "int32",
  width: "int32",
  height: "int32",
  score: "int32",
  favCount: "int32",
  ingestedAt: "int32",
  parentId: "int32",
  fileSizeBytes: "float64",
  durationMs: "int32",
  favouritedAt: "int32",
  parentImageId: "int32",
  fileType: "uint8",
  sourceOffset: "int32",
  sourceBytes: "uint8",
  rating: "uint8",
  tagOffset: "int32",
  imageTagId: "int32",
  tagId: "int32",
  tagNameOffset: "int32",
  tagNameBytes: "uint8",
  tagCategory: "uint8",
  tagNameOrder: "int32",
  wordOffset: "int32",
  wordBytes: "uint8",
  wordListOffset: "int32",
  wordTag: "int32",
  listOffset: "int32",
  listRow: "int32",
  postSource: "int32",
  postId: "int32",
  postRow: "int32",
} as const;

/** Name of a column. */
export type ColumnName = keyof typeof COLUMN_TYPES;
/** Array of each element type. */
export type ColumnArrays = {
  int32: Int32Array<ArrayBuffer>;
  uint8: Uint8Array<ArrayBuffer>;
  float64: Float64Array<ArrayBuffer>;
};

/** All columns of one snapshot; typed arrays only, so that it can be moved between isolates. */
export type ImageColumns = { [K in ColumnName]: ColumnArrays[(typeof COLUMN_TYPES)[K]] };

const NAMES = Object.keys(COLUMN_TYPES) as ColumnName[];

const MAKERS: { [T in keyof ColumnArrays]: (length: number) => ColumnArrays[T] } = {
  int32: (length) => new Int32Array(length),
  uint8: (length) => new Uint8Array(length),
  float64: (length) => new Float64Array(length),
};

/** Makes a zeroed array of a column's type. */
export function makeColumn(name: ColumnName, length: number): ColumnArrays[keyof ColumnArrays] {
  return MAKERS[COLUMN_TYPES[name]](length);
}

/**
 * Where columns are allocated: the one place to change when they are to lie in one
 * `WebAssembly.Memory`, so that their readers need not change.
 */
export class ColumnArena {
  /** Zeroed numbers; pages never written cost no memory. */
  int32(length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(length);
  }

  /** Zeroed bytes; pages never written cost no memory. */
  uint8(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(length);
  }

  /** Zeroed wide numbers; pages never written cost no memory. */
  float64(length: number): Float64Array<ArrayBuffer> {
    return new Float64Array(length);
  }
}

/** Columns of a library without images and tags. */
export function emptyColumns(): ImageColumns {
  const columns = Object.fromEntries(
    NAMES.map((name) => [name, makeColumn(name, 0)]),
  ) as ImageColumns;
  for (const offsets of OFFSETS_OF) columns[offsets[0]] = new Int32Array(1);
  columns.pathSlots = new Int32Array(2);
  return columns;
}

/** What to hand over when columns are moved to another isolate. */
export function columnBuffers(columns: ImageColumns): ArrayBuffer[] {
  return NAMES.map((name) => columns[name].buffer);
}

/** Bytes that all columns hold. */
export function columnsByteLength(columns: ImageColumns): number {
  return NAMES.reduce((sum, name) => sum + columns[name].byteLength, 0);
}

/** Offsets column, what it points into, what it has one entry more than; null = its own count. */
const OFFSETS_OF = [
  ["pathOffset", "pathBytes", "imageId"],
  ["sourceOffset", "sourceBytes", "imageId"],
  ["tagOffset", "imageTagId", "imageId"],
  ["tagNameOffset", "tagNameBytes", "tagId"],
  ["listOffset", "listRow", "tagId"],
  ["oddMd5Offset", "oddMd5Bytes", "oddMd5Row"],
  ["wordOffset", "wordBytes", null],
  ["wordListOffset", "wordTag", null],
] as const;

const PER_IMAGE = [
  "width",
  "height",
  "score",
  "favCount",
  "ingestedAt",
  "parentId",
  "fileSizeBytes",
  "durationMs",
  "favouritedAt",
  "parentImageId",
  "fileType",
  "rating",
] as const;

/**
 * Checks on receipt that the columns fit each other. Cost: O(1); the full check runs in the worker
 * ({@link checkColumns}), since a second pass over all links would stall the main isolate.
 */
export function checkShapes(columns: ImageColumns): void {
  const images = columns.imageId.length;
  for (const [offsets, target, counted] of OFFSETS_OF) {
    const ends = columns[offsets];
    if (counted !== null) {
      invariant(
        ends.length === columns[counted].length + 1,
        `${offsets} has one entry per ${counted}`,
      );
    }
    invariant(
      ends[0] === 0 && ends[ends.length - 1] === columns[target].length,
      `${offsets} spans`,
    );
  }
  for (const name of PER_IMAGE) {
    invariant(columns[name].length === images, `${name} has one entry per image`);
  }
  invariant(columns.md5.length === 4 * images, "md5 has four words per image");
  invariant(columns.tagCategory.length === columns.tagId.length, "tagCategory has one per tag");
  invariant(columns.tagNameOrder.length === columns.tagId.length, "tagNameOrder has one per tag");
  invariant(columns.wordListOffset.length === columns.wordOffset.length, "every word has a list");
  invariant(columns.imageTagId.length === columns.listRow.length, "both directions have all links");
  invariant(
    columns.postSource.length === columns.postId.length &&
      columns.postId.length === columns.postRow.length,
    "post ids are triples",
  );
  const slots = columns.pathSlots.length;
  invariant((slots & (slots - 1)) === 0 && slots >= 2 * images, "pathSlots is a power of two");
}

/** Checks everything that readers rely on. Cost: O(all entries), about 0.1 s for 28M links. */
export function checkColumns(columns: ImageColumns): void {
  checkShapes(columns);
  for (const [offsets, target] of OFFSETS_OF) {
    invariant(isAscending(columns[offsets], 0, columns[offsets].length, 0), `${offsets} ascends`);
    invariant(columns[target].length >= 0, `${target} exists`);
  }
  invariant(isAscending(columns.imageId, 0, columns.imageId.length, 1), "imageId ascends");
  invariant(isAscending(columns.tagId, 0, columns.tagId.length, 1), "tagId ascends");
  checkNames(columns);
  checkLists(columns.tagOffset, columns.imageTagId, "tags of an image");
  checkLists(columns.listOffset, columns.listRow, "images of a tag");
}

/** Every entry names a tag, and the names ascend in their order. */
function checkNames({ tagNameOrder, tagNameOffset, tagNameBytes, wordTag }: ImageColumns): void {
  const tags = tagNameOrder.length;
  for (let i = 0; i < tags; i++) {
    invariant(tagNameOrder[i] >= 0 && tagNameOrder[i] < tags, "tagNameOrder names tags");
    if (i === 0) continue;
    invariant(
      !isAbove(tagNameBytes, tagNameOffset, { left: tagNameOrder[i - 1], right: tagNameOrder[i] }),
      "tagNameOrder ascends",
    );
  }
  for (let i = 0; i < wordTag.length; i++) {
    invariant(wordTag[i] >= 0 && wordTag[i] < tags, "wordTag names tags");
  }
}

function isAbove(
  bytes: Uint8Array,
  offset: Int32Array,
  { left, right }: { left: number; right: number },
): boolean {
  const leftEnd = offset[left + 1];
  const rightEnd = offset[right + 1];
  let a = offset[left];
  let b = offset[right];
  while (a < leftEnd && b < rightEnd && bytes[a] === bytes[b]) {
    a++;
    b++;
  }
  return a < leftEnd && (b === rightEnd || bytes[a] > bytes[b]);
}

function checkLists(offsets: Int32Array, values: Int32Array, what: string): void {
  for (let i = 0; i + 1 < offsets.length; i++) {
    invariant(isAscending(values, offsets[i], offsets[i + 1], 1), `${what} ascend`);
  }
}

function isAscending(values: Int32Array, start: number, end: number, step: number): boolean {
  for (let i = start + 1; i < end; i++) {
    if (values[i] - values[i - 1] < step) return false;
  }
  return true;
}

/** Hash of the bytes from `start` to `end` (FNV-1a, 32 bits), for the slots of {@link ImageColumns}. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
}

/** Smallest power of two that is at least twice `count` (and at least 2). */
export function slotCountFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2 * count, 2)));
}
