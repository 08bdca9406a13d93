import { dirname, join } from "node:path";
import { commandLine } from "../base/command_line.ts";
import { type DatabaseHealth, readDatabaseHealth } from "../store/database_health.ts";
import { listBackups } from "./backup_files.ts";
import { examineDisks } from "./examine_disks.ts";
import { examineFiles, examineFolders, examineOwner } from "./examine_folders.ts";
import { examineRoots, examineWatching } from "./examine_watching.ts";
import { broken, failed, type Finding, fine, lookFor, toSize, warned } from "./findings.ts";
import { exists, findLibraryPaths, type LibraryPaths } from "./library_paths.ts";
import { describeLostDatabase, LOST_DATABASE_REMEDY } from "./lost_database.ts";

/** A folder of a large library has more files than anybody waits for. */
const FILES_COUNTED_MAX = 200_000;
const HOLDER_BYTES_MAX = 1_000;
const DAY_MS = 86_400_000;
const BACKUP_AGE_DAYS_MAX = 30;
/** A trash below this is in nobody's way. */
const TRASH_BYTES_MIN = 1_000_000_000;
/** Of all files of the library, above which the trash is much. */
const TRASH_SHARE_MAX = 0.25;
/** Where systems put disks that come and go. */
const MOUNTS = /^\/(?:mnt|media|run\/media|Volumes)\//;

/**
 * Looks at a library without opening it for writing: its database, who uses it, its disks, folders and
 * files. Nothing is changed, but for a file in some folders that is made and removed at once, to see whether
 * it can be. Backups may be in a folder of their own besides. Never throws.
 */
export async function examineLibrary(
  folder: string,
  { backups }: { backups?: string | null } = {},
): Promise<Finding[]> {
  try {
    const found = await lookAtFolder(folder);
    if (found !== null) return [found];
    const paths = await findLibraryPaths(folder);
    const { findings, health } = await examineDatabase(paths);
    const isOpen = await readHolder(join(paths.data, "server.lock")).catch(() => null) !== null;
    const looks: Record<string, () => Promise<Finding | Finding[]>> = {
      owner: () => examineOwner(paths),
      "in use": () => examineUse(paths),
      disk: () => examineDisks(paths),
      permissions: () => examineFolders(paths),
      files: () => examineFiles(paths),
      "in place": () => examineRoots(health),
      watching: () => examineWatching(paths, health),
      thumbnails: () => examineThumbnails(paths, health),
      trash: () => examineTrash(paths, health),
      backups: () => examineBackups([paths.backups, ...(backups ? [backups] : [])], health),
    };
    // The server's own watches count as well: what it could not watch stands in its log.
    if (isOpen) delete looks.watching;
    const looked: Finding[] = [];
    // One after the other: some make a file for a moment, which others would see.
    for (const [name, look] of Object.entries(looks)) {
      looked.push(...await lookFor("library", name, look));
    }
    const kind = paths.isOriginal ? " (of the original ChibiBooru)" : "";
    return [fine("library", "folder", folder + kind), ...findings, ...looked];
  } catch (error) {
    const found = failed("library", "folder", error);
    const remedy = found.remedy ?? "May this user look there? Or name another with --library DIR";
    return [{ ...found, remedy }];
  }
}

/** What keeps the rest from being looked at; null if nothing does. */
async function lookAtFolder(folder: string): Promise<Finding | null> {
  if (!(await exists(folder))) {
    const place = await findMissingDisk(folder);
    if (place !== null) {
      return broken("library", "folder", {
        text: `there is no ${folder}, and ${place}`,
        remedy: "Is its disk connected? A new library is made there by: " +
          commandLine(`serve --library ${folder}`),
      });
    }
    return warned("library", "folder", {
      text: `there is no ${folder}`,
      remedy: `${commandLine("serve")} makes a library there; or name another with --library DIR`,
    });
  }
  const info = await Deno.stat(folder).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (info?.isDirectory) return null;
  return broken("library", "folder", {
    text: info === null ? `${folder} is a link to nothing` : `${folder} is no folder`,
    remedy: info === null
      ? "Is the disk of what it leads to connected?"
      : "Choose another with --library DIR",
  });
}

