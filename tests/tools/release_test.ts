import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { TARGETS } from "../../tools/package/targets.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the tool as its task does. */
async function runTool(args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-P=release", "tools/release.ts", ...args],
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out, stderr: err };
}

Deno.test("release --help names every target and option", async () => {
  const { code, stdout, stderr } = await runTool(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  for (const text of [...Object.keys(TARGETS), "--out", "--allow-dirty", "SOURCE_DATE_EPOCH"]) {
    assertStringIncludes(stdout, text);
  }
});

Deno.test("release tells what it was asked for wrongly in words, with code 2", async () => {
  const cases: [args: string[], told: string[]][] = [
    [["--target", "amiga"], ["amiga", "linux-x64"]],
    [["--target", "constructor"], ["constructor", "linux-x64"]],
    [["--nothing"], ["--nothing", "--allow-dirty"]],
  ];
  const answers = await Promise.all(cases.map(([args]) => runTool(args)));
  for (const [i, { code, stdout, stderr }] of answers.entries()) {
    assertEquals([code, stdout], [2, ""], stderr);
    for (const text of cases[i][1]) assertStringIncludes(stderr, text);
    assertEquals(/\bat .*\.ts:\d+/.test(stderr), false, stderr);
  }
});
