import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { SIDECAR_BYTES_MAX } from "../../src/base/limits.ts";
import { searchImages } from "../../src/library/browse.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import { openWriter } from "../../src/store/database.ts";
import {
  checkWhole,
  digest,
  imageOf,
  importSource,
  rowsOf,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";

/** Posts as gallery-dl writes them, cut down, with what must be in the database afterwards. */
const SITES: [name: string, post: object, tags: string[], columns: unknown[]][] = [
  [
    "danbooru",
    {
      category: "danbooru",
      id: 11,
      parent_id: 9,
      has_children: false,
      rating: "s",
      score: 4,
      fav_count: 2,
      source: "https://a.example/11",
      image_width: 9,
      image_height: 7,
      created_at: "2025-09-15T19:27:31.639-04:00",
      tag_string: "1girl kokomi genshin_impact someone highres",
      tag_string_general: "1girl",
      tag_string_character: "kokomi",
      tag_string_copyright: "genshin_impact",
      tag_string_artist: "someone",
      tag_string_meta: "highres",
    },
    [
      "artist:someone",
      "character:kokomi",
      "copyright:genshin_impact",
      "general:1girl",
      "meta:highres",
      "rating:rating:sensitive",
    ],
    ["danbooru", 11, 9, 0, 4, 2, "https://a.example/11"],
  ],
  [
    "e621 api",
    {
      id: 21,
      file: { width: 9, height: 7, size: 1 },
      preview: { width: 1 },
      score: { up: 9, down: -1, total: 8 },
      tags: {
        general: ["anthro"],
        species: ["canid"],
        artist: ["painter"],
        contributor: ["helper_artist"],
        lore: ["female_(lore)"],
        invalid: ["tagme_wrong"],
      },
      flags: { deleted: false },
      rating: "s",
      fav_count: 7,
      sources: ["https://b.example/21"],
      relationships: { parent_id: 12, has_children: true },
    },
    [
      "artist:helper_artist",
      "artist:painter",
      "general:anthro",
      "general:tagme_wrong",
      "meta:female_(lore)",
      "rating:rating:general",
      "species:canid",
    ],
    ["e621", 21, 12, 1, 8, 7, "https://b.example/21"],
  ],
  [
    "e621 gallery-dl",
    {
      category: "e621",
      id: 22,
      file: { width: 9, height: 7 },
      preview: {},
      score: { total: -3 },
      flags: {},
      relationships: {},
      rating: "e",
      tags: ["wolf", "canid"],
      tags_species: ["canid"],
      tags_general: ["wolf"],
    },
    ["general:wolf", "rating:rating:explicit", "species:canid"],
    ["e621", 22, null, null, -3, null, null],
  ],
  [
    "gelbooru",
    {
      category: "gelbooru",
      id: 31,
      score: 2,
      directory: "b4/a3",
      image: "x.jpg",
      change: 1,
      owner: "danbooru",
      rating: "questionable",
      source: "https://c.example/?x=1&amp;y=2",
      parent_id: 0,
      has_children: "true",
      tags: "2girls don&#039;t_cry someone",
    },
    ["artist:someone", "general:2girls", "general:don't_cry", "rating:rating:questionable"],
    ["gelbooru", 31, null, 1, 2, null, "https://c.example/?x=1&y=2"],
  ],
  [
    "yandere",
    {
      category: "yandere",
      id: 41,
      tags: "black_hair",
      creator_id: 1,
      author: "x",
      is_shown_in_index: true,
      change: 2,
      rating: "s",
      score: 3,
      source: "",
      parent_id: null,
      has_children: false,
    },
    ["general:black_hair", "rating:rating:general"],
    ["yandere", 41, null, 0, 3, null, null],
  ],
  [
    "konachan",
    {
      category: "konachan",
      id: 42,
      tags: "sky",
      creator_id: 1,
      author: "x",
      is_held: false,
      jpeg_url: "https://konachan.com/jpeg/x.jpg",
      rating: "q",
      score: 0,
    },
    ["general:sky", "rating:rating:questionable"],
    ["konachan", 42, null, null, 0, null, null],
  ],
  [
    "pixiv",
    {
      category: "pixiv",
      id: 51,
      title: "x",
      user: { id: 1, account: "painter_acc", name: "Painter" },
      tags: ["オリジナル"],
      rating: "R-18G",
      page_count: 1,
      x_restrict: 2,
      create_date: "2024-01-01T00:00:00+09:00",
      total_bookmarks: 99,
    },
    ["artist:painter_acc", "general:オリジナル", "rating:rating:explicit"],
    ["pixiv", 51, null, null, null, 99, "https://www.pixiv.net/artworks/51"],
  ],
  [
    "hydrus",
    {
      metadata: { tags: ["creator:someone", "re:zero", "rating:s"], urls: ["https://d.example/"] },
    },
    ["artist:someone", "general:re:zero", "rating:rating:sensitive"],
    ["hydrus", null, null, null, null, null, "https://d.example/"],
  ],
  [
    "a copy of this server",
    {
      category: "127.0.0.1:5000",
      id: 61,
      tag_string: "lake",
      tag_string_general: "lake",
      rating: "g",
      image_width: 9,
      image_height: 7,
    },
    ["general:lake", "rating:rating:general"],
    ["127.0.0.1:5000", 61, null, null, null, null, null],
  ],
];

Deno.test("importFolders() reads the sidecars of every site", async () => {
  await withLibrary(async ({ library, source }) => {
    for (const [i, [, post]] of SITES.entries()) {
      await writePicture(join(source, `${i}.png`), i, { ".json": post });
    }
    const report = await importSource({ library, source });
    assertEquals([digest(report), report.warnings], [{ added: SITES.length }, []]);
    for (const [i, [name, post, tags, columns]] of SITES.entries()) {
      const md5 = await getFileMd5(join(source, `${i}.png`));
      assertEquals(tagsOf(library, md5), tags, name);
      const [row] = rowsOf<unknown[]>(
        library.core.reader,
        `SELECT active_source, post_id, parent_id, has_children, score, fav_count, source_url, data
         FROM images JOIN image_media ON image_media.image_id = images.id
         JOIN raw_metadata ON raw_metadata.image_id = images.id WHERE md5 = ?`,
        md5,
      );
      assertEquals(row.slice(0, -1), columns, name);
      const document = JSON.parse(String(row.at(-1)));
      assertEquals(document.sources, { [String(columns[0])]: post }, name);
      assertEquals([document.md5, document.relative_path], [md5, imageOf(library, md5)!.filepath]);
    }
    await checkWhole(library);
    assertEquals(digest(await importSource({ library, source })), { alreadyThere: SITES.length });
    await checkWhole(library);
  });
});

Deno.test("importFolders() keeps a source in words, and prefers an address", async () => {
  await withLibrary(async ({ library, source }) => {
    const danbooru = { ...SITES[0][1], source: "Own <i>scan</i>" };
    const alone = await writePicture(join(source, "a.png"), 1, { ".json": danbooru });
    const both = await writePicture(join(source, "b.png"), 2, { ".json": danbooru });
    await Deno.writeTextFile(join(source, "b.json"), JSON.stringify(SITES[1][1]));
    await importSource({ library, source });
    await library.core.cache.loadDataFromDb({ verbose: false });
    const find = async (query: string) =>
      (await searchImages(library, {
        query,
        page: { kind: "number", number: 1 },
        limit: null,
      })).images.map(({ md5 }) => md5);
    assertEquals(await find(`source:"own <i>"`), [await getFileMd5(alone)]);
    assertEquals(await find("source:https://b.example"), [await getFileMd5(both)]);
  });
});

Deno.test("importFolders() merges several sidecars of a file, the first site's word first", async () => {
  await withLibrary(async ({ library, source }) => {
    const [, danbooru] = SITES[0];
    const [, gelbooru] = SITES[3];
    const path = await writePicture(join(source, "a.png"), 1, {
      ".json": gelbooru,
      ".txt": "artist:another\nkokomi\nrating:e",
      ".tags.txt": "from hydrus, second",
    });
    await Deno.writeTextFile(join(source, "a.json"), JSON.stringify(danbooru));
    await importSource({ library, source });
    const md5 = await getFileMd5(path);
    const tags = tagsOf(library, md5);
    for (const tag of ["character:kokomi", "artist:someone", "artist:another", "general:2girls"]) {
      assert(tags.includes(tag), `${tag} of ${tags}`);
    }
    assertEquals(tags.filter((tag) => tag.startsWith("rating:")), ["rating:rating:sensitive"]);
    const columns =
      "SELECT active_source, post_id, source_url FROM images JOIN image_media ON image_id = id";
    assertEquals(rowsOf(library.core.reader, columns), [["merged", 11, "https://a.example/11"]]);
    assertEquals(
      rowsOf(
        library.core.reader,
        "SELECT name FROM image_sources JOIN sources ON id = source_id ORDER BY 1",
      ),
      [["danbooru"], ["gelbooru"]],
    );
  });
});

Deno.test("importFolders() imports a file whose sidecar is bad, and says what is wrong", async () => {
  await withLibrary(async ({ library, source }) => {
    const bad: [sidecars: Record<string, string>, part: string][] = [
      [{ ".json": "{" }, "a0.png.json: Cannot read the JSON"],
      [{ ".json": "[1,2]" }, "a1.png.json: Cannot use a sidecar with a list"],
      [
        { ".json": `{"tags":["x"],"md5":"${"a".repeat(32)}"}` },
        `a2.png.json: it speaks of md5 aaa`,
      ],
      [{ ".json": " ".repeat(SIDECAR_BYTES_MAX + 1) }, "a3.png.json: it has"],
      [{ ".json": "[".repeat(100_000) }, "a4.png.json: Cannot read the JSON: nested too deep"],
      [{ ".json": `{"__proto__":{"x":1},"tags":["fine"]}` }, ""],
      [{ ".txt": `${"x".repeat(5_000)}\n\n,\nfine` }, ""],
    ];
    for (const [i, [sidecars]] of bad.entries()) {
      await writePicture(join(source, `a${i}.png`), i, sidecars);
    }
    await Deno.writeFile(join(source, "a0.png.txt"), Uint8Array.of(0xff, 0xfe, 0x61, 0));
    await new Deno.Command("mkfifo", { args: [join(source, "a1.png.txt")] }).output();
    await Deno.mkdir(join(source, "a2.png.txt"));
    const report = await importSource({ library, source });
    assertEquals(digest(report), { added: bad.length });
    const messages = report.warnings.map(({ message }) => message);
    for (const [, part] of bad) assert(messages.some((text) => text.startsWith(part)), part);
    assertEquals(messages.length, 6);
    await checkWhole(library);
  });
});

Deno.test("importFolders() merges what sidecars say later, and a newer post of the same site", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1, {
      ".json": {
        category: "danbooru",
        id: 1,
        tag_string: "sky",
        tag_string_general: "sky",
        score: 1,
      },
    });
    await importSource({ library, source });
    const md5 = await getFileMd5(path);
    const newer = {
      category: "danbooru",
      id: 1,
      tag_string: "sky painter",
      tag_string_general: "sky",
      tag_string_artist: "painter",
      score: 5,
      parent_id: 77,
      rating: "e",
    };
    await Deno.writeTextFile(`${path}.json`, JSON.stringify(newer));
    assertEquals(digest(await importSource({ library, source })), {
      alreadyThere: 1,
      tagsMerged: 2,
    });
    assertEquals(tagsOf(library, md5), ["artist:painter", "general:sky", "rating:rating:explicit"]);
    const columns = "SELECT score, parent_id FROM images";
    assertEquals(rowsOf(library.core.reader, columns), [[5, 77]]);
    // A tag that went on the site stays here: nobody removed it in this library.
    await Deno.writeTextFile(`${path}.json`, JSON.stringify({ ...newer, tag_string_artist: "" }));
    assertEquals(digest(await importSource({ library, source })), { alreadyThere: 1 });
    assertEquals(tagsOf(library, md5).length, 3);
    await checkWhole(library);
  });
});

