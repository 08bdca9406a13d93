import { assertEquals } from "@std/assert";
import { completeWildcard } from "../../src/query/complete_wildcard.ts";
import { buildSnapshot } from "../support/plain_library.ts";

Deno.test("completeWildcard() gives the wildcard itself with the images that it finds", async () => {
  const names = ["long_hair", "blue_hair", "hat"];
  const tags = names.map((name, i) => ({ id: i + 1, name, category: "general" }));
  const images = [[1], [1, 2], [2], [3]].map((tagIds, i) => ({ id: i + 1, tagIds }));
  const snapshot = await buildSnapshot({ tags, images });
  const list = async (typed: string) =>
    (await completeWildcard(snapshot, typed)).map(({ kind, operators, value, count }) =>
      `${kind} ${operators}|${value} ${count}`
    );
  assertEquals(await list("*hair"), ["wildcard |*hair 3"]);
  assertEquals(await list("-(h*t"), ["wildcard -(|h*t 1"]);
  assertEquals(await list("general:*a*"), ["wildcard |general:*a* 4"]);
  for (const typed of ["*nothing", "artist:*", "hat", "source:*", "* hat", "-", "", "pool:*a"]) {
    assertEquals(await list(typed), [], typed);
  }
});
