import { AppError } from "../base/errors.ts";
import type { TagCategory } from "./category.ts";
import { isJsonObject, type JsonObject, objectFieldOf, parseJson } from "./json.ts";
import { isRatingTagName } from "./ratings.ts";

/** Field of a sidecar that says all that a library knows of an image. */
export const SAVED_FIELD = "chibibooru";
/** Version of that field. */
export const SAVED_VERSION = 1;

/** Who says that an image has a tag. */
export const TAG_ORIGINS = ["original", "user", "ai_inference", "implication"] as const;

/** A tag of a saved image. */
export type SavedTag = {
  name: string;
  category: TagCategory | null;
  origin: typeof TAG_ORIGINS[number];
};

/** A person's own edit of a content. */
export type SavedDelta = {
  operation: "add" | "remove";
  name: string;
  category: TagCategory | null;
  /** As the database has it; null: it does not say. */
  timestamp: string | null;
};

/** The columns of `images` that tell of an image beside its file and its tags. */
export const SAVED_COLUMNS = [
  "active_source",
  "post_id",
  "parent_id",
  "has_children",
  "score",
  "fav_count",
  "saucenao_lookup",
  "phash",
  "colorhash",
  "ingested_at",
] as const;

/** What the columns hold. */
export type SavedColumns = Record<typeof SAVED_COLUMNS[number], string | number | null>;

/** All that a library knows of an image, as plain data. */
export type SavedImage = {
  md5: string;
  originalName: string | null;
  sourceUrl: string | null;
  postedAt: string | null;
  columns: SavedColumns;
  tags: SavedTag[];
  deltas: SavedDelta[];
  /** When it became a favourite, as the database has it; null: it is none. */
  favouritedAt: string | number | null;
  /** Names of the sites that told something about it. */
  sources: string[];
  /** The site that a person chose to speak for it. */
  sourceChoice: string | null;
  /**
   * The metadata document, as text, which may lack `md5` and `relative_path`; or text that is no JSON
   * object, as it is. Null: there is none.
   */
  document: string | null;
};

/** A saved image as the fields of its sidecar, in the shape of gallery-dl. */
export function toSavedSidecar(image: SavedImage): JsonObject {
  const { metadata, postOf, post } = splitDocument(image);
  const field = {
    version: SAVED_VERSION,
    md5: image.md5,
    original_name: image.originalName,
    source_url: image.sourceUrl,
    posted_at: image.postedAt,
    columns: Object.fromEntries(
      Object.entries(image.columns).filter(([, value]) => value !== null),
    ),
    tags: groupTags(image.tags),
    deltas: image.deltas.map(({ operation, name, category, timestamp }) => {
      return [operation, name, category, timestamp];
    }),
    favourited_at: image.favouritedAt,
    sources: image.sources,
    source_choice: image.sourceChoice,
    post_of: postOf,
    metadata,
  };
  return { ...(post ?? toOwnPost(image)), [SAVED_FIELD]: field };
}

/** The post that is to stand around the field, and the rest of the document. */
function splitDocument({ document, columns }: SavedImage): {
  metadata: JsonObject | string | null;
  postOf: string | null;
  post: JsonObject | null;
} {
  if (document === null) return { metadata: null, postOf: null, post: null };
  const whole = parseObject(document);
  if (whole === undefined) return { metadata: document, postOf: null, post: null };
  const sources = objectFieldOf(whole, "sources");
  const names = Object.keys(sources).filter((name) => {
    const post = sources[name];
    // A post that has such a field itself cannot have another one.
    return isJsonObject(post) && !Object.hasOwn(post, SAVED_FIELD);
  });
  const postOf = names.find((name) => name === columns.active_source) ?? names[0];
  if (postOf === undefined) return { metadata: withoutPlace(whole), postOf: null, post: null };
  const others = Object.fromEntries(Object.entries(sources).filter(([name]) => name !== postOf));
  const metadata = { ...withoutPlace(whole), sources: others };
  return { metadata, postOf, post: sources[postOf] as JsonObject };
}

/** The image's own fields say where it is and what its file is. */
function withoutPlace(document: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(document).filter(([name]) => name !== "md5" && name !== "relative_path"),
  );
}

/** The metadata document of a saved image whose file lies at a place now. */
export function toPlacedDocument(
  document: string,
  place: { md5: string; relativePath: string },
): string {
  const object = parseObject(document);
  if (object === undefined) return document;
  const { md5, relativePath: relative_path } = place;
  return JSON.stringify(
    Object.fromEntries([
      ...Object.entries({ md5, relative_path }),
      ...Object.entries(withoutPlace(object)),
    ]),
  );
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const object = parseJson(text);
    return isJsonObject(object) ? object : undefined;
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

function groupTags(tags: readonly SavedTag[]): Record<string, Record<string, string[]>> {
  const groups: Record<string, Record<string, string[]>> = {};
  for (const { name, category, origin } of tags) {
    const ofOrigin = groups[origin] ??= {};
    (ofOrigin[category ?? "general"] ??= []).push(name);
  }
  return groups;
}

/** What other programs can read where no site said anything. */
function toOwnPost({ md5, originalName, sourceUrl, tags }: SavedImage): JsonObject {
  const rating = tags.findLast(({ name }) => isRatingTagName(name))?.name.slice("rating:".length);
  const dot = originalName?.lastIndexOf(".") ?? -1;
  const lists: Record<string, string[]> = {};
  for (const { name, category } of tags) {
    if (!isRatingTagName(name)) (lists[`tags_${category ?? "general"}`] ??= []).push(name);
  }
  return {
    category: SAVED_FIELD,
    md5,
    ...(originalName === null || dot <= 0 ? {} : {
      filename: originalName.slice(0, dot),
      extension: originalName.slice(dot + 1),
    }),
    ...(rating === undefined ? {} : { rating }),
    ...(sourceUrl === null ? {} : { source: sourceUrl }),
    tags: tags.filter(({ name }) => !isRatingTagName(name)).map(({ name }) => name),
    ...lists,
  };
}
