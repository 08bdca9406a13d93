import { AppError } from "../base/errors.ts";
import { ID_MAX, isId } from "../base/ids.ts";
import { METADATA_BATCH_DOCUMENTS } from "../base/limits.ts";
import { TAG_CATEGORIES } from "../tags/category.ts";
import { FILE_TYPE_CODES } from "../tags/file_types.ts";
import { type Database, readColumnNames, readTableNames, toNumber } from "./database.ts";
import { parseIntegerColumn, parseIntegers } from "./packed.ts";
import { REQUIRED_TABLES } from "./schema.ts";

/** Images of one packed statement; large enough to hide its fixed cost, small enough to stay in cache. */
const IMAGES_PER_BATCH = 10_000;
/** Ids of one packed statement over links (about 28 a image). */
const LINK_IDS_PER_BATCH = 4_000;
const NOTHING = new Uint8Array();

/** What {@link readSizes} counts, for allocation and progress. */
export type LibrarySizes = {
  images: number;
  /** An upper bound. */
  links: number;
  pathBytes: number;
  metadata: number;
  imageIdMax: number;
};

/** Tags packed: see the column set of the snapshot, whose tag columns these are. */
export type PackedTags = {
  tagId: Int32Array<ArrayBuffer>;
  tagNameOffset: Int32Array<ArrayBuffer>;
  tagNameBytes: Uint8Array<ArrayBuffer>;
  tagCategory: Uint8Array<ArrayBuffer>;
};

/** One batch of metadata documents: texts in UTF-8 one after the other, with their lengths in bytes. */
export type MetadataBatch = {
  imageId: Int32Array<ArrayBuffer>;
  length: Int32Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
};

/** Whether the tables are there without which nothing can be read. */
export function hasRequiredTables(db: Database): boolean {
  const names = readTableNames(db);
  return REQUIRED_TABLES.every((table) => names.has(table));
}

/** Counts what a full load will read. Cost: one pass over the images' paths; links by their last rowid. */
export function readSizes(db: Database): LibrarySizes {
  const [images, pathBytes, idMin, idMax] = db.prepare(
    `SELECT count(*), coalesce(sum(length(CAST(filepath AS BLOB))), 0),
       coalesce(min(id), 1), coalesce(max(id), 0) FROM images`,
  ).value<[number, number, number, number]>()!;
  const [tagMin, tagMax] = db.prepare("SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM tags")
    .value<[number, number]>()!;
  for (const id of [idMin, idMax, tagMin, tagMax]) {
    if (toNumber(id) < 0 || toNumber(id) > ID_MAX) {
      throw new AppError("corrupt", `Cannot load the library: id ${id} does not fit 31 bits`, {
        remedy: "Renumber the images or tags with such ids",
      });
    }
  }
  const hasMetadata = readTableNames(db).has("raw_metadata");
  const metadata = hasMetadata
    ? db.prepare("SELECT count(*) FROM raw_metadata").value<[number]>()![0]
    : 0;
  return {
    images: toNumber(images),
    links: countLinks(db),
    pathBytes: toNumber(pathBytes),
    metadata: toNumber(metadata),
    imageIdMax: toNumber(idMax),
  };
}

/**
 * An upper bound of the links. The last rowid is found at once, but deletions leave gaps below it, so a
 * bound far above what fits memory is replaced by a count.
 */
function countLinks(db: Database): number {
  const hasRowid = !/WITHOUT\s+ROWID/i.test(
    db.prepare("SELECT sql FROM sqlite_master WHERE name = 'image_tags'").value<[string]>()![0],
  );
  const bound = hasRowid
    ? toNumber(db.prepare("SELECT coalesce(max(rowid), 0) FROM image_tags").value<[number]>()![0])
    : Infinity;
  if (bound <= 100_000_000) return bound;
  return toNumber(db.prepare("SELECT count(*) FROM image_tags").value<[number]>()![0]);
}

