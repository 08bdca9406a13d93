import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { openLogFile } from "../../src/system/log_file.ts";
import { withTempDir } from "../support/temp.ts";

/** Names and contents of the files in a folder. */
async function readTexts(dir: string): Promise<Record<string, string>> {
  const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
  const texts = await Promise.all(names.map((name) => Deno.readTextFile(join(dir, name))));
  return Object.fromEntries(names.map((name, i) => [name, texts[i]]));
}

Deno.test("openLogFile() adds lines, and puts full files aside up to a number", () =>
  withTempDir(async (dir) => {
    const path = join(dir, "log");
    await Deno.writeTextFile(path, "of an earlier run\n");
    const failures: string[] = [];
    const options = { bytesMax: 24, filesKept: 2, onFailure: (why: string) => failures.push(why) };
    {
      using file = openLogFile(path, options);
      for (let i = 1; i <= 7; i++) file.write(`line ${i} é\n`);
    }
    // Ten bytes a line: two to a file, and the oldest ones are gone.
    assertEquals(await readTexts(dir), {
      log: "line 7 é\n",
      "log.1": "line 5 é\nline 6 é\n",
      "log.2": "line 3 é\nline 4 é\n",
    });
    {
      using file = openLogFile(path, options);
      file.write(`${"x".repeat(50)}\n`);
      file.write("after\n");
    }
    const { log, "log.1": long } = await readTexts(dir);
    assertEquals([log, long.length, failures], ["after\n", 51, []]);
  }));

Deno.test("LogFile.write() loses lines that cannot be written, says so once, and goes on later", () =>
  withTempDir(async (dir) => {
    const folder = join(dir, "logs");
    await Deno.mkdir(folder);
    const path = join(folder, "log");
    const failures: string[] = [];
    let nowMs = 0;
    using file = openLogFile(path, {
      bytesMax: 10,
      onFailure: (why) => {
        failures.push(why);
        // Who is told writes to the log himself.
        file.write("told\n");
      },
      now: () => nowMs,
    });
    file.write("before 1\n");
    await Deno.rename(folder, join(dir, "moved"));
    file.write("lost 1\n");
    file.write("lost 2\n");
    nowMs = 60_000;
    file.write("lost 3\n");
    assertEquals(failures.length, 1);
    assertStringIncludes(failures[0], path);
    await Deno.mkdir(folder);
    nowMs = 120_000;
    file.write("after\n");
    assertEquals(await readTexts(folder), { log: "after\n" });
    assertEquals(await readTexts(join(dir, "moved")), { log: "before 1\n" });
  }));

Deno.test("openLogFile() refuses what cannot be a log, naming it and the remedy", () =>
  withTempDir((dir) => {
    for (const path of [dir, join(dir, "no such folder", "log")]) {
      const error = assertThrows(() => openLogFile(path, { onFailure: () => {} }), AppError, path);
      assertEquals(error.code, "bad_request");
      assertStringIncludes(error.remedy!, "--log-file");
    }
  }));
