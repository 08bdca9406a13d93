import { isAbsolute, resolve, sep } from "node:path";
import { AppError } from "../base/errors.ts";
import { FILE_NAME_BYTES_MAX } from "../base/limits.ts";
import { md5OfText } from "./md5.ts";

/** Where a stored path lies: in the library's own images folder (`null`) or in a root kept in place. */
export type StoredPath = { root: string | null; relative: string };

const IS_WINDOWS = Deno.build.os === "windows";
const MD5_PATTERN = /^[0-9a-f]{32}$/i;
const IMAGES_PREFIX = "images/";
/** Hex digits of the hash that marks a changed name. */
const SUFFIX_DIGITS = 8;
/** What looks like an ending; anything else behind a dot is part of the name and may be cut. */
const ENDING = /^\.[\p{L}\p{N}][\p{L}\p{N}_-]{0,15}$/u;
/** A character built of more bytes than this (piled-up accents) may be cut in two. */
const GRAPHEME_BYTES_MAX = 64;

/*
 * Characters that some file system refuses, that a shell or a terminal obeys, or that make one name
 * look like another: separators and Windows' forbidden ones, C0 and C1 controls, line and paragraph
 * separators, directional marks, byte order mark, and what stands for undecodable bytes. Zero-width
 * joiners stay: scripts and emoji need them.
 */
const UNSAFE =
  // deno-lint-ignore no-control-regex -- control characters are what this looks for
  /[<>:"/\\|?*\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd\ufffe\uffff]/g;

/** Names that Windows gives to devices, with or without an ending. */
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\.|$)/i;

/**
 * Gives the place of an image's thumbnail as the original lays it out.
 *
 * `images/folder/img.jpg` → `thumbnails/folder/img.webp`; a path without `images/` gets the same.
 * Two images that differ only in their ending share it: new thumbnails use {@link contentThumbnailPath}.
 *
 * Source: chibi:utils/file_utils.py
 */
export function getThumbnailPath(imagePath: string): string {
  const relative = imagePath.startsWith(IMAGES_PREFIX)
    ? imagePath.slice(IMAGES_PREFIX.length)
    : imagePath;
  const slash = relative.lastIndexOf("/") + 1;
  const { stem } = splitExtension(relative.slice(slash));
  return `thumbnails/${relative.slice(0, slash)}${stem}.webp`;
}

/**
 * Gives the bucketed place of a file name: `ab/cd/<filename>`.
 *
 * `ab` and `cd` are the first four hex digits of `md5`, or of the MD5 of the name itself.
 *
 * Source: chibi:utils/file_utils.py
 *
 * @throws {TypeError} If `md5` is given and is not 32 hex digits.
 * @throws {AppError} `forbidden` if `filename` is not a bare name.
 */
export function getBucketedPath(filename: string, md5: string = md5OfText(filename)): string {
  const isBare = filename !== "" && filename !== "." && filename !== ".." &&
    !/[/\\\0]/.test(filename);
  if (!isBare) throw forbidden("store a file as", filename, "it is not a bare file name");
  return `${toBucket(md5)}/${filename}`;
}

/**
 * Gives the place of a new thumbnail inside the thumbnails folder: `ab/cd/<md5>.webp`.
 *
 * @throws {TypeError} If `md5` is not 32 hex digits.
 */
export function contentThumbnailPath(md5: string): string {
  return `${toBucket(md5)}/${md5.toLowerCase()}.webp`;
}

/** Splits a bare name before its last dot; a leading dot begins no ending and a trailing dot is none. */
export function splitExtension(name: string): { stem: string; ext: string } {
  const dot = name.lastIndexOf(".");
  if (dot <= 0 || dot === name.length - 1) return { stem: name, ext: "" };
  return { stem: name.slice(0, dot), ext: name.slice(dot) };
}

