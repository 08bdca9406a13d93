import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { AppError } from "../base/errors.ts";
import { SIDECAR_BYTES_MAX } from "../base/limits.ts";

/** The bytes of a sidecar, and which version of it they are. */
export type SidecarBytes = { bytes: Uint8Array; version: string };

/** A version of a sidecar that was read. */
export type ReadSidecar = { path: string; version: string };

/** Neither a link is followed, nor is a pipe waited for: a name may lead elsewhere since it was listed. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Reads a sidecar whole, and never more than SIDECAR_BYTES_MAX of it.
 *
 * @throws {AppError} `payload_too_large`; `conflict` if it changed meanwhile or is no file any more.
 */
export async function readSidecarFile(path: string): Promise<SidecarBytes> {
  const file = await open(path, FLAGS).catch((error: unknown) => {
    const isLink = error instanceof Error && "code" in error && error.code === "ELOOP";
    throw isLink ? new AppError("conflict", "it is a link") : error;
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new AppError("conflict", "it is no file");
    if (info.size > SIDECAR_BYTES_MAX) {
      throw new AppError(
        "payload_too_large",
        `it has ${info.size} bytes; the limit is ${SIDECAR_BYTES_MAX}`,
      );
    }
    // One byte more than it has: a file that grows is noticed, and one that never ends is not read on.
    const buffer = new Uint8Array(info.size + 1);
    let count = 0;
    while (count < buffer.length) {
      const { bytesRead } = await file.read(buffer, count, buffer.length - count, count);
      if (bytesRead === 0) break;
      count += bytesRead;
    }
    const version = toVersion(info);
    if (count !== info.size || toVersion(await file.stat()) !== version) {
      throw new AppError("conflict", "it changed while it was read");
    }
    return { bytes: buffer.subarray(0, count), version };
  } finally {
    await file.close();
  }
}

/** Whether a sidecar is still the one that was read; false too if it is gone. */
export async function isSameSidecar({ path, version }: ReadSidecar): Promise<boolean> {
  try {
    return toVersion(await lstat(path)) === version;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

type Stat = Awaited<ReturnType<typeof lstat>>;

function toVersion({ size, mtimeMs, ctimeMs, ino }: Stat): string {
  return `${size}:${mtimeMs}:${ctimeMs}:${ino}`;
}
