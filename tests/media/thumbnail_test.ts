import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { AppError } from "../../src/base/errors.ts";
import { THUMBNAIL_SIDE_PX } from "../../src/base/limits.ts";
import { countApngFrames } from "../../src/media/apng.ts";
import { sniffMediaType } from "../../src/media/sniff.ts";
import { makeThumbnail, readPicture, settlePictures } from "../../src/media/thumbnail.ts";
import {
  bytesOf,
  makeAnimation,
  makeFolder,
  makePicture,
  makePlain,
  uint,
} from "./sample_media.ts";

Deno.test("readPicture() and makeThumbnail() handle every picture type", async () => {
  await using folder = await makeFolder();
  for (const format of ["png", "jpeg", "gif", "webp", "avif"] as const) {
    const path = join(folder.path, `wrong ending.${format === "png" ? "jpg" : "png"}`);
    await Deno.writeFile(path, await makePicture(format, { width: 600, height: 400 }));
    const facts = await readPicture(path);
    assertEquals([facts.width, facts.height, facts.pages, facts.hasAlpha], [600, 400, 1, false]);
    assertEquals(facts.format, format === "avif" ? "heif" : format);
    const out = join(folder.path, "thumbnails", format, "a.webp");
    const made = await makeThumbnail(path, out);
    const bytes = await Deno.readFile(out);
    assertEquals(made, { width: 360, height: 240, sizeBytes: bytes.length });
    assertEquals(sniffMediaType(bytes)?.ext, "webp");
  }
});

Deno.test("makeThumbnail() applies the EXIF orientation and drops all metadata", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "turned.jpg");
  const out = join(folder.path, "turned.webp");
  // Left half red, right half blue; orientation 6 turns it clockwise: red comes to the top.
  const red = await makePlain(400, 400, "#f00");
  const picture = await sharp({
    create: { width: 800, height: 400, channels: 3, background: "#00f" },
  })
    .composite([{ input: Buffer.from(red), left: 0, top: 0 }])
    .withExif({ IFD0: { Copyright: "secret", Software: "camera" } })
    .withMetadata({ orientation: 6 }).jpeg().toBuffer();
  await Deno.writeFile(path, picture);
  const facts = await readPicture(path);
  assertEquals([facts.width, facts.height], [400, 800]);
  assertEquals((await makeThumbnail(path, out)).width, 180);
  const { orientation, exif, icc, xmp } = await sharp(await Deno.readFile(out)).metadata();
  assertEquals([orientation, exif, icc, xmp], [undefined, undefined, undefined, undefined]);
  const [top, bottom] = [await pixelAt(out, 90, 40), await pixelAt(out, 90, 320)];
  assert(top[0] > 200 && top[2] < 60, `top is ${top}`);
  assert(bottom[2] > 200 && bottom[0] < 60, `bottom is ${bottom}`);
});

Deno.test("makeThumbnail() takes the first frame of an animation and readPicture() counts all", async () => {
  await using folder = await makeFolder();
  for (const format of ["gif", "webp"] as const) {
    const path = join(folder.path, `a.${format}`);
    const out = join(folder.path, `${format}.webp`);
    await Deno.writeFile(path, await makeAnimation(format));
    const facts = await readPicture(path);
    assertEquals([facts.pages, facts.durationMs, facts.height], [3, 600, 30]);
    await makeThumbnail(path, out);
    assertEquals((await readPicture(out)).pages, 1);
    const [red, , blue] = await pixelAt(out, 20, 15);
    assert(red > 200 && blue < 60, `${red} ${blue}`);
  }
});

Deno.test("makeThumbnail() never enlarges and bears extreme proportions", async () => {
  await using folder = await makeFolder();
  const table: [number, number, number, number][] = [
    [1, 1, 1, 1],
    [50, 20, 50, 20],
    [1, 20000, 1, 360],
    [20000, 1, 360, 1],
    [THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX + 1, 359, 360],
  ];
  for (const [width, height, ...expected] of table) {
    const path = join(folder.path, "a.png");
    await Deno.writeFile(path, await makePlain(width, height, "#080"));
    const made = await makeThumbnail(path, join(folder.path, "a.webp"));
    assertEquals([made.width, made.height], expected);
  }
});

