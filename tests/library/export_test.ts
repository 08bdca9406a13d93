import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { exportLibrary, type ExportOptions } from "../../src/library/export.ts";
import { toExportPath } from "../../src/library/export_files.ts";
import { importFolders } from "../../src/library/import_folder.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { openDatabase } from "../support/library_builder.ts";
import {
  fingerprint,
  importSource,
  rowsOf,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest, runs } from "../support/tier.ts";

const SMALL = { freeDiskFloorBytes: 0 };

/** A library with three pictures, one of them in place, and an empty folder beside it. */
async function withPictures(
  test: (sample: { library: Library; to: string; folder: string }) => Promise<void>,
): Promise<void> {
  await withLibrary(async ({ library, folder, source }) => {
    const post = { category: "danbooru", id: 5, tag_string: "solo cat", rating: "e" };
    await writePicture(join(source, "a.png"), 1, { ".json": post });
    await writePicture(join(source, "b.png"), 2, { ".txt": "artist:someone\ncat" });
    await importSource({ library, source });
    const place = join(folder, "elsewhere");
    await writePicture(join(place, "in", "c.png"), 3, { ".txt": "dog\nre:zero" });
    await importFolders(library, { folders: [place], mode: "in-place" });
    await test({ library, to: join(folder, "export"), folder });
  });
}

function numbersOf(report: Awaited<ReturnType<typeof exportLibrary>>): number[] {
  const { images, sidecarsWritten, sidecarsUnchanged, filesCopied, filesUnchanged } = report;
  return [images, sidecarsWritten, sidecarsUnchanged, filesCopied, filesUnchanged];
}

async function namesIn(folder: string): Promise<string[]> {
  return Object.keys(await fingerprint(folder)).map((path) => path.replace(/^(..\/..\/)/, ""))
    .map((path) => path.slice(path.startsWith(folder) ? folder.length + 1 : 0)).sort();
}

Deno.test("exportLibrary() writes sidecars as they are stored, and the same again is nothing", () =>
  withPictures(async ({ library, to }) => {
    const first = await exportLibrary(library, { ...SMALL, to, files: "copy" });
    assertEquals([numbersOf(first), first.failed], [[3, 6, 0, 3, 0], []]);
    const names = await namesIn(to);
    const places = rowsOf<[string]>(library.core.reader, "SELECT filepath FROM images").flat();
    assert(places.includes("@elsewhere/in/c.png"));
    const expected = places.flatMap((path) => [path, `${path}.json`, `${path}.txt`]);
    assertEquals(names.length, 10);
    for (const path of expected) assert(await Deno.stat(join(to, path)), path);
    const txt = (path: string) => Deno.readTextFile(join(to, `${path}.txt`));
    assertEquals(await txt("@elsewhere/in/c.png"), "dog\nre:zero\n");
    const before = await fingerprint(to);
    const second = await exportLibrary(library, { ...SMALL, to, files: "copy" });
    assertEquals([numbersOf(second), second.failed], [[3, 0, 6, 0, 3], []]);
    // What changed since is written again; its lists too, since nobody touched them.
    await library.writer.call("editTags", {
      imageId: 1,
      add: [{ name: "fresh", category: null }],
      remove: ["cat"],
      editor: "owner",
      expectedTags: null,
    });
    const third = await exportLibrary(library, { ...SMALL, to });
    assertEquals([numbersOf(third), third.failed], [[3, 2, 4, 0, 0], []]);
    const after = await fingerprint(to);
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    assertEquals(changed.length, 3, "a sidecar, a list, library.json");
  }));

