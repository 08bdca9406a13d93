import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import type { ImageId } from "../../src/base/ids.ts";
import { AppError } from "../../src/base/errors.ts";
import { editImageTags } from "../../src/library/edit_tags.ts";
import { openLibrary } from "../../src/library/library.ts";
import { locateFile, newThumbnailPath } from "../../src/library/library_paths.ts";
import { Thumbnails } from "../../src/library/thumbnails.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import {
  checkWhole,
  fingerprint,
  imageOf,
  importSource,
  rowsOf,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";

Deno.test("openLibrary() makes a library once, and nothing when it may not write", async () => {
  await withTempDir(async (dir) => {
    const folder = join(dir, "library");
    await assertRejects(() => openLibrary({ folder, writesNothing: true }), AppError, folder);
    assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
    for (const kind of ["created", "ready"]) {
      const library = await openLibrary({ folder, workers: 1 });
      await library.close();
      assertEquals(library.preparation.kind, kind);
    }
    const before = await fingerprint(dir);
    const library = await openLibrary({ folder, writesNothing: true });
    await library.close();
    assertEquals(await fingerprint(dir), before);
  });
});

Deno.test("editImageTags() writes, shows and remembers an edit, and refuses what cannot be", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1, { ".txt": "sky\nrating:general" });
    await importSource({ library, source });
    const { cache } = library.core;
    await cache.loadDataFromDb({ verbose: false });
    const md5 = await getFileMd5(path);
    const imageId = imageOf(library, md5)!.id as ImageId;
    const edit = (add: string[], remove: string[], expectedTags: string[] | null = null) =>
      editImageTags(library, { imageId, add, remove, expectedTags });
    const change = await edit(["Artist:Some One", "re:zero", "rating:e", "sky"], ["nothing"]);
    assertEquals(change, {
      added: ["some_one", "re:zero", "rating:explicit"],
      removed: ["rating:general"],
    });
    const tags = ["artist:some_one", "general:re:zero", "general:sky", "rating:rating:explicit"];
    assertEquals(tagsOf(library, md5), tags);
    const names = cache.getImageTagsAsString(imageOf(library, md5)!.filepath).split(" ").sort();
    assertEquals(names, ["rating:explicit", "re:zero", "sky", "some_one"]);
    const refused: [() => Promise<unknown>, string][] = [
      [() => edit(["a*b"], []), "bad_request"],
      [() => edit([], ["\u0007"]), "bad_request"],
      [() => edit(["character:some_one"], []), "conflict"],
      [() => edit(["x"], [], ["sky"]), "precondition_failed"],
      [() => edit(Array.from({ length: 1_001 }, (_, i) => `t${i}`), []), "bad_request"],
      [
        () =>
          editImageTags(library, {
            imageId: 99 as ImageId,
            add: [],
            remove: [],
            expectedTags: null,
          }),
        "not_found",
      ],
    ];
    for (const [run, code] of refused) {
      assertEquals((await assertRejects(run, AppError)).code, code);
    }
    assertEquals(tagsOf(library, md5), tags, "what is refused changes nothing");
    assertEquals(await edit(["x"], ["sky"], names), { added: ["x"], removed: ["sky"] });
    assertEquals(
      rowsOf(library.core.reader, "SELECT tag_name, operation FROM tag_deltas ORDER BY id"),
      [
        ["rating:general", "remove"],
        ["some_one", "add"],
        ["re:zero", "add"],
        ["rating:explicit", "add"],
        ["sky", "remove"],
        ["x", "add"],
      ],
    );
    await edit(["sky"], []);
    await importSource({ library, source });
    assert(tagsOf(library, md5).includes("general:sky"), "of two edits the newest wins");
    await checkWhole(library);
  });
});

Deno.test("ImageDetails drops what changed, whoever changed it", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    await importSource({ library, source });
    await library.core.cache.loadDataFromDb({ verbose: false });
    const { details } = library;
    const id = imageOf(library, await getFileMd5(path))!.id as ImageId;
    const hitsBefore = details.stats.hits;
    assertEquals(details.get(id)?.places.length, 1);
    assert(details.get(id) === details.get(id));
    assertEquals(details.stats.hits - hitsBefore, 2);
    // A place and a document come by an import, as from another process.
    await importSource({ library, source }, { mode: "in-place" });
    await Deno.writeTextFile(`${path}.json`, `{"category":"danbooru","id":5,"tag_string":"x"}`);
    await importSource({ library, source });
    await library.core.poll();
    const facts = details.get(id)!;
    assertEquals([facts.places.length, facts.sources], [2, ["danbooru"]]);
    assertEquals(details.get(999 as ImageId), undefined);
    assert(details.stats.hitRate > 0 && details.stats.hitRate < 1);
  });
});

Deno.test("Thumbnails makes a missing or empty one once, and says why it cannot", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1);
    await importSource({ library, source }, { mode: "in-place" });
    const md5 = await getFileMd5(path);
    const { filepath } = imageOf(library, md5)!;
    const expected = newThumbnailPath(library.paths, md5);
    const thumbnails = new Thumbnails(library);
    const call = library.media.call.bind(library.media);
    let count = 0;
    library.media.call = ((method: "renewThumbnail", request: never) => {
      count++;
      return call(method, request);
    }) as typeof library.media.call;
    await Deno.truncate(expected, 0);
    const paths = await Promise.all(
      Array.from({ length: 8 }, () => thumbnails.find({ md5, filepath })),
    );
    assertEquals([new Set(paths), count], [new Set([expected]), 1]);
    assert((await Deno.stat(expected)).size > 0);
    await thumbnails.find({ md5, filepath });
    assertEquals(count, 1);
    await Deno.remove(expected);
    await Deno.writeTextFile(path, "no picture");
    const bad = await assertRejects(() => thumbnails.find({ md5, filepath }), AppError);
    assertEquals(bad.code, "undecodable_media");
    await Deno.remove(path);
    const gone = await assertRejects(() => thumbnails.find({ md5, filepath }), AppError);
    assertEquals(gone.code, "not_found");
    await Deno.remove(source, { recursive: true });
    const away = await assertRejects(() => thumbnails.find({ md5, filepath }), AppError, source);
    assertEquals(away.code, "not_found");
  });
});

Deno.test("locateFile() never leads out of the library or a root", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    await writePicture(join(source, "a.png"), 1);
    await importSource({ library, source }, { mode: "in-place" });
    await Deno.symlink(folder, join(library.paths.images, "out"));
    const { paths } = library;
    const roots = library.roots();
    assertEquals(await locateFile(paths, roots, "@source/a.png"), join(source, "a.png"));
    for (const filepath of ["../x", "/etc/passwd", "out/x", "@source/../x", "@source/a/../../x"]) {
      const error = await assertRejects(() => locateFile(paths, roots, filepath), AppError);
      assertEquals(error.code, "forbidden", filepath);
    }
    // A folder of the library may be called so.
    assertEquals(
      await locateFile(paths, roots, "@other/a.png"),
      join(paths.images, "@other/a.png"),
    );
  });
});
