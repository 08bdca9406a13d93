import { assertEquals } from "@std/assert";
import { authenticate } from "../../src/http/danbooru/auth.ts";
import { Params } from "../../src/http/danbooru/params.ts";
import { assertFailure, basic, startBooru } from "./danbooru_support.ts";

const KEY = "s3cret:kéy";
const FAILURE = "SessionLoader::AuthenticationFailure";

function basicUtf8(login: string, key: string): { authorization: string } {
  const bytes = new TextEncoder().encode(`${login}:${key}`);
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

Deno.test("reads need no key, and a wrong one or half of it is never silently nobody", async () => {
  await using server = await startBooru({ apiKey: KEY });
  const key = encodeURIComponent(KEY);
  assertEquals((await server.json("/posts.json")).status, 200);
  assertEquals((await server.json(`/posts.json?login=me&api_key=${key}`)).status, 200);
  assertEquals((await server.json("/posts.json?login=&api_key=")).status, 200);
  const good = await server.json("/posts.json", { headers: basicUtf8("anyone", KEY) });
  assertEquals(good.status, 200);
  const wrong = [
    "/posts.json?login=me",
    `/posts.json?api_key=${key}`,
    "/posts.json?login=me&api_key=wrong",
    `/posts.json?login=me&api_key=${key}x`,
  ];
  for (const path of wrong) assertFailure(await server.json(path), 401, FAILURE);
  const headers = [
    basic("me", "wrong"),
    basic("me", ""),
    basicUtf8("", KEY),
    { authorization: "Basic ???" },
    { authorization: "Bearer token" },
  ];
  for (const header of headers) {
    // Basic wins: a right key in the query does not help.
    const path = `/posts.json?login=me&api_key=${key}`;
    const answer = await server.json(path, { headers: header });
    assertFailure(answer, 401, FAILURE);
    assertEquals(answer.headers.get("www-authenticate"), 'Basic realm="ChibiBooru"');
  }
});

Deno.test("writes need the key: in the header, the query or the body", async () => {
  await using server = await startBooru({ apiKey: "key" });
  const write = (path: string, init: RequestInit = {}) =>
    server.request(path, { method: "POST", ...init });
  const nobody = await server.json("/favorites.json?post_id=1", { method: "POST" });
  assertFailure(nobody, 403, "User::PrivilegeError");
  const json = { "content-type": "application/json" };
  const allowed: [string, RequestInit][] = [
    ["/favorites.json?post_id=1", { headers: basic("me", "key") }],
    ["/favorites.json?post_id=1&login=me&api_key=key", {}],
    ["/favorites.json", {
      body: JSON.stringify({ login: "me", api_key: "key", post_id: 1 }),
      headers: json,
    }],
    ["/favorites.json", {
      body: new URLSearchParams({ login: "me", api_key: "key", post_id: "1" }),
    }],
  ];
  for (const [path, init] of allowed) {
    const response = await write(path, init);
    assertEquals(response.status, 201, JSON.stringify(init));
    await response.body?.cancel();
  }
  const half = { body: JSON.stringify({ login: "me", post_id: 1 }), headers: json };
  assertFailure(await server.json("/favorites.json", { method: "POST", ...half }), 401, FAILURE);
  const paths: [string, string][] = [
    ["PUT", "/posts/1.json?post[rating]=e"],
    ["PATCH", "/posts/1.json?post[rating]=e"],
    ["DELETE", "/posts/1.json"],
    ["POST", "/pools.json?pool[name]=x"],
    ["PUT", "/pools/1.json?pool[name]=x"],
    ["DELETE", "/pools/1.json"],
    ["POST", "/pool_element.json?pool_id=1&post_id=1"],
    ["DELETE", "/favorites/1.json"],
    ["POST", "/posts/1/votes.json?score=1"],
    ["PATCH", "/users/1.json?user[blacklisted_tags]=x"],
    ["POST", "/notes.json"],
  ];
  for (const [method, path] of paths) {
    assertFailure(await server.json(path, { method }), 403, "User::PrivilegeError");
  }
  assertEquals((await server.json("/posts/1.json")).body.rating, "g");
});

Deno.test("without a configured key credentials are ignored", async () => {
  await using server = await startBooru();
  const headers = basic("me", "anything");
  assertEquals((await server.json("/posts.json", { headers })).status, 200);
  assertEquals((await server.json("/posts.json?login=me")).status, 200);
  const { status } = await server.json("/favorites.json?post_id=1", { method: "POST" });
  assertEquals(status, 201);
});

Deno.test("a write that another site's page sends is refused, key or not", async () => {
  await using server = await startBooru({ apiKey: "key" });
  const headers = { ...basic("me", "key"), origin: "https://example.org" };
  const answer = await server.json("/favorites.json?post_id=1", { method: "POST", headers });
  assertFailure(answer, 403, "User::PrivilegeError");
});

Deno.test("the profile tells who is signed in", async () => {
  await using server = await startBooru({ apiKey: "key" });
  const { body: nobody } = await server.json("/profile.json");
  assertEquals([nobody.id, nobody.name, nobody.level], [null, "Anonymous", 0]);
  const { body: owner } = await server.json("/profile.json?login=me&api_key=key");
  assertEquals([owner.id, owner.name, owner.blacklisted_tags], [1, "me", ""]);
  const lines = "guro\nspoilers -safe";
  const saved = await server.request("/users/1.json", {
    method: "PATCH",
    headers: basic("me", "key"),
    body: new URLSearchParams({ "user[blacklisted_tags]": lines }),
  });
  assertEquals([saved.status, await saved.text()], [204, ""]);
  const { body: after } = await server.json("/profile.json?login=me&api_key=key");
  assertEquals(after.blacklisted_tags, lines);
});

Deno.test("authenticate() takes a key with a colon, and no key that only begins right", async () => {
  const params = await Params.read(new Request("http://127.0.0.1/"));
  const codeOf = (authorization: string, key: string) => {
    try {
      return authenticate({ authorization, params }, key).login;
    } catch (error) {
      return (error as { status: number }).status;
    }
  };
  assertEquals(codeOf(basic("me", "a:b").authorization, "a:b"), "me");
  assertEquals(codeOf(basic("me", "a").authorization, "a:b"), 401);
  assertEquals(codeOf(basic("me", "a:bc").authorization, "a:b"), 401);
  assertEquals(codeOf("basic bWU6aw==", "k"), "me");
});

Deno.test("a DELETE whose body cannot be read is 401, and ends its connection", async () => {
  await using server = await startBooru({ apiKey: "k" });
  const remove = (path: string, headers: HeadersInit) =>
    server.json(path, { method: "DELETE", headers });
  const json = { "content-type": "application/json" };
  const hidden = await remove("/favorites/2.json", json);
  assertFailure(hidden, 401, "SessionLoader::AuthenticationFailure");
  assertEquals(hidden.headers.get("connection"), "close");
  const nobody = await remove("/favorites/2.json", {});
  assertFailure(nobody, 403, "User::PrivilegeError");
  assertEquals(nobody.headers.get("connection"), "close");
  // A body that is announced is read, and nothing is left behind it.
  const announced = await remove("/favorites/2.json", { "content-length": "0" });
  assertEquals([announced.status, announced.headers.get("connection")], [403, null]);
  const signed = await server.request("/favorites/2.json", {
    method: "DELETE",
    headers: { ...json, ...basic("me", "k") },
  });
  assertEquals(signed.status, 204);
});
