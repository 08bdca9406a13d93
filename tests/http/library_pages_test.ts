import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { endOfTask, openPage, submitForm } from "./forms_support.ts";
import { startServer, type TestServer, until } from "./support.ts";

function startSome(): Promise<TestServer> {
  return startServer({
    tags: [{ name: "hat" }, { name: "miku" }],
    pictures: [{ tags: ["hat", "miku"] }, { tags: ["hat"] }, { tags: [] }],
  });
}

/** Starts what a form asks for, waits for it and opens its page. */
async function run(server: TestServer, path: string, fields: Record<string, string> | FormData) {
  const { status, location, text } = await submitForm(server, path, fields);
  assertEquals(status, 303, text);
  const task = await endOfTask(server, location);
  return { task, page: (await openPage(server, location!)).text };
}

Deno.test("GET /library tells how the library stands and leads everywhere", async () => {
  await using server = await startSome();
  const { status, text } = await openPage(server, "/library");
  assertEquals(status, 200);
  assertStringIncludes(text, "There is no backup of the database yet");
  assertStringIncludes(text, "apt install ffmpeg");
  assertStringIncludes(text, server.library.paths.ingest);
  assertMatch(text, /<a href="\/library" aria-current="true">Library<\/a>/);
  const places = ["/duplicates", "/trash", "/history", "/tasks", "/tags/aliases", "/posts/bulk"];
  for (const place of [...places, "/tags/implications"]) {
    assertStringIncludes(text, `href="${place}"`);
    assertEquals((await openPage(server, place)).status, 200, place);
  }
  const tags = (await openPage(server, "/tags")).text;
  for (const place of ["/tags/aliases", "/tags/implications", "/library#tag-list"]) {
    assertStringIncludes(tags, `href="${place}"`);
  }
  assert(!text.includes("<script>") && !/ (style|on\w+)="/.test(text), "nothing inline");
});

Deno.test("POST /library/backup backs up, and its page names the file", async () => {
  await using server = await startSome();
  const { task, page } = await run(server, "/library/backup", {});
  assertEquals(task.state, "succeeded");
  const { path } = task.result as { path: string };
  assert((await Deno.stat(path)).isFile);
  assertStringIncludes(page, path);
  assertStringIncludes((await openPage(server, "/library")).text, "it is the only one");
});

Deno.test("POST /library/check tells what is wrong and repairs what is ticked alone", async () => {
  await using server = await startSome();
  await Deno.remove(join(server.library.paths.images, "2.png"));
  server.write("INSERT INTO tags (name, category) VALUES ('unused', 'general')");
  const first = await run(server, "/library/check", { hashes: "yes" });
  assertStringIncludes(first.page, "2.png");
  assertStringIncludes(first.page, "Put the file back from a backup");
  assertStringIncludes(first.page, "a tag that no image has");
  assertStringIncludes(first.page, 'value="unused_tag"');
  assert(!first.page.includes('value="missing_file"'), "that needs a person");
  const second = await run(server, "/library/check", { repair: "unused_tag" });
  assertStringIncludes(second.page, "Repaired.");
  const left = server.library.core.reader.prepare("SELECT name FROM tags WHERE name = 'unused'");
  assertEquals(left.values(), []);
  const wrong = await submitForm(server, "/library/check", { repair: "missing_file" });
  assertMatch(wrong.location!, /^\/library\?done=/);
});

Deno.test("POST /library/reload and /library/scan are tasks with readable ends", async () => {
  await using server = await startSome();
  const reloaded = await run(server, "/library/reload", {});
  assertStringIncludes(reloaded.page, "<dt>Generation</dt>");
  const { page } = await run(server, "/library/scan", {});
  assertStringIncludes(page, "Nothing new.");
  assertStringIncludes((await openPage(server, "/library")).text, "scanned just now");
});

Deno.test("a folder that asks is answered on the page, and nothing is forgotten before", async () => {
  await using server = await startSome();
  const folder = await Deno.makeTempDir({ dir: server.folder });
  const names = Array.from({ length: 20 }, (_, i) => `${i}.png`);
  for (const name of names) {
    const bytes = await Deno.readFile(join(server.library.paths.images, "1.png"));
    await Deno.writeFile(join(folder, name), new Uint8Array([...bytes, names.indexOf(name)]));
  }
  server.write(
    "INSERT INTO library_roots (name, path, mode) VALUES ('pics', ?, 'in_place')",
    folder,
  );
  await run(server, "/library/scan", {});
  assertEquals((await server.json("/api/images")).body.total, 23);
  for (const name of names.slice(0, 15)) await Deno.remove(join(folder, name));
  await run(server, "/library/scan", {});
  const asking = (await openPage(server, "/library")).text;
  assertStringIncludes(asking, "15 of 20 recorded files");
  assertStringIncludes(asking, "It was only unplugged");
  assert(!asking.includes("--accept-missing"), "nothing is to be typed");
  const [, action] = /action="(\/library\/watch\/[^"]+)"/.exec(asking)!;
  const { page } = await run(server, action, {});
  assertStringIncludes(page, "15 missing");
  const again = await submitForm(server, "/library/watch/%3Cb%3E/accept");
  const told = await openPage(server, again.location!);
  assertStringIncludes(told.text, "no folder &quot;&lt;b&gt;&quot;");
});

