import { commandLine } from "../base/command_line.ts";
import { AppError, toMessage } from "../base/errors.ts";
import { resolveInside } from "../media/paths.ts";
import { readPlaceAgain, readTrashFiles } from "../store/check_places.ts";
import { readTagRows } from "../store/images.ts";
import { isPathTaken } from "../store/import_images.ts";
import { adoptFiles } from "./adopt_files.ts";
import type { CheckKind, Finding } from "./check_kinds.ts";
import { lookAgainAt, type PlaceOptions } from "./check_places.ts";
import { isStillStray } from "./check_strays.ts";
import { isOrphanThumbnail } from "./check_thumbnails.ts";
import type { Library } from "./library.ts";
import { withLock } from "./lock.ts";
import { showChanges } from "./show_changes.ts";
import { clearIncoming, removeIncoming } from "./stored_file.ts";
import { Thumbnails } from "./thumbnails.ts";
import { resumeTrash } from "./trash.ts";

/** What repairing needs besides what was found. */
export type RepairContext = {
  options: PlaceOptions;
  linked: ReadonlySet<string>;
  signal?: AbortSignal;
  onRepair: (done: number, total: number) => void;
};

type Repair = (library: Library, findings: Finding[], context: RepairContext) => Promise<void>;

/** Findings that one transaction, or one answer of a worker, deals with. */
const FINDINGS_AT_ONCE = 200;

/** What repairs each kind; what needs the lock takes it itself. */
const REPAIRS: Partial<Record<CheckKind, Repair>> = {
  changed_file: locked(inLists(recordFiles)),
  orphan_file: locked(inLists(adopt)),
  orphan_row: locked(removeRows),
  tag_columns: locked(inLists(writeColumns)),
  full_text: locked(writeFullText),
  // It takes the lock itself.
  unfinished_trash: finishTrash,
  leftover_incoming: locked(clearLeftovers),
  missing_thumbnail: inLists(makeThumbnails),
  orphan_thumbnail: locked(inLists(removeThumbnails)),
  unused_tag: locked(inLists(removeTags)),
};

/**
 * Repairs findings of one kind and writes into each what became of it. Everything is looked at again
 * right before it is changed.
 *
 * @throws {AppError} `locked` if another command moves files, `disk_full` …
 */
export async function repairFindings(
  library: Library,
  kind: CheckKind,
  { findings, context }: { findings: Finding[]; context: RepairContext },
): Promise<void> {
  const repair = REPAIRS[kind];
  if (repair === undefined) throw new AppError("bad_request", `Cannot repair ${kind}`);
  try {
    await repair(library, findings, context);
  } finally {
    await showChanges(library);
  }
}

function locked(repair: Repair): Repair {
  return async (library, ...rest) => {
    await withLock(library.paths.lock, "repair", () => repair(library, ...rest));
  };
}

function inLists(repair: Repair): Repair {
  return async (library, findings, context) => {
    for (let i = 0; i < findings.length; i += FINDINGS_AT_ONCE) {
      context.signal?.throwIfAborted();
      await repair(library, findings.slice(i, i + FINDINGS_AT_ONCE), context);
      context.onRepair(Math.min(i + FINDINGS_AT_ONCE, findings.length), findings.length);
    }
  };
}

function isDone(one: Finding): void {
  one.state = "repaired";
}

function isNotDone(one: Finding, reason: string): void {
  one.state = "not_repaired";
  one.reason = reason;
}

const CHANGED_AGAIN = "It is not as it was found: check again";

async function recordFiles(
  library: Library,
  findings: Finding[],
  { options }: RepairContext,
): Promise<void> {
  const places = [];
  const sound: Finding[] = [];
  for (const one of findings) {
    // Reads the bytes once more, since its row will say that they are right.
    const verdict = await lookAgainAt(library, one, options);
    const { file, fault, place } = verdict ?? {};
    if (!file || !place || fault?.kind !== "changed_file") {
      isNotDone(one, CHANGED_AGAIN);
      continue;
    }
    const { sizeBytes, mtimeMs, inode } = file;
    places.push({
      imageId: place.imageId,
      filepath: place.filepath,
      sizeBytes,
      mtimeMs,
      inode,
    });
    sound.push(one);
  }
  if (places.length > 0) {
    await library.writer.call("repairDatabase", { kind: "changed_file", places });
  }
  sound.forEach(isDone);
}

