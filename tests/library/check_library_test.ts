import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { editImageTags } from "../../src/library/edit_tags.ts";
import {
  CHECK_KIND_NAMES,
  CHECK_KINDS,
  type CheckKind,
  REPAIRABLE_KINDS,
} from "../../src/library/check_kinds.ts";
import { checkLibrary, type CheckReport, countFaults } from "../../src/library/check_library.ts";
import type { Library } from "../../src/library/library.ts";
import { lockLibrary } from "../../src/library/lock.ts";
import { moveToTrash } from "../../src/library/trash.ts";
import type { ImageId } from "../../src/base/ids.ts";
import { contentThumbnailPath } from "../../src/media/paths.ts";
import { openDatabase } from "../support/library_builder.ts";
import {
  checkWhole,
  fingerprint,
  importSource,
  rowsOf,
  type SampleLibrary,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { dumpDatabase } from "../support/library_builder.ts";

/** How many of each kind were found. */
function counts(report: CheckReport): Partial<Record<CheckKind, number>> {
  const byKind = Object.groupBy(report.findings, ({ kind }) => kind);
  return Object.fromEntries(Object.entries(byKind).map(([kind, all]) => [kind, all!.length]));
}

/** Paths or messages of the findings of a kind. */
function pathsOf(report: CheckReport, kind: CheckKind): (string | null)[] {
  return report.findings.filter((one) => one.kind === kind).map(({ path }) => path);
}

/** Writes as a program does that knows nothing of foreign keys. */
function damage(library: Library, ...statements: string[]): void {
  const db = openDatabase(library.paths.database, { foreignKeys: false });
  try {
    for (const sql of statements) db.exec(sql);
  } finally {
    db.close();
  }
}

type Stored = { id: number; filepath: string; md5: string; path: string };

/** Imports pictures with tags, some of them in place, and gives those in the images folder. */
async function fill({ library, source }: SampleLibrary, count: number): Promise<Stored[]> {
  for (let i = 0; i < count; i++) {
    const json = { category: "danbooru", id: i + 1, tag_string: `sky tag_${i}`, rating: "e" };
    await writePicture(join(source, `${i}.png`), i, { ".json": json, ".txt": `artist:x_${i}` });
  }
  await importSource({ library, source });
  await library.core.cache.loadDataFromDb({ verbose: false });
  return readStored(library);
}

function readStored(library: Library): Stored[] {
  return rowsOf<[number, string, string]>(
    library.core.reader,
    "SELECT id, filepath, md5 FROM images WHERE filepath NOT LIKE '@%' ORDER BY id",
  ).map(([id, filepath, md5]) => ({
    id,
    filepath,
    md5,
    path: join(library.paths.images, filepath),
  }));
}

/** Changes bytes and puts the time back, as a failing disk does. */
async function rot(path: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const { mtime } = await Deno.stat(path);
  const bytes = change(await Deno.readFile(path));
  const file = await Deno.open(path, { write: true });
  try {
    await file.truncate(0);
    await file.write(bytes);
  } finally {
    file.close();
  }
  await Deno.utime(path, mtime!, mtime!);
}

function flipBit(bytes: Uint8Array): Uint8Array {
  bytes[bytes.length >> 1] ^= 4;
  return bytes;
}

/** Two contents of one MD5 (X. Wang, 2004). */
const COLLIDING = [
  "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a" +
  "085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0" +
  "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70",
  "d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a" +
  "085125e8f7cdc99fd91dbd7280373c5bd8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0" +
  "e99f33420f577ee8ce54b67080280d1ec69821bcb6a8839396f965ab6ff72a70",
].map((hex) => Uint8Array.fromHex(hex));

Deno.test("checkLibrary() finds nothing in a sound library, whatever was done with it, and writes nothing", async () => {
  await withLibrary(async (sample) => {
    const { library, folder } = sample;
    const stored = await fill(sample, 9);
    const album = join(folder, "album");
    await writePicture(join(album, "one.png"), 100, { ".txt": "in_place" });
    await writePicture(join(album, "two.png"), 3);
    await importSource({ library, source: album }, { mode: "in-place" });
    await editImageTags(library, {
      imageId: stored[0].id as ImageId,
      add: ["artist:somebody", "new_tag", "rating:s"],
      remove: ["sky"],
      expectedTags: null,
    });
    await moveToTrash(library, stored[1].id as ImageId);
    await moveToTrash(library, stored[3].id as ImageId);
    const before = await fingerprint(folder);
    const report = await checkLibrary(library);
    const faults = report.findings.filter(({ kind }) => kind !== "unused_tag");
    assertEquals(faults, []);
    assertEquals([countFaults(report), report.images, report.filesRead], [0, 8, 8]);
    const quick = await checkLibrary(library, { hashes: false });
    assertEquals([countFaults(quick), quick.filesRead], [0, 0]);
    assertEquals(await fingerprint(folder), before);
  });
});

Deno.test("checkLibrary() reads each file of a copy once, though all have other inodes", async () => {
  await withLibrary(async (sample) => {
    const { library } = sample;
    const stored = await fill(sample, 3);
    for (const { path, md5 } of stored) {
      await Deno.copyFile(path, `${path}.new`);
      await Deno.rename(`${path}.new`, path);
      await Deno.remove(join(library.paths.thumbnails, contentThumbnailPath(md5)));
    }
    const report = await checkLibrary(library);
    assertEquals(counts(report), { changed_file: 3, missing_thumbnail: 3 });
    assertEquals(report.filesRead, 3);
  });
});

Deno.test("checkLibrary() finds each fault of files as often as it is there", async () => {
  await withLibrary(async (sample) => {
    const { library } = sample;
    const stored = await fill(sample, 16);
    const { images, thumbnails, database } = library.paths;
    await rot(stored[0].path, flipBit);
    await rot(stored[1].path, (bytes) => bytes.subarray(0, 60));
    await rot(stored[2].path, () => new Uint8Array());
    await Deno.remove(stored[3].path);
    await Deno.rename(stored[4].path, join(images, "moved away.png"));
    await Deno.utime(stored[5].path, 1, 1);
    await Deno.copyFile(stored[6].path, `${stored[6].path}.new`);
    await Deno.rename(`${stored[6].path}.new`, stored[6].path);
    await writePicture(join(images, "stray.png"), 900);
    await Deno.remove(stored[7].path);
    await Deno.mkdir(stored[7].path);
    await Deno.remove(stored[8].path);
    await Deno.symlink(database, stored[8].path);
    await Deno.symlink(dirname(database), join(images, "out"));
    for (const { md5 } of [stored[9], stored[10]]) {
      await Deno.remove(join(thumbnails, contentThumbnailPath(md5)));
    }
    for (const name of ["ab/cd/" + "ab".repeat(16), "album/picture"]) {
      const path = join(thumbnails, `${name}.webp`);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, "x");
    }
    await Deno.mkdir(join(images, ".incoming"));
    await Deno.writeTextFile(join(images, ".incoming/half"), "half");
    await Deno.mkdir(join(library.paths.trash, "nobody"), { recursive: true });
    await new Deno.Command("sh", {
      args: ["-c", String.raw`cd "$1"; echo x > "$(printf 'bad\377.png')"`, "sh", images],
    }).output();
    const twin = join(images, "twin of 11.png");
    await Deno.writeFile(stored[11].path, COLLIDING[0]);
    await Deno.writeFile(twin, COLLIDING[1]);
    damage(
      library,
      `UPDATE images SET md5 = '79054025255fb1a26e4bc422aef54eb4' WHERE id = ${stored[11].id}`,
      `DELETE FROM image_files WHERE image_id = ${stored[11].id}`,
      `UPDATE image_files SET image_id = ${stored[12].id} WHERE image_id = ${stored[13].id}`,
    );
    const wrong = [0, 1, 2].map((i) => stored[i].filepath).sort();
    const report = await checkLibrary(library);
    assertEquals(counts(report), {
      missing_file: 2,
      wrong_hash: 3,
      md5_collision: 1,
      unreadable_file: 1,
      outside_root: 2,
      name_not_utf8: 1,
      shared_path: 1,
      changed_file: 2,
      orphan_file: 2,
      orphan_trash: 1,
      leftover_incoming: 1,
      // Its content was changed, so it has a thumbnail too many and one too few.
      missing_thumbnail: 3,
      orphan_thumbnail: 3,
    });
    assertEquals(pathsOf(report, "wrong_hash"), wrong);
    assertEquals(
      pathsOf(report, "missing_file"),
      [stored[3], stored[4]].map((one) => one.filepath).sort(),
    );
    assertEquals(pathsOf(report, "orphan_file"), ["moved away.png", "stray.png"]);
    assertEquals(pathsOf(report, "outside_root").sort(), ["out", stored[8].filepath].sort());
    assertEquals(pathsOf(report, "md5_collision"), ["twin of 11.png"]);
    assertEquals(pathsOf(report, "shared_path"), [stored[13].filepath]);
    // Bits that rotted under their old time are seen by reading alone; what changed in size is not.
    const quick = counts(await checkLibrary(library, { hashes: false }));
    assertEquals([quick.wrong_hash, quick.changed_file, quick.missing_file], [2, 2, 2]);
  });
});