Deno.test("makeThumbnail() keeps transparency and converts other colour spaces", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "a.png");
  const out = join(folder.path, "a.webp");
  await Deno.writeFile(path, await makePlain(40, 40, { r: 255, g: 0, b: 0, alpha: 0.25 }));
  await makeThumbnail(path, out);
  assertEquals((await readPicture(out)).hasAlpha, true);
  const alpha = (await pixelAt(out, 20, 20))[3];
  assert(Math.abs(alpha - 64) <= 2, `alpha is ${alpha}`);
  const cmyk = await sharp(await makePlain(40, 40, "#f00")).toColourspace("cmyk").jpeg().toBuffer();
  await Deno.writeFile(path, cmyk);
  await makeThumbnail(path, out);
  const [red, green] = await pixelAt(out, 20, 20);
  assert(red > 180 && green < 90, `${red} ${green}`);
  assertEquals((await sharp(await Deno.readFile(out)).metadata()).space, "srgb");
});

Deno.test("makeThumbnail() makes what it can of a truncated picture", async () => {
  await using folder = await makeFolder();
  for (const format of ["jpeg", "png", "gif"] as const) {
    const whole = await makePicture(format, { width: 600, height: 400 });
    const path = join(folder.path, `cut.${format}`);
    await Deno.writeFile(path, whole.subarray(0, whole.length / 2));
    const made = await makeThumbnail(path, join(folder.path, "cut.webp"));
    assertEquals([made.width, made.height], [360, 240], format);
  }
});

Deno.test("makeThumbnail() refuses what is no picture, and leaves nothing behind", async () => {
  await using folder = await makeFolder();
  const png = await makePicture("png");
  const table: [string, Uint8Array][] = [
    ["empty", new Uint8Array(0)],
    ["text", bytesOf("hello, no picture here")],
    ["csv", bytesOf("1,2,3\n4,5,6\n")],
    ["svg", bytesOf('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>')],
    ["tiff", await makePicture("tiff")],
    ["signature", png.subarray(0, 8)],
    ["header", png.subarray(0, 30)],
    ["video", bytesOf(uint(20), "ftypisom", uint(0), "isom", new Uint8Array(50))],
  ];
  const out = join(folder.path, "thumbnails", "a.webp");
  for (const [name, bytes] of table) {
    const path = join(folder.path, `${name}.png`);
    await Deno.writeFile(path, bytes);
    for (const job of [() => makeThumbnail(path, out), () => readPicture(path)]) {
      const error = await assertRejects(job, AppError, `Cannot decode "${path}": `);
      assertEquals(error.code, "undecodable_media", name);
      assert(!error.message.includes("\n"), error.message);
    }
  }
  await assertRejects(() => Deno.stat(out), Deno.errors.NotFound);
});

Deno.test("makeThumbnail() refuses pixel bombs by their header; readPicture() still measures", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "bomb.png");
  const out = join(folder.path, "bomb.webp");
  await Deno.writeFile(path, pngOf(60_000, 60_000, new Uint8Array(100)));
  const error = await assertRejects(() => makeThumbnail(path, out), AppError, "pixel limit");
  assertEquals(error.code, "undecodable_media");
  const facts = await readPicture(path);
  assertEquals([facts.width, facts.height], [60_000, 60_000]);
});

Deno.test("makeThumbnail() stays small for a header that promises more than there is", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "lie.png");
  const out = join(folder.path, "lie.webp");
  await Deno.writeFile(path, pngOf(4_000, 4_000, new Uint8Array(10)));
  try {
    const made = await makeThumbnail(path, out);
    assertEquals([made.width, made.height], [360, 360]);
  } catch (error) {
    assert(error instanceof AppError && error.code === "undecodable_media", `${error}`);
  }
});

Deno.test("makeThumbnail() reads paths with odd characters and replaces an older thumbnail", async () => {
  await using folder = await makeFolder();
  const names = ["a[1]", "b[page=1].png[n=2]", "日本 #%20é.png", "-rf 'x' \"y\" $(z);&.png"];
  if (Deno.build.os !== "windows") names.push("line\nbreak\u001b[2J.png", "back\\slash|<>?*.png");
  const out = join(folder.path, "out [n=-1] #%41.webp");
  for (const name of names) {
    const path = join(folder.path, name);
    await Deno.writeFile(path, await makePlain(20, 10, "#080"));
    assertEquals((await makeThumbnail(path, out)).width, 20, name);
    assertEquals((await readPicture(path)).width, 20, name);
  }
  const left = [...Deno.readDirSync(folder.path)].map((entry) => entry.name);
  assertEquals(left.toSorted(), [...names, "out [n=-1] #%41.webp"].toSorted());
});

