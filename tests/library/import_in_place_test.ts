import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import type { Library } from "../../src/library/library.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import {
  checkDatabase,
  checkWhole,
  digest,
  fingerprint,
  imageOf,
  importSource,
  rowsOf,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { makeRandom } from "../support/random.ts";
import { fullTierTest, runs } from "../support/tier.ts";

const IN_PLACE = { mode: "in-place" } as const;

/** Counts the files that are hashed and compared while `work` runs. */
async function countReads(library: Library, work: () => Promise<unknown>): Promise<number> {
  const call = library.hasher.call.bind(library.hasher);
  let count = 0;
  library.hasher.call = ((method: "hashFiles", request: { paths: string[] }) => {
    count += method === "hashFiles" ? request.paths.length : 2;
    return call(method, request);
  }) as typeof library.hasher.call;
  await work();
  library.hasher.call = call;
  return count;
}

Deno.test("importFolders() in place writes nothing there and reads unchanged files once", async () => {
  await withLibrary(async ({ library, source }) => {
    for (let i = 0; i < 5; i++) await writePicture(join(source, `f${i % 2}/${i}.png`), i);
    await writePicture(join(source, "copy.png"), 1);
    const before = await fingerprint(source);
    assertEquals(digest(await importSource({ library, source }, IN_PLACE)), {
      added: 5,
      furtherCopies: 1,
    });
    assertEquals(await fingerprint(source), before);
    assertEquals(await Array.fromAsync(Deno.readDir(library.paths.images)), []);
    await checkWhole(library);
    const md5 = await getFileMd5(join(source, "copy.png"));
    assertEquals(imageOf(library, md5)!.places, ["@source/copy.png", "@source/f1/1.png"]);
    await Deno.writeTextFile(join(source, "f1/3.png.txt"), "late_tag");
    const reads = await countReads(library, async () => {
      const report = await importSource({ library, source }, IN_PLACE);
      assertEquals(digest(report), { alreadyThere: 5, furtherCopies: 1, tagsMerged: 1 });
    });
    assertEquals(reads, 0);
    assertEquals(tagsOf(library, await getFileMd5(join(source, "f1/3.png"))), ["general:late_tag"]);
    // Touched, not changed: it is read again, and stays what it is.
    await Deno.utime(join(source, "copy.png"), 1, 1);
    assertEquals(digest(await importSource({ library, source }, IN_PLACE)), {
      alreadyThere: 5,
      furtherCopies: 1,
    });
    await checkWhole(library);
  });
});

Deno.test("importFolders() keeps id, tags, edits and source of a file that is edited in place", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1, {
      ".json": { tags: ["x", "y"], rating: "e", source: "https://a.example/1" },
    });
    await importSource({ library, source }, IN_PLACE);
    const oldMd5 = await getFileMd5(path);
    const old = imageOf(library, oldMd5)!;
    await library.writer.call("editTags", {
      imageId: old.id,
      add: [{ name: "mine", category: null }],
      remove: ["y"],
      editor: "owner",
      expectedTags: null,
    });
    await writePicture(path, 2);
    await Deno.remove(`${path}.json`);
    assertEquals(digest(await importSource({ library, source }, IN_PLACE)), { replaced: 1 });
    const md5 = await getFileMd5(path);
    assertEquals(imageOf(library, md5), old);
    assertEquals(imageOf(library, oldMd5), undefined);
    assertEquals(tagsOf(library, md5), ["general:mine", "general:x", "rating:rating:explicit"]);
    assertEquals(
      rowsOf(library.core.reader, "SELECT source_url FROM image_media"),
      [["https://a.example/1"]],
    );
    await Deno.writeTextFile(`${path}.txt`, "y");
    assertEquals(digest(await importSource({ library, source }, IN_PLACE)), { alreadyThere: 1 });
    assertEquals(tagsOf(library, md5).includes("general:y"), false, "the person's edit wins");
    await checkWhole(library);
  });
});