Deno.test("checkLibrary() finds each fault of the database as often as it is there", async () => {
  await withLibrary(async (sample) => {
    const { library } = sample;
    const stored = await fill(sample, 8);
    const [a, b, c] = stored.map(({ id }) => id);
    damage(
      library,
      `INSERT INTO image_tags (image_id, tag_id) VALUES (${a}, 9999), (${b}, 9999)`,
      `INSERT INTO favourites (image_id) VALUES (7777)`,
      `INSERT INTO raw_metadata (image_id, data) VALUES (7777, '{}')`,
      `UPDATE images SET tags_general = 'sky' WHERE id = ${a}`,
      `UPDATE images SET tags_artist = tags_artist || ' nobody' WHERE id = ${b}`,
      `UPDATE images SET tags_general = NULL WHERE id = ${c}`,
      `DELETE FROM images_fts WHERE filepath = '${stored[4].filepath}'`,
      `INSERT INTO images_fts (filepath) VALUES ('nothing.png')`,
      `UPDATE images_fts SET tags_artist = 'else' WHERE filepath = '${stored[5].filepath}'`,
      `INSERT INTO tags (name, category) VALUES ('Sky', 'general'), ('tag 1', 'general'), ('unused', 'general')`,
      `INSERT INTO journal (kind, state, started_at_ms, steps) VALUES ('dedupe', 'moving', 5, '{}')`,
      `INSERT INTO trash (image_id, md5, trashed_at_ms, state, manifest) VALUES
         (500, 'x', 5, 'trashed', '{"folder": "x-5", "files": [{"filepath": "a", "trashed": "x-5/0-a"}]}'),
         (501, 'y', 5, 'moving', '{"folder": "y-5", "files": []}')`,
    );
    const report = await checkLibrary(library);
    assertEquals(counts(report), {
      orphan_row: 4,
      tag_columns: 3,
      full_text: 3,
      duplicate_tag: 2,
      unfinished_trash: 1,
      missing_trash_file: 1,
      pending_operation: 1,
      unused_tag: 3,
    });
    assertEquals(
      report.findings.filter(({ kind }) => kind === "tag_columns").map(({ id }) => id).sort(),
      [a, b, c],
    );
    assertEquals(countFaults(report), 14);
  });
});

