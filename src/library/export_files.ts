import { dirname, join } from "node:path";
import { AppError } from "../base/errors.ts";
import { SIDECAR_BYTES_MAX } from "../base/limits.ts";
import { realPathInside, resolveInside, sanitizeFilenameForFs } from "../media/paths.ts";
import { fieldOf, isJsonObject, parseJson } from "../tags/json.ts";
import { SAVED_FIELD } from "../tags/saved_image.ts";
import { exists } from "./library_paths.ts";
import type { FileCalls } from "./stored_file.ts";

/** What became of a file of an export. */
export type Placed = "written" | "unchanged";

/** Where files lie until they are whole; on the device of the export, hidden from imports. */
const UNFINISHED = ".chibibooru-export";

/** Folders of which it is known that they lie in the export. */
const FOLDERS_KNOWN_MAX = 10_000;

/**
 * Path of an image in an export: as it is stored, with names that every system can have and every import
 * reads.
 */
export function toExportPath(filepath: string): string {
  return filepath.split("/").map((name) => sanitizeFilenameForFs(name)).join("/");
}

/** Puts files into the folder of an export, each whole or not at all, and over nothing of anybody else. */
export class ExportFolder {
  readonly #folder: string;
  readonly #calls: FileCalls;
  readonly #known = new Set<string>();

  /** Takes a folder that is there, without links. */
  constructor(folder: string, calls: FileCalls = Deno) {
    this.#folder = folder;
    this.#calls = calls;
  }

  /** Makes room for files that are not whole yet; what an interrupted run left goes. */
  async open(): Promise<void> {
    await this.close();
    await this.#calls.mkdir(join(this.#folder, UNFINISHED));
  }

  /** Removes what is not whole. */
  async close(): Promise<void> {
    const path = join(this.#folder, UNFINISHED);
    if (await exists(path)) await this.#calls.remove(path, { recursive: true });
  }

  /** A new name for a file that is not whole yet. */
  makeUnfinished(): string {
    return join(this.#folder, UNFINISHED, crypto.randomUUID());
  }

  /**
   * Writes a file. One that is there stays if it is the same; else it is replaced only if `isOurs` says that
   * an export wrote it.
   *
   * @throws {AppError} `conflict` if it is somebody else's, `forbidden` if a link leads out of the folder.
   */
  async put(
    relative: string,
    bytes: Uint8Array,
    isOurs: (path: string, old: Uint8Array) => boolean | Promise<boolean>,
  ): Promise<Placed> {
    const path = await this.#locate(relative);
    const isThere = await exists(path);
    if (isThere) {
      const old = await readSmall(path);
      if (old !== null && isEqual(old, bytes)) return "unchanged";
      if (old === null || !(await isOurs(path, old))) throw foreign(relative);
    }
    const temporary = this.makeUnfinished();
    try {
      await Deno.writeFile(temporary, bytes, { createNew: true });
      if (isThere) await this.#calls.rename(temporary, path);
      else await this.#name(temporary, path, relative);
    } finally {
      await this.#calls.remove(temporary).catch(ignoreMissing);
    }
    return "written";
  }

  /**
   * Copies a file; `isWhole` looks at the copy, and at what is there already.
   *
   * @throws {AppError} `conflict` if something else is there.
   */
  async copy(
    relative: string,
    source: string,
    options: {
      isSame: (left: string, right: string) => Promise<boolean>;
      check: (copy: string) => Promise<void>;
    },
  ): Promise<Placed> {
    const path = await this.#locate(relative);
    if (await exists(path)) {
      const isFile = (await Deno.lstat(path)).isFile;
      if (isFile && await options.isSame(source, path)) return "unchanged";
      throw foreign(relative);
    }
    const temporary = this.makeUnfinished();
    try {
      await this.#calls.copyFile(source, temporary);
      await options.check(temporary);
      const { atime, mtime } = await Deno.stat(source);
      if (atime !== null && mtime !== null) await Deno.utime(temporary, atime, mtime);
      await this.#name(temporary, path, relative);
    } finally {
      await this.#calls.remove(temporary).catch(ignoreMissing);
    }
    return "written";
  }

  /** Gives a file its name unless something has it. */
  async #name(temporary: string, path: string, relative: string): Promise<void> {
    try {
      await this.#calls.link(temporary, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists || await exists(path)) throw foreign(relative);
      // A file system without links.
      await this.#calls.rename(temporary, path);
    }
  }

  /** Path of a file, whose folder is made; no link leads out of the export. */
  async #locate(relative: string): Promise<string> {
    const path = resolveInside(this.#folder, relative);
    const folder = dirname(path);
    if (this.#known.has(folder) || folder === this.#folder) return path;
    const inner = folder.slice(this.#folder.length + 1);
    // Asked before it is made: not even a folder is made elsewhere.
    if (await realPathInside(this.#folder, inner) !== folder) throw foreign(inner);
    try {
      await this.#calls.mkdir(folder, { recursive: true });
    } catch (error) {
      if (
        error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotADirectory
      ) {
        throw foreign(inner);
      }
      throw error;
    }
    if (this.#known.size >= FOLDERS_KNOWN_MAX) this.#known.clear();
    this.#known.add(folder);
    return path;
  }
}

/** Whether a sidecar is one that an export wrote for this image. */
export function isSidecarOf(md5: string, old: Uint8Array): boolean {
  try {
    const object = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(old));
    const field = isJsonObject(object) ? fieldOf(object, SAVED_FIELD) : undefined;
    return isJsonObject(field) && fieldOf(field, "md5") === md5;
  } catch (error) {
    if (error instanceof AppError || error instanceof TypeError) return false;
    throw error;
  }
}

/** A file that may be one of an export; null for anything else. */
async function readSmall(path: string): Promise<Uint8Array | null> {
  const { isFile, size } = await Deno.lstat(path);
  return isFile && size <= SIDECAR_BYTES_MAX ? await Deno.readFile(path) : null;
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

function foreign(relative: string): AppError {
  return new AppError("conflict", `Cannot write ${relative}: something else is there`);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
