import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { FILE_NAME_BYTES_MAX } from "../../src/base/limits.ts";
import {
  checkRootName,
  contentThumbnailPath,
  getBucketedPath,
  getThumbnailPath,
  inPlacePath,
  parseStoredPath,
  realPathInside,
  resolveInside,
  sanitizeFilenameForFs,
  splitExtension,
  toPosix,
  withHashSuffix,
} from "../../src/media/paths.ts";
import { makeFolder } from "./sample_media.ts";

// deno-lint-ignore no-control-regex -- control characters are what must not be there
const UNSAFE = /[/\\<>:"|?*\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const MD5 = "abcd1234abcd1234abcd1234abcd1234";

Deno.test("getThumbnailPath() changes the folder and the ending", () => {
  const table = [
    ["images/folder/img.jpg", "thumbnails/folder/img.webp"],
    ["folder/img.jpg", "thumbnails/folder/img.webp"],
    ["img.jpg", "thumbnails/img.webp"],
    ["images/a.b/c", "thumbnails/a.b/c.webp"],
    ["images/a.tar.gz", "thumbnails/a.tar.webp"],
    ["images/.hidden", "thumbnails/.hidden.webp"],
    ["images/images/x.png", "thumbnails/images/x.webp"],
    ["my images/x.png", "thumbnails/my images/x.webp"],
    ["a3f/x.webp", "thumbnails/a3f/x.webp"],
  ];
  for (const [path, expected] of table) assertEquals(getThumbnailPath(path), expected);
});

Deno.test("getBucketedPath() uses the MD5 of the name, or the one that is given", () => {
  // The MD5 of the text "image.jpg" is 0d5b1c4c7f720f698946c7f6ab08f687.
  assertEquals(getBucketedPath("image.jpg"), "0d/5b/image.jpg");
  assertEquals(getBucketedPath("image.jpg", MD5), "ab/cd/image.jpg");
  assertEquals(getBucketedPath("image.jpg", MD5.toUpperCase()), "ab/cd/image.jpg");
  for (
    const md5 of ["", "abcd", "../../etc/passwd", `${MD5}0`, "zzcd1234abcd1234abcd1234abcd1234"]
  ) {
    assertThrows(() => getBucketedPath("image.jpg", md5), TypeError);
  }
  for (const name of ["", ".", "..", "a/b", "a\\b", "a\0b"]) {
    assertEquals(assertThrows(() => getBucketedPath(name, MD5), AppError).code, "forbidden");
  }
});

Deno.test("contentThumbnailPath() derives from the content alone", () => {
  assertEquals(contentThumbnailPath(MD5), `ab/cd/${MD5}.webp`);
  assertEquals(contentThumbnailPath(MD5.toUpperCase()), `ab/cd/${MD5}.webp`);
  assertThrows(() => contentThumbnailPath("../x"), TypeError);
});

Deno.test("splitExtension() splits before the last dot of a bare name", () => {
  assertEquals(splitExtension("a.b.JPG"), { stem: "a.b", ext: ".JPG" });
  assertEquals(splitExtension("a"), { stem: "a", ext: "" });
  assertEquals(splitExtension(".a"), { stem: ".a", ext: "" });
  assertEquals(splitExtension("a."), { stem: "a.", ext: "" });
});

Deno.test("toPosix() leaves a backslash that is part of a name", () => {
  const expected = Deno.build.os === "windows" ? "a/b/c" : "a\\b/c";
  assertEquals(toPosix("a\\b/c"), expected);
});

Deno.test("inPlacePath() and parseStoredPath() are each other's inverse", () => {
  const isRoot = (name: string) => name === "my pictures";
  const stored = inPlacePath("my pictures", "2020/@odd/x.png");
  assertEquals(stored, "@my pictures/2020/@odd/x.png");
  assertEquals(parseStoredPath(stored, isRoot), {
    root: "my pictures",
    relative: "2020/@odd/x.png",
  });
  for (
    const ordinary of ["@artist/x.png", "@my pictures", "@my pictures/", "@/x.png", "a3f/x.png"]
  ) {
    assertEquals(parseStoredPath(ordinary, isRoot), { root: null, relative: ordinary });
  }
});

Deno.test("checkRootName() refuses what would not read as one name", () => {
  for (const name of ["a", "my pictures", "日本", "x-1_2.3", "a".repeat(64)]) {
    assertEquals(checkRootName(name), name);
  }
  for (
    const name of ["", ".", "..", "a/b", "a\\b", "@a", "-a", "a.", "a ", "a\n", "a".repeat(65)]
  ) {
    assertEquals(assertThrows(() => checkRootName(name), AppError).code, "bad_request");
  }
});

Deno.test("sanitizeFilenameForFs() leaves a safe name as it is", () => {
  for (
    const name of [
      "image.jpg",
      "日本語 (1) [x] #2 100%.PNG",
      "a'b`c$(d);e&f.jpg",
      "👨‍👩‍👧.gif",
      "__a--b.webp",
      "console.jpg",
      "common.png",
      "@artist.png",
      "x".repeat(FILE_NAME_BYTES_MAX - 4) + ".jpg",
    ]
  ) assertEquals(sanitizeFilenameForFs(name), name);
  assertEquals(sanitizeFilenameForFs("e\u0301.jpg"), "\u00e9.jpg");
});

Deno.test("sanitizeFilenameForFs() replaces what some system refuses, and marks it", () => {
  const table: [string, RegExp][] = [
    ["", /^unnamed-[0-9a-f]{8}$/],
    ["...", /^unnamed-[0-9a-f]{8}$/],
    ["a/b\\c.jpg", /^a_b_c-[0-9a-f]{8}\.jpg$/],
    ['<>:"|?*.jpg', /^_{7}-[0-9a-f]{8}\.jpg$/],
    ["a\u202egnp.exe", /^a_gnp-[0-9a-f]{8}\.exe$/],
    ["a\n\u001b[2J.jpg", /^a__\[2J-[0-9a-f]{8}\.jpg$/],
    ["-rf.jpg", /^_rf-[0-9a-f]{8}\.jpg$/],
    [".htaccess", /^_htaccess-[0-9a-f]{8}$/],
    ["..", /^unnamed-[0-9a-f]{8}$/],
    ["../../etc/passwd", /^___.._etc_passwd-[0-9a-f]{8}$/],
    ["a.jpg. . ", /^a-[0-9a-f]{8}\.jpg$/],
    ["CON", /^_CON-[0-9a-f]{8}$/],
    ["nul.tar.gz", /^_nul\.tar-[0-9a-f]{8}\.gz$/],
    ["COM1.jpg", /^_COM1-[0-9a-f]{8}\.jpg$/],
    ["lpt² .png", /^_lpt² -[0-9a-f]{8}\.png$/],
    ["a\ud800b.jpg", /^a_b-[0-9a-f]{8}\.jpg$/],
    ["-.jpg", /^_-[0-9a-f]{8}\.jpg$/],
    ["..jpg", /^_-[0-9a-f]{8}\.jpg$/],
    [" .jpg", /^unnamed-[0-9a-f]{8}\.jpg$/],
    [" .. .jpg", /^__ -[0-9a-f]{8}\.jpg$/],
    [".jpg", /^_jpg-[0-9a-f]{8}$/],
  ];
  for (const [name, expected] of table) {
    const clean = sanitizeFilenameForFs(name);
    assert(expected.test(clean), `${JSON.stringify(name)} became ${clean}`);
  }
});

Deno.test("sanitizeFilenameForFs() cuts between characters and keeps the ending", () => {
  const family = "👨‍👩‍👧‍👦";
  const clean = sanitizeFilenameForFs(`${"a".repeat(210)}${family.repeat(9)}.jpeg`);
  assert(/^a{210}-[0-9a-f]{8}\.jpeg$/.test(clean), clean);
  const kanji = sanitizeFilenameForFs(`${"漢".repeat(200)}.png`);
  assert(/^漢{75}-[0-9a-f]{8}\.png$/.test(kanji), kanji);
  const piled = sanitizeFilenameForFs(`a${"\u0330".repeat(400)}.png`);
  assert(byteLength(piled) > 200 && piled.endsWith(".png"), piled);
  const ending = sanitizeFilenameForFs(`a.${"b".repeat(400)}`);
  assertEquals(byteLength(ending), FILE_NAME_BYTES_MAX);
});

/** Texts full of what is not allowed in names. */
function oddTexts(): fc.Arbitrary<string> {
  const unsafe = fc.constantFrom(
    ...'/\\<>:"|?*. -\0\n\t\u202e\u2066\ufeff\u00a0é\u0301\u200d👩🇩🇪\ud83d',
    ...["CON", "nul.", "com1", "漢".repeat(60), "a".repeat(90), ".jpg", "..", "\u0338", "ﬁ"],
  );
  return fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(unsafe, fc.string({ unit: "grapheme", maxLength: 5 })), { maxLength: 30 })
      .map((parts) => parts.join("")),
  );
}