Deno.test("checkLibrary() repairs what is named and nothing else", async () => {
  await withLibrary(async (sample) => {
    const { library } = sample;
    const stored = await fill(sample, 8);
    const { images, thumbnails } = library.paths;
    const [a, b] = stored;
    await Deno.utime(a.path, 1, 1);
    await writePicture(join(images, "flat.png"), 900, { ".txt": "found_again" });
    await Deno.copyFile(b.path, join(images, "copy.png"));
    await Deno.writeTextFile(join(images, "notes.md"), "no picture");
    await Deno.remove(join(thumbnails, contentThumbnailPath(b.md5)));
    await Deno.writeTextFile(join(thumbnails, "nobody.webp"), "x");
    await Deno.mkdir(join(images, ".incoming"));
    await Deno.writeTextFile(join(images, ".incoming/half"), "half");
    await rot(stored[7].path, flipBit);
    damage(
      library,
      `INSERT INTO image_tags (image_id, tag_id) VALUES (${a.id}, 9999)`,
      `INSERT INTO raw_metadata (image_id, data) VALUES (7777, '{}')`,
      `UPDATE images SET tags_general = 'else' WHERE id = ${b.id}`,
      `DELETE FROM images_fts`,
      `INSERT INTO tags (name, category) VALUES ('unused', 'general')`,
    );
    const found = counts(await checkLibrary(library));
    assertEquals(found, {
      wrong_hash: 1,
      changed_file: 1,
      orphan_file: 3,
      orphan_row: 2,
      tag_columns: 1,
      full_text: 8,
      leftover_incoming: 1,
      missing_thumbnail: 1,
      orphan_thumbnail: 1,
      unused_tag: 1,
    });
    // One kind at a time: of the others the same is found before and after.
    let left: Partial<Record<CheckKind, number>> = found;
    const kept: Partial<Record<CheckKind, number>> = {
      wrong_hash: 1,
      orphan_file: 1,
      orphan_row: 1,
    };
    for (const kind of REPAIRABLE_KINDS) {
      const report = await checkLibrary(library, { repair: [kind] });
      assertEquals(counts(report), left, `what is found before ${kind} is repaired`);
      const own = report.findings.filter((one) => one.kind === kind);
      const others = report.findings.filter((one) => one.kind !== kind);
      assert(others.every(({ state }) => state === "found"), kind);
      assertEquals(
        own.filter(({ state }) => state === "not_repaired").length,
        kept[kind] ?? 0,
        kind,
      );
      const { [kind]: _, ...rest } = left;
      left = kept[kind] === undefined ? rest : { ...rest, [kind]: kept[kind] };
      // A new image has no thumbnail yet.
      if (kind === "orphan_file") left = { ...left, missing_thumbnail: 2 };
      // Its entry of the full-text table follows its columns.
      if (kind === "tag_columns") left = { ...left, full_text: 7 };
    }
    assertEquals(counts(await checkLibrary(library)), kept);
    // The file whose bytes are others, and the row that holds more than a link, are a person's to judge.
    const [flat] = readStored(library).filter(({ filepath }) => filepath === "flat.png");
    assertEquals(tagsOf(library, flat.md5), ["general:found_again"]);
    assertEquals(
      rowsOf(library.core.reader, "SELECT image_id FROM image_files WHERE filepath = 'copy.png'"),
      [[b.id]],
    );
    const journal = rowsOf<[string]>(library.core.reader, "SELECT steps FROM journal").flat();
    assert(journal.some((steps) => steps.includes('"tag_id":9999')), journal.join("\n"));
  });
});

