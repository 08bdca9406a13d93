import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { toFileError } from "./file_error.ts";

const CHUNK_BYTES = 1_048_576;

/**
 * Whether two files have the same bytes: by size first, then chunk by chunk. Two names of one inode are
 * equal without reading. Blocks its thread: for workers.
 *
 * @throws {AppError} `not_found` …, naming the file that could not be read.
 */
export function haveSameBytes(leftPath: string, rightPath: string): boolean {
  const left = openNamed(leftPath);
  try {
    const right = openNamed(rightPath);
    try {
      return compareOpen(left, right);
    } finally {
      closeSync(right);
    }
  } catch (error) {
    throw toFileError("compare", rightPath, error);
  } finally {
    closeSync(left);
  }
}

function openNamed(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw toFileError("compare", path, error);
  }
}

function compareOpen(left: number, right: number): boolean {
  const a = fstatSync(left);
  const b = fstatSync(right);
  if (a.ino !== 0 && a.ino === b.ino && a.dev === b.dev) return true;
  if (a.size !== b.size) return false;
  const leftBytes = new Uint8Array(CHUNK_BYTES);
  const rightBytes = new Uint8Array(CHUNK_BYTES);
  for (let at = 0;; at += CHUNK_BYTES) {
    const leftCount = readFull(left, leftBytes, at);
    const rightCount = readFull(right, rightBytes, at);
    if (leftCount !== rightCount) return false;
    for (let i = 0; i < leftCount; i++) if (leftBytes[i] !== rightBytes[i]) return false;
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
