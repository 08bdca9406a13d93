import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import denoConfig from "../../deno.json" with { type: "json" };
import { join } from "node:path";
import { exists } from "../../src/library/library_paths.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const LIST = join(ROOT, "deno.json");

/** Runs the program as `deno task` does. */
async function run(args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-P=serve", "main.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", INIT_CWD: join(ROOT, "no such place") },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("--help tells every command and option; --version the version", async () => {
  const answers = await Promise.all(
    [["--help"], ["-h"], ["help"], ["--port", "x", "--help"], ["sevre", "-h"]].map(run),
  );
  for (const { code, stdout, stderr } of answers) {
    assertEquals([code, stderr, stdout], [0, "", answers[0].stdout]);
  }
  for (
    const text of [
      "serve",
      "import",
      "--library",
      "--port",
      "--host",
      "--copy",
      "--move",
      "--in-place",
      "--dry-run",
      "--json",
      "--log-level",
      "CHIBIBOORU_LIBRARY",
      "CHIBIBOORU_PORT",
    ]
  ) assertStringIncludes(answers[0].stdout, text);
  for (const args of [["--version"], ["serve", "--version"]]) {
    assertEquals(await run(args), { code: 0, stdout: `${denoConfig.version}\n`, stderr: "" });
  }
});

Deno.test("a command's --help tells of that command only", async () => {
  for (const args of [["import", "--help"], ["help", "import"], ["import", "dir", "-h"]]) {
    const { code, stdout, stderr } = await run(args);
    assertEquals([code, stderr], [0, ""]);
    for (const text of ["deno task import DIR", "--dry-run", "--log-level", "Exit codes"]) {
      assertStringIncludes(stdout, text);
    }
    assert(!stdout.includes("deno task serve"), stdout);
  }
});

Deno.test("what is no command or option ends with code 2, what it is and what can be done", async () => {
  const cases: [args: string[], named: string, remedy: string][] = [
    [["sevre"], "sevre", "serve, import"],
    [["constructor"], "constructor", "serve, import"],
    [["serve", "--nothing"], "--nothing", "--help"],
    [["--nothing"], "--nothing", "--help"],
    [["serve", "--host", "0.0.0.0"], "0.0.0.0", "--host"],
    [["serve", "--port", "x"], '"x"', "--port"],
    [["import"], "import", "DIR"],
    [["import", "no such folder"], "no such folder", "spelling"],
    [["watch", "--once"], "library", "serve and import make a new one"],
    [["tags", "import", LIST], "library", "serve and import make a new one"],
    [["tags", "import", LIST, "--dry-run"], "library", "serve and import make a new one"],
  ];
  const answers = await Promise.all(cases.map(([args]) => run(args)));
  for (const [i, { code, stdout, stderr }] of answers.entries()) {
    const [args, named, remedy] = cases[i];
    const what = `${args.join(" ")}: ${stderr}`;
    assertEquals([code, stdout], [2, ""], what);
    assert(stderr.includes(named) && stderr.includes(remedy), what);
    assert(!(await exists(join(ROOT, "no such place"))), "nothing was made");
    assert(!/\bat .*\.ts:\d+|unexpected error|positional/.test(stderr), what);
  }
});
