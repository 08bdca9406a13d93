import { AppError } from "../base/errors.ts";
import { type Database, execute, prepared } from "./database.ts";
import { readOwners } from "./file_hashes.ts";
import { type FilePlace, importImages, type ImportItem, isPathTaken } from "./import_images.ts";
import type { TrashedFile, TrashManifest } from "./trash.ts";

/** A further copy that is to go into the trash. */
export type CopyPlan = {
  md5: string;
  /** The file that stays, equal byte for byte, as it is now. */
  kept: FilePlace;
  /** Stored paths of the copy: one, and more where folders indexed in place lie in each other. */
  filepaths: string[];
  /** Folder inside the trash. */
  folder: string;
  /** The copy, then the sidecars that are its alone. */
  files: TrashedFile[];
  /** What its sidecars say, for the image of this content; null if they say nothing. */
  item: ImportItem | null;
};

/** What became of a plan: its entry in the trash, or why it is none. */
export type CopyOutcome = { entryId: number; reason: null } | { entryId: null; reason: string };

/**
 * Takes copies out of the library; their files are to be moved next. For each, in the caller's transaction:
 * what only its sidecars say is merged into the image, its place goes, the kept file is recorded and served,
 * and the trash gets its entry. A copy whose path or kept path belongs to another image by now stays.
 */
export function takeCopies(db: Database, plans: readonly CopyPlan[]): CopyOutcome[] {
  return plans.map((plan) => takeCopy(db, plan));
}

function takeCopy(db: Database, plan: CopyPlan): CopyOutcome {
  const { md5, kept, filepaths, folder, files, item } = plan;
  const owners = readOwners(db, [kept.filepath, ...filepaths]);
  for (const [filepath, owner] of owners) {
    if (owner.md5 === md5) continue;
    return { entryId: null, reason: `${filepath} belongs to image ${owner.imageId} by now` };
  }
  const imageId = findImage(db, md5);
  if (item !== null && imageId === undefined) {
    return { entryId: null, reason: "No image has its content any more, to take over its tags" };
  }
  if (item !== null) importImages(db, [item]);
  const rows = filepaths.flatMap((filepath) =>
    prepared(db, "SELECT * FROM image_files WHERE filepath = ?")
      .all<Record<string, unknown>>(filepath)
  ).map((row) =>
    Object.fromEntries(
      Object.entries(row).map((
        [name, value],
      ) => [name, typeof value === "bigint" ? Number(value) : value]),
    )
  );
  for (const filepath of filepaths) {
    execute(db, "DELETE FROM image_files WHERE filepath = ?", filepath);
    execute(db, "DELETE FROM file_hashes WHERE filepath = ?", filepath);
  }
  if (imageId !== undefined) {
    recordPlace(db, imageId, kept);
    execute(
      db,
      "UPDATE images SET filepath = ?1 WHERE id = ?2 AND filepath <> ?1",
      kept.filepath,
      imageId,
    );
  }
  const manifest: TrashManifest = {
    version: 1,
    kind: "duplicate",
    imageId: imageId ?? 0,
    md5,
    filepath: filepaths[0],
    kept: kept.filepath,
    keptAs: { mtimeMs: kept.mtimeMs, inode: kept.inode },
    trashedAtMs: Date.now(),
    folder,
    files,
    rows: { image_files: rows },
    tags: [],
  };
  return { entryId: insertEntry(db, manifest), reason: null };
}

function insertEntry(db: Database, manifest: TrashManifest): number {
  return prepared(
    db,
    `INSERT INTO trash (kind, image_id, md5, trashed_at_ms, state, manifest)
     VALUES ('duplicate', ?, ?, ?, 'moving', ?) RETURNING id`,
  ).value<[number]>(
    manifest.imageId,
    manifest.md5,
    manifest.trashedAtMs,
    JSON.stringify(manifest),
  )![0];
}

/**
 * Records where a copy lies that came back, and removes its entry; gives the image of its content, null if
 * there is none (then it is a file that the library does not know).
 *
 * @throws {AppError} `conflict` if the path belongs to another image.
 */
export function putCopyBack(
  db: Database,
  { entryId, md5, place, isServed }: {
    entryId: number;
    md5: string;
    place: FilePlace;
    /** Whether its image is served from it from now on: the file that was is gone. */
    isServed?: boolean;
  },
): number | null {
  if (isPathTaken(db, place.filepath, md5)) {
    throw new AppError("conflict", `Cannot restore ${place.filepath}: it belongs to another image`);
  }
  const imageId = findImage(db, md5);
  if (imageId !== undefined) recordPlace(db, imageId, place);
  if (imageId !== undefined && isServed === true) {
    execute(db, "UPDATE images SET filepath = ? WHERE id = ?", place.filepath, imageId);
  }
  execute(db, "DELETE FROM trash WHERE id = ?", entryId);
  return imageId ?? null;
}

/** Takes an entry back whose copy could not be moved: its places are what they were. */
export function leaveCopy(
  db: Database,
  { entryId, manifest }: { entryId: number; manifest: TrashManifest },
): void {
  for (const row of manifest.rows.image_files ?? []) {
    const filepath = String(row.filepath);
    const imageId = findImage(db, manifest.md5);
    if (imageId === undefined || isPathTaken(db, filepath, manifest.md5)) continue;
    recordPlace(db, imageId, {
      filepath,
      sizeBytes: Number(row.size_bytes),
      mtimeMs: Number(row.mtime_ms),
      inode: Number(row.inode),
    });
  }
  execute(db, "DELETE FROM trash WHERE id = ?", entryId);
}

function findImage(db: Database, md5: string): number | undefined {
  return prepared(db, "SELECT id FROM images WHERE md5 = ?").value<[number]>(md5)?.[0];
}

/** Records a place as it is now. */
function recordPlace(db: Database, imageId: number, place: FilePlace): void {
  execute(
    db,
    `INSERT INTO image_files (filepath, image_id, size_bytes, mtime_ms, inode, added_at_ms)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (filepath) DO UPDATE SET image_id = excluded.image_id,
       size_bytes = excluded.size_bytes, mtime_ms = excluded.mtime_ms, inode = excluded.inode,
       missing_since_ms = NULL`,
    place.filepath,
    imageId,
    place.sizeBytes,
    place.mtimeMs,
    place.inode,
    Date.now(),
  );
}

const KEEP_DAYS = "trash_keep_days";

/** After how many days the trash is emptied by itself; null: never. */
export function readTrashKeepDays(db: Database): number | null {
  const text = db.prepare("SELECT value FROM library_state WHERE key = ?").value<[string]>(
    KEEP_DAYS,
  )
    ?.[0];
  return text === undefined || !/^[1-9]\d{0,5}$/.test(text) ? null : Number(text);
}

/** Sets after how many days the trash is emptied by itself; null: never. */
export function writeTrashKeepDays(db: Database, days: number | null): void {
  db.exec("DELETE FROM library_state WHERE key = ?", KEEP_DAYS);
  if (days === null) return;
  db.exec("INSERT INTO library_state (key, value) VALUES (?, ?)", KEEP_DAYS, String(days));
}
