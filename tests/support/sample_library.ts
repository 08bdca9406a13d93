import { assertEquals } from "@std/assert";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { importFolders, type ImportOptions } from "../../src/library/import_folder.ts";
import type { ImportReport } from "../../src/library/import_report.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { locateFile } from "../../src/library/library_paths.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import { type Database, openReader } from "../../src/store/database.ts";

/** A library in a folder of its own, with an empty folder for sources beside it. */
export type SampleLibrary = { library: Library; folder: string; source: string };

/** Runs a test with a new library and removes everything afterwards. */
export async function withLibrary(
  test: (sample: SampleLibrary) => Promise<void>,
  prepare: (folder: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "chibibooru_test_" }));
  try {
    const source = join(folder, "source");
    await Deno.mkdir(source);
    await prepare(folder);
    const library = await openLibrary({ folder: join(folder, "library"), workers: 1 });
    try {
      await test({ library, folder, source });
    } finally {
      await library.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e";

const pictures = new Map<number, Promise<Uint8Array>>();

/** Bytes of a small picture, another one for each number. */
export function pictureBytes(number: number): Promise<Uint8Array> {
  let bytes = pictures.get(number);
  if (bytes === undefined) {
    const background = { r: number & 255, g: (number >> 8) & 255, b: (number >> 16) & 255 };
    bytes = sharp({ create: { width: 9, height: 7, channels: 3, background } })
      .png({ compressionLevel: 0 }).toBuffer().then((data) => new Uint8Array(data));
    pictures.set(number, bytes);
  }
  return bytes;
}

/** Writes a picture, and sidecars beside it: text, or an object as JSON, by what follows its name. */
export async function writePicture(
  path: string,
  number: number,
  sidecars: Record<string, string | object> = {},
): Promise<string> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, await pictureBytes(number));
  for (const [suffix, content] of Object.entries(sidecars)) {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await Deno.writeTextFile(path + suffix, text);
  }
  return path;
}

/** Imports the sources of a sample library, or other folders. */
export function importSource(
  { library, source }: Pick<SampleLibrary, "library" | "source">,
  options: Partial<ImportOptions> = {},
): Promise<ImportReport> {
  return importFolders(library, { folders: [source], mode: "copy", ...options });
}

/** The numbers of a report that are not zero, and the codes of what was skipped. */
export function digest(report: ImportReport): Record<string, unknown> {
  const { added, alreadyThere, furtherCopies, replaced, tagsMerged } = report;
  const counts = Object.entries({ added, alreadyThere, furtherCopies, replaced, tagsMerged })
    .filter(([, count]) => count > 0);
  const codes = report.skipped.map(({ code }) => code).sort();
  return { ...Object.fromEntries(counts), ...(codes.length > 0 ? { skipped: codes } : {}) };
}

/** All rows of a query. */
export function rowsOf<T extends unknown[]>(db: Database, sql: string, ...params: string[]): T[] {
  return db.prepare(sql).values<T>(...params);
}

/** Tags of the image with this md5 as `category:name`, sorted. */
export function tagsOf({ core }: Library, md5: string): string[] {
  return rowsOf<[string]>(
    core.reader,
    `SELECT category || ':' || name FROM image_tags JOIN tags ON tags.id = tag_id
     JOIN images ON images.id = image_id WHERE md5 = ? ORDER BY 1`,
    md5,
  ).map(([tag]) => tag);
}

/** Id, path and places of the image with this md5. */
export function imageOf(
  { core }: Library,
  md5: string,
): { id: number; filepath: string; places: string[] } | undefined {
  const row = core.reader.prepare("SELECT id, filepath FROM images WHERE md5 = ?")
    .value<[number, string]>(md5);
  if (row === undefined) return undefined;
  const places = core.reader
    .prepare("SELECT filepath FROM image_files WHERE image_id = ? ORDER BY filepath")
    .values<[string]>(row[0]).map(([filepath]) => filepath);
  return { id: row[0], filepath: row[1], places };
}

