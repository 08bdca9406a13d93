/** Every limit of the program in one place, units last in the name. */

/** Metadata documents that travel to a metadata worker in one message (the seed's batch size). */
export const METADATA_BATCH_DOCUMENTS = 1000;
/** Malformed metadata documents that are logged by md5; the rest are only counted. */
export const METADATA_ERRORS_LOGGED_MAX = 5;
/** Calls that may wait for one worker; more are refused as `unavailable`. */
export const WORKER_CALLS_PENDING_MAX = 10_000;

/** Images changed by single edits that a snapshot's overlay holds before a full load folds them in. */
export const OVERLAY_ROWS_MAX = 20_000;
/** Single edits, repeated ones of one image counted, after which a full load folds them in. */
export const OVERLAY_EDITS_MAX = 50_000;
/** Entries of the change log applied one by one; more are answered by a full load. */
export const CHANGES_APPLIED_MAX = 2_000;
/** Entries that the change log keeps; a reader further behind loads in full. */
export const CHANGE_LOG_ENTRIES_KEPT = 100_000;
/** How often the server looks for commits of other processes. */
export const POLL_INTERVAL_MS = 500;
/** How long a connection waits for another process's lock before it gives up. */
export const DATABASE_BUSY_MS = 5_000;
/** Longest that main-isolate loops run before they yield. */
export const MAIN_SLICE_MS = 8;

/** Images on one page of results. */
export const PAGE_SIZE_DEFAULT = 40;
/** Most images on one page of results. */
export const PAGE_SIZE_MAX = 200;
/** Terms of one query. */
export const QUERY_TERMS_MAX = 4_096;
/** Groups within groups that change the meaning of a query. */
export const QUERY_DEPTH_MAX = 500;
/** Work on one search before it is given up. */
export const QUERY_DEADLINE_MS = 2_000;
/** Results that a snapshot remembers, so that the pages of one search are found once. */
export const QUERY_MEMO_ENTRIES_MAX = 64;
/** Bytes of those results. */
export const QUERY_MEMO_BYTES_MAX = 32 * 1_048_576;
/** Conditions on columns whose bits are kept (125 KB each at a million images). */
export const DERIVED_BITMAPS_MAX = 64;
/** Derived numbers and orders that are kept (4 to 8 MB each at a million images). */
export const DERIVED_COLUMNS_MAX = 12;
/** Orders by chance that are kept. */
export const RANDOM_ORDERS_MAX = 4;
/** Bytes of the pages of searches that are kept ready to be sent. */
export const SEARCH_PAGES_BYTES_MAX = 64 * 1_048_576;
/** Length of a query's text. */
export const QUERY_LENGTH_MAX = 100_000;
/** Tags that one request may add or remove. */
export const EDIT_TAGS_MAX = 1_000;
/** Words of one tag string. */
export const TAG_STRING_WORDS_MAX = 10_000;
/** Images of a tag that an edit of one of them may give another category. */
export const CATEGORY_CHANGE_IMAGES_MAX = 1_000;
/** Length of a pool's name. */
export const POOL_NAME_LENGTH_MAX = 170;
/** Posts of one pool that are written. */
export const POOL_IMAGES_MAX = 100_000;
/** Length of a source that is written. */
export const SOURCE_LENGTH_MAX = 4_000;
/** Newest posts of a search that related tags are counted in. */
export const RELATED_SAMPLE_MAX = 1_000;
/** Length of a tag name in UTF-8. */
export const TAG_NAME_BYTES_MAX = 512;
/** Body of a JSON or form request. */
export const BODY_BYTES_MAX = 1_048_576;
/** Entries of the image details cache. */
export const DETAILS_ENTRIES_MAX = 20_000;
/** Similar images that are answered unless asked otherwise. */
export const SIMILAR_DEFAULT = 20;
/** Most similar images of one answer. */
export const SIMILAR_MAX = 200;
/** Images whose similar ones are kept. */
export const SIMILAR_ENTRIES_MAX = 20_000;
/** Names answered by the tag list. */
export const TAG_LIST_MAX = 200;
/** Completions of a word that is being typed. */
export const COMPLETIONS_DEFAULT = 10;
/** Most completions of a word. */
export const COMPLETIONS_MAX = 50;