/** What shows that a folder is on a disk that is not there; null if nothing does. */
async function findMissingDisk(folder: string): Promise<string | null> {
  const parent = dirname(folder);
  if (!(await exists(parent))) return `no ${parent} either`;
  if (!(await Deno.stat(parent)).isDirectory) return `${parent} is no folder`;
  return MOUNTS.test(`${folder}/`) && await isEmpty(parent) ? `${parent} is empty` : null;
}

async function isEmpty(folder: string): Promise<boolean> {
  for await (const _entry of Deno.readDir(folder)) return false;
  return true;
}

async function examineDatabase(
  paths: LibraryPaths,
): Promise<{ findings: Finding[]; health: DatabaseHealth | null }> {
  let health: DatabaseHealth | null = null;
  const findings = await lookFor("library", "database", async () => {
    if (!(await exists(paths.database))) return await describeNoDatabase(paths);
    health = readDatabaseHealth(paths.database);
    return [await describeDatabase(paths, health), ...await examineTime(paths)];
  });
  return { findings, health };
}

async function describeNoDatabase(paths: LibraryPaths): Promise<Finding> {
  const lost = await describeLostDatabase(paths);
  if (lost !== null) {
    return broken("library", "database", { text: lost, remedy: LOST_DATABASE_REMEDY });
  }
  if (MOUNTS.test(`${paths.folder}/`) && await isEmpty(paths.folder)) {
    return warned("library", "database", {
      text: "there is none: the folder is empty",
      remedy: `If its disk is not connected, do that first. Else ${commandLine("serve")} makes one`,
    });
  }
  return warned("library", "database", {
    text: "there is none in this folder yet",
    remedy: `${commandLine("serve")} makes one; or name another folder with --library DIR`,
  });
}

async function describeDatabase(paths: LibraryPaths, health: DatabaseHealth): Promise<Finding> {
  if (health.version === "empty") {
    return warned("library", "database", {
      text: "it is empty: there are no tables in it",
      remedy:
        "The next start of the server makes a new library of it. If there was one, first put " +
        `back a backup with: ${commandLine("restore latest")}. Without one: ` +
        commandLine("rebuild"),
    });
  }
  const sizes = [toSize(await sizeOf(paths.database))];
  const logBytes = await sizeOf(`${paths.database}-wal`);
  if (logBytes > 0) sizes.push(`${toSize(logBytes)} of changes not folded in yet`);
  const text = `${health.images} images, ${sizes.join(", ")}, version ${health.version}`;
  if (health.version === health.wantedVersion) return fine("library", "database", text);
  const remedy = "The next start of the server adds the tables it needs, after a copy was made";
  return warned("library", "database", { text, remedy });
}

/** A database of tomorrow was written under a wrong clock, or the clock is wrong now. */
async function examineTime(paths: LibraryPaths): Promise<Finding[]> {
  const { mtime } = await Deno.stat(paths.database);
  const ms = mtime?.getTime() ?? 0;
  if (ms < Date.now() + DAY_MS) return [];
  const text = `the database was written on ${
    new Date(ms).toISOString().slice(0, 10)
  }, which is to come`;
  return [warned("library", "time", { text, remedy: "Is the clock of this machine right?" })];
}

/** Who has the library open, and who moves files in it. */
async function examineUse(paths: LibraryPaths): Promise<Finding[]> {
  const server = await readHolder(join(paths.data, "server.lock"));
  const mover = await readHolder(paths.lock);
  const findings = [
    fine("library", "in use", server === null ? "by nobody" : `by ${server}`),
  ];
  if (mover !== null) {
    findings.push({
      topic: "library",
      name: "lock",
      verdict: "warning",
      text: `files are being moved by ${mover}`,
      remedy: "Other commands that move files wait until it is done",
    });
  }
  return findings;
}

