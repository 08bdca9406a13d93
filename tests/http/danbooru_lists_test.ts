import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertFailure, idsOf, startBooru } from "./danbooru_support.ts";
import type { TestServer } from "./support.ts";

async function names(server: TestServer, path: string): Promise<string[]> {
  return (await server.json(path)).body.map(({ name }: { name: string }) => name);
}

/** Tests that only read: one server answers them all. */
const READS = new Map<string, (server: TestServer) => Promise<void>>();

READS.set("a tag has every field of the site", async (server) => {
  const { body } = await server.json("/tags.json?search[name]=hatsune_miku");
  assertEquals(body, [{
    id: 3,
    name: "hatsune_miku",
    post_count: 1,
    category: 4,
    created_at: "1970-01-01T00:00:00.000+00:00",
    updated_at: "1970-01-01T00:00:00.000+00:00",
    is_deprecated: false,
    words: ["hatsune", "miku"],
  }]);
  assertEquals((await server.json("/tags/3.json?only=name")).body, { name: "hatsune_miku" });
  assertFailure(await server.json("/tags/99.json"), 404, "ActiveRecord::RecordNotFound");
});

READS.set(
  "tags are searched by name, category and count, and listed in each order",
  async (server) => {
    const all = ["unused", "wolf", "highres", "wlop", "vocaloid", "hatsune_miku", "hat", "solo"];
    const cases: [string, string[]][] = [
      // Ratings are no tags.
      ["", all],
      ["search[order]=date", all],
      ["search[order]=name", all.toSorted()],
      ["search[order]=count&limit=3", ["solo", "hat", "hatsune_miku"]],
      ["search[order]=count&limit=3&page=2", ["vocaloid", "wlop", "highres"]],
      ["search[order]=similarity&limit=1", ["unused"]],
      ["limit=2&page=b5", ["vocaloid", "hatsune_miku"]],
      ["limit=2&page=a5", ["wolf", "highres"]],
      // A page by id is ordered by it, whatever else is said.
      ["search[order]=name&limit=2&page=b5", ["vocaloid", "hatsune_miku"]],
      ["search[order]=valueOf&limit=2", ["unused", "wolf"]],
      ["search[id]=1,3..4,>6", ["unused", "wolf", "vocaloid", "hatsune_miku", "solo"]],
      ["search[name_matches]=hat*", ["hatsune_miku", "hat"]],
      ["search[name_matches]=*Mi*", ["hatsune_miku"]],
      ["search[name_matches]=HATSUNE miku", ["hatsune_miku"]],
      ["search[name]=HAT", ["hat"]],
      ["search[name]=miku", []],
      ["search[name_or_alias_matches]=miku", ["hatsune_miku"]],
      ["search[name_comma]=solo,hat,nothing", ["hat", "solo"]],
      ["search[name_array][]=solo&search[name_array][]=hat", ["hat", "solo"]],
      ["search[category]=4", ["hatsune_miku"]],
      ["search[category]=1,3", ["wlop", "vocaloid"]],
      ["search[category]=artist", ["wlop"]],
      ["search[category]=0", ["unused", "wolf", "hat", "solo"]],
      ["search[category]=2", []],
      ["search[hide_empty]=yes&search[category]=0", ["wolf", "hat", "solo"]],
      ["search[post_count]=>1", ["hat", "solo"]],
      ["search[id]=1..3", ["hatsune_miku", "hat", "solo"]],
      ["search[name_matches]=", all],
    ];
    for (const [query, expected] of cases) {
      assertEquals(await names(server, `/tags.json?${query}`), expected, query);
    }
  },
);

Deno.test("tags that came, changed or went since the load are listed as they are", async () => {
  await using server = await startBooru();
  await server.json("/posts/4.json?post[tag_string]=aaa+zzz+artist:solo", { method: "PUT" });
  const listed = await names(server, "/tags.json?search[order]=name");
  assertEquals([listed[0], listed.at(-1)], ["aaa", "zzz"]);
  assertEquals(await names(server, "/tags.json?search[order]=count&limit=2"), ["solo", "hat"]);
  assertEquals(await names(server, "/tags.json?search[category]=1"), ["wlop", "solo"]);
  const { body } = await server.json("/tags.json?search[name]=solo");
  assertEquals([body[0].post_count, body[0].category], [3, 1]);
});