Deno.test("importFolders() serves an image from its other place when one copy is edited", async () => {
  await withLibrary(async ({ library, source }) => {
    const first = await writePicture(join(source, "a.png"), 1, { ".txt": "x" });
    const second = await writePicture(join(source, "b.png"), 1);
    const md5 = await getFileMd5(first);
    await importSource({ library, source }, IN_PLACE);
    const old = imageOf(library, md5)!;
    assertEquals(old.filepath, "@source/a.png");
    await writePicture(first, 2);
    assertEquals(digest(await importSource({ library, source }, IN_PLACE)), {
      added: 1,
      alreadyThere: 1,
    });
    assertEquals(imageOf(library, md5), {
      id: old.id,
      filepath: "@source/b.png",
      places: ["@source/b.png"],
    });
    assertEquals(tagsOf(library, md5), ["general:x"]);
    await checkWhole(library);
    await writePicture(second, 2);
    await importSource({ library, source }, IN_PLACE);
    assertEquals(imageOf(library, await getFileMd5(first))!.places, [
      "@source/a.png",
      "@source/b.png",
    ]);
    // Its content is nowhere now, so it waits; it is served by no file that has other bytes.
    assertEquals(imageOf(library, md5), { id: old.id, filepath: `missing/${md5}.png`, places: [] });
    await writePicture(join(source, "c.png"), 1);
    await importSource({ library, source }, IN_PLACE);
    assertEquals(imageOf(library, md5), {
      id: old.id,
      filepath: "@source/c.png",
      places: ["@source/c.png"],
    });
    assertEquals(tagsOf(library, md5), ["general:x"]);
    await checkWhole(library);
  });
});

Deno.test("importFolders() follows files that are renamed among each other", async () => {
  await withLibrary(async ({ library, source }) => {
    const count = 40;
    const nameOf = (i: number) => join(source, `${String(i).padStart(2, "0")}.png`);
    for (let i = 0; i < count; i++) await writePicture(nameOf(i), i, { ".txt": `tag_${i}` });
    await importSource({ library, source }, IN_PLACE);
    const ids = rowsOf(library.core.reader, "SELECT md5, id FROM images ORDER BY md5");
    for (let i = 0; i < count; i++) await Deno.remove(`${nameOf(i)}.txt`);
    // A new picture comes first, and all others get the next number.
    for (let i = count; i > 0; i--) await Deno.rename(nameOf(i - 1), nameOf(i));
    await writePicture(nameOf(0), 1_000);
    const report = await importSource({ library, source }, IN_PLACE);
    assertEquals([report.added, report.replaced, report.skipped], [1, 0, []]);
    await checkWhole(library);
    for (let i = 1; i <= count; i++) {
      const md5 = await getFileMd5(nameOf(i));
      assertEquals(tagsOf(library, md5), [`general:tag_${i - 1}`]);
      assertEquals(imageOf(library, md5)!.places, [`@source/${String(i).padStart(2, "0")}.png`]);
    }
    const newMd5 = await getFileMd5(nameOf(0));
    assertEquals(
      rowsOf(library.core.reader, "SELECT md5, id FROM images WHERE md5 <> ? ORDER BY md5", newMd5),
      ids,
    );
  });
});

Deno.test("importFolders() forgets no place of a file that it did not look at", async () => {
  await withLibrary(async ({ library, source }) => {
    const [a, b] = [join(source, "in/a.png"), join(source, "in/b.png")];
    await writePicture(a, 1);
    await writePicture(b, 2);
    await writePicture(join(source, "zz/z.png"), 1);
    await importSource({ library, source }, IN_PLACE);
    // The two change names; the first one's copy outside of the folder is not met.
    await writePicture(a, 2);
    await writePicture(b, 1);
    await importSource({ library, source }, { ...IN_PLACE, folders: [join(source, "in")] });
    const md5 = await getFileMd5(b);
    assertEquals(imageOf(library, md5)!.places, ["@source/in/b.png", "@source/zz/z.png"]);
    assertEquals(imageOf(library, await getFileMd5(a))!.places, ["@source/in/a.png"]);
    await checkWhole(library);
  });
});

