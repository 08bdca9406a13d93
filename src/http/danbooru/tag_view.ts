import type { CountedTag } from "../../query/tag_list.ts";
import { DANBOORU_CATEGORY_NUMBERS, isTagCategory } from "../../tags/category.ts";
import { toTime } from "./post_view.ts";
import type { Fields } from "./render.ts";

/** Nobody wrote down when a tag came into being. */
export const UNKNOWN_TIME = toTime(0);

/** Danbooru's number of a category; what has none is general. */
export function toCategoryNumber(category: string | null): number {
  return isTagCategory(category) ? DANBOORU_CATEGORY_NUMBERS[category] : 0;
}

/** A tag as Danbooru lists it. */
export function toTag(tag: CountedTag): Fields {
  return {
    id: tag.id,
    name: tag.name,
    post_count: tag.count,
    category: toCategoryNumber(tag.category),
    created_at: UNKNOWN_TIME,
    updated_at: UNKNOWN_TIME,
    is_deprecated: false,
    words: tag.name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== ""),
  };
}
