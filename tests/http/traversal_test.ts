import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { listen, startServer, until } from "./support.ts";

const encoder = new TextEncoder();
const SECRET = "the secret that no answer may hold";

/** Ways to write "one folder up" that some parser, some day, took for it. */
const UPS = [
  "..",
  "%2e%2e",
  ".%2e",
  "%2E%2e",
  "%252e%252e",
  "..%00",
  "..%01",
  "..;",
  "..%20",
  "...",
  "....//",
  "%c0%ae%c0%ae",
  "%e0%80%ae%e0%80%ae",
  "%f0%80%80%ae%f0%80%80%ae",
  "%uff0e%uff0e",
  "%ef%bc%8e%ef%bc%8e",
  "\xc0\xae\xc0\xae",
];
const SLASHES = [
  "/",
  "//",
  "\\",
  "%2f",
  "%2F",
  "%5c",
  "%252f",
  "%255c",
  "%c0%af",
  "%e2%88%95",
  "/./",
];
const PREFIXES = [
  "/",
  "/files/",
  "/files/1/",
  "/thumbnails/",
  "/thumbnails/1/",
  "/thumbnails/trash/",
  "/assets/",
  "/api/images/",
  "/api/images/1/",
  "/api/tasks/",
  "/posts/",
  "/trash/",
];

/** Targets as they stand in the request line. */
function* targets(folder: string): Generator<string> {
  for (const prefix of PREFIXES) {
    for (const up of UPS) {
      for (const slash of SLASHES) {
        const step = up + slash;
        yield `${prefix}${step.repeat(2)}secret.txt`;
        yield `${prefix}${step.repeat(8)}${
          folder.slice(1).replaceAll("/", slash)
        }${slash}secret.txt`;
      }
    }
    for (const slash of SLASHES) yield `${prefix}${slash}${folder.slice(1)}/secret.txt`;
    for (
      const odd of [
        `${folder}/secret.txt`,
        `file://${folder}/secret.txt`,
        "%00",
        "\0",
        "\x7f",
        "%",
        "%zz",
        "%ff%fe",
        "?/../../secret.txt",
        "#/../../secret.txt",
        "*",
        "C:\\secret.txt",
        "x".repeat(5_000),
        "..%2f".repeat(900),
        "./".repeat(900),
      ]
    ) yield prefix + odd;
  }
  yield `http://localhost${folder}/secret.txt`;
  yield "http://localhost/files/../../secret.txt";
  yield "http://evil.example/posts";
  yield "//evil.example/posts";
  yield "*";
}

/** Sends requests as they are and gives the answers; a refused connection gives the answers up to it. */
async function send(port: number, requests: readonly string[]): Promise<string[]> {
  const answers: string[] = [];
  for (const request of requests) {
    using socket = await Deno.connect({ hostname: "127.0.0.1", port });
    const bytes = Uint8Array.from(request, (sign) => sign.charCodeAt(0));
    await socket.write(bytes);
    const decoder = new TextDecoder("latin1");
    let text = "";
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const count = await socket.read(buffer).catch(() => null);
      if (count === null) break;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
    answers.push(text);
  }
  return answers;
}

