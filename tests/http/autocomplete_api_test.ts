import { assert, assertEquals } from "@std/assert";
import { startServer, type TestServer } from "./support.ts";

function startSome(): Promise<TestServer> {
  return startServer({
    tags: [
      { name: "hatsune_miku", category: "character" },
      { name: "hat" },
      { name: "hat_(clothing)" },
      { name: "ratio_unknown", category: null },
      { name: "unused_hat" },
    ],
    pictures: [
      { tags: ["hatsune_miku", "hat", "solo"] },
      { tags: ["hat", "hat_(clothing)"] },
      { tags: ["solo", "ratio_unknown"] },
    ],
  });
}

async function complete(server: TestServer, query: Record<string, string>) {
  const { status, body } = await server.json(
    `/api/tags/autocomplete?${new URLSearchParams(query)}`,
  );
  assertEquals(status, 200, JSON.stringify(body));
  return body;
}

type Row = { value: string; count: number | null; countInContext: number | null };

function toRows(completions: Row[]) {
  return completions.map(({ value, count, countInContext }) => [value, count, countInContext]);
}

Deno.test("GET /api/tags/autocomplete completes tags and metatags", async () => {
  await using server = await startSome();
  const body = await complete(server, { q: "hats" });
  assertEquals(body.query, "hats");
  assert(body.tookMs >= 0);
  assertEquals(body.completions, [{
    kind: "tag",
    name: "hatsune_miku",
    operators: "",
    value: "hatsune_miku",
    category: "character",
    count: 1,
    countInContext: null,
    match: "prefix",
    antecedent: null,
    summary: null,
    example: null,
  }]);
  const { completions } = await complete(server, { q: "-(~rati" });
  assertEquals(toRows(completions), [
    ["ratio_unknown", 1, null],
    ["ratio:", null, null],
    ["rating:", null, null],
  ]);
  assertEquals(completions[1].kind, "metatag");
  assertEquals(completions[0].operators, "-(~");
  assert(completions[1].summary.length > 0);
  const orders = await complete(server, { q: "order:sc", limit: "1" });
  assertEquals(toRows(orders.completions), [["order:score", null, null]]);
  assertEquals((await complete(server, {})).completions, []);
  const [wildcard] = (await complete(server, { q: "-hat*" })).completions;
  assertEquals(
    [wildcard.kind, wildcard.operators, wildcard.value, wildcard.count],
    ["wildcard", "-", "hat*", 2],
  );
});

Deno.test("GET /api/tags/autocomplete counts within the rest of the search", async () => {
  await using server = await startSome();
  const list = async (query: Record<string, string>) =>
    toRows((await complete(server, query)).completions);
  assertEquals(await list({ q: "hat", context: "solo" }), [
    ["hat", 2, 1],
    ["hatsune_miku", 1, 1],
    ["hat_(clothing)", 1, 0],
  ]);
  assertEquals(await list({ q: "hat", context: "-solo" }), [
    ["hat", 2, 1],
    ["hat_(clothing)", 1, 1],
    ["hatsune_miku", 1, 0],
  ]);
  assertEquals(await list({ q: "solo", context: "no_such_tag" }), [["solo", 2, 0]]);
  // Half a search: no counts, and no error.
  for (const context of ["(", "solo or", "order:", " "]) {
    assertEquals(await list({ q: "solo", context }), [["solo", 2, null]], context);
  }
});

Deno.test("GET /api/tags/autocomplete sees an edit at once", async () => {
  await using server = await startSome();
  const { status } = await server.send("PUT", "/api/images/3/tags", {
    add: ["brand_new"],
    remove: [],
  });
  assertEquals(status, 200);
  const { completions } = await complete(server, { q: "brand" });
  assertEquals(toRows(completions), [["brand_new", 1, null]]);
});

Deno.test("GET /api/tags/autocomplete refuses what is no request, and takes any text", async () => {
  await using server = await startSome();
  for (const limit of ["0", "51", "x", "01"]) {
    const { status } = await server.json(`/api/tags/autocomplete?q=a&limit=${limit}`);
    assertEquals(status, 400, limit);
  }
  assertEquals((await server.json(`/api/tags/autocomplete?q=${"a".repeat(1_001)}`)).status, 400);
  for (
    const q of ["\u0000", "\ud800", "%", "'", "((((", "a:b:c", "(((a)))", "é".repeat(400), "*"]
  ) {
    await complete(server, { q, context: q });
  }
});

Deno.test("GET /api/tags answers from the same index", async () => {
  await using server = await startSome();
  const { body } = await server.json("/api/tags?prefix=HAT");
  assertEquals(body.tags.map((tag: { name: string; count: number }) => [tag.name, tag.count]), [
    ["hat", 2],
    ["hat_(clothing)", 1],
    ["hatsune_miku", 1],
  ]);
});
