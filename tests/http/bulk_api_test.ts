import type { Database } from "@db/sqlite";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EDIT_TAGS_MAX, UNDO_AT_ONCE_MAX } from "../../src/base/limits.ts";
import { readDataVersion } from "../../src/store/change_log.ts";
import { openReader } from "../../src/store/database.ts";
import { dumpDatabase } from "../support/library_builder.ts";
import { checkDatabase } from "../support/sample_library.ts";
import { assertProblem, idsOf, startSome } from "./images_support.ts";
import { type JsonAnswer, startServer, type TestServer, until } from "./support.ts";

function bulk(server: TestServer, body: unknown): Promise<JsonAnswer> {
  return server.send("POST", "/api/tags/bulk", body);
}

function post(server: TestServer, path: string): Promise<JsonAnswer> {
  return server.json(path, { method: "POST" });
}

/** Waits for the end of the task that an answer names. */
async function ended(server: TestServer, answer: JsonAnswer) {
  assertEquals(answer.status, 202);
  assertEquals(answer.headers.get("location"), `/api/tasks/${answer.body.id}`);
  return await until("the end of the task", async () => {
    const { body } = await server.json(`/api/tasks/${answer.body.id}`);
    return body.endedAt === null ? null : body;
  });
}

Deno.test("POST /api/tags/bulk tells with dryRun what would change, and writes nothing", async () => {
  await using server = await startSome();
  const reader: Database = openReader(server.library.paths.database);
  try {
    const before = [dumpDatabase(reader), readDataVersion(reader)];
    const answer = await bulk(server, {
      query: "solo",
      add: ["hat", "rating:e", "artist:new_one"],
      remove: ["miku", "never_there"],
      dryRun: true,
    });
    assertEquals(answer.status, 200);
    const { sample, ...body } = answer.body;
    assertEquals(sample.map(({ id }: { id: number }) => id), [2, 1]);
    assertEquals(body, {
      query: "solo",
      dryRun: true,
      matched: 2,
      changed: 2,
      tags: [
        { name: "hat", added: 1, removed: 0 },
        { name: "rating:explicit", added: 2, removed: 0 },
        { name: "new_one", added: 2, removed: 0 },
        { name: "miku", added: 0, removed: 1 },
        { name: "never_there", added: 0, removed: 0 },
        { name: "rating:general", added: 0, removed: 1 },
      ],
      implied: { added: [], removed: [] },
      operationId: null,
      skipped: { count: 0, images: [] },
    });
    assertEquals([dumpDatabase(reader), readDataVersion(reader)], before);
  } finally {
    reader.close();
  }
});

Deno.test("POST /api/tags/bulk edits all images of a search as one operation", async () => {
  await using server = await startSome();
  const edit = { query: "solo", add: ["rating:e", "both"], remove: ["hat"] };
  const task = await ended(server, await bulk(server, edit));
  assertEquals([task.state, task.result.changed, task.result.matched], ["succeeded", 2, 2]);
  const { operationId } = task.result;
  assertEquals(idsOf(await server.json("/api/images?q=both+rating:e")), [2, 1]);
  assertEquals(idsOf(await server.json("/api/images?q=hat")), [3]);
  const { entries } = (await server.json(`/api/history?operation=${operationId}`)).body;
  assertEquals(entries.map((entry: { imageId: number }) => entry.imageId), [2, 1]);
  assertEquals(entries[0].removed, ["hat"]);
  assertEquals(entries[0].kind, "bulk_edit");
  const grouped = (await server.json("/api/history?grouped=true")).body;
  assertEquals([grouped.entries.length, grouped.operations[0].id], [1, operationId]);
  const { body: operation } = await server.json(`/api/operations/${operationId}`);
  assertEquals([operation.state, operation.changed, operation.isUndone], ["done", 2, false]);
  const undone = await post(server, `/api/operations/${operationId}/undo`);
  assertEquals([undone.status, undone.body.kind, undone.body.changed], [200, "undo", 2]);
  assertEquals(idsOf(await server.json("/api/images?q=hat")), [3, 2]);
  assertEquals(idsOf(await server.json("/api/images?q=both")), []);
  assertProblem(await post(server, `/api/operations/${operationId}/undo`), 409, "conflict");
  assert((await server.json(`/api/operations/${operationId}`)).body.isUndone);
  await post(server, `/api/operations/${undone.body.id}/undo`);
  assertEquals(idsOf(await server.json("/api/images?q=both")), [2, 1]);
  const list = (await server.json("/api/operations?limit=2")).body;
  assertEquals(list.operations.length, 2);
  const rest = (await server.json(`/api/operations?page=${list.next}`)).body;
  assertEquals(rest.operations.map(({ id }: { id: number }) => id), [operationId]);
});

