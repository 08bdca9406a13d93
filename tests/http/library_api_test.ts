import { assert, assertEquals, assertMatch } from "@std/assert";
import { type JsonAnswer, startServer, type TestServer, until } from "./support.ts";

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

/** A task that lasts until it is released or cancelled. */
function startHeldTask(server: TestServer, kind = "held") {
  const released = Promise.withResolvers<string>();
  let report = (_done: number) => {};
  const task = server.library.tasks.start(kind, (context) => {
    report = (done) => context.report({ done, total: 10, message: "working" });
    const cancel = () => released.reject(context.signal.reason);
    if (context.signal.aborted) cancel();
    else context.signal.addEventListener("abort", cancel, { once: true });
    return released.promise;
  });
  return { id: task.id, report: (done: number) => report(done), release: released.resolve };
}

/** Events of a stream, one by one. */
async function* readEvents(response: Response): AsyncGenerator<{ event: string; data: string }> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const of = (name: string) =>
          lines.filter((line) => line.startsWith(`${name}: `))
            .map((line) => line.slice(name.length + 2)).join("\n");
        yield { event: of("event"), data: of("data") };
      }
    }
  } finally {
    await reader.cancel();
  }
}

async function waitForTask(server: TestServer, id: string): Promise<JsonAnswer["body"]> {
  return await until("the task ends", async () => {
    const { body } = await server.json(`/api/tasks/${id}`);
    return body.state === "running" ? null : body;
  });
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
  ]);
  assertEquals(
    [body.version, body.loading, body.images, body.tags, body.tagLinks, body.postIds],
    ["0.0.0-test", false, 2, 3, 4, 1],
  );
  assertEquals([body.loadedFrom, Object.keys(body.memory)], ["database", ["rssBytes"]]);
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

Deno.test("POST /api/cache/reload starts a task that sees what was committed before", async () => {
  await using server = await startSome();
  server.write("INSERT INTO images (id, filepath, md5) VALUES (9, 'new.png', 'ff')");
  const { generation } = (await server.json("/api/status")).body;
  const answer = await server.json("/api/cache/reload", { method: "POST" });
  assertEquals(answer.status, 202);
  assertEquals(Object.keys(answer.body).sort(), [
    "endedAt",
    "error",
    "id",
    "kind",
    "progress",
    "result",
    "startedAt",
    "state",
  ]);
  assertEquals([answer.body.kind, answer.body.state], ["reload", "running"]);
  assertEquals(answer.headers.get("location"), `/api/tasks/${answer.body.id}`);
  const ended = await waitForTask(server, answer.body.id);
  assertEquals([ended.state, ended.error], ["succeeded", null]);
  assertMatch(ended.endedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const { body } = await server.json("/api/status");
  assertEquals(body.images, 3);
  assert(body.generation > generation);
});

Deno.test("a task that ended is not touched by what comes later", async () => {
  await using server = await startSome();
  const first = (await server.json("/api/cache/reload", { method: "POST" })).body;
  const ended = await waitForTask(server, first.id);
  server.library.core.events.emit("loadProgressed", { stage: "tags", done: 1, total: 2 });
  const second = (await server.json("/api/cache/reload", { method: "POST" })).body;
  await waitForTask(server, second.id);
  assertEquals((await server.json(`/api/tasks/${first.id}`)).body, ended);
  const { body } = await server.json("/api/tasks");
  assertEquals(body.tasks.map(({ id }: { id: string }) => id), [second.id, first.id]);
});

Deno.test("DELETE /api/tasks/:id cancels what runs, and says so of what does not", async () => {
  await using server = await startSome();
  const task = startHeldTask(server);
  const answer = await server.json(`/api/tasks/${task.id}`, { method: "DELETE" });
  assertEquals([answer.status, answer.body.id], [202, task.id]);
  const ended = await waitForTask(server, task.id);
  assertEquals([ended.state, ended.error.code, ended.result], ["cancelled", "cancelled", null]);
  const again = await server.json(`/api/tasks/${task.id}`, { method: "DELETE" });
  assertEquals([again.status, again.body.code], [409, "conflict"]);
});

Deno.test("tasks that do not exist are 404 on every route", async () => {
  await using server = await startSome();
  for (const id of ["nothing", "0", "__proto__", crypto.randomUUID()]) {
    for (const [method, path] of [["GET", ""], ["DELETE", ""], ["GET", "/events"]]) {
      const answer = await server.json(`/api/tasks/${id}${path}`, { method });
      assertEquals([answer.status, answer.body.code], [404, "not_found"], `${method} ${id}${path}`);
    }
  }
});

Deno.test("GET /api/tasks/:id/events streams a task until it ends", async () => {
  await using server = await startSome();
  const task = startHeldTask(server);
  const response = await server.request(`/api/tasks/${task.id}/events`);
  assertEquals(response.status, 200);
  assertMatch(response.headers.get("content-type")!, /^text\/event-stream\b/);
  const events = readEvents(response);
  const next = async () => {
    const { value } = await events.next();
    return value && { event: value.event, task: JSON.parse(value.data) };
  };
  const first = await next();
  assertEquals([first!.event, first!.task.id, first!.task.state], ["task", task.id, "running"]);
  task.report(4);
  assertEquals((await next())!.task.progress, { done: 4, total: 10, message: "working" });
  task.release("all of it");
  const last = await next();
  assertEquals([last!.task.state, last!.task.result], ["succeeded", "all of it"]);
  assertEquals(await next(), undefined, "the stream ends");
  const late = await server.request(`/api/tasks/${task.id}/events`);
  const seen = await Array.fromAsync(readEvents(late));
  assertEquals(seen.map(({ data }) => JSON.parse(data).state), ["succeeded"]);
});

Deno.test("GET /api/tasks/:id/events ends when the client goes and when the server ends", async () => {
  await using server = await startSome();
  const task = startHeldTask(server);
  const left = await server.request(`/api/tasks/${task.id}/events`);
  const leaving = readEvents(left);
  await leaving.next();
  await leaving.return(undefined);
  const staying = readEvents(await server.request(`/api/tasks/${task.id}/events`));
  await staying.next();
  server.shutdown.abort();
  const rest = await Array.fromAsync(staying);
  assert(rest.every(({ data }) => JSON.parse(data).state === "running"));
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
  server.write("INSERT INTO trash VALUES (1, 1, 'x', 0, 'trashed', 'no JSON')");
  const answer = await server.json("/api/trash");
  assertEquals([answer.status, answer.body.code], [500, "internal"]);
  assertEquals(Object.keys(answer.body).sort(), ["code", "detail", "status", "title", "type"]);
  assert(!/sqlite|database|\.ts|stack/i.test(JSON.stringify(answer.body)), answer.body.detail);
});
