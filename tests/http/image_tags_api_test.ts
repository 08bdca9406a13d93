import { assertEquals } from "@std/assert";
import { BODY_BYTES_MAX, EDIT_TAGS_MAX } from "../../src/base/limits.ts";
import { assertProblem, idsOf, startSome } from "./images_support.ts";
import { startServer } from "./support.ts";

Deno.test("PUT /api/images/:id/tags adds and removes and answers with the new image", async () => {
  await using server = await startSome();
  const edit = { add: ["Long Hair", "solo"], remove: ["miku", "never_there"] };
  const answer = await server.send("PUT", "/api/images/1/tags", edit);
  assertEquals(answer.status, 200);
  assertEquals(answer.body.tags, { general: ["long_hair", "solo"] });
  const again = await server.json("/api/images/1");
  assertEquals(again.body.tags, answer.body.tags);
  assertEquals(again.headers.get("etag"), answer.headers.get("etag"));
  assertEquals(idsOf(await server.json("/api/images?q=long_hair")), [1]);
  assertEquals(idsOf(await server.json("/api/images?q=miku")), []);
  const nothing = await server.send("PUT", "/api/images/1/tags", {});
  assertEquals([nothing.status, nothing.body.tags], [200, answer.body.tags]);
});

Deno.test("PUT /api/images/:id/tags replaces the rating, and takes it away", async () => {
  await using server = await startSome();
  const put = (edit: unknown) => server.send("PUT", "/api/images/1/tags", edit);
  const explicit = await put({ add: ["rating:e"] });
  assertEquals([explicit.body.rating, explicit.body.tags.rating], ["explicit", undefined]);
  assertEquals((await server.json("/api/images?q=rating:general")).body.total, 0);
  assertEquals((await put({ add: ["rating:q", "rating:s"] })).body.rating, "sensitive");
  assertEquals((await put({ remove: ["rating:sensitive"] })).body.rating, null);
  const bad = await put({ add: ["rating:nothing"] });
  assertProblem(bad, 400, "bad_request");
});

Deno.test("PUT /api/images/:id/tags reads a category before a new name", async () => {
  await using server = await startSome();
  const put = (...add: string[]) => server.send("PUT", "/api/images/3/tags", { add });
  const answer = await put("artist:new_one", "re:zero", "creator:second");
  assertEquals(answer.body.tags, { general: ["hat", "re:zero"], artist: ["new_one", "second"] });
  const same = await put("artist:somebody");
  assertEquals([same.status, same.body.tags.artist.includes("somebody")], [200, true]);
  assertProblem(await put("artist:miku"), 409, "conflict");
  assertProblem(await put("artist:"), 400, "bad_request");
});

Deno.test("PUT /api/images/:id/tags honours If-Match", async () => {
  await using server = await startSome();
  const put = (add: string, match: string | null) =>
    server.send("PUT", "/api/images/1/tags", { add: [add] }, match ? { "if-match": match } : {});
  const etag = (await server.json("/api/images/1")).headers.get("etag")!;
  for (const bad of ['"other"', "other", "W/", '"', `"${etag}`]) {
    assertProblem(await put("bad", bad), 412, "precondition_failed");
  }
  const first = await put("one", etag);
  assertEquals(first.status, 200);
  assertProblem(await put("two", etag), 412, "precondition_failed");
  assertEquals((await put("three", `"other", ${first.headers.get("etag")}`)).status, 200);
  assertEquals((await put("four", "*")).status, 200);
  assertEquals((await put("five", null)).status, 200);
  const { body } = await server.json("/api/images/1");
  assertEquals(body.tags.general, ["five", "four", "one", "solo", "three"]);
});