/**
 * Path → md5 of every file below a folder, to see that nothing was written. What SQLite makes when it
 * only reads is left out: its locks, and an empty log.
 */
export async function fingerprint(folder: string): Promise<Record<string, string>> {
  const paths: [string, string][] = [];
  for (const [md5, names] of await hashTree(folder)) {
    const isEmpty = md5 === EMPTY_MD5;
    paths.push(
      ...names.filter((name) => !name.endsWith(".db-shm") && !(isEmpty && name.endsWith(".db-wal")))
        .map((name): [string, string] => [name, md5]),
    );
  }
  return Object.fromEntries(paths.sort());
}

/** md5 → paths of every file below a folder. */
export async function hashTree(folder: string): Promise<Map<string, string[]>> {
  const files = new Map<string, string[]>();
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      for (const [md5, paths] of await hashTree(path)) {
        files.set(md5, [...files.get(md5) ?? [], ...paths]);
      }
    } else {
      const md5 = await getFileMd5(path);
      files.set(md5, [...files.get(md5) ?? [], path]);
    }
  }
  return files;
}

/**
 * Checks that rows and files agree: every image lies where its row says with the bytes of its md5, every
 * file in the images folder is a recorded place, the database is sound and its texts follow its links.
 */
export async function checkWhole(library: Library): Promise<void> {
  const { reader } = library.core;
  const places = rowsOf<[string, string]>(
    reader,
    `SELECT filepath, md5 FROM images
     UNION SELECT files.filepath, md5 FROM image_files AS files JOIN images ON images.id = image_id`,
  );
  const wrong: string[] = [];
  for (const [filepath, md5] of places) {
    const path = await locateFile(library.paths, library.roots(), filepath);
    const found = await getFileMd5(path).catch(() => "no file");
    if (found !== md5) wrong.push(`${filepath}: ${found} instead of ${md5}`);
  }
  const recorded = new Set(places.map(([filepath]) => join(library.paths.images, filepath)));
  for (const paths of (await hashTree(library.paths.images)).values()) {
    wrong.push(...paths.filter((path) => !recorded.has(path)).map((path) => `${path}: no row`));
  }
  assertEquals(wrong, []);
  checkDatabase(library.paths.database);
}

/** Checks that a database is sound and that what it keeps twice is equal. */
export function checkDatabase(path: string): void {
  // A connection of its own: SQLite checks the full-text table of an old one against what it remembers.
  const reader = openReader(path);
  try {
    checkTables(reader);
  } finally {
    reader.close();
  }
}

function checkTables(reader: Database): void {
  assertEquals(rowsOf(reader, "PRAGMA integrity_check"), [["ok"]]);
  assertEquals(rowsOf(reader, "PRAGMA foreign_key_check"), []);
  const categories = ["character", "copyright", "artist", "species", "meta", "general"];
  for (const category of categories) {
    const different = rowsOf(
      reader,
      `SELECT images.id, coalesce(tags_${category}, ''), coalesce(linked, '') FROM images LEFT JOIN (
         SELECT image_id, group_concat(name, ' ' ORDER BY name) AS linked FROM image_tags
         JOIN tags ON tags.id = tag_id WHERE category = ? GROUP BY image_id
       ) ON image_id = images.id WHERE coalesce(tags_${category}, '') <> coalesce(linked, '')`,
      category,
    );
    assertEquals(different, [], `tags_${category} against the links`);
  }
  const fullText =
    "filepath, tags_character, tags_copyright, tags_artist, tags_species, tags_meta, tags_general";
  assertEquals(
    rowsOf(reader, `SELECT ${fullText} FROM images_fts ORDER BY 1`),
    rowsOf(
      reader,
      `SELECT filepath, ${
        categories.map((name) => `coalesce(tags_${name}, '')`).join(", ")
      } FROM images ORDER BY 1`,
    ),
    "full text against the images",
  );
}
