import { invariant } from "../base/errors.ts";

/**
 * The column set of a snapshot: name → element type. A column is added here and filled in
 * columns_builder.ts; everything else (allocation, transfer, size) follows from this table.
 *
 * Shapes (n images, t tags, k links image–tag, p post ids, o odd md5s):
 * - imageId [n], ascending: the row of an image is its place here.
 * - md5 [4n]: the digest as four big-endian words; a text that is no lower-case md5 stands in oddMd5*.
 * - pathOffset [n+1] into pathBytes (UTF-8); pathSlots [power of two ≥ 2n]: hash table of row + 1.
 * - width, height, score, favCount, ingestedAt (Unix seconds), parentId [n]: 0 = not known.
 * - rating [n]: place in RATINGS + 1, 0 = none.
 * - tagOffset [n+1] into imageTagId [k], ascending for each image: forward lists.
 * - tagId [t], ascending; tagNameOffset [t+1] into tagNameBytes (UTF-8); tagCategory [t]: place in
 *   TAG_CATEGORIES + 1, 0 = none.
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
  rating: "uint8",
  tagOffset: "int32",
  imageTagId: "int32",
  tagId: "int32",
  tagNameOffset: "int32",
  tagNameBytes: "uint8",
  tagCategory: "uint8",
  listOffset: "int32",
  listRow: "int32",
  postSource: "int32",
  postId: "int32",
  postRow: "int32",
} as const;

/** Name of a column. */
export type ColumnName = keyof typeof COLUMN_TYPES;
/** Array of each element type. */
export type ColumnArrays = { int32: Int32Array<ArrayBuffer>; uint8: Uint8Array<ArrayBuffer> };

/** All columns of one snapshot; typed arrays only, so that it can be moved between isolates. */
export type ImageColumns = { [K in ColumnName]: ColumnArrays[(typeof COLUMN_TYPES)[K]] };

const NAMES = Object.keys(COLUMN_TYPES) as ColumnName[];

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
}

/** Columns of a library without images and tags. */
export function emptyColumns(): ImageColumns {
  const columns = Object.fromEntries(
    NAMES.map((
      name,
    ) => [name, COLUMN_TYPES[name] === "int32" ? new Int32Array() : new Uint8Array()]),
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

/** Offsets column, what it points into, what it has one entry more than. */
const OFFSETS_OF = [
  ["pathOffset", "pathBytes", "imageId"],
  ["tagOffset", "imageTagId", "imageId"],
  ["tagNameOffset", "tagNameBytes", "tagId"],
  ["listOffset", "listRow", "tagId"],
  ["oddMd5Offset", "oddMd5Bytes", "oddMd5Row"],
] as const;

const PER_IMAGE = [
  "width",
  "height",
  "score",
  "favCount",
  "ingestedAt",
  "parentId",
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
    invariant(
      ends.length === columns[counted].length + 1,
      `${offsets} has one entry per ${counted}`,
    );
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
  checkLists(columns.tagOffset, columns.imageTagId, "tags of an image");
  checkLists(columns.listOffset, columns.listRow, "images of a tag");
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
