import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { dirname, join } from "node:path";
import { scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import type { Library } from "../../src/library/library.ts";
import { restoreFromTrash } from "../../src/library/trash.ts";
import { readTrash } from "../../src/store/trash.ts";
import { addImage, bytesOf, clear, COLLIDING, md5Of, put, treeOf } from "../support/copies.ts";
import { checkDatabase, rowsOf, withLibrary } from "../support/sample_library.ts";
import { runs } from "../support/tier.ts";

/** One thing in a tree: a file of a content, a further name of an earlier file, or a link. */
type Item = {
  folder: string;
  name: string;
  kind: "file" | "hard link" | "link";
  /** Which content, or which earlier item. */
  number: number;
  isRecorded: boolean;
  sidecar: string | null;
};

/** Near copies, other sizes, small files, and two of one MD5. */
const CONTENTS: readonly Uint8Array[] = [
  bytesOf(1, 3_000),
  bytesOf(2, 3_000),
  bytesOf(1, 3_001),
  bytesOf(5, 40),
  bytesOf(6, 40),
  ...COLLIDING,
  ...COLLIDING.map((one) => new Uint8Array([...one, ...bytesOf(9, 2_000)])),
];

const itemArbitrary: fc.Arbitrary<Item> = fc.record({
  folder: fc.constantFrom("images", "images/a", "images/b/c", "images/@odd", "root", "root/z"),
  name: fc.constantFrom("1.png", "2.png", "10.jpg", "é ü.webp", "x"),
  kind: fc.constantFrom("file", "file", "file", "hard link", "link"),
  number: fc.nat(),
  isRecorded: fc.boolean(),
  sidecar: fc.constantFrom(null, null, ".txt", ".json"),
});

/** Makes the tree; gives what each path holds. */
async function build(library: Library, root: string, items: readonly Item[]): Promise<string[]> {
  const made: string[] = [];
  const taken = new Set<string>();
  for (const item of items) {
    const isOurs = item.folder.startsWith("images");
    const relative = join(item.folder, item.name).replace(/^(images|root)\//, "");
    const path = join(isOurs ? library.paths.images : root, relative);
    if (taken.has(path)) continue;
    taken.add(path);
    await Deno.mkdir(dirname(path), { recursive: true });
    const earlier = made.length === 0 ? null : made[item.number % made.length];
    if (item.kind === "link" && earlier !== null) {
      await Deno.symlink(earlier, path);
      continue;
    }
    const content = CONTENTS[item.number % CONTENTS.length];
    if (item.kind === "hard link" && earlier !== null) await Deno.link(earlier, path);
    else await Deno.writeFile(path, content);
    made.push(path);
    if (item.sidecar !== null) {
      await put(dirname(path), item.name + item.sidecar, `tag_${relative}`);
    }
    // The second of two contents with one MD5 cannot be an image.
    const bytes = await Deno.readFile(path);
    const isSecond = [CONTENTS[6], CONTENTS[8]].some((one) => one.toHex() === bytes.toHex());
    if (!item.isRecorded || isSecond) continue;
    await addImage(library, isOurs ? relative : `@disk/${relative}`, bytes, { path });
  }
  return made;
}

/** Contents by how many files have them; links and sidecars left out. */
async function contentsOf(folders: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const folder of folders) {
    for await (const path of filesOf(folder)) {
      const hex = (await Deno.readFile(path)).toHex();
      counts.set(hex, (counts.get(hex) ?? 0) + 1);
    }
  }
  return counts;
}

async function* filesOf(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* filesOf(path);
    else if (entry.isFile && !/\.(txt|json)$/.test(entry.name)) yield path;
  }
}

/** Whether two contents have the MD5 of this one. */
function isColliding(hex: string): boolean {
  const md5 = md5Of(Uint8Array.fromHex(hex));
  return CONTENTS.some((one) => md5Of(one) === md5 && one.toHex() !== hex);
}

Deno.test("no content is ever lost to scanAndRemoveDuplicates(), and all comes back", async () => {
  await withLibrary(async ({ library, folder }) => {
    const root = join(folder, "disk");
    const { images, trash } = library.paths;
    const property = fc.asyncProperty(
      fc.array(itemArbitrary, { maxLength: 14 }),
      fc.boolean(),
      async (items, includeInPlace) => {
        await clear(library);
        await Deno.remove(root, { recursive: true }).catch(() => {});
        await Deno.mkdir(root);
        await library.writer.call("ensureRoot", { name: "disk", path: root });
        await put(root, "never empty.png", bytesOf(99, 77));
        await put(images, "never empty.png", bytesOf(98, 76));
        await build(library, root, items);
        const before = await contentsOf([images, root]);
        const trees = [await treeOf(images), await treeOf(root)];
        const dry = await scanAndRemoveDuplicates(library, { includeInPlace });
        const report = await scanAndRemoveDuplicates(library, { dryRun: false, includeInPlace });
        assertEquals(dry.groups.map(({ kept }) => kept), report.groups.map(({ kept }) => kept));
        const after = await contentsOf([images, root]);
        assertEquals([...after.keys()].sort(), [...before.keys()].sort(), "every content is there");
        assertEquals(
          await contentsOf([images, root, trash]),
          await withCounts(before, [images, root, trash]),
          "and every copy is there or in the trash",
        );
        if (!includeInPlace) assertEquals(await treeOf(root), trees[1]);
        const left = new Set(report.skipped.map(({ filepath }) => filepath));
        for (const [hex, count] of await contentsOf([images])) {
          if (left.size > 0 || isColliding(hex)) continue;
          assertEquals(count, 1, `of ${md5Of(Uint8Array.fromHex(hex))}`);
        }
        await checkRows(library, root);
        const entries = readTrash(library.core.reader, { limit: 99, offset: 0 });
        assertEquals(entries.length, report.duplicatesRemoved);
        for (const { id } of entries) await restoreFromTrash(library, id);
        assertEquals([await treeOf(images), await treeOf(root)], trees);
        assertEquals(await treeOf(trash), {});
        await checkRows(library, root);
      },
    );
    await fc.assert(property, { numRuns: runs(5, 120) });
    checkDatabase(library.paths.database);
  });
});

/** The counts themselves: a map in the order in which the folders are read. */
async function withCounts(
  before: Map<string, number>,
  folders: readonly string[],
): Promise<Map<string, number>> {
  const order = [...(await contentsOf(folders)).keys()];
  return new Map(order.map((hex) => [hex, before.get(hex) ?? 0]));
}

/** Every place has a file with the bytes of its image, and every image is served from one of its places. */
async function checkRows(library: Library, root: string): Promise<void> {
  const rows = rowsOf<[string, string, string]>(
    library.core.reader,
    `SELECT files.filepath, md5, images.filepath FROM image_files AS files
     JOIN images ON images.id = image_id`,
  );
  for (const [filepath, md5] of rows) {
    const path = filepath.startsWith("@disk/")
      ? join(root, filepath.slice("@disk/".length))
      : join(library.paths.images, filepath);
    assertEquals(md5Of(await Deno.readFile(path)), md5, filepath);
  }
  const places = new Set(rows.map(([filepath]) => filepath));
  for (const [, , served] of rows) assertEquals(places.has(served), true, served);
}
