import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { TAG_LIST_UPLOAD_BYTES_MAX } from "../../src/base/limits.ts";
import { assertProblem, startSome } from "./images_support.ts";
import { type TestServer, until } from "./support.ts";

const LIST = 'hat,5,3,"cap,hats"\nbad row\n';
const CSV = { "content-type": "text/csv" };

function post(server: TestServer, query: string, body: BodyInit, headers: HeadersInit = CSV) {
  return server.json(`/api/tags/import${query}`, { method: "POST", body, headers });
}

/** The task of an answer when it has ended. */
function ended(server: TestServer, id: string) {
  return until("the import ends", async () => {
    const { body } = await server.json(`/api/tasks/${id}`);
    return body.state === "running" ? null : body;
  });
}

Deno.test("POST /api/tags/import takes in a list as a task", async () => {
  await using server = await startSome();
  const { status, headers, body } = await post(server, "?numbering=danbooru", LIST);
  assertEquals([status, headers.get("location")], [202, `/api/tasks/${body.id}`]);
  const { state, result } = await ended(server, body.id);
  assertEquals([state, result.rows, result.categoriesChanged], ["succeeded", 1, 1]);
  assertEquals(result.faults[0].line, 2);
  const { body: image } = await server.json("/api/images/3");
  assertEquals(image.tags, { meta: ["hat"] });
  assertEquals((await server.json("/api/images?q=cap")).body.total, 2);
  const left = await Array.fromAsync(Deno.readDir(join(server.folder, "data", "uploads")));
  assertEquals(left, []);
});

Deno.test("POST /api/tags/import?dryRun=true writes nothing", async () => {
  await using server = await startSome();
  const { body } = await post(server, "?dryRun=true&name=danbooru.csv", LIST);
  const { result } = await ended(server, body.id);
  assertEquals([result.dryRun, result.isGuess, result.categoriesChanged], [true, false, 1]);
  assertEquals((await server.json("/api/images/3")).body.tags, { general: ["hat"] });
});

Deno.test("POST /api/tags/import says what is wrong with a list", async () => {
  await using server = await startSome();
  const { body } = await post(server, "", "no list");
  const { state, error } = await ended(server, body.id);
  assertEquals([state, error.code], ["failed", "bad_request"]);
  assertMatch(error.message, /line 1/);
  assertEquals(error.message.includes(server.folder), false);
});

Deno.test("POST /api/tags/import refuses other types, numberings and sizes", async () => {
  await using server = await startSome();
  const json = { "content-type": "application/json" };
  assertProblem(await post(server, "", "{}", json), 415, "unsupported_media");
  assertProblem(await post(server, "?numbering=x", LIST), 400, "bad_request");
  const large = { ...CSV, "content-length": String(TAG_LIST_UPLOAD_BYTES_MAX + 1) };
  assertProblem(await post(server, "", LIST, large), 413, "payload_too_large");
  const foreign = { ...CSV, origin: "http://evil.example" };
  assertProblem(await post(server, "", LIST, foreign), 403, "forbidden");
  const nothing = await server.json("/api/tags/import", { method: "POST", headers: CSV });
  assertProblem(nothing, 400, "bad_request");
  assertEquals((await server.json("/api/tasks")).body.tasks, []);
});
