import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { type Picture, startServer, type TestServer } from "./support.ts";

const TAGS = [{ name: "hat" }, { name: "miku", category: "character" }, {
  name: "rating:general",
  category: "rating",
}];
const PICTURES: Picture[] = [
  { tags: ["hat", "miku", "rating:general"], sourceUrl: "https://example.com/post/1" },
  { tags: ["hat"] },
  { tags: [] },
];

function startSome(): Promise<TestServer> {
  return startServer({ tags: TAGS, pictures: PICTURES });
}

/** A page as a browser asks for it. */
async function open(server: TestServer, path: string) {
  const response = await server.request(path, { headers: { accept: "text/html,*/*;q=0.8" } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A form as a browser sends it; its fields are those of the page, changed. */
async function submit(
  server: TestServer,
  path: string,
  fields: Record<string, string> = {},
  accept = "text/html",
) {
  const response = await server.request(path, {
    method: "POST",
    headers: { accept, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields),
  });
  return {
    status: response.status,
    location: response.headers.get("location"),
    text: await response.text(),
  };
}

async function tagsOf(server: TestServer, id: number): Promise<string[]> {
  const { body } = await server.json(`/api/images/${id}`);
  const rating = body.rating === null ? [] : [`rating:${body.rating}`];
  return [...Object.values<string[]>(body.tags).flat(), ...rating].sort();
}

Deno.test("GET / leads to /posts", async () => {
  await using server = await startSome();
  const response = await server.request("/");
  assertEquals([response.status, response.headers.get("location")], [302, "/posts"]);
});

Deno.test("pages are HTML with the posts, tags and trash of the library", async () => {
  await using server = await startSome();
  for (
    const [path, wanted] of [
      ["/posts", "/posts/3"],
      ["/posts?q=miku", "/posts/1?q=miku"],
      ["/posts?tags=miku", "/posts/1?q=miku"],
      ["/posts/1", "https://example.com/post/1"],
      ["/tags", "miku"],
      ["/tags?prefix=MI", "miku"],
      ["/trash", "empty"],
    ]
  ) {
    const page = await open(server, path);
    assertEquals(page.status, 200, path);
    assertMatch(page.headers.get("content-type")!, /^text\/html\b.*utf-8/i);
    assertStringIncludes(page.text, wanted, path);
    assertMatch(page.text, /^<!DOCTYPE html>/i);
  }
  const found = await open(server, "/posts?q=miku");
  assert(!found.text.includes('href="/posts/2'), "posts that do not match");
});

Deno.test("an empty library says how to add pictures", async () => {
  await using server = await startServer();
  const { status, text } = await open(server, "/posts");
  assertEquals(status, 200);
  assertStringIncludes(text, "task import");
  assertStringIncludes(text, server.folder);
});

Deno.test("pages answer while the library loads, and say that it loads", async () => {
  await using server = await startServer({ pictures: PICTURES, isLoaded: false });
  for (const path of ["/posts", "/posts?q=hat", "/tags", "/trash"]) {
    const { status, text } = await open(server, path);
    assertEquals(status, 200, path);
    assertMatch(text, /loading the library/i, path);
  }
  const post = await open(server, "/posts/1");
  assertEquals(post.status, 503);
  await server.library.core.cache.loadDataFromDb({ verbose: false });
  const { text } = await open(server, "/posts");
  assert(!/loading the library/i.test(text));
});

Deno.test("GET /posts answers a search that does not parse with 400, its place and a better one", async () => {
  await using server = await startSome();
  const { status, text } = await open(server, "/posts?q=hat+-+miku");
  assertEquals(status, 400);
  assertStringIncludes(text, "character 5");
  assertStringIncludes(text, `/posts?q=${encodeURIComponent("hat -miku")}`);
  assertStringIncludes(text, 'href="/help/search"');
  for (const bad of ["limit=0", "limit=201", "limit=x", "page=0", "page=x"]) {
    const page = await open(server, `/posts?${bad}`);
    assertEquals(page.status, 400, bad);
    const expected = bad.startsWith("limit") ? "limit is a whole number from 1 to 200" : "page";
    assertStringIncludes(page.text, expected, bad);
  }
});

Deno.test("GET /posts suggests known tags for unknown ones", async () => {
  await using server = await startSome();
  const { status, text } = await open(server, "/posts?q=miko");
  assertEquals(status, 200);
  assertStringIncludes(text, "/posts?q=miku");
  const both = await open(server, "/posts?q=-xyz+hat+mikku");
  assert(both.text.indexOf(">mikku<") < both.text.indexOf(">xyz<"), "what is left out comes last");
  assertStringIncludes(both.text, `/posts?q=${encodeURIComponent("-xyz hat miku")}`);
  const metatag = await open(server, "/posts?q=hat+scor%3A>5");
  assertStringIncludes(metatag.text, `/posts?q=${encodeURIComponent("hat score:>5")}`);
});

Deno.test("GET /posts keeps what was typed of an order by chance", async () => {
  await using server = await startSome();
  const { text } = await open(server, "/posts?q=order:random+limit:1");
  assertStringIncludes(text, `value="order:random limit:1"`);
  assertMatch(text, /page=2" rel="next"/);
  const [, seed] = /q=order%3Arandom%3A(\d+)%20limit%3A1&amp;page=2"/.exec(text)!;
  assert(Number(seed) > 0);
  assertMatch(text, /href="\/posts\?q=order%3Arandom%20limit%3A1">Shuffle again/);
  assertMatch(text, new RegExp(`/posts/\\d\\?q=order%3Arandom%3A${seed}`));
});

Deno.test("GET /posts names a tag that was read as an operator", async () => {
  await using server = await startServer({ pictures: [{ tags: ["-_-"] }, { tags: [] }] });
  const { text } = await open(server, "/posts?q=-_-");
  assertStringIncludes(text, "There is a tag");
  assertStringIncludes(text, `/posts?q=${encodeURIComponent('tag:"-_-"')}`);
  const found = await open(server, `/posts?q=${encodeURIComponent('tag:"-_-"')}`);
  assertStringIncludes(found.text, "1 post<");
});

Deno.test("GET /posts lists the most frequent of many tags", async () => {
  const tags = Array.from({ length: 150 }, (_, i) => `tag_${i}`);
  await using server = await startServer({
    pictures: [{ tags }, { tags: ["tag_149", "tag_148"] }],
  });
  const { text } = await open(server, "/posts");
  assertStringIncludes(text, "The 80 most frequent of 150.");
  for (const name of ["tag_149", "tag_148"]) assertStringIncludes(text, `<bdi>${name}</bdi>`);
});

Deno.test("GET /help/search explains the language", async () => {
  await using server = await startSome();
  const { status, text } = await open(server, "/help/search");
  assertEquals(status, 200);
  assertStringIncludes(text, "Search help");
});

Deno.test("POST /posts/:id/favourite makes a favourite and takes it back", async () => {
  await using server = await startSome();
  const total = async () => (await server.json("/api/images?q=fav:me")).body.total;
  const answer = await submit(server, "/posts/2/favourite", { favourite: "yes", q: "hat" });
  assertEquals([answer.status, answer.location], [303, "/posts/2?q=hat"]);
  assertEquals(await total(), 1);
  assertMatch((await open(server, "/posts/2")).text, /aria-pressed="true"/);
  assertEquals((await submit(server, "/posts/2/favourite", { favourite: "no" })).status, 303);
  assertEquals(await total(), 0);
  assertMatch((await open(server, "/posts/2")).text, /aria-pressed="false"/);
  assertEquals((await submit(server, "/posts/2/favourite", { favourite: "?" })).status, 400);
  assertEquals((await submit(server, "/posts/99/favourite", { favourite: "yes" })).status, 404);
});

Deno.test("what is not there is a page for people and a problem for programs", async () => {
  await using server = await startSome();
  for (const path of ["/nothing", "/posts/99", "/posts/abc", "/files/99/x.png", "/assets/x"]) {
    const page = await open(server, path);
    assertEquals(page.status, 404, path);
    assertMatch(page.headers.get("content-type")!, /^text\/html/, path);
    for (const accept of ["*/*", "application/json", ""]) {
      const response = await server.request(path, { headers: { accept } });
      assertEquals(response.status, 404, path);
      assertMatch(response.headers.get("content-type")!, /^application\/problem\+json/, accept);
      assertEquals((await response.json()).code, "not_found");
    }
  }
  const api = await open(server, "/api/images/99");
  assertMatch(api.headers.get("content-type")!, /^application\/problem\+json/);
});

Deno.test("POST /posts/:id/tags saves what was changed and leads back with 303", async () => {
  await using server = await startSome();
  const answer = await submit(server, "/posts/1/tags", {
    old_tags: "hat miku",
    tags: "miku  new_one\nartist:painter",
    old_rating: "general",
    rating: "explicit",
    q: "hat & more",
  });
  assertEquals(answer.status, 303);
  const location = new URL(answer.location!, "http://localhost");
  assertEquals([location.origin, location.pathname], ["http://localhost", "/posts/1"]);
  assertEquals(location.searchParams.get("q"), "hat & more");
  assertEquals(await tagsOf(server, 1), ["miku", "new_one", "painter", "rating:explicit"]);
  const shown = await open(server, answer.location!);
  assertMatch(shown.text, /Saved/);
  const again = await open(server, answer.location!);
  assert(!/Saved/.test(again.text), "the message is shown once");
});

Deno.test("POST /posts/:id/tags leaves alone what others changed since the page was opened", async () => {
  await using server = await startSome();
  await server.send("PUT", "/api/images/1/tags", { add: ["theirs"], remove: ["hat"] });
  const answer = await submit(server, "/posts/1/tags", {
    old_tags: "hat miku",
    tags: "hat miku mine",
    old_rating: "general",
    rating: "general",
  });
  assertEquals(answer.status, 303);
  assertEquals(await tagsOf(server, 1), ["miku", "mine", "rating:general", "theirs"]);
});

Deno.test("POST /posts/:id/tags takes the rating away", async () => {
  await using server = await startSome();
  const fields = { old_tags: "hat", tags: "hat", old_rating: "general", rating: "" };
  assertEquals((await submit(server, "/posts/1/tags", fields)).status, 303);
  assertEquals(await tagsOf(server, 1), ["hat", "miku"]);
});

Deno.test("POST /posts/:id/tags shows what was typed again when it cannot be saved", async () => {
  await using server = await startSome();
  const fields = { old_tags: "hat", tags: "hat -oops typed", old_rating: "", rating: "sensitive" };
  const answer = await submit(server, "/posts/2/tags", fields);
  assertEquals(answer.status, 400);
  assertStringIncludes(answer.text, "hat -oops typed");
  assertMatch(answer.text, /role="alert"/);
  assertEquals(await tagsOf(server, 2), ["hat"]);
  assertEquals((await submit(server, "/posts/99/tags", fields)).status, 404);
  const conflict = await submit(server, "/posts/2/tags", { old_tags: "", tags: "artist:miku" });
  assert([400, 409].includes(conflict.status));
  assertStringIncludes(conflict.text, "artist:miku");
});

Deno.test("forms that nobody filled in are 400, not 500", async () => {
  await using server = await startSome();
  for (
    const [type, body] of [
      ["multipart/form-data; boundary=x", "no parts at all"],
      ["multipart/form-data", "--x"],
    ]
  ) {
    const response = await server.request("/posts/1/tags", {
      method: "POST",
      headers: { "content-type": type },
      body,
    });
    assertEquals([response.status, (await response.json()).code], [400, "bad_request"], body);
  }
  const before = await tagsOf(server, 1);
  for (const type of ["text/plain", "application/json", "application/x-www-form-urlencoded"]) {
    const response = await server.request("/posts/1/tags", {
      method: "POST",
      headers: { "content-type": type },
      body: "",
    });
    await response.body?.cancel();
    assert(response.status < 500, type);
    assertEquals(await tagsOf(server, 1), before, type);
  }
});

Deno.test("POST /posts/:id/delete and /trash/:id/restore lead on with 303", async () => {
  await using server = await startSome();
  const deleted = await submit(server, "/posts/1/delete");
  assertEquals(deleted.status, 303);
  const trash = await open(server, deleted.location!);
  assertEquals(new URL(deleted.location!, "http://x").pathname, "/trash");
  assertMatch(trash.text, /Post 1 is in the trash/);
  const [, action] = /action="(\/trash\/\d+\/restore)"/.exec(trash.text)!;
  const gone = await open(server, "/posts/1");
  assertEquals(gone.status, 404);
  assertStringIncludes(gone.text, "There is no post 1: it is in the trash");
  assertStringIncludes(gone.text, '<a href="/trash">Open the trash</a>');
  assert(!(await open(server, "/posts/99")).text.includes("Open the trash"));
  assertEquals((await submit(server, "/posts/1/delete")).status, 404);
  const restored = await submit(server, action);
  assertEquals(restored.status, 303);
  const post = await open(server, restored.location!);
  assertMatch(post.text, /Post 1 is back/);
  assertEquals(await tagsOf(server, 1), ["hat", "miku", "rating:general"]);
  assertEquals((await submit(server, action)).status, 404);
});

Deno.test("POST /trash/:id/restore refuses when the content is there again", async () => {
  await using server = await startSome();
  const { md5 } = (await server.json("/api/images/2")).body;
  const { trashId } = (await server.json("/api/images/2", { method: "DELETE" })).body;
  server.write("INSERT INTO images (filepath, md5) VALUES ('again.png', ?)", md5);
  const answer = await submit(server, `/trash/${trashId}/restore`);
  assertEquals(answer.status, 409);
  assertEquals((await server.json("/api/trash")).body.entries.length, 1);
});

Deno.test("the trash shows a thumbnail of what was deleted", async () => {
  await using server = await startSome();
  const { urls } = (await server.json("/api/images/1")).body;
  await (await server.request(urls.thumbnail)).body?.cancel();
  const { trashId } = (await server.json("/api/images/1", { method: "DELETE" })).body;
  const response = await server.request(`/thumbnails/trash/${trashId}`);
  await response.body?.cancel();
  assertEquals([response.status, response.headers.get("content-type")], [200, "image/webp"]);
  assertEquals((await open(server, `/thumbnails/trash/${trashId + 1}`)).status, 404);
  const files = await Array.fromAsync(Deno.readDir(server.library.paths.trash));
  assertEquals(files.length, 1);
  await Deno.stat(join(server.library.paths.trash, files[0].name, "manifest.json"));
});
