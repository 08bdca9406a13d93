import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import type { ImageId } from "../../src/base/ids.ts";
import { checkLibrary, countFaults } from "../../src/library/check_library.ts";
import { addAlias } from "../../src/library/aliases.ts";
import { editImageTags } from "../../src/library/edit_tags.ts";
import { setFavourite } from "../../src/library/favourites.ts";
import { addImplication } from "../../src/library/implications.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { savePool } from "../../src/library/pools.ts";
import { rebuildLibrary, type RebuildReport } from "../../src/library/rebuild.ts";
import { refreshLibrary } from "../../src/library/rebuild_refresh.ts";
import { holdServerLock } from "../../src/library/server_lock.ts";
import { moveToTrash, restoreFromTrash } from "../../src/library/trash.ts";
import { buildLibrary, dumpDatabase, openDatabase } from "../support/library_builder.ts";
import { makeRandom, type Random } from "../support/random.ts";
import {
  checkDatabase,
  checkWhole,
  fingerprint,
  hashTree,
  importSource,
  rowsOf,
  tagsOf,
  writePicture,
} from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest, runs } from "../support/tier.ts";

/** Opens the library of a folder, does something with it, and closes it. */
async function inLibrary<T>(dir: string, work: (library: Library) => Promise<T>): Promise<T> {
  const library = await openLibrary({ folder: join(dir, "library"), workers: 1, print: () => {} });
  try {
    return await work(library);
  } finally {
    await library.close();
  }
}

function rebuild(dir: string, options: { dryRun?: boolean } = {}): Promise<RebuildReport> {
  return rebuildLibrary({ folder: join(dir, "library"), workers: 1, ...options });
}

/** All that a library knows: every row but those that say what the file of the database went through. */
function dump(dir: string): string[] {
  const db = openDatabase(join(dir, "library/data/booru.db"));
  try {
    return dumpDatabase(db).filter((line) =>
      !/^(change_log|tasks|sqlite_stat\d) /.test(line) && !line.includes("change_log")
    );
  } finally {
    db.close();
  }
}

function damage(dir: string, ...statements: string[]): void {
  const db = openDatabase(join(dir, "library/data/booru.db"), { foreignKeys: false });
  try {
    for (const sql of statements) db.exec(sql);
  } finally {
    db.close();
  }
}

/** A library with something of all that a library can have. */
async function fill(dir: string, random: Random, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const isHere = random.int(4) > 0;
    await writePicture(join(dir, isHere ? "source" : "album", `${i}.png`), i, {
      ".json": {
        category: "danbooru",
        id: i + 1,
        tag_string: `sky tag_${random.int(6)} other_name nick`,
        tag_string_artist: `painter_${i % 3}`,
        rating: random.pick(["g", "q", "e"]),
        score: i,
      },
      ...(random.int(2) === 0 ? { ".txt": `listed_${random.int(4)}\nseries:show` } : {}),
    });
  }
  await inLibrary(dir, async (library) => {
    const folders = { library, source: join(dir, "source") };
    const status = "active" as const;
    await addAlias(library, {
      antecedent: "nick",
      consequent: "nickname",
      status,
      movesImages: false,
    });
    await addImplication(library, { source: "tag_2", implied: "numbered", status });
    await addImplication(library, { source: "numbered", implied: "counted", status });
    await importSource(folders);
    await Deno.mkdir(join(dir, "album"), { recursive: true });
    await importSource({ ...folders, source: join(dir, "album") }, { mode: "in-place" });
    await library.core.cache.loadDataFromDb({ verbose: false });
    const ids = rowsOf<[ImageId]>(library.core.reader, "SELECT id FROM images").flat();
    const some = () => random.pick(ids);
    for (let i = 0; i < 12; i++) {
      await editImageTags(library, {
        imageId: some(),
        add: random.pick([["mine"], ["artist:me", "sky"], ["rating:s"], []]),
        remove: random.pick([["sky"], ["tag_1", "show"], ["painter_0"], ["counted"], ["nick"]]),
        expectedTags: null,
      });
    }
    await savePool(library, {
      id: null,
      name: "a pool",
      description: "of mine",
      imageIds: ids.slice(0, 4).reverse(),
    });
    for (let i = 0; i < 3; i++) await setFavourite(library, { imageId: some(), isFavourite: true });
    await moveToTrash(library, ids[1]);
  });
  damage(
    dir,
    `INSERT INTO image_relations (image_id_a, image_id_b, relation_type) VALUES (1, 3, 'parent_child')`,
    `INSERT INTO local_tagger_predictions (image_id, tag_name, confidence) VALUES (1, 'cat', 0.5)`,
    `INSERT INTO raw_metadata (image_id, data) SELECT id, 'no json' FROM images
       WHERE id NOT IN (SELECT image_id FROM raw_metadata)`,
  );
}