READS.set("autocomplete names what matched, and leaves blank keys out", async (server) => {
  const complete = async (text: string, type = "tag_query") => {
    const query = `search[query]=${encodeURIComponent(text)}&search[type]=${type}`;
    return (await server.json(`/autocomplete.json?${query}`)).body;
  };
  const [hat, miku] = await complete("hat");
  assertEquals([hat.type, hat.label, hat.value, hat.category, hat.post_count], [
    "tag-word",
    "hat",
    "hat",
    0,
    2,
  ]);
  assert(!("antecedent" in hat));
  assertEquals([miku.label, miku.tag.name], ["hatsune miku", "hatsune_miku"]);
  const [alias] = await complete("mik", "tag");
  assertEquals(alias.value, "hatsune_miku");
  const [exact] = await complete("miku");
  assertEquals([exact.type, exact.antecedent], ["tag-alias", "miku"]);
  const [typo] = await complete("vocalodi");
  assertEquals([typo.type, typo.value], ["tag-autocorrect", "vocaloid"]);
  // Only the last word is completed, without its operator.
  assertEquals((await complete("solo -voc"))[0].value, "vocaloid");
  const [rating] = await complete("rating:ge");
  assertEquals([rating.type, rating.label, rating.value], ["static", "general", "rating:general"]);
  assertEquals((await complete("hat", "pool"))[0].type, "pool");
  assertEquals((await complete("wl", "artist"))[0].value, "wlop");
  for (const type of ["user", "wiki_page", "emoji"]) assertEquals(await complete("a", type), []);
  assertEquals(await complete(""), []);
  assertEquals((await server.json("/autocomplete.json")).body, []);
  const limited = "/autocomplete.json?search[query]=h&search[type]=tag_query&limit=1";
  assertEquals((await server.json(limited)).body.length, 1);
});

READS.set("related tags are measured four ways, as numbers with a fraction", async (server) => {
  const response = await server.request(
    "/related_tag.json?search[query]=solo&search[order]=frequency",
  );
  const text = await response.text();
  assert(text.includes('"frequency":1.0'), text);
  const body = JSON.parse(text);
  assertEquals([body.query, body.post_count, body.tag.name], ["solo", 2, "solo"]);
  assertEquals(body.wiki_page_tags, []);
  const measured = new Map(
    // deno-lint-ignore no-explicit-any -- what is read of it is what is asserted
    body.related_tags.map(({ tag, ...rest }: any) => [tag.name, rest]),
  );
  assertEquals([...measured.keys()][0], "solo");
  // Two posts are solo, two have a hat, one both.
  assertEquals<unknown>(measured.get("hat"), {
    cosine_similarity: 0.5,
    jaccard_similarity: 1 / 3,
    overlap_coefficient: 0.5,
    frequency: 0.5,
  });
  assert(![...measured.keys()].some((name) => String(name).startsWith("rating:")));
  const artists = (await server.json("/related_tag.json?query=solo&category=artist")).body;
  assertEquals(artists.related_tags.map((one: { tag: { name: string } }) => one.tag.name), [
    "wlop",
  ]);
  const none = (await server.json("/related_tag.json?search[query]=nothing")).body;
  assertEquals([none.post_count, none.tag, none.related_tags], [0, null, []]);
  const wrong = await server.json("/related_tag.json?search[query]=(");
  assertFailure(wrong, 422, "PostQuery::Error");
});

READS.set("artists are the tags of artists", async (server) => {
  const { body } = await server.json("/artists.json?search[any_name_matches]=wl*");
  assertEquals(body.length, 1);
  const { id, name, group_name, other_names, is_deleted, is_banned } = body[0];
  assertEquals([id, name, group_name, other_names], [5, "wlop", "", []]);
  assertEquals([is_deleted, is_banned], [false, false]);
  assertEquals((await server.json("/artists/5.json?only=name,urls")).body, {
    name: "wlop",
    urls: [],
  });
  assertFailure(await server.json("/artists/1.json"), 404, "ActiveRecord::RecordNotFound");
  assertEquals(await names(server, "/artists.json?search[name]=hat"), []);
  assertEquals(await names(server, "/artists.json?search[url_matches]=http*"), []);
  assertEquals(await names(server, "/artists.json?page=2"), []);
});

READS.set("a pool has every field of the site, and its posts in reading order", async (server) => {
  assertEquals((await server.json("/pools/1.json")).body, {
    id: 1,
    name: "Hats,_all",
    created_at: "2024-01-06T00:00:00.000+00:00",
    updated_at: "2024-01-06T23:59:59.000+00:00",
    description: "of them",
    is_active: true,
    is_deleted: false,
    post_ids: [3, 2],
    category: "series",
    post_count: 2,
  });
  const { body } = await server.json("/pools/2.json");
  assertEquals([body.description, body.post_ids, body.post_count], ["", [], 0]);
  assertFailure(await server.json("/pools/9.json"), 404, "ActiveRecord::RecordNotFound");
});

READS.set("pools are searched by name, description and posts", async (server) => {
  const cases: [string, number[]][] = [
    ["", [2, 1]],
    ["search[name_contains]=hats", [1]],
    ["search[name_matches]=*ALL", [1]],
    ["search[name_contains]=hats, all", [1]],
    ["search[name]=empty", [2]],
    ["search[description_matches]=of them", [1]],
    ["search[order]=name", [2, 1]],
    ["search[order]=post_count", [1, 2]],
    ["search[post_ids_include_all]=2,3", [1]],
    ["search[post_ids_include_all]=2 4", []],
    ["search[post_ids_include_any]=2 4", [1]],
    ["search[id]=2", [2]],
    ["search[category]=series", [2, 1]],
    ["search[category]=collection", []],
    ["limit=1&page=2", [1]],
    ["page=b2", [1]],
    ["search[name]=hats,_all", [1]],
    ["search[post_ids_include_all]=2,3,2", [1]],
    ["search[order]=valueOf", [2, 1]],
    ["search[id]=1,2&search[order]=hasOwnProperty", [2, 1]],
  ];
  for (const [query, ids] of cases) {
    assertEquals(idsOf(await server.json(`/pools.json?${query}`)), ids, query);
  }
});

