import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { crypto } from "@std/crypto";
import { describeFileErrorCode, fileErrorCode, toFileError } from "./file_error.ts";
import { SNIFF_BYTES } from "./sniff.ts";

/** Why one file of a batch could not be hashed. */
export type HashError = { index: number; code: string; message: string };

/**
 * What {@link hashFiles} found out about a batch of n files; all arrays are indexed as the paths were.
 *
 * Shape: words Int32[4n] (read with {@link wordsToMd5Hex}); sizes Float64[n] in bytes; mtimesMs
 * Float64[n]; status Int32[n], 0 or an errno; heads Uint8[n × SNIFF_BYTES], padded with zeros. Where
 * status is not 0 the other values of that file are 0 and `errors` says why.
 */
export type HashedFiles = {
  words: Int32Array<ArrayBuffer>;
  sizes: Float64Array<ArrayBuffer>;
  mtimesMs: Float64Array<ArrayBuffer>;
  status: Int32Array<ArrayBuffer>;
  heads: Uint8Array<ArrayBuffer>;
  errors: HashError[];
};

/** Values of `HashedFiles.status` with a meaning of their own; all others are a system call's errno. */
export const HASH_STATUS = { ok: 0, unknown: 5, changed: 11, folder: 21, notRegular: 22 } as const;

const CHUNK_BYTES = 1_048_576;
const WORDS_PER_MD5 = 4;

/** What one pass over a file yields. */
type FilePass = { digest: ArrayBuffer; sizeBytes: number; mtimeMs: number };

/**
 * Computes the MD5 of a file's content as 32 lower-case hex digits.
 *
 * Cost: one streaming read in chunks of 1 MiB; memory does not grow with the file.
 * Source: chibi:utils/file_utils.py
 *
 * @throws {AppError} `not_found`, `forbidden`, `bad_request` (a folder) …; the message names the file.
 */
export async function getFileMd5(path: string): Promise<string> {
  try {
    // Asked before opening: to open a pipe that nobody writes to is to wait for ever.
    checkRegular(await Deno.stat(path));
    using file = await Deno.open(path);
    return toHex(await crypto.subtle.digest("MD5", readChunks(file)));
  } catch (error) {
    throw toFileError("hash", path, error);
  }
}

/** Computes the MD5 of a text's UTF-8 as 32 lower-case hex digits. */
export function md5OfText(text: string): string {
  return toHex(crypto.subtle.digestSync("MD5", new TextEncoder().encode(text)));
}

/** Whether a text is an MD5 in hex, in either case. */
export function isMd5Hex(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(text);
}

/**
 * Writes an MD5 in hex to `out[offset … offset + 3]`, eight digits to a word.
 *
 * Comparing the words as unsigned numbers, first word first, orders as comparing the hex texts does.
 *
 * @throws {TypeError} If `hex` is not 32 hex digits.
 * @throws {RangeError} If `out` has no room for four words at `offset`.
 */
export function md5HexToWords(hex: string, out: Int32Array, offset: number): void {
  if (!isMd5Hex(hex)) throw new TypeError(`Cannot read an MD5: current value is "${hex}"`);
  checkRoom(out.length, offset);
  for (let word = 0; word < WORDS_PER_MD5; word++) {
    out[offset + word] = parseInt(hex.slice(word * 8, word * 8 + 8), 16);
  }
}

/**
 * Gives the 32 lower-case hex digits of the MD5 at `words[offset … offset + 3]`.
 *
 * @throws {RangeError} If `words` has no four words at `offset`.
 */
export function wordsToMd5Hex(words: ArrayLike<number>, offset: number): string {
  checkRoom(words.length, offset);
  let hex = "";
  for (let word = 0; word < WORDS_PER_MD5; word++) {
    hex += (words[offset + word] >>> 0).toString(16).padStart(8, "0");
  }
  return hex;
}

/**
 * Hashes files one after the other, and gives each one's size and first bytes from the same read.
 *
 * A file that fails is reported in `errors` and stops nobody. One that changed while it was read has
 * the status `changed`: its MD5 would be of no content that ever existed. Pipes and devices are refused
 * without waiting for them. `onFile` is called with the index after each file.
 *
 * Blocks its thread: for a hasher worker. Cost: one read through a reused buffer of 1 MiB.
 */
export function hashFiles(
  paths: readonly string[],
  onFile?: (index: number) => void,
): HashedFiles {
  const result = buildHashedFiles(paths.length);
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let index = 0; index < paths.length; index++) {
    try {
      hashInto(result, index, hashFile(paths[index], headOf(result, index), buffer));
    } catch (error) {
      hashFailed(result, index, paths[index], error);
    }
    onFile?.(index);
  }
  return result;
}