/** A rebuild of a sound library reports nothing. */
function assertQuiet(report: RebuildReport): void {
  const { tagsAdded, tagsRemoved, factsChanged, added, places, trashFound } = report;
  assertEquals(
    [tagsAdded, tagsRemoved, factsChanged, added, places, trashFound],
    [0, 0, 0, [], [], []],
  );
  const { faults, refused, warnings, salvage } = report;
  assertEquals([faults, refused, warnings, salvage?.damage ?? []], [[], [], [], []]);
  assertEquals((salvage?.tables ?? []).filter(({ leftOut }) => leftOut > 0), []);
}

Deno.test("rebuildLibrary() keeps everything that a sound library has, its ids and counters too", async () => {
  for (let seed = 1; seed <= runs(1, 15); seed++) {
    await withTempDir(async (made) => {
      const dir = await Deno.realPath(made);
      await fill(dir, makeRandom(seed), 14);
      const before = dump(dir);
      const files = await hashTree(join(dir, "library/images"));
      const report = await rebuild(dir);
      assertQuiet(report);
      assertEquals(report.old, "readable");
      assertEquals(dump(dir), before, `seed ${seed}`);
      assertEquals(await hashTree(join(dir, "library/images")), files);
      checkDatabase(join(dir, "library/data/booru.db"));
      const data = await Array.fromAsync(Deno.readDir(join(dir, "library/data")));
      assert(data.every(({ name }) => name !== "rebuild"), "nothing is left behind");
      // The old one is a whole backup.
      checkDatabase(report.kept!);
      await inLibrary(dir, checkWhole);
    });
  }
});

fullTierTest(
  "rebuildLibrary() derives anew what was lost, and leaves a person's edits on top",
  async () => {
    await withTempDir(async (made) => {
      const dir = await Deno.realPath(made);
      await fill(dir, makeRandom(7), 12);
      await inLibrary(dir, async (library) => {
        for (const imageId of [3, 4] as ImageId[]) {
          await editImageTags(library, {
            imageId,
            add: ["own_tag"],
            remove: ["sky"],
            expectedTags: null,
          });
        }
      });
      const before = dump(dir).filter((line) => !line.startsWith("sqlite_sequence"));
      damage(
        dir,
        // What metadata says, what a person added, and what a person took away.
        `DELETE FROM image_tags WHERE tag_id IN (SELECT id FROM tags WHERE name LIKE 'tag\\_%' ESCAPE '\\'
         OR name LIKE 'painter%')
         AND image_id NOT IN (SELECT image_id FROM tag_edits)`,
        `DELETE FROM image_tags WHERE tag_id = (SELECT id FROM tags WHERE name = 'own_tag')`,
        `INSERT INTO image_tags SELECT 3, id, 'original' FROM tags WHERE name = 'sky'`,
        `UPDATE images SET tags_general = 'nonsense', image_width = 1`,
        `UPDATE image_media SET file_ext = 'gif', size_bytes = 7`,
        `DELETE FROM images_fts`,
        `INSERT INTO image_tags (image_id, tag_id) VALUES (7777, 1)`,
        `INSERT INTO favourites (image_id) VALUES (7777)`,
      );
      const report = await rebuild(dir);
      const leftOut = report.salvage!.tables.filter((table) => table.leftOut > 0);
      assertEquals(leftOut.map(({ name, leftOut }) => [name, leftOut]).sort(), [
        ["favourites", 1],
        ["image_tags", 1],
      ]);
      assertEquals(dump(dir).filter((line) => !line.startsWith("sqlite_sequence")), before);
      await inLibrary(dir, checkWhole);
      assertQuiet({ ...await rebuild(dir), salvage: null });
    });
  },
);

