/** Magic bytes as Latin-1 text at an offset, and what a file that has them is. */
const MAGICS: readonly (readonly [offset: number, magic: string, words: string])[] = [
  [0, "PK\x03\x04", "a ZIP archive (such as an ugoira or a comic book)"],
  [0, "PK\x05\x06", "an empty ZIP archive"],
  [0, "PK\x07\x08", "a ZIP archive in several parts"],
  [0, "Rar!\x1a\x07", "a RAR archive"],
  [0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive"],
  [0, "\x1f\x8b", "a gzip file (such as a compressed SVG drawing)"],
  [0, "BZh", "a bzip2 file"],
  [0, "\xfd7zXZ\0", "an xz file"],
  [0, "\x28\xb5\x2f\xfd", "a Zstandard file"],
  [257, "ustar", "a tar archive"],
  [0, "%PDF-", "a PDF document"],
  [0, "%!PS", "a PostScript document"],
  [0, "\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"],
  [0, "\xff\x0a", "a JPEG XL picture"],
  [0, "\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"],
  [0, "\xff\x4f\xff\x51", "a JPEG 2000 picture"],
  [0, "II\xbc", "a JPEG XR picture"],
  [0, "IIRO", "a raw photograph (.orf)"],
  [0, "II*\0\x10\0\0\0CR", "a raw photograph (.cr2)"],
  [0, "II*\0", "a TIFF picture"],
  [0, "MM\0*", "a TIFF picture"],
  [0, "II+\0", "a BigTIFF picture"],
  [0, "MM\0+", "a BigTIFF picture"],
  [0, "8BPS", "a Photoshop document"],
  [0, "gimp xcf", "a GIMP document"],
  [0, "CSFCHUNK", "a Clip Studio document"],
  [0, "qoif", "a QOI picture"],
  [0, "DDS ", "a DirectDraw texture"],
  [0, "FLIF", "a FLIF picture"],
  [0, "BPG\xfb", "a BPG picture"],
  [0, "\0\0\x01\0", "an icon file (.ico)"],
  [0, "\0\0\x02\0", "a cursor file (.cur)"],
  [0, "\x8aMNG\r\n\x1a\n", "an MNG animation"],
  [0, "\x8bJNG\r\n\x1a\n", "a JNG picture"],
  [0, "FWS", "a Flash film (.swf)"],
  [0, "CWS", "a Flash film (.swf)"],
  [0, "ZWS", "a Flash film (.swf)"],
  [0, "FLV\x01", "a Flash video (.flv)"],
  [8, "AVI ", "an AVI film"],
  [8, "WAVE", "a sound file (.wav)"],
  [0, "OggS", "an Ogg file"],
  [0, "fLaC", "a sound file (.flac)"],
  [0, "ID3", "a sound file (.mp3)"],
  [0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file (.wmv)"],
  [0, "\0\0\x01\xba", "an MPEG film"],
  [0, "\0\0\x01\xb3", "an MPEG film"],
  [0, ".RMF", "a RealMedia film"],
  [4, "moov", "a QuickTime film (.mov)"],
  [4, "mdat", "a QuickTime film (.mov)"],
  [4, "wide", "a QuickTime film (.mov)"],
  [4, "styp", "a fragment of an mp4 stream"],
  [4, "moof", "a fragment of an mp4 stream"],
  [0, "SQLite format 3\0", "an SQLite database"],
  [0, "MZ", "a Windows program"],
  [0, "\x7fELF", "a Linux program"],
];

/** What a text file is, by how it begins (after byte order mark, blanks, XML prologue and comments). */
const TEXTS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/^<(\w+:)?svg[\s>]/i, "an SVG drawing"],
  [/^<!doctype svg/i, "an SVG drawing"],
  [/^<(!doctype html|html|head|body|script|title|meta)[\s>]/i, "an HTML page"],
  [/^#EXTM3U/, "a playlist"],
  [/^<\?xml|^<[a-z!]/i, "an XML document"],
  [/^[[{]\s*(["[{}\]\d-]|true|false|null)/, "a JSON document"],
  [/^#!/, "a script"],
];

/**
 * Names a file by magic bytes that belong to none of the library's own types.
 *
 * `undefined` for bytes that nothing recognises. Magic bytes are compared before text is looked at, so
 * a drawing with a script inside is still called a drawing.
 */
export function describeForeign(head: Uint8Array): string | undefined {
  if (head.length === 0) return "an empty file";
  if (head.every((byte) => byte === 0)) return "a file of zeros (an unfinished download?)";
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join("");
  for (const [offset, magic, words] of MAGICS) {
    if (text.startsWith(magic, offset)) return words;
  }
  if (isBitmap(head)) return "a BMP picture";
  return describeText(head);
}

/** `BM` alone would match a text: the reserved fields and the size of the header decide. */
function isBitmap(head: Uint8Array): boolean {
  if (head.length < 18 || head[0] !== 0x42 || head[1] !== 0x4d) return false;
  const reserved = head[6] | head[7] | head[8] | head[9];
  return reserved === 0 && head[15] === 0 && head[16] === 0 && head[17] === 0 && head[14] >= 12;
}

function describeText(head: Uint8Array): string | undefined {
  const text = decodeText(head);
  if (text === undefined) return undefined;
  const start = skipPrologue(text);
  for (const [pattern, words] of TEXTS) {
    if (pattern.test(start)) return words;
  }
  return start === "" && text.startsWith("<") ? "an XML document" : "a text file";
}

/** Text of the head, `undefined` if it has characters that no text file has. */
function decodeText(head: Uint8Array): string | undefined {
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const label = isUtf16 ? (head[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
  const text = new TextDecoder(label).decode(head);
  // deno-lint-ignore no-control-regex -- control characters are what tells a binary file
  const isBinary = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text);
  // A character that the end of the head cuts in two is no sign of a binary file.
  return isBinary || text.slice(0, -4).includes("\ufffd") ? undefined : text;
}

/** Drops blanks, comments and the XML declaration from the start, by hand so that it stays linear. */
function skipPrologue(text: string): string {
  let rest = text.trimStart();
  for (;;) {
    const end = rest.startsWith("<!--")
      ? rest.indexOf("-->") + 3
      : rest.startsWith("<?xml")
      ? rest.indexOf("?>") + 2
      : 0;
    if (end === 0) return rest;
    if (end < 4) return "";
    rest = rest.slice(end).trimStart();
  }
}
