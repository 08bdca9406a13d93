import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { lockLibrary } from "../../src/library/lock.ts";
import { bytesOf } from "../media/sample_media.ts";
import { dumpFile } from "../support/closed_library.ts";
import { mainCommand, runMain } from "../support/run_main.ts";
import { fingerprint, hashTree, writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

Deno.test("import reports what it did, and ends with 0, 1 when a file failed, 2 when it cannot work", async () => {
  await withTempDir(async (dir) => {
    await writePicture(join(dir, "pictures/a.png"), 1, { ".txt": "x" });
    await writePicture(join(dir, "pictures/b.png"), 1);
    await Deno.writeTextFile(join(dir, "pictures/notes.md"), "no picture");
    await writePicture(join(dir, "pictures/..dots.png"), 2);
    // Relative paths are those of the person who calls, not of the project.
    const env = { INIT_CWD: dir, CHIBIBOORU_LIBRARY: "lib" };
    const first = await runMain(["import", "pictures"], { env });
    assertEquals([first.code, first.stderr], [0, ""]);
    assertMatch(first.stdout, /left out hidden 1 \(names that begin with a dot\)\n/);
    assertMatch(
      first.stdout,
      new RegExp(`^New library: ${join(dir, "lib")}\n  added           1\n`),
    );
    assertMatch(first.stdout, /further copies {2}1\n/);
    assertMatch(first.stdout, /skipped {9}1 \(0 failed\)\n/);
    assertMatch(first.stdout, /skipped .*notes\.md: It is a text file/);
    const evil = `evil\x1b[31m\n.png`;
    await Deno.writeFile(
      join(dir, "pictures", evil),
      bytesOf("\x89PNG\r\n\x1a\n"),
    );
    const second = await runMain(["import", "pictures", "--json"], { env });
    assertEquals([second.code, second.stderr], [1, ""]);
    const report = JSON.parse(second.stdout);
    assertEquals(Object.keys(report), [
      "dry_run",
      "added",
      "already_there",
      "further_copies",
      "replaced",
      "tags_merged",
      "failed",
      "skipped",
      "changed_asked",
      "hidden",
      "warnings",
      "bytes",
      "elapsed_ms",
    ]);
    assertEquals([report.dry_run, report.added, report.already_there, report.failed], [
      false,
      0,
      1,
      1,
    ]);
    assertEquals(Object.keys(report.skipped[0]), ["path", "code", "reason"]);
    const third = await runMain(["import", "pictures"], { env });
    assertEquals(third.code, 1);
    // deno-lint-ignore no-control-regex -- no terminal may obey a file name
    assert(!/\x1b|evil[^\\]*\n/.test(third.stdout), JSON.stringify(third.stdout));
  });
});

Deno.test("import says what is wrong with a command line, ends with 2, and makes no library", async () => {
  await withTempDir(async (dir) => {
    await writePicture(join(dir, "pictures/a.png"), 1);
    const library = ["--library", join(dir, "lib")];
    const cases: [args: string[], part: string][] = [
      [["import", ...library], "no folder is given"],
      [["import", join(dir, "pictures"), "--copy", "--move", ...library], "both --copy and --move"],
      [["import", join(dir, "pictures"), "--frobnicate", ...library], "--frobnicate"],
      [["import", join(dir, "pictures"), "--log-level", "loud", ...library], `"loud"`],
      [["frobnicate"], `There is no command "frobnicate"`],
    ];
    for (const [args, part] of cases) {
      const { code, stdout, stderr } = await runMain(args, { permissions: "-P=manage" });
      assertEquals([code, stdout], [2, ""], part);
      assert(stderr.startsWith("chibibooru: ") && stderr.includes(part), stderr);
      assert(!stderr.includes("    at "), stderr);
    }
    const missing = await runMain(["import", join(dir, "nowhere"), ...library]);
    assertEquals([missing.code, missing.stdout], [2, ""]);
    assert(missing.stderr.includes(`Cannot import ${join(dir, "nowhere")}`), missing.stderr);
    assertEquals([...await hashTree(dir)].length, 1);
  });
});

fullTierTest("import --dry-run writes nothing, and makes no library", async () => {
  await withTempDir(async (dir) => {
    const pictures = join(dir, "pictures");
    for (let i = 0; i < 3; i++) await writePicture(join(pictures, `${i}.png`), i, { ".txt": "x" });
    const args = ["import", pictures, "--library", join(dir, "lib")];
    const before = await fingerprint(dir);
    const first = await runMain([...args, "--dry-run"]);
    assertEquals([first.code, first.stderr], [0, ""]);
    assertMatch(first.stdout, /^Dry run: nothing was written/);
    assertMatch(first.stdout, / added {11}3\n/);
    assertEquals(await fingerprint(dir), before);
    assertEquals(await Array.fromAsync(Deno.readDir(dir)).then((all) => all.length), 1);
    assertEquals((await runMain(args)).code, 0);
    await writePicture(join(pictures, "3.png"), 3);
    const filled = await fingerprint(dir);
    for (const mode of ["--copy", "--move", "--in-place"]) {
      const { code, stdout } = await runMain([...args, mode, "--dry-run", "--json"]);
      assertEquals([code, JSON.parse(stdout).added], [0, 1]);
      assertEquals(await fingerprint(dir), filled, mode);
    }
  });
});

Deno.test("import names who holds the lock", async () => {
  await withTempDir(async (dir) => {
    await writePicture(join(dir, "pictures/a.png"), 1);
    await Deno.mkdir(join(dir, "lib/data"), { recursive: true });
    const lock = await lockLibrary(join(dir, "lib/data/library.lock"), "dedupe");
    const args = ["import", join(dir, "pictures"), "--library", join(dir, "lib")];
    const { code, stderr } = await runMain(args);
    lock.release();
    assertEquals(code, 2);
    assert(stderr.includes(`in use by dedupe (process ${Deno.pid}) since `), stderr);
    assertEquals((await runMain(args)).code, 0);
  });
});

fullTierTest(
  "import ends in order when it is interrupted, and goes on when it is run again",
  async () => {
    await withTempDir(async (dir) => {
      const count = 300;
      for (let i = 0; i < count; i++) await writePicture(join(dir, `pictures/${i}.png`), i);
      const library = join(dir, "lib");
      const args = ["import", join(dir, "pictures"), "--library", library, "--json"];
      const child = mainCommand(args).spawn();
      const output = child.output();
      // The first stored file says that it works; a watcher would miss files in new folders.
      await Deno.mkdir(join(library, "images"), { recursive: true });
      while ((await hashTree(join(library, "images"))).size === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      child.kill("SIGINT");
      const { code, stdout, stderr } = await output;
      const text = new TextDecoder().decode(stderr);
      assertEquals([code, new TextDecoder().decode(stdout)], [2, ""], text);
      assertMatch(
        text,
        /The import was interrupted; what was done is kept\nRun it again to go on\./,
      );
      const again = JSON.parse((await runMain(args)).stdout);
      assertEquals([again.added + again.already_there, again.failed], [count, 0]);
      assert(again.added > 0 && again.already_there > 0, JSON.stringify(again));
      const stored = await hashTree(join(library, "images"));
      assertEquals([stored.size, [...stored.values()].flat().length], [count, count]);
    });
  },
);

fullTierTest(
  "import --in-place asks before another disk takes over the images of a folder",
  async () => {
    await withTempDir(async (temp) => {
      const dir = await Deno.realPath(temp);
      const [disk, a, b] = ["disk", "a", "b"].map((name) => join(dir, name));
      for (let i = 0; i < 30; i++) {
        await writePicture(join(a, `${i}.png`), i, { ".txt": `a_${i}` });
        await writePicture(join(b, `${i}.png`), 100 + i, { ".txt": `b_${i}` });
      }
      await writePicture(join(b, "new.png"), 200, { ".txt": "b_new" });
      const library = join(dir, "library");
      const run = (...more: string[]) =>
        runMain(["import", "--in-place", disk, "--library", library, ...more]);
      const state = () => dumpFile(join(library, "data/booru.db"));
      await Deno.rename(a, disk);
      assertEquals((await run()).code, 0);
      const before = state();
      await Deno.rename(disk, a);
      await Deno.mkdir(disk);
      assertEquals((await run()).code, 0, "an empty folder says nothing");
      await Deno.remove(disk);
      await Deno.rename(b, disk);
      for (const more of [[], ["--dry-run"]]) {
        const { code, stdout, stderr } = await run(...more);
        assertEquals([code, stderr], [1, ""]);
        assert(
          stdout.includes(
            `30 of 30 recorded files of ${disk} have other contents than before: is it the disk that ` +
              "you mean?\nNothing of it was imported.",
          ) && stdout.includes("--accept-changed"),
          stdout,
        );
      }
      const json = await run("--json");
      const { message, ...asked } = JSON.parse(json.stdout).changed_asked[0];
      assertEquals(asked, { root: "@disk", path: disk, changed: 30, recorded: 30, missing: 0 });
      assert(message.includes("--accept-changed"), message);
      assertEquals([json.code, JSON.parse(json.stdout).failed], [1, 0]);
      assertEquals(state(), before);
      await Deno.rename(disk, b);
      await Deno.rename(a, disk);
      const back = await run("--json");
      assertEquals([back.code, JSON.parse(back.stdout).already_there], [0, 30]);
      assertEquals(state(), before);
      await Deno.rename(disk, a);
      await Deno.rename(b, disk);
      const accepted = JSON.parse((await run("--accept-changed", "--json")).stdout);
      assertEquals([accepted.replaced, accepted.added, accepted.changed_asked], [30, 1, []]);
      const alone = await runMain(["import", disk, "--accept-changed", "--library", library]);
      assert(alone.code === 2 && alone.stderr.includes("--in-place"), alone.stderr);
    });
  },
);
