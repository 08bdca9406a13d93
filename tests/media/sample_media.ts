import sharp from "sharp";

/** A folder for one test, removed when the test is over: `await using folder = await makeFolder()`. */
export async function makeFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "media-" }));
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Bytes of a picture with noise in it, so that no encoder makes it tiny. */
export async function makePicture(
  format: "png" | "jpeg" | "gif" | "webp" | "avif" | "tiff",
  size: { width: number; height: number; orientation?: number } = { width: 120, height: 80 },
): Promise<Uint8Array> {
  const { width, height, orientation } = size;
  const picture = sharp(
    await sharp({
      create: {
        width,
        height,
        channels: 3,
        background: "#c06030",
        noise: { type: "gaussian", mean: 128, sigma: 30 },
      },
    }).png().toBuffer(),
  );
  const oriented = orientation === undefined ? picture : picture.withMetadata({ orientation });
  // The least effort: tests wait for the encoder, not for its best result.
  const options = format === "gif" ? { effort: 1 } : format === "avif" ? { effort: 0 } : {};
  return await oriented.toFormat(format, options).toBuffer();
}

/** Bytes of a picture of one colour, which a decoder expands from next to nothing. */
export async function makePlain(
  width: number,
  height: number,
  background: string | { r: number; g: number; b: number; alpha: number },
): Promise<Uint8Array> {
  const channels = typeof background === "string" ? 3 : 4;
  return await sharp({ create: { width, height, channels, background } }).png().toBuffer();
}

/** Bytes of an animation of a red, a green and a blue frame of 40 × 30, for 100, 200 and 300 ms. */
export async function makeAnimation(format: "gif" | "webp"): Promise<Uint8Array> {
  const frames = await Promise.all(
    ["#f00", "#0f0", "#00f"].map((background) => makePlain(40, 30, background)),
  );
  const delay = [100, 200, 300];
  return await sharp(frames, { join: { animated: true } }).toFormat(format, { delay }).toBuffer();
}

/** Joins numbers, texts (one byte a character) and byte arrays. */
export function bytesOf(...parts: (number | string | Uint8Array)[]): Uint8Array {
  const arrays = parts.map((part) => {
    if (typeof part === "number") return Uint8Array.of(part);
    return typeof part === "string" ? Uint8Array.from(part, (c) => c.charCodeAt(0)) : part;
  });
  const all = new Uint8Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** A big-endian number of `length` bytes. */
export function uint(value: number, length = 4): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) {
    bytes[i] = rest % 256;
  }
  return bytes;
}

/** A box of an mp4 file. */
export function box(type: string, ...parts: (number | string | Uint8Array)[]): Uint8Array {
  const body = bytesOf(...parts);
  return bytesOf(uint(body.length + 8), type, body);
}

/** What {@link makeMp4} writes. */
export type Mp4Options = {
  width?: number;
  height?: number;
  isTurned?: boolean;
  ticks?: number;
  fragmentTicks?: number;
  version?: 0 | 1;
  brand?: string;
};

/** A tiny mp4 file: ftyp, an empty mdat and a moov with a sound track and a video track; 1,000 ticks a second. */
export function makeMp4(options: Mp4Options = {}): Uint8Array {
  const { width = 640, height = 360, ticks = 2500, version = 0, brand = "isom" } = options;
  const timeBytes = version === 1 ? 8 : 4;
  const times = new Uint8Array(timeBytes * 2);
  const mvhd = box(
    "mvhd",
    bytesOf(version, 0, 0, 0, times, uint(1000), uint(ticks, timeBytes), new Uint8Array(80)),
  );
  const mvex = options.fragmentTicks === undefined
    ? new Uint8Array(0)
    : box("mvex", box("mehd", uint(0), uint(options.fragmentTicks)));
  const shape = { width, height, isTurned: options.isTurned ?? false, version };
  return bytesOf(
    box("ftyp", brand, uint(512), brand, "mp41"),
    box("free"),
    box("mdat", new Uint8Array(40)),
    box(
      "moov",
      mvhd,
      makeTrack("soun", { ...shape, width: 0, height: 0 }),
      makeTrack("vide", shape),
      mvex,
    ),
  );
}

function makeTrack(
  handler: string,
  shape: { width: number; height: number; isTurned: boolean; version: 0 | 1 },
): Uint8Array {
  const one = uint(0x10000);
  const zero = uint(0);
  const matrix = shape.isTurned
    ? [zero, one, zero, uint(0xffff0000), zero, zero, zero, zero, uint(0x40000000)]
    : [one, zero, zero, zero, one, zero, zero, zero, uint(0x40000000)];
  const times = new Uint8Array(shape.version === 1 ? 32 : 20);
  return box(
    "trak",
    box(
      "tkhd",
      bytesOf(shape.version, 0, 0, 3, times, new Uint8Array(16), ...matrix),
      uint(shape.width * 65536),
      uint(shape.height * 65536),
    ),
    box("mdia", box("hdlr", uint(0), uint(0), handler, new Uint8Array(12))),
  );
}

/** An element of EBML; `size` replaces the true size of its body. */
export function element(id: number, body: Uint8Array, size?: Uint8Array): Uint8Array {
  const idBytes = uint(id, id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);
  return bytesOf(idBytes, size ?? bytesOf(0x08, uint(body.length, 4)), body);
}

/** Size bytes that say "unknown", as recorders write them. */
export const UNKNOWN_SIZE: Uint8Array = bytesOf(0x01, "\xff\xff\xff\xff\xff\xff\xff");

/** A tiny WebM (or Matroska) file: header, info, a sound track, a video track and an empty cluster. */
export function makeWebm(
  options: {
    docType?: string;
    width?: number;
    height?: number;
    seconds?: number | null;
    frameNs?: number;
  } = {},
): Uint8Array {
  const { docType = "webm", width = 320, height = 240, seconds = 1.5 } = options;
  const duration = new DataView(new ArrayBuffer(8));
  duration.setFloat64(0, (seconds ?? 0) * 1000);
  const info = bytesOf(
    element(0x2ad7b1, uint(1_000_000, 3)),
    seconds === null ? new Uint8Array(0) : element(0x4489, new Uint8Array(duration.buffer)),
  );
  const video = bytesOf(element(0xb0, uint(width, 2)), element(0xba, uint(height, 2)));
  const tracks = bytesOf(
    element(0xae, element(0x83, uint(2, 1))),
    element(
      0xae,
      bytesOf(
        element(0x83, uint(1, 1)),
        element(0x86, bytesOf("V_VP9")),
        element(0x23e383, uint(options.frameNs ?? 0)),
        element(0xe0, video),
      ),
    ),
  );
  return bytesOf(
    element(0x1a45dfa3, bytesOf(element(0x4286, uint(1, 1)), element(0x4282, bytesOf(docType)))),
    element(
      0x18538067,
      bytesOf(
        element(0xec, new Uint8Array(30)),
        element(0x1549a966, info),
        element(0x1654ae6b, tracks),
        element(0x1f43b675, new Uint8Array(16), UNKNOWN_SIZE),
      ),
      UNKNOWN_SIZE,
    ),
  );
}
