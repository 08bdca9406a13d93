import type { Database } from "../store/database.ts";
import { readImageIdByPath } from "../store/images.ts";
import { readContent, readRecordedContent } from "../store/import_images.ts";
import { countPlacesBelow } from "../store/missing_files.ts";
import type { LibraryRoot } from "../store/roots.ts";
import { hashMany, type RootOf } from "./import_hash.ts";
import { type HashedFile, placeInRoot } from "./import_prepare.ts";
import type { AskedFolder } from "./import_report.ts";
import { type FoundFile, isInside } from "./import_walk.ts";
import type { Library } from "./library.ts";
import { describeOtherContents } from "./watch_ask.ts";
import {
  compareWithRecord,
  findGone,
  findUnseen,
  isToBeAsked,
  toPlacePath,
  withoutRenamed,
} from "./watch_scan.ts";
import type { RootPlan } from "./watched_root.ts";

/*
 * A file that was edited in place keeps its image: number, tags, favourites and pools. If another disk with
 * the same names is mounted at the same path, that rule gives all of it to other pictures, and nobody can
 * take it back. So an import asks where the watch asks, by the same measure (isToBeAsked).
 *
 * Contents decide. Times and inodes only say which files need not be read, and no device is looked at: a
 * backup that was put back on a new disk differs in all of them and is the same folder.
 *
 * Before anything is written, all files with a recorded path that stat tells apart from their record are
 * read; the run does not read them again. One counts as edited if its image would get a content that is new
 * to the library, and the old one is nowhere in what is imported: else files were renamed among each other.
 * What is looked at counts, not the whole root, which may be far larger than the folder that was named.
 *
 * A few edited files are nothing to ask about, unless most of what is known lies there with other contents
 * and the rest is missing: a camera's card with nine pictures at the path of one with five hundred.
 *
 * Of a folder that is asked about nothing at all is imported. Where the known names belong to other
 * pictures, the new names are that disk's too: they would become images of this root that are missing as
 * soon as the right disk is back, and the sidecars would speak of the wrong files. To wait costs nothing,
 * since the next run finds all of it again. What else is imported in the same run does not wait.
 */

/** Whether an image that is served from a path would get a content that is new to the library. */
export function wouldReplace(
  reader: Database,
  { filepath, md5 }: { filepath: string; md5: string },
): boolean {
  return readContent(reader, md5) === undefined &&
    readImageIdByPath(reader, filepath) !== undefined;
}

/** A recorded file that has another content. */
type OtherContent = { oldMd5: string; oldSizeBytes: number | null; isReplaced: boolean };

/** What of an in-place root one of the named folders has; of no root: files that are new in any case. */
type Part = {
  /** Null: in no root yet. */
  plan: RootPlan | null;
  /** The root's folder, or the named one in it. */
  path: string;
  /** Files at recorded paths. */
  recorded: number;
  /** Those that are not as they were recorded, as far as stat tells. */
  changed: FoundFile[];
  /** Files that may be taken for edited: all changed ones until they are read. */
  edits: number;
  /** Changed files whose content is another one. */
  others: OtherContent[];
  /** Contents of files that do not lie where these are recorded. */
  contents: Set<string>;
  /** Recorded files that are not there, under no name. */
  missing: number;
};

/** What a look needs to know. */
export type LookOptions = {
  /** The in-place root of a path, as it is before the import. */
  rootOf: RootOf;
  /** Walks through a named folder once more. */
  walk: (folder: string) => AsyncIterable<FoundFile>;
  /** Told of each batch that was read. */
  onRead: (files: readonly FoundFile[]) => void;
  signal?: AbortSignal;
};

/** Finds out whether folders that are indexed in place still are what the library knows; writes nothing. */
export class FolderLook {
  readonly #library: Library;
  readonly #options: LookOptions;
  readonly #parts = new Map<string, Map<string, Part>>();
  readonly #hashed = new Map<string, HashedFile>();
  /** With how many files hold what they should not. */
  readonly #refused = new Map<Part, number>();

  /** Makes a look at nothing yet. */
  constructor(library: Library, options: LookOptions) {
    this.#library = library;
    this.#options = options;
  }

