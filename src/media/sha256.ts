import { crypto } from "@std/crypto";
import { toFileError } from "./file_error.ts";

const CHUNK_BYTES = 1_048_576;

/**
 * Computes the SHA-256 of a file's content as 64 lower-case hex digits.
 *
 * Cost: one streaming read in chunks of 1 MiB; memory does not grow with the file.
 *
 * @throws {AppError} `not_found`, `forbidden`, `bad_request` (a folder) …; the message names the file.
 */
export async function sha256OfFile(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    return new Uint8Array(await crypto.subtle.digest("SHA-256", readChunks(file))).toHex();
  } catch (error) {
    throw toFileError("read", path, error);
  }
}

async function* readChunks(file: Deno.FsFile): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const count = await file.read(buffer);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}
