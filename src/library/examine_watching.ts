import { join } from "node:path";
import { commandLine } from "../base/command_line.ts";
import { toMessage } from "../base/errors.ts";
import type { DatabaseHealth } from "../store/database_health.ts";
import { broken, type Finding, fine, warned } from "./findings.ts";
import { exists, type LibraryPaths } from "./library_paths.ts";

/** Where Linux says how many folders may be watched; only a process with all permissions may read it. */
const LIMIT_FILE = "/proc/sys/fs/inotify/max_user_watches";
/** Watching costs half a millisecond a folder; more than these are not tried. */
const FOLDERS_TRIED_MAX = 6_000;
const FOLDERS_COUNTED_MAX = 200_000;
const REMEDY =
  "Allow more: sysctl fs.inotify.max_user_watches=1048576, and the same line in a file " +
  "of /etc/sysctl.d";

/** What a look at watching asks of the system, so that tests can answer. */
export type WatchFacts = {
  /** Folders that one user may watch; null where it cannot be read. */
  readLimit: () => number | null;
  /** Watches folders for a moment; throws when the system refuses. */
  tryToWatch: (folders: string[]) => void;
};

const OWN_FACTS: WatchFacts = {
  readLimit: () => {
    try {
      return Number(Deno.readTextFileSync(LIMIT_FILE)) || null;
    } catch {
      return null;
    }
  },
  tryToWatch: (folders) => Deno.watchFs(folders, { recursive: true }).close(),
};

/** Whether the folders that are indexed in place are there. */
export async function examineRoots(health: DatabaseHealth | null): Promise<Finding[]> {
  return await Promise.all((health?.roots ?? []).map(({ name, path }) => examineRoot(name, path)));
}

async function examineRoot(root: string, path: string): Promise<Finding> {
  const name = `in place: ${root}`;
  const remedy = "Is its disk connected? Its images stay in the library";
  try {
    for await (const _entry of Deno.readDir(path)) return fine("library", name, path);
    return warned("library", name, { text: `${path} is empty`, remedy });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return warned("library", name, { text: `${path} is not there`, remedy });
    }
    if (error instanceof Deno.errors.NotADirectory) {
      return broken("library", name, { text: `${path} is no folder any more`, remedy });
    }
    return broken("library", name, {
      text: `${path} cannot be read: ${toMessage(error)}`,
      remedy: "Let the user who runs this program read it; nothing has to be written there",
    });
  }
}

/**
 * Whether `ingest/` and the folders that are indexed in place could be watched: by the limit of the system
 * where it can be read, else by trying. Cost: reading these folders, and up to three seconds.
 */
export async function examineWatching(
  paths: LibraryPaths,
  health: DatabaseHealth | null,
  changed: Partial<WatchFacts> = {},
): Promise<Finding> {
  const facts = { ...OWN_FACTS, ...changed };
  const tops: string[] = [];
  for (const path of [paths.ingest, ...(health?.roots ?? []).map((root) => root.path)]) {
    if (await exists(path)) tops.push(path);
  }
  const count = await countFolders(tops);
  const folders = count === 1 ? "1 folder" : `${count} folders`;
  if (count === 0) return fine("library", "watching", "nothing to watch yet");
  const limit = facts.readLimit();
  if (limit !== null) {
    const text = `${folders}, and the system allows ${limit} for all programs of a user`;
    if (count < limit) return fine("library", "watching", text);
    return warned("library", "watching", { text, remedy: REMEDY });
  }
  if (count > FOLDERS_TRIED_MAX) {
    return warned("library", "watching", {
      text: `${folders}: more than are tried here`,
      remedy: `See whether the system allows so many: sysctl fs.inotify.max_user_watches. ` +
        `Else: ${REMEDY}`,
    });
  }
  try {
    facts.tryToWatch(tops);
    return fine("library", "watching", `${folders} can be watched`);
  } catch (error) {
    const text = `${folders} cannot be watched: ${toMessage(error)}`;
    const isLimit = /no space|watch limit|too many|os error (24|28)/i.test(toMessage(error));
    const other = `They are looked through from time to time all the same: ${commandLine("watch")}`;
    return warned("library", "watching", { text, remedy: isLimit ? REMEDY : other });
  }
}

/** Folders below some, and these; what cannot be read is not counted. Links are not followed. */
async function countFolders(tops: readonly string[]): Promise<number> {
  const folders = [...tops];
  for (const folder of folders) {
    if (folders.length >= FOLDERS_COUNTED_MAX) break;
    try {
      for await (const entry of Deno.readDir(folder)) {
        if (entry.isDirectory) folders.push(join(folder, entry.name));
      }
    } catch {
      // Told of where it is looked at itself.
    }
  }
  return folders.length;
}