fullTierTest(
  "rebuildLibrary() without a database finds every file with its sidecars, and the trash",
  async () => {
    await withTempDir(async (made) => {
      const dir = await Deno.realPath(made);
      const images = join(dir, "library/images");
      await fill(dir, makeRandom(3), 10);
      const [trashed] = await inLibrary(dir, async (library) => {
        const [first] = rowsOf<[number, string]>(
          library.core.reader,
          "SELECT id, md5 FROM images WHERE filepath NOT LIKE '@%' ORDER BY id",
        );
        const tags = tagsOf(library, first[1]);
        await moveToTrash(library, first[0] as ImageId);
        return [{ id: first[0], md5: first[1], tags }];
      });
      await writePicture(join(images, "flat.png"), 500, {
        ".json": {
          category: "e621",
          id: 9,
          tags: { artist: ["somebody"], general: ["fur"] },
          rating: "s",
        },
        ".txt": "listed",
      });
      await writePicture(join(images, "copy.png"), 500);
      await Deno.writeTextFile(join(images, "notes.md"), "no picture");
      const contents = [...(await hashTree(images)).keys()];
      for (const name of ["booru.db", "booru.db-wal", "booru.db-shm"]) {
        await Deno.remove(join(dir, "library/data", name)).catch(() => {});
      }
      const report = await rebuild(dir);
      assertEquals([report.old, report.kept, report.places], ["none", null, ["flat.png"]]);
      assertEquals(report.faults.map(({ kind, path }) => [kind, path]), [[
        "orphan_file",
        "notes.md",
      ]]);
      assertEquals(report.trashFound.length, 2);
      await inLibrary(dir, async (library) => {
        const { reader } = library.core;
        const md5s = rowsOf<[string]>(reader, "SELECT md5 FROM images").flat();
        const stored = contents.filter((md5) => md5s.includes(md5));
        assertEquals([stored.length, md5s.length], [md5s.length, report.images]);
        const flat = rowsOf<[string]>(reader, "SELECT md5 FROM images WHERE filepath = 'copy.png'");
        assertEquals(tagsOf(library, flat[0][0]), [
          "artist:somebody",
          "general:fur",
          "general:listed",
          "rating:rating:general",
        ]);
        // What is in the trash comes back under its own number with its own tags.
        const entries = rowsOf<[number, number]>(reader, "SELECT id, image_id FROM trash");
        const entry = entries.find(([, imageId]) => imageId === trashed.id)!;
        assertEquals((await restoreFromTrash(library, entry[0])).imageId, trashed.id);
        assertEquals(tagsOf(library, trashed.md5), trashed.tags);
        await importSource({ library, source: join(dir, "album") }, { mode: "in-place" });
        assertEquals(countFaults(await checkLibrary(library)), 2, "notes.md, and no thumbnail");
      });
    });
  },
);

/** Overwrites pages other than the first; gives how many. */
async function spoilPages(path: string, random: Random): Promise<number> {
  const bytes = await Deno.readFile(path);
  const pageBytes = new DataView(bytes.buffer).getUint16(16);
  const pageCount = bytes.length / pageBytes;
  const spoiled = 1 + random.int(4);
  for (let i = 0; i < spoiled; i++) {
    const start = pageBytes * (1 + random.int(pageCount - 1));
    const end = random.int(2) === 0 ? start + pageBytes : start + 40;
    for (let at = start; at < end; at++) bytes[at] = random.int(256);
  }
  await Deno.writeFile(path, bytes);
  return spoiled;
}

