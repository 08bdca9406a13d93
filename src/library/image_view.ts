import { extname } from "node:path";
import type { Row } from "../base/ids.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { TAG_CATEGORIES, type TagCategory } from "../tags/category.ts";
import type { Rating } from "../tags/ratings.ts";

/** An image as the API gives it and pages show it. */
export type ImageView = {
  id: number;
  filepath: string;
  md5: string;
  /** Pixels; null when nobody measured. */
  width: number | null;
  height: number | null;
  rating: Rating | null;
  score: number | null;
  /** Category → names, sorted; categories without a tag are absent, ratings are not among them. */
  tags: Partial<Record<TagCategory, string[]>>;
  urls: { file: string; thumbnail: string; page: string };
};

/** Makes the view of an image from the snapshot alone. Cost: about 5 µs for 28 tags. */
export function toImageView(snapshot: ImageSnapshot, row: Row): ImageView {
  const state = snapshot.stateOf(row);
  const { columns } = snapshot;
  const id = snapshot.idAt(row);
  const filepath = snapshot.filepathAt(row);
  const md5 = snapshot.md5At(row);
  return {
    id,
    filepath,
    md5,
    width: (state?.width ?? columns.width[row]) || null,
    height: (state?.height ?? columns.height[row]) || null,
    rating: snapshot.ratingAt(row),
    score: state?.score ?? columns.score[row],
    tags: toTagsByCategory(snapshot, row),
    urls: {
      file: `/files/${id}/${md5}${extname(filepath).toLowerCase()}`,
      thumbnail: `/thumbnails/${id}/${md5}.webp`,
      page: `/posts/${id}`,
    },
  };
}

function toTagsByCategory(snapshot: ImageSnapshot, row: Row): ImageView["tags"] {
  const byCategory = new Map<string, string[]>();
  for (const tagId of snapshot.tagIdsAt(row)) {
    const name = snapshot.tags.nameOf(tagId);
    if (name === undefined) continue;
    const category = snapshot.tags.categoryOf(tagId) ?? "general";
    const names = byCategory.get(category);
    if (names === undefined) byCategory.set(category, [name]);
    else names.push(name);
  }
  const tags: ImageView["tags"] = {};
  for (const category of TAG_CATEGORIES) {
    const names = byCategory.get(category);
    if (names !== undefined && category !== "rating") tags[category] = names.sort();
  }
  return tags;
}
