import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { importFolders } from "../../src/library/import_folder.ts";
import { writePicture } from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";
import { startServer, type TestServer, until } from "./support.ts";

/** Starts a task by a POST and waits for its end. */
async function runTask({ json }: TestServer, path: string) {
  const started = await json(path, { method: "POST" });
  assertEquals([started.status, started.headers.get("location")], [
    202,
    `/api/tasks/${started.body.id}`,
  ]);
  return await until("the task ends", async () => {
    const { body } = await json(`/api/tasks/${started.body.id}`);
    return body.endedAt === null ? null : body;
  });
}

Deno.test("POST /api/watch/scan marks what is gone; the post says since when, and forgets it later", async () => {
  await using server = await startServer();
  const { library, folder, json } = server;
  const source = join(folder, "source");
  const path = await writePicture(join(source, "a.png"), 1);
  await writePicture(join(source, "b.png"), 2);
  await importFolders(library, { folders: [source], mode: "in-place" });
  assertEquals((await json("/api/watch")).body.isWatching, false);
  await Deno.rename(path, join(folder, "away.png"));
  const task = await runTask(server, "/api/watch/scan");
  assertEquals([task.state, task.result.roots[1].missing], ["succeeded", 1]);
  const { id } = (await json("/api/images")).body.images.at(-1);
  const since = (await json(`/api/images/${id}`)).body.file.missingSince;
  assert(Date.parse(since) > Date.now() - 60_000, since);
  const page = await (await server.request(`/posts/${id}`)).text();
  assert(page.includes("Its file has been missing since"));
  const { roots } = (await json("/api/watch")).body;
  assertEquals(roots.map((root: { name: string }) => root.name), ["ingest", "@source"]);
  await Deno.rename(join(folder, "away.png"), path);
  await runTask(server, "/api/watch/scan");
  assertEquals((await json(`/api/images/${id}`)).body.file.missingSince, null);
  assert(!(await (await server.request(`/posts/${id}`)).text()).includes("has been missing"));
});

fullTierTest(
  "POST /api/watch/:root/confirm answers what a folder asks, and refuses other folders",
  async () => {
    await using server = await startServer();
    const { library, folder, json } = server;
    const source = join(folder, "source");
    await writePicture(join(source, "a.png"), 1);
    await importFolders(library, { folders: [source], mode: "in-place" });
    await Deno.remove(join(source, "a.png"));
    const refused = await runTask(server, "/api/watch/scan");
    assertEquals([refused.result.roots[1].state, refused.result.roots[1].missing], [
      "unavailable",
      0,
    ]);
    for (const name of ["nothing", "ingest", "%40nothing"]) {
      const answer = await json(`/api/watch/${name}/confirm`, { method: "POST" });
      assertEquals([answer.status, answer.body.code], [404, "not_found"]);
    }
    const done = await runTask(server, "/api/watch/@source/confirm");
    assertEquals([done.result.roots[1].state, done.result.roots[1].missing], ["stopped", 1]);
    await Deno.remove(source);
    await runTask(server, "/api/watch/scan");
    const gone = await json("/api/watch/source/confirm", { method: "POST" });
    assertEquals([gone.status, gone.body.code], [409, "conflict"]);
  },
);
