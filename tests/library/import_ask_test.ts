import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "node:path";
import { getFileMd5 } from "../../src/media/md5.ts";
import { listHistory, undoEdit } from "../../src/library/history.ts";
import { FolderLook } from "../../src/library/import_ask.ts";
import { walkFolder } from "../../src/library/import_walk.ts";
import type { Library } from "../../src/library/library.ts";
import { dumpDatabase } from "../support/library_builder.ts";
import {
  checkWhole,
  digest,
  fingerprint,
  imageOf,
  importSource,
  rowsOf,
  type SampleLibrary,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";

const IN_PLACE = { mode: "in-place" } as const;

function nameOf(i: number): string {
  return `IMG_${String(i).padStart(4, "0")}.png`;
}

/** Writes a disk: pictures under the names that every camera gives, each with a tag. */
async function writeDisk(
  folder: string,
  { from, count, tag }: { from: number; count: number; tag?: string },
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const sidecars: Record<string, string> = tag === undefined ? {} : { ".txt": `${tag}_${i}` };
    await writePicture(join(folder, nameOf(i)), from + i, sidecars);
  }
}

/** Takes a disk away and puts another one in its place. */
async function swap(source: string, one: string, other: string): Promise<void> {
  await Deno.rename(source, join(dirname(source), one));
  await Deno.rename(join(dirname(source), other), source);
}

function importInPlace(sample: Pick<SampleLibrary, "library" | "source">, ...folders: string[]) {
  return importSource(sample, folders.length === 0 ? IN_PLACE : { ...IN_PLACE, folders });
}

function dump({ core }: Library): string[] {
  return dumpDatabase(core.reader);
}

Deno.test("importFolders() changes nothing for another disk at a root's path until it is accepted", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    await writeDisk(source, { from: 0, count: 12, tag: "a" });
    await writeDisk(join(folder, "b"), { from: 500, count: 12, tag: "b" });
    await writePicture(join(folder, "b/new.png"), 900, { ".txt": "b_new" });
    await Deno.writeTextFile(join(folder, "b/library.json"), '{"format": "chibibooru-library"');
    await writePicture(join(folder, "good/x.png"), 901);
    await importInPlace({ library, source });
    const before = dump(library);
    const files = await fingerprint(library.paths.folder);
    await swap(source, "a", "b");
    const dry = await importSource({ library, source }, { ...IN_PLACE, dryRun: true });
    const asked = await importInPlace({ library, source });
    for (const report of [dry, asked]) {
      assertEquals([digest(report), report.warnings], [{}, []]);
      assertEquals(report.asked, [{
        root: "@source",
        path: source,
        changed: 12,
        recorded: 12,
        missing: 0,
        message: `12 of 12 recorded files of ${source} have other contents than before: ` +
          "is it the disk that you mean?",
      }]);
    }
    assertEquals(dump(library), before);
    assertEquals(
      await fingerprint(library.paths.thumbnails),
      only(files, library.paths.thumbnails),
    );
    // What else is to be imported does not wait for the answer.
    const both = await importInPlace({ library, source }, source, join(folder, "good"));
    assertEquals([digest(both), both.asked.length], [{ added: 1 }, 1]);
    await swap(source, "b", "a");
    const back = await importInPlace({ library, source });
    assertEquals([digest(back), back.asked], [{ alreadyThere: 12 }, []]);
    await checkWhole(library);
    assertEquals(tagsOf(library, await getFileMd5(join(source, nameOf(3)))), ["general:a_3"]);
    await swap(source, "a", "b");
    const accepted = await importSource({ library, source }, { ...IN_PLACE, acceptChanged: true });
    assertEquals([digest(accepted), accepted.asked], [
      { replaced: 12, added: 1, tagsMerged: 12 },
      [],
    ]);
    assertEquals(accepted.warnings.map(({ path }) => path), [join(source, "library.json")]);
    await checkWhole(library);
  });
});

function only(files: Record<string, string>, folder: string): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith(folder)));
}

