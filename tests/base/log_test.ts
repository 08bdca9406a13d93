import { assert, assertEquals } from "@std/assert";
import {
  describeFailure,
  escapeControls,
  escapeLines,
  parseLogLevel,
  toJsonText,
} from "../../src/base/log.ts";

const LOG_MODULE = new URL("../../src/base/log.ts", import.meta.url).href;

/** Runs a program of one line that logs, and gives what it wrote to standard error. */
async function readLog(program: string): Promise<string> {
  const names = "configureLogging, isLogged, log, withLogContext";
  const source = `import { ${names} } from ${JSON.stringify(LOG_MODULE)};
    import { setSecrets } from ${JSON.stringify(LOG_MODULE.replace("log.ts", "secrets.ts"))};
    ${program}`;
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

Deno.test("describeFailure() keeps the lines of the stack, and those of no file name", () => {
  const cause = new TypeError("cannot open a\nb\u001b[2J.png");
  const error = new Error("cannot import x\nchibibooru: all is well", { cause });
  const text = describeFailure(error);
  assert(text.includes("cannot import x\\u000achibibooru: all is well"), text);
  assert(text.includes("cannot open a\\u000ab\\u001b[2J.png"), text);
  assert(/\n +at .*log_test\.ts/.test(text), text);
  cause.cause = error;
  assert(describeFailure(error).includes("x\\u000achibibooru"), "a circle of causes ends");
  assertEquals(describeFailure("thrown\u009b text"), '"thrown\\x9b text"');
});

Deno.test("toJsonText() is the same JSON without what a terminal obeys", () => {
  const value = { "na\u202eme": "a\u001b\n\u009b2J\u007f日本🎨\\u0041", list: [1, null, "\u2066"] };
  const text = toJsonText(value);
  assertEquals(JSON.parse(text), value);
  assertEquals(escapeLines(text), text);
  assertEquals(text.split("\n").length, JSON.stringify(value, null, 2).split("\n").length);
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

Deno.test("configureLogging() lets no name in an error look like a line of its own", async () => {
  const text = await readLog(
    `configureLogging({ level: "info", isTerminal: true });
     log("x").warn("It failed: {error}", { error: new Error("bad a\\n12:00:00 all is well") });`,
  );
  assert(text.includes("bad a\\u000a12:00:00 all is well\n    at "), text);
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

Deno.test("withLogContext() names the request of every line that its work logs, later ones too", async () => {
  const text = await readLog(
    `configureLogging({ level: "info", isTerminal: true });
     const work = async (n) => { log("a").info("first {n}", { n }); await null; log().warn("then"); };
     await Promise.all([withLogContext({ requestId: "r-1" }, () => work(1)),
       withLogContext({ requestId: "r-2" }, () => work(2))]);
     log().info("outside"); console.error(isLogged("debug"), isLogged("info"), isLogged("error"));`,
  );
  const lines = text.split("\n").map((line) => line.replace(/^\d\d:\d\d:\d\d /, ""));
  assertEquals(lines, [
    "a: first 1 [r-1]",
    "a: first 2 [r-2]",
    "warning then [r-1]",
    "warning then [r-2]",
    "outside",
    "false true true",
    "",
  ]);
});

Deno.test("configureLogging() gives each line to the file as JSON, and no secret to anybody", async () => {
  const text = await readLog(
    `const lines = []; setSecrets(["hush-hush"]);
     configureLogging({ level: "info", isTerminal: true, file: (line) => lines.push(line) });
     withLogContext({ requestId: "r" }, () =>
       log("http").error("{path}: {error}", { path: "/x?api_key=k1k1&y=", error: new Error("hush-hush!") }));
     console.error(JSON.stringify(lines));`,
  );
  const [shown, ...rest] = text.trimEnd().split("\n");
  assert(shown.includes("/x?api_key=***&y=: Error: ***!"), shown);
  const [line] = JSON.parse(rest.at(-1)!);
  assert(line.endsWith("}\n"));
  const record = JSON.parse(line);
  assertEquals([record.logger, record.properties.requestId], ["chibibooru.http", "r"]);
  assert(record.message.startsWith("/x?api_key=***&y=: Error: ***!"), record.message);
  assert(!text.includes("hush-hush") && !text.includes("k1k1"), text);
});