Deno.test("exportLibrary() overwrites nothing of anybody else, and says what it left", () =>
  withPictures(async ({ library, to, folder }) => {
    await Deno.mkdir(join(to, "@elsewhere", "in"), { recursive: true });
    const foreign = ["c.png", "c.png.json", "c.png.txt"]
      .map((name) => join(to, "@elsewhere", "in", name));
    for (const path of foreign) await Deno.writeTextFile(path, '{"category": "mine"}');
    const outside = join(folder, "outside");
    await Deno.mkdir(outside);
    const [stored] = rowsOf<[string]>(
      library.core.reader,
      "SELECT filepath FROM images WHERE id = 1",
    )
      .flat();
    await Deno.symlink(outside, join(to, stored.slice(0, 2)));
    for (let round = 0; round < runs(1, 2); round++) {
      const report = await exportLibrary(library, { ...SMALL, to });
      assertEquals(report.failed.map(({ path, code }) => `${code} ${path}`).sort(), [
        "conflict @elsewhere/in/c.png.json",
        "conflict @elsewhere/in/c.png.txt",
        `forbidden ${stored}.json`,
        `forbidden ${stored}.txt`,
      ], `round ${round}`);
    }
    const withFiles = await exportLibrary(library, { ...SMALL, to, files: "copy" });
    assertEquals(withFiles.filesCopied, 1);
    for (const path of foreign) assertEquals(await Deno.readTextFile(path), '{"category": "mine"}');
    assertEquals(await Array.fromAsync(Deno.readDir(outside)), []);
    // A list that was edited since the last export is its editor's.
    const [other] = rowsOf<[string]>(
      library.core.reader,
      "SELECT filepath FROM images WHERE id = 2",
    )
      .flat();
    const path = join(to, `${other}.txt`);
    await Deno.writeTextFile(path, "edited");
    await Deno.utime(path, new Date(Date.now() + 60_000), new Date(Date.now() + 60_000));
    const edited = await exportLibrary(library, { ...SMALL, to, format: "txt" });
    assert(edited.failed.some((failed) => failed.path === `${other}.txt`));
    assertEquals(await Deno.readTextFile(path), "edited");
  }));

fullTierTest(
  "exportLibrary() of a search tells of nothing else",
  () =>
    withPictures(async ({ library, to }) => {
      const db = openDatabase(library.paths.database);
      db.exec(
        `INSERT INTO pools (id, name) VALUES (1, 'mixed'), (2, 'others');
       INSERT INTO pool_images VALUES (1, 1, 1), (1, 3, 2), (2, 3, 1);
       INSERT INTO image_relations (image_id_a, image_id_b, relation_type) VALUES (1, 3, 'x');
       INSERT INTO library_state VALUES ('blacklisted_tags', 'secret');
       INSERT INTO tags (name) VALUES ('unused');`,
      );
      db.close();
      const report = await exportLibrary(library, {
        ...SMALL,
        to,
        query: "cat",
        format: "gallery-dl",
      });
      assertEquals(numbersOf(report), [2, 2, 0, 0, 0]);
      const file = JSON.parse(await Deno.readTextFile(join(to, "library.json")));
      assertEquals([file.tags, file.settings, file.relations], [[], [], []]);
      const [{ name, images }] = file.pools;
      assertEquals([file.pools.length, name, images.length], [1, "mixed", 1]);
      assertEquals(
        numbersOf(await exportLibrary(library, { ...SMALL, to, query: "limit:1" }))[0],
        1,
      );
    }),
);

