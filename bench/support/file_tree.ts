import { dirname, join } from "node:path";
import { seededRandom } from "./random.ts";

/** What {@link makeFileTree} wrote. */
export type FileTree = { files: number; bytes: number; copies: number };

/** Sizes of thumbnails and small pictures: 32.5 KB on average, most of them near it. */
const SIZE_MIN_BYTES = 8_000;
const SIZE_SPREAD_BYTES = 49_000;
const FOLDERS = 256;
/** Of each 100 files: copies of earlier ones, … */
const COPIES_IN_100 = 10;
/** … files of an earlier one's size with other bytes, … */
const SAME_SIZE_IN_100 = 4;
/** … and files that differ from an earlier one in their last byte alone. */
const SAME_BEGINNING_IN_100 = 2;
const BLOCK_BYTES = 65_536;

/** Writes a tree of files with copies and near copies among them; the same seed gives the same tree. */
export async function makeFileTree(
  folder: string,
  options: { files: number; seed: number },
): Promise<FileTree> {
  const random = seededRandom(options.seed);
  const noise = new Uint8Array(4 * BLOCK_BYTES);
  for (let i = 0; i < noise.length; i++) noise[i] = random() * 256;
  /** Size and beginning in the noise of each content; a number of its own makes it unlike all others. */
  const contents: { sizeBytes: number; from: number; number: number; last: number }[] = [];
  let bytes = 0;
  let copies = 0;
  for (let i = 0; i < options.files; i++) {
    const kind = i < 100 ? 100 : Math.floor(random() * 100);
    const old = contents[Math.floor(random() * contents.length)];
    const fresh = {
      sizeBytes: SIZE_MIN_BYTES + Math.floor(random() * SIZE_SPREAD_BYTES),
      from: Math.floor(random() * BLOCK_BYTES),
      number: i + 1,
      last: 0,
    };
    const isCopy = kind < COPIES_IN_100;
    const content = isCopy
      ? old
      : kind < COPIES_IN_100 + SAME_SIZE_IN_100
      ? { ...fresh, sizeBytes: old.sizeBytes }
      : kind < COPIES_IN_100 + SAME_SIZE_IN_100 + SAME_BEGINNING_IN_100
      ? { ...old, last: i + 1 }
      : fresh;
    if (isCopy) copies++;
    else contents.push(content);
    bytes += content.sizeBytes;
    const path = join(folder, (i % FOLDERS).toString(16).padStart(2, "0"), `${i}.jpg`);
    if (i < FOLDERS) await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(path, toBytes(content, noise));
  }
  return { files: options.files, bytes, copies };
}

function toBytes(
  content: { sizeBytes: number; from: number; number: number; last: number },
  noise: Uint8Array,
): Uint8Array {
  const file = noise.slice(content.from, content.from + content.sizeBytes);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0xffd8ffe0);
  view.setUint32(4, content.number);
  if (content.last > 0) view.setUint32(file.length - 4, content.last);
  return file;
}
