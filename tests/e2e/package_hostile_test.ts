/** The packaged file among other people's folders, settings and programs. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { readFolder, withTempDir } from "../support/temp.ts";
import { writePicture } from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";
import {
  linkPrograms,
  namesOf,
  packageOnce,
  PROJECT,
  replaceProgram,
  run,
  UNPACKING,
} from "./package_support.ts";

const VERSION = `${config.version}\n`;
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** Runs the program with no rights. */
function runAsNobody(file: string, args: readonly string[], env: Record<string, string>) {
  const [program, ...before] = NOBODY;
  return run(program, [...before, file, ...args], env);
}

/** A folder that everybody can come to. */
async function openFolder(path: string, mode: number, owner = 0): Promise<string> {
  await Deno.mkdir(path);
  await Deno.chown(path, owner, owner);
  await Deno.chmod(path, mode);
  return path;
}

fullTierTest(
  "what the user has in the folder to unpack to stays as it is",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const pictures = join(dir, "pictures");
      for (
        const path of [
          ".lock",
          ".unpacking-it/notes",
          ".broken-one/notes",
          "1-of-mine/files.txt",
          "2019-familyphotos/files.txt",
          "2020-abcdefabcdef/files.txt",
          "photo.png",
        ]
      ) {
        await Deno.mkdir(join(pictures, path, ".."), { recursive: true });
        await Deno.writeTextFile(join(pictures, path), `my ${path}`);
      }
      const before = await readFolder(pictures);
      const names = namesOf(pictures);
      const { code, stderr } = await run(file, ["--version"], { CHIBIBOORU_CACHE: pictures });
      assertEquals(code, 0, stderr);
      const [mine, ...more] = namesOf(pictures).filter((name) => !names.includes(name));
      assertEquals(more, []);
      await Deno.remove(join(pictures, mine), { recursive: true });
      assertEquals(await readFolder(pictures), before);
    }),
);

fullTierTest(
  "a program that somebody else may have put there is not run",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      for (const each of [dir, join(file, "..")]) await Deno.chmod(each, 0o755);
      const home = await openFolder(join(dir, "home"), 0o755, 65534);
      const cache = join(home, ".cache/chibibooru");
      assertEquals((await runAsNobody(file, ["--version"], { HOME: home })).stdout, VERSION);
      const inTheirHome = await run(file, ["--version"], { HOME: home });
      assertEquals([inTheirHome.code, inTheirHome.stdout], [2, ""]);
      assertMatch(inTheirHome.stderr, /was put there by somebody else\. .*CHIBIBOORU_CACHE=DIR\n$/);
      // Who names the folder trusts its owner, but not everybody.
      const named = { CHIBIBOORU_CACHE: cache };
      assertEquals(await run(file, ["--version"], named), { code: 0, stdout: VERSION, stderr: "" });
      await Deno.chmod(cache, 0o1777);
      assertEquals((await run(file, ["--version"], named)).code, 2);
      assertEquals((await runAsNobody(file, ["--version"], named)).code, 0);
      // What root unpacked is for all.
      await Deno.remove(cache, { recursive: true });
      assertEquals((await run(file, ["--version"], { HOME: home })).code, 0);
      assertEquals((await runAsNobody(file, ["--version"], { HOME: home })).stderr, "");
    }),
);

fullTierTest(
  "without a home, the folder in /var/tmp has to be an own one",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      await Deno.mkdir(join(dir, "own"));
      const prepare = [
        ["", 0],
        ["mkdir $it && chown 65534 $it && chmod 777 $it", 2],
        ['ln -s "$1/own" $it', 2],
        ["ln -s /nonexistent $it", 2],
      ] as const;
      for (const [preparation, wanted] of prepare) {
        const script = `it=/var/tmp/chibibooru-0; mount -t tmpfs none /var/tmp && { ${
          preparation || ":"
        }; } && "$2" --version`;
        const { code, stderr } = await run(
          "unshare",
          ["-m", "sh", "-c", script, "sh", dir, file],
          {},
        );
        assertEquals(code, wanted, `${preparation}: ${stderr}`);
        if (wanted === 2) assertStringIncludes(stderr, "chibibooru: ");
        assertEquals(stderr.includes(UNPACKING), wanted === 0, preparation);
      }
      assertEquals(namesOf(join(dir, "own")), []);
    }),
);