Deno.test("checkLibrary() tells a folder that is not there once, and touches none of its rows", async () => {
  await withLibrary(async (sample) => {
    const { library, folder } = sample;
    await fill(sample, 4);
    const album = join(folder, "album");
    for (let i = 0; i < 5; i++) await writePicture(join(album, `${i}.png`), 100 + i);
    await importSource({ library, source: album }, { mode: "in-place" });
    const rows = dumpOf(library);
    for (const away of [album, library.paths.images]) {
      await Deno.rename(away, `${away}.away`);
      for (const isEmpty of [false, true]) {
        if (isEmpty) await Deno.mkdir(away);
        const report = await checkLibrary(library, { repair: REPAIRABLE_KINDS });
        assertEquals(pathsOf(report, "root_unavailable"), [away]);
        assertEquals(report.findings.length, 1, Deno.inspect(report.findings));
        assert(report.findings[0].message.includes(away === album ? "5 files" : "4 files"));
      }
      await Deno.remove(away);
      await Deno.rename(`${away}.away`, away);
    }
    assertEquals(dumpOf(library), rows);
    assertEquals(counts(await checkLibrary(library)), {});
  });
});

function dumpOf(library: Library): string[] {
  const db = openDatabase(library.paths.database);
  try {
    return dumpDatabase(db);
  } finally {
    db.close();
  }
}

