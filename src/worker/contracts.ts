import type { PostBatch, TagColumns } from "../cache/columns_builder.ts";
import type { ImageColumns } from "../cache/image_columns.ts";
import type { MediaFacts, MediaRequest, ThumbnailOutcome } from "../media/inspect.ts";
import type { HashedFiles } from "../media/md5.ts";
import type { LibrarySizes, MetadataBatch } from "../store/read_columns.ts";
import type { MetadataDocuments, PostIds } from "../tags/post_ids.ts";

/**
 * Database → columns. One load is `open`, then `readMetadata` until null, then `readColumns`: all in one
 * read transaction. An `open` during a load abandons it.
 */
export type LoaderContract = {
  /** Begins a load; null when the tables are missing. */
  open: {
    request: { path: string };
    response: { sizes: LibrarySizes; position: number | null } | null;
  };
  /** The next documents; null when there are no more. */
  readMetadata: { request: null; response: MetadataBatch | null };
  /** Builds the columns and ends the load. */
  readColumns: {
    request: { posts: PostBatch[] };
    response: { columns: ImageColumns; sources: string[] };
  };
  /** Reads the tag table alone; null when the tables are missing. */
  readTags: { request: { path: string }; response: TagColumns | null };
};

/** Batches of metadata documents → rows of the cross-source index. */
export type MetadataContract = {
  readPostIds: { request: MetadataDocuments; response: PostIds };
};

/** Paths → MD5, size and first bytes. */
export type HasherContract = {
  hashFiles: { request: { paths: string[] }; response: HashedFiles };
};

/** File → facts and thumbnail. Never terminated while it works. */
export type MediaContract = {
  inspect: { request: MediaRequest; response: MediaFacts };
  renewThumbnail: { request: MediaRequest; response: ThumbnailOutcome };
};
