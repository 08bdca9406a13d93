import { AppError } from "../src/base/errors.ts";
import { LIBRARY_FILE_BYTES_MAX } from "../src/base/limits.ts";
import { sha256OfFile } from "../src/media/sha256.ts";
import {
  copyDatabase,
  copyHeld,
  type HeldDatabase,
  holdDatabase,
  identifyDatabase,
  noteRestore,
  settleDatabase,
  upgradeDatabase,
} from "../src/store/backup.ts";
import { ExportReader } from "../src/store/export_reader.ts";
import { type LibraryPart, readLibraryFile } from "../src/tags/library_file.ts";
import type { ArchiveContract } from "../src/worker/contracts.ts";
import { move } from "../src/worker/protocol.ts";
import { serve } from "../src/worker/serve.ts";

let held: HeldDatabase | undefined;
let reading: ExportReader | undefined;
let parts: Iterator<LibraryPart> | undefined;

/** Entries of an export's own file that are written in one transaction. */
const ENTRIES_AT_ONCE = 500;

function current(): ExportReader {
  if (reading === undefined) throw new TypeError("Cannot read: no export is open");
  return reading;
}

function readLibraryText(path: string): string {
  const { size } = Deno.statSync(path);
  if (size <= LIBRARY_FILE_BYTES_MAX) return Deno.readTextFileSync(path);
  throw new AppError(
    "payload_too_large",
    `Cannot use ${path}: it has ${size} bytes; the limit is ${LIBRARY_FILE_BYTES_MAX}`,
  );
}

serve<ArchiveContract>({
  identify: ({ path }) => identifyDatabase(path),
  copy: ({ path, target }) => copyDatabase(path, target),
  digest: async ({ path }) => ({ sha256: await sha256OfFile(path) }),
  settle: ({ path }) => settleDatabase(path),
  upgrade: async ({ path, scratch }) => {
    await upgradeDatabase(path, scratch);
    return null;
  },
  noteRestore: ({ path, from }) => {
    noteRestore(path, from);
    return null;
  },
  hold: ({ path }) => {
    held = holdDatabase(path);
    return null;
  },
  copyHeld: ({ target }) => {
    if (held === undefined) throw new TypeError("Cannot copy: no database is held");
    return copyHeld(held, target);
  },
  letGo: () => {
    held?.db.close();
    held = undefined;
    return null;
  },
  openExport: ({ path, json, txt }) => {
    reading?.close();
    reading = new ExportReader(path, { json, txt });
    return reading.sizes;
  },
  readSidecars: ({ ids }) => {
    const sidecars = current().readSidecars(ids);
    const buffers = sidecars.flatMap(({ json, txt }) =>
      [json, txt].filter((bytes) => bytes !== null)
    );
    return move(sidecars, buffers.map((bytes) => bytes.buffer));
  },
  readLibrarySections: ({ isWhole }) => {
    const bytes = current().readLibrarySections(isWhole);
    return bytes === null ? null : move({ bytes }, [bytes.buffer]);
  },
  closeExport: () => {
    reading?.close();
    reading = undefined;
    return null;
  },
  readLibraryFile: ({ path }) => {
    if (path !== null) parts = readLibraryFile(readLibraryText(path), ENTRIES_AT_ONCE);
    const next = parts?.next();
    return next === undefined || next.done === true ? null : next.value;
  },
});