Deno.test("checkLibrary() is not deceived by what is done while it looks", async () => {
  await withLibrary(async (sample) => {
    const { library, source } = sample;
    const stored = await fill(sample, 6);
    await rot(stored[5].path, flipBit);
    // The import would bring its bytes back.
    await Deno.remove(join(source, "5.png"));
    let isDone = false;
    const hasher = library.hasher.call.bind(library.hasher);
    // Right after the first files were read: one is deleted, and one comes.
    library.hasher.call = (async (method: "hashFiles", request: { paths: string[] }) => {
      const answer = await hasher(method, request);
      if (method !== "hashFiles" || isDone) return answer;
      isDone = true;
      await moveToTrash(library, stored[0].id as ImageId);
      await writePicture(join(source, "late.png"), 700);
      await importSource({ library, source });
      return answer;
    }) as typeof library.hasher.call;
    const report = await checkLibrary(library);
    assert(isDone);
    assertEquals(counts(report), { wrong_hash: 1 });
  });
});

Deno.test("checkLibrary() calls nothing unfinished while another command is at work", async () => {
  await withLibrary(async (sample) => {
    const { library } = sample;
    await fill(sample, 3);
    const { images, thumbnails, lock } = library.paths;
    damage(
      library,
      `INSERT INTO trash (image_id, md5, trashed_at_ms, state, manifest) VALUES
         (501, 'y', 5, 'moving', '{"folder": "y-5", "files": [{"filepath": "way.png"}]}')`,
      `INSERT INTO journal (kind, state, started_at_ms, steps) VALUES ('dedupe', 'moving', 5, '{}')`,
    );
    await writePicture(join(images, "way.png"), 50);
    await writePicture(join(images, "ab/cd/coming.png"), 51);
    await Deno.mkdir(join(images, ".incoming/abc"), { recursive: true });
    await Deno.writeTextFile(join(images, ".incoming/abc/coming.png"), "");
    await Deno.writeTextFile(join(thumbnails, "coming.webp"), "x");
    const held = await lockLibrary(lock, "work");
    try {
      assertEquals(counts(await checkLibrary(library)), {});
      const refused = checkLibrary(library, { repair: ["orphan_file"] });
      assertEquals(counts(await refused), {}, "nothing to repair needs no lock");
    } finally {
      held.release();
    }
    assertEquals(counts(await checkLibrary(library)), {
      orphan_file: 1,
      unfinished_trash: 1,
      pending_operation: 1,
      leftover_incoming: 1,
      orphan_thumbnail: 1,
    });
    await Deno.utime(readStored(library)[0].path, 1, 1);
    const again = await lockLibrary(lock, "work");
    try {
      const error = await assertRejects(
        () => checkLibrary(library, { repair: ["changed_file"] }),
        AppError,
        "the library is in use by work",
      );
      assertEquals(error.code, "locked");
    } finally {
      again.release();
    }
  });
});

Deno.test("checkLibrary() stops when it is told to", async () => {
  await withLibrary(async (sample) => {
    await fill(sample, 2);
    for (const moment of ["database", "files", "thumbnails"]) {
      const controller = new AbortController();
      await assertRejects(
        () =>
          checkLibrary(sample.library, {
            signal: controller.signal,
            onProgress: ({ stage }) => {
              if (stage === moment) controller.abort(new AppError("cancelled", "Enough"));
            },
          }),
        AppError,
        "Enough",
      );
    }
    await checkWhole(sample.library);
  });
});

Deno.test("CHECK_KINDS say what can be done, and what repairs is named as a repair", () => {
  for (const kind of CHECK_KIND_NAMES) {
    const { title, remedy, repair } = CHECK_KINDS[kind];
    assert(title.length > 10 && remedy.length > 10, kind);
    assertEquals(remedy.includes(`--repair ${kind}`), repair !== null, kind);
  }
});
