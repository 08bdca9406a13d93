import { pooledMap } from "@std/async";
import { basename, dirname } from "node:path";
import {
  COMPARE_BATCH_PAIRS,
  HASH_BATCH_BYTES,
  HASH_BATCH_FILES_MAX,
  HASH_LIST_FILES_MAX,
} from "../base/limits.ts";
import { VERDICT } from "../media/compare.ts";
import { FIRST_BLOCK_BYTES, type HashedBlocks } from "../media/hash_alike.ts";
import { wordsToMd5Hex } from "../media/md5.ts";
import {
  type FileHash,
  hasKnownHashes,
  readKnownHashes,
  readOwners,
} from "../store/file_hashes.ts";
import {
  type DedupeFile,
  type DedupeLibrary,
  type FindFilesOptions,
  findSameSized,
  type SameSized,
} from "./dedupe_files.ts";
import { ReadAhead } from "./dedupe_read_ahead.ts";
import {
  comparePaths,
  type DedupeCollision,
  type DedupeProgress,
  type DedupeSkip,
} from "./dedupe_report.ts";

/*
 * Files of one size are told apart by their first block, and only those that share it are read as a whole.
 * What is known of a file from an earlier search, or from its import, is not read again while its size,
 * time and inode are the same.
 *
 * One md5 is not yet one content. Every file whose md5 was computed in this search is compared byte for
 * byte with another of the group; those whose md5 was known were, when it was: at their import, or in the
 * search that remembered it, which remembers nothing of files that differ. So a group of known files is
 * reported without reading, and before a file really goes it is compared once more.
 */

/** Files of one content. */
export type CopyGroup = {
  md5: string;
  sizeBytes: number;
  /** In the order of their paths; two or more. */
  files: DedupeFile[];
};

/** What a search for copies found. */
export type FoundCopies = {
  groups: CopyGroup[];
  collisions: DedupeCollision[];
  skipped: DedupeSkip[];
  filesCount: number;
  /** Files of which something was read. */
  readCount: number;
  /** What was computed, to be remembered. */
  hashes: FileHash[];
  isThere: SameSized["isThere"];
};

/** How copies are looked for. */
export type FindCopiesOptions = FindFilesOptions & {
  onProgress?: (progress: DedupeProgress) => void;
};

/** One inode with all its names: what is read once. */
type Content = {
  files: DedupeFile[];
  head: string | null;
  md5: string | null;
  /** Of a content whose md5 was computed now: one that it was compared with; itself for the first. */
  comparedWith: Content | null;
  /** Whether it has another one's md5 and other bytes. */
  isDifferent: boolean;
  /** Whether anything was read of it. */
  isRead: boolean;
  /** Whether something is wrong with it, which was reported. */
  isOut: boolean;
};

/** Finds the files of the library and of its in-place folders that have the same content. */
export async function findCopies(
  library: DedupeLibrary,
  options: FindCopiesOptions,
): Promise<FoundCopies> {
  options.onProgress?.({ stage: "scanning", done: 0, total: null });
  const isKnown = hasKnownHashes(library.core.reader);
  const ahead = isKnown || options.inBackground || options.onlyPath !== undefined
    ? undefined
    : new ReadAhead(library.hasher);
  const { lists, filesCount, skipped, isThere } = await findSameSized(library, {
    ...options,
    onFile: ahead?.add.bind(ahead),
  });
  const search = new CopySearch(library, { ...options, skipped });
  const heads = await ahead?.heads() ?? new Map<string, string>();
  const byMd5 = await search.run(lists, { isKnown, heads });
  const groups = toGroups(library, byMd5, skipped);
  return {
    groups,
    filesCount,
    isThere,
    skipped,
    collisions: search.collisions,
    readCount: search.readCount,
    hashes: search.toHashes(),
  };
}

/** One search: from lists of files of one size to lists of one md5. */
class CopySearch {
  readonly #library: DedupeLibrary;
  readonly #options: FindCopiesOptions & { skipped: DedupeSkip[] };
  readonly #contents: Content[] = [];
  readonly collisions: DedupeCollision[] = [];

