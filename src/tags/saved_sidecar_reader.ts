import * as z from "zod";
import { AppError } from "../base/errors.ts";
import { isTagCategory, type TagCategory } from "./category.ts";
import { fieldOf, isJsonObject, type JsonObject } from "./json.ts";
import {
  SAVED_COLUMNS,
  SAVED_FIELD,
  SAVED_VERSION,
  type SavedColumns,
  type SavedDelta,
  type SavedImage,
  type SavedTag,
  TAG_ORIGINS,
} from "./saved_image.ts";
import { normalizeTagName } from "./tag_name.ts";

const CELL = z.union([z.string(), z.number()]).nullable();
const TEXT = z.string().nullable();
const NAMES = z.array(z.string());

/** The field as it stands in a sidecar. */
const FIELD = z.object({
  version: z.literal(SAVED_VERSION),
  md5: z.string(),
  original_name: TEXT.default(null),
  source_url: TEXT.default(null),
  posted_at: TEXT.default(null),
  columns: z.partialRecord(z.enum(SAVED_COLUMNS), CELL).default({}),
  tags: z.partialRecord(z.enum(TAG_ORIGINS), z.record(z.string(), NAMES)).default({}),
  deltas: z.array(z.tuple([z.enum(["add", "remove"]), z.string(), TEXT, TEXT])).default([]),
  favourited_at: CELL.default(null),
  sources: NAMES.default([]),
  source_choice: TEXT.default(null),
  /** The source whose post stands around the field. */
  post_of: TEXT.default(null),
  /** The document but for that post. */
  metadata: z.union([z.string(), z.custom<JsonObject>(isJsonObject)]).nullable().default(null),
});

/** What a sidecar says of an image by this field. */
export type SavedSidecar = {
  image: SavedImage;
  /** Source → its post. */
  posts: [source: string, post: JsonObject][];
  /** Names that cannot be stored. */
  rejectedTagsCount: number;
};

/**
 * Reads all that a library wrote of an image into a sidecar; null if the sidecar was written by others.
 *
 * @throws {AppError} `bad_request` if the field is damaged, or newer than this program.
 */
export function readSavedSidecar(object: JsonObject): SavedSidecar | null {
  const field = fieldOf(object, SAVED_FIELD);
  if (!isJsonObject(field) || !Object.hasOwn(field, "version")) return null;
  const result = FIELD.safeParse(field);
  if (!result.success) {
    const [{ path, message }] = result.error.issues;
    const place = [SAVED_FIELD, ...path].join(".");
    throw new AppError("bad_request", `Cannot use the sidecar: ${place}: ${message}`);
  }
  const found = result.data;
  const own = withoutField(object);
  const { tags, rejectedTagsCount } = toTags(found.tags);
  const { document, posts } = toDocument(found, own);
  const columns = Object.fromEntries(
    SAVED_COLUMNS.map((name) => [name, found.columns[name] ?? null]),
  ) as SavedColumns;
  const image = {
    md5: found.md5.toLowerCase(),
    originalName: found.original_name,
    sourceUrl: found.source_url,
    postedAt: found.posted_at,
    columns,
    tags,
    deltas: toDeltas(found.deltas),
    favouritedAt: found.favourited_at,
    sources: found.sources,
    sourceChoice: found.source_choice,
    document,
  };
  return { image, posts, rejectedTagsCount };
}

function withoutField(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== SAVED_FIELD));
}

function toTags(
  byOrigin: z.output<typeof FIELD>["tags"],
): { tags: SavedTag[]; rejectedTagsCount: number } {
  const tags = new Map<string, SavedTag>();
  let rejectedTagsCount = 0;
  for (const origin of TAG_ORIGINS) {
    for (const [word, names] of Object.entries(byOrigin[origin] ?? {})) {
      for (const text of names) {
        const name = normalizeTagName(text);
        if (name === undefined) rejectedTagsCount++;
        else if (!tags.has(name)) tags.set(name, { name, category: toCategory(word), origin });
      }
    }
  }
  return { tags: [...tags.values()], rejectedTagsCount };
}

function toCategory(word: string | null): TagCategory | null {
  return isTagCategory(word) ? word : null;
}

function toDeltas(deltas: z.output<typeof FIELD>["deltas"]): SavedDelta[] {
  return deltas.flatMap(([operation, text, category, timestamp]) => {
    const name = normalizeTagName(text);
    return name === undefined
      ? []
      : [{ operation, name, category: toCategory(category), timestamp }];
  });
}

/** Puts the post that stands around the field back into the document. */
function toDocument(
  { metadata, post_of }: z.output<typeof FIELD>,
  own: JsonObject,
): { document: string | null; posts: SavedSidecar["posts"] } {
  if (metadata === null || typeof metadata === "string") return { document: metadata, posts: [] };
  const others = fieldOf(metadata, "sources");
  if (!isJsonObject(others) && post_of === null) {
    return { document: JSON.stringify(metadata), posts: [] };
  }
  const sources = new Map(isJsonObject(others) ? Object.entries(others) : []);
  if (post_of !== null) sources.set(post_of, own);
  const document = Object.fromEntries(
    [...Object.entries(metadata), ["sources", Object.fromEntries(sources)]],
  );
  const posts = [...sources].filter((entry): entry is [string, JsonObject] =>
    isJsonObject(entry[1])
  );
  return { document: JSON.stringify(document), posts };
}