/** Whether a check says of a damaged database that it is, or refuses to look into it for that. */
async function isDamageTold(dir: string): Promise<boolean> {
  const folder = join(dir, "library");
  try {
    const library = await openLibrary({ folder, workers: 1, writesNothing: true });
    try {
      const { findings } = await checkLibrary(library);
      return findings.some(({ kind }) => kind === "integrity" || kind === "full_text");
    } finally {
      await library.close();
    }
  } catch (error) {
    if (error instanceof AppError && error.code === "corrupt") return true;
    throw error;
  }
}

fullTierTest(
  "rebuildLibrary() makes a sound library of a database with damaged pages, and loses no file",
  async () => {
    for (let seed = 1; seed <= runs(1, 25); seed++) {
      await withTempDir(async (made) => {
        const dir = await Deno.realPath(made);
        const database = join(dir, "library/data/booru.db");
        await fill(dir, makeRandom(seed), 10);
        const contents = [...(await hashTree(join(dir, "library/images"))).keys()].sort();
        const ids = await inLibrary(dir, (library) =>
          Promise.resolve(
            new Map(rowsOf<[string, number]>(library.core.reader, "SELECT md5, id FROM images")),
          ));
        await spoilPages(database, makeRandom(seed * 1_000));
        const wasTold = await isDamageTold(dir);
        const report = await rebuild(dir);
        const isDamaged = report.old !== "readable" || report.salvage!.damage.length > 0;
        assert(wasTold || !isDamaged, `seed ${seed}: ${Deno.inspect(report.salvage)}`);
        checkDatabase(database);
        await inLibrary(dir, async (library) => {
          const found = new Map(
            rowsOf<[string, number]>(library.core.reader, "SELECT md5, id FROM images"),
          );
          const lost = contents.filter((md5) => !found.has(md5));
          assertEquals(lost, [], `seed ${seed}: ${Deno.inspect(report)}`);
          const damaged = report.salvage?.damage.map(({ table }) => table) ?? ["all"];
          const moved = [...ids].filter(([md5, id]) => found.has(md5) && found.get(md5) !== id);
          assert(moved.length === 0 || damaged.includes("images") || damaged.includes("all"));
          const { findings } = await checkLibrary(library);
          // A folder in place whose row is gone in its table and its indexes is a person's to import again.
          const areRootsLost = damaged.includes("library_roots") && library.roots().length === 0;
          const left = findings.filter(({ kind, path }) =>
            !["unused_tag", "missing_thumbnail", "orphan_thumbnail"].includes(kind) &&
            !(kind === "missing_file" && path!.startsWith("@") && areRootsLost)
          );
          assertEquals(left, [], `seed ${seed}: ${Deno.inspect(report.salvage?.damage)}`);
        });
      });
    }
  },
);

fullTierTest(
  "rebuildLibrary() changes nothing in a dry run, and tells what it would do",
  async () => {
    await withTempDir(async (made) => {
      const dir = await Deno.realPath(made);
      await fill(dir, makeRandom(5), 8);
      await writePicture(join(dir, "library/images/new.png"), 900, { ".txt": "found" });
      const before = await fingerprint(join(dir, "library"));
      const report = await rebuild(dir, { dryRun: true });
      assertEquals([report.added, report.kept, report.dryRun], [["new.png"], null, true]);
      const after = await fingerprint(join(dir, "library"));
      const locks = (name: string) => name.endsWith(".lock");
      for (const folder of [before, after]) {
        for (const name of Object.keys(folder).filter(locks)) delete folder[name];
      }
      assertEquals(after, before);
    });
  },
);

