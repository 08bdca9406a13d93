import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { mainCommand, runMain } from "../support/run_main.ts";
import { writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

/** Runs `watch --once --json`. */
async function scanOnce(library: string, ...args: string[]) {
  const ended = await runMain(["watch", "--once", "--json", "--library", library, ...args]);
  const roots = ended.stdout === "" ? [] : JSON.parse(ended.stdout).roots;
  // deno-lint-ignore no-explicit-any -- what a test reads of it is what it asserts
  return { ...ended, roots: roots as any[] };
}

fullTierTest("watch --once imports, asks with code 1, and obeys --accept-missing", async () => {
  await withTempDir(async (temp) => {
    const folder = await Deno.realPath(temp);
    const [library, source] = [join(folder, "library"), join(folder, "pics")];
    for (let i = 0; i < 30; i++) await writePicture(join(source, `${i}.png`), i);
    await runMain(["import", source, "--in-place", "--library", library]);
    await writePicture(join(library, "ingest/a\n$(touch x).png"), 100);
    const first = await scanOnce(library);
    assertEquals([first.code, first.stderr, first.roots[0].added], [0, "", 1]);
    for (let i = 0; i < 15; i++) await Deno.remove(join(source, `${i}.png`));
    const asked = await scanOnce(library);
    assertEquals([asked.code, asked.roots[1].state, asked.roots[1].missing_asked], [1, "asks", 15]);
    const wrong = await scanOnce(library, "--accept-missing", "none");
    assert(wrong.code === 2 && wrong.stderr.includes("@pics"), wrong.stderr);
    const accepted = await scanOnce(library, "--accept-missing", "pics");
    assertEquals([accepted.code, accepted.roots[1].missing], [0, 15]);
    const text = await runMain(["watch", "--once", "--library", library]);
    assertEquals([text.code, text.stdout.split("\n").length], [0, 3]);
    for (
      const args of [["--rescan-minutes", "0"], ["--rescan-minutes", "x"], ["--json"], ["folder"]]
    ) {
      const { code, stderr } = await runMain(["watch", "--library", library, ...args]);
      assert(code === 2 && stderr.split("\n").length >= 2, stderr);
    }
  });
});

/** Reads what a child prints until it printed a text; cancel what is given to read no more. */
async function readUntil(
  stream: ReadableStream<Uint8Array>,
  wanted: string,
): Promise<ReadableStreamDefaultReader<string>> {
  let text = "";
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes(wanted)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`It ended without printing "${wanted}": ${text}`);
    text += value;
  }
  return reader;
}

fullTierTest(
  "watch and serve --watch take what appears, one of them at a time, and end in order",
  async () => {
    await withTempDir(async (temp) => {
      const library = join(await Deno.realPath(temp), "library");
      const commands = [
        ["serve", "--watch", "--port", "0", "--library", library],
        ["watch", "--library", library],
      ];
      for (const [i, args] of commands.entries()) {
        const child = mainCommand(args).spawn();
        const errors = new Response(child.stderr).text();
        const reader = await readUntil(child.stdout, i === 0 ? "http://" : "ingest");
        await writePicture(join(library, `ingest/${i}.png`), i);
        const second = await runMain(["watch", "--library", library]);
        assertEquals(second.code, 2);
        const holder = i === 0 ? "serve --watch" : "watch";
        assertStringIncludes(second.stderr, `in use by ${holder} (process ${child.pid})`);
        const watcher = Deno.watchFs(join(library, "ingest"));
        const isTaken = () =>
          Deno.stat(join(library, `ingest/${i}.png`)).then(() => false, () => true);
        if (!(await isTaken())) { for await (const _ of watcher) if (await isTaken()) break; }
        try {
          watcher.close();
        } catch (error) {
          // Leaving its loop closed it.
          if (!(error instanceof Deno.errors.BadResource)) throw error;
        }
        child.kill("SIGTERM");
        assertEquals([(await child.status).code, await errors], [0, ""]);
        await reader.cancel();
      }
      const { stdout } = await runMain(["watch", "--once", "--json", "--library", library]);
      assertEquals(JSON.parse(stdout).roots[0].files_seen, 0);
    });
  },
);