Deno.test("PUT /api/images/:id/tags lets one of several edits of one version win", async () => {
  await using server = await startSome();
  const etag = (await server.json("/api/images/1")).headers.get("etag")!;
  const answers = await Promise.all(
    ["a1", "a2", "a3", "a4", "a5"].map((name) =>
      server.send("PUT", "/api/images/1/tags", { add: [name] }, { "if-match": etag })
    ),
  );
  assertEquals(answers.map(({ status }) => status).sort(), [200, 412, 412, 412, 412]);
  const { body } = await server.json("/api/images/1");
  assertEquals(body.tags.general.filter((name: string) => /^a\d$/.test(name)).length, 1);
});

Deno.test("PUT /api/images/:id/tags with If-Match notices an edit of another program", async () => {
  await using server = await startSome();
  const etag = (await server.json("/api/images/1")).headers.get("etag")!;
  server.write("DELETE FROM image_tags WHERE image_id = 1 AND tag_id = 1");
  const edit = { add: ["late"] };
  const answer = await server.send("PUT", "/api/images/1/tags", edit, { "if-match": etag });
  assertProblem(answer, 412, "precondition_failed");
});

Deno.test("PUT /api/images/:id/tags with If-Match works whatever ratings an image has", async () => {
  await using server = await startServer({
    tags: ["rating:odd", "rating:general", "rating:explicit"].map((name) => ({
      name,
      category: "rating",
    })),
    pictures: [{ tags: ["rating:odd"] }, { tags: ["rating:general", "rating:explicit"] }],
  });
  for (const id of [1, 2]) {
    const etag = (await server.json(`/api/images/${id}`)).headers.get("etag")!;
    const headers = { "if-match": etag };
    const answer = await server.send("PUT", `/api/images/${id}/tags`, { add: ["x"] }, headers);
    assertEquals(answer.status, 200, `image ${id}`);
  }
});

Deno.test("PUT /api/images/:id/tags refuses bodies that are no edit", async () => {
  await using server = await startSome();
  const many = Array.from({ length: EDIT_TAGS_MAX + 1 }, (_, i) => `tag_${i}`);
  const half = many.slice(0, EDIT_TAGS_MAX / 2 + 1);
  for (
    const body of [
      null,
      [],
      "solo",
      7,
      { add: "solo" },
      { add: [7] },
      { add: null },
      { add: ["ok"], other: [] },
      { add: [""] },
      { add: ["a\u0000b"] },
      { add: ["-operator"] },
      { add: ["a*"] },
      { remove: [""] },
      { add: ["x".repeat(600)] },
      { add: many },
      { add: half, remove: half },
      JSON.parse('{"__proto__": {"add": ["x"]}, "add": ["ok"]}'),
    ]
  ) {
    const answer = await server.send("PUT", "/api/images/1/tags", body);
    assertEquals(answer.status, 400, JSON.stringify(body).slice(0, 80));
    assertProblem(answer, 400, "bad_request");
  }
  for (const text of ["", "{", "{]", "\u0000"]) {
    const answer = await server.json("/api/images/1/tags", {
      method: "PUT",
      body: text,
      headers: { "content-type": "application/json" },
    });
    assertProblem(answer, 400, "bad_request");
  }
  assertEquals((await server.json("/api/images/1")).body.tags.general, ["solo"]);
});

Deno.test("PUT /api/images/:id/tags refuses other content types and large bodies", async () => {
  await using server = await startSome();
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]) {
    const answer = await server.json("/api/images/1/tags", {
      method: "PUT",
      body: '{"add":["x"]}',
      headers: { "content-type": type },
    });
    assertProblem(answer, 415, "unsupported_media");
  }
  const large = { method: "PUT", headers: { "content-type": "application/json" } };
  const text = JSON.stringify({ add: ["x".repeat(BODY_BYTES_MAX)] });
  assertProblem(
    await server.json("/api/images/1/tags", { ...large, body: text }),
    413,
    "payload_too_large",
  );
  // Without a length nobody knows how long it is before it was read.
  const stream = new Blob([text]).stream();
  assertProblem(
    await server.json("/api/images/1/tags", { ...large, body: stream }),
    413,
    "payload_too_large",
  );
});
