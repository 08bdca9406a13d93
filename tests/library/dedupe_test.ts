import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { removeDuplicate, scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import type { DedupeReport } from "../../src/library/dedupe_report.ts";
import type { Library } from "../../src/library/library.ts";
import { lockLibrary } from "../../src/library/lock.ts";
import { restoreFromTrash } from "../../src/library/trash.ts";
import { readTrash } from "../../src/store/trash.ts";
import {
  addImage,
  bytesOf,
  clear,
  COLLIDING,
  COLLIDING_MD5,
  imagesOf,
  md5Of,
  put,
  treeOf,
} from "../support/copies.ts";
import { checkDatabase, fingerprint, tagsOf, withLibrary } from "../support/sample_library.ts";

/** Groups as `kept: copies`, and what was skipped as `path: code`. */
function digestOf({ groups, skipped, collisions }: DedupeReport) {
  return {
    groups: Object.fromEntries(
      groups.map(({ kept, copies }) => [kept, copies.map((copy) => copy.filepath)]),
    ),
    skipped: Object.fromEntries(skipped.map(({ filepath, code }) => [filepath, code])),
    collisions: collisions.map(({ filepaths }) => filepaths),
  };
}

/** Makes a folder that is indexed in place. */
async function addRoot(library: Library, folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await Deno.mkdir(path, { recursive: true });
  await library.writer.call("ensureRoot", { name, path });
  return path;
}

Deno.test("scanAndRemoveDuplicates() finds all copies and by itself writes nothing", async () => {
  await withLibrary(async ({ library, folder }) => {
    const { images } = library.paths;
    const root = await addRoot(library, folder, "disk");
    await addImage(library, "b/1.png", bytesOf(1));
    await addImage(library, "c/2.png", bytesOf(2));
    for (const name of ["a/copy.png", "d/copy.png"]) await put(images, name, bytesOf(1));
    await addImage(library, "@disk/x/1.png", bytesOf(1), {
      path: await put(root, "x/1.png", bytesOf(1)),
    });
    // Equal first blocks, sizes, names, emptiness and what is no picture make no copies.
    await put(images, "b/near.png", bytesOf(3));
    await put(images, "b/larger.png", bytesOf(1, 5_001));
    for (const name of ["e1.png", "e2.png"]) await put(images, name, "");
    for (const name of ["b/1.png.json", "c/2.png.json"]) await put(images, name, "{}");
    for (const name of [".hidden.png", ".incoming/1.png", "x.part"]) {
      await put(images, name, bytesOf(1));
    }
    await Deno.symlink(join(images, "b/1.png"), join(images, "a/link.png"));
    await Deno.link(join(images, "c/2.png"), join(images, "c/3.png"));
    // A small one: the first block is all of it.
    for (const name of ["s1", "s2"]) await put(images, name, bytesOf(4, 10));
    const before = await fingerprint(folder);
    const progress: string[] = [];
    for (const inBackground of [false, true]) {
      const report = await scanAndRemoveDuplicates(library, {
        inBackground,
        onProgress: ({ stage }) => progress.push(stage),
      });
      assertEquals(digestOf(report), {
        groups: {
          "a/copy.png": ["@disk/x/1.png", "b/1.png", "d/copy.png"],
          "c/2.png": ["c/3.png"],
          "s1": ["s2"],
        },
        skipped: {},
        collisions: [],
      });
      assertEquals(
        report.groups[0].copies.map((copy) => [copy.isInPlace, copy.isHardLink, copy.trashId]),
        [[true, false, null], [false, false, null], [false, false, null]],
      );
      assertEquals(report.groups[1].copies[0].isHardLink, true);
      assertEquals(report.groups[0].md5, md5Of(bytesOf(1)));
      const { dryRun, duplicatesFound, duplicatesRemoved, spaceSavedMb, spaceToSaveMb } = report;
      assertEquals([dryRun, duplicatesFound, duplicatesRemoved, spaceSavedMb], [true, 5, 0, 0]);
      // Two copies of 5,000 bytes and one of 10; the hard link frees nothing, the one in place stays.
      assertEquals(spaceToSaveMb, Math.round(10_010 / 1_048_576 * 1_000) / 1_000);
    }
    assertEquals([...new Set(progress)], ["scanning", "reading", "comparing"]);
    assertEquals(await fingerprint(folder), before);
  });
});

Deno.test("scanAndRemoveDuplicates() keeps the first path, and its image takes over all of a copy", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    await library.core.cache.loadDataFromDb({ verbose: false });
    const id = await addImage(library, "b/1.png", bytesOf(1), { tags: ["known"] });
    await addImage(library, "c/1.jpg", bytesOf(1));
    await put(images, "a/by_hand.png", bytesOf(1));
    await put(images, "b/1.png.txt", "artist:mika\nknown");
    await put(images, "b/1.txt", "stem");
    // This stem belongs to two files: its sidecar is read, and stays.
    await put(
      images,
      "c/1.json",
      JSON.stringify({ category: "danbooru", id: 5, tag_string: "sky" }),
    );
    await put(
      images,
      "c/1.jpg.json",
      JSON.stringify({ category: "e621", id: 6, tags: { meta: ["m"] } }),
    );
    await put(images, "c/1.png", bytesOf(9));
    const tree = await treeOf(images);
    const report = await scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals(digestOf(report), {
      groups: { "a/by_hand.png": ["b/1.png", "c/1.jpg"] },
      skipped: {},
      collisions: [],
    });
    assertEquals([report.dryRun, report.duplicatesFound, report.duplicatesRemoved], [false, 2, 2]);
    assertEquals(report.spaceSavedMb, report.spaceToSaveMb);
    assertEquals(imagesOf(library), { "a/by_hand.png": ["a/by_hand.png"] });
    assertEquals(tagsOf(library, md5Of(bytesOf(1))), [
      "artist:mika",
      "general:known",
      "general:sky",
      "general:stem",
      "meta:m",
    ]);
    assertEquals(Object.keys(await treeOf(images)).sort(), [
      "a/by_hand.png",
      "c/1.json",
      "c/1.png",
    ]);
    checkDatabase(library.paths.database);
    const { cache } = library.core;
    assertEquals(cache.getImageTagsAsString("a/by_hand.png").split(" ").length, 5);
    assertEquals(cache.getImageData().length, 1);
    assertEquals(cache.getMd5ByPostId(5, "danbooru"), md5Of(bytesOf(1)));
    assertEquals((await scanAndRemoveDuplicates(library, { dryRun: false })).duplicatesFound, 0);
    for (const { trashId } of report.groups[0].copies) {
      const restored = await restoreFromTrash(library, trashId!);
      assertEquals([restored.kind, restored.imageId], ["duplicate", id as typeof restored.imageId]);
    }
    assertEquals(await treeOf(images), tree);
    assertEquals(imagesOf(library), { "a/by_hand.png": ["a/by_hand.png", "b/1.png", "c/1.jpg"] });
    assertEquals(await treeOf(library.paths.trash), {});
    checkDatabase(library.paths.database);
  });
});

