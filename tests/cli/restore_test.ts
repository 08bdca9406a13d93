import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { runRestore } from "../../src/cli/restore.ts";
import { findLibraryPaths } from "../../src/library/library_paths.ts";
import { restoreBackup } from "../../src/library/restore.ts";
import { withDatabase } from "../support/closed_library.ts";
import { buildLibrary } from "../support/library_builder.ts";
import { withTempDir } from "../support/temp.ts";

/** Runs `restore` and gives its code and what it printed. */
async function run(folder: string, ...args: string[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const print = console.log;
  console.log = (text: string) => lines.push(text);
  try {
    const code = await runRestore({
      args: [...args, "--library", folder],
      env: () => undefined,
      folder,
    });
    return { code, lines };
  } finally {
    console.log = print;
  }
}

Deno.test("restore list and latest say that there is no library where there is none", () =>
  withTempDir(async (dir) => {
    const wrong = join(dir, "lirbary");
    await Deno.mkdir(join(dir, "empty", "data", "backups"), { recursive: true });
    for (const folder of [wrong, join(dir, "empty")]) {
      for (const args of [["list"], ["list", "--json"], ["latest", "--yes"]]) {
        const error = await assertRejects(() => run(folder, ...args), AppError, folder);
        assertEquals(error.code, "not_found");
        assert(/no library/.test(error.message), error.message);
        assert(error.remedy?.includes("--library"), error.remedy);
      }
    }
  }));

Deno.test("restore list has nothing to list for a library without backups, its database lost or not", () =>
  withDatabase(async (paths) => {
    const nothing = { code: 0, lines: [`No backups in ${paths.backups}`] };
    assertEquals(await run(paths.folder, "list"), nothing);
    const error = await assertRejects(() => run(paths.folder, "latest", "--yes"), AppError);
    assert(error.message.includes("no backup in"), error.message);
    await Deno.remove(paths.database);
    await Deno.mkdir(paths.images);
    await Deno.writeTextFile(join(paths.images, "1.png"), "");
    assertEquals(await run(paths.folder, "list"), nothing);
    const name = "booru-backup-2026-01-02T03-04-05-006Z.db";
    await Deno.mkdir(paths.backups);
    await Deno.writeTextFile(join(paths.backups, name), "");
    await Deno.remove(paths.images, { recursive: true });
    const { code, lines } = await run(paths.folder, "list");
    assertEquals([code, lines.length, lines[0].endsWith(name)], [0, 1, true]);
  }));

Deno.test("restoreBackup() of a broken backup advises to take another one, not to restore", () =>
  withTempDir(async (temp) => {
    const dir = await Deno.realPath(temp);
    const whole = join(dir, "whole.db");
    buildLibrary(whole, { images: [{}, {}] });
    const bytes = await Deno.readFile(whole);
    const contents: Record<string, Uint8Array> = {
      "text.db": new TextEncoder().encode("this is no database"),
      "empty.db": new Uint8Array(),
      "torn.db": bytes.slice(0, bytes.length / 2),
      "torn within.db": bytes.map((byte, i) => i > 4_096 && i < 12_288 ? 0x55 : byte),
    };
    const paths = await findLibraryPaths(join(dir, "library"));
    for (const [name, content] of Object.entries(contents)) {
      const backup = join(dir, name);
      await Deno.writeFile(backup, content);
      const error = await assertRejects(
        () => restoreBackup(paths, backup, { freeDiskFloorBytes: 0 }),
        AppError,
        backup,
      );
      assert(["corrupt", "conflict"].includes(error.code), error.message);
      assertEquals(
        error.remedy,
        "Nothing was changed. Take another backup; list them with: deno task restore list",
        name,
      );
      assert(!error.message.includes(".restore-"), error.message);
    }
  }));
