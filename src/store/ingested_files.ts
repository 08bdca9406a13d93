import { type Database, execute, prepared } from "./database.ts";

/** Remembers which image a file of the ingest folder became, by its path in that folder. */
export function recordIngested(db: Database, path: string, imageId: number): void {
  execute(
    db,
    `INSERT INTO ingested_files (path, image_id, ingested_at_ms) VALUES (?, ?, ?)
     ON CONFLICT (path) DO UPDATE SET image_id = excluded.image_id,
       ingested_at_ms = excluded.ingested_at_ms`,
    path,
    imageId,
    Date.now(),
  );
}

/** A file that was taken from the ingest folder, and the image that it became. */
export type IngestedFile = { path: string; md5: string; ext: string; sizeBytes: number };

/** Files that were taken from the ingest folder under a path, or under that path with an ending. */
export function readIngested(db: Database, path: string): IngestedFile[] {
  return prepared(
    db,
    `SELECT path, md5, file_ext, size_bytes FROM ingested_files AS ingested
     JOIN images ON images.id = ingested.image_id
     JOIN image_media AS media ON media.image_id = images.id
     WHERE path = ?1 OR (path > ?1 || '.' AND path < ?1 || '/')`,
  ).values<[string, string, string, number]>(path).map(([path, md5, ext, sizeBytes]) => {
    return { path, md5, ext, sizeBytes };
  });
}

/** Forgets what was taken before a moment. */
export function forgetIngested(db: Database, beforeMs: number): void {
  execute(db, "DELETE FROM ingested_files WHERE ingested_at_ms < ?", beforeMs);
}
