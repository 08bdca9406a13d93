import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { CHECK_KIND_NAMES } from "../../src/library/check_kinds.ts";
import { writePicture } from "../support/sample_library.ts";
import { type JsonAnswer, startServer, type TestServer, until } from "./support.ts";

/** Starts a task and gives what it answered. */
async function run(server: TestServer, path: string, body: unknown): Promise<JsonAnswer["body"]> {
  const started = body === undefined
    ? await server.json(path, { method: "POST" })
    : await server.send("POST", path, body);
  assertEquals(started.status, 202, Deno.inspect(started.body));
  assertEquals(started.headers.get("location"), `/api/tasks/${started.body.id}`);
  const task = await until("the task ends", async () => {
    const answer = await server.json(`/api/tasks/${started.body.id}`);
    return answer.body.endedAt === null ? null : answer.body;
  });
  assertEquals(task.state, "succeeded", Deno.inspect(task));
  return task.result;
}

Deno.test("POST /api/check tells what is wrong, and repairs what is named", async () => {
  await using server = await startServer({
    tags: [{ name: "hat" }],
    pictures: [{ tags: ["hat"] }, { tags: ["hat"], bytes: null }, {}],
  });
  server.write("UPDATE images SET tags_general = 'hat' WHERE id = 2");
  const found = await run(server, "/api/check", undefined);
  const kinds = (report: JsonAnswer["body"]) =>
    report.findings.map(({ kind, id, state }: JsonAnswer["body"]) => [kind, id, state]);
  assertEquals(kinds(found), [
    ["missing_file", 2, "found"],
    ["tag_columns", 1, "found"],
    ["missing_thumbnail", 1, "found"],
    ["missing_thumbnail", 3, "found"],
  ]);
  assertEquals([found.faults, found.images, found.filesRead], [4, 3, 2]);
  const repaired = await run(server, "/api/check", {
    hashes: false,
    repair: ["tag_columns", "missing_thumbnail"],
  });
  assertEquals(kinds(repaired).map(([, , state]: string[]) => state), [
    "found",
    "repaired",
    "repaired",
    "repaired",
  ]);
  assertEquals([repaired.faults, repaired.filesRead], [1, 0]);
});

Deno.test("POST /api/check refuses what cannot be repaired and what it does not know", async () => {
  await using server = await startServer();
  for (
    const body of [{ repair: ["wrong_hash"] }, { repair: ["all"] }, { hashes: "no" }, { delete: 1 }]
  ) {
    const answer = await server.send("POST", "/api/check", body);
    assertEquals([answer.status, answer.body.code], [400, "bad_request"], Deno.inspect(body));
  }
  const { body } = await server.json("/api/check/kinds");
  assertEquals(body.kinds.map(({ name }: { name: string }) => name), CHECK_KIND_NAMES);
});

Deno.test("POST /api/rebuild derives anew, and searches and counts show it", async () => {
  await using server = await startServer({
    tags: [{ name: "hat" }, { name: "scarf" }],
    pictures: [{
      tags: ["hat"],
      metadata: { sources: { danbooru: { id: 5, tag_string_general: "hat scarf" } } },
    }],
  });
  const count = async (query: string) =>
    (await server.json(`/api/images?q=${query}`)).body.total as number;
  assertEquals([await count("scarf"), await count("stray")], [0, 0]);
  await writePicture(join(server.library.paths.images, "stray.png"), 70, { ".txt": "stray" });
  const report = await run(server, "/api/rebuild", undefined);
  assertEquals([report.tagsAdded, report.added], [1, ["stray.png"]]);
  assertEquals([await count("scarf"), await count("stray")], [1, 1]);
  const { tags } = (await server.json("/api/tags?prefix=s")).body;
  assertEquals(
    tags.map(({ name, count }: { name: string; count: number }) => [name, count]).sort(),
    [["scarf", 1], ["stray", 1]],
  );
});
