import { type Database, execute, prepared, toNumber } from "./database.ts";
import { forgetIngested } from "./ingested_files.ts";

/*
 * Files of in-place roots come and go without this program. A place whose file is gone is marked, and
 * nothing is deleted: when the file comes back the mark goes. Only a place whose file was renamed is
 * forgotten, when the same file (content, size, inode) is known under another path.
 */

/** A place in an in-place root, as it was when its file was last seen. */
export type RecordedPlace = {
  filepath: string;
  sizeBytes: number;
  mtimeMs: number;
  inode: number;
  addedAtMs: number;
  isMissing: boolean;
};

type PlaceColumns = [
  filepath: string,
  size: number,
  mtime: number,
  inode: number,
  addedAt: number,
  isMissing: number,
];

const COLUMNS = "filepath, size_bytes, mtime_ms, inode, added_at_ms, missing_since_ms IS NOT NULL";

function toPlace(row: PlaceColumns): RecordedPlace {
  const [filepath, sizeBytes, mtimeMs, inode, addedAtMs, isMissing] = row;
  return {
    filepath,
    sizeBytes: toNumber(sizeBytes),
    mtimeMs: toNumber(mtimeMs),
    inode: toNumber(inode),
    addedAtMs: toNumber(addedAtMs),
    isMissing: toNumber(isMissing) === 1,
  };
}

/** A recorded place; undefined if no image has this path. Cost: 10 µs. */
export function readRecordedPlace(db: Database, filepath: string): RecordedPlace | undefined {
  const row = prepared(db, `SELECT ${COLUMNS} FROM image_files WHERE filepath = ?`)
    .value<PlaceColumns>(filepath);
  return row && toPlace(row);
}

/** The next places below a stored folder (`@root` or `@root/folder`) in the order of their paths. */
export function readPlacesBelow(
  db: Database,
  folder: string,
  page: { after: string; limit: number },
): RecordedPlace[] {
  return prepared(
    db,
    `SELECT ${COLUMNS} FROM image_files WHERE filepath > ?1 AND filepath > ?2 AND filepath < ?3
     ORDER BY filepath LIMIT ?4`,
  ).values<PlaceColumns>(`${folder}/`, page.after, `${folder}0`, page.limit).map(toPlace);
}

/** Places below a stored folder whose files are there, as far as is known. */
export function countPlacesBelow(db: Database, folder: string): number {
  return prepared(
    db,
    `SELECT count(*) FROM image_files
     WHERE filepath > ? AND filepath < ? AND missing_since_ms IS NULL`,
  ).value<[number]>(`${folder}/`, `${folder}0`)![0];
}

/** Other places under which a place's file is known too, as the same file on the disk. */
export function readSameFilePlaces(db: Database, filepath: string): string[] {
  return prepared(
    db,
    `SELECT other.filepath FROM image_files AS lost JOIN image_files AS other ON other.image_id = lost.image_id
     WHERE lost.filepath = ? AND other.filepath <> lost.filepath AND other.missing_since_ms IS NULL
       AND other.size_bytes = lost.size_bytes AND other.inode = lost.inode AND lost.inode <> 0`,
  ).values<[string]>(filepath).map(([path]) => path);
}

/** What was found out about recorded places. */
export type PlaceFindings = {
  /** Places whose files are gone. */
  lost: string[];
  /** Places whose files are there again, as they were. */
  returned: string[];
};

/** How many places were treated how. */
export type PlaceChanges = { missing: number; moved: number; returned: number };

/**
 * Marks places whose files are gone, and takes the marks from those that are back. A lost place is
 * forgotten instead if its file was renamed; an image is served from a place that is there, if it has one.
 */
export function markPlaces(db: Database, findings: PlaceFindings): PlaceChanges {
  const changes: PlaceChanges = { missing: 0, moved: 0, returned: 0 };
  for (const filepath of findings.returned) {
    changes.returned += execute(
      db,
      `UPDATE image_files SET missing_since_ms = NULL
       WHERE filepath = ? AND missing_since_ms IS NOT NULL`,
      filepath,
    );
    serveAgain(db, filepath);
  }
  const nowMs = Date.now();
  // All first: a lost place must not stand in for another one.
  const marked = findings.lost.filter((filepath) =>
    execute(
      db,
      `UPDATE image_files SET missing_since_ms = ? WHERE filepath = ? AND missing_since_ms IS NULL`,
      nowMs,
      filepath,
    ) > 0
  );
  for (const filepath of marked) {
    if (replaceLost(db, filepath)) changes.moved++;
    else changes.missing++;
  }
  return changes;
}

/** Serves an image from a place that is back, if its file is missing where it is served from. */
function serveAgain(db: Database, filepath: string): void {
  execute(
    db,
    `UPDATE images SET filepath = ?1
     WHERE id = (SELECT image_id FROM image_files WHERE filepath = ?1) AND filepath <> ?1
       AND EXISTS (SELECT 1 FROM image_files AS served
         WHERE served.filepath = images.filepath AND served.missing_since_ms IS NOT NULL)`,
    filepath,
  );
}

/** Finds another place for the image of a lost one; true if the file was only renamed. */
function replaceLost(db: Database, filepath: string): boolean {
  const other = prepared(
    db,
    `SELECT other.filepath, other.size_bytes = lost.size_bytes AND other.inode = lost.inode
       AND lost.inode <> 0 AS is_same
     FROM image_files AS lost JOIN image_files AS other ON other.image_id = lost.image_id
     WHERE lost.filepath = ? AND other.missing_since_ms IS NULL
     ORDER BY is_same DESC, other.filepath LIMIT 1`,
  ).value<[string, number]>(filepath);
  if (other === undefined) return false;
  execute(db, "UPDATE images SET filepath = ? WHERE filepath = ?", other[0], filepath);
  if (other[1] !== 1) return false;
  execute(db, "DELETE FROM image_files WHERE filepath = ?", filepath);
  return true;
}

/** How long a sidecar that comes after its picture finds the image that the picture became. */
const INGESTED_KEPT_MS = 90 * 24 * 3_600_000;

function toScanKey(folder: string): string {
  return `scanned:${folder}`;
}

/** When the last complete scan of a watched folder began; null before the first one. */
export function readScannedAt(db: Database, folder: string): number | null {
  const row = prepared(db, "SELECT value FROM library_state WHERE key = ?")
    .value<[string]>(toScanKey(folder));
  return row === undefined ? null : Number(row[0]);
}

/** Remembers when a scan of a watched folder began, now that it is complete. */
export function finishScan(db: Database, scan: { folder: string; startedAtMs: number }): void {
  execute(
    db,
    `INSERT INTO library_state (key, value) VALUES (?, ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    toScanKey(scan.folder),
    String(scan.startedAtMs),
  );
  forgetIngested(db, scan.startedAtMs - INGESTED_KEPT_MS);
}
