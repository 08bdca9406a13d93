import { assert, assertEquals, assertMatch } from "@std/assert";
import { type JsonAnswer, startServer, type TestServer, until } from "./support.ts";

const PICTURES = [{ tags: ["hat", "miku"] }, { tags: ["hat"] }];

function startSome(): Promise<TestServer> {
  return startServer({ tags: [{ name: "hat" }, { name: "miku" }], pictures: PICTURES });
}

/** An event of a stream. */
type Told = { event: string; id: string; data: string };

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
async function* readEvents(response: Response): AsyncGenerator<Told> {
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
        yield { event: of("event"), id: of("id"), data: of("data") };
      }
    }
  } finally {
    await reader.cancel();
  }
}

async function waitForTask(server: TestServer, id: string): Promise<JsonAnswer["body"]> {
  return await until("the task ends", async () => {
    const { body } = await server.json(`/api/tasks/${id}`);
    return body.endedAt === null ? null : body;
  });
}

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
    "note",
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
  assertEquals([answer.status, answer.body.id, answer.body.state], [202, task.id, "cancelling"]);
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

Deno.test("DELETE /api/tasks/:id ends a reload at once, and the load goes on", async () => {
  await using server = await startSome();
  const { core } = server.library;
  server.write("INSERT INTO images (id, filepath, md5) VALUES (9, 'new.png', 'ff')");
  // The reload waits for the load that follows this one.
  void core.cache.loadDataFromDb({ verbose: false });
  const { id } = (await server.json("/api/cache/reload", { method: "POST" })).body;
  const answer = await server.json(`/api/tasks/${id}`, { method: "DELETE" });
  assertEquals([answer.status, answer.body.state], [202, "cancelling"]);
  const ended = await waitForTask(server, id);
  assertEquals([ended.state, ended.result], ["cancelled", null]);
  assert(core.cache.isLoading(), "the load has not ended yet, and the task has");
  // The next one is not refused, and sees what was committed before it.
  const next = (await server.json("/api/cache/reload", { method: "POST" })).body;
  assertEquals((await waitForTask(server, next.id)).state, "succeeded");
  assertEquals(core.cache.current.length, 3);
});

Deno.test("GET /api/tasks lists by kind, state and number, newest first", async () => {
  await using server = await startSome();
  const held = startHeldTask(server, "held");
  for (const kind of ["a", "b", "a"]) {
    const { id } = server.library.tasks.start(kind, () => Promise.resolve());
    await waitForTask(server, id);
  }
  const kinds = async (query: string) => {
    const { status, body } = await server.json(`/api/tasks${query}`);
    assertEquals(status, 200, query);
    return body.tasks.map(({ kind }: { kind: string }) => kind);
  };
  assertEquals(await kinds(""), ["a", "b", "a", "held"]);
  assertEquals(await kinds("?kind=a"), ["a", "a"]);
  assertEquals(await kinds("?state=running"), ["held"]);
  assertEquals(await kinds("?state=succeeded&limit=2"), ["a", "b"]);
  assertEquals(await kinds("?kind=nothing"), []);
  for (
    const query of ["?state=gone", "?limit=0", "?limit=201", "?limit=x", `?kind=${"x".repeat(101)}`]
  ) {
    const answer = await server.json(`/api/tasks${query}`);
    assertEquals([answer.status, answer.body.code], [400, "bad_request"], query);
  }
  held.release("");
});

Deno.test("GET /api/tasks/:id/events goes on behind the last event that a client has seen", async () => {
  await using server = await startSome();
  const task = startHeldTask(server);
  const path = `/api/tasks/${task.id}/events`;
  const stream = async (headers: HeadersInit = {}) =>
    readEvents(await server.request(path, { headers }));
  const first = await stream();
  const told = (await first.next()).value as Told;
  await first.return(undefined);
  const [again, other] = [
    await stream({ "last-event-id": told.id }),
    await stream({ "last-event-id": "00000000.1" }),
  ];
  // Of another start of the server: it is told how the task stands.
  assertEquals((await other.next()).value, told);
  const nextOfAgain = again.next();
  task.release("end");
  const last = (await nextOfAgain).value as Told;
  assertEquals([JSON.parse(last.data).state, last.id === told.id], ["succeeded", false]);
  assertEquals((await Array.fromAsync(other)).map(({ data }) => JSON.parse(data).state), [
    "succeeded",
  ]);
  // A browser comes again for ever unless it is told that there is nothing more.
  const late = await server.request(path, { headers: { "last-event-id": last.id } });
  assertEquals([late.status, await late.text()], [204, ""]);
});

Deno.test("GET /api/tasks/events tells of all tasks, to several listeners, until the server ends", async () => {
  await using server = await startSome();
  const one = startHeldTask(server, "one");
  const open = async (headers: HeadersInit = {}) =>
    readEvents(await server.request("/api/tasks/events", { headers }));
  const next = async (events: AsyncGenerator<Told>) => {
    const { value } = await events.next();
    const { kind, state } = JSON.parse((value as Told).data);
    return { text: `${kind} ${state}`, id: (value as Told).id };
  };
  const streams = [await open(), await open()];
  const first = await Promise.all(streams.map(next));
  assertEquals(first.map(({ text }) => text), ["one running", "one running"]);
  const two = startHeldTask(server, "two");
  const seen = await Promise.all(streams.map(next));
  assertEquals(seen.map(({ text }) => text), ["two running", "two running"]);
  two.release("");
  assertEquals((await next(streams[0])).text, "two succeeded");
  // Who comes late hears what runs; who comes back hears what was missed too.
  const late = await open();
  assertEquals((await next(late)).text, "one running");
  const back = await open({ "last-event-id": seen[1].id });
  assertEquals((await next(back)).text, "two succeeded");
  server.shutdown.abort();
  for (const stream of [...streams, late, back]) await Array.fromAsync(stream);
  one.release("");
});
