import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { FolderWatcher } from "../../src/system/watch_files.ts";
import { withTempDir } from "../support/temp.ts";

/** What a watcher tells until it told of all these paths. */
async function gather(watcher: FolderWatcher, wanted: readonly string[]) {
  const appeared = new Set<string>();
  const changed = new Set<string>();
  while (!wanted.every((path) => appeared.has(path) || changed.has(path))) {
    const changes = await watcher.next();
    for (const path of changes!.appeared) appeared.add(path);
    for (const path of changes!.changed) changed.add(path);
  }
  return { appeared, changed };
}

Deno.test("FolderWatcher.next() tells what appears, changes and vanishes, and not what is read", async () => {
  await withTempDir(async (temp) => {
    const folder = await Deno.realPath(temp);
    await Deno.mkdir(join(folder, "old"));
    await Deno.writeTextFile(join(folder, "old/read.txt"), "x");
    await Deno.writeTextFile(join(folder, "old/gone.txt"), "x");
    const watcher = new FolderWatcher(folder, "/none");
    const [made, gone] = [join(folder, "old/made\n.txt"), join(folder, "old/gone.txt")];
    const added = join(folder, "new");
    await Deno.readTextFile(join(folder, "old/read.txt"));
    await Deno.writeTextFile(made, "x");
    await Deno.remove(gone);
    await Deno.mkdir(added);
    const { appeared, changed } = await gather(watcher, [made, gone, added]);
    assert(appeared.has(made) && appeared.has(added) && changed.has(gone));
    assertEquals([...appeared, ...changed].filter((path) => path.endsWith("read.txt")), []);
    const waiting = watcher.next();
    watcher.close();
    watcher.close();
    assertEquals(await waiting, null);
  });
});

Deno.test("FolderWatcher says which folder cannot be watched", async () => {
  await withTempDir((folder) => {
    const path = join(folder, "none");
    const error = assertThrows(() => new FolderWatcher(path, "/none"), AppError);
    assert(error.message.includes(path), error.message);
  });
});

Deno.test("FolderWatcher refuses a folder from which the database can be reached", async () => {
  await withTempDir(async (temp) => {
    const apart = join(temp, "pictures/library/data");
    await Deno.mkdir(apart, { recursive: true });
    await Deno.mkdir(join(temp, "linked/deep"), { recursive: true });
    await Deno.mkdir(join(temp, "good/sub"), { recursive: true });
    await Deno.symlink(join(temp, "pictures"), join(temp, "linked/deep/link"));
    await Deno.symlink(join(temp, "good"), join(temp, "good/sub/loop"));
    for (const name of ["pictures/library/data", "pictures", "linked"]) {
      const error = assertThrows(() => new FolderWatcher(join(temp, name), apart), AppError);
      assertEquals(error.code, "conflict");
    }
    new FolderWatcher(join(temp, "good"), apart).close();
  });
});
