import { assert, assertEquals, assertMatch } from "@std/assert";
import { CATEGORY_CHANGE_IMAGES_MAX, TAG_STRING_WORDS_MAX } from "../../src/base/limits.ts";
import { assertFailure, search, startBooru } from "./danbooru_support.ts";
import { type JsonAnswer, makeSample, startServer, type TestServer } from "./support.ts";

/** Edits a post with a form, as pybooru does. */
function edit(server: TestServer, id: number, post: Record<string, string>): Promise<JsonAnswer> {
  const fields = Object.entries(post).map(([name, value]) => [`post[${name}]`, value]);
  return server.json(`/posts/${id}.json`, { method: "PUT", body: new URLSearchParams(fields) });
}

/** The tags of a post after an edit. */
async function tagsAfter(server: TestServer, id: number, post: Record<string, string>) {
  const answer = await edit(server, id, post);
  assertEquals(answer.status, 200, JSON.stringify(answer.body));
  const { body } = await server.json(`/posts/${id}.json`);
  assertEquals(answer.body, body, "the answer is the post as it is now");
  return body.tag_string;
}

Deno.test("tag_string replaces the tags, and merges when the old ones are sent along", async () => {
  await using server = await startBooru();
  assertEquals(await tagsAfter(server, 3, { tag_string: "hat new_tag" }), "hat new_tag");
  // Somebody else added "late" meanwhile: it is in neither string, and stays.
  assertEquals(await tagsAfter(server, 3, { tag_string: "hat new_tag late" }), "hat late new_tag");
  const merged = { tag_string: "new_tag other", old_tag_string: "hat new_tag" };
  assertEquals(await tagsAfter(server, 3, merged), "late new_tag other");
  // An empty old string only adds, as one client relies on.
  const added = { tag_string: "solo", old_tag_string: "" };
  assertEquals(await tagsAfter(server, 3, added), "late new_tag other solo");
  assertEquals(await tagsAfter(server, 3, { tag_string: "-late solo other" }), "other solo");
  const minus = { tag_string: "-solo", old_tag_string: "" };
  assertEquals(await tagsAfter(server, 3, minus), "other");
  assertEquals(await tagsAfter(server, 3, { tag_string: "" }), "");
});

Deno.test("an edit can come as a query, a form or JSON", async () => {
  await using server = await startBooru();
  const query = await server.json(
    "/posts/4.json?post[tag_string]=one+two&post[old_tag_string]=",
    { method: "PUT" },
  );
  assertEquals([query.status, query.body.tag_string], [200, "one two"]);
  const json = await server.send("PUT", "/posts/4.json", {
    post: { tag_string: "three", old_tag_string: "one", rating: "s", source: "here", parent_id: 1 },
  });
  assertEquals(json.body.tag_string, "three two");
  assertEquals([json.body.rating, json.body.source, json.body.parent_id], ["s", "here", 1]);
  const nothing = await server.send("PATCH", "/posts/4.json", { post: {} });
  assertEquals([nothing.status, nothing.body.tag_string], [200, "three two"]);
});

Deno.test("a rating is kept whatever the tags, and changed by its field or a word", async () => {
  await using server = await startBooru();
  const ratingAfter = async (post: Record<string, string>) =>
    (await edit(server, 1, post)).body.rating;
  assertEquals(await ratingAfter({ tag_string: "solo" }), "g");
  assertEquals(await ratingAfter({ rating: "e" }), "e");
  assertEquals(await ratingAfter({ rating: "questionable" }), "q");
  assertEquals(await ratingAfter({ tag_string: "solo rating:safe" }), "s");
  assertEquals(
    await ratingAfter({ tag_string: "solo rating:g", old_tag_string: "solo rating:s" }),
    "g",
  );
  assertEquals(await ratingAfter({ rating: "" }), "g");
  assertEquals(await search(server, "tags=rating:g"), [1]);
});

