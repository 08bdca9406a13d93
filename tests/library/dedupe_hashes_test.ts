import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import { FIRST_BLOCK_BYTES } from "../../src/media/hash_alike.ts";
import { readHashedPlaces } from "../../src/store/file_hashes.ts";
import { addImage, bytesOf, clear, put, treeOf, write } from "../support/copies.ts";
import { rowsOf, withLibrary } from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";

Deno.test("scanAndRemoveDuplicates() reads what is not known, and knows it then if it may write", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    const { reader } = library.core;
    const other = bytesOf(1);
    other[0] = 99;
    await put(images, "a.png", bytesOf(1));
    await put(images, "b.png", bytesOf(1));
    await put(images, "near.png", bytesOf(2));
    await put(images, "far.png", other);
    await put(images, "alone.png", bytesOf(1, 6_000));
    const readOf = async (options = {}) => {
      const { duplicatesFound, filesRead } = await scanAndRemoveDuplicates(library, options);
      return [duplicatesFound, filesRead];
    };
    // Here first blocks are read while files are still looked for.
    assertEquals(await readOf({ inBackground: false }), [1, 4]);
    assertEquals(await readOf(), [1, 4]);
    assertEquals(readHashedPlaces(reader), []);
    assertEquals(await readOf({ remember: true }), [1, 4]);
    assertEquals(readHashedPlaces(reader).sort(), ["a.png", "b.png", "far.png", "near.png"]);
    // The first block told that one apart.
    assertEquals(rowsOf(reader, "SELECT filepath FROM file_hashes WHERE md5 IS NULL"), [[
      "far.png",
    ]]);
    assertEquals(await readOf(), [1, 0]);
    // One that changed, one that is new, one that is gone.
    await put(images, "near.png", bytesOf(1));
    const { atime } = await Deno.stat(join(images, "near.png"));
    await Deno.utime(join(images, "near.png"), atime!, new Date(86_400_000));
    assertEquals(await readOf(), [2, 1]);
    await put(images, "new.png", bytesOf(1));
    await Deno.remove(join(images, "b.png"));
    assertEquals(await readOf({ remember: true }), [2, 2]);
    assertEquals(readHashedPlaces(reader).includes("b.png"), false);
    assertEquals(await readOf(), [2, 0]);
    // Another inode with all else equal, and another time, are another file.
    for (const column of ["inode", "mtime_ms", "size_bytes"]) {
      write(library, `UPDATE file_hashes SET ${column} = ${column} + 1 WHERE filepath = 'a.png'`);
      assertEquals(await readOf(), [2, 1], column);
      await readOf({ remember: true });
    }
    assertEquals((await scanAndRemoveDuplicates(library, { dryRun: false })).duplicatesRemoved, 2);
    assertEquals(readHashedPlaces(reader).sort(), ["a.png", "far.png"]);
    assertEquals(Object.keys(await treeOf(images)).length, 3);
  });
});

Deno.test("scanAndRemoveDuplicates() knows recorded places from their import, while they are what they were", async () => {
  await withLibrary(async ({ library }) => {
    const { images } = library.paths;
    const readOf = async () => {
      const { duplicatesFound, filesRead } = await scanAndRemoveDuplicates(library);
      return [duplicatesFound, filesRead];
    };
    for (const name of ["a.png", "b.png"]) await addImage(library, name, bytesOf(1));
    await addImage(library, "c.png", bytesOf(2));
    assertEquals(await readOf(), [1, 0]);
    // One that nobody knows: the first blocks of all are wanted, and of that one all.
    await put(images, "d.png", bytesOf(2));
    assertEquals(await readOf(), [2, 4]);
    write(library, "UPDATE image_files SET mtime_ms = mtime_ms - 1 WHERE filepath = 'a.png'");
    await Deno.remove(join(images, "d.png"));
    assertEquals(await readOf(), [1, 3]);
    // What is no MD5 is no hash.
    await clear(library);
    for (const name of ["a.png", "b.png"]) await addImage(library, name, bytesOf(1));
    write(library, "UPDATE images SET md5 = 'x'");
    const report = await scanAndRemoveDuplicates(library);
    assertEquals(report.skipped.map(({ code }) => code), ["other_image", "other_image"]);
  });
});

fullTierTest("a file that is shorter than a first block is known by that", async () => {
  await withLibrary(async ({ library }) => {
    const size = FIRST_BLOCK_BYTES;
    for (const name of ["a", "b"]) await put(library.paths.images, name, bytesOf(1, size));
    await scanAndRemoveDuplicates(library, { remember: true });
    const { duplicatesFound, filesRead } = await scanAndRemoveDuplicates(library);
    assertEquals([duplicatesFound, filesRead], [1, 0]);
  });
});