/**
 * Turns any text into a file name that Linux, macOS and Windows can all store.
 *
 * Unsafe characters become `_`, leading dots and hyphens too, blanks and dots at the end go, names of
 * devices get a `_` in front, the text is brought to NFC, and the result has at most
 * FILE_NAME_BYTES_MAX bytes with its ending kept. A name that was changed (other than by NFC) carries a
 * hash of the original, so that two originals do not meet in one name; a safe name comes back as it is,
 * so cleaning twice changes nothing.
 *
 * Source: chibi:utils/file_utils.py (`sanitize_filename_for_fs`)
 */
export function sanitizeFilenameForFs(filename: string): string {
  const composed = filename.toWellFormed().normalize("NFC");
  const clean = toSafeName(composed);
  if (clean === composed && byteLength(clean) <= FILE_NAME_BYTES_MAX) return clean;
  // Texts with a lone surrogate would all be hashed as U+FFFD.
  const identity = filename.isWellFormed() ? filename : JSON.stringify(filename);
  return withHashSuffix(clean, md5OfText(identity).slice(0, SUFFIX_DIGITS));
}

/**
 * Puts `-<hash>` before the ending of a safe name and cuts the name to FILE_NAME_BYTES_MAX bytes.
 *
 * The cut falls between characters as people see them, unless a single one has over 64 bytes.
 *
 * @throws {TypeError} If `hash` is not 1 to 64 letters and digits.
 */
export function withHashSuffix(filename: string, hash: string): string {
  if (!/^[0-9a-z]{1,64}$/i.test(hash)) throw new TypeError(`Cannot use "${hash}" as a hash suffix`);
  const split = splitExtension(filename);
  const hasEnding = ENDING.test(split.ext);
  const stem = hasEnding ? split.stem : filename;
  const ext = hasEnding ? split.ext : "";
  const roomBytes = FILE_NAME_BYTES_MAX - byteLength(ext) - hash.length - 1;
  return `${cutToBytes(stem, roomBytes)}-${hash}${ext}`;
}

/** Writes a relative path with `/`; on Linux and macOS a backslash is part of a name and stays. */
export function toPosix(relative: string): string {
  return IS_WINDOWS ? relative.replaceAll("\\", "/") : relative;
}

/**
 * Checks the name of a root that is kept in place and gives it back.
 *
 * Letters, digits, space, `.`, `_` and `-`, up to 64, beginning with a letter or a digit: so that
 * `@<name>/` never reads as anything else.
 *
 * @throws {AppError} `bad_request` otherwise.
 */
export function checkRootName(name: string): string {
  if (/^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M} ._-]{0,62}[\p{L}\p{N}\p{M}_-])?$/u.test(name)) return name;
  throw new AppError("bad_request", `Cannot use "${name}" as the name of a root`, {
    remedy: "Use up to 64 letters, digits, spaces, dots, underscores and hyphens.",
  });
}

/**
 * Writes the stored path of a file of an in-place root: `@<root name>/<relative>`.
 *
 * @throws {AppError} `bad_request` for a name that {@link checkRootName} refuses.
 */
export function inPlacePath(rootName: string, relative: string): string {
  return `@${checkRootName(rootName)}/${toPosix(relative)}`;
}

/**
 * Reads a stored path (`images.filepath`) back into root and relative path.
 *
 * An ordinary file of an older library may lie in a folder whose name begins with `@`: only a name
 * that `isRoot` knows makes it an in-place path.
 */
export function parseStoredPath(filepath: string, isRoot: (name: string) => boolean): StoredPath {
  const slash = filepath.indexOf("/");
  if (filepath.startsWith("@") && slash > 1 && slash < filepath.length - 1) {
    const name = filepath.slice(1, slash);
    if (isRoot(name)) return { root: name, relative: filepath.slice(slash + 1) };
  }
  return { root: null, relative: filepath };
}

/**
 * Joins a path that came from outside to a folder and gives the absolute path, always inside `root`.
 *
 * Lexical only: nothing is decoded and no link is followed ({@link realPathInside} does that). Refused
 * are empty and absolute paths, drive letters, NUL, and `..` wherever `/` or `\` could part names, on
 * every system; on Windows also `:` (streams of a file).
 *
 * @throws {AppError} `forbidden` for all of these.
 */