Deno.test("scanAndRemoveDuplicates() moves what lies in place only when told, and keeps the library's own", async () => {
  await withLibrary(async ({ library, folder }) => {
    const root = await addRoot(library, folder, "disk");
    await addImage(library, "b/1.png", bytesOf(1), { tags: ["mine"] });
    for (const name of ["1.png", "2.png"]) {
      await addImage(library, `@disk/${name}`, bytesOf(1), {
        path: await put(root, name, bytesOf(1)),
      });
    }
    await put(root, "y1.png", bytesOf(2));
    await put(root, "y2.png", bytesOf(2));
    const before = await fingerprint(root);
    const report = await scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals(digestOf(report).groups, {
      "@disk/y1.png": ["@disk/y2.png"],
      "b/1.png": ["@disk/1.png", "@disk/2.png"],
    });
    assertEquals([report.duplicatesFound, report.duplicatesRemoved], [3, 0]);
    assertEquals(await fingerprint(root), before);
    const all = await scanAndRemoveDuplicates(library, { dryRun: false, includeInPlace: true });
    assertEquals([all.duplicatesFound, all.duplicatesRemoved, all.skipped], [3, 3, []]);
    assertEquals(imagesOf(library), { "@disk/1.png": ["@disk/1.png"] });
    assertEquals(Object.keys(await treeOf(root)).sort(), ["1.png", "y1.png"]);
    assertEquals(await treeOf(library.paths.images), {});
    for (const { id } of readTrash(library.core.reader, { limit: 9, offset: 0 })) {
      await restoreFromTrash(library, id);
    }
    assertEquals(await fingerprint(root), before);
    assertEquals(imagesOf(library), { "@disk/1.png": ["@disk/1.png", "@disk/2.png", "b/1.png"] });
  });
});

