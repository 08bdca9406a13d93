import { type Database, execute, prepared } from "./database.ts";
import type { FilePlace } from "./import_images.ts";

/** Hashes of a file as hex; null where nobody computed one. */
export type KnownHash = { head: string | null; md5: string | null };

/** Hashes of the file at a place, good while the place is as it is here. */
export type FileHash = FilePlace & KnownHash;

/** Places asked for in one statement. */
const PLACES_ASKED = 1_000;

/**
 * Finds what is known of files, by where they lie: remembered hashes, and those of recorded places. Only what
 * was hashed while size, time and inode were these counts. Cost: about 2 µs a place: rows come packed, as one
 * text.
 */
export function readKnownHashes(
  db: Database,
  places: readonly FilePlace[],
): Map<string, KnownHash> {
  const found = new Map<string, KnownHash>();
  for (let at = 0; at < places.length; at += PLACES_ASKED) {
    const asked = places.slice(at, at + PLACES_ASKED);
    const wanted = JSON.stringify(asked.map(({ filepath }) => filepath));
    for (const sql of [RECORDED, REMEMBERED]) {
      const [packed] = prepared(db, sql).value<[string]>(wanted)!;
      for (const [i, size, mtime, inode, head, md5] of JSON.parse(packed) as PackedHash[]) {
        const { filepath, sizeBytes, mtimeMs, inode: inodeNow } = asked[i];
        if (size !== sizeBytes || mtime !== mtimeMs || inode !== inodeNow) continue;
        const before = found.get(filepath);
        found.set(filepath, {
          head: head || (before?.head ?? null),
          md5: md5 || (before?.md5 ?? null),
        });
      }
    }
  }
  return found;
}

/** Number of the asked place, size, time, inode, and both hashes, empty where there is none. */
type PackedHash = [
  i: number,
  size: number,
  mtime: number,
  inode: number,
  head: string,
  md5: string,
];

const RECORDED = `
  SELECT json_group_array(json_array(wanted.key, files.size_bytes, mtime_ms, inode, '',
    iif(length(md5) = 32, lower(md5), '')))
  FROM json_each(?) AS wanted JOIN image_files AS files ON files.filepath = wanted.value
  JOIN images ON images.id = files.image_id`;

const REMEMBERED = `
  SELECT json_group_array(json_array(wanted.key, size_bytes, mtime_ms, inode, lower(hex(head)),
    lower(hex(md5))))
  FROM json_each(?) AS wanted JOIN file_hashes ON filepath = wanted.value`;

/** Whether any hash is known, so that a search for copies may have nothing to read. */
export function hasKnownHashes(db: Database): boolean {
  return prepared(
    db,
    "SELECT EXISTS (SELECT 1 FROM file_hashes) OR EXISTS (SELECT 1 FROM image_files)",
  ).value<[number]>()![0] === 1;
}

/** Remembers hashes. Runs inside the caller's transaction. */
export function rememberHashes(db: Database, hashes: readonly FileHash[]): void {
  for (const { filepath, sizeBytes, mtimeMs, inode, head, md5 } of hashes) {
    execute(
      db,
      `INSERT OR REPLACE INTO file_hashes (filepath, size_bytes, mtime_ms, inode, head, md5)
       VALUES (?, ?, ?, ?, ?, ?)`,
      filepath,
      sizeBytes,
      mtimeMs,
      inode,
      head === null ? null : Uint8Array.fromHex(head),
      md5 === null ? null : Uint8Array.fromHex(md5),
    );
  }
}

/** Forgets the hashes of some places. Runs inside the caller's transaction. */
export function forgetHashes(db: Database, filepaths: readonly string[]): void {
  for (const filepath of filepaths) {
    execute(db, "DELETE FROM file_hashes WHERE filepath = ?", filepath);
  }
}

/** Every place of which hashes are remembered. */
export function readHashedPlaces(db: Database): string[] {
  return prepared(db, "SELECT filepath FROM file_hashes").values<[string]>()
    .map(([filepath]) => filepath);
}

/** Whose file lies at a place, as the library has it. */
export type PlaceOwner = { imageId: number; md5: string };

/** Finds whose files lie at some places, as the library has it; nothing for the places of nobody. */
export function readOwners(db: Database, filepaths: readonly string[]): Map<string, PlaceOwner> {
  const owners = new Map<string, PlaceOwner>();
  for (let at = 0; at < filepaths.length; at += PLACES_ASKED) {
    const wanted = JSON.stringify(filepaths.slice(at, at + PLACES_ASKED));
    const rows = prepared(
      db,
      `SELECT wanted.value, images.id, lower(md5) FROM json_each(?1) AS wanted
         JOIN images ON filepath = wanted.value
       UNION ALL SELECT wanted.value, images.id, lower(md5) FROM json_each(?1) AS wanted
         JOIN image_files AS files ON files.filepath = wanted.value
         JOIN images ON images.id = files.image_id`,
    ).values<[string, number, string]>(wanted);
    for (const [filepath, imageId, md5] of rows) owners.set(filepath, { imageId, md5 });
  }
  return owners;
}

/** Whether the library says that there are files in a root; null: in its own folder of images. */
export function hasPlacesIn(
  db: Database,
  rootNames: readonly string[],
  root: string | null,
): boolean {
  const places = "SELECT filepath FROM image_files UNION ALL SELECT filepath FROM images";
  if (root !== null) {
    return db.prepare(`SELECT 1 FROM (${places}) WHERE filepath >= ? AND filepath < ? LIMIT 1`)
      .value(`@${root}/`, `@${root}0`) !== undefined;
  }
  // A waiting image has a place that no file is to have.
  return db.prepare(
    `SELECT 1 FROM (${places}) WHERE filepath NOT LIKE 'missing/%' AND NOT EXISTS (
       SELECT 1 FROM json_each(?) WHERE filepath >= '@' || value || '/'
         AND filepath < '@' || value || '0') LIMIT 1`,
  ).value(JSON.stringify(rootNames)) !== undefined;
}

/** Recorded places with a hidden file or folder in their path, which walks leave out. */
export function readHiddenPlaces(db: Database): string[] {
  return prepared(
    db,
    `SELECT filepath FROM image_files WHERE filepath LIKE '.%' OR filepath LIKE '%/.%'
     UNION SELECT filepath FROM images WHERE filepath LIKE '.%' OR filepath LIKE '%/.%'`,
  ).values<[string]>().map(([filepath]) => filepath);
}
