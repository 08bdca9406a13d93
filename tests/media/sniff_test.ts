import { assertEquals, assertMatch } from "@std/assert";
import {
  describeUnsupported,
  MEDIA_TYPES,
  mediaTypeOfExt,
  SNIFF_BYTES,
  sniffMediaType,
} from "../../src/media/sniff.ts";
import {
  box,
  bytesOf,
  element,
  makeAnimation,
  makeMp4,
  makePicture,
  makeWebm,
  uint,
  UNKNOWN_SIZE,
} from "./sample_media.ts";

Deno.test("sniffMediaType() knows what the encoders write", async () => {
  for (const [format, ext] of [["png", "png"], ["jpeg", "jpg"], ["gif", "gif"], ["webp", "webp"]]) {
    const bytes = await makePicture(format as "png");
    assertEquals(sniffMediaType(bytes.subarray(0, SNIFF_BYTES))?.ext, ext);
    assertEquals(describeUnsupported(bytes.subarray(0, SNIFF_BYTES)), undefined);
  }
  const avif = await makePicture("avif");
  assertEquals(sniffMediaType(avif.subarray(0, SNIFF_BYTES)), {
    ext: "avif",
    mime: "image/avif",
    kind: "image",
  });
  assertEquals(sniffMediaType(await makeAnimation("gif"))?.ext, "gif");
  assertEquals(sniffMediaType(await makeAnimation("webp"))?.ext, "webp");
});

Deno.test("sniffMediaType() tells films apart by brand and document type", () => {
  const brands = (major: string, ...others: string[]) =>
    sniffMediaType(box("ftyp", major, uint(0), ...others))?.ext;
  for (const major of ["isom", "iso5", "mp41", "mp42", "avc1", "M4V ", "dash", "f4v "]) {
    assertEquals(brands(major), "mp4", major);
  }
  assertEquals(brands("qt  "), undefined);
  assertEquals(brands("qt  ", "mp42"), "mp4");
  assertEquals(brands("M4A ", "isom", "mp42"), undefined);
  assertEquals(brands("heic", "mif1", "isom"), undefined);
  assertEquals(brands("mif1", "heic"), undefined);
  assertEquals(brands("mif1", "avif"), "avif");
  assertEquals(brands("avis", "isom"), "avif");
  assertEquals(brands("crx ", "isom"), undefined);
  assertEquals(sniffMediaType(makeMp4())?.mime, "video/mp4");
  assertEquals(sniffMediaType(makeWebm())?.ext, "webm");
  assertEquals(sniffMediaType(makeWebm({ docType: "webm\0\0" }))?.ext, "webm");
  assertEquals(sniffMediaType(makeWebm({ docType: "matroska" })), undefined);
});

Deno.test("sniffMediaType() does not read brands behind the end of their box", () => {
  const bytes = bytesOf(box("ftyp", "zzzz", uint(0)), "isom", "mp42");
  assertEquals(sniffMediaType(bytes), undefined);
});

Deno.test("sniffMediaType() survives every cut and every single wrong byte", async () => {
  const samples = [
    makeMp4(),
    makeWebm(),
    await makePicture("png"),
    await makePicture("avif"),
    element(0x1a45dfa3, new Uint8Array(0), UNKNOWN_SIZE),
  ].map((bytes) => bytes.subarray(0, SNIFF_BYTES));
  for (const bytes of samples) {
    for (let length = 0; length < Math.min(bytes.length, 80); length++) {
      sniffMediaType(bytes.subarray(0, length));
      describeUnsupported(bytes.subarray(0, length));
      for (const wrong of [0x00, 0x01, 0x7f, 0xff]) {
        const changed = bytes.slice();
        changed[length] = wrong;
        sniffMediaType(changed);
        describeUnsupported(changed);
      }
    }
    assertEquals(sniffMediaType(bytes.subarray(0, 2)), undefined);
  }
});

