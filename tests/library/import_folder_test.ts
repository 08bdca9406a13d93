import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import type { ImportProgress } from "../../src/library/import_report.ts";
import { countFailed } from "../../src/library/import_report.ts";
import { lockLibrary } from "../../src/library/lock.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import { SAMPLE_MP4, SAMPLE_WEBM } from "../media/sample_films.ts";
import { makePicture } from "../media/sample_media.ts";
import {
  checkWhole,
  digest,
  fingerprint,
  hashTree,
  imageOf,
  importSource,
  pictureBytes,
  rowsOf,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";

Deno.test("importFolders() copies files of every type with their facts, and again adds nothing", async () => {
  await withLibrary(async ({ library, source }) => {
    for (const format of ["png", "jpeg", "gif", "webp", "avif"] as const) {
      await Deno.writeFile(join(source, `a.${format}`), await makePicture(format));
    }
    await Deno.writeFile(join(source, "b.mp4"), SAMPLE_MP4);
    await Deno.writeFile(join(source, "c.webm"), SAMPLE_WEBM);
    const before = await fingerprint(source);
    assertEquals(digest(await importSource({ library, source })), { added: 7 });
    assertEquals(await fingerprint(source), before);
    await checkWhole(library);
    assertEquals(
      rowsOf(
        library.core.reader,
        `SELECT file_ext, original_name, image_width, image_height, duration_ms FROM images
         JOIN image_media ON image_id = images.id ORDER BY 1`,
      ),
      [
        ["avif", "a.avif", 120, 80, null],
        ["gif", "a.gif", 120, 80, null],
        ["jpg", "a.jpeg", 120, 80, null],
        ["mp4", "b.mp4", 48, 32, 500],
        ["png", "a.png", 120, 80, null],
        ["webm", "c.webm", 32, 48, 500],
        ["webp", "a.webp", 120, 80, null],
      ],
    );
    assertEquals((await hashTree(library.paths.thumbnails)).size, 7);
    const rows = () => rowsOf(library.core.reader, "SELECT * FROM change_log ORDER BY 1");
    const changes = rows();
    assertEquals(digest(await importSource({ library, source })), { alreadyThere: 7 });
    assertEquals(rows(), changes, "a second run must not touch what it does not change");
    await checkWhole(library);
  });
});

Deno.test("importFolders() stores one content once, wherever its copies lie", async () => {
  await withLibrary(async ({ library, source }) => {
    // 80 files are three batches, which run at the same time.
    for (let i = 0; i < 80; i++) {
      await writePicture(join(source, `f${i % 4}`, `${String(i).padStart(2, "0")}.png`), i % 7, {
        ".txt": `tag_${i}`,
      });
    }
    const report = await importSource({ library, source });
    assertEquals(digest(report), { added: 7, furtherCopies: 73, tagsMerged: 73 });
    await checkWhole(library);
    assertEquals((await hashTree(library.paths.images)).size, 7);
    const tags = rowsOf<[number]>(library.core.reader, "SELECT count(*) FROM image_tags")[0][0];
    assertEquals(tags, 80, "the tags of every copy's sidecar are merged");
    assertEquals(digest(await importSource({ library, source })), {
      alreadyThere: 7,
      furtherCopies: 73,
    });
    await checkWhole(library);
  });
});

Deno.test("importFolders() keeps files of one name and different content apart", async () => {
  await withLibrary(async ({ library, source }) => {
    for (let i = 0; i < 40; i++) await writePicture(join(source, `f${i}`, "same.png"), i);
    assertEquals(digest(await importSource({ library, source })), { added: 40 });
    await checkWhole(library);
    assertEquals((await hashTree(library.paths.images)).size, 40);
  });
});

Deno.test("importFolders() takes each file once when folders are given twice or nested", async () => {
  await withLibrary(async ({ library, source }) => {
    await writePicture(join(source, "a/1.png"), 1);
    await writePicture(join(source, "2.png"), 2);
    const folders = [join(source, "a"), source, `${source}/`, join(source, "a")];
    for (const mode of ["in-place", "copy"] as const) {
      let last: ImportProgress | undefined;
      const report = await importSource({ library, source }, {
        folders,
        mode,
        onProgress: (progress) => last = { ...progress },
      });
      assertEquals(digest(report), mode === "in-place" ? { added: 2 } : { alreadyThere: 2 });
      const bytes = (await pictureBytes(1)).length * 2;
      assertEquals(last, {
        stage: "importing",
        files: 2,
        filesTotal: 2,
        bytes,
        bytesTotal: bytes,
      });
      assertEquals(report.bytes, bytes);
    }
    await checkWhole(library);
  });
});

Deno.test("importFolders() reports bad files with a reason and imports the others", async () => {
  await withLibrary(async ({ library, source }) => {
    const png = await makePicture("png");
    await writePicture(join(source, "good.png"), 1);
    await Deno.writeFile(join(source, "wrong_ending.jpg"), png);
    await Deno.writeFile(join(source, "no_ending"), await makePicture("webp"));
    await Deno.writeFile(join(source, "cut.png"), png.subarray(0, png.length / 2));
    await Deno.writeFile(join(source, "header_only.png"), png.subarray(0, 20));
    await Deno.writeFile(join(source, "empty.png"), new Uint8Array(0));
    await Deno.writeTextFile(
      join(source, "drawing.svg"),
      "<svg xmlns='http://www.w3.org/2000/svg'/>",
    );
    await Deno.writeTextFile(join(source, "ugoira.zip"), "PK\x03\x04rest");
    await Deno.writeTextFile(join(source, "lonely.json"), "{}");
    await Deno.mkdir(join(source, ".hidden"));
    await writePicture(join(source, ".hidden/a.png"), 2);
    await writePicture(join(source, ".b.png"), 3, { ".txt": "hidden_too" });
    await new Deno.Command("mkfifo", { args: [join(source, "pipe.png")] }).output();
    const report = await importSource({ library, source });
    const reasons = report.skipped.map(({ path, code, reason }) => [
      path.slice(source.length + 1),
      code,
      reason.replace(source, ""),
    ]).sort();
    assertEquals(reasons.map(([name, code]) => `${name} ${code}`), [
      "drawing.svg unsupported",
      "empty.png unsupported",
      "header_only.png undecodable_media",
      "pipe.png not_a_file",
      "ugoira.zip unsupported",
    ]);
    assertEquals(reasons[0][2], "It is an SVG drawing");
    assertEquals(reasons[1][2], "It is an empty file");
    assertEquals(countFailed(report), 1);
    assertEquals([report.added, report.hidden], [4, 2]);
    await checkWhole(library);
    const names = rowsOf<[string]>(library.core.reader, "SELECT filepath FROM images")
      .map(([filepath]) => filepath.slice(6)).sort();
    assertEquals(names, ["cut.png", "good.png", "no_ending.webp", "wrong_ending.png"]);
  });
});

Deno.test("importFolders() does not follow links out of the folder, nor into a loop", async () => {
  await withLibrary(async ({ library, folder, source }) => {
    await writePicture(join(folder, "outside/secret.png"), 1);
    await writePicture(join(source, "a/real.png"), 2);
    await Deno.symlink(join(folder, "outside"), join(source, "out_folder"));
    await Deno.symlink(join(folder, "outside/secret.png"), join(source, "out.png"));
    await Deno.symlink(source, join(source, "a/loop"));
    await Deno.symlink(join(source, "a/real.png"), join(source, "inner.png"));
    await Deno.symlink(join(source, "nowhere"), join(source, "broken.png"));
    // A sidecar is no way out either.
    await Deno.writeTextFile(join(folder, "outside/tags"), "stolen");
    await Deno.symlink(join(folder, "outside/tags"), join(source, "a/real.png.txt"));
    const report = await importSource({ library, source });
    assertEquals(digest(report), {
      added: 1,
      skipped: ["link_outside", "link_outside", "link_outside", "unreadable"],
    });
    assertEquals(tagsOf(library, await getFileMd5(join(source, "a/real.png"))), []);
    await checkWhole(library);
  });
});

Deno.test("importFolders() takes files whatever their names are", async () => {
  await withLibrary(async ({ library, source }) => {
    const names = [
      "new\nline.png",
      "esc\x1b[31mred.png",
      "bidi\u202egnp.png",
      `quo"te'.png`,
      "-rf.png",
      "--help",
      "$(touch x).png",
      "%2e%2e.png",
      " blank .png",
      "dot.",
      "back\\slash.png",
      "con.png",
      "café.png",
      "cafe\u0301.png",
      "😀👩‍👩‍👧.png",
      "[x].png",
      "a.png[page=1]",
      `${"x".repeat(251)}.png`,
      "あ".repeat(85),
      "..png",
      "@root",
    ].filter((name) => !name.startsWith("."));
    for (const [i, name] of names.entries()) {
      await writePicture(join(source, name), i, name.length < 80 ? { ".txt": `t${i}` } : {});
    }
    assertEquals(digest(await importSource({ library, source })), { added: names.length });
    await checkWhole(library);
    const known = rowsOf<[string]>(library.core.reader, "SELECT original_name FROM image_media");
    assertEquals(new Set(known.map(([name]) => name)), new Set(names));
    for (const [i, name] of names.entries()) {
      const expected = name.length < 80 ? [`general:t${i}`] : [];
      assertEquals(tagsOf(library, await getFileMd5(join(source, name))), expected, name);
    }
    assertEquals(digest(await importSource({ library, source }, { mode: "in-place" })), {
      furtherCopies: names.length,
    });
    await checkWhole(library);
  });
});

Deno.test({
  name: "importFolders() reports names that are not UTF-8",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await withLibrary(async ({ library, source }) => {
      await writePicture(join(source, "a.png"), 1);
      await writePicture(join(source, "twin\ufffd.png"), 2);
      const script = String.raw`cd "$1"; cp a.png "$(printf 'bad\377.png')"; ` +
        String.raw`cp a.png "$(printf 'twin\377.png')"; cp a.png "$(printf 'twin\376.png')"; ` +
        String.raw`mkdir "$(printf 'dir\377')"; cp a.png "$(printf 'dir\377')/x.png"`;
      await new Deno.Command("sh", { args: ["-c", script, "sh", source] }).output();
      const report = await importSource({ library, source });
      assertEquals(digest(report), { added: 2, skipped: Array(4).fill("name_not_utf8") });
      assertEquals(countFailed(report), 4);
      await checkWhole(library);
    });
  },
});

