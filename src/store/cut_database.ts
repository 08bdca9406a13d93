const MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;
/** Offsets in the header: bytes of a page, where 1 means 65,536, and the number of pages. */
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;

/**
 * Copies a database file whose end is missing, with its log, and makes the copy as long as its header says it
 * should be. SQLite refuses to look into the file as it is; in the copy only the pages that are missing are
 * damaged. False, and nothing is copied, if the file is no such database. Cost: a copy of the file.
 */
export async function copyCutDatabase(from: string, to: string): Promise<boolean> {
  const wantedBytes = await readWantedBytes(from);
  if (wantedBytes === null || (await Deno.stat(from)).size >= wantedBytes) return false;
  await Deno.copyFile(from, to);
  await Deno.truncate(to, wantedBytes);
  try {
    await Deno.copyFile(`${from}-wal`, `${to}-wal`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}

/** Bytes of the file by its header; null if it has none. */
async function readWantedBytes(path: string): Promise<number | null> {
  const header = new Uint8Array(HEADER_BYTES);
  using file = await Deno.open(path);
  if ((await file.read(header) ?? 0) < HEADER_BYTES) return null;
  if (new TextDecoder().decode(header.subarray(0, MAGIC.length)) !== MAGIC) return null;
  const view = new DataView(header.buffer);
  const pageSize = view.getUint16(PAGE_SIZE_AT) === 1 ? 65_536 : view.getUint16(PAGE_SIZE_AT);
  return pageSize * view.getUint32(PAGE_COUNT_AT);
}
