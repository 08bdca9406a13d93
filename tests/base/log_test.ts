import { assert, assertEquals } from "@std/assert";
import { escapeControls, escapeLines, parseLogLevel } from "../../src/base/log.ts";

const LOG_MODULE = new URL("../../src/base/log.ts", import.meta.url).href;

/** Runs a program of one line that logs, and gives what it wrote to standard error. */
async function readLog(program: string): Promise<string> {
  const source = `import { configureLogging, log } from ${JSON.stringify(LOG_MODULE)};${program}`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { code, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--config", config, source],
  }).output();
  assertEquals([code, stdout.length], [0, 0], new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stderr);
}

Deno.test("escapeControls() shows what would move the cursor, hide or reverse text", () => {
  const table: [string, string][] = [
    ["plain 日本 🎨", "plain 日本 🎨"],
    ["\u001b[2J", "\\u001b[2J"],
    ["a\rb\tc\0d", "a\\u000db\\u0009c\\u0000d"],
    ["\u007f\u009b", "\\u007f\\u009b"],
    ["photo\u202egpj.exe", "photo\\u202egpj.exe"],
    ["\u2066x\u2069\u200f", "\\u2066x\\u2069\\u200f"],
    ["line one\nline two", "line one\\u000aline two"],
    ["", ""],
  ];
  for (const [text, expected] of table) assertEquals(escapeControls(text), expected);
});

Deno.test("escapeLines() keeps lines and escapes what is in them", () => {
  assertEquals(escapeLines("a\u001b[2J\n  at b\n"), "a\\u001b[2J\n  at b\n");
});

Deno.test("parseLogLevel() knows the levels in any case, and warn", () => {
  for (const level of ["trace", "debug", "info", "warning", "error", "fatal"] as const) {
    assertEquals(parseLogLevel(level.toUpperCase()), level);
  }
  assertEquals(parseLogLevel("WARN"), "warning");
  for (const no of ["", "verbose", "infos"]) assertEquals(parseLogLevel(no), undefined);
});

Deno.test("log() is silent until logging is configured", async () => {
  assertEquals(await readLog('log("cache").error("nobody hears");'), "");
});

Deno.test("configureLogging() writes text on a terminal, with control characters escaped", async () => {
  const text = await readLog(
    `configureLogging({ level: "info", isTerminal: true });
     log("import").warn("Skipped {path}", { path: "a\\u001b[2Jb" });
     log().info("ready"); log().debug("not shown");`,
  );
  const lines = text.split("\n").map((line) => line.replace(/^\d\d:\d\d:\d\d /, ""));
  assertEquals(lines, ["warning import: Skipped a\\u001b[2Jb", "ready", ""]);
});

Deno.test("configureLogging() writes one JSON object a line elsewhere", async () => {
  const text = await readLog(
    `configureLogging({ level: "error", isTerminal: false });
     log("cache").error("Cannot load {path}", { path: "x\\ny" }); log().warn("not shown");`,
  );
  const lines = text.trimEnd().split("\n");
  assertEquals(lines.length, 1);
  const record = JSON.parse(lines[0]);
  assertEquals(record.logger, "chibibooru.cache");
  assert(/error/i.test(record.level));
  assertEquals(record.properties.path, "x\ny");
});