Deno.test("pools are made, changed and removed, and searches see it at once", async () => {
  await using server = await startBooru();
  const made = await server.send("POST", "/pools.json", {
    pool: { name: "my_new_pool", description: "d", post_ids: [4, 1], category: "series" },
  });
  assertEquals([made.status, made.body.id, made.body.name], [201, 3, "my_new_pool"]);
  assertEquals(made.body.post_ids, [4, 1]);
  assertEquals(idsOf(await server.json("/posts.json?tags=ordpool:my_new_pool")), [4, 1]);
  const form = new URLSearchParams({ "pool[post_ids_string]": "2 1 4" });
  const changed = await server.request("/pools/3.json", { method: "PUT", body: form });
  assertEquals([changed.status, await changed.text()], [204, ""]);
  assertEquals((await server.json("/pools/3.json")).body.post_ids, [2, 1, 4]);
  const added = await server.json("/pool_element.json?pool_id=3&post_id=3", { method: "POST" });
  assertEquals([added.status, added.body.post_ids], [201, [2, 1, 4, 3]]);
  const removed = await server.request("/pools/3.json", { method: "DELETE" });
  assertEquals(removed.status, 204);
  await removed.body?.cancel();
  assertFailure(await server.json("/pools/3.json"), 404, "ActiveRecord::RecordNotFound");
  assertEquals(idsOf(await server.json("/posts.json?tags=pool:my_new_pool")), []);
});

Deno.test("what a pool cannot be is 422 with the reason", async () => {
  await using server = await startBooru();
  const wrong: [string, string, Record<string, unknown>, RegExp][] = [
    ["POST", "/pools.json", { name: "HATS,_ALL" }, /taken/],
    ["POST", "/pools.json", { name: " _ " }, /empty/],
    ["POST", "/pools.json", {}, /name/],
    ["POST", "/pools.json", { name: "12" }, /id/],
    ["POST", "/pools.json", { name: "a*b" }, /wildcard/],
    ["POST", "/pools.json", { name: "x", post_ids: [99] }, /99/],
    ["POST", "/pools.json", { name: "x", post_ids: ["y"] }, /post id/],
    ["PUT", "/pools/2.json", { name: "hats, all" }, /taken/],
    ["POST", "/pools.json", { name: "\u200b" }, /empty/],
    ["POST", "/pools.json", { name: "a\u202eb" }, /control/],
    ["POST", "/pools.json", { name: "Hats,\u200b all" }, /taken/],
  ];
  for (const [method, path, pool, pattern] of wrong) {
    const answer = await server.send(method, path, { pool });
    assertFailure(answer, 422, "ActiveRecord::RecordInvalid");
    assertMatch(answer.body.errors.base[0], pattern);
  }
  const missing = await server.send("PUT", "/pools/99.json", { pool: { name: "x" } });
  assertFailure(missing, 404, "ActiveRecord::RecordNotFound");
  assertEquals(idsOf(await server.json("/pools.json")), [2, 1]);
});

READS.set("there is one user", async (server) => {
  const { body } = await server.json("/users.json?search[id]=1,2");
  assertEquals(body.length, 1);
  assertEquals([body[0].id, body[0].name, body[0].level], [1, "owner", 60]);
  assertEquals(idsOf(await server.json("/users.json?search[id]=2")), []);
  assertEquals((await server.json("/users/1.json?only=id,name")).body, { id: 1, name: "owner" });
  assertFailure(await server.json("/users/2.json"), 404, "ActiveRecord::RecordNotFound");
});

READS.set("aliases are listed", async (server) => {
  const { body } = await server.json("/tag_aliases.json?search[name_matches]=hatsune*");
  assertEquals([body[0].antecedent_name, body[0].consequent_name], ["miku", "hatsune_miku"]);
  assertEquals((await server.json("/tag_aliases.json?search[antecedent_name]=x")).body, []);
});

Deno.test("what a library has none of is an empty list, and nothing can be added to it", async () => {
  await using server = await startBooru();
  const resources = ["notes", "comments", "artist_commentaries", "post_versions", "post_votes"];
  const more = ["favorite_groups", "saved_searches", "uploads", "iqdb_queries", "media_assets"];
  for (const name of [...resources, ...more, "wiki_pages", "tag_implications", "forum_topics"]) {
    assertEquals((await server.json(`/${name}.json?search[post_id]=1`)).body, [], name);
    assertFailure(await server.json(`/${name}/77.json`), 404, "ActiveRecord::RecordNotFound");
  }
  assertFailure(await server.json("/wiki_pages/solo.json"), 404, "ActiveRecord::RecordNotFound");
  const answer = await server.json("/favorite_groups.json", { method: "POST" });
  assertFailure(answer, 422, "ActiveRecord::RecordInvalid");
});

Deno.test("reads of lists", async (context) => {
  await using server = await startBooru();
  for (const [name, test] of READS) await context.step(name, () => test(server));
});
