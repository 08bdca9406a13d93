import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { receiveUpload } from "../../src/library/uploads.ts";
import { withLibrary } from "../support/sample_library.ts";

function bodyOf(...pieces: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
}

Deno.test("receiveUpload() keeps what is sent until it is disposed, and no more than allowed", () =>
  withLibrary(async ({ library }) => {
    const folder = join(library.paths.data, "uploads");
    const names = async () => (await Array.fromAsync(Deno.readDir(folder))).length;
    {
      await using upload = await receiveUpload(library, bodyOf("one ", "two"), 7);
      assertEquals([await Deno.readTextFile(upload.path), upload.sizeBytes], ["one two", 7]);
      assertEquals(await names(), 1);
    }
    assertEquals(await names(), 0);
    const error = await assertRejects(
      () => receiveUpload(library, bodyOf("one ", "two "), 7),
      AppError,
    );
    assertEquals([error.code, await names()], ["payload_too_large", 0]);
    const broken = new ReadableStream<Uint8Array>({ pull: (to) => to.error(new Error("gone")) });
    await assertRejects(() => receiveUpload(library, broken, 7), Error, "gone");
    assertEquals(await names(), 0);
  }));

Deno.test("receiveUpload() removes what a killed process left a day ago", () =>
  withLibrary(async ({ library }) => {
    const folder = join(library.paths.data, "uploads");
    await Deno.mkdir(folder);
    for (const [name, days] of [["old", 2], ["new", 0]] as const) {
      await Deno.writeTextFile(join(folder, name), "x");
      const time = new Date(Date.now() - days * 86_400_000);
      await Deno.utime(join(folder, name), time, time);
    }
    await using _upload = await receiveUpload(library, bodyOf("a"), 7);
    const left = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assertEquals([left.length, left.includes("new"), left.includes("old")], [2, true, false]);
  }));
