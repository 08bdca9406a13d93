import { assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import type { ImageId } from "../../src/base/ids.ts";
import { scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import type { Library } from "../../src/library/library.ts";
import { moveToTrash, restoreFromTrash, resumeTrash } from "../../src/library/trash.ts";
import { emptyTrash } from "../../src/library/trash_empty.ts";
import { readTrashEntry } from "../../src/store/trash.ts";
import {
  addImage,
  bytesOf,
  clear,
  failing,
  imagesOf,
  md5Of,
  put,
  treeOf,
  write,
} from "../support/copies.ts";
import { checkDatabase, rowsOf, tagsOf, withLibrary } from "../support/sample_library.ts";

function trashedFileOf(library: Library, id: number): string {
  const { manifest } = readTrashEntry(library.core.reader, id)!;
  return join(library.paths.trash, manifest.files[0].trashed!);
}

/** Puts another file where one was, as programs do that write a file anew. */
async function replace(path: string, content: Uint8Array): Promise<void> {
  await Deno.writeFile(`${path}.new`, content);
  await Deno.rename(`${path}.new`, path);
}

/** An image and a copy of another one in the trash, by their entries, with where they were. */
async function fill(library: Library) {
  await clear(library);
  const { images } = library.paths;
  const id = await addImage(library, "gone.png", bytesOf(1), { tags: ["x"] });
  const image = await moveToTrash(library, id as ImageId);
  for (const name of ["a.png", "b.png"]) await addImage(library, name, bytesOf(2));
  const { groups } = await scanAndRemoveDuplicates(library, { dryRun: false });
  return [
    { entryId: image, path: join(images, "gone.png"), content: bytesOf(1) },
    { entryId: groups[0].copies[0].trashId!, path: join(images, "b.png"), content: bytesOf(2) },
  ];
}

Deno.test("resumeTrash() leaves a file alone that got the path of one that was to be moved", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    const { reader } = library.core;
    for (const failed of ["link", "setTrashState"]) {
      await clear(library);
      const imageId = await addImage(library, "a.png", bytesOf(1), { tags: ["x"] });
      const { writer } = library;
      const call = writer.call;
      const stopping = async (method: string, request: unknown) => {
        if (method === failed) throw new Error("killed");
        return await (call as (...args: unknown[]) => Promise<unknown>)
          .call(writer, method, request);
      };
      Object.assign(writer, { call: stopping });
      const calls = failing(failed === "link" ? ["link", "rename"] : []);
      await assertRejects(() => moveToTrash(library, imageId as ImageId, { calls }));
      Object.assign(writer, { call });
      const [[id, state]] = rowsOf<[number, string]>(reader, "SELECT id, state FROM trash");
      assertEquals(state, "moving");
      await replace(join(images, "a.png"), bytesOf(9));
      await resumeTrash(library);
      assertEquals(await treeOf(images), { "a.png": md5Of(bytesOf(9)) }, failed);
      assertEquals(readTrashEntry(reader, id)!.state, "trashed", failed);
      if (failed === "link") continue;
      // What was moved before comes back beside it.
      const { filepath } = await restoreFromTrash(library, id);
      assertEquals(md5Of(await Deno.readFile(join(images, filepath))), md5Of(bytesOf(1)));
      assertEquals(md5Of(await Deno.readFile(join(images, "a.png"))), md5Of(bytesOf(9)));
    }
  });
});

Deno.test("restoreFromTrash() keeps an entry whose files are not there, and takes no other file for one", async () => {
  await withLibrary(async ({ library, folder }) => {
    for (const isReplaced of [false, true]) {
      for (const { entryId, path, content } of await fill(library)) {
        const before = imagesOf(library);
        // As when the disk with the trash is not connected.
        const trashed = trashedFileOf(library, entryId);
        await Deno.rename(dirname(trashed), join(folder, "elsewhere"));
        if (isReplaced) await replace(path, bytesOf(9));
        const error = await assertRejects(() => restoreFromTrash(library, entryId), AppError);
        assertEquals(error.code, "not_found");
        assertEquals(readTrashEntry(library.core.reader, entryId)!.state, "trashed");
        assertEquals(imagesOf(library), before);
        await Deno.rename(join(folder, "elsewhere"), dirname(trashed));
        const { filepath } = await restoreFromTrash(library, entryId);
        const restored = await Deno.readFile(join(library.paths.images, filepath));
        assertEquals(md5Of(restored), md5Of(content));
        if (isReplaced) assertEquals(md5Of(await Deno.readFile(path)), md5Of(bytesOf(9)));
        checkDatabase(library.paths.database);
      }
    }
  });
});

