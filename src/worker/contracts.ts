import type { PackedAliases } from "../cache/alias_table.ts";
import type { PostBatch, TagNameColumns } from "../cache/columns_builder.ts";
import type { ImageColumns } from "../cache/image_columns.ts";
import type { PackedPools } from "../cache/pool_table.ts";
import type { ComparedPairs, FilePair } from "../media/compare.ts";
import type { MediaFacts, MediaRequest, ThumbnailOutcome } from "../media/media_facts.ts";
import type { PictureVersions } from "../media/picture_versions.ts";
import type { AlikeFiles, HashedAlike, HashedBlocks } from "../media/hash_alike.ts";
import type { HashedFiles } from "../media/md5.ts";
import type { HeaderFacts } from "../media/read_facts.ts";
import type { WalkedFiles, WalkRequest } from "../media/walk_files.ts";
import type { DatabaseFault, DatabasePart } from "../store/check.ts";
import type { DatabaseRepair } from "../store/check_repairs.ts";
import type { FoundFacts, FoundManifest, RederivedTags } from "../store/rebuild.ts";
import type { SalvageReport } from "../store/salvage.ts";
import type { Alias, AliasOutcome, WantedAlias } from "../store/aliases.ts";
import type {
  ImplicationIds,
  ImplicationOutcome,
  WantedImplication,
} from "../store/implications.ts";
import type { ExportedSidecar } from "../store/export_reader.ts";
import type { LibraryPartOutcome } from "../store/import_library.ts";
import type { DatabaseIdentity, VerifiedDatabase } from "../store/backup.ts";
import type { BulkEdit } from "../store/bulk_edit.ts";
import type { FileHash } from "../store/file_hashes.ts";
import type { FilePlace, ImportItem, ImportOutcome } from "../store/import_images.ts";
import type { PlaceChanges, PlaceFindings } from "../store/missing_files.ts";
import type { Preparation } from "../store/migrate.ts";
import type { Operation } from "../store/operations.ts";
import type { PoolChange } from "../store/pools.ts";
import type { PostEdit } from "../store/post_edits.ts";
import type { LibrarySizes, MetadataBatch } from "../store/read_columns.ts";
import type { LibraryRoot } from "../store/roots.ts";
import type { PriorityStep } from "../store/follow_priority.ts";
import type { SourceChange, SourceSwitch } from "../store/switch_source.ts";
import type { TagImportStep, TagListRequest, TagListSurvey } from "../store/tag_import.ts";
import type { TagRuleCursor, TagRuleStep } from "../store/tag_rule_jobs.ts";
import type { TagChange, TagEdit } from "../store/tags.ts";
import type { TaskRecord } from "../store/tasks.ts";
import type { TrashEntry, TrashManifest, TrashState } from "../store/trash.ts";
import type { CopyOutcome, CopyPlan } from "../store/trash_copies.ts";
import type { UndoOutcome } from "../store/undo.ts";
import type { LibraryPart } from "../tags/library_file.ts";
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
  hashFirstBlocks: { request: { paths: string[] }; response: HashedBlocks };
  /** MD5 of files that may be copies of each other, compared byte for byte where it is one. */
  hashAlike: { request: { lists: AlikeFiles[] }; response: HashedAlike };
  /** Whether two files are equal byte for byte. */
  compareFiles: { request: { left: string; right: string }; response: { isSame: boolean } };
  comparePairs: { request: { pairs: FilePair[] }; response: ComparedPairs };
  /** Every file below a folder. */
  walkFiles: { request: WalkRequest; response: WalkedFiles };
  /** A part of the check of a database, on a connection of its own. */
  examineDatabase: { request: { path: string; part: DatabasePart }; response: DatabaseFault[] };
  /** Names of the tables of a database; none if it cannot be opened. */
  listTables: { request: { path: string }; response: string[] };
};