Deno.test("makeThumbnail() decodes large files from the disk, whatever their name", async () => {
  await using folder = await makeFolder();
  const padded = bytesOf(await makePlain(20, 10, "#080"), new Uint8Array(17 * 1_048_576));
  for (const name of ["large.png", "large [1]"]) {
    const path = join(folder.path, name);
    await Deno.writeFile(path, padded);
    const facts = await readPicture(path);
    assertEquals([facts.width, facts.pages], [20, 1]);
    assertEquals((await makeThumbnail(path, join(folder.path, "a.webp"))).width, 20);
  }
});

Deno.test("makeThumbnail() names the file that cannot be read or written, and cleans up", async () => {
  await using folder = await makeFolder();
  const missing = join(folder.path, "missing.png");
  const out = join(folder.path, "a.webp");
  const unread = await assertRejects(() => makeThumbnail(missing, out), AppError, missing);
  assertEquals(unread.code, "not_found");
  const folderError = await assertRejects(() => makeThumbnail(folder.path, out), AppError);
  assertEquals(folderError.code, "bad_request");
  const path = join(folder.path, "a.png");
  await Deno.writeFile(path, await makePlain(20, 10, "#080"));
  await Deno.mkdir(out);
  await assertRejects(() => makeThumbnail(path, out), AppError, `Cannot write "${out}"`);
  await assertRejects(() => makeThumbnail(path, join(path, "below.webp")), AppError);
  const left = [...Deno.readDirSync(folder.path)].map((entry) => entry.name);
  assertEquals(left.toSorted(), ["a.png", "a.webp"]);
});

Deno.test("settlePictures() waits for every job that was begun", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "a.png");
  await Deno.writeFile(path, await makePicture("png", { width: 600, height: 400 }));
  let done = 0;
  const jobs = ["1", "2", "3"].map(async (name) => {
    await makeThumbnail(path, join(folder.path, `${name}.webp`));
    done++;
  });
  await Promise.all(jobs);
  await settlePictures();
  assertEquals(done, 3);
});

Deno.test("countApngFrames() reads the frames that an animated PNG declares", async () => {
  const plain = await makePlain(10, 10, "#080");
  assertEquals(countApngFrames(plain), undefined);
  const animated = bytesOf(plain.subarray(0, 33), chunk("acTL", bytesOf(uint(7), uint(0))));
  assertEquals(countApngFrames(bytesOf(animated, plain.subarray(33))), 7);
  assertEquals(countApngFrames(bytesOf(plain.subarray(0, 33), chunk("IDAT", uint(0)))), undefined);
  assertEquals(
    countApngFrames(bytesOf(plain.subarray(0, 33), uint(0xffffffff), "tEXt")),
    undefined,
  );
  for (let length = 0; length < animated.length; length++) {
    countApngFrames(animated.subarray(0, length));
  }
  await using folder = await makeFolder();
  const path = join(folder.path, "a.png");
  await Deno.writeFile(path, bytesOf(animated, plain.subarray(33)));
  assertEquals((await readPicture(path)).pages, 7);
});

/** Red, green, blue and alpha of one pixel. */
async function pixelAt(path: string, x: number, y: number): Promise<Uint8Array> {
  const { data, info } = await sharp(await Deno.readFile(path)).ensureAlpha().raw()
    .toBuffer({ resolveWithObject: true });
  const at = (y * info.width + x) * 4;
  return data.subarray(at, at + 4);
}

/** A PNG whose header may promise anything: 1 bit grey, with the pixel data given. */
function pngOf(width: number, height: number, pixels: Uint8Array): Uint8Array {
  return bytesOf(
    "\x89PNG\r\n\x1a\n",
    chunk("IHDR", bytesOf(uint(width), uint(height), 1, 0, 0, 0, 0)),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", new Uint8Array(0)),
  );
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const typed = bytesOf(type, body);
  return bytesOf(uint(body.length), typed, uint(crc32(typed)));
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
