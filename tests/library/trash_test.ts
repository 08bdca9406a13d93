import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import type { ImageId } from "../../src/base/ids.ts";
import { AppError } from "../../src/base/errors.ts";
import { editImageTags } from "../../src/library/edit_tags.ts";
import type { Library } from "../../src/library/library.ts";
import { lockLibrary } from "../../src/library/lock.ts";
import { moveToTrash, restoreFromTrash, resumeTrash } from "../../src/library/trash.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import { openWriter } from "../../src/store/database.ts";
import { readManifest, readTrashEntry } from "../../src/store/trash.ts";
import {
  checkDatabase,
  checkWhole,
  digest,
  fingerprint,
  hashTree,
  imageOf,
  importSource,
  rowsOf,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { readFolder } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

/** Every row that belongs to images, without what only counts changes. */
function dump(library: Library): Record<string, unknown[]> {
  const tables = [
    "images",
    "image_tags",
    "tags",
    "raw_metadata",
    "image_sources",
    "pool_images",
    "favourites",
    "local_tagger_predictions",
    "image_relations",
    "tag_deltas",
    "image_files",
    "image_media",
    "tag_edits",
    "trash",
  ];
  return Object.fromEntries(tables.map((table) => {
    const rows = rowsOf(library.core.reader, `SELECT * FROM ${table}`);
    return [table, rows.map((row) => JSON.stringify(row)).sort()];
  }));
}

function write(library: Library, sql: string): void {
  const db = openWriter(library.paths.database);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

/** Three images with everything that an image can have. */
async function fill(library: Library, source: string): Promise<ImageId[]> {
  for (let i = 0; i < 3; i++) {
    await writePicture(join(source, `${i}.png`), i, {
      ".json": {
        category: "danbooru",
        id: i,
        tag_string: "sky",
        tag_string_artist: `painter_${i}`,
        rating: "e",
      },
    });
  }
  await importSource({ library, source });
  await library.core.cache.loadDataFromDb({ verbose: false });
  const ids: ImageId[] = [];
  for (let i = 0; i < 3; i++) {
    ids.push(imageOf(library, await getFileMd5(join(source, `${i}.png`)))!.id as ImageId);
  }
  write(
    library,
    `INSERT INTO pools (id, name) VALUES (1, 'p');
     INSERT INTO pool_images VALUES (1, ${ids[0]}, 7), (1, ${ids[1]}, 8);
     INSERT INTO favourites (image_id) VALUES (${ids[0]});
     INSERT INTO local_tagger_predictions (image_id, tag_name, confidence) VALUES (${
      ids[0]
    }, 'q', 0.5);
     INSERT INTO image_relations (image_id_a, image_id_b, relation_type)
       VALUES (${ids[0]}, ${ids[1]}, 'parent_child'), (${ids[2]}, ${ids[0]}, 'sibling');`,
  );
  for (const id of ids) {
    await editImageTags(library, {
      imageId: id,
      add: [`mine_${id}`],
      remove: ["sky"],
      expectedTags: null,
    });
  }
  return ids;
}

Deno.test("restoreFromTrash() brings back everything, the image's id too", async () => {
  await withLibrary(async ({ library, source }) => {
    const ids = await fill(library, source);
    const before = dump(library);
    const files = await fingerprint(library.paths.images);
    const md5 = await getFileMd5(join(source, "0.png"));
    const entry = await moveToTrash(library, ids[0]);
    assertEquals(imageOf(library, md5), undefined);
    assertEquals(library.core.cache.getImageData().length, 2);
    const trashed = await hashTree(library.paths.trash);
    assertEquals(trashed.get(md5)?.length, 1);
    const manifest = readTrashEntry(library.core.reader, entry)!.manifest;
    const text = await Deno.readTextFile(
      join(library.paths.trash, manifest.folder, "manifest.json"),
    );
    assertEquals(JSON.parse(text), manifest);
    checkDatabase(library.paths.database);
    assertEquals((await restoreFromTrash(library, entry)).imageId, ids[0]);
    assertEquals(dump(library), before);
    assertEquals(await fingerprint(library.paths.images), files);
    assertEquals(await readFolder(library.paths.trash), {});
    assertEquals(library.core.cache.getImageData().length, 3);
    await checkWhole(library);
  });
});

fullTierTest(
  "restoreFromTrash() brings relations back in whatever order both images come",
  async () => {
    for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2]]) {
      await withLibrary(async ({ library, source }) => {
        const ids = await fill(library, source);
        const before = dump(library);
        const entries: number[] = [];
        for (const id of ids) entries.push(await moveToTrash(library, id));
        assertEquals(rowsOf(library.core.reader, "SELECT * FROM images"), []);
        for (const i of order) await restoreFromTrash(library, entries[i]);
        assertEquals(dump(library), before, `order ${order}`);
        await checkWhole(library);
      });
    }
  },
);

