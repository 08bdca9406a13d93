import { assert, assertEquals } from "@std/assert";
import type { Database } from "@db/sqlite";
import { join } from "node:path";
import { exportLibrary } from "../../src/library/export.ts";
import { importFolders } from "../../src/library/import_folder.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { writeTagColumns } from "../../src/store/tag_columns.ts";
import { openDatabase } from "../support/library_builder.ts";
import { readLibraryState } from "../support/library_state.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { withLibrary, writePicture } from "../support/sample_library.ts";
import { runs } from "../support/tier.ts";

const WORDS = [
  "solo",
  "re:zero",
  "a,b",
  "artist:odd",
  "日本",
  "long_hair",
  "x>_<x",
  "1girl",
  "-_-",
];
/** Post ids that a double cannot hold come out as they went in. */
const NUMBERS = ["7", "12345678901234567890", "4.0"];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.int(from.length)];
}

function somePosts(random: Random, number: number): Record<string, string> {
  const names = () => Array.from({ length: random.int(4) }, () => pick(random, WORDS)).join(" ");
  const danbooru = `{"category": "danbooru", "id": ${number}, "odd": ${pick(random, NUMBERS)},
    "tag_string": ${JSON.stringify(names())}, "tag_string_artist": "painter_${random.int(3)}",
    "rating": "${pick(random, ["g", "s", "q", "e"])}", "score": ${random.int(9)},
    "source": "https://example.org/${number}", "parent_id": ${random.int(5) + 1}}`;
  const gelbooru = JSON.stringify({
    ...{ category: "gelbooru", id: number + 50, tags: names(), rating: "safe", owner: "x" },
    ...{ directory: "a", image: "b", change: 1, has_notes: "false" },
  });
  const sidecars: Record<string, string>[] = [
    { ".json": danbooru },
    { ".json": gelbooru },
    { ".txt": `artist:painter_${random.int(3)}\n${pick(random, WORDS)}\nrating:explicit` },
    {},
  ];
  return pick(random, sidecars);
}

/** Fills a library by an import, and by edits of every kind. */
async function fill(
  library: Library,
  { source, random }: { source: string; random: Random },
): Promise<void> {
  for (let i = 0; i < 8; i++) {
    const path = join(source, `f${random.int(3)}`, `${pick(random, ["p", "日", "a b"])}${i}.png`);
    await writePicture(path, 1 + i, somePosts(random, i + 1));
  }
  // Half of the pictures stay where they are.
  await importFolders(library, { folders: [join(source, "f0")], mode: "in-place" }).catch(() => {});
  await importFolders(library, { folders: [source], mode: "copy" });
  // A second site tells something of a picture that is there.
  await writePicture(join(source, "again", "second.png"), 1, somePosts(random, 31));
  await importFolders(library, { folders: [source], mode: "copy" });
  const db = openDatabase(library.paths.database);
  try {
    const ids = db.prepare("SELECT id FROM images").values<[number]>().flat();
    for (const imageId of ids) await editAtRandom(library, { db, imageId, ids, random });
    addBeside(db, { ids, random });
  } finally {
    db.close();
  }
}

type EditAt = { db: Database; imageId: number; ids: number[]; random: Random };

async function editAtRandom(library: Library, { db, imageId, ids, random }: EditAt): Promise<void> {
  const names = db.prepare(
    "SELECT name FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ?",
  ).values<[string]>(imageId).flat();
  const remove = names.length > 0 && random.int(2) === 0 ? [pick(random, names)] : [];
  const name = `user_${random.int(6)}`;
  const add = random.int(2) === 0 ? [{ name, category: null }] : [];
  await library.writer.call("editPost", {
    imageId,
    ...{ add, remove, categories: [], fileSizeBytes: null, editor: "owner" },
    source: random.int(3) === 0 ? "Own scan" : null,
    parent: random.int(3) === 0
      ? { imageId: pick(random, ids.filter((id) => id !== imageId)) }
      : null,
    pools: { join: [], leave: [], make: random.int(3) === 0 ? [`pool ${random.int(2)}`] : [] },
    isFavourite: random.int(2) === 0 ? true : null,
  });
}

