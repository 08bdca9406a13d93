/** Backups of a live database, over the backup of `@db/sqlite` from JSR, which works in one step. */
import { Database } from "@db/sqlite";

/** The method of the package that the adapter of this project does not have. */
interface BackupSource {
  backup(destination: Database): void;
}

/**
 * Copies the database to the file at `path`, which it creates or overwrites.
 *
 * @throws {Error} If the file cannot be written.
 */
export function backupTo(db: Database, path: string): Promise<void> {
  return Promise.try(() => {
    const destination = new Database(path, { int64: true, parseJson: false });
    try {
      (db as Database & BackupSource).backup(destination);
    } finally {
      destination.close();
    }
  });
}
