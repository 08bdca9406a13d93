import { type Database, prepared, toNumber } from "./database.ts";

/** A file as it was when its bytes were read. */
export type FileState = { sizeBytes: number; mtimeMs: number; inode: number };

/** One place where a file of an image should be. */
export type PlaceRow = {
  imageId: number;
  filepath: string;
  md5: string;
  /** Null: nobody looked at it yet, as in a library of the original. */
  recorded: FileState | null;
  /** Size and type of the content, null where they are not known. */
  sizeBytes: number | null;
  ext: string | null;
  width: number | null;
  height: number | null;
  durationMs: number | null;
};

type PlaceValues = [
  number,
  string,
  string,
  number | null,
  number | null,
  number | null,
  number | null,
  string | null,
  number | null,
  number | null,
  number | null,
];

const FACTS = "media.size_bytes, media.file_ext, image_width, image_height, media.duration_ms";

/** The places that images are served from, by id. Cost: about 8 µs an image. */
export function readServedPlaces(
  db: Database,
  { afterId, limit }: { afterId: number; limit: number },
): PlaceRow[] {
  return prepared(
    db,
    `SELECT images.id, images.filepath, md5, files.size_bytes, mtime_ms, inode, ${FACTS} FROM images
     LEFT JOIN image_files AS files ON files.filepath = images.filepath AND files.image_id = images.id
     LEFT JOIN image_media AS media ON media.image_id = images.id
     WHERE images.id > ? ORDER BY images.id LIMIT ?`,
  ).values<PlaceValues>(afterId, limit).map(toPlaceRow);
}

/** Recorded places by path, those that images are served from among them. */
export function readRecordedPlaces(
  db: Database,
  { afterPath, limit }: { afterPath: string; limit: number },
): (PlaceRow & { isServed: boolean })[] {
  return prepared(
    db,
    `SELECT images.id, files.filepath, md5, files.size_bytes, mtime_ms, inode, ${FACTS},
       images.filepath = files.filepath
     FROM image_files AS files JOIN images ON images.id = files.image_id
     LEFT JOIN image_media AS media ON media.image_id = images.id
     WHERE files.filepath > ? ORDER BY files.filepath LIMIT ?`,
  ).values<[...PlaceValues, number]>(afterPath, limit).map((row) => {
    const [isServed, ...values] = row.toReversed() as [number, ...unknown[]];
    return { ...toPlaceRow(values.reverse() as PlaceValues), isServed: isServed === 1 };
  });
}

/** A place as it is recorded now; undefined when the image is gone or lies there no more. */
export function readPlaceAgain(
  db: Database,
  { imageId, filepath }: { imageId: number; filepath: string },
): PlaceRow | undefined {
  const row = prepared(
    db,
    `SELECT images.id, ?2, md5, files.size_bytes, mtime_ms, inode, ${FACTS} FROM images
     LEFT JOIN image_files AS files ON files.filepath = ?2 AND files.image_id = images.id
     LEFT JOIN image_media AS media ON media.image_id = images.id
     WHERE images.id = ?1 AND (images.filepath = ?2 OR files.filepath NOT NULL)`,
  ).value<PlaceValues>(imageId, filepath);
  return row && toPlaceRow(row);
}

function toPlaceRow(row: PlaceValues): PlaceRow {
  const [imageId, filepath, md5, size, mtime, inode, sizeBytes, ext, width, height, duration] = row;
  const recorded = size === null
    ? null
    : { sizeBytes: toNumber(size), mtimeMs: toNumber(mtime), inode: toNumber(inode) };
  return {
    imageId,
    filepath,
    md5,
    recorded,
    sizeBytes: sizeBytes === null ? null : toNumber(sizeBytes),
    ext,
    width,
    height,
    durationMs: duration,
  };
}

/** Of some stored paths those that belong to an image. */
export function readKnownPaths(db: Database, paths: readonly string[]): Set<string> {
  const rows = prepared(
    db,
    `SELECT value FROM json_each(?1) WHERE value IN (SELECT filepath FROM images)
     UNION SELECT value FROM json_each(?1) WHERE value IN (SELECT filepath FROM image_files)`,
  ).values<[string]>(JSON.stringify(paths));
  return new Set(rows.map(([path]) => path));
}

/** Of some contents those that an image or an entry of the trash has. */
export function readKnownContents(db: Database, md5s: readonly string[]): Set<string> {
  const rows = prepared(
    db,
    `SELECT value FROM json_each(?1) WHERE value IN (SELECT md5 FROM images)
     UNION SELECT value FROM json_each(?1) WHERE value IN (SELECT md5 FROM trash)`,
  ).values<[string]>(JSON.stringify(md5s));
  return new Set(rows.map(([md5]) => md5));
}

/**
 * Whether an image, in or out of the trash, has this path but for its ending: the original calls
 * thumbnails so.
 */
export function hasImageOfStem(db: Database, stem: string): boolean {
  // "/" follows "." in the order of bytes.
  const isSame = (path: string) => `${path} = ?1 OR (${path} > ?1 || '.' AND ${path} < ?1 || '/')`;
  const image = prepared(db, `SELECT 1 FROM images WHERE ${isSame("filepath")}`).value(stem);
  if (image !== undefined) return true;
  const trashed = `SELECT 1 FROM trash WHERE ${isSame("(manifest ->> 'filepath')")}`;
  return prepared(db, trashed).value(stem) !== undefined;
}

/** How many images there are. */
export function countImages(db: Database): number {
  return toNumber(prepared(db, "SELECT count(*) FROM images").value<[number]>()![0]);
}

/** What the check needs of an entry of the trash. */
export type TrashFiles = {
  id: number;
  state: string;
  md5: string;
  folder: string;
  files: { filepath: string; trashed: string | null }[];
};

/** Entries of the trash by id, with their files. */
export function readTrashFiles(
  db: Database,
  { afterId, limit }: { afterId: number; limit: number },
): TrashFiles[] {
  return prepared(
    db,
    "SELECT id, state, md5, manifest FROM trash WHERE id > ? ORDER BY id LIMIT ?",
  ).values<[number, string, string, string]>(afterId, limit).map(toTrashFiles);
}

/** Entries whose files are on their way, or were when the program ended. */
export function readMovingTrash(db: Database): TrashFiles[] {
  return prepared(db, "SELECT id, state, md5, manifest FROM trash WHERE state <> 'trashed'")
    .values<[number, string, string, string]>().map(toTrashFiles);
}

function toTrashFiles([id, state, md5, text]: [number, string, string, string]): TrashFiles {
  const manifest = JSON.parse(text) as Partial<TrashFiles>;
  return { id, state, md5, folder: manifest.folder ?? "", files: manifest.files ?? [] };
}

/** Whether an entry of the trash names this folder. */
export function isTrashFolder(db: Database, folder: string): boolean {
  return prepared(db, "SELECT 1 FROM trash WHERE manifest ->> 'folder' = ?").value(folder) !==
    undefined;
}

/** An operation of the journal that has not come to its end. */
export type PendingOperation = { id: number; kind: string; state: string; startedAtMs: number };

/** Operations that have not come to their end. */
export function readPendingOperations(db: Database): PendingOperation[] {
  return prepared(
    db,
    `SELECT id, kind, state, started_at_ms FROM journal
     WHERE state NOT IN ('done', 'stopped') ORDER BY id`,
  ).values<[number, string, string, number]>().map(([id, kind, state, startedAtMs]) => ({
    id,
    kind,
    state,
    startedAtMs: toNumber(startedAtMs),
  }));
}
