/**
 * The tables of ChibiBooru, so that the original opens what this program made and the other way round.
 * Nothing in here is ever changed: what this program adds is in migrations/.
 */
const FTS_COLUMNS = [
  "tags_character",
  "tags_copyright",
  "tags_artist",
  "tags_species",
  "tags_meta",
  "tags_general",
];

/** Enters an image into the full-text table; part of the triggers on images. */
export const FULL_TEXT_INSERT = `
  INSERT INTO images_fts(filepath, tags_all, ${FTS_COLUMNS.join(", ")})
  VALUES (
    new.filepath,
    ${FTS_COLUMNS.map((name) => `COALESCE(new.${name}, '')`).join(" || ' ' || ")},
    ${FTS_COLUMNS.map((name) => `COALESCE(new.${name}, '')`).join(", ")}
  );`;

const IMAGE_KEY = "FOREIGN KEY (image_id) REFERENCES images (id) ON DELETE CASCADE";

const TABLES = `
CREATE TABLE IF NOT EXISTS images (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  filepath TEXT NOT NULL UNIQUE,
  md5 TEXT NOT NULL UNIQUE,
  post_id INTEGER,
  parent_id INTEGER,
  has_children BOOLEAN,
  saucenao_lookup BOOLEAN,
  active_source TEXT,
  tags_character TEXT,
  tags_copyright TEXT,
  tags_artist TEXT,
  tags_species TEXT,
  tags_meta TEXT,
  tags_general TEXT,
  score INTEGER,
  fav_count INTEGER,
  phash TEXT,
  colorhash TEXT,
  image_width INTEGER,
  image_height INTEGER,
  upscaled_width INTEGER,
  upscaled_height INTEGER,
  ingested_at TIMESTAMP
);
CREATE TABLE IF NOT EXISTS tags (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  category TEXT,
  extended_category TEXT
);
CREATE TABLE IF NOT EXISTS image_tags (
  image_id INTEGER,
  tag_id INTEGER,
  source TEXT DEFAULT 'original'
    CHECK(source IN ('original', 'user', 'ai_inference', 'implication')),
  ${IMAGE_KEY},
  FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE,
  PRIMARY KEY (image_id, tag_id)
);
CREATE TABLE IF NOT EXISTS sources (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS image_sources (
  image_id INTEGER,
  source_id INTEGER,
  ${IMAGE_KEY},
  FOREIGN KEY (source_id) REFERENCES sources (id) ON DELETE CASCADE,
  PRIMARY KEY (image_id, source_id)
);
CREATE TABLE IF NOT EXISTS raw_metadata (
  image_id INTEGER PRIMARY KEY,
  data TEXT NOT NULL,
  ${IMAGE_KEY}
);
CREATE TABLE IF NOT EXISTS pools (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  description TEXT
);
CREATE TABLE IF NOT EXISTS pool_images (
  pool_id INTEGER,
  image_id INTEGER,
  sort_order INTEGER,
  FOREIGN KEY (pool_id) REFERENCES pools (id) ON DELETE CASCADE,
  ${IMAGE_KEY},
  PRIMARY KEY (pool_id, image_id)
);
CREATE TABLE IF NOT EXISTS favourites (
  image_id INTEGER PRIMARY KEY,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  ${IMAGE_KEY}
);
CREATE TABLE IF NOT EXISTS tag_implications (
  source_tag_id INTEGER,
  implied_tag_id INTEGER,
  inference_type TEXT DEFAULT 'manual',
  confidence REAL DEFAULT 1.0,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  status TEXT DEFAULT 'active',
  FOREIGN KEY (source_tag_id) REFERENCES tags (id) ON DELETE CASCADE,
  FOREIGN KEY (implied_tag_id) REFERENCES tags (id) ON DELETE CASCADE,
  PRIMARY KEY (source_tag_id, implied_tag_id)
);
CREATE TABLE IF NOT EXISTS tag_deltas (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  image_md5 TEXT NOT NULL,
  tag_name TEXT NOT NULL,
  tag_category TEXT,
  operation TEXT NOT NULL CHECK(operation IN ('add', 'remove')),
  timestamp DATETIME DEFAULT CURRENT_TIMESTAMP,
  UNIQUE(image_md5, tag_name, operation)
);
CREATE TABLE IF NOT EXISTS local_tagger_predictions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  image_id INTEGER NOT NULL,
  tag_name TEXT NOT NULL,
  category TEXT,
  confidence REAL NOT NULL,
  tagger_version TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  ${IMAGE_KEY},
  UNIQUE(image_id, tag_name)
);
CREATE TABLE IF NOT EXISTS rating_tag_weights (
  tag_name TEXT NOT NULL,
  rating TEXT NOT NULL,
  weight REAL NOT NULL,
  sample_count INTEGER NOT NULL,
  PRIMARY KEY (tag_name, rating)
);
CREATE TABLE IF NOT EXISTS rating_tag_pair_weights (
  tag1 TEXT NOT NULL,
  tag2 TEXT NOT NULL,
  rating TEXT NOT NULL,
  weight REAL NOT NULL,
  co_occurrence_count INTEGER NOT NULL,
  PRIMARY KEY (tag1, tag2, rating),
  CHECK (tag1 < tag2)
);
CREATE TABLE IF NOT EXISTS rating_inference_config (
  key TEXT PRIMARY KEY,
  value REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS rating_model_metadata (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS image_relations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  image_id_a INTEGER NOT NULL,
  image_id_b INTEGER NOT NULL,
  relation_type TEXT NOT NULL,
  source TEXT NOT NULL DEFAULT 'manual',
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  UNIQUE(image_id_a, image_id_b, relation_type),
  FOREIGN KEY (image_id_a) REFERENCES images(id) ON DELETE CASCADE,
  FOREIGN KEY (image_id_b) REFERENCES images(id) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS duplicate_pairs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  image_id_a INTEGER NOT NULL,
  image_id_b INTEGER NOT NULL,
  distance INTEGER NOT NULL,
  threshold INTEGER NOT NULL,
  computed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  UNIQUE(image_id_a, image_id_b),
  FOREIGN KEY (image_id_a) REFERENCES images(id) ON DELETE CASCADE,
  FOREIGN KEY (image_id_b) REFERENCES images(id) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS similar_images_cache (
  source_image_id INTEGER NOT NULL,
  similar_image_id INTEGER NOT NULL,
  similarity_score REAL NOT NULL,
  similarity_type TEXT NOT NULL,
  rank INTEGER NOT NULL,
  computed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (source_image_id, similar_image_id, similarity_type),
  FOREIGN KEY (source_image_id) REFERENCES images(id) ON DELETE CASCADE,
  FOREIGN KEY (similar_image_id) REFERENCES images(id) ON DELETE CASCADE
);`;

