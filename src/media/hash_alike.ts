import { closeSync, constants, openSync, readSync } from "node:fs";
import { crypto } from "@std/crypto";
import { haveSameBytes } from "./compare.ts";
import { describeFileErrorCode, toFileError } from "./file_error.ts";
import { type HashError, hashFiles } from "./md5.ts";
import { sameWords } from "./same_words.ts";

/**
 * Bytes of a file's first block: what tells most files of one size apart. MD5 of so few costs no more than
 * to read them, and of pictures no two alike begin with so many equal ones.
 */
export const FIRST_BLOCK_BYTES = 1_024;

/**
 * Hashes of n files, indexed as the paths were.
 *
 * Shape: words Int32[4n] (read with wordsToMd5Hex); status Int32[n], 0 or 1 for a file that could not be
 * read, of which `errors` says why.
 */
export type HashedBlocks = {
  words: Int32Array<ArrayBuffer>;
  status: Int32Array<ArrayBuffer>;
  errors: HashError[];
};

/** Files of one size that may be copies of each other. */
export type AlikeFiles = { sizeBytes: number; paths: string[] };

/**
 * Hashes of files that may be copies, indexed as the paths of all lists one after the other.
 *
 * Shape: as {@link HashedBlocks}; equalTo Int32[n]: the first file of the same list that has the same bytes,
 * which were compared; a file that no earlier one equals names itself.
 */
export type HashedAlike = HashedBlocks & { equalTo: Int32Array<ArrayBuffer> };

/** Lists whose files fit into this are read once, for both hash and comparison. */
const ARENA_BYTES = 4 * 1_048_576;
const WORDS_PER_MD5 = 4;
const WORD_BYTES = 4;

/**
 * Computes the MD5 of the first FIRST_BLOCK_BYTES of files, or of all of a shorter one. Blocks its thread:
 * for workers. A file that cannot be read is reported and stops nobody.
 *
 * Two contents of one MD5 are made of blocks that leave the hash in one state; where these lie in the first
 * block the MD5 of that is one too, so that such contents are found out when all of them is read.
 */
export function hashFirstBlocks(paths: readonly string[]): HashedBlocks {
  const result = buildHashes(paths.length);
  const block = new Uint8Array(FIRST_BLOCK_BYTES);
  for (const [index, path] of paths.entries()) {
    guard(result, { index, path }, () => {
      const fd = openRegular(path);
      try {
        const count = readFully(fd, block);
        putDigest(result, index, block.subarray(0, count));
      } finally {
        closeSync(fd);
      }
    });
  }
  return result;
}

/**
 * Compares files that may be copies byte for byte, and computes the MD5 of each content among them once: to
 * compare is much quicker than to hash. Blocks its thread: for workers. A file that cannot be read, or has
 * not the size of its list, is reported and stops nobody.
 *
 * Cost: each file is read once if those of a list fit into memory; else once for each other content of its
 * list up to where they differ, and the first of each content once more.
 */
export function hashAlike(lists: readonly AlikeFiles[]): HashedAlike {
  const count = lists.reduce((sum, { paths }) => sum + paths.length, 0);
  const result = {
    ...buildHashes(count),
    equalTo: Int32Array.from({ length: count }, (_, i) => i),
  };
  let from = 0;
  for (const list of lists) {
    if ((list.sizeBytes + WORD_BYTES) * list.paths.length <= ARENA_BYTES) {
      hashInMemory(result, list, from);
    } else hashFromDisk(result, list, from);
    from += list.paths.length;
  }
  return result;
}

/** Lists the buffers of a result, for the transfer list of a message. */
export function hashesBuffers(result: HashedBlocks | HashedAlike): ArrayBuffer[] {
  const arrays = [result.words, result.status, ..."equalTo" in result ? [result.equalTo] : []];
  return arrays.map((array) => array.buffer);
}

let arena: Uint8Array<ArrayBuffer> | undefined;

function hashInMemory(result: HashedAlike, { sizeBytes, paths }: AlikeFiles, from: number): void {
  const bytes = arena ??= new Uint8Array(ARENA_BYTES);
  // One more byte shows that a file has grown; slots begin at whole words, to be compared as such.
  const slotBytes = Math.ceil((sizeBytes + 1) / WORD_BYTES) * WORD_BYTES;
  const slotOf = (i: number) => bytes.subarray(i * slotBytes, i * slotBytes + sizeBytes);
  const firsts: number[] = [];
  for (const [i, path] of paths.entries()) {
    guard(result, { index: from + i, path }, () => {
      const fd = openRegular(path);
      try {
        const count = readFully(fd, bytes.subarray(i * slotBytes, i * slotBytes + sizeBytes + 1));
        if (count !== sizeBytes) throw new ChangedFile();
      } finally {
        closeSync(fd);
      }
      const first = firsts.find((other) => sameWords(slotOf(other), slotOf(i)));
      if (first !== undefined) return copyDigest(result, from + first, from + i);
      putDigest(result, from + i, slotOf(i));
      firsts.push(i);
    });
  }
}

function hashFromDisk(result: HashedAlike, { sizeBytes, paths }: AlikeFiles, from: number): void {
  const firsts: number[] = [];
  for (const [i, path] of paths.entries()) {
    guard(result, { index: from + i, path }, () => {
      const first = firsts.find((other) => haveSameBytes(paths[other], path));
      if (first !== undefined) return copyDigest(result, from + first, from + i);
      const hashed = hashFiles([path]);
      if (hashed.status[0] !== 0) {
        result.status[from + i] = 1;
        result.errors.push({ ...hashed.errors[0], index: from + i });
        return;
      }
      if (hashed.sizes[0] !== sizeBytes) throw new ChangedFile();
      result.words.set(hashed.words, (from + i) * WORDS_PER_MD5);
      firsts.push(i);
    });
  }
}

function copyDigest(result: HashedAlike, first: number, index: number): void {
  const at = first * WORDS_PER_MD5;
  result.words.copyWithin(index * WORDS_PER_MD5, at, at + WORDS_PER_MD5);
  result.equalTo[index] = first;
}

/** A file that has not the size it had when it was found. */
class ChangedFile extends Error {
  readonly code = "ECHANGED";

  constructor() {
    super(describeFileErrorCode("ECHANGED"));
  }
}

function buildHashes(count: number): HashedBlocks {
  return {
    words: new Int32Array(count * WORDS_PER_MD5),
    status: new Int32Array(count),
    errors: [],
  };
}

/** Reports what goes wrong with one file. */
function guard(
  result: HashedBlocks,
  { index, path }: { index: number; path: string },
  work: () => void,
): void {
  try {
    work();
  } catch (error) {
    const { message, details } = toFileError("hash", path, error);
    result.words.fill(0, index * WORDS_PER_MD5, (index + 1) * WORDS_PER_MD5);
    result.status[index] = 1;
    result.errors.push({ index, code: String(details?.system), message });
  }
}

/** Opened without waiting: to open a pipe that nobody writes to is to wait for ever. */
function openRegular(path: string): number {
  return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
}

/** Reads until the buffer is full or the file ends. */
function readFully(fd: number, bytes: Uint8Array): number {
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(fd, bytes, done, bytes.length - done, null);
    if (count === 0) break;
    done += count;
  }
  return done;
}

function putDigest(result: HashedBlocks, index: number, bytes: Uint8Array<ArrayBuffer>): void {
  const digest = new DataView(crypto.subtle.digestSync("MD5", bytes));
  for (let word = 0; word < WORDS_PER_MD5; word++) {
    result.words[index * WORDS_PER_MD5 + word] = digest.getInt32(word * 4);
  }
}
