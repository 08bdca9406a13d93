import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import type { Library } from "./library.ts";
import { makeLibraryFolder } from "./library_paths.ts";

/** Age from which an upload belongs to nobody: a process that used it was killed. */
const ABANDONED_MS = 24 * 3_600_000;

/** A file that somebody sent, in a place of its own until it is disposed. */
export type Upload = AsyncDisposable & { path: string; sizeBytes: number };

/**
 * Writes what somebody sends into a file below `data/uploads`, as it comes; uploads that a killed process
 * left behind go then.
 *
 * @throws {AppError} `payload_too_large` beyond `bytesMax`, `disk_full`; no file is left then.
 */
export async function receiveUpload(
  library: Library,
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
): Promise<Upload> {
  const folder = join(library.paths.data, "uploads");
  await makeLibraryFolder(folder);
  await removeAbandoned(folder);
  const path = join(folder, crypto.randomUUID());
  const remove = async () => {
    await Deno.remove(path);
  };
  let sizeBytes = 0;
  const file = await Deno.open(path, { write: true, createNew: true });
  try {
    const limited = body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, controller) {
          sizeBytes += piece.length;
          if (sizeBytes > bytesMax) throw tooLarge(bytesMax);
          controller.enqueue(piece);
        },
      }),
    );
    // Closes the file, whether it succeeds or fails.
    await limited.pipeTo(file.writable);
  } catch (error) {
    await remove();
    throw explain(error);
  }
  return { path, sizeBytes, [Symbol.asyncDispose]: remove };
}

/** What is sent is too large. */
export function tooLarge(bytesMax: number): AppError {
  return new AppError("payload_too_large", `The body is larger than ${bytesMax} bytes`);
}

function explain(error: unknown): unknown {
  if (!/no space left|os error 28\b/i.test(String(error))) return error;
  return new AppError("disk_full", "The disk is full: what was sent cannot be stored", {
    remedy: "Free some disk space and try again",
    cause: error,
  });
}

async function removeAbandoned(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile) continue;
    const path = join(folder, name);
    try {
      const { mtime } = await Deno.stat(path);
      if (mtime !== null && Date.now() - mtime.getTime() > ABANDONED_MS) await Deno.remove(path);
    } catch (error) {
      // Somebody else was done with it just now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
