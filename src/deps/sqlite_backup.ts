/** Backups of a live database, over the backup of `node:sqlite`, which works page by page. */
import { backup } from "node:sqlite";
import type { Database } from "@db/sqlite";
import { sqliteOf } from "./_sqlite_connection.ts";

/**
 * Copies the database to the file at `path`, which it creates or overwrites.
 *
 * @throws {Error} If the file cannot be written.
 */
export async function backupTo(db: Database, path: string): Promise<void> {
  await backup(sqliteOf(db), path);
}