export function resolveInside(root: string, relative: string): string {
  const action = "use the path";
  if (relative.includes("\0")) throw forbidden(action, relative, "it has a NUL character");
  if (/^[/\\]|^[A-Za-z]:[/\\]/.test(relative) || isAbsolute(relative)) {
    throw forbidden(action, relative, "it is absolute");
  }
  if (IS_WINDOWS && relative.includes(":")) throw forbidden(action, relative, "it has a colon");
  if (relative.split(/[/\\]/).includes("..")) {
    throw forbidden(action, relative, "it leaves its folder");
  }
  const base = resolve(root);
  const path = resolve(base, relative);
  if (!isBelow(base, path)) {
    throw forbidden(action, relative, "it does not name a file of its folder");
  }
  return path;
}

/**
 * Does what {@link resolveInside} does, follows every symbolic link, and gives the real path.
 *
 * What does not exist yet is answered too (its nearest existing folder is followed), so that the check
 * serves writers as well. A link can be swapped after the check: open the path that is returned here.
 *
 * @throws {AppError} `forbidden` if a link leads out of `root` or nowhere, or links form a loop.
 * @throws {Deno.errors.NotFound} If `root` itself does not exist.
 */
export async function realPathInside(root: string, relative: string): Promise<string> {
  const base = await Deno.realPath(root);
  const path = await followLinks(resolveInside(base, relative), base, relative);
  if (!isBelow(base, path)) {
    throw forbidden("use the path", relative, "a symbolic link leads out of its folder");
  }
  return path;
}

/** Real path of the longest part that exists, with the rest appended. */
async function followLinks(path: string, base: string, relative: string): Promise<string> {
  let existing = path;
  for (;;) {
    try {
      return resolve(await Deno.realPath(existing), "." + path.slice(existing.length));
    } catch (error) {
      if (isLoop(error)) throw forbidden("use the path", relative, "symbolic links form a loop");
      if (!isMissing(error)) throw error;
    }
    if (await isLink(existing)) {
      throw forbidden("use the path", relative, "a symbolic link leads nowhere");
    }
    if (!isBelow(base, existing)) return path;
    existing = resolve(existing, "..");
  }
}

function toSafeName(composed: string): string {
  const trimmed = composed.replace(UNSAFE, "_").replace(/[.\s]+$/u, "");
  // The ending by itself: a name like "-.jpg" has nothing but the front in front of it.
  const { stem, ext } = splitExtension(trimmed);
  const fronted = stem.trimStart().replace(/^[.-]+/, (run) => "_".repeat(run.length));
  const name = `${fronted === "" ? "unnamed" : fronted}${ext}`;
  return RESERVED.test(name) ? `_${name}` : name;
}

/** The longest beginning of `text` that has at most `bytesMax` bytes and splits no character. */
function cutToBytes(text: string, bytesMax: number): string {
  if (byteLength(text) <= bytesMax) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytesMax));
  const cut = text.slice(0, read);
  const split = new Intl.Segmenter().segment(text).containing(read);
  const whole = split === undefined ? cut : text.slice(0, split.index);
  return byteLength(cut) - byteLength(whole) > GRAPHEME_BYTES_MAX ? cut : whole;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isSymlink;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

function isLoop(error: unknown): boolean {
  return error instanceof Deno.errors.FilesystemLoop ||
    (error instanceof Error && "code" in error && error.code === "ELOOP");
}

/** Strictly below: the folder itself is not. */
function isBelow(base: string, path: string): boolean {
  const prefix = base.endsWith(sep) ? base : base + sep;
  return path.startsWith(prefix) && path.length > prefix.length;
}

function toBucket(md5: string): string {
  if (!MD5_PATTERN.test(md5)) throw new TypeError(`Cannot make a bucket: "${md5}" is not an MD5`);
  return `${md5.slice(0, 2)}/${md5.slice(2, 4)}`.toLowerCase();
}

function forbidden(action: string, path: string, reason: string): AppError {
  return new AppError("forbidden", `Cannot ${action} "${path}": ${reason}`);
}
