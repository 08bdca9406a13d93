import { Database, SqliteError } from "@db/sqlite";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";

const OPTIONS = { int64: true, parseJson: false };

function openWithTable(path: string | URL = ":memory:"): Database {
  const db = new Database(path, OPTIONS);
  db.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT UNIQUE)");
  return db;
}

function countItems(db: Database): number {
  return db.prepare("SELECT count(*) FROM items").value<[number]>()![0];
}

function withTempDir(run: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    run(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("new Database() creates a file, and opens it again by path and by URL", () => {
  withTempDir((dir) => {
    const path = `${dir}/a b.db`;
    const created = openWithTable(path);
    created.exec("INSERT INTO items (name) VALUES ('one')");
    assertEquals(created.path, path);
    created.close();
    const url = new URL("file:///");
    url.pathname = path;
    const reopened = new Database(url, { ...OPTIONS, create: false });
    assertEquals(countItems(reopened), 1);
    assertEquals(reopened.path, path);
    reopened.close();
  });
});

Deno.test("new Database() does not create a missing file when create is false or readonly", () => {
  withTempDir((dir) => {
    for (const mode of [{ create: false }, { readonly: true }]) {
      const error = assertThrows(
        () => new Database(`${dir}/none.db`, { ...OPTIONS, ...mode }),
        SqliteError,
        "14: unable to open database file",
      );
      assertEquals(error.code, 14);
      assertInstanceOf(error, Error);
    }
    assertEquals([...Deno.readDirSync(dir)], []);
  });
});

Deno.test("new Database() keeps nothing on disk when memory is true", () => {
  withTempDir((dir) => {
    const path = `${dir}/memory.db`;
    const db = new Database(path, { ...OPTIONS, memory: true });
    db.exec("CREATE TABLE items (id INTEGER PRIMARY KEY)");
    db.close();
    assertEquals([...Deno.readDirSync(dir)], []);
  });
});

Deno.test("Database refuses writes when readonly, and reads on", () => {
  withTempDir((dir) => {
    openWithTable(`${dir}/a.db`).close();
    const db = new Database(`${dir}/a.db`, { ...OPTIONS, readonly: true });
    const write = () => db.exec("INSERT INTO items (name) VALUES ('one')");
    assertThrows(write, Error, "attempt to write a readonly database");
    assertEquals(countItems(db), 0);
    db.close();
  });
});

Deno.test("Database reports what is no database at the first read", () => {
  withTempDir((dir) => {
    Deno.writeTextFileSync(`${dir}/a.db`, "no database ".repeat(400));
    const db = new Database(`${dir}/a.db`, OPTIONS);
    assertEquals(db.exec("PRAGMA busy_timeout = 10"), 0);
    const read = () => db.prepare("SELECT * FROM sqlite_master").all();
    assertThrows(read, Error, "file is not a database");
    db.close();
  });
});

Deno.test("Database enforces foreign keys and takes double quotes for names only", () => {
  const db = openWithTable();
  db.exec("CREATE TABLE parts (item INTEGER REFERENCES items (id))");
  assertThrows(() => db.exec("INSERT INTO parts VALUES (9)"), Error, "FOREIGN KEY");
  assertThrows(() => db.prepare('SELECT "no name"'), Error, "no such column");
  db.close();
});

Deno.test("close() closes once and for all", () => {
  const db = openWithTable();
  db.prepare("SELECT 1");
  assert(db.open);
  db.close();
  db.close();
  assertEquals(db.open, false);
  assertEquals(db.inTransaction, false);
});

Deno.test("exec() runs every statement and returns the last number of changes", () => {
  const db = openWithTable();
  const changes = db.exec(`
    INSERT INTO items (name) VALUES ('one');
    INSERT INTO items (name) VALUES ('two'), ('three'); -- a comment
    UPDATE items SET name = name || '!' WHERE id < 3;
  `);
  assertEquals(changes, 2);
  assertEquals(db.changes, 2);
  assertEquals(db.totalChanges, 5);
  assertEquals(db.lastInsertRowId, 3);
  db.close();
});

Deno.test("exec() and run() bind parameters by position and by name", () => {
  const db = openWithTable();
  assertEquals(db.exec("INSERT INTO items VALUES (?, ?)", 1, "one"), 1);
  assertEquals(db.run("INSERT INTO items VALUES (?, ?)", [2, "two"]), 1);
  assertEquals(db.run("INSERT INTO items VALUES (:id, :name)", { id: 3, name: "three" }), 1);
  assertEquals(db.run("DELETE FROM items WHERE id > ?", 0), 3);
  db.close();
});

Deno.test("exec() throws what SQLite says and keeps what ran before", () => {
  const db = openWithTable();
  const broken = "INSERT INTO items (name) VALUES ('one'); SELEC 2";
  const error = assertThrows(() => db.exec(broken), Error, "syntax error");
  assertMatch(error.message, /^near "SELEC": syntax error$/);
  const twice = "INSERT INTO items (name) VALUES ('one')";
  assertThrows(() => db.exec(twice), Error, "UNIQUE constraint failed: items.name");
  assertEquals(countItems(db), 1);
  db.close();
});

Deno.test("exec() and statements say that the database is locked", () => {
  withTempDir((dir) => {
    const first = openWithTable(`${dir}/a.db`);
    const second = new Database(`${dir}/a.db`, OPTIONS);
    assertEquals(countItems(second), 0);
    first.exec("BEGIN EXCLUSIVE");
    const select = "SELECT * FROM items";
    const attempts = [
      () => second.exec("BEGIN IMMEDIATE"),
      () => second.exec(select, []),
      () => second.prepare(select).run(),
      () => second.prepare(select).all(),
      () => second.prepare(select).values(),
      () => second.prepare(select).get(),
      () => second.prepare(select).value(),
      () => [...second.prepare(select).iter()],
    ];
    for (const attempt of attempts) assertThrows(attempt, Error, "database is locked");
    first.exec("ROLLBACK");
    assertEquals(countItems(second), 0);
    first.close();
    second.close();
  });
});

Deno.test("transaction() commits, returns the result and says that it runs", () => {
  const db = openWithTable();
  const add = db.transaction((names: string[]): number => {
    assert(db.inTransaction);
    assertEquals(db.autocommit, false);
    const insert = db.prepare("INSERT INTO items (name) VALUES (?)");
    for (const name of names) insert.run(name);
    return names.length;
  });
  assertEquals(add(["one", "two"]), 2);
  assertEquals(add.default(["three"]), 1);
  assertEquals(add.deferred.exclusive(["four"]), 1);
  assertEquals(add.database, db);
  assertEquals(db.inTransaction, false);
  assert(db.autocommit);
  assertEquals(countItems(db), 4);
  db.close();
});

Deno.test("transaction() rolls back and rethrows", () => {
  const db = openWithTable();
  const add = db.transaction(() => {
    db.exec("INSERT INTO items (name) VALUES ('one')");
    throw new RangeError("stop");
  });
  for (const run of [add, add.deferred, add.immediate, add.exclusive]) {
    assertThrows(() => run(), RangeError, "stop");
    assertEquals(db.inTransaction, false);
  }
  assertEquals(countItems(db), 0);
  db.close();
});

Deno.test("transaction() inside another undoes only its own part", () => {
  const db = openWithTable();
  const insert = db.prepare("INSERT INTO items (name) VALUES (?)");
  const inner = db.transaction((name: string, fails: boolean) => {
    insert.run(name);
    if (fails) throw new Error("inner");
  });
  const outer = db.transaction(() => {
    insert.run("outer");
    inner("kept", false);
    assertThrows(() => inner.immediate("dropped", true), Error, "inner");
    assert(db.inTransaction);
  });
  outer();
  const names = db.prepare("SELECT name FROM items ORDER BY id").values<[string]>().flat();
  assertEquals(names, ["outer", "kept"]);
  assertEquals(db.inTransaction, false);
  db.close();
});

Deno.test("transaction().immediate takes the write lock at once, .deferred at the first write", () => {
  withTempDir((dir) => {
    const first = openWithTable(`${dir}/a.db`);
    const second = new Database(`${dir}/a.db`, OPTIONS);
    const write = () => second.exec("INSERT INTO items (name) VALUES ('one')");
    const attempt = first.transaction(() => {
      write();
    });
    assertThrows(() => attempt.immediate(), Error, "database is locked");
    attempt.deferred();
    assertEquals(countItems(first), 1);
    first.close();
    second.close();
  });
});

Deno.test("function() passes values in and out as they are", () => {
  const db = openWithTable();
  db.function("kinds", (...args: unknown[]) => args.map((arg) => typeof arg).join(), {
    varargs: true,
  });
  db.function("same", (value: unknown) => value, { deterministic: true });
  const kinds = "SELECT kinds(1, 9007199254740993, 1.5, 'a', NULL, x'01')";
  assertEquals(db.prepare(kinds).value(), ["number,bigint,number,string,object,object"]);
  const values = [1, 1.5, "a", null, new Uint8Array([1, 2]), 9007199254740993n];
  for (const value of values) {
    assertEquals(db.prepare("SELECT same(?)").value(value), [value]);
  }
  assertEquals(db.prepare("SELECT typeof(same(5))").value(), ["integer"]);
  db.function("yes", () => true);
  db.function("no_value", () => undefined);
  assertEquals(db.prepare("SELECT yes(), no_value()").value(), [1, null]);
  assertThrows(() => db.prepare("SELECT same(1, 2)").get(), Error, "wrong number of arguments");
  db.close();
});

Deno.test("function() that throws fails the statement with its message, at whatever row", () => {
  const db = openWithTable();
  db.function("check_small", (value: number) => {
    if (value > 2) throw new RangeError(`too large: ${value}`);
    return value;
  });
  db.function("broken", () => ({ no: "value" }));
  const rows = "WITH n (i) AS (VALUES (1), (2), (3), (4)) SELECT check_small(i) FROM n";
  assertThrows(() => db.prepare(rows).all(), Error, "too large: 3");
  assertThrows(() => db.prepare(rows).values(), Error, "too large: 3");
  assertThrows(() => [...db.prepare(rows).iter()], Error, "too large: 3");
  assertThrows(() => db.prepare("SELECT check_small(?)").value(9), Error, "too large: 9");
  assertThrows(() => db.prepare("SELECT broken()").value(), Error, "Invalid return value");
  assertEquals(db.prepare("SELECT check_small(?)").value(1), [1]);
  assertThrows(() => db.prepare("SELECT json(?)").value("{"), Error, "malformed JSON");
  db.close();
});

// The package itself opens with its defaults; that is what this project must never do.
if (import.meta.resolve("@db/sqlite").startsWith("file:")) {
  Deno.test("new Database() of the adapter demands the options that both bindings need", () => {
    for (const options of [undefined, {}, { int64: true }, { parseJson: false }]) {
      const open = () => new Database(":memory:", options);
      assertThrows(open, TypeError, "pass { int64: true, parseJson: false }");
    }
  });

  Deno.test("function() of the adapter refuses an integer beyond 64 bits, at whatever row", () => {
    const db = openWithTable();
    db.function("grow", (value: number) => 2n ** BigInt(value));
    const rows = db.prepare("WITH n (i) AS (VALUES (1), (62), (64)) SELECT grow(i) FROM n");
    assertThrows(() => rows.all(), Error, "Invalid return value");
    db.close();
  });

  Deno.test("Database of the adapter throws after close()", () => {
    const db = openWithTable();
    const statement = db.prepare("SELECT 1");
    db.close();
    const uses = [
      () => db.exec("SELECT 1"),
      () => db.prepare("SELECT 1"),
      () => db.changes,
      () => statement.get(),
      () => statement.run(),
    ];
    for (const use of uses) assertThrows(use, Error);
  });
}
