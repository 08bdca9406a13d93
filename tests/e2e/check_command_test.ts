import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { runCheck } from "../../src/cli/check.ts";
import { runRebuild } from "../../src/cli/rebuild.ts";
import { openLibrary } from "../../src/library/library.ts";
import { runMain } from "../support/run_main.ts";
import { fingerprint, hashTree, importSource, writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

/** Imports three pictures and gives the arguments that name their library. */
async function makeLibrary(dir: string): Promise<string[]> {
  for (let i = 0; i < 3; i++) {
    await writePicture(join(dir, "source", `${i}.png`), i, { ".txt": `tag_${i}\nsky` });
  }
  const folder = join(dir, "library");
  const library = await openLibrary({ folder, workers: 1, print: () => {} });
  try {
    await importSource({ library, source: join(dir, "source") });
  } finally {
    await library.close();
  }
  return ["--library", folder];
}

async function imagePaths(dir: string): Promise<string[]> {
  return [...(await hashTree(join(dir, "library/images"))).values()].flat().sort();
}

Deno.test("check ends with 0 when all is well, 1 when something is wrong, and says what can be done", async () => {
  await withTempDir(async (dir) => {
    const library = await makeLibrary(dir);
    const [first, second] = await imagePaths(dir);
    await Deno.remove(first);
    await Deno.utime(second, 5, 5);
    const evil = join(dir, "library/images", "evil\x1b[31m\n.png");
    await Deno.copyFile(second, evil);
    const before = await fingerprint(join(dir, "library/images"));
    const wrong = await runMain(["check", ...library, "--no-hashes"]);
    assertEquals([wrong.code, wrong.stderr], [1, ""]);
    assertMatch(
      wrong.stdout,
      /missing_file: 1 \(.*\n {2}.*: There is no such file\n {2}What to do: /,
    );
    assertMatch(
      wrong.stdout,
      /changed_file: 1 .*\n.*its bytes are the same\n.*--repair changed_file\n/,
    );
    assertMatch(wrong.stdout, /\n3 faults\.\n$/);
    // deno-lint-ignore no-control-regex -- no terminal may obey a file name
    assert(!/\x1b/.test(wrong.stdout), JSON.stringify(wrong.stdout));
    const repaired = await runMain([
      "check",
      ...library,
      "--repair",
      "changed-file,orphan_file",
      "--json",
    ]);
    assertEquals([repaired.code, repaired.stderr], [1, ""]);
    const report = JSON.parse(repaired.stdout);
    assertEquals(Object.keys(report), [
      "images",
      "files_read",
      "bytes_read",
      "faults",
      "counts",
      "findings",
      "elapsed_ms",
    ]);
    assertEquals([report.faults, report.counts], [1, {
      missing_file: 1,
      changed_file: 1,
      orphan_file: 1,
    }]);
    assertEquals(report.findings.map((one: { kind: string; state: string }) => one.state), [
      "found",
      "repaired",
      "repaired",
    ]);
    assertEquals(await fingerprint(join(dir, "library/images")), before, "no file is touched");
  });
});

Deno.test("check and rebuild say what is wrong with a command line or a folder, and make nothing", async () => {
  await withTempDir(async (dir) => {
    const library = ["--library", join(dir, "lib")];
    const cases: [run: typeof runCheck, args: string[], part: string][] = [
      [runCheck, [], "There is no library"],
      [runCheck, ["here"], `"here"`],
      [runCheck, ["--repair", "everything"], "everything is no kind"],
      [runCheck, ["--repair", "wrong_hash"], "nothing that this program can repair"],
      [runCheck, ["--repair", ""], "no kind is named"],
      [runRebuild, [], "There is no library"],
      [runRebuild, ["here"], `"here"`],
    ];
    for (const [run, args, part] of cases) {
      const around = { args: [...args, ...library], env: () => undefined, folder: dir };
      await assertRejects(() => run(around), AppError, part);
    }
    assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
  });
});

fullTierTest(
  "a damaged database is told by check with the remedy, and rebuild is one",
  async () => {
    await withTempDir(async (dir) => {
      const library = await makeLibrary(dir);
      const sound = await runMain(["check", ...library]);
      assertEquals([sound.code, sound.stderr], [0, ""]);
      assertMatch(sound.stdout, /3 images, 3 files read .*\nNothing is wrong\.\n$/);
      const database = join(dir, "library/data/booru.db");
      await Deno.writeTextFile(join(dir, "library/images/noted.png.txt"), "from_sidecar");
      await writePicture(join(dir, "library/images/noted.png"), 9);
      await Deno.writeFile(database, new Uint8Array(60_000).fill(7));
      const told = await runMain(["check", ...library]);
      assertEquals([told.code, told.stdout], [2, ""]);
      assertMatch(told.stderr, /booru\.db: file is not a database\n.*deno task rebuild\.\n$/);
      const before = await fingerprint(join(dir, "library/images"));
      const rebuilt = await runMain(["rebuild", ...library]);
      assertEquals([rebuilt.code, rebuilt.stderr], [1, ""]);
      assertMatch(rebuilt.stdout, /cannot be opened.*\n {2}images {9}4\n/);
      assertMatch(rebuilt.stdout, /The old database is kept: .*booru-before-rebuild-.*\.db\n$/);
      assertEquals(await fingerprint(join(dir, "library/images")), before);
      const again = await runMain(["rebuild", ...library, "--json"]);
      assertEquals([again.code, again.stderr], [0, ""]);
      const report = JSON.parse(again.stdout);
      assertEquals([report.old_database, report.images, report.tags_added], ["readable", 4, 0]);
    });
  },
);
