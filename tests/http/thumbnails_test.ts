import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { makePicture } from "../media/sample_media.ts";
import {
  assertBytes,
  bytesOf,
  listen,
  makeSample,
  md5,
  startServer,
  startWith,
  type TestServer,
} from "./support.ts";

/** Counts the thumbnails that the media workers are asked to make. */
function countMaking(server: TestServer): () => number {
  let count = 0;
  const { media } = server.library;
  const call = media.call.bind(media);
  media.call = ((...args: Parameters<typeof call>) => {
    count++;
    return call(...args);
  }) as typeof media.call;
  return () => count;
}

Deno.test("GET /thumbnails makes a missing thumbnail once for all who ask", async () => {
  await using start = await startWith(await makePicture("jpeg", { width: 800, height: 400 }));
  const { server } = start;
  const made = countMaking(server);
  const { thumbnail } = (await server.json("/api/images/1")).body.urls;
  const answers = await Promise.all(
    Array.from({ length: 12 }, () =>
      server.request(thumbnail).then(async (response) => ({
        status: response.status,
        type: response.headers.get("content-type"),
        bytes: await bytesOf(response),
      }))),
  );
  assertEquals(made(), 1);
  for (const { status, type, bytes } of answers) {
    assertEquals([status, type], [200, "image/webp"]);
    assertBytes(bytes, answers[0].bytes);
  }
  const again = await server.request(thumbnail);
  assertBytes(await bytesOf(again), answers[0].bytes);
  assertEquals(made(), 1);
  assertMatch(again.headers.get("cache-control")!, /immutable/);
  const hash = (await server.json("/api/images/1")).body.md5;
  const stored = `${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}.webp`;
  assertBytes(
    await Deno.readFile(join(server.library.paths.thumbnails, stored)),
    answers[0].bytes,
  );
});

Deno.test("GET /thumbnails finds a thumbnail of the original by its rule", async () => {
  await using start = await startWith(await makeSample(1), "ab/cd/pic.JPG");
  const { server } = start;
  const made = countMaking(server);
  const own = await makePicture("webp");
  await Deno.mkdir(join(server.library.paths.thumbnails, "ab/cd"), { recursive: true });
  await Deno.writeFile(join(server.library.paths.thumbnails, "ab/cd/pic.webp"), own);
  const { thumbnail } = (await server.json("/api/images/1")).body.urls;
  const response = await server.request(thumbnail);
  assertBytes(await bytesOf(response), own);
  assertEquals(made(), 0);
});

Deno.test("GET /thumbnails answers a tile for what cannot be decoded, and an empty thumbnail is made anew", async () => {
  const whole = await makeSample(1);
  await using server = await startServer({
    pictures: [{ bytes: whole.subarray(0, 40) }, { bytes: whole }],
  });
  const address = async (id: number) =>
    (await server.json(`/api/images/${id}`)).body.urls.thumbnail;
  const broken = await server.request(await address(1));
  assertEquals([broken.status, broken.headers.get("content-type")], [200, "image/svg+xml"]);
  await broken.body?.cancel();
  const path = join(
    server.library.paths.thumbnails,
    md5(whole).slice(0, 2),
    md5(whole).slice(2, 4),
  );
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeFile(join(path, `${md5(whole)}.webp`), new Uint8Array(0));
  const good = await server.request(await address(2));
  assertEquals([good.headers.get("content-type")], ["image/webp"]);
  assert((await bytesOf(good)).length > 20);
});

Deno.test("assets come with a validator, whatever encodings are accepted", async () => {
  await using server = await startServer();
  await using socket = listen(server.app);
  for (const name of ["style.css", "app.js", "icon.svg"]) {
    const url = `${socket.origin}/assets/${name}?v=1`;
    const first = await fetch(url, { headers: { "accept-encoding": "gzip" } });
    const text = await first.text();
    assert(text.length > 100, name);
    const etag = first.headers.get("etag")!;
    const again = await fetch(url, {
      headers: { "accept-encoding": "gzip", "if-none-match": etag },
    });
    assertEquals([again.status, await again.text()], [304, ""], `${name} ${etag}`);
  }
  const icon = await fetch(`${socket.origin}/favicon.ico`);
  assertMatch(icon.headers.get("content-type")!, /^image\/svg\+xml/);
  await icon.body?.cancel();
});
