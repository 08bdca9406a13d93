import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { assertFailure, idsOf, search, startBooru } from "./danbooru_support.ts";
import { makeSample, md5, type TestServer } from "./support.ts";

/** Every field of a post as the site serves it, with what it may hold. */
const POST_TYPES: Record<string, string> = {
  id: "number",
  created_at: "time",
  uploader_id: "number",
  score: "number",
  source: "string",
  md5: "string",
  last_comment_bumped_at: "time|null",
  rating: "string",
  image_width: "number",
  image_height: "number",
  tag_string: "string",
  fav_count: "number",
  file_ext: "string",
  last_noted_at: "time|null",
  parent_id: "number|null",
  has_children: "boolean",
  approver_id: "number|null",
  tag_count_general: "number",
  tag_count_artist: "number",
  tag_count_character: "number",
  tag_count_copyright: "number",
  file_size: "number",
  up_score: "number",
  down_score: "number",
  is_pending: "boolean",
  is_flagged: "boolean",
  is_deleted: "boolean",
  tag_count: "number",
  updated_at: "time",
  is_banned: "boolean",
  pixiv_id: "number|null",
  last_commented_at: "time|null",
  has_active_children: "boolean|null",
  bit_flags: "number",
  tag_count_meta: "number",
  has_large: "boolean",
  has_visible_children: "boolean",
  media_asset: "object",
  tag_string_general: "string",
  tag_string_character: "string",
  tag_string_copyright: "string",
  tag_string_artist: "string",
  tag_string_meta: "string",
  file_url: "string",
  large_file_url: "string",
  preview_file_url: "string",
};

const ASSET_TYPES: Record<string, string> = {
  id: "number",
  created_at: "time",
  updated_at: "time",
  md5: "string",
  file_ext: "string",
  file_size: "number",
  image_width: "number",
  image_height: "number",
  duration: "number|null",
  status: "string",
  file_key: "string",
  is_public: "boolean",
  pixel_hash: "string",
  variants: "object",
};

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/;

function assertTypes(object: Record<string, unknown>, types: Record<string, string>): void {
  assertEquals(Object.keys(object).toSorted(), Object.keys(types).toSorted());
  for (const [name, allowed] of Object.entries(types)) {
    const value = object[name];
    const isTime = typeof value === "string" && TIME.test(value);
    const type = value === null ? "null" : typeof value;
    const isFine = allowed.split("|").some((one) => one === type || (one === "time" && isTime));
    assert(isFine, `${name} is ${JSON.stringify(value)} and not ${allowed}`);
  }
}

/** Tests that only read: one server answers them all. */
const READS = new Map<string, (server: TestServer) => Promise<void>>();

READS.set(
  "a post has every field of the site, in its type, whatever is known of it",
  async (server) => {
    const { body } = await server.json("/posts.json");
    assertEquals(body.length, 4);
    for (const post of body) {
      assertTypes(post, POST_TYPES);
      assertTypes(post.media_asset, ASSET_TYPES);
      assertMatch(post.rating, /^[gsqe]$/);
      assertMatch(post.media_asset.file_key, /^[0-9A-Za-z]{9}$/);
      assertMatch(post.media_asset.pixel_hash, /^[0-9a-f]{32}$/);
      const { variants } = post.media_asset;
      assertEquals(variants.at(-1).type, "original", "clients take the last one for the file");
      assertEquals(variants.at(-1).url, post.file_url);
    }
  },
);

