import { Database } from "@db/sqlite";
import { CHIBIBOORU_SCHEMA, PAGE_SIZE_BYTES } from "../../src/store/schema.ts";
import { seededRandom, zipf } from "./random.ts";

/** Shape of a generated library. */
export type GeneratorOptions = {
  images: number;
  /** Distinct tags; a fiftieth of the images, at least 2,000, by default. */
  tags?: number;
  /** Mean number of tags of an image. */
  tagsPerImage?: number;
  /** Share of images with a metadata document. */
  metadataShare?: number;
  seed?: number;
};

const CATEGORIES = ["general", "general", "general", "character", "copyright", "artist", "meta"];
const RATINGS = ["general", "sensitive", "questionable", "explicit"];
const IMAGES_PER_TRANSACTION = 20_000;

/**
 * Writes a ChibiBooru database of the given shape: Zipf-drawn tags, one rating an image, Danbooru-shaped
 * metadata. The same options give the same rows. The full-text table stays empty: nothing measured
 * reads it.
 */
export function generateLibrary(path: string, options: GeneratorOptions): void {
  const { images } = options;
  const db = new Database(path, { int64: true, parseJson: false });
  db.exec(
    `PRAGMA page_size = ${PAGE_SIZE_BYTES}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF`,
  );
  const schema = CHIBIBOORU_SCHEMA.split(/;\s*(?=CREATE (?:TABLE|INDEX|VIRTUAL|TRIGGER))/);
  const isLate = (sql: string) => /CREATE INDEX|CREATE TRIGGER/.test(sql);
  db.exec(schema.filter((sql) => !isLate(sql)).join(";\n"));
  const tagCount = options.tags ?? Math.max(2_000, Math.round(images / 50));
  const random = seededRandom(options.seed ?? 1);
  writeTags(db, tagCount);
  writeImages(db, { ...options, tags: tagCount }, random);
  db.exec(schema.filter(isLate).join(";\n"));
  db.exec("PRAGMA journal_mode = WAL");
  db.close();
}

function writeTags(db: Database, count: number): void {
  const insert = db.prepare("INSERT INTO tags (id, name, category) VALUES (?, ?, ?)");
  db.exec("BEGIN");
  RATINGS.forEach((rating, i) => insert.run(i + 1, `rating:${rating}`, "rating"));
  for (let i = 0; i < count; i++) {
    insert.run(i + 1 + RATINGS.length, tagName(i), CATEGORIES[i % CATEGORIES.length]);
  }
  db.exec("COMMIT");
}

/** Name of a generated tag; realistic in length. */
function tagName(index: number): string {
  return `${["long", "blue", "hair", "sky", "ribbon"][index % 5]}_tag_${index.toString(36)}`;
}

function writeImages(
  db: Database,
  options: GeneratorOptions & { tags: number },
  random: () => number,
): void {
  const draw = zipf(options.tags, 0.9, random);
  const mean = options.tagsPerImage ?? 28;
  const insertImage = db.prepare(
    `INSERT INTO images (id, filepath, md5, post_id, score, fav_count, image_width, image_height,
       ingested_at, tags_general) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertTags = db.prepare(
    "INSERT INTO image_tags (image_id, tag_id) SELECT ?, value FROM json_each(?)",
  );
  const insertMetadata = db.prepare("INSERT INTO raw_metadata (image_id, data) VALUES (?, ?)");
  for (let id = 1; id <= options.images; id++) {
    if (id % IMAGES_PER_TRANSACTION === 1) db.exec("BEGIN");
    const tagIds = new Set<number>([1 + Math.floor(random() * RATINGS.length)]);
    const wanted = 1 + Math.round(mean * (0.4 + 1.2 * random()));
    for (let i = 0; i < 3 * wanted && tagIds.size < wanted; i++) {
      tagIds.add(draw() + 1 + RATINGS.length);
    }
    const sorted = [...tagIds].sort((a, b) => a - b);
    const md5 = randomHex(random, 32);
    const names = sorted.filter((tag) => tag > RATINGS.length).map((tag) => tagName(tag - 5)).join(
      " ",
    );
    insertImage.run(
      id,
      `${md5.slice(0, 2)}/${md5.slice(2, 4)}/danbooru_${id}_${md5}.jpg`,
      md5,
      id,
      Math.floor(random() * 200),
      Math.floor(random() * 500),
      600 + Math.floor(random() * 3_000),
      600 + Math.floor(random() * 3_000),
      new Date(1.5e12 + id * 60_000).toISOString().slice(0, 19).replace("T", " "),
      names,
    );
    insertTags.run(id, JSON.stringify(sorted));
    if (random() < (options.metadataShare ?? 0.3)) {
      insertMetadata.run(id, toDocument(id, md5, names));
    }
    if (id % IMAGES_PER_TRANSACTION === 0 || id === options.images) db.exec("COMMIT");
  }
}

function randomHex(random: () => number, digits: number): string {
  let hex = "";
  while (hex.length < digits) {
    hex += Math.floor(random() * 0x10000000).toString(16).padStart(7, "0");
  }
  return hex.slice(0, digits);
}

function toDocument(id: number, md5: string, names: string): string {
  const post = {
    id,
    created_at: "2023-05-05T04:22:33.095-04:00",
    uploader_id: 463832,
    score: id % 97,
    source: `https://example.invalid/artworks/${id}`,
    md5,
    rating: "g",
    image_width: 1_200,
    image_height: 1_600,
    tag_string: names,
    tag_string_general: names,
    tag_string_artist: "",
    fav_count: id % 131,
    file_ext: "jpg",
    file_url: `https://example.invalid/original/${md5.slice(0, 2)}/${md5.slice(2, 4)}/${md5}.jpg`,
  };
  const sources: Record<string, unknown> = { danbooru: post };
  if (id % 10 === 0) sources.e621 = { id: id + 5_000_000, tags: { general: names.split(" ") } };
  return JSON.stringify({ md5, relative_path: "", saucenao_lookup: false, sources });
}