Deno.test("restoreFromTrash() says where to before it moves, so that the next start goes on", async () => {
  await withLibrary(async ({ library }) => {
    const { writer } = library;
    const call = writer.call;
    const stopping = async (method: string, request: unknown) => {
      if (method === "putBack" || method === "putCopyBack") throw new Error("killed");
      return await (call as (...args: unknown[]) => Promise<unknown>).call(writer, method, request);
    };
    for (const i of [0, 1]) {
      const { entryId, path, content } = (await fill(library))[i];
      const places = () => Object.values(imagesOf(library)).flat().length;
      const before = places();
      await replace(path, bytesOf(9));
      Object.assign(writer, { call: stopping });
      await assertRejects(() => restoreFromTrash(library, entryId), Error, "killed");
      Object.assign(writer, { call });
      assertEquals(readTrashEntry(library.core.reader, entryId)!.state, "restoring");
      await resumeTrash(library);
      assertEquals(readTrashEntry(library.core.reader, entryId), undefined);
      assertEquals(places(), before + 1);
      const tree = Object.values(await treeOf(library.paths.images));
      assertEquals(tree.includes(md5Of(content)) && tree.includes(md5Of(bytesOf(9))), true);
      for (const filepath of Object.values(imagesOf(library)).flat()) {
        const md5 = md5Of(await Deno.readFile(join(library.paths.images, filepath)));
        assertEquals(md5 === md5Of(bytesOf(9)), false, filepath);
      }
    }
  });
});

Deno.test("restoreFromTrash() lets an image be served from a copy whose kept file is gone", async () => {
  await withLibrary(async ({ library }) => {
    for (const name of ["a.png", "b.png", "c.png"]) await addImage(library, name, bytesOf(1));
    const { groups } = await scanAndRemoveDuplicates(library, { dryRun: false });
    const [b, c] = groups[0].copies.map(({ trashId }) => trashId!);
    await Deno.remove(join(library.paths.images, "a.png"));
    await restoreFromTrash(library, c);
    assertEquals(imagesOf(library), { "c.png": ["a.png", "c.png"] });
    await restoreFromTrash(library, b);
    assertEquals(imagesOf(library), { "c.png": ["a.png", "b.png", "c.png"] });
  });
});

Deno.test("restoreFromTrash() gives no place of an image to another file", async () => {
  await withLibrary(async ({ library }) => {
    const imageId = await addImage(library, "a.png", bytesOf(1));
    await addImage(library, "b.png", bytesOf(1));
    const entryId = await moveToTrash(library, imageId as ImageId);
    await Deno.remove(trashedFileOf(library, entryId));
    await put(library.paths.images, "a.png", bytesOf(9));
    const { filepath } = await restoreFromTrash(library, entryId);
    const [[path, places]] = Object.entries(imagesOf(library));
    assertEquals([path, places.includes("b.png"), places.includes("a.png")], [
      filepath,
      true,
      false,
    ]);
  });
});

