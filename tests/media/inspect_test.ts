import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { readFfmpegVersion } from "../../src/media/ffmpeg.ts";
import { inspectMedia, renewThumbnail } from "../../src/media/inspect.ts";
import { readPicture } from "../../src/media/thumbnail.ts";
import { SAMPLE_MP4, SAMPLE_WEBM } from "./sample_films.ts";
import { bytesOf, makeAnimation, makeFolder, makeMp4, makePicture } from "./sample_media.ts";

Deno.test("inspectMedia() gives the facts of a picture and makes its thumbnail", async () => {
  await using folder = await makeFolder();
  const thumbnailPath = join(folder.path, "thumbnails", "ab", "cd", "x.webp");
  const path = join(folder.path, "a.jpg");
  await Deno.writeFile(
    path,
    await makePicture("jpeg", { width: 500, height: 250, orientation: 8 }),
  );
  assertEquals(await inspectMedia({ path, ext: "jpg", thumbnailPath }), {
    width: 250,
    height: 500,
    durationMs: null,
    frameRate: null,
    videoCodec: null,
    hasAudio: null,
    frames: 1,
    thumbnail: "made",
    thumbnailError: null,
  });
  assertEquals((await readPicture(thumbnailPath)).height, 360);
  await Deno.writeFile(path, await makeAnimation("gif"));
  const animated = await inspectMedia({ path, ext: "gif", thumbnailPath });
  assertEquals([animated.frames, animated.durationMs], [3, 600]);
});

Deno.test("inspectMedia() gives the facts of a film and, with ffmpeg, a picture of it", async () => {
  await using folder = await makeFolder();
  const thumbnailPath = join(folder.path, "t", "x.webp");
  const path = join(folder.path, "film");
  await Deno.writeFile(path, SAMPLE_MP4);
  const hasFfmpeg = await readFfmpegVersion() !== null;
  const facts = {
    width: 48,
    height: 32,
    durationMs: 500,
    frameRate: 12,
    videoCodec: "h264",
    hasAudio: true,
    frames: null,
    thumbnail: hasFfmpeg ? "made" : "none",
    thumbnailError: null,
  };
  assertEquals(await inspectMedia({ path, ext: "mp4", thumbnailPath }) as unknown, facts);
  if (hasFfmpeg) assertEquals((await readPicture(thumbnailPath)).height, 240);
  else await assertRejects(() => Deno.stat(thumbnailPath), Deno.errors.NotFound);
  await Deno.writeFile(path, SAMPLE_WEBM.subarray(0, 40));
  const cut = await inspectMedia({ path, ext: "webm", thumbnailPath });
  assertEquals([cut.width, cut.height, cut.durationMs], [null, null, null]);
  assertEquals(cut.thumbnail, "none");
});

Deno.test("inspectMedia() answers for a file that cannot be decoded, with what it could read", async () => {
  await using folder = await makeFolder();
  const thumbnailPath = join(folder.path, "x.webp");
  const path = join(folder.path, "a.avif");
  const avif = await makePicture("avif", { width: 200, height: 100 });
  await Deno.writeFile(path, avif.subarray(0, avif.length / 2));
  const half = await inspectMedia({ path, ext: "avif", thumbnailPath });
  assertEquals([half.width, half.height, half.thumbnail], [200, 100, "failed"]);
  assertMatch(half.thumbnailError ?? "", /^Cannot decode ".*a\.avif": \S/);
  await Deno.writeFile(path, bytesOf("no picture"));
  const none = await inspectMedia({ path, ext: "png", thumbnailPath });
  assertEquals([none.width, none.height, none.frames, none.thumbnail], [
    null,
    null,
    null,
    "failed",
  ]);
  assertEquals((await renewThumbnail({ path, ext: "png", thumbnailPath })).thumbnail, "failed");
});

Deno.test("renewThumbnail() makes the thumbnail again", async () => {
  await using folder = await makeFolder();
  const thumbnailPath = join(folder.path, "x.webp");
  const path = join(folder.path, "a");
  await Deno.writeFile(path, await makePicture("png"));
  await Deno.writeTextFile(thumbnailPath, "damaged");
  const made = { thumbnail: "made", thumbnailError: null };
  assertEquals(await renewThumbnail({ path, ext: "png", thumbnailPath }) as unknown, made);
  assertEquals((await readPicture(thumbnailPath)).width, 120);
  // Nothing can be decoded of it, with ffmpeg or without.
  await Deno.writeFile(path, makeMp4());
  assertEquals((await renewThumbnail({ path, ext: "mp4", thumbnailPath })).thumbnail, "none");
});

Deno.test("inspectMedia() throws for files that are not there and types that are not stored", async () => {
  await using folder = await makeFolder();
  const request = {
    path: join(folder.path, "a"),
    ext: "png",
    thumbnailPath: join(folder.path, "t"),
  };
  for (const ext of ["png", "mp4"]) {
    const error = await assertRejects(() => inspectMedia({ ...request, ext }), AppError);
    assertEquals(error.code, "not_found");
  }
  const error = await assertRejects(() => renewThumbnail({ ...request, ext: "svg" }), AppError);
  assertEquals(error.code, "unsupported_media");
});
