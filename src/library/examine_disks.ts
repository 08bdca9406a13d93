import { statfs } from "node:fs/promises";
import { FREE_DISK_FLOOR_BYTES } from "../base/limits.ts";
import { broken, type Finding, fine, toSize, warned } from "./findings.ts";
import { exists, type LibraryPaths } from "./library_paths.ts";

/** A disk on which less is free is soon full. */
const FREE_SHARE_MIN = 0.05;
const FREE_NAMES_MIN = 10_000;

/** What a file system says of itself, in blocks and numbers of files. */
export type DiskFacts = {
  bsize: number;
  blocks: number;
  /** Blocks that this user may still use. */
  bavail: number;
  /** Files and folders that there can be; 0 where there is no such limit. */
  files: number;
  ffree: number;
};

/** Looks at each disk that the library writes to: mostly one, more if folders are links or mounts. */
export async function examineDisks(
  paths: LibraryPaths,
  readFacts: (folder: string) => Promise<DiskFacts> = statfs,
): Promise<Finding[]> {
  const { folder, images, thumbnails, trash, data, backups, ingest } = paths;
  const devices = new Set<number>();
  const findings: Finding[] = [];
  for (const place of [folder, data, images, thumbnails, trash, ingest, backups]) {
    if (!(await exists(place))) continue;
    const { dev } = await Deno.stat(place);
    if (devices.has(dev)) continue;
    devices.add(dev);
    const name = devices.size === 1 ? "disk" : `disk of ${place}`;
    findings.push(judgeDisk(name, await readFacts(place)));
  }
  return findings;
}

/** Whether a disk has room: for imports, which begin with a floor, and for names. */
export function judgeDisk(name: string, facts: DiskFacts): Finding {
  const freeBytes = facts.bavail * facts.bsize;
  const bytes = facts.blocks * facts.bsize;
  const text = `${toSize(freeBytes)} of ${toSize(bytes)} free`;
  if (freeBytes < FREE_DISK_FLOOR_BYTES) {
    const remedy = `Free some space: imports begin with ${toSize(FREE_DISK_FLOOR_BYTES)}`;
    return broken("library", name, { text, remedy });
  }
  if (facts.files > 0 && facts.ffree < FREE_NAMES_MIN) {
    return warned("library", name, {
      text: `${text}, but only ${facts.ffree} more files fit`,
      remedy: "Remove small files that nobody needs, or use a disk made for more of them",
    });
  }
  if (freeBytes >= bytes * FREE_SHARE_MIN) return fine("library", name, text);
  return warned("library", name, {
    text: `${text}: soon it is full`,
    remedy: "Empty the trash, move old backups, or use a larger disk",
  });
}