fullTierTest(
  "settings of the user for other programs change nothing",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      await writePicture(join(dir, "pictures/1.png"), 1, {});
      const env = { HOME: dir, CHIBIBOORU_CACHE: join(dir, "cache/below") };
      const others = {
        NODE_OPTIONS: "--require /nonexistent.js",
        NODE_CHANNEL_FD: "3",
        DENO_PERMISSION_BROKER_PATH: "/nonexistent",
        DENO_UNSTABLE_CONTROL_SOCK: join(dir, "socket"),
        DENO_COVERAGE_DIR: join(dir, "coverage"),
        DENO_AUDIT_PERMISSIONS: join(dir, "audit"),
        TAR_OPTIONS: "--nonsense",
        GZIP: "--nonsense",
        POSIXLY_CORRECT: "1",
        CDPATH: "/",
      };
      for (const name of ["deno.json", "package.json", ".npmrc"]) {
        await Deno.writeTextFile(join(dir, name), name === ".npmrc" ? "@x:registry=::" : "{{");
      }
      for (const folder of [dir, join(dir, "cache")]) {
        const sharp = join(folder, "node_modules/sharp");
        await Deno.mkdir(sharp, { recursive: true });
        await Deno.writeTextFile(
          join(sharp, "package.json"),
          `{"name":"sharp","version":"${config.imports.sharp.split("@")[1]}","main":"main.js"}`,
        );
        await Deno.writeTextFile(join(sharp, "main.js"), "throw new Error('another sharp')");
      }
      const names = namesOf(dir);
      for (const more of [others, {}]) {
        const { code, stdout, stderr } = await run(
          file,
          ["import", "pictures", "--library", `library ${Object.keys(more).length}`, "--json"],
          { ...env, ...more },
          dir,
        );
        assertEquals(code, 0, stderr);
        assertEquals(JSON.parse(stdout).added, 1);
      }
      assertEquals(namesOf(dir), [...names, "library 0", "library 10"].sort());
    }),
);

fullTierTest(
  "arguments arrive as they were given, and none is one of Deno",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const env = { CHIBIBOORU_CACHE: dir };
      assertEquals((await run(file, ["--version"], env)).code, 0);
      await replaceProgram(
        dir,
        `const ask = async (each) => (await Deno.permissions.query(each)).state === "granted";
      console.log(JSON.stringify({
        args: Deno.args, from: Deno.env.get("INIT_CWD"),
        net: await ask({ name: "net", host: "127.0.0.1" }), out: await ask({ name: "net" }),
        run: await ask({ name: "run", command: "ffmpeg" }), all: await ask({ name: "run" }),
        uid: await ask({ name: "sys", kind: "uid" }), ffi: await ask({ name: "ffi" }),
      }))`,
      );
      const odd = ["", " ", "a  b", "a\nb", "*", "[a]", "$(id)", "`id`", "\\", "'", '"', "é", "~"];
      const flags = ["-A", "--allow-all", "-P=doctor", "--allow-net", "--", "--v8-flags=--x", "-r"];
      const where = join(dir, "a\nb %41#?&é 'q' \"p\" \\");
      await Deno.mkdir(where);
      const sets = { serve: [true, false], import: [false, false], doctor: [true, true] };
      const cases = [
        ...Object.entries(sets),
        ["-A", sets.serve],
        ["--allow-net", sets.serve],
        ["", sets.serve],
        ["nonsense", sets.import],
        ["serve=serve", sets.import],
        ["(", sets.import],
      ] as [string, boolean[]][];
      for (const shell of ["sh", "bash"]) {
        for (const [command, [net, uid]] of cases) {
          const args = [command, ...flags, ...odd];
          const { stdout, stderr } = await run(shell, [file, ...args], env, where);
          const wanted = {
            args,
            from: where,
            net,
            out: false,
            run: true,
            all: false,
            uid,
            ffi: false,
          };
          assertEquals(JSON.parse(stdout), wanted, stderr);
        }
      }
    }),
);