  /** Compares a file of a named folder with what is recorded of it. */
  see(folder: string, file: FoundFile): void {
    const part = this.#partOf(folder, file.path);
    const { plan } = part;
    if (plan === null) return;
    const isChanged = compareWithRecord(this.#library, plan, file) === "fresh";
    const { reader } = this.#library.core;
    if (isChanged && readRecordedContent(reader, toPlacePath(plan, file.path)) === undefined) {
      return;
    }
    part.recorded++;
    if (!isChanged) return;
    part.changed.push(file);
    part.edits++;
  }

  /** Reads what has to be read of all that was seen, and tells what is to be asked. */
  async ask(): Promise<AskedFolder[]> {
    const parts = this.#allParts();
    const isSuspect = ({ changed, recorded }: Part) => isMany(changed.length, recorded);
    if (!parts.some(isSuspect)) return [];
    await this.#readChanged(parts);
    const doubtful = parts.filter((part) => this.#isDoubtful(part));
    if (doubtful.length === 0) return [];
    await this.#lookForOld(doubtful);
    for (;;) {
      // What lies in a folder that is not imported is not found again.
      const met = parts.filter((part) => !this.#refused.has(part))
        .reduce((all, { contents }) => all.union(contents), new Set<string>());
      const asked = doubtful.filter((part) => !this.#refused.has(part))
        .map((part) => ({ part, lost: findLost(part, met) }))
        .filter(({ part, lost }) => isOther(part, lost));
      if (asked.length === 0) break;
      for (const { part, lost } of asked) this.#refused.set(part, lost.length);
    }
    return [...this.#refused].map(([part, changed]) => toQuestion(part, changed));
  }

  /** Whether all folders must be looked through again to tell edits from another disk. */
  #isDoubtful(part: Part): boolean {
    const { others, recorded } = part;
    if (!others.some(({ isReplaced }) => isReplaced)) return false;
    if (isToBeAsked(others.length, recorded)) return true;
    const all = countPlacesBelow(this.#library.core.reader, toStored(part));
    return isMany(others.length, recorded) && isToBeAsked(all, 0);
  }

  /** Whether nothing of a file, or of what lies beside a folder's files, may be imported. */
  isRefused(folder: string, path: string): boolean {
    return this.#refused.size > 0 && this.#refused.has(this.#partOf(folder, path));
  }

  /**
   * Whether so many files may be taken for edited ones as remain when all is imported: the folders may have
   * become others since they were looked at.
   */
  mayEdit(count: number): boolean {
    const parts = this.#allParts().filter((part) => !this.#refused.has(part));
    const known = parts.reduce((sum, { edits }) => sum + edits, 0);
    const recorded = parts.reduce((sum, part) => sum + part.recorded, 0);
    return count <= known || !isToBeAsked(count - known, recorded);
  }

  /** What a file holds, if it was read and is what it was then; asked once. */
  takeHash(file: FoundFile): HashedFile | undefined {
    const hashed = this.#hashed.get(file.path);
    if (hashed === undefined) return undefined;
    this.#hashed.delete(file.path);
    const { sizeBytes, mtimeMs, changedMs, inode } = hashed.file;
    const isSame = sizeBytes === file.sizeBytes && mtimeMs === file.mtimeMs &&
      changedMs === file.changedMs && inode === file.inode;
    return isSame ? hashed : undefined;
  }

  #allParts(): Part[] {
    return [...this.#parts.values()].flatMap((byRoot) => [...byRoot.values()]);
  }

  #partOf(folder: string, path: string): Part {
    const root = this.#options.rootOf(path);
    let byRoot = this.#parts.get(folder);
    if (byRoot === undefined) this.#parts.set(folder, byRoot = new Map());
    const name = root?.name ?? "";
    let part = byRoot.get(name);
    if (part === undefined) byRoot.set(name, part = makePart(root, folder));
    return part;
  }

  async #readChanged(parts: readonly Part[]): Promise<void> {
    const { reader } = this.#library.core;
    for (const part of parts) {
      for (const hashed of await this.#read(part.changed)) {
        const { file, md5, root } = hashed;
        this.#hashed.set(file.path, hashed);
        const filepath = placeInRoot(root!, file);
        const old = readRecordedContent(reader, filepath);
        if (old === undefined || old.md5 === md5) continue;
        part.contents.add(md5);
        const isReplaced = wouldReplace(reader, { filepath, md5 });
        part.others.push({ oldMd5: old.md5, oldSizeBytes: old.sizeBytes, isReplaced });
      }
      part.edits = part.others.filter(({ isReplaced }) => isReplaced).length;
      part.changed = [];
    }
  }

  /** Looks for what doubtful parts lost: contents at paths where none is recorded, and missing files. */
  async #lookForOld(doubtful: readonly Part[]): Promise<void> {
    const sizes = new Set(
      doubtful.flatMap(({ others }) => others.map(({ oldSizeBytes }) => oldSizeBytes)),
    );
    const found = new Map(doubtful.map((part) => {
      return [part, { seen: new Set<string>(), fresh: [] as FoundFile[] }];
    }));
    for (const folder of this.#parts.keys()) {
      const candidates = this.#walkAgain(folder, { sizes, found });
      for (const { file, md5 } of await this.#read(candidates)) {
        this.#partOf(folder, file.path).contents.add(md5);
      }
    }
    for (const [part, { seen, fresh }] of found) {
      const unseen = await findUnseen(this.#library, toStored(part), seen);
      const gone = await findGone(part.plan!, unseen);
      part.missing = (await withoutRenamed(gone, fresh)).length;
    }
  }

  /** Notes what is in a folder, and yields what may be an old content by its size. */
  async *#walkAgain(
    folder: string,
    { sizes, found }: {
      sizes: ReadonlySet<number | null>;
      found: ReadonlyMap<Part, { seen: Set<string>; fresh: FoundFile[] }>;
    },
  ): AsyncGenerator<FoundFile> {
    for await (const file of this.#options.walk(folder)) {
      const part = this.#partOf(folder, file.path);
      const { plan } = part;
      const notes = found.get(part);
      if (plan !== null) notes?.seen.add(toPlacePath(plan, file.path));
      if (this.#hashed.has(file.path)) continue;
      if (plan !== null && compareWithRecord(this.#library, plan, file) !== "fresh") continue;
      notes?.fresh.push(file);
      if (sizes.has(file.sizeBytes)) yield file;
    }
  }

  #read(files: AsyncIterable<FoundFile> | Iterable<FoundFile>): Promise<HashedFile[]> {
    return hashMany(this.#library, files, this.#options);
  }
}

function makePart(root: LibraryRoot | null, folder: string): Part {
  const plan: RootPlan | null = root === null
    ? null
    : { name: `@${root.name}`, path: root.path, mode: "in-place" };
  const path = plan === null || isInside(folder, plan.path) ? folder : plan.path;
  return {
    plan,
    path,
    recorded: 0,
    changed: [],
    edits: 0,
    others: [],
    contents: new Set(),
    missing: 0,
  };
}

/** Whether so many of the recorded files that are there are worth a closer look. */
function isMany(count: number, recorded: number): boolean {
  return isToBeAsked(count, recorded) || count * 2 > recorded;
}

/** A part's path as it is stored. */
function toStored({ plan, path }: Part): string {
  return path === plan!.path ? plan!.name : toPlacePath(plan!, path);
}

/** Recorded files of a part whose contents are not at other paths now. */
function findLost({ others }: Part, met: ReadonlySet<string>): OtherContent[] {
  return others.filter(({ oldMd5 }) => !met.has(oldMd5));
}

/** Whether a part is another folder than the recorded one. */
function isOther({ recorded, missing }: Part, lost: readonly OtherContent[]): boolean {
  const replaced = lost.filter(({ isReplaced }) => isReplaced).length;
  if (replaced === 0) return false;
  if (isToBeAsked(replaced, recorded)) return true;
  return lost.length * 2 > recorded && isToBeAsked(lost.length + missing, recorded + missing);
}

function toQuestion({ plan, path, recorded, missing }: Part, changed: number): AskedFolder {
  const counts = { path, changed, recorded, missing };
  return { root: plan!.name, ...counts, message: describeOtherContents(counts) };
}