Deno.test("a post says what the library knows", async () => {
  await using server = await startBooru();
  const { body: post } = await server.json("/posts/1.json");
  assertEquals(post.id, 1);
  assertEquals(post.md5, md5(await makeSample(1)));
  assertEquals(post.created_at, "2024-01-05T12:30:00.000+00:00");
  assertEquals([post.image_width, post.image_height, post.file_ext], [1000, 500, "png"]);
  assertEquals([post.score, post.up_score, post.down_score, post.fav_count], [10, 10, 0, 3]);
  assertEquals([post.source, post.pixiv_id], ["https://www.pixiv.net/artworks/123", 123]);
  assertEquals(post.rating, "g");
  assertEquals(post.tag_string, "hatsune_miku highres solo vocaloid wlop");
  assertEquals(post.tag_string_general, "solo");
  assertEquals(post.tag_string_character, "hatsune_miku");
  assertEquals(post.tag_string_copyright, "vocaloid");
  assertEquals(post.tag_string_artist, "wlop");
  assertEquals(post.tag_string_meta, "highres");
  assertEquals([post.tag_count, post.tag_count_general, post.tag_count_meta], [5, 1, 1]);
  assertEquals([post.parent_id, post.has_children, post.has_visible_children], [null, true, true]);
  const thumbnail = post.media_asset.variants[0];
  assertEquals([thumbnail.width, thumbnail.height], [360, 180]);
});

READS.set(
  "what nobody knows has a neutral value: never null where clients do not expect it",
  async (server) => {
    const [four, three, two] = (await server.json("/posts.json")).body;
    assertEquals([four.tag_string, four.tag_string_artist, four.source], ["", "", ""]);
    assertEquals([four.rating, three.rating], ["q", "q"]);
    assertEquals([four.image_width, four.image_height], [0, 0]);
    assertEquals(four.created_at, "1970-01-01T00:00:00.000+00:00");
    assertEquals([two.parent_id, two.score, two.up_score, two.down_score], [1, -3, 0, -3]);
    assertEquals(two.rating, "e");
    // A species is general there, and a rating is no tag.
    assertEquals([three.tag_string_general, three.tag_count], ["hat wolf", 2]);
    assertEquals(two.tag_string, "hat solo");
  },
);

Deno.test("a whole number of seconds is written with a fraction", async () => {
  await using server = await startBooru();
  server.write(
    `INSERT INTO image_media (image_id, file_ext, size_bytes, duration_ms) VALUES
     (3, 'mp4', 5000000000, 4000), (4, 'webm', 7, 1500)`,
  );
  await server.library.core.poll();
  const text = await (await server.request("/posts/3.json")).text();
  assert(text.includes('"duration":4.0,'), text);
  assertEquals(JSON.parse(text).file_size, 5_000_000_000);
  const { body } = await server.json("/posts/4.json");
  assertEquals(body.media_asset.duration, 1.5);
});

