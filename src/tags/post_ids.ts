import { toMessage } from "../base/errors.ts";
import { METADATA_ERRORS_LOGGED_MAX } from "../base/limits.ts";
import { isJsonObject } from "./json.ts";
import { readPostId } from "./post_fields.ts";

/** Metadata documents: UTF-8 texts one after the other, with their lengths in bytes. */
export type MetadataDocuments = {
  imageId: Int32Array<ArrayBuffer>;
  length: Int32Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
};

/** What {@link readPostIds} found: flat triples of place in `sources`, post id, image id. */
export type PostIds = {
  sources: string[];
  triples: Int32Array<ArrayBuffer>;
  malformedCount: number;
  /** The first few. */
  malformed: { imageId: number; reason: string }[];
};

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Finds the post ids (`sources.<name>.id`) of a batch of metadata documents.
 *
 * A document that does not parse, is no object, or has an id that does not fit int32 is malformed: it is
 * counted and described, and its other ids still count. Cost: JSON.parse of every document.
 */
export function readPostIds(documents: MetadataDocuments): PostIds {
  const { imageId, length, bytes } = documents;
  const sources: string[] = [];
  const triples: number[] = [];
  const malformed: PostIds["malformed"] = [];
  let malformedCount = 0;
  let start = 0;
  for (let i = 0; i < imageId.length; i++) {
    const text = bytes.subarray(start, start + length[i]);
    start += length[i];
    try {
      for (const [source, id] of postIdsOf(text)) {
        let place = sources.indexOf(source);
        if (place < 0) place = sources.push(source) - 1;
        triples.push(place, id, imageId[i]);
      }
    } catch (error) {
      malformedCount++;
      if (malformed.length < METADATA_ERRORS_LOGGED_MAX) {
        malformed.push({ imageId: imageId[i], reason: toMessage(error) });
      }
    }
  }
  return { sources, triples: Int32Array.from(triples), malformedCount, malformed };
}

function* postIdsOf(text: Uint8Array): Generator<[source: string, id: number]> {
  const document: unknown = JSON.parse(decoder.decode(text));
  if (!isJsonObject(document)) throw new TypeError("the document is no object");
  const sources = document.sources;
  if (!isJsonObject(sources)) return;
  let unfit: string | undefined;
  for (const [source, post] of Object.entries(sources)) {
    if (!isJsonObject(post) || isNothing(post.id)) continue;
    const id = readPostId(post.id);
    if (id === null) unfit ??= `the id of ${JSON.stringify(source)} does not fit 31 bits`;
    else yield [source, id];
  }
  if (unfit !== undefined) throw new RangeError(unfit);
}

/** What sites write for "no id". */
function isNothing(id: unknown): boolean {
  return id === undefined || id === null || id === 0 || id === "";
}
