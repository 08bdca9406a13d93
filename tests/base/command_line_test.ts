import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import {
  commandLine,
  describeReinstall,
  findProgramForm,
  firstCommandLine,
  PROGRAM_FORM,
  quoteArgument,
} from "../../src/base/command_line.ts";
import { withTempDir } from "../support/temp.ts";

const MODULE = new URL("../../src/base/command_line.ts", import.meta.url).href;

Deno.test("findProgramForm() tells sources, a bundle and a compiled binary apart", () => {
  const cases: [url: string, isStandalone: boolean, form: string][] = [
    ["file:///home/me/chibibooru/src/base/command_line.ts", false, "sources"],
    ["https://jsr.io/@me/chibibooru/0.1.0/src/base/command_line.ts", false, "sources"],
    ["file:///home/me.js/src/base/command_line.ts", false, "sources"],
    ["file:///home/me/.cache/chibibooru/0.1.0/main.js", false, "package"],
    ["file:///C:/Users/me/chibibooru/chunk-AB12.js?x=1", false, "package"],
    ["file:///tmp/deno-compile-chibibooru/src/base/command_line.ts", true, "binary"],
    ["file:///tmp/deno-compile-chibibooru/main.js", true, "binary"],
  ];
  for (const [url, isStandalone, form] of cases) {
    assertEquals(findProgramForm({ url, isStandalone }), form, url);
  }
});

Deno.test("commandLine() says what can be typed in each form of the program", () => {
  assertEquals(PROGRAM_FORM, "sources");
  assertEquals(commandLine("restore latest"), "deno task restore latest");
  assertEquals(commandLine("restore latest", "package"), "chibibooru restore latest");
  assertEquals(commandLine("restore latest", "binary"), "chibibooru restore latest");
});

Deno.test("firstCommandLine() needs no Deno from sources", () => {
  assertEquals(firstCommandLine("import DIR"), "npx --yes deno@2.9.6 task import DIR");
  assertEquals(firstCommandLine("import DIR", "package"), "chibibooru import DIR");
  const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
  assert(readme.includes(firstCommandLine("serve")), "it is what the README begins with");
});

Deno.test("quoteArgument() makes one word for the shell of whatever it is given", async () => {
  const texts = ["plain/a-b_1.db", "two words", "it's", "$(touch x)", 'a"b`c`', "", "日本"];
  assertEquals(quoteArgument(texts[0]), texts[0]);
  const script = `printf '%s\\n' ${texts.map(quoteArgument).join(" ")}`;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script] }).output();
  assertEquals(new TextDecoder().decode(stdout).split("\n").slice(0, -1), texts);
});

Deno.test("describeReinstall() names what there is in that form", () => {
  assert(describeReinstall("sources").includes("deno install"));
  for (const form of ["package", "binary"] as const) {
    assert(!/\bdeno\b/.test(describeReinstall(form)), form);
    assert(/download the (file|program) again/i.test(describeReinstall(form)), form);
  }
  assert(describeReinstall("package").includes("CHIBIBOORU_CACHE"));
});

Deno.test("commandLine() needs no permission, and says the same in a worker", async () => {
  await withTempDir(async (folder) => {
    const module = JSON.stringify(MODULE);
    const worker = join(folder, "worker.ts");
    const main = join(folder, "main.ts");
    await Deno.writeTextFile(
      worker,
      `import { commandLine } from ${module};\nself.postMessage(commandLine("backup"));\n`,
    );
    await Deno.writeTextFile(
      main,
      `import { commandLine } from ${module};\nconsole.log(commandLine("check"));\n` +
        `const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });\n` +
        `worker.onmessage = ({ data }) => { console.log(data); worker.terminate(); };\n`,
    );
    const source = new URL(MODULE).pathname;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      // Modules of a worker are files that are read; nothing else is allowed.
      args: [
        ...["run", "--quiet", "--no-prompt", "--no-config", "--no-check", "--no-lock"],
        `--allow-read=${worker},${source}`,
        main,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stderr)], [0, ""]);
    assertEquals(decoder.decode(stdout), "deno task check\ndeno task backup\n");
  });
});