Deno.test("words of an edit set source, parent, pools and favourite, and are no tags", async () => {
  await using server = await startBooru();
  const tags = await tagsAfter(server, 4, {
    tag_string:
      `solo source:"Own  scan, \\"1\\"" parent:1 pool:1 pool:empty newpool:Some_pool fav:me rating:e`,
  });
  assertEquals(tags, "solo");
  const { body: post } = await server.json("/posts/4.json");
  assertEquals([post.source, post.parent_id, post.rating], ['Own  scan, "1"', 1, "e"]);
  const pools = (await server.json("/pools.json?search[order]=name")).body;
  assertEquals(
    pools.map(({ name, post_ids }: { name: string; post_ids: number[] }) => [name, post_ids]),
    [["Empty", [4]], ["Hats,_all", [3, 2, 4]], ["Some_pool", [4]]],
  );
  assertEquals(await search(server, "tags=fav:me"), [4]);
  const undone = "solo source:none -parent:1 -pool:1 -pool:Some_pool -fav:me";
  assertEquals(await tagsAfter(server, 4, { tag_string: undone }), "solo");
  const { body: after } = await server.json("/posts/4.json");
  assertEquals([after.source, after.parent_id], ["", null]);
  assertEquals(await search(server, "tags=fav:me"), []);
  assertEquals(await search(server, "tags=pool:any"), [4, 3, 2]);
  // Another parent than the one that is to go.
  await edit(server, 4, { parent_id: "3" });
  assertEquals((await edit(server, 4, { tag_string: "solo -parent:1" })).body.parent_id, 3);
});

Deno.test("a site's parent can be replaced, and said to be none", async () => {
  await using server = await startBooru();
  assertEquals((await edit(server, 2, { parent_id: "3" })).body.parent_id, 3);
  assertEquals((await server.json("/posts/1.json")).body.has_children, false);
  assertEquals((await server.json("/posts/3.json")).body.has_children, true);
  assertEquals((await edit(server, 2, { parent_id: "" })).body.parent_id, null);
  assertEquals((await server.json("/posts/3.json")).body.has_children, false);
});

Deno.test("prefixes give new and general tags their category", async () => {
  await using server = await startBooru();
  const { body } = await edit(server, 3, {
    tag_string: "artist:hat char:somebody co:series_(1) meta:scan gen:thing re:zero :)",
  });
  assertEquals(body.tag_string_artist, "hat");
  assertEquals(body.tag_string_character, "somebody");
  assertEquals(body.tag_string_copyright, "series_(1)");
  assertEquals(body.tag_string_meta, "scan");
  assertEquals(body.tag_string_general, ":) re:zero thing");
  // The tag is of that category everywhere.
  assertEquals((await server.json("/posts/2.json")).body.tag_string_artist, "hat");
  const clash = await edit(server, 3, { tag_string: "artist:hatsune_miku" });
  assertEquals(clash.status, 422);
  const removed = await edit(server, 3, { tag_string: "-char:somebody", old_tag_string: "" });
  assertEquals(removed.body.tag_string_character, "");
});

Deno.test("an alias is replaced by what it stands for", async () => {
  await using server = await startBooru();
  assertEquals(await tagsAfter(server, 4, { tag_string: "Miku hat" }), "hat hatsune_miku");
  const same = { tag_string: "miku hat", old_tag_string: "hatsune_miku hat" };
  assertEquals(await tagsAfter(server, 4, same), "hat hatsune_miku");
  const removed = { tag_string: "-miku", old_tag_string: "" };
  assertEquals(await tagsAfter(server, 4, removed), "hat");
});

Deno.test("what cannot be applied is 422, names the word, and changes nothing", async () => {
  await using server = await startBooru();
  const before = (await server.json("/posts/1.json")).body;
  const wrong: [Record<string, string>, RegExp][] = [
    [{ tag_string: "hat order:score" }, /order/],
    [{ tag_string: "hat upvote:me" }, /upvote/],
    [{ tag_string: "hat favgroup:1" }, /favgroup/],
    [{ tag_string: "hat score:5" }, /score/],
    [{ tag_string: "hat rating:purple" }, /purple/],
    [{ tag_string: "hat pool:99" }, /pool:99/],
    [{ tag_string: "hat pool:no_such" }, /no_such/],
    [{ tag_string: "hat parent:99" }, /parent:99/],
    [{ tag_string: "hat parent:1" }, /its own parent/],
    [{ tag_string: "hat parent:x" }, /parent:x/],
    [{ tag_string: "hat newpool:5" }, /5/],
    [{ tag_string: "hat a*b" }, /wildcard/],
    [{ tag_string: "hat foo_(bar" }, /parentheses/],
    [{ rating: "x" }, /x/],
    [{ parent_id: "99" }, /99/],
    [{ source: "a\u0000b" }, /control/],
    [{ source: "a".repeat(5_000) }, /4000/],
  ];
  for (const [post, pattern] of wrong) {
    const answer = await edit(server, 1, post);
    assertFailure(answer, 422, "ActiveRecord::RecordInvalid");
    assertMatch(answer.body.errors.base[0], pattern, JSON.stringify(post));
  }
  assertEquals((await server.json("/posts/1.json")).body, before);
  assertFailure(await edit(server, 99, { tag_string: "a" }), 404, "ActiveRecord::RecordNotFound");
});

