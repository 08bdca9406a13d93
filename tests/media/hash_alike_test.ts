import { assert, assertEquals } from "@std/assert";
import { comparePairs, VERDICT } from "../../src/media/compare.ts";
import { FIRST_BLOCK_BYTES, hashAlike, hashFirstBlocks } from "../../src/media/hash_alike.ts";
import { wordsToMd5Hex } from "../../src/media/md5.ts";
import { sameWords } from "../../src/media/same_words.ts";
import { bytesOf, COLLIDING, COLLIDING_MD5, md5Of, put } from "../support/copies.ts";
import { withTempDir } from "../support/temp.ts";

Deno.test("hashFirstBlocks() hashes the beginning alone, and all of a short file", async () => {
  await withTempDir(async (dir) => {
    const long = bytesOf(1);
    const paths = [
      await put(dir, "long", long),
      await put(dir, "other end", bytesOf(2)),
      await put(dir, "short", bytesOf(3, 10)),
      await put(dir, "empty", new Uint8Array()),
      await put(dir, "block", bytesOf(4, FIRST_BLOCK_BYTES)),
      `${dir}/none`,
      dir,
    ];
    const { words, status, errors } = hashFirstBlocks(paths);
    const hex = paths.map((_, i) => wordsToMd5Hex(words, 4 * i));
    assertEquals(hex.slice(0, 5), [
      md5Of(long.subarray(0, FIRST_BLOCK_BYTES)),
      md5Of(long.subarray(0, FIRST_BLOCK_BYTES)),
      md5Of(bytesOf(3, 10)),
      md5Of(new Uint8Array()),
      md5Of(bytesOf(4, FIRST_BLOCK_BYTES)),
    ]);
    assertEquals([...status], [0, 0, 0, 0, 0, 1, 1]);
    assertEquals(errors.map(({ index, code }) => [index, code]), [[5, "ENOENT"], [6, "EISDIR"]]);
  });
});

/** Sizes of which some lie in memory as lists of two and others do not. */
for (const size of [64, 5_000, 3_000_000]) {
  Deno.test(`hashAlike() tells contents of ${size} bytes apart and hashes each once`, async () => {
    await withTempDir(async (dir) => {
      const tail = bytesOf(9, size).subarray(64);
      const contents = COLLIDING.map((head) => new Uint8Array([...head, ...tail]));
      const other = bytesOf(7, size);
      const [a, b] = contents;
      const paths = await Promise.all(
        [a, b, a, other, b, other].map((content, i) => put(dir, `${i}`, content)),
      );
      const grown = await put(dir, "grown", bytesOf(1, size + 1));
      const shrunk = await put(dir, "shrunk", bytesOf(1, size - 1));
      const lists = [
        { sizeBytes: size, paths: [...paths, grown, shrunk, `${dir}/none`] },
        { sizeBytes: size, paths: [paths[2]] },
      ];
      const { words, status, equalTo, errors } = hashAlike(lists);
      assertEquals([...status], [0, 0, 0, 0, 0, 0, 1, 1, 1, 0]);
      assertEquals([...equalTo].filter((_, i) => status[i] === 0), [0, 1, 0, 3, 1, 3, 9]);
      const hashes = paths.map((_, i) => wordsToMd5Hex(words, 4 * i));
      assertEquals(hashes, [a, b, a, other, b, other].map(md5Of));
      assertEquals(hashes[0], hashes[1]);
      if (size === 64) assertEquals(hashes[0], COLLIDING_MD5);
      assertEquals(errors.map(({ index, code }) => [index, code]), [
        [6, "ECHANGED"],
        [7, "ECHANGED"],
        [8, "ENOENT"],
      ]);
      assert(errors[0].message.includes("grown"));
    });
  });
}

Deno.test("comparePairs() compares to the last byte and tells what it cannot read", async () => {
  await withTempDir(async (dir) => {
    const size = 1_048_576;
    const pairs: [string, Uint8Array, Uint8Array, number][] = [
      ["equal", bytesOf(1, size + 3), bytesOf(1, size + 3), VERDICT.same],
      ["whole buffer", bytesOf(1, size), bytesOf(1, size), VERDICT.same],
      ["last byte", bytesOf(0x01, size + 3), bytesOf(0x02, size + 3), VERDICT.different],
      ["odd byte", bytesOf(0x01, 7), bytesOf(0x02, 7), VERDICT.different],
      ["longer", bytesOf(1, 8), new Uint8Array([...bytesOf(1, 8), 0]), VERDICT.different],
      ["empty", new Uint8Array(), new Uint8Array(), VERDICT.same],
    ];
    const paths = await Promise.all(pairs.map(async ([name, left, right]) => ({
      left: await put(dir, `${name} left`, left),
      right: await put(dir, `${name} right`, right),
    })));
    paths.push({ left: `${dir}/none`, right: paths[0].left }, { left: paths[0].left, right: dir });
    const { verdicts, errors } = comparePairs(paths);
    assertEquals([...verdicts], [...pairs.map(([, , , verdict]) => verdict), -1, -1]);
    assertEquals(errors.map(({ index }) => index), [6, 7]);
  });
});

Deno.test("sameWords() looks at every byte, wherever its views begin", () => {
  const buffer = new Uint8Array(64);
  for (let size = 0; size <= 9; size++) {
    const [left, right] = [buffer.subarray(0, size), buffer.subarray(32, 32 + size)];
    assert(sameWords(left, right), `${size}`);
    for (let i = 0; i < size; i++) {
      right[i] = 1;
      assert(!sameWords(left, right), `${size} ${i}`);
      right[i] = 0;
    }
    assert(!sameWords(left, buffer.subarray(32, 33 + size)), `${size}`);
  }
});