Deno.test("importFolders() never merges another content of the same md5", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    await importSource({ library, source });
    // Nobody has two pictures of one md5 at hand, so the stored bytes and what is said of them differ.
    const stored = join(library.paths.images, imageOf(library, await getFileMd5(path))!.filepath);
    const other = await pictureBytes(2);
    await Deno.writeFile(stored, other);
    const hasher = library.hasher.call.bind(library.hasher);
    library.hasher.call = (async (method: "hashFiles", request: { paths: string[] }) => {
      const answer = await hasher(method, request);
      if (method === "hashFiles" && request.paths.length === 2) {
        answer.words.copyWithin(4, 0, 4);
      }
      return answer;
    }) as typeof library.hasher.call;
    for (const mode of ["copy", "move", "in-place"] as const) {
      const report = await importSource({ library, source }, { mode });
      assertEquals(digest(report), { skipped: ["md5_collision"] });
      assertEquals(countFailed(report), 1);
      assertEquals(await Deno.readFile(stored), other);
      assertEquals(await Deno.readFile(path), await pictureBytes(1));
    }
  });
});

Deno.test("importFolders() stores a content again whose file vanished or lost its bytes", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    const md5 = await getFileMd5(path);
    await importSource({ library, source });
    const first = imageOf(library, md5)!;
    await Deno.remove(join(library.paths.images, first.filepath));
    const again = await importSource({ library, source });
    assertEquals([digest(again), again.warnings.length], [{ alreadyThere: 1 }, 1]);
    assertEquals(imageOf(library, md5), first);
    await checkWhole(library);
    // A power cut, or a failing disk.
    await Deno.truncate(join(library.paths.images, first.filepath), 0);
    const repaired = await importSource({ library, source });
    assertEquals(repaired.warnings.length, 1);
    const now = imageOf(library, md5)!;
    assertEquals([now.id, now.places], [first.id, [now.filepath]]);
    assertEquals(await getFileMd5(join(library.paths.images, now.filepath)), md5);
    assert(await Deno.stat(join(library.paths.images, first.filepath)), "nothing is deleted");
    assertEquals(digest(await importSource({ library, source })), { alreadyThere: 1 });
  });
});

