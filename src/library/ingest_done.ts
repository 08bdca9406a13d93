import { basename, dirname, join, relative } from "node:path";
import { toMessage } from "../base/errors.ts";
import { Slice } from "../base/slice.ts";
import { splitExtension } from "../media/paths.ts";
import { type IngestedFile, readIngested } from "../store/ingested_files.ts";
import { sidecarNamesOf } from "../tags/sidecars.ts";
import { makeFolderNames, readSidecars } from "./import_sidecars.ts";
import type { FileOutcome } from "./import_run.ts";
import { type FoundFile, isSidecarName, toFoundFile } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { isSameSidecar, type ReadSidecar } from "./sidecar_file.ts";
import { exists } from "./library_paths.ts";

/*
 * What is read leaves the ingest folder: files that are stored are gone from there. Their sidecars, and files
 * whose content the library has already, are not deleted but put into `ingest/.done`, under the paths that
 * they had; nothing reads that folder, and its owner may empty it. What cannot be taken stays where it is.
 *
 * A file leaves at the end of its import, its sidecars after that. Whoever comes later, because its program
 * was slower or ours was killed between the two, finds the image by the path that the file had.
 */

const DONE = ".done";

/** What stayed in the ingest folder although it was imported. */
export type LeftInIngest = {
  /** Paths at which something happened since they were read. */
  changed: string[];
  /** Files and sidecars that the library has and that cannot be moved away. */
  stuck: { file: FoundFile | { path: string }; reason: string }[];
};

/** Moves away what an import of files of the ingest folder left there: copies, and sidecars that were read. */
export async function tidyIngest(
  ingest: string,
  outcomes: readonly FileOutcome[],
): Promise<LeftInIngest> {
  const left: LeftInIngest = { changed: [], stuck: [] };
  const byFolder = new Map<string, ReadSidecar[]>();
  for (const { file, fault, sidecars } of outcomes) {
    const stuck = await removeCopy(ingest, file, fault);
    if (stuck === "changed") left.changed.push(file.path);
    else if (stuck !== null) left.stuck.push({ file, reason: stuck });
    if (stuck !== null || sidecars.length === 0) continue;
    const folder = dirname(file.path);
    byFolder.set(folder, [...byFolder.get(folder) ?? [], ...sidecars]);
  }
  for (const [folder, sidecars] of byFolder) {
    const isNeeded = await findNeeded(folder);
    for (const sidecar of sidecars) {
      if (isNeeded.has(basename(sidecar.path))) continue;
      const stuck = await putAside(ingest, sidecar);
      if (stuck === "changed") left.changed.push(sidecar.path);
      else if (stuck !== null) left.stuck.push({ file: { path: sidecar.path }, reason: stuck });
    }
  }
  return left;
}

/** Moves a sidecar away that was read; null if it is gone, else why it is not. */
async function putAside(ingest: string, sidecar: ReadSidecar): Promise<string | null> {
  try {
    // Another file of the same name was read with it too.
    if (!(await exists(sidecar.path))) return null;
    if (!(await isSameSidecar(sidecar))) return "changed";
    await moveToDone(ingest, sidecar.path);
    return null;
  } catch (error) {
    return `It was read, but cannot be moved away: ${toMessage(error)}`;
  }
}

/** Moves a file away whose content was stored before; null if it is gone, else why it is not. */
async function removeCopy(
  ingest: string,
  file: FoundFile,
  fault: string | null,
): Promise<string | null> {
  const now = await lookAtFile(file.path);
  if (now === null) return null;
  if (!isSameBytes(now, file)) return "changed";
  if (fault !== null) return fault;
  try {
    await moveToDone(ingest, file.path);
    return null;
  } catch (error) {
    return `The library has it, but it cannot be moved away: ${toMessage(error)}`;
  }
}

/** That it was linked and unlinked meanwhile shows in the time of its last change, and is no change here. */
function isSameBytes(now: FoundFile, then: FoundFile): boolean {
  return now.sizeBytes === then.sizeBytes && now.mtimeMs === then.mtimeMs &&
    now.inode === then.inode;
}