/** Reads all tags, ascending by id. Cost: about 0.5 µs a tag. */
export function readPackedTags(db: Database): PackedTags {
  const codes = TAG_CATEGORIES.map((name, i) => `WHEN '${name}' THEN ${i + 1}`).join(" ");
  const [count, ids, categories, lengths, names] = db.prepare(
    `SELECT count(*), CAST(group_concat(id) AS BLOB), CAST(group_concat(code) AS BLOB),
       CAST(group_concat(length(CAST(name AS BLOB))) AS BLOB), CAST(group_concat(name, '') AS BLOB)
     FROM (SELECT id, name, CASE category ${codes} ELSE 0 END AS code FROM tags ORDER BY id)`,
  ).value<[number, ...(Uint8Array | null)[]]>()!;
  const nameLength = parseIntegerColumn(lengths ?? NOTHING, count);
  const tagNameOffset = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) tagNameOffset[i + 1] = tagNameOffset[i] + nameLength[i];
  return {
    tagId: parseIntegerColumn(ids ?? NOTHING, count),
    tagNameOffset,
    tagNameBytes: new Uint8Array(names ?? NOTHING),
    tagCategory: Uint8Array.from(parseIntegerColumn(categories ?? NOTHING, count)),
  };
}

/** Consecutive images as packed columns; see ImageBatch of the columns builder, which takes them. */
export type PackedImages = {
  imageId: Int32Array;
  md5Bytes: Uint8Array;
  md5Length: Int32Array;
  pathBytes: Uint8Array;
  pathLength: Int32Array;
  width: Int32Array;
  height: Int32Array;
  score: Int32Array;
  favCount: Int32Array;
  ingestedAt: Int32Array;
  parentId: Int32Array;
  fileSizeBytes: Float64Array;
  fileType: Int32Array;
  sourceBytes: Uint8Array;
  sourceLength: Int32Array;
};

/** The content of an image is the same at every place, so any of them tells its size. */
const SIZE = `max(0, CAST(coalesce(image_media.size_bytes, (SELECT size_bytes FROM image_files
  WHERE image_files.image_id = images.id LIMIT 1), 0) AS INTEGER))`;
/** A size may have more than the 31 bits of a packed column, so it is read in two parts. */
const SIZE_PART = 2 ** 30;

const FILE_TYPE_CASES = [...FILE_TYPE_CODES].map(([ext, code]) => `WHEN '${ext}' THEN ${code}`);
const FILE_TYPE = `CASE file_ext ${FILE_TYPE_CASES.join(" ")} ELSE 0 END`;

/** Numbers of every image: table, column, expression of 31 bits over `images` and `image_media`. */
const NUMBERS = {
  width: ["images", "image_width", clampedInteger("image_width")],
  height: ["images", "image_height", clampedInteger("image_height")],
  score: ["images", "score", clampedInteger("score")],
  favCount: ["images", "fav_count", clampedInteger("fav_count")],
  ingestedAt: ["images", "ingested_at", clampedInteger("unixepoch(ingested_at)")],
  parentId: ["images", "parent_id", clampedInteger("parent_id")],
  fileSizeLow: ["image_media", "size_bytes", `${SIZE} % ${SIZE_PART}`],
  fileSizeHigh: ["image_media", "size_bytes", clampedInteger(`${SIZE} / ${SIZE_PART}`)],
  fileType: ["image_media", "file_ext", FILE_TYPE],
} as const;

/** Name of a number that is read of every image. */
export type ImageNumber =
  | "width"
  | "height"
  | "score"
  | "favCount"
  | "ingestedAt"
  | "parentId"
  | "fileSizeLow"
  | "fileSizeHigh"
  | "fileType";

const NUMBER_NAMES = Object.keys(NUMBERS) as ImageNumber[];

/** How facts about images are read from one database. */
export type ImageSelection = {
  /** Expressions over {@link ImageSelection.from} with their names; what is missing is 0. */
  numbers: [name: ImageNumber, expression: string][];
  /** Expression of where the file came from, '' = not known; null where nothing tells. */
  source: string | null;
  /** `images`, with `image_media` where that is. */
  from: string;
};

