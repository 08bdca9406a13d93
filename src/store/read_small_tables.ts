import { ID_MAX } from "../base/ids.ts";
import { type Database, inReadTransaction, prepared, readTableNames } from "./database.ts";
import { parseIntegerColumn, parseIntegers } from "./packed.ts";

const NOTHING = new Uint8Array();

/** Texts in UTF-8 one after the other, with their lengths in bytes. */
export type Texts = { bytes: Uint8Array<ArrayBuffer>; length: Int32Array<ArrayBuffer> };

/** All pools packed; see PackedPools of the pool table, which takes them. */
export type PackedPoolRows = {
  poolId: Int32Array<ArrayBuffer>;
  /** Name and description of each pool. */
  texts: Texts;
  imageCount: Int32Array<ArrayBuffer>;
  imageId: Int32Array<ArrayBuffer>;
};

/** A pool as the database has it, its images in reading order. */
export type PoolRow = { id: number; name: string; description: string; imageIds: Int32Array };

/** Pools whose ids the columns can hold, with their texts whatever the columns hold. */
const POOLS = `SELECT id, CAST(coalesce(name, '') AS TEXT) AS name,
    CAST(coalesce(description, '') AS TEXT) AS description
  FROM pools WHERE id BETWEEN 1 AND ${ID_MAX}`;

/** Images of pools; without foreign keys a column may hold anything. */
const POOL_IMAGES = `SELECT pool_id, image_id FROM pool_images
  WHERE typeof(image_id) = 'integer' AND image_id BETWEEN 1 AND ${ID_MAX}`;

const READING_ORDER = "ORDER BY pool_id, sort_order, image_id";

function hasPools(db: Database): boolean {
  const names = readTableNames(db);
  return names.has("pools") && names.has("pool_images");
}

/** Reads all pools, ascending by id; none where there are no such tables. Cost: about 1 µs an image. */
export function readPackedPools(db: Database): PackedPoolRows {
  if (!hasPools(db)) {
    const none = new Int32Array();
    return { poolId: none, texts: packNoTexts(), imageCount: none.slice(), imageId: none.slice() };
  }
  const [count, ids, lengths, texts] = db.prepare(
    `SELECT count(*), CAST(group_concat(id) AS BLOB),
       CAST(group_concat(length(CAST(name AS BLOB)) || ',' || length(CAST(description AS BLOB)))
         AS BLOB),
       CAST(group_concat(name || description, '') AS BLOB)
     FROM (${POOLS} ORDER BY id)`,
  ).value<[number, ...(Uint8Array | null)[]]>()!;
  const poolId = parseIntegerColumn(ids ?? NOTHING, count);
  const [links, owners, images] = db.prepare(
    `SELECT count(*), CAST(group_concat(pool_id) AS BLOB), CAST(group_concat(image_id) AS BLOB)
     FROM (${POOL_IMAGES} AND pool_id IN (SELECT id FROM (${POOLS})) ${READING_ORDER})`,
  ).value<[number, ...(Uint8Array | null)[]]>()!;
  return {
    poolId,
    texts: {
      bytes: new Uint8Array(texts ?? NOTHING),
      length: parseIntegerColumn(lengths ?? NOTHING, 2 * count),
    },
    imageCount: countRuns(poolId, parseIntegerColumn(owners ?? NOTHING, links)),
    imageId: parseIntegerColumn(images ?? NOTHING, links),
  };
}

/** How often each of ascending `ids` stands in `owners`, which ascend too. */
function countRuns(ids: Int32Array, owners: Int32Array): Int32Array<ArrayBuffer> {
  const counts = new Int32Array(ids.length);
  let place = 0;
  for (const owner of owners) {
    while (ids[place] < owner) place++;
    counts[place]++;
  }
  return counts;
}

/** Reads some pools at one moment; those that do not exist are left out. Cost: about 1 µs an image. */
export function readPoolRows(db: Database, ids: readonly number[]): PoolRow[] {
  if (ids.length === 0 || !hasPools(db)) return [];
  return inReadTransaction(db, () => {
    const pools = prepared(
      db,
      `SELECT id, name, description FROM (${POOLS})
       WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`,
    ).values<[number, string, string]>(JSON.stringify(ids));
    const images = prepared(
      db,
      `SELECT count(*), CAST(group_concat(image_id) AS BLOB)
       FROM (${POOL_IMAGES} AND pool_id = ? ${READING_ORDER})`,
    );
    return pools.map(([id, name, description]) => {
      const [count, packed] = images.value<[number, Uint8Array | null]>(id)!;
      const imageIds = new Int32Array(count);
      parseIntegers(packed ?? NOTHING, imageIds);
      return { id, name, description, imageIds };
    });
  });
}

/**
 * Reads the active aliases, antecedent and consequent one after the other, ascending by antecedent; none
 * where there is no such table. Cost: about 1 µs an alias.
 */
export function readPackedAliases(db: Database): Texts {
  if (!readTableNames(db).has("tag_aliases")) return packNoTexts();
  const [count, lengths, texts] = db.prepare(
    `SELECT count(*),
       CAST(group_concat(length(CAST(antecedent AS BLOB)) || ',' || length(CAST(consequent AS BLOB)))
         AS BLOB),
       CAST(group_concat(antecedent || consequent, '') AS BLOB)
     FROM (SELECT antecedent, consequent FROM tag_aliases WHERE status = 'active'
       ORDER BY antecedent)`,
  ).value<[number, Uint8Array | null, Uint8Array | null]>()!;
  return {
    bytes: new Uint8Array(texts ?? NOTHING),
    length: parseIntegerColumn(lengths ?? NOTHING, 2 * count),
  };
}

function packNoTexts(): Texts {
  return { bytes: new Uint8Array(), length: new Int32Array() };
}