Deno.test("importFolders() tells a replaced content in the history, whose undo takes its tags back", async () => {
  await withLibrary(async ({ library, source }) => {
    const path = await writePicture(join(source, "x.png"), 1, { ".txt": "one" });
    await importInPlace({ library, source });
    const oldMd5 = await getFileMd5(path);
    const { id } = imageOf(library, oldMd5)!;
    await writePicture(path, 2, { ".txt": "two" });
    assertEquals(digest(await importInPlace({ library, source })), { replaced: 1, tagsMerged: 1 });
    const newMd5 = await getFileMd5(path);
    const list = () =>
      listHistory(library, {
        of: { imageId: id },
        page: { kind: "number", number: 1 },
        limit: 9,
      }).entries.map(({ kind, added, other, before }) => ({ kind, added, other, before }));
    const content = { before: oldMd5, after: newMd5 };
    assertEquals(list(), [
      { kind: "post_edit", added: ["two"], other: { content }, before: ["one"] },
    ]);
    // The right file is back; what the other one brought goes by undoing its edit.
    await writePicture(path, 1, { ".txt": "one" });
    await importInPlace({ library, source });
    assertEquals(tagsOf(library, oldMd5), ["general:one", "general:two"]);
    const [editId] = rowsOf<[number]>(library.core.reader, "SELECT min(id) FROM tag_edits")[0];
    const { kept, removed } = await undoEdit(library, editId);
    assertEquals([kept, removed], [["the content, which is that of the file"], ["two"]]);
    assertEquals([imageOf(library, oldMd5)!.id, tagsOf(library, oldMd5)], [id, ["general:one"]]);
    await checkWhole(library);
  });
});

Deno.test("importFolders() asks nothing when contents only have other names, and reads each file once", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    await writeDisk(source, { from: 0, count: 15, tag: "a" });
    await importInPlace({ library, source });
    const images = () => rowsOf(library.core.reader, "SELECT id, md5 FROM images ORDER BY id");
    const before = images();
    // A backup that was put back on a new disk: other inodes, other times, the same contents.
    await Deno.rename(source, join(folder, "old"));
    await writeDisk(source, { from: 0, count: 15, tag: "a" });
    for (let i = 0; i < 15; i++) await Deno.utime(join(source, nameOf(i)), 1, 1);
    const read: string[] = [];
    const call = library.hasher.call.bind(library.hasher);
    library.hasher.call = ((method: "hashFiles", request: { paths: string[] }) => {
      if (method === "hashFiles") read.push(...request.paths);
      return call(method, request);
    }) as typeof library.hasher.call;
    const restored = await importInPlace({ library, source });
    assertEquals([digest(restored), restored.asked], [{ alreadyThere: 15 }, []]);
    assertEquals(read.length, 15);
    // The card's pictures go to a folder of their own, and the camera begins anew.
    for (let i = 0; i < 15; i++) {
      await Deno.mkdir(join(source, "2019"), { recursive: true });
      await Deno.rename(join(source, nameOf(i)), join(source, "2019", nameOf(i)));
    }
    await writeDisk(source, { from: 300, count: 15 });
    const dry = await importSource({ library, source }, { ...IN_PLACE, dryRun: true });
    assertEquals([dry.asked, dry.skipped], [[], []]);
    const moved = await importInPlace({ library, source });
    assertEquals([moved.asked, moved.replaced, moved.added, moved.skipped], [[], 0, 15, []]);
    assertEquals(images().slice(0, 15), before);
    // The same, into another folder that is indexed in the same run.
    const there = join(folder, "there");
    await Deno.rename(join(source, "2019"), there);
    for (let i = 0; i < 15; i++) {
      await Deno.rename(join(source, nameOf(i)), join(there, `b${i}.png`));
    }
    await writeDisk(source, { from: 600, count: 15 });
    const other = await importInPlace({ library, source }, source, there);
    assertEquals([other.asked, other.replaced, other.added, other.skipped], [[], 0, 15, []]);
    assertEquals(images().slice(0, 15), before);
    await checkWhole(library);
  });
});

