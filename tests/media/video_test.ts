import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { AppError } from "../../src/base/errors.ts";
import { type ByteSource, fileByteSource } from "../../src/media/container.ts";
import { readMp4Facts } from "../../src/media/mp4.ts";
import { makeVideoPlaceholder, readVideoFacts } from "../../src/media/video.ts";
import { readWebmFacts } from "../../src/media/webm.ts";
import {
  box,
  bytesOf,
  element,
  makeFolder,
  makeMp4,
  makePlain,
  makeWebm,
  uint,
  UNKNOWN_SIZE,
} from "./sample_media.ts";

async function factsOf(bytes: Uint8Array) {
  await using folder = await makeFolder();
  const path = join(folder.path, "film");
  await Deno.writeFile(path, bytes);
  return await readVideoFacts(path);
}

Deno.test("readVideoFacts() reads size and length of an mp4 film", async () => {
  assertEquals(await factsOf(makeMp4()), { width: 640, height: 360, durationMs: 2500 });
  const long = makeMp4({ version: 1, width: 1920, height: 1080, ticks: 5_000_000_000 });
  assertEquals(await factsOf(long), { width: 1920, height: 1080, durationMs: 5_000_000_000 });
  assertEquals(await factsOf(makeMp4({ isTurned: true })), {
    width: 360,
    height: 640,
    durationMs: 2500,
  });
});

Deno.test("readVideoFacts() knows an mp4 film in fragments and one without a length", async () => {
  const inFragments = makeMp4({ ticks: 0, fragmentTicks: 4000 });
  assertEquals((await factsOf(inFragments))?.durationMs, 4000);
  assertEquals((await factsOf(makeMp4({ ticks: 0 })))?.durationMs, null);
  assertEquals((await factsOf(makeMp4({ ticks: 0xffffffff })))?.durationMs, null);
});

Deno.test("readVideoFacts() finds a moov box behind large boxes and boxes of 64-bit size", async () => {
  const mp4 = makeMp4();
  const ftyp = mp4.subarray(0, 24);
  const large = bytesOf(uint(1), "mdat", uint(20_016, 8), new Uint8Array(20_000));
  assertEquals((await factsOf(bytesOf(ftyp, large, mp4.subarray(24))))?.width, 640);
  const moov = mp4.subarray(80);
  assertEquals(String.fromCharCode(...moov.subarray(4, 8)), "moov");
  const wide = bytesOf(ftyp, uint(1), "moov", uint(moov.length + 8, 8), moov.subarray(8));
  assertEquals((await factsOf(wide))?.width, 640);
  const open = bytesOf(ftyp, uint(0), "mdat", new Uint8Array(100));
  assertEquals(await factsOf(open), undefined);
});

Deno.test("readVideoFacts() reads size and length of a WebM film", async () => {
  assertEquals(await factsOf(makeWebm()), { width: 320, height: 240, durationMs: 1500 });
  assertEquals((await factsOf(makeWebm({ seconds: null })))?.durationMs, null);
  assertEquals((await factsOf(makeWebm({ seconds: -1 })))?.durationMs, null);
  assertEquals((await factsOf(makeWebm({ seconds: Infinity })))?.durationMs, null);
  assertEquals((await factsOf(makeWebm({ seconds: NaN })))?.durationMs, null);
  assertEquals(await factsOf(makeWebm({ docType: "matroska" })), undefined);
});

Deno.test("readVideoFacts() believes no senseless size", async () => {
  for (const [width, height] of [[0, 240], [320, 0], [65_535, 240]]) {
    assertEquals(await factsOf(makeWebm({ width, height })), undefined);
    assertEquals(await factsOf(makeMp4({ width, height })), undefined);
  }
});

