import { readElementId, readVint } from "./ebml.ts";
import { describeForeign } from "./sniff_foreign.ts";

/** A kind of file that the library stores and a browser shows. */
export type MediaType = {
  readonly ext: "png" | "jpg" | "gif" | "webp" | "avif" | "mp4" | "webm";
  readonly mime: string;
  readonly kind: "image" | "video";
};

/** Bytes from the start of a file that are enough to tell its type. */
export const SNIFF_BYTES = 1_024;

/** The DocType element of an EBML header. */
const DOC_TYPE_ID = 0x4282;

const PNG: MediaType = { ext: "png", mime: "image/png", kind: "image" };
const JPG: MediaType = { ext: "jpg", mime: "image/jpeg", kind: "image" };
const GIF: MediaType = { ext: "gif", mime: "image/gif", kind: "image" };
const WEBP: MediaType = { ext: "webp", mime: "image/webp", kind: "image" };
const AVIF: MediaType = { ext: "avif", mime: "image/avif", kind: "image" };
const MP4: MediaType = { ext: "mp4", mime: "video/mp4", kind: "video" };
const WEBM: MediaType = { ext: "webm", mime: "video/webm", kind: "video" };

/** Every type that the library stores. */
export const MEDIA_TYPES: readonly MediaType[] = [PNG, JPG, GIF, WEBP, AVIF, MP4, WEBM];

const TYPES_BY_EXT: ReadonlyMap<string, MediaType> = new Map([
  ...MEDIA_TYPES.map((type): [string, MediaType] => [type.ext, type]),
  ["apng", PNG],
  ["jpeg", JPG],
  ["jpe", JPG],
  ["jfif", JPG],
  ["avifs", AVIF],
  ["m4v", MP4],
]);

/** Brands of the `ftyp` box that promise a film which browsers play as `video/mp4`. */
const MP4_BRANDS: ReadonlySet<string> = new Set([
  ..."isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 isoa isob isoc mp41 mp42 mp71".split(" "),
  ..."avc1 hvc1 hev1 av01 dash cmfc cmf2 MSNV mmp4 M4VH M4VP XAVC 3gp4 3gp5 3gp6".split(" "),
  ...["M4V ", "F4V ", "f4v "],
]);

/** Major brands that are no film, whatever compatible brands stand beside them. */
const NOT_MP4_MAJORS: ReadonlySet<string> = new Set([
  ..."heic heix heim heis hevc hevx hevm hevs mif1 msf1 mif2".split(" "),
  ...["M4A ", "M4B ", "M4P ", "F4A ", "F4B ", "crx ", "jpx ", "jp2 "],
]);

/**
 * Tells the type of a file by its first bytes, `undefined` when the library does not store its kind.
 *
 * A name's ending is never asked. An animated PNG or WebP has the type of a still one; a QuickTime
 * file counts as mp4 only if it declares a brand of mp4 too; Matroska is not WebM.
 *
 * Units: the first {@link SNIFF_BYTES} bytes; fewer only if the file is shorter.
 */
export function sniffMediaType(head: Uint8Array): MediaType | undefined {
  if (startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return PNG;
  if (startsWith(head, [0xff, 0xd8, 0xff])) return JPG;
  const start = latin1(head, 0, 12);
  if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) return GIF;
  if (start.startsWith("RIFF") && start.slice(8) === "WEBP") return WEBP;
  if (start.slice(4, 8) === "ftyp") return sniffBrands(readBrands(head));
  if (readEbmlDocType(head) === "webm") return WEBM;
  return undefined;
}

/**
 * Names what a file is that the library does not store, such as `an SVG drawing`.
 *
 * The words fit behind "it is". `undefined` for a supported type and for bytes that nothing
 * recognises.
 */
export function describeUnsupported(head: Uint8Array): string | undefined {
  if (sniffMediaType(head) !== undefined) return undefined;
  const doctype = readEbmlDocType(head);
  if (doctype === "matroska") return "a Matroska film (.mkv)";
  if (doctype !== undefined) return "an EBML file of an unknown kind";
  if (latin1(head, 4, 8) === "ftyp") return describeBrands(readBrands(head));
  return describeForeign(head);
}

/** Gives the type that a name's ending stands for; takes `jpg`, `.JPG` and the usual other spellings. */
export function mediaTypeOfExt(ext: string): MediaType | undefined {
  return TYPES_BY_EXT.get((ext.startsWith(".") ? ext.slice(1) : ext).toLowerCase());
}

function sniffBrands(brands: readonly string[]): MediaType | undefined {
  const major = brands[0];
  if (major === "avif" || major === "avis") return AVIF;
  if (NOT_MP4_MAJORS.has(major)) {
    const isStructural = major.startsWith("mif") || major.startsWith("msf");
    return isStructural && brands.some((b) => b === "avif" || b === "avis") ? AVIF : undefined;
  }
  return brands.some((brand) => MP4_BRANDS.has(brand)) ? MP4 : undefined;
}

function describeBrands(brands: readonly string[]): string {
  const major = brands[0];
  if (brands.some((b) => /^(hei[cxms]|hev[cxms])$/.test(b))) return "a HEIC picture";
  if (major.startsWith("mif") || major.startsWith("msf")) return "a HEIF picture";
  if (/^(M4[ABP]|F4[AB])/.test(major)) return "a sound file (.m4a)";
  if (major.startsWith("crx")) return "a raw photograph (.cr3)";
  if (major.startsWith("qt")) return "a QuickTime film (.mov)";
  if (major.startsWith("jp")) return "a JPEG 2000 picture";
  if (major.startsWith("3g")) return "a 3GP film";
  return "an ISO media file of an unknown brand";
}

/** Major brand first, then the compatible ones, as far as `head` reaches; never empty. */
function readBrands(head: Uint8Array): string[] {
  const declared = head.length < 4 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(0);
  const end = Math.min(declared, head.length);
  const brands = [latin1(head, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(latin1(head, at, at + 4));
  return brands;
}

/**
 * Text of the DocType element of an EBML header (RFC 8794), `undefined` if the bytes are no EBML.
 *
 * The size of the header itself is not trusted: elements are read until `head` or the header ends.
 */
function readEbmlDocType(head: Uint8Array): string | undefined {
  if (!startsWith(head, [0x1a, 0x45, 0xdf, 0xa3])) return undefined;
  const body = readVint(head, 4);
  if (body === undefined) return undefined;
  const end = Math.min(body.next + body.value, head.length);
  let at = body.next;
  while (at < end) {
    const id = readElementId(head, at);
    const size = id === undefined ? undefined : readVint(head, id.next);
    if (id === undefined || size === undefined) return undefined;
    if (id.value === DOC_TYPE_ID) {
      return latin1(head, size.next, Math.min(size.next + size.value, end)).replace(/\0+$/, "");
    }
    at = size.next + size.value;
  }
  return undefined;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
