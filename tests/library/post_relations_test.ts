import { assertEquals } from "@std/assert";
import { findKnownPosts, findRelations } from "../../src/library/post_relations.ts";
import { buildSnapshot, toState } from "../support/plain_library.ts";

Deno.test("findRelations() finds parent, children, pools and the favourite, after edits too", async () => {
  const images = [
    { id: 1, favouritedAt: 1_700_000_000 },
    { id: 2, parentImageId: 1 },
    { id: 3, parentImageId: 1 },
    { id: 4 },
  ];
  const pools = [
    // 99 is gone.
    { id: 5, name: "a", imageIds: [3, 99, 1] },
    { id: 6, name: "b", imageIds: [4] },
  ];
  const snapshot = await buildSnapshot({ tags: [], images, pools });
  const relationsOf = (id: number, of = snapshot) => {
    const { parent, children, ...rest } = findRelations(of, of.rowOfId(id)!);
    return { parent: parent?.id ?? null, children: children.map((child) => child.id), ...rest };
  };
  assertEquals(relationsOf(1), {
    parent: null,
    children: [2, 3],
    childCount: 2,
    pools: [{ id: 5, name: "a", place: 2, count: 2 }],
    isFavourite: true,
  });
  assertEquals(relationsOf(2), {
    parent: 1,
    children: [],
    childCount: 0,
    pools: [],
    isFavourite: false,
  });
  const edited = snapshot.withImage(
    4,
    toState({ id: 4, parentImageId: 1, favouritedAt: 5 }, []),
  );
  assertEquals(relationsOf(4, edited).isFavourite, true);
  assertEquals(relationsOf(1, edited).children, [2, 3, 4]);
});

Deno.test("findKnownPosts() lists posts at sites, the main sites first, then sites without a number", () => {
  const metadata = JSON.stringify({
    sources: { zerochan: { id: 5 }, e621: { id: "7" }, danbooru: { id: 101 }, pixiv: { id: null } },
  });
  assertEquals(findKnownPosts(metadata, ["danbooru", "pixiv", "hydrus"]), [
    { site: "danbooru", id: 101 },
    { site: "e621", id: 7 },
    { site: "pixiv", id: null },
    { site: "hydrus", id: null },
    { site: "zerochan", id: 5 },
  ]);
  assertEquals(findKnownPosts(null, []), []);
  assertEquals(findKnownPosts("no JSON", ["danbooru"]), [{ site: "danbooru", id: null }]);
});
