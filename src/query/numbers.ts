import type { Row } from "../base/ids.ts";
import { findSorted } from "../cache/columns_builder.ts";
import type { ImageColumns } from "../cache/image_columns.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { ImageState } from "../cache/ports.ts";
import { TAG_CATEGORIES, type TagCategory } from "../tags/category.ts";
import { isRatingTagName } from "../tags/ratings.ts";
import type { NumberName } from "./ast.ts";
import type { ColumnIndex, NumberColumn } from "./column_index.ts";
import type { Steps } from "./steps.ts";

/** A whole number that images have. */
export type ImageNumber = {
  /** Name under which derived data is kept; tells tag categories apart. */
  key: string;
  /** The least number that is known; what is below means that nobody knows. */
  least: number;
  /** Numbers of the rows of the columns. */
  values: NumberColumn;
  /** Number of an edited image. */
  ofState: (state: ImageState) => number;
};

type Direct = {
  column: (columns: ImageColumns) => NumberColumn;
  ofState: (state: ImageState) => number;
  least: number;
};

const DIRECT: Partial<Record<NumberName | "aspect", Direct>> = {
  id: { column: (c) => c.imageId, ofState: (s) => s.id, least: -Infinity },
  score: { column: (c) => c.score, ofState: (s) => s.score, least: -Infinity },
  favcount: { column: (c) => c.favCount, ofState: (s) => s.favCount, least: -Infinity },
  width: { column: (c) => c.width, ofState: (s) => s.width, least: 1 },
  height: { column: (c) => c.height, ofState: (s) => s.height, least: 1 },
  filesize: {
    column: (c) => c.fileSizeBytes,
    ofState: (s) => s.fileSizeBytes,
    least: 1,
  },
  duration: { column: (c) => c.durationMs, ofState: (s) => s.durationMs, least: 1 },
  date: { column: (c) => c.ingestedAt, ofState: (s) => s.ingestedAt, least: 1 },
  favouritedAt: {
    column: (c) => c.favouritedAt,
    ofState: (s) => s.favouritedAt,
    least: 1,
  },
};

/** Numbers that follow from width and height. */
const OF_SIZE: Partial<Record<NumberName | "aspect", (width: number, height: number) => number>> = {
  pixels: (width, height) => width * height,
  ratio: (width, height) => Math.round((width / height) * 100),
  // Whole numbers that are as far apart as any two ratios of sides below 65,536.
  aspect: (width, height) => Math.round((width / height) * 2 ** 33),
};

const CATEGORY_COUNTS: Partial<Record<NumberName | "aspect", TagCategory | null>> = {
  tagcount: null,
  gentags: "general",
  arttags: "artist",
  chartags: "character",
  copytags: "copyright",
  metatags: "meta",
  spectags: "species",
};

/** Rows handled between two pauses. */
const CHUNK_ROWS = 1 << 16;

/** A number by its name. Cost: nothing where a column has it, else a pass over the columns once. */
export function* imageNumber(
  snapshot: ImageSnapshot,
  index: ColumnIndex,
  name: NumberName | "aspect",
): Steps<ImageNumber> {
  const direct = DIRECT[name];
  if (direct !== undefined) {
    const { least, ofState } = direct;
    return { key: name, least, ofState, values: direct.column(index.columns) };
  }
  if (name === "filesize") {
    const { fileSizeBytes } = index.columns;
    const values = yield* index.numbers(name, () => narrowed(fileSizeBytes));
    return { key: name, least: 1, ofState: (state) => state.fileSizeBytes, values };
  }
  const ofSize = OF_SIZE[name];
  if (ofSize !== undefined) {
    // A ratio of 0.00 is one of a known size.
    const [least, unknown] = name === "ratio" ? [0, -1] : [1, 0];
    const of = (width: number, height: number) =>
      width > 0 && height > 0 ? ofSize(width, height) : unknown;
    const values = yield* index.numbers(name, () => deriveFromSizes(index.columns, of));
    return { key: name, least, ofState: ({ width, height }) => of(width, height), values };
  }
  const category = CATEGORY_COUNTS[name] ?? null;
  const key = name + recategorised(snapshot);
  const values = yield* index.numbers(key, () => countTags(snapshot, index.columns, category));
  return {
    key,
    least: -Infinity,
    values,
    ofState: (state) => countTagsOf(snapshot, state.tagIds, category),
  };
}

/** The numbers as small integers if they all fit: loops over one kind of array are the fastest. */
function* narrowed(values: Float64Array): Steps<NumberColumn> {
  const small = new Int32Array(values.length);
  for (let start = 0; start < values.length; start += CHUNK_ROWS) {
    const end = Math.min(values.length, start + CHUNK_ROWS);
    for (let row = start; row < end; row++) {
      small[row] = values[row];
      if (small[row] !== values[row]) return values;
    }
    yield;
  }
  return small;
}

function* deriveFromSizes(
  columns: ImageColumns,
  of: (width: number, height: number) => number,
): Steps<NumberColumn> {
  const { width, height } = columns;
  const values = new Float64Array(width.length);
  for (let start = 0; start < values.length; start += CHUNK_ROWS) {
    const end = Math.min(values.length, start + CHUNK_ROWS);
    for (let row = start; row < end; row++) {
      values[row] = of(width[row], height[row]);
    }
    yield;
  }
  return yield* narrowed(values);
}

/** Whether a tag counts as one of a category (null: any); ratings never do. */
function isCounted(snapshot: ImageSnapshot, tagId: number, category: TagCategory | null): boolean {
  const own = snapshot.tags.categoryOf(tagId) ?? "general";
  if (own === "rating" || isRatingTagName(snapshot.tags.nameOf(tagId) ?? "")) return false;
  return category === null || own === category;
}

/** Links counted between two pauses. */
const CHUNK_LINKS = 1 << 18;

function* countTags(
  snapshot: ImageSnapshot,
  columns: ImageColumns,
  category: TagCategory | null,
): Steps<NumberColumn> {
  const { tagId, listOffset, listRow } = columns;
  const counts = new Int32Array(columns.imageId.length);
  let links = 0;
  for (let place = 0; place < tagId.length; place++) {
    if (!isCounted(snapshot, tagId[place], category)) continue;
    countRows(counts, listRow, listOffset[place], listOffset[place + 1]);
    links += listOffset[place + 1] - listOffset[place] + 16;
    if (links < CHUNK_LINKS) continue;
    links = 0;
    yield;
  }
  return counts;
}

function countRows(counts: Int32Array, rows: Int32Array, start: number, end: number): void {
  for (let i = start; i < end; i++) counts[rows[i]]++;
}

function countTagsOf(
  snapshot: ImageSnapshot,
  tagIds: Int32Array,
  category: TagCategory | null,
): number {
  let count = 0;
  for (const tagId of tagIds) if (isCounted(snapshot, tagId, category)) count++;
  return count;
}

/** Which tags of the columns have another category now, as text; "" when none has. */
function recategorised({ tags, columns }: ImageSnapshot): string {
  let text = "";
  for (const [id, record] of tags.changesSince(columns)) {
    const place = record === null ? -1 : findSorted(columns.tagId, id);
    if (place < 0) continue;
    const code = TAG_CATEGORIES.findIndex((name) => name === record?.category) + 1;
    if (code !== columns.tagCategory[place]) text += `|${id}:${code}`;
  }
  return text;
}

/** Number of an image, edited or not. */
export function numberOf(snapshot: ImageSnapshot, number: ImageNumber, row: Row): number {
  const state = snapshot.stateOf(row);
  return state ? number.ofState(state) : number.values[row];
}
