import { assertEquals, assertMatch } from "@std/assert";
import { assertProblem } from "./images_support.ts";
import { startServer, type TestServer, until } from "./support.ts";

const SOURCES = {
  danbooru: { id: 11, tag_string_general: "solo from_danbooru", rating: "s", score: 3 },
  e621: { id: 9, tags: { general: ["solo", "from_e621"] }, rating: "e" },
};

/** Image 1 of two sites, image 2 of none. */
function start(): Promise<TestServer> {
  const tags = ["solo", "from_danbooru", "from_e621"].map((name) => ({ name }));
  return startServer({
    tags: [...tags, { name: "rating:sensitive", category: "rating" }],
    pictures: [{
      tags: ["solo", "from_danbooru", "from_e621", "rating:sensitive"],
      metadata: { sources: SOURCES },
      columns: { active_source: "merged", post_id: 11, score: 3 },
    }, { tags: ["solo"] }],
  });
}

Deno.test("PUT /api/images/:id/source lets a site speak for an image", async () => {
  await using server = await start();
  const before = await server.json("/api/images/1/source");
  assertEquals(
    [before.body.activeSource, before.body.chosenSource, before.body.sources],
    ["merged", null, ["danbooru", "e621"]],
  );
  const { status, body } = await server.send("PUT", "/api/images/1/source", { source: "e621" });
  assertEquals([status, body.activeSource, body.chosenSource], [200, "e621", "e621"]);
  assertEquals([body.rating, body.tags], ["explicit", { general: ["from_e621", "solo"] }]);
  assertEquals([body.added, body.removed], [
    ["rating:explicit"],
    ["from_danbooru", "rating:sensitive"],
  ]);
  assertEquals((await server.json("/api/images?q=from_danbooru")).body.total, 0);
  const back = await server.send("PUT", "/api/images/1/source", { source: null });
  assertEquals([back.body.activeSource, back.body.chosenSource], ["merged", null]);
  const { added: _added, removed: _removed, ...state } = back.body;
  assertEquals(state, before.body);
});

Deno.test("PUT /api/images/:id/source refuses sources that an image does not have", async () => {
  await using server = await start();
  const put = (id: number, body: unknown) => server.send("PUT", `/api/images/${id}/source`, body);
  const unknown = await put(1, { source: "pixiv" });
  assertProblem(unknown, 400, "bad_request");
  assertMatch(unknown.body.remedy, /danbooru, e621, merged/);
  assertProblem(await put(2, { source: "danbooru" }), 400, "bad_request");
  assertProblem(await put(3, { source: "danbooru" }), 404, "not_found");
  for (const body of [{}, { source: 5 }, { source: "" }, { source: "e621", more: 1 }, []]) {
    assertProblem(await put(1, body), 400, "bad_request");
  }
});

Deno.test("PUT /api/sources/priority applies an order of sources as a task", async () => {
  await using server = await start();
  const { body: { priority } } = await server.json("/api/sources/priority");
  assertEquals(priority.slice(0, 3), ["merged", "danbooru", "e621"]);
  const path = "/api/sources/priority";
  const { status, headers, body } = await server.send("PUT", path, { priority: ["e621"] });
  assertEquals([status, headers.get("location")], [202, `/api/tasks/${body.id}`]);
  const task = await until("the task ends", async () => {
    const { body: now } = await server.json(`/api/tasks/${body.id}`);
    return now.state === "running" ? null : now;
  });
  assertEquals([task.state, task.result], ["succeeded", { images: 1, changed: 1 }]);
  assertEquals((await server.json(path)).body, { priority: ["e621"] });
  assertEquals((await server.json("/api/images/1")).body.rating, "explicit");
  for (const wrong of [{ priority: ["No Source"] }, { priority: ["e621", "e621"] }, {}]) {
    assertProblem(await server.send("PUT", path, wrong), 400, "bad_request");
  }
});

Deno.test("the page of a post lets a person choose the source", async () => {
  await using server = await start();
  const page = async (path: string) => await (await server.request(path)).text();
  assertMatch(await page("/posts/1"), /Tags come from all its sites/);
  assertEquals((await page("/posts/2")).includes("Tags come from"), false);
  const choose = (source: string) =>
    server.request("/posts/1/source", {
      method: "POST",
      body: new URLSearchParams({ source, q: "solo" }),
    });
  const answer = await choose("e621");
  assertEquals(answer.status, 303);
  const shown = await page(answer.headers.get("location")!);
  assertMatch(shown, /2 tags removed: from_danbooru rating:sensitive/);
  assertMatch(shown, /Tags come from e621/);
  assertMatch(shown, /<option value="e621" selected/);
  assertEquals((await choose("pixiv")).status, 400);
  await choose("");
  assertMatch(await page("/posts/1"), /Tags come from all its sites/);
});