async function adopt(
  library: Library,
  findings: Finding[],
  { linked }: RepairContext,
): Promise<void> {
  const strays: Finding[] = [];
  for (const one of findings) {
    const isStray = await isStillStray(library, one.path!, { linked, isLocked: false });
    if (isStray) strays.push(one);
    else isNotDone(one, CHANGED_AGAIN);
  }
  const adopted = await adoptFiles(library, strays.map(({ path }) => path!));
  const byPath = new Map(strays.map((one) => [one.path, one]));
  for (const file of adopted) {
    const one = byPath.get(file.filepath)!;
    if (file.outcome === "refused") isNotDone(one, file.reason);
    else {
      isDone(one);
      one.id = file.imageId;
    }
  }
  await keepPaths(library, "orphan_file", findings);
}

/** Says in the journal which files were repaired outside of the database. */
async function keepPaths(library: Library, repair: string, findings: Finding[]): Promise<void> {
  const paths = findings.filter(({ state }) => state === "repaired").map(({ path }) => path!);
  if (paths.length === 0) return;
  await library.writer.call("repairDatabase", { kind: "files", repair, paths });
}

/** Findings do not tell rows apart, so all of them are removed, and what is left is counted. */
async function removeRows(library: Library, findings: Finding[]): Promise<void> {
  await library.writer.call("repairDatabase", { kind: "orphan_row" });
  const { database } = library.paths;
  const left = await library.hasher.call("examineDatabase", { path: database, part: "references" });
  const messages = left.filter(({ kind }) => kind === "orphan_row").map(({ message }) => message);
  for (const one of findings) {
    const place = messages.indexOf(one.message);
    if (place < 0) {
      isDone(one);
      continue;
    }
    messages.splice(place, 1);
    isNotDone(one, `It holds more than a link: ${commandLine("rebuild")} leaves it out`);
  }
}

async function writeColumns(library: Library, findings: Finding[]): Promise<void> {
  const imageIds = findings.map(({ id }) => id!);
  await library.writer.call("repairDatabase", { kind: "tag_columns", imageIds });
  findings.forEach(isDone);
}

async function writeFullText(library: Library, findings: Finding[]): Promise<void> {
  await library.writer.call("repairDatabase", { kind: "full_text" });
  findings.forEach(isDone);
}

async function removeTags(library: Library, findings: Finding[]): Promise<void> {
  const tagIds = findings.map(({ id }) => id!);
  await library.writer.call("repairDatabase", { kind: "unused_tag", tagIds });
  const left = new Set(readTagRows(library.core.reader, tagIds).map(({ id }) => id));
  for (const one of findings) {
    if (left.has(one.id!)) isNotDone(one, "It is used by now");
    else isDone(one);
  }
}

async function finishTrash(library: Library, findings: Finding[]): Promise<void> {
  await resumeTrash(library);
  for (const one of findings) {
    const [entry] = readTrashFiles(library.core.reader, { afterId: one.id! - 1, limit: 1 });
    if (entry?.id === one.id && entry.state !== "trashed") {
      isNotDone(one, "It could not be finished; the log says why");
    } else isDone(one);
  }
}

async function clearLeftovers(library: Library, findings: Finding[]): Promise<void> {
  const { paths, core } = library;
  const left = await clearIncoming(paths, (filepath) => isPathTaken(core.reader, filepath));
  await removeIncoming(paths);
  for (const one of findings) {
    if (left.has(one.path!.slice(one.path!.indexOf("/") + 1))) {
      isNotDone(one, "A whole file of it has no row yet: --repair orphan_file, or import");
    } else isDone(one);
  }
}

async function makeThumbnails(library: Library, findings: Finding[]): Promise<void> {
  const thumbnails = new Thumbnails(library);
  await Promise.all(findings.map(async (one) => {
    const about = { imageId: one.id!, filepath: one.path! };
    const place = readPlaceAgain(library.core.reader, about);
    if (place === undefined) return isNotDone(one, CHANGED_AGAIN);
    try {
      const made = await thumbnails.find(place);
      if (made === null) isNotDone(one, "No frame of it could be had");
      else isDone(one);
    } catch (error) {
      isNotDone(one, toMessage(error));
    }
  }));
}

/** Thumbnails are derived from the pictures, so that they are removed and not moved to the trash. */
async function removeThumbnails(library: Library, findings: Finding[]): Promise<void> {
  for (const one of findings) {
    const path = resolveInside(library.paths.thumbnails, one.path!.slice("thumbnails/".length));
    if (!isOrphanThumbnail(library, one.path!) || !(await isFile(path))) {
      isNotDone(one, CHANGED_AGAIN);
      continue;
    }
    try {
      await Deno.remove(path);
      isDone(one);
    } catch (error) {
      isNotDone(one, toMessage(error));
    }
  }
  await keepPaths(library, "orphan_thumbnail", findings);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
