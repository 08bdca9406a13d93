import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeTempFolder, startProcess } from "./server_support.ts";

/** Status of a raw request: a Host as no client library would send it. */
async function ask(origin: string, host: string, method = "GET", from = ""): Promise<number> {
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(origin).port),
  });
  const path = method === "GET" ? "/api/status" : "/api/cache/reload";
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close"];
  if (from !== "") lines.push(`Origin: ${from}`);
  if (method !== "GET") lines.push("Content-Length: 0");
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  const bytes = new Uint8Array(12);
  let read = 0;
  while (read < bytes.length) read += await connection.read(bytes.subarray(read)) ?? bytes.length;
  return Number(new TextDecoder().decode(bytes).split(" ")[1]);
}

Deno.test("serve --public-url answers to that address, says so, and to no other", async () => {
  await using folder = await makeTempFolder();
  const env = { CHIBIBOORU_PUBLIC_URL: "https://booru.example,https://other.example:8443" };
  await using server = await startProcess(folder.path, ["--port", "0"], env);
  const { origin } = server;
  const table: [host: string, status: number][] = [
    ["booru.example", 200],
    ["booru.example:443", 200],
    ["other.example:8443", 200],
    ["other.example", 403],
    ["127.0.0.1", 200],
    ["evil.example", 403],
    ["booru.example@evil.example", 403],
    ["[::1", 403],
    ["", 403],
  ];
  for (const [host, status] of table) assertEquals(await ask(origin, host), status, host);
  const own = "https://booru.example";
  assertEquals(await ask(origin, "booru.example", "POST", own), 202);
  assertEquals(await ask(origin, "booru.example", "POST", "http://booru.example"), 403);
  assertEquals(await ask(origin, "127.0.0.1", "POST", own), 403);
  assertEquals((await server.stop("SIGTERM")).code, 0);
  assertStringIncludes(server.output(), "https://booru.example/");
});
