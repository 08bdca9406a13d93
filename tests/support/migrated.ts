import type { Database } from "@db/sqlite";
import { prepareDatabase } from "../../src/store/migrate.ts";
import { buildLibrary, type LibrarySpec, openDatabase } from "./library_builder.ts";
import { withTempDir } from "./temp.ts";

/** Runs `test` with a library that has all tables of this program, and a connection that writes. */
export async function withMigrated(
  spec: LibrarySpec,
  test: (db: Database, path: string) => void | Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, spec);
    await prepareDatabase(path, `${dir}/backup.db`);
    const db = openDatabase(path);
    try {
      await test(db, path);
    } finally {
      db.close();
    }
  });
}
