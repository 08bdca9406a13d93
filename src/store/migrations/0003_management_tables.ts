/**
 * The trash also holds further copies of images that stay (`kind` duplicate), and an entry that is being
 * emptied says so. SQLite cannot change a constraint, so the table is made anew; its counter goes on, so
 * that no number is given twice.
 */
const TRASH = `
CREATE TABLE new_trash (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL DEFAULT 'image' CHECK(kind IN ('image', 'duplicate')),
  image_id INTEGER NOT NULL,
  md5 TEXT NOT NULL,
  trashed_at_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('moving', 'trashed', 'restoring', 'emptying')),
  manifest TEXT NOT NULL
);
INSERT INTO new_trash (id, image_id, md5, trashed_at_ms, state, manifest)
  SELECT id, image_id, md5, trashed_at_ms, state, manifest FROM trash ORDER BY id;
DELETE FROM sqlite_sequence WHERE name = 'new_trash';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_trash', seq FROM sqlite_sequence
  WHERE name = 'trash';
DROP TABLE trash;
ALTER TABLE new_trash RENAME TO trash;
CREATE INDEX idx_trash_md5 ON trash (md5);
CREATE INDEX idx_trash_image_id ON trash (image_id);`;

/**
 * Hashes of files by where they lie, good while size, time and inode are what they were: of files that
 * have no row too, so that a second search for duplicates reads nothing.
 */
const FILE_HASHES = `
CREATE TABLE file_hashes (
  filepath TEXT PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  mtime_ms INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  md5 BLOB NOT NULL
) WITHOUT ROWID;`;

/** Since when a place has been without its file; null: it is there. */
const MISSING_FILES = `
ALTER TABLE image_files ADD COLUMN missing_since_ms INTEGER;
CREATE INDEX idx_image_files_missing ON image_files (missing_since_ms)
  WHERE missing_since_ms IS NOT NULL;`;

/** What a film is, besides its length. */
const FILMS = `
ALTER TABLE image_media ADD COLUMN frame_rate REAL;
ALTER TABLE image_media ADD COLUMN video_codec TEXT;
ALTER TABLE image_media ADD COLUMN has_audio INTEGER;`;

/** `operation_id`: the entry of the journal an edit was part of; `undoes`: the edit it takes back. */
const TAG_HISTORY = `
ALTER TABLE tag_edits ADD COLUMN operation_id INTEGER;
ALTER TABLE tag_edits ADD COLUMN undoes INTEGER;
CREATE INDEX idx_tag_edits_operation_id ON tag_edits (operation_id) WHERE operation_id IS NOT NULL;
CREATE INDEX idx_tag_edits_undoes ON tag_edits (undoes) WHERE undoes IS NOT NULL;`;

/** Migration 3: trash of copies, remembered hashes, missing files, films, and history to take back. */
export const MIGRATION_0003: string = TRASH + FILE_HASHES + MISSING_FILES + FILMS + TAG_HISTORY;
