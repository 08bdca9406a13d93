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
/** File names are at most this long in UTF-8 (file systems allow 255). */
export const FILE_NAME_BYTES_MAX = 240;
/** Finished tasks that are remembered. */
export const TASKS_KEPT_MAX = 200;
