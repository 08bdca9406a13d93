/** Kinds of files that a search can ask for, by the ending that stands for them. */
export const FILE_TYPES = [
  "jpg",
  "png",
  "gif",
  "webp",
  "avif",
  "mp4",
  "webm",
  "swf",
  "zip",
] as const;

/** A kind of file. */
export type FileType = typeof FILE_TYPES[number];

const OTHER_SPELLINGS: readonly (readonly [ext: string, type: FileType])[] = [
  ["jpeg", "jpg"],
  ["jpe", "jpg"],
  ["jfif", "jpg"],
  ["apng", "png"],
  ["avifs", "avif"],
  ["m4v", "mp4"],
];

/** Every known ending in lower case, without its dot → place in {@link FILE_TYPES} + 1. */
export const FILE_TYPE_CODES: ReadonlyMap<string, number> = new Map([
  ...FILE_TYPES.map((type, i): [string, number] => [type, i + 1]),
  ...OTHER_SPELLINGS.map(([ext, type]): [string, number] => [ext, FILE_TYPES.indexOf(type) + 1]),
]);

/** The longest known ending. */
const EXT_BYTES_MAX = 5;
const DOT = 0x2e;

/** Endings as numbers in base 256, so that a million paths are told without a text for each. */
const CODE_BY_NUMBER: ReadonlyMap<number, number> = new Map(
  [...FILE_TYPE_CODES].map(([ext, code]) => [
    [...ext].reduce((number, letter) => number * 256 + letter.charCodeAt(0), 0),
    code,
  ]),
);

/**
 * Gives the code of an ending such as `jpg`, `.JPG` or `jpeg`: its place in {@link FILE_TYPES} + 1, or 0
 * when it is none of them.
 */
export function toFileTypeCode(ext: string): number {
  return FILE_TYPE_CODES.get((ext.startsWith(".") ? ext.slice(1) : ext).toLowerCase()) ?? 0;
}

/** Gives the code that the ending of a path stands for; 0 when it has none or another. */
export function fileTypeCodeOfPath(path: string): number {
  const dot = path.lastIndexOf(".");
  return dot < 0 ? 0 : toFileTypeCode(path.slice(dot));
}

/**
 * Gives the code that the ending of the path in `bytes` from `start` to `end` stands for, as
 * {@link fileTypeCodeOfPath} does. Cost: O(1), nothing is allocated.
 */
export function fileTypeCodeOfBytes(bytes: Uint8Array, start: number, end: number): number {
  const first = Math.max(start, end - EXT_BYTES_MAX - 1);
  let dot = end - 1;
  while (dot >= first && bytes[dot] !== DOT) dot--;
  if (dot < first) return 0;
  let number = 0;
  for (let i = dot + 1; i < end; i++) {
    const byte = bytes[i];
    number = number * 256 + (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  }
  return CODE_BY_NUMBER.get(number) ?? 0;
}
