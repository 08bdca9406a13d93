import { join } from "node:path";
import { findLibraryPaths, type LibraryPaths } from "../../src/library/library_paths.ts";
import { openReader } from "../../src/store/database.ts";
import { prepareDatabase } from "../../src/store/migrate.ts";
import { writeTagColumns } from "../../src/store/tag_columns.ts";
import { buildLibrary, dumpDatabase, openDatabase } from "./library_builder.ts";
import { withTempDir } from "./temp.ts";

/** A library's folder with a database of some images, and nothing that has it open. */
export async function withDatabase(
  test: (paths: LibraryPaths, dir: string) => Promise<void>,
): Promise<void> {
  await withTempDir(async (temp) => {
    const dir = await Deno.realPath(temp);
    const paths = await findLibraryPaths(join(dir, "library"));
    await Deno.mkdir(paths.data, { recursive: true });
    buildLibrary(paths.database, {
      images: [1, 2, 3].map((i) => ({ tags: [`tag_${i}`, "solo"], metadata: { i } })),
      pools: [{ name: "pool", images: [3, 1] }],
    });
    await prepareDatabase(paths.database, join(dir, "before.db"));
    const db = openDatabase(paths.database);
    writeTagColumns(db, [1, 2, 3]);
    db.close();
    await test(paths, dir);
  });
}

/** Every row of a database, to compare it with another. */
export function dumpFile(path: string): string[] {
  const db = openReader(path);
  try {
    return dumpDatabase(db);
  } finally {
    db.close();
  }
}
