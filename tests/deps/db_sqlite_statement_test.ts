import { type BindValue, Database } from "@db/sqlite";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";

const OPTIONS = { int64: true, parseJson: false };
const SAFE_MAX = Number.MAX_SAFE_INTEGER;
const PAST_SAFE = BigInt(SAFE_MAX) + 2n;

function open(): Database {
  return new Database(":memory:", OPTIONS);
}

Deno.test("all(), values(), get() and value() return objects and arrays", () => {
  using statement = open().prepare("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL");
  assertEquals(statement.all(), [{ a: 1, b: "x" }, { a: 2, b: null }]);
  assertEquals(statement.values(), [[1, "x"], [2, null]]);
  assertEquals(statement.get(), { a: 1, b: "x" });
  assertEquals(statement.value(), [1, "x"]);
  assertEquals([...statement.iter()], [{ a: 1, b: "x" }, { a: 2, b: null }]);
  assertEquals([...statement], [{ a: 1, b: "x" }, { a: 2, b: null }]);
  assertEquals(statement.columnNames(), ["a", "b"]);
});

Deno.test("all(), values(), get() and value() of no rows are empty or undefined", () => {
  using statement = open().prepare("SELECT 1 AS a WHERE ?");
  assertEquals(statement.all(0), []);
  assertEquals(statement.values(0), []);
  assertStrictEquals(statement.get(0), undefined);
  assertStrictEquals(statement.value(0), undefined);
  assertEquals([...statement.iter(0)], []);
  assertEquals(statement.columnNames(), ["a"]);
});

Deno.test("get() and all() return plain objects, each its own", () => {
  const statement = open().prepare("SELECT 1 AS a");
  const [first, second] = [statement.get(), statement.get()];
  assert(first !== second);
  for (const row of [first, ...statement.all(), ...statement.iter()]) {
    assertStrictEquals(Object.getPrototypeOf(row), Object.prototype);
  }
});

Deno.test("get() keeps the last of two columns with one name", () => {
  assertEquals(open().prepare("SELECT 1 AS a, 2 AS a").get(), { a: 2 });
  assertEquals(open().prepare("SELECT 1 AS a, 2 AS a").value(), [1, 2]);
});

Deno.test("run() returns the number of changes and takes effect once", () => {
  const db = open();
  db.exec("CREATE TABLE items (a)");
  const insert = db.prepare("INSERT INTO items VALUES (?), (?) RETURNING a");
  assertEquals(insert.run(1, 2), 2);
  assertEquals(insert.values(3, PAST_SAFE), [[3], [PAST_SAFE]]);
  assertEquals(insert.value(PAST_SAFE, 6), [PAST_SAFE]);
  assertEquals(insert.get(7, 8), { a: 7 });
  assertEquals(db.prepare("SELECT count(*) FROM items").value(), [8]);
  assertEquals(db.prepare("DELETE FROM items").run(), 8);
  db.close();
});

Deno.test("bound values keep the type that SQLite has for them", () => {
  const statement = open().prepare("SELECT typeof(?1), ?1");
  const cases: [BindValue, string, unknown][] = [
    [0, "integer", 0],
    [5, "integer", 5],
    [-(2 ** 31) - 1, "integer", -(2 ** 31) - 1],
    [Date.UTC(2040, 0), "integer", Date.UTC(2040, 0)],
    [SAFE_MAX, "integer", SAFE_MAX],
    [-SAFE_MAX, "integer", -SAFE_MAX],
    [1.5, "real", 1.5],
    [Infinity, "real", Infinity],
    [NaN, "null", null],
    [7n, "integer", 7],
    [PAST_SAFE, "integer", PAST_SAFE],
    [2n ** 63n - 1n, "integer", 2n ** 63n - 1n],
    [-(2n ** 63n), "integer", -(2n ** 63n)],
    [true, "integer", 1],
    [false, "integer", 0],
    [null, "null", null],
    [undefined, "null", null],
    ["", "text", ""],
    ["日本語 💩", "text", "日本語 💩"],
    [new Date(0), "text", "1970-01-01T00:00:00.000Z"],
    [new Uint8Array(), "blob", new Uint8Array()],
    [new Uint8Array([1, 2, 3]).subarray(1), "blob", new Uint8Array([2, 3])],
  ];
  for (const [value, type, expected] of cases) {
    assertEquals(statement.value(value), [type, expected], Deno.inspect(value));
  }
});

Deno.test("bound integers divide as integers", () => {
  assertEquals(open().prepare("SELECT ? / 2").value(5), [2]);
});

Deno.test("arrays and objects are bound as JSON, except for the first one, which holds parameters", () => {
  const statement = open().prepare("SELECT ?, ?");
  assertEquals(statement.value(1, [1, 2]), [1, "[1,2]"]);
  assertEquals(statement.value(1, { a: 1 }), [1, '{"a":1}']);
  assertEquals(statement.value([1, [2]]), [1, "[2]"]);
  assertThrows(() => statement.value(Symbol("a")), Error, "Value of unsupported type");
});

Deno.test("JSON results stay text", () => {
  assertEquals(open().prepare("SELECT json('[1, 2]')").value(), ["[1,2]"]);
});