  constructor(
    library: DedupeLibrary,
    options: FindCopiesOptions & { skipped: DedupeSkip[] },
  ) {
    this.#library = library;
    this.#options = options;
  }

  async run(
    lists: readonly DedupeFile[][],
    known: { isKnown: boolean; heads: ReadonlyMap<string, string> },
  ): Promise<Content[][]> {
    const bySize = lists.map((list) => toContents(list, this.#options.skipped));
    for (const contents of bySize) for (const one of contents) this.#contents.push(one);
    if (known.isKnown) this.#recall();
    for (const content of this.#contents) {
      const head = known.heads.get(content.files[0].path);
      if (head !== undefined) takeHead(content, head);
    }
    const unclear = new Set(bySize.filter(needsHeads));
    await this.#hashHeads([...unclear].flat().filter((one) => one.head === null));
    const byHead = bySize.flatMap((contents) =>
      unclear.has(contents) ? splitBy(contents, (one) => one.head) : [contents]
    );
    await this.#hashAlike(
      byHead.filter(hasCopies).map((contents) => contents.filter((one) => one.md5 === null))
        .filter((contents) => contents.length > 0),
    );
    const byMd5 = byHead.flatMap((contents) => splitBy(contents, (one) => one.md5))
      .filter(hasCopies);
    return await this.#withoutCollisions(byMd5);
  }

  get readCount(): number {
    return this.#contents.filter((one) => one.isRead).length;
  }

  /** What was computed of files that are as they were, by all their names. */
  toHashes(): FileHash[] {
    return this.#contents.filter((one) => one.isRead && !one.isOut)
      .flatMap(({ files, head, md5 }) => files.map((file) => ({ ...file, head, md5 })));
  }

  /** Takes over what is known of the files. */
  #recall(): void {
    const files = this.#contents.flatMap((content) => content.files);
    const known = readKnownHashes(this.#library.core.reader, files);
    for (const content of this.#contents) {
      for (const { filepath } of content.files) {
        const hash = known.get(filepath);
        content.head ??= hash?.head ?? null;
        content.md5 ??= hash?.md5 ?? null;
      }
    }
  }

  async #hashHeads(contents: readonly Content[]): Promise<void> {
    await this.#inTurn("reading", inBatches(contents, HASH_BATCH_FILES_MAX), async (batch) => {
      const paths = batch.map(({ files }) => files[0].path);
      const hashed = await this.#library.hasher.call("hashFirstBlocks", { paths });
      batch.forEach((content, i) => {
        const head = this.#takeHash(content, { hashed, i });
        if (head !== null) takeHead(content, head);
      });
    });
  }

  /** Reads contents of one first block as a whole, and compares those of one md5. */
  async #hashAlike(lists: readonly Content[][]): Promise<void> {
    const batches = inBatchesOfBytes(lists);
    await this.#inTurn("reading", batches, async (batch) => {
      const hashed = await this.#library.hasher.call("hashAlike", {
        lists: batch.map((contents) => ({
          sizeBytes: contents[0].files[0].sizeBytes,
          paths: contents.map(({ files }) => files[0].path),
        })),
      });
      const all = batch.flat();
      all.forEach((content, i) => {
        content.md5 = this.#takeHash(content, { hashed, i });
        content.comparedWith = all[hashed.equalTo[i]];
      });
    });
  }

  #takeHash(content: Content, { hashed, i }: { hashed: HashedBlocks; i: number }): string | null {
    content.isRead = true;
    if (hashed.status[i] === 0) return wordsToMd5Hex(hashed.words, 4 * i);
    const { code, message } = hashed.errors.find(({ index }) => index === i)!;
    const name = code === "ENOENT" ? "vanished" : code === "ECHANGED" ? "changed" : "unreadable";
    this.#leaveOut(content, { code: name, reason: message });
    return null;
  }

  #leaveOut(content: Content, fault: { code: string; reason: string }): void {
    content.isOut = true;
    for (const { filepath } of content.files) this.#options.skipped.push({ filepath, ...fault });
  }

  /** The lists without those of which some files have other bytes. */
  async #withoutCollisions(byMd5: readonly Content[][]): Promise<Content[][]> {
    const pairs = byMd5.flatMap((contents) => toFreshPairs(contents));
    const batches = inBatches(pairs, COMPARE_BATCH_PAIRS);
    await this.#inTurn("comparing", batches, async (batch) => {
      const { verdicts, errors } = await this.#library.hasher.call("comparePairs", {
        pairs: batch.map(([a, b]) => ({ left: a.files[0].path, right: b.files[0].path })),
      });
      batch.forEach(([, fresh], i) => {
        if (verdicts[i] === VERDICT.different) fresh.isDifferent = true;
        if (verdicts[i] !== VERDICT.unreadable) return;
        const reason = errors.find(({ index }) => index === i)!.message;
        this.#leaveOut(fresh, { code: "unreadable", reason });
      });
    });
    const equal: Content[][] = [];
    for (const contents of byMd5) {
      const isRight = !contents.some((one) => one.isDifferent);
      equal.push(isRight ? contents : await this.#findAltered(contents));
    }
    return equal.map((contents) => contents.filter((one) => !one.isOut)).filter(hasCopies);
  }

  /**
   * Two files of one md5 have different bytes: they really do, or one was altered and its time and size were
   * not. Gives those that are equal.
   */
  async #findAltered(contents: readonly Content[]): Promise<Content[]> {
    const { hasher } = this.#library;
    const paths = contents.map(({ files }) => files[0].path);
    const { words, status } = await hasher.call("hashFiles", { paths });
    const isAltered = (i: number) =>
      status[i] !== 0 || wordsToMd5Hex(words, 4 * i) !== contents[i].md5;
    const same: Content[] = [];
    for (const [i, content] of contents.entries()) {
      if (!isAltered(i)) same.push(content);
      else {
        const reason = "Its bytes are not what they were, though its size and its time are";
        this.#leaveOut(content, { code: "altered", reason });
      }
    }
    const others = same.slice(1).map(({ files }) => ({
      left: same[0].files[0].path,
      right: files[0].path,
    }));
    const { verdicts } = await hasher.call("comparePairs", { pairs: others });
    if (verdicts.every((verdict) => verdict === VERDICT.same)) return same;
    for (const content of same) content.isOut = true;
    this.collisions.push({
      md5: contents[0].md5!,
      sizeBytes: contents[0].files[0].sizeBytes,
      filepaths: same.flatMap(({ files }) => files.map((file) => file.filepath)).sort(comparePaths),
    });
    return [];
  }

  /** Does the work of batches, as many at a time as keep the workers busy. */
  async #inTurn<T>(
    stage: DedupeProgress["stage"],
    batches: readonly T[][],
    work: (batch: T[]) => Promise<void>,
  ): Promise<void> {
    const { signal, onProgress } = this.#options;
    const total = batches.reduce((sum, batch) => sum + batch.length, 0);
    let done = 0;
    const failures: unknown[] = [];
    const steps = pooledMap(2 * this.#library.hasher.size, batches, async (batch) => {
      if (failures.length > 0) return;
      try {
        signal?.throwIfAborted();
        await work(batch);
        onProgress?.({ stage, done: done += batch.length, total });
      } catch (error) {
        failures.push(error);
      }
    });
    for await (const _ of steps) if (failures.length > 0) break;
    if (failures.length > 0) throw failures[0];
  }
}

