import { statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import { FREE_DISK_FLOOR_BYTES } from "../base/limits.ts";
import { type DatabaseHealth, readDatabaseHealth } from "../store/database_health.ts";
import { failed, type Finding, fine, toSize } from "./findings.ts";
import { exists, findLibraryPaths, type LibraryPaths } from "./library_paths.ts";
import { describeLostDatabase, LOST_DATABASE_REMEDY } from "./lost_database.ts";

/** A folder of a large library has more files than anybody waits for. */
const FILES_COUNTED_MAX = 200_000;
const HOLDER_BYTES_MAX = 1_000;
const DAY_MS = 86_400_000;
const BACKUP_AGE_DAYS_MAX = 30;

/**
 * Looks at a library without opening it for writing: its database, who uses it, its disk and folders.
 * Nothing is changed, but for a file in each folder that is made and removed at once, to see whether it
 * can be. Never throws.
 */
export async function examineLibrary(folder: string): Promise<Finding[]> {
  try {
    const found = await lookAtFolder(folder);
    if (found !== null) return [found];
    const paths = await findLibraryPaths(folder);
    const database = await examineDatabase(paths);
    return [
      fine("library", "folder", folder + (paths.isOriginal ? " (of the original ChibiBooru)" : "")),
      database.finding,
      ...await examineUse(paths),
      await examineDisk(paths),
      ...await examineFolders(paths),
      ...await examineRoots(database.health),
      await examineTrash(paths, database.health),
      await examineBackups(paths, database.health),
    ];
  } catch (error) {
    return [failed("library", "folder", error)];
  }
}

/** What keeps the rest from being looked at; null if nothing does. */
async function lookAtFolder(folder: string): Promise<Finding | null> {
  const about = { topic: "library", name: "folder" } as const;
  if (!(await exists(folder))) {
    return {
      ...about,
      verdict: "warning",
      text: `there is no ${folder}`,
      remedy: "deno task serve makes a library there; or name another with --library DIR",
    };
  }
  if ((await Deno.stat(folder)).isDirectory) return null;
  return {
    ...about,
    verdict: "problem",
    text: `${folder} is no folder`,
    remedy: "Choose another with --library DIR",
  };
}

async function examineDatabase(
  paths: LibraryPaths,
): Promise<{ finding: Finding; health: DatabaseHealth | null }> {
  const name = "database";
  if (!(await exists(paths.database))) {
    const lost = await describeLostDatabase(paths);
    if (lost !== null) {
      const about = { topic: "library", name, verdict: "problem" } as const;
      return { finding: { ...about, text: lost, remedy: LOST_DATABASE_REMEDY }, health: null };
    }
    const remedy = "deno task serve makes one; or name another folder with --library DIR";
    const text = "there is none in this folder yet";
    return {
      finding: { topic: "library", name, verdict: "warning", text, remedy },
      health: null,
    };
  }
  try {
    const health = readDatabaseHealth(paths.database);
    const sizes = [toSize(await sizeOf(paths.database))];
    const logBytes = await sizeOf(`${paths.database}-wal`);
    if (logBytes > 0) sizes.push(`${toSize(logBytes)} of changes not folded in yet`);
    const text = `${health.images} images, ${sizes.join(", ")}, version ${health.version}`;
    if (health.version === health.wantedVersion) {
      return { finding: fine("library", name, text), health };
    }
    if (health.version === "empty") {
      const finding = {
        topic: "library" as const,
        name,
        verdict: "warning" as const,
        text: "it is empty: there are no tables in it",
        remedy:
          "The next start of the server makes a new library of it. If there was one, first put " +
          "back a backup with: deno task restore. Without one: deno task rebuild",
      };
      return { finding, health };
    }
    const remedy = "The next start of the server adds the tables it needs, after a copy was made";
    return { finding: { topic: "library", name, verdict: "warning", text, remedy }, health };
  } catch (error) {
    return { finding: failed("library", name, error), health: null };
  }
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

async function examineDisk(paths: LibraryPaths): Promise<Finding> {
  try {
    const { bavail, blocks, bsize } = await statfs(paths.folder);
    const freeBytes = bavail * bsize;
    const text = `${toSize(freeBytes)} of ${toSize(blocks * bsize)} free`;
    if (freeBytes >= FREE_DISK_FLOOR_BYTES) return fine("library", "disk", text);
    const remedy = `Free some space: imports begin with ${toSize(FREE_DISK_FLOOR_BYTES)}`;
    return { topic: "library", name: "disk", verdict: "problem", text, remedy };
  } catch (error) {
    return failed("library", "disk", error);
  }
}

/** Whether each folder that is written can be written by this user. */
async function examineFolders(paths: LibraryPaths): Promise<Finding[]> {
  const { data, images, thumbnails, ingest, trash, backups } = paths;
  const refused: string[] = [];
  let writable = 0;
  for (const folder of [paths.folder, data, images, thumbnails, ingest, trash, backups]) {
    if (!(await exists(folder))) continue;
    const reason = await tryToWrite(folder);
    if (reason === null) writable++;
    else refused.push(`${folder}: ${reason}`);
  }
  if (refused.length === 0) {
    return [
      fine("library", "permissions", `all ${writable} folders that are there can be written`),
    ];
  }
  const remedy = "Make the folder and what is in it writable for the user who runs this program";
  return refused.map((text) => ({
    topic: "library",
    name: "permissions",
    verdict: "problem",
    text,
    remedy,
  }));
}

async function tryToWrite(folder: string): Promise<string | null> {
  try {
    const probe = await Deno.makeTempFile({ dir: folder, prefix: ".chibibooru-doctor-" });
    await Deno.remove(probe);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function examineRoots(health: DatabaseHealth | null): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, path } of health?.roots ?? []) {
    const isThere = await exists(path);
    findings.push({
      topic: "library",
      name: `in place: ${name}`,
      verdict: isThere ? "ok" : "warning",
      text: isThere ? path : `${path} is not there`,
      remedy: isThere ? null : "Is its disk connected? Its images stay in the library",
    });
  }
  return findings;
}

async function examineTrash(
  paths: LibraryPaths,
  health: DatabaseHealth | null,
): Promise<Finding> {
  const { bytes, files, isComplete } = await measureFolder(paths.trash);
  const more = isComplete ? "" : " or more";
  const entries = health?.trashEntries ?? 0;
  return fine(
    "library",
    "trash",
    `${entries} entries, ${files} files${more}, ${toSize(bytes)}${more}`,
  );
}

/** Age and number of the copies of the database. */
async function examineBackups(
  paths: LibraryPaths,
  health: DatabaseHealth | null,
): Promise<Finding> {
  const about = { topic: "library", name: "backups" } as const;
  const remedy = "Make one: deno task backup";
  let newestMs = 0;
  let count = 0;
  if (await exists(paths.backups)) {
    for await (const entry of Deno.readDir(paths.backups)) {
      if (!entry.isFile || !entry.name.endsWith(".db")) continue;
      const { mtime } = await Deno.stat(join(paths.backups, entry.name));
      newestMs = Math.max(newestMs, mtime?.getTime() ?? 0);
      count++;
    }
  }
  if (count === 0) {
    const isNeeded = (health?.images ?? 0) > 0;
    if (!isNeeded) return fine("library", "backups", "none, and no images yet");
    return { ...about, verdict: "warning", text: "there are none", remedy };
  }
  const days = Math.floor((Date.now() - newestMs) / DAY_MS);
  const text = `${count} in ${basename(paths.backups)}, the newest ${days} days old`;
  if (days <= BACKUP_AGE_DAYS_MAX) return fine("library", "backups", text);
  return { ...about, verdict: "warning", text, remedy };
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
