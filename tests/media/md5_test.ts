import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import {
  getFileMd5,
  HASH_STATUS,
  hashedFileHead,
  hashedFilesBuffers,
  hashFiles,
  isMd5Hex,
  md5HexToWords,
  md5OfText,
  wordsToMd5Hex,
} from "../../src/media/md5.ts";
import { SNIFF_BYTES, sniffMediaType } from "../../src/media/sniff.ts";
import { makeFolder, makePicture } from "./sample_media.ts";

const EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e";
const CHUNK_BYTES = 1_048_576;

Deno.test("md5OfText() gives the digests of RFC 1321", () => {
  assertEquals(md5OfText(""), EMPTY_MD5);
  assertEquals(md5OfText("abc"), "900150983cd24fb0d6963f7d28e17f72");
  assertEquals(md5OfText("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  assertEquals(md5OfText("日本"), md5Of(new TextEncoder().encode("日本")));
});

Deno.test("getFileMd5() and hashFiles() agree with node:crypto around every chunk edge", async () => {
  await using folder = await makeFolder();
  const sizes = [0, 1, 55, 56, 64, SNIFF_BYTES - 1, SNIFF_BYTES, SNIFF_BYTES + 1, CHUNK_BYTES - 1]
    .concat([CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17]);
  const contents = sizes.map((size, seed) => noise(size, seed));
  const paths = sizes.map((size) => join(folder.path, `${size} #?%[1].bin`));
  for (const [i, path] of paths.entries()) await Deno.writeFile(path, contents[i]);

  const seen: number[] = [];
  const result = hashFiles(paths, (index) => seen.push(index));
  assertEquals(seen, sizes.map((_, index) => index));
  assertEquals(result.errors, []);
  assertEquals([...result.sizes], sizes);
  for (const [i, path] of paths.entries()) {
    const expected = md5Of(contents[i]);
    assertEquals(await getFileMd5(path), expected, path);
    assertEquals(wordsToMd5Hex(result.words, i * 4), expected, path);
    assertEquals(result.status[i], HASH_STATUS.ok);
    assertEquals(result.mtimesMs[i], (await Deno.stat(path)).mtime?.getTime());
    assertEquals([...hashedFileHead(result, i)], [...contents[i].subarray(0, SNIFF_BYTES)]);
  }
});

Deno.test("hashFiles() gives the type from the same read, whatever the ending says", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "really a png.jpg");
  await Deno.writeFile(path, await makePicture("png"));
  assertEquals(sniffMediaType(hashedFileHead(hashFiles([path]), 0))?.ext, "png");
});

Deno.test("hashFiles() reports what fails and goes on", async () => {
  await using folder = await makeFolder();
  const good = join(folder.path, "good");
  await Deno.writeTextFile(good, "abc");
  const missing = join(folder.path, "missing");
  const result = hashFiles([missing, good, folder.path, `${good}\0`, `${good}/below`]);
  assertEquals(wordsToMd5Hex(result.words, 4), md5OfText("abc"));
  assertEquals(result.errors.map((error) => [error.index, error.code]), [
    [0, "ENOENT"],
    [2, "EISDIR"],
    [3, "ERR_INVALID_ARG_VALUE"],
    [4, "ENOTDIR"],
  ]);
  assertEquals(result.errors[0].message, `Cannot hash "${missing}": there is no such file`);
  assertEquals([...result.status].map((status) => status !== 0), [true, false, true, true, true]);
  assertEquals(result.status[0], 2);
  assertEquals([...result.sizes], [0, 3, 0, 0, 0]);
  assertEquals(hashedFileHead(result, 0).length, 0);
});

Deno.test({
  name: "hashFiles() does not wait for a pipe or read a device for ever",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await makeFolder();
    const pipe = join(folder.path, "pipe");
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    const result = hashFiles([pipe, "/dev/zero"]);
    assertEquals(result.errors.map((error) => error.code), ["ENOTREG", "ENOTREG"]);
    assertEquals([...result.status], [HASH_STATUS.notRegular, HASH_STATUS.notRegular]);
    assertEquals(
      (await assertRejects(() => getFileMd5(pipe), AppError)).message,
      `Cannot hash "${pipe}": it is not a regular file`,
    );
  },
});