function takeHead(content: Content, head: string): void {
  content.isRead = true;
  content.head = head;
  if (content.files[0].sizeBytes <= FIRST_BLOCK_BYTES) content.md5 = head;
}

/** Files as contents: names of one inode together. */
function toContents(files: readonly DedupeFile[], skipped: DedupeSkip[]): Content[] {
  const contents = new Map<string, Content>();
  for (const file of files) {
    const key = file.inode === 0 ? file.filepath : `${file.device}:${file.inode}`;
    const known = contents.get(key);
    if (known !== undefined) known.files.push(file);
    else {
      contents.set(key, {
        files: [file],
        head: null,
        md5: null,
        comparedWith: null,
        isDifferent: false,
        isRead: false,
        isOut: false,
      });
    }
  }
  return [...contents.values()].filter((content) => isSafelyNamed(content, skipped));
}

/**
 * Whether the names of an inode are hard links, each a name of its own. A folder that is mounted twice
 * shows one name by two paths: who moves the one moves the other.
 */
function isSafelyNamed({ files }: Content, skipped: DedupeSkip[]): boolean {
  if (files.length === 1) return true;
  const names = new Set(files.map(({ path }) => {
    const { dev, ino } = Deno.statSync(dirname(path));
    return `${dev}:${ino}/${basename(path)}`;
  }));
  if (names.size === files.length && files.every((file) => file.linkCount >= files.length)) {
    return true;
  }
  const reason = "It is one file by several paths: is a folder mounted twice?";
  for (const { filepath } of files) skipped.push({ filepath, code: "same_file", reason });
  return false;
}