/** How facts about images are read from this database, which may lack tables and columns. */
export function selectImages(db: Database): ImageSelection {
  const columns: Record<string, Set<string>> = {
    images: readColumnNames(db, "images"),
    image_media: readColumnNames(db, "image_media"),
  };
  const existing = NUMBER_NAMES.filter((name) => columns[NUMBERS[name][0]].has(NUMBERS[name][1]));
  const hasMedia = columns.image_media.has("source_url");
  return {
    numbers: existing.map((name) => [name, NUMBERS[name][2]]),
    source: hasMedia ? "coalesce(source_url, '')" : null,
    from: hasMedia ? "images LEFT JOIN image_media ON image_media.image_id = images.id" : "images",
  };
}

/** A size as its two numbers say it. */
export function toFileSize(high: number, low: number): number {
  return high * SIZE_PART + low;
}

/** Reads all images in batches, ascending by id. Cost: about 2 µs an image. */
export function* readPackedImages(db: Database): Generator<PackedImages> {
  const { numbers: all, source, from } = selectImages(db);
  // Of most libraries no file is that large, and a column of zeros costs as much as any.
  const numbers = hasLargeFiles(db) ? all : all.filter(([name]) => name !== "fileSizeHigh");
  const packed = numbers.map((_, i) => `, CAST(group_concat(n${i}) AS BLOB)`).join("");
  const packedSource = source === null ? "NULL, NULL" : `
    CAST(group_concat(length(CAST(source AS BLOB))) AS BLOB),
    CAST(group_concat(source, '') AS BLOB)`;
  const statement = db.prepare(
    `SELECT count(*), max(id), CAST(group_concat(id) AS BLOB),
       CAST(group_concat(length(CAST(md5 AS BLOB))) AS BLOB), CAST(group_concat(md5, '') AS BLOB),
       CAST(group_concat(length(CAST(filepath AS BLOB))) AS BLOB),
       CAST(group_concat(filepath, '') AS BLOB), ${packedSource}${packed}
     FROM (SELECT id, md5, filepath, ${source ?? "''"} AS source
         ${numbers.map(([, expression], i) => `, ${expression} AS n${i}`).join("")}
       FROM ${from} WHERE id > ? ORDER BY id LIMIT ${IMAGES_PER_BATCH})`,
  );
  let last = -1;
  while (true) {
    const row = statement.value<[number, number, ...Uint8Array[]]>(last)!;
    const [count, idMax, ids, md5Lengths, md5s, pathLengths, paths, ...rest] = row;
    if (count === 0) break;
    last = idMax;
    const [sourceLengths, sources, ...values] = rest as (Uint8Array | null)[];
    const numberOf = (wanted: ImageNumber) => {
      const place = numbers.findIndex(([name]) => name === wanted);
      return place < 0 ? new Int32Array(count) : parseIntegerColumn(values[place]!, count);
    };
    yield {
      imageId: parseIntegerColumn(ids, count),
      md5Bytes: md5s,
      md5Length: parseIntegerColumn(md5Lengths, count),
      pathBytes: paths,
      pathLength: parseIntegerColumn(pathLengths, count),
      width: numberOf("width"),
      height: numberOf("height"),
      score: numberOf("score"),
      favCount: numberOf("favCount"),
      ingestedAt: numberOf("ingestedAt"),
      parentId: numberOf("parentId"),
      fileSizeBytes: toFileSizes(numberOf("fileSizeHigh"), numberOf("fileSizeLow")),
      fileType: numberOf("fileType"),
      sourceBytes: sources ?? NOTHING,
      sourceLength: sourceLengths === null
        ? new Int32Array(count)
        : parseIntegerColumn(sourceLengths, count),
    };
  }
  statement.finalize();
}