/** Sidecar files larger than this are reported and not read. */
export const SIDECAR_BYTES_MAX = 16 * 1_048_576;
/** Tags that the sidecars of one file may give it: it is written in one go, and others wait. */
export const SIDECAR_TAGS_MAX = 10_000;
/** Pixels of a picture that is decoded (also guards width times height of the first frame). */
export const IMAGE_PIXELS_MAX = 100_000_000;
/** Longer side of a thumbnail. */
export const THUMBNAIL_SIDE_PX = 360;
/** Wall-clock time of one decode. */
export const DECODE_TIMEOUT_S = 20;
/** Free space below which an import does not start. */
export const FREE_DISK_FLOOR_BYTES = 512 * 1_048_576;
/** Files hashed in one message to a hasher worker. */
export const HASH_BATCH_FILES = 32;
/** Bytes after which a batch of files that a search for copies reads goes to a worker. */
export const HASH_BATCH_BYTES = 2 * 1_048_576;
/** Most files of such a batch of which only the first block is read. */
export const HASH_BATCH_FILES_MAX = 256;
/** Files of one first block that are read and compared in one go. */
export const HASH_LIST_FILES_MAX = 64;
/** Further copies that one transaction takes out of the library. */
export const COPIES_BATCH = 32;
/** Hashes that one transaction remembers. */
export const HASHES_WRITTEN_BATCH = 1_000;
/** Days after which the trash may be emptied by itself, at most. */
export const TRASH_DAYS_MAX = 100_000;
/** Entries of the trash that are removed together. */
export const TRASH_BATCH_ENTRIES = 50;
/** Pairs of files compared in one message to a hasher worker. */
export const COMPARE_BATCH_PAIRS = 64;
/** File names are at most this long in UTF-8 (file systems allow 255). */
export const FILE_NAME_BYTES_MAX = 240;
/** Finished tasks that are remembered. */
export const TASKS_KEPT_MAX = 200;
/** Result of a task as JSON; more is cut, with a note. */
export const TASK_RESULT_BYTES_MAX = 262_144;
/** Entries of each list of a result that is cut. */
export const TASK_RESULT_ENTRIES_KEPT = 100;
/** Least time between two tidings of how far a task is. */
export const TASK_PROGRESS_INTERVAL_MS = 100;
/** Arrays and objects within each other in a JSON body. */
export const JSON_DEPTH_MAX = 32;
/** Size at which a log file is put aside. */
export const LOG_FILE_BYTES_MAX = 10 * 1_048_576;
/** Log files that are kept besides the current one. */
export const LOG_FILES_KEPT = 5;
/** Tag names of which a writer remembers what they are aliases of. */
export const ALIAS_NAMES_KEPT_MAX = 50_000;
/** Images that are brought in line with a new alias or implication at once: other writes wait for it. */
export const TAG_RULE_BATCH_IMAGES = 400;
/** Batches of images go into one transaction until it has taken so long. */
export const TAG_WRITE_MS = 100;
/** Aliases or implications on one page. */
export const TAG_RULES_LIST_MAX = 200;
/** Bytes of a tag list, unpacked. */
export const TAG_LIST_BYTES_MAX = 1_073_741_824;
/** Line of a tag list. */
export const TAG_LIST_LINE_BYTES_MAX = 65_536;
/** Faults and warnings of a tag list that are told one by one; the rest are only counted. */
export const TAG_LIST_FAULTS_KEPT_MAX = 1_000;
/** Tag list that is sent to the server. */
export const TAG_LIST_UPLOAD_BYTES_MAX = 134_217_728;
/** Names in an order of sources. */
export const SOURCE_PRIORITY_NAMES_MAX = 100;
/** Problems of a watched folder that are remembered. */
export const WATCH_PROBLEMS_KEPT = 100;
/** How long a file must be the same before it is taken from a watched folder. */
export const WATCH_STILL_MS = 2_000;
/** Minutes between two complete scans of a watched folder. */
export const WATCH_RESCAN_MINUTES = 10;
/** How often a folder that is not there is looked for, and how long a locked library is waited for. */
export const WATCH_RETRY_MS = 5_000;
/** Missing files of a root that are marked without asking, however few it has. */
export const WATCH_MISSING_UNASKED = 10;
/** Share of a root's files of which no more may be missing without asking. */
export const WATCH_MISSING_SHARE_MAX = 0.05;
/** Files that a watched folder hands to one import, which holds the lock of the library meanwhile. */
export const WATCH_IMPORT_FILES = 128;
/** Images that an operation on many changes at once: other writes wait for it. */
export const OPERATION_BATCH_IMAGES = 400;
/** Images that an operation could not change and tells one by one; the rest are only counted. */
export const OPERATION_SKIPPED_KEPT_MAX = 100;
/** Images of an operation whose changes are shown as they are made; more are shown together, by one load. */
export const OPERATION_SHOWN_IMAGES_MAX = 5_000;
/** Edits of an operation that an undo takes back at once; more of them are a background task. */
export const UNDO_AT_ONCE_MAX = 500;
/** Images that a preview of an edit of many shows. */
export const BULK_EDIT_SAMPLE_IMAGES = 12;
/** File of an export that holds what belongs to no single image. */
export const LIBRARY_FILE_BYTES_MAX = 256 * 1_048_576;