Deno.test("importFolders() gives a file one place however roots are nested", async () => {
  for (const order of [["", "inner"], ["inner", ""]]) {
    await withLibrary(async ({ library, source }) => {
      await writePicture(join(source, "inner/a.png"), 1);
      await writePicture(join(source, "b.png"), 2);
      for (const folder of [...order, ...order]) {
        await importSource({ library, source }, { ...IN_PLACE, folders: [join(source, folder)] });
      }
      const places = rowsOf<[string]>(library.core.reader, "SELECT filepath FROM image_files");
      assertEquals(places.length, 2, JSON.stringify(places));
      await checkWhole(library);
    });
  }
});

Deno.test("importFolders() names roots apart that have one name", async () => {
  await withLibrary(async ({ library, folder }) => {
    const folders = ["x/art", "y/art", "z/ art! "].map((name) => join(folder, name));
    for (const [i, path] of folders.entries()) await writePicture(join(path, "a.png"), i);
    await importSource({ library, source: folder }, { ...IN_PLACE, folders });
    assertEquals(library.roots().map(({ name }) => name), ["art", "art-2", "art-3"]);
    await checkWhole(library);
  });
});

Deno.test("importFolders() stores a copy of a content whose in-place folder is away", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    const path = await writePicture(join(source, "a.png"), 1, { ".txt": "x" });
    const md5 = await getFileMd5(path);
    await importSource({ library, source }, IN_PLACE);
    await Deno.rename(source, join(folder, "away"));
    await writePicture(join(folder, "other/b.png"), 1);
    const report = await importSource({ library, source: join(folder, "other") });
    assertEquals([report.skipped, report.warnings.length], [[], 1]);
    await checkWhole(library);
    assertEquals(tagsOf(library, md5), ["general:x"]);
    await Deno.rename(join(folder, "away"), source);
    assertEquals(digest(await importSource({ library, source }, IN_PLACE)), { furtherCopies: 1 });
    assertEquals(imageOf(library, md5)!.places.length, 2);
    await checkWhole(library);
  });
});

fullTierTest(
  "importFolders() in place ends right after any renames, edits, copies and losses",
  async () => {
    for (let seed = 1; seed <= runs(3, 60); seed++) {
      const random = makeRandom(seed);
      await withLibrary(async ({ library, source }) => {
        const nameOf = (i: number) => join(source, `${i}.png`);
        const contents = new Map<number, number>();
        for (let round = 0; round < 4; round++) {
          for (let step = 0; step < 6; step++) {
            const [from, to] = [random.int(8), random.int(8)];
            const kind = random.int(3);
            if (kind === 0) contents.set(to, random.int(12));
            else if (kind === 1 && contents.has(from)) contents.set(to, contents.get(from)!);
            else contents.delete(to);
          }
          await Deno.remove(source, { recursive: true });
          await Deno.mkdir(source);
          for (const [i, number] of contents) await writePicture(nameOf(i), number);
          const { skipped } = await importSource({ library, source }, IN_PLACE);
          assertEquals(skipped, [], `seed ${seed}`);
          checkDatabase(library.paths.database);
          for (const i of contents.keys()) {
            const md5 = await getFileMd5(nameOf(i));
            const image = imageOf(library, md5);
            assert(image !== undefined, `seed ${seed}: ${i}.png has no image`);
            assert(image.places.includes(`@source/${i}.png`), `seed ${seed}: ${i}.png is no place`);
            // What is served has the bytes of the image.
            const served = join(source, image.filepath.slice("@source/".length));
            assertEquals(await getFileMd5(served), md5, `seed ${seed}: ${image.filepath}`);
          }
        }
      });
    }
  },
);