fullTierTest(
  "importFolders() follows files that are numbered anew after many were removed",
  async () => {
    await withLibrary(async ({ library, source }) => {
      await writeDisk(source, { from: 0, count: 40 });
      await importInPlace({ library, source });
      for (let i = 0; i < 40; i++) {
        const path = join(source, nameOf(i));
        if (i < 12) await Deno.remove(path);
        else await Deno.rename(path, join(source, nameOf(i - 12)));
      }
      const report = await importInPlace({ library, source });
      assertEquals([report.asked, report.replaced, report.skipped], [[], 0, []]);
      for (let i = 12; i < 40; i++) {
        const md5 = await getFileMd5(join(source, nameOf(i - 12)));
        assertEquals(imageOf(library, md5)!.filepath, `@source/${nameOf(i - 12)}`);
      }
      // Copies of known pictures replace most files: no image gets another content.
      for (let i = 0; i < 27; i++) await writePicture(join(source, nameOf(i)), i % 12);
      await Deno.rename(join(source, nameOf(27)), join(source, "moved.png"));
      await writePicture(join(source, nameOf(27)), 500);
      const copies = await importInPlace({ library, source });
      assertEquals([copies.asked, copies.replaced, copies.skipped], [[], 0, []]);
    });
  },
);

Deno.test("importFolders() asks about a small card at the path of a large one, not about few edits", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    await writeDisk(source, { from: 0, count: 20, tag: "a" });
    await importInPlace({ library, source });
    await writeDisk(join(folder, "b"), { from: 500, count: 4 });
    // Of these the library knows the contents, under other names.
    for (let i = 4; i < 6; i++) await writePicture(join(folder, "b", nameOf(i)), 10 + i);
    const before = dump(library);
    await swap(source, "a", "b");
    const { asked } = await importInPlace({ library, source });
    assertEquals(asked.map(({ changed, recorded, missing }) => [changed, recorded, missing]), [
      [6, 6, 14],
    ]);
    assert(asked[0].message.includes(", and 14 more are missing: "), asked[0].message);
    assertEquals(dump(library), before);
    await swap(source, "b", "a");
    // Most files were sorted out, and one of the rest was edited.
    for (let i = 3; i < 20; i++) await Deno.remove(join(source, nameOf(i)));
    await writePicture(join(source, nameOf(0)), 700);
    const report = await importInPlace({ library, source });
    assertEquals([report.asked, digest(report)], [[], { replaced: 1, alreadyThere: 2 }]);
  });
});

Deno.test("importFolders() measures what it looks at, not a large root around it", async () => {
  await withLibrary(async ({ library, source }) => {
    await writeDisk(join(source, "card"), { from: 0, count: 11 });
    await writeDisk(join(source, "rest"), { from: 100, count: 30 });
    await importInPlace({ library, source });
    await writeDisk(join(source, "card"), { from: 500, count: 11 });
    const card = join(source, "card");
    const { asked } = await importInPlace({ library, source }, card, join(source, "rest"));
    assertEquals(asked.map(({ path, changed, recorded }) => [path, changed, recorded]), [
      [card, 11, 11],
    ]);
  });
});

fullTierTest(
  "importFolders() finds no old content in a folder that it asks about itself",
  async () => {
    await withLibrary(async ({ library, source, folder }) => {
      const [a, b] = [join(folder, "a"), join(folder, "b")];
      await writeDisk(a, { from: 0, count: 11 });
      await writeDisk(b, { from: 100, count: 11 });
      await importInPlace({ library, source }, a, b);
      const before = dump(library);
      for (let i = 0; i < 11; i++) {
        await Deno.rename(join(a, nameOf(i)), join(b, `moved${i}.png`));
      }
      await writeDisk(a, { from: 500, count: 11 });
      await writeDisk(b, { from: 600, count: 11 });
      const { asked } = await importInPlace({ library, source }, a, b);
      assertEquals(asked.map(({ root }) => root).toSorted(), ["@a", "@b"]);
      assertEquals(dump(library), before);
    });
  },
);

Deno.test("importFolders() leaves a library as it is for an empty folder, and for a root that moved", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    await writeDisk(source, { from: 0, count: 12, tag: "a" });
    await importInPlace({ library, source });
    const before = dump(library);
    const away = join(folder, "elsewhere");
    await Deno.rename(source, away);
    await Deno.mkdir(source);
    const empty = await importInPlace({ library, source });
    assertEquals([digest(empty), empty.asked], [{}, []]);
    assertEquals(dump(library), before);
    const images = () => rowsOf(library.core.reader, "SELECT id, md5 FROM images ORDER BY id");
    const known = images();
    const moved = await importInPlace({ library, source }, away);
    assertEquals([moved.asked, moved.added, moved.replaced], [[], 0, 0]);
    assertEquals(images(), known);
    assertEquals(library.roots().map(({ path }) => path), [away, source]);
    await checkWhole(library);
  });
});

