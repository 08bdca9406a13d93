import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import {
  LIBRARY_FILE,
  LIBRARY_FORMAT,
  type LibraryPart,
  type LibrarySection,
} from "../tags/library_file.ts";
import type { ArchiveContract } from "../worker/contracts.ts";
import { spawnArchive } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import type { Library } from "./library.ts";

/** The beginning of an export's own file says what it is. */
const HEAD_BYTES = 200;

/** What is wrong with the file itself; anything else ends the import. */
const FAULTS = ["bad_request", "payload_too_large"];

/** Why entries are refused, by their section. */
const REFUSALS: Record<LibrarySection, string> = {
  tags: "tags have names that cannot be stored",
  aliases: "aliases contradict others, or have names that cannot be stored",
  list_aliases: "aliases of lists have names that cannot be stored",
  implications: "implications would form a circle, or have names that cannot be stored",
  pools: "pools have images that are not here",
  relations: "relations name images that are not here",
  deltas: "edits have names that cannot be stored",
  source_choices: "choices of a site cannot be used",
  settings: "settings cannot be used",
};

/**
 * Takes in what an export at the top of a folder says of the library as a whole: pools, aliases,
 * implications and the like. What the library has stays as it is. Gives what was wrong, in sentences; nothing
 * if there is no such file.
 */
export async function importLibraryFile(
  library: Library,
  folder: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const path = join(folder, LIBRARY_FILE);
  if (!(await isExport(path))) return [];
  const refused = new Map<LibrarySection, number>();
  const worker = new WorkerClient<ArchiveContract>(spawnArchive, { name: "archive" });
  try {
    let part: LibraryPart | null = await worker.call("readLibraryFile", { path });
    while (part !== null) {
      signal?.throwIfAborted();
      const outcome = await library.writer.call("importLibraryPart", { part });
      refused.set(part.section, (refused.get(part.section) ?? 0) + outcome.refused);
      part = await worker.call("readLibraryFile", { path: null });
    }
  } catch (error) {
    const isFault = error instanceof AppError && FAULTS.includes(error.code);
    if (!isFault) throw error;
    return [error.message];
  } finally {
    await worker.close();
  }
  return [...refused].filter(([, count]) => count > 0)
    .map(([section, count]) => `${count} ${REFUSALS[section]}`);
}

async function isExport(path: string): Promise<boolean> {
  try {
    if (!(await Deno.lstat(path)).isFile) return false;
    using file = await Deno.open(path);
    const head = new Uint8Array(HEAD_BYTES);
    const count = await file.read(head);
    return new TextDecoder().decode(head.subarray(0, count ?? 0)).includes(LIBRARY_FORMAT);
  } catch {
    // Whatever is wrong with it, nobody knows that it is an export's.
    return false;
  }
}