Deno.test("sanitizeFilenameForFs() gives names that meet every rule, for any text", () => {
  const reserved = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/i;
  fc.assert(
    fc.property(oddTexts(), (text) => {
      const clean = sanitizeFilenameForFs(text);
      assertEquals(sanitizeFilenameForFs(clean), clean, "cleaning twice changes nothing");
      assert(clean.length > 0 && byteLength(clean) <= FILE_NAME_BYTES_MAX, "length");
      assert(clean.isWellFormed() && clean.normalize("NFC") === clean, "text");
      assert(!UNSAFE.test(clean), "set");
      assert(!/^[.-]|^\s|[.\s]$/.test(clean), "ends");
      assert(!reserved.test(clean), "reserved");
    }),
    { numRuns: 2000 },
  );
});

Deno.test("sanitizeFilenameForFs() keeps the ending of any name", () => {
  const ending = fc.constantFrom(".jpg", ".PNG", ".webm", ".tar.gz", ".jpeg");
  fc.assert(
    fc.property(oddTexts(), ending, (text, ext) => {
      fc.pre(text !== "");
      const clean = sanitizeFilenameForFs(text + ext);
      const last = ext.slice(ext.lastIndexOf("."));
      assert(clean.endsWith(last), `${JSON.stringify(text + ext)} became ${clean}`);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("sanitizeFilenameForFs() cuts long names between characters, as late as it can", () => {
  const unit = fc.constantFrom("a", "é", "漢", "🇩🇪", "👩‍👩‍👧‍👦", "👍🏽", "한", "🏳️‍🌈", "ก็");
  fc.assert(
    fc.property(fc.array(unit, { minLength: 150, maxLength: 200 }), (units) => {
      fc.pre(byteLength(units.join("")) > FILE_NAME_BYTES_MAX);
      const clean = sanitizeFilenameForFs(`${units.join("")}.png`);
      const [, kept] = /^(.*)-[0-9a-f]{8}\.png$/.exec(clean)!;
      const count = units.findIndex((_, i) => units.slice(0, i).join("") === kept);
      assert(count > 0, `${kept} ends within a character`);
      const roomBytes = FILE_NAME_BYTES_MAX - byteLength("-01234567.png");
      assert(byteLength(kept + units[count]) > roomBytes, `${kept} has room for ${units[count]}`);
    }),
    { numRuns: 100 },
  );
});

Deno.test("sanitizeFilenameForFs() keeps different names different", () => {
  const unit = fc.constantFrom(..."ab./\\:*-\n\u202e\ud800\udc00", "漢".repeat(70));
  const name = fc.string({ unit, maxLength: 12 });
  fc.assert(
    fc.property(name, name, (left, right) => {
      fc.pre(left.normalize("NFC") !== right.normalize("NFC"));
      assert(sanitizeFilenameForFs(left) !== sanitizeFilenameForFs(right), `${left} ${right}`);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("withHashSuffix() puts the hash before the ending", () => {
  assertEquals(withHashSuffix("a.b.jpg", "12ab"), "a.b-12ab.jpg");
  assertEquals(withHashSuffix("a", "12ab"), "a-12ab");
  const long = withHashSuffix(`${"x".repeat(236)}.jpg`, MD5);
  assertEquals(byteLength(long), FILE_NAME_BYTES_MAX);
  assert(long.endsWith(`x-${MD5}.jpg`));
  for (const hash of ["", "../x", "a b", "a".repeat(65)]) {
    assertThrows(() => withHashSuffix("a.jpg", hash), TypeError);
  }
});

const OUTSIDE = [
  "",
  ".",
  "./",
  "..",
  "../",
  "../x",
  "a/..",
  "a/../..",
  "a/../../x",
  "a/b/../../../x",
  "./../x",
  "..\\x",
  "a\\..\\..\\x",
  "a/..\\../x",
  "\\x",
  "\\\\server\\share\\x",
  "//server/share",
  "/",
  "/etc/passwd",
  "C:\\x",
  "c:/x",
  "x\0",
  "x\0.jpg",
  "\0",
];

Deno.test("resolveInside() refuses everything that could leave the root", () => {
  for (const relative of OUTSIDE) {
    const error = assertThrows(() => resolveInside("/srv/library", relative), AppError);
    assertEquals(error.code, "forbidden", relative);
  }
});

Deno.test("resolveInside() takes odd names that stay inside", () => {
  for (
    const relative of [
      "a/b.jpg",
      "...",
      "..a",
      "a..",
      "a/...b/c",
      "%2e%2e/x",
      "~/x",
      "-x",
      "a\\b",
      "C: x",
    ]
  ) {
    if (Deno.build.os === "windows" && /[\\:]/.test(relative)) continue;
    assertEquals(resolveInside("/srv/library", relative), join("/srv/library", relative));
  }
  assertEquals(resolveInside("/", "etc"), "/etc");
  assertEquals(resolveInside("library", "x"), join(Deno.cwd(), "library", "x"));
});

Deno.test("resolveInside() never leaves the root, for any text", () => {
  const part = fc.constantFrom("..", ".", "", "a", "\\", "/", "%2e", "C:", "\0", " ", "...", "~");
  const relative = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join("/")),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(relative, (text) => {
      let path: string;
      try {
        path = resolveInside("/srv/library", text);
      } catch (error) {
        assert(error instanceof AppError && error.code === "forbidden");
        return;
      }
      assert(path.startsWith("/srv/library/") && !path.split("/").includes(".."), path);
      assertEquals(join(path), path);
    }),
    { numRuns: 2000 },
  );
});

Deno.test({
  name: "realPathInside() follows links and refuses those that lead out",
  // Making a symbolic link needs a privilege on Windows.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await makeFolder();
    const root = join(folder.path, "root");
    await Deno.mkdir(join(root, "sub"), { recursive: true });
    await Deno.mkdir(join(folder.path, "root-twin"));
    await Deno.writeTextFile(join(root, "sub", "x.jpg"), "x");
    await Deno.writeTextFile(join(folder.path, "secret"), "s");
    await Deno.writeTextFile(join(folder.path, "root-twin", "secret"), "s");
    await Deno.symlink("sub", join(root, "inner"));
    await Deno.symlink("..", join(root, "up"));
    await Deno.symlink("../secret", join(root, "leak.jpg"));
    await Deno.symlink("../root-twin", join(root, "twin"));
    await Deno.symlink("../nowhere", join(root, "dangling"));
    await Deno.symlink("loop", join(root, "loop"));
    await Deno.symlink(root, join(folder.path, "entrance"));

    assertEquals(await realPathInside(root, "sub/x.jpg"), join(root, "sub/x.jpg"));
    assertEquals(await realPathInside(root, "inner/x.jpg"), join(root, "sub/x.jpg"));
    assertEquals(await realPathInside(root, "inner/new/y.jpg"), join(root, "sub/new/y.jpg"));
    assertEquals(await realPathInside(root, "sub/x.jpg/below"), join(root, "sub/x.jpg/below"));
    const entrance = join(folder.path, "entrance");
    assertEquals(await realPathInside(entrance, "sub/x.jpg"), join(root, "sub/x.jpg"));
    for (
      const relative of [
        "up",
        "up/secret",
        "up/new.jpg",
        "leak.jpg",
        "twin/secret",
        "dangling",
        "dangling/new.jpg",
        "loop",
        "loop/new.jpg",
        "../secret",
      ]
    ) {
      const error = await assertRejects(() => realPathInside(root, relative), AppError);
      assertEquals(error.code, "forbidden", relative);
    }
    await assertRejects(() => realPathInside(join(root, "none"), "x"), Deno.errors.NotFound);
  },
});

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
