import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { makeSample, md5, until } from "../http/support.ts";
import { buildLibrary, dumpDatabase, openDatabase } from "../support/library_builder.ts";
import { fullTierTest, isFullTier } from "../support/tier.ts";
import { makeTempFolder, runToEnd, startProcess } from "./server_support.ts";

/** What another program commits is seen within this time. */
const SEEN_MS = 1_000;

/** Waits until a search has as many hits, and gives how long it took. */
async function seenAfter(
  server: { json: (path: string) => Promise<{ total: number }> },
  wanted: { query: string; total: number },
): Promise<number> {
  const startedAt = performance.now();
  await until(`${wanted.total} hits of "${wanted.query}"`, async () => {
    const { total } = await server.json(`/api/images?q=${encodeURIComponent(wanted.query)}`);
    return total === wanted.total;
  }, 5 * SEEN_MS);
  return performance.now() - startedAt;
}

Deno.test("a newcomer finds an empty library, imports a folder, and sees it at once", async () => {
  await using folder = await makeTempFolder();
  const library = join(folder.path, "library");
  const pictures = join(folder.path, "pictures");
  await Deno.mkdir(pictures);
  await Deno.writeFile(join(pictures, "one.png"), await makeSample(1));
  await Deno.writeTextFile(join(pictures, "one.png.txt"), "solo\nartist:somebody\nrating:e\n");
  await Deno.writeFile(join(pictures, "two.png"), await makeSample(2));
  await using server = await startProcess(library);
  assertStringIncludes(server.output(), library);
  await until("loaded", async () => (await server.json("/readyz")).status === "ready");
  const empty = await (await fetch(`${server.origin}/`)).text();
  assertStringIncludes(empty, "task import");
  const report = await runToEnd("import", [pictures, "--library", library, "--json"]);
  assertEquals([report.code, report.stderr], [0, ""]);
  const seenMs = await seenAfter(server, { query: "", total: 2 });
  assert(seenMs < SEEN_MS, `${seenMs} ms`);
  assertEquals(JSON.parse(report.stdout).added, 2);
  const { images } = await server.json("/api/images?q=somebody+solo");
  assertEquals([images.length, images[0].rating, images[0].tags.artist], [1, "explicit", [
    "somebody",
  ]]);
  const page = await (await fetch(`${server.origin}/posts`)).text();
  assertStringIncludes(page, images[0].urls.thumbnail);
  const file = await fetch(server.origin + images[0].urls.file);
  assertEquals(new Uint8Array(await file.arrayBuffer()), new Uint8Array(await makeSample(1)));
  const thumbnail = await fetch(server.origin + images[0].urls.thumbnail);
  assertEquals(thumbnail.headers.get("content-type"), "image/webp");
  await thumbnail.body?.cancel();
  const stopped = await server.stop("SIGTERM");
  assertEquals(stopped.code, 0, server.output());
});

fullTierTest(
  "an edit by the sqlite3 shell and by any other connection shows within a second",
  async () => {
    await using folder = await makeTempFolder();
    await Deno.mkdir(join(folder.path, "data"));
    const path = join(folder.path, "data", "booru.db");
    buildLibrary(path, { images: [{ tags: ["before"] }, { tags: ["before"] }] });
    await using server = await startProcess(folder.path);
    await seenAfter(server, { query: "before", total: 2 });
    const shell = async (sql: string) => {
      const { success, stderr } = await new Deno.Command("sqlite3", { args: [path, sql] }).output();
      assert(success, new TextDecoder().decode(stderr));
    };
    const own = (sql: string) => {
      const db = openDatabase(path);
      try {
        db.exec(sql);
      } finally {
        db.close();
      }
    };
    const link = (name: string) =>
      `INSERT INTO tags (name, category) VALUES ('${name}', 'artist');
     INSERT INTO image_tags (image_id, tag_id) SELECT 1, id FROM tags WHERE name = '${name}';`;
    await shell(link("from_shell"));
    const seen = { shell: await seenAfter(server, { query: "from_shell", total: 1 }), own: 0 };
    own(link("from_here"));
    seen.own = await seenAfter(server, { query: "from_shell from_here", total: 1 });
    await shell(
      `UPDATE tags SET name = 'after' WHERE name = 'before';
     INSERT INTO images (filepath, md5) VALUES ('new.png', '${md5(new Uint8Array(1))}');
     PRAGMA foreign_keys = ON; DELETE FROM images WHERE id = 2;`,
    );
    const changedMs = await seenAfter(server, { query: "-after", total: 1 });
    assertEquals((await server.json("/api/images?q=after")).total, 1);
    assertEquals((await server.json("/api/images?q=before")).total, 0);
    for (const ms of [seen.shell, seen.own, changedMs]) assert(ms < SEEN_MS, `${ms} ms`);
  },
);