async function lookAtFile(path: string): Promise<FoundFile | null> {
  try {
    const info = await Deno.lstat(path);
    return info.isFile ? toFoundFile(path, basename(path), info) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Names of the sidecars that the files in a folder have, or would have. */
async function findNeeded(folder: string): Promise<Set<string>> {
  const needed = new Set<string>();
  const slice = new Slice();
  for (const name of await readFileNames(folder)) {
    if (!isSidecarName(name)) { for (const sidecar of allSidecarNames(name)) needed.add(sidecar); }
    if (slice.isOver) await slice.yield();
  }
  return needed;
}

function allSidecarNames(name: string): string[] {
  const { json, txt } = sidecarNamesOf(name);
  return [...json, ...txt];
}

/** Names of the files in a folder that are not hidden; none if it is gone. */
export async function readFileNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  const slice = new Slice();
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && !name.startsWith(".")) names.push(name);
      if (slice.isOver) await slice.yield();
    }
    return names;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Renames a file into the folder of what is done, under its path or, if that is taken, with a number. */
async function moveToDone(ingest: string, path: string): Promise<void> {
  const wanted = join(ingest, DONE, relative(ingest, path));
  await Deno.mkdir(dirname(wanted), { recursive: true });
  const { stem, ext } = splitExtension(basename(wanted));
  let target = wanted;
  for (let i = 2; await exists(target); i++) target = join(dirname(wanted), `${stem}~${i}${ext}`);
  try {
    await Deno.rename(path, target);
  } catch (error) {
    // Somebody took it away meanwhile.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What became of a sidecar that was alone in the ingest folder. */
export type LateSidecar = { warnings: string[]; tagsAdded: number };

/**
 * Reads a sidecar that came after its file was taken: its tags go to the image that the file became, and the
 * sidecar to what is done. Null if no file had it that was taken: it waits for its file.
 */
export async function takeLateSidecar(
  library: Library,
  ingest: string,
  path: string,
): Promise<LateSidecar | null> {
  const files = findIngested(library, ingest, path);
  if (files.length === 0) return null;
  const done: LateSidecar = { warnings: [], tagsAdded: 0 };
  const read = new Map<string, ReadSidecar>();
  let isTaken = false;
  for (const file of files) {
    const name = basename(file.path);
    const found = await readSidecars(
      { path: join(ingest, file.path), name },
      file.md5,
      makeFolderNames(),
    );
    done.warnings.push(...found.warnings);
    for (const sidecar of found.read) if (sidecar.path === path) read.set(path, sidecar);
    // It was there before its own file was: that one is still to come.
    if (found.foreign.includes(basename(path))) continue;
    isTaken = true;
    const { md5, ext, sizeBytes } = file;
    const media = { ext, sizeBytes, width: null, height: null, durationMs: null };
    const outcomes = await library.writer.call("importImages", {
      items: [{
        md5,
        place: null,
        isServed: false,
        media: { ...media, originalName: name },
        tags: found.tags,
        rating: found.rating,
        sites: found.sites,
      }],
    });
    done.tagsAdded += outcomes[0].tagsAdded;
  }
  if (!isTaken) return null;
  // One that cannot be read stays, to be looked at, and so does one that changed since.
  for (const sidecar of read.values()) {
    const stuck = await putAside(ingest, sidecar);
    if (stuck !== null && stuck !== "changed") done.warnings.push(stuck);
  }
  return done;
}

/** The files that a sidecar belongs to, of those that were taken. */
function findIngested(library: Library, ingest: string, path: string): IngestedFile[] {
  const whole = relative(ingest, path).replace(/\.(json|txt)$/i, "");
  const found = [whole, whole.replace(/\.tags$/, "")].flatMap((stem) =>
    readIngested(library.core.reader, stem)
  );
  const files = new Map(found.map((file) => [file.path, file]));
  return [...files.values()].filter(({ path: file }) =>
    allSidecarNames(basename(file)).includes(basename(path))
  );
}
