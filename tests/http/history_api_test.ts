import { assert, assertEquals } from "@std/assert";
import { assertProblem, startSome } from "./images_support.ts";
import { startBooru } from "./danbooru_support.ts";
import type { JsonAnswer, TestServer } from "./support.ts";

async function put(server: TestServer, id: number, edit: { add?: string[]; remove?: string[] }) {
  assertEquals((await server.send("PUT", `/api/images/${id}/tags`, edit)).status, 200);
}

function post(server: TestServer, path: string): Promise<JsonAnswer> {
  return server.json(path, { method: "POST" });
}

async function tagsOf(server: TestServer, id: number): Promise<string[]> {
  const { body } = await server.json(`/api/images/${id}`);
  const rating = body.rating === null ? [] : [`rating:${body.rating}`];
  return [...Object.values<string[]>(body.tags).flat(), ...rating].sort();
}

Deno.test("GET /api/images/:id/history tells who edited what, when, and how it was", async () => {
  await using server = await startSome();
  await put(server, 1, { add: ["new"], remove: ["solo"] });
  await put(server, 2, { add: ["other"] });
  await put(server, 1, { add: ["rating:e"] });
  const { status, body } = await server.json("/api/images/1/history");
  assertEquals(status, 200);
  assertEquals(body.next, null);
  const [second, first] = body.entries;
  assert(Math.abs(Date.parse(first.editedAt) - Date.now()) < 60_000);
  assertEquals({ ...first, id: 0, editedAt: "" }, {
    id: 0,
    kind: "tag_edit",
    imageId: 1,
    editor: "owner",
    editedAt: "",
    added: ["new"],
    removed: ["solo"],
    before: ["miku", "rating:general", "solo"],
    after: ["miku", "new", "rating:general"],
    other: null,
    operationId: null,
    undoes: null,
    isUndone: false,
  });
  assertEquals([second.added, second.removed], [["rating:explicit"], ["rating:general"]]);
  assertEquals(second.before, first.after);
  assertProblem(await server.json("/api/images/99/history"), 404, "not_found");
  assertEquals((await server.json("/api/images/3/history")).body, { entries: [], next: null });
});

Deno.test("GET /api/history lists every edit page by page, the newest first", async () => {
  await using server = await startSome();
  for (let i = 0; i < 5; i++) await put(server, 1 + i % 3, { add: [`t${i}`] });
  const all = (await server.json("/api/history")).body.entries;
  const ids = all.map(({ id }: { id: number }) => id);
  assertEquals(ids, ids.toSorted((a: number, b: number) => b - a));
  assertEquals(all.map(({ added }: { added: string[] }) => added[0]), [
    "t4",
    "t3",
    "t2",
    "t1",
    "t0",
  ]);
  const walked: number[] = [];
  for (let page: string | null = "1"; page !== null;) {
    const { body } = await server.json(`/api/history?limit=2&page=${page}`);
    walked.push(...body.entries.map(({ id }: { id: number }) => id));
    page = body.next;
  }
  assertEquals(walked, ids);
  const numbered = await server.json("/api/history?limit=2&page=2");
  assertEquals(numbered.body.entries.map(({ id }: { id: number }) => id), ids.slice(2, 4));
  const newer = await server.json(`/api/history?limit=2&page=a${ids[4]}`);
  assertEquals(newer.body.entries.map(({ id }: { id: number }) => id), ids.slice(2, 4));
  assertEquals(newer.body.next, `a${ids[2]}`);
  for (const bad of ["limit=0", "limit=201", "page=x", "page=0", "grouped=maybe", "operation=x"]) {
    assertProblem(await server.json(`/api/history?${bad}`), 400, "bad_request");
  }
});

Deno.test("POST /api/history/:id/undo takes back what still holds, once, and can be undone", async () => {
  await using server = await startSome();
  const start = await tagsOf(server, 1);
  await put(server, 1, { add: ["new", "kept"], remove: ["solo"] });
  await put(server, 1, { remove: ["kept"] });
  const [, { id }] = (await server.json("/api/images/1/history")).body.entries;
  const undone = await post(server, `/api/history/${id}/undo`);
  assertEquals(undone.status, 200);
  const { editId, ...rest } = undone.body;
  assertEquals(rest, { imageId: 1, added: ["solo"], removed: ["new"], kept: ["the tag kept"] });
  assertEquals(await tagsOf(server, 1), start, "and it shows at once");
  assertProblem(await post(server, `/api/history/${id}/undo`), 409, "conflict");
  const [newest, , first] = (await server.json("/api/images/1/history")).body.entries;
  assertEquals([newest.id, newest.kind, newest.undoes], [editId, "undo", id]);
  assertEquals([first.id, first.isUndone], [id, true]);
  assertEquals((await post(server, `/api/history/${editId}/undo`)).status, 200);
  assertEquals(await tagsOf(server, 1), ["miku", "new", "rating:general"]);
  const states = (await server.json("/api/images/1/history")).body.entries
    .map((entry: { isUndone: boolean }) => entry.isUndone);
  assertEquals(states, [false, true, false, false]);
  assertProblem(await post(server, "/api/history/999/undo"), 404, "not_found");
  assertProblem(await post(server, "/api/history/x/undo"), 404, "not_found");
});

