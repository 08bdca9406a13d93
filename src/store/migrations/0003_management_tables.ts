const TAG_COLUMNS = ["character", "copyright", "artist", "species", "meta", "general"]
  .map((category) => `tags_${category}`);

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
 * have no row too, so that a second search for duplicates reads nothing. `head`: the MD5 of the first
 * block; `md5`: null where the first block told the file apart from all others.
 */
const FILE_HASHES = `
CREATE TABLE file_hashes (
  filepath TEXT PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  mtime_ms INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  head BLOB,
  md5 BLOB
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

/**
 * A number in `library_state` that is another one after every change of the rules about tags, whoever
 * makes it: who keeps them in memory sees with one look whether they are still the same. Drawn and not
 * counted, so that a change that is rolled back cannot have the number of a later one.
 */
const TAG_RULES_VERSION = ["tag_implications", "tag_aliases"].flatMap((table) =>
  ["INSERT", "UPDATE", "DELETE"].map((event) => `
CREATE TRIGGER tag_rules_${table}_${event.toLowerCase()} AFTER ${event} ON ${table} BEGIN
  DELETE FROM library_state WHERE key = 'tag_rules';
  INSERT INTO library_state (key, value) VALUES ('tag_rules', random());
END;`)
).join("");

/**
 * Looks at rules: who took a tag away by hand, by the tag; what implies a tag; the few aliases that were
 * proposed among many that hold.
 */
const TAG_RULES_INDEXES = `
CREATE INDEX idx_tag_deltas_removed ON tag_deltas (tag_name) WHERE operation = 'remove';
CREATE INDEX idx_implications_implied ON tag_implications (implied_tag_id);
CREATE INDEX idx_tag_aliases_proposed ON tag_aliases (antecedent) WHERE status <> 'active';`;

/**
 * tag_catalogue: what lists of sites say of names, whether the library has them or not; each list keeps
 * its own word. list_aliases: which aliases came from lists, so that those of a person, and what a person
 * removed, are left alone. stale_tag_columns: images whose `tags_*` columns are to be written again, since
 * one of their tags got another category. source_choices: the site that a person chose to speak for a
 * content; it survives a rebuild.
 */
const TAG_LISTS = `
CREATE TABLE tag_catalogue (
  name TEXT NOT NULL,
  numbering TEXT NOT NULL,
  category TEXT NOT NULL,
  post_count INTEGER,
  PRIMARY KEY (name, numbering)
) WITHOUT ROWID;
CREATE TABLE list_aliases (
  antecedent TEXT PRIMARY KEY,
  consequent TEXT NOT NULL,
  numbering TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE stale_tag_columns (
  image_id INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE
);
CREATE TABLE source_choices (
  image_md5 TEXT PRIMARY KEY,
  source TEXT NOT NULL
) WITHOUT ROWID;`;

/**
 * tag_edits: the tags before (a JSON list) and what is needed to take an edit back; `is_further` marks the
 * edits of an operation that an earlier one stands for in lists. Entries that were written only to say that
 * a post was edited are joined to those of the journal that say how. operation_batches: what operations
 * on many images still have to do, packed ids.
 */
const UNDO = `
ALTER TABLE tag_edits ADD COLUMN is_further INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tag_edits ADD COLUMN tags_before TEXT;
ALTER TABLE tag_edits ADD COLUMN detail TEXT;
CREATE INDEX idx_tag_edits_heads ON tag_edits (id) WHERE is_further = 0;
CREATE INDEX idx_journal_kind ON journal (kind, state);
CREATE TABLE operation_batches (
  operation_id INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  ids BLOB NOT NULL,
  PRIMARY KEY (operation_id, batch)
) WITHOUT ROWID;
CREATE TEMP TABLE post_edits AS
  SELECT id, json_extract(steps, '$.imageId') AS image_id, started_at_ms
  FROM journal WHERE kind = 'post_edit' AND json_valid(steps);
CREATE INDEX temp.idx_post_edits ON post_edits (image_id, started_at_ms);
UPDATE tag_edits SET operation_id = (
  SELECT max(id) FROM post_edits WHERE post_edits.image_id = tag_edits.image_id
    AND started_at_ms BETWEEN edited_at_ms - 100 AND edited_at_ms
) WHERE added = '[]' AND removed = '[]';
DROP TABLE temp.post_edits;`;

/**
 * An edit of the tags changes the entry of the full-text table in its place, and no other edit does. Where
 * an image has no entry or several, it has one before that; looked at apart, since statements for that would
 * cost a third of the edit even where they do nothing.
 */
const FULL_TEXT_IN_PLACE = `
CREATE TRIGGER images_fts_single
BEFORE UPDATE OF filepath, ${TAG_COLUMNS.join(", ")} ON images
WHEN (SELECT count(*) FROM images_fts_content WHERE c0 = old.filepath) <> 1 BEGIN
  DELETE FROM images_fts WHERE rowid IN (
    SELECT id FROM images_fts_content WHERE c0 = old.filepath ORDER BY id LIMIT -1 OFFSET 1
  );
  INSERT INTO images_fts (filepath) SELECT old.filepath
    WHERE NOT EXISTS (SELECT 1 FROM images_fts_content WHERE c0 = old.filepath);
END;
DROP TRIGGER IF EXISTS images_fts_update;
CREATE TRIGGER images_fts_update
AFTER UPDATE OF filepath, ${TAG_COLUMNS.join(", ")} ON images BEGIN
  UPDATE images_fts SET filepath = new.filepath,
    tags_all = ${TAG_COLUMNS.map((name) => `coalesce(new.${name}, '')`).join(" || ' ' || ")},
    ${TAG_COLUMNS.map((name) => `${name} = coalesce(new.${name}, '')`).join(", ")}
  WHERE rowid = (SELECT id FROM images_fts_content WHERE c0 = old.filepath);
END;`;

/**
 * What files of the ingest folder became, by their paths there: a sidecar that comes after its file was
 * taken belongs to that image.
 */
const INGESTED_FILES = `
CREATE TABLE ingested_files (
  path TEXT PRIMARY KEY,
  image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  ingested_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idx_ingested_files_image_id ON ingested_files (image_id);`;

/**
 * Migration 3: trash of copies, remembered hashes, missing files, films, history to take back, and when
 * the rules about tags changed.
 */
export const MIGRATION_0003: string = TRASH + FILE_HASHES + MISSING_FILES + FILMS + TAG_HISTORY +
  TAG_RULES_VERSION + TAG_RULES_INDEXES + TAG_LISTS + UNDO + FULL_TEXT_IN_PLACE + INGESTED_FILES;
