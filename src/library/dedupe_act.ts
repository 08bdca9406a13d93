import { pooledMap } from "@std/async";
import { basename, dirname, extname } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { COPIES_BATCH } from "../base/limits.ts";
import { inPlacePath, realPathInside, splitExtension } from "../media/paths.ts";
import { SNIFF_BYTES, sniffMediaType } from "../media/sniff.ts";
import { type ImportItem, readContent } from "../store/import_images.ts";
import { readTrashEntry, type TrashedFile, type TrashEntry } from "../store/trash.ts";
import type { CopyPlan } from "../store/trash_copies.ts";
import type { DedupeFile } from "./dedupe_files.ts";
import type { Removal } from "./dedupe_find.ts";
import { makeFolderNames, readSidecars, type SidecarFindings } from "./import_sidecars.ts";
import { isInside } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";
import { isSameSidecar } from "./sidecar_file.ts";
import { type FileCalls, inodeOf, syncFile, syncFolder } from "./stored_file.ts";
import { finishCopies } from "./trash_copies.ts";
import { lstat, makeTrashFolderName, toTrashName, withFacts } from "./trash_files.ts";

/** What became of a removal: its entry in the trash, or why it was left. */
export type RemovalOutcome =
  & { removal: Removal }
  & (
    | { trashId: number; warnings: string[] }
    | { trashId: null; code: string; reason: string }
  );

/** How removals are done. */
export type RemovalOptions = {
  signal?: AbortSignal;
  onProgress?: (done: number) => void;
  /** For tests: calls that fail. */
  calls?: FileCalls;
};

/** Pairs that are compared at a time. */
const PREPARED_AT_ONCE = 4;

/** Why one copy is left where it is; the others go on. */
class Left extends Error {
  constructor(readonly code: string, reason: string) {
    super(reason);
  }
}

/**
 * Moves copies to the trash, some at a time: each is compared byte for byte with the file that stays, both
 * are seen to be what they were when they were found, and what only its sidecars say goes to its image. One
 * that fails is left where it is and stops nobody. Needs the lock.
 */
export async function* removeCopies(
  library: Library,
  removals: readonly Removal[],
  options: RemovalOptions,
): AsyncGenerator<RemovalOutcome> {
  for (let at = 0; at < removals.length; at += COPIES_BATCH) {
    options.signal?.throwIfAborted();
    yield* await removeSome(library, removals.slice(at, at + COPIES_BATCH), options);
    options.onProgress?.(Math.min(at + COPIES_BATCH, removals.length));
  }
}

async function removeSome(
  library: Library,
  removals: readonly Removal[],
  { calls }: RemovalOptions,
): Promise<RemovalOutcome[]> {
  const preparer = new Preparer(library, calls);
  const outcomes: RemovalOutcome[] = [];
  const prepared: { removal: Removal; plan: CopyPlan; warnings: string[] }[] = [];
  const steps = pooledMap(PREPARED_AT_ONCE, removals, async (removal) => {
    try {
      return { removal, ...await preparer.prepare(removal) };
    } catch (error) {
      const code = error instanceof Left || error instanceof AppError ? error.code : "failed";
      return { removal, trashId: null, code, reason: toMessage(error) } as const;
    }
  });
  for await (const step of steps) {
    if ("plan" in step) prepared.push(step);
    else outcomes.push(step);
  }
  if (prepared.length === 0) return outcomes;
  const taken = await library.writer.call("takeCopies", {
    plans: prepared.map(({ plan }) => plan),
  });
  const entries: TrashEntry[] = [];
  const byEntry = new Map<number, typeof prepared[number]>();
  for (const [i, { entryId, reason }] of taken.entries()) {
    const { removal } = prepared[i];
    if (entryId === null) outcomes.push({ removal, trashId: null, code: "changed", reason });
    else {
      entries.push(readTrashEntry(library.core.reader, entryId)!);
      byEntry.set(entryId, prepared[i]);
    }
  }
  for (const { entryId, reason } of await finishCopies(library, entries, { calls })) {
    const { removal, warnings } = byEntry.get(entryId)!;
    outcomes.push(
      reason === null
        ? { removal, trashId: entryId, warnings }
        : { removal, trashId: null, code: "not_moved", reason },
    );
  }
  await showChanges(library);
  return outcomes;
}

/** Looks once more at pairs of files, and says what is to be committed for them. */
class Preparer {
  readonly #library: Library;
  readonly #calls: FileCalls | undefined;
  readonly #folderNames = makeFolderNames();
  readonly #synced = new Map<string, Promise<void>>();

  constructor(library: Library, calls: FileCalls | undefined) {
    this.#library = library;
    this.#calls = calls;
  }

  /** @throws {Left} If the copy must stay. */
  async prepare(removal: Removal): Promise<{ plan: CopyPlan; warnings: string[] }> {
    const { md5, kept, copy } = removal;
    for (const file of [kept, copy]) await this.#checkPath(file);
    await this.#checkEqual(removal);
    await this.#sync(kept);
    const sidecars = await readSidecars(
      { path: copy.path, name: basename(copy.path) },
      md5,
      this.#folderNames,
    );
    const item = await this.#toItem(removal, sidecars);
    const files = await this.#toFiles(removal, sidecars);
    // The last look: what follows is a transaction, and a look of its own right before the move.
    for (const file of [kept, copy]) await checkUnchanged(file);
    const { filepath, sizeBytes, mtimeMs, inode } = kept;
    return {
      plan: {
        md5,
        kept: { filepath, sizeBytes, mtimeMs, inode },
        filepaths: this.#storedPathsOf(copy),
        folder: dirname(files[0].trashed!),
        files,
        item,
      },
      warnings: sidecars.warnings,
    };
  }

