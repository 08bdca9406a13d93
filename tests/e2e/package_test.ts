import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basename, join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { packageProgram } from "../../tools/package/package_program.ts";
import { TARGETS } from "../../tools/package/targets.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";
import {
  namesOf,
  packageOnce,
  PROJECT,
  replaceProgram,
  run,
  UNPACKING,
} from "./package_support.ts";

const DRIVER = new URL("../support/drive_program.ts", import.meta.url).pathname;
const BYTES_MAX = 60e6;
fullTierTest(
  "the package does all that the program does, where there is no network",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const { code, stdout, stderr } = await new Deno.Command("unshare", {
        args: ["--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
          .concat(
            [
              Deno.execPath(),
              "run",
              "-A",
              "--no-check",
              "--quiet",
              DRIVER,
              file,
              dir,
              "--no-network",
            ],
          ),
        cwd: PROJECT,
      }).output();
      const decoder = new TextDecoder();
      assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
      assertStringIncludes(decoder.decode(stdout), "did all that it should");
    }),
);

fullTierTest(
  "the package is small, and the same each time, also when two are made at once",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const bytes = await Deno.readFile(file);
      assert(bytes.length < BYTES_MAX);
      assertEquals(basename(file), `chibibooru-${config.version}-linux-x64.run`);
      const more = await Promise.all(
        ["one", "two"].map((name) =>
          packageProgram(PROJECT, { target: TARGETS["linux-x64"], out: join(dir, name) })
        ),
      );
      for (const { path } of more) {
        const again = await Deno.readFile(path);
        assert(again.length === bytes.length && again.every((byte, i) => byte === bytes[i]));
        assertEquals(namesOf(join(path, "..")), [basename(file)]);
      }
    }),
);

fullTierTest(
  "the package unpacks once, wherever it is told to, and else where a home allows it",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const version = `${config.version}\n`;
      for (
        const [env, cache] of [
          [{ HOME: join(dir, "home") }, "home/.cache/chibibooru"],
          [{ HOME: join(dir, "home"), XDG_CACHE_HOME: join(dir, "xdg") }, "xdg/chibibooru"],
          [{ CHIBIBOORU_CACHE: join(dir, "a cache $(x)") }, "a cache $(x)"],
          [{ CHIBIBOORU_CACHE: "relative" }, "relative"],
        ] as [Record<string, string>, string][]
      ) {
        await Deno.mkdir(join(dir, "home"), { recursive: true });
        const first = await run(file, ["--version"], env, dir);
        assertEquals([first.code, first.stdout], [0, version], first.stderr);
        assertStringIncludes(first.stderr, `${UNPACKING} ${config.version} into ${dir}/${cache}/`);
        assertEquals(await run(file, ["--version"], env, dir), {
          code: 0,
          stdout: version,
          stderr: "",
        });
        assertEquals(namesOf(join(dir, cache)).length, 1);
      }
      // Started by a name that a shell looks up, and by a shell.
      await Deno.mkdir(join(dir, "bin"));
      await Deno.symlink(file, join(dir, "bin/chibibooru"));
      const env = { CHIBIBOORU_CACHE: join(dir, "relative"), PATH: `${dir}/bin:/usr/bin:/bin` };
      for (const args of [["-c", "chibibooru --version"], [file, "--version"]]) {
        assertEquals(await run("/bin/sh", args, env), { code: 0, stdout: version, stderr: "" });
      }
    }),
);

fullTierTest("starts at the same time unpack once", () =>
  withTempDir(async (dir) => {
    const file = await packageOnce();
    const env = { CHIBIBOORU_CACHE: dir };
    const ended = await Promise.all(
      Array.from({ length: 6 }, () => run(file, ["--version"], env)),
    );
    assertEquals(
      ended.map(({ code, stdout }) => code + stdout),
      Array(6).fill(`0${config.version}\n`),
    );
    assertEquals(ended.filter(({ stderr }) => stderr.includes(UNPACKING)).length, 1);
    assertEquals(namesOf(dir).length, 1);
  }));