Deno.test("an undo of another site's page is refused, and of an image in the trash", async () => {
  await using server = await startSome();
  await put(server, 1, { add: ["new"] });
  const [{ id }] = (await server.json("/api/history")).body.entries;
  const foreign = [["origin", "http://evil.example"], ["sec-fetch-site", "cross-site"]];
  for (const [name, value] of foreign) {
    const headers = { [name]: value };
    const answer = await server.json(`/api/history/${id}/undo`, { method: "POST", headers });
    assertProblem(answer, 403, "forbidden");
  }
  await server.json("/api/images/1", { method: "DELETE" });
  const refused = await post(server, `/api/history/${id}/undo`);
  assertProblem(refused, 409, "conflict");
  assertEquals(refused.body.detail, "Image 1 is in the trash");
  const kept = await server.json("/api/images/1/history");
  assertEquals(kept.body.entries.length, 1, "its history is still told");
  const [{ id: trashId }] = (await server.json("/api/trash")).body.entries;
  await post(server, `/api/trash/${trashId}/restore`);
  assertEquals((await post(server, `/api/history/${id}/undo`)).status, 200);
  assertEquals(await tagsOf(server, 1), ["miku", "rating:general", "solo"]);
});

Deno.test("an edit of more than tags is one entry, and is taken back as a whole", async () => {
  await using server = await startBooru();
  const before = (await server.json("/posts/2.json")).body;
  const body = {
    post: { tag_string: "solo hat new pool:Empty fav:me", source: "here", parent_id: "3" },
  };
  assertEquals((await server.send("PUT", "/posts/2.json", body)).status, 200);
  const { entries } = (await server.json("/api/images/2/history")).body;
  assertEquals(entries.length, 1);
  assertEquals([entries[0].kind, entries[0].added], ["post_edit", ["new"]]);
  assertEquals(Object.keys(entries[0].other), ["source", "parent", "pools", "isFavourite"]);
  assertEquals((await post(server, `/api/history/${entries[0].id}/undo`)).status, 200);
  const after = (await server.json("/posts/2.json")).body;
  for (const name of ["tag_string", "source", "parent_id", "rating"]) {
    assertEquals(after[name], before[name], name);
  }
  assertEquals((await server.json("/favorites.json")).body, []);
  assertEquals((await server.json("/pools/2.json")).body.post_ids, []);
  const [redo] = (await server.json("/api/images/2/history")).body.entries;
  assertEquals((await post(server, `/api/history/${redo.id}/undo`)).status, 200);
  const again = (await server.json("/posts/2.json")).body;
  assertEquals([again.source, again.parent_id, again.tag_string], ["here", 3, "hat new solo"]);
  assertEquals((await server.json("/pools/2.json")).body.post_ids, [2]);
});

Deno.test("a change of a pool is told, and cannot be undone here", async () => {
  await using server = await startBooru();
  await server.json("/pools/1.json?pool[post_ids]=2,4", { method: "PUT" }).catch(() => null);
  const { entries } = (await server.json("/api/history")).body;
  assertEquals(entries.map((entry: { kind: string }) => entry.kind), ["pool_edit", "pool_edit"]);
  assertProblem(await post(server, `/api/history/${entries[0].id}/undo`), 409, "conflict");
  assertEquals((await server.json("/api/history?grouped=true")).body.entries.length, 1);
});

Deno.test("GET /post_versions.json lists the same history as Danbooru's clients read it", async () => {
  await using server = await startBooru();
  await put(server, 2, { add: ["new"], remove: ["hat"] });
  await put(server, 2, { add: ["rating:g"] });
  await put(server, 3, { add: ["new"] });
  const { body } = await server.json("/post_versions.json?search[post_id]=2");
  assertEquals(body.length, 2);
  const { id, updated_at, ...first } = body[1];
  assert(id > 0 && Math.abs(Date.parse(updated_at) - Date.now()) < 60_000);
  assertEquals(first, {
    post_id: 2,
    tags: "new solo",
    added_tags: ["new"],
    removed_tags: ["hat"],
    updater_id: 1,
    rating: "e",
    rating_changed: false,
    parent_id: null,
    parent_changed: false,
    source: null,
    source_changed: false,
    version: 1,
  });
  assertEquals([body[0].version, body[0].rating, body[0].rating_changed], [2, "g", true]);
  const lengthOf = async (query: string) =>
    (await server.json(`/post_versions.json?${query}`)).body.length;
  assertEquals(await lengthOf(""), 3);
  assertEquals(await lengthOf("limit=1"), 1);
  assertEquals(await lengthOf(`page=b${id}`), 0);
  assertEquals(await lengthOf("search[updater_id]=77"), 0);
  assertEquals(await lengthOf("search[post_id]=x"), 0);
  assertEquals((await server.json("/post_versions.json?only=id,version")).body[0], {
    id: id + 2,
    version: 1,
  });
});