  /** Refuses a path that became a link, or lies behind one, since it was walked. */
  async #checkPath(file: DedupeFile): Promise<void> {
    const folder = file.root?.path ?? this.#library.paths.images;
    const relative = file.root === null
      ? file.filepath
      : file.filepath.slice(`@${file.root.name}/`.length);
    const path = await realPathInside(folder, relative).catch((error: unknown) => {
      throw new Left("link", toMessage(error));
    });
    if (path !== file.path) throw new Left("link", `${file.filepath} lies behind a link by now`);
  }

  async #checkEqual({ md5, kept, copy }: Removal): Promise<void> {
    const { hasher } = this.#library;
    const pair = { left: kept.path, right: copy.path };
    if ((await hasher.call("compareFiles", pair)).isSame) return;
    const { words } = await hasher.call("hashFiles", { paths: [kept.path, copy.path] });
    const areOne = words.subarray(0, 4).every((word, i) => word === words[4 + i]);
    if (areOne) {
      throw new Left(
        "md5_collision",
        `It has the md5 of ${kept.filepath}, ${md5}, and other bytes`,
      );
    }
    throw new Left("changed", `It has other bytes than ${kept.filepath}`);
  }

  /** A kept file may be new, and only in memory yet; it is to outlive its copies when the power goes. */
  async #sync({ path }: DedupeFile): Promise<void> {
    let synced = this.#synced.get(path);
    if (synced === undefined) {
      synced = syncFile(path, this.#calls).then(() => syncFolder(dirname(path), this.#calls));
      this.#synced.set(path, synced);
    }
    await synced;
  }

  /** What the image is to take over from the copy's sidecars. */
  async #toItem({ md5, copy }: Removal, found: SidecarFindings): Promise<ImportItem | null> {
    const { tags, rating, sites, saved } = found;
    const isEmpty = tags.length + sites.length === 0 && rating === null && saved === undefined;
    if (isEmpty) return null;
    if (readContent(this.#library.core.reader, md5) === undefined) {
      throw new Left("has_sidecars", "No image has its content yet, to take over its tags");
    }
    return {
      md5,
      place: null,
      isServed: false,
      media: {
        ext: await readExt(copy.path),
        sizeBytes: copy.sizeBytes,
        width: null,
        height: null,
        durationMs: null,
        originalName: basename(copy.path),
      },
      tags,
      rating,
      sites,
      ...(saved === undefined ? {} : { saved }),
    };
  }

  /**
   * The copy and the sidecars that are its alone, with their names in the trash. What of them was not
   * understood, or speaks of another file, or changed since it was read, is left where it is.
   */
  async #toFiles(
    { md5, copy }: Removal,
    { read, foreign }: SidecarFindings,
  ): Promise<TrashedFile[]> {
    const name = basename(copy.path);
    const names = await this.#folderNames(dirname(copy.path));
    const { stem } = splitExtension(name);
    const isStemShared = [...names].some((other) =>
      other !== name && splitExtension(other).stem === stem && !isSidecarName(other)
    );
    const isAlone = (sidecar: string) => sidecar.startsWith(`${name}.`) || !isStemShared;
    const known = new Map(read.map((one) => [basename(one.path), one]));
    for (const other of foreign) known.delete(other);
    const folder = makeTrashFolderName(md5);
    const files: TrashedFile[] = [];
    for (const [i, one] of [name, ...[...known.keys()].filter(isAlone)].entries()) {
      const filepath = copy.filepath.slice(0, copy.filepath.length - name.length) + one;
      const info = await lstat(`${dirname(copy.path)}/${one}`);
      if (info === null && i === 0) throw new Left("vanished", `${filepath} is gone`);
      if (info === null || (i > 0 && !(await isSameSidecar(known.get(one)!)))) continue;
      const trashed = `${folder}/${i}-${toTrashName(one, md5)}`;
      files.push(withFacts({ filepath, trashed }, info));
    }
    return files;
  }

  /** Under which paths the library may have a file: folders indexed in place can lie in each other. */
  #storedPathsOf({ filepath, path, root }: DedupeFile): string[] {
    if (root === null) return [filepath];
    const others = this.#library.roots().filter((one) => isInside(path, one.path))
      .map((one) => inPlacePath(one.name, path.slice(one.path.length + 1)));
    return [...new Set([filepath, ...others])];
  }
}

/** What may be a sidecar itself, and shares no other one. */
function isSidecarName(name: string): boolean {
  return /\.(?:json|txt)$/i.test(name);
}

/** Refuses a file that is not what it was when it was found. */
async function checkUnchanged(file: DedupeFile): Promise<void> {
  let now: Deno.FileInfo;
  try {
    now = await Deno.lstat(file.path);
  } catch (error) {
    throw new Left("vanished", `${file.filepath} is gone (${toMessage(error)})`);
  }
  const isSame = now.isFile && now.size === file.sizeBytes && now.dev === file.device &&
    inodeOf(now) === file.inode && (now.mtime?.getTime() ?? 0) === file.mtimeMs;
  if (!isSame) throw new Left("changed", `${file.filepath} changed since it was found`);
}

/** The ending of a file's true type, else that of its name. */
async function readExt(path: string): Promise<string> {
  const head = new Uint8Array(SNIFF_BYTES);
  using file = await Deno.open(path);
  const count = await file.read(head) ?? 0;
  return sniffMediaType(head.subarray(0, count))?.ext ?? extname(path).slice(1).toLowerCase();
}
