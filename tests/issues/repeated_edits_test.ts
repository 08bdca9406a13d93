import { assertEquals } from "@std/assert";
import { Overlay } from "../../src/cache/overlay.ts";
import { buildColumns, toState } from "../support/plain_library.ts";

/** Every edit of an image kept a version for each of its tags, though none had changed. */
Deno.test("an edit counts only the tags that it adds or removes", () => {
  const tags = [{ id: 1, name: "a" }, { id: 2, name: "b" }, { id: 3, name: "c" }];
  const image = { id: 7, tagIds: [1, 2] };
  const { columns } = buildColumns({ tags, images: [image] });
  const overlay = new Overlay(columns);
  const before = Int32Array.from([1, 2]);
  overlay.apply(7, before, toState({ ...image, score: 5 }, tags));
  assertEquals([...overlay.countedTags()], []);
  overlay.apply(7, before, toState({ ...image, tagIds: [2, 3] }, tags));
  assertEquals([...overlay.countedTags()].sort(), [1, 3]);
  assertEquals([1, 2, 3].map((id) => overlay.countDeltaAt(id, overlay.edit)), [-1, 0, 1]);
});