Deno.test("POST /api/tags/bulk asks for `all` where a search has no condition", async () => {
  await using server = await startSome();
  for (const query of ["", "  ", "order:score", "limit:2"]) {
    const refused = await bulk(server, { query, add: ["x"] });
    assertProblem(refused, 400, "bad_request");
    assertStringIncludes(refused.body.remedy, '"all": true');
  }
  const task = await ended(server, await bulk(server, { query: "", add: ["x"], all: true }));
  assertEquals(task.result.changed, 3);
  assertEquals((await server.json("/api/images?q=x")).body.total, 3);
});

Deno.test("POST /api/tags/bulk refuses what is no edit, before anything is done", async () => {
  await using server = await startSome();
  const half = Array.from({ length: EDIT_TAGS_MAX / 2 + 1 }, (_, i) => `tag_${i}`);
  for (
    const body of [
      null,
      {},
      { query: "solo" },
      { query: "solo", add: [], remove: [] },
      { query: "solo", add: ["hat"], remove: ["Hat"] },
      { query: "solo", add: ["-operator"] },
      { query: "solo", add: [""] },
      { query: "solo", add: "hat" },
      { query: "solo", add: ["hat"], other: 1 },
      { query: "solo", add: ["hat"], dryRun: "yes" },
      { query: 7, add: ["hat"] },
      { query: "solo", add: half, remove: half.map((name) => `${name}_`) },
    ]
  ) {
    const answer = await bulk(server, body);
    assertProblem(answer, 400, "bad_request");
  }
  const syntax = await bulk(server, { query: "solo (", add: ["x"] });
  assertProblem(syntax, 400, "query_syntax");
  for (const dryRun of [true, false]) {
    const other = await bulk(server, { query: "solo", add: ["artist:miku"], dryRun });
    assertProblem(other, 409, "conflict");
  }
  const foreign = await server.send("POST", "/api/tags/bulk", { query: "solo", add: ["x"] }, {
    origin: "http://evil.example",
  });
  assertProblem(foreign, 403, "forbidden");
  assertEquals((await server.json("/api/history")).body.entries, []);
  assertEquals((await server.json("/api/operations")).body.operations, []);
  for (const id of ["1", "x"]) {
    assertProblem(await server.json(`/api/operations/${id}`), 404, "not_found");
    assertProblem(await post(server, `/api/operations/${id}/undo`), 404, "not_found");
    assertProblem(await post(server, `/api/operations/${id}/continue`), 404, "not_found");
  }
});

Deno.test("POST /api/tags/bulk answers 503 while nobody knows what a search finds", async () => {
  await using server = await startServer({ pictures: [{}], isLoaded: false });
  assertProblem(await bulk(server, { query: "x", add: ["y"] }), 503, "unavailable");
});

Deno.test("an undo of much is a task; images that are not there are told, the others done", async () => {
  const pictures = Array.from({ length: UNDO_AT_ONCE_MAX + 2 }, () => ({ bytes: null }));
  await using server = await startServer({ pictures });
  const edit = { query: "", all: true, add: ["much"] };
  const { result } = await ended(server, await bulk(server, edit));
  assertEquals(result.changed, pictures.length);
  // The task's own end is being written down.
  await until("a moment without other writes", () => {
    try {
      server.write("DELETE FROM images WHERE id = 7");
      return true;
    } catch (error) {
      if (!/database is locked/.test(String(error))) throw error;
      return false;
    }
  });
  await server.library.core.poll();
  const answer = await post(server, `/api/operations/${result.operationId}/undo`);
  const undo = await ended(server, answer);
  assertEquals([undo.kind, undo.result.changed], ["undo", pictures.length - 1]);
  assertEquals(undo.result.skipped, { count: 1, images: [{ imageId: 7, why: "gone" }] });
  assertEquals((await server.json("/api/images?q=much")).body.total, 0);
  checkDatabase(server.library.paths.database);
});