Deno.test("restoreFromTrash() gives an image another number if its own has another image", async () => {
  await withLibrary(async ({ library }) => {
    const friend = await addImage(library, "f.png", bytesOf(3));
    const imageId = await addImage(library, "a.png", bytesOf(1), { tags: ["x"] });
    write(
      library,
      `INSERT INTO image_relations (image_id_a, image_id_b, relation_type)
         VALUES (${imageId}, ${friend}, 'sibling');
       INSERT INTO favourites (image_id) VALUES (${imageId})`,
    );
    const entryId = await moveToTrash(library, imageId as ImageId);
    // As in a database that was rescued without its counters.
    write(library, "DELETE FROM sqlite_sequence");
    const other = await addImage(library, "b.png", bytesOf(2), { tags: ["y"] });
    assertEquals(other, imageId);
    const restored = await restoreFromTrash(library, entryId);
    const id = restored.imageId!;
    assertEquals(id, imageId + 1);
    assertEquals(imagesOf(library), { "a.png": ["a.png"], "b.png": ["b.png"], "f.png": ["f.png"] });
    assertEquals(
      [tagsOf(library, md5Of(bytesOf(1))), tagsOf(library, md5Of(bytesOf(2)))],
      [["general:x"], ["general:y"]],
    );
    const { reader } = library.core;
    assertEquals(rowsOf(reader, "SELECT image_id_a, image_id_b FROM image_relations"), [
      [id, friend],
    ]);
    assertEquals(rowsOf(reader, "SELECT image_id FROM favourites"), [[id]]);
    checkDatabase(library.paths.database);
  });
});

Deno.test("emptyTrash() keeps a copy unless another file has its bytes, whatever looks like one", async () => {
  await withLibrary(async ({ library }) => {
    const path = join(library.paths.images, "a.png");
    const keep = async () => {
      const { mtime, atime } = await Deno.stat(path);
      return () => Deno.utime(path, atime!, mtime!);
    };
    const changes: [what: string, isKnown: boolean, change: () => Promise<unknown>][] = [
      ["other bytes", true, () => replace(path, bytesOf(8))],
      ["other bytes in place, of the same time", true, async () => {
        const setTime = await keep();
        await Deno.writeFile(path, bytesOf(8));
        await setTime();
      }],
      ["the image has another content now", true, async () => {
        await replace(path, bytesOf(8));
        write(library, `UPDATE images SET md5 = '${md5Of(bytesOf(8))}'`);
      }],
      ["a link", true, async () => {
        await Deno.rename(path, `${path}.target`);
        await Deno.symlink(`${path}.target`, path);
      }],
      ["no image has it, and it is gone", false, () => Deno.remove(path)],
      ["no image has it, and it is another", false, () => replace(path, bytesOf(8))],
    ];
    for (const [what, isKnown, change] of changes) {
      await clear(library);
      for (const name of ["a.png", "b.png"]) {
        if (isKnown) await addImage(library, name, bytesOf(1));
        else await put(library.paths.images, name, bytesOf(1));
      }
      const { groups } = await scanAndRemoveDuplicates(library, { dryRun: false });
      const id = groups[0].copies[0].trashId!;
      await change();
      const { emptied, kept } = await emptyTrash(library, { olderThanDays: 0 });
      assertEquals([emptied, kept.map(({ code }) => code)], [0, ["last_copy"]], what);
      assertEquals(md5Of(await Deno.readFile(trashedFileOf(library, id))), md5Of(bytesOf(1)), what);
      // The bytes are there again, wherever they are looked for.
      await Deno.remove(path).catch(() => {});
      await put(library.paths.images, "a.png", bytesOf(1));
      assertEquals((await emptyTrash(library, { olderThanDays: 0 })).emptied, 1, what);
    }
    // Both are in the trash: nobody wants it.
    await clear(library);
    const imageId = await addImage(library, "a.png", bytesOf(1));
    await addImage(library, "b.png", bytesOf(1));
    await scanAndRemoveDuplicates(library, { dryRun: false });
    await moveToTrash(library, imageId as ImageId);
    assertEquals((await emptyTrash(library, { olderThanDays: 0 })).emptied, 2);
  });
});

Deno.test("a copy is moved to a device that keeps times otherwise", async () => {
  await withLibrary(async ({ library }) => {
    const isVisible = (path: string) => !/\/\.[^/]*$/.test(path);
    const calls = failing(["link", "rename"], { code: "EXDEV", isFailing: isVisible });
    for (const name of ["a.png", "b.png"]) await addImage(library, name, bytesOf(1));
    const utime = Deno.utime;
    try {
      Object.assign(Deno, { utime: (path: string) => utime(path, 1_000, 1_000) });
      const report = await scanAndRemoveDuplicates(library, { dryRun: false, calls });
      assertEquals([report.duplicatesRemoved, report.skipped], [1, []]);
    } finally {
      Object.assign(Deno, { utime });
    }
  });
});
