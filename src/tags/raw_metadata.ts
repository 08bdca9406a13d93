import { isJsonObject, type JsonObject, parseJson } from "./json.ts";
import { AppError } from "../base/errors.ts";

/** The image that a `raw_metadata` document belongs to. */
export type RawMetadataImage = { md5: string; relativePath: string };

/**
 * Puts a site's post into the `raw_metadata.data` document of an image and gives the new document.
 *
 * The document is `{ md5, relative_path, saucenao_lookup, sources: { <source>: post } }`. The newest
 * post of a source replaces the older one; other sources, keys that this program does not know, and
 * numbers that a double cannot hold come out as they went in. What cannot be kept in its place (a
 * document that is no JSON, `sources` that is no object) is appended as text to a list `unparsed`.
 * Merging the same post twice is merging it once.
 *
 * Shape: `post` is JSON text, or an object of {@link parseJson}; text is what may cross a worker's
 * border, where numbers kept as raw JSON would be lost.   Cost: O(document).
 *
 * @throws {AppError} `bad_request` if `post` is text that is no JSON object.
 */
export function mergeRawMetadata(
  existingJson: string | null,
  image: RawMetadataImage,
  source: string,
  post: JsonObject | string,
): string {
  const unparsed: string[] = [];
  const document = readDocument(existingJson, unparsed);
  const sources = readSources(document.get("sources"), unparsed);
  const replaced = sources.get(source);
  if (replaced !== undefined && replaced !== null && !isJsonObject(replaced)) {
    unparsed.push(JSON.stringify(replaced));
  }
  sources.set(source, readPost(post));
  document.set("md5", image.md5);
  document.set("relative_path", image.relativePath);
  if (!document.has("saucenao_lookup")) document.set("saucenao_lookup", false);
  document.set("sources", Object.fromEntries(sources));
  if (unparsed.length > 0) {
    document.set("unparsed", appendTo(document.get("unparsed"), unparsed));
  }
  return JSON.stringify(Object.fromEntries(document));
}

/*
 * Maps and Object.fromEntries, because `object["__proto__"] = value` would not set a key but change
 * what the object inherits; fromEntries defines every key as it is named.
 */

function readDocument(text: string | null, unparsed: string[]): Map<string, unknown> {
  if (text === null || text.trim() === "") return new Map();
  try {
    const document = parseJson(text);
    if (isJsonObject(document)) return new Map(Object.entries(document));
    if (document === null) return new Map();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
  unparsed.push(text);
  return new Map();
}

function readSources(value: unknown, unparsed: string[]): Map<string, unknown> {
  if (isJsonObject(value)) return new Map(Object.entries(value));
  if (value !== undefined && value !== null) unparsed.push(JSON.stringify(value));
  return new Map();
}

function readPost(post: JsonObject | string): JsonObject {
  const object = typeof post === "string" ? parseJson(post) : post;
  if (isJsonObject(object)) return object;
  throw new AppError("bad_request", "Cannot store metadata that is not a JSON object");
}

/** Keeps what stands there, even where another program uses the key for something else. */
function appendTo(existing: unknown, texts: readonly string[]): unknown[] {
  if (existing === undefined) return [...texts];
  return Array.isArray(existing) ? [...existing, ...texts] : [existing, ...texts];
}
