import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { findWrongSums, SUMS_FILE, writeChecksums } from "../../../tools/release/checksums.ts";
import { withTempDir } from "../../support/temp.ts";

/** A folder with files, one of them hidden and one in a folder, and their sums. */
async function withSums(test: (dir: string) => Promise<void>): Promise<void> {
  await withTempDir(async (dir) => {
    await Deno.mkdir(join(dir, "sub"));
    await Deno.writeTextFile(join(dir, "a name"), "hello\n");
    await Deno.writeTextFile(join(dir, "sub/b.run"), "");
    await Deno.writeTextFile(join(dir, ".hidden"), "no");
    await Deno.writeTextFile(join(dir, SUMS_FILE), "old");
    assertEquals(await writeChecksums(dir), ["a name", "sub/b.run"]);
    await test(dir);
  });
}

/** Whether `sha256sum -c` is content. */
async function isChecked(dir: string): Promise<boolean> {
  const { success } = await new Deno.Command("sha256sum", {
    args: ["--strict", "-c", SUMS_FILE],
    cwd: dir,
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

Deno.test("writeChecksums() writes the sums of all visible files as sha256sum reads them", async () => {
  await withSums(async (dir) => {
    assertEquals(
      await Deno.readTextFile(join(dir, SUMS_FILE)),
      "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  a name\n" +
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  sub/b.run\n",
    );
    assertEquals([await findWrongSums(dir), await isChecked(dir)], [[], true]);
  });
});

Deno.test("findWrongSums() names files that differ, are gone, or have no sum", async () => {
  await withSums(async (dir) => {
    await Deno.writeTextFile(join(dir, "a name"), "hello!");
    await Deno.remove(join(dir, "sub/b.run"));
    await Deno.writeTextFile(join(dir, "more"), "");
    assertEquals(await findWrongSums(dir), ["a name", "more", "sub/b.run"]);
    assertEquals(await isChecked(dir), false);
  });
});
