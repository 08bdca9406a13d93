import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { configureLogging } from "../../src/base/log.ts";
import { backupLibrary } from "../../src/library/backup.ts";
import { openLibrary } from "../../src/library/library.ts";
import { restoreBackup } from "../../src/library/restore.ts";
import { resumeRestore, settleRestoredFiles } from "../../src/library/restored_files.ts";
import { moveToTrash } from "../../src/library/trash.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import { hasUnfinishedRestore } from "../../src/store/backup.ts";
import { openDatabase } from "../support/library_builder.ts";
import {
  hashTree,
  imageOf,
  importSource,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";

const SMALL = { freeDiskFloorBytes: 0 };

Deno.test("restoreBackup() brings files back from the trash whose image is there again", () =>
  withLibrary(async ({ library, source }) => {
    const { paths } = library;
    const md5s: string[] = [];
    for (const i of [1, 2, 3]) {
      md5s.push(await getFileMd5(await writePicture(join(source, `${i}.png`), i)));
    }
    await importSource({ library, source });
    const { path } = await backupLibrary(paths, SMALL);
    const before = await hashTree(paths.images);
    // Since then: one image in the trash, one that is new, and one that came and went.
    await moveToTrash(library, imageOf(library, md5s[0])!.id);
    const newer = await getFileMd5(await writePicture(join(source, "4.png"), 4));
    const gone = await getFileMd5(await writePicture(join(source, "5.png"), 5));
    await importSource({ library, source });
    await moveToTrash(library, imageOf(library, gone)!.id);
    await Deno.remove(join(paths.images, imageOf(library, md5s[1])!.filepath));
    await library.close();

    const { files } = await restoreBackup(paths, path, SMALL);
    assertEquals([files.broughtBack, files.missing.count, files.strays.count], [1, 1, 1]);
    assertEquals([files.trashFolders, files.unreachable], [1, []]);
    const after = await hashTree(paths.images);
    assertEquals(after.get(md5s[0]), before.get(md5s[0]), "the file is in its place");
    assert(after.has(newer), "what is newer is where it was");
    assert((await hashTree(paths.trash)).has(gone), "and so is what only the trash has");

    const again = await openLibrary({ folder: paths.folder, workers: 1 });
    try {
      assertEquals(hasUnfinishedRestore(again.core.reader), false);
      assertEquals((await settleRestoredFiles(again)).broughtBack, 0);
      assertEquals(imageOf(again, md5s[0])?.places.length, 1);
    } finally {
      await again.close();
    }
  }));

Deno.test("resumeRestore() does what a restore did not come to, once", () =>
  withLibrary(async ({ library, source }) => {
    const md5 = await getFileMd5(await writePicture(join(source, "1.png"), 1));
    await importSource({ library, source });
    const { filepath } = imageOf(library, md5)!;
    // As a restore leaves it that is killed behind its rename: the row is back, the file is not.
    const folder = `${md5}-1`;
    const trashed = join(library.paths.trash, folder, "0-1.png");
    const manifest = { md5, folder, files: [{ filepath, trashed: `${folder}/0-1.png` }] };
    await Deno.mkdir(join(library.paths.trash, folder));
    await Deno.writeTextFile(
      join(library.paths.trash, folder, "manifest.json"),
      JSON.stringify(manifest),
    );
    await Deno.rename(join(library.paths.images, filepath), trashed);
    await resumeRestore(library);
    assertEquals(await getFileMd5(trashed), md5, "nothing was put back: nothing is moved");
    const db = openDatabase(library.paths.database);
    db.exec(
      "INSERT INTO journal (kind, state, started_at_ms, steps) VALUES ('restore', 'moving', 1, '{}')",
    );
    db.close();
    await resumeRestore(library);
    assertEquals(await getFileMd5(join(library.paths.images, filepath)), md5);
    assertEquals(await Array.fromAsync(Deno.readDir(library.paths.trash)), []);
    assertEquals(hasUnfinishedRestore(library.core.reader), false);
  }));

Deno.test("settleRestoredFiles() says in one line why a folder of the trash stays as it is", () =>
  withLibrary(async ({ library }) => {
    const { trash } = library.paths;
    const folders: [name: string, manifest: string | null, reason: string][] = [
      ["nothing", null, "it has no manifest"],
      ["non\nsense", "{ nonsense", "its manifest is none of this program"],
      ["other", '{"md5":1,"files":"x"}', "its manifest is none of this program"],
    ];
    for (const [name, manifest] of folders) {
      await Deno.mkdir(join(trash, name), { recursive: true });
      if (manifest !== null) await Deno.writeTextFile(join(trash, name, "manifest.json"), manifest);
    }
    await Deno.mkdir(join(trash, "odd", "manifest.json"), { recursive: true });
    const written: string[] = [];
    const write = Deno.stderr.writeSync;
    Deno.stderr.writeSync = (bytes) => {
      written.push(new TextDecoder().decode(bytes));
      return bytes.length;
    };
    try {
      configureLogging({ level: "info", isTerminal: true });
      const { trashFolders, broughtBack } = await settleRestoredFiles(library);
      assertEquals([trashFolders, broughtBack], [4, 0]);
    } finally {
      Deno.stderr.writeSync = write;
    }
    const lines = written.map((line) => line.replace(/^[\d:]+ /, "")).sort();
    const wanted = folders.map(([name, , reason]) =>
      `warning restore: ${join(trash, name.replace("\n", "\\u000a"))} stays as it is: ${reason}\n`
    );
    const odd = join(trash, "odd");
    wanted.push(
      `warning restore: ${odd} stays as it is: Cannot read "${odd}/manifest.json": it is a folder\n`,
    );
    assertEquals(lines, wanted.sort());
  }));
