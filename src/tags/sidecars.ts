import { AppError } from "../base/errors.ts";
import { SIDECAR_BYTES_MAX } from "../base/limits.ts";
import { splitNamespace } from "./category.ts";
import { isJsonObject, type JsonObject, objectFieldOf, parseJson, stringFieldOf } from "./json.ts";
import { isLibraryFile } from "./library_file.ts";
import type { Rating } from "./ratings.ts";
import type { SavedImage } from "./saved_image.ts";
import { readSavedSidecar } from "./saved_sidecar_reader.ts";
import { hasHydrusLists } from "./site.ts";
import {
  type ExtractedPost,
  type ExtractedTag,
  extractPost,
  type ExtractPostOptions,
} from "./tag_extraction.ts";
import { TagList } from "./tag_list.ts";

/** Names that sidecars of a file may have, the likeliest first. */
export type SidecarNames = { json: string[]; txt: string[] };

/** One post of a sidecar: what it says, and its own JSON for `raw_metadata`, numbers as written. */
export type SidecarPost = { post: ExtractedPost; json: string };

/** A JSON sidecar; more than one post if Hydrus added its lists to a file of gallery-dl. */
export type JsonSidecar = {
  posts: SidecarPost[];
  /** All that a library knew of the image, if the sidecar is of an export; the posts' tags are in it. */
  saved: SavedImage | null;
};

/** A text sidecar. */
export type TxtSidecar = {
  tags: ExtractedTag[];
  rating: Rating | null;
  /** Lines that cannot be stored as a tag. */
  rejectedTagsCount: number;
};

/**
 * Gives the names that sidecars of `fileName` may have in the same directory.
 *
 * gallery-dl and Hydrus append to the whole name, both can be told to replace the extension; Hydrus is
 * usually told to write `.tags.txt`. A name such as `a.json` may belong to `a.jpg` and `a.png` alike.
 */
export function sidecarNamesOf(fileName: string): SidecarNames {
  const dot = fileName.lastIndexOf(".");
  const stems = dot > 0 ? [fileName, fileName.slice(0, dot)] : [fileName];
  return {
    json: stems.map((stem) => `${stem}.json`),
    txt: stems.flatMap((stem) => [`${stem}.txt`, `${stem}.tags.txt`]),
  };
}

/**
 * Reads a JSON sidecar: a post as gallery-dl or a site's API writes it, alone or as the only item of a
 * list, or the lists of Hydrus (`{ metadata: { tags, urls } }` or `{ tags, urls }`).
 *
 * @throws {AppError} `bad_request` if it is too large, no UTF-8, no JSON, or no post; the message says
 * what and where, the caller adds the name of the file.
 */
export function parseJsonSidecar(
  input: Uint8Array | string,
  options: Pick<ExtractPostOptions, "categoryOf"> = {},
): JsonSidecar {
  const object = toOnlyObject(parseJson(toText(input)));
  // At the top of an export, beside a picture of that name.
  if (isLibraryFile(object)) return { posts: [], saved: null };
  const own = readSavedSidecar(object);
  if (own !== null) {
    const ownPosts = own.posts.map(([source, post]) => {
      return { post: extractPost(post, { ...options, source }), json: JSON.stringify(post) };
    });
    return { posts: ownPosts, saved: own.image };
  }
  const posts = [toSidecarPost(object, options)];
  const hydrus = objectFieldOf(object, "metadata");
  if (posts[0].post.kind !== "hydrus" && hasHydrusLists(hydrus)) {
    posts.push(toSidecarPost({ metadata: hydrus }, options));
  }
  return { posts, saved: null };
}

function toOnlyObject(document: unknown): JsonObject {
  if (Array.isArray(document) && document.length !== 1) {
    throw new AppError(
      "bad_request",
      `Cannot use a sidecar with a list of ${document.length} items: one post is expected`,
    );
  }
  const object = Array.isArray(document) ? document[0] : document;
  if (isJsonObject(object)) return object;
  throw new AppError("bad_request", "Cannot use a sidecar that holds no JSON object");
}

function toSidecarPost(
  object: JsonObject,
  options: Pick<ExtractPostOptions, "categoryOf">,
): SidecarPost {
  const post = extractPost(object, options);
  const isGalleryDl = stringFieldOf(object, "category") !== undefined;
  if (post.kind === "unknown" && !isGalleryDl && post.tags.length === 0) {
    const keys = Object.keys(object).slice(0, 5).map((key) => key.slice(0, 40));
    throw new AppError(
      "bad_request",
      `Cannot use a sidecar without tags or fields of a known site: it has ${JSON.stringify(keys)}`,
    );
  }
  return { post, json: JSON.stringify(object) };
}

/**
 * Reads a text sidecar: one tag a line, with or without a namespace (`creator:name`).
 *
 * Commas separate only in a file of one line, as captions are written; elsewhere they belong to the
 * name, and so do spaces (they become `_`). There are no comments: names may begin with `#`. Only
 * known namespaces count, `re:zero` is a name; a tag without one has the category `null` here, or the
 * one that `categoryOf` knows.
 *
 * @throws {AppError} `bad_request` if it is too large or no UTF-8.
 */
export function parseTxtSidecar(
  input: Uint8Array | string,
  options: Pick<ExtractPostOptions, "categoryOf"> = {},
): TxtSidecar {
  const lines = toText(input).split(/\r\n|[\n\r\u2028\u2029]/).filter((line) => line.trim() !== "");
  const parts = lines.length === 1 ? lines[0].split(",") : lines;
  const list = new TagList();
  for (const part of parts) {
    if (part.trim() === "") continue;
    const { category, name } = splitNamespace(part);
    list.add(name, category);
  }
  return {
    tags: list.toTags(options.categoryOf),
    rating: list.rating,
    rejectedTagsCount: list.rejectedCount,
  };
}

/** Text of a file; a byte order mark goes here, with parseJson or with normalizeTagName. */
function toText(input: Uint8Array | string): string {
  if (typeof input === "string") {
    // A UTF-16 unit is one to three bytes of UTF-8, so the exact size matters only in between.
    const isLarge = input.length * 3 > SIDECAR_BYTES_MAX;
    checkSize(isLarge ? new TextEncoder().encode(input).length : input.length);
    return input;
  }
  checkSize(input.length);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(input);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new AppError("bad_request", notUtf8Message(input), { cause: error });
  }
}

function checkSize(sizeBytes: number): void {
  if (sizeBytes <= SIDECAR_BYTES_MAX) return;
  throw new AppError(
    "bad_request",
    `Cannot use a sidecar of ${sizeBytes} bytes: the limit is ${SIDECAR_BYTES_MAX}`,
  );
}

function notUtf8Message(bytes: Uint8Array): string {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) ||
    (bytes[0] === 0xfe && bytes[1] === 0xff);
  return isUtf16
    ? "Cannot read the sidecar: it is UTF-16, save it as UTF-8"
    : `Cannot read the sidecar: it is not UTF-8 from byte ${countValidBytes(bytes)} on`;
}

/** How many bytes from the start are valid UTF-8, the rest of an unfinished character included. */
function countValidBytes(bytes: Uint8Array): number {
  let validCount = 0;
  let invalidCount = bytes.length + 1;
  while (invalidCount - validCount > 1) {
    const middle = (validCount + invalidCount) >> 1;
    if (isValidStart(bytes.subarray(0, middle))) validCount = middle;
    else invalidCount = middle;
  }
  return Math.min(validCount, bytes.length);
}

function isValidStart(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return false;
  }
}
