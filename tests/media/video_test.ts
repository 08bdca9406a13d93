import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { AppError } from "../../src/base/errors.ts";
import { type ByteSource, fileByteSource } from "../../src/media/container.ts";
import { grabFrame, probeVideoFacts, readFfmpegVersion } from "../../src/media/ffmpeg.ts";
import { readMp4Facts } from "../../src/media/mp4.ts";
import { readContainerFacts, readVideoFacts, sniffFilm } from "../../src/media/video.ts";
import { checkVideoFacts, type VideoFacts } from "../../src/media/video_facts.ts";
import { readWebmFacts } from "../../src/media/webm.ts";
import { fullTierTest } from "../support/tier.ts";
import { SAMPLE_MP4, SAMPLE_WEBM } from "./sample_films.ts";
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

const MP4_FACTS: VideoFacts = {
  width: 48,
  height: 32,
  durationMs: 500,
  frameRate: 12,
  codec: "h264",
  hasAudio: true,
};
const WEBM_FACTS: VideoFacts = {
  width: 32,
  height: 48,
  durationMs: 500,
  frameRate: 24,
  codec: "vp9",
  hasAudio: false,
};

async function withFilm<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  await using folder = await makeFolder();
  const path = join(folder.path, "film");
  await Deno.writeFile(path, bytes);
  return await use(path);
}

/** Size and length by the container alone. */
async function sizeOf(bytes: Uint8Array) {
  return await withFilm(bytes, async (path) => {
    const film = await sniffFilm(path);
    const facts = film && await readContainerFacts(film);
    return facts && { width: facts.width, height: facts.height, durationMs: facts.durationMs };
  });
}

Deno.test("readContainerFacts() reads what a container says, without ffmpeg", async () => {
  const read = (bytes: Uint8Array, ext: "mp4" | "webm") =>
    withFilm(bytes, (path) => readContainerFacts({ path, ext }));
  assertEquals(await read(SAMPLE_MP4, "mp4"), MP4_FACTS);
  assertEquals(await read(SAMPLE_WEBM, "webm"), WEBM_FACTS);
  assertEquals(await read(makeWebm({ frameNs: 41_708_333 }), "webm"), {
    width: 320,
    height: 240,
    durationMs: 1500,
    frameRate: 23.976,
    codec: "vp9",
    hasAudio: true,
  });
  assertEquals(await read(SAMPLE_MP4, "webm"), undefined);
});

Deno.test("readVideoFacts() says the same with ffprobe and without", async () => {
  assertEquals(await withFilm(SAMPLE_MP4, readVideoFacts), MP4_FACTS);
  assertEquals(await withFilm(SAMPLE_WEBM, readVideoFacts), WEBM_FACTS);
});

Deno.test("readVideoFacts() answers undefined for other files and names what it cannot read", async () => {
  for (const bytes of [new Uint8Array(0), await makePlain(10, 10, "#080"), bytesOf("#EXTM3U\n")]) {
    assertEquals(await withFilm(bytes, readVideoFacts), undefined);
  }
  await using folder = await makeFolder();
  const missing = join(folder.path, "missing.mp4");
  const error = await assertRejects(() => readVideoFacts(missing), AppError, missing);
  assertEquals(error.code, "not_found");
});

Deno.test("checkVideoFacts() believes no senseless size, length, rate or name", () => {
  for (const sides of [{ width: 0 }, { height: 0.5 }, { width: 40_000 }, { height: NaN }]) {
    assertEquals(checkVideoFacts({ ...MP4_FACTS, ...sides }), undefined);
  }
  const odd = { durationMs: 1e15, frameRate: Infinity, codec: "<b>\n" };
  assertEquals(checkVideoFacts({ ...MP4_FACTS, ...odd }), {
    ...MP4_FACTS,
    durationMs: null,
    frameRate: null,
    codec: null,
  });
  assertEquals(checkVideoFacts({ ...MP4_FACTS, durationMs: NaN })?.durationMs, null);
});

fullTierTest("probeVideoFacts() and grabFrame() look into a film", async () => {
  assert(/\d/.test(await readFfmpegVersion() ?? ""), "install ffmpeg: apt-get install ffmpeg");
  const films: ["mp4" | "webm", Uint8Array, VideoFacts, (rgb: number[]) => boolean][] = [
    ["mp4", SAMPLE_MP4, MP4_FACTS, ([red, , blue]) => red > 200 && blue < 60],
    ["webm", SAMPLE_WEBM, WEBM_FACTS, ([red, , blue]) => blue > 200 && red < 60],
  ];
  for (const [ext, bytes, facts, isRight] of films) {
    await withFilm(bytes, async (path) => {
      assertEquals(await probeVideoFacts({ path, ext }), facts);
      const frame = await grabFrame({ path, ext }, facts.durationMs);
      const { data, info } = await sharp(frame!).raw().toBuffer({ resolveWithObject: true });
      assertEquals(info.width / info.height, facts.width / facts.height);
      assert(isRight([...data.subarray(0, 3)]), `colour ${data.subarray(0, 3)}`);
      // A film that says it is longer than it is gives its first frame.
      assert((await grabFrame({ path, ext }, 3_600_000))!.length > 0);
    });
  }
});

