import { assert, assertEquals } from "@std/assert";
import { findPage } from "../../src/library/browse.ts";
import { openLibrary } from "../../src/library/library.ts";
import { buildLibrary } from "../support/library_builder.ts";
import { withTempDir } from "../support/temp.ts";

Deno.test("findPage() writes the seed that it drew where the order by chance stands, and nowhere else", async () => {
  await withTempDir(async (folder) => {
    await Deno.mkdir(`${folder}/data`);
    buildLibrary(`${folder}/data/booru.db`, {
      images: Array.from({ length: 60 }, () => ({ tags: ["solo"] })),
    });
    const library = await openLibrary({ folder, workers: 1, print: () => {} });
    try {
      await library.core.cache.loadDataFromDb({ verbose: false });
      const table: [text: string, seeded: RegExp][] = [
        ["order:random", /^order:random:\d+$/],
        ["solo ORDER:Random -hat", /^solo order:random:\d+ -hat$/],
        ['order:"random" solo', /^order:random:\d+ solo$/],
        ["solo random:5", /^solo order:random:\d+ limit:5$/],
        ['(random:"5")', /^\(order:random:\d+ limit:5\)$/],
        [
          '-filename:"x order:random y" order:random',
          /^-filename:"x order:random y" order:random:\d+$/,
        ],
        [
          '-filename:"x random:5 y" random:5',
          /^-filename:"x random:5 y" order:random:\d+ limit:5$/,
        ],
        ["order:random:7", /^order:random:7$/],
        ["solo order:score", /^solo order:score$/],
      ];
      for (const [query, seeded] of table) {
        const first = await findPage(library, {
          query,
          page: { kind: "number", number: 1 },
          limit: null,
        });
        assert(seeded.test(first.query), `${query} → ${first.query}`);
        const again = await findPage(library, {
          query: first.query,
          page: { kind: "number", number: 1 },
          limit: null,
        });
        assertEquals(again.rows, first.rows, query);
        assertEquals([again.query, again.limit], [first.query, first.limit]);
      }
      // Pages of the seeded search fit together.
      const { query, rows } = await findPage(library, {
        query: "order:random",
        page: { kind: "number", number: 1 },
        limit: 20,
      });
      const shown = [...rows];
      for (const number of [2, 3]) {
        shown.push(
          ...(await findPage(library, { query, page: { kind: "number", number }, limit: 20 })).rows,
        );
      }
      assertEquals(new Set(shown).size, 60);
    } finally {
      await library.close();
    }
  });
});