Deno.test("no target of a request reads outside of the library", async () => {
  await using server = await startServer({ pictures: [{}] });
  const { folder } = server;
  await Deno.writeTextFile(join(folder, "secret.txt"), SECRET);
  await Deno.writeTextFile(join(folder, "data", "secret.txt"), SECRET);
  await using socket = listen(server.app);
  const all = [...targets(folder)];
  assert(all.length > 1_000);
  const lanes = 8;
  const results = await Promise.all(Array.from({ length: lanes }, (_, lane) => {
    const own = all.filter((_, i) => i % lanes === lane);
    return send(
      socket.port,
      own.map((target) => `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
    ).then((answers) => answers.map((answer, i) => [own[i], answer]));
  }));
  for (const [target, answer] of results.flat()) {
    const what = JSON.stringify(target.slice(0, 200));
    assert(!answer.includes(SECRET), what);
    assert(!/root:.*:0:0:/.test(answer), what);
    // Only GET / may give a 200 without being a page; nothing may be an internal error.
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
    assert(status < 500, `${what} ${status}`);
  }
  assertEquals((await server.json("/api/status")).status, 200);
});

Deno.test("the Host that counts is the one that is checked", async () => {
  await using server = await startServer({ pictures: [{}] });
  await using socket = listen(server.app);
  const ask = async (head: string) => {
    const [answer] = await send(socket.port, [`${head}\r\nConnection: close\r\n\r\n`]);
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
  };
  assertEquals(await ask("GET /posts HTTP/1.1\r\nHost: localhost"), 200);
  assertEquals(await ask("GET /posts HTTP/1.1\r\nHost: evil.example"), 403);
  for (
    const head of [
      "GET http://evil.example/posts HTTP/1.1\r\nHost: evil.example",
      "GET /posts HTTP/1.1\r\nHost: evil.example\r\nHost: localhost",
      "GET /posts HTTP/1.1\r\nHost: localhost, evil.example",
      "GET /posts HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost",
      "GET /posts HTTP/1.1\r\nHost: evil.example\r\nForwarded: host=localhost",
      "GET /posts HTTP/1.1\r\nHost: \r\nX-Host: localhost",
      "DELETE /api/images/1 HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example",
      "DELETE http://localhost/api/images/1 HTTP/1.1\r\nHost: evil.example\r\n" +
      "Origin: http://evil.example",
    ]
  ) {
    const status = await ask(head);
    assert([400, 403].includes(status), `${head}: ${status}`);
  }
  assertEquals((await server.json("/api/images/1")).status, 200);
});

Deno.test("a row whose path leads out of the library is never content", async () => {
  await using server = await startServer({
    pictures: [
      "../secret.png",
      "../../../../../../../../etc/passwd",
      "/etc/passwd",
      "a/../../secret.png",
      "..\\secret.png",
      "link.png",
      "linked/secret.png",
      "chain.png",
      "loop.png",
      "nul\u0001../secret.png",
      "@root/../secret.png",
      "@root/link.png",
      "",
      ".",
      "..",
    ].map((filepath) => ({ filepath, bytes: null })),
  });
  const { images } = server.library.paths;
  const secret = join(server.folder, "secret.png");
  await Deno.writeTextFile(secret, SECRET);
  await Deno.symlink(secret, join(images, "link.png"));
  await Deno.symlink(server.folder, join(images, "linked"));
  await Deno.symlink("link.png", join(images, "chain.png"));
  await Deno.symlink("loop.png", join(images, "loop.png"));
  const root = join(server.folder, "root");
  await Deno.mkdir(root);
  await Deno.symlink(secret, join(root, "link.png"));
  server.write(
    "INSERT INTO library_roots (name, path, mode) VALUES ('root', ?, 'in_place')",
    root,
  );
  for (let id = 1; id <= 15; id++) {
    const { filepath, urls } = (await server.json(`/api/images/${id}`)).body;
    const what = `${id} ${JSON.stringify(filepath)}`;
    for (const url of [urls.file, urls.thumbnail]) {
      const response = await server.request(url);
      const text = await response.text();
      assert(!text.includes(SECRET) && !text.includes("root:"), what);
      if (url === urls.file) {
        assert([403, 404].includes(response.status), `${what} ${response.status}`);
      } else assertEquals(response.headers.get("content-type"), "image/svg+xml", what);
    }
    const range = await server.request(urls.file, { headers: { range: "bytes=0-9" } });
    await range.body?.cancel();
    assert([403, 404].includes(range.status), what);
  }
});

Deno.test("deleting a row whose path leads out of the library touches nothing outside", async () => {
  await using server = await startServer({
    pictures: ["../secret.png", "a/../../secret.png", "@x/../../secret.png"]
      .map((filepath) => ({ filepath, bytes: null })),
  });
  const secret = join(server.folder, "secret.png");
  await Deno.writeTextFile(secret, SECRET);
  for (let id = 1; id <= 3; id++) {
    const response = await server.request(`/api/images/${id}`, { method: "DELETE" });
    await response.body?.cancel();
    assertEquals(await Deno.readTextFile(secret).catch(() => "gone"), SECRET, `image ${id}`);
  }
});

Deno.test("slow and broken requests hold up nobody", async () => {
  await using server = await startServer({ pictures: [{}] });
  await using socket = listen(server.app);
  const slow = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: socket.port });
    const heads = [
      "GET /po",
      "PUT /api/images/1/tags HTTP/1.1\r\nHost: localhost\r\n" +
      "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
      "\r\n\r\n",
      "\x16\x03\x01",
    ];
    await connection.write(encoder.encode(heads[i % heads.length]));
    return connection;
  }));
  const startedAt = performance.now();
  await until("an answer", async () => {
    const response = await fetch(`${socket.origin}/api/status`);
    await response.body?.cancel();
    return response.ok;
  });
  assert(performance.now() - startedAt < 1_000);
  for (const connection of slow) connection.close();
});
