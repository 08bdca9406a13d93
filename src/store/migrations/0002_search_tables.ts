import { onAll, onAny, onReplace } from "./change_triggers.ts";

/**
 * The log takes any subject. SQLite cannot drop a constraint, so the table is made anew under its name:
 * positions, the counter behind them and with it the mark up to where it was trimmed stay as they are, and
 * the triggers that fill it, which find it by its name, need not change.
 */
const CHANGE_LOG = `
CREATE TEMP TABLE change_log_entries AS SELECT position, subject, subject_id FROM change_log;
CREATE TEMP TABLE change_log_counter AS SELECT seq FROM sqlite_sequence WHERE name = 'change_log';
DROP TABLE change_log;
CREATE TABLE change_log (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL,
  subject_id INTEGER NOT NULL,
  UNIQUE (subject, subject_id)
);
INSERT INTO change_log SELECT position, subject, subject_id FROM change_log_entries
  ORDER BY position;
DELETE FROM sqlite_sequence WHERE name = 'change_log';
INSERT INTO sqlite_sequence (name, seq) SELECT 'change_log', seq FROM change_log_counter;
DROP TABLE change_log_entries;
DROP TABLE change_log_counter;`;

/** Triggers for what a search asks for besides images and their tags. */
const TRIGGERS = onAll("pools", "pool", { column: "id" }) +
  onAll("pool_images", "pool", { column: "pool_id" }) +
  onAll("favourites", "image", { column: "image_id" }) +
  onAll("image_relations", "image", { column: "image_id_a", label: "image_relations_a" }) +
  onAll("image_relations", "image", { column: "image_id_b", label: "image_relations_b" }) +
  onAny("tag_aliases", "aliases", 0) +
  onReplace("pools", "pool", { uniqueColumns: ["name"] }) +
  onReplace("image_relations", "image", {
    uniqueColumns: ["id"],
    selected: ["image_id_a", "image_id_b"],
  });

/**
 * Migration 2: pools, aliases, favourites and relations are logged as images and tags are, and the pools
 * of an image are found without a look at all of them.
 */
export const MIGRATION_0002 = CHANGE_LOG + TRIGGERS +
  "\nCREATE INDEX IF NOT EXISTS idx_pool_images_image_id ON pool_images (image_id);";
