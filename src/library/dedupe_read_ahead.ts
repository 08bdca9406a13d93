import { HASH_BATCH_FILES_MAX } from "../base/limits.ts";
import { wordsToMd5Hex } from "../media/md5.ts";
import type { DedupeLibrary } from "./dedupe_files.ts";

/**
 * Reads first blocks while files are still looked for: of each file whose size another one had. So the
 * workers have something to do meanwhile. Only for a search that knows of no hash yet: it may read what a
 * remembered one would tell.
 */
export class ReadAhead {
  readonly #hasher: DedupeLibrary["hasher"];
  /** Size → the first file of it; null once that one is read too. */
  readonly #firsts = new Map<number, string | null>();
  readonly #heads = new Map<string, string>();
  readonly #pending: Promise<void>[] = [];
  #batch: string[] = [];

  /** Starts the workers. */
  constructor(hasher: DedupeLibrary["hasher"]) {
    this.#hasher = hasher;
    for (let i = 0; i < hasher.size; i++) this.#read([]);
  }

  /** Hears of a file. */
  add(path: string, sizeBytes: number): void {
    if (sizeBytes === 0) return;
    const first = this.#firsts.get(sizeBytes);
    if (first === undefined) {
      this.#firsts.set(sizeBytes, path);
      return;
    }
    if (first !== null) {
      this.#firsts.set(sizeBytes, null);
      this.#batch.push(first);
    }
    this.#batch.push(path);
    if (this.#batch.length >= HASH_BATCH_FILES_MAX) this.#flush();
  }

  /** Path → MD5 of the first block, of all files that could be read; the others are for the search to tell. */
  async heads(): Promise<ReadonlyMap<string, string>> {
    this.#flush();
    await Promise.all(this.#pending);
    return this.#heads;
  }

  #flush(): void {
    if (this.#batch.length > 0) this.#read(this.#batch);
    this.#batch = [];
  }

  #read(paths: string[]): void {
    const reading = this.#hasher.call("hashFirstBlocks", { paths }).then(({ words, status }) => {
      paths.forEach((path, i) => {
        if (status[i] === 0) this.#heads.set(path, wordsToMd5Hex(words, 4 * i));
      });
    });
    // Who asks for the heads is told; a search that failed before asks no more.
    reading.catch(() => {});
    this.#pending.push(reading);
  }
}
