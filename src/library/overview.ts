import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { measureTrash } from "../store/trash_size.ts";
import { readTrashKeepDays } from "../store/trash_copies.ts";
import { type BackupFile, listBackups } from "./backup_files.ts";
import type { Library } from "./library.ts";

/** What a person wants to know of a library at a glance. */
export type LibraryOverview = {
  /** Bytes of the files of all images, where they are known. */
  filesBytes: number;
  trash: {
    entries: number;
    /** Null when there are too many entries to look at. */
    sizeBytes: number | null;
    /** After how many days an entry is removed by itself; null: never. */
    keepDays: number | null;
  };
  backups: {
    count: number;
    /** The newest one that was made as a backup, or before something else was done; null: none. */
    newest: BackupFile | null;
  };
};

/** Looks at sizes, trash and backups. Cost: O(images) for each state of the library, some 5 ms a million. */
export async function readOverview({ core, paths }: Library): Promise<LibraryOverview> {
  const backups = await listBackups(paths.backups);
  return {
    filesBytes: sumFileBytes(core.cache.current),
    trash: { ...measureTrash(core.reader), keepDays: readTrashKeepDays(core.reader) },
    backups: { count: backups.length, newest: backups[0] ?? null },
  };
}

function sumFileBytes(snapshot: ImageSnapshot): number {
  return snapshot.memo("fileBytes", () => {
    const { fileSizeBytes } = snapshot.columns;
    let bytes = 0;
    for (let row = 0; row < fileSizeBytes.length; row++) bytes += fileSizeBytes[row];
    for (const row of snapshot.touchedRows()) {
      if (row < fileSizeBytes.length) bytes -= fileSizeBytes[row];
      bytes += snapshot.stateOf(row)?.fileSizeBytes ?? 0;
    }
    return bytes;
  });
}
