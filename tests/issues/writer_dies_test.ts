import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { openLibrary } from "../../src/library/library.ts";
import { openReader } from "../../src/store/database.ts";
import { prepareDatabase } from "../../src/store/migrate.ts";
import { openDatabase } from "../support/library_builder.ts";
import { withTempDir } from "../support/temp.ts";

/** The writer was opened once; the worker that replaced a dead one had no database for ever after. */
Deno.test("a writer that died is replaced by one that writes", () =>
  withTempDir(async (dir) => {
    const library = await openLibrary({ folder: join(dir, "lib"), workers: 1 });
    try {
      const root = { name: "a", path: "/a" };
      const pending = library.writer.call("ensureRoot", root);
      library.writer.terminate();
      await assertRejects(() => pending, AppError, "was stopped");
      assertEquals(await library.writer.call("ensureRoot", root), root);
      assertEquals(library.roots(), [root]);
    } finally {
      await library.close();
    }
  }));

/** Rescued and copied databases come without write-ahead logging: readers and the writer blocked each other. */
Deno.test("a database without write-ahead logging gets it back when it is opened", () =>
  withTempDir(async (dir) => {
    const folder = join(dir, "lib");
    await Deno.mkdir(join(folder, "data"), { recursive: true });
    const path = join(folder, "data/booru.db");
    await prepareDatabase(path, join(dir, "backup.db"));
    const db = openDatabase(path);
    db.exec("PRAGMA journal_mode = DELETE");
    db.close();
    const library = await openLibrary({ folder, workers: 1 });
    try {
      const reader = openReader(path);
      assertEquals(reader.prepare("PRAGMA journal_mode").value(), ["wal"]);
      reader.close();
    } finally {
      await library.close();
    }
  }));