Deno.test("importFolders() gives a tag the category that a later site knows, for all its images", async () => {
  await withLibrary(async ({ library, source }) => {
    const first = await writePicture(join(source, "a.png"), 1, { ".txt": "painter\nsky" });
    await importSource({ library, source });
    assertEquals(tagsOf(library, await getFileMd5(first)), ["general:painter", "general:sky"]);
    const second = await writePicture(join(source, "b.png"), 2, { ".txt": "artist:painter" });
    const third = await writePicture(join(source, "c.png"), 3, { ".txt": "general:painter" });
    await importSource({ library, source });
    for (const path of [first, second, third]) {
      assert(tagsOf(library, await getFileMd5(path)).includes("artist:painter"));
    }
    await checkWhole(library);
    // What is known to be something is not turned into something else.
    await writePicture(join(source, "d.png"), 4, { ".txt": "character:painter" });
    await importSource({ library, source });
    assert(tagsOf(library, await getFileMd5(first)).includes("artist:painter"));
    await checkWhole(library);
  });
});

Deno.test("importFolders() lets the person's own edits win, also for a content that comes back", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "a.png"), 1, { ".txt": "x\ny\nrating:general" });
    const md5 = await getFileMd5(path);
    // Edits are kept by md5: these are from before the database was built anew.
    const { writer } = library;
    await importSource({ library, source });
    await writer.call("editTags", {
      imageId: imageOf(library, md5)!.id,
      add: [
        { name: "mine", category: "artist" },
        { name: "rating:explicit", category: "rating" },
      ],
      remove: ["x"],
      editor: "owner",
      expectedTags: null,
    });
    const expected = ["artist:mine", "general:y", "rating:rating:explicit"];
    assertEquals(digest(await importSource({ library, source })), { alreadyThere: 1 });
    assertEquals(tagsOf(library, md5), expected);
    await checkWhole(library);
    await withLibrary(async (other) => {
      await writePicture(join(other.source, "a.png"), 1, { ".txt": "x\ny\nrating:general" });
      const deltas = rowsOf<(string | number)[]>(library.core.reader, "SELECT * FROM tag_deltas");
      writeDeltas(other.library.paths.database, deltas);
      await importSource(other);
      assertEquals(tagsOf(other.library, md5), expected);
      await checkWhole(other.library);
    });
  });
});

function writeDeltas(path: string, rows: (string | number)[][]): void {
  const db = openWriter(path);
  try {
    for (const row of rows) db.exec("INSERT INTO tag_deltas VALUES (?, ?, ?, ?, ?, ?)", ...row);
    assertEquals(db.prepare("SELECT count(*) FROM tag_deltas").value(), [rows.length]);
  } finally {
    db.close();
  }
}