Deno.test("POST /library/tags/import takes the file of a form", async () => {
  await using server = await startSome();
  const form = new FormData();
  form.set("numbering", "danbooru");
  form.set("list", new File(['miku,4,100,"hatsune"\nbad row\n'], "tags <b>.csv"));
  const { task, page } = await run(server, "/library/tags/import", form);
  assertEquals(task.state, "succeeded", JSON.stringify(task.error));
  assertStringIncludes(page, "1 row used");
  assertStringIncludes(page, "Line 2:");
  const found = await server.json("/api/images?q=hatsune");
  assertEquals(found.body.total, 1);
  const uploads = join(server.library.paths.data, "uploads");
  assertEquals([...Deno.readDirSync(uploads)], [], "what was sent is gone");
});

Deno.test("POST /library/tags/import says on the page what is wrong with a form", async () => {
  await using server = await startSome();
  const empty = new FormData();
  empty.set("numbering", "auto");
  empty.set("list", new File([], ""));
  const other = new FormData();
  other.set("numbering", "<x>");
  other.set("list", new File(["a,0,1,\n"], "a.csv"));
  for (const [form, words] of [[empty, "nothing in the file"], [other, "&lt;x&gt;"]] as const) {
    const { location } = await submitForm(server, "/library/tags/import", form);
    assertMatch(location!, /^\/library\?done=/);
    assertStringIncludes((await openPage(server, location!)).text, words);
  }
  const plain = await submitForm(server, "/library/tags/import", { list: "a" });
  assertMatch((await openPage(server, plain.location!)).text, /not a form with a file/);
});

Deno.test("what runs already is shown and not started twice", async () => {
  await using server = await startSome();
  const held = Promise.withResolvers<void>();
  const { id } = server.library.tasks.start("backup", () => held.promise);
  const { location } = await submitForm(server, "/library/backup");
  assert(location!.startsWith(`/tasks/${id}?done=`));
  const { text } = await openPage(server, location!);
  assertStringIncludes(text, "running already");
  assertStringIncludes(text, `<meta http-equiv="refresh" content="2"`);
  held.resolve();
  await endOfTask(server, location);
});

Deno.test("other sites cannot start or cancel anything", async () => {
  await using server = await startSome();
  const held = Promise.withResolvers<void>();
  const { id } = server.library.tasks.start("held", () => held.promise);
  const paths = ["backup", "check", "dedupe", "reload", "scan", "tags/import", "watch/x/accept"]
    .map((path) => `/library/${path}`);
  for (const path of [...paths, "/duplicates/keep", "/duplicates/remove", `/tasks/${id}/cancel`]) {
    const answer = await submitForm(server, path, {}, { origin: "https://example.com" });
    assertEquals(answer.status, 403, path);
  }
  assertEquals(server.library.tasks.list().length, 1);
  held.resolve();
  await until("it ends", () => server.library.tasks.get(id)!.endedAt !== null);
});
