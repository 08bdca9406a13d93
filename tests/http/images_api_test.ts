import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertProblem, idsOf, startSome } from "./images_support.ts";
import { type JsonAnswer, type Picture, startServer } from "./support.ts";

function makeMany(count: number): Picture[] {
  return Array.from(
    { length: count },
    (_, i) => ({ bytes: null, tags: i % 2 ? ["odd"] : ["even"] }),
  );
}

Deno.test("GET /api/images answers with the shape of the contract, highest id first", async () => {
  await using server = await startSome();
  const answer = await server.json("/api/images");
  assertEquals(answer.status, 200);
  assertMatch(answer.headers.get("content-type")!, /^application\/json\b/);
  const { body } = answer;
  assertEquals([body.query, body.total, body.next], ["", 3, null]);
  assert(typeof body.tookMs === "number" && body.tookMs >= 0);
  assertEquals(idsOf(answer), [3, 2, 1]);
  const first = body.images[2];
  assertEquals(Object.keys(first).sort(), [
    "filepath",
    "height",
    "id",
    "md5",
    "rating",
    "score",
    "tags",
    "urls",
    "width",
  ]);
  assertEquals(
    [first.id, first.filepath, first.width, first.height, first.rating],
    [1, "1.png", 24, 16, "general"],
  );
  assertMatch(first.md5, /^[0-9a-f]{32}$/);
  assertEquals(first.tags, { general: ["solo"], character: ["miku"] });
  assertEquals(Object.keys(first.urls).sort(), ["file", "page", "thumbnail"]);
  assertEquals(first.urls.page, "/posts/1");
  assertEquals([body.images[1].rating, body.images[1].score], [null, -3]);
});

Deno.test("GET /api/images searches for every term and without the excluded ones", async () => {
  await using server = await startSome();
  for (
    const [query, ids] of [
      ["solo", [2, 1]],
      ["solo hat", [2]],
      ["  solo\u3000-hat ", [1]],
      ["-solo", [3]],
      ["SOLO", [2, 1]],
      ["rating:g", [1]],
      ["-rating:general", [3, 2]],
      ["solo -solo", []],
      ["somebody", []],
    ] as const
  ) {
    const answer = await server.json(`/api/images?q=${encodeURIComponent(query)}`);
    assertEquals([answer.status, idsOf(answer), answer.body.total], [200, [...ids], ids.length]);
    assertEquals(answer.body.query, query);
  }
});

Deno.test("GET /api/images pages by number, a<id> and b<id> without gaps or repeats", async () => {
  await using server = await startServer({ pictures: makeMany(95) });
  for (const start of ["1", "b96"]) {
    const seen: number[] = [];
    let page: string | null = start;
    while (page !== null) {
      const answer = await server.json(`/api/images?limit=10&page=${page}`);
      assertEquals(answer.body.total, 95);
      seen.push(...idsOf(answer));
      page = answer.body.next;
    }
    assertEquals(seen, Array.from({ length: 95 }, (_, i) => 95 - i), `from page ${start}`);
  }
  let page: string | null = "a0";
  const pages: number[][] = [];
  while (page !== null) {
    const answer: JsonAnswer = await server.json(`/api/images?limit=10&page=${page}`);
    pages.push(idsOf(answer));
    page = answer.body.next;
  }
  assertEquals(pages.length, 10);
  assertEquals(pages.toReversed().flat(), Array.from({ length: 95 }, (_, i) => 95 - i));
  const beyond = await server.json("/api/images?limit=10&page=11");
  assertEquals([beyond.status, beyond.body.images, beyond.body.next], [200, [], null]);
  const far = await server.json("/api/images?limit=200&page=4294967296");
  assertEquals([far.status, far.body.images, far.body.next], [200, [], null]);
});

Deno.test("GET /api/images takes limits from 1 to 200, 40 by default", async () => {
  await using server = await startServer({ pictures: makeMany(201) });
  for (const [limit, count] of [["", 40], ["&limit=1", 1], ["&limit=200", 200]] as const) {
    const answer = await server.json(`/api/images?q=${limit}`);
    assertEquals([idsOf(answer).length, answer.body.total], [count, 201]);
  }
  const odd = await server.json("/api/images?q=odd&limit=200");
  assertEquals([odd.body.total, odd.body.next], [100, null]);
});

Deno.test("GET /api/images refuses bad limits and pages with a problem", async () => {
  await using server = await startSome();
  const limits = ["0", "-1", "201", "1.5", "abc", "1e2", "0x10", "", " 5", "NaN", "Infinity", "５"];
  const pages = [
    "0",
    "-1",
    "1.5",
    "abc",
    "a",
    "b",
    "c5",
    "a-1",
    "b1.5",
    "1e3",
    "a99999999999",
    " 1",
  ];
  for (
    const path of [
      ...limits.map((limit) => `limit=${encodeURIComponent(limit)}`),
      ...pages.map((page) => `page=${encodeURIComponent(page)}`),
    ]
  ) {
    const answer = await server.json(`/api/images?${path}`);
    assertEquals(answer.status, 400, path);
    assertProblem(answer, 400, "bad_request");
  }
});