Deno.test("a name that a post has already is a tag, however it looks", async () => {
  await using server = await startBooru();
  server.write("INSERT INTO tags (id, name) VALUES (50, 'score:5'), (51, 'x*y')");
  server.write("INSERT INTO image_tags (image_id, tag_id) VALUES (4, 50), (4, 51)");
  await server.library.core.poll();
  assertEquals(await tagsAfter(server, 4, { tag_string: "score:5 x*y hat" }), "hat score:5 x*y");
  assertEquals(await tagsAfter(server, 4, { tag_string: "hat -score:5" }), "hat");
});

Deno.test("an edit is in the history, with its time as the post's", async () => {
  await using server = await startBooru();
  const before = (await server.json("/posts/1.json")).body;
  assertEquals(before.updated_at, before.created_at);
  const { body } = await edit(server, 1, { tag_string: "solo hat" });
  assert(Math.abs(Date.parse(body.updated_at) - Date.now()) < 60_000);
  const rows = server.library.core.reader.prepare("SELECT editor, added FROM tag_edits").values();
  assertEquals(rows, [["owner", '["hat"]']]);
});

Deno.test("what an edit changes besides tags is in the journal, and moves updated_at", async () => {
  await using server = await startBooru();
  const steps = () =>
    server.library.core.reader.prepare("SELECT kind, steps FROM journal ORDER BY id")
      .values<[string, string]>().map(([kind, text]) => [kind, JSON.parse(text)]);
  const timeOf = async (id: number) => (await server.json(`/posts/${id}.json`)).body.updated_at;
  const before = await timeOf(2);
  await edit(server, 2, { source: "here", parent_id: "3" });
  assertEquals(steps(), [["post_edit", {
    imageId: 2,
    editor: "owner",
    source: { before: "", after: "here" },
    parent: { before: null, after: 3, site: { before: 700, after: 700 } },
  }]]);
  assert(await timeOf(2) > before);
  // The same again is no edit.
  const now = await timeOf(2);
  await edit(server, 2, { source: "here", parent_id: "3", tag_string: "solo hat" });
  assertEquals([steps().length, await timeOf(2)], [1, now]);
  await edit(server, 2, { parent_id: "" });
  const { replaced, ...parent } = steps()[1][1].parent;
  assertEquals(parent, { before: 3, after: null, site: { before: 700, after: null } });
  assertEquals([replaced.length, replaced[0].imageId, replaced[0].source], [1, 3, "manual"]);
  await server.json("/favorites.json?post_id=1", { method: "POST" });
  assertEquals(steps()[2][1].isFavourite, { before: false, after: true });
  const four = await timeOf(4);
  await (await server.request("/pools/1.json?pool[post_ids]=2,4", { method: "PUT" })).body
    ?.cancel();
  const pool = { name: "Hats, all", description: "of them", imageIds: [3, 2] };
  assertEquals(steps()[3], ["pool_edit", { poolId: 1, editor: "owner", before: pool }]);
  assert(await timeOf(4) > four);
});

Deno.test("a general tag of many images keeps its category, and one of few can get it back", async () => {
  const many = CATEGORY_CHANGE_IMAGES_MAX + 1;
  await using server = await startServer({
    tags: [{ name: "many" }, { name: "few" }],
    pictures: Array.from({ length: many }, (_, i) => ({
      bytes: null,
      tags: i === 0 ? ["many", "few"] : ["many"],
    })),
  });
  const refused = await edit(server, 1, { tag_string: "artist:many few" });
  assertFailure(refused, 422, "ActiveRecord::RecordInvalid");
  assertMatch(refused.body.message, /many.*without the prefix/);
  const artist = (await edit(server, 1, { tag_string: "many artist:few" })).body;
  assertEquals([artist.tag_string_artist, artist.tag_string_general], ["few", "many"]);
  assert(artist.updated_at > artist.created_at);
  const other = await edit(server, 1, { tag_string: "many char:few" });
  assertFailure(other, 422, "ActiveRecord::RecordInvalid");
  const general = (await edit(server, 1, { tag_string: "many gen:few" })).body;
  assertEquals([general.tag_string_artist, general.tag_string_general], ["", "few many"]);
  const { reader } = server.library.core;
  const deltas = reader.prepare("SELECT tag_name, tag_category, operation FROM tag_deltas")
    .values();
  assertEquals(deltas, [["few", "general", "add"]]);
});

