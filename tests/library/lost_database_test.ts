import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { examineLibrary } from "../../src/library/examine_library.ts";
import { openLibrary } from "../../src/library/library.ts";
import { exists, findLibraryPaths } from "../../src/library/library_paths.ts";
import { describeLostDatabase } from "../../src/library/lost_database.ts";
import { withTempDir } from "../support/temp.ts";

/** A library that was made and has lost its database, with one file beside. */
async function loseDatabase(folder: string, file: string): Promise<void> {
  await (await openLibrary({ folder, workers: 1 })).close();
  for (const ending of ["", "-wal", "-shm"]) {
    await Deno.remove(join(folder, `data/booru.db${ending}`)).catch(() => {});
  }
  await Deno.mkdir(join(folder, file, ".."), { recursive: true });
  await Deno.writeTextFile(join(folder, file), "x");
}

Deno.test("openLibrary() makes no new library over what one without its database left", async () => {
  for (const file of ["images/ab/1.png", "data/backups/booru-backup-2026-01-02T03-04-05-678Z.db"]) {
    await withTempDir(async (dir) => {
      await loseDatabase(dir, file);
      const error = await assertRejects(() => openLibrary({ folder: dir, workers: 1 }), AppError);
      assertStringIncludes(error.message, "lost its database");
      assertStringIncludes(error.remedy ?? "", "deno task restore latest");
      assertEquals(await exists(join(dir, "data/booru.db")), false);
      const finding = (await examineLibrary(dir)).find(({ name }) => name === "database");
      assertEquals(finding?.verdict, "problem");
    });
  }
});

Deno.test("describeLostDatabase() finds nothing in a folder that is new, or empty but for hidden files", () =>
  withTempDir(async (dir) => {
    assertEquals(await describeLostDatabase(await findLibraryPaths(join(dir, "none"))), null);
    await Deno.mkdir(join(dir, "images"));
    await Deno.writeTextFile(join(dir, "images/.DS_Store"), "");
    await Deno.mkdir(join(dir, "data/backups"), { recursive: true });
    const paths = await findLibraryPaths(dir);
    assertEquals(await describeLostDatabase(paths), null);
    await (await openLibrary({ folder: dir, workers: 1 })).close();
    await Deno.writeTextFile(join(dir, "images/1.png"), "x");
    assertEquals(await describeLostDatabase(paths), null);
  }));