function toFileSizes(high: Int32Array, low: Int32Array): Float64Array {
  const sizes = new Float64Array(low.length);
  for (let i = 0; i < sizes.length; i++) sizes[i] = toFileSize(high[i], low[i]);
  return sizes;
}

/** Whether any file has a size of more than one part. Cost: one pass over two small tables. */
function hasLargeFiles(db: Database): boolean {
  const tables = ["image_media", "image_files"].filter((table) =>
    readColumnNames(db, table).has("size_bytes")
  );
  return tables.some((table) =>
    db.prepare(`SELECT 1 FROM ${table} WHERE size_bytes >= ${SIZE_PART} LIMIT 1`).value() !==
      undefined
  );
}

/** Whatever a column holds, as an integer of 31 bits; SQLite columns may hold text or nothing. */
function clampedInteger(expression: string): string {
  return `max(-${ID_MAX}, min(${ID_MAX}, CAST(coalesce(${expression}, 0) AS INTEGER)))`;
}

/** An id that the columns can hold; without foreign keys a column may hold anything. */
function isPlainId(column: string): string {
  return `typeof(${column}) = 'integer' AND ${column} BETWEEN 1 AND ${ID_MAX}`;
}

/** Numbers that few images have: where they stand, under which image, and which rows count. */
const RARE_NUMBERS = {
  durationMs: {
    table: "image_media",
    image: "image_id",
    expression: "max(duration_ms)",
    condition: "duration_ms > 0",
  },
  favouritedAt: {
    table: "favourites",
    image: "image_id",
    // Whatever its time, a favourite is one.
    expression: "max(1, coalesce(max(unixepoch(created_at)), 1))",
    condition: "1",
  },
  parentImageId: {
    table: "image_relations",
    image: "image_id_b",
    expression: "min(image_id_a)",
    condition: `relation_type = 'parent_child' AND ${isPlainId("image_id_a")}`,
  },
} as const;

/** Name of a number that few images have. */
export type RareNumber = "durationMs" | "favouritedAt" | "parentImageId";

const RARE_NAMES = Object.keys(RARE_NUMBERS) as RareNumber[];

/** Expressions over `images` of the numbers that few images have, with their names. */
export function rareExpressions(db: Database): [name: RareNumber, expression: string][] {
  const tables = readTableNames(db);
  return RARE_NAMES.map((name) => {
    const { table, image, expression, condition } = RARE_NUMBERS[name];
    return [
      name,
      tables.has(table)
        ? `coalesce((SELECT ${clampedInteger(expression)} FROM ${table}
             WHERE ${image} = images.id AND ${condition} GROUP BY ${image}), 0)`
        : "0",
    ];
  });
}

/** One of the numbers that few images have, ascending by image; see NumberBatch of the columns builder. */
export type PackedNumbers = { name: RareNumber; imageId: Int32Array; value: Int32Array };

/** Reads the numbers that few images have. Cost: about 0.3 µs a number, and a pass over their tables. */
export function* readPackedNumbers(db: Database): Generator<PackedNumbers> {
  const tables = readTableNames(db);
  for (const name of RARE_NAMES) {
    const { table, image, expression, condition } = RARE_NUMBERS[name];
    if (!tables.has(table)) continue;
    const [count, ids, values] = db.prepare(
      `SELECT count(*), CAST(group_concat(id) AS BLOB), CAST(group_concat(n) AS BLOB)
       FROM (SELECT ${image} AS id, ${clampedInteger(expression)} AS n FROM ${table}
         WHERE ${condition} AND ${isPlainId(image)} GROUP BY ${image} ORDER BY ${image})`,
    ).value<[number, Uint8Array | null, Uint8Array | null]>()!;
    yield {
      name,
      imageId: parseIntegerColumn(ids ?? NOTHING, count),
      value: parseIntegerColumn(values ?? NOTHING, count),
    };
  }
}

/** Tags of consecutive images: `count[i]` entries of `tagId` belong to `imageId[i]`. */
export type PackedLinks = { imageId: Int32Array; count: Int32Array; tagId: Int32Array };

