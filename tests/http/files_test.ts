import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { makeAnimation, makeMp4, makePicture, makeWebm } from "../media/sample_media.ts";
import {
  assertBytes,
  bytesOf,
  listen,
  makeSample,
  md5,
  startServer,
  startWith,
} from "./support.ts";

const encoder = new TextEncoder();

Deno.test("GET /files answers with the whole file, its type and its safety headers", async () => {
  const bytes = await makeSample(1);
  await using start = await startWith(bytes);
  const response = await start.server.request(start.url);
  assertEquals(response.status, 200);
  assertBytes(await bytesOf(response), bytes);
  const of = (name: string) => response.headers.get(name);
  assertEquals(of("content-type"), "image/png");
  assertEquals(of("content-length"), String(bytes.length));
  assertEquals(of("accept-ranges"), "bytes");
  assertEquals(of("etag"), `"${md5(bytes)}"`);
  assertMatch(of("cache-control")!, /max-age=31536000/);
  assertMatch(of("cache-control")!, /immutable/);
  assertEquals(of("x-content-type-options"), "nosniff");
  assertMatch(of("content-security-policy")!, /sandbox/);
  assertMatch(of("content-security-policy")!, /default-src 'none'/);
  assert(!/allow-scripts|script-src/.test(of("content-security-policy")!));
  assertMatch(of("content-disposition")!, /^inline;.*some%20file\.png/);
});

Deno.test("HEAD /files answers with the headers of GET and no body", async () => {
  const bytes = await makeSample(1);
  await using start = await startWith(bytes);
  await using server = listen(start.server.app);
  for (const range of [null, "bytes=2-5", "bytes=999999-"]) {
    const headers = range === null ? undefined : { range };
    const get = await fetch(server.origin + start.url, { headers });
    await get.body?.cancel();
    const head = await fetch(server.origin + start.url, { method: "HEAD", headers });
    assertEquals((await bytesOf(head)).length, 0);
    assertEquals(head.status, get.status, `range ${range}`);
    for (const name of ["content-length", "content-type", "content-range", "etag"]) {
      assertEquals(head.headers.get(name), get.headers.get(name), `${name}, range ${range}`);
    }
  }
});

Deno.test("GET /files answers one range, and the whole to what is no single range", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  await using start = await startWith(bytes);
  const size = bytes.length;
  const last = size - 1;
  for (
    const [range, first, end] of [
      ["bytes=0-0", 0, 1],
      ["bytes=0-99", 0, 100],
      ["bytes=100-199", 100, 200],
      [`bytes=${last}-${last}`, last, size],
      [`bytes=${last}-${last + 100}`, last, size],
      ["bytes=-100", size - 100, size],
      [`bytes=-${size + 5}`, 0, size],
      ["bytes=500-", 500, size],
      ["bytes=0-", 0, size],
      [" bytes=3-4 ", 3, 5],
    ] as const
  ) {
    const response = await start.server.request(start.url, { headers: { range } });
    assertEquals(response.status, 206, range);
    assertEquals(response.headers.get("content-range"), `bytes ${first}-${end - 1}/${size}`);
    assertEquals(response.headers.get("content-length"), String(end - first), range);
    assertBytes(await bytesOf(response), bytes.slice(first, end), range);
  }
  for (const range of [`bytes=${size}-`, `bytes=${size}-${size + 9}`, "bytes=-0"]) {
    const response = await start.server.request(start.url, { headers: { range } });
    assertEquals([response.status, (await bytesOf(response)).length], [416, 0], range);
    assertEquals(response.headers.get("content-range"), `bytes */${size}`, range);
  }
  for (
    const range of [
      "bytes=0-1,5-6",
      "bytes=5-2",
      "bytes=-",
      "bytes=a-b",
      "lines=0-1",
      "bytes",
      "",
      "bytes=1 -2",
      "bytes=--5",
      "bytes=0x1-5",
      "bytes=1.5-3",
    ]
  ) {
    const response = await start.server.request(start.url, { headers: { range } });
    assertEquals([response.status, (await bytesOf(response)).length], [200, size], range);
    assertEquals(response.headers.get("content-range"), null, range);
  }
});

