import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TAG_RULES_TASK } from "../../src/library/tag_rules.ts";
import { HOSTILE } from "./page_fixtures.tsx";
import { startServer, type TestServer, until } from "./support.ts";

const PICTURES = [
  { tags: ["cat", "solo"], bytes: null },
  { tags: ["cat"], bytes: null },
  { tags: ["dog"], bytes: null },
];

function start(): Promise<TestServer> {
  return startServer({ pictures: PICTURES, tags: [{ name: "vocaloid", category: "copyright" }] });
}

/** Waits until rules are brought to the images. */
function settle({ library }: TestServer): Promise<true> {
  return until(
    "the rules are applied",
    () => library.tasks.active(TAG_RULES_TASK) === undefined ? true : null,
  );
}

async function tagsOf(server: TestServer, id: number): Promise<string[]> {
  const { body } = await server.json(`/api/images/${id}`);
  return Object.values(body.tags as Record<string, string[]>).flat().sort();
}

/** Sends a form of a page, as a browser does. */
function send(server: TestServer, path: string, fields: Record<string, string>) {
  return server.request(path, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { "sec-fetch-site": "same-origin", accept: "text/html" },
  });
}

Deno.test("an implication is looked at, added, listed, approved and removed by the API", async () => {
  await using server = await start();
  const preview = "/api/implications/preview?source=cat&implied=animal";
  const { body: look } = await server.json(preview);
  assertEquals([look.sourceImages, look.conflicts, look.chain], [2, [], [
    { name: "animal", category: null, path: ["cat", "animal"], images: 2 },
  ]]);
  const added = await server.send("POST", "/api/implications", {
    source: "Cat",
    implied: "animal",
  });
  assertEquals([added.status, added.body.task.kind], [202, TAG_RULES_TASK]);
  await settle(server);
  assertEquals(await tagsOf(server, 2), ["animal", "cat"]);
  assertEquals((await server.json("/api/images?q=animal")).body.total, 2);
  const pending = await server.send("POST", "/api/implications", {
    source: "dog",
    implied: "animal",
    status: "pending",
  });
  assertEquals([pending.status, pending.body.task], [201, null]);
  const list = async (query = "") =>
    (await server.json(`/api/implications${query}`)).body.implications
      .map((one: Record<string, string>) => `${one.source} ${one.implied} ${one.status}`);
  assertEquals(await list(), ["dog animal pending", "cat animal active"]);
  assertEquals(await list("?status=active"), ["cat animal active"]);
  assertEquals(await list("?q=DO*"), ["dog animal pending"]);
  assertEquals(await list("?limit=1&page=2"), ["cat animal active"]);
  assertEquals((await server.json("/api/implications?limit=1")).body.next, "2");
  const { id } = pending.body.implication;
  assertEquals((await server.send("POST", `/api/implications/${id}/approve`, {})).status, 202);
  await settle(server);
  assertEquals(await tagsOf(server, 3), ["animal", "dog"]);
  const removed = await server.send("DELETE", `/api/implications/${id}`, {});
  assertEquals([removed.status, removed.body.implication.status], [202, "removing"]);
  await settle(server);
  assertEquals(await tagsOf(server, 3), ["dog"]);
  assertEquals(await list(), ["cat animal active"]);
});