/**
 * The condition that leaves out links to what is no id: without foreign keys a column may hold anything.
 * Empty where there is none, since it costs a quarter of the reading. Cost: three looks into the index.
 */
function onlyTagIds(db: Database): string {
  const [min, max, hasNull] = db.prepare(
    `SELECT (SELECT min(tag_id) FROM image_tags), (SELECT max(tag_id) FROM image_tags),
       EXISTS (SELECT 1 FROM image_tags WHERE tag_id IS NULL)`,
  ).value<[unknown, unknown, number]>()!;
  const isClean = isId(max) && typeof min === "number" && min >= 0 && hasNull === 0;
  return isClean ? "" : `AND tag_id BETWEEN 0 AND ${ID_MAX} AND typeof(tag_id) = 'integer'`;
}

/** Reads all links in batches, ascending by image and tag id. Cost: about 0.12 µs a link. */
export function* readPackedLinks(db: Database, idMax: number): Generator<PackedLinks> {
  const statement = db.prepare(
    `SELECT count(*), sum(n), CAST(group_concat(image_id) AS BLOB), CAST(group_concat(n) AS BLOB),
       CAST(group_concat(tags) AS BLOB)
     FROM (SELECT image_id, count(*) AS n, group_concat(tag_id) AS tags
       FROM image_tags WHERE image_id >= ? AND image_id < ? ${onlyTagIds(db)}
       GROUP BY image_id ORDER BY image_id)`,
  );
  // Gaps between ids are crossed at once: the largest would be half a million empty batches.
  const nextId = db.prepare("SELECT min(image_id) FROM image_tags WHERE image_id BETWEEN ? AND ?");
  for (let end = 0;;) {
    const start = nextId.value<[number | null]>(end, idMax)![0];
    if (start === null) break;
    end = start + LINK_IDS_PER_BATCH;
    const [images, links, ids, counts, tags] = statement.value<
      [number, number, Uint8Array, Uint8Array, Uint8Array]
    >(start, end)!;
    if (images === 0) continue;
    const tagId = new Int32Array(links);
    const found = parseIntegers(tags, tagId);
    if (found !== links) {
      throw new RangeError(`Cannot parse links: ${found} tag ids for ${links} rows`);
    }
    yield {
      imageId: parseIntegerColumn(ids, images),
      count: parseIntegerColumn(counts, images),
      tagId,
    };
  }
  statement.finalize();
  nextId.finalize();
}

/** Reads the next batch of metadata documents behind an image id; null when there are no more. */
export function readMetadataBatch(db: Database, afterImageId: number): MetadataBatch | null {
  let limit = METADATA_BATCH_DOCUMENTS;
  while (true) {
    try {
      return readMetadataPacked(db, afterImageId, limit);
    } catch (error) {
      // A batch of huge documents exceeds SQLite's longest string: take fewer.
      if (limit === 1 || !/too big/i.test(String(error))) throw error;
      limit = Math.ceil(limit / 8);
    }
  }
}

function readMetadataPacked(db: Database, after: number, limit: number): MetadataBatch | null {
  const statement = db.prepare(
    `SELECT count(*), CAST(group_concat(image_id) AS BLOB),
       CAST(group_concat(length(CAST(data AS BLOB))) AS BLOB), CAST(group_concat(data, '') AS BLOB)
     FROM (SELECT image_id, coalesce(data, '') AS data FROM raw_metadata
       WHERE image_id > ? AND image_id <= ${ID_MAX} ORDER BY image_id LIMIT ?)`,
  );
  const [count, ids, lengths, documents] = statement.value<
    [number, Uint8Array, Uint8Array, Uint8Array]
  >(after, limit)!;
  statement.finalize();
  if (count === 0) return null;
  return {
    imageId: parseIntegerColumn(ids, count),
    length: parseIntegerColumn(lengths, count),
    bytes: new Uint8Array(documents),
  };
}
