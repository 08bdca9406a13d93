import { Database } from "@db/sqlite";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AppError, type ErrorCode } from "../../src/base/errors.ts";
import { explain, openReader, openWriter } from "../../src/store/database.ts";
import { prepareDatabase, SCHEMA_VERSION } from "../../src/store/migrate.ts";
import { hasChangeLog } from "../../src/store/change_log.ts";
import {
  buildLibrary,
  dumpDatabase,
  type LibrarySpec,
  openDatabase,
  schemaOf,
  type TableSet,
} from "../support/library_builder.ts";
import { makeRandom } from "../support/random.ts";
import { readFolder, withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

const LIBRARY: LibrarySpec = {
  tags: [{ name: "solo" }, { name: "miku", category: "character" }, {
    name: "odd",
    category: null,
  }],
  images: [
    { tags: ["solo", "miku"], metadata: "{", columns: { tags_general: "solo", score: 3 } },
    { filepath: "日本/x.jpg", md5: "not an md5", tags: ["odd"] },
    { id: 77, columns: { ingested_at: "2024-02-03 04:05:06" } },
  ],
};

/** Rows and statements of the tables that were there, by the names that they had. */
function readOriginal(path: string, names?: Set<string>): { rows: string[]; statements: string[] } {
  const db = openDatabase(path);
  try {
    const known = names ?? new Set(
      db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").values<[string]>().flat(),
    );
    const rows = dumpDatabase(db).filter((row) => known.has(row.split(" ")[0]));
    const statements = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
      .values<[string, string]>().filter(([name]) => known.has(name)).map(([, sql]) => sql);
    return { rows: rows.filter((row) => !row.startsWith("sqlite_sequence")), statements };
  } finally {
    db.close();
  }
}

function tableNames(path: string): Set<string> {
  const db = openDatabase(path);
  const names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'");
  const found = new Set(names.values<[string]>().flat());
  db.close();
  return found;
}

/** Checks that a database is refused with a code and a remedy, and that its bytes stay as they are. */
async function assertRefused(path: string, code: ErrorCode, message: string): Promise<AppError> {
  const before = await Deno.readFile(path);
  const error = await assertRejects(
    () => prepareDatabase(path, `${path}.backup`),
    AppError,
    message,
  );
  assertEquals(error.code, code, error.message);
  assert(error.remedy !== undefined && error.remedy.length > 10, "it says what to do");
  assert(error.message.includes(path), "it names the file");
  assertEquals(await Deno.readFile(path), before, "the file is as it was");
  return error;
}

Deno.test("prepareDatabase() makes a database that the original opens", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/new.db`;
    assertEquals(await prepareDatabase(path, `${dir}/b.db`), { kind: "created", backupPath: null });
    const db = openReader(path);
    const read = (sql: string) => db.prepare(sql).value<[unknown]>()![0];
    assertEquals(read("PRAGMA page_size"), 8192);
    assertEquals(read("PRAGMA journal_mode"), "wal");
    assertEquals(read("PRAGMA quick_check"), "ok");
    assert(hasChangeLog(db));
    db.close();
    buildLibrary(`${dir}/original.db`, {});
    const expected = readOriginal(`${dir}/original.db`);
    const names = tableNames(`${dir}/original.db`);
    assertEquals(readOriginal(path, names).statements, expected.statements);
  });
});

for (const tables of ["full", "bare"] satisfies TableSet[]) {
  Deno.test(`prepareDatabase() keeps every row and constraint of a ${tables} database`, async () => {
    await withTempDir(async (dir) => {
      const [path, backup] = [`${dir}/booru.db`, `${dir}/backup.db`];
      buildLibrary(path, LIBRARY, tables);
      const names = tableNames(path);
      const before = readOriginal(path);
      assert(before.rows.some((row) => row.startsWith("images ")));
      assertEquals(await prepareDatabase(path, backup), { kind: "migrated", backupPath: backup });
      assertEquals(readOriginal(path, names), before);
      assertEquals(readOriginal(backup), before, "the backup is the database as it was");
      const db = openReader(path);
      assertEquals(db.prepare("PRAGMA quick_check").value(), ["ok"]);
      const [entries] = db.prepare("SELECT count(*) FROM images_fts").value<[number]>()!;
      assertEquals(entries, 3, "every image is in the full-text table");
      const found = db.prepare("SELECT filepath FROM images_fts WHERE tags_general MATCH 'solo'");
      assertEquals(found.values(), [["1.jpg"]]);
      assertEquals(db.prepare("PRAGMA journal_mode").value(), ["wal"]);
      db.close();
    });
  });
}

Deno.test("prepareDatabase() changes a database once", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, LIBRARY);
    await prepareDatabase(path, `${dir}/backup.db`);
    const before = await readFolder(dir);
    for (let i = 0; i < 2; i++) {
      assertEquals(await prepareDatabase(path, `${dir}/second.db`), {
        kind: "ready",
        backupPath: null,
      });
    }
    assertEquals(Object.keys(await readFolder(dir)).includes(`${dir}/second.db`), false);
    assertEquals((await readFolder(dir))[path], before[path]);
  });
});

Deno.test("prepareDatabase() makes an existing database log its writes ahead", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, LIBRARY);
    const db = openDatabase(path);
    db.exec("PRAGMA journal_mode = DELETE");
    db.close();
    await prepareDatabase(path, `${dir}/backup.db`);
    const migrated = openReader(path);
    assertEquals(migrated.prepare("PRAGMA journal_mode").value(), ["wal"]);
    migrated.close();
  });
});

Deno.test("prepareDatabase() adds the columns that early versions lack", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    const db = openDatabase(path);
    db.exec(
      `CREATE TABLE images (id INTEGER PRIMARY KEY, filepath TEXT NOT NULL UNIQUE,
         md5 TEXT NOT NULL UNIQUE, post_id INTEGER, parent_id INTEGER, has_children BOOLEAN,
         saucenao_lookup BOOLEAN, active_source TEXT);
       CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, category TEXT);
       CREATE TABLE image_tags (image_id INTEGER, tag_id INTEGER, PRIMARY KEY (image_id, tag_id));
       INSERT INTO images (filepath, md5) VALUES ('a.jpg', 'm');
       INSERT INTO tags (name) VALUES ('solo'); INSERT INTO image_tags VALUES (1, 1)`,
    );
    db.close();
    await prepareDatabase(path, `${dir}/backup.db`);
    const migrated = openDatabase(path);
    migrated.exec("UPDATE images SET score = 1, ingested_at = CURRENT_TIMESTAMP, phash = 'x'");
    assertEquals(migrated.prepare("SELECT source FROM image_tags").value(), ["original"]);
    assertThrows(() => migrated.exec("UPDATE image_tags SET source = 'nonsense'"));
    migrated.close();
  });
});

Deno.test("prepareDatabase() fills an empty file", async () => {
  await withTempDir(async (dir) => {
    await Deno.writeFile(`${dir}/empty.db`, new Uint8Array());
    const { kind } = await prepareDatabase(`${dir}/empty.db`, `${dir}/backup.db`);
    assertEquals(kind, "created");
    assert(tableNames(`${dir}/empty.db`).has("images"));
  });
});

Deno.test("prepareDatabase() refuses a database of a newer version", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    await prepareDatabase(path, `${dir}/backup.db`);
    const db = openDatabase(path);
    db.exec("UPDATE library_state SET value = '999' WHERE key = 'schema_version'");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    const error = await assertRefused(path, "newer_version", "999");
    assert(error.message.includes(String(SCHEMA_VERSION)));
  });
});

Deno.test("prepareDatabase() refuses what is no database", async () => {
  await withTempDir(async (dir) => {
    const random = makeRandom(7);
    const path = `${dir}/booru.db`;
    const contents: [string, Uint8Array][] = [
      ["random bytes", Uint8Array.from({ length: 40_000 }, () => random.int(256))],
      ["a short text", new TextEncoder().encode("not a database")],
      ["a picture", Uint8Array.from([0xff, 0xd8, 0xff, ...Array(5_000).fill(1)])],
    ];
    for (const [name, bytes] of contents) {
      await Deno.writeFile(path, bytes);
      const error = await assertRefused(path, "corrupt", "");
      assert(error.remedy!.includes("backup"), name);
    }
  });
});

Deno.test("prepareDatabase() refuses a database with damaged pages", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    const images = Array.from({ length: 400 }, () => ({ tags: ["a"], metadata: "x".repeat(300) }));
    buildLibrary(path, { images });
    const whole = await Deno.readFile(path);
    const damaged = whole.slice();
    for (let i = 20 * 4096; i + 4096 < damaged.length; i += 3 * 4096) {
      damaged.fill(0xa5, i, i + 4096);
    }
    await Deno.writeFile(path, damaged);
    await assertRefused(path, "corrupt", "");
    await Deno.writeFile(path, whole.slice(0, Math.floor(whole.length / 2)));
    await assertRefused(path, "corrupt", "");
  });
});

Deno.test("prepareDatabase() finds damage that nothing but the check of the backup reads", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    const metadata = "marker".repeat(50);
    buildLibrary(path, { images: Array.from({ length: 400 }, () => ({ metadata })) });
    const bytes = await Deno.readFile(path);
    const at = new TextDecoder("latin1").decode(bytes).lastIndexOf(metadata);
    const pageSize = new DataView(bytes.buffer).getUint16(16);
    const page = Math.floor(at / pageSize) * pageSize;
    bytes.fill(0xa5, page, page + pageSize);
    await Deno.writeFile(path, bytes);
    await assertRefused(path, "corrupt", "");
    assert(!tableNames(path).has("library_state"));
  });
});

Deno.test("prepareDatabase() refuses the database of another program", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    const db = openDatabase(path);
    db.exec(
      "CREATE TABLE urls (id INTEGER PRIMARY KEY, url TEXT); INSERT INTO urls VALUES (1, 'x')",
    );
    db.exec("CREATE TABLE images (id INTEGER PRIMARY KEY)");
    db.close();
    await assertRefused(path, "conflict", "no ChibiBooru database");
  });
});

Deno.test("prepareDatabase() writes nothing when a statement of it fails", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, LIBRARY);
    const db = openDatabase(path);
    db.exec("CREATE TABLE trash (what TEXT)");
    db.close();
    const before = readOriginal(path);
    await assertRejects(() => prepareDatabase(path, `${dir}/backup.db`), Error, "trash");
    assertEquals(readOriginal(path), before);
    assert(!tableNames(path).has("library_state"));
  });
});

Deno.test("prepareDatabase() migrates nothing when the backup cannot be written", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, LIBRARY);
    const before = await Deno.readFile(path);
    await assertRejects(() => prepareDatabase(path, `${dir}/no/such/folder/b.db`), AppError);
    assertEquals(await Deno.readFile(path), before);
  });
});

fullTierTest("prepareDatabase() says when another program has locked the database", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, LIBRARY);
    const other = openDatabase(path);
    other.exec("BEGIN EXCLUSIVE");
    other.exec("UPDATE images SET score = 9");
    try {
      await assertRefused(path, "locked", "locked");
    } finally {
      other.exec("ROLLBACK");
      other.close();
    }
    assertEquals((await prepareDatabase(path, `${dir}/backup.db`)).kind, "migrated");
  });
});

Deno.test("prepareDatabase() names a folder that is missing or in the way", async () => {
  await withTempDir(async (dir) => {
    for (const path of [`${dir}/no/such/booru.db`, dir]) {
      const error = await assertRejects(() => prepareDatabase(path, `${dir}/b.db`), AppError, path);
      assertEquals(error.code, "not_found");
      assert(error.remedy !== undefined);
    }
  });
});

Deno.test("writing where it is not allowed is read_only, with the remedy", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/booru.db`;
    buildLibrary(path, LIBRARY);
    // Permissions do not bind root, so the connection is read-only instead of the folder.
    const db = openReader(path);
    const thrown = assertThrows(() => db.exec("UPDATE images SET score = 1"));
    const error = explain(thrown, path);
    assert(error instanceof AppError);
    assertEquals(error.code, "read_only");
    assert(error.remedy!.includes("--library"));
    assert(error.message.includes(path));
    db.close();
    if (Deno.uid() !== 0) {
      await Deno.chmod(path, 0o444);
      await Deno.chmod(dir, 0o555);
      try {
        await assertRefused(path, "read_only", path);
      } finally {
        await Deno.chmod(dir, 0o755);
      }
    }
  });
});

Deno.test("openReader() and openWriter() refuse what is not there, and create nothing", async () => {
  await withTempDir(async (dir) => {
    for (const open of [openReader, openWriter]) {
      const error = assertThrows(() => open(`${dir}/none.db`), AppError, "none.db");
      assertEquals(error.code, "not_found");
      await Deno.writeTextFile(`${dir}/text.db`, "text ".repeat(2_000));
      assertEquals(assertThrows(() => open(`${dir}/text.db`), AppError).code, "corrupt");
      await Deno.remove(`${dir}/text.db`);
    }
    assertEquals(await readFolder(dir), {});
  });
});

Deno.test("openReader() never writes", async () => {
  await withTempDir((dir) => {
    const path = `${dir}/booru.db`;
    new Database(path, { int64: true, parseJson: false }).exec(schemaOf("bare"));
    const db = openReader(path);
    for (const sql of ["DELETE FROM images", "CREATE TABLE x (y)", "DROP TABLE tags"]) {
      assertThrows(() => db.exec(sql), Error, "readonly");
    }
    db.close();
  });
});