Deno.test("exportLibrary() refuses what it cannot write, and reports what it cannot read", () =>
  withPictures(async ({ library, to, folder }) => {
    const { paths } = library;
    await Deno.mkdir(to);
    await Deno.writeTextFile(join(to, "library.json"), "{}");
    await Deno.writeTextFile(join(folder, "file"), "");
    const free = join(folder, "free");
    const full = () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }));
    const aborted = AbortSignal.abort();
    const cases: [options: Partial<ExportOptions>, code: string][] = [
      [{ to }, "conflict"],
      [{ to: paths.folder }, "bad_request"],
      [{ to: join(paths.images, "inside") }, "bad_request"],
      [{ to: join(folder, "elsewhere", "inside") }, "bad_request"],
      [{ to: join(folder, "file") }, "bad_request"],
      [{ to: join(folder, "no", "where") }, "not_found"],
      [{ to: free, freeDiskFloorBytes: 2 ** 60 }, "disk_full"],
      [{ to: free, calls: { ...Deno, mkdir: full } }, "disk_full"],
      [{ to: free, signal: aborted }, "cancelled"],
    ];
    const before = await fingerprint(paths.folder);
    for (const [options, code] of cases) {
      const error = await assertRejects(
        () => exportLibrary(library, { ...SMALL, to: free, ...options }),
        AppError,
      );
      assertEquals(error.code, code, error.message);
    }
    await assertRejects(
      () => exportLibrary(library, { ...SMALL, to: free, query: "(" }),
      SyntaxError,
    );
    assertEquals(await fingerprint(paths.folder), before);
    assertEquals(await Deno.readTextFile(join(to, "library.json")), "{}");

    await Deno.remove(join(folder, "elsewhere", "in", "c.png"));
    const [path] = rowsOf<[string]>(library.core.reader, "SELECT filepath FROM images WHERE id = 2")
      .flat();
    await Deno.writeTextFile(join(paths.images, path), "other bytes");
    const report = await exportLibrary(library, { ...SMALL, to: free, files: "copy" });
    assertEquals(
      report.failed.map(({ path }) => path).sort(),
      ["@elsewhere/in/c.png", path].sort(),
    );
    assertEquals([report.filesCopied, report.sidecarsWritten], [1, 6], "what is known is written");
    const hidden = await Array.fromAsync(Deno.readDir(free), ({ name }) => name);
    assertEquals(hidden.filter((name) => name.startsWith(".")), []);
  }));

Deno.test("toExportPath() gives names that every system has and every import reads", () => {
  for (const path of ["ab/cd/x.png", "@root/a b/日本.png"]) assertEquals(toExportPath(path), path);
  const odd = [
    "../../etc/passwd",
    ".hidden/x.png",
    "a//b.png",
    "a/CON.png",
    "a\n/b:c.png",
    "/x.png",
  ];
  for (const path of odd) {
    const safe = toExportPath(path);
    assert(!safe.split("/").some((name) => /^\.|^$|[\n:\\]|^con\./i.test(name)), safe);
    assert(safe !== path && !safe.startsWith("/"), safe);
  }
  assertEquals(new Set(odd.map(toExportPath)).size, odd.length);
});

fullTierTest(
  "an import merges an export into a library that has the pictures already",
  () =>
    withPictures(async ({ library, to, folder }) => {
      const db = openDatabase(library.paths.database);
      db.exec("INSERT INTO favourites (image_id, created_at) VALUES (1, '2020-01-01 00:00:00')");
      db.close();
      const edit = { imageId: 1, editor: "owner", expectedTags: null };
      await library.writer.call("editTags", {
        ...edit,
        add: [{ name: "mine", category: "artist" }],
        remove: ["cat"],
      });
      const md5 =
        rowsOf<[string]>(library.core.reader, "SELECT md5 FROM images WHERE id = 1")[0][0];
      await exportLibrary(library, { ...SMALL, to, files: "copy" });
      const other = await openLibrary({ folder: join(folder, "other"), workers: 1 });
      try {
        await importFolders(other, { folders: [join(folder, "source")], mode: "copy" });
        await other.writer.call("editTags", { ...edit, add: [], remove: ["solo"] });
        for (let round = 0; round < 2; round++) {
          await importFolders(other, { folders: [to], mode: "copy" });
          assertEquals(tagsOf(other, md5), [
            "artist:mine",
            "rating:rating:explicit",
          ]);
          const deltas = rowsOf(
            other.core.reader,
            "SELECT tag_name, operation FROM tag_deltas WHERE image_md5 = ? ORDER BY tag_name",
            md5,
          );
          assertEquals(deltas, [["cat", "remove"], ["mine", "add"], ["solo", "remove"]]);
          assertEquals(rowsOf(other.core.reader, "SELECT created_at FROM favourites"), [
            ["2020-01-01 00:00:00"],
          ]);
        }
      } finally {
        await other.close();
      }
    }),
);