Deno.test("addresses are absolute, of the host that was asked, and lead to the bytes", async () => {
  await using server = await startBooru();
  const { body: post } = await server.json("http://localhost:8123/posts/1.json");
  for (const name of ["file_url", "large_file_url", "preview_file_url"]) {
    assertMatch(post[name], /^http:\/\/localhost:8123\//);
  }
  const response = await server.request(new URL(post.file_url).pathname);
  assertEquals(md5(new Uint8Array(await response.arrayBuffer())), post.md5);
  const thumbnail = await server.request(new URL(post.preview_file_url).pathname);
  assertEquals(thumbnail.status, 200);
  await thumbnail.body?.cancel();
});

READS.set("lists page by number without an end, and by id the newest first", async (server) => {
  const cases: [string, number[]][] = [
    ["", [4, 3, 2, 1]],
    ["tags=", [4, 3, 2, 1]],
    ["tags=solo", [2, 1]],
    ["tags=no_such_tag", []],
    // The npm client begins to count at 0.
    ["page=0", [4, 3, 2, 1]],
    ["page=x", [4, 3, 2, 1]],
    ["limit=2", [4, 3]],
    ["limit=2&page=2", [2, 1]],
    ["limit=0", [4]],
    ["limit=9999", [4, 3, 2, 1]],
    ["page=5000", []],
    ["page=b3", [2, 1]],
    ["page=B3&limit=1", [2]],
    ["page=b0", []],
    ["page=a1&limit=2", [3, 2]],
    ["page=a4", []],
    ["page=a99999999999", []],
    // gallery-dl goes on so after every search, whatever its order.
    ["tags=order:score&page=b4", [3, 2, 1]],
    ["tags=order:score", [1, 3, 4, 2]],
    ["tags=limit:3", [4, 3, 2]],
    ["tags=limit:3&limit=1", [4]],
    ["tags=-pool:any+limit:1", [4]],
    ["tags=miku", [1]],
    ["tags=rating:g", [1]],
    ["tags=pool:hats,_all", [3, 2]],
    ["tags=ordpool:1", [3, 2]],
    ["tags=parent:1", [2, 1]],
  ];
  for (const [query, ids] of cases) assertEquals(await search(server, query), ids, query);
});

READS.set("md5= and /posts/random answer one post and not a list", async (server) => {
  const hash = md5(await makeSample(2));
  assertEquals((await server.json(`/posts.json?md5=${hash}`)).body.id, 2);
  assertEquals((await server.json(`/posts.json?md5=${hash.toUpperCase()}`)).body.id, 2);
  for (const wrong of ["0".repeat(32), "xyz"]) {
    assertFailure(
      await server.json(`/posts.json?md5=${wrong}`),
      404,
      "ActiveRecord::RecordNotFound",
    );
  }
  const seen = new Set<number>();
  for (let i = 0; i < 40; i++) {
    seen.add((await server.json("/posts/random.json?tags=solo")).body.id);
  }
  assertEquals([...seen].sort(), [1, 2]);
  const none = await server.json("/posts/random.json?tags=no_such_tag");
  assertFailure(none, 404, "ActiveRecord::RecordNotFound");
});

READS.set("random=true leads to a search by chance", async (server) => {
  const response = await server.request("/posts.json?tags=solo&random=true&limit=2");
  assertEquals(response.status, 302);
  const location = response.headers.get("location")!;
  assertEquals(new URL(location, "http://x").searchParams.get("tags"), "solo random:2");
  assertEquals(idsOf(await server.json(location)).sort(), [1, 2]);
});

READS.set("random[]= and post[tags]= lead there too, and never back", async (server) => {
  const location = async (query: string) => {
    const response = await server.request(`//posts.json?${query}`);
    assertEquals(response.status, 302, query);
    return response.headers.get("location")!;
  };
  // A path that began with two slashes would be another host.
  assertEquals(await location("random[]=true&limit=2"), "/posts.json?limit=2&tags=random%3A2");
  const found = await location("random[x]=y&random=1&post[tags]=solo");
  assertEquals(new URL(found, "http://x").searchParams.get("tags"), "solo random:20");
  assertEquals(new URL(found, "http://x").searchParams.has("random"), false);
});

READS.set("slashes too many and a line feed are no reason to answer as a page", async (server) => {
  for (const path of ["//posts.json", "/posts.json/", "///posts.json"]) {
    assertEquals(idsOf(await server.json(path)), [4, 3, 2, 1], path);
  }
  for (const path of ["/wiki_pages/a%0Ab.json", "/posts//99.json/"]) {
    assertFailure(await server.json(path), 404, "ActiveRecord::RecordNotFound");
  }
  for (const path of ["/session.json", "/status.json"]) {
    assertFailure(await server.json(path), 404, "ActionController::RoutingError");
  }
});

READS.set(
  "addresses have the host that was checked, whatever the request line says",
  async (server) => {
    const headers = { host: "127.0.0.1:5000" };
    const { body } = await server.json("http://evil.example/posts/1.json", { headers });
    assertMatch(body.file_url, /^http:\/\/127\.0\.0\.1:5000\//);
  },
);

READS.set("safe_mode shows what is rated general, whatever the search", async (server) => {
  assertEquals(await search(server, "safe_mode=true"), [1]);
  assertEquals(await search(server, "safe_mode=true&tags=solo+or+hat"), [1]);
  assertEquals(await search(server, "safe_mode=1&tags=order:score+solo"), [1]);
  assertEquals(await search(server, "safe_mode=false"), [4, 3, 2, 1]);
  const through = await server.json("/posts.json?safe_mode=true&tags=hat)+or+(solo");
  assertFailure(through, 422, "PostQuery::Error");
});

READS.set("only= cuts posts down and brings what belongs to them", async (server) => {
  const { body } = await server.json(
    "/posts.json?only=id,md5,no_such,media_asset[file_ext]&limit=1",
  );
  assertEquals(Object.keys(body[0]), ["id", "md5", "media_asset"]);
  assertEquals(body[0].media_asset, { file_ext: "png" });
  // What gallery-dl asks for with its option "metadata".
  const only = "artist_commentary,children,notes,parent,uploader,id";
  const [, , two, one] = (await server.json(`/posts.json?only=${only}`)).body;
  assertEquals(Object.keys(two).toSorted(), only.split(",").toSorted());
  assertEquals([two.parent.id, two.children, two.notes, two.artist_commentary], [1, [], [], null]);
  assertEquals([one.parent, one.children.map(({ id }: { id: number }) => id)], [null, [2]]);
  assertEquals(two.uploader.name, "owner");
  const { body: metadata } = await server.json("/posts/1.json?only=media_metadata");
  assertEquals(metadata, { media_metadata: { id: 1, media_asset_id: 1, metadata: {} } });
});

READS.set("counts are exact", async (server) => {
  assertEquals((await server.json("/counts/posts.json")).body, { counts: { posts: 4 } });
  assertEquals((await server.json("/counts/posts.json?tags=solo")).body, { counts: { posts: 2 } });
  assertEquals((await server.json("/counts/posts.json?tags=nothing")).body, {
    counts: { posts: 0 },
  });
});

READS.set(
  "explore lists what was added in a day, a week or a month, the best first",
  async (server) => {
    const popular = async (query: string) =>
      idsOf(await server.json(`/explore/posts/popular.json?${query}`));
    assertEquals(await popular("date=2024-1-6"), [3, 2]);
    assertEquals(await popular("date=2024-01-05&scale=day"), [1]);
    // The sixth was a Saturday, the last day of its week.
    assertEquals(await popular("date=2024-01-06&scale=week"), [1, 3, 2]);
    assertEquals(await popular("date=2024-01-07&scale=week"), []);
    assertEquals(await popular("date=2024-01-31&scale=month&limit=2"), [1, 3]);
    assertEquals(await popular(""), []);
    for (const date of ["2024-02-31", "0099-01-01", "1969-12-31", "10000-01-01"]) {
      const wrong = await server.json(`/explore/posts/popular.json?date=${date}`);
      assertFailure(wrong, 400, "ActionController::BadRequest");
    }
    // A week may reach beyond the calendar.
    for (const date of ["9999-12-31", "1970-01-01"]) {
      for (const scale of ["day", "week", "month"]) {
        await popular(`date=${date}&scale=${scale}`);
      }
    }
    assertEquals((await server.json("/explore/posts/viewed.json")).body, []);
    assertEquals((await server.json("/explore/posts/searches.json")).body, []);
  },
);

READS.set("a search that does not parse is 422 and says why", async (server) => {
  for (const query of ["(", "order:sorce", "solo or", "-order:score", "width:wide"]) {
    const answer = await server.json(`/posts.json?tags=${encodeURIComponent(query)}`);
    assertFailure(answer, 422, "PostQuery::Error");
    assertNotEquals(answer.body.message, "");
  }
  const count = await server.json("/counts/posts.json?tags=(");
  assertFailure(count, 422, "PostQuery::Error");
});

READS.set("what is not there is 404, and an ending that nobody knows 406", async (server) => {
  for (
    const path of ["/posts/99.json", "/posts/0.json", "/posts/x.json", "/posts/9999999999.json"]
  ) {
    assertFailure(await server.json(path), 404, "ActiveRecord::RecordNotFound");
  }
  assertFailure(await server.json("/posts/1/nothing.json"), 404, "ActionController::RoutingError");
  for (const path of ["/posts.yaml", "/posts/1.atom", "/tags.rss", "/posts.jpg"]) {
    assertFailure(await server.json(path), 406, "ActionController::UnknownFormat");
  }
  // Whatever the client says that it accepts.
  const answer = await server.json("/posts.json", { headers: { accept: "text/html" } });
  assertEquals(answer.status, 200);
  assertMatch(answer.headers.get("content-type")!, /^application\/json\b/);
});

Deno.test("before anything is loaded the API says so, and never that there is nothing", async () => {
  await using server = await startBooru({ isLoaded: false });
  for (const path of ["/posts.json", "/posts/1.json", "/counts/posts.json", "/tags.json"]) {
    const answer = await server.json(path);
    assertEquals([answer.status, answer.body.success], [503, false], path);
  }
});

READS.set(
  "pages keep their addresses, and the first one shows the mark that clients look for",
  async (server) => {
    for (const path of ["/posts", "/posts/1", "/posts?tags=solo", "/tags"]) {
      const response = await server.request(path, { headers: { accept: "text/html" } });
      assertEquals(response.status, 200, path);
      assertMatch(response.headers.get("content-type")!, /^text\/html/);
      assert((await response.text()).includes("Running Danbooru v2"), path);
    }
    const first = await server.request("/");
    assertEquals([first.status, first.headers.get("location")], [302, "/posts"]);
  },
);

READS.set("no page of another origin may read the library", async (server) => {
  const init = { headers: { origin: "https://example.org" } };
  for (const path of ["/posts.json", "/posts/1.json", "/profile.json", "/posts/99.json"]) {
    const { headers } = await server.json(path, init);
    assertEquals(headers.get("access-control-allow-origin"), null, path);
    assertEquals(headers.get("cross-origin-resource-policy"), "same-origin", path);
  }
  const elsewhere = await server.json("/posts.json", { headers: { host: "example.org" } });
  assertFailure(elsewhere, 403, "User::PrivilegeError");
});

READS.set("the same lists can be had as XML", async (server) => {
  const response = await server.request("/posts.xml?tags=hat&limit=1");
  assertMatch(response.headers.get("content-type")!, /^application\/xml/);
  const text = await response.text();
  assertMatch(text, /<posts type="array"><post><id type="integer">3<\/id>/);
  assertMatch(text, /<tag-string>hat wolf<\/tag-string>/);
  assertMatch(text, /<parent-id nil="true"\/>/);
  assertMatch(await (await server.request("/tags.xml")).text(), /<tags type="array"><tag><id /);
  const wrong = await server.request("/posts.xml?tags=(");
  assertEquals(wrong.status, 422);
  assertMatch(
    await wrong.text(),
    /<result><success type="boolean">false<\/success><error>PostQuery::Error<\/error><message>/,
  );
});

READS.set("clients of Danbooru 1 find posts and tags at their old addresses", async (server) => {
  const { body } = await server.json("/post/index.json?tags=hatsune_miku&limit=5");
  assertEquals(body.length, 1);
  assertEquals([body[0].id, body[0].width, body[0].height, body[0].rating], [1, 1000, 500, "g"]);
  assertEquals(body[0].tags, "hatsune_miku highres solo vocaloid wlop");
  assertMatch(body[0].file_url, /^http:\/\/localhost\/files\/1\//);
  const { body: tags } = await server.json("/tag/index.json?order=count&limit=2");
  assertEquals(tags.map(({ name, count }: { name: string; count: number }) => [name, count]), [
    ["solo", 2],
    ["hat", 2],
  ]);
});

READS.set("a media asset is the file of a post", async (server) => {
  const { body } = await server.json("/media_assets/2.json");
  assertTypes(body, ASSET_TYPES);
  assertEquals((await server.json("/media_assets/2.json?only=post[id]")).body, { post: { id: 2 } });
  assertFailure(await server.json("/media_assets/9.json"), 404, "ActiveRecord::RecordNotFound");
});

Deno.test("reads of posts", async (context) => {
  await using server = await startBooru();
  for (const [name, test] of READS) await context.step(name, () => test(server));
});