fullTierTest("what was torn is unpacked again", () =>
  withTempDir(async (dir) => {
    const file = await packageOnce();
    const env = { CHIBIBOORU_CACHE: dir };
    assertEquals((await run(file, ["--version"], env)).code, 0);
    const [program] = namesOf(dir);
    const tears: [string, (path: string) => Promise<void>][] = [
      ["app/main.js", (path) => Deno.truncate(path, 10)],
      ["app/workers/media.js", (path) => Deno.remove(path)],
      ["deno", (path) => Deno.truncate(path, 0)],
      ["files.txt", (path) => Deno.truncate(path, 40)],
      ["files.txt", (path) => Deno.remove(path)],
      ["app", (path) => Deno.remove(path, { recursive: true })],
      ["deno", (path) => Deno.chmod(path, 0o644)],
      // The folder itself is something else.
      [".", async (path) => {
        await Deno.remove(path, { recursive: true });
        await Deno.symlink("/nonexistent", path);
      }],
      [".", async (path) => {
        await Deno.remove(path, { recursive: true });
        await Deno.writeTextFile(path, "");
      }],
    ];
    for (const [name, tear] of tears) {
      await tear(join(dir, program, name));
      await Deno.mkdir(join(dir, ".chibibooru-killed/app"), { recursive: true });
      const { code, stdout, stderr } = await run(file, ["--version"], env);
      assertEquals([code, stdout], [0, `${config.version}\n`], `${name}: ${stderr}`);
      assertStringIncludes(stderr, UNPACKING);
      assertEquals(namesOf(dir), [program]);
      assertEquals((await run(file, ["--version"], env)).stderr, "", name);
    }
  }));

fullTierTest(
  "an unpacking that is killed at any moment leaves the next start a whole program",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      let kills = 0;
      for (let moment = 1; moment <= 141; moment += 20) {
        const cache = join(dir, String(moment));
        await Deno.mkdir(cache);
        using watcher = Deno.watchFs(cache);
        const child = new Deno.Command("setsid", {
          args: [file, "--version"],
          env: { CHIBIBOORU_CACHE: cache },
          stdout: "null",
          stderr: "null",
        }).spawn();
        let events = 0;
        const watching = (async () => {
          for await (const _ of watcher) {
            // The whole group: also the programs that unpack.
            if (++events === moment) await run("kill", ["-KILL", "--", `-${child.pid}`], {});
          }
        })();
        if ((await child.status).signal === "SIGKILL") kills++;
        watcher.close();
        await watching;
        const { code, stdout, stderr } = await run(file, ["--version"], {
          CHIBIBOORU_CACHE: cache,
        });
        assertEquals([code, stdout], [0, `${config.version}\n`], `${moment}: ${stderr}`);
        assertEquals(namesOf(cache).length, 1, `${moment}`);
        await Deno.remove(cache, { recursive: true });
      }
      assert(kills >= 3, `${kills} kills`);
    }),
);

fullTierTest("a damaged package says so and leaves nothing", () =>
  withTempDir(async (dir) => {
    const bytes = await Deno.readFile(await packageOnce());
    const flipped = bytes.slice();
    flipped[bytes.length >> 1] ^= 0xff;
    // All files of the right size, but not what was packed: only the checksum of the archive tells.
    const unlikeItsSum = bytes.slice();
    unlikeItsSum[bytes.length - 6] ^= 1;
    const cases = { half: bytes.subarray(0, bytes.length >> 1), flipped, unlikeItsSum };
    for (const [name, content] of Object.entries(cases)) {
      const file = join(dir, name);
      const cache = join(dir, `cache of ${name}`);
      await Deno.writeFile(file, content, { mode: 0o755 });
      const ended = await run(file, ["--version"], { CHIBIBOORU_CACHE: cache });
      assertEquals([ended.code, ended.stdout], [2, ""]);
      assertStringIncludes(ended.stderr, "this file is damaged: download it again");
      assertEquals(namesOf(cache), []);
    }
  }));

