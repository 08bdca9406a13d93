import type { Row } from "../../base/ids.ts";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import { childRowsOf, parentRowOf } from "../../query/parents.ts";
import type { Rating } from "../../tags/ratings.ts";
import { THUMBNAIL_SIDE_PX } from "../../base/limits.ts";
import { Decimal, type Fields } from "./render.ts";

/** The one account there is: whoever holds the key of this library. */
export const OWNER_ID = 1;

/** What a post's view needs beside the snapshot. */
export type PostSurroundings = {
  /** Scheme and host of the request: clients need absolute addresses. */
  origin: string;
  /** When posts were edited last, in milliseconds, by image id. */
  lastEdits: ReadonlyMap<number, number>;
};

/** The categories of Danbooru, in the order in which it lists them. */
const CATEGORIES = ["general", "artist", "copyright", "character", "meta"] as const;
type Category = typeof CATEGORIES[number];

/**
 * Danbooru's letter of a rating. A post without one must have one all the same: `q` is what an unrated
 * upload had there, and keeps it out of searches for what is safe.
 */
const RATING_LETTERS: Record<Rating, string> = {
  general: "g",
  sensitive: "s",
  questionable: "q",
  explicit: "e",
};
const UNRATED_LETTER = "q";

/** A time as Danbooru writes it, with milliseconds and an offset. */
export function toTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, -1)}+00:00`;
}

/** What all shapes of a post are made of. */
export type PostFacts = {
  id: number;
  md5: string;
  ext: string;
  width: number;
  height: number;
  sizeBytes: number;
  durationMs: number;
  score: number;
  favCount: number;
  rating: string;
  source: string;
  createdAtMs: number;
  updatedAtMs: number;
  tags: Record<Category, string[]>;
  fileUrl: string;
  thumbnailUrl: string;
};

/** Gathers the facts of a post. Cost: about 10 µs for 28 tags. */
export function toPostFacts(
  snapshot: ImageSnapshot,
  row: Row,
  { origin, lastEdits }: PostSurroundings,
): PostFacts {
  const { columns } = snapshot;
  const state = snapshot.stateOf(row);
  const number = (
    name: "width" | "height" | "score" | "favCount" | "ingestedAt" | "durationMs" | "fileSizeBytes",
  ): number => state?.[name] ?? columns[name][row];
  const id = snapshot.idAt(row);
  const md5 = snapshot.md5At(row);
  const ext = snapshot.fileTypeAt(row) ?? extensionOf(snapshot.filepathAt(row));
  const createdAtMs = Math.max(0, number("ingestedAt")) * 1_000;
  const rating = snapshot.ratingAt(row);
  return {
    id,
    md5,
    ext,
    width: Math.max(0, number("width")),
    height: Math.max(0, number("height")),
    sizeBytes: number("fileSizeBytes"),
    durationMs: number("durationMs"),
    score: number("score"),
    favCount: Math.max(0, number("favCount")),
    rating: rating === null ? UNRATED_LETTER : RATING_LETTERS[rating],
    source: snapshot.sourceAt(row),
    createdAtMs,
    updatedAtMs: Math.max(createdAtMs, lastEdits.get(id) ?? 0),
    tags: toTags(snapshot, row),
    fileUrl: `${origin}/files/${id}/${md5}.${ext}`,
    thumbnailUrl: `${origin}/thumbnails/${id}/${md5}.webp`,
  };
}

function extensionOf(filepath: string): string {
  return /\.([a-z0-9]{1,8})$/i.exec(filepath)?.[1].toLowerCase() ?? "bin";
}

/** Danbooru knows no species, which are general there, and keeps ratings out of the tags. */
function toTags(snapshot: ImageSnapshot, row: Row): Record<Category, string[]> {
  const tags: Record<Category, string[]> = {
    general: [],
    artist: [],
    copyright: [],
    character: [],
    meta: [],
  };
  for (const tagId of snapshot.tagIdsAt(row)) {
    const name = snapshot.tags.nameOf(tagId);
    const category = snapshot.tags.categoryOf(tagId) ?? "general";
    if (name === undefined || category === "rating" || name.startsWith("rating:")) continue;
    const known = CATEGORIES.find((one) => one === category) ?? "general";
    tags[known].push(name);
  }
  for (const category of CATEGORIES) tags[category].sort();
  return tags;
}

/** A post as `/posts.json` lists it. */
export function toPost(snapshot: ImageSnapshot, row: Row, around: PostSurroundings): Fields {
  const facts = toPostFacts(snapshot, row, around);
  const { tags } = facts;
  const all = CATEGORIES.flatMap((category) => tags[category]).sort();
  const parent = parentRowOf(snapshot, row);
  const hasChildren = childRowsOf(snapshot, row).length > 0;
  return {
    id: facts.id,
    created_at: toTime(facts.createdAtMs),
    uploader_id: OWNER_ID,
    score: facts.score,
    source: facts.source,
    md5: facts.md5,
    last_comment_bumped_at: null,
    rating: facts.rating,
    image_width: facts.width,
    image_height: facts.height,
    tag_string: all.join(" "),
    fav_count: facts.favCount,
    file_ext: facts.ext,
    last_noted_at: null,
    parent_id: parent === undefined ? null : snapshot.idAt(parent),
    has_children: hasChildren,
    approver_id: null,
    tag_count_general: tags.general.length,
    tag_count_artist: tags.artist.length,
    tag_count_character: tags.character.length,
    tag_count_copyright: tags.copyright.length,
    file_size: facts.sizeBytes,
    up_score: Math.max(0, facts.score),
    down_score: Math.min(0, facts.score),
    is_pending: false,
    is_flagged: false,
    is_deleted: false,
    tag_count: all.length,
    updated_at: toTime(facts.updatedAtMs),
    is_banned: false,
    pixiv_id: pixivIdOf(facts.source),
    last_commented_at: null,
    has_active_children: hasChildren,
    bit_flags: 0,
    tag_count_meta: tags.meta.length,
    // There are no smaller copies of pictures here, so the large file is the file.
    has_large: false,
    has_visible_children: hasChildren,
    media_asset: toMediaAsset(facts),
    tag_string_general: tags.general.join(" "),
    tag_string_character: tags.character.join(" "),
    tag_string_copyright: tags.copyright.join(" "),
    tag_string_artist: tags.artist.join(" "),
    tag_string_meta: tags.meta.join(" "),
    file_url: facts.fileUrl,
    large_file_url: facts.fileUrl,
    preview_file_url: facts.thumbnailUrl,
  };
}

/** The number of a Pixiv work, where the source is one or a file of one, as Danbooru finds it. */
function pixivIdOf(source: string): number | null {
  const pattern =
    /^https?:\/\/(?:www\.)?pixiv\.net\/(?:[a-z]{2}\/)?(?:artworks|i)\/(\d{1,10})|^https?:\/\/[\w.-]*\.?pximg\.net\/.*\/(\d{1,10})_(?:p|ugoira)\d+|^https?:\/\/(?:www\.)?pixiv\.net\/member_illust\.php\?.*\billust_id=(\d{1,10})/i;
  const found = pattern.exec(source);
  const id = Number(found?.[1] ?? found?.[2] ?? found?.[3] ?? 0);
  return id > 0 && id <= 0x7fff_ffff ? id : null;
}

/** Sizes that clients know by name; the thumbnail answers for all of them. */
const THUMBNAIL_TYPES = ["180x180", "360x360", "720x720"];

/** The file of a post as an object of its own; the original is the last variant, where clients take it. */
export function toMediaAsset(facts: PostFacts): Fields {
  const { width, height, ext, md5 } = facts;
  const scale = Math.min(1, THUMBNAIL_SIDE_PX / Math.max(width, height, 1));
  const thumbnail = {
    url: facts.thumbnailUrl,
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    file_ext: "webp",
  };
  return {
    id: facts.id,
    created_at: toTime(facts.createdAtMs),
    updated_at: toTime(facts.createdAtMs),
    md5,
    file_ext: ext,
    file_size: facts.sizeBytes,
    image_width: width,
    image_height: height,
    duration: facts.durationMs > 0 ? new Decimal(facts.durationMs / 1_000) : null,
    status: "active",
    file_key: md5.slice(0, 9),
    is_public: true,
    pixel_hash: md5,
    variants: [
      ...THUMBNAIL_TYPES.map((type) => ({ type, ...thumbnail })),
      { type: "original", url: facts.fileUrl, width, height, file_ext: ext },
    ],
  };
}

/** A post as Danbooru 1 answered it, for clients that still ask so. */
export function toLegacyPost(snapshot: ImageSnapshot, row: Row, around: PostSurroundings): Fields {
  const facts = toPostFacts(snapshot, row, around);
  const parent = parentRowOf(snapshot, row);
  return {
    has_comments: false,
    parent_id: parent === undefined ? null : snapshot.idAt(parent),
    status: "active",
    has_children: childRowsOf(snapshot, row).length > 0,
    created_at: toTime(facts.createdAtMs),
    has_notes: false,
    rating: facts.rating,
    author: "owner",
    creator_id: OWNER_ID,
    width: facts.width,
    source: facts.source,
    score: facts.score,
    tags: CATEGORIES.flatMap((category) => facts.tags[category]).sort().join(" "),
    height: facts.height,
    file_size: facts.sizeBytes,
    id: facts.id,
    file_url: facts.fileUrl,
    preview_url: facts.thumbnailUrl,
    md5: facts.md5,
  };
}
