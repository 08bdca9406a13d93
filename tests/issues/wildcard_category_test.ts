import { assertEquals } from "@std/assert";
import { parseQuery } from "../../src/query/parser.ts";
import { search } from "../../src/query/search.ts";
import { buildSnapshot } from "../support/plain_library.ts";

Deno.test("search() takes a tag that got a category unknown here as general, also by a wildcard", async () => {
  const loaded = await buildSnapshot({
    tags: [{ id: 1, name: "foo", category: "artist" }],
    images: [{ id: 1, tagIds: [1] }],
  });
  const snapshot = loaded.withTags(
    loaded.tags.with([[1, { id: 1, name: "foo", category: "deprecated" }]]),
  );
  assertEquals((await search(snapshot, parseQuery("general:foo"))).total, 1);
  assertEquals((await search(snapshot, parseQuery("general:fo*"))).total, 1);
});