fullTierTest(
  "rebuildLibrary() refuses what it cannot or must not do, and leaves all as it was",
  async () => {
    await withTempDir(async (made) => {
      const dir = await Deno.realPath(made);
      const library = join(dir, "library");
      const refuse = async (code: string, part: string) => {
        const error = await assertRejects(() => rebuild(dir), AppError, part);
        assertEquals(error.code, code);
      };
      await refuse("not_found", "There is no library");
      assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
      await Deno.mkdir(join(library, "data"), { recursive: true });
      await refuse("not_found", "has no pictures");
      await fill(dir, makeRandom(1), 4);
      const whole = await fingerprint(join(library, "images"));
      const before = dump(dir);
      const held = await holdServerLock({ data: join(library, "data") }, "serve");
      await refuse("locked", "in use by serve");
      held.release();
      await inLibrary(dir, async () => await refuse("locked", "in use"));
      // Another program has it open.
      const other = openDatabase(join(library, "data/booru.db"));
      other.prepare("SELECT count(*) FROM images").value();
      await refuse("locked", "locked");
      other.close();
      damage(dir, "UPDATE library_state SET value = '99' WHERE key = 'schema_version'");
      await refuse("newer_version", "version 99");
      damage(dir, "UPDATE library_state SET value = '3' WHERE key = 'schema_version'");
      assertEquals([dump(dir), await fingerprint(join(library, "images"))], [before, whole]);
      await Deno.remove(join(library, "data/booru.db"));
      const foreign = openDatabase(join(library, "data/booru.db"));
      foreign.exec("CREATE TABLE recipes (name TEXT)");
      foreign.close();
      await refuse("conflict", "is no ChibiBooru database");
    });
  },
);

fullTierTest(
  "rebuildLibrary() takes the original's library, with tables and columns that it does not know",
  async () => {
    await withTempDir(async (made) => {
      const dir = await Deno.realPath(made);
      const library = join(dir, "library");
      await Deno.mkdir(join(library, "data"), { recursive: true });
      await writePicture(join(library, "static/images/a3f/one.png"), 1);
      const [md5] = [...(await hashTree(join(library, "static/images"))).keys()];
      buildLibrary(join(library, "data/booru.db"), {
        tags: [{ id: 40, name: "cat", category: "general" }],
        images: [{ id: 12, filepath: "a3f/one.png", md5, tags: ["cat"] }],
      });
      damage(
        dir,
        "ALTER TABLE images ADD COLUMN mood TEXT",
        "UPDATE images SET mood = 'good'",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",
        "INSERT INTO notes VALUES (5, 'mine')",
        "UPDATE sqlite_sequence SET seq = 900 WHERE name = 'images'",
      );
      const report = await rebuild(dir);
      assertEquals([report.images, report.faults, report.old], [1, [], "readable"]);
      await inLibrary(dir, async ({ core, paths }) => {
        assert(paths.isOriginal);
        assertEquals(rowsOf(core.reader, "SELECT id, mood FROM images"), [[12, "good"]]);
        assertEquals(rowsOf(core.reader, "SELECT * FROM notes"), [[5, "mine"]]);
        const next = rowsOf(core.reader, "SELECT seq FROM sqlite_sequence WHERE name = 'images'");
        assertEquals(next, [[900]]);
        await Promise.resolve();
      });
    });
  },
);

fullTierTest(
  "refreshLibrary() derives anew while the library is served, and shows it at once",
  async () => {
    await withTempDir(async (made) => {
      const dir = await Deno.realPath(made);
      await fill(dir, makeRandom(2), 8);
      await inLibrary(dir, async (library) => {
        await library.core.cache.loadDataFromDb({ verbose: false });
        const { cache } = library.core;
        const skies = () => cache.getTagCounts().get(library.core.tagIds.getId("other_name")!) ?? 0;
        const all = skies();
        damage(
          dir,
          `DELETE FROM image_tags WHERE tag_id = (SELECT id FROM tags WHERE name = 'other_name')`,
        );
        await library.core.poll();
        assertEquals(skies(), 0);
        await writePicture(join(library.paths.images, "late.png"), 800, { ".txt": "other_name" });
        const report = await refreshLibrary(library);
        assertEquals(report.added, ["late.png"]);
        assertEquals([all > 0, skies()], [true, all + 1]);
        await checkWhole(library).catch((error) => {
          // Its sidecar lies in the images folder.
          assert(String(error).includes("late.png.txt: no row"), String(error));
        });
      });
    });
  },
);