Deno.test("a rating is taken away by its own name only", async () => {
  await using server = await startBooru();
  assertEquals((await edit(server, 1, { tag_string: "solo -rating:e" })).body.rating, "g");
  assertEquals((await edit(server, 2, { tag_string: "solo -rating:explicit" })).body.rating, "q");
  const { body } = await server.json("/api/images/2");
  assertEquals(body.rating, null);
  const wrong = await edit(server, 1, { tag_string: "solo -rating:purple" });
  assertFailure(wrong, 422, "ActiveRecord::RecordInvalid");
});

Deno.test("a rating is no other tag, by whichever way it is asked for", async () => {
  await using server = await startBooru();
  server.write(
    "INSERT INTO tag_aliases (antecedent, consequent, created_at_ms) VALUES ('q', 'rating:questionable', 0)",
  );
  await server.library.core.poll();
  for (const word of ["meta:rating:q", "artist:rating:questionable", "gen:rating:s", "meta:q"]) {
    const answer = await edit(server, 4, { tag_string: word });
    assertFailure(answer, 422, "ActiveRecord::RecordInvalid");
  }
  const tags = await server.send("PUT", "/api/images/4/tags", {
    add: ["meta:rating:q"],
    remove: [],
  });
  assertEquals(tags.status, 400);
  // What is damaged already is a rating all the same.
  server.write("INSERT INTO tags (name, category) VALUES ('rating:sensitive', 'meta')");
  assertEquals((await edit(server, 4, { rating: "s" })).body.rating, "s");
});

Deno.test("a tag that looks like a word of an edit goes by its minus, or when it is left out", async () => {
  await using server = await startServer({
    tags: ["-_-", "_-", "Foo"].map((name) => ({ name })),
    pictures: [{ tags: ["-_-", "Foo"] }],
  });
  const kept = { tag_string: "-_- Foo", old_tag_string: "-_- Foo" };
  assertEquals(await tagsAfter(server, 1, kept), "-_- Foo");
  // It was not there when the person began, so it is the removal of "_-".
  assertEquals(
    await tagsAfter(server, 1, { tag_string: "-_- Foo", old_tag_string: "" }),
    "-_- Foo",
  );
  assertEquals(await tagsAfter(server, 1, { tag_string: "--_- Foo" }), "Foo");
  assertEquals(await tagsAfter(server, 1, { tag_string: "", old_tag_string: "Foo" }), "");
});

Deno.test("a source of a file that nobody measured tells its size", async () => {
  await using server = await startBooru();
  const size = (await makeSample(4)).length;
  const { body } = await edit(server, 4, { source: "x" });
  assertEquals([body.file_size, body.file_ext], [size, "png"]);
});

Deno.test("DELETE moves a post to the trash, from where it comes back", async () => {
  await using server = await startBooru();
  const response = await server.request("/posts/3.json", { method: "DELETE" });
  assertEquals([response.status, await response.text()], [204, ""]);
  assertEquals(await search(server, ""), [4, 2, 1]);
  const again = await server.json("/posts/3.json", { method: "DELETE" });
  assertFailure(again, 404, "ActiveRecord::RecordNotFound");
  assertEquals((await server.json("/pools/1.json")).body.post_ids, [2]);
  await server.json("/api/trash/1/restore", { method: "POST" });
  assertEquals(await search(server, ""), [4, 3, 2, 1]);
});

Deno.test("favourites are made by query, form or JSON, answer the post, and go by post id", async () => {
  await using server = await startBooru();
  const made = await server.json("/favorites.json?post_id=2", { method: "POST" });
  assertEquals([made.status, made.body.id, made.body.tag_string], [201, 2, "hat solo"]);
  const form = { method: "POST", body: new URLSearchParams({ post_id: "1" }) };
  assertEquals((await server.json("/favorites.json", form)).status, 201);
  assertEquals((await server.send("POST", "/favorites.json", { post_id: 1 })).status, 201);
  const list = (await server.json("/favorites.json")).body;
  assertEquals(list.map(({ post_id }: { post_id: number }) => post_id).sort(), [1, 2]);
  assertEquals(list[0], { id: list[0].post_id, user_id: 1, post_id: list[0].post_id });
  const idsFor = async (path: string) =>
    (await server.json(path)).body.map(({ post_id }: { post_id: number }) => post_id).sort();
  assertEquals(await idsFor("/favorites.json?search[post_id]=1+3"), [1]);
  assertEquals(await idsFor("/favorites.json?search[post_id]=1,2,3&search[user_id]=1"), [1, 2]);
  assertEquals(await idsFor("/favorites.json?user_id=2"), []);
  assertEquals(await idsFor("/posts/2/favorites.json"), [2]);
  assertEquals(await idsFor("/posts/3/favorites.json"), []);
  assertEquals(await search(server, "tags=fav:whoever"), [2, 1]);
  for (let i = 0; i < 2; i++) {
    const response = await server.request("/favorites/2.json", { method: "DELETE" });
    assertEquals([response.status, await response.text()], [204, ""]);
  }
  assertEquals(await search(server, "tags=fav:me"), [1]);
  for (const id of ["99", "x", ""]) {
    const answer = await server.json(`/favorites.json?post_id=${id}`, { method: "POST" });
    assertFailure(answer, 404, "ActiveRecord::RecordNotFound");
  }
});

