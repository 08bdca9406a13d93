import type { ImageColumns } from "../../src/cache/image_columns.ts";
import type { LogNode, RangeField } from "./query_log.ts";

/** What every side of the bench answers: the exact total and the ids of the first page. */
export type Answer = { total: number; ids: number[] };

/** Images on a page. */
export const PAGE_IMAGES = 40;

/** Whether an image matches. */
type Test = (row: number) => boolean;

/**
 * Answers a query by asking every image in turn, newest first, by its own list of tags: no inverted
 * list, no bitmap, nothing of the search's code. Cost: O(all links).
 */
export function searchNaively(columns: ImageColumns, node: LogNode): Answer {
  const matches = toTest(columns, node);
  const ids: number[] = [];
  let total = 0;
  for (let row = columns.imageId.length - 1; row >= 0; row--) {
    if (!matches(row)) continue;
    if (ids.length < PAGE_IMAGES) ids.push(columns.imageId[row]);
    total++;
  }
  return { total, ids };
}

/** Answers every matching id in the order of `order:score`, for the tests of single pages. */
export function sortNaivelyByScore(columns: ImageColumns, node: LogNode): number[] {
  const matches = toTest(columns, node);
  const rows: number[] = [];
  for (let row = columns.imageId.length - 1; row >= 0; row--) if (matches(row)) rows.push(row);
  return rows.sort((a, b) => columns.score[b] - columns.score[a] || b - a)
    .map((row) => columns.imageId[row]);
}

/** Value of a field of an image; NaN when it is not known. */
export function readField(columns: ImageColumns, field: RangeField, row: number): number {
  const { imageId, score, favCount, width, height, ingestedAt } = columns;
  switch (field) {
    case "id":
      return imageId[row];
    case "score":
      return score[row];
    case "favCount":
      return favCount[row];
    case "width":
      return width[row] || NaN;
    case "height":
      return height[row] || NaN;
    case "pixels":
      return width[row] * height[row] || NaN;
    case "ingestedAt":
      return ingestedAt[row] || NaN;
  }
}

function toTest(columns: ImageColumns, node: LogNode): Test {
  switch (node.kind) {
    case "tag":
      return hasTag(columns, node.tagId);
    case "wildcard":
      return hasAnyTag(columns, node.tagIds);
    case "range": {
      const { field, low, high } = node;
      return (row) => {
        const value = readField(columns, field, row);
        return value >= low && value <= high;
      };
    }
    case "not": {
      const inner = toTest(columns, node.node);
      return (row) => !inner(row);
    }
    case "and": {
      const inner = node.nodes.map((child) => toTest(columns, child));
      return (row) => inner.every((matches) => matches(row));
    }
    case "or": {
      const inner = node.nodes.map((child) => toTest(columns, child));
      return (row) => inner.some((matches) => matches(row));
    }
  }
}

function hasTag({ tagOffset, imageTagId }: ImageColumns, tagId: number): Test {
  return (row) => {
    for (let i = tagOffset[row]; i < tagOffset[row + 1]; i++) {
      if (imageTagId[i] === tagId) return true;
    }
    return false;
  };
}

function hasAnyTag(columns: ImageColumns, tagIds: readonly number[]): Test {
  const { tagOffset, imageTagId } = columns;
  const isWanted = new Uint8Array(columns.tagId[columns.tagId.length - 1] + 1);
  for (const id of tagIds) isWanted[id] = 1;
  return (row) => {
    for (let i = tagOffset[row]; i < tagOffset[row + 1]; i++) {
      if (isWanted[imageTagId[i]] === 1) return true;
    }
    return false;
  };
}
