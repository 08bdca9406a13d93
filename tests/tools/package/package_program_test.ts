import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import config from "../../../deno.json" with { type: "json" };
import { BuildError } from "../../../tools/package/build_error.ts";
import { packageProgram } from "../../../tools/package/package_program.ts";
import { TARGETS } from "../../../tools/package/targets.ts";
import { withTempDir } from "../../support/temp.ts";
import { fullTierTest } from "../../support/tier.ts";

const PROJECT = new URL("../../../", import.meta.url).pathname;

async function outputOf(program: string, ...args: string[]): Promise<string> {
  const { code, stdout } = await new Deno.Command(program, { args }).output();
  assertEquals(code, 0);
  return new TextDecoder().decode(stdout);
}

fullTierTest(
  "packageProgram() makes a zip for Windows with a command file beside Deno",
  () =>
    withTempDir(async (dir) => {
      const deno = join(dir, "an executable");
      await Deno.writeTextFile(deno, "of Windows");
      const options = { target: TARGETS["windows-x64"], out: join(dir, "out"), deno };
      const { path, bytes } = await packageProgram(PROJECT, options);
      assertEquals(path, join(dir, `out/chibibooru-${config.version}-windows-x64.zip`));
      assertEquals(bytes, (await Deno.stat(path)).size);
      const names = (await outputOf("unzip", "-Z1", path)).trim().split("\n");
      const found = (pattern: RegExp) => names.filter((name) => pattern.test(name)).length;
      for (
        const pattern of [
          /^deno\.exe$/,
          /^chibibooru\.cmd$/,
          /^app\/main\.js$/,
          /^app\/assets\/app\.js$/,
          /^app\/LICENSE$/,
          /^app\/THIRD_PARTY_LICENSES\.txt$/,
        ]
      ) assertEquals(found(pattern), 1, `${pattern}`);
      assert(found(/^app\/node_modules\/@img\/sharp-win32-x64\/.*\.node$/) === 1);
      assert(found(/libvips.*\.dll$/) > 0 && found(/linux|darwin/) === 0);
      assertEquals(await outputOf("unzip", "-p", path, "deno.exe"), "of Windows");
      const launcher = await outputOf("unzip", "-p", path, "chibibooru.cmd");
      assert(
        launcher.split("\r\n").length > 10 && !/[^\r]\n/.test(launcher) && !/@\w+@/.test(launcher),
      );
      assertStringIncludes(launcher, "serve:serve import:manage ");
    }),
);

fullTierTest(
  "packageProgram() makes a file for macOS that says what it is for elsewhere",
  () =>
    withTempDir(async (dir) => {
      const deno = join(dir, "an executable");
      await Deno.writeTextFile(deno, "of macOS");
      const options = { target: TARGETS["macos-arm64"], out: dir, deno };
      const { path } = await packageProgram(PROJECT, options);
      const ended = await new Deno.Command(path, { args: ["serve"], stdout: "piped" }).output();
      assertEquals(ended.code, 2);
      assertStringIncludes(new TextDecoder().decode(ended.stderr), "this file is for Darwin");
      // As if this were one: it unpacks, and sees that what it carries does not run.
      await Deno.writeTextFile(
        join(dir, "uname"),
        "#!/bin/sh\necho Darwin arm64\n",
        { mode: 0o755 },
      );
      const env = { CHIBIBOORU_CACHE: join(dir, "cache"), PATH: `${dir}:/usr/bin:/bin` };
      const there = await new Deno.Command(path, { args: ["serve"], env }).output();
      assertEquals(there.code, 2);
      assertStringIncludes(new TextDecoder().decode(there.stderr), "the program does not run from");
    }),
);

fullTierTest(
  "packageProgram() leaves nothing behind when it fails",
  () =>
    withTempDir(async (dir) => {
      const options = {
        target: TARGETS["linux-arm64"],
        out: join(dir, "out"),
        deno: join(dir, "gone"),
      };
      let failure: unknown;
      await packageProgram(PROJECT, options).catch((error) => failure = error);
      assert(failure instanceof BuildError, `${failure}`);
      assertStringIncludes(failure.message, join(dir, "gone"));
      assertEquals(Array.from(Deno.readDirSync(dir)), []);
    }),
);