const FULL_TEXT = `
CREATE VIRTUAL TABLE IF NOT EXISTS images_fts USING fts5(
  filepath, tags_all, ${FTS_COLUMNS.join(", ")}
);
CREATE TRIGGER IF NOT EXISTS images_fts_insert AFTER INSERT ON images BEGIN${FULL_TEXT_INSERT}
END;
CREATE TRIGGER IF NOT EXISTS images_fts_update AFTER UPDATE ON images BEGIN
  DELETE FROM images_fts WHERE filepath = old.filepath;${FULL_TEXT_INSERT}
END;
CREATE TRIGGER IF NOT EXISTS images_fts_delete AFTER DELETE ON images BEGIN
  DELETE FROM images_fts WHERE filepath = old.filepath;
END;`;

/** Table → indexed expressions; an index is named idx_<table>_<columns>, as the original does. */
const INDEXES: [name: string, on: string][] = [
  ["images_filepath", "images(filepath)"],
  ["images_md5", "images(md5)"],
  ["images_post_id", "images(post_id)"],
  ["images_parent_id", "images(parent_id)"],
  ["images_has_children", "images(has_children)"],
  ["images_active_source", "images(active_source)"],
  ["images_relationships", "images(parent_id, has_children)"],
  ["images_ingested_at", "images(ingested_at DESC)"],
  ["images_score", "images(score DESC)"],
  ["images_fav_count", "images(fav_count DESC)"],
  ["images_phash", "images(phash)"],
  ["images_colorhash", "images(colorhash)"],
  ["tags_name", "tags(name)"],
  ["tags_name_lower", "tags(LOWER(name))"],
  ["tags_category", "tags(category)"],
  ["tags_extended_category", "tags(extended_category)"],
  ["image_tags_image_id", "image_tags(image_id)"],
  ["image_tags_tag_id", "image_tags(tag_id)"],
  ["image_tags_source", "image_tags(source)"],
  ["image_sources_image_id", "image_sources(image_id)"],
  ["image_sources_source_id", "image_sources(source_id)"],
  ["raw_metadata_image_id", "raw_metadata(image_id)"],
  ["implications_source", "tag_implications(source_tag_id)"],
  ["implications_status", "tag_implications(status)"],
  ["tag_deltas_md5", "tag_deltas(image_md5)"],
  ["ltp_image_id", "local_tagger_predictions(image_id)"],
  ["ltp_confidence", "local_tagger_predictions(confidence)"],
  ["ltp_tag_name", "local_tagger_predictions(tag_name)"],
  ["rating_weights_rating", "rating_tag_weights(rating)"],
  ["rating_weights_weight", "rating_tag_weights(weight DESC)"],
  ["rating_pair_weights_rating", "rating_tag_pair_weights(rating)"],
  ["rating_pair_weights_weight", "rating_tag_pair_weights(weight DESC)"],
  ["rating_pair_weights_tags", "rating_tag_pair_weights(tag1, tag2)"],
  ["relations_image_a", "image_relations(image_id_a)"],
  ["relations_image_b", "image_relations(image_id_b)"],
  ["relations_type", "image_relations(relation_type)"],
  ["relations_pair", "image_relations(image_id_a, image_id_b)"],
  ["dup_pairs_distance", "duplicate_pairs(distance)"],
  ["dup_pairs_threshold", "duplicate_pairs(threshold, distance)"],
  ["dup_pairs_image_a", "duplicate_pairs(image_id_a)"],
  ["dup_pairs_image_b", "duplicate_pairs(image_id_b)"],
  ["similar_lookup", "similar_images_cache(source_image_id, similarity_type, rank)"],
];

/** Statements that make the tables of an empty ChibiBooru database. */
export const CHIBIBOORU_SCHEMA: string = TABLES + FULL_TEXT +
  INDEXES.map(([name, on]) => `\nCREATE INDEX IF NOT EXISTS idx_${name} ON ${on};`).join("");

/** Tables without which nothing can be read. */
export const REQUIRED_TABLES = ["images", "tags", "image_tags"] as const;

/** Page size of a new database, as the original's. */
export const PAGE_SIZE_BYTES = 8192;
