import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import type { ImageId } from "../../src/base/ids.ts";
import type { Task } from "../../src/library/tasks.ts";
import { moveToTrash } from "../../src/library/trash.ts";
import { readFolder } from "../support/temp.ts";
import { bytesOf, put, treeOf } from "../support/copies.ts";
import { assertProblem } from "./images_support.ts";
import { startServer, type TestServer, until } from "./support.ts";

/** A server with two pictures, and a copy of the first. */
async function startSome(): Promise<TestServer> {
  const server = await startServer({
    pictures: [{ bytes: bytesOf(1), filepath: "a.png" }, { bytes: bytesOf(2), filepath: "c.png" }],
  });
  await put(server.library.paths.images, "b.png", bytesOf(1));
  return server;
}

/** Waits for the task of a 202. */
async function ended(server: TestServer, answer: { status: number; body: Task }): Promise<Task> {
  assertEquals(answer.status, 202);
  return await until("the task ends", async () => {
    const task: Task = (await server.json(`/api/tasks/${answer.body.id}`)).body;
    return task.endedAt === null ? null : task;
  });
}

Deno.test("POST /api/dedupe looks for copies in a task, and moves them only when told", async () => {
  await using server = await startSome();
  const { images } = server.library.paths;
  const before = await readFolder(images);
  const dry = await ended(server, await server.send("POST", "/api/dedupe", {}));
  // deno-lint-ignore no-explicit-any -- the result of a task is what its work gave
  const found = dry.result as any;
  assertEquals([dry.kind, dry.state], ["dedupe", "succeeded"]);
  assertEquals([found.dryRun, found.duplicatesFound, found.duplicatesRemoved], [true, 1, 0]);
  assertEquals(await readFolder(images), before);
  const done = await ended(server, await server.send("POST", "/api/dedupe", { delete: true }));
  // deno-lint-ignore no-explicit-any -- as above
  assertEquals((done.result as any).duplicatesRemoved, 1);
  assertEquals(Object.keys(await treeOf(images)).sort(), ["a.png", "c.png"]);
  for (const body of [{ delete: "yes" }, { remove: true }, []]) {
    assertProblem(await server.send("POST", "/api/dedupe", body), 400, "bad_request");
  }
  const { body } = await server.json("/api/trash");
  assertEquals([body.total, body.next, body.keepDays], [1, null, null]);
  const [entry] = body.entries;
  assertEquals(
    [entry.id, entry.kind, entry.state, entry.imageId, entry.filepath, entry.kept, entry.sizeBytes],
    [1, "duplicate", "trashed", 1, "b.png", "a.png", 5_000],
  );
  const restored = await server.json("/api/trash/1/restore", { method: "POST" });
  assertEquals(restored.body, { id: 1, kind: "duplicate", filepath: "b.png" });
  assertEquals(await readFolder(images), before);
  assertEquals((await server.json("/api/images/1")).body.filepath, "a.png");
});

