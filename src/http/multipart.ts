import { AppError } from "../base/errors.ts";

/** A form with one file, of which only the beginning was read. */
export type FileForm = {
  /** Text of a field that stands before the file; "" if there is none. */
  text(name: string): string;
  /** Name that the file has where it came from. */
  fileName: string;
  /** The file, to be read to its end. */
  file: ReadableStream<Uint8Array>;
};

/** Fields and headers together; the file is not counted. */
const HEAD_BYTES_MAX = 65_536;
const CR = 13;
const BLANK_LINE = new TextEncoder().encode("\r\n\r\n");

/**
 * Reads a form (`multipart/form-data`, RFC 7578) up to its file, and gives the file as it comes, so that a
 * large one is never in memory.
 *
 * @throws {AppError} `unsupported_media` if the body is no such form, `bad_request` if it has no file or is
 *   not well formed. A file that is broken off fails its stream with `bad_request`.
 */
export async function readFileForm(request: Request): Promise<FileForm> {
  const type = request.headers.get("content-type") ?? "";
  const [, quoted, plain] =
    /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i
      .exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) {
    throw new AppError("unsupported_media", "The body is not a form with a file");
  }
  if (request.body === null) throw malformed();
  // Every part begins behind a boundary on a line of its own; so does the first one, with this in front.
  const parts = new PartReader(request.body, new TextEncoder().encode(`\r\n--${boundary}`));
  const fields = new Map<string, string>();
  for (;;) {
    const { name, fileName } = readDisposition(await parts.openPart());
    if (fileName !== null) {
      return { text: (field) => fields.get(field) ?? "", fileName, file: parts.stream() };
    }
    fields.set(name, await parts.text());
  }
}

function malformed(): AppError {
  return new AppError("bad_request", "The form is not well formed, or has no file");
}

function readDisposition(head: string): { name: string; fileName: string | null } {
  const line = /^content-disposition:[^\r\n]*/im.exec(head)?.[0] ?? "";
  // Browsers write a quotation mark in a name as %22.
  const valueOf = (key: string) => new RegExp(`;\\s*${key}="([^"]*)"`, "i").exec(line)?.[1] ?? null;
  const name = valueOf("name");
  if (name === null) throw malformed();
  return { name, fileName: valueOf("filename")?.replaceAll("%22", '"') ?? null };
}

class PartReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #delimiter: Uint8Array;
  #rest: Uint8Array = new TextEncoder().encode("\r\n");
  #headBytes = 0;

  constructor(body: ReadableStream<Uint8Array>, delimiter: Uint8Array) {
    this.#reader = body.getReader();
    this.#delimiter = delimiter;
  }

  /** Goes behind the next boundary and its headers, which are given; nothing may stand before it. */
  async openPart(): Promise<string> {
    if ((await this.#until(this.#delimiter)).length > 0) throw malformed();
    return new TextDecoder().decode(await this.#until(BLANK_LINE));
  }

  /** Text of the part that is open, up to the boundary that ends it. */
  async text(): Promise<string> {
    const bytes = await this.#until(this.#delimiter);
    this.#rest = concat(this.#delimiter, this.#rest);
    return new TextDecoder().decode(bytes);
  }

  /** The part that is open as it comes; what stands behind it is read and thrown away. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        for (;;) {
          const at = find(this.#rest, this.#delimiter);
          if (at >= 0) {
            if (at > 0) controller.enqueue(this.#rest.subarray(0, at));
            while (!(await this.#reader.read()).done);
            return controller.close();
          }
          // A boundary may have begun within the last bytes.
          const sure = this.#rest.length - this.#delimiter.length + 1;
          if (sure > 0) {
            controller.enqueue(this.#rest.subarray(0, sure));
            this.#rest = this.#rest.subarray(sure);
            return;
          }
          await this.#more();
        }
      },
      cancel: (reason) => this.#reader.cancel(reason),
    });
  }

  async #until(mark: Uint8Array): Promise<Uint8Array> {
    for (;;) {
      const at = find(this.#rest, mark);
      if (at >= 0) {
        const before = this.#rest.subarray(0, at);
        this.#rest = this.#rest.subarray(at + mark.length);
        this.#headBytes += at + mark.length;
        if (this.#headBytes > HEAD_BYTES_MAX) throw malformed();
        return before;
      }
      if (this.#rest.length > HEAD_BYTES_MAX) throw malformed();
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#reader.read();
    if (done) throw malformed();
    this.#rest = concat(this.#rest, value);
  }
}

/** Where the mark, which begins with CR, begins; -1 if it does not. */
function find(bytes: Uint8Array, mark: Uint8Array): number {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (at + mark.length > bytes.length) return -1;
    let same = 1;
    while (same < mark.length && bytes[at + same] === mark[same]) same++;
    if (same === mark.length) return at;
  }
  return -1;
}

function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length === 0) return right;
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