fullTierTest("probeVideoFacts() and grabFrame() follow no list to another file", async () => {
  assert(await readFfmpegVersion() !== null, "install ffmpeg: apt-get install ffmpeg");
  await using folder = await makeFolder();
  const secret = join(folder.path, "secret.mp4");
  await Deno.writeFile(secret, SAMPLE_MP4);
  const lists = [
    `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${secret}\n#EXT-X-ENDLIST\n`,
    `ffconcat version 1.0\nfile ${secret}\n`,
    `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n`,
    `file ${secret}\n`,
  ];
  for (const [i, list] of lists.entries()) {
    for (const ext of ["mp4", "webm"] as const) {
      const path = join(folder.path, `${i}.${ext}`);
      await Deno.writeTextFile(path, list);
      assertEquals(await probeVideoFacts({ path, ext }), undefined, list);
      assertEquals(await grabFrame({ path, ext }, null), undefined, list);
    }
  }
  // A name that looks like an option, a pattern or an address is a name.
  for (const name of ["-i", "%03d.mp4", "http:host", "a:b", "$(touch x)", "concat:a|b"]) {
    const path = join(folder.path, name);
    await Deno.writeFile(path, SAMPLE_MP4);
    assertEquals(await probeVideoFacts({ path, ext: "mp4" }), MP4_FACTS, name);
  }
});

Deno.test("readContainerFacts() reads size and length of an mp4 film", async () => {
  assertEquals(await sizeOf(makeMp4()), { width: 640, height: 360, durationMs: 2500 });
  const long = makeMp4({ version: 1, width: 1920, height: 1080, ticks: 5_000_000_000 });
  assertEquals(await sizeOf(long), { width: 1920, height: 1080, durationMs: 5_000_000_000 });
  assertEquals(await sizeOf(makeMp4({ isTurned: true })), {
    width: 360,
    height: 640,
    durationMs: 2500,
  });
});

Deno.test("readContainerFacts() knows an mp4 film in fragments and one without a length", async () => {
  const inFragments = makeMp4({ ticks: 0, fragmentTicks: 4000 });
  assertEquals((await sizeOf(inFragments))?.durationMs, 4000);
  assertEquals((await sizeOf(makeMp4({ ticks: 0 })))?.durationMs, null);
  assertEquals((await sizeOf(makeMp4({ ticks: 0xffffffff })))?.durationMs, null);
});

Deno.test("readContainerFacts() finds a moov box behind large boxes and boxes of 64-bit size", async () => {
  const mp4 = makeMp4();
  const ftyp = mp4.subarray(0, 24);
  const large = bytesOf(uint(1), "mdat", uint(20_016, 8), new Uint8Array(20_000));
  assertEquals((await sizeOf(bytesOf(ftyp, large, mp4.subarray(24))))?.width, 640);
  const moov = mp4.subarray(80);
  assertEquals(String.fromCharCode(...moov.subarray(4, 8)), "moov");
  const wide = bytesOf(ftyp, uint(1), "moov", uint(moov.length + 8, 8), moov.subarray(8));
  assertEquals((await sizeOf(wide))?.width, 640);
  const open = bytesOf(ftyp, uint(0), "mdat", new Uint8Array(100));
  assertEquals(await sizeOf(open), undefined);
});

Deno.test("readContainerFacts() reads size and length of a WebM film", async () => {
  assertEquals(await sizeOf(makeWebm()), { width: 320, height: 240, durationMs: 1500 });
  assertEquals((await sizeOf(makeWebm({ seconds: null })))?.durationMs, null);
  assertEquals((await sizeOf(makeWebm({ seconds: -1 })))?.durationMs, null);
  assertEquals((await sizeOf(makeWebm({ seconds: Infinity })))?.durationMs, null);
  assertEquals((await sizeOf(makeWebm({ seconds: NaN })))?.durationMs, null);
  assertEquals(await sizeOf(makeWebm({ docType: "matroska" })), undefined);
});

Deno.test("readContainerFacts() believes no senseless size", async () => {
  for (const [width, height] of [[0, 240], [320, 0], [65_535, 240]]) {
    assertEquals(await sizeOf(makeWebm({ width, height })), undefined);
    assertEquals(await sizeOf(makeMp4({ width, height })), undefined);
  }
});

Deno.test("readMp4Facts() and readWebmFacts() survive every cut and every wrong byte", async () => {
  const readers = [
    [makeMp4(), readMp4Facts],
    [makeWebm(), readWebmFacts],
    [SAMPLE_MP4, readMp4Facts],
    [SAMPLE_WEBM, readWebmFacts],
  ] as const;
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
