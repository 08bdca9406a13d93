import { basename, dirname } from "node:path";
import { toFoundFile } from "./import_walk.ts";
import type { Look } from "./still_files.ts";

/** Folders that were looked at in one round, and whether they are reached without a link. */
export type PlainFolders = Map<string, Promise<boolean>>;

/** What is at a path. What a link leads to is not looked at: it has a path of its own, or lies outside. */
export async function lookAt(path: string, folders: PlainFolders = new Map()): Promise<Look> {
  try {
    const folder = dirname(path);
    let isPlain = folders.get(folder);
    if (isPlain === undefined) {
      isPlain = Deno.realPath(folder).then((real) => real === folder);
      folders.set(folder, isPlain);
    }
    if (!(await isPlain)) return { kind: "other" };
    const info = await Deno.lstat(path);
    if (info.isFile) return { kind: "file", file: toFoundFile(path, basename(path), info) };
    return { kind: info.isDirectory ? "folder" : "other" };
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    return { kind: isGone ? "nothing" : "other" };
  }
}
