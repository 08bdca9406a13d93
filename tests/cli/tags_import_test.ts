import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { runTags } from "../../src/cli/tags.ts";
import { openLibrary } from "../../src/library/library.ts";
import { exists } from "../../src/library/library_paths.ts";
import { runMain } from "../support/run_main.ts";
import { withTempDir } from "../support/temp.ts";

Deno.test("tags import reports in words and as JSON, and ends with 1 for bad rows", () =>
  withTempDir(async (dir) => {
    const list = join(dir, "list.csv");
    const library = join(dir, "library");
    await Deno.writeTextFile(list, 'miku,4,5,"a,b"\n"$(touch pwned)\u001b[31m,1\nlast,1,2,\n');
    const run = (...args: string[]) =>
      runMain(["tags", "import", list, "--library", library, ...args]);
    await (await openLibrary({ folder: library, workers: 1 })).close();
    const before = await Deno.readFile(join(library, "data/booru.db"));
    const dry = await run("--dry-run", "--json");
    assertEquals([dry.code, dry.stderr], [1, ""]);
    assertEquals(await Deno.readFile(join(library, "data/booru.db")), before);
    const { path, dry_run, numbering, rows, added, aliases_added, bad_rows } = JSON.parse(
      dry.stdout,
    );
    assertEquals(
      { path, dry_run, numbering, rows, added, aliases_added, bad_rows },
      {
        path: list,
        dry_run: true,
        numbering: "danbooru",
        rows: 2,
        added: 2,
        aliases_added: 2,
        bad_rows: 1,
      },
    );
    const first = await run();
    assertEquals([first.code, first.stderr], [1, ""]);
    assertStringIncludes(first.stdout, "bad row, line 2: a quote is not closed on its line");
    assert(!first.stdout.includes("\u001b"), first.stdout);
  }));

Deno.test("tags import refuses what is no list, and a library that is not there", () =>
  withTempDir(async (dir) => {
    const library = join(dir, "library");
    const empty = join(dir, "empty.csv");
    const list = join(dir, "list.csv");
    await Deno.writeTextFile(empty, "");
    await Deno.writeTextFile(list, "miku,4,5,\n");
    const cases: [args: string[], named: string][] = [
      [[], "tags needs a command"],
      [["exprt"], "tags exprt"],
      [["toString"], "tags toString"],
      [["import"], "0 tag lists"],
      [["import", "a", "b"], "2 tag lists"],
      [["import", empty, "--numbering", "x"], '"x"'],
      [["import", empty, "--nothing"], "--nothing"],
      [["import", "empty.csv"], empty],
      [["import", dir], dir],
      [["import", "no.csv"], "no.csv"],
      [["import", list], library],
      [["import", list, "--dry-run"], library],
    ];
    for (const [args, named] of cases) {
      const around = {
        args: args.length === 0 ? [] : [...args, "--library", library],
        env: () => undefined,
        folder: dir,
      };
      const error = await assertRejects(() => runTags(around), AppError);
      assertStringIncludes(error.message, named);
      assert(error.remedy !== undefined);
    }
    assertEquals(await exists(library), false);
  }));