Deno.test("scanAndRemoveDuplicates() never merges files of one md5 and different bytes", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    const tail = bytesOf(5);
    const contents = [...COLLIDING, ...COLLIDING.map((one) => new Uint8Array([...one, ...tail]))];
    for (const [i, content] of contents.entries()) {
      await put(images, `${i}.png`, content);
      await put(images, `${i} again.png`, content);
    }
    const before = await fingerprint(images);
    const pairs = [["0", "1"], ["2", "3"]].map((names) =>
      names.flatMap((name) => [`${name} again.png`, `${name}.png`]).sort()
    );
    for (const dryRun of [true, false]) {
      const report = await scanAndRemoveDuplicates(library, { dryRun });
      assertEquals(digestOf(report), { groups: {}, skipped: {}, collisions: pairs });
      assertEquals(report.collisions[0].md5, COLLIDING_MD5);
      assertEquals(await fingerprint(images), before);
    }
    // One that is known and one that is new.
    await clear(library);
    await addImage(library, "0.png", COLLIDING[0]);
    await put(images, "1.png", COLLIDING[1]);
    const report = await scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals(digestOf(report).collisions, [["0.png", "1.png"]]);
    const error = await assertRejects(
      () => removeDuplicate(library, COLLIDING_MD5, "0.png"),
      AppError,
      "different bytes",
    );
    assertEquals(error.code, "md5_collision");
    assertEquals(Object.keys(await treeOf(images)), ["0.png", "1.png"]);
  });
});

Deno.test("scanAndRemoveDuplicates() touches nothing where a disk is not connected", async () => {
  await withLibrary(async ({ library, folder }) => {
    const { images } = library.paths;
    const roots: string[] = [];
    for (const name of ["full", "empty", "gone", "unused"]) {
      roots.push(await addRoot(library, folder, name));
      if (name === "unused") continue;
      const path = await put(roots.at(-1)!, "1.png", bytesOf(1));
      await addImage(library, `@${name}/1.png`, bytesOf(1), { path });
    }
    await addImage(library, "1.png", bytesOf(1));
    await addImage(library, "2.png", bytesOf(1));
    await Deno.remove(join(roots[1], "1.png"));
    for (const path of [roots[2], roots[3]]) await Deno.remove(path, { recursive: true });
    const report = await scanAndRemoveDuplicates(library, { dryRun: false, includeInPlace: true });
    assertEquals(digestOf(report), {
      groups: { "1.png": ["2.png", "@full/1.png"] },
      skipped: { "@empty": "root_missing", "@gone": "root_missing" },
      collisions: [],
    });
    assertEquals(report.duplicatesRemoved, 2);
    const away = join(folder, "away");
    await Deno.rename(images, away);
    for (const make of [() => Promise.resolve(), () => Deno.mkdir(images)]) {
      await make();
      const error = await assertRejects(
        () => scanAndRemoveDuplicates(library, { dryRun: false }),
        AppError,
        images,
      );
      assertEquals(error.code, "not_found");
    }
  });
});