Deno.test("importFolders() refuses folders that are not there or its own", async () => {
  await withLibrary(async ({ library, folder, source }) => {
    const cases: [string, string][] = [
      [join(folder, "nowhere"), "not_found"],
      [await writePicture(join(source, "a.png"), 1), "bad_request"],
      [library.paths.images, "bad_request"],
      [library.paths.trash, "bad_request"],
    ];
    for (const [path, code] of cases) {
      const error = await assertRejects(
        () => importSource({ library, source }, { folders: [path] }),
        AppError,
        path,
      );
      assertEquals(error.code, code);
    }
    // A folder around the library is fine: its own folders are left out.
    assertEquals(digest(await importSource({ library, source }, { folders: [folder] })), {
      added: 1,
    });
    assertEquals(digest(await importSource({ library, source }, { folders: [folder] })), {
      alreadyThere: 1,
    });
    await checkWhole(library);
  });
});

Deno.test("importFolders() names the holder of the lock, and frees it whatever happens", async () => {
  await withLibrary(async ({ library, source }) => {
    await writePicture(join(source, "a.png"), 1);
    const lock = await lockLibrary(library.paths.lock, "dedupe");
    const error = await assertRejects(
      () => importSource({ library, source }),
      AppError,
      `dedupe (process ${Deno.pid})`,
    );
    assertEquals(error.code, "locked");
    assertEquals(digest(await importSource({ library, source }, { dryRun: true })), { added: 1 });
    lock.release();
    await assertRejects(
      () => importSource({ library, source }, { freeDiskFloorBytes: 2 ** 60 }),
      AppError,
      "bytes left",
    );
    assertEquals(await Array.fromAsync(Deno.readDir(library.paths.images)), []);
    const inPlace = { mode: "in-place", freeDiskFloorBytes: 2 ** 60 } as const;
    assertEquals(digest(await importSource({ library, source }, inPlace)), { added: 1 });
  });
});