Deno.test("what cannot be an implication or alias is a problem that names it", async () => {
  await using server = await start();
  await server.send("POST", "/api/implications", { source: "cat", implied: "animal" });
  await settle(server);
  const table: [method: string, path: string, body: unknown, status: number, said: string][] = [
    ["POST", "/api/implications", { source: "animal", implied: "cat" }, 409, "circle"],
    ["POST", "/api/implications", { source: "cat", implied: "cat" }, 409, "itself"],
    ["POST", "/api/implications", { source: "cat", implied: "animal" }, 409, "already"],
    ["POST", "/api/implications", { source: "cat", implied: "a,b" }, 400, "a,b"],
    ["POST", "/api/implications", { source: "cat" }, 400, "implied"],
    ["POST", "/api/implications", { source: "cat", implied: "x", statu: 1 }, 400, "statu"],
    ["POST", "/api/implications/1-99/approve", {}, 404, "1-99"],
    ["DELETE", "/api/implications/nothing", {}, 404, "nothing"],
    ["DELETE", "/api/implications/1-1", {}, 404, "1-1"],
    ["POST", "/api/aliases", { antecedent: "cat", consequent: "cat" }, 409, "itself"],
    ["POST", "/api/aliases", { antecedent: "rating:e", consequent: "cat" }, 409, "rating"],
    ["POST", "/api/aliases/cat/approve", {}, 404, "cat"],
    ["DELETE", "/api/aliases/cat", {}, 404, "cat"],
  ];
  for (const [method, path, body, status, said] of table) {
    const answer = await server.send(method, path, body);
    assertEquals(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    assertStringIncludes(answer.body.detail, said);
  }
  assertEquals((await server.json("/api/implications?limit=0")).status, 400);
  assertEquals((await server.json("/api/aliases/preview?antecedent=a")).status, 400);
});

Deno.test("an alias is looked at, added, used by edits and removed by the API", async () => {
  await using server = await start();
  const names = { antecedent: "cat", consequent: "felis_catus" };
  const { body: look } = await server.json(`/api/aliases/preview?${new URLSearchParams(names)}`);
  assertEquals([look.images, look.conflicts, look.known], [2, [], null]);
  assertEquals((await server.send("POST", "/api/aliases", names)).status, 202);
  await settle(server);
  assertEquals(await tagsOf(server, 1), ["felis_catus", "solo"]);
  const edited = await server.send("PUT", "/api/images/3/tags", { add: ["cat"] });
  assertEquals([edited.status, edited.body.aliases], [200, { cat: "felis_catus" }]);
  assertEquals(edited.body.tags.general, ["dog", "felis_catus"]);
  assertEquals((await server.json("/api/images?q=cat")).body.total, 3);
  const odd = { antecedent: "a/b?c", consequent: "dog" };
  assertEquals((await server.send("POST", "/api/aliases", odd)).status, 201, "nothing to move");
  const { body: listed } = await server.json("/api/aliases?q=*b*");
  assertEquals(listed.aliases.map((one: { antecedent: string }) => one.antecedent), ["a/b?c"]);
  const path = `/api/aliases/${encodeURIComponent("a/b?c")}`;
  assertEquals((await server.send("DELETE", path, {})).body.alias.consequent, "dog");
  assertEquals((await server.json("/api/aliases")).body.total, 1);
  const proposal = { antecedent: "dog", consequent: "canis", status: "pending" };
  assertEquals((await server.send("POST", "/api/aliases", proposal)).status, 201);
  assertEquals((await server.json("/api/aliases?status=pending")).body.total, 1);
  assertEquals((await server.send("POST", "/api/aliases/dog/approve", {})).status, 202);
  await settle(server);
  assertEquals(await tagsOf(server, 3), ["canis", "felis_catus"]);
});

Deno.test("the pages show a rule before it is added, and do the rest by forms", async () => {
  await using server = await start();
  const read = async (path: string) => await (await server.request(path)).text();
  const page = await read("/tags/implications?source=cat&implied=animal");
  assertStringIncludes(page, "cat → animal");
  assertStringIncludes(page, "2 posts would get it");
  const form = { source: "cat", implied: "animal", status: "active" };
  const added = await send(server, "/tags/implications", form);
  assertEquals(added.status, 303);
  await settle(server);
  assertStringIncludes(await read(added.headers.get("location")!), "cat → animal holds.");
  assertEquals(await tagsOf(server, 1), ["animal", "cat", "solo"]);
  const refused = await send(server, "/tags/implications", form);
  assertEquals(refused.status, 409);
  assertStringIncludes(await refused.text(), "is active already");
  const circle = await read("/tags/implications?source=animal&implied=cat");
  assertStringIncludes(circle, "it would be a circle");
  assert(!circle.includes(">Add it<"), "what cannot be added has no button");
  const { id } = (await server.json("/api/implications")).body.implications[0];
  assertEquals((await send(server, `/tags/implications/${id}/remove`, {})).status, 303);
  await settle(server);
  assertEquals(await tagsOf(server, 1), ["cat", "solo"]);
  const alias = { antecedent: "dog", consequent: "canis", status: "pending" };
  assertStringIncludes(await read("/tags/aliases?antecedent=dog&consequent=canis"), "1 post with");
  assertEquals((await send(server, "/tags/aliases", alias)).status, 303);
  assertStringIncludes(await read("/tags/aliases?status=pending"), "Approve: dog means canis");
  assertEquals((await send(server, "/tags/aliases/approve", alias)).status, 303);
  await settle(server);
  assertEquals(await tagsOf(server, 3), ["canis"]);
  assertEquals((await send(server, "/tags/aliases/remove", alias)).status, 303);
  assertStringIncludes(await read("/tags/aliases"), "There are no such aliases");
  assertEquals((await send(server, "/tags/aliases/remove", alias)).status, 404);
  assertEquals((await send(server, "/tags/implications/9-9/approve", {})).status, 404);
});

Deno.test("the pages escape every name, and lists have pages", async () => {
  await using server = await start();
  for (const [i, name] of HOSTILE.filter((text) => text.isWellFormed()).entries()) {
    server.write("INSERT INTO tags (id, name) VALUES (?, ?)", 1_000 + i, name);
    server.write(
      "INSERT INTO tag_implications (source_tag_id, implied_tag_id, status) VALUES (?, 1, ?)",
      1_000 + i,
      name,
    );
    server.write(
      "INSERT INTO tag_aliases (antecedent, consequent, created_at_ms) VALUES (?, ?, 0)",
      name,
      `${name}2`,
    );
  }
  for (let i = 0; i < 120; i++) {
    server.write("INSERT INTO tags (id, name) VALUES (?, ?)", 2_000 + i, `many_${i}`);
    server.write(
      "INSERT INTO tag_implications (source_tag_id, implied_tag_id) VALUES (?, 1)",
      2_000 + i,
    );
  }
  await server.library.core.poll();
  for (const path of ["/tags/implications", "/tags/implications?page=2", "/tags/aliases"]) {
    const text = await (await server.request(path)).text();
    assert(!/<script>alert|<img src=x|"onmouseover="alert/.test(text), path);
  }
  for (const hostile of HOSTILE) {
    const query = new URLSearchParams({ source: hostile, implied: "x", q: hostile });
    const text = await (await server.request(`/tags/implications?${query}`)).text();
    assert(!/<script>alert|<img src=x|"onmouseover="alert/.test(text), hostile);
  }
  const first = await (await server.request("/tags/implications")).text();
  assertStringIncludes(first, "page=2");
  assertEquals((await server.request("/tags/implications?page=99")).status, 200);
});

Deno.test("Danbooru's lists of implications and aliases are searched as there", async () => {
  await using server = await start();
  const rules = [["cat", "animal"], ["dog", "animal"], ["animal", "being"]];
  for (const [source, implied] of rules) {
    await server.send("POST", "/api/implications", { source, implied });
  }
  await server.send("POST", "/api/implications", {
    source: "solo",
    implied: "being",
    status: "pending",
  });
  await server.send("POST", "/api/aliases", { antecedent: "kitty", consequent: "cat" });
  await settle(server);
  const { body } = await server.json("/tag_implications.json?search[antecedent_name]=cat");
  const [{ id, created_at: createdAt, updated_at: updatedAt, ...rest }] = body;
  assert(id > 0 && Date.parse(createdAt) > 0 && updatedAt === createdAt);
  assertEquals(rest, {
    antecedent_name: "cat",
    consequent_name: "animal",
    status: "active",
    creator_id: 1,
    forum_topic_id: null,
    approver_id: null,
    forum_post_id: null,
    reason: "",
  });
  const list = async (query: string, kind = "tag_implications") =>
    (await server.json(`/${kind}.json?${query}`)).body
      .map((one: Record<string, string>) => one.antecedent_name);
  const table: [query: string, names: string[]][] = [
    ["", ["animal", "dog", "cat"]],
    ["search[consequent_name]=animal", ["dog", "cat"]],
    ["search[name_matches]=*ANIM*", ["animal", "dog", "cat"]],
    ["search[antecedent_name]=d*", ["dog"]],
    ["search[status]=active&limit=1&page=2", ["dog"]],
    ["search[status]=deleted", []],
    [`search[id]=${id}`, ["cat"]],
    [`limit=1&page=a${id}`, ["dog"]],
  ];
  for (const [query, names] of table) assertEquals(await list(query), names, query);
  assertEquals(await list("search[consequent_name]=c*", "tag_aliases"), ["kitty"]);
  assertEquals(await list("search[status]=retired", "tag_aliases"), []);
  assertEquals((await server.json(`/tag_implications/${id}.json`)).body.consequent_name, "animal");
  assertEquals((await server.json("/tag_aliases/1.json")).body.antecedent_name, "kitty");
  assertEquals((await server.json("/tag_aliases/2.json")).status, 404);
  const xml = await (await server.request("/tag_implications.xml")).text();
  assertStringIncludes(xml, "<antecedent-name>cat</antecedent-name>");
});