/** Gives the bytes that one file of a batch begins with, as a view; shorter for a short file. */
export function hashedFileHead(result: HashedFiles, index: number): Uint8Array<ArrayBuffer> {
  const head = headOf(result, index);
  return head.subarray(0, Math.min(result.sizes[index], SNIFF_BYTES));
}

/** Lists the buffers of a result, for the transfer list of a message. */
export function hashedFilesBuffers(result: HashedFiles): ArrayBuffer[] {
  return [result.words, result.sizes, result.mtimesMs, result.status, result.heads]
    .map((array) => array.buffer);
}

/** A fault that no system call reports, in the form of one that a system call does. */
class FileFault extends Error {
  constructor(readonly code: string, readonly errno: number) {
    super(describeFileErrorCode(code));
  }
}

function buildHashedFiles(count: number): HashedFiles {
  return {
    words: new Int32Array(count * WORDS_PER_MD5),
    sizes: new Float64Array(count),
    mtimesMs: new Float64Array(count),
    status: new Int32Array(count),
    heads: new Uint8Array(count * SNIFF_BYTES),
    errors: [],
  };
}

function headOf(result: HashedFiles, index: number): Uint8Array<ArrayBuffer> {
  return result.heads.subarray(index * SNIFF_BYTES, (index + 1) * SNIFF_BYTES);
}

function hashInto(result: HashedFiles, index: number, pass: FilePass): void {
  const digest = new DataView(pass.digest);
  for (let word = 0; word < WORDS_PER_MD5; word++) {
    result.words[index * WORDS_PER_MD5 + word] = digest.getInt32(word * 4);
  }
  result.sizes[index] = pass.sizeBytes;
  result.mtimesMs[index] = pass.mtimeMs;
}

function hashFailed(result: HashedFiles, index: number, path: string, error: unknown): void {
  const code = fileErrorCode(error);
  headOf(result, index).fill(0);
  result.status[index] = errnoOf(error);
  result.errors.push({ index, code, message: toFileError("hash", path, error).message });
}

/** The number of a failure, positive on every system; never 0. */
function errnoOf(error: unknown): number {
  const errno = error instanceof Error && "errno" in error ? Math.abs(Number(error.errno)) : 0;
  return errno > 0 ? errno : HASH_STATUS.unknown;
}

/** Opened without waiting: opening a pipe that nobody writes to would never come back. */
function hashFile(path: string, head: Uint8Array, buffer: Uint8Array<ArrayBuffer>): FilePass {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const before = fstatSync(fd);
    checkRegular({ isFile: before.isFile(), isDirectory: before.isDirectory() });
    const digest = crypto.subtle.digestSync(
      "MD5",
      readChunksSync(fd, { head, buffer, sizeBytes: before.size }),
    );
    const after = fstatSync(fd);
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw fileChanged();
    return { digest, sizeBytes: before.size, mtimeMs: before.mtimeMs };
  } finally {
    closeSync(fd);
  }
}

/** Yields one buffer again and again; whoever reads must be done with a chunk before the next. */
function* readChunksSync(
  fd: number,
  into: { head: Uint8Array; buffer: Uint8Array<ArrayBuffer>; sizeBytes: number },
): Generator<Uint8Array<ArrayBuffer>> {
  let done = 0;
  for (;;) {
    const count = readSync(fd, into.buffer, 0, into.buffer.length, null);
    if (count === 0) break;
    const chunk = into.buffer.subarray(0, count);
    if (done < into.head.length) {
      into.head.set(chunk.subarray(0, into.head.length - done), done);
    }
    done += count;
    // A file that grows as fast as it is read would keep the worker for ever.
    if (done > into.sizeBytes) break;
    yield chunk;
  }
  if (done !== into.sizeBytes) throw fileChanged();
}

async function* readChunks(file: Deno.FsFile): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const count = await file.read(buffer);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}

function checkRegular(entry: { isFile: boolean; isDirectory: boolean }): void {
  if (entry.isDirectory) throw new FileFault("EISDIR", HASH_STATUS.folder);
  if (!entry.isFile) throw new FileFault("ENOTREG", HASH_STATUS.notRegular);
}

function fileChanged(): FileFault {
  return new FileFault("ECHANGED", HASH_STATUS.changed);
}

function checkRoom(length: number, offset: number): void {
  if (!Number.isInteger(offset) || offset < 0 || offset + WORDS_PER_MD5 > length) {
    throw new RangeError(`Cannot use four words at ${offset}: there are ${length}`);
  }
}

function toHex(digest: ArrayBuffer): string {
  const view = new DataView(digest);
  return wordsToMd5Hex([0, 4, 8, 12].map((at) => view.getInt32(at)), 0);
}