Deno.test("importFolders() leaves what is in the trash there", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    const id =
      (await importSource({ library, source }), imageOf(library, await getFileMd5(path))!.id);
    const entry = await moveToTrash(library, id as ImageId);
    for (const mode of ["copy", "move", "in-place"] as const) {
      assertEquals(digest(await importSource({ library, source }, { mode })), {
        skipped: ["in_trash"],
      });
    }
    assert((await Deno.stat(path)).isFile);
    // Another picture has the name by now.
    await writePicture(join(folder, "other/a.png"), 2);
    await importSource({ library, source: join(folder, "other") });
    await restoreFromTrash(library, entry);
    await checkWhole(library);
    assertEquals(rowsOf(library.core.reader, "SELECT id FROM images ORDER BY id"), [[1], [2]]);
    assertEquals(await readFolder(library.paths.trash), {});
  });
});

Deno.test("moveToTrash() only hides images of in-place folders", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1, { ".txt": "x" });
    const md5 = await getFileMd5(path);
    await importSource({ library, source }, { mode: "in-place" });
    const before = await fingerprint(source);
    const image = imageOf(library, md5)!;
    const entry = await moveToTrash(library, image.id as ImageId);
    assertEquals(await fingerprint(source), before);
    assertEquals(digest(await importSource({ library, source }, { mode: "in-place" })), {
      skipped: ["in_trash"],
    });
    assertEquals((await restoreFromTrash(library, entry)).imageId, image.id as ImageId);
    assertEquals([imageOf(library, md5), tagsOf(library, md5)], [image, ["general:x"]]);
    await checkWhole(library);
    // Edited while it was hidden: the place belongs to another image now.
    const again = await moveToTrash(library, image.id as ImageId);
    await writePicture(path, 2);
    await importSource({ library, source }, { mode: "in-place" });
    const error = await assertRejects(
      () => restoreFromTrash(library, again),
      AppError,
      "another content",
    );
    assertEquals(error.code, "conflict");
    assertEquals(readTrashEntry(library.core.reader, again)!.state, "trashed");
    await checkWhole(library);
  });
});

Deno.test("resumeTrash() finishes a move that was interrupted at any point", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    const ids = await fill(library, source);
    const before = dump(library);
    const md5 = await getFileMd5(join(source, "0.png"));
    const { reader } = library.core;
    const stored = imageOf(library, md5)!.filepath;
    for (const moment of ["committed", "renamed"] as const) {
      const target = {
        folder: `${md5}-${moment}`,
        files: [{ filepath: stored, trashed: `${md5}-${moment}/0.png` }],
      };
      const { entryId } = await library.writer.call("takeOut", {
        manifest: readManifest(reader, ids[0], target),
      });
      if (moment === "renamed") {
        await Deno.mkdir(join(library.paths.trash, target.folder));
        await Deno.rename(
          join(library.paths.images, stored),
          join(library.paths.trash, target.files[0].trashed),
        );
      }
      assertEquals(digest(await importSource({ library, source: folder }, { folders: [source] })), {
        alreadyThere: 2,
        skipped: ["in_trash"],
      });
      await resumeTrash(library);
      assertEquals(readTrashEntry(reader, entryId)!.state, "trashed");
      await checkWhole(library);
      await restoreFromTrash(library, entryId);
      assertEquals(dump(library), before, moment);
    }
  });
});

Deno.test("resumeTrash() finishes a restore that was interrupted at any point", async () => {
  await withLibrary(async ({ library, source }) => {
    const ids = await fill(library, source);
    const before = dump(library);
    const { reader } = library.core;
    for (const moment of ["said", "renamed"] as const) {
      const entry = readTrashEntry(reader, await moveToTrash(library, ids[1]))!;
      await library.writer.call("setTrashState", {
        id: entry.id,
        state: "restoring",
        manifest: null,
      });
      const [{ filepath, trashed }] = entry.manifest.files;
      if (moment === "renamed") {
        await Deno.rename(
          join(library.paths.trash, trashed!),
          join(library.paths.images, filepath),
        );
      }
      await resumeTrash(library);
      assertEquals(dump(library), before, moment);
      await checkWhole(library);
      assertEquals(await readFolder(library.paths.trash), {});
    }
  });
});

