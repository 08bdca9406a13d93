import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import type { Hono } from "hono";
import { Addresses } from "../../src/http/addresses.ts";
import { buildApp } from "../../src/http/app.tsx";
import { followLoads } from "../../src/http/server_state.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { Thumbnails } from "../../src/library/thumbnails.ts";
import { WatchService } from "../../src/library/watch.ts";
import { StallMeter } from "../../src/system/stalls.ts";
import { makePlain } from "../media/sample_media.ts";
import {
  fillLibrary,
  type ImageSpec,
  openDatabase,
  type TagSpec,
} from "../support/library_builder.ts";

/** An image of a test: its row, and its file unless `bytes` is null. */
export type Picture = ImageSpec & {
  /** Content; a plain picture whose colour follows from the place when left out, no file when null. */
  bytes?: Uint8Array | null;
  sourceUrl?: string;
  originalName?: string;
};

/** What a test server starts with. */
export type ServerSpec = {
  tags?: readonly TagSpec[];
  pictures?: readonly Picture[];
  /** Folder that exists already; a new one by default. */
  folder?: string;
  /** What clients of the Danbooru API sign in with; null, the default, asks for nothing. */
  apiKey?: string | null;
  /** What programs must send to /metrics and to destroy much; null, the default, asks for nothing. */
  adminSecret?: string | null;
  /** Addresses under which a proxy makes the server known; none by default. */
  publicOrigins?: readonly string[];
  /** Whether the cache is loaded before the test begins; true by default. */
  isLoaded?: boolean;
};

/** The application over a real library in a folder of its own. */
export type TestServer = AsyncDisposable & {
  app: Hono;
  library: Library;
  /** Folder of the library. */
  folder: string;
  shutdown: AbortController;
  /** A request that is not sent anywhere. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** A request whose answer is JSON, read to its end. */
  json(path: string, init?: RequestInit): Promise<JsonAnswer>;
  /** A PUT, POST or DELETE with a JSON body. */
  send(method: string, path: string, body: unknown, headers?: HeadersInit): Promise<JsonAnswer>;
  /** Writes with a connection of its own, as another program does. */
  write(sql: string, ...params: (string | number | null)[]): void;
};

/** An answer of the API. */
export type JsonAnswer = {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- what a test reads of it is what it asserts
  body: any;
};

/** MD5 in hex. */
export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** A small picture whose colour follows from `seed`. */
export function makeSample(seed: number): Promise<Uint8Array> {
  const [r, g, b] = [seed * 37 % 256, seed * 101 % 256, seed % 256];
  return makePlain(24, 16, { r, g, b, alpha: 1 });
}

/** Starts the application; `await using` ends it and removes its folder. */
export async function startServer(spec: ServerSpec = {}): Promise<TestServer> {
  const own = spec.folder === undefined
    ? await Deno.realPath(await Deno.makeTempDir({ prefix: "chibibooru-http-" }))
    : null;
  const folder = spec.folder ?? own!;
  const library = await openLibrary({ folder, workers: 1, print: () => {} });
  await addPictures(library, spec);
  const shutdown = new AbortController();
  const stalls = new StallMeter();
  const watch = new WatchService(library, { stillMs: 20 });
  const app = buildApp({
    library,
    thumbnails: new Thumbnails(library),
    stalls,
    ...followLoads(library),
    shutdown: shutdown.signal,
    ffmpegVersion: Promise.resolve(null),
    apiKey: spec.apiKey ?? null,
    adminSecret: spec.adminSecret ?? null,
    addresses: new Addresses(spec.publicOrigins ?? []),
    watch,
    version: "0.0.0-test",
  });
  if (spec.isLoaded !== false) await library.core.cache.loadDataFromDb({ verbose: false });
  const request = (path: string, init?: RequestInit) => Promise.resolve(app.request(path, init));
  const json = async (path: string, init?: RequestInit) => {
    const response = await request(path, init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    app,
    library,
    folder,
    shutdown,
    request,
    json,
    send: (method, path, body, headers) =>
      json(path, {
        method,
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      }),
    write: (sql, ...params) => {
      const db = openDatabase(library.paths.database);
      try {
        db.exec(sql, ...params);
      } finally {
        db.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      shutdown.abort();
      stalls[Symbol.dispose]();
      await watch.stop();
      await library.close();
      if (own !== null) await Deno.remove(own, { recursive: true });
    },
  };
}

/** Writes files and rows. */
async function addPictures(library: Library, spec: ServerSpec): Promise<void> {
  const images: ImageSpec[] = [];
  const media: [id: number, picture: Picture, sizeBytes: number][] = [];
  for (const [i, picture] of (spec.pictures ?? []).entries()) {
    const { bytes, sourceUrl: _url, originalName: _name, ...row } = picture;
    const content = bytes === undefined ? await makeSample(i + 1) : bytes;
    const filepath = row.filepath ?? `${i + 1}.png`;
    if (content !== null) {
      const path = join(library.paths.images, filepath);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeFile(path, content);
    }
    images.push({ filepath, ...(content === null ? {} : { md5: md5(content) }), ...row });
    media.push([row.id ?? i + 1, picture, content?.length ?? 0]);
  }
  const db = openDatabase(library.paths.database);
  try {
    db.transaction(() => {
      fillLibrary(db, { tags: spec.tags, images });
      for (const [id, { sourceUrl, originalName }, sizeBytes] of media) {
        if (sourceUrl === undefined && originalName === undefined) continue;
        db.exec(
          `INSERT INTO image_media (image_id, file_ext, size_bytes, source_url, original_name)
           VALUES (?, 'png', ?, ?, ?)`,
          id,
          sizeBytes,
          sourceUrl ?? null,
          originalName ?? null,
        );
      }
    }).immediate();
  } finally {
    db.close();
  }
}

/** Waits until `look` gives something, looking again without a fixed pause; fails after `withinMs`. */
export async function until<T>(
  what: string,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  withinMs = 5_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The application on a port of the loopback interface. */
export function listen(app: Hono): { port: number; origin: string } & AsyncDisposable {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => app.fetch(request),
  );
  const { port } = server.addr;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A server with one file of these bytes, and the address of that file. */
export async function startWith(bytes: Uint8Array, filepath = "folder/some file.png") {
  const server = await startServer({ pictures: [{ bytes, filepath }] });
  const { urls } = (await server.json("/api/images/1")).body;
  return { server, url: urls.file as string, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

/** Compares bytes by their hash: a difference of thousands of numbers tells nobody anything. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array, message?: string): void {
  assertEquals([actual.length, md5(actual)], [expected.length, md5(expected)], message);
}

/** The whole body. */
export async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}
