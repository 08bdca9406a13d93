import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Picture, startServer, type TestServer } from "./support.ts";

const PICTURES: Picture[] = [{ tags: ["hat"] }, { tags: ["hat"] }];

/** Every route that writes, with a body of each type that a page elsewhere can send. */
const WRITES: [method: string, path: string][] = [
  ["PUT", "/api/images/1/tags"],
  ["DELETE", "/api/images/1"],
  ["POST", "/api/cache/reload"],
  ["DELETE", "/api/tasks/x"],
  ["POST", "/api/trash/1/restore"],
  ["POST", "/posts/1/tags"],
  ["POST", "/posts/1/delete"],
  ["POST", "/trash/1/restore"],
];

const BODIES: [type: string | null, body: string][] = [
  [null, ""],
  ["application/json", '{"add":["foreign"]}'],
  ["text/plain", '{"add":["foreign"]}'],
  ["application/x-www-form-urlencoded", "old_tags=&tags=foreign"],
  ["multipart/form-data; boundary=x", "--x--"],
];

/** Headers that a browser sends for a page of another site, or of another server on this machine. */
const FOREIGN: Record<string, string>[] = [
  { origin: "https://evil.example" },
  { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
  { "sec-fetch-site": "CROSS-SITE" },
  { "sec-fetch-site": "" },
  { origin: "null" },
  { origin: "null", "sec-fetch-site": "same-origin" },
  { origin: "" },
  { origin: "http://localhost:8000" },
  { origin: "http://localhost:8000", "sec-fetch-site": "same-site" },
  { origin: "http://127.0.0.1" },
  { origin: "http://localhost.evil.example" },
  { origin: "http://localhost@evil.example" },
  { origin: "http://evil.example#localhost" },
  { origin: "file://" },
  { origin: "not a url" },
  { origin: "http://localhost, https://evil.example" },
  { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
];

/** Headers of our own pages and of programs. */
const OWN: Record<string, string>[] = [
  {},
  { origin: "http://localhost" },
  { origin: "http://localhost", "sec-fetch-site": "same-origin" },
  { "sec-fetch-site": "same-origin" },
  { "sec-fetch-site": "none" },
];

async function stateOf(server: TestServer): Promise<unknown> {
  const { body } = await server.json("/api/images");
  return [body.images, (await server.json("/api/trash")).body, server.library.tasks.list()];
}

Deno.test("every writing route refuses what another site's page sends, whatever its type", async () => {
  await using server = await startServer({ pictures: PICTURES });
  const before = await stateOf(server);
  for (const [method, path] of WRITES) {
    for (const [type, body] of BODIES) {
      for (const foreign of FOREIGN) {
        const headers: Record<string, string> = { ...foreign };
        if (type !== null) headers["content-type"] = type;
        const response = await server.request(path, { method, headers, body: body || undefined });
        const { code } = await response.json();
        const what = `${method} ${path} ${type} ${JSON.stringify(foreign)}`;
        assertEquals([response.status, code], [403, "forbidden"], what);
        assertEquals(response.headers.get("access-control-allow-origin"), null);
      }
    }
  }
  assertEquals(await stateOf(server), before);
});

Deno.test("every writing route takes what our own pages and programs send", async () => {
  await using server = await startServer({ pictures: PICTURES });
  for (const [method, path] of WRITES) {
    for (const headers of OWN) {
      const response = await server.request(path, { method, headers });
      await response.body?.cancel();
      assert(response.status !== 403, `${method} ${path} ${JSON.stringify(headers)}`);
    }
  }
});

Deno.test("another site's page may not read either: no answer names an allowed origin", async () => {
  await using server = await startServer({ pictures: PICTURES });
  for (const path of ["/posts", "/api/images", "/api/status"]) {
    for (const method of ["GET", "OPTIONS"]) {
      const headers = { origin: "https://evil.example", "access-control-request-method": "PUT" };
      const response = await server.request(path, { method, headers });
      await response.body?.cancel();
      assertEquals(response.headers.get("access-control-allow-origin"), null);
      assertEquals(response.headers.get("access-control-allow-methods"), null);
      assertEquals(response.headers.get("cross-origin-resource-policy"), "same-origin");
    }
  }
});

Deno.test("every route refuses a Host that is not this machine", async () => {
  await using server = await startServer({ pictures: PICTURES });
  const foreign = [
    "evil.example",
    "evil.example:5000",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "evil.example#localhost",
    "localhost@evil.example",
    "evil.example\\localhost",
    "0.0.0.0:5000",
    "[::]:5000",
    "192.168.0.1",
    "127.0.0.2",
    "2130706433",
    "0x7f.1",
    "localhost:5000:1",
    "localhost:",
    "localhost:123456",
    "local host",
    "localhost/",
    "",
  ];
  const paths = [
    "/",
    "/posts",
    "/posts/1",
    "/api/images",
    "/api/status",
    "/files/1/x",
    "/healthz",
    "/thumbnails/1/x",
    "/assets/app.js",
    "/nothing",
  ];
  for (const host of foreign) {
    for (const path of paths) {
      const answer = await server.json(path, { headers: { host } });
      assertEquals([answer.status, answer.body.code], [403, "forbidden"], `${host} ${path}`);
    }
    for (const [method, path] of WRITES) {
      const answer = await server.json(path, { method, headers: { host } });
      assertEquals(answer.status, 403, `${host} ${method} ${path}`);
    }
  }
  for (const host of ["localhost", "LOCALHOST:5000", "127.0.0.1:80", "[::1]", "[::1]:5000"]) {
    const answer = await server.json("/api/status", { headers: { host } });
    assertEquals(answer.status, 200, host);
  }
});

Deno.test("every answer has the security headers, failures too", async () => {
  await using server = await startServer({
    pictures: [...PICTURES, { bytes: null, filepath: "gone.png" }],
  });
  const image = async (id: number) => (await server.json(`/api/images/${id}`)).body.urls;
  const requests: [path: string, init?: RequestInit][] = [
    ["/"],
    ["/posts"],
    ["/posts/1"],
    ["/posts?q=-"],
    ["/tags"],
    ["/trash"],
    ["/assets/app.js"],
    ["/favicon.ico"],
    ["/healthz"],
    ["/nothing"],
    ["/api/images"],
    ["/api/images?limit=0"],
    ["/api/images/99"],
    ["/api/nothing"],
    ["/files/99/x"],
    ["/files/1/other"],
    [(await image(1)).file],
    [(await image(1)).file, { headers: { range: "bytes=0-3" } }],
    [(await image(1)).file, { headers: { range: "bytes=999999-" } }],
    [(await image(1)).file, { headers: { "if-none-match": "*" } }],
    [(await image(1)).file, { method: "HEAD" }],
    [(await image(1)).thumbnail],
    [(await image(3)).file],
    [(await image(3)).thumbnail],
    ["/posts", { headers: { host: "evil.example" } }],
    ["/api/cache/reload", { method: "POST", headers: { origin: "https://evil.example" } }],
    ["/api/images/1/tags", { method: "PUT", body: "x".repeat(2_000_000) }],
    ["/posts/1/tags", { method: "POST", body: new URLSearchParams({ tags: "hat" }) }],
  ];
  for (const [path, init] of requests) {
    for (const accept of ["text/html", "application/json"]) {
      const headers = new Headers(init?.headers);
      headers.set("accept", accept);
      const response = await server.request(path, { ...init, headers });
      await response.body?.cancel();
      const what = `${path} ${response.status} ${accept}`;
      const policy = response.headers.get("content-security-policy") ?? "";
      assertMatch(policy, /(^|; ?)default-src 'none'/, what);
      assertMatch(policy, /frame-ancestors 'none'/, what);
      assert(!/unsafe-eval|\*|https?:|data:/.test(policy), what);
      const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? "'none'";
      assert(!scripts.includes("unsafe-inline"), what);
      assertEquals(response.headers.get("x-content-type-options"), "nosniff", what);
      assertEquals(response.headers.get("x-frame-options"), "DENY", what);
      assertEquals(response.headers.get("referrer-policy"), "same-origin", what);
      assertEquals(response.headers.get("cross-origin-resource-policy"), "same-origin", what);
    }
  }
});

const HOSTILE = [
  "<script>alert(1)</script>",
  '"><script>alert(1)</script>',
  "'><img_src=x_onerror=alert(1)>",
  "</textarea><script>alert(1)</script>",
  "</title><script>alert(1)</script>",
  "</pre><script>alert(1)</script>",
  "<!--<script>",
  "javascript:alert(1)",
  "{{7*7}}${7*7}",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "\u202egnp.exe",
];

Deno.test("hostile names, paths and sources are text in every page", async () => {
  const sources = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://x.example",
    " \tjavascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    'https://x.example/"><script>alert(1)</script>',
    "https://x.example/?a=1&b=<script>",
    "//evil.example/x",
    "file:///etc/passwd",
    "https://user:pass@x.example/",
    "https://[broken",
  ];
  await using server = await startServer({
    tags: HOSTILE.map((name, i) => ({ name, category: i % 2 ? "artist" : "character" })),
    pictures: sources.map((sourceUrl, i) => ({
      tags: HOSTILE,
      filepath: `x${i}/${HOSTILE[i % HOSTILE.length].replaceAll("/", "∕")}.png`,
      sourceUrl,
      originalName: HOSTILE[i % HOSTILE.length],
      metadata: `{"sources": {}, "x": ${JSON.stringify(HOSTILE)}}`,
    })),
  });
  const query = (text: string) => encodeURIComponent(text);
  const pages = [
    "/posts",
    "/tags",
    `/nothing/${query(HOSTILE[0])}`,
    ...sources.map((_, i) => `/posts/${i + 1}`),
    ...HOSTILE.flatMap((name) => [
      `/posts?q=${query(name)}`,
      `/posts?q=${query(`- ${name}`)}`,
      `/posts/1?q=${query(name)}`,
      `/posts/1?q=${query(`--${name}`)}`,
      `/tags?prefix=${query(name)}`,
      `/posts?page=${query(name)}`,
      `/posts?limit=${query(name)}`,
      `/posts/1?done=${query(name)}`,
      `/posts/${query(name)}`,
    ]),
  ];
  const check = async (response: Response, path: string) => {
    const text = await response.text();
    if (/json/.test(response.headers.get("content-type")!)) return;
    // Our own one is the only script, and it has no text.
    const scripts: string[] = text.match(/<script\b[^>]*>[^<]*/gi) ?? [];
    assertEquals(scripts.length, 1, `${path}: ${scripts}`);
    assertMatch(scripts[0], /^<script type="module" src="\/assets\/app\.js\?[^"]*">$/);
    const bare = text.replace(/"[^"]*"/g, '""').replace(/>[^<]*</g, "><");
    assert(!/\son\w+\s*=|<img_/i.test(bare), path);
    for (const [, href] of text.matchAll(/(?:href|src|action)="([^"]*)"/g)) {
      const url = href.replaceAll("&amp;", "&");
      assertMatch(url, /^(\/(?!\/)|https?:\/\/|#)/, `${path}: ${url}`);
    }
    // What can be edited is there as it is; what is only read shows the sign by its number.
    const shown = text.replace(/<input\b[^>]*>|<textarea\b[^>]*>[^<]*/g, "");
    assert(!shown.includes("\u202e"), `${path} has a direction override`);
  };
  for (const path of pages) {
    await check(await server.request(path, { headers: { accept: "text/html" } }), path);
  }
  for (const name of HOSTILE) {
    const body = new URLSearchParams({ old_tags: "", tags: `-${name}`, rating: name, q: name });
    const init = { method: "POST", body, headers: { accept: "text/html" } };
    await check(await server.request("/posts/1/tags", init), `form with ${name}`);
  }
  await (await server.request("/posts/1/delete", { method: "POST" })).body?.cancel();
  await check(await server.request("/trash", { headers: { accept: "text/html" } }), "/trash");
  const own = await server.request("/posts/6");
  assertStringIncludes(await own.text(), "https://x.example/%22%3E%3Cscript%3E");
});