Deno.test("importFolders() takes no files for edited ones that changed after it looked", async () => {
  await withLibrary(async ({ library, source, folder }) => {
    await writeDisk(source, { from: 0, count: 12 });
    await importInPlace({ library, source });
    const md5s = () =>
      rowsOf(library.core.reader, "SELECT id, md5 FROM images ORDER BY id LIMIT 12");
    const before = md5s();
    // All are touched, and none is edited.
    for (let i = 0; i < 12; i++) await Deno.utime(join(source, nameOf(i)), 1, 1);
    await writePicture(join(folder, "first/x.png"), 900);
    const call = library.writer.call.bind(library.writer);
    library.writer.call = (async (method: "ensureRoot", request: never) => {
      // Between the look and the first file.
      if (method === "ensureRoot") await writeDisk(source, { from: 500, count: 12 });
      return await call(method, request);
    }) as typeof library.writer.call;
    const report = await importInPlace({ library, source }, join(folder, "first"), source);
    const codes = Array.from({ length: 12 }, () => "edit_asked");
    assertEquals([digest(report), report.asked], [{ added: 1, skipped: codes }, []]);
    assertEquals(md5s(), before);
  });
});

fullTierTest(
  "FolderLook.takeHash() gives what a file held only while it is what it was",
  async () => {
    await withLibrary(async ({ library, source }) => {
      const path = await writePicture(join(source, "x.png"), 1);
      await importInPlace({ library, source });
      await writePicture(path, 2);
      const root = library.roots()[0];
      const walk = (folder: string) => walkFolder(folder, { exclude: [], onSkip: () => {} });
      const look = new FolderLook(library, { rootOf: () => root, walk, onRead: () => {} });
      for await (const file of walk(source)) look.see(source, file);
      assertEquals(await look.ask(), []);
      const [file] = await Array.fromAsync(walk(source));
      assertEquals(look.takeHash({ ...file, path: `${path}x` }), undefined);
      assertEquals(look.takeHash(file)?.md5, await getFileMd5(path));
      assertEquals(look.takeHash(file), undefined);
      const again = new FolderLook(library, { rootOf: () => root, walk, onRead: () => {} });
      again.see(source, file);
      await again.ask();
      assertEquals(again.takeHash({ ...file, mtimeMs: file.mtimeMs + 1 }), undefined);
    });
  },
);

fullTierTest("importFolders() asks also where all files were marked as missing", async () => {
  await withLibrary(async ({ library, source }) => {
    await writeDisk(source, { from: 0, count: 12 });
    await importInPlace({ library, source });
    const lost = Array.from({ length: 12 }, (_, i) => `@source/${nameOf(i)}`);
    await library.writer.call("markPlaces", { lost, returned: [] });
    const before = dump(library);
    await writeDisk(source, { from: 500, count: 12 });
    assertEquals((await importInPlace({ library, source })).asked.length, 1);
    assertEquals(dump(library), before);
  });
});

fullTierTest("importFolders() takes three edited files of two hundred without asking", async () => {
  await withLibrary(async ({ library, source }) => {
    await writeDisk(source, { from: 0, count: 200 });
    await importInPlace({ library, source });
    for (let i = 0; i < 3; i++) await writePicture(join(source, nameOf(i)), 500 + i);
    const few = await importInPlace({ library, source });
    assertEquals([few.asked, digest(few)], [[], { replaced: 3, alreadyThere: 197 }]);
    // Ten are few of two hundred, and eleven are above both bounds.
    for (let i = 0; i < 10; i++) await writePicture(join(source, nameOf(i)), 600 + i);
    assertEquals((await importInPlace({ library, source })).replaced, 10);
    for (let i = 0; i < 11; i++) await writePicture(join(source, nameOf(i)), 700 + i);
    const many = await importInPlace({ library, source });
    assertEquals([many.asked.length, digest(many)], [1, {}]);
  });
});