/** Whether first blocks are to tell contents of one size apart: some are not known yet. */
function needsHeads(contents: readonly Content[]): boolean {
  return contents.length > 1 && contents.some((one) => one.md5 === null);
}

function hasCopies(contents: readonly Content[]): boolean {
  return contents.length > 1 || (contents[0]?.files.length ?? 0) > 1;
}

/** Splits contents by a hash; those without are left out. */
function splitBy(
  contents: readonly Content[],
  hashOf: (content: Content) => string | null,
): Content[][] {
  const lists = new Map<string, Content[]>();
  for (const content of contents) {
    const hash = hashOf(content);
    if (hash === null || content.isOut) continue;
    const list = lists.get(hash);
    if (list === undefined) lists.set(hash, [content]);
    else list.push(content);
  }
  return [...lists.values()];
}

/**
 * Contents that are still to be compared with another one of the list: the first of those that were compared
 * together, and those that were read as a first block alone.
 */
function toFreshPairs(contents: readonly Content[]): [Content, Content][] {
  const isOpen = (one: Content) => one.isRead && (one.comparedWith ?? one) === one;
  const first = contents.find((one) => !one.isRead) ?? contents.find(isOpen);
  if (first === undefined) return [];
  return contents.filter((one) => isOpen(one) && one !== first).map((one) => [first, one]);
}

function inBatches<T>(items: readonly T[], size: number): T[][] {
  const batches: T[][] = [];
  for (let at = 0; at < items.length; at += size) batches.push(items.slice(at, at + size));
  return batches;
}

/**
 * Lists in batches of about the same work. A list is not torn apart, so that its files can be compared in one
 * go, unless it alone is too large for a batch.
 */
function inBatchesOfBytes(lists: readonly Content[][]): Content[][][] {
  const batches: Content[][][] = [];
  let bytes = Infinity;
  for (const list of lists.flatMap((one) => inBatches(one, HASH_LIST_FILES_MAX))) {
    if (bytes >= HASH_BATCH_BYTES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)!.push(list);
    bytes += list.length * list[0].files[0].sizeBytes;
  }
  return batches;
}

/** Lists of contents as groups of files, without files that the library takes for another image's. */
function toGroups(
  { core }: DedupeLibrary,
  byMd5: readonly Content[][],
  skipped: DedupeSkip[],
): CopyGroup[] {
  const all = byMd5.flatMap((contents) => contents.flatMap(({ files }) => files));
  const owners = readOwners(core.reader, all.map((file) => file.filepath));
  const groups: CopyGroup[] = [];
  for (const contents of byMd5) {
    const md5 = contents[0].md5!;
    const files: DedupeFile[] = [];
    for (const file of contents.flatMap((one) => one.files)) {
      const owner = owners.get(file.filepath);
      if (owner === undefined || owner.md5 === md5) files.push(file);
      else {
        const reason = `The library has it as image ${owner.imageId}, which has another content: ` +
          "import its folder again, or run the check";
        skipped.push({ filepath: file.filepath, code: "other_image", reason });
      }
    }
    if (files.length < 2) continue;
    files.sort((a, b) => comparePaths(a.filepath, b.filepath));
    groups.push({ md5, sizeBytes: files[0].sizeBytes, files });
  }
  return groups.sort((a, b) => comparePaths(a.files[0].filepath, b.files[0].filepath));
}
