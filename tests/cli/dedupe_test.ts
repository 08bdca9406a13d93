import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { openLibrary } from "../../src/library/library.ts";
import { exists } from "../../src/library/library_paths.ts";
import { addImage, bytesOf, COLLIDING, put } from "../support/copies.ts";
import { describeError } from "../../src/cli/describe_error.ts";
import { runDedupe } from "../../src/cli/dedupe.ts";
import { runTrash } from "../../src/cli/trash.ts";
import { type Ended, runMain } from "../support/run_main.ts";
import { fingerprint } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";

async function makeLibrary(folder: string): Promise<string> {
  const library = await openLibrary({ folder: join(folder, "library"), workers: 1 });
  try {
    await addImage(library, "a.png", bytesOf(1));
    await addImage(library, "b\n\u001b[2J.png", bytesOf(1));
    return library.paths.folder;
  } finally {
    await library.close();
  }
}

/** Runs a command in this process, as main.ts does, and gathers what it prints. */
async function runHere([command, ...args]: string[]): Promise<Ended> {
  const around = { args, env: () => undefined, folder: "/" };
  const lines: string[] = [];
  const real = console.log;
  console.log = (line: string) => void lines.push(line);
  try {
    const code = await (command === "dedupe" ? runDedupe : runTrash)(around);
    return { code, stdout: lines.join("\n"), stderr: "" };
  } catch (error) {
    return { code: 2, stdout: lines.join("\n"), stderr: describeError(error) };
  } finally {
    console.log = real;
  }
}

Deno.test("dedupe and trash do what they say, as text and as JSON, and end with the right code", async () => {
  await withTempDir(async (temp) => {
    const folder = await makeLibrary(await Deno.realPath(temp));
    const run = (...args: string[]) => runHere([...args, "--library", folder]);
    const before = await fingerprint(folder);
    const dry = await runMain(["dedupe", "--json", "--library", folder]);
    assertEquals([dry.code, dry.stderr], [0, ""]);
    const report = JSON.parse(dry.stdout);
    assertEquals(
      [report.dry_run, report.duplicates_found, report.duplicates_removed, report.space_saved_mb],
      [true, 1, 0, 0],
    );
    assertEquals(report.groups[0].copies[0].filepath, "b\n\u001b[2J.png");
    assertEquals([report.collisions, report.skipped, report.failed], [[], [], 0]);
    assert(Number.isInteger(report.elapsed_ms));
    assertEquals(await fingerprint(folder), before);
    const done = await run("dedupe", "--delete");
    assertEquals([done.code, done.stderr], [0, ""]);
    assertStringIncludes(done.stdout, "duplicates removed  1");
    assertStringIncludes(done.stdout, "in the trash as 1");
    assert(!done.stdout.includes("\u001b"));
    const list = JSON.parse((await run("trash", "list", "--json")).stdout);
    assertEquals(
      list.entries.map(({ id, kind, kept }: Record<string, unknown>) => [id, kind, kept]),
      [[1, "duplicate", "a.png"]],
    );
    const restored = await run("trash", "restore", "1", "7");
    assertEquals(restored.code, 1);
    assertStringIncludes(restored.stdout, "7: There is no entry 7 in the trash");
    assertEquals(await Deno.readFile(join(folder, "images/b\n\u001b[2J.png")), bytesOf(1));
    await put(join(folder, "images"), "x1.png", COLLIDING[0]);
    await put(join(folder, "images"), "x2.png", COLLIDING[1]);
    const again = await run("dedupe", "--delete", "--json");
    const { collisions, failed } = JSON.parse(again.stdout);
    assertEquals([again.code, failed, collisions[0].filepaths], [1, 1, ["x1.png", "x2.png"]]);
    const refused = await run("trash", "empty", "--all");
    assertEquals([refused.code, refused.stdout], [2, ""]);
    assertStringIncludes(refused.stderr, "--yes");
    assertEquals((await run("trash", "keep", "30")).code, 0);
    assertStringIncludes((await run("trash")).stdout, "older than 30 days");
    const emptied = JSON.parse((await run("trash", "empty", "--all", "--yes", "--json")).stdout);
    assertEquals([emptied.emptied, emptied.freed_bytes, emptied.kept], [1, 5_000, []]);
  });
});

Deno.test("dedupe and trash refuse what they do not understand, and make no library", async () => {
  await withTempDir(async (temp) => {
    const library = join(temp, "none");
    const cases: [args: string[], named: string, remedy: string][] = [
      [["dedupe"], "There is no library in", "--library"],
      [["dedupe", "--delete"], "There is no library in", "--library"],
      [["dedupe", "folder"], '"folder"', "--include-in-place"],
      [["trash"], "There is no library in", "--library"],
      [["trash", "restore"], "restore", "restore ID"],
      [["trash", "restore", "x"], '"x"', "restore ID"],
      [["trash", "empty", "--yes"], "what is to be removed", "--older-than"],
      [["trash", "empty", "--all", "3", "--yes"], "what is to be removed", "--older-than"],
      [["trash", "empty", "--older-than", "-1"], "command line", "--help"],
      [["trash", "empty", "--older-than", "soon"], '"soon"', "--older-than"],
      [["trash", "list", "--all"], "belong to empty", "--older-than"],
      [["trash", "keep", "0"], '"0"', "keep DAYS"],
      [["trash", "burn"], '"burn"', "restore ID"],
    ];
    for (const [args, named, remedy] of cases) {
      const { code, stdout, stderr } = await runHere([...args, "--library", library]);
      const what = `${args.join(" ")}: ${stderr}`;
      assertEquals([code, stdout], [2, ""], what);
      assert(stderr.includes(named) && stderr.includes(remedy), what);
    }
    assert(!(await exists(library)));
  });
});