Deno.test("GET /api/images answers a search that does not parse with offset and suggestion", async () => {
  await using server = await startSome();
  for (
    const [query, offset, suggestion] of [
      ["solo -", 5, "solo"],
      ["solo - hat", 5, "solo -hat"],
      ["--hat", 0, "-hat"],
      ["hat rating:nothing", 11, "hat rating:general"],
    ] as const
  ) {
    const answer = await server.json(`/api/images?q=${encodeURIComponent(query)}`);
    assertProblem(answer, 400, "query_syntax");
    assertEquals(answer.body.offset, offset, query);
    assertEquals(answer.body.suggestion, suggestion, query);
    const better = await server.json(`/api/images?q=${encodeURIComponent(suggestion)}`);
    assertEquals(better.status, 200, suggestion);
  }
});

Deno.test("GET /api/images never suggests a search that does not parse either", async () => {
  await using server = await startSome();
  for (
    const query of [
      "-",
      "solo -",
      "- -",
      "- --hat",
      "- hat",
      "--hat",
      "---hat",
      "a -- b",
      "-rating:x",
      "rating:x solo",
    ]
  ) {
    const answer = await server.json(`/api/images?q=${encodeURIComponent(query)}`);
    assertProblem(answer, 400, "query_syntax");
    const { suggestion } = answer.body;
    if (suggestion === null) continue;
    const better = await server.json(`/api/images?q=${encodeURIComponent(suggestion)}`);
    assertEquals(better.status, 200, `${query} → ${suggestion}`);
  }
});

Deno.test("GET /api/images finds nothing for unknown tags and suggests known ones", async () => {
  await using server = await startSome();
  for (const [query, total] of [["sola", 0], ["re:zero", 0], ["solo -nobody", 2]] as const) {
    const answer = await server.json(`/api/images?q=${encodeURIComponent(query)}`);
    assertEquals([answer.status, answer.body.total], [200, total], query);
    assertEquals(answer.body.unknown.length, 1, query);
  }
  const { body } = await server.json("/api/images?q=sola");
  assertEquals(body.unknown, [{ name: "sola", suggestions: ["solo"] }]);
});

Deno.test("GET /api/images/:id answers with the image, an ETag, and 304 to who has it", async () => {
  await using server = await startSome();
  const answer = await server.json("/api/images/1");
  assertEquals([answer.status, answer.body.id, answer.body.rating], [200, 1, "general"]);
  const etag = answer.headers.get("etag")!;
  assertMatch(etag, /^"[^"]+"$/);
  // A proxy, and compression, make a validator weak.
  for (const value of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const again = await server.request("/api/images/1", { headers: { "if-none-match": value } });
    assertEquals([again.status, await again.text()], [304, ""], value);
  }
  const other = await server.json("/api/images/1", { headers: { "if-none-match": '"other"' } });
  assertEquals(other.status, 200);
});

Deno.test("GET /api/images/:id answers 404 to what is no image", async () => {
  await using server = await startSome();
  for (
    const id of [
      "0",
      "4",
      "-1",
      "1.0",
      "1e0",
      "0x1",
      "abc",
      "2147483648",
      "99999999999999999999",
      "%201",
      "1%00",
      "__proto__",
    ]
  ) {
    for (const path of [`/api/images/${id}`, `/posts/${id}`, `/files/${id}/x.png`]) {
      const answer = await server.json(path);
      assertEquals(answer.status, 404, path);
      assertProblem(answer, 404, "not_found");
    }
    assertProblem(
      await server.send("PUT", `/api/images/${id}/tags`, { add: ["x"] }),
      404,
      "not_found",
    );
    assertProblem(await server.json(`/api/images/${id}`, { method: "DELETE" }), 404, "not_found");
  }
});

Deno.test("DELETE /api/images/:id moves the image to the trash once", async () => {
  await using server = await startSome();
  const answer = await server.json("/api/images/2", { method: "DELETE" });
  assertEquals([answer.status, answer.body.id], [200, 2]);
  assertEquals((await server.json("/api/images")).body.total, 2);
  assertProblem(await server.json("/api/images/2"), 404, "not_found");
  assertProblem(await server.json("/api/images/2", { method: "DELETE" }), 404, "not_found");
  const { body } = await server.json("/api/trash");
  assertEquals(body.entries.length, 1);
  const [entry] = body.entries;
  assertEquals([entry.id, entry.imageId, entry.filepath], [answer.body.trashId, 2, "2.png"]);
  await Deno.stat(server.library.paths.trash);
  assertEquals(
    await Deno.stat(`${server.library.paths.images}/2.png`).catch(() => null),
    null,
    "the file is gone from the images",
  );
});

Deno.test("POST /api/trash/:id/restore brings everything back as it was", async () => {
  await using server = await startSome();
  const before = (await server.json("/api/images/1")).body;
  const bytes = await Deno.readFile(`${server.library.paths.images}/1.png`);
  const { trashId } = (await server.json("/api/images/1", { method: "DELETE" })).body;
  const restore = () => server.json(`/api/trash/${trashId}/restore`, { method: "POST" });
  const answer = await restore();
  const restored = { id: 1, kind: "image", filepath: "1.png" };
  assertEquals([answer.status, answer.body], [200, restored]);
  assertEquals((await server.json("/api/images/1")).body, before);
  assertEquals(await Deno.readFile(`${server.library.paths.images}/1.png`), bytes);
  assertEquals((await server.json("/api/trash")).body.entries, []);
  assertProblem(await restore(), 404, "not_found");
});
