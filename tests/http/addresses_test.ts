import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Addresses } from "../../src/http/addresses.ts";
import { startServer } from "./support.ts";

const PUBLIC = ["https://booru.example", "http://nas.lan:8080"];

function call(host: string | undefined, url = "http://127.0.0.1:5000/posts") {
  return { header: (name: string) => name === "host" ? host : undefined, url };
}

Deno.test("Addresses.originOf() knows this machine and the addresses it was told, and no other", () => {
  const addresses = new Addresses(PUBLIC);
  const table: [host: string | undefined, origin: string | undefined][] = [
    [undefined, "http://127.0.0.1:5000"],
    ["localhost", "http://localhost"],
    ["LOCALHOST:5001", "http://localhost:5001"],
    ["[::1]:5000", "http://[::1]:5000"],
    ["booru.example", "https://booru.example"],
    ["Booru.Example", "https://booru.example"],
    ["booru.example:443", "https://booru.example"],
    ["booru.example:80", "https://booru.example"],
    ["nas.lan:8080", "http://nas.lan:8080"],
    ["nas.lan", undefined],
    ["nas.lan:80801", undefined],
    ["booru.example:8443", undefined],
    ["booru.example.evil.example", undefined],
    ["evil.example#booru.example", undefined],
    ["evil.booru.example", undefined],
    ["booru.example.", undefined],
    ["", undefined],
  ];
  for (const [host, origin] of table) assertEquals(addresses.originOf(call(host)), origin, host);
  assertEquals(new Addresses([]).originOf(call("booru.example")), undefined);
  // What a server makes of an odd Host need be no URL.
  assertEquals(addresses.originOf(call("local host", "http://local host/")), undefined);
});

Deno.test("Addresses.isOwnPage() takes pages of the address that was called, by its scheme", () => {
  const addresses = new Addresses(PUBLIC);
  const table: [host: string, origin: string, isOwn: boolean][] = [
    ["localhost:5000", "http://localhost:5000", true],
    ["localhost:8443", "https://localhost:8443", true],
    ["localhost:5000", "http://localhost:8000", false],
    ["localhost:5000", "http://127.0.0.1:5000", false],
    ["booru.example", "https://booru.example", true],
    ["booru.example:443", "https://booru.example", true],
    ["nas.lan:8080", "http://nas.lan:8080", true],
    // Whoever is between may write such a page.
    ["booru.example", "http://booru.example", false],
    ["booru.example", "http://nas.lan:8080", false],
    ["127.0.0.1:5000", "https://booru.example", false],
    ["booru.example", "http://127.0.0.1:5000", false],
    ["booru.example", "null", false],
    ["booru.example", "", false],
    ["evil.example", "https://evil.example", false],
  ];
  for (const [host, origin, isOwn] of table) {
    assertEquals(addresses.isOwnPage(call(host), origin), isOwn, `${host} ${origin}`);
  }
});

Deno.test("a server behind a proxy takes its forms and API calls, and refuses all others", async () => {
  await using server = await startServer({
    pictures: [{ tags: ["hat"] }],
    publicOrigins: ["https://booru.example"],
  });
  const tagsOf = async () => Object.values((await server.json("/api/images/1")).body.tags).flat();
  const own = { host: "booru.example", origin: "https://booru.example" };
  const put = (headers: Record<string, string>, tag: string) =>
    server.send("PUT", "/api/images/1/tags", { add: [tag], remove: [] }, headers);
  assertEquals((await put({ ...own, "sec-fetch-site": "same-origin" }, "a")).status, 200);
  // Browsers leave Sec-Fetch-Site out where there is no TLS, and programs send neither.
  assertEquals((await put(own, "b")).status, 200);
  assertEquals((await put({ host: "booru.example" }, "c")).status, 200);
  const form = await server.request("/posts/1/tags", {
    method: "POST",
    headers: own,
    body: new URLSearchParams({ old_tags: "a b c hat", tags: "a b c hat d" }),
  });
  assertEquals(form.status, 303);
  // Relative, so that no proxy has to rewrite it.
  assert(form.headers.get("location")!.startsWith("/posts/1"), form.headers.get("location")!);
  const before = await tagsOf();
  assertEquals(before.toSorted(), ["a", "b", "c", "d", "hat"]);

  const foreign: Record<string, string>[] = [
    { ...own, origin: "http://booru.example" },
    { ...own, origin: "https://evil.example" },
    { ...own, "sec-fetch-site": "cross-site" },
    { host: "evil.example", origin: "https://evil.example" },
    { host: "evil.example", "x-forwarded-host": "booru.example" },
    { host: "127.0.0.1:5000", origin: "https://booru.example", "x-forwarded-host": own.host },
  ];
  for (const headers of foreign) {
    assertEquals((await put(headers, "foreign")).status, 403, JSON.stringify(headers));
  }
  assertEquals(await tagsOf(), before);
});

Deno.test("absolute addresses begin with the one that was called", async () => {
  await using server = await startServer({
    pictures: [{ tags: ["hat"] }],
    publicOrigins: ["https://booru.example"],
  });
  const fileOf = async (host: string) =>
    (await server.json("/posts/1.json", { headers: { host } })).body.file_url as string;
  assert((await fileOf("booru.example")).startsWith("https://booru.example/"));
  assert((await fileOf("booru.example:443")).startsWith("https://booru.example/"));
  assert((await fileOf("127.0.0.1:5000")).startsWith("http://127.0.0.1:5000/"));
  const docs = await server.request("/api/docs", { headers: { host: "booru.example" } });
  assertStringIncludes(await docs.text(), "https://booru.example/api/");
});

Deno.test("a form that a proxy spoiled is refused with the way out", async () => {
  await using server = await startServer({ pictures: [{}] });
  const answer = await server.json("/api/cache/reload", {
    method: "POST",
    headers: {
      host: "127.0.0.1:5000",
      origin: "https://booru.example",
      "sec-fetch-site": "same-origin",
    },
  });
  assertEquals(answer.status, 403);
  assertStringIncludes(answer.body.remedy, "https://booru.example");
  assertStringIncludes(answer.body.remedy, "--public-url");
  const elsewhere = await server.json("/posts", { headers: { host: "booru.example" } });
  assertStringIncludes(elsewhere.body.remedy, "--public-url");
});

Deno.test("events of tasks are not to be kept back by a proxy", async () => {
  await using server = await startServer({ pictures: [{}] });
  const response = await server.request("/api/tasks/events");
  assertEquals(response.headers.get("x-accel-buffering"), "no");
  await response.body!.cancel();
});
