import { assertEquals } from "@std/assert";
import { MEDIA_TYPES, mediaTypeOfExt } from "../../src/media/sniff.ts";
import {
  FILE_TYPE_CODES,
  FILE_TYPES,
  fileTypeCodeOfBytes,
  fileTypeCodeOfPath,
  toFileTypeCode,
} from "../../src/tags/file_types.ts";

Deno.test("toFileTypeCode() numbers the types from 1, in every spelling", () => {
  assertEquals(FILE_TYPES.map((type) => toFileTypeCode(type)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const ext of ["jpeg", ".JPG", "Jpe", ".jfif"]) assertEquals(toFileTypeCode(ext), 1, ext);
  for (const ext of ["", ".", "..jpg", "jp", "jpgx", "mkv"]) {
    assertEquals(toFileTypeCode(ext), 0, ext);
  }
});

Deno.test("toFileTypeCode() agrees with what the library stores", () => {
  for (const { ext } of MEDIA_TYPES) assertEquals(FILE_TYPES[toFileTypeCode(ext) - 1], ext);
  for (const [ext, code] of FILE_TYPE_CODES) {
    const type = mediaTypeOfExt(ext);
    if (type !== undefined) assertEquals(FILE_TYPES[code - 1], type.ext, ext);
  }
});

/** Path → type that its ending stands for. */
const PATHS: [path: string, type: string | undefined][] = [
  ["a3f/name.jpg", "jpg"],
  ["name.with.dots.PNG", "png"],
  ["x.WeBm", "webm"],
  ["x.avifs", "avif"],
  [".gif", "gif"],
  ["name", undefined],
  ["name.", undefined],
  ["", undefined],
  ["folder.jpg/name", undefined],
  ["x.jpg ", undefined],
  ["x.abcdefgh", undefined],
  ["日本.m4v", "mp4"],
  ["x.ｊｐｇ", undefined],
];

Deno.test("fileTypeCodeOfPath() and fileTypeCodeOfBytes() read the ending of a path", () => {
  const encoder = new TextEncoder();
  for (const [path, type] of PATHS) {
    assertEquals(FILE_TYPES[fileTypeCodeOfPath(path) - 1], type, path);
    // The dot before and the ending behind are those of the neighbours.
    const before = encoder.encode("other.").length;
    const bytes = encoder.encode(`other.${path}.zip`);
    const end = bytes.length - ".zip".length;
    assertEquals(FILE_TYPES[fileTypeCodeOfBytes(bytes, before, end) - 1], type, path);
  }
});