fullTierTest(
  "SIGTERM and SIGINT end the server with code 0 within 5 s, whatever is open",
  async () => {
    await using folder = await makeTempFolder();
    await Deno.mkdir(join(folder.path, "data"));
    await Deno.mkdir(join(folder.path, "images"));
    const large = new Uint8Array(30_000_000);
    await Deno.writeFile(join(folder.path, "images", "large.png"), large);
    const images = Array.from({ length: 3_000 }, (_, i) => ({
      tags: ["many", `tag_${i % 500}`],
      metadata: { sources: { danbooru: { id: i + 1 } } },
      ...(i === 0 ? { filepath: "large.png", md5: md5(large) } : {}),
    }));
    buildLibrary(join(folder.path, "data", "booru.db"), { images });
    await Promise.all((["SIGTERM", "SIGINT"] as const).map(async (signal) => {
      const copy = join(folder.path, signal);
      await Deno.mkdir(join(copy, "data"), { recursive: true });
      await Deno.copyFile(join(folder.path, "data/booru.db"), join(copy, "data/booru.db"));
      await Deno.mkdir(join(copy, "images"));
      await Deno.link(join(folder.path, "images/large.png"), join(copy, "images/large.png"));
      await using server = await startProcess(copy);
      await until("loaded", async () => (await server.json("/readyz")).status === "ready");
      const { urls } = await server.json("/api/images/1");
      // A client that does not read holds the server until it gives up waiting.
      const download = isFullTier ? await fetch(server.origin + urls.file) : null;
      const task = await server.json("/api/cache/reload", { method: "POST" });
      const events = await fetch(`${server.origin}/api/tasks/${task.id}/events`);
      const reader = events.body!.getReader();
      const first = new TextDecoder().decode((await reader.read()).value);
      assertMatch(first, /^event: task\ndata: \{/);
      const { code, stopMs } = await server.stop(signal);
      assertEquals(code, 0, server.output());
      assert(stopMs < 5_000, `${signal}: ${stopMs} ms`);
      await reader.cancel().catch(() => {});
      await download?.body?.cancel().catch(() => {});
      assert(!/error|"level"/i.test(server.output()), server.output());
    }));
  },
);

Deno.test("a signal while the server starts ends it too", async () => {
  await using folder = await makeTempFolder();
  await using server = await startProcess(folder.path);
  const { code } = await server.stop("SIGTERM");
  assertEquals(code, 0, server.output());
});

Deno.test("a library of the original is served as it is and keeps every row", async () => {
  await using folder = await makeTempFolder();
  const path = join(folder.path, "data", "booru.db");
  await Deno.mkdir(join(folder.path, "data"));
  const [first, second] = [await makeSample(1), await makeSample(2)];
  await Deno.mkdir(join(folder.path, "static/images/ab"), { recursive: true });
  await Deno.mkdir(join(folder.path, "static/thumbnails/ab"), { recursive: true });
  await Deno.writeFile(join(folder.path, "static/images/ab/one.png"), first);
  await Deno.writeFile(join(folder.path, "static/images/two.png"), second);
  const thumbnail = await makeSample(3);
  await Deno.writeFile(join(folder.path, "static/thumbnails/ab/one.webp"), thumbnail);
  buildLibrary(path, {
    tags: [{ name: "miku", category: "character" }],
    images: [
      { filepath: "ab/one.png", md5: md5(first), tags: ["miku"], metadata: { sources: {} } },
      { filepath: "two.png", md5: md5(second), columns: { score: 7, tags_general: "left alone" } },
    ],
  });
  const before = dump(path);
  await using server = await startProcess(folder.path);
  assertMatch(server.output(), /ChibiBooru library in .*served as it is/);
  await seenAfter(server, { query: "", total: 2 });
  const { images } = await server.json("/api/images?q=miku");
  assertEquals(images[0].filepath, "ab/one.png");
  for (
    const [url, bytes] of [[images[0].urls.file, first], [images[0].urls.thumbnail, thumbnail]]
  ) {
    const response = await fetch(server.origin + url);
    assertEquals(md5(new Uint8Array(await response.arrayBuffer())), md5(bytes as Uint8Array));
  }
  assertEquals((await server.stop("SIGINT")).code, 0);
  const after = new Set(dump(path));
  assertEquals(before.filter((row) => !after.has(row)), []);
  const backups = (await Array.fromAsync(Deno.readDir(join(folder.path, "data/backups"))))
    .filter(({ name }) => name.endsWith(".db"));
  assertEquals(backups.length, 1);
  assertEquals(dump(join(folder.path, "data/backups", backups[0].name)), before);
});

function dump(path: string): string[] {
  const db = openDatabase(path);
  try {
    return dumpDatabase(db);
  } finally {
    db.close();
  }
}

Deno.test("the server listens on localhost by name", async () => {
  await using folder = await makeTempFolder();
  await using server = await startProcess(join(folder.path, "lib"), [
    "--port",
    "0",
    "--host",
    "localhost",
    "--log-level",
    "error",
  ]);
  assertMatch(server.origin, /^http:\/\/localhost:\d+$/);
  assertEquals((await server.json("/healthz")).status, "ok");
  assertEquals((await server.stop("SIGTERM")).code, 0);
});
