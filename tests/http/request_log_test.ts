import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { startProcess } from "../e2e/server_support.ts";
import { withTempDir } from "../support/temp.ts";
import { startServer, until } from "./support.ts";

Deno.test("every answer has the id of its request: one that was sent if it is sane, else a new one", async () => {
  await using server = await startServer({ pictures: [{}] });
  const idOf = async (path: string, sent?: string, method = "GET") => {
    const headers: HeadersInit = sent === undefined ? {} : { "x-request-id": sent };
    const response = await server.request(path, { method, headers });
    await response.body?.cancel();
    return response.headers.get("x-request-id")!;
  };
  const paths = ["/api/images", "/posts", "/posts.json", "/nothing", "/api/tasks/x", "/metrics"];
  const own = [];
  for (const path of paths) own.push(await idOf(path));
  assertEquals(new Set(own).size, paths.length);
  for (const id of own) assertMatch(id, /^[\da-f]{8}-[\da-z]+$/);
  assertEquals(await idOf("/posts.json", "from-proxy:1.2_3"), "from-proxy:1.2_3");
  assertEquals(await idOf("/api/images", "x", "PUT"), "x");
  for (const odd of ["", "a b", "x".repeat(65), "<script>", 'a"b', "é"]) {
    assertMatch(await idOf("/api/images", odd), /^[\da-f]{8}-[\da-z]+$/, odd);
  }
});

Deno.test("the log names each request with its id, and holds no key, wherever it was sent", () =>
  withTempDir(async (dir) => {
    const path = join(dir, "server.log");
    const keys = { CHIBIBOORU_API_KEY: "the-Key/+ 77", CHIBIBOORU_ADMIN_SECRET: 'admin"secret' };
    const args = ["--port", "0", "--log-level", "debug", "--log-file", path];
    await using server = await startProcess(join(dir, "library"), args, keys);
    await until("the library is loaded", async () => {
      const response = await fetch(`${server.origin}/readyz`);
      await response.body?.cancel();
      return response.ok;
    });
    const key = encodeURIComponent(keys.CHIBIBOORU_API_KEY);
    const basic = `Basic ${btoa(`somebody:${keys.CHIBIBOORU_API_KEY}`)}`;
    const requests: [path: string, headers: Record<string, string>][] = [
      [`/posts.json?login=somebody&api_key=${key}`, { "x-request-id": "in-query" }],
      ["/posts.json", { authorization: basic, "x-request-id": "in-header" }],
      ["/posts.json?login=somebody&api_key=wrong-key-here", { "x-request-id": "wrong" }],
      ["/metrics", { "x-api-key": keys.CHIBIBOORU_ADMIN_SECRET }],
      [`/api/images?q=${key}`, { "x-request-id": "as-search" }],
    ];
    for (const [address, headers] of requests) {
      await (await fetch(server.origin + address, { headers })).text();
    }
    await server.stop("SIGTERM");
    const text = await Deno.readTextFile(path);
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    const byId = (id: string) => lines.filter(({ properties }) => properties.requestId === id);
    const [inQuery] = byId("in-query");
    assert(
      inQuery.message.startsWith("GET /posts.json?login=***&api_key=*** 200 "),
      inQuery.message,
    );
    assertEquals([byId("in-header").length, byId("as-search").length], [1, 1]);
    assertEquals(byId("wrong").map(({ level, properties }) => [level, properties.status]), [
      ["INFO", 401],
    ]);
    for (const all of [text, server.output()]) {
      for (
        const hidden of ["the-Key", key, btoa("somebody:the").slice(0, 12), "wrong-key", "admin"]
      ) {
        assert(!all.includes(hidden), hidden);
      }
    }
  }));
