import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { toFileError } from "./file_error.ts";
import type { HashError } from "./md5.ts";
import { sameWords } from "./same_words.ts";

/** Two files that are to be compared, by their paths. */
export type FilePair = { left: string; right: string };

/**
 * What {@link comparePairs} found out, indexed as the pairs were.
 *
 * Shape: verdicts Int32[n]: 1 for equal bytes, 0 for different ones, -1 where a file could not be read and
 * `errors` says why.
 */
export type ComparedPairs = { verdicts: Int32Array<ArrayBuffer>; errors: HashError[] };

/** Values of `ComparedPairs.verdicts`. */
export const VERDICT = { same: 1, different: 0, unreadable: -1 } as const;

const CHUNK_BYTES = 1_048_576;

/** The two buffers of a comparison. */
type Buffers = { left: Uint8Array<ArrayBuffer>; right: Uint8Array<ArrayBuffer> };

function makeBuffers(): Buffers {
  return { left: new Uint8Array(CHUNK_BYTES), right: new Uint8Array(CHUNK_BYTES) };
}

/**
 * Whether two files have the same bytes: by size first, then chunk by chunk. Two names of one inode are
 * equal without reading. Blocks its thread: for workers.
 *
 * @throws {AppError} `not_found` …, naming the file that could not be read.
 */
export function haveSameBytes(leftPath: string, rightPath: string): boolean {
  return compareFiles({ left: leftPath, right: rightPath }, makeBuffers());
}

/**
 * Compares pairs of files one after the other, as {@link haveSameBytes} does; a file that cannot be read is
 * reported and stops nobody. Blocks its thread: for workers.
 */
export function comparePairs(pairs: readonly FilePair[]): ComparedPairs {
  const result: ComparedPairs = { verdicts: new Int32Array(pairs.length), errors: [] };
  const buffers = makeBuffers();
  for (const [index, pair] of pairs.entries()) {
    try {
      const isSame = compareFiles(pair, buffers);
      result.verdicts[index] = isSame ? VERDICT.same : VERDICT.different;
    } catch (error) {
      const { message, details } = toFileError("compare", pair.left, error);
      result.verdicts[index] = VERDICT.unreadable;
      result.errors.push({ index, code: String(details?.system), message });
    }
  }
  return result;
}

/** An open file and what it was when it was opened. */
type Opened = { fd: number; info: Stats };

function compareFiles({ left: leftPath, right: rightPath }: FilePair, buffers: Buffers): boolean {
  const left = openNamed(leftPath);
  try {
    const right = openNamed(rightPath);
    try {
      return compareOpen(left, right, buffers);
    } finally {
      closeSync(right.fd);
    }
  } catch (error) {
    throw toFileError("compare", rightPath, error);
  } finally {
    closeSync(left.fd);
  }
}

/** Without waiting: to open a pipe that nobody writes to is to wait for ever. */
function openNamed(path: string): Opened {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const info = fstatSync(fd);
    if (info.isFile()) return { fd, info };
    throw Object.assign(new Error(), { code: info.isDirectory() ? "EISDIR" : "ENOTREG" });
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw toFileError("compare", path, error);
  }
}

function compareOpen(left: Opened, right: Opened, buffers: Buffers): boolean {
  const [a, b] = [left.info, right.info];
  if (a.ino !== 0 && a.ino === b.ino && a.dev === b.dev) return true;
  if (a.size !== b.size) return false;
  for (let at = 0;; at += CHUNK_BYTES) {
    const leftCount = readFull(left.fd, buffers.left, at);
    const rightCount = readFull(right.fd, buffers.right, at);
    if (leftCount !== rightCount) return false;
    const isSame = sameWords(
      buffers.left.subarray(0, leftCount),
      buffers.right.subarray(0, rightCount),
    );
    if (!isSame) return false;
    if (leftCount < CHUNK_BYTES) return true;
  }
}

/** Reads until the buffer is full or the file ends. */
function readFull(file: number, bytes: Uint8Array, position: number): number {
  let count = 0;
  while (count < bytes.length) {
    const read = readSync(file, bytes, count, bytes.length - count, position + count);
    if (read === 0) break;
    count += read;
  }
  return count;
}
