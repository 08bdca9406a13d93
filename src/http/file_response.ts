import { AppError } from "../base/errors.ts";
import { toFileError } from "../media/file_error.ts";
import { SNIFF_BYTES, sniffMediaType } from "../media/sniff.ts";
import { matchesETag } from "./etag.ts";

/** How a file is sent. */
export type FileToSend = {
  /** Absolute, already checked. */
  path: string;
  /** Strong validator, without quotes: the content's hash. */
  etag: string;
  /** Name for saving. */
  name: string;
};

const CHUNK_BYTES = 262_144;
/** A year: the address names the content by its hash, so it never changes. */
const IMMUTABLE = "private, max-age=31536000, immutable";
/**
 * A file that is opened by itself must not run anything. It keeps its origin: a browser's page around a
 * video asks for the video once more, and from no origin it would not get it.
 */
const FILE_CSP =
  "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; " +
  "frame-ancestors 'none'; sandbox allow-same-origin";

/**
 * Answers with a file: whole, one range of it (seeking in videos, resumed downloads), or 304. The type
 * comes from the first bytes, never from the name.
 *
 * @throws {AppError} `not_found` … if it cannot be read.
 */
export async function sendFile(request: Request, file: FileToSend): Promise<Response> {
  let handle: Deno.FsFile;
  try {
    handle = await Deno.open(file.path, { read: true });
  } catch (error) {
    throw toFileError("send", file.path, error);
  }
  let isHandedOver = false;
  try {
    const { size, isFile } = await handle.stat();
    if (!isFile) throw new AppError("not_found", `There is no file ${file.path}`);
    const headers = await toHeaders(handle, file);
    if (matchesETag(request.headers.get("if-none-match"), `"${file.etag}"`)) {
      return new Response(null, { status: 304, headers });
    }
    const range = readRange(request.headers, { size, etag: file.etag });
    if (range === "unsatisfiable") {
      headers.set("content-range", `bytes */${size}`);
      return new Response(null, { status: 416, headers });
    }
    const { start, end } = range ?? { start: 0, end: size };
    headers.set("content-length", String(end - start));
    if (range !== null) headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
    const status = range === null ? 200 : 206;
    if (request.method === "HEAD" || end === start) return new Response(null, { status, headers });
    isHandedOver = true;
    return new Response(readBetween(handle, start, end), { status, headers });
  } finally {
    if (!isHandedOver) handle.close();
  }
}

async function toHeaders(handle: Deno.FsFile, file: FileToSend): Promise<Headers> {
  const head = new Uint8Array(SNIFF_BYTES);
  const count = await handle.read(head) ?? 0;
  const type = sniffMediaType(head.subarray(0, count));
  return new Headers({
    "content-type": type?.mime ?? "application/octet-stream",
    "content-disposition": `${type === undefined ? "attachment" : "inline"}; filename*=UTF-8''${
      encodeURIComponent(file.name.toWellFormed()).replace(/['()*]/g, toPercent)
    }`,
    "accept-ranges": "bytes",
    "etag": `"${file.etag}"`,
    "cache-control": IMMUTABLE,
    "content-security-policy": FILE_CSP,
    "x-content-type-options": "nosniff",
  });
}

function toPercent(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** The one range asked for; null for the whole file. Several ranges are answered with the whole. */
function readRange(
  headers: Headers,
  file: { size: number; etag: string },
): { start: number; end: number } | "unsatisfiable" | null {
  const header = headers.get("range");
  const condition = headers.get("if-range");
  if (header === null || (condition !== null && condition !== `"${file.etag}"`)) return null;
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim()) ?? [];
  if (first === undefined || (first === "" && last === "")) return null;
  if (first === "") {
    const count = Math.min(Number(last), file.size);
    return count === 0 ? "unsatisfiable" : { start: file.size - count, end: file.size };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return null;
  if (start >= file.size) return "unsatisfiable";
  return { start, end: last === "" ? file.size : Math.min(Number(last) + 1, file.size) };
}

/** Streams the bytes from `start` to `end`, and closes the file at the end or when nobody reads. */
function readBetween(handle: Deno.FsFile, start: number, end: number): ReadableStream<Uint8Array> {
  let at = start;
  let isOpen = true;
  // A reader may leave after the last bytes were read here and before it took them.
  const close = () => {
    if (isOpen) handle.close();
    isOpen = false;
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        if (at === start) await handle.seek(start, Deno.SeekMode.Start);
        const bytes = new Uint8Array(Math.min(CHUNK_BYTES, end - at));
        const count = await handle.read(bytes);
        // Shorter than it was a moment ago: an error is honest, a silent end is not.
        if (count === null) throw new Error("The file became shorter while it was sent");
        at += count;
        controller.enqueue(bytes.subarray(0, count));
        if (at < end) return;
        close();
        controller.close();
      } catch (error) {
        close();
        throw error;
      }
    },
    cancel: close,
  });
}
