import { dirname, join } from "node:path";
import { createHash } from "node:crypto";
import type { Library } from "../../src/library/library.ts";
import { inodeOf } from "../../src/library/stored_file.ts";
import { openWriter } from "../../src/store/database.ts";
import type { FilePlace } from "../../src/store/import_images.ts";
import { rowsOf } from "./sample_library.ts";

/** Two contents of 64 bytes with one MD5 (Stevens, 2012). */
export const COLLIDING: readonly [Uint8Array, Uint8Array] = ["00", "02"].map((digits, i) =>
  Uint8Array.fromHex(
    "4dc968ff0ee35c209572d4777b721587d36fa7b21bdc56b74a3dc0783e7b9518afbfa2" + digits +
      "a8284bf36e8e4b55b35f427593d849676da0d1" + (i === 0 ? "55" : "d5") +
      "5d8360fb5f07fea2",
  )
) as [Uint8Array, Uint8Array];

/** Their MD5. */
export const COLLIDING_MD5 = "008ee33a9d58b51cfeb425b0959121c9";

/** Bytes of a content: as many as wanted, another content for each number, all with one beginning. */
export function bytesOf(number: number, size = 5_000): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i % 251;
  if (size >= 4) new DataView(bytes.buffer).setUint32(size - 4, number);
  return bytes;
}

/** MD5 in hex. */
export function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** Writes a file below a folder; gives its path. */
export async function put(
  folder: string,
  name: string,
  content: Uint8Array | string,
): Promise<string> {
  const path = join(folder, name);
  await Deno.mkdir(dirname(path), { recursive: true });
  if (typeof content === "string") await Deno.writeTextFile(path, content);
  else await Deno.writeFile(path, content);
  return path;
}

/** A place as an import would record it. */
export async function placeOf(path: string, filepath: string): Promise<FilePlace> {
  const info = await Deno.lstat(path);
  return {
    filepath,
    sizeBytes: info.size,
    mtimeMs: info.mtime!.getTime(),
    inode: inodeOf(info),
  };
}

/**
 * Writes a file into the library's own folder, or into a folder indexed in place, and records it as a place of
 * the image of its content, which is made if there is none.
 */
export async function addImage(
  library: Library,
  filepath: string,
  content: Uint8Array,
  options: { tags?: string[]; path?: string } = {},
): Promise<number> {
  const path = options.path ?? await put(library.paths.images, filepath, content);
  const tags = (options.tags ?? []).map((name) => ({ name, category: null }));
  const [{ imageId }] = await library.writer.call("importImages", {
    items: [{
      md5: md5Of(content),
      place: await placeOf(path, filepath),
      isServed: false,
      media: {
        ext: "png",
        sizeBytes: content.length,
        width: null,
        height: null,
        durationMs: null,
        originalName: filepath,
      },
      tags,
      rating: null,
      sites: [],
    }],
  });
  return imageId;
}

/** Every image with its path and places. */
export function imagesOf(library: Library): Record<string, string[]> {
  const rows = rowsOf<[string, string]>(
    library.core.reader,
    `SELECT images.filepath, coalesce(group_concat(files.filepath, ' ' ORDER BY files.filepath), '')
     FROM images LEFT JOIN image_files AS files ON image_id = images.id GROUP BY images.id`,
  );
  return Object.fromEntries(rows.map(([filepath, places]) => [filepath, places.split(" ")]));
}

/** Everything that lies below a folder: files as their content's MD5, links as where they lead. */
export async function treeOf(folder: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isSymlink) tree[entry.name] = `-> ${await Deno.readLink(path)}`;
    else if (entry.isFile) tree[entry.name] = md5Of(await Deno.readFile(path));
    else {
      for (const [name, what] of Object.entries(await treeOf(path))) {
        tree[`${entry.name}/${name}`] = what;
      }
    }
  }
  return tree;
}

/** Writes with a connection of its own, as another program does. */
export function write(library: Library, sql: string): void {
  const db = openWriter(library.paths.database);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

/** Forgets all images, hashes and trash, and removes all files. */
export async function clear(library: Library): Promise<void> {
  write(
    library,
    "DELETE FROM images; DELETE FROM trash; DELETE FROM file_hashes; DELETE FROM library_roots;",
  );
  for (const folder of [library.paths.images, library.paths.trash]) {
    await Deno.remove(folder, { recursive: true });
    await Deno.mkdir(folder);
  }
}

/** Calls of the operating system of which some fail, each with this code. */
export function failing(
  names: readonly ("copyFile" | "link" | "mkdir" | "open" | "remove" | "rename")[],
  options: { code?: string; isFailing?: (path: string) => boolean } = {},
) {
  const { code = "EIO", isFailing = () => true } = options;
  const calls = {
    copyFile: Deno.copyFile,
    link: Deno.link,
    mkdir: Deno.mkdir,
    open: Deno.open,
    remove: Deno.remove,
    rename: Deno.rename,
  };
  for (const name of names) {
    const real = calls[name] as (...args: unknown[]) => Promise<unknown>;
    Object.assign(calls, {
      [name]: (...args: unknown[]) => {
        if (!isFailing(String(args[0]))) return real(...args);
        return Promise.reject(Object.assign(new Error(`${name} fails`), { code }));
      },
    });
  }
  return calls;
}
