import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import type { ImageId } from "../../src/base/ids.ts";
import { scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import type { Library } from "../../src/library/library.ts";
import { newThumbnailPath } from "../../src/library/library_paths.ts";
import { lockLibrary } from "../../src/library/lock.ts";
import { moveToTrash, restoreFromTrash, resumeTrash } from "../../src/library/trash.ts";
import {
  type EmptyReport,
  emptyTrash,
  emptyTrashDaily,
  setTrashKeepDays,
} from "../../src/library/trash_empty.ts";
import { listTrash } from "../../src/library/trash_list.ts";
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
import { withLibrary } from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";

/** An image and a copy in the trash; the image of the copy stays. */
async function fill(library: Library): Promise<{ image: number; copy: number }> {
  const id = await addImage(library, "gone.png", bytesOf(1), { tags: ["x"] });
  const image = await moveToTrash(library, id as ImageId);
  await addImage(library, "a.png", bytesOf(2));
  await addImage(library, "b.png", bytesOf(2));
  await put(library.paths.images, "b.png.txt", "y");
  const { groups } = await scanAndRemoveDuplicates(library, { dryRun: false });
  return { image, copy: groups[0].copies[0].trashId! };
}

function filesOf(library: Library, id: number): string[] {
  return readTrashEntry(library.core.reader, id)!.manifest.files.map((file) =>
    join(library.paths.trash, file.trashed!)
  );
}

function keptOf({ kept }: EmptyReport): [number, string][] {
  return kept.map(({ id, code }) => [id, code]);
}

Deno.test("emptyTrash() removes what it is told to, files, entry and thumbnail, and nothing else", async () => {
  await withLibrary(async ({ library }) => {
    const { image, copy } = await fill(library);
    const thumbnail = newThumbnailPath(library.paths, md5Of(bytesOf(1)));
    const others = newThumbnailPath(library.paths, md5Of(bytesOf(2)));
    for (const path of [thumbnail, others]) {
      await put(join(path, ".."), path.split("/").at(-1)!, "t");
    }
    for (const options of [{}, { olderThanDays: 0, entryIds: [image] }, { olderThanDays: -1 }]) {
      const error = await assertRejects(() => emptyTrash(library, options), AppError);
      assertEquals(error.code, "bad_request");
    }
    const unknown = await assertRejects(
      () => emptyTrash(library, { entryIds: [image, 99] }),
      AppError,
      "99",
    );
    assertEquals(unknown.code, "not_found");
    const day = 86_400_000;
    write(
      library,
      `UPDATE trash SET trashed_at_ms = trashed_at_ms - ${3 * day} WHERE id = ${image}`,
    );
    const early = await emptyTrash(library, { olderThanDays: 4 });
    assertEquals([early.emptied, early.kept], [0, []]);
    const before = await treeOf(library.paths.images);
    const first = await emptyTrash(library, { olderThanDays: 3 });
    assertEquals([first.emptied, first.freedBytes, first.kept], [1, 5_000, []]);
    assertEquals(listTrash(library, { limit: 9, page: 1 }).entries.map(({ id }) => id), [copy]);
    await assertRejects(() => Deno.stat(thumbnail), Deno.errors.NotFound);
    const second = await emptyTrash(library, { entryIds: [copy] });
    assertEquals([second.emptied, second.freedBytes, second.kept], [1, 5_001, []]);
    assert((await Deno.stat(others)).isFile);
    assertEquals(await treeOf(library.paths.trash), {});
    assertEquals(await treeOf(library.paths.images), before);
    const lock = await lockLibrary(library.paths.lock, "import");
    const error = await assertRejects(() => emptyTrash(library, { olderThanDays: 0 }), AppError);
    assertEquals(error.code, "locked");
    lock.release();
  });
});

Deno.test("emptyTrash() keeps what is not as it was, and the last copy of an image", async () => {
  await withLibrary(async ({ library }) => {
    const { image, copy } = await fill(library);
    const [trashed] = filesOf(library, image);
    const bytes = await Deno.readFile(trashed);
    const all = () => emptyTrash(library, { olderThanDays: 0 });
    // Older entries say the size in their rows, if at all.
    const { manifest } = readTrashEntry(library.core.reader, image)!;
    const { sizeBytes: _size, ...old } = manifest.files[0];
    await library.writer.call("setTrashState", {
      id: image,
      state: "trashed",
      manifest: { ...manifest, files: [old] },
    });
    await Deno.remove(join(library.paths.images, "a.png"));
    for (
      const change of [() => Deno.writeFile(trashed, bytesOf(1, 7)), () => Deno.remove(trashed)]
    ) {
      await change();
      const code = await Deno.stat(trashed).then(() => "file_changed", () => "file_missing");
      assertEquals(keptOf(await all()), [[image, code], [copy, "last_copy"]]);
    }
    await Deno.mkdir(trashed);
    assertEquals(keptOf(await all()), [[image, "file_missing"], [copy, "last_copy"]]);
    await Deno.remove(trashed);
    await Deno.writeFile(trashed, bytes);
    write(library, `UPDATE trash SET state = 'restoring' WHERE id = ${image}`);
    assertEquals(keptOf(await all()), [[image, "unfinished"], [copy, "last_copy"]]);
    write(library, `UPDATE trash SET state = 'trashed' WHERE id = ${image}`);
    // Named, it goes.
    assertEquals(keptOf(await emptyTrash(library, { entryIds: [image] })), []);
    // Its image may have another content by now: nobody else has its bytes all the same.
    write(library, "DELETE FROM images");
    assertEquals(keptOf(await all()), [[copy, "last_copy"]]);
    assertEquals(keptOf(await emptyTrash(library, { entryIds: [copy] })), []);
    assertEquals(await treeOf(library.paths.trash), {});
  });
});

fullTierTest("emptyTrash() removes no file of another that lies in an entry's folder", async () => {
  await withLibrary(async ({ library }) => {
    const { image } = await fill(library);
    const [trashed] = filesOf(library, image);
    await Deno.writeTextFile(join(trashed, "../notes.txt"), "mine");
    await emptyTrash(library, { entryIds: [image] });
    assertEquals(readTrashEntry(library.core.reader, image), undefined);
    assertEquals(await Deno.readTextFile(join(trashed, "../notes.txt")), "mine");
  });
});

Deno.test("resumeTrash() finishes an emptying that was interrupted at any point", async () => {
  await withLibrary(async ({ library }) => {
    for (const failingAt of ["before", "half", "after"]) {
      await clear(library);
      const { copy } = await fill(library);
      const files = filesOf(library, copy);
      if (failingAt === "before") {
        write(library, `UPDATE trash SET state = 'emptying' WHERE id = ${copy}`);
      } else {
        const isFailing = (path: string) =>
          failingAt === "half" ? path === files[1] : path.endsWith("manifest.json");
        const empty = () =>
          emptyTrash(library, { entryIds: [copy], calls: failing(["remove"], { isFailing }) });
        if (failingAt === "half") await assertRejects(empty, Error, "remove fails");
        else await empty();
      }
      if (failingAt !== "after") {
        assertEquals(readTrashEntry(library.core.reader, copy)!.state, "emptying");
        const error = await assertRejects(() => restoreFromTrash(library, copy), AppError);
        assertEquals(error.code, "conflict");
        await resumeTrash(library);
      }
      assertEquals(readTrashEntry(library.core.reader, copy), undefined, failingAt);
      for (const path of files) await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
      assertEquals(imagesOf(library), { "a.png": ["a.png"] });
    }
  });
});

Deno.test("the trash is emptied by itself only if its owner said so", async () => {
  await withLibrary(async ({ library }) => {
    const { image } = await fill(library);
    write(library, `UPDATE trash SET trashed_at_ms = 0 WHERE id = ${image}`);
    const run = async () => {
      emptyTrashDaily(library).stop();
      const task = library.tasks.active("empty-trash");
      if (task === undefined) return null;
      const { promise, resolve } = Promise.withResolvers<void>();
      const ended = new AbortController();
      library.tasks.events.on("changed", (changed) => {
        if (changed.endedAt !== null) resolve();
      }, { signal: ended.signal });
      await promise;
      ended.abort();
      return library.tasks.get(task.id)!.state;
    };
    assertEquals(await run(), null);
    for (const days of [0, 1.5, -1, 100_001, NaN]) {
      await assertRejects(() => setTrashKeepDays(library, days), AppError, "Cannot keep");
    }
    await setTrashKeepDays(library, 30);
    assertEquals(listTrash(library, { limit: 1, page: 2 }).keepDays, 30);
    assertEquals(await run(), "succeeded");
    assertEquals(readTrashEntry(library.core.reader, image), undefined);
    assertEquals(listTrash(library, { limit: 1, page: 1 }).total, 1);
    await setTrashKeepDays(library, null);
    assertEquals([listTrash(library, { limit: 1, page: 1 }).keepDays, await run()], [null, null]);
  });
});

fullTierTest(
  "a copy in the trash keeps nobody from importing or deleting its content",
  async () => {
    await withLibrary(async ({ library }) => {
      const { copy } = await fill(library);
      const { reader } = library.core;
      const { imageId } = readTrashEntry(reader, copy)!.manifest;
      const deleted = await moveToTrash(library, imageId as ImageId);
      const restored = await restoreFromTrash(library, copy);
      assertEquals([restored.imageId, restored.filepath], [null, "b.png"]);
      await restoreFromTrash(library, deleted);
      assertEquals(imagesOf(library), { "a.png": ["a.png"] });
      const { duplicatesFound } = await scanAndRemoveDuplicates(library);
      assertEquals(duplicatesFound, 1);
    });
  },
);
