import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startSome } from "./images_support.ts";
import { startServer, type TestServer, until } from "./support.ts";

async function open(server: TestServer, path: string): Promise<{ status: number; text: string }> {
  const response = await server.request(path, { headers: { accept: "text/html" } });
  return { status: response.status, text: await response.text() };
}

async function submit(server: TestServer, path: string, fields: Record<string, string> = {}) {
  const response = await server.request(path, {
    method: "POST",
    headers: { accept: "text/html", "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields),
  });
  const text = await response.text();
  return { status: response.status, location: response.headers.get("location") ?? "", text };
}

async function put(server: TestServer, id: number, add: string[]): Promise<void> {
  await server.send("PUT", `/api/images/${id}/tags`, { add });
}

async function countOf(server: TestServer, query: string): Promise<number> {
  return (await server.json(`/api/images?q=${encodeURIComponent(query)}`)).body.total;
}

async function tasksEnded(server: TestServer): Promise<void> {
  await until("the end of all tasks", async () => {
    const { tasks } = (await server.json("/api/tasks")).body;
    return tasks.every(({ endedAt }: { endedAt: string | null }) => endedAt !== null);
  });
}

Deno.test("the pages of the history show edits, and their buttons take them back", async () => {
  await using server = await startSome();
  assertStringIncludes((await open(server, "/history")).text, "Nothing was edited");
  await put(server, 1, ["new"]);
  await put(server, 2, ["new"]);
  const all = await open(server, "/history");
  assertEquals(all.status, 200);
  assertStringIncludes(all.text, 'href="/posts/1"');
  assertStringIncludes(all.text, 'href="/posts/2"');
  const own = await open(server, "/posts/1/history");
  assertStringIncludes(own.text, "/posts?q=new");
  assert(!own.text.includes('href="/posts/2"'));
  const [, action] = /action="(\/history\/\d+\/undo)"/.exec(own.text)!;
  const undone = await submit(server, action, { post: "1" });
  assertEquals(undone.status, 303);
  assert(undone.location.startsWith("/posts/1/history?done="));
  const after = await open(server, undone.location);
  assertStringIncludes(after.text, "Undone in post 1");
  assertEquals(await countOf(server, "new"), 1);
  const again = await submit(server, action, { post: "//evil.example" });
  assert(again.location.startsWith("/history?done="), "leads nowhere else");
  assertStringIncludes((await open(server, again.location)).text, "undone already");
  assertEquals((await open(server, "/posts/99/history")).status, 404);
  assertEquals((await submit(server, "/history/99/undo")).status, 404);
  assertStringIncludes((await open(server, "/posts/1")).text, 'href="/posts/1/history"');
});

Deno.test("the page for all posts of a search shows what would change, then does it", async () => {
  await using server = await startSome();
  assertStringIncludes((await open(server, "/posts?q=hat")).text, "/posts/bulk?tags=hat");
  const form = await open(server, "/posts/bulk?tags=hat");
  assertStringIncludes(form.text, ">hat</textarea>");
  const fields = { query: "hat", add: "one\ntwo", remove: "solo" };
  const preview = await submit(server, "/posts/bulk", fields);
  assertEquals(preview.status, 200);
  assertStringIncludes(preview.text, "2 of 2 posts would change");
  assertStringIncludes(preview.text, "/thumbnails/2/");
  assertEquals(await countOf(server, "one"), 0);
  const other = await submit(server, "/posts/bulk", { ...fields, expected: "7" });
  assertStringIncludes(other.text, "look at it once more");
  assertEquals(await countOf(server, "one"), 0);
  const done = await submit(server, "/posts/bulk", { ...fields, expected: "2" });
  assertEquals(done.status, 303);
  await tasksEnded(server);
  assertStringIncludes((await open(server, done.location)).text, "Done");
  assertEquals([await countOf(server, "one two"), await countOf(server, "hat solo")], [2, 0]);
  assertStringIncludes((await open(server, "/history")).text, "Undo all of it");
  const undo = await submit(server, `${done.location}/undo`);
  assertEquals(undo.status, 303);
  await tasksEnded(server);
  assertStringIncludes((await open(server, undo.location)).text, "Done");
  assertEquals([await countOf(server, "one"), await countOf(server, "hat solo")], [0, 1]);
  const twice = await submit(server, `${done.location}/undo`);
  await tasksEnded(server);
  assertStringIncludes((await open(server, twice.location)).text, "undone already");
  const stopped = await submit(server, `${done.location}/cancel`);
  assertStringIncludes((await open(server, stopped.location)).text, "is not running");
});

Deno.test("an interrupted operation that goes on is shown as running until it is done", async () => {
  await using server = await startSome();
  const { writer } = server.library;
  const { operationId } = await writer.call("startBulkEdit", {
    query: "hat",
    add: [{ name: "late", category: null }],
    remove: [],
    imageIds: Int32Array.of(1, 2),
    editor: "owner",
  });
  await writer.call("interruptOperation", { operationId, fault: null });
  const path = `/operations/${operationId}`;
  assertStringIncludes((await open(server, path)).text, "Go on");
  // What a batch waits for: until then the database says "interrupted".
  const batch = Promise.withResolvers<void>();
  const call = writer.call.bind(writer);
  writer.call = async (method, ...rest) => {
    if (method === "runOperationBatch") await batch.promise;
    return await call(method, ...rest);
  };
  const { location } = await submit(server, `${path}/continue`);
  const response = await server.request(location, { headers: { accept: "text/html" } });
  assertStringIncludes(await response.text(), "Running");
  assert(response.headers.get("refresh") !== null, "it looks again by itself");
  batch.resolve();
  await tasksEnded(server);
  assertStringIncludes((await open(server, path)).text, "Done");
  assertEquals(await countOf(server, "late"), 2);
});

Deno.test("the page for all posts of a search says what is wrong, and keeps what was typed", async () => {
  await using server = await startSome();
  const cases: [fields: Record<string, string>, status: number, text: string][] = [
    [{ query: "", add: "x" }, 400, "tick the box"],
    [{ query: "hat -", add: "x" }, 400, "Did you mean"],
    [{ query: "hat", add: "" }, 400, "no tag to add"],
    [{ query: "hat", add: "x", remove: "x" }, 400, "the same tag"],
    [{ query: "hat", add: "artist:miku" }, 409, "character tag"],
  ];
  for (const [fields, status, text] of cases) {
    const page = await submit(server, "/posts/bulk", fields);
    assertEquals(page.status, status, text);
    assertStringIncludes(page.text, text);
    assertStringIncludes(page.text, `>${fields.query}</textarea>`);
  }
  const all = await submit(server, "/posts/bulk", { query: "", add: "x", all: "yes" });
  assertStringIncludes(all.text, "3 of 3 posts");
});

Deno.test("names and searches of others are escaped on every page", async () => {
  const evil = '"><script>alert(1)</script>';
  await using server = await startServer({ tags: [{ name: evil }], pictures: [{ tags: [evil] }] });
  const removed = await server.send("PUT", "/api/images/1/tags", { remove: [evil] });
  assertEquals(removed.status, 200);
  const pages = [
    await open(server, "/history"),
    await open(server, "/posts/1/history"),
    await open(server, `/posts/bulk?tags=${encodeURIComponent(evil)}`),
    await submit(server, "/posts/bulk", { query: `-"${evil}`, add: evil, remove: evil }),
  ];
  for (const { text } of pages) assert(!text.includes("<script>alert"));
});

Deno.test("forms of other sites change nothing", async () => {
  await using server = await startSome();
  for (const path of ["/posts/bulk", "/history/1/undo", "/operations/1/undo"]) {
    const response = await server.request(path, {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site" },
      body: new URLSearchParams({ query: "hat", add: "x", expected: "2" }),
    });
    await response.body?.cancel();
    assertEquals(response.status, 403, path);
  }
  assertEquals(await countOf(server, "x"), 0);
});
