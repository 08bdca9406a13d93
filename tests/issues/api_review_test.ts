import { assert, assertEquals } from "@std/assert";
import { search, startBooru } from "../http/danbooru_support.ts";
import { listen, startServer } from "../http/support.ts";

Deno.test("a list of ids costs one look at each tag, however long the list is", async () => {
  await using server = await startServer({
    tags: Array.from({ length: 2_000 }, (_, i) => ({ name: `tag_${i}` })),
  });
  const real = String.prototype.split;
  let divisions = 0;
  String.prototype.split = function (this: string, ...given: Parameters<typeof real>) {
    if (this.length > 1_000) divisions++;
    return real.apply(this, given);
  } as typeof real;
  try {
    const ids = Array.from({ length: 400 }, (_, i) => i + 1).join(",");
    await server.json(`/tags.json?search[id]=${ids}`);
  } finally {
    String.prototype.split = real;
  }
  assert(divisions < 10, `the list was divided ${divisions} times`);
});

Deno.test("a rating behind a category's prefix is refused, and no rating becomes another tag", async () => {
  await using server = await startBooru();
  const wrong = await server.send("PUT", "/posts/2.json", {
    post: { tag_string: "meta:rating:q" },
  });
  assertEquals(wrong.status, 422, JSON.stringify(wrong.body));
  const right = await server.send("PUT", "/posts/1.json", { post: { rating: "q" } });
  assertEquals([right.status, right.body.rating], [200, "q"]);
});

Deno.test("the tags of a post sent back as they are change nothing", async () => {
  const names = ["-_-", "--x", 'x:"y"', 'source:"a"', "-rating:e", "Foo"];
  await using server = await startServer({
    tags: names.map((name) => ({ name })),
    pictures: names.map((name) => ({ tags: [name] })),
  });
  for (const [i, name] of names.entries()) {
    const path = `/posts/${i + 1}.json`;
    const { tag_string, source } = (await server.json(path)).body;
    const { body } = await server.send("PUT", path, { post: { tag_string } });
    assertEquals([body.tag_string, body.source], [name, source]);
  }
});

Deno.test("a tag string or a list of posts that is null or holds none never empties anything", async () => {
  await using server = await startBooru();
  for (const value of [null, [], [{}]]) {
    const answer = await server.send("PUT", "/posts/1.json", { post: { tag_string: value } });
    assertEquals(answer.status, value === null ? 200 : 422);
    assertEquals((await server.json("/posts/1.json")).body.tag_count, 5, JSON.stringify(value));
  }
  for (const value of [null, [{}]]) {
    const init = { method: "PUT", body: JSON.stringify({ pool: { post_ids: value } }) };
    const headers = { "content-type": "application/json" };
    await (await server.request("/pools/1.json", { ...init, headers })).body?.cancel();
    assertEquals((await server.json("/pools/1.json")).body.post_ids, [3, 2], JSON.stringify(value));
  }
});

Deno.test("no parameter makes the server fail: names of Object's methods, lists in lists", async () => {
  await using server = await startBooru();
  for (const order of ["valueOf", "hasOwnProperty", "toLocaleString"]) {
    const { status } = await server.json(`/pools.json?search[order]=${order}`);
    assertEquals(status, 200, order);
  }
  for (const list of [`${"[".repeat(50_000)}${"]".repeat(50_000)}`, `[[{"toString":1}]]`]) {
    const response = await server.request("/posts/4.json", {
      method: "PUT",
      body: `{"a":${list}}`,
      headers: { "content-type": "application/json" },
    });
    await response.body?.cancel();
    assert(response.status < 500, `${list.slice(0, 20)}: ${response.status}`);
  }
});

Deno.test("a DELETE with a body of no stated length does not spoil the next request", async () => {
  await using server = await startBooru();
  await using at = listen(server.app);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: at.port });
  const head = `DELETE /favorites/2.json HTTP/1.1\r\nHost: 127.0.0.1:${at.port}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(`${head}{"login":"me","api_key":"k"}`));
  const bytes = new Uint8Array(8_192);
  const text = new TextDecoder().decode(bytes.subarray(0, await connection.read(bytes) ?? 0));
  // As npm danbooru sends it: it uses the connection again unless it is told not to.
  assert(/^connection: close\r$/im.test(text), text);
});

Deno.test("a restored post is back in its pools at once, and a parent again", async () => {
  await using server = await startBooru();
  await server.send("PUT", "/posts/2.json", { post: { parent_id: 3 } });
  await (await server.request("/posts/3.json", { method: "DELETE" })).body?.cancel();
  // An edit of the pool meanwhile, so that the snapshot has it without the post.
  await (await server.request("/pools/1.json?pool[post_ids]=2", { method: "PUT" })).body?.cancel();
  await server.json("/api/trash/1/restore", { method: "POST" });
  assertEquals((await server.json("/pools/1.json")).body.post_ids.toSorted(), [2, 3]);
  assertEquals((await server.json("/posts/2.json")).body.parent_id, 3);
  assertEquals(await search(server, "tags=parent:3"), [3, 2]);
});

Deno.test("a change of source, parent, pool or favourite moves updated_at", async () => {
  await using server = await startBooru();
  const { body } = await server.send("PUT", "/posts/3.json", { post: { source: "elsewhere" } });
  assert(body.updated_at > body.created_at, body.updated_at);
});

Deno.test("the parent that only= adds is the post as it is", async () => {
  await using server = await startBooru();
  const { body } = await server.send("PUT", "/posts/1.json", { post: { tag_string: "hat" } });
  const child = (await server.json("/posts/2.json?only=parent[updated_at]")).body;
  assertEquals(child.parent.updated_at, body.updated_at);
});

Deno.test("two pools cannot have names that a search takes for one", async () => {
  await using server = await startBooru();
  const first = await server.send("POST", "/pools.json", { pool: { name: "Été" } });
  const second = await server.send("POST", "/pools.json", { pool: { name: "été" } });
  assertEquals([first.status, second.status], [201, 422]);
});

Deno.test("a failure in XML has the children that JSON has", async () => {
  await using server = await startBooru();
  const text = await (await server.request("/posts/99.xml")).text();
  assert(/<result>.*<message>That record was not found\.<\/message>.*<\/result>/s.test(text), text);
});
