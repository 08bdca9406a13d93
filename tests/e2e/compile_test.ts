import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const DRIVER = fileURLToPath(new URL("../support/drive_program.ts", import.meta.url));

async function runDeno(args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out, stderr: err };
}

fullTierTest(
  "the binary does all that the program does, where there is a denort to put it onto",
  () =>
    withTempDir(async (dir) => {
      const out = join(dir, "bin/chibibooru");
      const made = await runDeno(["task", "--quiet", "compile", "--out", out]);
      if (made.code === 3) {
        assertStringIncludes(made.stderr, "DENORT_BIN");
        assertEquals(Deno.env.get("DENORT_BIN"), undefined, made.stderr);
        console.log(`Left out: the compiled binary. ${made.stderr}`);
        return;
      }
      assertEquals(made.code, 0, made.stderr);
      const folder = join(dir, "user");
      await Deno.mkdir(folder);
      const { code, stdout, stderr } = await runDeno([
        "run",
        "-A",
        "--no-check",
        "--quiet",
        DRIVER,
        out,
        folder,
      ]);
      assertEquals(code, 0, stdout + stderr);
      assertStringIncludes(stdout, "did all that it should");
    }),
);
