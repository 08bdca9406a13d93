/**
 * The seed's core and utilities as one module, for embedders and tests: caches over a ChibiBooru database,
 * the tag id cache, the cache events, and what looks after a library. It needs neither the server nor, in
 * this isolate, sharp.
 *
 * @example Usage
 * ```ts ignore
 * import { openCore } from "chibibooru";
 * const core = await openCore({ database: "library/data/booru.db" });
 * await core.cache.loadDataFromDb({ verbose: false });
 * console.log(core.cache.getImageData().length, core.cache.getTagCounts().size);
 * await core.close();
 * ```
 *
 * @module
 */
export { type Core, type CoreOptions, openCore } from "./library/core.ts";
export { CacheManager, type LoadOptions } from "./cache/cache_manager.ts";
export { type CacheEventMap, CacheEvents } from "./cache/cache_events.ts";
export { type ImageDataEntry, ImageDataView } from "./cache/image_data_view.ts";
export { TagIdCache } from "./cache/tag_id_cache.ts";
export { AppError, type ErrorCode } from "./base/errors.ts";
export { getBucketedPath, getThumbnailPath, sanitizeFilenameForFs } from "./media/paths.ts";
export { readVideoFacts, sniffFilm } from "./media/video.ts";
export type { VideoFacts } from "./media/video_facts.ts";
export { type Film, grabFrame, readFfmpegVersion } from "./media/ffmpeg.ts";
export { getFileMd5 } from "./media/md5.ts";
export {
  type CatalogueChanges,
  importTagCsv,
  type ListFault,
  type ListWarning,
  type TagImportOptions,
  type TagImportProgress,
  type TagImportReport,
  type TagNumbering,
} from "./library/tags_import.ts";
export {
  type ApplyPriorityOptions,
  findImageSources,
  getSourcePriority,
  type ImageSources,
  type PriorityReport,
  setSourcePriority,
  type SourceChange,
  switchActiveSource,
} from "./library/switch_source.ts";
export { mergeTagSources, readSourcePosts, type SpokenFor } from "./tags/merge_sources.ts";
export {
  type ExtractedPost,
  type ExtractedTag,
  extractPost,
  type ExtractPostOptions,
} from "./tags/tag_extraction.ts";
export { type Library, type LibraryOptions, openLibrary } from "./library/library.ts";
export {
  type ScanResult,
  type WatchEvents,
  type WatchOptions,
  WatchService,
} from "./library/watch.ts";
export type {
  RootPlan,
  WatchCounts,
  WatchProblem,
  WatchRootStatus,
  WatchState,
} from "./library/watched_root.ts";
export { removeDuplicate, scanAndRemoveDuplicates } from "./library/dedupe.ts";
export type {
  DedupeCollision,
  DedupeCopy,
  DedupeGroup,
  DedupeOptions,
  DedupeProgress,
  DedupeReport,
  DedupeSkip,
} from "./library/dedupe_report.ts";
export { moveToTrash, type Restored, restoreFromTrash } from "./library/trash.ts";
export { type EmptyOptions, type EmptyReport, emptyTrash } from "./library/trash_empty.ts";
export {
  type BulkEditOptions,
  type BulkEditRequest,
  type BulkEditResult,
  type BulkTagCount,
  editTagsOfSearch,
} from "./library/bulk_edit.ts";
export { continueOperation, type OperationOptions } from "./library/operations.ts";
export {
  type HistoryEntry,
  type HistoryKind,
  type HistoryPage,
  type HistoryPageRequest,
  listHistory,
  undoEdit,
  undoOperation,
  type UndoOptions,
} from "./library/history.ts";
export type {
  Absence,
  Difference,
  Operation,
  OperationKind,
  OperationState,
  OperationSteps,
  PostDifference,
  ReplacedParent,
  UndoOutcome,
} from "./library/history.ts";
export {
  backupLibrary,
  type BackupOptions,
  type BackupProgress,
  type BackupReport,
} from "./library/backup.ts";
export { type BackupFile, type BackupKind, listBackups } from "./library/backup_files.ts";
export {
  restoreBackup,
  type RestoreOptions,
  type RestorePlan,
  type RestoreReport,
} from "./library/restore.ts";
export type { RestoredFiles } from "./library/restored_files.ts";
export {
  type ExportFormat,
  exportLibrary,
  type ExportOptions,
  type ExportReport,
} from "./library/export.ts";
export {
  checkLibrary,
  type CheckOptions,
  type CheckProgress,
  type CheckReport,
  countFaults,
} from "./library/check_library.ts";
export {
  CHECK_KIND_NAMES,
  type CheckKind,
  type Finding as CheckFinding,
  REPAIRABLE_KINDS,
} from "./library/check_kinds.ts";
export {
  type RebuildProgress,
  refreshLibrary,
  type RefreshOptions,
  type RefreshReport,
} from "./library/rebuild_refresh.ts";
export { rebuildLibrary, type RebuildOptions, type RebuildReport } from "./library/rebuild.ts";
export {
  addAlias,
  type Alias,
  type AliasChange,
  type AliasPreview,
  approveAlias,
  listAliases,
  previewAlias,
  removeAlias,
} from "./library/aliases.ts";
export {
  addImplication,
  approveImplication,
  type Implication,
  type ImplicationChange,
  type ImplicationPreview,
  listImplications,
  type PreviewedGain,
  previewImplication,
  removeImplication,
  requireImplication,
} from "./library/implications.ts";
export { finishTagRules, type TagRulesReport } from "./library/tag_rules.ts";
export { editImageTags, type TagsToEdit } from "./library/edit_tags.ts";
export { importFolders, type ImportOptions } from "./library/import_folder.ts";
export type { ImportProgress, ImportReport, ImportWarning } from "./library/import_report.ts";
export { listTrash, type TrashPageView, type TrashView } from "./library/trash_list.ts";
export {
  type Task,
  type TaskContext,
  type TaskEvents,
  type TaskProgress,
  TaskRunner,
  type TaskState,
} from "./library/tasks.ts";
export { findGpu } from "./library/hardware.ts";
export {
  detectGpu,
  type GpuDevice,
  type GpuFindings,
  type GpuKind,
  type GpuSources,
} from "./system/gpu.ts";
export {
  type BatchOptions,
  batchSizeFor,
  type MemoryFigures,
  readMemory,
} from "./system/memory.ts";
export { type LogFile, type LogFileOptions, openLogFile } from "./system/log_file.ts";
export {
  configureLogging,
  log,
  type Logger,
  type LogLevel,
  type LogOptions,
  parseLogLevel,
} from "./base/log.ts";
