import type { PackedAliases } from "../cache/alias_table.ts";
import type { PostBatch, TagNameColumns } from "../cache/columns_builder.ts";
import type { ImageColumns } from "../cache/image_columns.ts";
import type { PackedPools } from "../cache/pool_table.ts";
import type { MediaFacts, MediaRequest, ThumbnailOutcome } from "../media/media_facts.ts";
import type { HashedFiles } from "../media/md5.ts";
import type { ImportItem, ImportOutcome } from "../store/import_images.ts";
import type { Preparation } from "../store/migrate.ts";
import type { PoolChange } from "../store/pools.ts";
import type { PostEdit } from "../store/post_edits.ts";
import type { LibrarySizes, MetadataBatch } from "../store/read_columns.ts";
import type { LibraryRoot } from "../store/roots.ts";
import type { TagChange, TagEdit } from "../store/tags.ts";
import type { TrashEntry, TrashManifest, TrashState } from "../store/trash.ts";
import type { MetadataDocuments, PostIds } from "../tags/post_ids.ts";

/**
 * Database → columns. One load is `open`, then `readMetadata` until null and `readSome` until it is
 * done, in any order, then `readColumns`: all in one read transaction. An `open` during a load abandons
 * it.
 */
export type LoaderContract = {
  /** Begins a load; null when the tables are missing. */
  open: {
    request: { path: string };
    response: { sizes: LibrarySizes; position: number | null } | null;
  };
  /** The next documents; null when there are no more. */
  readMetadata: { request: null; response: MetadataBatch | null };
  /** Reads some more images or links. */
  readSome: { request: null; response: LoadStep };
  /**
   * Reads the snapshot file if the database went on from it; null if there is none or it is doubtful.
   */
  readSnapshot: {
    request: { path: string; snapshotPath: string };
    response: LoadedTables & { position: number } | null;
  };
  /**
   * Completes the columns, writes the snapshot file if a path is given, and ends the load; both others
   * must have come to their end.
   */
  readColumns: {
    request: { posts: PostBatch[]; snapshotPath: string | null };
    /** `snapshotFault`: why the snapshot file could not be written; the columns are good all the same. */
    response: LoadedTables & { snapshotFault: string | null };
  };
  /** Ends the load that is under way, if any: its read transaction would keep the database's log. */
  abandon: { request: null; response: null };
  /** Reads the tag table alone; null when the tables are missing. */
  readTags: { request: { path: string }; response: TagNameColumns | null };
  /** Reads the active aliases alone; none where there is no such table. */
  readAliases: { request: { path: string }; response: PackedAliases };
};

/** What a load hands over: the columns, and the small tables beside them. */
export type LoadedTables = {
  columns: ImageColumns;
  sources: string[];
  pools: PackedPools;
  aliases: PackedAliases;
};

/** How far the columns of a load are; `done` of the stage, in images. */
export type LoadStep = { stage: "images" | "tags"; done: number; isDone: boolean };

/** Batches of metadata documents → rows of the cross-source index. */
export type MetadataContract = {
  readPostIds: { request: MetadataDocuments; response: PostIds };
};

/** Paths → MD5, size and first bytes. */
export type HasherContract = {
  hashFiles: { request: { paths: string[] }; response: HashedFiles };
  /** Whether two files are equal byte for byte. */
  compareFiles: { request: { left: string; right: string }; response: { isSame: boolean } };
};

/** File → facts and thumbnail. Never terminated while it works. */
export type MediaContract = {
  inspect: { request: MediaRequest; response: MediaFacts };
  renewThumbnail: { request: MediaRequest; response: ThumbnailOutcome };
};

/** Every write transaction and every long SQL statement, one after the other. */
export type WriterContract = {
  /** Makes the database ready and keeps a connection; the first call. */
  open: { request: { path: string; backupPath: string }; response: Preparation };
  /** Names the database to a worker that replaces one that died; opened with the next write. */
  inherit: { request: { path: string }; response: null };
  importImages: { request: { items: ImportItem[] }; response: ImportOutcome[] };
  editTags: { request: TagEdit; response: TagChange };
  /** Tags, source, parent, pools and favourite of one image in one transaction. */
  editPost: { request: PostEdit; response: TagChange };
  setFavourite: { request: { imageId: number; isFavourite: boolean }; response: null };
  savePool: { request: PoolChange; response: { poolId: number } };
  deletePool: { request: { id: number }; response: null };
  writeBlacklist: { request: { lines: string }; response: null };
  ensureRoot: { request: LibraryRoot; response: LibraryRoot };
  /** Takes an image out of the library; gives the entry of the trash. */
  takeOut: { request: { manifest: TrashManifest }; response: { entryId: number } };
  setTrashState: {
    request: { id: number; state: TrashState; manifest: TrashManifest | null };
    response: null;
  };
  putBack: { request: { entry: TrashEntry }; response: { imageId: number } };
  /** Trims the change log and folds the write-ahead log into the database. */
  tidy: { request: null; response: null };
  /** Closes the connection: a worker that is ended closes it at some later moment. */
  disconnect: { request: null; response: null };
};
