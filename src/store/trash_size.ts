import type { Database } from "./database.ts";
import { countTrash } from "./trash.ts";

/** Entries whose manifests are read to add up sizes: some 10 ms. */
const ENTRIES_ADDED_MAX = 2_000;

/** Entries of the trash, and their bytes where these are known; null when there are too many to look at. */
export function measureTrash(db: Database): { entries: number; sizeBytes: number | null } {
  const entries = countTrash(db);
  if (entries > ENTRIES_ADDED_MAX) return { entries, sizeBytes: null };
  const [sizeBytes] = db.prepare(
    `SELECT coalesce(sum(json_extract(file.value, '$.sizeBytes')), 0)
     FROM trash, json_each(trash.manifest, '$.files') AS file`,
  ).value<[number]>()!;
  return { entries, sizeBytes };
}
