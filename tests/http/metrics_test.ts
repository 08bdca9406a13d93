import { assert, assertEquals, assertMatch } from "@std/assert";
import { writeMetrics } from "../../src/http/prometheus.ts";
import { DURATION_BUCKETS_S, groupOf, RequestMetrics } from "../../src/http/request_metrics.ts";
import { startServer, type TestServer } from "./support.ts";

const PICTURES = [{ tags: ["very_private_tag"], filepath: "very private name.png" }];

function startSome(adminSecret: string | null = null): Promise<TestServer> {
  return startServer({ tags: [{ name: "very_private_tag" }], pictures: PICTURES, adminSecret });
}

/** Samples by name and labels; every line must be one, or a comment. */
async function readMetrics(server: TestServer): Promise<Map<string, number>> {
  const response = await server.request("/metrics");
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  assert(text.endsWith("\n"));
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split("\n")) {
    if (/^# (HELP|TYPE) [a-z_\d]+ \S/.test(line)) continue;
    const match = /^([a-z_\d]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (\S+)$/.exec(line);
    assert(match !== null, line);
    assert(!samples.has(match[1]), `twice: ${match[1]}`);
    samples.set(match[1], Number(match[2]));
  }
  return samples;
}

Deno.test("writeMetrics() escapes labels and help, and leaves out what nobody knows", () => {
  const text = writeMetrics([
    {
      name: "a_total",
      help: "One\nline \\ here",
      type: "counter",
      samples: [{ labels: { x: 'q"b\\n\nl', y: "" }, value: 1.5 }, { value: Infinity }],
    },
    { name: "b", help: "B", type: "gauge", samples: [{ value: null }, { value: NaN }] },
  ]);
  assertEquals(
    text,
    "# HELP a_total One\\nline \\\\ here\n# TYPE a_total counter\n" +
      'a_total{x="q\\"b\\\\n\\nl",y=""} 1.5\na_total +Inf\n# HELP b B\n# TYPE b gauge\nb NaN\n',
  );
});

Deno.test("RequestMetrics counts by group and status, and by upper ends of durations", () => {
  const metrics = new RequestMetrics();
  metrics.record("/api/images", 200, 0.001);
  metrics.record("/api/images/1", 200, 0.0011);
  metrics.record("/api/images/x", 404, 9);
  const [{ group, byStatus, buckets, count, sumSeconds }] = metrics.figures();
  assertEquals([group, count, [...byStatus]], ["api_images", 3, [[200, 2], [404, 1]]]);
  assertEquals([buckets[0], buckets[1], buckets[DURATION_BUCKETS_S.length]], [1, 1, 1]);
  assertEquals(Math.round(sumSeconds * 1e4), 90_021);
});

Deno.test("groupOf() has few names, whatever is asked for", () => {
  const table: Record<string, string> = {
    "/": "pages",
    "/posts": "posts",
    "/posts/1": "posts",
    "/posts.json": "danbooru",
    "/posts/1.xml": "danbooru",
    "/files/1/x.json": "files",
    "/thumbnails/1/x.webp": "thumbnails",
    "/api": "api_other",
    "/api/": "api_other",
    "/api/images": "api_images",
    "/api/tags/autocomplete": "api_tags",
    "/healthz": "health",
    "/metrics": "metrics",
    "/constructor": "pages",
  };
  for (const [path, group] of Object.entries(table)) assertEquals(groupOf(path), group, path);
  const strange = Array.from({ length: 500 }, (_, i) => [`/api/x${i}`, `/x${i}`, `/x${i}/y`]);
  assertEquals(new Set(strange.flat().map(groupOf)), new Set(["api_other", "pages"]));
});

Deno.test("GET /metrics tells of requests, library, caches, tasks and process", async () => {
  await using server = await startSome();
  for (const path of ["/api/images", "/api/images/1", "/api/images/77", "/api/images/1"]) {
    await (await server.request(path)).text();
  }
  await server.json("/api/cache/reload", { method: "POST" });
  await server.library.core.cache.settled();
  const samples = await readMetrics(server);
  const expected: Record<string, number> = {
    'chibibooru_http_requests_total{group="api_images",status="200"}': 3,
    'chibibooru_http_requests_total{group="api_images",status="404"}': 1,
    'chibibooru_http_request_duration_seconds_bucket{group="api_images",le="+Inf"}': 4,
    'chibibooru_http_request_duration_seconds_count{group="api_images"}': 4,
    'chibibooru_info{version="0.0.0-test"}': 1,
    chibibooru_images: 1,
    chibibooru_tags: 1,
    chibibooru_tag_links: 1,
    chibibooru_post_ids: 0,
    chibibooru_loading: 0,
    chibibooru_trash_entries: 0,
    'chibibooru_cache_hits_total{cache="imageDetails"}': 1,
    'chibibooru_cache_misses_total{cache="imageDetails"}': 1,
    'chibibooru_tasks{state="failed"}': 0,
    'chibibooru_worker_calls_pending{worker="hasher"}': 0,
    'chibibooru_worker_calls_pending{worker="media"}': 0,
  };
  for (const [name, value] of Object.entries(expected)) {
    assertEquals(samples.get(name), value, name);
  }
  for (
    const name of [
      "chibibooru_generation",
      "chibibooru_load_seconds",
      "chibibooru_stall_max_seconds",
      "process_resident_memory_bytes",
      "process_start_time_seconds",
      "chibibooru_memory_available_bytes",
    ]
  ) assert(samples.get(name)! >= 0, name);
  const buckets = [...samples].filter(([name]) => /_bucket\{group="api_images"/.test(name));
  const counts = buckets.map(([, value]) => value);
  assertEquals(counts, counts.toSorted((a, b) => a - b), "each bucket holds the ones before it");
});

Deno.test("GET /metrics names no file and no tag, and is for this machine alone", async () => {
  await using server = await startSome();
  await (await server.request("/api/images?q=very_private_tag")).text();
  await (await server.request("/api/very_private_tag")).text();
  const text = await (await server.request("/metrics")).text();
  assert(!/private/.test(text));
  assert(text.split("\n").length < 500);
  const foreign = await server.json("/metrics", { headers: { host: "evil.example" } });
  assertEquals([foreign.status, foreign.body.code], [403, "forbidden"]);
  assertEquals((await server.json("/metrics", { method: "POST" })).status, 404);
});

Deno.test("the administrator's secret guards /metrics and destruction by programs, not pages", async () => {
  const secret = "a-long-secret";
  await using server = await startSome(secret);
  const bearer = { authorization: `Bearer ${secret}` };
  const ask = async (method: string, path: string, headers: HeadersInit = {}) =>
    (await server.request(path, { method, headers })).status;
  const guarded = [
    ["POST", "/api/trash/empty"],
    ["DELETE", "/api/trash/1"],
    ["POST", "/api/dedupe"],
    ["POST", "/api/tags/bulk"],
    ["POST", "/api/backup"],
    ["GET", "/metrics"],
  ];
  for (const [method, path] of guarded) {
    assertEquals(await ask(method, path), 401, path);
    assertEquals(await ask(method, `${path}?secret=${secret}`), 401, path);
    assertEquals(await ask(method, path, { authorization: "Bearer wrong" }), 401, path);
    // Past the guard; what is behind it has rules of its own.
    assert(await ask(method, path, bearer) !== 401, path);
    assert(await ask(method, path, { "x-api-key": secret }) !== 401, path);
  }
  // Pages send this of themselves, and no page elsewhere can.
  assert(await ask("POST", "/api/tags/bulk", { "sec-fetch-site": "same-origin" }) !== 401);
  assertEquals(await ask("GET", "/metrics", { "sec-fetch-site": "same-origin" }), 401);
  assertEquals(await ask("POST", "/api/tags/bulk", { "sec-fetch-site": "cross-site" }), 403);
  for (const path of ["/api/images", "/api/status", "/posts", "/api/trash", "/posts.json"]) {
    assertEquals(await ask("GET", path), 200, path);
  }
  const { body } = await server.json("/metrics");
  assertMatch(body.remedy, /CHIBIBOORU_ADMIN_SECRET/);
  assert(!JSON.stringify(body).includes(secret));
});
