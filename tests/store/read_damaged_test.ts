import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { openReader } from "../../src/store/database.ts";
import { readByKeys, readByRowId } from "../../src/store/read_damaged.ts";
import { openDatabase } from "../support/library_builder.ts";
import { makeRandom } from "../support/random.ts";
import { withTempDir } from "../support/temp.ts";
import { runs } from "../support/tier.ts";

const ROWS = 1_200;
/** Of them so many have ids below zero. */
const ROWS_BELOW_ZERO = 300;
const PAGE_BYTES = 512;

/** Ids of which most follow each other, as ids mostly do. */
function idOf(number: number): number {
  const id = number - ROWS_BELOW_ZERO;
  return id < 600 ? id : id * 3;
}

/** A database with one table of many small pages, and an index. */
function make(path: string): void {
  const db = openDatabase(path);
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  db.exec("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, place INTEGER)");
  const insert = db.prepare("INSERT INTO things VALUES (?, ?, ?)");
  db.transaction(() => {
    for (let i = 0; i < ROWS; i++) insert.run(idOf(i), `name ${i}`, i % 5 === 0 ? null : i);
  })();
  db.exec("CREATE UNIQUE INDEX things_name ON things (name)");
  db.exec("CREATE INDEX things_place ON things (place)");
  db.close();
}

/** Destroys some pages other than the first. */
async function spoil(path: string, seed: number, pages: number): Promise<void> {
  const random = makeRandom(seed);
  const bytes = await Deno.readFile(path);
  for (let i = 0; i < pages; i++) {
    const start = PAGE_BYTES * (1 + random.int(bytes.length / PAGE_BYTES - 1));
    bytes.fill(0xa5, start, start + PAGE_BYTES);
  }
  await Deno.writeFile(path, bytes);
}

Deno.test("readByRowId() reads every row that can be found by its id, whatever pages are destroyed", async () => {
  await withTempDir(async (dir) => {
    let damaged = 0;
    for (let seed = 1; seed <= runs(5, 100); seed++) {
      const path = join(dir, `${seed}.db`);
      make(path);
      await spoil(path, seed, seed % 5);
      const db = openReader(path);
      try {
        const one = db.prepare("SELECT id, name FROM things NOT INDEXED WHERE id = ?");
        const wanted: number[] = [];
        for (let i = 0; i < ROWS; i++) {
          try {
            if (one.value(idOf(i)) !== undefined) wanted.push(idOf(i));
          } catch (error) {
            assert(/malformed/.test(String(error)), String(error));
          }
        }
        const batches = [...readByRowId(db, "things", ["name"])];
        const found = new Set(batches.flatMap(({ rows }) => rows.map(([id]) => Number(id))));
        const lost = wanted.filter((id) => !found.has(id));
        assertEquals(lost, [], `seed ${seed}`);
        const faults = batches.flatMap((batch) => batch.faults);
        assertEquals(faults.length > 0, wanted.length < ROWS, `seed ${seed}`);
        if (faults.length > 0) damaged++;
      } finally {
        db.close();
      }
    }
    assert(damaged > 1, `only ${damaged} tables were damaged`);
  });
});

Deno.test("readByKeys() reads an index from both ends, and of what is set only", async () => {
  await withTempDir((dir) => {
    const path = join(dir, "things.db");
    make(path);
    const db = openReader(path);
    try {
      const read = (index: string, keys: string[], areSet: boolean) => {
        const source = `things INDEXED BY ${index}`;
        return [...readByKeys(db, source, { keys, columns: [], areSet })]
          .flatMap(({ rows }) => rows);
      };
      const names = read("things_name", ["name", "id"], true);
      assertEquals(new Set(names.map(([name, id]) => `${name} ${id}`)).size, ROWS);
      const places = read("things_place", ["place", "id"], true);
      assertEquals(places.length, ROWS - ROWS / 5);
      assertEquals(places[0].map(Number), [1, idOf(1)]);
    } finally {
      db.close();
    }
  });
});