Deno.test("scanAndRemoveDuplicates() leaves alone what the library has as another image, and one file by two paths", async () => {
  await withLibrary(async ({ library, folder }) => {
    const { images } = library.paths;
    await addImage(library, "a.png", bytesOf(1));
    await addImage(library, "b.png", bytesOf(2));
    await addImage(library, "c.png", bytesOf(1));
    // Edited where it lies: no image has this content at this path.
    await put(images, "b.png", bytesOf(1));
    const root = await addRoot(library, folder, "disk");
    await put(root, "1.png", bytesOf(3));
    await put(root, "2.png", bytesOf(4));
    await Deno.symlink(root, join(folder, "again"));
    await library.writer.call("ensureRoot", { name: "again", path: join(folder, "again") });
    const report = await scanAndRemoveDuplicates(library, { dryRun: false, includeInPlace: true });
    assertEquals(digestOf(report), {
      groups: { "a.png": ["c.png"] },
      skipped: {
        "b.png": "other_image",
        "@again/1.png": "same_file",
        "@again/2.png": "same_file",
        "@disk/1.png": "same_file",
        "@disk/2.png": "same_file",
      },
      collisions: [],
    });
    assertEquals(Object.keys(await treeOf(images)).sort(), ["a.png", "b.png"]);
    assertEquals(Object.keys(await treeOf(root)).sort(), ["1.png", "2.png"]);
  });
});

Deno.test("removeDuplicate() keeps the named file of a group, or does nothing", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    const md5 = md5Of(bytesOf(1));
    for (const name of ["a.png", "b.png", "c.png"]) await addImage(library, name, bytesOf(1));
    await addImage(library, "other.png", bytesOf(2));
    for (const name of ["a2.png", "o2.png"]) await put(images, name, bytesOf(3));
    const before = await fingerprint(images);
    for (const keep of ["none.png", "other.png", "a2.png", "../images/b.png", ""]) {
      assertEquals(await removeDuplicate(library, md5, keep), false, keep);
    }
    assertEquals(await removeDuplicate(library, "0".repeat(32), "a.png"), false);
    assertEquals(await fingerprint(images), before);
    assertEquals(await removeDuplicate(library, md5.toUpperCase(), "b.png"), true);
    assertEquals(imagesOf(library), { "b.png": ["b.png"], "other.png": ["other.png"] });
    assertEquals(Object.keys(await treeOf(images)).sort(), [
      "a2.png",
      "b.png",
      "o2.png",
      "other.png",
    ]);
    assertEquals(await removeDuplicate(library, md5, "b.png"), false);
    const lock = await lockLibrary(library.paths.lock, "import");
    const error = await assertRejects(() => removeDuplicate(library, md5, "b.png"), AppError);
    const scan = () => scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals([error.code, (await assertRejects(scan, AppError)).code], ["locked", "locked"]);
    assertEquals((await scanAndRemoveDuplicates(library)).duplicatesFound, 1);
    lock.release();
  });
});

Deno.test("scanAndRemoveDuplicates() stops when it is told to, with all that was moved in the trash", async () => {
  await withLibrary(async ({ library }) => {
    for (let i = 0; i < 40; i++) {
      for (const name of ["a", "b"]) {
        await put(library.paths.images, `${name}/${i}.png`, bytesOf(i));
      }
    }
    const controller = new AbortController();
    await assertRejects(
      () =>
        scanAndRemoveDuplicates(library, {
          dryRun: false,
          signal: controller.signal,
          onProgress: ({ stage }) => {
            if (stage === "moving") controller.abort(new AppError("cancelled", "Enough"));
          },
        }),
      AppError,
      "Enough",
    );
    assertEquals(readTrash(library.core.reader, { limit: 99, offset: 0 }).length, 32);
    assertEquals(Object.keys(await treeOf(library.paths.images)).length, 48);
    assert((await scanAndRemoveDuplicates(library)).duplicatesFound === 8);
    const early = AbortSignal.abort(new AppError("cancelled", "Before"));
    await assertRejects(
      () => scanAndRemoveDuplicates(library, { signal: early }),
      AppError,
      "Before",
    );
  });
});
