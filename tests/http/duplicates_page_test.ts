import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { endOfTask, openPage, submitForm } from "./forms_support.ts";
import { startServer, type TestServer } from "./support.ts";

/** Two contents with further copies, one of them with a name that forms would change. */
async function startWithCopies(): Promise<TestServer> {
  const server = await startServer({ pictures: [{}, {}, {}] });
  const { images } = server.library.paths;
  for (const [from, to] of [["1.png", "z1.png"], ["1.png", "z\n2.png"], ["2.png", "b/2.png"]]) {
    await Deno.mkdir(join(images, "b"), { recursive: true });
    await Deno.copyFile(join(images, from), join(images, to));
  }
  return server;
}

function names(server: TestServer): string[] {
  return [...Deno.readDirSync(server.library.paths.images)].filter(({ isFile }) => isFile)
    .map(({ name }) => name).sort();
}

async function search(server: TestServer): Promise<string> {
  const { location } = await submitForm(server, "/library/dedupe");
  await endOfTask(server, location);
  assertStringIncludes((await openPage(server, location!)).text, "Look through the copies");
  return (await openPage(server, "/duplicates")).text;
}

Deno.test("GET /duplicates asks for a search, and then shows what it found", async () => {
  await using server = await startWithCopies();
  const before = names(server);
  assertStringIncludes((await openPage(server, "/duplicates")).text, "Search for duplicates");
  const page = await search(server);
  assertEquals(names(server), before, "a search changes nothing");
  assertStringIncludes(page, "3 copies of 2 files can go");
  assertStringIncludes(page, `href="/posts/1"`);
  assertStringIncludes(page, "z1.png");
  assertMatch(page, /type="radio" id="keep-1-0"[^>]*value="1.png" checked/);
});

Deno.test("POST /duplicates/keep keeps the chosen file of one group, whatever its name", async () => {
  await using server = await startWithCopies();
  const page = await search(server);
  const [, md5, value] = /name="md5" value="(\w+)".*?value="(z%0A2\.png)"/s.exec(page)!;
  const { location } = await submitForm(server, "/duplicates/keep", { md5, keep: value });
  const after = (await openPage(server, location!)).text;
  assertMatch(location!, /^\/duplicates\?done=/);
  assertStringIncludes(after, "stays, its other copies are in the trash");
  assertStringIncludes(after, "1 copy of 1 file can go");
  assertEquals(names(server), ["2.png", "3.png", "z\n2.png"]);
  assertEquals((await server.json("/api/images/1")).body.filepath, "z\n2.png");
  const again = await submitForm(server, "/duplicates/keep", { md5, keep: value });
  assertStringIncludes((await openPage(server, again.location!)).text, "search again");
  const bad = await submitForm(server, "/duplicates/keep", { md5, keep: "%" });
  assertStringIncludes((await openPage(server, bad.location!)).text, "Choose the file");
});

Deno.test("POST /duplicates/remove moves all copies after a page that repeats the numbers", async () => {
  await using server = await startWithCopies();
  const page = await search(server);
  const [, report] = /name="report" value="([^"]+)"/.exec(page)!;
  const asked = (await openPage(server, `/duplicates/remove?report=${report}`)).text;
  assertStringIncludes(asked, "Move 3 copies to the trash?");
  assertStringIncludes(asked, "each of the 2 contents stays");
  assertEquals(names(server).length, 5, "asking moves nothing");
  const old = await submitForm(server, "/duplicates/remove", { report: "another" });
  assertStringIncludes((await openPage(server, old.location!)).text, "look once more");
  const { location } = await submitForm(server, "/duplicates/remove", { report });
  const task = await endOfTask(server, location);
  assertEquals(task.state, "succeeded");
  assertStringIncludes((await openPage(server, location!)).text, "3 copies are in the");
  assertEquals(names(server), ["1.png", "2.png", "3.png"]);
  assertStringIncludes((await openPage(server, "/duplicates")).text, "All of them are done");
  assert((await openPage(server, "/trash")).text.includes("A copy of post 1"));
});

Deno.test("copies in folders indexed in place are marked, and stay unless a search includes them", async () => {
  await using server = await startWithCopies();
  const folder = await Deno.makeTempDir({ dir: server.folder });
  await Deno.copyFile(join(server.library.paths.images, "3.png"), join(folder, "mine.png"));
  server.write(
    "INSERT INTO library_roots (name, path, mode) VALUES ('pics', ?, 'in_place')",
    folder,
  );
  const page = await search(server);
  assertStringIncludes(page, "1 copy more in folders");
  assertMatch(page, /@pics\/mine\.png<\/bdi><\/code><span class="mark">in place/);
  assertStringIncludes(page, "3 copies of 3 files can go");
  const { location } = await submitForm(server, "/library/dedupe", { in_place: "yes" });
  await endOfTask(server, location);
  const wider = (await openPage(server, "/duplicates")).text;
  assertStringIncludes(wider, "4 copies of 3 files can go");
});