Deno.test("named parameters are given bare or with their prefix", () => {
  const statement = open().prepare("SELECT :a, $b, @c");
  assertEquals(statement.value({ a: 1, $b: 2, "@c": 3 }), [1, 2, 3]);
  assertEquals(statement.value({ ":a": 1 }), [1, null, null]);
  assertThrows(() => statement.value({ z: 1 }), Error, 'No such parameter "z"');
});

Deno.test("missing parameters are NULL, and none is left from an earlier call", () => {
  const statement = open().prepare("SELECT ?, ?");
  assertEquals(statement.values(1, 2), [[1, 2]]);
  assertEquals(statement.values(3), [[3, null]]);
  assertEquals(statement.get(), { "?": null });
});

Deno.test("parameters are not changed by the call", () => {
  const values = [1, true, undefined];
  const named = { a: 1, b: true };
  const db = open();
  db.prepare("SELECT ?, ?, ?").all(values);
  db.prepare("SELECT :a, :b").all(named);
  assertEquals(values, [1, true, undefined]);
  assertEquals(named, { a: 1, b: true });
  db.close();
});

Deno.test("integers are numbers as long as those are exact, row by row", () => {
  const query = "SELECT 1 AS a UNION ALL SELECT ? UNION ALL SELECT 3";
  const statement = open().prepare(query);
  assertEquals(statement.values(SAFE_MAX), [[1], [SAFE_MAX], [3]]);
  assertEquals(statement.values(PAST_SAFE), [[1], [PAST_SAFE], [3]]);
  assertEquals(statement.all(-PAST_SAFE), [{ a: 1 }, { a: -PAST_SAFE }, { a: 3 }]);
  assertEquals([...statement.iter(PAST_SAFE)], [{ a: 1 }, { a: PAST_SAFE }, { a: 3 }]);
  assertEquals(statement.value(2), [1]);
});

Deno.test("all(), values() and iter() throw when a later row fails", () => {
  const query = "WITH n (i) AS (VALUES (1), (2), (3)) " +
    "SELECT json(CASE i WHEN 3 THEN '{' ELSE '{}' END) AS a FROM n";
  const statement = open().prepare(query);
  assertEquals(statement.value(), ["{}"]);
  assertThrows(() => statement.all(), Error, "malformed JSON");
  assertThrows(() => statement.values(), Error, "malformed JSON");
  assertThrows(() => [...statement.iter()], Error, "malformed JSON");
});

Deno.test("run() and values() say which UNIQUE constraint failed", () => {
  const db = open();
  db.exec("CREATE TABLE items (a UNIQUE); INSERT INTO items VALUES (1)");
  const insert = db.prepare("INSERT INTO items VALUES (?) RETURNING a");
  assertThrows(() => insert.run(1), Error, "UNIQUE constraint failed: items.a");
  assertThrows(() => insert.values(1), Error, "UNIQUE constraint failed: items.a");
  assertEquals(insert.values(2), [[2]]);
  db.close();
});

Deno.test("iter() may be left early, and the table is free at once", () => {
  const db = open();
  db.exec("CREATE TABLE items (a); INSERT INTO items VALUES (1), (2)");
  using statement = db.prepare("SELECT a FROM items");
  for (const row of statement.iter()) {
    assertEquals(row, { a: 1 });
    break;
  }
  statement.finalize();
  db.exec("DROP TABLE items");
  db.close();
});

Deno.test("sql, expandedSql and toString() show the text", () => {
  const statement = open().prepare("SELECT ?, ?");
  assertEquals(statement.sql, "SELECT ?, ?");
  assertEquals(statement.expandedSql, "SELECT NULL, NULL");
  assertEquals(statement.value(1, 2.5), [1, 2.5]);
  assertEquals(statement.toString(), "SELECT 1, 2.5");
});

Deno.test("prepare() throws what SQLite says", () => {
  const db = open();
  assertThrows(() => db.prepare("SELEC 1"), Error, 'near "SELEC": syntax error');
  assertThrows(() => db.prepare("SELECT * FROM missing"), Error, "no such table: missing");
  db.close();
});

// The package itself sees the column one call later, and reads freed memory after finalize().
if (import.meta.resolve("@db/sqlite").startsWith("file:")) {
  Deno.test("all() and get() of the adapter see a column that was added", () => {
    const db = open();
    db.exec("CREATE TABLE items (a); INSERT INTO items VALUES (1)");
    const statement = db.prepare("SELECT * FROM items");
    assertEquals(statement.get(), { a: 1 });
    db.exec("ALTER TABLE items ADD COLUMN b DEFAULT 2");
    assertEquals(statement.get(), { a: 1, b: 2 });
    assertEquals(statement.all(), [{ a: 1, b: 2 }]);
    db.close();
  });

  Deno.test("Statement of the adapter throws after finalize()", () => {
    const statement = open().prepare("SELECT 1");
    statement.finalize();
    statement.finalize();
    const uses = [
      () => statement.run(),
      () => statement.all(),
      () => statement.values(),
      () => statement.get(),
      () => statement.value(),
      () => statement.sql,
      () => statement.columnNames(),
    ];
    for (const use of uses) assertThrows(use, Error, "it is finalized");
  });
}