/** What the holder of a lock wrote into it; null if nobody holds it. */
async function readHolder(path: string): Promise<string | null> {
  if (!(await exists(path))) return null;
  using file = await Deno.open(path, { read: true });
  if (file.tryLockSync(true)) {
    file.unlockSync();
    return null;
  }
  const text = (await Deno.readTextFile(path)).slice(0, HOLDER_BYTES_MAX).trim();
  return text === "" ? "another command" : text;
}

async function examineThumbnails(
  paths: LibraryPaths,
  health: DatabaseHealth | null,
): Promise<Finding> {
  const { bytes, files, isComplete } = await measureFolder(paths.thumbnails);
  const more = isComplete ? "" : " or more";
  const text = `${files}${more} for ${health?.images ?? 0} images, ${toSize(bytes)}${more}`;
  return fine("library", "thumbnails", text);
}

async function examineTrash(
  paths: LibraryPaths,
  health: DatabaseHealth | null,
): Promise<Finding> {
  const { bytes, files, isComplete } = await measureFolder(paths.trash);
  const more = isComplete ? "" : " or more";
  const entries = health?.trashEntries ?? 0;
  const text = `${entries} entries, ${files} files${more}, ${toSize(bytes)}${more}`;
  const kept = await measureFolder(paths.images);
  if (!isMuch(bytes, kept.bytes)) return fine("library", "trash", text);
  return warned("library", "trash", {
    text: `${text}, beside ${toSize(kept.bytes)} of images`,
    remedy: `See what is in it: ${commandLine("trash list")}. What is old goes for good by: ` +
      commandLine("trash empty --older-than 30"),
  });
}

/** Whether a trash takes a large part of what the library takes. */
export function isMuch(trashBytes: number, imagesBytes: number): boolean {
  return trashBytes >= TRASH_BYTES_MIN &&
    trashBytes > (trashBytes + imagesBytes) * TRASH_SHARE_MAX;
}

/** Age and number of the copies of the database in some folders. */
async function examineBackups(
  folders: readonly string[],
  health: DatabaseHealth | null,
): Promise<Finding> {
  const where = folders.join(" and ");
  const others = folders.length === 1 ? ". If they are elsewhere: --backups DIR" : "";
  const remedy = `Make one: ${commandLine("backup")}${others}`;
  const found = (await Promise.all(folders.map(listBackups))).flat();
  if (found.length === 0) {
    const isNeeded = (health?.images ?? 0) > 0;
    if (!isNeeded) return fine("library", "backups", "none, and no images yet");
    return warned("library", "backups", { text: `there are none in ${where}`, remedy });
  }
  const newestMs = Math.max(...found.map(({ madeAt }) => Date.parse(madeAt)));
  const days = Math.floor((Date.now() - newestMs) / DAY_MS);
  const text = `${found.length} in ${where}, the newest ${describeAge(days)}`;
  if (days > BACKUP_AGE_DAYS_MAX) return warned("library", "backups", { text, remedy });
  if (days < -1) {
    return warned("library", "backups", { text, remedy: "Is the clock of this machine right?" });
  }
  return fine("library", "backups", text);
}

function describeAge(days: number): string {
  if (days < -1) return "of a day that is to come";
  if (days <= 0) return "of today";
  return days === 1 ? "one day old" : `${days} days old`;
}

async function sizeOf(path: string): Promise<number> {
  return await exists(path) ? (await Deno.stat(path)).size : 0;
}

/** Files below a folder and their sizes, as far as there are not too many. Links are not followed. */
async function measureFolder(
  folder: string,
): Promise<{ bytes: number; files: number; isComplete: boolean }> {
  let [bytes, files] = [0, 0];
  const folders = await exists(folder) ? [folder] : [];
  for (const current of folders) {
    for await (const entry of Deno.readDir(current)) {
      const path = join(current, entry.name);
      if (entry.isDirectory) folders.push(path);
      else {
        bytes += (await Deno.lstat(path)).size;
        if (++files >= FILES_COUNTED_MAX) return { bytes, files, isComplete: false };
      }
    }
  }
  return { bytes, files, isComplete: true };
}