Deno.test({
  name: "hashFiles() detects a file that changes while it is read",
  // A file of /proc has size 0 and content all the same: it "grows" while it is read, without a race.
  ignore: Deno.build.os !== "linux",
  fn() {
    const result = hashFiles(["/proc/self/status"]);
    assertEquals(result.errors.map((error) => error.code), ["ECHANGED"]);
    assertEquals(result.status[0], HASH_STATUS.changed);
    assertEquals([...result.words], [0, 0, 0, 0]);
    assert(result.heads.every((byte) => byte === 0));
  },
});

Deno.test("hashFiles() detects a file of the same size that is written to while it is read", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "busy");
  await Deno.writeFile(path, new Uint8Array(0));
  await Deno.truncate(path, 64 * CHUNK_BYTES);
  const toucher = await startToucher(path);
  const result = hashFiles([path]);
  await toucher.stop();
  assertEquals(result.errors.map((error) => error.code), ["ECHANGED"]);
  assertEquals(hashFiles([path]).errors, []);
});

Deno.test("getFileMd5() names the file and the reason", async () => {
  await using folder = await makeFolder();
  const missing = join(folder.path, "missing");
  const error = await assertRejects(() => getFileMd5(missing), AppError, missing);
  assertEquals(error.code, "not_found");
  assertEquals((await assertRejects(() => getFileMd5(folder.path), AppError)).code, "bad_request");
});

Deno.test("hashedFilesBuffers() lists everything that can be handed over", () => {
  const result = hashFiles([]);
  const buffers = hashedFilesBuffers(result);
  const arrays = Object.values(result).filter((value) => ArrayBuffer.isView(value));
  assertEquals(buffers.length, arrays.length);
  const moved = structuredClone(result, { transfer: buffers });
  assert(buffers.every((buffer) => buffer.detached));
  assertEquals(moved.words.length, 0);
});

Deno.test("md5HexToWords() and wordsToMd5Hex() are each other's inverse and keep the order", () => {
  const hex = fc.string({
    unit: fc.constantFrom(..."0123456789abcdef"),
    minLength: 32,
    maxLength: 32,
  });
  fc.assert(
    fc.property(hex, hex, (left, right) => {
      const words = new Int32Array(9);
      md5HexToWords(left, words, 0);
      md5HexToWords(right.toUpperCase(), words, 5);
      assertEquals(wordsToMd5Hex(words, 0), left);
      assertEquals(wordsToMd5Hex(words, 5), right);
      assertEquals(Math.sign(compareWords(words, 0, 5)), left < right ? -1 : left > right ? 1 : 0);
    }),
  );
  const words = new Int32Array(4);
  md5HexToWords("ffffffff00000001800000007fffffff", words, 0);
  assertEquals([...words], [-1, 1, -2147483648, 2147483647]);
});

Deno.test("md5HexToWords() refuses what is no MD5 and what has no room", () => {
  for (const hex of ["", "0".repeat(31), "0".repeat(33), "g".repeat(32), ` ${"0".repeat(31)}`]) {
    assertEquals(isMd5Hex(hex), false);
    assertThrows(() => md5HexToWords(hex, new Int32Array(4), 0), TypeError);
  }
  for (const offset of [-1, 1, 0.5, NaN]) {
    assertThrows(() => md5HexToWords(EMPTY_MD5, new Int32Array(4), offset), RangeError);
    assertThrows(() => wordsToMd5Hex(new Int32Array(4), offset), RangeError);
  }
});

function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(Buffer.from(bytes)).digest("hex");
}

/** A worker that gives a file another time of change again and again, from the first answer on. */
async function startToucher(path: string): Promise<{ stop(): Promise<void> }> {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const source = `self.onmessage = ({ data: { path, flag } }) => {
    Deno.utimeSync(path, 1, 1);
    self.postMessage("started");
    for (let time = 2; Atomics.load(flag, 0) === 0; time++) Deno.utimeSync(path, time, time);
    self.postMessage("stopped");
  };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
  });
  const nextMessage = () => new Promise((resolve) => worker.onmessage = resolve);
  const started = nextMessage();
  worker.postMessage({ path, flag });
  await started;
  return {
    async stop() {
      const stopped = nextMessage();
      Atomics.store(flag, 0, 1);
      await stopped;
      worker.terminate();
    },
  };
}

/** Bytes that differ from place to place and from seed to seed. */
function noise(size: number, seed: number): Uint8Array {
  let state = seed + 1;
  return new Uint8Array(size).map(() => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    return state >>> 24;
  });
}

function compareWords(words: Int32Array, left: number, right: number): number {
  for (let i = 0; i < 4; i++) {
    const difference = (words[left + i] >>> 0) - (words[right + i] >>> 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
