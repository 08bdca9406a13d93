import { AppError } from "../base/errors.ts";
import {
  checkShapes,
  COLUMN_TYPES,
  type ColumnArrays,
  type ColumnName,
  emptyColumns,
  type ImageColumns,
  makeColumn,
} from "./image_columns.ts";

/*
 * A snapshot on disk: "CHBSNAP1", length and checksum of the header (u32 each), header (JSON), then every
 * column in the order of the column set, each at a multiple of 8 bytes. The header tells lengths, checksums and what
 * the caller wants to find again. Little-endian, as every machine that Deno runs on.
 */

const MAGIC = new TextEncoder().encode("CHBSNAP1");
const START_BYTES = MAGIC.length + 8;
const ALIGNMENT = 8;
const HEADER_BYTES_MAX = 1 << 20;
const NAMES = Object.keys(COLUMN_TYPES) as ColumnName[];

/** Takes bytes in order: a file, or a buffer in tests. */
export type ByteSink = { write(bytes: Uint8Array): void };

/** Gives bytes in order. */
export type ByteSource = {
  /** Fills the buffer; false when there are not as many bytes left. */
  read(into: Uint8Array): boolean;
};

/** What stands in the header beside the columns; must survive JSON. */
export type SnapshotFacts = Record<string, unknown>;

type Header = {
  facts: SnapshotFacts;
  columns: { name: string; length: number; checksum: number }[];
};

/** Writes columns with some facts. Cost: one pass over all bytes for the checksums, and the write. */
export function writeSnapshotFile(
  sink: ByteSink,
  columns: ImageColumns,
  facts: SnapshotFacts,
): void {
  const header: Header = {
    facts,
    columns: NAMES.map((name) => ({
      name,
      length: columns[name].length,
      checksum: checksumOf(bytesOf(columns[name])),
    })),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = new Uint8Array(START_BYTES);
  start.set(MAGIC);
  const view = new DataView(start.buffer);
  view.setUint32(MAGIC.length, text.length, true);
  view.setUint32(MAGIC.length + 4, checksumOf(text), true);
  sink.write(start);
  sink.write(text);
  sink.write(new Uint8Array(paddingAfter(start.length + text.length)));
  for (const name of NAMES) {
    const bytes = bytesOf(columns[name]);
    sink.write(bytes);
    sink.write(new Uint8Array(paddingAfter(bytes.length)));
  }
}

/**
 * Reads the facts of a snapshot, and its columns if `isWanted` says so.
 *
 * @throws {AppError} `corrupt` if anything at all is not as it was written, or was written by a version
 *   with other columns.
 */
export function readSnapshotFile(
  source: ByteSource,
  isWanted: (facts: SnapshotFacts) => boolean,
): { facts: SnapshotFacts; columns: ImageColumns } | null {
  const header = readHeader(source);
  if (!isWanted(header.facts)) return null;
  const isSameSet = header.columns.length === NAMES.length &&
    header.columns.every(({ name }, i) => name === NAMES[i]);
  if (!isSameSet) throw damaged("it has other columns");
  const columns = emptyColumns();
  for (const { name, length, checksum } of header.columns) {
    const column = makeColumn(name as ColumnName, length);
    const bytes = bytesOf(column);
    const padding = new Uint8Array(paddingAfter(bytes.length));
    if (!source.read(bytes) || !source.read(padding)) throw damaged("it is too short");
    if (checksumOf(bytes) !== checksum) throw damaged(`the checksum of ${name} differs`);
    Object.assign(columns, { [name]: column });
  }
  checkShapes(columns);
  return { facts: header.facts, columns };
}

function readHeader(source: ByteSource): Header {
  const start = new Uint8Array(START_BYTES);
  if (!source.read(start)) throw damaged("it is too short");
  if (!MAGIC.every((byte, i) => start[i] === byte)) throw damaged("it is no snapshot");
  const view = new DataView(start.buffer);
  const length = view.getUint32(MAGIC.length, true);
  if (length > HEADER_BYTES_MAX) throw damaged("its header is too long");
  const text = new Uint8Array(length);
  const padding = new Uint8Array(paddingAfter(start.length + length));
  if (!source.read(text) || !source.read(padding)) throw damaged("it is too short");
  if (checksumOf(text) !== view.getUint32(MAGIC.length + 4, true)) {
    throw damaged("the checksum of its header differs");
  }
  return JSON.parse(new TextDecoder().decode(text)) as Header;
}

function damaged(reason: string): AppError {
  return new AppError("corrupt", `Cannot use the snapshot file: ${reason}`);
}

function paddingAfter(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

function bytesOf(column: ColumnArrays[keyof ColumnArrays]): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

/**
 * A checksum over bytes that finds torn, cut and flipped ones; not against malice. Cost: about 0.5 ns a
 * byte: four lanes of words, since one lane would wait for its own multiplication.
 */
export function checksumOf(bytes: Uint8Array): number {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
  let a = 1, b = 2, c = 3, d = 4;
  let i = 0;
  for (; i + 4 <= words.length; i += 4) {
    a = Math.imul(a ^ words[i], 0x01000193);
    b = Math.imul(b ^ words[i + 1], 0x01000193);
    c = Math.imul(c ^ words[i + 2], 0x01000193);
    d = Math.imul(d ^ words[i + 3], 0x01000193);
  }
  for (let j = 4 * i; j < aligned.length; j++) a = Math.imul(a ^ aligned[j], 0x01000193);
  for (const lane of [b, c, d]) a = Math.imul((a << 13 | a >>> 19) ^ lane, 0x01000193);
  return (a ^ aligned.length) >>> 0;
}

/**
 * Writes a snapshot aside and renames it, so that a reader sees the old one or the new one. It is not
 * synced: a torn one is found by its checksums and costs a full load. Blocks its thread.
 */
export function saveSnapshot(path: string, columns: ImageColumns, facts: SnapshotFacts): void {
  const temporary = `${path}.new`;
  const file = Deno.openSync(temporary, { write: true, create: true, truncate: true });
  try {
    writeSnapshotFile({ write: (bytes) => writeAll(file, bytes) }, columns, facts);
  } catch (error) {
    // Half of it would only take the space that was missing.
    Deno.removeSync(temporary);
    throw error;
  } finally {
    file.close();
  }
  Deno.renameSync(temporary, path);
}

/**
 * Reads a snapshot; null when there is none or it is not wanted. Blocks its thread. Cost: 0.2 s for the
 * 330 MB of a million images.
 *
 * @throws {AppError} `corrupt` as {@link readSnapshotFile}.
 */
export function loadSnapshot(
  path: string,
  isWanted: (facts: SnapshotFacts) => boolean,
): { facts: SnapshotFacts; columns: ImageColumns } | null {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  try {
    return readSnapshotFile({ read: (into) => readAll(file, into) }, isWanted);
  } finally {
    file.close();
  }
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

function readAll(file: Deno.FsFile, into: Uint8Array): boolean {
  for (let at = 0; at < into.length;) {
    const count = file.readSync(into.subarray(at));
    if (count === null) return false;
    at += count;
  }
  return true;
}