Deno.test("there are no votes, and a client is told so", async () => {
  await using server = await startBooru();
  const answer = await server.json("/posts/1/votes.json?score=1", { method: "POST" });
  assertFailure(answer, 422, "ActiveRecord::RecordInvalid");
  assertEquals((await server.json("/post_votes.json?search[post_id]=1")).body, []);
});

Deno.test("a body that does not parse is 400, one that is too large 413", async () => {
  await using server = await startBooru();
  const headers = { "content-type": "application/json" };
  const broken = await server.json("/posts/1.json", { method: "PUT", body: "{", headers });
  assertFailure(broken, 400, "ActionController::BadRequest");
  const body = JSON.stringify({ post: { source: "a".repeat(1_100_000) } });
  const large = await server.json("/posts/1.json", { method: "PUT", body, headers });
  assertEquals([large.status, large.body.success], [413, false]);
});

Deno.test("a body that nobody can read is 415, and nothing of it is guessed", async () => {
  await using server = await startBooru();
  const body = '{"post":{"source":"x"}}';
  for (const type of ["text/plain", "application/xml", ""]) {
    const headers = { "content-type": type };
    const answer = await server.json("/posts/1.json", { method: "PUT", body, headers });
    assertFailure(answer, 415, "ActionController::BadRequest");
  }
  // Clients name a type and send nothing.
  const headers = { "content-type": "text/plain" };
  const path = "/posts/1.json?post[source]=y";
  const empty = await server.json(path, { method: "PUT", body: "", headers });
  assertEquals([empty.status, empty.body.source], [200, "y"]);
});

Deno.test("a tag string, a list and a request have an end", async () => {
  await using server = await startBooru();
  const words = await edit(server, 1, { tag_string: "a ".repeat(TAG_STRING_WORDS_MAX + 1) });
  assertFailure(words, 422, "ActiveRecord::RecordInvalid");
  const fields = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`a${i}`, 1]));
  const bodies = [fields, { ["k".repeat(2_000)]: 1 }, { a: Array(100_001).fill(1) }];
  for (const body of bodies) {
    const answer = await server.send("PUT", "/posts/1.json", body);
    assertFailure(answer, 400, "ActionController::BadRequest");
  }
});

Deno.test("null leaves a part as it is; of source and parent it says that there is none", async () => {
  await using server = await startBooru();
  const post = { tag_string: null, old_tag_string: null, rating: null, source: null };
  const { body } = await server.send("PUT", "/posts/1.json", { post });
  assertEquals([body.tag_count, body.rating, body.source], [5, "g", ""]);
  const child = await server.send("PUT", "/posts/2.json", { post: { parent_id: null } });
  assertEquals(child.body.parent_id, null);
  const bad: [string, unknown][] = [
    ["/posts/1.json", { post: { tag_string: {} } }],
    ["/posts/1.json", { post: { source: [{}] } }],
    ["/posts/1.json", { post: { parent_id: [] } }],
    ["/pools/1.json", { pool: { post_ids: {} } }],
    ["/pools/1.json", { pool: { post_ids: [1, null] } }],
    ["/pools/1.json", { pool: { name: [] } }],
    ["/users/1.json", { user: { blacklisted_tags: [[]] } }],
  ];
  for (const [path, wrong] of bad) {
    const answer = await server.send("PUT", path, wrong);
    assertFailure(answer, 422, "ActiveRecord::RecordInvalid");
  }
  const put = (path: string, value: unknown) =>
    server.request(path, {
      method: "PUT",
      body: JSON.stringify(value),
      headers: { "content-type": "application/json" },
    });
  assertEquals((await put("/users/1.json", { user: { blacklisted_tags: "a" } })).status, 204);
  assertEquals((await put("/users/1.json", { user: { blacklisted_tags: null } })).status, 204);
  assertEquals((await server.json("/profile.json")).body.blacklisted_tags, "a");
  // A list without members is one.
  assertEquals((await put("/pools/1.json", { pool: { post_ids: [] } })).status, 204);
  assertEquals((await server.json("/pools/1.json")).body.post_ids, []);
});
