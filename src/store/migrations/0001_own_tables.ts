import { FULL_TEXT_INSERT } from "../schema.ts";
import { logAll, onAll, onReplace } from "./change_triggers.ts";

const FULL_TEXT_DELETE = `DELETE FROM images_fts
  WHERE rowid IN (SELECT id FROM images_fts_content WHERE c0 = old.filepath);`;

/**
 * What this program keeps beside ChibiBooru's tables. Additive: no table of the original is altered.
 *
 * - library_roots: folders indexed in place. image_files: every place of a content. image_media: what
 *   the file is. trash: removed images with all that is needed to restore them. library_state: small
 *   facts by key.
 * - tag_aliases, tag_edits, journal, tasks: reserved by the contract, filled by later parts.
 * - change_log: one row a changed subject, newest number wins; filled by triggers, so that what any
 *   program writes is seen.
 */
const OWN_TABLES = `
CREATE TABLE library_state (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
INSERT INTO library_state (key, value) VALUES ('library_id', lower(hex(randomblob(16))));
CREATE TABLE library_roots (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL UNIQUE,
  mode TEXT NOT NULL CHECK(mode IN ('in_place'))
);
CREATE TABLE image_files (
  filepath TEXT PRIMARY KEY,
  image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  size_bytes INTEGER NOT NULL,
  mtime_ms INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  added_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idx_image_files_image_id ON image_files (image_id);
CREATE TABLE image_media (
  image_id INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
  file_ext TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  duration_ms INTEGER,
  source_url TEXT,
  posted_at TEXT,
  original_name TEXT
);
CREATE TABLE tag_aliases (
  antecedent TEXT PRIMARY KEY,
  consequent TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'active',
  created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE tag_edits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  image_id INTEGER NOT NULL,
  image_md5 TEXT NOT NULL,
  editor TEXT NOT NULL,
  edited_at_ms INTEGER NOT NULL,
  added TEXT NOT NULL,
  removed TEXT NOT NULL
);
CREATE INDEX idx_tag_edits_image_id ON tag_edits (image_id);
CREATE TABLE trash (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  image_id INTEGER NOT NULL,
  md5 TEXT NOT NULL,
  trashed_at_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('moving', 'trashed', 'restoring')),
  manifest TEXT NOT NULL
);
CREATE INDEX idx_trash_md5 ON trash (md5);
CREATE TABLE journal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  steps TEXT NOT NULL
);
CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  detail TEXT NOT NULL
);
CREATE TABLE change_log (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL CHECK(subject IN ('image', 'tag')),
  subject_id INTEGER NOT NULL,
  UNIQUE (subject, subject_id)
);`;

/** Logs the images of a tag: with foreign keys off, as in a shell, only the tag itself is written. */
function onTag(event: "INSERT" | "DELETE", id: string): string {
  const images = `SELECT image_id FROM image_tags WHERE tag_id = ${id} AND image_id NOT NULL`;
  return `\nCREATE TRIGGER change_log_tags_${event.toLowerCase()}_links AFTER ${event} ON tags
    BEGIN${logAll("image", images)}\nEND;`;
}

/** Triggers that fill the change log, whoever writes. */
const CHANGE_LOG_TRIGGERS = onAll("images", "image", { column: "id" }) +
  onAll("image_tags", "image", { column: "image_id" }) +
  onAll("raw_metadata", "image", { column: "image_id" }) +
  onAll("image_sources", "image", { column: "image_id" }) +
  onAll("image_files", "image", { column: "image_id" }) +
  onAll("image_media", "image", { column: "image_id" }) +
  onAll("tags", "tag", { column: "id" }) +
  onReplace("images", "image", { uniqueColumns: ["filepath", "md5"] }) +
  onReplace("tags", "tag", { uniqueColumns: ["name"] }) +
  onTag("INSERT", "new.id") +
  onTag("DELETE", "old.id");

/**
 * The original's two full-text triggers find the entry of an image by a scan over all entries, so at a
 * million images each edit would cost seconds. They mean the same here, with the entry found by an
 * index over the table's content.
 */
const FAST_FULL_TEXT = `
CREATE INDEX idx_images_fts_filepath ON images_fts_content (c0);
DROP TRIGGER IF EXISTS images_fts_update;
CREATE TRIGGER images_fts_update AFTER UPDATE ON images BEGIN
  ${FULL_TEXT_DELETE}${FULL_TEXT_INSERT}
END;
DROP TRIGGER IF EXISTS images_fts_delete;
CREATE TRIGGER images_fts_delete AFTER DELETE ON images BEGIN
  ${FULL_TEXT_DELETE}
END;`;

/** Migration 1. */
export const MIGRATION_0001 = OWN_TABLES + CHANGE_LOG_TRIGGERS + FAST_FULL_TEXT;
