import {
  ColumnsBuilder,
  type ImageBatch,
  indexTagNames,
  type LinkBatch,
  type PostBatch,
  type TagColumns,
  toRatingCode,
} from "../../src/cache/columns_builder.ts";
import type { ImageColumns } from "../../src/cache/image_columns.ts";
import { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import type { ImageState } from "../../src/cache/ports.ts";
import { TagTable } from "../../src/cache/tag_table.ts";
import { AliasTable } from "../../src/cache/alias_table.ts";
import { type Pool, PoolTable } from "../../src/cache/pool_table.ts";
import { TAG_CATEGORIES } from "../../src/tags/category.ts";
import { type FileType, fileTypeCodeOfPath, toFileTypeCode } from "../../src/tags/file_types.ts";
import { md5Of } from "./library_builder.ts";

/** A tag in plain words. */
export type PlainTag = { id: number; name: string; category?: string | null };

/** An image in plain words; what is left out is 0, or follows from the id. */
export type PlainImage = {
  id: number;
  filepath?: string;
  md5?: string;
  tagIds?: readonly number[];
  width?: number;
  height?: number;
  score?: number;
  favCount?: number;
  ingestedAt?: number;
  parentId?: number;
  fileSizeBytes?: number;
  durationMs?: number;
  favouritedAt?: number;
  parentImageId?: number;
  /** What the media says; else the ending of the path counts. */
  fileType?: FileType;
  source?: string;
  postIds?: readonly { source: string; id: number }[];
};

/** A library in memory. */
export type PlainLibrary = {
  tags: readonly PlainTag[];
  images: readonly PlainImage[];
  pools?: readonly PlainPool[];
  /** Pairs of antecedent and consequent. */
  aliases?: readonly (readonly [string, string])[];
};

/** A pool in plain words. */
export type PlainPool = {
  id: number;
  name: string;
  description?: string;
  imageIds?: readonly number[];
};

/** A pool as the snapshot has it. */
export function toPool(pool: PlainPool): Pool {
  const { id, name, description = "", imageIds = [] } = pool;
  return { id, name, description, imageIds: Int32Array.from(imageIds) };
}

const encoder = new TextEncoder();

/** Texts as bytes one after the other. */
export function packTexts(texts: readonly (string | Uint8Array)[]): {
  bytes: Uint8Array<ArrayBuffer>;
  length: Int32Array<ArrayBuffer>;
} {
  const parts = texts.map((text) => typeof text === "string" ? encoder.encode(text) : text);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return { bytes, length: Int32Array.from(parts, (part) => part.length) };
}

/** The tag table as columns. */
export function toTagColumns(tags: readonly PlainTag[]): TagColumns {
  const sorted = [...tags].sort((a, b) => a.id - b.id);
  const { bytes, length } = packTexts(sorted.map((tag) => tag.name));
  const tagNameOffset = new Int32Array(sorted.length + 1);
  for (let i = 0; i < length.length; i++) tagNameOffset[i + 1] = tagNameOffset[i] + length[i];
  return indexTagNames({
    tagId: Int32Array.from(sorted, (tag) => tag.id),
    tagNameOffset,
    tagNameBytes: bytes,
    tagCategory: Uint8Array.from(
      sorted,
      (tag) => TAG_CATEGORIES.findIndex((name) => name === (tag.category ?? null)) + 1,
    ),
  });
}

/** A batch of images for the builder. */
export function toImageBatch(images: readonly PlainImage[]): ImageBatch {
  const md5s = packTexts(images.map((image) => image.md5 ?? md5Of(image.id)));
  const paths = packTexts(images.map((image) => image.filepath ?? `${image.id}.jpg`));
  const sources = packTexts(images.map((image) => image.source ?? ""));
  return {
    imageId: Int32Array.from(images, (image) => image.id),
    md5Bytes: md5s.bytes,
    md5Length: md5s.length,
    pathBytes: paths.bytes,
    pathLength: paths.length,
    width: Int32Array.from(images, (image) => image.width ?? 0),
    height: Int32Array.from(images, (image) => image.height ?? 0),
    score: Int32Array.from(images, (image) => image.score ?? 0),
    favCount: Int32Array.from(images, (image) => image.favCount ?? 0),
    ingestedAt: Int32Array.from(images, (image) => image.ingestedAt ?? 0),
    parentId: Int32Array.from(images, (image) => image.parentId ?? 0),
    fileSizeBytes: Float64Array.from(images, (image) => image.fileSizeBytes ?? 0),
    fileType: Int32Array.from(images, (image) => toFileTypeCode(image.fileType ?? "")),
    sourceBytes: sources.bytes,
    sourceLength: sources.length,
  };
}

/** A batch of links for the builder, in the order in which they are given. */
export function toLinkBatch(images: readonly PlainImage[]): LinkBatch {
  const linked = images.filter((image) => (image.tagIds ?? []).length > 0);
  return {
    imageId: Int32Array.from(linked, (image) => image.id),
    count: Int32Array.from(linked, (image) => image.tagIds!.length),
    tagId: Int32Array.from(linked.flatMap((image) => [...image.tagIds!])),
  };
}

/** A batch of post ids for the builder. */
export function toPostBatch(images: readonly PlainImage[]): PostBatch {
  const posts = images.flatMap((image) =>
    (image.postIds ?? []).map((post) => ({ ...post, imageId: image.id }))
  );
  const sources = [...new Set(posts.map((post) => post.source))];
  return {
    sources,
    triples: Int32Array.from(
      posts.flatMap((post) => [sources.indexOf(post.source), post.id, post.imageId]),
    ),
  };
}

/** Builds the columns of a library. */
export function buildColumns(library: PlainLibrary): { columns: ImageColumns; sources: string[] } {
  const images = [...library.images].sort((a, b) => a.id - b.id);
  const imageBatch = toImageBatch(images);
  const linkBatch = toLinkBatch(images);
  const builder = new ColumnsBuilder({
    images: images.length,
    links: linkBatch.tagId.length,
    pathBytes: imageBatch.pathBytes.length,
    tags: toTagColumns(library.tags),
  });
  builder.addImages(imageBatch);
  for (const name of ["durationMs", "favouritedAt", "parentImageId"] as const) {
    const some = images.filter((image) => (image[name] ?? 0) > 0);
    builder.addNumbers({
      name,
      imageId: Int32Array.from(some, (image) => image.id),
      value: Int32Array.from(some, (image) => image[name]!),
    });
  }
  builder.addLinks(linkBatch);
  return builder.finish([toPostBatch(images)]);
}

/** Builds a snapshot of a library without edits. */
export async function buildSnapshot(library: PlainLibrary, generation = 1): Promise<ImageSnapshot> {
  const { columns, sources } = buildColumns(library);
  const tags = await TagTable.build(columns);
  const pools = PoolTable.of((library.pools ?? []).map(toPool));
  const aliases = AliasTable.of(library.aliases ?? []);
  return ImageSnapshot.of(columns, { sources, tags, pools, aliases, generation });
}

/** The state of an image as a reading of the database would give it; unknown tags are left out. */
export function toState(image: PlainImage, tags: readonly PlainTag[]): ImageState {
  const known = new Map(tags.map((tag) => [tag.id, tag]));
  const tagIds = [...new Set(image.tagIds)].filter((id) => known.has(id)).sort((a, b) => a - b);
  const filepath = image.filepath ?? `${image.id}.jpg`;
  return {
    id: image.id,
    filepath,
    md5: image.md5 ?? md5Of(image.id),
    tagIds: Int32Array.from(tagIds),
    width: image.width ?? 0,
    height: image.height ?? 0,
    score: image.score ?? 0,
    favCount: image.favCount ?? 0,
    ingestedAt: image.ingestedAt ?? 0,
    parentId: image.parentId ?? 0,
    fileSizeBytes: image.fileSizeBytes ?? 0,
    durationMs: image.durationMs ?? 0,
    favouritedAt: image.favouritedAt ?? 0,
    parentImageId: image.parentImageId ?? 0,
    fileType: toFileTypeCode(image.fileType ?? "") || fileTypeCodeOfPath(filepath),
    source: image.source ?? "",
    rating: Math.max(0, ...tagIds.map((id) => toRatingCode(known.get(id)!.name))),
    postIds: [...image.postIds ?? []],
  };
}
