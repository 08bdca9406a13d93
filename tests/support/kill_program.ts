/**
 * Works on a library until it is killed: imports what lies in a folder, moves images and copies to the trash,
 * brings them back. Arguments: folder of the library, folder of sources, seed.
 */
import { basename, join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import { importFolders } from "../../src/library/import_folder.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { moveToTrash, restoreFromTrash, resumeTrash } from "../../src/library/trash.ts";
import { readTrash } from "../../src/store/trash.ts";
import { makeRandom, type Random } from "./random.ts";
import { rowsOf } from "./sample_library.ts";

const ROUNDS = 3;
const LISTED_MAX = 1_000;

/**
 * A person copies files of the library beside themselves, some with a tag list. A copy gets its name when it
 * is whole: what a kill leaves of a half written one would be this program's doing, not the library's.
 */
async function copyByHand(library: Library, source: string, random: Random): Promise<void> {
  const paths = rowsOf<[string]>(library.core.reader, "SELECT filepath FROM images");
  const halfWritten = `${source}.copy`;
  for (const [filepath] of random.some(paths, 0.3)) {
    const from = join(library.paths.images, filepath);
    const to = join(
      library.paths.images,
      `${random.pick(["a", "zz"])}-${random.int(1_000)}-` + basename(filepath),
    );
    if (await exists(to)) continue;
    // Not through a link: the copy has an inode of its own.
    await Deno.writeFile(halfWritten, await Deno.readFile(from));
    await Deno.rename(halfWritten, to);
    if (random.int(2) === 0) await Deno.writeTextFile(`${to}.txt`, `by_hand_${random.int(9)}\n`);
  }
}

function exists(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}

async function work(library: Library, source: string, random: Random): Promise<void> {
  await importFolders(library, { folders: [source], mode: "move", freeDiskFloorBytes: 0 });
  for (let round = 0; round < ROUNDS; round++) {
    const images = rowsOf<[number]>(library.core.reader, "SELECT id FROM images");
    for (const [id] of random.some(images, 0.15)) await moveToTrash(library, id);
    await copyByHand(library, source, random);
    await scanAndRemoveDuplicates(library, { dryRun: false });
    const entries = readTrash(library.core.reader, { limit: LISTED_MAX, offset: 0 });
    for (const { id } of random.some(entries, 0.4)) {
      await restoreFromTrash(library, id).catch((error: unknown) => {
        // Its content is in the library again: it stays in the trash.
        if (!(error instanceof AppError) || error.code !== "conflict") throw error;
      });
    }
  }
}

if (import.meta.main) {
  const [folder, source, seed] = Deno.args;
  const library = await openLibrary({ folder, workers: 1 });
  await resumeTrash(library);
  if (seed !== undefined) await work(library, source, makeRandom(Number(seed)));
  await library.close();
}
