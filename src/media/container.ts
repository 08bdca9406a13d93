/** Random access to the bytes of a file or of a buffer. */
export type ByteSource = {
  readonly sizeBytes: number;
  /** Gives up to `length` bytes from `at`, fewer only at the end. */
  read(at: number, length: number): Promise<Uint8Array>;
};

/** Bytes fetched at once: container headers lie close together. */
const WINDOW_BYTES = 4_096;

/** Reads from an open file through a window of 4 KiB; `length` may not exceed it. The caller closes. */
export async function fileByteSource(file: Deno.FsFile): Promise<ByteSource> {
  const sizeBytes = (await file.stat()).size;
  let start = 0;
  let bytes: Uint8Array = new Uint8Array(0);
  return {
    sizeBytes,
    async read(at: number, length: number): Promise<Uint8Array> {
      if (length > WINDOW_BYTES) throw new RangeError(`Cannot read ${length} bytes at once`);
      if (at < start || at + length > start + bytes.length) {
        start = at;
        bytes = at < sizeBytes ? await readWindow(file, at) : new Uint8Array(0);
      }
      return bytes.subarray(at - start, at - start + length);
    },
  };
}

async function readWindow(file: Deno.FsFile, at: number): Promise<Uint8Array> {
  const window = new Uint8Array(WINDOW_BYTES);
  await file.seek(at, Deno.SeekMode.Start);
  let done = 0;
  while (done < window.length) {
    const count = await file.read(window.subarray(done));
    if (count === null) break;
    done += count;
  }
  return window.subarray(0, done);
}