fullTierTest(
  "folders without a name that can be said are refused, and nothing is written",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const env = { CHIBIBOORU_CACHE: join(dir, "cache") };
      const cases = [
        ['mkdir "$1/gone" && cd "$1/gone" && rmdir "$1/gone" && unset PWD', "was removed"],
        ['d=$1/$(printf "\\377") && mkdir "$d" && cd "$d"', "is not UTF-8"],
        ['CHIBIBOORU_CACHE=$1/$(printf "cache \\377")', "does not run from"],
      ];
      for (const [preparation, message] of cases) {
        const script = `${preparation} && "$2" import . --library library`;
        const { code, stderr } = await run("sh", ["-c", script, "sh", dir, file], env);
        assertEquals(code, 2, stderr);
        assertStringIncludes(stderr, message);
      }
      const found = await run(
        "find",
        [dir, "-name", "library", "-o", "-name", ".chibibooru-*"],
        {},
      );
      assertEquals(found.stdout, "");
    }),
);

fullTierTest(
  "a start that is ended while it unpacks leaves nothing",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
      for (const [signal, wanted] of Object.entries(codes)) {
        const cache = join(dir, signal);
        await Deno.mkdir(cache);
        using watcher = Deno.watchFs(cache);
        const child = new Deno.Command(file, {
          args: ["--version"],
          env: { CHIBIBOORU_CACHE: cache },
          stdout: "null",
          stderr: "null",
        }).spawn();
        for await (const _ of watcher) {
          child.kill(signal as Deno.Signal);
          break;
        }
        assertEquals((await child.status).code, wanted, signal);
        assertEquals(namesOf(cache), [], signal);
      }
    }),
);

fullTierTest(
  "without flock, a start that comes second leaves what the first one runs from",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      const cache = join(dir, "cache");
      const PATH = await linkPrograms(join(dir, "bin"));
      // Before the outer start gives its folder the name, an inner one does all that it does.
      await Deno.remove(join(PATH, "sync"));
      const sync = `#!/bin/sh
      [ -z "$inner" ] || exit 0
      inner=yes "$FILE" --version > "$CACHE/../inner"
      ls -di "$CACHE"/0* > "$CACHE/../inode"`;
      await Deno.writeTextFile(join(PATH, "sync"), sync, { mode: 0o755 });
      await Deno.symlink("/usr/bin/ls", join(PATH, "ls"));
      await Deno.mkdir(join(cache, ".chibibooru-of yesterday/app"), { recursive: true });
      await Deno.mkdir(join(cache, ".chibibooru-of now"));
      await Deno.utime(join(cache, ".chibibooru-of yesterday"), new Date(0), new Date(0));
      const env = { PATH, CHIBIBOORU_CACHE: cache, CACHE: cache, FILE: file };
      assertEquals((await run(file, ["--version"], env)).stdout, VERSION);
      assertEquals(await Deno.readTextFile(join(dir, "inner")), VERSION);
      const [left, program, ...more] = namesOf(cache);
      assertEquals([left, more], [".chibibooru-of now", []]);
      const inode = (await Deno.stat(join(cache, program))).ino;
      assertStringIncludes(await Deno.readTextFile(join(dir, "inode")), `${inode} `);
    }),
);

fullTierTest(
  "the package carries nothing of the machine that made it, and all licences",
  () =>
    withTempDir(async (dir) => {
      const file = await packageOnce();
      assertEquals((await run(file, ["--version"], { CHIBIBOORU_CACHE: dir })).code, 0);
      const program = join(dir, namesOf(dir)[0]);
      const traces = await run("grep", ["-rlF", "-e", PROJECT, join(program, "app")], {});
      assertEquals([traces.code, traces.stdout], [1, ""]);
      const skipped = /^skip=(\d+)$/m.exec((await run("head", ["-n", "12", file], {})).stdout)![1];
      const listed = await run("sh", [
        "-c",
        'tail -n "+$1" "$2" | gzip -dc | tar -tvf - --numeric-owner',
        "sh",
        String(Number(skipped) + 1),
        file,
      ], {});
      const entries = listed.stdout.trim().split("\n");
      assert(entries.length > 100);
      for (const entry of entries) assertMatch(entry, /^-rw(-r--r--|xr-xr-x) 0\/0 /);
      const licenses = await Deno.readTextFile(join(program, "app/THIRD_PARTY_LICENSES.txt"));
      for (
        const name of ["Deno, ", "hono 4", "zod 4", "sharp 0", "@img/sharp-libvips-linux-x64 1"]
      ) assertStringIncludes(licenses, `\n${name}`);
      assertStringIncludes(licenses, "GNU LESSER GENERAL PUBLIC LICENSE");
    }),
);