Deno.test("GET /files honours If-Range and If-None-Match", async () => {
  const bytes = await makeSample(1);
  await using start = await startWith(bytes);
  const etag = `"${md5(bytes)}"`;
  const ask = async (headers: Record<string, string>) => {
    const response = await start.server.request(start.url, { headers });
    return [response.status, (await bytesOf(response)).length];
  };
  const range = "bytes=0-9";
  assertEquals(await ask({ range, "if-range": etag }), [206, 10]);
  for (const other of ['"other"', `W/${etag}`, "Wed, 21 Oct 2015 07:28:00 GMT", ""]) {
    assertEquals(await ask({ range, "if-range": other }), [200, bytes.length], other);
  }
  for (const known of [etag, `W/${etag}`, `"a", ${etag}`, "*"]) {
    assertEquals(await ask({ "if-none-match": known }), [304, 0], known);
    assertEquals(await ask({ range, "if-none-match": known }), [304, 0], known);
  }
  assertEquals(await ask({ "if-none-match": '"other"' }), [200, bytes.length]);
});

Deno.test("GET /files tells the type by the content although the ending lies", async () => {
  const contents: [mime: string, bytes: Uint8Array][] = [
    ["image/png", await makeSample(1)],
    ["image/jpeg", await makePicture("jpeg")],
    ["image/gif", await makeAnimation("gif")],
    ["image/webp", await makePicture("webp")],
    ["image/avif", await makePicture("avif", { width: 16, height: 16 })],
    ["video/mp4", makeMp4()],
    ["video/webm", makeWebm()],
  ];
  await using server = await startServer({
    pictures: contents.map(([, bytes], i) => ({ bytes, filepath: `${i}.html` })),
  });
  for (const [i, [mime, bytes]] of contents.entries()) {
    const { urls } = (await server.json(`/api/images/${i + 1}`)).body;
    const response = await server.request(urls.file);
    assertBytes(await bytesOf(response), bytes);
    assertEquals(response.headers.get("content-type"), mime);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
  }
});

Deno.test("GET /files sends what is no picture as a download that nobody runs", async () => {
  const texts = [
    "<!DOCTYPE html><script>alert(1)</script>",
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "<?xml version='1.0'?><x/>",
    "GIF8<script>",
  ];
  await using server = await startServer({
    pictures: texts.map((text, i) => ({ bytes: encoder.encode(text), filepath: `${i}.png` })),
  });
  for (const i of texts.keys()) {
    const { urls } = (await server.json(`/api/images/${i + 1}`)).body;
    const response = await server.request(urls.file);
    assertEquals(await response.text(), texts[i]);
    assertEquals(response.headers.get("content-type"), "application/octet-stream");
    assertMatch(response.headers.get("content-disposition")!, /^attachment;/);
    assertMatch(response.headers.get("content-security-policy")!, /sandbox/);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
  }
});