Deno.test("readVideoFacts() answers undefined for other files and names what it cannot read", async () => {
  assertEquals(await factsOf(new Uint8Array(0)), undefined);
  assertEquals(await factsOf(await makePlain(10, 10, "#080")), undefined);
  await using folder = await makeFolder();
  const missing = join(folder.path, "missing.mp4");
  const error = await assertRejects(() => readVideoFacts(missing), AppError, missing);
  assertEquals(error.code, "not_found");
});

Deno.test("readMp4Facts() and readWebmFacts() survive every cut and every wrong byte", async () => {
  const readers = [[makeMp4(), readMp4Facts], [makeWebm(), readWebmFacts]] as const;
  for (const [whole, read] of readers) {
    for (let at = 0; at < whole.length; at++) {
      await read(memorySource(whole.subarray(0, at)));
      for (const wrong of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
        const changed = whole.slice();
        changed[at] = wrong;
        await read(memorySource(changed));
      }
    }
  }
});

Deno.test("readMp4Facts() and readWebmFacts() read a bounded part of a hostile file", async () => {
  const boxes = bytesOf(...Array.from({ length: 20_000 }, () => box("free")));
  const mp4 = countingSource(bytesOf(box("ftyp", "isom", uint(0)), boxes, makeMp4()));
  assertEquals(await readMp4Facts(mp4), undefined);
  assert(mp4.reads <= 4_100, `${mp4.reads} reads`);
  const voids = bytesOf(...Array.from({ length: 20_000 }, () => element(0xec, new Uint8Array(0))));
  const nested = element(0x18538067, element(0x1654ae6b, element(0xae, voids)), UNKNOWN_SIZE);
  const webm = countingSource(bytesOf(makeWebm().subarray(0, 28), nested));
  assertEquals(await readWebmFacts(webm), undefined);
  assert(webm.reads > 4_000 && webm.reads <= 4_100, `${webm.reads} reads`);
});

Deno.test("fileByteSource() gives the same bytes as the file, near and far", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "bytes");
  const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7 % 251);
  await Deno.writeFile(path, bytes);
  using file = await Deno.open(path);
  const source = await fileByteSource(file);
  assertEquals(source.sizeBytes, 10_000);
  for (const [at, length] of [[0, 16], [4090, 16], [9990, 16], [3, 5], [4096, 4096], [10_000, 4]]) {
    assertEquals([...await source.read(at, length)], [...bytes.subarray(at, at + length)]);
  }
  assertEquals((await source.read(1e15, 4)).length, 0);
  await assertRejects(() => source.read(0, 4_097), RangeError);
});

Deno.test("makeVideoPlaceholder() draws a tile in the film's proportions", async () => {
  await using folder = await makeFolder();
  const out = join(folder.path, "sub", "a.webp");
  const table: [{ width: number; height: number } | undefined, number, number][] = [
    [undefined, 360, 203],
    [{ width: 1920, height: 1080 }, 360, 203],
    [{ width: 720, height: 1280 }, 203, 360],
    [{ width: 30_000, height: 1 }, 360, 120],
    [{ width: 1, height: 30_000 }, 120, 360],
  ];
  for (const [film, width, height] of table) {
    await makeVideoPlaceholder(out, film);
    const { data, info } = await sharp(await Deno.readFile(out)).raw()
      .toBuffer({ resolveWithObject: true });
    assertEquals([info.width, info.height], [width, height]);
    const grey = (x: number, y: number) => data[(y * width + x) * info.channels];
    const [middle, corner] = [grey(width >> 1, height >> 1), grey(3, 3)];
    assert(middle > 180 && corner < 60, `${middle} ${corner}`);
  }
});

function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: (at, length) => Promise.resolve(bytes.subarray(at, at + length)),
  };
}

function countingSource(bytes: Uint8Array): ByteSource & { reads: number } {
  const source = {
    sizeBytes: bytes.length,
    reads: 0,
    read(at: number, length: number) {
      source.reads++;
      return Promise.resolve(bytes.subarray(at, at + length));
    },
  };
  return source;
}
