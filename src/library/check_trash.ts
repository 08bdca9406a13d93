import { join } from "node:path";
import { resolveInside } from "../media/paths.ts";
import {
  isTrashFolder,
  readPendingOperations,
  readTrashFiles,
  type TrashFiles,
} from "../store/check_places.ts";
import { type Finding, finding, unreadable } from "./check_kinds.ts";
import type { Library } from "./library.ts";
import { exists } from "./library_paths.ts";

const ENTRIES_AT_ONCE = 200;

/**
 * Compares the trash with its entries, and finds what was interrupted. While another command moves files
 * (`isLocked`), what is on its way is no fault.
 */
export async function findTrashFaults(
  library: Library,
  options: { isLocked: boolean; signal?: AbortSignal },
): Promise<Finding[]> {
  const { reader } = library.core;
  const found: Finding[] = [];
  try {
    for (let afterId = 0;;) {
      options.signal?.throwIfAborted();
      const entries = readTrashFiles(reader, { afterId, limit: ENTRIES_AT_ONCE });
      if (entries.length === 0) break;
      for (const entry of entries) found.push(...await lookAtEntry(library, entry, options));
      afterId = entries.at(-1)!.id;
    }
    found.push(...await findOrphanFolders(library));
  } catch (error) {
    found.push(unreadable(library.paths.trash, error));
  }
  if (options.isLocked) return found;
  const pending = readPendingOperations(reader).map(({ id, kind, state, startedAtMs }) => {
    const message = `"${kind}" began at ${new Date(startedAtMs).toISOString()} and is ${state}`;
    return finding("pending_operation", { id, message });
  });
  return [...found, ...pending];
}

async function lookAtEntry(
  library: Library,
  { id, state, folder, files }: TrashFiles,
  { isLocked }: { isLocked: boolean },
): Promise<Finding[]> {
  const { trash } = library.paths;
  if (state !== "trashed") {
    const message = `Its state is "${state}"`;
    return isLocked ? [] : [finding("unfinished_trash", { path: folder, id, message })];
  }
  const found: Finding[] = [];
  for (const { trashed } of files) {
    if (trashed === null || await exists(resolveInside(trash, trashed))) continue;
    // Restored or emptied meanwhile.
    const [now] = readTrashFiles(library.core.reader, { afterId: id - 1, limit: 1 });
    if (now?.id !== id || now.state !== "trashed") return [];
    const message = "There is no such file in the trash";
    found.push(finding("missing_trash_file", { path: trashed, id, message }));
  }
  return found;
}

/** Folders that no entry names. An entry is written before its folder, and goes before it. */
async function findOrphanFolders(library: Library): Promise<Finding[]> {
  const { trash } = library.paths;
  if (!(await exists(trash))) return [];
  const found: Finding[] = [];
  for await (const { name, isDirectory } of Deno.readDir(trash)) {
    if (!isDirectory || isTrashFolder(library.core.reader, name)) continue;
    if (!(await exists(join(trash, name)))) continue;
    const message = "No entry of the trash has this folder";
    found.push(finding("orphan_trash", { path: name, message }));
  }
  return found;
}
