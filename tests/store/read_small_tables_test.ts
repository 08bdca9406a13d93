import { assertEquals } from "@std/assert";
import { AliasTable } from "../../src/cache/alias_table.ts";
import { type Pool, PoolTable } from "../../src/cache/pool_table.ts";
import {
  readPackedAliases,
  readPackedPools,
  readPoolRows,
} from "../../src/store/read_small_tables.ts";
import { openDatabase, schemaOf } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";

const LIBRARY = {
  images: [{}, {}, {}, {}],
  pools: [
    { id: 9, name: "日本, a", description: "two\nlines", images: [4, 1, 2] },
    { id: 3, name: "" },
    { id: 5, name: "ties", images: [[4, 1], [2, 1], [3, null], [1, 0]] as [number, number][] },
  ],
};
const EXPECTED: Pool[] = [
  { id: 3, name: "", description: "", imageIds: Int32Array.of() },
  { id: 5, name: "ties", description: "", imageIds: Int32Array.of(3, 1, 2, 4) },
  { id: 9, name: "日本, a", description: "two\nlines", imageIds: Int32Array.of(4, 1, 2) },
];

Deno.test("readPackedPools() and readPoolRows() give pools in reading order", () =>
  withMigrated(LIBRARY, async (db) => {
    assertEquals([...(await PoolTable.build(readPackedPools(db))).all()], EXPECTED);
    assertEquals(readPoolRows(db, [9, 3, 5]), EXPECTED);
    assertEquals(readPoolRows(db, [7, 9]), [EXPECTED[2]]);
    assertEquals(readPoolRows(db, []), []);
  }));

Deno.test("readPackedPools() and readPoolRows() leave out what no column can hold", () =>
  withMigrated({ ...LIBRARY, pools: [{ id: 3, name: "" }] }, async (db) => {
    db.exec("PRAGMA foreign_keys = OFF");
    db.exec(
      `INSERT INTO pools (id, name) VALUES (${2 ** 40}, 'large'), (-1, 'negative');
       INSERT INTO pool_images VALUES (3, 'text', 0), (3, NULL, 0), (3, ${2 ** 40}, 0), (3, 99, 0),
         (4, 1, 0), (NULL, 1, 0), (${2 ** 40}, 1, 0), ('x', 1, 0)`,
    );
    const expected: Pool[] = [{ id: 3, name: "", description: "", imageIds: Int32Array.of(99) }];
    assertEquals([...(await PoolTable.build(readPackedPools(db))).all()], expected);
    assertEquals(readPoolRows(db, [3, 4, 2 ** 40, -1]), expected);
  }));

Deno.test("readPackedAliases() gives active aliases", () =>
  withMigrated({}, async (db) => {
    db.exec(
      `INSERT INTO tag_aliases VALUES ('b', 'c', 'active', 0), ('a,1', '日本', 'active', 0),
         ('gone', 'c', 'deleted', 0), ('asked', 'c', 'pending', 0)`,
    );
    const table = await AliasTable.build(readPackedAliases(db));
    assertEquals([...table.entries()], [["a,1", "日本"], ["b", "c"]]);
  }));

Deno.test("a database without these tables has no pools and aliases", () => {
  const db = openDatabase(":memory:");
  db.exec(schemaOf("bare"));
  assertEquals(readPackedPools(db).poolId.length, 0);
  assertEquals(readPoolRows(db, [1]), []);
  assertEquals(readPackedAliases(db).length.length, 0);
  db.close();
});
