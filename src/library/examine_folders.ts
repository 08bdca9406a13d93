import { join } from "node:path";
import { toFileError } from "../media/file_error.ts";
import { describeUser, readUser } from "./examine_process.ts";
import { broken, type Finding, fine, warned } from "./findings.ts";
import { exists, type LibraryPaths } from "./library_paths.ts";

/** A look at some is enough: what is wrong with rights is mostly wrong with many. */
const FOLDERS_TRIED_MAX = 64;
const FILES_TRIED_MAX = 400;
const NAMED_MAX = 3;

const REMEDY =
  "Make the folder and what is in it readable and writable for the user who runs this program";

/** What is tried with folders and files, so that tests can refuse it; each throws when it may not be done. */
export type FileTrials = {
  /** Makes a file and removes it. */
  write: (folder: string) => Promise<void>;
  /** Opens a file, and changes nothing. */
  open: (path: string, options: { write: boolean }) => Promise<void>;
};

const OWN_TRIALS: FileTrials = {
  write: async (folder) => {
    await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: ".chibibooru-doctor-" }));
  },
  open: async (path, { write }) => (await Deno.open(path, { read: true, write })).close(),
};

/** Whether the library belongs to who runs this program. */
export async function examineOwner(
  paths: LibraryPaths,
  user: ReturnType<typeof readUser> = readUser(),
): Promise<Finding> {
  const { uid } = await Deno.stat(paths.folder);
  if (uid === null || user === null) return fine("library", "owner", "the system does not tell");
  if (uid === user.uid) return fine("library", "owner", describeUser(user));
  return warned("library", "owner", {
    text: `number ${uid}; this program runs as ${describeUser(user)}`,
    remedy:
      "Run all commands as the owner (sudo -u), or give the library to whom the server runs " +
      "as: chown -R",
  });
}

/** Whether each folder that is written can be written by this user. */
export async function examineFolders(
  paths: LibraryPaths,
  trials: FileTrials = OWN_TRIALS,
): Promise<Finding> {
  const { folder, data, images, thumbnails, ingest, trash, backups } = paths;
  const refused: string[] = [];
  let writable = 0;
  for (const place of [folder, data, images, thumbnails, ingest, trash, backups]) {
    if (!(await exists(place))) continue;
    const reason = await findFault("write to", place, trials.write(place));
    if (reason === null) writable++;
    else refused.push(reason);
  }
  if (refused.length === 0) {
    return fine("library", "permissions", `all ${writable} folders that are there can be written`);
  }
  return broken("library", "permissions", { text: refused.join("; "), remedy: REMEDY });
}

/** Whether the database can be written and files be read; of the folders and files of images, some. */
export async function examineFiles(
  paths: LibraryPaths,
  trials: FileTrials = OWN_TRIALS,
): Promise<Finding> {
  const refused: string[] = [];
  let tried = 0;
  const attempt = async (action: string, path: string, trial: Promise<void>) => {
    tried++;
    const reason = await findFault(action, path, trial);
    if (reason !== null) refused.push(reason);
  };
  for (const path of await writtenFiles(paths)) {
    await attempt("write", path, trials.open(path, { write: true }));
  }
  const some = await gatherSome(paths.images);
  for (const path of some.folders) await attempt("write to", path, trials.write(path));
  for (const path of some.files) await attempt("read", path, trials.open(path, { write: false }));
  refused.push(...some.closed);
  if (refused.length === 0) {
    const text = `the ${tried} folders and files that were tried can be used`;
    return fine("library", "files", text);
  }
  const named = refused.slice(0, NAMED_MAX).join("; ");
  const more = refused.length > NAMED_MAX ? `; and ${refused.length - NAMED_MAX} more` : "";
  const text = `${refused.length} of ${
    tried + some.closed.length
  } that were tried are closed: ${named}${more}`;
  return broken("library", "files", { text, remedy: REMEDY });
}

/** The database, what SQLite keeps beside it, and locks. */
async function writtenFiles({ database, lock, data }: LibraryPaths): Promise<string[]> {
  const names = [database, `${database}-wal`, `${database}-shm`, lock, join(data, "server.lock")];
  const found: string[] = [];
  for (const path of names) {
    // What is no file is told of by others.
    if (await exists(path) && (await Deno.stat(path)).isFile) found.push(path);
  }
  return found;
}

/** Some folders and files below a folder, the uppermost first; and folders that cannot be read. */
async function gatherSome(
  top: string,
): Promise<{ folders: string[]; files: string[]; closed: string[] }> {
  const [folders, files, closed]: string[][] = [[], [], []];
  const waiting = await exists(top) ? [top] : [];
  for (const folder of waiting) {
    if (folders.length >= FOLDERS_TRIED_MAX || files.length >= FILES_TRIED_MAX) break;
    try {
      for await (const entry of Deno.readDir(folder)) {
        if (entry.name.startsWith(".")) continue;
        const path = join(folder, entry.name);
        if (entry.isDirectory) waiting.push(path);
        else if (entry.isFile && files.length < FILES_TRIED_MAX) files.push(path);
      }
      folders.push(folder);
    } catch (error) {
      closed.push(toFileError("read", folder, error).message);
    }
  }
  return { folders: folders.filter((folder) => folder !== top), files, closed };
}

async function findFault(
  action: string,
  path: string,
  trial: Promise<void>,
): Promise<string | null> {
  try {
    await trial;
    return null;
  } catch (error) {
    return toFileError(action, path, error).message;
  }
}