Deno.test("importFolders() writes nothing in a dry run and foresees what would be done", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    await writePicture(join(source, "a.png"), 1, { ".txt": "x" });
    await writePicture(join(source, "b.png"), 2);
    await importSource({ library, source });
    await writePicture(join(source, "c.png"), 3);
    await writePicture(join(source, "d.png"), 3);
    await writePicture(join(source, "e.png"), 1);
    await Deno.writeTextFile(join(source, "a.png.txt"), "x\ny");
    for (const mode of ["copy", "move", "in-place"] as const) {
      const before = await fingerprint(folder);
      const foreseen = digest(await importSource({ library, source }, { mode, dryRun: true }));
      assertEquals(await fingerprint(folder), before);
      const done = digest(await importSource({ library, source }, { mode }));
      delete done.tagsMerged;
      assertEquals(foreseen, done, mode);
    }
  });
});

fullTierTest("importFolders() ends when it is cancelled, without leaving work behind", async () => {
  await withLibrary(async ({ library, source }) => {
    for (let i = 0; i < 200; i++) await writePicture(join(source, `${i}.png`), i);
    const controller = new AbortController();
    const reason = new AppError("cancelled", "Enough");
    const error = await assertRejects(
      () =>
        importSource({ library, source }, {
          signal: controller.signal,
          onProgress: ({ files }) => files > 0 && controller.abort(reason),
        }),
      AppError,
    );
    assertEquals(error, reason);
    // The lock is free and nothing is half done.
    await checkWhole(library);
    const [[count]] = rowsOf<[number]>(library.core.reader, "SELECT count(*) FROM images");
    assert(count > 0 && count < 200, `${count} images`);
    const report = await importSource({ library, source });
    assertEquals(digest(report), { added: 200 - count, alreadyThere: count });
    await checkWhole(library);
  });
});
