import type { ImageId, PoolId, TagId } from "../base/ids.ts";
import type { PackedAliases } from "./alias_table.ts";
import type { TagNameColumns } from "./columns_builder.ts";
import type { ImageColumns } from "./image_columns.ts";
import type { PackedPools, Pool } from "./pool_table.ts";

/** Everything that the cache knows of one image, read from the database at one moment. */
export type ImageState = {
  id: ImageId;
  filepath: string;
  md5: string;
  /** Ascending, without repeats. */
  tagIds: Int32Array;
  width: number;
  height: number;
  score: number;
  favCount: number;
  /** Unix seconds, 0 = not known. */
  ingestedAt: number;
  parentId: number;
  /** 0 = not known. */
  fileSizeBytes: number;
  /** 0 = none. */
  durationMs: number;
  /** Unix seconds, 0 = no favourite, 1 = a favourite since no one knows when. */
  favouritedAt: number;
  /** The lowest image that a relation names as its parent, 0 = none. */
  parentImageId: number;
  /** Place in FILE_TYPES + 1, 0 = none of them. */
  fileType: number;
  /** Where the file came from, "" = not known. */
  source: string;
  /** Place in RATINGS + 1, 0 = none. */
  rating: number;
  postIds: { source: string; id: number }[];
};

/** A tag as the database has it. */
export type TagRecord = { id: TagId; name: string; category: string | null };

/** What a full load brings. */
export type LoadedColumns = {
  columns: ImageColumns;
  /** Names of the sites that postSource numbers. */
  sources: string[];
  pools: PackedPools;
  aliases: PackedAliases;
  /** Where the change log stood in the load's read transaction; null where there is no log. */
  position: number | null;
  /** Metadata documents that did not parse. */
  malformed: number;
  /** What was read: the whole database, or the snapshot file of an earlier load. */
  loadedFrom: "database" | "snapshot";
};

/** Images read one by one, with the tags they refer to. */
export type ImageReading = { images: ImageState[]; tags: TagRecord[] };

/** What was committed since a position of the change log. */
export type Changes =
  | {
    kind: "entries";
    position: number;
    imageIds: ImageId[];
    tagIds: TagId[];
    poolIds: PoolId[];
    hasAliasChanges: boolean;
  }
  /** Too many, or no longer in the log: load in full. */
  | { kind: "overflow" };

/** Reports how far a full load is: done of total, in images and metadata documents. */
export type ProgressReporter = (
  progress: { stage: LoadStage; done: number; total: number },
) => void;

/** Parts of a full load, in their order. */
export type LoadStage = "metadata" | "images" | "tags" | "index";

/**
 * What the cache needs from outside. Nothing here is assumed to be synchronous, and each call answers
 * with one consistent reading.
 */
export type CachePorts = {
  /**
   * Reads everything; null when the tables are missing. With `isWarm` a snapshot file may answer, if the
   * database is known to have gone on from it.
   */
  loadColumns(
    report: ProgressReporter,
    options: { isWarm: boolean },
  ): Promise<LoadedColumns | null>;
  /** Reads some images; those that do not exist are left out. */
  readImages(ids: readonly ImageId[]): Promise<ImageReading>;
  /** Reads the image with this path. */
  readImageByPath(filepath: string): Promise<ImageReading>;
  /** Reads all tags; null when the tables are missing. */
  readTags(): Promise<TagNameColumns | null>;
  /** Reads some tags; those that do not exist are left out. */
  readTagsByIds(ids: readonly TagId[]): Promise<TagRecord[]>;
  /** Reads some pools; those that do not exist are left out. */
  readPools(ids: readonly PoolId[]): Promise<Pool[]>;
  /** Reads all active aliases. */
  readAliases(): Promise<PackedAliases>;
  /** Reads what was committed since `position`; null where there is no change log. */
  readChanges(position: number): Promise<Changes | null>;
};