Deno.test("the trash is listed in pages and emptied by entry, by age, or by itself", async () => {
  await using server = await startSome();
  const { library } = server;
  for (const id of [1, 2]) await moveToTrash(library, id as ImageId);
  const page = (query: string) => server.json(`/api/trash?${query}`);
  const first = (await page("limit=1")).body;
  assertEquals([first.total, first.next, first.entries.length], [2, 2, 1]);
  const second = (await page("limit=1&page=2")).body;
  assertEquals([second.next, second.entries.map(({ id }: { id: number }) => id)], [null, [1]]);
  for (const query of ["limit=0", "limit=201", "page=0", "page=x"]) {
    assertProblem(await page(query), 400, "bad_request");
  }
  const [file] = Object.keys(await treeOf(library.paths.trash)).filter((name) =>
    /2-|c\.png/.test(name)
  );
  const path = join(library.paths.trash, file);
  await Deno.rename(path, `${path}.away`);
  const kept = await server.json("/api/trash/2", { method: "DELETE" });
  assertProblem(kept, 409, "conflict");
  await Deno.rename(`${path}.away`, path);
  const gone = await server.json("/api/trash/2", { method: "DELETE" });
  assertEquals([gone.status, gone.body], [200, { id: 2, freedBytes: 5_000 }]);
  assertProblem(await server.json("/api/trash/2", { method: "DELETE" }), 404, "not_found");
  for (const body of [{}, { olderThanDays: -1 }, { olderThanDays: 1.5 }, { olderThanDays: "0" }]) {
    assertProblem(await server.send("POST", "/api/trash/empty", body), 400, "bad_request");
  }
  const some = await ended(
    server,
    await server.send("POST", "/api/trash/empty", { olderThanDays: 1 }),
  );
  assertEquals(some.result, { emptied: 0, freedBytes: 0, kept: [] });
  const all = await ended(
    server,
    await server.send("POST", "/api/trash/empty", { olderThanDays: 0 }),
  );
  assertEquals(all.result, { emptied: 1, freedBytes: 5_000, kept: [] });
  assertEquals(await treeOf(library.paths.trash), {});
  for (const keepDays of [30, null]) {
    const answer = await server.send("PUT", "/api/trash/settings", { keepDays });
    assertEquals([answer.status, answer.body], [200, { keepDays }]);
    assertEquals((await page("")).body.keepDays, keepDays);
  }
  for (const keepDays of [0, 1.5, "30"]) {
    const answer = await server.send("PUT", "/api/trash/settings", { keepDays });
    assertProblem(answer, 400, "bad_request");
  }
});

Deno.test("the forms of /trash restore, remove, empty and set, and lead back", async () => {
  await using server = await startSome();
  const { library } = server;
  const submit = async (path: string, fields: Record<string, string> = {}) => {
    const response = await server.request(path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { accept: "text/html", "sec-fetch-site": "same-origin" },
    });
    await response.body?.cancel();
    return { status: response.status, location: response.headers.get("location") };
  };
  const open = async (path: string) => {
    return await (await server.request(path, { headers: { accept: "text/html" } })).text();
  };
  const follow = async (answer: { status: number; location: string | null }) => {
    assertEquals(answer.status, 303);
    return await open(answer.location!);
  };
  await ended(server, await server.send("POST", "/api/dedupe", { delete: true }));
  await moveToTrash(library, 2 as ImageId);
  const page = await open("/trash");
  for (const text of ["A copy of post 1", "Post 2", "2 things", `action="/trash/1/delete"`]) {
    assert(page.includes(text), text);
  }
  assert((await follow(await submit("/trash/1/restore"))).includes("The copy is back at b.png"));
  assert((await follow(await submit("/trash/2/delete"))).includes("removed for good"));
  assertEquals((await submit("/trash/2/delete")).status, 404);
  assert((await follow(await submit("/trash/settings", { days: "7" }))).includes("7 days"));
  assert((await open("/trash")).includes(`value="7"`));
  assert((await follow(await submit("/trash/settings", { days: "" }))).includes("any more"));
  for (const [path, days] of [["settings", "0"], ["empty", ""], ["empty", "x"], ["empty", "-1"]]) {
    assertEquals((await submit(`/trash/${path}`, { days })).status, 400, `${path} ${days}`);
  }
  await moveToTrash(library, 1 as ImageId);
  server.write("UPDATE trash SET state = 'moving'");
  const kept = await follow(await submit("/trash/3/delete"));
  assert(kept.includes("It stays in the trash"));
  server.write("UPDATE trash SET state = 'trashed'");
  assertEquals((await submit("/trash/empty", { days: "0" })).status, 303);
  await until("it is empty", async () => (await open("/trash")).includes("The trash is empty"));
  assert((await open("/trash?page=7")).includes("The trash is empty"));
  assertEquals(await treeOf(library.paths.trash), {});
});