/** File → facts and thumbnail. Never terminated while it works. */
export type MediaContract = {
  inspect: { request: MediaRequest; response: MediaFacts };
  renewThumbnail: { request: MediaRequest; response: ThumbnailOutcome };
  /** What decodes pictures; fails where its native part cannot be loaded. */
  readVersions: { request: null; response: PictureVersions };
  /** What a file says of itself; no thumbnail is made. */
  readFacts: { request: { path: string; ext: string }; response: HeaderFacts };
};

/**
 * Asks for the WebGPU adapter, which loads drivers: a worker of its own, since asking blocks the isolate
 * for as long as they like.
 */
export type GpuContract = {
  /** Null: there is none. */
  describeAdapter: { request: null; response: { name: string; isSoftware: boolean } | null };
};

/** What happened below a watched folder. */
export type FolderChanges = {
  /** Paths that may be new: files, and folders whose inside nobody has seen. */
  appeared: string[];
  /** Paths that changed or vanished. */
  changed: string[];
  /** Whether the system lost count: the folder must be looked through. */
  isIncomplete: boolean;
};

/** Folders → paths of what happens below them, as the system tells it. */
export type WatcherContract = {
  /**
   * Watches a folder, known by this number from now on; what changes before the answer may go unseen. Refused
   * if the folder `apart` can be reached from it.
   */
  open: { request: { id: number; folder: string; apart: string }; response: null };
  /** What happened since the last answer; waits until something did. Null once it is closed. */
  next: { request: { id: number }; response: FolderChanges | null };
  close: { request: { id: number }; response: null };
};

/**
 * Copies of whole databases: hours of reading are nobody else's wait. Ended at once when somebody does not
 * want to wait for it; what it was writing is removed then.
 */
export type ArchiveContract = {
  /** What a database holds, if it is one of this program or of the original. */
  identify: { request: { path: string }; response: DatabaseIdentity };
  /** Copies a database that is in use, and reads the copy back. */
  copy: { request: { path: string; target: string }; response: VerifiedDatabase };
  digest: { request: { path: string }; response: { sha256: string } };
  /** Reads a database that nobody uses to its last link. */
  settle: { request: { path: string }; response: VerifiedDatabase };
  /** Brings a settled database to this program's version; `scratch` is used meanwhile. */
  upgrade: { request: { path: string; scratch: string }; response: null };
  /** Notes in a settled database that it is put back, from where. */
  noteRestore: { request: { path: string; from: string }; response: null };
  /** Keeps everyone from writing to a database, until it is let go. */
  hold: { request: { path: string }; response: null };
  copyHeld: { request: { target: string }; response: VerifiedDatabase };
  letGo: { request: null; response: null };
  /** Begins an export of what a library is at this moment. */
  openExport: { request: { path: string; json: boolean; txt: boolean }; response: ExportSizes };
  /** Sidecars of these images, or of the next ones (null); nothing when there are no more. */
  readSidecars: { request: { ids: number[] | null }; response: ExportedSidecar[] };
  /** The next piece of the library's own file, its header left out; null: it is complete. */
  readLibrarySections: {
    request: { isWhole: boolean };
    response: { bytes: Uint8Array<ArrayBuffer> } | null;
  };
  closeExport: { request: null; response: null };
  /** The next entries of an export's own file, which is read when it is named; null: there are no more. */
  readLibraryFile: { request: { path: string | null }; response: LibraryPart | null };
};

