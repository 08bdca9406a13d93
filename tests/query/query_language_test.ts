import { assert, assertEquals, assertThrows } from "@std/assert";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";
import { openCore } from "../../src/core.ts";
import { METATAGS } from "../../src/query/metatags.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { search } from "../../src/query/search.ts";
import { withMigrated } from "../support/migrated.ts";
import { replaceByNaive } from "../support/naive_database.ts";
import { parseNaively } from "../support/naive_parser.ts";
import { naiveSearch } from "../support/naive_search.ts";
import { readQueryDocument } from "../support/query_document.ts";

/** A moment after the last post of the document was added. */
const NOW = Date.UTC(2025, 8, 1, 12);

const page = await readQueryDocument();
const found = page.examples.filter((example) => "finds" in example);
const refused = page.examples.filter((example) => "refusedAt" in example);

Deno.test("docs/query_language.md has posts, and examples of all kinds", () => {
  assertEquals(page.library.images.map(({ id }) => id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert(found.length > 100, `only ${found.length} searches that find were read`);
  assert(refused.length > 15, `only ${refused.length} searches that are refused were read`);
  assert(page.metatags.length > 30, `only ${page.metatags.length} metatags were read`);
});

Deno.test("search() finds what docs/query_language.md says, in that order", async () => {
  await withMigrated({}, async (db, database) => {
    replaceByNaive(db, page.library);
    const core = await openCore({ database });
    try {
      await core.cache.loadDataFromDb({ verbose: false });
      const snapshot = core.cache.current;
      for (const example of found) {
        const query = parseQuery(example.search, { now: NOW });
        const result = await search(snapshot, query);
        const rows = result.rowsBetween(0, query.limit ?? result.total);
        const ids = [...rows].map((row) => snapshot.idAt(row));
        assertEquals(ids, example.finds, `the search ${example.search}`);
        if (query.limit === null) assertEquals(result.total, ids.length, example.search);
      }
      const limited = await search(snapshot, parseQuery("1girl order:tagcount limit:2"));
      assertEquals(limited.total, 4);
    } finally {
      await core.close();
    }
  });
});

Deno.test("the naive search of the property tests finds what docs/query_language.md says", () => {
  for (const example of found) {
    const query = parseNaively(example.search);
    const ids = naiveSearch(query, { library: page.library, now: NOW });
    assertEquals(ids.slice(0, query.limit ?? ids.length), example.finds, example.search);
  }
});

Deno.test("parseQuery() refuses what docs/query_language.md says, where it says", () => {
  for (const { search, refusedAt } of refused) {
    const error = assertThrows(() => parseQuery(search), QuerySyntaxError, "", search);
    assertEquals(error.offset, refusedAt, `the search ${search}: ${error.message}`);
    assert(error.message.trim().length > 0, search);
    if (error.suggestion !== undefined) parseQuery(error.suggestion);
  }
});

Deno.test("docs/query_language.md and the table of metatags name the same metatags", () => {
  const known = METATAGS.flatMap(({ name, aliases }) => [name, ...aliases]);
  const documented = new Set([
    ...page.metatags,
    ...[...page.text.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    ...[...page.text.matchAll(/`(\w+):[^`]*`/g)].map(([, name]) => name),
  ]);
  assertEquals(known.filter((name) => !documented.has(name)), [], "not in the document");
  assertEquals(page.metatags.filter((name) => !known.includes(name)), [], "not in the table");
});

Deno.test("every order of docs/query_language.md parses", () => {
  assert(page.orders.length > 20, `only ${page.orders.length} orders were read`);
  const needs: Record<string, string> = { custom: "id:3,1,2 ", similar: "similar:1 " };
  for (const order of page.orders) parseQuery(`${needs[order] ?? ""}order:${order}`);
});
