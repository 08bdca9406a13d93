import { toFileError } from "./file_error.ts";

/** What is to be walked; all paths are absolute and without links. */
export type WalkRequest = {
  folder: string;
  /** Folders that are left out, with all that lies in them. */
  exclude: string[];
};

/** Something in a folder that was not looked at, and why. */
export type UnwalkedPath = { path: string; code: string; reason: string };

/**
 * Every file below a folder, as columns.
 *
 * Shape: all arrays have n entries, of which the typed ones are Float64Array; `names` are the paths from the
 * folder on; times in ms; inodes are cut as {@link toInode} does it.
 */
export type WalkedFiles = {
  names: string[];
  sizes: Float64Array<ArrayBuffer>;
  mtimesMs: Float64Array<ArrayBuffer>;
  inodes: Float64Array<ArrayBuffer>;
  devices: Float64Array<ArrayBuffer>;
  linkCounts: Float64Array<ArrayBuffer>;
  unwalked: UnwalkedPath[];
};

/** Sidecars are told about with the file they belong to. */
const SIDECAR = /\.(?:json|txt)$/i;
/** What gallery-dl, browsers and download programs call a file until it is whole. */
const UNFINISHED = /\.(?:part|crdownload|opdownload|aria2)$/i;
/** What Deno shows for bytes of a name that are not UTF-8. */
const REPLACEMENT = "\ufffd";
/** Files after which a walk in slices lets others do something. */
const SLICE_FILES = 2_000;

const COLUMNS = ["sizes", "mtimesMs", "inodes", "devices", "linkCounts"] as const;

/** Number of a file on its device, cut to what a number and a column hold: some have 64 bits. */
export function toInode(inode: number | null): number {
  return (inode ?? 0) % 2 ** 53;
}

/**
 * Finds every file below a folder, and pauses now and then: the last value is the result. `onFile` hears of
 * each file at once.
 *
 * Hidden files and folders, sidecars, unfinished downloads and symbolic links are left out; links are not
 * followed either. A folder that cannot be read is told in `unwalked` and stops nobody. Blocks its thread
 * between two pauses. Cost: about 4 µs a file when the system knows the folders.
 */
export function* walkFiles(
  { folder, exclude }: WalkRequest,
  onFile?: (path: string, sizeBytes: number) => void,
): Generator<void, WalkedFiles> {
  const names: string[] = [];
  const columns = COLUMNS.map(() => new Column());
  const unwalked: UnwalkedPath[] = [];
  const excluded = new Set(exclude);
  const pending = [""];
  let pauseAt = SLICE_FILES;
  for (let inner = pending.pop(); inner !== undefined; inner = pending.pop()) {
    for (const entry of readFolder(inner === "" ? folder : `${folder}/${inner}`, unwalked)) {
      const name = inner === "" ? entry.name : `${inner}/${entry.name}`;
      if (entry.name.startsWith(".") || entry.isSymlink) continue;
      if (entry.isDirectory) {
        if (!excluded.has(`${folder}/${name}`)) pending.push(name);
      } else if (entry.isFile && !SIDECAR.test(name) && !UNFINISHED.test(name)) {
        const sizeBytes = addFile(`${folder}/${name}`, columns, unwalked);
        if (sizeBytes === null) continue;
        names.push(name);
        onFile?.(`${folder}/${name}`, sizeBytes);
      }
    }
    if (names.length < pauseAt) continue;
    pauseAt = names.length + SLICE_FILES;
    yield;
  }
  const [sizes, mtimesMs, inodes, devices, linkCounts] = columns.map((column) => column.toArray());
  return { names, sizes, mtimesMs, inodes, devices, linkCounts, unwalked };
}

/** Finds every file below a folder in one go; see {@link walkFiles}. For workers. */
export function walkAllFiles(request: WalkRequest): WalkedFiles {
  const walk = walkFiles(request);
  for (let step = walk.next();; step = walk.next()) if (step.done) return step.value;
}

/** Lists the buffers of a result, for the transfer list of a message. */
export function walkedFilesBuffers(walked: WalkedFiles): ArrayBuffer[] {
  return COLUMNS.map((name) => walked[name].buffer);
}

function readFolder(path: string, unwalked: UnwalkedPath[]): Iterable<Deno.DirEntry> {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    unwalked.push(describe(path, error));
    return [];
  }
}

/** Size of the file; null if it was not added: it can vanish between the reading of its folder and this. */
function addFile(
  path: string,
  columns: readonly Column[],
  unwalked: UnwalkedPath[],
): number | null {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    unwalked.push(describe(path, error));
    return null;
  }
  if (!info.isFile) return null;
  columns[0].push(info.size);
  columns[1].push(info.mtime?.getTime() ?? 0);
  columns[2].push(toInode(info.ino));
  columns[3].push(info.dev);
  columns[4].push(info.nlink ?? 1);
  return info.size;
}

function describe(path: string, error: unknown): UnwalkedPath {
  if (path.includes(REPLACEMENT) && error instanceof Deno.errors.NotFound) {
    const reason =
      "Its name is not UTF-8, so it cannot be opened. Rename it, for example with convmv";
    return { path, code: "name_not_utf8", reason };
  }
  const code = error instanceof Deno.errors.NotFound ? "vanished" : "unreadable";
  return { path, code, reason: toFileError("read", path, error).message };
}

/** Numbers of which nobody knows yet how many there will be. */
class Column {
  #values = new Float64Array(4_096);
  #count = 0;

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = value;
  }

  toArray(): Float64Array<ArrayBuffer> {
    return this.#values.slice(0, this.#count);
  }
}