/** What other programs, and parts of this one, write into the tables. */
function addBeside(db: Database, { ids, random }: { ids: number[]; random: Random }): void {
  const first = ids[0];
  db.exec(
    `INSERT INTO tags (name, category, extended_category) VALUES ('unused', 'meta', NULL),
       ('guess', 'general', '11_extended'), ('parent_tag', 'copyright', NULL);
     INSERT INTO image_tags (image_id, tag_id, source)
       SELECT ${first}, id, 'ai_inference' FROM tags WHERE name = 'guess';
     INSERT OR IGNORE INTO tag_implications (source_tag_id, implied_tag_id, status, created_at)
       SELECT a.id, b.id, 'active', '2020-01-02 03:04:05' FROM tags AS a, tags AS b
       WHERE a.name = 'guess' AND b.name = 'parent_tag';
     INSERT INTO image_tags (image_id, tag_id, source)
       SELECT ${first}, id, 'implication' FROM tags WHERE name = 'parent_tag';
     INSERT INTO tag_aliases VALUES ('other_name', 'solo', 'active', 123), ('p', 'q', 'pending', 4);
     INSERT INTO list_aliases VALUES ('other_name', 'solo', 'danbooru');
     INSERT INTO tag_deltas (image_md5, tag_name, tag_category, operation, timestamp)
       VALUES ('${"ab".repeat(16)}', 'gone', NULL, 'remove', '2021-05-06 07:08:09');
     INSERT INTO source_choices VALUES ('${"cd".repeat(16)}', 'danbooru');
     INSERT INTO source_choices SELECT md5, 'danbooru' FROM images WHERE active_source = 'danbooru';
     INSERT INTO library_state VALUES ('blacklisted_tags', 'gore\nguro');
     INSERT INTO image_relations (image_id_a, image_id_b, relation_type, source, created_at)
       VALUES (${ids[1]}, ${ids[2]}, 'alternative', 'import', '2018-01-02 03:04:05');
     INSERT INTO pools (name, description) VALUES ('empty "pool"', NULL);
     UPDATE images SET phash = 'ff00', ingested_at = '2019-08-07 06:05:04' WHERE id = ${first};
     UPDATE image_tags SET source = 'user' WHERE image_id = ${first} AND source = 'original';`,
  );
  writeTagColumns(db, [first]);
  for (const id of ids) {
    db.exec(
      `INSERT OR IGNORE INTO pool_images (pool_id, image_id, sort_order)
       SELECT id, ?, ? FROM pools WHERE name = 'pool 0'`,
      id,
      random.int(5),
    );
  }
  const text = "no JSON at all \u0001";
  db.exec(
    `INSERT OR REPLACE INTO raw_metadata (image_id, data)
     SELECT id, ? FROM images WHERE active_source IS NULL`,
    text,
  );
}

Deno.test("an export that is imported into an empty library gives the same library", async () => {
  for (let seed = 1; seed <= runs(1, 15); seed++) {
    await withLibrary(async ({ library, folder, source }) => {
      await fill(library, { source, random: makeRandom(seed) });
      const to = join(folder, "export");
      const report = await exportLibrary(library, { to, files: "copy" });
      const before = readLibraryState(library.core.reader);
      assertEquals([report.failed, report.images], [[], 8], `seed ${seed}`);
      for (const [part, rows] of Object.entries(before)) {
        assert(Object.keys(rows as object).length > 0, `there are ${part} to compare`);
      }

      const other = await openLibrary({ folder: join(folder, "other"), workers: 1 });
      try {
        for (const round of [1, 2]) {
          const imported = await importFolders(other, { folders: [to], mode: "copy" });
          const what = `seed ${seed}, round ${round}`;
          assertEquals([imported.skipped, imported.warnings], [[], []], what);
          assertEquals(readLibraryState(other.core.reader), before, what);
        }
        const again = await exportLibrary(other, { to: join(folder, "again") });
        assertEquals(again.sidecarsWritten, 16, "what came out is what went in");
      } finally {
        await other.close();
      }
    });
  }
});