Deno.test("resumeTrash() goes on after an entry that cannot be finished, and waits for the lock", async () => {
  await withLibrary(async ({ library, source }) => {
    const ids = await fill(library, source);
    const { reader } = library.core;
    const entries = [await moveToTrash(library, ids[0]), await moveToTrash(library, ids[1])];
    for (const id of entries) {
      await library.writer.call("setTrashState", { id, state: "restoring", manifest: null });
    }
    // The first one's content came back by other ways.
    const { md5 } = readTrashEntry(reader, entries[0])!.manifest;
    write(library, `INSERT INTO images (filepath, md5) VALUES ('elsewhere.png', '${md5}')`);
    const lock = await lockLibrary(library.paths.lock, "import");
    await resumeTrash(library);
    assertEquals(readTrashEntry(reader, entries[1])!.state, "restoring");
    lock.release();
    await resumeTrash(library);
    assertEquals(readTrashEntry(reader, entries[0])!.state, "restoring");
    assertEquals(readTrashEntry(reader, entries[1]), undefined);
  });
});

Deno.test("moveToTrash() keeps an edit and a place that came while it began", async () => {
  await withLibrary(async ({ library, source }) => {
    const [id] = await fill(library, source);
    const { writer } = library;
    const call = writer.call.bind(writer);
    const before = (change: () => unknown) => {
      writer.call = (async (method: "takeOut", request: never) => {
        if (method === "takeOut") await change();
        return await call(method, request);
      }) as typeof writer.call;
    };
    before(() =>
      call("editTags", {
        imageId: id,
        add: [{ name: "late", category: null }],
        remove: [],
        editor: "owner",
        expectedTags: null,
      })
    );
    const entry = await moveToTrash(library, id);
    await restoreFromTrash(library, entry);
    const { md5 } = imageRow(library, id);
    assert(tagsOf(library, md5).includes("general:late"));
    before(() =>
      write(
        library,
        `INSERT INTO image_files (filepath, image_id, size_bytes, mtime_ms, inode, added_at_ms)
         VALUES ('late/place.png', ${id}, 1, 1, 1, 1)`,
      )
    );
    const error = await assertRejects(() => moveToTrash(library, id), AppError, "late/place.png");
    assertEquals(error.code, "conflict");
    writer.call = call;
    assert(imageOf(library, md5) !== undefined);
  });
});

function imageRow(library: Library, id: number): { md5: string } {
  const [[md5]] = rowsOf<[string]>(
    library.core.reader,
    "SELECT md5 FROM images WHERE id = ?",
    String(id),
  );
  return { md5 };
}

Deno.test("moveToTrash() moves nothing that lies outside, and copes with long names and inodes", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    const [id, second] = await fill(library, source);
    const victim = await writePicture(join(folder, "victim.png"), 9);
    write(library, `UPDATE images SET filepath = '../../victim.png' WHERE id = ${id}`);
    const error = await assertRejects(() => moveToTrash(library, id), AppError);
    assertEquals(error.code, "forbidden");
    assert((await Deno.stat(victim)).isFile);
    assertEquals(imageRow(library, id).md5.length, 32);
    // As the original stores it, and as some file systems number it.
    const old = imageOf(library, imageRow(library, second).md5)!.filepath;
    const long = `${"x".repeat(251)}.png`;
    await Deno.rename(join(library.paths.images, old), join(library.paths.images, long));
    write(
      library,
      `UPDATE images SET filepath = '${long}' WHERE id = ${second};
       UPDATE image_files SET filepath = '${long}', inode = 1152921504606846976 WHERE image_id = ${second};`,
    );
    const entry = await moveToTrash(library, second);
    await restoreFromTrash(library, entry);
    assertEquals(imageOf(library, imageRow(library, second).md5)!.places, [long]);
    assert((await Deno.stat(join(library.paths.images, long))).isFile);
  });
});

Deno.test("restoreFromTrash() writes the columns of a tag that changed its category meanwhile", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1, { ".txt": "painter" });
    await importSource({ library, source });
    const md5 = await getFileMd5(path);
    const entry = await moveToTrash(library, imageOf(library, md5)!.id as ImageId);
    await writePicture(join(source, "b.png"), 2, { ".txt": "artist:painter" });
    await importSource({ library, source });
    await restoreFromTrash(library, entry);
    assertEquals(tagsOf(library, md5), ["artist:painter"]);
    await checkWhole(library);
  });
});

Deno.test("moveToTrash() and restoreFromTrash() say what is not there or in use", async () => {
  await withLibrary(async ({ library, source }) => {
    const [id] = await fill(library, source);
    const cases: [() => Promise<unknown>, string][] = [
      [() => moveToTrash(library, 999 as ImageId), "not_found"],
      [() => restoreFromTrash(library, 999), "not_found"],
    ];
    const lock = await lockLibrary(library.paths.lock, "import");
    cases.push([() => moveToTrash(library, id), "locked"], [
      () => restoreFromTrash(library, 1),
      "locked",
    ]);
    for (const [run, code] of cases.slice(2)) {
      assertEquals((await assertRejects(run, AppError)).code, code);
    }
    lock.release();
    for (const [run, code] of cases.slice(0, 2)) {
      assertEquals((await assertRejects(run, AppError)).code, code);
    }
  });
});
