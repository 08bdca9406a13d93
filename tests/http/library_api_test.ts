import { assert, assertEquals } from "@std/assert";
import { fullTierTest } from "../support/tier.ts";
import { startServer, type TestServer } from "./support.ts";

const TAGS = [{ name: "hat" }, { name: "hat_(blue)" }, { name: "miku", category: "character" }, {
  name: "unused",
}];
const PICTURES = [
  { tags: ["hat", "miku"] },
  { tags: ["hat", "hat_(blue)"], metadata: { sources: { danbooru: { id: 7 } } } },
];

function startSome(): Promise<TestServer> {
  return startServer({ tags: TAGS, pictures: PICTURES });
}

Deno.test("GET /api/status has the shape of the contract", async () => {
  await using server = await startSome();
  await server.json("/api/images/1");
  await server.json("/api/images/1");
  const { status, body } = await server.json("/api/status");
  assertEquals(status, 200);
  assertEquals(Object.keys(body).sort(), [
    "caches",
    "generation",
    "gpu",
    "images",
    "loadMs",
    "loadedFrom",
    "loading",
    "memory",
    "postIds",
    "progress",
    "stalls",
    "tagLinks",
    "tags",
    "version",
    "video",
  ]);
  assertEquals(
    [body.version, body.loading, body.images, body.tags, body.tagLinks, body.postIds],
    ["0.0.0-test", false, 2, 3, 4, 1],
  );
  assertEquals([body.loadedFrom, body.gpu], ["database", null]);
  assertEquals(Object.keys(body.memory).sort(), [
    "availableBytes",
    "externalBytes",
    "heapUsedBytes",
    "rssBytes",
    "totalBytes",
  ]);
  for (const value of Object.values(body.memory)) assert(Number(value) > 0);
  assert(body.memory.rssBytes > 1e7 && body.loadMs >= 0 && body.generation >= 1);
  assertEquals(Object.keys(body.stalls).sort(), ["maxMs", "p99Ms"]);
  for (const value of Object.values(body.stalls)) assertEquals(typeof value, "number");
  const { imageDetails } = body.caches;
  assertEquals(imageDetails, { hits: 1, misses: 1, hitRate: 0.5, size: 1 });
});

Deno.test("GET /healthz and /readyz tell a living server from a loaded one", async () => {
  await using server = await startServer({ pictures: PICTURES, isLoaded: false });
  assertEquals((await server.json("/healthz")).status, 200);
  assertEquals((await server.json("/readyz")).status, 503);
  const { body } = await server.json("/api/status");
  assertEquals([body.images, body.loadMs], [0, null]);
  await server.library.core.cache.loadDataFromDb({ verbose: false });
  assertEquals((await server.json("/healthz")).status, 200);
  assertEquals((await server.json("/readyz")).status, 200);
  assertEquals((await server.json("/api/status")).body.images, 2);
});

Deno.test("before the first load an image is not called missing", async () => {
  await using server = await startServer({ pictures: PICTURES, isLoaded: false });
  for (const path of ["/api/images/1", "/posts/1", "/files/1/x.png", "/thumbnails/1/x.webp"]) {
    const answer = await server.json(path);
    assertEquals([answer.status, answer.body.code], [503, "unavailable"], path);
  }
  const put = await server.send("PUT", "/api/images/1/tags", { add: ["x"] });
  assertEquals(put.status, 503);
  assertEquals((await server.json("/api/images/1", { method: "DELETE" })).status, 503);
});

Deno.test("GET /api/tags lists used tags by prefix, most used first", async () => {
  await using server = await startSome();
  const all = await server.json("/api/tags");
  assertEquals(all.status, 200);
  assertEquals(
    all.body.tags.map(({ name, category, count }: Record<string, unknown>) => [
      name,
      category,
      count,
    ]),
    [["hat", "general", 2], ["hat_(blue)", "general", 1], ["miku", "character", 1]],
  );
  const names = async (query: string) =>
    (await server.json(`/api/tags?${query}`)).body.tags.map(({ name }: { name: string }) => name);
  assertEquals(await names("prefix=hat"), ["hat", "hat_(blue)"]);
  assertEquals(await names("prefix=HAT_"), ["hat_(blue)"]);
  assertEquals(await names("prefix=hat&limit=1"), ["hat"]);
  assertEquals(await names("prefix=nothing"), []);
  assertEquals(await names("prefix=unused"), []);
  for (const limit of ["0", "-1", "x", "1.5", "1001", ""]) {
    const answer = await server.json(`/api/tags?limit=${limit}`);
    assertEquals([answer.status, answer.body.code], [400, "bad_request"], limit);
  }
});

Deno.test("every route refuses methods and paths that it does not have", async () => {
  await using server = await startSome();
  for (
    const [method, path] of [
      ["POST", "/api/images"],
      ["POST", "/api/images/1"],
      ["GET", "/api/images/1/tags"],
      ["DELETE", "/api/images"],
      ["GET", "/api/cache/reload"],
      ["PUT", "/api/status"],
      ["GET", "/api"],
      ["GET", "/api/"],
      ["GET", "/api/nothing"],
      ["GET", "/nothing"],
      ["GET", "/posts/1/tags"],
      ["GET", "/posts/1/delete"],
      ["GET", "/trash/1/restore"],
      ["GET", "/assets/nothing.js"],
      ["GET", "/assets/__proto__"],
      ["GET", "/files"],
      ["GET", "/files/1"],
      ["POST", "/files/1/x"],
    ]
  ) {
    const answer = await server.json(path, { method });
    assertEquals([answer.status, answer.body.code], [404, "not_found"], `${method} ${path}`);
  }
});

Deno.test("bugs are logged and answered without what they are", async () => {
  await using server = await startSome();
  server.write(
    `INSERT INTO trash (id, image_id, md5, trashed_at_ms, state, manifest)
     VALUES (1, 1, 'x', 0, 'trashed', 'no JSON')`,
  );
  const answer = await server.json("/api/trash");
  assertEquals([answer.status, answer.body.code], [500, "internal"]);
  assertEquals(Object.keys(answer.body).sort(), ["code", "detail", "status", "title", "type"]);
  assert(!/sqlite|database|\.ts|stack/i.test(JSON.stringify(answer.body)), answer.body.detail);
});

// It loads drivers of the machine.
fullTierTest("POST /api/gpu says what there is, once, and the status shows it then", async () => {
  await using server = await startSome();
  const [first, second] = await Promise.all([
    server.json("/api/gpu", { method: "POST" }),
    server.json("/api/gpu", { method: "POST" }),
  ]);
  assertEquals([first.status, second.body], [200, first.body]);
  assert(first.body.devices.some(({ kind }: { kind: string }) => kind === "cpu"));
  assertEquals(Object.keys(first.body.best).sort(), ["kind", "memoryBytes", "name", "source"]);
  assertEquals((await server.json("/api/status")).body.gpu, first.body);
  assertEquals((await server.json("/api/gpu")).status, 404);
});