/** What an export is about to read. */
export type ExportSizes = { libraryId: string; images: number; bytes: number };

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
  /** Takes back one edit. */
  undoEdit: { request: { editId: number; editor: string }; response: UndoOutcome };
  /** Writes down an edit of many images, without doing any of it. */
  startBulkEdit: { request: BulkEdit; response: { operationId: number } };
  /** Writes down the undo of an operation, without doing any of it. */
  startUndo: {
    request: { operationId: number; editor: string };
    response: { operationId: number };
  };
  /** Does the next batch of an operation on many images. */
  /** One batch, and more until `forMs` are over. */
  runOperationBatch: { request: { operationId: number; forMs: number }; response: Operation };
  interruptOperation: {
    request: { operationId: number; fault: string | null };
    response: Operation;
  };
  /** Joins some segments of the full-text table, after batches of many edits. */
  mergeFullText: { request: null; response: { isMore: boolean } };
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
  /** Takes further copies out of the library; their files are to be moved next. */
  takeCopies: { request: { plans: CopyPlan[] }; response: CopyOutcome[] };
  finishCopies: { request: { entryIds: number[] }; response: null };
  leaveCopy: { request: { entryId: number; manifest: TrashManifest }; response: null };
  putCopyBack: {
    request: { entryId: number; md5: string; place: FilePlace; isServed?: boolean };
    response: { imageId: number | null };
  };
  beginEmptying: { request: { entryIds: number[] }; response: null };
  dropTrashEntries: { request: { entryIds: number[] }; response: null };
  /** After how many days the trash is emptied by itself; null: never. */
  setTrashKeepDays: { request: { days: number | null }; response: null };
  /** Remembers hashes of files, and forgets those of files that are gone. */
  keepHashes: { request: { hashes: FileHash[]; gone: string[] }; response: null };
  /** Keeps how a background task stands. */
  saveTask: { request: { record: TaskRecord }; response: null };
  /** Says of tasks that never ended that they were cut off. */
  interruptTasks: { request: { endedAtMs: number }; response: null };
  /** Reads a tag list through; nothing is written. One list is open at a time. */
  openTagList: { request: TagListRequest; response: TagListSurvey };
  /** Writes the next rows of the open list. */
  importTagRows: { request: null; response: TagImportStep };
  closeTagList: { request: null; response: null };
  /** Writes the tag columns of some images that wait for it; gives how many. */
  writeStaleTagColumns: { request: null; response: { written: number } };
  /** Lets a site speak for an image. */
  switchSource: { request: SourceSwitch; response: SourceChange };
  saveSourcePriority: { request: { names: string[]; editor: string }; response: null };
  /** Lets the order of sources hold for the next images; null: for all. */
  followSourcePriority: { request: null; response: PriorityStep };
  /** Marks places whose files are gone, and those that are back. */
  markPlaces: { request: PlaceFindings; response: PlaceChanges };
  finishScan: { request: { folder: string; startedAtMs: number }; response: null };
  addImplication: { request: WantedImplication; response: ImplicationOutcome };
  approveImplication: { request: ImplicationIds; response: ImplicationOutcome };
  removeImplication: { request: ImplicationIds; response: ImplicationOutcome };
  addAlias: { request: WantedAlias; response: AliasOutcome };
  approveAlias: { request: { antecedent: string; movesImages: boolean }; response: AliasOutcome };
  removeAlias: { request: { antecedent: string }; response: Alias };
  /** Brings an alias or implication to the next batch of images, and to more until `forMs` are over. */
  continueTagRuleJob: {
    request: { id: number; cursor: TagRuleCursor | null; forMs: number };
    response: TagRuleStep;
  };
  /** Repairs what a check found within the database. */
  repairDatabase: { request: DatabaseRepair; response: { changed: number } };
  /** Derives the tags of the next images anew from their metadata and a person's edits. */
  rederiveTags: { request: { afterId: number }; response: RederivedTags };
  writeFoundFacts: { request: { found: FoundFacts[] }; response: { changed: number } };
  /** Makes the entry of a folder of the trash that has none. */
  adoptManifest: { request: FoundManifest; response: { isAdopted: boolean } };
  /** Begins to copy all that can be read of a database into a new one. */
  openSalvage: { request: { from: string; to: string }; response: null };
  salvageSome: { request: null; response: { table: string; report: SalvageReport | null } };
  closeSalvage: { request: null; response: null };
  /** Writes entries of an export's own file. */
  importLibraryPart: { request: { part: LibraryPart }; response: LibraryPartOutcome };
  /** Says that the files of a database that was put back were looked for. */
  finishRestore: { request: { findings: Record<string, unknown> }; response: null };
  /** Trims the change log and folds the write-ahead log into the database. */
  tidy: { request: null; response: null };
  /** Closes the connection: a worker that is ended closes it at some later moment. */
  disconnect: { request: null; response: null };
};
