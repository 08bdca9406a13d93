import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Pool, PoolTable } from "../../src/cache/pool_table.ts";
import { toPool } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

const POOLS = [
  { id: 7, name: "Late One", imageIds: [3, 1, 2] },
  { id: 2, name: "first", description: "the first" },
].map(toPool);

Deno.test("PoolTable finds pools by id and by name in any case, spaces being underscores", () => {
  const table = PoolTable.of(POOLS);
  assertEquals(table.get(7), POOLS[0]);
  assertEquals(table.get(8), undefined);
  for (const name of ["Late One", "late_one", "LATE ONE"]) assertEquals(table.idOf(name), 7, name);
  assertEquals(table.idOf("late"), undefined);
  assertEquals([...table.all()].map((pool) => pool.id), [2, 7]);
  assertEquals([table.size, PoolTable.EMPTY.size], [2, 0]);
});

Deno.test("PoolTable.with() gives a changed table and leaves the old one", () => {
  const table = PoolTable.of(POOLS);
  const renamed = table.with([[7, toPool({ id: 7, name: "renamed" })]]);
  assertEquals([renamed.idOf("late one"), renamed.idOf("renamed")], [undefined, 7]);
  const grown = renamed.with([[4, toPool({ id: 4, name: "between" })], [2, null], [9, null]]);
  assertEquals([...grown.all()].map((pool) => pool.name), ["between", "renamed"]);
  assertEquals([grown.size, renamed.size, table.size], [2, 2, 2]);
  assertEquals(grown.get(2), undefined);
  assertEquals(table.idOf("late one"), 7);
});

Deno.test("PoolTable of several pools with one name gives the lowest", () => {
  const same = [[5, "a b"], [3, "A_B"], [4, "a_b"]] as const;
  const table = PoolTable.of(same.map(([id, name]) => toPool({ id, name })));
  assertEquals(table.idOf("a b"), 3);
  assertEquals(table.with([[3, null]]).idOf("a b"), 4);
  assertEquals(table.with([[1, toPool({ id: 1, name: "a B" })]]).idOf("a b"), 1);
});

Deno.test("PoolTable answers as a plain map does, whatever is changed in whatever steps", () => {
  const id = fc.integer({ min: 1, max: 6 });
  const name = fc.constantFrom("a", "A", "b c", "b_c", "d");
  const steps = fc.array(fc.array(fc.tuple(id, fc.option(name)), { maxLength: 4 }));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(id, name), { selector: ([id]) => id }),
      steps,
      (...given) => {
        const [base, changes] = given;
        const model = new Map<number, Pool>();
        for (const [id, name] of base) model.set(id, toPool({ id, name }));
        let table = PoolTable.of(model.values());
        for (const step of changes) {
          const edits = step.map(([id, name]): [number, Pool | null] => [
            id,
            name === null ? null : toPool({ id, name }),
          ]);
          for (const [id, pool] of edits) {
            if (pool === null) model.delete(id);
            else model.set(id, pool);
          }
          table = table.with(edits);
          const pools = [...model.values()].sort((a, b) => a.id - b.id);
          assertEquals([...table.all()], pools);
          assertEquals(table.size, pools.length);
          for (const wanted of ["a", "B C", "d", "e"]) {
            const key = wanted.toLowerCase().replaceAll(" ", "_");
            const found = pools.find(({ name }) => name.toLowerCase().replaceAll(" ", "_") === key);
            assertEquals(table.idOf(wanted), found?.id, wanted);
          }
          for (let id = 1; id <= 6; id++) assertEquals(table.get(id), model.get(id));
        }
      },
    ),
    { numRuns: runs(100, 2_000) },
  );
});