fullTierTest(
  "where the package cannot be unpacked or run it says why, and what to do",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      await Deno.writeTextFile(join(dir, "a file"), "");
      const inFile = await run(file, ["serve"], { CHIBIBOORU_CACHE: join(dir, "a file/below") });
      assertEquals(inFile.code, 2);
      assertMatch(inFile.stderr, /^chibibooru: cannot write to .*CHIBIBOORU_CACHE=DIR\n$/);
      // A disk of its own, in a namespace that ends with the command.
      const onDisk = (options: string) =>
        run("unshare", [
          "--mount",
          "--map-root-user",
          "sh",
          "-c",
          `mount -t tmpfs -o ${options} none "$1" && CHIBIBOORU_CACHE="$1" exec "$2" --version`,
          "sh",
          dir,
          file,
        ], {});
      const full = await onDisk("size=20m");
      assertEquals([full.code, full.stdout], [2, ""], full.stderr);
      assertMatch(full.stderr, /: tar: [^\n]+\nIs the disk full\?/);
      const noPrograms = await onDisk("size=300m,noexec");
      assertEquals([noPrograms.code, noPrograms.stdout], [2, ""], noPrograms.stderr);
      assertStringIncludes(noPrograms.stderr, "a disk where programs may run");
      // Another machine.
      await Deno.writeTextFile(
        join(dir, "uname"),
        "#!/bin/sh\necho Linux riscv64",
      );
      await Deno.chmod(join(dir, "uname"), 0o755);
      const other = await run(file, ["--version"], { PATH: `${dir}:/usr/bin:/bin` });
      assertEquals(other.code, 2);
      assertStringIncludes(other.stderr, "this machine is Linux riscv64");
    }),
);

/** Something like a program of another version. */
async function makeProgram(folder: string): Promise<void> {
  await Deno.mkdir(join(folder, "app"), { recursive: true });
  await Deno.writeTextFile(join(folder, "app/main.js"), "");
  await Deno.writeTextFile(join(folder, "deno"), "", { mode: 0o755 });
}

fullTierTest(
  "a new version removes old ones, but none that runs",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      for (const name of ["0.0.1-aaaaaaaaaaaa", "0.0.2-bbbbbbbbbbbb"]) {
        await makeProgram(join(dir, name));
      }
      const running = new Deno.Command("flock", {
        args: ["-s", join(dir, "0.0.2-bbbbbbbbbbbb"), "sh", "-c", "echo locked; read line"],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const reader = running.stdout.getReader();
      await reader.read();
      const env = { CHIBIBOORU_CACHE: dir };
      assertEquals((await run(file, ["--version"], env)).code, 0);
      const [held, mine, ...none] = namesOf(dir);
      assertEquals([held, none], ["0.0.2-bbbbbbbbbbbb", []]);
      await running.stdin.close();
      await reader.cancel();
      await running.status;
      await Deno.remove(join(dir, held), { recursive: true });
      // The program itself holds its folder as long as it runs.
      await replaceProgram(
        dir,
        "console.log(); await Deno.stdin.read(new Uint8Array(1)); console.log();",
      );
      const program = new Deno.Command(file, {
        args: ["serve"],
        env,
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const lines = program.stdout.getReader();
      await lines.read();
      const tryHolding = () => run("flock", ["-xn", join(dir, mine), "true"], {});
      assertEquals((await tryHolding()).code, 1);
      await program.stdin.close();
      await lines.cancel();
      assertEquals((await program.status).code, 0);
      assertEquals((await tryHolding()).code, 0);
      assertEquals(namesOf(dir), [mine]);
    }),
);

fullTierTest(
  "an unpacked package runs for users who cannot write there",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const cache = join(dir, "cache");
      assertEquals((await run(file, ["--version"], { CHIBIBOORU_CACHE: cache })).code, 0);
      await run("chmod", ["-R", "a-w", cache], {});
      for (const each of [dir, file, join(file, "..")]) await run("chmod", ["a+rx", each], {});
      await Deno.mkdir(join(dir, "theirs"));
      await Deno.chmod(join(dir, "theirs"), 0o777);
      const env = { CHIBIBOORU_CACHE: cache, HOME: "/nonexistent" };
      const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", file];
      const ended = await run(
        "setpriv",
        [...asNobody, "import", ".", "--library", "library", "--json"],
        env,
        join(dir, "theirs"),
      );
      assertEquals([ended.code, ended.stderr.includes(UNPACKING)], [0, false], ended.stderr);
      assertEquals(JSON.parse(ended.stdout).added, 0);
      assert(namesOf(join(dir, "theirs/library")).includes("data"));
    }),
);
