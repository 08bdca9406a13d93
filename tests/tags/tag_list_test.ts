import { assertEquals } from "@std/assert";
import { TagList } from "../../src/tags/tag_list.ts";

Deno.test("TagList.add() keeps each name once, under its strongest category", () => {
  const list = new TagList();
  list.add("Foo Bar", null);
  list.add("foo_bar", "general");
  list.add("foo_bar", "artist");
  list.add("foo_bar", "meta");
  list.add("foo_bar", null);
  assertEquals(list.toTags(), [{ name: "foo_bar", category: "artist" }]);
});

Deno.test("TagList.add() takes ratings out of the tags and keeps the first valid one", () => {
  const list = new TagList();
  for (const name of ["rating:foo", "Rating:Safe", "rating:explicit"]) list.add(name, null);
  list.add("questionable", "rating");
  assertEquals(list.toTags(), []);
  assertEquals(list.rating, "general");
  assertEquals(list.rejectedCount, 0);
});

Deno.test("TagList.add() counts names that cannot be stored", () => {
  const list = new TagList();
  for (const name of ["ok", "", "a\u0000", "x".repeat(1_000)]) list.add(name, null);
  assertEquals(list.rejectedCount, 3);
  assertEquals(list.toTags(), [{ name: "ok", category: null }]);
});

Deno.test("TagList.toTags() asks for unknown categories only, and falls back to general", () => {
  const list = new TagList();
  list.add("miku", null);
  list.add("someone", "artist");
  list.add("new", null);
  list.add("odd", null);
  const asked: string[] = [];
  const tags = list.toTags((name) => {
    asked.push(name);
    if (name === "odd") return "rating";
    return name === "miku" ? "character" : undefined;
  });
  assertEquals(asked, ["miku", "new", "odd"]);
  assertEquals(tags.map((tag) => tag.category), ["character", "artist", "general", "general"]);
});