Deno.test("GET /files names the file for saving whatever its name is", async () => {
  const names = [
    'quo"te.png',
    "new\nline.png",
    "return\r\nSet-Cookie: a=b.png",
    "日本語 🎨.png",
    "semi;colon='x'*.png",
    "per%cent%2f.png",
    "back\\slash.png",
    ".hidden",
    "no ending",
    "ending.日本",
    "ending.a b?c#d",
    "ending.%41",
    "ending.p'n\"g",
  ];
  await using server = await startServer({
    pictures: await Promise.all(
      names.map(async (name, i) => ({ filepath: `${i}/${name}`, bytes: await makeSample(i) })),
    ),
  });
  for (const [i, name] of names.entries()) {
    const { urls, filepath } = (await server.json(`/api/images/${i + 1}`)).body;
    assertEquals(filepath, `${i}/${name}`);
    const response = await server.request(urls.file);
    await response.body?.cancel();
    assertEquals(response.status, 200, name);
    const disposition = response.headers.get("content-disposition")!;
    const [, encoded] = /^(?:inline|attachment); filename\*=UTF-8''([!#$&+.^_`|~\w%-]+)$/.exec(
      disposition,
    )!;
    assertEquals(decodeURIComponent(encoded), name);
    assertEquals(response.headers.get("set-cookie"), null);
  }
});

Deno.test("an address with another hash leads to the file that the image has now", async () => {
  const bytes = await makeSample(1);
  await using start = await startWith(bytes);
  const { thumbnail } = (await start.server.json("/api/images/1")).body.urls;
  for (const [kind, wanted] of [["files", start.url], ["thumbnails", thumbnail]] as const) {
    for (const name of [`${"0".repeat(32)}.png`, "x", md5(bytes).slice(1), `${md5(bytes)}0`]) {
      const response = await start.server.request(`/${kind}/1/${name}`);
      assertEquals([response.status, response.headers.get("location")], [302, wanted], name);
      assert(!/immutable/.test(response.headers.get("cache-control") ?? ""), name);
    }
  }
});

Deno.test("GET /files answers 404 when the file is gone, is a folder, or its root is", async () => {
  await using server = await startServer({
    pictures: [{ bytes: null, filepath: "gone.png" }, { bytes: null, filepath: "folder.png" }, {
      bytes: null,
      filepath: "a/b/c.png",
    }, { bytes: null, filepath: "@away/x.png" }],
  });
  await Deno.mkdir(join(server.library.paths.images, "folder.png"));
  await Deno.writeTextFile(join(server.library.paths.images, "a"), "a file where a folder was");
  server.write(
    "INSERT INTO library_roots (name, path, mode) VALUES ('away', '/no/such', 'in_place')",
  );
  for (const id of [1, 2, 3, 4]) {
    const { urls } = (await server.json(`/api/images/${id}`)).body;
    for (const method of ["GET", "HEAD"]) {
      const response = await server.request(urls.file, { method });
      const text = await response.text();
      assertEquals(response.status, 404, `${method} image ${id}`);
      assert(!/immutable/.test(response.headers.get("cache-control") ?? ""));
      if (method === "GET") assertEquals(JSON.parse(text).code, "not_found");
    }
    // A page of results shows a tile, not a broken picture.
    if (id === 2 || id === 3) continue;
    const tile = await server.request(urls.thumbnail);
    assertEquals(
      [tile.status, tile.headers.get("content-type")],
      [200, "image/svg+xml"],
      `image ${id}`,
    );
    assertEquals(tile.headers.get("cache-control"), "no-store");
    assertStringIncludes(await tile.text(), "<svg");
  }
});

Deno.test("GET /files answers an empty file", async () => {
  await using start = await startWith(new Uint8Array(0));
  const response = await start.server.request(start.url);
  assertEquals([response.status, (await bytesOf(response)).length], [200, 0]);
  assertEquals(response.headers.get("content-length"), "0");
  for (const range of ["bytes=0-", "bytes=-1", "bytes=0-0"]) {
    const answer = await start.server.request(start.url, { headers: { range } });
    assertEquals([answer.status, await answer.text()], [416, ""], range);
  }
});

Deno.test("GET /files closes the file when the client stops reading", async () => {
  // Larger than what sockets hold back, so that the answer cannot be complete.
  const bytes = new Uint8Array(16_000_000);
  await using start = await startWith(bytes);
  for (const chunks of [0, 1, 3]) {
    const response = await start.server.request(start.url);
    const reader = response.body!.getReader();
    for (let i = 0; i < chunks; i++) await reader.read();
    await reader.cancel();
  }
  await using server = listen(start.server.app);
  for (let i = 0; i < 5; i++) {
    const response = await fetch(server.origin + start.url);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
  }
  await using socket = await connect(server.port);
  await socket.write(`GET ${start.url} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  // The leak sanitizer sees whether a file stayed open.
});

Deno.test("GET /files fails when the file became shorter while it was sent", async () => {
  const bytes = new Uint8Array(2_000_000);
  await using start = await startWith(bytes, "x.png");
  const response = await start.server.request(start.url);
  const reader = response.body!.getReader();
  await reader.read();
  await Deno.truncate(join(start.server.library.paths.images, "x.png"), 300_000);
  let failure: unknown;
  for (let isDone = false; !isDone && failure === undefined;) {
    await reader.read().then(({ done }) => isDone = done, (error) => failure = error);
  }
  assert(failure instanceof Error, "a short body must not look complete");
});

async function connect(port: number) {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  return {
    write: (text: string) => socket.write(encoder.encode(text)),
    [Symbol.asyncDispose]: () => Promise.resolve(socket.close()),
  };
}