Deno.test("describeUnsupported() names what people find in their folders", async () => {
  const table: [string | Uint8Array, RegExp][] = [
    ["", /an empty file/],
    [new Uint8Array(600), /file of zeros/],
    ["PK\x03\x04\x14\0", /ZIP archive.*ugoira/],
    ["Rar!\x1a\x07\x01\0", /RAR/],
    ["7z\xbc\xaf\x27\x1c", /7-Zip/],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', /SVG/],
    ['\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a <html> in a comment -->\n<svg width="1">', /SVG/],
    ["<!DOCTYPE svg PUBLIC>", /SVG/],
    ["<!doctype html><title>404</title>", /HTML/],
    ["\n <html><body>", /HTML/],
    ["<?xml version='1.0'?><posts/>", /XML/],
    ["<?xml never ends", /XML/],
    ["<!-- never ends", /XML/],
    ['{"error": "not found"}', /JSON/],
    ["#EXTM3U\nhttp://example.test/", /playlist/],
    ["#!/bin/sh\n", /script/],
    ["1girl, solo\n", /text file/],
    ["\xff\xfeh\0i\0", /text file/],
    ["%PDF-1.7", /PDF/],
    ["BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", /BMP/],
    ["BMW, Audi and other text", /text file/],
    ["II*\0\x08\0\0\0", /TIFF/],
    ["MM\0*\0\0\0\x08", /TIFF/],
    ["8BPS\0\x01", /Photoshop/],
    ["FWS\x06", /Flash film/],
    ["CWS\x06", /Flash film/],
    ["FLV\x01", /Flash video/],
    ["RIFF\0\0\0\0AVI LIST", /AVI/],
    ["RIFF\0\0\0\0WAVEfmt ", /\.wav/],
    ["\0\0\0\x0cJXL \r\n\x87\n", /JPEG XL/],
    ["\xff\x0a\xfa", /JPEG XL/],
    [box("ftyp", "heic", uint(0), "mif1"), /HEIC/],
    [box("ftyp", "mif1", uint(0), "mif1"), /HEIF/],
    [box("ftyp", "qt  ", uint(0)), /QuickTime/],
    [box("ftyp", "M4A ", uint(0), "isom"), /m4a/],
    [box("ftyp", "crx ", uint(0), "isom"), /cr3/],
    [box("moov", uint(0)), /QuickTime/],
    [makeWebm({ docType: "matroska" }), /Matroska/],
    [makeWebm({ docType: "other" }), /EBML/],
    ["\0\0\x01\0\x01\0\x10\x10", /icon/],
    ["OggS\0", /Ogg/],
    ["MZ\x90\0", /Windows program/],
  ];
  for (const [bytes, expected] of table) {
    const head = typeof bytes === "string" ? bytesOf(bytes) : bytes;
    assertMatch(describeUnsupported(head) ?? "undefined", expected);
    assertEquals(sniffMediaType(head), undefined);
  }
  assertMatch(describeUnsupported(await makePicture("tiff")) ?? "", /TIFF/);
  assertEquals(describeUnsupported(bytesOf("\x01\x02\x03\x04\x05")), undefined);
});

Deno.test("describeUnsupported() calls a text cut inside a character a text", () => {
  const text = new TextEncoder().encode("日本語".repeat(400)).subarray(0, SNIFF_BYTES);
  assertEquals(describeUnsupported(text), "a text file");
});

Deno.test("mediaTypeOfExt() takes the usual spellings and nothing else", () => {
  for (const type of MEDIA_TYPES) assertEquals(mediaTypeOfExt(type.ext), type);
  assertEquals(mediaTypeOfExt(".JPEG")?.ext, "jpg");
  assertEquals(mediaTypeOfExt("jfif")?.ext, "jpg");
  assertEquals(mediaTypeOfExt("apng")?.ext, "png");
  assertEquals(mediaTypeOfExt(".m4v")?.ext, "mp4");
  for (const ext of ["", ".", "svg", "zip", "mkv", "toString", "__proto__"]) {
    assertEquals(mediaTypeOfExt(ext), undefined, ext);
  }
});
